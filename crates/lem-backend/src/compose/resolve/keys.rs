//! Which keys of a service are read, which have no effect in LEM, and which are refused because leaving them out would
//! change what runs.

use crate::compose::error::{Fault, Remark};
use crate::compose::field::Field;
use crate::compose::yaml::Value;

const READ: [&str; 61] = [
    "build",
    "cap_add",
    "cap_drop",
    "cgroup",
    "cgroup_parent",
    "command",
    "cpu_period",
    "cpu_quota",
    "cpu_shares",
    "cpus",
    "cpuset",
    "depends_on",
    "deploy",
    "devices",
    "dns",
    "dns_opt",
    "dns_search",
    "domainname",
    "entrypoint",
    "env_file",
    "environment",
    "extra_hosts",
    "gpus",
    "group_add",
    "healthcheck",
    "hostname",
    "image",
    "init",
    "ipc",
    "labels",
    "mem_limit",
    "mem_reservation",
    "mem_swappiness",
    "memswap_limit",
    "network_mode",
    "networks",
    "oom_kill_disable",
    "oom_score_adj",
    "pid",
    "pids_limit",
    "platform",
    "ports",
    "privileged",
    "profiles",
    "pull_policy",
    "read_only",
    "runtime",
    "security_opt",
    "shm_size",
    "stop_grace_period",
    "stop_signal",
    "sysctls",
    "tmpfs",
    "ulimits",
    "user",
    "userns_mode",
    "uts",
    "volumes",
    "working_dir",
    "expose",
    "stdin_open",
];

/// Keys that mean nothing for a container that LEM starts, feeds and removes, and why.
const WITHOUT_EFFECT: [(&str, &str); 9] = [
    ("annotations", "LEM sets no annotations"),
    ("attach", "LEM always reads the worker's output"),
    ("container_name", "LEM names its containers itself, so that runs do not meet"),
    ("develop", "LEM does not watch files"),
    ("label_file", "LEM reads no label files; write labels under `labels`"),
    ("logging", "LEM reads the worker's output itself"),
    ("restart", "a worker runs once; LEM decides about repetitions"),
    ("scale", "LEM starts one container"),
    ("tty", "LEM talks to the worker through a pipe, not a terminal"),
];

/// Keys without which the service would be another one, and what to do instead.
const REFUSED: [(&str, &str); 21] = [
    ("blkio_config", "remove it; LEM sets no limits of disks"),
    ("configs", "mount the file under `volumes` instead"),
    ("cpu_count", "use `cpus`"),
    ("cpu_percent", "use `cpus`"),
    ("cpu_rt_period", "use `cpus` or `cpu_quota`"),
    ("cpu_rt_runtime", "use `cpus` or `cpu_quota`"),
    ("credential_spec", "it is for Windows"),
    ("device_cgroup_rules", "name the device files under `devices`"),
    ("external_links", "use `networks` and the container's name"),
    ("isolation", "it is for Windows"),
    ("links", "services of one network find one another by their names and `aliases`"),
    ("mac_address", "remove it; the engine chooses one"),
    ("models", "download the model into a volume, and name it in the campaign"),
    ("net", "use `network_mode`; this key is of the oldest compose files"),
    ("post_start", "put it into the image's entry point"),
    ("pre_stop", "put it into the image's entry point"),
    ("provider", "only containers can run workers"),
    ("secrets", "mount the file under `volumes`, or pass a variable by its name under `environment`"),
    ("storage_opt", "remove it; LEM does not size the container's file system"),
    ("use_api_socket", "mount the socket under `volumes`, if the worker really needs the engine"),
    ("volumes_from", "name the volumes under `volumes`"),
];

/// Keys whose values the engine shows to everyone who may ask it.
const SHOWN: [&str; 5] = ["command", "entrypoint", "labels", "hostname", "working_dir"];

/// Refuses what is not known or not done, and remarks what has no effect.
pub(super) fn check(service: &Field<'_>, remarks: &mut Vec<Remark>) -> Result<(), Fault> {
    for (key, field) in service.fields()? {
        let is_empty = match &field.node().value {
            Value::Null => true,
            Value::Sequence(items) => items.is_empty(),
            Value::Mapping(entries) => entries.is_empty(),
            Value::Scalar(_) => false,
        };
        let find = |table: &[(&'static str, &'static str)]| {
            table.iter().find(|(known, _)| *known == key).map(|(_, text)| *text)
        };
        if is_empty || key.starts_with("x-") {
            continue;
        }
        if let Some(advice) = find(&REFUSED) {
            return Err(field.unsupported(advice));
        }
        if let Some(why) = find(&WITHOUT_EFFECT) {
            remarks.push(field.remark(format!("this has no effect: {why}")));
        } else if !READ.contains(&key) {
            return Err(field.fault("this key is not known; correct its spelling, or remove it"));
        }
        if SHOWN.contains(&key) && field.is_secret() {
            remarks.push(field.remark(
                "a secret is written here, where the engine shows it to everyone; pass it as a variable of `environment`",
            ));
        }
    }
    deploy(service, remarks)
}

/// `deploy` is for swarms, but for its resources.
fn deploy(service: &Field<'_>, remarks: &mut Vec<Remark>) -> Result<(), Fault> {
    let Some(deploy) = service.get("deploy") else { return Ok(()) };
    deploy.only(&[
        "endpoint_mode",
        "labels",
        "mode",
        "placement",
        "replicas",
        "resources",
        "restart_policy",
        "rollback_config",
        "update_config",
    ])?;
    for (key, field) in deploy.fields()? {
        if key != "resources" && !key.starts_with("x-") {
            remarks.push(field.remark("this has no effect: it is for swarms, and LEM starts one container"));
        }
    }
    let Some(resources) = deploy.get("resources") else { return Ok(()) };
    resources.only(&["limits", "reservations"])?;
    if let Some(limits) = resources.get("limits") {
        limits.only(&["cpus", "memory", "pids"])?;
    }
    let Some(reservations) = resources.get("reservations") else { return Ok(()) };
    reservations.only(&["cpus", "memory", "devices", "generic_resources"])?;
    if let Some(generic) = reservations.get("generic_resources") {
        return Err(generic.unsupported("reserve GPUs under `devices` with `capabilities: [gpu]`"));
    }
    if let Some(cpus) = reservations.get("cpus") {
        remarks.push(cpus.remark("this has no effect: the engine reserves no processors"));
    }
    Ok(())
}
