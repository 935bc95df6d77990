//! Starting workers: where, which command, with which environment, told what.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use lem_backend::compose::Compose;
use lem_backend::docker::{Ephemeral, Holder, Lifetime, Owner, Persistent, orphans};
use lem_backend::process::ProcessBackend;
use lem_backend::{Backend, Session, Start, StartError};
use lem_campaign::plan::{PlannedRun, worker_experiment};
use lem_campaign::run::{Control, Workers};
use lem_measure::DeviceInfo;
use lem_measure::device::PowerSource;
use lem_protocol::Experiment;
use lem_spec::campaign::{Devices, EMBEDDED_BACKEND, ExperimentSpec, ResolvedCampaign, Runner};
use lem_spec::settings::{ContainerStrategy, Docker};

use crate::Engine;
use crate::error::{Error, ErrorCode};
use crate::servers::{self, ServerPlace};
use crate::{python, services};

/// The program of the embedded worker; it is installed beside the program that runs the engine.
pub(crate) const EMBEDDED_WORKER: &str = "lem-worker-candle";

/// Workers of one campaign, as local processes and in containers.
pub(crate) struct CampaignWorkers<'a> {
    pub(crate) campaign: &'a ResolvedCampaign,
    pub(crate) campaign_id: &'a str,
    pub(crate) seed: u64,
    pub(crate) processes: ProcessBackend,
    pub(crate) embedded_worker: PathBuf,
    /// The folder of the package `lem_worker`, where a backend runs it as a process.
    pub(crate) python_workers: Option<PathBuf>,
    pub(crate) project: &'a Path,
    pub(crate) devices: &'a [DeviceInfo],
    pub(crate) containers: Containers,
    pub(crate) control: &'a Control,
}

/// The containers of a campaign by backend; none where no backend needs one.
#[derive(Default)]
pub(crate) struct Containers(BTreeMap<String, Place>);

/// Where the worker of a backend runs.
enum Place {
    Ephemeral(Ephemeral),
    Persistent(Persistent),
    Server(ServerPlace),
}

impl Containers {
    /// Connects to the Docker engine, removes what dead campaigns left behind, and prepares a place for each backend
    /// that runs in a container. Nothing is started yet.
    pub(crate) async fn prepare(
        campaign: &ResolvedCampaign,
        campaign_id: &str,
        compose: Option<Compose>,
        devices: &[DeviceInfo],
        settings: &Docker,
    ) -> Result<Self, Error> {
        let missing = || Error::new(ErrorCode::NotFound, "the compose file of the campaign is gone");
        let compose = compose.ok_or_else(missing)?;
        let engine = Arc::new(services::connect().await?);
        let unreachable = |e: std::io::Error| Error::new(ErrorCode::Machine, e.to_string());
        for orphan in
            orphans::remove_orphans(&engine, orphans::Found::may_be_held).await.map_err(unreachable)?
        {
            tracing::info!(
                "removed container {} of campaign {}, which has ended",
                orphan.id,
                orphan.campaign
            );
        }
        let owner = Owner { campaign: campaign_id.to_owned(), run: None, holder: Holder::this_process() };
        let gpus = campaign_gpus(campaign, devices);
        let mut places = BTreeMap::new();
        for backend in services::in_containers(campaign) {
            let service = Arc::new(Engine::service(&compose, backend)?);
            orphans::remove_kept(&engine, &service.project, &service.name).await.map_err(unreachable)?;
            let (engine, owner, gpus) = (Arc::clone(&engine), owner.clone(), gpus.clone());
            let strategy = campaign.container_strategy.value;
            let ephemeral = Ephemeral { engine, service, owner, gpus };
            if let Some(Runner::Openai(_)) = campaign.runners.get(backend).map(|runner| &runner.value) {
                let kept = strategy == ContainerStrategy::Persistent;
                places.insert(backend.to_owned(), Place::Server(ServerPlace::new(ephemeral, kept)));
                continue;
            }
            let place = match strategy {
                ContainerStrategy::Ephemeral => Place::Ephemeral(ephemeral),
                ContainerStrategy::Persistent => {
                    let Ephemeral { engine, service, owner, gpus } = ephemeral;
                    let warmup_delay =
                        Duration::try_from_secs_f64(settings.warmup_delay.value).unwrap_or(Duration::MAX);
                    let max_restarts = campaign.max_restarts.value;
                    let lifetime =
                        Lifetime { warmup_delay, kept: !settings.auto_teardown.value, max_restarts };
                    Place::Persistent(Persistent::new(engine, service, owner, gpus, lifetime))
                }
            };
            places.insert(backend.to_owned(), place);
        }
        Ok(Self(places))
    }

    /// Removes the containers of the campaign, but those that are kept.
    pub(crate) async fn tear_down(&self) {
        for place in self.0.values() {
            match place {
                Place::Persistent(persistent) => persistent.tear_down().await,
                Place::Server(server) => server.tear_down().await,
                Place::Ephemeral(_) => {}
            }
        }
    }
}

impl CampaignWorkers<'_> {
    fn spec(&self, run: &PlannedRun) -> &ExperimentSpec {
        &self.campaign.experiments[run.experiment]
    }

    fn command(&self, backend: &str) -> Vec<String> {
        match self.campaign.runners.get(backend).map(|runner| &runner.value) {
            Some(Runner::Process { command: Some(command), .. }) => command.clone(),
            Some(Runner::Process { python: Some(python), .. }) => {
                let program = python::program(python, self.project);
                [program.as_str(), "-m", "lem_worker", backend].map(str::to_owned).to_vec()
            }
            Some(Runner::Docker) => services::worker_command(backend),
            _ if backend == EMBEDDED_BACKEND => vec![self.embedded_worker.to_string_lossy().into_owned()],
            // The plan has refused this campaign; starting nothing is an error that says so.
            _ => Vec::new(),
        }
    }

    fn environment(&self, run: &PlannedRun, run_id: &str) -> Vec<(String, String)> {
        let mut variables = vec![
            ("LEM_CAMPAIGN_ID", self.campaign_id.to_owned()),
            ("LEM_CAMPAIGN_NAME", self.campaign.name.clone()),
            ("LEM_RUN_ID", run_id.to_owned()),
            ("LEM_CYCLE", run.cycle.to_string()),
            ("LEM_TOTAL_CYCLES", self.campaign.cycles.value.to_string()),
        ];
        let spec = self.spec(run);
        if !self.containers.0.contains_key(&spec.backend) {
            variables.push(("LEM_ENGINE_PID", std::process::id().to_string()));
        }
        let runner = self.campaign.runners.get(&spec.backend).map(|runner| &runner.value);
        if let (Some(folder), true) = (&self.python_workers, runner.is_some_and(runs_python)) {
            variables.push(("PYTHONPATH", python::search_path(folder)));
        }
        if let Some(gpus) = visible_gpus(spec, self.campaign, self.devices) {
            variables.push(("CUDA_VISIBLE_DEVICES", gpus.join(",")));
        }
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

impl Workers for CampaignWorkers<'_> {
    fn start<'a>(
        &'a self,
        run: &'a PlannedRun,
        run_id: &'a str,
    ) -> BoxFuture<'a, Result<Session, StartError>> {
        async move {
            let backend = &self.spec(run).backend;
            let start = Start {
                command: self.command(backend),
                environment: self.environment(run, run_id),
                folder: None,
            };
            let place = self.containers.0.get(backend);
            if let Some(Runner::Openai(server)) =
                self.campaign.runners.get(backend).map(|runner| &runner.value)
            {
                let place = match place {
                    Some(Place::Server(place)) => Some(place),
                    _ => None,
                };
                return servers::start(server, place, run_id).await;
            }
            match place {
                // A server was started above.
                None | Some(Place::Server(_)) => self.processes.start(&start).await,
                Some(Place::Persistent(persistent)) => {
                    let mut starting = persistent.start(&start);
                    tokio::select! {
                        started = &mut starting => started,
                        // Waited for nevertheless: it removes the container that it was making.
                        () = self.control.stopped() => {
                            persistent.give_up();
                            starting.await
                        }
                    }
                }
                Some(Place::Ephemeral(ephemeral)) => {
                    let owner = Owner { run: Some(run_id.to_owned()), ..ephemeral.owner.clone() };
                    Ephemeral { owner, ..ephemeral.clone() }.start(&start).await
                }
            }
        }
        .boxed()
    }

    fn message(&self, run: &PlannedRun, run_id: &str) -> Experiment {
        worker_experiment(self.spec(run), run_id, self.seed)
    }
}

/// The GPUs that a worker may see, by UUID because the order of indices differs between CUDA and NVML: those of the
/// experiment's `gpus`, else those that the campaign names in `measurement.devices`; `None` for all.
fn visible_gpus(
    spec: &ExperimentSpec,
    campaign: &ResolvedCampaign,
    devices: &[DeviceInfo],
) -> Option<Vec<String>> {
    let Some(indices) = &spec.gpus else { return campaign_gpus(campaign, devices) };
    gpus(devices, |device| device.index.is_some_and(|index| indices.contains(&index)))
}

/// The GPUs that a campaign names; `None` when it leaves them open.
fn campaign_gpus(campaign: &ResolvedCampaign, devices: &[DeviceInfo]) -> Option<Vec<String>> {
    (campaign.devices.value != Devices::Auto).then(|| gpus(devices, |_| true)).flatten()
}

fn gpus(devices: &[DeviceInfo], wanted: impl Fn(&DeviceInfo) -> bool) -> Option<Vec<String>> {
    let gpus = devices.iter().filter(|device| device.source == PowerSource::Nvml && wanted(device));
    let ids: Vec<String> = gpus.map(|device| device.id.clone()).collect();
    (!ids.is_empty()).then_some(ids)
}

/// An experiment that asks for a GPU that is not measured would run unmeasured, so it is refused. Without any GPU among
/// the devices `gpus` means nothing, which is said once.
pub(crate) fn check_gpus(
    campaign: &ResolvedCampaign,
    devices: &[DeviceInfo],
) -> Result<Option<String>, Error> {
    let measured: Vec<u32> =
        devices.iter().filter(|d| d.source == PowerSource::Nvml).filter_map(|d| d.index).collect();
    let asking = campaign.experiments.iter().filter_map(|spec| Some((spec, spec.gpus.as_ref()?)));
    for (spec, gpus) in asking {
        if measured.is_empty() {
            return Ok(Some(format!("`gpus` of {} has no effect: no GPU is measured", spec.name)));
        }
        if let Some(missing) = gpus.iter().find(|gpu| !measured.contains(gpu)) {
            let message = format!("experiment {} asks for GPU {missing}, which is not measured", spec.name);
            return Err(Error::new(ErrorCode::BadInput, message).with_hint(
                "`lem devices` lists the GPUs; see `gpus` and `measurement.devices` of the campaign",
            ));
        }
    }
    Ok(None)
}

/// Whether it runs the package `lem_worker` as a process; in containers the package is that of the image.
fn runs_python(runner: &Runner) -> bool {
    matches!(runner, Runner::Process { command: None, python: Some(_) })
}

/// Where the package `lem_worker` is, for a campaign that runs it as a process.
pub(crate) fn python_workers(campaign: &ResolvedCampaign, project: &Path) -> Result<Option<PathBuf>, Error> {
    let needed = campaign.runners.values().any(|runner| runs_python(&runner.value));
    needed.then(|| python::workers_folder(project)).transpose()
}

/// The embedded worker beside this program, else by name on PATH.
pub(crate) fn embedded_worker() -> PathBuf {
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join(EMBEDDED_WORKER)));
    beside.filter(|path| path.is_file()).unwrap_or_else(|| Path::new(EMBEDDED_WORKER).to_owned())
}
