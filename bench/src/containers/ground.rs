//! What the container benchmark stands on: an engine that answers, an image, a compose file, the peers' programs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use lem_backend::compose::{Compose, Service};
use lem_backend::docker::{Endpoint, Engine, Holder, Owner};
use tokio::runtime::{Builder, Runtime};

use crate::Outcome;

/// The image, of a statically linked busybox and nothing else.
pub(crate) const IMAGE: &str = "lem-bench-tools:1";

/// The compose file of the project, for the backend and for the peer.
const COMPOSE_FILE: &str = "services:\n  worker:\n    image: lem-bench-tools:1\n    network_mode: bridge\n";

/// Goes with its image when dropped.
pub(crate) struct Ground {
    pub(crate) runtime: Runtime,
    pub(crate) engine: Arc<Engine>,
    pub(crate) service: Arc<Service>,
    /// How compose is called here, if it is here.
    pub(crate) compose: Option<Vec<&'static str>>,
    folder: tempfile::TempDir,
}

impl Ground {
    /// Finds the engine and the programs, and makes the image. The error says what is missing on this machine.
    pub(crate) fn lay() -> Outcome<Self> {
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        let endpoint = Endpoint::find(&std::env::vars().collect())?;
        let engine = Arc::new(runtime.block_on(Engine::connect(endpoint))?);
        let folder = tempfile::Builder::new().prefix("lem-bench-").tempdir()?;
        let file = folder.path().join("docker-compose.yml");
        std::fs::write(&file, COMPOSE_FILE)?;
        let service = Arc::new(Compose::read(&file, &BTreeMap::new())?.service("worker")?);
        let mut ground = Self { runtime, engine, service, compose: None, folder };
        ground.make_image()?;
        let mut compose = [vec!["docker-compose"], vec!["docker", "compose"]].into_iter();
        ground.compose =
            compose.find(|words| ground.call(&[words.as_slice(), &["version"]].concat()).is_ok());
        Ok(ground)
    }

    /// What a command says, run in the folder of the compose file.
    pub(crate) fn call(&self, words: &[&str]) -> Outcome<String> {
        let (program, arguments) = words.split_first().ok_or("no command")?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        let output = command.output().map_err(|error| format!("`{program}` cannot be started: {error}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("`{}` failed: {}", words.join(" "), said.trim()).into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    fn make_image(&self) -> Outcome<()> {
        let root = self.folder.path().join("root");
        std::fs::create_dir_all(root.join("bin"))?;
        std::fs::copy(static_busybox()?, root.join("bin/busybox"))?;
        std::os::unix::fs::symlink("busybox", root.join("bin/sleep"))?;
        let tar = self.folder.path().join("root.tar");
        let (root, tar) = (root.to_string_lossy(), tar.to_string_lossy());
        self.call(&["tar", "-C", &root, "-cf", &tar, "."])?;
        self.call(&["docker", "import", &tar, IMAGE])?;
        Ok(())
    }
}

/// Whose the containers are: of this process, so that they are found if it dies.
pub(crate) fn owner() -> Owner {
    let campaign = format!("bench-{}", std::process::id());
    Owner { campaign, run: None, holder: Holder::this_process() }
}

impl Drop for Ground {
    fn drop(&mut self) {
        // One that was not made needs no removal.
        let _ = self.call(&["docker", "image", "rm", IMAGE]);
    }
}

fn static_busybox() -> Outcome<PathBuf> {
    let is_static = |path: &Path| {
        let said = Command::new("ldd").arg(path).output();
        said.is_ok_and(|said| !said.status.success())
    };
    let mut places = ["/bin/busybox", "/usr/bin/busybox"].map(PathBuf::from).into_iter();
    let found = places.find(|path| path.is_file() && is_static(path));
    found.ok_or_else(|| "there is no statically linked busybox; install the package busybox-static".into())
}
