//! What the machine was during a campaign, what it is at a run, and what has changed in between.
//!
//! A snapshot holds no time stamps and nothing that moves with the load, so that equal machines give equal snapshots:
//! they are stored once, under their hash. It holds no environment variables, no names of the host or of users and no
//! paths outside of the project, so that it can be published with the results.

mod containers;
pub(crate) mod cpu_time;
mod drift;
mod host;
mod machine;
mod processes;
mod tenants;
#[cfg(test)]
mod tests;

use std::path::Path;

use lem_measure::DeviceInfo;
use lem_power::{DeviceState, Listening, Watch};
use lem_spec::campaign::ResolvedCampaign;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::workers::python_workers;
use crate::{Engine, python};
use containers::UsedContainers;

pub use drift::{Drift, drift};
pub use host::HostState;
pub use tenants::{Foreign, Owners, Tenants};

/// What surrounds a campaign: looked up once, and looked at again at each run.
pub struct Surroundings {
    /// What cannot change while this program runs.
    fixed: Map<String, Value>,
    devices: Vec<DeviceInfo>,
    watch: Watch,
    containers: Option<UsedContainers>,
    workers: Value,
}

/// What was seen at a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Look {
    /// The snapshot now; see [`drift`].
    pub environment: Value,
    /// What each device of NVML told.
    pub devices: Vec<DeviceState>,
    /// Who else uses the devices.
    pub tenants: Tenants,
    /// How busy the host is.
    pub host: HostState,
}

impl Engine {
    /// The surroundings of a campaign that measures `devices`. Nothing fails here: what cannot be found out is missing.
    /// Docker is asked only for campaigns that run something in containers.
    pub(crate) async fn surroundings(
        &self,
        campaign: &ResolvedCampaign,
        devices: &[DeviceInfo],
    ) -> Surroundings {
        Surroundings {
            fixed: machine::fixed(Path::new("/")),
            devices: devices.to_vec(),
            watch: Watch::new(&self.options.meter.paths, devices),
            containers: UsedContainers::find(self, campaign).await,
            workers: workers(campaign, &self.project),
        }
    }
}

impl Surroundings {
    /// The snapshot of a campaign that begins, with its devices as they were when they were opened.
    pub async fn snapshot(&self) -> Value {
        self.with(&self.devices).await
    }

    /// Looks at everything again. `owners` are the workers of the run; a worker that is over owns nothing any more, so
    /// this belongs before its end. Takes milliseconds, in which driver calls can hold up the sampler: not for a window.
    pub async fn look(&mut self, owners: &Owners) -> Look {
        let host = HostState::read();
        let devices = self.watch.look();
        let tenants = Tenants::find(&devices, owners);
        let environment = self.with(&refreshed(&self.devices, &devices)).await;
        Look { environment, devices, tenants, host }
    }

    /// Begins to listen for critical errors of the devices.
    pub(crate) fn listen(&self) -> Listening {
        self.watch.listen()
    }

    async fn with(&self, devices: &[DeviceInfo]) -> Value {
        let mut snapshot = self.fixed.clone();
        snapshot.insert("cpu".into(), machine::cpu(Path::new("/"), self.fixed.get("cpu")));
        snapshot.insert("swap_bytes".into(), json!(machine::swap_total(Path::new("/"))));
        snapshot.insert("devices".into(), json!(devices));
        snapshot.insert("workers".into(), self.workers.clone());
        let containers = match &self.containers {
            Some(containers) => containers.snapshot().await,
            None => Value::Null,
        };
        snapshot.insert("containers".into(), containers);
        Value::Object(snapshot)
    }
}

/// The devices with the facts of now. A fact that is not told this time stays as it was: not being told is no change.
fn refreshed(devices: &[DeviceInfo], states: &[DeviceState]) -> Vec<DeviceInfo> {
    let with_facts = |device: &DeviceInfo| {
        let mut device = device.clone();
        if let Some(state) = states.iter().find(|state| state.id == device.id) {
            device.facts.extend(state.facts.clone());
        }
        device
    };
    devices.iter().map(with_facts).collect()
}

/// Versions of the workers, where they can be known before they run: that of the Python package that is run as a process.
/// In containers the image says it.
fn workers(campaign: &ResolvedCampaign, project: &Path) -> Value {
    let folder = python_workers(campaign, project).ok().flatten();
    json!({ "lem_worker": folder.and_then(|folder| python::version(&folder)) })
}
