//! Running campaigns: from a file, or the rest of one that was interrupted.

use std::path::{Path, PathBuf};

use lem_backend::process::ProcessBackend;
use lem_campaign::plan::Plan;
use lem_campaign::run::{
    self as running, Campaign, CampaignEvent, Control, Limits, Meters, MetersError, Rig, RunError, Summary,
};
use lem_measure::DeviceInfo;
use lem_power::{Meter, MeterChoice};
use lem_spec::campaign::{Devices, Overrides, ResolvedCampaign};
use lem_store::{ResultFilter, Store};

use crate::around::CampaignSurroundings;
use crate::campaign_record::{Stored, diagnostics, done_before, known_before, new_campaign};
use crate::clock::{SystemClock, unix_ns};
use crate::environment::Surroundings;
use crate::error::{Error, ErrorCode};
use crate::hold::{self, Hold};
use crate::journal::StoreJournal;
use crate::live::DoneBefore;
use crate::planning::{Prepared, refusal};
use crate::services::in_containers;
use crate::workers::{CampaignWorkers, Containers, check_gpus, embedded_worker, python_workers};
use crate::{Engine, hardware, lock};

/// A campaign that is about to run.
pub(crate) struct Ready {
    pub(crate) id: String,
    store: Store,
    stored: Stored,
    meter: MeterChoice,
    devices: Vec<DeviceInfo>,
    todo: Vec<usize>,
    done: Vec<DoneBefore>,
    last_run_ended_unix_ns: Option<i64>,
    /// What earlier sessions found out: position of the experiment, and joules per output token.
    known: Vec<(usize, f64)>,
    /// The snapshot of the machine when the campaign began.
    began: serde_json::Value,
    surroundings: Surroundings,
    containers: Containers,
    python_workers: Option<PathBuf>,
    _locks: lock::DeviceLocks,
    _hold: Hold,
}

impl Ready {
    pub(crate) fn plan(&self) -> &Plan {
        &self.stored.plan
    }

    /// Positions in the plan that are still to do.
    pub(crate) fn todo(&self) -> &[usize] {
        &self.todo
    }

    /// What earlier sessions did of it.
    pub(crate) fn done(&self) -> &[DoneBefore] {
        &self.done
    }

    pub(crate) fn interval_ms(&self) -> u32 {
        self.stored.campaign.interval_ms.value
    }
}

impl Engine {
    /// Runs a campaign. `show` hears of every fact after it was stored, on the engine's threads, and must not block.
    pub async fn run(
        &self,
        file: &Path,
        overrides: &Overrides,
        control: Control,
        show: &(dyn Fn(&CampaignEvent) + Send + Sync),
    ) -> Result<Summary, Error> {
        let ready = self.ready(file, overrides).await?;
        self.execute_and_tell(ready, &control, show).await
    }

    /// Goes on with a campaign that was interrupted: exactly the planned runs that are missing.
    pub async fn resume(
        &self,
        id: &str,
        control: Control,
        show: &(dyn Fn(&CampaignEvent) + Send + Sync),
    ) -> Result<Summary, Error> {
        let ready = self.begin_again(id).await?;
        self.execute_and_tell(ready, &control, show).await
    }

    async fn execute_and_tell(
        &self,
        ready: Ready,
        control: &Control,
        show: &(dyn Fn(&CampaignEvent) + Send + Sync),
    ) -> Result<Summary, Error> {
        let (id, name) = (ready.id.clone(), ready.plan().name.clone());
        let ended = self.execute(ready, control, show).await;
        self.call_webhook(&id, &name, &ended).await;
        ended
    }

    /// Reads, plans and stores a campaign.
    pub(crate) async fn ready(&self, file: &Path, overrides: &Overrides) -> Result<Ready, Error> {
        let prepared = match self.prepare(file, overrides)? {
            Ok(prepared) => prepared,
            Err(problems) => return Err(refused(file, &problems)),
        };
        if let Some(error) = refusal(file, &prepared.plan.problems) {
            return Err(error);
        }
        self.begin(file, prepared, overrides).await
    }

    /// Stores a new campaign.
    async fn begin(&self, file: &Path, prepared: Prepared, overrides: &Overrides) -> Result<Ready, Error> {
        let Prepared { campaign, plan, text } = prepared;
        let meter = self.meter(&words(&campaign));
        let devices = hardware::open(&meter)?.devices();
        let unused_gpus = check_gpus(&campaign, &devices)?;
        let python_workers = python_workers(&campaign, &self.project)?;
        let id = uuid::Uuid::now_v7().to_string();
        let locks = lock::acquire(&devices, &id)?;
        let containers = self.containers(&campaign, &id, &devices).await?;
        let surroundings = self.surroundings(&campaign, &devices).await;
        let began = surroundings.snapshot().await;
        let store = Store::open(self.database()?).await?;
        let hold = self.hold(&id)?;
        let todo = (0..plan.runs.len()).collect();
        let stored = Stored { plan, campaign };
        let settings_text = self.settings()?.text;
        let new = new_campaign(&id, file, text, settings_text, overrides, &stored, began.clone())?;
        store.create_campaign(&new).await?;
        store.add_diagnostics(&diagnostics(&id, &stored.plan, unused_gpus)).await?;
        Ok(Ready {
            id,
            store,
            stored,
            meter,
            devices,
            todo,
            done: Vec::new(),
            last_run_ended_unix_ns: None,
            known: Vec::new(),
            began,
            surroundings,
            containers,
            python_workers,
            _locks: locks,
            _hold: hold,
        })
    }

    /// Takes up a stored campaign.
    pub(crate) async fn begin_again(&self, id: &str) -> Result<Ready, Error> {
        let store = Store::open_existing(self.database()?).await?;
        let id = store.resolve_campaign(id).await?;
        let hold = self.hold(&id)?;
        let message = "the program ended before the campaign did";
        store.mark_interrupted(&id, None, message).await?;
        let detail = store.campaign(&id).await?;
        let missing = store.missing_runs(&id).await?;
        let filter = ResultFilter { campaign_id: Some(id.clone()), status: None };
        if missing.is_empty() {
            let message = format!("campaign {id} has no runs left to do");
            return Err(
                Error::new(ErrorCode::BadInput, message).with_hint("`lem campaigns` lists those that have")
            );
        }
        let stored: Stored = serde_json::from_value(detail.campaign.plan).map_err(|e| {
            Error::new(
                ErrorCode::Conflict,
                format!("the plan of campaign {id} cannot be read by this version: {e}"),
            )
            .with_hint(format!(
                "it was made by version {}; resume it with that one",
                detail.campaign.app_version
            ))
        })?;
        let meter = self.meter(&words(&stored.campaign));
        let devices = hardware::open(&meter)?.devices();
        let locks = lock::acquire(&devices, &id)?;
        let containers = self.containers(&stored.campaign, &id, &devices).await?;
        let surroundings = self.surroundings(&stored.campaign, &devices).await;
        store.resume_campaign(&id, std::process::id()).await?;
        let rows = store.results(&filter).await?;
        Ok(Ready {
            todo: missing.iter().map(|run| run.index as usize).collect(),
            known: known_before(&stored.plan, &rows),
            done: done_before(rows),
            began: detail.environment,
            surroundings,
            last_run_ended_unix_ns: detail.summary.last_ended_unix_ns,
            containers,
            python_workers: python_workers(&stored.campaign, &self.project)?,
            id,
            store,
            stored,
            meter,
            devices,
            _locks: locks,
            _hold: hold,
        })
    }

    /// The containers that the backends of a campaign need; none are started yet.
    async fn containers(
        &self,
        campaign: &ResolvedCampaign,
        id: &str,
        devices: &[DeviceInfo],
    ) -> Result<Containers, Error> {
        // A compose file that nobody needs may be broken.
        if in_containers(campaign).is_empty() {
            return Ok(Containers::default());
        }
        let settings = self.settings()?.settings.docker;
        Containers::prepare(campaign, id, self.compose()?, devices, &settings).await
    }

    fn hold(&self, id: &str) -> Result<Hold, Error> {
        hold::take(&self.results_folder()?, id)?.ok_or_else(|| {
            Error::new(ErrorCode::Conflict, format!("campaign {id} is being run by another process"))
                .with_hint("wait for it, or stop it")
        })
    }

    pub(crate) async fn execute(
        &self,
        ready: Ready,
        control: &Control,
        show: &(dyn Fn(&CampaignEvent) + Send + Sync),
    ) -> Result<Summary, Error> {
        let Stored { plan, campaign: resolved } = &ready.stored;
        let clock = SystemClock;
        let workers = CampaignWorkers {
            campaign: resolved,
            campaign_id: &ready.id,
            seed: plan.seed,
            processes: ProcessBackend { launcher: self.options.launcher.clone() },
            embedded_worker: embedded_worker(),
            python_workers: ready.python_workers,
            project: &self.project,
            devices: &ready.devices,
            containers: ready.containers,
            control,
        };
        let surroundings = CampaignSurroundings::new(plan, ready.began, ready.surroundings);
        let journal = StoreJournal::new(ready.store.clone(), ready.id.clone());
        let rig = Rig {
            clock: &clock,
            journal: &journal,
            show,
            workers: &workers,
            meters: &OpenMeters(ready.meter.clone()),
            surroundings: &surroundings,
            new_id: &|| uuid::Uuid::now_v7().to_string(),
            interval_ms: resolved.interval_ms.value,
            limits: Limits {
                run_timeout_s: resolved.run_timeout_s.map(|limit| limit.value),
                silence_timeout_s: resolved.silence_timeout_s.value,
                max_consecutive_failures: resolved.max_consecutive_failures.value,
            },
        };
        let last_run_ended_ns = ready.last_run_ended_unix_ns.map(|ended| {
            let elapsed = (unix_ns() - ended).max(0);
            running::Clock::now_ns(&clock) - elapsed
        });
        let campaign = Campaign {
            id: ready.id.clone(),
            plan,
            todo: ready.todo.clone(),
            last_run_ended_ns,
            known: ready.known.clone(),
        };
        // On the heap: it holds a whole campaign.
        let summary = Box::pin(running::run(&campaign, &rig, control)).await;
        workers.containers.tear_down().await;
        if summary.is_err() {
            // The journal may be what failed; whoever opens the database next marks the campaign then.
            let _ = ready
                .store
                .mark_interrupted(&ready.id, Some(unix_ns()), "the campaign could not go on")
                .await;
        }
        ready.store.close().await;
        summary.map_err(|error| run_error(&error, &ready.id))
    }
}

fn refused(file: &Path, problems: &[lem_spec::diagnostic::Diagnostic]) -> Error {
    refusal(file, problems)
        .unwrap_or_else(|| Error::new(ErrorCode::BadInput, format!("{}: no campaign", file.display())))
}

fn run_error(error: &RunError, id: &str) -> Error {
    let hint = match error {
        RunError::Journal(e) => e.hint.clone(),
        RunError::Meters(e) => e.hint.clone(),
        RunError::Sampler(_) => None,
    };
    let resume = format!("then go on with `lem run --resume {id}`");
    let hint = hint.map_or_else(|| resume.clone(), |hint| format!("{hint}; {resume}"));
    Error::new(ErrorCode::Machine, error.to_string()).with_hint(hint)
}

/// Opens the meters of a campaign, also again after a device was lost.
struct OpenMeters(MeterChoice);

impl Meters for OpenMeters {
    fn open(&self) -> Result<Vec<Box<dyn Meter>>, MetersError> {
        let opened = hardware::open(&self.0).map_err(|e| MetersError { message: e.message, hint: e.hint })?;
        for note in &opened.notes {
            tracing::info!("{note}");
        }
        Ok(opened.meters)
    }
}

/// The devices that a campaign names.
fn chosen(campaign: &ResolvedCampaign) -> Option<&Vec<String>> {
    match &campaign.devices.value {
        Devices::Auto => None,
        Devices::Chosen(words) => Some(words),
    }
}

fn words(campaign: &ResolvedCampaign) -> Vec<String> {
    chosen(campaign).cloned().unwrap_or_default()
}
