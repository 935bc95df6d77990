//! The container engine, the images and the compose files of a campaign that runs something in containers.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use lem_backend::compose::Service;
use lem_backend::docker::{EngineSetup, find_image, setup};
use lem_spec::campaign::ResolvedCampaign;
use serde_json::{Map, Value, json};

use crate::{Engine, files, services};

/// What a campaign uses of an engine.
pub(super) struct UsedContainers {
    engine: lem_backend::docker::Engine,
    /// Asked for once: an engine that is set up differently has been started again, and with it the campaign's containers
    /// have ended.
    setup: EngineSetup,
    services: Vec<Service>,
    /// By the names that they are stored under.
    files: BTreeMap<String, PathBuf>,
}

impl UsedContainers {
    /// Nothing for a campaign without containers, or where the engine or the compose file cannot be reached: then the
    /// campaign does not begin either.
    pub(super) async fn find(engine: &Engine, campaign: &ResolvedCampaign) -> Option<Self> {
        let backends = services::in_containers(campaign);
        if backends.is_empty() {
            return None;
        }
        let compose = engine.compose().ok().flatten()?;
        let docker = services::connect().await.ok()?;
        let files = backends.iter().flat_map(|backend| compose.files(backend).unwrap_or_default());
        Some(Self {
            setup: setup(&docker).await,
            engine: docker,
            files: named(files, &engine.project),
            services: backends.iter().filter_map(|backend| compose.service(backend).ok()).collect(),
        })
    }

    /// The engine as it was found, images and files as they are now. One request for each service.
    pub(super) async fn snapshot(&self) -> Value {
        let mut images = Map::new();
        for service in &self.services {
            let image = find_image(&self.engine, service).await.ok().flatten();
            let image = image.map(
                |image| json!({ "reference": image.reference, "id": image.id, "digests": image.digests }),
            );
            images.insert(service.name.clone(), json!(image));
        }
        let hashes: BTreeMap<&String, Option<String>> =
            self.files.iter().map(|(name, file)| (name, sha256(file))).collect();
        json!({ "engine": self.setup, "services": images, "compose_files": hashes })
    }
}

/// Names for files that tell nothing of where the project is: beneath it by their paths in it, elsewhere by their own
/// names, with a number from the second of a name on.
fn named(files: impl Iterator<Item = PathBuf>, project: &Path) -> BTreeMap<String, PathBuf> {
    let absolute = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let project = absolute(project);
    let mut found: BTreeMap<String, PathBuf> = BTreeMap::new();
    for file in files.map(|file| absolute(&file)) {
        if found.values().any(|known| *known == file) {
            continue;
        }
        let inside = file.strip_prefix(&project).ok().or_else(|| file.file_name().map(Path::new));
        let name = inside.map_or_else(String::new, |path| path.to_string_lossy().into_owned());
        let numbered = (2..).map(|number| format!("{name} ({number})"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| !found.contains_key(name));
        found.insert(free.unwrap_or(name), file);
    }
    found
}

/// The SHA-256 of a file in hexadecimal.
fn sha256(file: &Path) -> Option<String> {
    fs::read(file).ok().map(|bytes| files::sha256(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_without_the_place_of_the_project() {
        let home = tempfile::tempdir().unwrap();
        let project = home.path().join("project");
        for file in ["project/docker-compose.yml", "project/parts/base.yml", "a/base.yml", "b/base.yml"] {
            let path = home.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let files =
            ["docker-compose.yml", "parts/base.yml", "docker-compose.yml", "../a/base.yml", "../b/base.yml"];
        let named = named(files.iter().map(|file| project.join(file)), &project);
        let stored: Vec<&String> = named.keys().collect();
        assert_eq!(stored, ["base.yml", "base.yml (2)", "docker-compose.yml", "parts/base.yml"]);
    }

    #[test]
    fn a_hash_is_that_of_the_bytes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(file.path()).as_deref(), Some(empty));
        assert_eq!(sha256(Path::new("/nowhere")), None);
    }
}
