//! What a compose file says about one service, resolved: no variables, no relative paths, no inheritance left.
//!
//! Plain data for whoever creates containers. Deliberately absent: keys that LEM refuses (they are errors) and keys that
//! mean nothing for a container that lives for one campaign (they are [`Service::notes`]).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::{Mount, Note};

/// The label whose words are the command line of the worker inside the service.
pub const WORKER_COMMAND_LABEL: &str = "lem.worker.command";

/// What a compose file says about all of its services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Project {
    /// The compose file.
    pub file: PathBuf,
    /// The folder that relative paths start from.
    pub folder: PathBuf,
    /// Prefix of images, volumes and networks without a name of their own.
    pub name: String,
    /// The services that the file defines, in its order.
    pub services: Vec<String>,
}

/// One service, ready to become a container. `None` leaves the choice to the image or to the engine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Service {
    /// Its key under `services`.
    pub name: String,
    /// The compose project that it belongs to.
    pub project: String,
    /// The image as written; see [`Service::images`] for a service that is only built.
    pub image: Option<String>,
    /// How the image is built, for the message that says how.
    pub build: Option<Build>,
    /// `always`, `missing`, `never`, ... as written.
    pub pull_policy: Option<String>,
    /// `linux/amd64`, ... as written.
    pub platform: Option<String>,
    /// Replaces the image's entry point; an empty list removes it.
    pub entrypoint: Option<Vec<String>>,
    /// Replaces the image's command; an empty list removes it.
    pub command: Option<Vec<String>>,
    /// The words of the label [`WORKER_COMMAND_LABEL`].
    pub worker_command: Option<Vec<String>>,
    /// Variables, those of `env_file` included.
    pub environment: Environment,
    /// Labels as written.
    pub labels: BTreeMap<String, String>,
    /// Folder in the container.
    pub working_dir: Option<String>,
    /// `user`, `uid`, `uid:gid`.
    pub user: Option<String>,
    /// Further groups of the user.
    pub group_add: Vec<String>,
    /// The container's host name.
    pub hostname: Option<String>,
    /// The container's domain.
    pub domainname: Option<String>,
    /// What is mounted, `tmpfs` included; each target occurs once.
    pub volumes: Vec<Mount>,
    /// Device files of the host.
    pub devices: Vec<Device>,
    /// The GPUs that the service reserves.
    pub gpus: Option<GpuRequest>,
    /// `nvidia`, ... as written.
    pub runtime: Option<String>,
    /// `host`, `private`, `shareable`, `container:...`.
    pub ipc: Option<String>,
    /// `host`, `container:...`.
    pub pid: Option<String>,
    /// `host`.
    pub uts: Option<String>,
    /// `host`.
    pub userns_mode: Option<String>,
    /// `host`, `private`.
    pub cgroup: Option<String>,
    /// Parent of the container's control group.
    pub cgroup_parent: Option<String>,
    /// Size of `/dev/shm`, in bytes.
    pub shm_size: Option<u64>,
    /// Whether the container has all rights of the host.
    pub privileged: bool,
    /// Whether an init process reaps children.
    pub init: Option<bool>,
    /// Whether the container's own file system is read-only.
    pub read_only: bool,
    /// Capabilities added.
    pub cap_add: Vec<String>,
    /// Capabilities taken away.
    pub cap_drop: Vec<String>,
    /// Security options as written.
    pub security_opt: Vec<String>,
    /// Kernel parameters.
    pub sysctls: BTreeMap<String, String>,
    /// Resource limits by their name, such as `memlock`.
    pub ulimits: BTreeMap<String, Ulimit>,
    /// What the container may use of the host.
    pub limits: Limits,
    /// `host`, `none`, `bridge`, `container:...`; excludes `networks`.
    pub network_mode: Option<String>,
    /// Networks by the file; empty where the file names none.
    pub networks: Vec<NetworkUse>,
    /// Published ports.
    pub ports: Vec<Port>,
    /// Lines of `/etc/hosts`, as `name:address`.
    pub extra_hosts: Vec<String>,
    /// Name servers.
    pub dns: Vec<String>,
    /// Search domains.
    pub dns_search: Vec<String>,
    /// Options of the resolver.
    pub dns_opt: Vec<String>,
    /// How health is checked; `None` leaves it to the image.
    pub healthcheck: Option<Healthcheck>,
    /// Services that have to come first, each defined in the file unless it is not required.
    pub depends_on: BTreeMap<String, Dependency>,
    /// Profiles, as a set; a service asked for by name runs whatever its profiles are.
    pub profiles: BTreeSet<String>,
    /// The signal that asks the container to end, as written.
    pub stop_signal: Option<String>,
    /// How long the container may take to end.
    pub stop_grace_period: Option<Duration>,
    /// What is written but has no effect in LEM, and what is probably not as meant.
    pub notes: Vec<Note>,
}

impl Service {
    /// Names under which the image may be found, the most likely first: the one written, else those that Compose v2
    /// (`project-service`) and v1 (`project_service`) give to what they build.
    pub fn images(&self) -> Vec<String> {
        match &self.image {
            Some(image) => vec![image.clone()],
            None => {
                vec![format!("{}-{}", self.project, self.name), format!("{}_{}", self.project, self.name)]
            }
        }
    }

    /// Whether the service asks for GPUs: by a reservation, or by NVIDIA's runtime.
    pub fn wants_gpus(&self) -> bool {
        self.gpus.is_some() || self.runtime.as_deref() == Some("nvidia")
    }
}

/// How an image is built; LEM does not build, so only what a message needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Build {
    /// Folder, absolute, or a URL.
    pub context: String,
    /// The Dockerfile's name, relative to the context.
    pub dockerfile: Option<String>,
    /// Stage of the Dockerfile.
    pub target: Option<String>,
    /// Names of the build arguments; their values may be secrets, and no message needs them.
    pub args: BTreeSet<String>,
}

/// Variables of a container. Debug output and serialization show `***` instead of a secret.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Environment {
    /// Names and values, secrets included: for the engine only.
    pub variables: BTreeMap<String, String>,
    /// Names whose values must not be logged, shown or stored: passed through from the user's environment, made from a
    /// variable that sounds like a secret, or sounding like one themselves.
    pub secrets: BTreeSet<String>,
}

impl Environment {
    /// The variables with `***` instead of secrets.
    pub fn redacted(&self) -> BTreeMap<&str, &str> {
        self.variables
            .iter()
            .map(|(name, value)| {
                (name.as_str(), if self.secrets.contains(name) { "***" } else { value.as_str() })
            })
            .collect()
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.redacted()).finish()
    }
}

impl Serialize for Environment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.redacted().serialize(serializer)
    }
}

/// A device file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Device {
    /// Path on the host.
    pub host: String,
    /// Path in the container.
    pub container: String,
    /// Some of `r`, `w` and `m`.
    pub permissions: String,
}

/// GPUs reserved for a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GpuRequest {
    /// `nvidia`, ... as written.
    pub driver: Option<String>,
    /// Which.
    pub selection: GpuSelection,
    /// What they must be able to do, all of it.
    pub capabilities: Vec<String>,
    /// Options of the driver.
    pub options: BTreeMap<String, String>,
}

/// Which GPUs a service asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GpuSelection {
    /// All of the host.
    All,
    /// Any, so many; at least 1.
    Count(u32),
    /// These, by index or UUID; at least one.
    Ids(Vec<String>),
}

/// A resource limit of processes; -1 is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Ulimit {
    /// What a process starts with.
    pub soft: i64,
    /// As far as it may raise it.
    pub hard: i64,
}

/// What a container may use of the host, from the service's own keys or `deploy.resources.limits`.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Limits {
    /// Memory in bytes.
    pub memory: Option<u64>,
    /// Memory and swap together in bytes; -1 is unlimited.
    pub memory_and_swap: Option<i64>,
    /// Memory that is kept for it when the host runs short, in bytes.
    pub memory_reservation: Option<u64>,
    /// 0 to 100.
    pub swappiness: Option<u32>,
    /// Processors, in whole and parts.
    pub cpus: Option<f64>,
    /// Relative weight.
    pub cpu_shares: Option<i64>,
    /// Microseconds of processor time in each period.
    pub cpu_quota: Option<i64>,
    /// Microseconds.
    pub cpu_period: Option<i64>,
    /// Processors by number, such as `0-3,8`.
    pub cpuset: Option<String>,
    /// Processes; -1 is unlimited.
    pub pids: Option<i64>,
    /// -1000 (never killed for want of memory) to 1000.
    pub oom_score_adj: Option<i64>,
    /// Whether the container is stopped rather than killed when it is out of memory.
    pub oom_kill_disable: bool,
}

/// A network of the compose file, and how the service appears in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NetworkUse {
    /// Its key under the file's `networks`.
    pub key: String,
    /// Its name in the engine.
    pub name: String,
    /// Whether it must exist already.
    pub external: bool,
    /// Whether it has no way out of the host.
    pub internal: bool,
    /// The network driver.
    pub driver: Option<String>,
    /// Options of the driver.
    pub driver_opts: BTreeMap<String, String>,
    /// Further names of the service in it.
    pub aliases: Vec<String>,
    /// A fixed address.
    pub ipv4_address: Option<String>,
    /// A fixed address.
    pub ipv6_address: Option<String>,
}

/// A published port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Port {
    /// Port in the container.
    pub container: u16,
    /// Port of the host; `None` lets the engine choose.
    pub host: Option<u16>,
    /// Address of the host that it is bound to; `None` is every address.
    pub host_ip: Option<String>,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
}

/// How the engine finds out whether the service is healthy. `None` leaves a value to the image or to the engine.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Healthcheck {
    /// `["NONE"]`, `["CMD", program, ...]` or `["CMD-SHELL", line]`, as the engine takes it; `None` keeps the image's.
    pub test: Option<Vec<String>>,
    /// Time between checks.
    pub interval: Option<Duration>,
    /// A check that takes longer has failed.
    pub timeout: Option<Duration>,
    /// So many failures in a row are unhealthy.
    pub retries: Option<u32>,
    /// Failures do not count for so long after the start.
    pub start_period: Option<Duration>,
    /// Time between checks in the start period.
    pub start_interval: Option<Duration>,
}

impl Healthcheck {
    /// Whether health is not checked, whatever the image says.
    pub fn is_disabled(&self) -> bool {
        self.test.as_deref().is_some_and(|test| test == ["NONE"])
    }
}

/// What must be true of another service before this one starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Dependency {
    /// What must be true.
    pub condition: Condition,
    /// Whether this one cannot start without it.
    pub required: bool,
}

/// A state of a service that another one waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// It has started.
    Started,
    /// Its health check passes.
    Healthy,
    /// It has exited with 0.
    CompletedSuccessfully,
}
