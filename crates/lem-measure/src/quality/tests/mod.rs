//! Every check with every verdict that it can have, from traces where it stands on a trace.

mod devices;
mod experiments;
mod rules;
mod runs;
mod scene;

use std::collections::BTreeSet;

use super::{Check, Kind, Verdict};

/// One row of a table: this change to a good run or experiment makes this check say that.
type Case<T> = (&'static str, Verdict, fn(&mut T));

/// Checks each row, and that the rows hold each verdict of each check of the catalogue and nothing else.
#[track_caller]
fn assert_complete<T>(tables: &[&[Case<T>]], kinds: &[Kind], make: impl Fn(fn(&mut T)) -> Vec<Check>) {
    let mut seen = BTreeSet::new();
    for (id, verdict, change) in tables.iter().copied().flatten() {
        let checks = make(*change);
        let check = checks.iter().find(|check| check.id == *id);
        let check = check.unwrap_or_else(|| panic!("{id} is left out"));
        assert_eq!(check.verdict, *verdict, "{check:?}");
        assert!(check.why.ends_with('.') && check.why.len() > 10, "{check:?}");
        seen.insert((*id, verdict.name()));
    }
    let can = kinds.iter().flat_map(|kind| kind.verdicts.iter().map(|verdict| (kind.id, verdict.name())));
    assert_eq!(seen, can.collect(), "rows of the tables, and verdicts of the catalogue");
}
