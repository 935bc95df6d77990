//! Reads a campaign file.

use std::sync::Arc;

use super::check::{Values, check, unknown_key};
use super::draft::{Draft, configs, listed};
use super::experiment;
use super::files::Files;
use super::findings::Findings;
use super::grid::{MAX_EXPERIMENTS, grid};
use super::known::{CAMPAIGN, EXPERIMENT};
use super::runner::{devices, runners};
use super::spec::Prompts;
use super::thermal;
use super::tree::Tree;
use super::written::{Campaign, Execution, Runners};
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::Resolved;
use crate::yaml::{Node, NodeValue, Position, parse};

/// Reads a campaign. Pure: `files` reads the files that it names, by paths relative to the campaign file's folder.
///
/// Every finding is returned, in the order of the lines. There is a campaign exactly when none of them is an error: what
/// was read is then executed as written.
pub fn read(
    file_name: &str,
    text: &str,
    files: &dyn Fn(&str) -> Result<String, String>,
) -> (Option<Campaign>, Vec<Diagnostic>) {
    let mut findings = Findings::default();
    let files = Files { campaign: Arc::from(file_name), read: files };
    let campaign = campaign(text, &files, &mut findings);
    let problems = findings.finish();
    let sound = problems.iter().all(|problem| problem.severity != Severity::Error);
    let campaign =
        campaign.filter(|_| sound).map(|campaign| Campaign { problems: problems.clone(), ..campaign });
    (campaign, problems)
}

fn campaign(text: &str, files: &Files<'_>, findings: &mut Findings) -> Option<Campaign> {
    let file = &files.campaign;
    let root = match parse(text) {
        Ok(root) => root,
        Err(error) => {
            let problem = Diagnostic::error("not_yaml", format!("not valid YAML: {}", error.message));
            findings.add(problem.in_file(file, error.at));
            return None;
        }
    };
    if let Some(problem) = not_a_campaign(&root) {
        findings.add(problem.in_file(file, root.at));
        return None;
    }
    let tree = Tree::from_node(&root, file, root.at);
    let values = check_top(&tree, findings);
    check_ranges(&values, findings);
    let experiments: Vec<_> = drafts(&root, files, findings)
        .into_iter()
        .map(|draft| experiment::build(draft, files, findings))
        .collect();
    let runners = root.entry("runner").map_or_else(Runners::default, |entry| runners(entry, file, findings));
    unused_runners(&runners, &experiments, &root, file, findings);
    Some(Campaign {
        name: values.owned_text("campaign_name")?,
        experiments,
        model: values.sourced("model", values.owned_text("model")),
        dataset: values
            .sourced("dataset", values.text("dataset").map(|name| beside(Prompts::named(name), files))),
        num_samples: values.sourced("num_samples", values.u32("num_samples")),
        execution: execution(&values),
        devices: root.path("measurement.devices").and_then(|node| devices(node, file, findings)),
        interval_ms: values.sourced("measurement.interval_ms", values.u32("measurement.interval_ms")),
        baseline: thermal::baseline(&values),
        thermal: thermal::thermal(&values),
        runners,
        cold_start: ["cold_start.force_cold_start", "cold_start.restart_container"]
            .into_iter()
            .find_map(|key| values.sourced(key, values.bool(key).filter(|wanted| *wanted))),
        max_restarts: max_restarts(&values),
        group_by: values.texts("group_by"),
        problems: Vec::new(),
    })
}

/// Pairs of keys that must be in order.
fn check_ranges(values: &Values, findings: &mut Findings) {
    for (least, most) in
        [("thermal.min_seconds", "thermal.max_seconds"), ("execution.cycles.min", "execution.cycles.max")]
    {
        if let (Some(low), Some(high)) = (values.f64(least), values.f64(most))
            && low > high
        {
            let message = format!("`{least}` {low} is more than `{most}` {high}");
            findings.add(values.mark(least, Diagnostic::error("contradiction", message)));
        }
    }
    let partly = ["min", "max"].map(|key| format!("execution.cycles.{key}"));
    let target = "execution.cycles.target_ci_percent";
    if let Some(key) = partly.iter().find(|key| values.has(key) && !values.has(target)) {
        let message = format!("`{key}` has no meaning without `{target}`");
        let hint = format!("add `{target}: 2`, or write one number of cycles");
        findings.add(values.mark(key, Diagnostic::error("missing_key", message).with_hint(hint)));
    }
}

/// `restart_on_failure: false` is none.
fn max_restarts(values: &Values) -> Option<Resolved<u32>> {
    let never = values.bool("health_check.restart_on_failure").filter(|restart| !restart).map(|_| 0);
    values
        .sourced("health_check.restart_on_failure", never)
        .or_else(|| values.sourced("health_check.max_restarts", values.u32("health_check.max_restarts")))
}

/// Prompt files are named from the campaign file's folder.
fn beside(prompts: Prompts, files: &Files<'_>) -> Prompts {
    match prompts {
        Prompts::File { path, column } => Prompts::File { path: files.beside(&path), column },
        other => other,
    }
}

/// Checks the keys at the top. A key of an experiment that stands there is told where it belongs.
fn check_top(tree: &Tree, findings: &mut Findings) -> Values {
    let mut own = Findings::default();
    let values = check(tree, CAMPAIGN, &mut own);
    for finding in own.finish() {
        let top = finding.field.as_deref().filter(|_| finding.code == "unknown_key");
        let misplaced =
            top.filter(|key| EXPERIMENT.iter().any(|known| known.path.split('.').next() == Some(key)));
        let hint = misplaced.map(|key| {
            format!("`{key}` belongs to experiments: put it under `grid.shared` or into a config")
        });
        findings.add(match hint {
            Some(hint) => finding.with_hint(hint),
            None => finding,
        });
    }
    values
}

/// What the file is, if it is not a campaign of this dialect.
fn not_a_campaign(root: &Node) -> Option<Diagnostic> {
    if root.is_null() {
        return Some(
            Diagnostic::error("empty", "the campaign file is empty")
                .with_hint("it needs at least `campaign_name` and `grid`, `configs` or `experiments`"),
        );
    }
    if !matches!(root.value, NodeValue::Mapping(_)) {
        let message = format!("a campaign file must be a mapping of keys, this is {}", root.kind_name());
        return Some(Diagnostic::error("wrong_type", message));
    }
    if root.get("campaign_name").is_some_and(|name| !name.is_null()) {
        return None;
    }
    let has = |key: &str| root.get(key).is_some();
    let problem = if ["study_name", "task", "study_execution"].into_iter().any(has) || has("sweep") {
        Diagnostic::error(
            "other_dialect",
            "this is a study file of another tool; this version reads campaign files",
        )
        .with_hint("write `campaign_name`, and the sweep as `grid.shared`")
    } else if has("config_name") || has("model_name") {
        Diagnostic::error("other_dialect", "this is the config of one experiment, not a campaign")
            .with_hint("name it in the `configs` of a campaign file")
    } else {
        let problem = Diagnostic::error("missing_key", "`campaign_name` is missing").about("campaign_name");
        match root
            .entries()
            .iter()
            .find_map(|entry| unknown_key(CAMPAIGN, &entry.key).hint.map(|_| &entry.key))
        {
            Some(key) if crate::suggest::nearest(key, ["campaign_name"]).is_some() => {
                problem.with_hint(format!("is `{key}` meant to be it?"))
            }
            _ => problem.with_hint("add `campaign_name: some-name`"),
        }
    };
    Some(problem)
}

fn drafts(root: &Node, files: &Files<'_>, findings: &mut Findings) -> Vec<Draft> {
    let empty = |node: &Node| matches!(&node.value, NodeValue::Sequence(items) if items.is_empty());
    let written = |key: &str| root.entry(key).filter(|entry| !entry.value.is_null() && !empty(&entry.value));
    let mut parts = Vec::new();
    if let Some(entry) = written("grid") {
        parts.push(("grid", grid(entry, &files.campaign, findings)));
    }
    if let Some(entry) = written("configs") {
        parts.push(("configs", configs(entry, files, findings)));
    }
    if let Some(entry) = written("experiments") {
        parts.push(("experiments", listed(entry, files, findings)));
    }
    let total: usize = parts.iter().map(|(_, drafts)| drafts.len()).sum();
    let problem = if parts.is_empty() {
        let problem = Diagnostic::error("no_experiments", "the campaign has no experiments");
        Some(problem.with_hint("give at least one of `grid`, `configs` and `experiments`"))
    } else if total > MAX_EXPERIMENTS {
        let message = format!("the campaign has {total} experiments; at most {MAX_EXPERIMENTS} are planned");
        Some(Diagnostic::error("too_many", message).with_hint("split the campaign"))
    } else if parts.len() > 1 {
        let counts: Vec<_> =
            parts.iter().map(|(key, drafts)| format!("{} from `{key}`", drafts.len())).collect();
        let message = format!("{total} experiments are planned together: {}", counts.join(", "));
        Some(Diagnostic::note("mixed", message))
    } else {
        None
    };
    if let Some(problem) = problem {
        findings.add(problem.in_file(&files.campaign, Position { line: 1, column: 1 }));
    }
    parts.into_iter().flat_map(|(_, drafts)| drafts).collect()
}

fn execution(values: &Values) -> Execution {
    let seconds = |key: &str| values.sourced(key, values.f64(key));
    let count = |key: &str| values.sourced(key, values.u32(key));
    let structure = values.text("execution.structure").and_then(|word| word.parse().ok());
    let stopping = thermal::stopping(values);
    Execution {
        cycles: stopping.map_or_else(|| count("execution.cycles"), |_| thermal::most_cycles(values)),
        stopping,
        structure: values.sourced("execution.structure", structure),
        seed: values.sourced("execution.seed", values.u64("execution.seed")),
        warmup_prompts: count("execution.warmup_prompts"),
        warmup_timeout_s: seconds("execution.warmup_timeout_seconds"),
        config_gap_s: seconds("execution.config_gap_seconds"),
        cycle_gap_s: seconds("execution.cycle_gap_seconds"),
        run_timeout_s: seconds("execution.run_timeout_seconds"),
        silence_timeout_s: seconds("execution.silence_timeout_seconds"),
        max_consecutive_failures: count("execution.max_consecutive_failures"),
    }
}

/// A runner for a backend that no experiment has would be dropped without a word.
fn unused_runners(
    runners: &Runners,
    experiments: &[super::written::WrittenExperiment],
    root: &Node,
    file: &Arc<str>,
    findings: &mut Findings,
) {
    for backend in runners.by_backend.keys() {
        let used = experiments.iter().any(|it| it.backend.as_ref().is_none_or(|name| name == backend));
        let place = root.get("runner").and_then(|node| node.entry(backend));
        if let Some(place) = place.filter(|_| !used) {
            let field = format!("runner.{backend}");
            let message = format!("`{field}` has no effect: no experiment has that backend");
            findings.add(Diagnostic::warning("unused", message).in_file(file, place.key_at).about(field));
        }
    }
}
