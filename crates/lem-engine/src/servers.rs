//! Servers under load: the engine starts a server, or finds one that runs, and is itself its client. To the campaign
//! this looks like any other worker.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use lem_backend::docker::{ContainerFacts, Ephemeral, processes, server_address};
use lem_backend::{Backend, Control, Exit, Session, Start, StartError};
use lem_load::{Api, Secret, Target};
use lem_spec::campaign::{Server, ServerApi};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader, DuplexStream, duplex};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// As much as a pipe of Linux holds.
const BUFFER: usize = 64 * 1024;

/// The compose service of a server, and the server itself while it is kept between runs.
#[derive(Clone)]
pub(crate) struct ServerPlace {
    pub(crate) service: Ephemeral,
    /// Whether the server stays up for the next run.
    pub(crate) kept: bool,
    running: Arc<tokio::sync::Mutex<Option<Running>>>,
}

/// A server that was started.
struct Running {
    control: Box<dyn Control>,
    facts: Option<ContainerFacts>,
    base_url: String,
    since_ns: i64,
    log: Sink,
    /// They end with the server's output.
    logs: Vec<JoinHandle<()>>,
}

/// Lines of a log.
type Lines = mpsc::Sender<String>;

/// Where lines of a log go: the run that is under way, if there is one.
type Sink = Arc<Mutex<Option<Lines>>>;

impl ServerPlace {
    pub(crate) fn new(service: Ephemeral, kept: bool) -> Self {
        Self { service, kept, running: Arc::default() }
    }

    /// Ends a server that was kept.
    pub(crate) async fn tear_down(&self) {
        if let Some(mut running) = self.running.lock().await.take() {
            // It goes with its container, whatever it says.
            let _ = running.control.stop(Duration::from_secs(10)).await;
        }
    }

    /// The server that was kept, or a new one. What it says goes to `lines`.
    async fn up(&self, server: &Server, run_id: &str, lines: &Lines) -> Result<Running, StartError> {
        if let Some(mut kept) = self.running.lock().await.take() {
            if kept.control.wait().now_or_never().is_none() {
                *kept.log.lock().unwrap_or_else(PoisonError::into_inner) = Some(lines.clone());
                // To this run it is a server that is there already.
                return Ok(Running { since_ns: lem_power::clock::now_ns(), ..kept });
            }
            tracing::warn!(
                "the server of service {} has ended since the last run",
                self.service.service.name
            );
        }
        let since_ns = lem_power::clock::now_ns();
        let mut place = self.service.clone();
        place.owner.run = (!self.kept).then(|| run_id.to_owned());
        let Session { stdin: _, stdout, stderr, mut control } = place.start(&Start::default()).await?;
        let log: Sink = Arc::new(Mutex::new(Some(lines.clone())));
        let logs = vec![forward(stdout, Arc::clone(&log)), forward(stderr, Arc::clone(&log))];
        let facts =
            control.container().map(|facts| ContainerFacts { persistent: self.kept, ..facts.clone() });
        let id = facts.as_ref().map_or("", |facts| facts.id.as_str());
        match server_address(&place.engine, &place.service, id, server.port).await {
            Ok(address) => {
                Ok(Running { control, facts, base_url: format!("http://{address}/v1"), since_ns, log, logs })
            }
            Err(reason) => {
                // A server that has ended has no address any more, and the better reason.
                let ended = timeout(Duration::from_secs(1), control.wait()).await;
                let _ = control.stop(Duration::from_secs(1)).await;
                let reason = match ended {
                    Ok(Ok(exit)) => {
                        format!("service {}: its server ended at once ({exit})", place.service.name)
                    }
                    _ => reason,
                };
                for log in logs {
                    let _ = log.await;
                }
                Err(StartError::Unreachable(reason))
            }
        }
    }
}

/// Starts the load on a server for one run: on that of a service, or on one that runs already.
pub(crate) async fn start(
    server: &Server,
    place: Option<&ServerPlace>,
    run_id: &str,
) -> Result<Session, StartError> {
    let api_key = server.api_key_env.as_deref().map(secret).transpose()?;
    let (sender, lines) = mpsc::channel(256);
    let running = match place {
        Some(place) => match place.up(server, run_id, &sender).await {
            Ok(running) => Some(running),
            Err(StartError::Unreachable(reason)) => return Err(with_last_words(reason, lines)),
            Err(other) => return Err(other),
        },
        None => None,
    };
    let base_url = running.as_ref().map(|running| running.base_url.clone()).or_else(|| server.url.clone());
    let base_url = base_url.ok_or_else(|| StartError::Unreachable("the server has no address".into()))?;
    let target = Target {
        base_url,
        api: match server.api {
            ServerApi::Chat => Api::Chat,
            ServerApi::Completions => Api::Completions,
        },
        api_key,
        ready_timeout: Duration::try_from_secs_f64(server.ready_timeout_s).unwrap_or(Duration::MAX),
        served_since_ns: running.as_ref().map_or_else(lem_power::clock::now_ns, |running| running.since_ns),
    };
    Ok(session(target, running, place.cloned(), (sender, lines)))
}

/// A server that never was under load has no log of a run: its last line goes into the reason.
fn with_last_words(reason: String, mut lines: mpsc::Receiver<String>) -> StartError {
    let mut last = None;
    while let Ok(line) = lines.try_recv() {
        last = Some(line).filter(|line| !line.trim().is_empty()).or(last);
    }
    StartError::Unreachable(match last {
        Some(last) => format!("{reason}; it said: {last}"),
        None => reason,
    })
}

fn secret(variable: &str) -> Result<Secret, StartError> {
    std::env::var(variable).map(Secret::new).map_err(|_| {
        StartError::Unreachable(format!(
            "the variable {variable} is not set, which `api_key_env` names for the server's key"
        ))
    })
}

fn session(
    target: Target,
    running: Option<Running>,
    place: Option<ServerPlace>,
    (sender, lines): (Lines, mpsc::Receiver<String>),
) -> Session {
    let (stdin, input) = duplex(BUFFER);
    let (output, stdout) = duplex(BUFFER);
    let (own_log, own_lines) = duplex(BUFFER);
    let (log, stderr) = duplex(BUFFER);
    tokio::spawn(write_lines(lines, log));
    forward(own_lines, Arc::new(Mutex::new(Some(sender))));
    let facts = running.as_ref().and_then(|running| running.facts.clone());
    let (stop, stopped) = oneshot::channel();
    let load = async move { lem_load::run(target, input, output, own_log).await }.boxed();
    let life = tokio::spawn(live(load, running, place, stopped));
    Session {
        stdin: Box::new(stdin),
        stdout: Box::new(stdout),
        stderr: Box::new(stderr),
        control: Box::new(LoadControl { facts, stop: Some(stop), life: Some(life), ended: None }),
    }
}

/// The life of one run: until the load is done, the server has ended, or a stop is asked for. Whatever ends first, the
/// load's pipes are closed, and the server is kept or ended.
async fn live(
    mut load: BoxFuture<'static, io::Result<bool>>,
    mut running: Option<Running>,
    place: Option<ServerPlace>,
    stopped: oneshot::Receiver<Duration>,
) -> io::Result<Exit> {
    let server_ended = async {
        match &mut running {
            Some(running) => running.control.wait().await,
            None => std::future::pending().await,
        }
    };
    let (exit, served, grace) = tokio::select! {
        done = &mut load => (done.map(|done| Exit::Code(i32::from(!done))), true, Duration::from_secs(10)),
        exit = server_ended => (exit, false, Duration::ZERO),
        grace = stopped => (Ok(Exit::Signal(15)), true, grace.unwrap_or(Duration::ZERO)),
    };
    let Some(mut running) = running else { return exit };
    if !served {
        // Its last words belong to the run, whose output stays open for them.
        for log in running.logs.drain(..) {
            let _ = log.await;
        }
    }
    drop(load);
    *running.log.lock().unwrap_or_else(PoisonError::into_inner) = None;
    match place.filter(|place| place.kept && served) {
        Some(place) => *place.running.lock().await = Some(running),
        None => {
            running.control.stop(grace).await?;
        }
    }
    exit
}

/// Hands on each line of a stream; lines that nobody waits for are dropped.
fn forward(stream: impl AsyncRead + Send + Unpin + 'static, sink: Sink) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).split(b'\n');
        while let Ok(Some(line)) = lines.next_segment().await {
            let to = sink.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(to) = to {
                let _ = to.send(String::from_utf8_lossy(&line).into_owned()).await;
            }
        }
    })
}

async fn write_lines(mut lines: mpsc::Receiver<String>, mut log: DuplexStream) {
    while let Some(line) = lines.recv().await {
        if log.write_all(format!("{line}\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

struct LoadControl {
    facts: Option<ContainerFacts>,
    stop: Option<oneshot::Sender<Duration>>,
    life: Option<JoinHandle<io::Result<Exit>>>,
    ended: Option<Exit>,
}

impl LoadControl {
    async fn exit(&mut self) -> io::Result<Exit> {
        if let Some(life) = self.life.as_mut() {
            let ended = life.await.map_err(io::Error::other).and_then(|exit| exit);
            self.life = None;
            self.ended = ended.as_ref().ok().copied();
            return ended;
        }
        self.ended.ok_or_else(|| io::Error::other("the load on the server was cut short"))
    }
}

impl Control for LoadControl {
    fn pids(&self) -> Vec<u32> {
        self.facts.as_ref().map_or_else(Vec::new, |facts| processes(&facts.id))
    }

    fn wait(&mut self) -> BoxFuture<'_, io::Result<Exit>> {
        self.exit().boxed()
    }

    fn container(&self) -> Option<&ContainerFacts> {
        self.facts.as_ref()
    }

    fn stop(&mut self, grace: Duration) -> BoxFuture<'_, io::Result<Exit>> {
        if let Some(stop) = self.stop.take() {
            // Whoever has ended already needs no telling.
            let _ = stop.send(grace);
        }
        self.exit().boxed()
    }
}

impl Drop for LoadControl {
    /// Its server goes with it: what was started holds its container, and removes it when dropped.
    fn drop(&mut self) {
        if let Some(life) = self.life.take() {
            life.abort();
        }
    }
}
