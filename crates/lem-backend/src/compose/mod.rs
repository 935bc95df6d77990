//! Compose files: what users write about their services, resolved into one [`Service`] at a time.
//!
//! The rules are those of the Compose Specification (<https://github.com/compose-spec/compose-spec>), with one difference:
//! only the chosen service and what it extends is interpolated and checked, so that a variable that another service
//! requires does not stand in the way. What LEM does not do is named: an error where leaving it out would change what
//! runs, else a [`Note`]. Deliberately absent: the engine, building images, and merging several compose files.

mod chain;
mod dotenv;
mod error;
mod extends;
mod field;
mod fill;
mod mount;
mod project;
mod resolve;
mod service;
mod sources;
mod variables;
mod words;
mod yaml;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use error::{ComposeError, Note, Place};
pub use mount::{Mount, MountKind, Volume};
pub use service::{
    Build, Condition, Dependency, Device, Environment, GpuRequest, GpuSelection, Healthcheck, Limits,
    NetworkUse, Port, Project, Service, Ulimit, WORKER_COMMAND_LABEL,
};

use field::Field;
use resolve::Context;
use sources::Sources;

/// File names of compose files, the preferred first.
pub const FILE_NAMES: [&str; 4] =
    ["docker-compose.yml", "docker-compose.yaml", "compose.yaml", "compose.yml"];

/// The compose file of a project; if there are several, [`Compose::problems`] says which one counts.
pub fn find(project_folder: &Path) -> Option<PathBuf> {
    FILE_NAMES.iter().map(|name| project_folder.join(name)).find(|file| file.is_file())
}

/// A compose file that has been read; its services are resolved when asked for.
#[derive(Debug, Clone)]
pub struct Compose {
    project: Project,
    sources: Sources,
    /// The user's environment, with the variables of `.env` beneath.
    environment: Variables,
    problems: Vec<Note>,
}

/// Variables and their values. Debug output shows names only: values may be secrets.
#[derive(Clone)]
struct Variables(BTreeMap<String, String>);

impl std::fmt::Debug for Variables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Compose {
    /// Reads a compose file, and `.env` beside it; a variable of `environment` wins over one of `.env`.
    pub fn read(file: &Path, environment: &BTreeMap<String, String>) -> Result<Self, ComposeError> {
        let mut sources = Sources::default();
        let index = sources.open(file, None)?;
        let environment = project::with_dotenv(&file.with_file_name(".env"), environment)?;
        let source = sources.get(index);
        let mut remarks = Vec::new();
        let project =
            project::read(source, &environment, &mut remarks).map_err(|fault| sources.error(fault))?;
        let mut problems: Vec<Note> = remarks.into_iter().map(|remark| sources.note(remark)).collect();
        problems.extend(project::surroundings(file, &environment));
        Ok(Self { project, sources, environment: Variables(environment), problems })
    }

    /// The file as a whole.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The services that the file defines, in its order.
    pub fn service_names(&self) -> &[String] {
        &self.project.services
    }

    /// What the user should know about the file as a whole; each service has notes of its own.
    pub fn problems(&self) -> &[Note] {
        &self.problems
    }

    /// One service, whatever its profiles are. Files that it extends and its env files are read now.
    pub fn service(&self, name: &str) -> Result<Service, ComposeError> {
        if !self.project.services.iter().any(|known| known == name) {
            return Err(self.no_service(name));
        }
        let environment = &self.environment.0;
        let mut sources = self.sources.clone();
        let mut remarks = Vec::new();
        let node = chain::read(&mut sources, environment, name, &mut remarks)?;
        let folders = sources.folders();
        let root = sources.get(0).clone();
        let context = Context { project: &self.project, environment, folders: &folders, root: &root.root };
        let field = Field::new(&node, format!("services.{name}"));
        let as_error = |fault| sources.error(fault);
        let mut assignments = Vec::new();
        for env_file in resolve::env_files(&field, &context).map_err(as_error)? {
            let read = sources::assignments(&env_file.path, env_file.format, environment);
            let read = read.map_err(|error| match error {
                // Who names the file is known here.
                ComposeError::Unreadable { file, problem, .. } => {
                    sources.unreadable(&file, env_file.at, env_file.field.clone(), &problem)
                }
                other => other,
            })?;
            match read {
                Some(read) => assignments.extend(read),
                None if env_file.required => {
                    let problem =
                        "it does not exist; create it, or write `required: false` beside its `path`";
                    return Err(sources.unreadable(&env_file.path, env_file.at, env_file.field, problem));
                }
                None => {}
            }
        }
        let mut service =
            resolve::service(&field, name, &context, assignments, &mut remarks).map_err(as_error)?;
        service.notes = remarks.into_iter().map(|remark| sources.note(remark)).collect();
        service.notes.dedup();
        Ok(service)
    }

    /// The compose files that a service is made of: this one, then those whose services it extends. Env files are not
    /// among them.
    pub fn files(&self, name: &str) -> Result<Vec<PathBuf>, ComposeError> {
        let mut sources = self.sources.clone();
        chain::read(&mut sources, &self.environment.0, name, &mut Vec::new())?;
        Ok(sources.files())
    }

    fn no_service(&self, wanted: &str) -> ComposeError {
        let known = self.project.services.clone();
        let allowed = (wanted.chars().count() / 3).clamp(1, 3);
        let distance = |name: &str| strsim::damerau_levenshtein(&wanted.to_lowercase(), &name.to_lowercase());
        let nearest = known
            .iter()
            .map(|name| (distance(name), name))
            .filter(|(distance, _)| *distance <= allowed)
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, name)| name.clone());
        ComposeError::NoService { file: self.project.file.clone(), wanted: wanted.to_owned(), known, nearest }
    }
}
