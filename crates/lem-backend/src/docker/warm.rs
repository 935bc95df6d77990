//! A container that is kept up so that several runs can be executed in it, one after the other.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bollard::errors::Error;
use bollard::query_parameters::{
    EventsOptionsBuilder, InspectContainerOptions, LogsOptionsBuilder, StartContainerOptions, TopOptions,
};
use futures_util::StreamExt;
use rustix::process::Signal;
use tokio::sync::watch;
use tokio::time::{interval, timeout};

use super::connect::Engine;
use super::container::{self, Life, Recipe};
use super::exec;
use super::exit::exit;
use super::facts::ContainerFacts;
use super::failure::{Attempt, ContainerError};
use super::image::{self, Image};
use super::labels::Owner;
use super::remove::{Removal, remove};
use super::{health, host, orphans};
use crate::compose::Service;

/// Longer than any campaign; `infinity` is not known to every `sleep`.
const IDLE: [&str; 2] = ["sleep", "2147483647"];

/// Events that the engine already has come at once.
const EVENT_PATIENCE: Duration = Duration::from_millis(500);

/// A killed process is gone within this time, unless it hangs in the kernel.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// A signal through a second process in the container takes no longer.
const SIGNAL_PATIENCE: Duration = Duration::from_secs(5);

/// A container that idles between runs.
pub(super) struct Warm {
    pub(super) facts: ContainerFacts,
    pub(super) image: Image,
    /// Processes of the container that belong to no run, by their id on the engine's host.
    idle: BTreeSet<u32>,
    /// Whether signals may be sent to all processes that a process in the container sees.
    own_processes_only: bool,
    /// Set once the container cannot take another run.
    retired: AtomicBool,
    /// Removes the container when dropped; `None` for one that stays.
    removal: Option<Removal>,
}

/// What is warmed up.
#[derive(Clone, Copy)]
pub(super) struct Plan<'a> {
    pub(super) engine: &'a Engine,
    pub(super) service: &'a Service,
    pub(super) owner: &'a Owner,
    pub(super) gpus: Option<&'a [String]>,
    /// The caller's command line of the worker.
    pub(super) caller: &'a [String],
    /// Whether the container stays afterwards.
    pub(super) kept: bool,
    /// Waited once, when the container is healthy.
    pub(super) delay: Duration,
    /// True once the caller does not want to wait any longer.
    pub(super) given_up: &'a watch::Receiver<bool>,
}

impl Warm {
    /// Makes a container, starts it and waits until it is ready.
    pub(super) async fn up(plan: Plan<'_>) -> Result<Self, ContainerError> {
        let Plan { engine, service, .. } = plan;
        let image = image::need(engine, service).await?;
        if plan.kept {
            let cleared = orphans::remove_kept(engine, &service.project, &service.name).await;
            cleared.unwrap_or_else(|error| tracing::warn!(%error, "a kept container could not be removed"));
        }
        let attempt = image::attempt(engine, service, &image.facts.reference);
        let removal = idle(plan, &image, attempt).await?;
        let settled = tokio::select! {
            settled = settle(plan, &image, removal.id(), attempt) => settled,
            () = given_up(plan.given_up) => Err(ContainerError::GivenUp { service: service.name.clone() }),
        };
        match settled {
            Ok(idle) => Ok(Self::new(plan, image, removal, idle)),
            Err(failure) => {
                removal.now().await;
                Err(failure)
            }
        }
    }

    fn new(plan: Plan<'_>, image: Image, removal: Removal, idle: Vec<u32>) -> Self {
        let facts = ContainerFacts {
            id: removal.id().to_owned(),
            service: plan.service.name.clone(),
            persistent: true,
            image: image.facts.clone(),
            engine: plan.engine.facts().clone(),
        };
        let removal = if plan.kept {
            removal.keep();
            None
        } else {
            Some(removal)
        };
        Self {
            facts,
            image,
            idle: idle.into_iter().collect(),
            own_processes_only: plan.service.pid.is_none() && plan.service.init != Some(true),
            retired: AtomicBool::new(false),
            removal,
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.facts.id
    }

    pub(super) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Relaxed)
    }

    /// Whether the service's health check passes still; asked between runs only. What cannot be asked shows at the start
    /// of the next run.
    pub(super) async fn is_healthy(&self, engine: &Engine, service: &Service) -> bool {
        health::passes(engine, service, &self.image.config, self.id()).await != Some(false)
    }

    /// Processes of the present run, by their id on this host; empty where the engine runs elsewhere.
    pub(super) fn processes_here(&self) -> Vec<u32> {
        host::processes(self.id()).into_iter().filter(|pid| !self.idle.contains(pid)).collect()
    }

    /// Sends a signal to every process of the present run. The engine cannot do that for an executed process, so it is
    /// done from this host where that is the engine's and we may, else by a shell in the container. False where neither
    /// is possible.
    pub(super) async fn signal(&self, engine: &Engine, signal: Signal) -> Result<bool, Error> {
        let here = host::processes(self.id());
        if !here.is_empty() {
            let run: Vec<u32> = here.into_iter().filter(|pid| !self.idle.contains(pid)).collect();
            if host::signal(&run, self.id(), signal) {
                return Ok(true);
            }
        } else if processes(engine, self.id()).await?.iter().all(|pid| self.idle.contains(pid)) {
            return Ok(true);
        }
        if !self.own_processes_only {
            return Ok(false);
        }
        // -1: all but process 1, which idles, and the shell itself (kill(2)).
        let line = format!("kill -{} -1; true", signal.as_raw());
        let command = vec!["sh".into(), "-c".into(), line];
        let done = exec::run(engine, self.id(), command, Some("0"), SIGNAL_PATIENCE).await?;
        Ok(done.code == Some(0))
    }

    /// Kills what is left of a run and waits until it is gone. False where that is not possible.
    pub(super) async fn clear(&self, engine: &Engine) -> Result<bool, Error> {
        if !self.signal(engine, Signal::KILL).await? {
            return Ok(false);
        }
        let gone = async {
            let mut tick = interval(Duration::from_millis(10));
            while !self.processes_here().is_empty() {
                tick.tick().await;
            }
        };
        Ok(timeout(KILL_PATIENCE, gone).await.is_ok())
    }

    /// Whether the control group of the container ran out of memory while an executed process ran. The engine keeps
    /// that in its last events only, in order; nothing is known where they no longer reach back to the start.
    pub(super) async fn ran_out_of_memory(&self, engine: &Engine, exec: &str) -> bool {
        let filters = HashMap::from([
            ("container".to_owned(), vec![self.id().to_owned()]),
            ("event".to_owned(), vec!["exec_start".to_owned(), "oom".to_owned()]),
        ]);
        let options = EventsOptionsBuilder::default().since("0").filters(&filters).build();
        let mut events = std::pin::pin!(engine.docker.events(Some(options)));
        let mut started = false;
        // The stream does not end: new events would follow.
        while let Ok(Some(Ok(event))) = timeout(EVENT_PATIENCE, events.next()).await {
            let attributes = event.actor.and_then(|actor| actor.attributes).unwrap_or_default();
            started |= attributes.get("execID").is_some_and(|id| id == exec);
            if started && event.action.as_deref() == Some("oom") {
                return true;
            }
        }
        false
    }

    /// Ends the container, so that the next run gets a new one.
    pub(super) async fn retire(&self, engine: &Engine, why: &str) {
        self.retired.store(true, Ordering::Relaxed);
        tracing::warn!(container = self.id(), why, "a warm container is replaced");
        if let Err(error) = remove(&engine.docker, self.id()).await {
            tracing::warn!(container = self.id(), %error, "a container could not be removed");
        }
    }

    /// Removes the container, unless it stays.
    pub(super) async fn down(self) {
        if let Some(removal) = self.removal {
            removal.now().await;
        }
    }
}

/// Starts a container that does nothing. An image that holds a worker and nothing else has no `sleep`; there the worker
/// itself idles, waiting for a line on an input that stays open.
async fn idle(plan: Plan<'_>, image: &Image, attempt: Attempt<'_>) -> Result<Removal, ContainerError> {
    let sleep = IDLE.map(str::to_owned);
    let recipe = Recipe {
        service: plan.service,
        image,
        command: &sleep,
        environment: &[],
        folder: None,
        gpus: plan.gpus,
        owner: plan.owner,
        life: Life::Campaign { kept: plan.kept },
    };
    match started(plan.engine, &recipe, attempt).await {
        Err(ContainerError::ProgramMissing { .. }) => {
            let command = container::worker_command(plan.service, image, plan.caller)?;
            started(plan.engine, &Recipe { command: &command, ..recipe }, attempt).await
        }
        other => other,
    }
}

async fn started(
    engine: &Engine,
    recipe: &Recipe<'_>,
    attempt: Attempt<'_>,
) -> Result<Removal, ContainerError> {
    let removal = container::create(engine, recipe).await?;
    match engine.docker.start_container(removal.id(), None::<StartContainerOptions>).await {
        Ok(()) => Ok(removal),
        Err(error) => {
            removal.now().await;
            Err(attempt.failure(&error))
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "what is waited for happens in the container, outside of any test's time"
)]
async fn pause(delay: Duration) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}

/// Whoever is gone cannot give up any more, and then this never ends.
async fn given_up(given_up: &watch::Receiver<bool>) {
    if given_up.clone().wait_for(|given_up| *given_up).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Waits until a started container is ready, and says which processes it has then.
async fn settle(
    plan: Plan<'_>,
    image: &Image,
    id: &str,
    attempt: Attempt<'_>,
) -> Result<Vec<u32>, ContainerError> {
    let Plan { engine, service, .. } = plan;
    let healthy = health::healthy(engine, service, &image.config, id, attempt).await;
    if healthy.is_ok() {
        pause(plan.delay).await;
    }
    let refused = |error: Error| attempt.failure(&error);
    let inspected = engine.docker.inspect_container(id, None::<InspectContainerOptions>).await;
    let state = inspected.map_err(refused)?.state.unwrap_or_default();
    if state.running != Some(true) {
        return Err(ContainerError::Ended {
            service: service.name.clone(),
            exit: state.exit_code.map_or_else(|| "how is not known".into(), |code| exit(code).to_string()),
            last: last_words(engine, id).await,
        });
    }
    healthy?;
    processes(engine, id).await.map_err(refused)
}

/// The last line that a container wrote; empty where there is none.
async fn last_words(engine: &Engine, id: &str) -> String {
    let options = LogsOptionsBuilder::default().stdout(true).stderr(true).tail("5").build();
    let mut output = Vec::new();
    let mut chunks = std::pin::pin!(engine.docker.logs(id, Some(options)));
    while let Some(Ok(chunk)) = chunks.next().await {
        exec::keep_end(&mut output, &chunk);
    }
    if output.is_empty() { String::new() } else { exec::last_line(&output) }
}

/// The processes of a container by their id on the engine's host.
async fn processes(engine: &Engine, id: &str) -> Result<Vec<u32>, Error> {
    let here = host::processes(id);
    if !here.is_empty() {
        return Ok(here);
    }
    let top = engine.docker.top_processes(id, None::<TopOptions>).await?;
    let titles = top.titles.unwrap_or_default();
    let Some(column) = titles.iter().position(|title| title == "PID") else { return Ok(Vec::new()) };
    // As ps(1) marks what has ended and only waits for its parent to notice.
    let ended = |row: &[String]| row.last().is_some_and(|command| command.contains("<defunct>"));
    let rows = top.processes.unwrap_or_default();
    Ok(rows.iter().filter(|row| !ended(row)).filter_map(|row| row.get(column)?.parse().ok()).collect())
}
