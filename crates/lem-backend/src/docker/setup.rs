//! How an engine is set up, for the record of a campaign: what can change how a container runs.
//!
//! Deliberately absent: names, folders and addresses of its machine, and its plugins and registries.

use std::collections::BTreeMap;

use bollard::models::{SystemInfo, SystemVersion};
use serde::Serialize;

use super::connect::Engine;

/// An engine and its set-up. A value that it did not tell is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct EngineSetup {
    /// What it calls itself: `Engine` is Docker's, `Podman Engine` Podman's.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The version of the API that was agreed on.
    pub api_version: String,
    /// What keeps the layers of images: `overlay2`, ...
    pub storage_driver: Option<String>,
    /// The names of the runtimes that it has (`runc`, `nvidia`, ...), in order.
    pub runtimes: Vec<String>,
    /// The one that is used when a service names none.
    pub default_runtime: Option<String>,
    /// `cgroupfs` or `systemd`.
    pub cgroup_driver: Option<String>,
    /// `1` or `2`.
    pub cgroup_version: Option<String>,
    /// Versions of its parts by name: `containerd`, `runc`, ...
    pub components: BTreeMap<String, String>,
}

/// Asks an engine how it is set up. Two requests; what fails is left out.
pub async fn setup(engine: &Engine) -> EngineSetup {
    let version = engine.docker.version().await.unwrap_or_default();
    let info = engine.docker.info().await.unwrap_or_default();
    new(version, info, &engine.facts().api_version)
}

fn new(version: SystemVersion, info: SystemInfo, api_version: &str) -> EngineSetup {
    let mut runtimes: Vec<String> = info.runtimes.unwrap_or_default().into_keys().collect();
    runtimes.sort_unstable();
    let components = version.components.unwrap_or_default();
    EngineSetup {
        // The engine comes first among its parts.
        name: components.first().map(|part| part.name.clone()),
        version: version.version,
        api_version: api_version.to_owned(),
        storage_driver: info.driver,
        runtimes,
        default_runtime: info.default_runtime,
        cgroup_driver: info.cgroup_driver.map(|driver| driver.to_string()),
        cgroup_version: info.cgroup_version.map(|version| version.to_string()),
        components: components.into_iter().skip(1).map(|part| (part.name, part.version)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use bollard::models::{Runtime, SystemVersionComponents};

    use super::*;

    #[test]
    fn the_machine_of_the_engine_is_not_named() {
        let part =
            |name: &str| SystemVersionComponents { name: name.into(), version: "1".into(), details: None };
        let version = SystemVersion {
            version: Some("28.2.2".into()),
            components: Some(vec![part("Engine"), part("runc")]),
            ..SystemVersion::default()
        };
        let info = SystemInfo {
            name: Some("host-of-somebody".into()),
            docker_root_dir: Some("/home/somebody/docker".into()),
            driver: Some("overlay2".into()),
            runtimes: Some(["runc", "nvidia"].map(|name| (name.to_owned(), Runtime::default())).into()),
            ..SystemInfo::default()
        };
        let setup = new(version, info, "1.41");
        assert_eq!((setup.name.as_deref(), setup.components["runc"].as_str()), (Some("Engine"), "1"));
        assert_eq!(setup.runtimes, ["nvidia", "runc"]);
        let text = serde_json::to_string(&setup).expect("plain data");
        assert!(!text.contains("somebody"), "{text}");
    }
}
