//! The project folder: what a new one begins with, and what is in it.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use specta::Type;

use crate::Engine;
use crate::error::Error;

/// The campaign of the quick start.
const QUICKSTART: &str = "campaigns/quickstart.yaml";

/// A project folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
pub struct ProjectView {
    /// Its path.
    pub path: String,
    /// Its last part.
    pub name: String,
    /// Whether it has a `.lem-config.yaml`.
    pub has_settings: bool,
    /// Its compose file.
    pub compose_file: Option<String>,
    /// How many campaign files it has.
    pub campaign_files: u32,
    /// Whether anything was run in it.
    pub has_results: bool,
}

impl Engine {
    /// What is in the project folder.
    pub fn project(&self) -> Result<ProjectView, Error> {
        let name = self
            .project
            .file_name()
            .map_or_else(|| self.project.display().to_string(), |name| name.to_string_lossy().into_owned());
        Ok(ProjectView {
            path: self.project.display().to_string(),
            name,
            has_settings: self.settings()?.exists,
            compose_file: self.compose_file().map(|file| file.display().to_string()),
            campaign_files: u32::try_from(self.campaign_files()?.len()).unwrap_or(u32::MAX),
            has_results: self.database()?.exists(),
        })
    }

    /// The path of the project folder.
    pub fn project_folder(&self) -> &Path {
        &self.project
    }

    /// Writes what a project begins with, as far as it is missing: commented settings, a compose file, a first campaign.
    /// Nothing that exists is changed.
    pub fn fill_project(&self) -> Result<(), Error> {
        self.write_missing(lem_spec::settings::FILE_NAME, lem_spec::settings::template())?;
        if self.compose_file().is_none() {
            self.write_missing("docker-compose.yml", include_str!("starter/docker-compose.yml"))?;
        }
        self.quickstart().map(drop)
    }

    /// The campaign of the quick start, written if it is missing.
    pub fn quickstart(&self) -> Result<PathBuf, Error> {
        self.write_missing(QUICKSTART, include_str!("starter/quickstart.yaml"))?;
        Ok(self.project.join(QUICKSTART))
    }

    fn write_missing(&self, name: &str, text: &str) -> Result<(), Error> {
        let path = self.project.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|e| Error::file("created", folder, &e))?;
        }
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => file.write_all(text.as_bytes()).map_err(|e| Error::file("written", &path, &e)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(Error::file("written", &path, &error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;
    use lem_spec::campaign::Overrides;

    #[test]
    fn a_new_project_has_valid_settings_services_and_a_campaign_that_can_run() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let engine = Engine::open(folder.path(), Options::default()).expect("opens");
        engine.fill_project().expect("fills");
        assert_eq!(engine.settings().expect("reads").diagnostics, Vec::new());
        let compose = engine.compose().expect("reads").expect("is there");
        assert_eq!(compose.service_names(), ["candle"]);
        let plan =
            engine.plan(&engine.quickstart().expect("is there"), &Overrides::default()).expect("plans");
        assert!(plan.can_run(), "{:?}", plan.plan.problems);
        let view = engine.project().expect("views");
        assert!(view.has_settings && !view.has_results && view.campaign_files == 1, "{view:?}");
    }

    #[test]
    fn what_exists_is_left_as_it_is() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let settings = folder.path().join(".lem-config.yaml");
        fs::write(&settings, "# mine\n").expect("writes");
        fs::write(folder.path().join("compose.yaml"), "services: {}\n").expect("writes");
        let engine = Engine::open(folder.path(), Options::default()).expect("opens");
        engine.fill_project().expect("fills");
        assert_eq!(fs::read_to_string(&settings).expect("reads"), "# mine\n");
        assert!(!folder.path().join("docker-compose.yml").exists(), "there is a compose file already");
    }
}
