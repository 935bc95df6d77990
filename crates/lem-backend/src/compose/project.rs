//! What a compose file says as a whole: its services, its name, and what beside it is not taken into account.

use std::collections::BTreeMap;
use std::path::Path;

use super::dotenv::Format;
use super::error::{ComposeError, Fault, Note, Place, Remark};
use super::field::Field;
use super::fill::fill;
use super::sources::{self, Source};
use super::yaml::{Node, Value};
use super::{FILE_NAMES, Project};

/// Top-level keys that are read where a service uses them, or that mean nothing.
const KNOWN: [&str; 7] = ["services", "volumes", "networks", "configs", "secrets", "name", "version"];

/// Variables by which users choose other files for Docker Compose; LEM takes a file by `--compose`.
const FILE_VARIABLES: [&str; 2] = ["COMPOSE_FILE", "COMPOSE_ENV_FILES"];

/// `environment` on top of the file `.env`, if it exists.
pub(super) fn with_dotenv(
    dotenv: &Path,
    environment: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, ComposeError> {
    let mut all = environment.clone();
    let assignments = sources::assignments(dotenv, Format::Dotenv, environment)?.unwrap_or_default();
    let mut own = BTreeMap::new();
    for assignment in assignments {
        if let Some(value) = assignment.value {
            own.insert(assignment.name, value);
        }
    }
    for (name, value) in own {
        all.entry(name).or_insert(value);
    }
    Ok(all)
}

/// The project that a compose file describes.
pub(super) fn read(
    source: &Source,
    environment: &BTreeMap<String, String>,
    remarks: &mut Vec<Remark>,
) -> Result<Project, Fault> {
    let root = Field::new(&source.root, "the file");
    if !root.is_mapping() {
        return Err(root.expected("a mapping with the key `services`"));
    }
    let services = source.root.get("services").ok_or_else(|| {
        root.fault("the key `services` is missing; the oldest form of compose files, without it, is not read")
    })?;
    let services = match services.value {
        Value::Null => Vec::new(),
        _ => {
            Field::new(services, "services").fields()?.into_iter().map(|(name, _)| name.to_owned()).collect()
        }
    };
    remarks.extend(top_level(&source.root));
    let name = name(source, environment, remarks)?;
    Ok(Project { file: source.file.clone(), folder: source.folder.clone(), name, services })
}

fn top_level(root: &Node) -> Vec<Remark> {
    let unread = |key: &str| !KNOWN.contains(&key) && !key.starts_with("x-");
    root.entries()
        .iter()
        .filter(|entry| unread(&entry.key))
        .map(|entry| {
            let message = if entry.key == "include" {
                "LEM does not read included files; name services that are needed in this file, with `extends`"
            } else {
                "this key is not known, and has no effect"
            };
            Remark { at: entry.at, field: entry.key.clone(), message: message.to_owned() }
        })
        .collect()
}

/// `COMPOSE_PROJECT_NAME`, else the file's `name`, else the folder's name; made of small letters, digits, `-` and `_`.
fn name(
    source: &Source,
    environment: &BTreeMap<String, String>,
    remarks: &mut Vec<Remark>,
) -> Result<String, Fault> {
    let chosen = environment.get("COMPOSE_PROJECT_NAME").filter(|name| !name.is_empty()).cloned();
    let written = match source.root.get("name") {
        Some(node) if chosen.is_none() && node.value != Value::Null => {
            Some(Field::new(&fill(node, "name", environment, remarks)?, "name").text()?)
        }
        _ => None,
    };
    let folder =
        || source.folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = normal(&chosen.or(written).unwrap_or_else(folder));
    Ok(if name.is_empty() { "default".to_owned() } else { name })
}

fn normal(name: &str) -> String {
    let kept = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    let name: String = name.to_lowercase().chars().filter(kept).collect();
    name.trim_start_matches(['-', '_']).to_owned()
}

/// Files beside the compose file, and variables, that Docker Compose would take into account and LEM does not.
pub(super) fn surroundings(file: &Path, environment: &BTreeMap<String, String>) -> Vec<Note> {
    let note =
        |field: &str, message: String| Note { place: Place::whole(file), field: field.to_owned(), message };
    let mut notes = Vec::new();
    let own = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if FILE_NAMES.contains(&own) {
        let others = FILE_NAMES.iter().filter(|name| **name != own && file.with_file_name(name).is_file());
        notes.extend(others.map(|other| {
            note(other, "this file is also there, and is not read; remove one of them".to_owned())
        }));
        let overrides = FILE_NAMES.iter().map(|name| name.replace('.', ".override."));
        notes.extend(overrides.filter(|name| file.with_file_name(name).is_file()).map(|name| {
            let message = "LEM does not apply override files; write what it changes into the compose file";
            note(&name, message.to_owned())
        }));
    }
    let set =
        FILE_VARIABLES.iter().filter(|name| environment.get(**name).is_some_and(|value| !value.is_empty()));
    notes.extend(set.map(|name| {
        note(name, "LEM does not take files from this variable; name the file with `--compose`".to_owned())
    }));
    notes
}
