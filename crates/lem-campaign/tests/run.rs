//! The rules of a running campaign, in virtual time.

mod rig;

use lem_campaign::run::{CampaignEvent, CampaignStatus, Controller, FailureKind, GapEnd, RunStatus};
use rig::{CampaignTest, Script};

fn gaps(test: &CampaignTest) -> Vec<(f64, f64)> {
    test.pick(|event| match event {
        CampaignEvent::GapStarted { planned_s, remaining_s, .. } => Some((*planned_s, *remaining_s)),
        _ => None,
    })
}

/// Ends when the first gap is under way.
#[expect(clippy::disallowed_methods, reason = "virtual time")]
async fn first_gap(test: &CampaignTest) {
    while gaps(test).is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
}

fn outcomes(test: &CampaignTest) -> Vec<(RunStatus, Option<FailureKind>)> {
    test.pick(|event| match event {
        CampaignEvent::RunFinished { outcome, .. } => {
            Some((outcome.status, outcome.failure.as_ref().map(|failure| failure.kind)))
        }
        _ => None,
    })
}

#[tokio::test(start_paused = true)]
async fn gaps_of_minutes_are_waited_out_before_every_run_but_the_first() {
    let test = CampaignTest::new(&[Script::Honest(30)]);
    let (_controller, control) = Controller::new();
    let summary = test.run(&control).await.expect("runs");
    assert_eq!((summary.status, summary.completed, summary.remaining), (CampaignStatus::Completed, 4, 0));
    let planned: Vec<f64> = gaps(&test).iter().map(|gap| gap.0).collect();
    assert_eq!(planned, [60.0, 300.0, 60.0]);
    let waited = test.pick(|event| match event {
        CampaignEvent::GapEnded { actual_s, because, .. } => Some((*actual_s, *because)),
        _ => None,
    });
    assert_eq!(waited[0], (None, GapEnd::None), "nothing ran before the first run");
    for ((actual_s, because), planned_s) in waited[1..].iter().zip([60.0, 300.0, 60.0]) {
        let actual_s = actual_s.expect("something ran before");
        assert!(actual_s >= planned_s && actual_s < planned_s + 5.0, "{actual_s} for {planned_s}");
        assert_eq!(*because, GapEnd::Elapsed);
    }
}

#[tokio::test(start_paused = true)]
async fn time_that_has_passed_since_the_last_run_counts() {
    let mut test = CampaignTest::new(&[Script::Honest(1)]);
    test.last_run_ended_ago_s = Some(1_000.0);
    let (_controller, control) = Controller::new();
    test.run(&control).await.expect("runs");
    assert_eq!(gaps(&test).len(), 3, "a campaign that rested long enough does not wait again");
}

#[tokio::test(start_paused = true)]
async fn what_is_shown_was_written_before() {
    let test = CampaignTest::new(&[Script::Honest(1), Script::Dies]);
    let (_controller, control) = Controller::new();
    test.run(&control).await.expect("runs");
    let log = test.log.lock().expect("no panic").clone();
    let (journalled, shown): (Vec<_>, Vec<_>) = log.iter().partition(|line| line.starts_with("journal"));
    assert_eq!(journalled.len(), shown.len());
    for (position, line) in log.iter().enumerate().filter(|(_, line)| line.starts_with("show")) {
        let written = line.replace("show", "journal");
        assert_eq!(log[position - 1], written, "at {position}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_fails_ends_the_campaign_with_its_reason() {
    let mut test = CampaignTest::new(&[Script::Honest(1)]);
    test.journal_fails_at = Some("phase_begun");
    let (_controller, control) = Controller::new();
    let error = test.run(&control).await.expect_err("nothing may go on unwritten");
    assert_eq!(error.to_string(), "the disk is full");
    assert!(outcomes(&test).is_empty());
}

#[tokio::test(start_paused = true)]
async fn failed_runs_do_not_stop_the_campaign_until_too_many_come_in_a_row() {
    let mut test = CampaignTest::new(&[Script::Honest(1), Script::Dies, Script::Absent, Script::Honest(1)]);
    let (_controller, control) = Controller::new();
    let summary = test.run(&control).await.expect("runs");
    assert_eq!((summary.completed, summary.failed), (2, 2));
    let kinds: Vec<_> = outcomes(&test).into_iter().map(|outcome| outcome.1).collect();
    assert_eq!(kinds, [None, Some(FailureKind::Exit), Some(FailureKind::Start), None]);

    test = CampaignTest::new(&[Script::Dies]);
    test.limits.max_consecutive_failures = 3;
    let summary = test.run(&control).await.expect("runs");
    assert_eq!((summary.status, summary.failed, summary.remaining), (CampaignStatus::Failed, 3, 1));
    assert!(summary.message.expect("says why").starts_with("3 runs failed in a row"), "names the count");
}

#[tokio::test(start_paused = true)]
async fn silence_and_long_runs_are_ended() {
    let mut test = CampaignTest::new(&[Script::Silent, Script::Honest(5_000)]);
    test.limits.run_timeout_s = Some(3_000.0);
    let (_controller, control) = Controller::new();
    test.run(&control).await.expect("runs");
    let kinds: Vec<_> = outcomes(&test).into_iter().map(|outcome| outcome.1).collect();
    let silent = Some(FailureKind::SilenceTimeout);
    assert_eq!(kinds, [silent; 4], "a worker that measures for long must say something meanwhile");

    test = CampaignTest::new(&[Script::Honest(5_000)]);
    test.limits.run_timeout_s = Some(500.0);
    test.run(&control).await.expect("runs");
    assert_eq!(outcomes(&test)[0], (RunStatus::Failed, Some(FailureKind::RunTimeout)));
}

#[tokio::test(start_paused = true)]
async fn a_stop_in_a_gap_keeps_what_was_done_and_leaves_the_rest() {
    let test = CampaignTest::new(&[Script::Honest(1)]);
    let (controller, control) = Controller::new();
    let stopping = async {
        first_gap(&test).await;
        controller.stop();
    };
    let (summary, ()) = tokio::join!(test.run(&control), stopping);
    let summary = summary.expect("stops cleanly");
    assert_eq!((summary.status, summary.completed, summary.remaining), (CampaignStatus::Interrupted, 1, 3));
    assert_eq!(outcomes(&test)[1], (RunStatus::Interrupted, Some(FailureKind::Stopped)));
}

#[tokio::test(start_paused = true)]
async fn a_gap_can_be_skipped() {
    let test = CampaignTest::new(&[Script::Honest(1)]);
    let (controller, control) = Controller::new();
    let skipping = async {
        first_gap(&test).await;
        controller.skip_gap();
    };
    let (summary, ()) = tokio::join!(test.run(&control), skipping);
    assert_eq!(summary.expect("runs").completed, 4);
    let ends = test.pick(|event| match event {
        CampaignEvent::GapEnded { because, .. } => Some(*because),
        _ => None,
    });
    assert_eq!(ends, [GapEnd::None, GapEnd::Skipped, GapEnd::Elapsed, GapEnd::Elapsed]);
}

#[tokio::test(start_paused = true)]
async fn an_adaptive_gap_that_reaches_its_maximum_goes_on_and_says_so() {
    let mut test = CampaignTest::new(&[Script::Honest(1)]);
    test.yaml += "thermal: {mode: adaptive, max_seconds: 90}\n";
    let (_controller, control) = Controller::new();
    let summary = test.run(&control).await.expect("runs");
    assert_eq!(summary.completed, 4);
    let ends = test.pick(|event| match event {
        CampaignEvent::GapEnded { because, .. } => Some(*because),
        _ => None,
    });
    // The samples of the test's meter come in real time, so that none of virtual time shows rest.
    assert_eq!(ends, [GapEnd::Maximum; 4]);
    let warned = test.pick(|event| match event {
        CampaignEvent::Warning { message, .. } => Some(message.contains("thermal.max_seconds")),
        _ => None,
    });
    assert_eq!(warned.iter().filter(|of_the_gap| **of_the_gap).count(), 4);
}

#[tokio::test(start_paused = true)]
async fn devices_that_are_to_stay_hot_get_no_gap() {
    let mut test = CampaignTest::new(&[Script::Honest(1)]);
    test.yaml += "thermal: {mode: hot}\n";
    let (_controller, control) = Controller::new();
    test.run(&control).await.expect("runs");
    assert!(gaps(&test).is_empty());
    let told = test.pick(|event| match event {
        CampaignEvent::Warning { message, .. } => Some(message.contains("warmup.hold")),
        _ => None,
    });
    assert!(told.contains(&true), "a worker that does not wait for the heat is told of");
}

#[tokio::test(start_paused = true)]
async fn every_run_that_completes_is_judged() {
    let test = CampaignTest::new(&[Script::Honest(1), Script::Dies]);
    let (_controller, control) = Controller::new();
    test.run(&control).await.expect("runs");
    let grades = test.pick(|event| match event {
        CampaignEvent::RunFinished { outcome, .. } => {
            Some(outcome.quality.as_ref().map(|report| report.grade))
        }
        _ => None,
    });
    assert_eq!(grades.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true, false]);
}
