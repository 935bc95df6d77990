//! The journal of a campaign in SQLite: each fact is durable when `record` returns.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use lem_campaign::run::{
    CampaignEvent, CampaignStatus, DeviceOutcome, Journal, JournalError, RunBaseline, RunOutcome, RunStatus,
};
use lem_measure::metrics::TokensInWindow;
use lem_measure::{EnergyEstimate, Provenance, Sample};
use lem_protocol::{Phase, Request};
use lem_store::{Diagnostic, Gap, PhaseEnergy, RunDevice, RunFailure, RunStart, Severity, Store, StoreError};
use serde_json::{Value, json};

use crate::clock::unix_ns;

/// Writes the facts of one campaign.
pub(crate) struct StoreJournal {
    store: Store,
    campaign_id: String,
    present: Mutex<Present>,
}

/// What is remembered of the run that is under way.
#[derive(Default)]
struct Present {
    phases: HashMap<Phase, u32>,
    warnings: Vec<String>,
    energy_source: Option<String>,
    provenance: Option<Provenance>,
}

impl StoreJournal {
    pub(crate) fn new(store: Store, campaign_id: String) -> Self {
        Self { store, campaign_id, present: Mutex::default() }
    }

    /// Nothing panics while it is held, and its values stand alone.
    fn present<T>(&self, use_it: impl FnOnce(&mut Present) -> T) -> T {
        use_it(&mut self.present.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn write(&self, event: &CampaignEvent) -> Result<(), StoreError> {
        match event {
            CampaignEvent::CampaignStarted { devices, remaining, .. } => {
                let mut sources: Vec<&str> = devices.iter().map(|d| d.source.name()).collect();
                sources.dedup();
                self.present(|present| {
                    present.energy_source = Some(sources.join("+"));
                    present.provenance = devices.iter().map(|d| d.provenance).max();
                });
                self.event("campaign_started", &json!({ "remaining": remaining })).await
            }
            CampaignEvent::RunBegun { run_id, index, .. } => {
                self.present(|present| {
                    present.phases.clear();
                    present.warnings.clear();
                });
                let index = u32::try_from(*index).unwrap_or(u32::MAX);
                self.store.begin_run(run_id, &self.campaign_id, index).await.map(drop)
            }
            CampaignEvent::GapEnded { run_id, actual_s, because, .. } => {
                let gap =
                    Gap { actual_s: *actual_s, ended_because: because.name().into(), facts: gap(event) };
                self.store.record_gap(run_id, &gap).await
            }
            CampaignEvent::BaselineTaken { run_id, baseline } => {
                self.event("baseline_taken", &json!({ "run_id": run_id, "baseline": baseline })).await
            }
            CampaignEvent::BaselineDrifted { runs, drift, reason } => {
                self.event("baseline_drifted", &json!({ "runs": runs, "drift": drift })).await?;
                self.store.withdraw_adjusted(runs, reason).await
            }
            CampaignEvent::NotNeeded { runs, reason } => {
                let runs: Vec<u32> = runs.iter().filter_map(|run| u32::try_from(*run).ok()).collect();
                self.store.mark_not_needed(&self.campaign_id, &runs, reason).await
            }
            CampaignEvent::RunStarted {
                run_id,
                anchor_monotonic_ns,
                anchor_unix_ns,
                start_temperature_c,
            } => {
                let (energy_source, provenance) = self.present(|p| (p.energy_source.clone(), p.provenance));
                let start = RunStart {
                    started_unix_ns: *anchor_unix_ns,
                    anchor_monotonic_ns: *anchor_monotonic_ns,
                    anchor_unix_ns: *anchor_unix_ns,
                    start_temperature_c: *start_temperature_c,
                    energy_source,
                    provenance,
                };
                self.store.run_started(run_id, &start).await
            }
            CampaignEvent::PhaseBegun { run_id, phase, t_ns } => {
                let seq = self.store.phase_begin(run_id, phase.name(), *t_ns).await?;
                self.present(|present| present.phases.insert(*phase, seq));
                Ok(())
            }
            CampaignEvent::PhaseEnded { run_id, phase, t_ns } => {
                match self.present(|present| present.phases.get(phase).copied()) {
                    Some(seq) => self.store.phase_end(run_id, seq, *t_ns).await,
                    None => Ok(()),
                }
            }
            CampaignEvent::Requests { run_id, requests } => {
                let requests: Vec<lem_store::Request> = requests.iter().map(stored_request).collect();
                self.store.add_requests(run_id, &requests).await
            }
            CampaignEvent::Warning { run_id, message } => self.warning(run_id, message).await,
            CampaignEvent::RunFinished { run_id, outcome, .. } => self.finish(run_id, outcome).await,
            CampaignEvent::CampaignFinished { status, message, .. } => {
                self.close(*status, message.as_deref()).await
            }
            // Shown only: a gap that ends is recorded, samples come by their own way, a log by its tail.
            CampaignEvent::GapStarted { .. }
            | CampaignEvent::BaselineStarted { .. }
            | CampaignEvent::Progress { .. }
            | CampaignEvent::Samples { .. }
            | CampaignEvent::Log { .. } => Ok(()),
        }
    }

    async fn event(&self, kind: &str, data: &Value) -> Result<(), StoreError> {
        self.store.add_event(&self.campaign_id, unix_ns(), kind, data).await.map(drop)
    }

    async fn warning(&self, run_id: &str, message: &str) -> Result<(), StoreError> {
        self.present(|present| present.warnings.push(message.to_owned()));
        let diagnostic = Diagnostic {
            campaign_id: self.campaign_id.clone(),
            run_id: (!run_id.is_empty()).then(|| run_id.to_owned()),
            severity: Severity::Warning,
            code: "run_warning".into(),
            message: message.to_owned(),
            hint: None,
            at_unix_ns: unix_ns(),
        };
        self.store.add_diagnostics(std::slice::from_ref(&diagnostic)).await
    }

    async fn finish(&self, run_id: &str, outcome: &RunOutcome) -> Result<(), StoreError> {
        let sampler = outcome.sampler.and_then(|stats| serde_json::to_value(stats).ok());
        let devices: Vec<RunDevice> = outcome.devices.iter().map(stored_device).collect();
        let (warnings, seqs) = self.present(|p| (std::mem::take(&mut p.warnings), p.phases.clone()));
        match outcome.status {
            RunStatus::Completed => {
                let stored = stored_outcome(outcome, warnings, sampler, devices, &seqs);
                self.store.finish_run(run_id, &stored).await?;
            }
            RunStatus::Failed => {
                let failure = outcome.failure.as_ref();
                let stored = RunFailure {
                    ended_unix_ns: unix_ns(),
                    error_kind: failure.map_or("unknown", |f| f.kind.name()).to_owned(),
                    error_message: failure.map_or_else(String::new, |f| f.message.clone()),
                    stderr_tail: Some(outcome.stderr_tail.clone()).filter(|tail| !tail.is_empty()),
                    container: container(outcome),
                    sampler,
                    warnings,
                    devices,
                };
                self.store.fail_run(run_id, &stored).await?;
            }
            RunStatus::Interrupted => {
                self.store
                    .mark_interrupted(&self.campaign_id, Some(unix_ns()), "the campaign was stopped")
                    .await?;
            }
        }
        self.store.compact_trace(run_id).await
    }

    async fn close(&self, status: CampaignStatus, message: Option<&str>) -> Result<(), StoreError> {
        self.event("campaign_finished", &json!({ "status": status, "message": message })).await?;
        let status = match status {
            CampaignStatus::Completed => lem_store::CampaignStatus::Completed,
            CampaignStatus::Failed => lem_store::CampaignStatus::Failed,
            CampaignStatus::Interrupted => lem_store::CampaignStatus::Interrupted,
        };
        self.store.set_campaign_status(&self.campaign_id, status, Some(unix_ns()), message).await
    }
}

impl Journal for StoreJournal {
    fn record<'a>(&'a self, event: &'a CampaignEvent) -> BoxFuture<'a, Result<(), JournalError>> {
        async move { self.write(event).await.map_err(|e| journal_error(&e)) }.boxed()
    }

    fn samples<'a>(
        &'a self,
        run_id: &'a str,
        device_id: &'a str,
        samples: &'a [Sample],
    ) -> BoxFuture<'a, Result<(), JournalError>> {
        async move { self.store.append_trace(run_id, device_id, samples).await.map_err(|e| journal_error(&e)) }
            .boxed()
    }
}

fn journal_error(error: &StoreError) -> JournalError {
    JournalError { message: error.to_string(), hint: None }
}

fn stored_request(request: &Request) -> lem_store::Request {
    lem_store::Request {
        index: request.index,
        input_tokens: request.input_tokens,
        output_tokens: request.output_tokens,
        start_ns: request.start_ns,
        waited_ms: request.waited_ms,
        ttft_ms: request.ttft_ms,
        latency_ms: request.latency_ms,
        itl_ms: request.itl_ms.clone(),
        in_window: request.in_window.map(|tokens| TokensInWindow {
            // No more than of the whole request, which is a rule of the conversation.
            input_tokens: u32::try_from(tokens.input_tokens).unwrap_or(request.input_tokens),
            output_tokens: u32::try_from(tokens.output_tokens).unwrap_or(request.output_tokens),
        }),
    }
}

fn stored_device(outcome: &DeviceOutcome) -> RunDevice {
    let energy = |estimate: Option<EnergyEstimate>| estimate.map(|e| e.energy.0);
    let uncertainty = |estimate: Option<EnergyEstimate>| estimate.map(|e| e.uncertainty.0);
    let (counter, integral, best) = (outcome.energy.counter, outcome.energy.integral, outcome.energy.best());
    RunDevice {
        device_id: outcome.device.id.clone(),
        name: outcome.device.name.clone(),
        kind: outcome.device.kind,
        source: outcome.device.source,
        provenance: outcome.device.provenance,
        counter_energy_j: energy(counter),
        counter_uncertainty_j: uncertainty(counter),
        integral_energy_j: energy(integral),
        integral_uncertainty_j: uncertainty(integral),
        energy_j: energy(best),
        energy_uncertainty_j: uncertainty(best),
        mean_power_w: outcome.mean_power_w,
        start_temperature_c: outcome.start_temperature_c,
        max_temperature_c: outcome.max_temperature_c,
        info: serde_json::to_value(&outcome.device).unwrap_or(Value::Null),
    }
}

fn container(outcome: &RunOutcome) -> Option<Value> {
    outcome.container.as_ref().and_then(|facts| serde_json::to_value(facts).ok())
}

fn stored_outcome(
    outcome: &RunOutcome,
    warnings: Vec<String>,
    sampler: Option<Value>,
    devices: Vec<RunDevice>,
    seqs: &HashMap<Phase, u32>,
) -> lem_store::RunOutcome {
    let result = outcome.result.as_ref();
    let phases = outcome.phases.iter().filter_map(|phase| {
        Some(PhaseEnergy {
            seq: *seqs.get(&phase.phase)?,
            energy_j: phase.energy.map(|e| e.energy.0),
            energy_uncertainty_j: phase.energy.map(|e| e.uncertainty.0),
        })
    });
    lem_store::RunOutcome {
        ended_unix_ns: unix_ns(),
        window_ns: outcome.window_ns,
        energy_j: outcome.energy.map(|e| e.energy.0),
        energy_uncertainty_j: outcome.energy.map(|e| e.uncertainty.0),
        energy_source: outcome.energy_source.clone(),
        provenance: outcome.provenance,
        requests: result.map(|r| u64::from(r.requests)),
        input_tokens: result.map(|r| r.input_tokens),
        output_tokens: result.map(|r| r.output_tokens),
        ttft_ms_p50: outcome.ttft_ms_p50,
        result: result.map(|r| json!({ "worker": outcome.engine, "result": r })),
        container: container(outcome),
        sampler,
        warnings,
        devices,
        phases: phases.collect(),
        window_parts: outcome.window_parts.clone(),
        parts_withheld: outcome.parts_withheld.clone(),
        baselines: outcome.baselines.iter().map(stored_baseline).collect(),
        quality: outcome.quality.clone(),
        surroundings: outcome.surroundings.clone(),
    }
}

fn stored_baseline(baseline: &RunBaseline) -> lem_store::RunBaseline {
    let idle = &baseline.idle;
    lem_store::RunBaseline {
        kind: idle.kind.name().into(),
        chosen: baseline.chosen,
        power_w: idle.power_w,
        power_uncertainty_w: idle.uncertainty_w,
        sd_w: idle.sd_w,
        temperature_c: idle.temperature_c,
        duration_s: lem_measure::units::seconds(idle.end_ns - idle.start_ns),
        age_s: baseline.age_s,
        drift: baseline.drift,
        adjusted_energy_j: baseline.adjusted.map(|adjusted| adjusted.energy.0),
        adjusted_energy_uncertainty_j: baseline.adjusted.map(|adjusted| adjusted.uncertainty.0),
        withheld: baseline.withheld.clone(),
    }
}

/// How a gap was to end, and its temperatures.
fn gap(event: &CampaignEvent) -> Value {
    let CampaignEvent::GapEnded {
        mode, start_temperature_c, end_temperature_c, reference_temperature_c, ..
    } = event
    else {
        return Value::Null;
    };
    json!({
        "mode": mode,
        "start_temperature_c": start_temperature_c,
        "end_temperature_c": end_temperature_c,
        "reference_temperature_c": reference_temperature_c,
    })
}
