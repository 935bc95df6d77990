//! A simulated driver, loaded through the real loader. Each test runs its binary again, for itself alone, with the
//! environment that configures the library. The configuration is a file, which is read whenever the library is opened by
//! its first user: a test changes a driver or a limit by writing it again.

use std::path::PathBuf;
use std::process::Command;

use lem_power::nvml::{self, NvmlMeter};
use lem_power::{Meter, Paths, Watch};
use serde_json::Value;

const CONFIGURATION: &str = "LEM_FAKE_NVML";

/// The library, which cargo has put beside this test because it is a dev-dependency.
pub(crate) fn library() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let library = test.with_file_name("libnvidia_ml.so");
    assert!(library.exists(), "{} is missing: run `cargo build -p lem-fake-nvml` first", library.display());
    library
}

/// The simulated driver of one test.
pub(crate) struct Driver(PathBuf);

impl Driver {
    /// What the library is when it is opened next.
    pub(crate) fn becomes(&self, configuration: &Value) {
        std::fs::write(&self.0, configuration.to_string()).expect("written");
    }
}

pub(crate) fn open() -> NvmlMeter {
    nvml::open(Some(&library())).expect("the simulated library")
}

/// A watch on all devices, none of which is open.
pub(crate) fn watch() -> Watch {
    Watch::new(&paths(), open().devices())
}

pub(crate) fn paths() -> Paths {
    Paths { nvml_library: Some(library()), ..Paths::default() }
}

/// Runs `body` in a process whose simulated library begins with this configuration. `name` is that of the calling test.
pub(crate) fn with_driver(name: &str, configuration: &Value, body: impl FnOnce(&Driver)) {
    if let Some(file) = std::env::var_os(CONFIGURATION) {
        return body(&Driver(file.into()));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("gpus.json");
    Driver(file.clone()).becomes(configuration);
    let mut command = Command::new(std::env::current_exe().expect("the path of this test"));
    let output = command.args([name, "--exact", "--nocapture"]).env(CONFIGURATION, &file).output();
    let output = output.expect("this test as a process of its own");
    let said =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
