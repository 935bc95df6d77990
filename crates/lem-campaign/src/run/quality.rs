//! From what is known of a run to the facts that its quality is judged by.

use lem_measure::quality::{
    self, Batch, DeviceFacts, GapOutcome, Host, LogSigns, Report, Requests, RunFacts, SamplerFacts,
    Truncation, WarmUp,
};
use lem_measure::units::seconds;
use lem_power::SamplerStats;
use lem_protocol::{Experiment, Request};
use lem_spec::campaign::{BaselineKind, ThermalMode};

use super::around::Around;
use super::event::GapEnd;
use super::outcome::{DeviceOutcome, RunOutcome};
use super::recording::Recording;

/// What the judgement of a run needs beyond its outcome.
pub(super) struct Evidence<'a> {
    pub(super) message: &'a Experiment,
    pub(super) requests: &'a [Request],
    pub(super) interval_ms: u32,
    pub(super) planned_devices: &'a [String],
    pub(super) around: &'a Around,
    pub(super) gap: GapEnd,
    pub(super) mode: ThermalMode,
    /// The temperature of each device that the start of a run is compared with.
    pub(super) references_c: &'a [Option<f64>],
}

/// Judges a run that completed.
pub(super) fn judge(outcome: &RunOutcome, evidence: &Evidence<'_>, recording: &Recording<'_>) -> Report {
    quality::run_report(&facts(outcome, evidence, recording))
}

fn facts(outcome: &RunOutcome, evidence: &Evidence<'_>, recording: &Recording<'_>) -> RunFacts {
    let window = outcome.window_ns;
    let result = outcome.result.as_ref();
    let steady = result.is_some_and(|result| result.unfinished.is_some());
    let workload = &evidence.message.workload;
    let outputs = evidence.requests.iter().map(|request| request.output_tokens);
    RunFacts {
        window_s: window.map(|(start, end)| seconds(end - start)),
        window_is_inference: Some(true),
        interval_ms: evidence.interval_ms,
        devices: devices(outcome, evidence, recording),
        planned_devices: Some(evidence.planned_devices.to_vec()),
        energy: outcome.energy,
        output_tokens: result.map(|result| result.output_tokens),
        sampler: outcome.sampler.map(sampler),
        thermal_mode: Some(match evidence.mode {
            ThermalMode::Fixed | ThermalMode::Adaptive => quality::ThermalMode::CoolStart,
            ThermalMode::Hot => quality::ThermalMode::HotSteady,
        }),
        gap: gap(evidence.gap),
        warm_up: Some(warm_up(evidence.message, result.and_then(|result| result.warmup_converged))),
        baseline: baseline(outcome),
        // A worker that loses a request fails the run; there is no result then.
        requests: result.map(|result| Requests {
            ok: result.requests,
            failed: 0,
            expected: (!steady).then_some(workload.sample_size),
        }),
        truncation: (!evidence.requests.is_empty())
            .then(|| Truncation::of(outputs, workload.min_output_tokens, workload.max_output_tokens)),
        batch: workload.traffic.is_none().then_some(Batch {
            configured: evidence.message.batch_size,
            effective: None,
            kv_cache_used: None,
        }),
        log: Some(log_signs(&outcome.stderr_tail)),
        environment_drift: evidence.around.drift(),
        host: Host {
            load_by_others: evidence.around.load_by_others(),
            load_unknown: evidence.around.load_unknown(),
            governor: evidence.around.before.governor.clone(),
            swapped_mib: evidence.around.swapped_mib(),
        },
    }
}

fn devices(outcome: &RunOutcome, evidence: &Evidence<'_>, recording: &Recording<'_>) -> Vec<DeviceFacts> {
    let window = outcome.window_ns.unwrap_or_default();
    let each = outcome.devices.iter().enumerate();
    let alone = outcome.devices.len() == 1;
    let idle = outcome.baselines.iter().find(|baseline| baseline.idle.kind == BaselineKind::Bare);
    each.map(|(i, DeviceOutcome { device, energy, start_temperature_c, .. })| {
        let seen = DeviceFacts::observe(device, recording.trace(i), window, evidence.interval_ms, energy);
        let mut temperature = seen.temperature;
        temperature.start_c = *start_temperature_c;
        temperature.reference_c = evidence.references_c.get(i).copied().flatten();
        DeviceFacts {
            temperature,
            // The baseline is known of all devices together.
            idle_power_w: idle.filter(|_| alone).map(|baseline| baseline.idle.power_w),
            foreign_processes: evidence.around.foreign(&device.id),
            ecc_errors: evidence.around.ecc(&device.id),
            xids: evidence.around.xids(&device.id, window.1),
            ..seen
        }
    })
    .collect()
}

fn sampler(stats: SamplerStats) -> SamplerFacts {
    SamplerFacts { ticks: stats.ticks, missed_ticks: stats.missed_ticks, read_errors: stats.read_errors }
}

fn gap(end: GapEnd) -> Option<GapOutcome> {
    Some(match end {
        GapEnd::None => GapOutcome::None,
        GapEnd::Elapsed => GapOutcome::Elapsed,
        GapEnd::Cooled => GapOutcome::Settled,
        GapEnd::Maximum => GapOutcome::Maximum,
        GapEnd::Skipped => GapOutcome::Skipped,
        GapEnd::Stopped => return None,
    })
}

fn warm_up(message: &Experiment, converged: Option<bool>) -> WarmUp {
    match converged {
        Some(true) => WarmUp::Converged,
        Some(false) => WarmUp::CapHit,
        None if message.warmup.prompts == 0 && !message.warmup.hold => WarmUp::Nothing,
        None => WarmUp::Fixed,
    }
}

/// The baseline that the campaign asked for.
fn baseline(outcome: &RunOutcome) -> Option<quality::Baseline> {
    let chosen = outcome.baselines.iter().find(|baseline| baseline.chosen)?;
    let kind = match chosen.idle.kind {
        BaselineKind::Bare => quality::BaselineKind::Bare,
        BaselineKind::Context => quality::BaselineKind::Context,
        BaselineKind::Loaded => quality::BaselineKind::Loaded,
    };
    Some(quality::Baseline { kind, age_s: chosen.age_s, drift: chosen.drift })
}

/// Counts lines that are signs of trouble. Only what engines write when it has happened: advice about memory is common.
fn log_signs(log: &str) -> LogSigns {
    const CRASHES: [&str; 4] = ["Segmentation fault", "core dumped", "Fatal Python error", "NVRM: Xid"];
    const MEMORY: [&str; 3] = ["CUDA out of memory", "std::bad_alloc", "Out of memory: Killed process"];
    const RETRIES: [&str; 2] = ["Retrying", "retrying in"];
    let count = |signs: &[&str]| {
        let lines = log.lines().filter(|line| signs.iter().any(|sign| line.contains(sign)));
        u32::try_from(lines.count()).unwrap_or(u32::MAX)
    };
    LogSigns { crashes: count(&CRASHES), out_of_memory: count(&MEMORY), retries: count(&RETRIES) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_trouble_are_what_has_happened_and_not_advice() {
        let log = "INFO if you run out of memory, lower gpu_memory_utilization\nRetrying download\n\
                   torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB\nSegmentation fault\n";
        assert_eq!(log_signs(log), LogSigns { crashes: 1, out_of_memory: 1, retries: 1 });
        assert_eq!(log_signs("all is well"), LogSigns::default());
    }
}
