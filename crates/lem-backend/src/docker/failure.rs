//! Why a container could not be started, told apart by what the user has to do about it.
//!
//! The engine tells its failures apart by their text only. What is not recognised keeps that text.

use std::error::Error as _;
use std::time::Duration;

use bollard::errors::Error;

/// Why a worker's container could not be started, or what it needs could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContainerError {
    /// No image.
    #[error("service {service}: there is no image {image}; {remedy}")]
    ImageMissing {
        /// The compose service.
        service: String,
        /// The name, or the names that were tried.
        image: String,
        /// How to get it.
        remedy: String,
    },
    /// The engine cannot give GPUs to containers.
    #[error(
        "service {service}: the Docker engine cannot give GPUs to containers ({reason}); install the NVIDIA \
         Container Toolkit, then `sudo nvidia-ctk runtime configure --runtime=docker` and restart the engine"
    )]
    NoGpuRuntime {
        /// The compose service.
        service: String,
        /// What the engine said.
        reason: String,
    },
    /// A GPU that was asked for cannot be used.
    #[error(
        "service {service}: a GPU that was asked for cannot be used ({reason}); compare `nvidia-smi -L` with \
         `lem devices`"
    )]
    GpuUnusable {
        /// The compose service.
        service: String,
        /// What the engine said.
        reason: String,
    },
    /// A published port is taken.
    #[error(
        "service {service}: a port that it publishes is in use ({reason}); stop what uses it (`docker ps`, `ss -ltnp`), \
         or change `ports` of the service"
    )]
    PortInUse {
        /// The compose service.
        service: String,
        /// What the engine said.
        reason: String,
    },
    /// A file or folder to mount does not exist, or is of the wrong kind.
    #[error(
        "service {service}: what it mounts cannot be mounted ({reason}); correct `volumes` or `devices` of the service"
    )]
    MountMissing {
        /// The compose service.
        service: String,
        /// What the engine said.
        reason: String,
    },
    /// A place that has to be written to make the mounts is read-only.
    #[error(
        "service {service}: a mount needs a folder where nothing can be written ({reason}); make the folder first, \
         or mount its parent without `ro`"
    )]
    ReadOnly {
        /// The compose service.
        service: String,
        /// What the engine said.
        reason: String,
    },
    /// A volume that must exist does not.
    #[error("service {service}: there is no volume {volume}; make it: `docker volume create {volume}`")]
    VolumeMissing {
        /// The compose service.
        service: String,
        /// Its name in the engine.
        volume: String,
    },
    /// A network that must exist does not.
    #[error("service {service}: there is no network {network}; make it: `docker network create {network}`")]
    NetworkMissing {
        /// The compose service.
        service: String,
        /// Its name in the engine.
        network: String,
    },
    /// The command line names a program that the image does not have.
    #[error(
        "service {service}: the image {image} has no program to start the worker with ({reason}); correct the label \
         `lem.worker.command` of the service, or build the image again"
    )]
    ProgramMissing {
        /// The compose service.
        service: String,
        /// The image.
        image: String,
        /// What the engine said.
        reason: String,
    },
    /// Neither the caller nor the service nor the image names a command.
    #[error(
        "service {service}: nothing says how to start the worker; add the label `lem.worker.command` to the service, \
         or an ENTRYPOINT to the image {image}"
    )]
    NoCommand {
        /// The compose service.
        service: String,
        /// The image.
        image: String,
    },
    /// The engine has no init program.
    #[error(
        "service {service}: the Docker engine has no `docker-init`, which passes a stop on to the worker ({reason}); \
         install it on the engine's machine (Debian: package tini), or set `init: false` in the service"
    )]
    NoInit {
        /// The compose service.
        service: String,
        /// What the engine said.
        reason: String,
    },
    /// A service that this one depends on is not there.
    #[error(
        "service {service} depends on {dependency}, which is {state}; start it: \
         `docker compose up -d {dependency}`"
    )]
    DependencyMissing {
        /// The compose service.
        service: String,
        /// The other one.
        dependency: String,
        /// How it is.
        state: String,
    },
    /// Its container had to be replaced again and again.
    #[error(
        "service {service}: its container was replaced {restarts} times and has to be again          (health_check.max_restarts); see its log, or use the strategy ephemeral"
    )]
    RestartedTooOften {
        /// The compose service.
        service: String,
        /// How often it was replaced.
        restarts: u32,
    },
    /// The health check never passed.
    #[error(
        "service {service}: not healthy after {} s; its check `{check}` last said: {last}; see `healthcheck` of the \
         service", waited.as_secs()
    )]
    NeverHealthy {
        /// The compose service.
        service: String,
        /// The command of the check.
        check: String,
        /// How long it was given.
        waited: Duration,
        /// The end of its output.
        last: String,
    },
    /// A container that should stay up ended.
    #[error("service {service}: its container ended at once ({exit}){}", said(.last))]
    Ended {
        /// The compose service.
        service: String,
        /// How.
        exit: String,
        /// The end of its output.
        last: String,
    },
    /// The caller did not want to wait until it was ready.
    #[error("service {service}: given up before its container was ready")]
    GivenUp {
        /// The compose service.
        service: String,
    },
    /// The engine does not answer any more.
    #[error(
        "the Docker engine at {endpoint} does not answer any more ({reason}); start it again \
         (`sudo systemctl start docker`)"
    )]
    EngineGone {
        /// Where it was.
        endpoint: String,
        /// What the system said.
        reason: String,
    },
    /// Anything else that the engine refused.
    #[error("service {service}: the Docker engine refused: {reason}")]
    Refused {
        /// The compose service.
        service: String,
        /// What the engine said.
        reason: String,
    },
}

fn said(last: &str) -> String {
    if last.is_empty() { String::new() } else { format!("; it last said: {last}") }
}

/// What was being done when the engine refused.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) service: &'a str,
    pub(super) image: &'a str,
    pub(super) endpoint: &'a str,
}

impl Attempt<'_> {
    /// Tells the engine's refusals apart.
    pub(super) fn failure(&self, error: &Error) -> ContainerError {
        match error {
            Error::DockerResponseServerError { message, .. } => self.refusal(message),
            _ if is_gone(error) => {
                ContainerError::EngineGone { endpoint: self.endpoint.into(), reason: full_text(error) }
            }
            _ => self.refusal(&full_text(error)),
        }
    }

    fn refusal(&self, message: &str) -> ContainerError {
        let (service, image) = (self.service.to_owned(), self.image.to_owned());
        let reason = brief(message);
        let says = |parts: &[&str]| parts.iter().any(|part| message.contains(part));
        // Matched from the special to the general: several texts contain others.
        if says(&[
            "could not select device driver",
            "Unknown runtime specified",
            "unknown or invalid runtime name",
        ]) {
            ContainerError::NoGpuRuntime { service, reason }
        } else if says(&["nvidia-container-cli", "unresolvable CDI devices", "nvidia-container-runtime"]) {
            ContainerError::GpuUnusable { service, reason }
        } else if says(&["port is already allocated", "address already in use"]) {
            ContainerError::PortInUse { service, reason }
        } else if says(&["docker-init"]) {
            ContainerError::NoInit { service, reason }
        } else if says(&["read-only file system"]) {
            ContainerError::ReadOnly { service, reason }
        } else if let Some(network) = between(message, "network ", " not found") {
            ContainerError::NetworkMissing { service, network: network.trim_matches('"').into() }
        } else if says(&["bind source path does not exist", "error gathering device information"])
            || says(&["error mounting", "error while creating mount source path", "not a directory"])
        {
            ContainerError::MountMissing { service, reason }
        } else if says(&["executable file not found", "exec format error"])
            || (says(&["exec: "]) && says(&["no such file or directory", "permission denied"]))
        {
            ContainerError::ProgramMissing { service, image, reason }
        } else if says(&["No such image"]) {
            let remedy = "it was removed just now; build or pull it again".into();
            ContainerError::ImageMissing { service, image, remedy }
        } else {
            ContainerError::Refused { service, reason }
        }
    }
}

/// Whether the engine, rather than the request, is at fault.
pub(super) fn is_gone(error: &Error) -> bool {
    matches!(
        error,
        Error::HyperLegacyError { .. }
            | Error::HyperResponseError { .. }
            | Error::IOError { .. }
            | Error::RequestTimeoutError
            | Error::SocketNotFoundError(_)
    )
}

/// Whether the engine says that this container or volume does not exist.
pub(super) fn is_missing(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 404, .. })
}

/// An error with its causes: the outermost of an HTTP client says little.
pub(super) fn full_text(error: &Error) -> String {
    let mut text = match error {
        Error::DockerResponseServerError { message, .. } => brief(message),
        _ => error.to_string(),
    };
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

/// The engine nests the same phrases of its lower layers; they and line ends are left out.
fn brief(message: &str) -> String {
    let mut text = message.split_whitespace().collect::<Vec<_>>().join(" ");
    for layer in [
        "failed to create shim task: ",
        "failed to create shim: ",
        "failed to create task for container: ",
        "OCI runtime create failed: ",
        "runc create failed: ",
        "unable to start container process: ",
        "container_linux.go:380: starting container process caused: ",
        "invalid mount config for type \"bind\": ",
    ] {
        text = text.replace(layer, "");
    }
    text.trim_end_matches(": unknown").to_owned()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let end = text.find(after)?;
    let start = text[..end].rfind(before)? + before.len();
    let inside = &text[start..end];
    (!inside.is_empty() && !inside.contains(' ')).then_some(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told_apart(message: &str) -> String {
        let attempt =
            Attempt { service: "vllm", image: "lab/vllm:1", endpoint: "unix:///var/run/docker.sock" };
        let error = Error::DockerResponseServerError { status_code: 500, message: message.into() };
        attempt.failure(&error).to_string()
    }

    #[test]
    fn what_engines_say_is_told_apart_with_a_remedy() {
        let messages = [
            r#"could not select device driver "" with capabilities: [[gpu utility]]"#,
            "Unknown runtime specified nvidia",
            "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container \
             process: error during container init: error running hook #0: error running hook: exit status 1, stdout: , \
             stderr: nvidia-container-cli: device error: GPU-abc: unknown device: unknown",
            "driver failed programming external connectivity on endpoint happy (1f): Bind for 0.0.0.0:8000 failed: port \
             is already allocated",
            r#"invalid mount config for type "bind": bind source path does not exist: /data/models"#,
            "error while creating mount source path '/ro/x': mkdir /ro/x: read-only file system",
            "network lab-net not found",
            r#"failed to create shim: OCI runtime create failed: runc create failed: unable to start container process: exec: "python": executable file not found in $PATH: unknown"#,
            r#"OCI runtime create failed: runc create failed: unable to start container process: exec: "docker-init": executable file not found in $PATH: unknown"#,
            r#"error gathering device information while adding custom device "/dev/nvidia9": no such file or directory"#,
            "something new",
        ];
        insta::assert_snapshot!(messages.map(told_apart).join("\n\n"));
    }

    #[test]
    fn an_engine_that_went_away_is_no_refusal() {
        let attempt = Attempt { service: "vllm", image: "x", endpoint: "tcp://gpu1:2375" };
        let error = Error::IOError { err: std::io::ErrorKind::ConnectionRefused.into() };
        assert!(matches!(attempt.failure(&error), ContainerError::EngineGone { .. }));
    }
}
