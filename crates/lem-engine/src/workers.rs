//! Starting workers: which command, with which environment, told what.

use std::path::{Path, PathBuf};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use lem_backend::process::ProcessBackend;
use lem_backend::{Backend, Session, Start, StartError};
use lem_campaign::plan::{PlannedRun, worker_experiment};
use lem_campaign::run::Workers;
use lem_measure::DeviceInfo;
use lem_measure::device::PowerSource;
use lem_protocol::Experiment;
use lem_spec::campaign::{Devices, EMBEDDED_BACKEND, ExperimentSpec, ResolvedCampaign, Runner};

use crate::error::{Error, ErrorCode};

/// The program of the embedded worker; it is installed beside the program that runs the engine.
pub(crate) const EMBEDDED_WORKER: &str = "lem-worker-candle";

/// Workers of one campaign as local processes.
pub(crate) struct ProcessWorkers<'a> {
    pub(crate) campaign: &'a ResolvedCampaign,
    pub(crate) campaign_id: &'a str,
    pub(crate) seed: u64,
    pub(crate) backend: ProcessBackend,
    pub(crate) embedded_worker: PathBuf,
    pub(crate) devices: &'a [DeviceInfo],
}

impl ProcessWorkers<'_> {
    fn spec(&self, run: &PlannedRun) -> &ExperimentSpec {
        &self.campaign.experiments[run.experiment]
    }

    fn command(&self, backend: &str) -> Vec<String> {
        match self.campaign.runners.get(backend).map(|runner| &runner.value) {
            Some(Runner::Process { command: Some(command) }) => command.clone(),
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
            ("LEM_ENGINE_PID", std::process::id().to_string()),
        ];
        let chosen = self.campaign.devices.value != Devices::Auto;
        if let Some(gpus) = visible_gpus(self.spec(run), self.devices, chosen) {
            variables.push(("CUDA_VISIBLE_DEVICES", gpus));
        }
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

impl Workers for ProcessWorkers<'_> {
    fn start<'a>(
        &'a self,
        run: &'a PlannedRun,
        run_id: &'a str,
    ) -> BoxFuture<'a, Result<Session, StartError>> {
        async move {
            let start = Start {
                command: self.command(&self.spec(run).backend),
                environment: self.environment(run, run_id),
                folder: None,
            };
            self.backend.start(&start).await
        }
        .boxed()
    }

    fn message(&self, run: &PlannedRun, run_id: &str) -> Experiment {
        worker_experiment(self.spec(run), run_id, self.seed)
    }
}

/// The GPUs that a worker may see, by UUID because the order of indices differs between CUDA and NVML: those of the
/// experiment's `gpus`, else those that the campaign names in `measurement.devices`; `None` for all.
fn visible_gpus(spec: &ExperimentSpec, devices: &[DeviceInfo], chosen: bool) -> Option<String> {
    let wanted = |device: &&DeviceInfo| match &spec.gpus {
        Some(indices) => device.index.is_some_and(|index| indices.contains(&index)),
        None => chosen,
    };
    let gpus = devices.iter().filter(|device| device.source == PowerSource::Nvml);
    let ids: Vec<&str> = gpus.filter(wanted).map(|device| device.id.as_str()).collect();
    (!ids.is_empty()).then(|| ids.join(","))
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

/// The embedded worker beside this program, else by name on PATH.
pub(crate) fn embedded_worker() -> PathBuf {
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join(EMBEDDED_WORKER)));
    beside.filter(|path| path.is_file()).unwrap_or_else(|| Path::new(EMBEDDED_WORKER).to_owned())
}
