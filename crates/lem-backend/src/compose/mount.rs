//! What a compose file mounts into a container.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

/// One thing mounted into the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mount {
    /// Absolute path in the container.
    pub target: String,
    /// Whether the container may not write to it.
    pub read_only: bool,
    /// What is mounted.
    pub kind: MountKind,
}

/// What a [`Mount`] mounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MountKind {
    /// A file or folder of the host.
    Bind {
        /// Absolute path on the host.
        source: PathBuf,
        /// Whether a missing source becomes an empty folder, as is Compose's default, or is an error
        /// (`bind: {create_host_path: false}`).
        create_source: bool,
        /// `rprivate`, `rshared`, ...
        propagation: Option<String>,
        /// `z` (shared) or `Z` (private), for `SELinux`.
        selinux: Option<String>,
    },
    /// A volume of the engine.
    Volume {
        /// The named volume; `None` is a new anonymous one.
        volume: Option<Volume>,
        /// Whether the image's content at the target is left out of a new volume.
        no_copy: bool,
        /// Folder in the volume, instead of all of it.
        subpath: Option<String>,
    },
    /// Memory.
    Tmpfs {
        /// Largest size in bytes.
        size: Option<u64>,
        /// Permissions of the folder, such as `0o1777`.
        mode: Option<u32>,
    },
}

/// A named volume of the compose file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Volume {
    /// Its key under the file's `volumes`.
    pub key: String,
    /// Its name in the engine.
    pub name: String,
    /// Whether it must exist already.
    pub external: bool,
    /// The volume driver.
    pub driver: Option<String>,
    /// Options of the driver.
    pub driver_opts: BTreeMap<String, String>,
    /// Labels as written.
    pub labels: BTreeMap<String, String>,
}
