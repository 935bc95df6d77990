//! Why RAPL cannot be used here, and what a person can do about it.

use std::path::PathBuf;

/// Why no meter could be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The kernel has no powercap framework, or does not show it.
    #[error("there is no {}", .0.display())]
    NoPowercap(PathBuf),
    /// Powercap is there, but no package of RAPL.
    #[error("{} has no RAPL package (intel-rapl:*)", .0.display())]
    NoPackages(PathBuf),
    /// The counters may be read by root only, which is the default since CVE-2020-8694.
    #[error("{} may not be read by this user", .0.display())]
    NoPermission(PathBuf),
    /// A file of the kernel could not be read or understood.
    #[error("{}: {cause}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
}

impl OpenError {
    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NoPowercap(_) | Self::NoPackages(_) => {
                "Load the driver with `sudo modprobe intel_rapl_msr` (Intel since Sandy Bridge, AMD since Zen). Virtual \
                 machines and most containers do not show these counters: measure on the host."
            }
            Self::NoPermission(_) => {
                "Let this user read the counters until the next restart: `sudo chmod a+r \
                 /sys/class/powercap/intel-rapl:*/energy_uj /sys/class/powercap/intel-rapl:*/*/energy_uj`. Other users \
                 of the machine can then read them too, which allows side-channel attacks."
            }
            Self::Unreadable { .. } => "Check the kernel log for messages of intel_rapl.",
        }
    }
}
