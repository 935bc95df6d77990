//! Campaigns read and resolved: the fixtures as a whole, and the text of every message.

mod in_force;
mod messages;
mod values;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::*;
use crate::diagnostic::Diagnostic;
use crate::settings::Settings;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Reads a fixture as the engine would from the fixtures' folder.
fn read_fixture(name: &str) -> (Option<Campaign>, Vec<Diagnostic>) {
    let text = std::fs::read_to_string(fixtures().join(name)).expect("the fixture is there");
    read(name, &text, &|path| {
        std::fs::read_to_string(fixtures().join(path)).map_err(|error| error.to_string())
    })
}

/// Reads a text beside some other files.
fn read_with(text: &str, others: &[(&str, &str)]) -> (Option<Campaign>, Vec<Diagnostic>) {
    let others: HashMap<&str, &str> = others.iter().copied().collect();
    read("c.yaml", text, &|path| {
        others.get(path).map(|text| (*text).to_owned()).ok_or("no such file".to_owned())
    })
}

fn resolved(text: &str) -> ResolvedCampaign {
    resolved_with(text, &Overrides::default())
}

fn resolved_with(text: &str, overrides: &Overrides) -> ResolvedCampaign {
    let (campaign, problems) = read_with(text, &[]);
    let campaign = campaign.unwrap_or_else(|| panic!("{}", lines(&problems)));
    resolve(campaign, overrides, &Settings::default())
}

fn lines(problems: &[Diagnostic]) -> String {
    problems.iter().map(|problem| problem.to_string() + "\n").collect()
}

/// The names of the experiments of a campaign.
fn names(campaign: &ResolvedCampaign) -> Vec<&str> {
    campaign.experiments.iter().map(|spec| spec.name.as_str()).collect()
}
