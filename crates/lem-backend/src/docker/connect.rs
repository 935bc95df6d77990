//! Reaching the engine, and telling apart why it cannot be reached.
//!
//! The socket is tried before the first request is made: the system's own error says more than an HTTP client's.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, Docker};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpStream, UnixStream};
use tokio::process::{Child, Command};
use tokio::time::{interval, timeout};

use super::endpoint::Endpoint;
use super::facts::EngineFacts;

/// A host that has not answered by then is not there.
const PATIENCE: Duration = Duration::from_secs(10);

/// One request may take this long. Waiting for a container's end and its streams are not cut by it.
const REQUEST_TIMEOUT_S: u64 = 120;

/// A Docker engine that answers.
#[derive(Debug)]
pub struct Engine {
    pub(super) docker: Docker,
    endpoint: Endpoint,
    facts: EngineFacts,
    /// Ends with the engine.
    _tunnel: Option<Tunnel>,
}

/// Why the engine cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing listens.
    #[error(
        "no Docker engine answers at {endpoint}: {reason}; start it (`sudo systemctl start docker`), or set \
         DOCKER_HOST to one that runs"
    )]
    NoEngine {
        /// Where.
        endpoint: String,
        /// What the system said.
        reason: String,
    },
    /// The socket is there, but not for us.
    #[error(
        "no permission for the Docker engine at {endpoint}; join the group docker \
         (`sudo usermod -aG docker $USER`, then log in again)"
    )]
    Permission {
        /// Where.
        endpoint: String,
    },
    /// The other machine cannot be reached.
    #[error("the Docker engine at {endpoint} cannot be reached: {reason}; {remedy}")]
    Unreachable {
        /// Where.
        endpoint: String,
        /// What the system or ssh said.
        reason: String,
        /// What to do.
        remedy: &'static str,
    },
    /// It answers, but not as an engine does.
    #[error("what answers at {endpoint} is no Docker engine that we know: {reason}; see `docker version`")]
    NotAnEngine {
        /// Where.
        endpoint: String,
        /// What it said.
        reason: String,
    },
}

const CHECK_ADDRESS: &str = "check the name and the port in DOCKER_HOST, and that the host is up";
const CHECK_SSH: &str =
    "check that `ssh` to it works without a password, and that its docker socket is yours to use";

impl Engine {
    /// Connects, agrees on a version of the API, and asks what the engine is.
    pub async fn connect(endpoint: Endpoint) -> Result<Self, ConnectError> {
        let (docker, tunnel) = match &endpoint {
            Endpoint::Unix(path) => (over_socket(path, &endpoint).await?, None),
            Endpoint::Tcp { host, port } => (over_tcp(host, *port, &endpoint).await?, None),
            Endpoint::Ssh { .. } => {
                let tunnel = Tunnel::open(&endpoint).await?;
                (over_socket(&tunnel.socket, &endpoint).await?, Some(tunnel))
            }
        };
        let not_an_engine = |error: bollard::errors::Error| ConnectError::NotAnEngine {
            endpoint: endpoint.to_string(),
            reason: super::failure::full_text(&error),
        };
        let docker = docker.negotiate_version().await.map_err(not_an_engine)?;
        let version = docker.version().await.map_err(not_an_engine)?;
        let facts = EngineFacts::new(version, &docker.client_version().to_string(), &endpoint);
        Ok(Self { docker, endpoint, facts, _tunnel: tunnel })
    }

    /// Where it is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What it is, for the record of a run.
    pub fn facts(&self) -> &EngineFacts {
        &self.facts
    }
}

fn named(path: &Path, endpoint: &Endpoint, error: &bollard::errors::Error) -> ConnectError {
    let reason = format!("{}: {}", path.display(), super::failure::full_text(error));
    ConnectError::NoEngine { endpoint: endpoint.to_string(), reason }
}

async fn over_socket(path: &Path, endpoint: &Endpoint) -> Result<Docker, ConnectError> {
    UnixStream::connect(path).await.map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => ConnectError::Permission { endpoint: endpoint.to_string() },
        _ => ConnectError::NoEngine { endpoint: endpoint.to_string(), reason: error.to_string() },
    })?;
    Docker::connect_with_unix(&path.to_string_lossy(), REQUEST_TIMEOUT_S, API_DEFAULT_VERSION)
        .map_err(|error| named(path, endpoint, &error))
}

async fn over_tcp(host: &str, port: u16, endpoint: &Endpoint) -> Result<Docker, ConnectError> {
    let reached = timeout(PATIENCE, TcpStream::connect((host, port))).await;
    reached.unwrap_or_else(|_elapsed| Err(ErrorKind::TimedOut.into())).map_err(|error| {
        match error.kind() {
            ErrorKind::ConnectionRefused => {
                ConnectError::NoEngine { endpoint: endpoint.to_string(), reason: error.to_string() }
            }
            _ => ConnectError::Unreachable {
                endpoint: endpoint.to_string(),
                reason: error.to_string(),
                remedy: CHECK_ADDRESS,
            },
        }
    })?;
    let address = endpoint.to_string();
    Docker::connect_with_http(&address, REQUEST_TIMEOUT_S, API_DEFAULT_VERSION)
        .map_err(|error| named(Path::new(&address), endpoint, &error))
}

/// A socket of this machine that ssh forwards to an engine's socket on another.
#[derive(Debug)]
struct Tunnel {
    socket: PathBuf,
    /// Killed when dropped.
    _ssh: Child,
    /// Goes with the socket in it; only its owner may enter it.
    _folder: tempfile::TempDir,
}

impl Tunnel {
    async fn open(endpoint: &Endpoint) -> Result<Self, ConnectError> {
        let failed = |reason: String| ConnectError::Unreachable {
            endpoint: endpoint.to_string(),
            reason,
            remedy: CHECK_SSH,
        };
        let folder = tempfile::Builder::new().prefix("lem-docker-").tempdir();
        let folder = folder.map_err(|error| failed(format!("no folder for the socket: {error}")))?;
        let socket = folder.path().join("docker.sock");
        let mut ssh = forward(endpoint, &socket)
            .spawn()
            .map_err(|error| failed(format!("`ssh` cannot be started: {error}")))?;
        let opened = timeout(PATIENCE, until_open(&mut ssh, &socket)).await;
        opened
            .unwrap_or_else(|_elapsed| Err(format!("no answer within {} s", PATIENCE.as_secs())))
            .map_err(failed)?;
        Ok(Self { socket, _ssh: ssh, _folder: folder })
    }
}

fn forward(endpoint: &Endpoint, socket: &Path) -> Command {
    let mut ssh = Command::new("ssh");
    if let Endpoint::Ssh { destination, port, socket: remote } = endpoint {
        ssh.args(["-nNT", "-o", "BatchMode=yes", "-o", "ExitOnForwardFailure=yes", "-L"]);
        ssh.arg(format!("{}:{remote}", socket.display()));
        if let Some(port) = port {
            ssh.args(["-p", &port.to_string()]);
        }
        ssh.args(["--", destination]);
    }
    ssh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    // Its own group: the Ctrl-C of a terminal must not cut a campaign's connection before its containers are removed.
    ssh.process_group(0);
    ssh
}

/// Waits until ssh listens, or has given up, which it explains on standard error.
async fn until_open(ssh: &mut Child, socket: &Path) -> Result<(), String> {
    let mut tick = interval(Duration::from_millis(20));
    loop {
        tick.tick().await;
        if socket.exists() {
            return Ok(());
        }
        if let Some(status) = ssh.try_wait().map_err(|error| error.to_string())? {
            return Err(last_words(ssh).await.unwrap_or_else(|_| status.to_string()));
        }
    }
}

async fn last_words(ssh: &mut Child) -> io::Result<String> {
    let mut text = String::new();
    ssh.stderr.take().ok_or(ErrorKind::NotFound)?.read_to_string(&mut text).await?;
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(lines.join("; ")) }
}
