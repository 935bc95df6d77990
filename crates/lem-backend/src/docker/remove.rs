//! A container goes when whoever made it is done with it, also when that ends early.

use bollard::Docker;
use bollard::errors::Error;
use bollard::query_parameters::RemoveContainerOptionsBuilder;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::interval;

use super::connect::Engine;
use super::failure::{is_gone, is_missing};

/// An engine that is being restarted gets so many tries, one a second.
const TRIES: usize = 60;

/// Removes a container when dropped. Where no runtime is left to do so, it is an orphan for the next campaign to find.
pub(super) struct Removal {
    docker: Docker,
    /// Empty when there is nothing left to remove.
    id: String,
}

impl Removal {
    pub(super) fn new(engine: &Engine, id: String) -> Self {
        Self { docker: engine.docker.clone(), id }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Removes it and waits for that; tried again in the background where the engine does not answer.
    pub(super) async fn now(mut self) {
        match remove(&self.docker, &self.id).await {
            Err(error) if is_gone(&error) => {}
            Err(error) => {
                tracing::warn!(container = self.id, %error, "a container could not be removed");
                self.id.clear();
            }
            Ok(()) => self.id.clear(),
        }
    }

    /// Leaves the container.
    pub(super) fn keep(mut self) {
        self.id.clear();
    }
}

impl Drop for Removal {
    fn drop(&mut self) {
        let id = std::mem::take(&mut self.id);
        if id.is_empty() {
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(remove_in_the_end(self.docker.clone(), id));
        }
    }
}

/// Ends and removes a container and its anonymous volumes. One that is gone already is what was wanted.
pub(super) async fn remove(docker: &Docker, id: &str) -> Result<(), Error> {
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    match docker.remove_container(id, Some(options)).await {
        Err(error) if is_missing(&error) || is_in_progress(&error) => Ok(()),
        other => other,
    }
}

/// "removal of container … is already in progress".
fn is_in_progress(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 409, message } if message.contains("in progress"))
}

async fn remove_in_the_end(docker: Docker, id: String) {
    let mut tick = interval(Duration::from_secs(1));
    for _ in 0..TRIES {
        tick.tick().await;
        match remove(&docker, &id).await {
            Err(error) if is_gone(&error) => {}
            Err(error) => return tracing::warn!(container = id, %error, "a container could not be removed"),
            Ok(()) => return,
        }
    }
    tracing::warn!(
        container = id,
        "the Docker engine did not answer; the next campaign removes the container"
    );
}
