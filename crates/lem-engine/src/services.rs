//! Compose services: which backends run in them, directly by name and never by a fallback.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lem_backend::compose::{self, Compose, Service};
use lem_backend::docker::{Endpoint, find_image};
use lem_spec::campaign::{EMBEDDED_BACKEND, ResolvedCampaign, Runner};
use lem_spec::diagnostic::Diagnostic;

use crate::Engine;
use crate::error::{Error, ErrorCode};
use crate::hardware::{Check, CheckStatus};

/// Backends whose worker is the Python package inside the service.
pub(crate) const PYTHON_BACKENDS: [&str; 3] = ["pytorch", "vllm", "tensorrt"];

/// The user's environment, for interpolation and for variables that are passed through. Never stored.
fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

impl Engine {
    /// The compose file of the project: the one that was named, else the first usual one in the project folder.
    fn compose_file(&self) -> Option<PathBuf> {
        self.options.compose.clone().or_else(|| compose::find(&self.project))
    }

    /// The project's compose file, read; `None` where there is none.
    pub(crate) fn compose(&self) -> Result<Option<Compose>, Error> {
        let Some(file) = self.compose_file() else { return Ok(None) };
        let read = Compose::read(&file, &environment());
        read.map(Some).map_err(|e| Error::new(ErrorCode::BadInput, e.to_string()))
    }

    /// What keeps the backends of a campaign from their services.
    pub(crate) fn route(&self, campaign: &ResolvedCampaign) -> Vec<Diagnostic> {
        let backends = in_containers(campaign);
        if backends.is_empty() {
            return Vec::new();
        }
        match self.compose() {
            Ok(Some(compose)) => backends.into_iter().flat_map(|backend| routed(&compose, backend)).collect(),
            Ok(None) => vec![no_compose_file(&self.project, &backends)],
            Err(error) => vec![Diagnostic::error("compose", error.message).about("runner")],
        }
    }

    /// The service of a backend, resolved.
    pub(crate) fn service(compose: &Compose, backend: &str) -> Result<Service, Error> {
        compose.service(backend).map_err(|e| Error::new(ErrorCode::BadInput, e.to_string()))
    }

    /// The engine and each service, for `lem doctor`. Containers are one way to run workers, so nothing here fails.
    pub(crate) async fn service_checks(&self) -> Vec<Check> {
        let compose = match self.compose() {
            Ok(Some(compose)) => compose,
            Ok(None) => {
                return vec![Check::new(
                    "services",
                    CheckStatus::Note,
                    "there is no compose file; workers run as local processes",
                )];
            }
            Err(error) => return vec![Check::new("services", CheckStatus::Note, error.message)],
        };
        let engine = match connect().await {
            Ok(engine) => engine,
            Err(error) => return vec![Check::new("docker", CheckStatus::Note, error.message)],
        };
        let version = engine.facts().version.as_deref().unwrap_or("of unknown version");
        let found = format!("Docker engine {version} at {}", engine.endpoint());
        let mut checks = vec![Check::new("docker", CheckStatus::Ok, found)];
        for name in compose.service_names() {
            checks.push(service_check(&engine, &compose, name).await);
        }
        checks
    }
}

/// The Docker engine that the environment names.
pub(crate) async fn connect() -> Result<lem_backend::docker::Engine, Error> {
    let unreachable = |message: String| Error::new(ErrorCode::Machine, message);
    let endpoint = Endpoint::find(&environment()).map_err(|e| unreachable(e.to_string()))?;
    lem_backend::docker::Engine::connect(endpoint).await.map_err(|e| unreachable(e.to_string()))
}

/// The backends of a campaign that run in containers.
pub(crate) fn in_containers(campaign: &ResolvedCampaign) -> Vec<&str> {
    let docker =
        |(_, runner): &(&String, &lem_spec::source::Resolved<Runner>)| runner.value == Runner::Docker;
    campaign.runners.iter().filter(docker).map(|(backend, _)| backend.as_str()).collect()
}

/// The command line of a backend's worker inside its service, where the service names none of its own.
pub(crate) fn worker_command(backend: &str) -> Vec<String> {
    if PYTHON_BACKENDS.contains(&backend) {
        return ["python", "-m", "lem_worker", backend].map(str::to_owned).to_vec();
    }
    Vec::new()
}

fn routed(compose: &Compose, backend: &str) -> Vec<Diagnostic> {
    let about = format!("runner.{backend}");
    match compose.service(backend) {
        Ok(service) => {
            let note = |note: &compose::Note| {
                Diagnostic::note("compose", format!("service {backend}: {note}")).about(&about)
            };
            service.notes.iter().map(note).collect()
        }
        Err(error) => {
            let message = format!("backend `{backend}` has no service to run in: {error}");
            vec![Diagnostic::error("no_service", message).about(about)]
        }
    }
}

fn no_compose_file(project: &Path, backends: &[&str]) -> Diagnostic {
    let message = format!(
        "{} would run in compose services, but {} has no compose file",
        backends.join(", "),
        project.display()
    );
    Diagnostic::error("no_compose_file", message)
        .with_hint("add docker-compose.yml, name one with --compose, or use `runner: process`")
        .about("runner")
}

/// Whether a service is fit to run a worker: found, built, with GPUs or not.
async fn service_check(engine: &lem_backend::docker::Engine, compose: &Compose, name: &str) -> Check {
    let check = |status, message: String| Check::new(&format!("service {name}"), status, message);
    let service = match compose.service(name) {
        Ok(service) => service,
        Err(error) => return check(CheckStatus::Note, error.to_string()),
    };
    let gpus = if service.wants_gpus() { "asks for GPUs" } else { "no GPUs" };
    let worker = if runs_workers(&service) { "runs a worker" } else { "is not known to run a worker" };
    match find_image(engine, &service).await {
        Ok(Some(image)) => {
            let built = image.created.as_deref().and_then(|at| at.get(..10)).unwrap_or("at an unknown time");
            check(CheckStatus::Ok, format!("{} built {built}, {gpus}, {worker}", image.reference))
        }
        Ok(None) => {
            let image = service.images().join(" or ");
            check(CheckStatus::Note, format!("image {image} is not built, {gpus}, {worker}"))
                .with_remedy(build_remedy(&service))
        }
        Err(error) => check(CheckStatus::Note, error.to_string()),
    }
}

fn runs_workers(service: &Service) -> bool {
    let name = service.name.as_str();
    service.worker_command.is_some() || name == EMBEDDED_BACKEND || PYTHON_BACKENDS.contains(&name)
}

fn build_remedy(service: &Service) -> String {
    match &service.build {
        Some(_) => format!(
            "build it: docker compose build {} (or `make images` in the project's own repository)",
            service.name
        ),
        None => format!("pull it: docker compose pull {}", service.name),
    }
}
