//! Samplers of others, written in Python, in a virtual environment of their own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::report::say;

/// Pinned, so that figures of two days can be compared.
const REQUIREMENTS: [&str; 3] = ["zeus==0.16.0", "codecarbon==3.3.2", "nvidia-ml-py==13.580.126"];

/// What runs the peers.
const SCRIPT: &str = include_str!("../peers/poll.py");

/// What measures windows with a peer.
const WINDOWS: &str = include_str!("../peers/windows.py");

/// `CodeCarbon` looks for GPUs only where this program answers.
const NVIDIA_SMI: &str = "#!/bin/sh\nexit 0\n";

#[derive(Debug, Clone, Copy)]
pub(crate) enum Peer {
    Zeus,
    CodeCarbon,
}

impl Peer {
    pub(crate) const ALL: [Self; 2] = [Self::Zeus, Self::CodeCarbon];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Zeus => "Zeus 0.16 `PowerMonitor`",
            Self::CodeCarbon => "CodeCarbon 3.3 offline tracker",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Zeus => "zeus",
            Self::CodeCarbon => "codecarbon",
        }
    }
}

/// An interpreter that has the peers, and a folder with what they look for.
pub(crate) struct Python {
    interpreter: PathBuf,
    folder: PathBuf,
}

impl Python {
    /// Makes the environment in the user's cache folder where it is not there yet; `folder` holds the simulated library
    /// under its usual name.
    pub(crate) fn prepare(folder: &Path) -> Outcome<Self> {
        let environment = cache()?.join("lem-desktop/bench-python");
        let installed = environment.join("lem-bench-requirements.txt");
        let wanted = REQUIREMENTS.join("\n");
        if fs::read_to_string(&installed).ok().as_deref() != Some(&wanted) {
            say(&format!("Installing {} into {}", REQUIREMENTS.join(", "), environment.display()));
            succeed(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
            let pip = environment.join("bin/pip");
            succeed(
                Command::new(pip)
                    .args(["install", "--quiet", "--disable-pip-version-check"])
                    .args(REQUIREMENTS),
            )?;
            fs::write(&installed, wanted)?;
        }
        fs::write(folder.join("poll.py"), SCRIPT)?;
        fs::write(folder.join("windows.py"), WINDOWS)?;
        let nvidia_smi = folder.join("nvidia-smi");
        fs::write(&nvidia_smi, NVIDIA_SMI)?;
        fs::set_permissions(&nvidia_smi, fs::Permissions::from_mode(0o755))?;
        Ok(Self { interpreter: environment.join("bin/python"), folder: folder.to_owned() })
    }

    /// A command that takes the interval in milliseconds, the seconds and the file of the window.
    pub(crate) fn command(&self, peer: Peer) -> Command {
        let mut command = self.script("poll.py");
        command.arg(peer.word());
        command
    }

    /// A command that takes the lengths of windows in seconds, and measures them with Zeus.
    pub(crate) fn windows(&self) -> Command {
        self.script("windows.py")
    }

    fn script(&self, name: &str) -> Command {
        let mut command = Command::new(&self.interpreter);
        command.arg(self.folder.join(name));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(self.folder.clone()).chain(std::env::split_paths(&path));
        if let Ok(path) = std::env::join_paths(path) {
            command.env("PATH", path);
        }
        command.env("LD_LIBRARY_PATH", &self.folder).current_dir(&self.folder);
        command
    }
}

fn cache() -> Outcome<PathBuf> {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache =
        std::env::var_os("XDG_CACHE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from).or_else(home);
    cache.ok_or_else(|| "neither HOME nor XDG_CACHE_HOME is set".into())
}

fn succeed(command: &mut Command) -> Outcome<()> {
    let program = command.get_program().display().to_string();
    let output = command.output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program}: {}: {}", output.status, said.lines().next_back().unwrap_or_default()).into())
}
