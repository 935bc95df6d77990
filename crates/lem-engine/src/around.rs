//! The surroundings of a campaign's runs, for the loop that judges them: see [`crate::environment`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use lem_campaign::plan::{Plan, PlannedRun};
use lem_campaign::run::{CpuTime, DeviceLook, Look, Owner, Surroundings};
use lem_measure::quality::{EccErrors, ForeignProcess};
use lem_power::{DeviceState, Listening, Xids};
use lem_spec::campaign::{Runner, Server};
use serde_json::{Value, json};

use crate::environment::{self, Drift, Owners, Tenants, cpu_time, drift};

/// Looks at what surrounds the runs of one campaign.
pub(crate) struct CampaignSurroundings<'a> {
    plan: &'a Plan,
    /// The snapshot that was stored when the campaign began.
    began: Value,
    surroundings: tokio::sync::Mutex<environment::Surroundings>,
    /// Containers that belonged to workers of this campaign: one that is kept is nobody's stranger.
    containers: Mutex<BTreeSet<String>>,
    /// Who hears of critical errors while a worker runs.
    listening: Mutex<Option<Listening>>,
}

impl<'a> CampaignSurroundings<'a> {
    pub(crate) fn new(plan: &'a Plan, began: Value, surroundings: environment::Surroundings) -> Self {
        let surroundings = tokio::sync::Mutex::new(surroundings);
        Self { plan, began, surroundings, containers: Mutex::default(), listening: Mutex::default() }
    }

    fn owners(&self, run: &PlannedRun, owner: Owner) -> Owners {
        // Nothing panics while it is held.
        let mut containers = self.containers.lock().unwrap_or_else(PoisonError::into_inner);
        containers.extend(owner.container);
        Owners {
            pids: owner.pids.into_iter().collect(),
            containers: containers.clone(),
            served_by_others: self.is_served_by_others(run),
        }
    }

    fn is_served_by_others(&self, run: &PlannedRun) -> bool {
        let runner = &self.plan.experiments[run.experiment].runner;
        matches!(runner, Runner::Openai(Server { url: Some(_), .. }))
    }
}

impl Surroundings for CampaignSurroundings<'_> {
    fn look<'a>(&'a self, run: &'a PlannedRun, owner: Owner) -> BoxFuture<'a, Look> {
        async move {
            let owners = self.owners(run, owner);
            let seen = self.surroundings.lock().await.look(&owners).await;
            let devices = seen.devices.iter().map(|state| (state.id.clone(), device(state, &seen.tenants)));
            Look {
                devices: devices.collect::<BTreeMap<_, _>>(),
                drift: Some(drift(&self.began, &seen.environment).iter().map(in_words).collect()),
                governor: seen.host.governor.clone(),
                swapped_mib: swapped_mib(),
                record: json!({ "devices": seen.devices, "tenants": seen.tenants, "host": seen.host }),
            }
        }
        .boxed()
    }

    fn listen(&self) -> BoxFuture<'_, ()> {
        async {
            let listening = self.surroundings.lock().await.listen();
            // Whoever listened before is dropped, and ends.
            *self.listening.lock().unwrap_or_else(PoisonError::into_inner) = Some(listening);
        }
        .boxed()
    }

    fn heard(&self) -> BTreeMap<String, Xids> {
        let listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner).take();
        listening.map(Listening::finish).unwrap_or_default()
    }

    fn cpu_time(&self, run: &PlannedRun, owner: &Owner, since: Option<&CpuTime>) -> Result<CpuTime, String> {
        if self.is_served_by_others(run) {
            return Err("the server was not started here, so that its own part cannot be told".into());
        }
        cpu_time::read(Path::new("/"), std::process::id(), owner, since)
    }
}

fn device(state: &DeviceState, tenants: &Tenants) -> DeviceLook {
    let foreign: Vec<_> = tenants.foreign.iter().filter(|foreign| foreign.device == state.id).collect();
    let unknown = tenants.unknown.iter().any(|why| why.starts_with(&format!("{} ", state.id)));
    let desktop = foreign.iter().filter(|foreign| foreign.display).count();
    let processes = state.processes.as_ref().map_or(0, Vec::len);
    let named: Vec<String> = foreign.iter().filter(|it| !it.display).map(ToString::to_string).collect();
    let busy = (processes > desktop).then(|| match named.as_slice() {
        [] => format!("{} is used by a container that is kept between runs", state.id),
        named => named.join(", "),
    });
    let processes = foreign.iter().map(|foreign| ForeignProcess {
        pid: foreign.pid,
        utilization: foreign.utilization_pct.map(|percent| f64::from(percent) / 100.0),
        memory_bytes: foreign.memory_bytes,
    });
    let ecc = state.ecc.corrected.zip(state.ecc.uncorrected);
    DeviceLook {
        busy,
        foreign: (!unknown).then(|| processes.collect()),
        ecc: ecc.map(|(corrected, uncorrected)| EccErrors { corrected, uncorrected }),
    }
}

/// `devices.GPU-1.facts.driver is 570.86, was 565.57`.
fn in_words(drift: &Drift) -> String {
    let word = |value: &Value| match value {
        Value::Null => "absent".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    format!("{} is {}, was {}", drift.what, word(&drift.now), word(&drift.before))
}

/// What the machine has swapped in and out since it started, in MiB.
fn swapped_mib() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/vmstat").ok()?;
    let pages = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
        line.trim().parse::<f64>().ok()
    };
    #[expect(clippy::cast_precision_loss, reason = "a page is small")]
    let page_mib = rustix::param::page_size() as f64 / 1_048_576.0;
    Some((pages("pswpin")? + pages("pswpout")?) * page_mib)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_in_words() {
        let change = drift(&json!({ "kernel": "6.1" }), &json!({ "kernel": "6.2" }));
        assert_eq!(change.iter().map(in_words).collect::<Vec<_>>(), ["kernel is 6.2, was 6.1"]);
    }

    #[test]
    fn what_was_swapped_can_be_read_on_linux() {
        assert!(swapped_mib().is_some_and(|mib| mib >= 0.0));
    }
}
