//! The files that a compose file is made of: itself, `.env`, those that it extends, and env files. All reading of files
//! is here.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::dotenv::{self, Assignment, Format};
use super::error::{At, ComposeError, Fault, FaultKind, Note, Place, Remark};
use super::yaml::{self, Node};

/// The largest file that is read, in bytes.
const LARGEST_FILE: u64 = 16 << 20;

/// Longer problems lose their middle, in characters.
const LONGEST_MESSAGE: usize = 600;

/// Every file read so far; a [`At::source`] is a place in the list.
#[derive(Debug, Clone, Default)]
pub(super) struct Sources {
    list: Vec<Arc<Source>>,
}

#[derive(Debug)]
pub(super) struct Source {
    /// As messages name it.
    pub(super) file: PathBuf,
    /// Absolute; what is relative in the file starts here.
    pub(super) folder: PathBuf,
    pub(super) root: Node,
}

impl Sources {
    /// Reads a compose file, or finds it among those read; `asked` is who extends it, if it is extended.
    pub(super) fn open(&mut self, file: &Path, asked: Option<(At, &str)>) -> Result<usize, ComposeError> {
        if let Some(known) = self.list.iter().position(|source| source.file == file) {
            return Ok(known);
        }
        let (place, field) = match asked {
            Some((at, field)) => (self.place(at), field.to_owned()),
            None => (Place::whole(file), String::new()),
        };
        let unreadable = |problem: &io::Error| ComposeError::Unreadable {
            place: place.clone(),
            field: field.clone(),
            file: file.to_owned(),
            problem: reason(problem),
        };
        let text = text(file).map_err(|problem| unreadable(&problem))?;
        let folder = absolute_folder(file).map_err(|problem| unreadable(&problem))?;
        let index = self.list.len();
        let root = yaml::parse(&text, index).map_err(|fault| ComposeError::Syntax {
            place: Place { file: file.to_owned(), line: Some(fault.line) },
            problem: fault.problem,
        })?;
        self.list.push(Arc::new(Source { file: file.to_owned(), folder, root }));
        Ok(index)
    }

    pub(super) fn get(&self, index: usize) -> &Arc<Source> {
        &self.list[index]
    }

    /// The folders of all sources, in their order.
    pub(super) fn folders(&self) -> Vec<PathBuf> {
        self.list.iter().map(|source| source.folder.clone()).collect()
    }

    /// The files of all sources, in their order.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        self.list.iter().map(|source| source.file.clone()).collect()
    }

    pub(super) fn place(&self, at: At) -> Place {
        let file = self.list.get(at.source).map(|source| source.file.clone()).unwrap_or_default();
        Place { file, line: Some(at.line) }
    }

    /// The error that a field names a file that cannot be read.
    pub(super) fn unreadable(&self, file: &Path, at: At, field: String, problem: &str) -> ComposeError {
        let (place, file, problem) = (self.place(at), file.to_owned(), problem.to_owned());
        ComposeError::Unreadable { place, field, file, problem }
    }

    /// The note that a remark is, now that its file has a name.
    pub(super) fn note(&self, remark: Remark) -> Note {
        Note { place: self.place(remark.at), field: remark.field, message: remark.message }
    }

    /// The error that a fault is, now that its file has a name.
    pub(super) fn error(&self, fault: Fault) -> ComposeError {
        let Fault { at, field, kind, problem } = fault;
        let (field, problem) = (shortened(field), shortened(problem));
        let place = self.place(at);
        match kind {
            FaultKind::Value => ComposeError::Value { place, field, problem },
            FaultKind::Variable => ComposeError::Variable { place, field, problem },
            FaultKind::Unsupported => ComposeError::Unsupported { place, field, advice: problem },
        }
    }
}

/// Reads a file of `NAME=value` lines. `Ok(None)`: it does not exist.
pub(super) fn assignments(
    file: &Path,
    format: Format,
    environment: &BTreeMap<String, String>,
) -> Result<Option<Vec<Assignment>>, ComposeError> {
    let text = match text(file) {
        Ok(text) => text,
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(problem) => {
            let place = Place::whole(file);
            let (field, file) = (String::new(), file.to_owned());
            return Err(ComposeError::Unreadable { place, field, file, problem: reason(&problem) });
        }
    };
    dotenv::parse(&text, format, environment).map(Some).map_err(|fault| ComposeError::Syntax {
        place: Place { file: file.to_owned(), line: Some(fault.line) },
        problem: fault.problem,
    })
}

/// The file's text, up to a bound: an endless file, such as a device, must not fill the memory.
fn text(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(file)?.take(LARGEST_FILE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST_FILE {
        let problem = format!("it is larger than {} MiB; nobody writes such a file", LARGEST_FILE >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, problem));
    }
    Ok(text)
}

/// The text, or its beginning and its end with a mark between them: what it quotes may be of any length.
fn shortened(text: String) -> String {
    let count = text.chars().count();
    if count <= LONGEST_MESSAGE {
        return text;
    }
    let (first, last) = (LONGEST_MESSAGE * 2 / 3, LONGEST_MESSAGE / 3);
    let start: String = text.chars().take(first).collect();
    let end: String = text.chars().skip(count - last).collect();
    format!("{start} [...] {end}")
}

fn reason(problem: &io::Error) -> String {
    match problem.kind() {
        io::ErrorKind::NotFound => "it does not exist; correct the path, or create it".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied; let your user read it".to_owned(),
        io::ErrorKind::InvalidData => "it is not text in UTF-8".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder; name a file".to_owned(),
        _ => problem.to_string(),
    }
}

fn absolute_folder(file: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(file)?;
    Ok(clean(absolute.parent().unwrap_or(&absolute)))
}

/// The path without `.` and `..`, resolved by name only as Compose does: a link is not followed.
pub(super) fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endless_file_does_not_fill_the_memory() {
        let refused = Sources::default().open(Path::new("/dev/zero"), None).expect_err("it has no end");
        assert!(refused.to_string().contains("larger than 16 MiB"), "{refused}");
    }

    #[test]
    fn an_env_file_that_cannot_be_read_is_told_with_who_names_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("compose.yaml");
        fs::write(&file, "services:\n  a:\n    image: b\n    env_file: .\n").expect("written");
        let compose = super::super::Compose::read(&file, &BTreeMap::new()).expect("a compose file");
        let refused = compose.service("a").expect_err("a folder holds no variables").to_string();
        assert!(refused.contains("compose.yaml:4: ") && refused.contains("services.a.env_file"), "{refused}");
    }

    #[test]
    fn a_problem_with_a_long_value_stays_readable() {
        let problem = shortened(format!("`{}` is no port; write 1 to 65535", "é".repeat(20_000)));
        assert!(problem.starts_with("`é") && problem.ends_with("write 1 to 65535"), "{problem}");
        assert!(problem.chars().count() < LONGEST_MESSAGE + 20, "{problem}");
    }
}
