//! Why the estimate cannot be made here.

use std::path::PathBuf;

/// Why no meter could be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The kernel's account of CPU time could not be read.
    #[error("{}: {cause}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The kernel does not account CPU time, as in some sandboxes: every estimate would be that of an idle machine.
    #[error("{} says that no CPU has ever worked", .0.display())]
    NoCpuTime(PathBuf),
}

impl OpenError {
    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "Mount /proc (in a container: do not hide it).",
            Self::NoCpuTime(_) => "This kernel keeps no account of CPU time; run outside the sandbox.",
        }
    }
}
