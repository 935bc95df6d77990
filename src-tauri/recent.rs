//! The project folders that were open before: a small file in the app's configuration folder.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use specta::Type;

/// Folders that are remembered.
const KEPT: usize = 12;

/// A folder that was open before.
#[derive(Debug, Clone, Serialize, Type)]
pub(crate) struct RecentProject {
    path: String,
    name: String,
    exists: bool,
}

/// The remembered folders, the latest first.
#[derive(Debug)]
pub(crate) struct Recent {
    file: PathBuf,
    folders: Vec<PathBuf>,
}

#[derive(Default, Serialize, Deserialize)]
struct Document {
    projects: Vec<PathBuf>,
}

impl Recent {
    /// Reads the list; one that cannot be read is empty, and said in the log.
    pub(crate) fn read(folder: &Path) -> Self {
        let file = folder.join("recent.json");
        let document: Document = fs::read(&file).ok().map_or_else(Document::default, |bytes| {
            serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::warn!("{}: the recent projects cannot be read: {error}", file.display());
                Document::default()
            })
        });
        Self { file, folders: document.projects }
    }

    pub(crate) fn list(&self) -> Vec<RecentProject> {
        let view = |folder: &PathBuf| RecentProject {
            path: folder.display().to_string(),
            name: folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned(),
            exists: folder.is_dir(),
        };
        self.folders.iter().map(view).collect()
    }

    /// The folder that is listed under this path.
    pub(crate) fn find(&self, path: &str) -> Option<&Path> {
        self.folders.iter().find(|folder| folder.display().to_string() == path).map(PathBuf::as_path)
    }

    /// The one that was open last.
    pub(crate) fn last(&self) -> Option<&Path> {
        self.folders.first().map(PathBuf::as_path)
    }

    pub(crate) fn add(&mut self, folder: &Path) {
        self.folders.retain(|other| other != folder);
        self.folders.insert(0, folder.to_owned());
        self.folders.truncate(KEPT);
        self.write();
    }

    pub(crate) fn remove(&mut self, path: &str) {
        self.folders.retain(|folder| folder.display().to_string() != path);
        self.write();
    }

    /// A list that cannot be kept costs a click next time, so it is only logged.
    fn write(&self) {
        let written = || {
            let folder = self.file.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(folder)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            let document = Document { projects: self.folders.clone() };
            file.write_all(&serde_json::to_vec_pretty(&document)?)?;
            file.persist(&self.file).map(drop).map_err(|error| error.error)
        };
        if let Err(error) = written() {
            tracing::warn!("{}: the recent projects cannot be kept: {error}", self.file.display());
        }
    }
}
