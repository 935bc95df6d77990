//! `lem plan`: what a campaign would do, as programs read it.

use lem_tests::{CAMPAIGN, Finished, Project, names, number, repository, text};
use serde_json::Value;

#[track_caller]
fn plan(project: &Project, arguments: &[&str]) -> Finished {
    project.write_campaign();
    let file = project.file(CAMPAIGN).display().to_string();
    project.lem(&[&["plan", file.as_str(), "--json"], arguments].concat())
}

#[track_caller]
fn list<'a>(plan: &'a Value, field: &str) -> &'a [Value] {
    plan[field].as_array().unwrap_or_else(|| panic!("{field} is no list in {plan:#}"))
}

#[test]
fn a_plan_has_the_fields_that_programs_read() {
    let project = Project::new().execution("cycles", 2).scripted("a", "honest").scripted("b", "honest");
    let plan = plan(&project, &["--config-gap", "3", "--cycle-gap", "5"]).exits(0).json();
    let found = names(&plan);
    for field in ["experiments", "runs", "total_gap_s", "problems"] {
        assert!(found.contains(&field), "{field} in {found:?}");
    }
    let experiment = &list(&plan, "experiments")[0];
    for field in ["name", "backend", "service", "model", "parameters"] {
        assert!(names(experiment).contains(&field), "{field} in {experiment:#}");
    }
    assert!(experiment["service"].is_null(), "a local process is in no service: {experiment:#}");
    let runs = list(&plan, "runs");
    for field in ["index", "experiment", "cycle", "gap_before_s", "gap_source"] {
        assert!(runs.iter().all(|run| names(run).contains(&field)), "{field} in {:#}", runs[0]);
    }
    let order: Vec<&str> = runs.iter().map(|run| text(run, "experiment")).collect();
    assert_eq!(order, ["a", "b", "a", "b"]);
    let gaps: Vec<f64> = runs.iter().map(|run| number(run, "gap_before_s")).collect();
    assert_eq!(gaps, [0.0, 3.0, 5.0, 3.0], "none before the first run");
    assert!((number(&plan, "total_gap_s") - 11.0).abs() < 1e-9);
    assert!(list(&plan, "problems").is_empty(), "{plan:#}");
}

#[test]
fn a_backend_is_planned_in_the_service_of_its_own_name() {
    let project = Project::new();
    let file = repository().join("examples/sweep.yaml").display().to_string();
    let plan = project.lem(&["plan", &file, "--json"]).json();
    let experiments = list(&plan, "experiments");
    assert!(!experiments.is_empty(), "{plan:#}");
    for experiment in experiments {
        assert_eq!(text(experiment, "service"), text(experiment, "backend"), "{experiment:#}");
    }
}

#[test]
fn the_command_line_wins_over_the_campaign_and_that_over_the_settings() {
    let project = Project::new().execution("cycles", 2).scripted("a", "honest").scripted("b", "honest");
    project.write(".lem-config.yaml", "thermal_gaps:\n  between_experiments: 7\n  between_cycles: 8\n");
    let gap = |plan: &Value, run: usize| {
        let run = &list(plan, "runs")[run];
        (number(run, "gap_before_s"), text(run, "gap_source").to_owned())
    };
    let all = plan(&project, &["--cycle-gap", "0.5"]).exits(0).json();
    assert_eq!(gap(&all, 2), (0.5, "command line".into()));
    assert!(
        gap(&all, 1).0.abs() < 1e-9 && gap(&all, 1).1.starts_with("campaign file, line"),
        "{:?}",
        gap(&all, 1)
    );

    project.write(
        "bare.yaml",
        "campaign_name: bare\nrunner: process\nexperiments: [{backend: candle, model: m}]\n",
    );
    let file = project.file("bare.yaml").display().to_string();
    let bare = project.lem(&["plan", &file, "--json", "--cycles", "2"]).exits(0).json();
    assert_eq!(gap(&bare, 1), (8.0, ".lem-config.yaml, line 3".into()));
    std::fs::remove_file(project.file(".lem-config.yaml")).expect("it was there");
    let bare = project.lem(&["plan", &file, "--json", "--cycles", "2"]).exits(0).json();
    assert_eq!(gap(&bare, 1), (300.0, "built in".into()));
}

#[test]
fn a_seed_gives_the_same_order_again() {
    let project = "abcdefgh".chars().fold(Project::new(), |p, name| p.scripted(&name.to_string(), "honest"));
    let order = |seed: &str| {
        let plan =
            plan(&project, &["--structure", "shuffled", "--cycles", "2", "--seed", seed]).exits(0).json();
        assert_eq!(plan["seed"].to_string(), seed);
        list(&plan, "runs").iter().map(|run| text(run, "experiment").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(order("5"), order("5"));
    assert_ne!(order("5"), order("6"));
}

#[test]
fn a_bad_file_is_bad_input_and_its_problems_are_listed() {
    let project = Project::new();
    project
        .write("bad.yaml", "campaign_name: bad\nrunner: process\nexecution:\n  cycles: 0\nexperiments: []\n");
    let file = project.file("bad.yaml").display().to_string();
    let plan = project.lem(&["plan", &file, "--json"]).exits(2).json();
    let problems = list(&plan, "problems");
    let cycles = problems.iter().find(|problem| problem["field"] == "execution.cycles");
    let cycles = cycles.unwrap_or_else(|| panic!("{problems:#?}"));
    assert_eq!(cycles["at"]["line"], 4, "{cycles:#}");
    let _ = project.lem(&["run", &file]).exits(2).says("execution.cycles");
    assert!(!project.file("results").exists(), "what cannot run leaves nothing behind");

    project.write("broken.yaml", "campaign_name: broken\nexecution: [\n");
    let file = project.file("broken.yaml").display().to_string();
    let plan = project.lem(&["plan", &file, "--json"]).exits(2).json();
    assert!(!list(&plan, "problems").is_empty(), "{plan:#}");
    let _ = project.lem(&["plan", "/no/such/campaign.yaml"]).exits(2).says("/no/such/campaign.yaml");
}

#[test]
fn a_misspelt_key_is_warned_of_with_the_one_that_was_meant() {
    let project = Project::new().execution("cylces", 4).scripted("a", "honest");
    let plan = plan(&project, &[]).exits(0).json();
    let problem = &list(&plan, "problems")[0];
    assert_eq!(text(problem, "severity"), "warning");
    assert!(text(problem, "hint").contains("cycles"), "{problem:#}");
}
