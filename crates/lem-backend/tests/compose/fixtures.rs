//! The fixtures, and the environment of the user who has them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use lem_backend::compose::{self, Compose, Service};

/// Folder of all fixtures; each is a project folder of its own.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/compose")
}

/// Names of the fixtures, sorted.
pub(crate) fn names() -> Vec<String> {
    let entries = fs::read_dir(folder()).expect("the folder of fixtures is there");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// What the user has set.
pub(crate) fn environment() -> BTreeMap<String, String> {
    [("HOME", "/home/lem"), ("HF_TOKEN", "hf_secret_of_the_user"), ("PUID", "1234")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

/// Reads a fixture's compose file.
pub(crate) fn open(name: &str) -> Compose {
    let file = compose::find(&folder().join(name)).expect("every fixture has a compose file");
    Compose::read(&file, &environment()).expect("every fixture can be read")
}

/// One service of a fixture.
pub(crate) fn service(fixture: &str, name: &str) -> Service {
    open(fixture).service(name).expect("the service resolves")
}
