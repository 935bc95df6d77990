//! `.lem-config.yaml` through the command.

use lem_tests::{Project, text};

const COMMENTED: &str = "\u{feff}# ours\r\nthermal_gaps:   # why: the card is slow to cool\r\n  between_cycles: 300 # s\r\n\
                         \r\nmine: {a: 1}\r\nresults_dir: \"out\"";

#[test]
fn setting_one_value_changes_its_bytes_and_no_others() {
    let project = Project::new();
    project.write(".lem-config.yaml", COMMENTED);
    let _ = project.lem(&["config", "set", "thermal_gaps.between_cycles", "12.5"]).exits(0);
    assert_eq!(project.read(".lem-config.yaml"), COMMENTED.replace("300", "12.5"));
    let _ = project.lem(&["config", "set", "thermal_gaps.between_cycles", "300"]).exits(0);
    assert_eq!(project.read(".lem-config.yaml"), COMMENTED);
    let shown = project.lem(&["config", "get", "thermal_gaps.between_cycles", "--json"]).exits(0).json();
    assert_eq!((&shown["value"], &shown["source"]["line"]), (&300.0.into(), &3.into()), "{shown:#}");
}

#[test]
fn a_first_setting_makes_the_file() {
    let project = Project::new();
    let _ = project.lem(&["config", "set", "docker.strategy", "persistent"]).exits(0);
    let shown = project.lem(&["config", "get", "docker.strategy"]).exits(0);
    assert_eq!(shown.stdout, "persistent\n");
}

#[test]
fn a_value_that_is_refused_leaves_the_file_alone() {
    let project = Project::new();
    project.write(".lem-config.yaml", COMMENTED);
    let refused = [
        ("thermal_gaps.between_cycles", "-1"),
        ("docker.strategy", "sometimes"),
        ("thermal_gaps.between_cycles", "nan"),
    ];
    for (field, value) in refused {
        let _ = project.lem(&["config", "set", field, value]).exits(2).says(field);
    }
    let _ =
        project.lem(&["config", "set", "thermal_gaps.between_cyles", "1"]).exits(2).says("between_cycles");
    assert_eq!(project.read(".lem-config.yaml"), COMMENTED);
}

#[test]
fn invalid_yaml_leaves_the_defaults_in_force_and_the_file_as_it_is() {
    let project = Project::new();
    let text_before = "verbosity: verbose\nthermal_gaps: [1, 2\n";
    project.write(".lem-config.yaml", text_before);
    let checked = project.lem(&["config", "check", "--json"]).exits(2).json();
    let diagnostics = checked["diagnostics"].as_array().expect("diagnostics");
    assert_eq!(diagnostics.len(), 1, "one diagnostic: {checked:#}");
    assert!(diagnostics[0]["at"]["line"].as_u64() >= Some(2), "with its line: {checked:#}");
    assert!(diagnostics[0]["at"]["column"].as_u64() >= Some(1), "and column: {checked:#}");
    let shown = project.lem(&["config", "get", "thermal_gaps.between_cycles", "--json"]).exits(0).json();
    assert_eq!((&shown["value"], text(&shown["source"], "kind")), (&300.0.into(), "built_in"));
    let _ = project.lem(&["config", "set", "verbosity", "quiet"]).exits(2);
    assert_eq!(project.read(".lem-config.yaml"), text_before);
}

#[test]
fn one_bad_value_costs_its_own_field_alone() {
    let project = Project::new();
    project.write(
        ".lem-config.yaml",
        "thermal_gaps:\n  between_experiments: -3\n  between_cycles: 9\nresult_dir: x\n",
    );
    let checked = project.lem(&["config", "check"]).exits(2);
    assert!(checked.stderr.contains(".lem-config.yaml:2:"), "names the line: {}", checked.stderr);
    assert!(
        checked.stderr.contains("thermal_gaps.between_experiments"),
        "names the field: {}",
        checked.stderr
    );
    assert!(checked.stderr.contains("results_dir"), "suggests the nearest key: {}", checked.stderr);
    let get = |field: &str| project.lem(&["config", "get", field]).exits(0).stdout;
    assert_eq!(
        (get("thermal_gaps.between_experiments").trim(), get("thermal_gaps.between_cycles").trim()),
        ("60", "9")
    );
}

#[test]
fn unusual_gaps_in_force_are_told_in_the_log_with_their_source() {
    const TOLD: &str = "thermal gaps in force";
    let project = Project::new();
    project.write(
        "bare.yaml",
        "campaign_name: bare\nrunner: process\nexperiments: [{backend: candle, model: m}]\n",
    );
    let file = project.file("bare.yaml").display().to_string();
    let log = |arguments: &[&str]| project.lem(&[&["plan", &file], arguments].concat()).exits(0).stderr;
    assert!(!log(&["-v"]).contains(TOLD), "the usual gaps are no news");
    project.write(".lem-config.yaml", "thermal_gaps:\n  between_cycles: 5\n");
    let told = log(&["-v"]);
    assert!(told.contains(TOLD) && told.contains("5 s between cycles (.lem-config.yaml, line 2)"), "{told}");
    assert!(!log(&[]).contains(TOLD), "only when asked");
    project.write(".lem-config.yaml", "verbosity: verbose\nthermal_gaps: {between_cycles: 5}\n");
    assert!(log(&[]).contains(TOLD), "the settings may ask too");
    let told = log(&["--cycle-gap", "9"]);
    assert!(told.contains("9 s between cycles (command line)"), "{told}");
}

#[test]
fn results_go_where_the_settings_say() {
    let project = Project::new().scripted("a", "honest window_ms=60");
    project.write(".lem-config.yaml", "results_dir: elsewhere/deep\n");
    let _ = project.run().exits(0);
    assert!(project.file("elsewhere/deep/lem.db").is_file());
    assert!(!project.file("results").exists());
}
