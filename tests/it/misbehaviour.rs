//! Workers that lie, die, flood or cling: each ends its own run with an error that says what happened, and nothing
//! else. Every campaign here ends with an honest worker, whose run shows that the campaign went on.

use lem_tests::{Experiment, Project, integer, number, text};

use crate::failure_of;

/// Far more than the engine needs, far less than a flood would bring.
const MEMORY_LIMIT_KIB: u64 = 200 * 1024;

/// What a run of `experiment` must have come to: failed, with this kind of error and these words in its sentence.
#[track_caller]
fn failed(project: &Project, experiment: &str, kind: &str, words: &str) {
    let row = project.result_of(experiment);
    assert_eq!((text(&row, "status"), text(&row, "error_kind")), ("failed", kind), "{row:#}");
    assert!(text(&row, "error").contains(words), "{words:?} should be in the error of {row:#}");
    assert!(row["energy_j"].is_null() || number(&row, "energy_j") >= 0.0, "{row:#}");
}

#[track_caller]
fn the_campaign_went_on(project: &Project) {
    let row = project.result_of("honest");
    assert_eq!(text(&row, "status"), "completed", "the honest worker ran after the others: {row:#}");
    project.leaves_no_worker();
}

#[test]
fn a_worker_that_lies_fails_its_run_with_a_sentence_about_the_lie() {
    let lies = [
        ("totals", "add up to"),
        ("window", "no length"),
        ("clock", "CLOCK_MONOTONIC"),
        ("past", "CLOCK_MONOTONIC"),
        ("outside", "outside the measure phase"),
        ("latency", "finite and not negative"),
        ("duration", "the measure phase began only"),
    ];
    let project = lies
        .iter()
        .fold(Project::new(), |project, (about, _)| project.scripted(about, &format!("lie about={about}")));
    let project = project.scripted("honest", "honest");
    let finished = project.run().exits(1);
    for (about, words) in lies {
        failed(&project, about, "protocol", words);
        assert!(failure_of(&finished, about).1.contains(words), "the event says it too");
        let detail = project.detail(&project.result_of(about));
        assert_eq!(text(&detail, "stderr_tail"), format!("about to lie about {about}"));
    }
    the_campaign_went_on(&project);
}

#[test]
fn a_worker_that_dies_fails_its_run_and_its_last_words_are_kept() {
    let deaths = [
        ("early", "die phase=none code=3", "exit code 3"),
        ("loading", "die phase=load code=1", "exit code 1"),
        ("measuring", "die phase=measure after_ms=200 code=2", "exit code 2"),
        ("killed", "die phase=measure signal=kill", "SIGKILL"),
        ("crashed", "die phase=load signal=abort", "signal 6"),
        ("quiet", "die phase=load code=0", "without a result"),
    ];
    let project =
        deaths.iter().fold(Project::new(), |project, (name, behaviour, _)| project.scripted(name, behaviour));
    let project = project.scripted("honest", "honest");
    let _ = project.run().exits(1);
    for (name, _, words) in deaths {
        failed(&project, name, "exit", words);
        assert_eq!(text(&project.detail(&project.result_of(name)), "stderr_tail"), "about to die");
    }
    let partial = project.detail(&project.result_of("measuring"));
    assert!(integer(&partial["traces"][0], "samples") > 0, "a partial trace is kept: {partial:#}");
    the_campaign_went_on(&project);
}

#[test]
fn a_worker_that_reports_an_error_fails_its_run_with_that_kind() {
    let kinds = ["out_of_memory", "model_not_found", "unsupported_parameter", "engine"];
    let project = kinds
        .iter()
        .fold(Project::new(), |project, kind| project.scripted(kind, &format!("error kind={kind}")))
        .scripted("honest", "honest");
    let finished = project.run().exits(1);
    for kind in kinds {
        failed(&project, kind, kind, "as scripted: try a smaller batch");
        assert_eq!(failure_of(&finished, kind).0, kind);
        assert_eq!(text(&project.detail(&project.result_of(kind)), "stderr_tail"), "the allocator gave up");
    }
    the_campaign_went_on(&project);
}

#[test]
fn a_worker_that_cannot_be_started_fails_its_run() {
    let project = Project::new()
        .experiment(Experiment::command("absent", vec!["/no/such/worker".into()]))
        .scripted("honest", "honest");
    let _ = project.run().exits(1);
    let row = project.result_of("absent");
    assert_eq!(text(&row, "status"), "failed");
    assert!(text(&row, "error").contains("/no/such/worker"), "the error names the program: {row:#}");
    the_campaign_went_on(&project);
}

#[test]
fn a_worker_that_floods_its_output_costs_the_engine_no_memory() {
    let project = Project::new()
        .execution("run_timeout_seconds", 2)
        .scripted("garbage", "garbage")
        .scripted("line", "endless-line")
        .scripted("progress", "endless-progress")
        .scripted("warnings", "endless-warnings")
        .scripted("honest", "honest");
    let finished = project.run().exits(1);
    failed(&project, "garbage", "protocol", "not events");
    failed(&project, "line", "protocol", "longer than");
    failed(&project, "progress", "run_timeout", "run_timeout_seconds");
    failed(&project, "warnings", "run_timeout", "run_timeout_seconds");
    the_campaign_went_on(&project);
    let peak = finished.peak_memory_kib;
    assert!(peak > 1024, "the memory of lem was looked at: {peak} KiB");
    assert!(peak < MEMORY_LIMIT_KIB, "lem grew to {peak} KiB under the floods");
}

#[test]
fn of_much_standard_error_the_last_lines_are_kept() {
    let project = Project::new()
        .scripted("chatty", "die lines=20000 phase=load")
        .scripted("talker", "chatty lines=20000")
        .scripted("honest", "honest");
    let finished = project.run().exits(1);
    let detail = project.detail(&project.result_of("chatty"));
    let tail = text(&detail, "stderr_tail");
    assert!(
        tail.ends_with("\nabout to die"),
        "the last line is there: {}",
        &tail[tail.len().saturating_sub(300)..]
    );
    assert!(tail.contains("chatter 19999 "), "and what came before it");
    assert!((10_000..=64 * 1024).contains(&tail.len()), "a tail of {} bytes", tail.len());
    assert_eq!(text(&project.result_of("talker"), "status"), "completed", "talking much is no fault");
    the_campaign_went_on(&project);
    assert!(finished.peak_memory_kib < MEMORY_LIMIT_KIB, "lem grew to {} KiB", finished.peak_memory_kib);
}

#[test]
fn a_worker_that_never_reads_what_it_is_asked_holds_up_nothing() {
    // More than a pipe holds, so that a sender that waited would wait for ever.
    let long = serde_json::json!({ "padding": "p".repeat(200_000) });
    let project = Project::new()
        .experiment(Experiment::scripted("deaf", "deaf requests=3").with("deaf", long))
        .scripted("honest", "honest");
    let _ = project.run().exits(0);
    assert_eq!(text(&project.result_of("deaf"), "status"), "completed");
    the_campaign_went_on(&project);
}

#[test]
fn a_worker_that_ignores_the_request_to_end_is_ended() {
    let stubborn = "trap '' TERM; exec \"$0\" hang phase=load \"$1\"";
    let project = Project::new()
        .execution("silence_timeout_seconds", 1)
        .experiment(Experiment::shell("stubborn", stubborn))
        .scripted("honest", "honest");
    let _ = project.run().exits(1);
    failed(&project, "stubborn", "silence_timeout", "silence_timeout_seconds");
    the_campaign_went_on(&project);
}

#[test]
fn a_worker_that_closes_its_output_and_stays_is_ended() {
    let after_hello = "\"$0\" say-hello; exec 1>&-; exec \"$0\" linger \"$1\"";
    let after_result = "\"$0\" honest; exec 1>&-; exec \"$0\" linger \"$1\"";
    let project = Project::new()
        .experiment(Experiment::shell("hello", after_hello))
        .experiment(Experiment::shell("result", after_result))
        .scripted("honest", "honest");
    let _ = project.run().exits(1);
    failed(&project, "hello", "exit", "closed its output");
    let row = project.result_of("result");
    assert_eq!(text(&row, "status"), "completed", "its result was complete: {row:#}");
    the_campaign_went_on(&project);
}

#[test]
fn children_of_a_worker_do_not_outlive_its_run() {
    let project = Project::new()
        .execution("silence_timeout_seconds", 2)
        .scripted("detached", "parent")
        .scripted("holding", "parent holding=streams")
        .scripted("honest", "honest");
    let _ = project.run();
    assert_eq!(text(&project.result_of("detached"), "status"), "completed");
    let row = project.result_of("holding");
    assert_eq!(text(&row, "status"), "completed", "the worker itself did all that was asked: {row:#}");
    the_campaign_went_on(&project);
}

#[test]
fn ten_failures_in_a_row_stop_the_campaign_and_the_rest_can_be_resumed() {
    let project = Project::new();
    let broken = project.file("broken");
    project.write("broken", "");
    let project = project
        .scripted("worker", &format!("fail-while file={} window_ms=60", broken.display()))
        .execution("cycles", 12);
    let finished = project.run().exits(1);
    let last = finished.events().pop().expect("events");
    assert_eq!(text(&last, "event"), "campaign_finished", "the summary comes last");
    assert_eq!(
        (text(&last, "status"), integer(&last, "failed"), integer(&last, "remaining")),
        ("failed", 10, 2)
    );
    assert!(text(&last, "message").contains("10 runs failed in a row"), "{last:#}");
    let campaign = project.campaigns().remove(0);
    assert_eq!(
        (text(&campaign, "status"), campaign["resumable"].as_bool()),
        ("failed", Some(true)),
        "{campaign:#}"
    );

    std::fs::remove_file(broken).expect("it was there");
    let _ = project.lem(&["run", "--resume", "latest", "--json"]).exits(0);
    let rows = project.results();
    let count = |status: &str| rows.iter().filter(|row| row["status"] == status).count();
    assert_eq!((count("failed"), count("completed"), rows.len()), (10, 2, 12));
}
