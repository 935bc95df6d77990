//! A screen of its own for one test: Xvfb, a window manager, a session bus, and a home that is thrown away.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use super::bus::SessionBus;
use crate::{beside_the_tests, repository};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

/// Two cores draw one window at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// What the tests cannot do without; each is looked for on the path.
const PROGRAMS: [&str; 7] =
    ["Xvfb", "openbox", "dbus-daemon", "xdotool", "maim", "WebKitWebDriver", "tauri-driver"];

/// A screen, and what a program sees of the machine on it.
pub struct Stage {
    environment: Vec<(String, String)>,
    home: TempDir,
    // In the order in which they must go.
    _manager: Process,
    _bus: SessionBus,
    _screen: Process,
    _lease: MutexGuard<'static, ()>,
}

/// A process with all of its children; dropped, they end.
pub(super) struct Process(Child);

impl Process {
    /// Starts it in a process group of its own.
    pub(super) fn start(command: &mut Command) -> Self {
        let started = command.process_group(0).spawn();
        Self(started.unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    /// The same, with its standard output to read.
    pub(super) fn start_piped(command: &mut Command) -> (Self, ChildStdout) {
        let mut process = Self::start(command.stdout(Stdio::piped()).stderr(Stdio::null()));
        let output = process.0.stdout.take().expect("it was piped");
        (process, output)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let group = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(group) = group {
            // Those that have ended need no signal.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.0.wait();
    }
}

impl Stage {
    /// A screen of 1400 x 900. `None`, which skips the test, where the programs for it are missing.
    pub async fn new() -> Option<Self> {
        if !is_ready() {
            return None;
        }
        let lease = ONE_AT_A_TIME.lock().await;
        let home = tempfile::Builder::new().prefix("lem-desktop-").tempdir().expect("a temporary folder");
        let (screen, display) = screen();
        let bus = SessionBus::start(home.path());
        let folder = |name: &str| home.path().join(name).display().to_string();
        // Dialogs of the page then appear at once, as for whoever has asked the desktop for less motion.
        let gtk = home.path().join("config/gtk-3.0");
        std::fs::create_dir_all(&gtk).expect("a temporary folder can be written to");
        std::fs::write(gtk.join("settings.ini"), "[Settings]\ngtk-enable-animations=0\n")
            .expect("a temporary folder can be written to");
        let environment = vec![
            ("DISPLAY".into(), display.clone()),
            ("DBUS_SESSION_BUS_ADDRESS".into(), bus.address().to_owned()),
            ("HOME".into(), folder("")),
            ("XDG_CONFIG_HOME".into(), folder("config")),
            ("XDG_DATA_HOME".into(), folder("data")),
            ("XDG_CACHE_HOME".into(), folder("cache")),
            ("XDG_RUNTIME_DIR".into(), folder("run")),
            ("LEM_LOCK_DIR".into(), folder("locks")),
            ("WEBKIT_DISABLE_DMABUF_RENDERER".into(), "1".into()),
            ("LANG".into(), "C.UTF-8".into()),
        ];
        let mut manager = Command::new("openbox");
        manager.env("DISPLAY", &display).env("HOME", folder(""));
        manager.stdout(Stdio::null()).stderr(Stdio::null());
        let manager = Process::start(&mut manager);
        Some(Self { environment, home, _manager: manager, _bus: bus, _screen: screen, _lease: lease })
    }

    /// The X display.
    pub(super) fn display(&self) -> &str {
        let display = self.environment.iter().find(|(name, _)| name == "DISPLAY");
        display.map_or("", |(_, display)| display)
    }

    /// With a variable in the environment of what is started from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(other, _)| other != name);
        self.environment.push((name.into(), value.into()));
    }

    /// A program on this screen, not yet started.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LEM_")) {
            command.env_remove(name);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// A new folder that ends with the stage.
    pub fn folder(&self, name: &str) -> PathBuf {
        let path = self.home.path().join(name);
        std::fs::create_dir_all(&path).expect("a temporary folder can be written to");
        path
    }

    /// What the app wrote to its log.
    pub fn log(&self) -> String {
        let folder = self.home.path().join("data/org.lem.desktop/logs");
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        files.filter_map(|file| std::fs::read_to_string(file.path()).ok()).collect()
    }

    /// What `lem` answers in this project, with the same environment.
    #[track_caller]
    pub fn lem(&self, project: &Path, arguments: &[&str]) -> Vec<u8> {
        let mut command = self.command(beside_the_tests("lem"));
        let output = command.arg("--project").arg(project).args(arguments).output().expect("lem starts");
        assert!(output.status.success(), "lem {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

/// Where pictures are kept for whoever changes a screen.
pub fn artifacts() -> PathBuf {
    let folder = repository().join("test-artifacts/desktop");
    std::fs::create_dir_all(&folder).expect("the repository can be written to");
    folder
}

fn screen() -> (Process, String) {
    let mut command = Command::new("Xvfb");
    command.args(["-displayfd", "1", "-screen", "0", "1400x900x24", "-nolisten", "tcp"]);
    let (screen, output) = Process::start_piped(&mut command);
    let mut number = String::new();
    BufReader::new(output).read_line(&mut number).expect("Xvfb says which display it is");
    (screen, format!(":{}", number.trim()))
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn is_ready() -> bool {
    static MISSING: OnceLock<Vec<&str>> = OnceLock::new();
    let on_path = |program: &&str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    };
    let missing = MISSING.get_or_init(|| PROGRAMS.into_iter().filter(|program| !on_path(program)).collect());
    if missing.is_empty() {
        return true;
    }
    let required = std::env::var("LEM_REQUIRE_DESKTOP").is_ok_and(|value| value == "1");
    assert!(!required, "LEM_REQUIRE_DESKTOP=1, but {} missing: run scripts/desktop.sh", missing.join(", "));
    eprintln!("SKIPPED, nothing was tested: {} missing; run scripts/desktop.sh", missing.join(", "));
    false
}
