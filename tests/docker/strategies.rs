//! A campaign in containers, fresh for each run or one for all of them.

use std::collections::BTreeSet;

use lem_tests::{Experiment, Project, number, text};
use serde_json::Value;

use crate::rig::docker;
use crate::stage::{STRATEGIES, Stage};

const BEHAVIOUR: &str = "honest load_ms=20 window_ms=200";

/// Two experiments of the backend `worker`, two cycles.
fn two_by_two(stage: Stage) -> Stage {
    let second = Experiment::in_service("second").with("backend", "worker");
    stage.scripted("worker", BEHAVIOUR).project(|project| project.experiment(second).execution("cycles", 2))
}

/// Everything about each run, oldest first; all must have been completed.
#[track_caller]
fn details(project: &Project) -> Vec<Value> {
    let rows = project.results();
    assert!(rows.iter().all(|row| row["status"] == "completed"), "{rows:#?}");
    rows.iter().map(|row| project.detail(row)).collect()
}

/// Fields that only a container has, and those that a short window may miss: thermometers are read twice a second, and a
/// container that ends at once takes the account of its CPU time along.
const APART: [&str; 5] = ["container", "service", "max_temperature_c", "load_by_others", "load_unknown"];

/// The paths of all other fields that hold something. Elements of a list count as one.
fn fields(value: &Value) -> BTreeSet<String> {
    fn collect(path: &str, value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Null => {}
            Value::Object(map) => {
                for (name, value) in map.iter().filter(|(name, _)| !APART.contains(&name.as_str())) {
                    collect(&format!("{path}.{name}"), value, found);
                }
            }
            Value::Array(list) => list.iter().for_each(|value| collect(&format!("{path}[]"), value, found)),
            _ => {
                found.insert(path.to_owned());
            }
        }
    }
    let mut found = BTreeSet::new();
    collect("", value, &mut found);
    found
}

fn container(detail: &Value) -> &Value {
    &detail["container"]
}

#[test]
fn results_from_containers_equal_in_kind_those_of_a_local_process() {
    let second = Experiment::scripted("second", BEHAVIOUR);
    let local = Project::new().scripted("worker", BEHAVIOUR).experiment(second).execution("cycles", 2);
    let _ = local.run().exits(0);
    let local = details(&local);
    for strategy in STRATEGIES {
        let Some(stage) = Stage::new(strategy).map(two_by_two) else { return };
        let _ = stage.run().exits(0);
        let details = details(&stage.project);
        assert_eq!(details.len(), 4, "{strategy}");
        for (detail, local) in details.iter().zip(&local) {
            assert_eq!(fields(detail), fields(local), "{strategy}");
            assert!(number(detail, "energy_j") > 0.0, "{strategy}: {detail:#}");
        }
        stage.leaves_nothing();
    }
}

#[test]
fn the_load_of_others_is_known_beside_a_container_that_is_there_when_the_window_ends() {
    for strategy in STRATEGIES {
        let Some(stage) = Stage::new(strategy) else { return };
        let linger = r#""$0" honest window_ms=500 "$1"; code=$?; sleep 1; exit $code"#;
        let stage = stage.shell("worker", linger);
        let _ = stage.run().exits(0);
        let surroundings = &details(&stage.project)[0]["surroundings"];
        let share = number(surroundings, "load_by_others");
        assert!((0.0..=1.0).contains(&share), "{strategy}: {surroundings:#}");
        stage.leaves_nothing();
    }
}

#[test]
fn the_record_of_a_run_names_its_container_image_and_engine() {
    let image = |format: &str| docker(&["image", "inspect", "--format", format, crate::rig::EMPTY_IMAGE]);
    for strategy in STRATEGIES {
        let Some(stage) = Stage::new(strategy) else { return };
        let stage = stage.scripted("worker", "honest").scripted("broken", "die phase=measure");
        let _ = stage.run().exits(1);
        for experiment in ["worker", "broken"] {
            let detail = stage.project.detail(&stage.project.result_of(experiment));
            let container = container(&detail);
            assert_eq!(text(container, "service"), experiment, "{strategy}: {detail:#}");
            assert_eq!(container["persistent"], strategy == "persistent", "{container:#}");
            assert_eq!(text(&container["image"], "id"), image("{{.Id}}"));
            assert_eq!(text(&container["image"], "reference"), crate::rig::EMPTY_IMAGE);
            assert!(container["image"]["digests"].is_array(), "{container:#}");
            let version = docker(&["version", "--format", "{{.Server.Version}}"]);
            assert_eq!(text(&container["engine"], "version"), version);
            assert_eq!(text(container, "id").len(), 64, "{container:#}");
        }
        stage.leaves_nothing();
    }
}

#[test]
fn each_run_has_a_container_of_its_own_or_all_share_one() {
    for (strategy, expected) in STRATEGIES.into_iter().zip([4, 1]) {
        let Some(stage) = Stage::new(strategy).map(two_by_two) else { return };
        let _ = stage.run().exits(0);
        let ids: BTreeSet<String> =
            details(&stage.project).iter().map(|detail| text(container(detail), "id").to_owned()).collect();
        assert_eq!(ids.len(), expected, "{strategy}: {ids:#?}");
        stage.leaves_nothing();
    }
}

#[test]
fn containers_are_labelled_with_their_campaign_and_run() {
    for strategy in STRATEGIES {
        let Some(stage) = Stage::new(strategy) else { return };
        let stage = stage.scripted("worker", "hang phase=load");
        let mut running = stage.start_run();
        let campaign = text(&running.wait_for_event("campaign_started"), "campaign_id").to_owned();
        let run = text(&running.wait_for_phase("load"), "run_id").to_owned();
        let containers = stage.containers();
        assert_eq!(containers.len(), 1, "{strategy}");
        let label = |name: &str| {
            let format = format!("{{{{index .Config.Labels \"{name}\"}}}}");
            docker(&["inspect", "--format", &format, &containers[0]])
        };
        assert_eq!(label("dev.lem.campaign"), campaign, "{strategy}");
        let expected = if strategy == "ephemeral" { run.as_str() } else { "" };
        assert_eq!(label("dev.lem.run"), expected, "a container for several runs belongs to none");
        assert_eq!(label("dev.lem.service"), "worker");
        running.signal(rustix::process::Signal::INT);
        let _ = running.finish().exits(130);
        stage.leaves_nothing();
    }
}

#[test]
fn a_container_that_is_kept_goes_when_the_next_campaign_starts_its_own() {
    let Some(stage) = Stage::new("persistent").map(two_by_two) else { return };
    let stage = stage.setting("auto_teardown", false);
    let _ = stage.run().exits(0);
    let first = stage.containers();
    assert_eq!(first.len(), 1, "one stays");
    let ids: BTreeSet<String> =
        details(&stage.project).iter().map(|detail| text(container(detail), "id").to_owned()).collect();
    assert_eq!(ids.into_iter().collect::<Vec<_>>(), first, "the one that all runs shared");
    stage.project.leaves_no_worker();

    let _ = stage.run().exits(0);
    let second = stage.containers();
    assert_eq!(second.len(), 1, "never more than one stays");
    assert_ne!(first, second);

    let stage = stage.setting("auto_teardown", true);
    let _ = stage.run().exits(0);
    stage.leaves_nothing();
}
