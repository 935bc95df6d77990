//! What has changed between two snapshots. A campaign whose machine changes half-way compares two machines.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

/// A value that was another one before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drift {
    /// Where it is in the snapshot, with dots: `devices.GPU-….facts.power_limit_w`.
    pub what: String,
    /// The value before; null for a device that was not there.
    pub before: Value,
    /// The value now; null for a device that is gone.
    pub now: Value,
}

/// What may change, with `*` for any one name:
const MAY_CHANGE: [&[&str]; 3] = [
    // the order in which NVML counts its devices, which a restart of the machine may change;
    &["devices", "*", "index"],
    // the names of an image: its id is the digest of what it is made of, and is compared.
    &["containers", "services", "*", "reference"],
    &["containers", "services", "*", "digests"],
];

/// The kernel keeps a part of the memory for itself that differs from start to start; a module more or less is 5 % even
/// in a machine with 16 of them.
const MEMORY: &str = "memory_bytes";
const MEMORY_TOLERANCE: f64 = 0.01;

/// What two snapshots tell differently, by name. A value that only one of them tells is not known to have changed:
/// snapshots of older versions hold less, and a driver may not answer once. Only devices are missed.
pub fn drift(before: &Value, now: &Value) -> Vec<Drift> {
    let (before, now) = (leaves(before), leaves(now));
    let paths: BTreeSet<&Path> = before.keys().chain(now.keys()).collect();
    paths.into_iter().filter_map(|path| changed(path, before.get(path), now.get(path))).collect()
}

/// Names from the outermost to the innermost.
type Path = Vec<String>;

fn changed(path: &Path, before: Option<&Value>, now: Option<&Value>) -> Option<Drift> {
    let is_device = path.len() == 2 && path[0] == "devices";
    let known = |value: Option<&Value>| value.is_some_and(|value| !value.is_null());
    if before == now || may_change(path) || !(is_device || known(before) && known(now)) {
        return None;
    }
    if path[0] == MEMORY && is_close(before, now) {
        return None;
    }
    let value = |value: Option<&Value>| value.cloned().unwrap_or_default();
    Some(Drift { what: path.join("."), before: value(before), now: value(now) })
}

fn may_change(path: &Path) -> bool {
    let fits = |pattern: &[&str]| {
        pattern.len() == path.len()
            && pattern.iter().zip(path).all(|(want, name)| *want == "*" || want == name)
    };
    MAY_CHANGE.iter().any(|pattern| fits(pattern))
}

fn is_close(before: Option<&Value>, now: Option<&Value>) -> bool {
    let number = |value: Option<&Value>| value.and_then(Value::as_f64);
    let (Some(before), Some(now)) = (number(before), number(now)) else { return false };
    (before - now).abs() <= MEMORY_TOLERANCE * before.abs()
}

/// The single values of a snapshot by their paths. A list of things with an `id` is a map by it, in which each thing
/// also stands as a whole, by its `name`; any other list is one value.
fn leaves(snapshot: &Value) -> BTreeMap<Path, Value> {
    let mut found = BTreeMap::new();
    collect(snapshot, &mut Path::new(), &mut found);
    found
}

fn collect(value: &Value, path: &mut Path, found: &mut BTreeMap<Path, Value>) {
    let mut enter = |name: &str, inner: &Value, path: &mut Path| {
        path.push(name.to_owned());
        collect(inner, path, found);
        path.pop();
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(name, inner)| enter(name, inner, path)),
        Value::Array(items) if items.iter().all(|item| item["id"].is_string()) => {
            for item in items {
                let id = item["id"].as_str().unwrap_or_default();
                enter(id, &item["name"], path);
                enter(id, item, path);
            }
        }
        plain => _ = found.insert(path.clone(), plain.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn snapshot() -> Value {
        json!({
            "kernel": "Linux 6.1",
            "memory_bytes": 1_000_000,
            "cpu": {"model": "Xeon", "governor": "performance", "turbo": null},
            "devices": [
                {"id": "GPU-a", "name": "H100", "index": 0, "channels": ["power"],
                 "facts": {"driver_version": "580.1", "power_limit_w": "700"}},
                {"id": "rapl:package-0", "name": "package-0", "index": null, "facts": {}},
            ],
            "containers": {
                "services": {"vllm": {"reference": "vllm:latest", "id": "sha256:1", "digests": ["v@sha256:a"]}},
                "compose_files": {"docker-compose.yml": "aa"},
            },
        })
    }

    fn after(pointer: &str, value: Value) -> Vec<(String, Value, Value)> {
        let mut now = snapshot();
        *now.pointer_mut(pointer).expect("it is there") = value;
        drift(&snapshot(), &now).into_iter().map(|drift| (drift.what, drift.before, drift.now)).collect()
    }

    #[test]
    fn a_machine_that_did_not_change_has_no_drift() {
        assert_eq!(drift(&snapshot(), &snapshot()), []);
    }

    #[test]
    fn each_change_is_found_with_both_values() {
        for (pointer, what, before) in [
            ("/devices/0/facts/driver_version", "devices.GPU-a.facts.driver_version", "580.1"),
            ("/devices/0/facts/power_limit_w", "devices.GPU-a.facts.power_limit_w", "700"),
            ("/containers/services/vllm/id", "containers.services.vllm.id", "sha256:1"),
            (
                "/containers/compose_files/docker-compose.yml",
                "containers.compose_files.docker-compose.yml",
                "aa",
            ),
            ("/cpu/governor", "cpu.governor", "performance"),
            ("/kernel", "kernel", "Linux 6.1"),
        ] {
            assert_eq!(after(pointer, json!("other")), [(what.to_owned(), json!(before), json!("other"))]);
        }
        let channels = after("/devices/0/channels", json!(["power", "energy"]));
        assert_eq!(channels[0].0, "devices.GPU-a.channels", "a list is one value");
    }

    #[test]
    fn what_may_change_is_no_drift() {
        assert_eq!(after("/devices/0/index", json!(3)), []);
        assert_eq!(after("/containers/services/vllm/digests", json!([])), []);
        assert_eq!(after("/containers/services/vllm/reference", json!("vllm:1")), []);
        assert_eq!(after("/memory_bytes", json!(1_002_000)), []);
        assert_eq!(after("/memory_bytes", json!(900_000)).len(), 1);
    }

    #[test]
    fn what_only_one_snapshot_tells_is_no_drift() {
        assert_eq!(after("/cpu/turbo", json!(true)), [], "it was not known before");
        assert_eq!(after("/containers", Value::Null), [], "the engine did not answer");
        assert_eq!(after("/devices/0/facts", json!({})), [], "the driver did not answer");
    }

    #[test]
    fn a_device_that_is_gone_is_missed_and_the_order_means_nothing() {
        let gone = drift(&snapshot(), &json!({"devices": [snapshot()["devices"][1]]}));
        assert_eq!(gone, [Drift { what: "devices.GPU-a".into(), before: json!("H100"), now: Value::Null }]);
        let new = drift(&json!({"devices": []}), &json!({"devices": [{"id": "GPU-b", "name": "H200"}]}));
        assert_eq!(new, [Drift { what: "devices.GPU-b".into(), before: Value::Null, now: json!("H200") }]);
        let turned = json!({"devices": [snapshot()["devices"][1], snapshot()["devices"][0]]});
        assert_eq!(drift(&snapshot(), &turned), []);
    }
}
