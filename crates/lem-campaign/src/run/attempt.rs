//! One attempt at one planned run: worker, window, outcome.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lem_backend::{Control as Life, Exit, Session};
use lem_measure::Provenance;
use lem_measure::energy::window_energy;
use lem_measure::quality::xid_in_words;
use lem_power::Xids;
use lem_protocol::{Experiment, Phase, Request, WorkerErrorKind, framing};
use lem_spec::campaign::{Baseline, BaselineKind, ThermalMode};

use super::baseline::{IdlePower, RunBaseline, applied, idle_power};
use super::campaign::{AtRest, Campaign, Rig, RunError};
use super::control::Control;
use super::event::CampaignEvent;
use super::follow::{Follower, Streams, Told};
use super::heat::{self, Heat};
use super::outcome::{
    DeviceOutcome, Failure, FailureKind, PhaseOutcome, RunOutcome, RunStatus, device_outcome, energy_source,
    total, ttft_ms_p50,
};
use super::parts;
use super::quality::{self, Evidence};
use super::recording::Recording;
use super::streams;
use crate::plan::PlannedRun;

/// A worker that is asked to end has this long before it is ended.
pub const STOP_GRACE: Duration = Duration::from_secs(10);

/// A worker that has closed its output has this long to exit.
const EXIT_GRACE_NS: i64 = 10_000_000_000;

/// Standard error is read for this long after the worker is gone.
const DRAIN_NS: i64 = 500_000_000;

/// Runs one worker and says what came of it.
pub(super) async fn run(
    campaign: &Campaign<'_>,
    planned: &PlannedRun,
    run_id: &str,
    rest: &mut AtRest,
    rig: &Rig<'_>,
    control: &Control,
    recording: &mut Recording<'_>,
) -> Result<RunOutcome, RunError> {
    let mut message = rig.workers.message(planned, run_id);
    message.warmup.hold = rest.thermals.stay_hot();
    recording.first_readings().await?;
    let start_temperatures_c = recording.temperatures_c().to_vec();
    rig.surroundings.listen().await;
    let started_ns = rig.clock.now_ns();
    rig.tell(CampaignEvent::RunStarted {
        run_id: run_id.into(),
        anchor_monotonic_ns: started_ns,
        anchor_unix_ns: rig.clock.unix_ns(),
        start_temperature_c: start_temperatures_c.iter().copied().flatten().reduce(f64::max),
    })
    .await?;
    let (failure, mut told) = match start(planned, run_id, rig, control, recording).await? {
        Ok(session) => {
            let run = Conversing { run_id, planned, started_ns, heat_s: rest.thermals.max_s() };
            converse(session, &message, run, rig, control, recording).await?
        }
        Err(failure) => (Some(failure), Told::default()),
    };
    outlast_window(&told, rig, recording).await?;
    recording.flush().await?;
    if !told.requests.is_empty() {
        rig.tell(CampaignEvent::Requests { run_id: run_id.into(), requests: told.requests.clone() }).await?;
    }
    (rest.around.after, rest.around.load) = (told.after.take(), told.load.take());
    rest.around.xids = rig.surroundings.heard();
    tell_xids(&rest.around.xids, run_id, rig, recording).await?;
    let requests = std::mem::take(&mut told.requests);
    let bare = rest.bare.serve(run_id);
    let ttft_ms_p50 = ttft_ms_p50(&requests);
    let outcome = outcome(failure, told, &start_temperatures_c, recording);
    let baselines = baselines(campaign.plan.baseline.as_ref(), bare, &outcome, recording);
    let outcome = RunOutcome { baselines, ttft_ms_p50, ..parts::divided(outcome, &requests, recording) };
    Ok(judged(outcome, &message, &requests, start_temperatures_c, rest, rig, recording))
}

/// Says which critical errors the driver has reported, each kind once: they may be why a run has failed.
async fn tell_xids(
    heard: &BTreeMap<String, Xids>,
    run_id: &str,
    rig: &Rig<'_>,
    recording: &Recording<'_>,
) -> Result<(), RunError> {
    for (id, xids) in heard {
        let name =
            recording.devices().iter().find(|device| device.id == *id).map_or(id, |device| &device.name);
        let kinds: BTreeSet<u64> = xids.errors.iter().map(|xid| xid.number).collect();
        for number in kinds {
            rig.warn(run_id, format!("the driver reported {} of {name} ({id})", xid_in_words(number)))
                .await?;
        }
    }
    Ok(())
}

/// The outcome with its quality, and with what was around it.
fn judged(
    outcome: RunOutcome,
    message: &Experiment,
    requests: &[Request],
    start_temperatures_c: Vec<Option<f64>>,
    rest: &mut AtRest,
    rig: &Rig<'_>,
    recording: &Recording<'_>,
) -> RunOutcome {
    let first_start_c = rest.first_start_c.get_or_insert(start_temperatures_c);
    // Devices that are measured hot have nothing to return to.
    let references_c = match rest.thermals.mode() {
        ThermalMode::Fixed | ThermalMode::Adaptive => {
            rest.thermals.references_c().unwrap_or_else(|| first_start_c.clone())
        }
        ThermalMode::Hot => Vec::new(),
    };
    let evidence = Evidence {
        message,
        requests,
        interval_ms: rig.interval_ms,
        planned_devices: &rest.devices,
        around: &rest.around,
        gap: rest.gap,
        mode: rest.thermals.mode(),
        references_c: &references_c,
    };
    let completed = outcome.status == RunStatus::Completed;
    let quality = completed.then(|| quality::judge(&outcome, &evidence, recording));
    RunOutcome { quality, surroundings: Some(rest.around.record()), ..outcome }
}

/// The baselines of a run: the bare one that it was given, and the phases in which its worker idled.
fn baselines(
    spec: Option<&Baseline>,
    bare: Option<(IdlePower, Option<f64>)>,
    outcome: &RunOutcome,
    recording: &Recording<'_>,
) -> Vec<RunBaseline> {
    let Some(window) = outcome.window_ns else { return Vec::new() };
    let energy = outcome.energy;
    let idle = |kind, phase| {
        let found = outcome.phases.iter().find(|found| found.phase == phase)?;
        idle_power(kind, recording.devices(), recording.traces(), (found.start_ns, found.end_ns))
    };
    let own = [idle(BaselineKind::Context, Phase::Context), idle(BaselineKind::Loaded, Phase::Idle)];
    let own = own.into_iter().flatten().map(|idle| (idle, None));
    bare.into_iter().chain(own).map(|(idle, drift)| applied(idle, spec, drift, window, energy)).collect()
}

/// Starts the worker, unless there would be nothing to measure it with. A container may take its time to become ready,
/// so recording goes on. A start is never dropped half-way, which could leave a container behind: whoever starts
/// workers hears of a stop too, and hurries.
async fn start(
    planned: &PlannedRun,
    run_id: &str,
    rig: &Rig<'_>,
    control: &Control,
    recording: &mut Recording<'_>,
) -> Result<Result<Session, Failure>, RunError> {
    if let Some(lost) = recording.lost() {
        return Ok(Err(Failure::new(FailureKind::DeviceLost, lost)));
    }
    let started = recording.during(rig.workers.start(planned, run_id)).await?;
    Ok(started.map_err(|error| {
        if control.is_stopped() {
            Failure::stopped()
        } else {
            Failure::new(FailureKind::Start, error.to_string())
        }
    }))
}

/// The run that a worker is talked to about.
#[derive(Clone, Copy)]
struct Conversing<'a> {
    run_id: &'a str,
    planned: &'a PlannedRun,
    started_ns: i64,
    /// A warm-up until the devices are hot takes no longer, in seconds.
    heat_s: f64,
}

/// Sends the experiment, follows the worker to its end, and makes sure that it is gone.
async fn converse(
    session: Session,
    message: &Experiment,
    run: Conversing<'_>,
    rig: &Rig<'_>,
    control: &Control,
    recording: &mut Recording<'_>,
) -> Result<(Option<Failure>, Told), RunError> {
    let Session { stdin, stdout, stderr, control: mut life } = session;
    let mut streams = Streams { events: streams::events(stdout), log: streams::log_lines(stderr) };
    let container = life.container().cloned();
    let sample_size = message.workload.sample_size;
    let mut follower = Follower::new(rig, control, recording, run.run_id, sample_size, run.started_ns);
    follower.worker = Some((run.planned, life.as_mut()));
    let told = message.warmup.hold.then(|| {
        let (heat, told) = Heat::new(run.heat_s);
        follower.heat = Some(heat);
        told
    });
    // A task of its own: a worker that never reads must not hold up the engine. What goes wrong here shows as the
    // worker's exit or silence.
    let sending = tokio::spawn({
        let message = message.clone();
        async move {
            let mut stdin = stdin;
            let sent = framing::write_experiment(&mut stdin, &message).await;
            if let (Ok(()), Some(told)) = (sent, told) {
                heat::pass_on(told, &mut stdin).await;
            }
        }
    });
    let failure = follower.follow(&mut streams).await?;
    sending.abort();
    let told = Told { container, ..std::mem::take(&mut follower.told) };
    let failure = match failure {
        Some(failure) => {
            // Its exit says nothing more than the failure does.
            let _ = recording.during(life.stop(STOP_GRACE)).await?;
            Some(failure)
        }
        None => leave(life.as_mut(), &told, rig, control, recording).await?,
    };
    Ok((failure, drain(told, streams, run.run_id, rig, recording).await?))
}

/// Waits for a worker that has closed its output, and judges its exit.
async fn leave(
    life: &mut dyn Life,
    told: &Told,
    rig: &Rig<'_>,
    control: &Control,
    recording: &mut Recording<'_>,
) -> Result<Option<Failure>, RunError> {
    let patience_ns = rig.clock.now_ns() + EXIT_GRACE_NS;
    let exited = {
        let patience = rig.clock.sleep_until(patience_ns);
        let waited = async {
            tokio::select! {
                biased;
                exit = life.wait() => Some(exit),
                () = control.stopped() => None,
                () = patience => None,
            }
        };
        recording.during(waited).await?
    };
    // Also after an exit: children that hold no pipe may be left.
    let ended = recording.during(life.stop(STOP_GRACE)).await?;
    if told.result.is_none() && control.is_stopped() {
        return Ok(Some(Failure::stopped()));
    }
    Ok(match exited {
        None if told.result.is_none() => {
            Some(exit_failure("the worker closed its output without a result and did not exit".into()))
        }
        None => None,
        Some(exit) => judge_exit(exit.or(ended), told),
    })
}

fn judge_exit(exit: std::io::Result<Exit>, told: &Told) -> Option<Failure> {
    match exit {
        Err(error) => Some(exit_failure(format!("the worker's exit is not known: {error}"))),
        Ok(exit @ Exit::OutOfMemory) => Some(Failure::new(
            FailureKind::Worker(WorkerErrorKind::OutOfMemory),
            format!("the worker was {exit}"),
        )),
        Ok(exit) if told.result.is_none() => {
            Some(exit_failure(format!("the worker ended without a result ({exit}); see its standard error")))
        }
        Ok(exit) if !exit.is_success() => {
            Some(exit_failure(format!("the worker reported a result, then ended with {exit}")))
        }
        Ok(_) => None,
    }
}

fn exit_failure(message: String) -> Failure {
    Failure::new(FailureKind::Exit, message)
}

/// Takes what is left of standard error once the worker is gone: to its end, unless something else holds it open.
async fn drain(
    mut told: Told,
    mut streams: Streams,
    run_id: &str,
    rig: &Rig<'_>,
    recording: &mut Recording<'_>,
) -> Result<Told, RunError> {
    let mut patience = rig.clock.sleep_until(rig.clock.now_ns() + DRAIN_NS);
    let rest = async {
        loop {
            tokio::select! {
                biased;
                line = streams.log.recv() => {
                    let Some(line) = line else { return };
                    (rig.show)(&CampaignEvent::Log { run_id: run_id.into(), line: line.clone() });
                    told.stderr.push(line);
                }
                () = &mut patience => return,
            }
        }
    };
    recording.during(rest).await?;
    Ok(told)
}

/// Goes on sampling until the trace reaches past the window.
async fn outlast_window(told: &Told, rig: &Rig<'_>, recording: &mut Recording<'_>) -> Result<(), RunError> {
    let Some((_, Some(end_ns))) = told.phases.get(&Phase::Measure) else { return Ok(()) };
    let until_ns = end_ns + recording.tail_ns(rig.interval_ms);
    recording.during(rig.clock.sleep_until(until_ns)).await
}

fn outcome(
    failure: Option<Failure>,
    told: Told,
    start_temperatures_c: &[Option<f64>],
    recording: &Recording<'_>,
) -> RunOutcome {
    let status = match &failure {
        None => RunStatus::Completed,
        Some(Failure { kind: FailureKind::Stopped, .. }) => RunStatus::Interrupted,
        Some(_) => RunStatus::Failed,
    };
    let window_ns = match told.phases.get(&Phase::Measure) {
        Some((start, Some(end))) => Some((*start, *end)),
        _ => None,
    };
    let each = recording.devices().iter().enumerate();
    let devices: Vec<DeviceOutcome> = each
        .map(|(i, device)| device_outcome(device, recording.trace(i), start_temperatures_c[i], window_ns))
        .collect();
    RunOutcome {
        status,
        failure,
        stderr_tail: told.stderr.into_text(),
        window_ns,
        energy: total(devices.iter().map(|d| d.energy)),
        energy_source: energy_source(&devices),
        provenance: recording.devices().iter().map(|d| d.provenance).max(),
        phases: phase_outcomes(&told.phases, recording),
        window_parts: Vec::new(),
        parts_withheld: None,
        baselines: Vec::new(),
        devices,
        ttft_ms_p50: None,
        result: told.result,
        engine: told.engine,
        container: told.container,
        sampler: Some(recording.take_stats()),
        quality: None,
        surroundings: None,
    }
}

fn phase_outcomes(
    phases: &std::collections::BTreeMap<Phase, (i64, Option<i64>)>,
    recording: &Recording<'_>,
) -> Vec<PhaseOutcome> {
    let ended = phases.iter().filter_map(|(phase, (start, end))| Some((*phase, *start, (*end)?)));
    ended
        .map(|(phase, start_ns, end_ns)| {
            let each = recording.devices().iter().enumerate();
            let energies =
                each.map(|(i, device)| window_energy(device, recording.trace(i), start_ns, end_ns));
            PhaseOutcome { phase, start_ns, end_ns, energy: total(energies) }
        })
        .collect()
}

/// The weakest provenance comes last in the order of [`Provenance`], which `max` above relies on.
const _: () = assert!((Provenance::Measured as u8) < (Provenance::Estimated as u8));
