//! Rules of the state on the screen.

use lem_campaign::run::{CoolTarget, GapEnd};
use lem_measure::{Channel, Provenance, Sample};
use lem_spec::campaign::{Overrides, ThermalMode, read, resolve};
use lem_spec::settings::Settings;

use super::super::GapPurpose;
use super::super::cells::DoneCell;
use super::*;

const SECOND: i64 = 1_000_000_000;

/// Two experiments in two cycles, with gaps of 10 s within a cycle and 20 s where it changes.
fn plan() -> Plan {
    let text = "campaign_name: c\nrunner: process\ngrid: {backends: candle, models: synthetic/llama-15m, \
                shared: {max_output_tokens: [64, 128]}}\n\
                execution: {cycles: 2, config_gap_seconds: 10, cycle_gap_seconds: 20}\n";
    let (campaign, problems) = read("c.yaml", text, &|_| Err(String::new()));
    let campaign = campaign.unwrap_or_else(|| panic!("{problems:?}"));
    lem_campaign::plan::plan(&resolve(campaign, &Overrides::default(), &Settings::default()), 7)
}

fn at(second: f64) -> Moment {
    Moment { now_s: second, epoch_ns: 0, hottest_c: Some(61.0) }
}

fn begun(index: usize) -> CampaignEvent {
    CampaignEvent::RunBegun {
        run_id: format!("run-{index}"),
        index,
        experiment: String::new(),
        cycle: 1,
        gap_planned_s: 0.0,
    }
}

fn started() -> CampaignEvent {
    let run_id = String::new();
    CampaignEvent::RunStarted { run_id, anchor_monotonic_ns: 0, anchor_unix_ns: 0, start_temperature_c: None }
}

fn finished(index: usize, status: RunStatus) -> CampaignEvent {
    let outcome = RunOutcome {
        status,
        failure: None,
        stderr_tail: String::new(),
        window_ns: None,
        energy: None,
        energy_source: None,
        provenance: Some(Provenance::Simulated),
        devices: Vec::new(),
        phases: Vec::new(),
        window_parts: Vec::new(),
        parts_withheld: None,
        result: None,
        engine: None,
        container: None,
        baselines: Vec::new(),
        ttft_ms_p50: None,
        sampler: None,
        quality: None,
        surroundings: None,
    };
    let outcome = Box::new(outcome);
    CampaignEvent::RunFinished { run_id: format!("run-{index}"), index, experiment: String::new(), outcome }
}

fn gap(planned_s: f64) -> CampaignEvent {
    CampaignEvent::GapStarted {
        run_id: String::new(),
        planned_s,
        remaining_s: planned_s,
        source: "built in".into(),
        mode: ThermalMode::Fixed,
        targets: Vec::new(),
    }
}

fn all() -> Fold {
    Fold::new("id", &plan(), &[0, 1, 2, 3], &[], 0.0)
}

#[test]
fn a_campaign_that_is_taken_up_again_shows_what_was_done_before() {
    let cell = DoneCell {
        status: RunCellStatus::Completed,
        run_id: "earlier".into(),
        energy_j: Some(12.0),
        energy_uncertainty_j: None,
        joules_per_output_token: None,
        provenance: Some(Provenance::Estimated),
        grade: None,
        error: None,
    };
    let fold = Fold::new("id", &plan(), &[1, 2, 3], &[DoneBefore { index: 0, cell }], 0.0);
    let LiveCampaign { runs, now, .. } = fold.campaign();
    assert_eq!((now.total, now.completed, now.remaining), (4, 1, 3));
    assert_eq!((runs[0].status, runs[0].energy_j), (RunCellStatus::Completed, Some(12.0)));
    assert_eq!(runs[1].status, RunCellStatus::Planned);
}

#[test]
fn a_gap_has_its_end_and_the_temperature_of_its_begin_and_closes_its_span() {
    let mut fold = all();
    fold.take(&begun(0), &at(5.0));
    fold.take(&gap(10.0), &at(5.0));
    let now = &fold.campaign().now;
    let waiting = now.gap.clone().expect("it waits");
    assert_eq!((now.state, waiting.until_s, waiting.start_temperature_c), (NowState::Gap, 15.0, Some(61.0)));
    let ended = CampaignEvent::GapEnded {
        run_id: String::new(),
        actual_s: Some(10.0),
        because: GapEnd::Elapsed,
        mode: ThermalMode::Fixed,
        start_temperature_c: None,
        end_temperature_c: None,
        reference_temperature_c: None,
    };
    fold.take(&ended, &at(15.1));
    assert_eq!(fold.campaign().now.gap, None);
    assert_eq!(fold.campaign().spans[0].end_s, Some(15.1));
}

#[test]
fn a_gap_that_waits_for_the_devices_tells_how_cool_each_is_to_be() {
    let targets = vec![Some(CoolTarget { reference_c: 36.0, cool_at_c: 39.0 }), None];
    let cooling = CampaignEvent::GapStarted {
        run_id: String::new(),
        planned_s: 300.0,
        remaining_s: 300.0,
        source: "built in".into(),
        mode: ThermalMode::Adaptive,
        targets: targets.clone(),
    };
    let mut fold = all();
    fold.take(&begun(1), &at(5.0));
    fold.take(&cooling, &at(5.0));
    let waiting = fold.campaign().now.gap.clone().expect("it cools");
    assert_eq!((waiting.purpose, waiting.targets), (GapPurpose::Cool, targets));
}

#[test]
fn a_baseline_is_something_else_than_a_gap_and_ends_when_the_worker_starts() {
    let mut fold = all();
    fold.take(&begun(0), &at(5.0));
    fold.take(&CampaignEvent::BaselineStarted { run_id: String::new(), seconds: 30.0 }, &at(5.0));
    let waiting = fold.campaign().now.gap.clone().expect("it rests");
    assert_eq!((waiting.purpose, waiting.until_s), (GapPurpose::Baseline, 35.0));
    fold.take(&started(), &at(36.0));
    assert_eq!(fold.campaign().now.gap, None);
    let labels: Vec<&str> = fold.campaign().spans.iter().map(|span| span.label.as_str()).collect();
    assert_eq!((labels[0], fold.campaign().spans[0].end_s), ("baseline", Some(36.0)));
}

#[test]
fn runs_that_are_not_needed_are_marked_and_not_waited_for() {
    let mut fold = all();
    let event = CampaignEvent::NotNeeded { runs: vec![2, 3], reason: "known to 1 %".into() };
    fold.take(&event, &at(5.0));
    let LiveCampaign { runs, now, .. } = fold.campaign();
    assert_eq!((runs[1].status, runs[2].status), (RunCellStatus::Planned, RunCellStatus::NotNeeded));
    assert_eq!(now.remaining, 2);
}

#[test]
fn energy_so_far_is_that_of_the_window_alone() {
    let mut fold = all();
    fold.take(&begun(0), &at(0.0));
    fold.take(&started(), &at(0.0));
    let read = |seconds: std::ops::RangeInclusive<i64>| CampaignEvent::Samples {
        run_id: String::new(),
        device_id: "gpu".into(),
        samples: seconds.map(|s| Sample::at(s * SECOND).with(Channel::Power, 100.0)).collect(),
        power_w: None,
        temperature_c: None,
    };
    fold.take(&read(0..=4), &at(4.0));
    assert_eq!(fold.campaign().now.energy_so_far_j, None, "the model is being loaded");
    let run_id = String::new;
    fold.take(
        &CampaignEvent::PhaseBegun { run_id: run_id(), phase: Phase::Measure, t_ns: 5 * SECOND },
        &at(5.0),
    );
    fold.take(&read(5..=7), &at(7.0));
    fold.tick(&at(7.0));
    assert_eq!(fold.campaign().now.energy_so_far_j, Some(200.0), "100 W for 2 s");
    fold.take(
        &CampaignEvent::PhaseEnded { run_id: run_id(), phase: Phase::Measure, t_ns: 7 * SECOND },
        &at(7.0),
    );
    fold.take(&read(8..=20), &at(20.0));
    assert_eq!(fold.campaign().now.energy_so_far_j, Some(200.0), "the window is over");
}

#[test]
fn the_time_left_is_unknown_at_first_and_then_gaps_and_the_mean_of_runs() {
    let mut fold = all();
    fold.take(&begun(0), &at(0.0));
    fold.take(&started(), &at(0.0));
    assert_eq!(fold.campaign().now.left_s, None);
    fold.take(&finished(0, RunStatus::Completed), &at(30.0));
    // Three runs of 30 s; gaps of 10 s, 20 s and 10 s before them.
    assert_eq!(fold.campaign().now.left_s, Some(130.0));
    fold.take(&begun(1), &at(30.0));
    fold.take(&gap(10.0), &at(30.0));
    fold.asked(None, false, &at(34.0));
    assert_eq!(fold.campaign().now.left_s, Some(126.0), "what has passed of the gap counts");
}

#[test]
fn a_run_that_was_interrupted_is_still_to_do() {
    let mut fold = all();
    fold.take(&begun(0), &at(0.0));
    fold.take(&started(), &at(0.0));
    fold.take(&finished(0, RunStatus::Interrupted), &at(3.0));
    let now = &fold.campaign().now;
    assert_eq!((now.completed, now.failed, now.remaining), (0, 0, 4));
    assert_eq!(fold.campaign().runs[0].status, RunCellStatus::Interrupted);
}

#[test]
fn the_end_closes_what_is_open_and_says_why() {
    let mut fold = all();
    fold.take(&begun(0), &at(0.0));
    fold.take(&started(), &at(0.0));
    let news = fold.end(EndedStatus::Failed, Some("the disk is full".into()), None, &at(2.0));
    assert!(fold.campaign().spans.iter().all(|span| span.end_s == Some(2.0)));
    assert_eq!(news.last(), Some(&LiveEvent::ResultsChanged));
    let ended = fold.campaign().now.ended.clone().expect("it has ended");
    assert_eq!((ended.status, ended.message.as_deref()), (EndedStatus::Failed, Some("the disk is full")));
}

#[test]
fn a_pause_waits_after_the_run_and_can_be_taken_back() {
    let mut fold = all();
    fold.take(&begun(0), &at(0.0));
    fold.take(&started(), &at(0.0));
    fold.asked(Some(true), false, &at(1.0));
    assert_eq!(fold.campaign().now.state, NowState::Running, "the present run goes on");
    fold.take(&finished(0, RunStatus::Completed), &at(9.0));
    assert_eq!(fold.campaign().now.state, NowState::Paused);
    fold.asked(Some(false), false, &at(20.0));
    assert_eq!(fold.campaign().now.state, NowState::Preparing);
}
