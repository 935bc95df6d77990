//! One container for a whole campaign, in which each run is executed.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bollard::errors::Error;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rustix::process::Signal;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, watch};
use tokio::time::{interval, timeout};

use super::connect::Engine;
use super::exec;
use super::exit::{self, broken};
use super::facts::ContainerFacts;
use super::failure::ContainerError;
use super::labels::Owner;
use super::warm::{Plan, Warm};
use super::{container, image, streams};
use crate::compose::Service;
use crate::{Backend, Control, Exit, Session, Start, StartError};

/// How long a container is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// Waited once, after the container is healthy and before the first run.
    pub warmup_delay: Duration,
    /// Whether the container stays when the campaign has ended. The next campaign with the same service removes it.
    pub kept: bool,
    /// It is replaced so often at most: because it has ended, because a worker in it could not be ended, or because its
    /// health check no longer passes.
    pub max_restarts: u32,
}

impl Default for Lifetime {
    fn default() -> Self {
        Self { warmup_delay: Duration::ZERO, kept: false, max_restarts: 3 }
    }
}

/// Starts each worker in the same container. Clones share it; it goes with the last of them, unless it is kept.
#[derive(Clone)]
pub struct Persistent(Arc<Shared>);

struct Shared {
    engine: Arc<Engine>,
    service: Arc<Service>,
    owner: Owner,
    gpus: Option<Vec<String>>,
    lifetime: Lifetime,
    warm: Mutex<Option<Arc<Warm>>>,
    restarts: AtomicU32,
    given_up: watch::Sender<bool>,
}

impl Backend for Persistent {
    fn start<'a>(&'a self, start: &'a Start) -> BoxFuture<'a, Result<Session, StartError>> {
        let (this, start) = (self.clone(), start.clone());
        // A task of its own: where the caller gives up half-way, what the engine is making is still removed.
        let started = tokio::spawn(async move { this.run(&start).await });
        started
            .map(|joined| match joined {
                Ok(session) => session.map_err(StartError::from),
                Err(error) => Err(StartError::from(ContainerError::Refused {
                    service: self.0.service.name.clone(),
                    reason: format!("starting was cut short: {error}"),
                })),
            })
            .boxed()
    }
}

impl Persistent {
    /// Nothing is started yet. `gpus` are the UUIDs that a service that asks for GPUs gets; `None` leaves it to the
    /// service. They hold for every run; a run that may see fewer is told so by its environment.
    pub fn new(
        engine: Arc<Engine>,
        service: Arc<Service>,
        owner: Owner,
        gpus: Option<Vec<String>>,
        lifetime: Lifetime,
    ) -> Self {
        let (warm, given_up) = (Mutex::new(None), watch::Sender::new(false));
        let restarts = AtomicU32::new(0);
        Self(Arc::new(Shared { engine, service, owner, gpus, lifetime, warm, restarts, given_up }))
    }

    /// Waits no longer for a container to become ready, now and later: a start that waits for it fails at once, and the
    /// container is removed. What runs in a container that is ready goes on.
    pub fn give_up(&self) {
        self.0.given_up.send_replace(true);
    }

    /// Makes the container and waits until it is ready, so that the first run need not. `command` is the worker's, as
    /// in [`Start`].
    pub async fn warm_up(&self, command: &[String]) -> Result<(), ContainerError> {
        self.warm(command).await.map(drop)
    }

    /// Removes the container, unless it is kept. A run in it ends with it.
    pub async fn tear_down(&self) {
        let warm = self.0.warm.lock().await.take();
        // Else a run still holds it, and it goes with that.
        if let Some(warm) = warm.and_then(Arc::into_inner) {
            warm.down().await;
        }
    }

    async fn warm(&self, command: &[String]) -> Result<Arc<Warm>, ContainerError> {
        let shared = &*self.0;
        let mut slot = shared.warm.lock().await;
        if let Some(warm) = slot.as_ref() {
            if !warm.is_retired() && !warm.is_healthy(&shared.engine, &shared.service).await {
                warm.retire(&shared.engine, "its health check no longer passes").await;
            }
            if !warm.is_retired() {
                return Ok(Arc::clone(warm));
            }
            let (restarts, most) =
                (shared.restarts.fetch_add(1, Ordering::Relaxed), shared.lifetime.max_restarts);
            if restarts >= most {
                let service = shared.service.name.clone();
                return Err(ContainerError::RestartedTooOften { service, restarts: most });
            }
        }
        let plan = Plan {
            engine: &shared.engine,
            service: &shared.service,
            owner: &shared.owner,
            gpus: shared.gpus.as_deref(),
            caller: command,
            kept: shared.lifetime.kept,
            delay: shared.lifetime.warmup_delay,
            given_up: &shared.given_up.subscribe(),
        };
        let warm = Arc::new(Warm::up(plan).await?);
        *slot = Some(Arc::clone(&warm));
        Ok(warm)
    }

    /// A container that has ended since the last run (the engine was restarted, say) is replaced once.
    async fn run(&self, start: &Start) -> Result<Session, ContainerError> {
        let mut replaced = false;
        loop {
            let warm = self.warm(&start.command).await?;
            match self.execute(&warm, start).await? {
                Ok(session) => return Ok(session),
                Err(error) if has_ended(&error) && !replaced => {
                    replaced = true;
                    warm.retire(&self.0.engine, "it has ended").await;
                }
                Err(error) => {
                    let reference = &warm.facts.image.reference;
                    return Err(image::attempt(&self.0.engine, &self.0.service, reference).failure(&error));
                }
            }
        }
    }

    async fn execute(
        &self,
        warm: &Arc<Warm>,
        start: &Start,
    ) -> Result<Result<Session, Error>, ContainerError> {
        let command = container::worker_command(&self.0.service, &warm.image, &start.command)?;
        let engine = &self.0.engine;
        let options = CreateExecOptions {
            cmd: Some(command),
            env: Some(start.environment.iter().map(|(name, value)| format!("{name}={value}")).collect()),
            working_dir: start.folder.as_ref().map(|folder| folder.to_string_lossy().into_owned()),
            privileged: Some(self.0.service.privileged),
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..CreateExecOptions::default()
        };
        Ok(begin(engine, warm, options).await)
    }
}

async fn begin(
    engine: &Arc<Engine>,
    warm: &Arc<Warm>,
    options: CreateExecOptions<String>,
) -> Result<Session, Error> {
    let exec = engine.docker.create_exec(warm.id(), options).await?.id;
    // From here on a process may run, which the control ends when it is dropped.
    let control = |output_ended| ExecControl {
        engine: Arc::clone(engine),
        warm: Arc::clone(warm),
        exec: exec.clone(),
        output_ended,
        ended: None,
        cleared: false,
    };
    let StartExecResults::Attached { output, input } =
        engine.docker.start_exec(&exec, None::<StartExecOptions>).await?
    else {
        return Err(Error::DockerStreamError { error: "the process was started without its streams".into() });
    };
    let streams = streams::split(output, input);
    Ok(Session {
        stdin: Box::new(streams.stdin),
        stdout: Box::new(streams.stdout),
        stderr: Box::new(streams.stderr),
        control: Box::new(control(streams.ended)),
    })
}

/// "Container … is not running", "No such container".
fn has_ended(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 404 | 409, .. })
}

/// How often an executed process is looked at while its output is open. The engine cannot be asked to wait for it.
const LOOK: Duration = Duration::from_secs(1);

/// The same once its output has ended: it is about to end.
const LOOK_CLOSELY: Duration = Duration::from_millis(10);

struct ExecControl {
    engine: Arc<Engine>,
    warm: Arc<Warm>,
    exec: String,
    output_ended: watch::Receiver<bool>,
    ended: Option<Exit>,
    /// Whether nothing of the run is left.
    cleared: bool,
}

impl ExecControl {
    async fn exit(&mut self) -> io::Result<Exit> {
        if let Some(exit) = self.ended {
            return Ok(exit);
        }
        let mut seldom = interval(LOOK);
        let mut often = interval(LOOK_CLOSELY);
        loop {
            let code = exec::exit_code(&self.engine, &self.exec).await;
            if let Some(code) = code.map_err(|error| broken(&error, &self.engine.facts().endpoint))? {
                let exit = self.judge(code).await;
                self.ended = Some(exit);
                return Ok(exit);
            }
            let closed = *self.output_ended.borrow() || self.output_ended.has_changed().is_err();
            if closed {
                often.tick().await;
            } else {
                tokio::select! {
                    _ = self.output_ended.changed() => {}
                    _ = seldom.tick() => {}
                }
            }
        }
    }

    async fn judge(&self, code: i64) -> Exit {
        if code == exit::KILLED && self.warm.ran_out_of_memory(&self.engine, &self.exec).await {
            Exit::OutOfMemory
        } else {
            exit::exit(code)
        }
    }

    /// Kills what is left of the run, and the container where that does not help.
    async fn clear(&mut self) {
        clear(&self.engine, &self.warm).await;
        self.cleared = true;
    }

    async fn end(&mut self, grace: Duration) -> io::Result<Exit> {
        let asked = match self.ended {
            Some(_) => true,
            None => self.warm.signal(&self.engine, Signal::TERM).await.unwrap_or(false),
        };
        let ended = if asked { timeout(grace, self.exit()).await.ok() } else { None };
        // Also after a clean end: a child of the worker may have outlived it.
        self.clear().await;
        match ended {
            Some(exit) => exit,
            // The container may have gone with it, and the engine's knowledge of the process too.
            None if self.warm.is_retired() => Ok(*self.ended.insert(Exit::Signal(9))),
            None => self.exit().await,
        }
    }
}

async fn clear(engine: &Engine, warm: &Warm) {
    let cleared = warm.clear(engine).await.unwrap_or_else(|error| {
        tracing::debug!(%error, "a worker could not be killed");
        false
    });
    if !cleared {
        warm.retire(engine, "a worker in it could not be ended by itself").await;
    }
}

impl Control for ExecControl {
    fn pids(&self) -> Vec<u32> {
        self.warm.processes_here()
    }

    fn wait(&mut self) -> BoxFuture<'_, io::Result<Exit>> {
        self.exit().boxed()
    }

    fn stop(&mut self, grace: Duration) -> BoxFuture<'_, io::Result<Exit>> {
        self.end(grace).boxed()
    }

    fn container(&self) -> Option<&ContainerFacts> {
        Some(&self.warm.facts)
    }
}

impl Drop for ExecControl {
    fn drop(&mut self) {
        if self.cleared {
            return;
        }
        let (engine, warm) = (Arc::clone(&self.engine), Arc::clone(&self.warm));
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move { clear(&engine, &warm).await });
        }
    }
}
