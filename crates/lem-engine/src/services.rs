//! Compose services: which backends run in them, directly by name and never by a fallback.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lem_backend::compose::{self, Compose, Service};
use lem_backend::docker::{Endpoint, find_image};
use lem_spec::campaign::{EMBEDDED_BACKEND, PYTHON_BACKENDS, ResolvedCampaign};
use lem_spec::diagnostic::Diagnostic;
use serde::Serialize;
use specta::Type;

use crate::Engine;
use crate::error::{Error, ErrorCode};
use crate::hardware::{Check, CheckStatus};

/// The user's environment, for interpolation and for variables that are passed through. Never stored.
fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// How long the Docker engine may take to say who it is: a bench must not wait for a dead one.
const PATIENCE: Duration = Duration::from_secs(5);

/// The Docker engine and the services of the compose file.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct ServicesView {
    /// The engine.
    pub docker: DockerView,
    /// The compose file.
    pub compose_file: Option<String>,
    /// Why it cannot be used.
    pub compose_error: Option<String>,
    /// Its services, and the known backends that it lacks.
    pub services: Vec<ServiceView>,
}

/// The Docker engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
pub struct DockerView {
    /// Whether it answers.
    pub reachable: bool,
    /// Which one it is, or why it does not answer.
    pub message: String,
    /// What to do.
    pub remedy: Option<String>,
}

/// A compose service, or a known backend without one.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each shown by itself")]
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Type)]
pub struct ServiceView {
    /// Its name, which is that of its backend.
    pub name: String,
    /// Whether the compose file has it.
    pub present: bool,
    /// Its image.
    pub image: Option<String>,
    /// Whether the image is there; `None` where no engine can tell.
    pub built: Option<bool>,
    /// The day on which it was built.
    pub built_at: Option<String>,
    /// Whether it asks for GPUs.
    pub gpus: bool,
    /// Whether it can run a worker.
    pub runs_workers: bool,
    /// Whether a campaign can use it now.
    pub usable: bool,
    /// Why not.
    pub reason: Option<String>,
    /// What to do.
    pub remedy: Option<String>,
    /// What of it is not followed.
    pub notes: Vec<String>,
}

impl Engine {
    /// The Docker engine and the services. Nothing here fails: containers are one way to run workers.
    pub async fn services(&self) -> ServicesView {
        let compose = self.compose();
        let engine = match tokio::time::timeout(PATIENCE, connect()).await {
            Ok(engine) => engine,
            Err(_) => Err(Error::new(ErrorCode::Machine, "the Docker engine does not answer")),
        };
        let docker = docker_view(&engine);
        let mut services = Vec::new();
        if let Ok(Some(compose)) = &compose {
            for name in compose.service_names() {
                services.push(service_view(engine.as_ref().ok(), compose, name).await);
            }
        }
        let known = std::iter::once(EMBEDDED_BACKEND).chain(PYTHON_BACKENDS);
        let lacking = known.filter(|name| services.iter().all(|service| service.name != *name));
        let lacking: Vec<ServiceView> = lacking.map(missing).collect();
        services.extend(lacking);
        ServicesView {
            docker,
            compose_file: self.compose_file().map(|file| file.display().to_string()),
            compose_error: compose.err().map(|error| error.message),
            services,
        }
    }

    /// The compose file of the project: the one that was named, else the first usual one in the project folder.
    pub(crate) fn compose_file(&self) -> Option<PathBuf> {
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

/// The backends of a campaign that run in containers, as workers or as servers.
pub(crate) fn in_containers(campaign: &ResolvedCampaign) -> Vec<&str> {
    let contained = campaign.runners.iter().filter(|(_, runner)| runner.value.needs_service());
    contained.map(|(backend, _)| backend.as_str()).collect()
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

fn docker_view(engine: &Result<lem_backend::docker::Engine, Error>) -> DockerView {
    match engine {
        Ok(engine) => {
            let version = engine.facts().version.as_deref().unwrap_or("of unknown version");
            let message = format!("Docker engine {version} at {}", engine.endpoint());
            DockerView { reachable: true, message, remedy: None }
        }
        Err(error) => {
            let remedy = error.hint.clone().unwrap_or_else(|| {
                "install and start Docker to run workers in containers; `runner: process` needs none".into()
            });
            DockerView { reachable: false, message: error.message.clone(), remedy: Some(remedy) }
        }
    }
}

async fn service_view(
    engine: Option<&lem_backend::docker::Engine>,
    compose: &Compose,
    name: &str,
) -> ServiceView {
    let named = ServiceView { name: name.to_owned(), present: true, ..ServiceView::default() };
    let service = match compose.service(name) {
        Ok(service) => service,
        Err(error) => return ServiceView { reason: Some(error.to_string()), ..named },
    };
    let view = ServiceView {
        image: service.images().first().map(ToString::to_string),
        gpus: service.wants_gpus(),
        runs_workers: runs_workers(&service),
        notes: service.notes.iter().map(ToString::to_string).collect(),
        ..named
    };
    let Some(engine) = engine else {
        return ServiceView { reason: Some("the Docker engine is not reachable".into()), ..view };
    };
    let view = match find_image(engine, &service).await {
        Ok(Some(image)) => ServiceView {
            built: Some(true),
            built_at: image.created.as_deref().and_then(|at| at.get(..10)).map(str::to_owned),
            image: Some(image.reference),
            ..view
        },
        Ok(None) => {
            let reason = Some("its image is not built".into());
            return ServiceView { built: Some(false), reason, remedy: Some(build_remedy(&service)), ..view };
        }
        Err(error) => return ServiceView { reason: Some(error.to_string()), ..view },
    };
    if view.runs_workers {
        return ServiceView { usable: true, ..view };
    }
    let remedy = "set its label `lem.worker.command` to the command line of its worker".into();
    ServiceView { reason: Some("it is not known to run a worker".into()), remedy: Some(remedy), ..view }
}

/// A known backend that has no service: shown, so that nobody wonders where it is.
fn missing(name: &str) -> ServiceView {
    ServiceView {
        name: name.to_owned(),
        runs_workers: true,
        reason: Some(format!("the compose file has no service `{name}`")),
        remedy: Some(format!("add a service `{name}` to the project's compose file")),
        ..ServiceView::default()
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
