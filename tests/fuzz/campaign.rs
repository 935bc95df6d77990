//! Campaign files, from their text to the plan and the messages to workers.

use std::collections::{BTreeMap, HashSet};
use std::fs;

use lem_campaign::plan::worker_experiment;
use lem_protocol::framing::{ExperimentError, experiment_line};
use lem_spec::campaign::{Campaign, Overrides, read, resolve};
use lem_spec::diagnostic::{Diagnostic, Severity};
use lem_spec::settings::Settings;

use crate::corpus::{YAML, contents, files, text};
use crate::hunt::{Target, hunt};

/// Larger plans are the benchmark's subject.
const MOST_RUNS: usize = 20_000;

const WORDS: &[&str] = &[
    "campaign_name: x\n",
    "grid:\n",
    "experiments:\n",
    "configs: [configs/base.yaml]\n",
    "configs:\n  - fuzzed.yaml\n",
    "overrides:\n",
    "execution:\n",
    "cycles: 1000\n",
    "structure: latin_square\n",
    "structure: grouped\n",
    "runner: process\n",
    "runner: {candle: {kind: process, command: [a]}}\n",
    "measurement:\n",
    "devices: all\n",
    "interval_ms: 5\n",
    "shared:\n",
    "backend_overrides:\n",
    "models:\n",
    "backends: [candle, vllm]\n",
    "max_output_tokens: [1, 2, 3]\n",
    "fp_precision: float32\n",
    "cold_start: {force_cold_start: true}\n",
    "group_by: [a, a]\n",
    "seed: 18446744073709551615\n",
    "config_gap_seconds: 1e308\n",
    "_extends: configs/base.yaml\n",
    "<<: *a\n",
    "&a ",
    "*a",
    "null",
    "true",
    ".nan",
    ".inf",
    "-1",
    "0",
    "1e309",
    "0.5",
    "4294967296",
    "\"\"",
    "''",
    "[]",
    "{}",
    "- ",
    "\u{0}",
    "\u{feff}",
    "\r\n",
    "🦀",
    "../../../etc/hostname",
];

#[test]
fn any_text_is_a_campaign_that_can_be_planned_or_is_refused() {
    let fixtures = "crates/lem-spec/tests/fixtures";
    let mut seeds = contents(fixtures, &[".yaml", ".json"]);
    seeds.extend(contents("examples", &[".yaml"]));
    seeds.push(YAML.concat().into_bytes());
    let beside = beside(fixtures);
    hunt(Target { name: "campaign", seeds, words: WORDS }, |input| {
        let text = text(input);
        let other = |path: &str| match path {
            // A file that names itself, in the end.
            "fuzzed.yaml" => Ok(text.clone().into_owned()),
            _ => beside.get(path).cloned().ok_or_else(|| "no such file".to_owned()),
        };
        let (campaign, problems) = read("campaign.yaml", &text, &other);
        let refused = problems.iter().any(|problem| problem.severity == Severity::Error);
        assert_eq!(campaign.is_none(), refused, "a campaign is there exactly where nothing is an error");
        let lines = text.split(['\n', '\r']).count();
        for problem in &problems {
            sound(problem, lines);
        }
        let planned = campaign.map(planned).unwrap_or_default();
        planned + &codes(&problems)
    });
}

/// The files of the fixtures by their paths relative to the campaign.
fn beside(folder: &str) -> BTreeMap<String, String> {
    let root = lem_tests::repository().join(folder);
    let named = files(folder).into_iter().map(|file| {
        let name = file.strip_prefix(&root).expect("it lies beneath").to_string_lossy().into_owned();
        (name, fs::read_to_string(&file).expect("a fixture"))
    });
    named.collect()
}

fn sound(problem: &Diagnostic, lines: usize) {
    assert!(!problem.message.trim().is_empty() && !problem.code.is_empty(), "{problem:?}");
    assert!(
        problem.to_string().len() < 20_000,
        "nobody reads a message of {} bytes",
        problem.to_string().len()
    );
    if let (Some("campaign.yaml"), Some(at)) = (problem.file.as_deref(), problem.at) {
        assert!((1..=lines + 1).contains(&(at.line as usize)), "{problem} is beyond the {lines} lines");
    }
}

/// What each problem is about: a campaign with other problems has taken another way.
fn codes(problems: &[Diagnostic]) -> String {
    let about = |problem: &Diagnostic| {
        let known = problem.field.as_deref().filter(|_| problem.code != "unknown_key");
        let field = known.unwrap_or_default();
        format!("{} {}; ", problem.code, field.chars().take(40).collect::<String>())
    };
    let mut codes: Vec<String> = problems.iter().map(about).collect();
    codes.sort();
    codes.dedup();
    codes.into_iter().take(8).collect()
}

/// A campaign without an error resolves to numbers that can be executed.
fn planned(campaign: Campaign) -> String {
    let resolved = resolve(campaign, &Overrides::default(), &Settings::default());
    assert!((1..=1000).contains(&resolved.cycles.value), "{} cycles", resolved.cycles.value);
    for seconds in [resolved.config_gap_s.value, resolved.cycle_gap_s.value, resolved.silence_timeout_s.value]
    {
        assert!(seconds.is_finite() && seconds >= 0.0, "{seconds} s");
    }
    let names: HashSet<&str> = resolved.experiments.iter().map(|spec| spec.name.as_str()).collect();
    if !resolved.has_errors() {
        assert_eq!(names.len(), resolved.experiments.len(), "two experiments have one name");
    }
    let runs = resolved.experiments.len() * resolved.cycles.value as usize;
    if runs > MOST_RUNS {
        return "large".to_owned();
    }
    let plan = lem_campaign::plan::plan(&resolved, 1);
    let wanted = if resolved.has_errors() { 0 } else { runs };
    assert_eq!(plan.runs.len(), wanted, "every experiment runs once in each cycle");
    assert!(plan.total_gap_s.is_finite() && plan.total_gap_s >= 0.0, "{} s of gaps", plan.total_gap_s);
    for spec in &resolved.experiments {
        match experiment_line(&worker_experiment(spec, "run", 1)) {
            Ok(_) | Err(ExperimentError::TooLong) => {}
            Err(fault) => panic!("no worker can be told of {}: {fault}", spec.name),
        }
    }
    format!("{:?} {} ", resolved.structure.value, resolved.has_errors())
}
