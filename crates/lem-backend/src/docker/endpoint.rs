//! Where the Docker engine is: the same answer that the command `docker` would give.
//!
//! In its order: `DOCKER_HOST`, `DOCKER_CONTEXT`, the current context of `config.json`, the default socket
//! (docs.docker.com, "Docker contexts"). Reads files, connects to nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Where an engine listens unless told otherwise.
pub const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// The port of an engine on plain TCP.
const TCP_PORT: u16 = 2375;

/// A way to reach an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A socket of this machine.
    Unix(PathBuf),
    /// Plain TCP, without encryption.
    Tcp {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// The socket of another machine, through ssh.
    Ssh {
        /// What `ssh` takes: `host` or `user@host`; also a name of the ssh configuration.
        destination: String,
        /// Port, where the address names one.
        port: Option<u16>,
        /// The socket on that machine.
        socket: String,
    },
}

/// Why it is not known where the engine is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// An address that cannot be read.
    #[error(
        "{origin} is `{address}`, which is not an engine's address; use unix:///PATH, tcp://HOST:PORT or \
         ssh://USER@HOST"
    )]
    Address {
        /// Where it was written.
        origin: String,
        /// What was written.
        address: String,
    },
    /// TLS is asked for.
    #[error(
        "{origin} asks for TLS, which is not supported; reach the engine by ssh instead: \
         DOCKER_HOST=ssh://USER@HOST"
    )]
    Tls {
        /// Where it was asked for.
        origin: String,
    },
    /// The chosen context does not exist.
    #[error(
        "{origin} names the docker context `{name}`, which does not exist; {}; `docker context use default` goes \
         back to this machine", known(.existing)
    )]
    NoContext {
        /// Where it was named.
        origin: String,
        /// The context.
        name: String,
        /// Those that exist.
        existing: Vec<String>,
    },
    /// A file of docker's configuration cannot be read.
    #[error("{file} cannot be read: {reason}; correct it, or set DOCKER_HOST")]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
}

fn known(existing: &[String]) -> String {
    if existing.is_empty() { "there is none".into() } else { format!("there are: {}", existing.join(", ")) }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Self::Ssh { destination, port: Some(port), .. } => write!(f, "ssh://{destination}:{port}"),
            Self::Ssh { destination, port: None, .. } => write!(f, "ssh://{destination}"),
        }
    }
}

impl Endpoint {
    /// The engine that this environment means.
    pub fn find(environment: &BTreeMap<String, String>) -> Result<Self, EndpointError> {
        let set = |name: &str| environment.get(name).filter(|value| !value.is_empty());
        if let Some(address) = set("DOCKER_HOST") {
            let endpoint = Self::parse(address, "DOCKER_HOST")?;
            let tls = set("DOCKER_TLS_VERIFY").is_some() && matches!(endpoint, Self::Tcp { .. });
            return if tls {
                Err(EndpointError::Tls { origin: "DOCKER_TLS_VERIFY".into() })
            } else {
                Ok(endpoint)
            };
        }
        let home = set("HOME").map(|home| Path::new(home).join(".docker"));
        let Some(folder) = set("DOCKER_CONFIG").map(PathBuf::from).or(home) else {
            return Ok(Self::Unix(DEFAULT_SOCKET.into()));
        };
        let (name, origin) = match set("DOCKER_CONTEXT") {
            Some(name) => (Some(name.clone()), "DOCKER_CONTEXT".to_owned()),
            None => current_context(&folder.join("config.json"))?,
        };
        match name {
            Some(name) if name != "default" => in_context(&folder, name, origin),
            _ => Ok(Self::Unix(DEFAULT_SOCKET.into())),
        }
    }

    /// Reads an address; `origin` says where it was written.
    pub fn parse(address: &str, origin: &str) -> Result<Self, EndpointError> {
        let refused = || EndpointError::Address { origin: origin.into(), address: address.into() };
        let (scheme, rest) = address.split_once("://").ok_or_else(refused)?;
        match scheme {
            "unix" if rest.starts_with('/') => Ok(Self::Unix(rest.into())),
            "tcp" | "http" => {
                let (host, port) = host_and_port(rest.trim_end_matches('/')).ok_or_else(refused)?;
                Ok(Self::Tcp { host: host.into(), port: port.unwrap_or(TCP_PORT) })
            }
            "https" => Err(EndpointError::Tls { origin: origin.into() }),
            "ssh" => {
                let (place, socket) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
                let (user, host) =
                    place.rsplit_once('@').map_or((None, place), |(user, host)| (Some(user), host));
                let (host, port) = host_and_port(host).ok_or_else(refused)?;
                // A leading dash would be an option of ssh.
                if host.starts_with('-') || user.is_some_and(|user| user.is_empty() || user.starts_with('-'))
                {
                    return Err(refused());
                }
                let destination = user.map_or_else(|| host.to_owned(), |user| format!("{user}@{host}"));
                let socket = if socket.len() > 1 { socket } else { DEFAULT_SOCKET };
                Ok(Self::Ssh { destination, port, socket: socket.into() })
            }
            _ => Err(refused()),
        }
    }

    /// Whether the containers of this engine share this machine's power meters. A socket of this machine may still
    /// lead elsewhere, which cannot be seen from here.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Tcp { host, .. } => matches!(host.as_str(), "localhost" | "127.0.0.1" | "::1"),
            Self::Ssh { .. } => false,
        }
    }
}

fn host_and_port(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(six) => {
            let (host, rest) = six.split_once(']')?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let port = port.map(str::parse).transpose().ok()?;
    (!host.is_empty() && !host.contains('/')).then_some((host, port))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConfigFile {
    current_context: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContextFile {
    name: String,
    #[serde(default)]
    endpoints: BTreeMap<String, ContextEndpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContextEndpoint {
    host: Option<String>,
}

fn read<T: serde::de::DeserializeOwned>(file: &Path) -> Result<Option<T>, EndpointError> {
    let failed = |reason: String| EndpointError::File { file: file.to_owned(), reason };
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error.to_string())),
    };
    serde_json::from_str(&text).map(Some).map_err(|error| failed(error.to_string()))
}

fn current_context(file: &Path) -> Result<(Option<String>, String), EndpointError> {
    let name = read::<ConfigFile>(file)?.and_then(|config| config.current_context);
    Ok((name.filter(|name| !name.is_empty()), file.display().to_string()))
}

/// Contexts lie in folders named by a digest, so they are found by the name inside.
fn in_context(folder: &Path, name: String, origin: String) -> Result<Endpoint, EndpointError> {
    let mut existing = Vec::new();
    let listed = std::fs::read_dir(folder.join("contexts/meta")).into_iter().flatten().flatten();
    for entry in listed {
        let Some(context) = read::<ContextFile>(&entry.path().join("meta.json"))? else { continue };
        if context.name != name {
            existing.push(context.name);
            continue;
        }
        let origin = format!("the docker context `{name}`");
        let host = context.endpoints.get("docker").and_then(|endpoint| endpoint.host.clone());
        let endpoint = match host.filter(|host| !host.is_empty()) {
            Some(host) => Endpoint::parse(&host, &origin)?,
            None => Endpoint::Unix(DEFAULT_SOCKET.into()),
        };
        let keys = folder.join("contexts/tls").join(entry.file_name()).join("docker");
        let tls = matches!(endpoint, Endpoint::Tcp { .. }) && keys.exists();
        return if tls { Err(EndpointError::Tls { origin }) } else { Ok(endpoint) };
    }
    existing.sort();
    Err(EndpointError::NoContext { origin, name, existing })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn parse(address: &str) -> Result<Endpoint, EndpointError> {
        Endpoint::parse(address, "DOCKER_HOST")
    }

    /// A folder of docker's configuration with one context, `lab`, that is the current one.
    fn configured(host: &str, current: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let context = folder.path().join("contexts/meta/abc");
        std::fs::create_dir_all(&context).expect("made");
        let meta = format!(
            r#"{{"Name":"lab","Metadata":{{}},"Endpoints":{{"docker":{{"Host":"{host}","SkipTLSVerify":false}}}}}}"#
        );
        std::fs::write(context.join("meta.json"), meta).expect("written");
        let config = format!(r#"{{"auths":{{}},"currentContext":"{current}"}}"#);
        std::fs::write(folder.path().join("config.json"), config).expect("written");
        folder
    }

    fn found(folder: &tempfile::TempDir, more: &[(&str, &str)]) -> Result<Endpoint, EndpointError> {
        let mut variables = environment(more);
        variables.insert("DOCKER_CONFIG".into(), folder.path().display().to_string());
        Endpoint::find(&variables)
    }

    #[test]
    fn addresses_of_every_kind_are_read() {
        let shown = |address: &str| parse(address).expect("an address").to_string();
        for address in [
            "unix:///run/user/1000/docker.sock",
            "tcp://gpu1:2375",
            "tcp://[::1]:2376",
            "ssh://ana@gpu1:2222",
            "ssh://gpu1",
        ] {
            assert_eq!(shown(address), address);
        }
        assert_eq!(shown("tcp://gpu1"), "tcp://gpu1:2375");
        let ssh = parse("ssh://gpu1/run/user/1000/docker.sock").expect("an address");
        assert!(matches!(ssh, Endpoint::Ssh { socket, .. } if socket == "/run/user/1000/docker.sock"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for address in
            ["", "gpu1", "unix://relative", "tcp://", "tcp://a:b", "ftp://a", "ssh://@a", "ssh://-oX=y"]
        {
            assert!(matches!(parse(address), Err(EndpointError::Address { .. })), "{address}");
        }
    }

    #[test]
    fn nothing_set_means_the_default_socket() {
        assert_eq!(Endpoint::find(&environment(&[])), Ok(Endpoint::Unix(DEFAULT_SOCKET.into())));
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(found(&folder, &[]), Ok(Endpoint::Unix(DEFAULT_SOCKET.into())));
    }

    #[test]
    fn the_current_context_is_used_unless_the_environment_says_otherwise() {
        let folder = configured("ssh://ana@gpu1", "lab");
        assert_eq!(found(&folder, &[]).expect("found").to_string(), "ssh://ana@gpu1");
        let host = found(&folder, &[("DOCKER_HOST", "tcp://other:1"), ("DOCKER_CONTEXT", "lab")]);
        assert_eq!(host.expect("found").to_string(), "tcp://other:1");
        let default = found(&folder, &[("DOCKER_CONTEXT", "default")]);
        assert_eq!(default, Ok(Endpoint::Unix(DEFAULT_SOCKET.into())));
    }

    #[test]
    fn a_context_that_does_not_exist_lists_those_that_do() {
        let folder = configured("unix:///x.sock", "default");
        let error = found(&folder, &[("DOCKER_CONTEXT", "lap")]).expect_err("refused");
        insta::assert_snapshot!(error);
    }

    #[test]
    fn tls_is_refused_with_a_way_out() {
        let error =
            Endpoint::find(&environment(&[("DOCKER_HOST", "tcp://gpu1:2376"), ("DOCKER_TLS_VERIFY", "1")]));
        insta::assert_snapshot!(error.expect_err("refused"));
        let folder = configured("tcp://gpu1:2376", "lab");
        std::fs::create_dir_all(folder.path().join("contexts/tls/abc/docker")).expect("made");
        assert!(matches!(found(&folder, &[]), Err(EndpointError::Tls { .. })));
    }

    #[test]
    fn a_broken_configuration_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("config.json"), "{").expect("written");
        let error = found(&folder, &[]).expect_err("refused").to_string();
        assert!(error.contains("config.json cannot be read"), "{error}");
    }
}
