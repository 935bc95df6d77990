//! The checks of a run, one function each, in groups by what they look at.

mod conditions;
mod device;
mod energy;
mod host;
mod sampling;
mod thermal;
mod work;

use super::Check;
use super::facts::RunFacts;

pub(super) use thermal::START_C;

/// Every check, in the order of the catalogue; those that do not apply are left out.
pub(super) fn run(facts: &RunFacts) -> Vec<Check> {
    let groups = [
        sampling::checks,
        energy::checks,
        device::checks,
        thermal::checks,
        conditions::checks,
        work::checks,
        host::checks,
    ];
    groups.iter().flat_map(|checks| checks(facts)).collect()
}

/// A list of words for a sentence.
fn list(words: &[String]) -> String {
    words.join(", ")
}
