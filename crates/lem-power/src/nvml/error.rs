//! Why NVML cannot be used here, and what a person can do about it.

use nvml_wrapper::error::NvmlError;

/// Why no meter could be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The library is not there, or is no NVML.
    #[error("the NVIDIA management library could not be loaded ({0})")]
    NoLibrary(String),
    /// The library is there, the kernel driver is not loaded.
    #[error("the NVIDIA management library is installed, but the NVIDIA driver is not loaded")]
    NoDriver,
    /// Library and driver come from different releases.
    #[error("the NVIDIA driver in the kernel and its library are of different releases")]
    VersionMismatch,
    /// The driver refuses this user.
    #[error("the NVIDIA driver does not let this user read it")]
    NoPermission,
    /// There is nothing to measure.
    #[error("the NVIDIA driver reports no GPU")]
    NoDevices,
    /// There are GPUs, but none of them can be measured.
    #[error("no GPU can be measured: {0}")]
    NoneReadable(String),
    /// Anything else.
    #[error("the NVIDIA management library failed: {0}")]
    Failed(String),
}

impl OpenError {
    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NoLibrary(_) => {
                "Install the NVIDIA driver with its libraries (libnvidia-ml.so.1), or set LEM_NVML_LIBRARY to the \
                 path of the library. In a container, start it with GPU access."
            }
            Self::NoDriver => {
                "Load the driver with `sudo modprobe nvidia`, or install it, and check `nvidia-smi`."
            }
            Self::VersionMismatch => {
                "Restart the machine, so that the kernel loads the driver that is installed."
            }
            Self::NoPermission => {
                "Check the permissions of /dev/nvidiactl and /dev/nvidia*; in a container, give it access to them."
            }
            Self::NoDevices => {
                "Check that the GPU is seated and powered: `lspci | grep -i nvidia` should list it."
            }
            Self::NoneReadable(_) => {
                "Check `nvidia-smi -q`; boards before Kepler and some virtual GPUs tell no power."
            }
            Self::Failed(_) => "Check `nvidia-smi` and the kernel log (`dmesg | grep -i nvrm`).",
        }
    }
}

impl From<NvmlError> for OpenError {
    fn from(error: NvmlError) -> Self {
        match error {
            NvmlError::LibloadingError(cause) => Self::NoLibrary(cause.to_string()),
            NvmlError::FailedToLoadSymbol(cause) => Self::NoLibrary(cause),
            NvmlError::LibraryNotFound => Self::NoLibrary(NvmlError::LibraryNotFound.to_string()),
            NvmlError::DriverNotLoaded => Self::NoDriver,
            NvmlError::LibRmVersionMismatch => Self::VersionMismatch,
            NvmlError::NoPermission => Self::NoPermission,
            NvmlError::NotFound => Self::NoDevices,
            other => Self::Failed(other.to_string()),
        }
    }
}

/// An error as a sentence for a record. The name of the library's file is not in it, which may tell whose it is.
pub(super) fn reason(error: &NvmlError) -> String {
    match error {
        NvmlError::FailedToLoadSymbol(_) | NvmlError::FunctionNotFound => {
            "this driver has no such function".into()
        }
        other => other.to_string(),
    }
}

/// Whether an error means that the device, or the way to it, is gone for good.
pub(super) fn is_lost(error: &NvmlError) -> bool {
    matches!(
        error,
        NvmlError::GpuLost
            | NvmlError::Uninitialized
            | NvmlError::DriverNotLoaded
            | NvmlError::ResetRequired
            | NvmlError::LibRmVersionMismatch
    )
}

/// Whether an error means that the device or the library does not have what was asked for, now or later.
///
/// An unknown error code is one: newer drivers answer old calls with codes such as "deprecated".
pub(super) fn is_absent(error: &NvmlError) -> bool {
    matches!(
        error,
        NvmlError::NotSupported
            | NvmlError::NoPermission
            | NvmlError::InvalidArg
            | NvmlError::FunctionNotFound
            | NvmlError::FailedToLoadSymbol(_)
            | NvmlError::UnexpectedVariant(_)
    )
}
