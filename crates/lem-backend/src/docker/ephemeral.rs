//! One container for each run: made, attached, started, waited for, removed.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bollard::errors::Error;
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, InspectContainerOptions, KillContainerOptionsBuilder,
    StartContainerOptions, WaitContainerOptions,
};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryStreamExt};
use tokio::time::timeout;

use super::connect::Engine;
use super::container::{self, Life, Recipe};
use super::exit::{self, KILLED, broken};
use super::facts::ContainerFacts;
use super::failure::ContainerError;
use super::image;
use super::labels::Owner;
use super::remove::Removal;
use super::{host, streams};
use crate::compose::Service;
use crate::{Backend, Control, Exit, Session, Start, StartError};

/// Starts each worker in a container of its own.
#[derive(Debug, Clone)]
pub struct Ephemeral {
    /// The engine.
    pub engine: Arc<Engine>,
    /// What the container is made from.
    pub service: Arc<Service>,
    /// Whose it is.
    pub owner: Owner,
    /// UUIDs of the GPUs that a service that asks for GPUs gets; `None` leaves it to the service.
    pub gpus: Option<Vec<String>>,
}

impl Backend for Ephemeral {
    fn start<'a>(&'a self, start: &'a Start) -> BoxFuture<'a, Result<Session, StartError>> {
        let (this, start) = (self.clone(), start.clone());
        // A task of its own: where the caller gives up half-way, what the engine is making is still removed.
        let started = tokio::spawn(async move { this.run(&start).await });
        started
            .map(|joined| match joined {
                Ok(session) => session.map_err(StartError::from),
                Err(error) => Err(StartError::from(ContainerError::Refused {
                    service: self.service.name.clone(),
                    reason: format!("starting was cut short: {error}"),
                })),
            })
            .boxed()
    }
}

impl Ephemeral {
    async fn run(&self, start: &Start) -> Result<Session, ContainerError> {
        let image = image::need(&self.engine, &self.service).await?;
        let command = container::worker_command(&self.service, &image, &start.command)?;
        let folder = start.folder.as_ref().map(|folder| folder.to_string_lossy());
        let recipe = Recipe {
            service: &self.service,
            image: &image,
            command: &command,
            environment: &start.environment,
            folder: folder.as_deref(),
            gpus: self.gpus.as_deref(),
            owner: &self.owner,
            life: Life::OneRun,
        };
        let removal = container::create(&self.engine, &recipe).await?;
        match begin(&self.engine, removal.id()).await {
            Ok(streams) => Ok(self.session(removal, streams, image.facts)),
            Err(error) => {
                removal.now().await;
                Err(image::attempt(&self.engine, &self.service, &image.facts.reference).failure(&error))
            }
        }
    }

    fn session(
        &self,
        removal: Removal,
        streams: streams::Streams,
        image: super::facts::ImageFacts,
    ) -> Session {
        let facts = ContainerFacts {
            id: removal.id().to_owned(),
            service: self.service.name.clone(),
            persistent: false,
            image,
            engine: self.engine.facts().clone(),
        };
        Session {
            stdin: Box::new(streams.stdin),
            stdout: Box::new(streams.stdout),
            stderr: Box::new(streams.stderr),
            control: Box::new(ContainerControl {
                engine: Arc::clone(&self.engine),
                stop_signal: self.service.stop_signal.clone().unwrap_or_else(|| "SIGTERM".into()),
                removal: Some(removal),
                facts,
                ended: None,
            }),
        }
    }
}

/// Attached before the start, so that no first word is lost.
async fn begin(engine: &Engine, id: &str) -> Result<streams::Streams, Error> {
    let options = AttachContainerOptionsBuilder::default().stdin(true).stdout(true).stderr(true).stream(true);
    let attached = engine.docker.attach_container(id, Some(options.build())).await?;
    engine.docker.start_container(id, None::<StartContainerOptions>).await?;
    Ok(streams::split(attached.output, attached.input))
}

struct ContainerControl {
    engine: Arc<Engine>,
    stop_signal: String,
    /// Removes the container when dropped.
    removal: Option<Removal>,
    facts: ContainerFacts,
    ended: Option<Exit>,
}

impl ContainerControl {
    async fn exit(&mut self) -> io::Result<Exit> {
        if let Some(exit) = self.ended {
            return Ok(exit);
        }
        let exit = self.ask_exit().await.map_err(|error| broken(&error, &self.engine.facts().endpoint))?;
        self.ended = Some(exit);
        Ok(exit)
    }

    async fn ask_exit(&self) -> Result<Exit, Error> {
        let docker = &self.engine.docker;
        let waited = docker.wait_container(&self.facts.id, None::<WaitContainerOptions>).try_next().await;
        let code = match waited {
            Ok(Some(ended)) => ended.status_code,
            // The library makes an error of every code but 0.
            Err(Error::DockerContainerWaitError { code, .. }) => code,
            Ok(None) => return Err(Error::RequestTimeoutError),
            Err(error) => return Err(error),
        };
        if code != KILLED {
            return Ok(exit::exit(code));
        }
        let inspected = docker.inspect_container(&self.facts.id, None::<InspectContainerOptions>).await?;
        let out_of_memory = inspected.state.and_then(|state| state.oom_killed) == Some(true);
        Ok(if out_of_memory { Exit::OutOfMemory } else { exit::exit(code) })
    }

    /// A container that has ended already is what was wanted; other errors show when its exit is asked for.
    async fn kill(&self, signal: &str) {
        let options = KillContainerOptionsBuilder::default().signal(signal).build();
        let _ = self.engine.docker.kill_container(&self.facts.id, Some(options)).await;
    }

    async fn end(&mut self, grace: Duration) -> io::Result<Exit> {
        if let Some(exit) = self.ended {
            return Ok(exit);
        }
        self.kill(&self.stop_signal).await;
        match timeout(grace, self.exit()).await {
            Ok(exit) => exit,
            Err(_elapsed) => {
                self.kill("SIGKILL").await;
                self.exit().await
            }
        }
    }
}

impl Control for ContainerControl {
    fn pids(&self) -> Vec<u32> {
        host::processes(&self.facts.id)
    }

    fn wait(&mut self) -> BoxFuture<'_, io::Result<Exit>> {
        self.exit().boxed()
    }

    fn stop(&mut self, grace: Duration) -> BoxFuture<'_, io::Result<Exit>> {
        async move {
            let ended = self.end(grace).await;
            if let Some(removal) = self.removal.take() {
                removal.now().await;
            }
            ended
        }
        .boxed()
    }

    fn container(&self) -> Option<&ContainerFacts> {
        Some(&self.facts)
    }
}
