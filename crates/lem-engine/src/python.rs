//! Workers in Python as local processes: which Python, and where the package `lem_worker` is.

use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorCode};

/// The package, which shows that a folder is that of the workers.
const PACKAGE: &str = "lem_worker/__init__.py";

/// The variable that names the folder of the package `lem_worker`.
const FOLDER: &str = "LEM_WORKERS";

/// The program of `python`: itself, or the one of a virtual environment. A path is relative to the project.
pub(crate) fn program(python: &str, project: &Path) -> String {
    let path = project.join(python);
    if path.is_dir() {
        return path.join("bin/python").to_string_lossy().into_owned();
    }
    if python.contains('/') { path.to_string_lossy().into_owned() } else { python.to_owned() }
}

/// The folder that holds the package: the one that is named, else what is installed beside this program, else that of
/// the project.
pub(crate) fn workers_folder(project: &Path) -> Result<PathBuf, Error> {
    let has = |folder: &PathBuf| folder.join(PACKAGE).is_file();
    if let Some(named) = std::env::var_os(FOLDER).map(PathBuf::from) {
        let message = format!("{FOLDER} names {}, where no {PACKAGE} is", named.display());
        return Some(named).filter(has).ok_or_else(|| Error::new(ErrorCode::NotFound, message));
    }
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.to_owned()));
    let installed = beside.map(|folder| folder.join("../lib/lem-desktop/workers"));
    let found = installed.into_iter().chain([project.join("workers")]).find(has);
    found.and_then(|folder| folder.canonicalize().ok()).ok_or_else(|| {
        Error::new(ErrorCode::NotFound, "the workers in Python were not found")
            .with_hint(format!("name the folder that holds the package `lem_worker` with {FOLDER}"))
    })
}

/// The version that the package states, without running it.
pub(crate) fn version(folder: &Path) -> Option<String> {
    let text = std::fs::read_to_string(folder.join(PACKAGE)).ok()?;
    let stated = text.lines().find_map(|line| line.strip_prefix("__version__"))?;
    let (_, value) = stated.split_once('=')?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned())
}

/// `PYTHONPATH` with the package first.
pub(crate) fn search_path(folder: &Path) -> String {
    let before = std::env::var("PYTHONPATH").ok().filter(|path| !path.is_empty());
    let folder = folder.to_string_lossy();
    before.map_or_else(|| folder.to_string(), |before| format!("{folder}:{before}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_environment_is_named_by_its_folder() {
        let project = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(project.path().join("venv/bin")).unwrap();
        let inside = |path: &str| project.path().join(path).to_string_lossy().into_owned();
        assert_eq!(program("venv", project.path()), inside("venv/bin/python"));
        assert_eq!(program("./python", project.path()), inside("./python"));
        assert_eq!(program("python3.11", project.path()), "python3.11");
        assert_eq!(program("/usr/bin/python3", project.path()), "/usr/bin/python3");
    }

    #[test]
    fn the_version_is_read_from_the_package() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(version(folder.path()), None);
        std::fs::create_dir_all(folder.path().join("lem_worker")).unwrap();
        std::fs::write(folder.path().join(PACKAGE), "\"\"\"Text.\"\"\"\n\n__version__ = \"1.2.3\"\n")
            .unwrap();
        assert_eq!(version(folder.path()).as_deref(), Some("1.2.3"));
    }

    #[test]
    fn the_workers_of_the_project_are_found() {
        let project = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(project.path().join("workers/lem_worker")).unwrap();
        std::fs::write(project.path().join("workers").join(PACKAGE), "").unwrap();
        let found = workers_folder(project.path()).unwrap();
        assert_eq!(found, project.path().join("workers").canonicalize().unwrap());
    }
}
