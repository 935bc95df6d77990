//! Bounds on what a worker may take.

use lem_tests::{Project, text};

#[test]
fn a_worker_that_says_nothing_is_ended_and_the_campaign_goes_on() {
    let project = Project::new()
        .execution("silence_timeout_seconds", 1)
        .scripted("at-once", "hang phase=none")
        .scripted("loading", "hang phase=load")
        .scripted("measuring", "hang phase=measure")
        .scripted("honest", "honest");
    let _ = project.run().exits(1);
    for name in ["at-once", "loading", "measuring"] {
        let row = project.result_of(name);
        assert_eq!(
            (text(&row, "status"), text(&row, "error_kind")),
            ("failed", "silence_timeout"),
            "{row:#}"
        );
        assert!(text(&row, "error").contains("for 1 s (execution.silence_timeout_seconds)"), "{row:#}");
        assert_eq!(text(&project.detail(&row), "stderr_tail"), "about to hang");
    }
    assert_eq!(text(&project.result_of("honest"), "status"), "completed");
    project.leaves_no_worker();
}

#[test]
fn a_run_that_takes_too_long_is_ended_however_much_it_says() {
    let project = Project::new()
        .execution("run_timeout_seconds", 1)
        .scripted("slow", "honest window_ms=600000")
        .scripted("honest", "honest window_ms=100");
    let _ = project.run().exits(1);
    let row = project.result_of("slow");
    assert_eq!((text(&row, "status"), text(&row, "error_kind")), ("failed", "run_timeout"), "{row:#}");
    assert!(text(&row, "error").contains("longer than 1 s (execution.run_timeout_seconds)"), "{row:#}");
    assert_eq!(text(&project.result_of("honest"), "status"), "completed");
    project.leaves_no_worker();
}
