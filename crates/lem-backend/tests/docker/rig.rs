//! A real engine, images made without any registry, and a service from a few lines of compose.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::StreamExt;
use lem_backend::compose::{Compose, Service};
use lem_backend::docker::orphans::{self, Found};
use lem_backend::docker::{Endpoint, Engine, Ephemeral, Holder, Lifetime, Owner, Persistent};
use lem_backend::{Session, Start};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::OnceCell;

/// An image with the tools of busybox.
pub(crate) const TOOLS: &str = "lem-test-tools:1";
/// An image with one program, `/cat`, which is its entry point.
pub(crate) const ONE_PROGRAM: &str = "lem-test-one-program:1";

const APPLETS: [&str; 10] = ["sh", "sleep", "cat", "echo", "true", "head", "tail", "touch", "test", "wc"];

/// A campaign of one test, which must leave no container.
pub(crate) struct Rig {
    pub(crate) engine: Arc<Engine>,
    pub(crate) campaign: String,
    /// Holds the compose file.
    pub(crate) folder: tempfile::TempDir,
}

/// The engine of this machine with the images on it. `None`, which skips the test, where there is none; that is a
/// failure where the caller's environment says that there must be one.
pub(crate) async fn rig() -> Option<Rig> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let engine = match engine().await {
        Ok(engine) => Arc::new(engine),
        Err(reason) => {
            skip(&reason);
            return None;
        }
    };
    let campaign = format!("test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    Some(Rig { engine, campaign, folder: tempfile::tempdir().expect("a folder") })
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn skip(reason: &str) {
    let required = std::env::var("LEM_REQUIRE_DOCKER").is_ok_and(|value| value == "1");
    assert!(!required, "LEM_REQUIRE_DOCKER=1, but {reason}");
    eprintln!("SKIPPED, nothing was tested: {reason}");
}

async fn engine() -> Result<Engine, String> {
    static IMAGES: OnceCell<Result<(), String>> = OnceCell::const_new();
    let endpoint = Endpoint::find(&std::env::vars().collect()).map_err(|error| error.to_string())?;
    let engine = Engine::connect(endpoint).await.map_err(|error| error.to_string())?;
    IMAGES.get_or_init(images).await.clone()?;
    Ok(engine)
}

async fn images() -> Result<(), String> {
    let docker = Docker::connect_with_defaults().map_err(|error| error.to_string())?;
    let docker = docker.negotiate_version().await.map_err(|error| error.to_string())?;
    let busybox = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| is_static(path));
    let busybox = busybox.ok_or("there is no static busybox; install the package busybox-static")?;
    import(&docker, busybox, TOOLS, &["bin/busybox"], &[]).await?;
    import(&docker, busybox, ONE_PROGRAM, &["cat"], &[r#"ENTRYPOINT ["/cat"]"#]).await
}

fn is_static(path: &str) -> bool {
    let said = Command::new("ldd").arg(path).output();
    Path::new(path).exists()
        && said.is_ok_and(|said| {
            let text = [said.stdout, said.stderr].concat();
            String::from_utf8_lossy(&text).contains("not a dynamic executable")
        })
}

/// Makes an image, unless it is there, of copies of busybox, which acts by the name that it is called by.
async fn import(
    docker: &Docker,
    busybox: &str,
    tag: &str,
    files: &[&str],
    changes: &[&str],
) -> Result<(), String> {
    if docker.inspect_image(tag).await.is_ok() {
        return Ok(());
    }
    let root = tempfile::tempdir().map_err(|error| error.to_string())?;
    for file in files {
        let path = root.path().join(file);
        std::fs::create_dir_all(path.parent().expect("in the folder")).expect("made");
        std::fs::copy(busybox, &path).expect("copied");
        if file.ends_with("busybox") {
            for applet in APPLETS {
                std::os::unix::fs::symlink("busybox", path.with_file_name(applet)).expect("linked");
            }
        }
    }
    let tar = Command::new("tar").arg("-C").arg(root.path()).args(["-c", "."]).output().expect("tar runs");
    let (name, version) = tag.split_once(':').expect("name:version");
    let options = CreateImageOptionsBuilder::default().from_src("-").repo(name).tag(version);
    let options = options.changes(changes.iter().map(|change| (*change).to_owned()).collect()).build();
    let body = bollard::body_full(tar.stdout.into());
    let mut steps = std::pin::pin!(docker.create_image(Some(options), Some(body), None));
    while let Some(step) = steps.next().await {
        step.map_err(|error| format!("the image {tag} cannot be made: {error}"))?;
    }
    Ok(())
}

impl Rig {
    /// The service `worker` with these keys, each line indented as under `worker:`.
    pub(crate) fn service(&self, keys: &str) -> Service {
        let lines: Vec<&str> = keys.lines().collect();
        self.compose(&format!("services:\n  worker:\n    {}\n", lines.join("\n    ")))
    }

    /// The service `worker` of a whole compose file.
    pub(crate) fn compose(&self, text: &str) -> Service {
        let file = self.folder.path().join("compose.yaml");
        std::fs::write(&file, text).expect("written");
        let compose = Compose::read(&file, &BTreeMap::new()).expect("a compose file");
        compose.service("worker").expect("a service")
    }

    pub(crate) fn owner(&self) -> Owner {
        Owner { campaign: self.campaign.clone(), run: Some("run-1".into()), holder: Holder::this_process() }
    }

    pub(crate) fn ephemeral(&self, keys: &str) -> Ephemeral {
        self.ephemeral_of(self.service(keys))
    }

    pub(crate) fn ephemeral_of(&self, service: Service) -> Ephemeral {
        let (engine, service) = (Arc::clone(&self.engine), Arc::new(service));
        Ephemeral { engine, service, owner: self.owner(), gpus: None }
    }

    pub(crate) fn persistent(&self, keys: &str) -> Persistent {
        self.persistent_for(keys, self.owner(), Lifetime::default())
    }

    pub(crate) fn persistent_for(&self, keys: &str, owner: Owner, lifetime: Lifetime) -> Persistent {
        Persistent::new(Arc::clone(&self.engine), Arc::new(self.service(keys)), owner, None, lifetime)
    }

    /// The containers that this test has made and not removed.
    pub(crate) async fn left(&self) -> Vec<Found> {
        let all = orphans::list(&self.engine).await.expect("the engine answers");
        all.into_iter().filter(|found| found.campaign == self.campaign).collect()
    }

    /// What is removed in the background gets some time.
    pub(crate) async fn assert_none_left(&self) {
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        for _ in 0..600 {
            if self.left().await.is_empty() {
                return;
            }
            tick.tick().await;
        }
        panic!("left behind: {:?}", self.left().await);
    }
}

/// A shell script as a worker's command line.
pub(crate) fn shell(script: &str) -> Start {
    command(&["sh", "-c", script])
}

pub(crate) fn command(words: &[&str]) -> Start {
    Start { command: words.iter().map(|word| (*word).to_owned()).collect(), ..Start::default() }
}

pub(crate) async fn read(mut stream: impl AsyncRead + Unpin) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("utf-8");
    text
}

/// Reads up to and with the line `ready`.
pub(crate) async fn until_ready(session: &mut Session) {
    let mut ready = [0; 6];
    session.stdout.read_exact(&mut ready).await.expect("it says that it is ready");
    assert_eq!(&ready, b"ready\n");
}
