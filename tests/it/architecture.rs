//! Rules about what may depend on what, checked against what cargo builds. They keep the parts separable: each is
//! cheap to follow while it holds and dear to restore once it is broken.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lem_tests::{repository, text};
use serde_json::Value;

/// The desktop application: the only package that may know its window toolkit.
const SHELL: &str = "lem-desktop";

/// The programs; each sees the engine and nothing beneath it.
const PROGRAMS: [&str; 4] = ["lem-cli", "lem-worker-candle", "lem-fake-nvml", SHELL];

/// What cargo knows of the workspace: dependencies that are built into a package, without those of its tests.
struct Workspace {
    members: BTreeMap<String, Value>,
    direct: BTreeMap<String, BTreeSet<String>>,
}

impl Workspace {
    fn read() -> Self {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        let output = Command::new(cargo)
            .args([
                "metadata",
                "--offline",
                "--format-version",
                "1",
                "--filter-platform",
                "x86_64-unknown-linux-gnu",
            ])
            .current_dir(repository())
            .output()
            .expect("cargo is there where its tests run");
        assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
        let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
        let packages: BTreeMap<&str, &Value> =
            list(&metadata, "packages").iter().map(|p| (text(p, "id"), p)).collect();
        let name = |id: &Value| text(packages[id.as_str().expect("an id")], "name").to_owned();
        let members = list(&metadata, "workspace_members").iter();
        let members = members.map(|id| (name(id), packages[id.as_str().expect("an id")].clone())).collect();
        let mut direct: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for node in list(&metadata["resolve"], "nodes") {
            let built = list(node, "deps").iter().filter(|dep| {
                list(dep, "dep_kinds").iter().any(|kind| kind["kind"].is_null() || kind["kind"] == "build")
            });
            direct.entry(name(&node["id"])).or_default().extend(built.map(|dep| name(&dep["pkg"])));
        }
        Self { members, direct }
    }

    /// Everything that is built into a package.
    fn all(&self, package: &str) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        let mut ahead = vec![package];
        while let Some(next) = ahead.pop() {
            for dependency in self.direct.get(next).into_iter().flatten() {
                if found.insert(dependency.as_str()) {
                    ahead.push(dependency);
                }
            }
        }
        found
    }

    fn ours(&self, package: &str) -> BTreeSet<&str> {
        self.all(package).into_iter().filter(|name| self.members.contains_key(*name)).collect()
    }
}

#[track_caller]
fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().unwrap_or_else(|| panic!("{field} is no list"))
}

/// No package of these is built into `package`, however far away.
#[track_caller]
fn never(workspace: &Workspace, package: &str, forbidden: &[&str], because: &str) {
    let all = workspace.all(package);
    let broken: Vec<&&str> = forbidden.iter().filter(|name| all.contains(**name)).collect();
    assert!(broken.is_empty(), "{package} depends on {broken:?}, which it never may: {because}");
}

/// `package` does not name these itself.
#[track_caller]
fn never_directly(workspace: &Workspace, package: &str, forbidden: &[&str], because: &str) {
    let Some(direct) = workspace.direct.get(package) else { return };
    let broken: Vec<&&str> = forbidden.iter().filter(|name| direct.contains(**name)).collect();
    assert!(broken.is_empty(), "{package} names {broken:?} itself, which it never may: {because}");
}

/// No source file of a package has one of these words, tests aside.
#[track_caller]
fn sources_never_say(package: &str, words: &[&str], because: &str) {
    for path in sources(&repository().join("crates").join(package).join("src")) {
        let text = fs::read_to_string(&path).expect("sources are text");
        let built = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let found: Vec<&&str> = words.iter().filter(|word| built.contains(**word)).collect();
        assert!(found.is_empty(), "{} says {found:?}, which {package} never may: {because}", path.display());
    }
}

/// The source files of a folder and those beneath it, without the ones that hold tests alone.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).expect("the folder of a package's sources").flatten().map(|entry| entry.path());
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = entries
        .filter(|path| {
            path.file_stem().and_then(|stem| stem.to_str()).is_some_and(|stem| !stem.ends_with("tests"))
        })
        .partition(|path| path.is_dir());
    let files = files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    files.chain(folders.iter().flat_map(|folder| sources(folder))).collect()
}

#[test]
fn only_the_shell_knows_the_window() {
    let workspace = Workspace::read();
    for package in workspace.members.keys().filter(|name| *name != SHELL) {
        let because = "commands and servers run without a window, and tests without its libraries";
        never(&workspace, package, &["tauri", "tauri-specta", "tauri-build"], because);
    }
}

#[test]
fn the_vocabulary_is_pure() {
    let workspace = Workspace::read();
    for package in ["lem-spec", "lem-measure"] {
        assert!(
            workspace.ours(package).is_empty(),
            "{package} is trusted because it stands on nothing of ours"
        );
        let outside =
            ["tokio", "sqlx", "bollard", "nvml-wrapper", "nvml-wrapper-sys", "rustix", "chrono", "time"];
        never(&workspace, package, &outside, "it is trusted because it does no I/O and reads no clock");
        let words = [
            "std::fs",
            "std::process",
            "TcpStream",
            "UdpSocket",
            "Instant::now",
            "SystemTime",
            "std::thread",
        ];
        sources_never_say(package, &words, "it is trusted because it does no I/O and reads no clock");
    }
}

#[test]
fn the_protocol_sees_bytes_and_nothing_else() {
    let workspace = Workspace::read();
    assert!(
        workspace.ours("lem-protocol").is_empty(),
        "both ends of the pipe use the protocol: it stands alone"
    );
    never(
        &workspace,
        "lem-protocol",
        &["bollard", "sqlx", "nvml-wrapper"],
        "it sees bytes, not where they come from",
    );
    let words = ["tokio::process", "tokio::net", "std::process", "std::net", "std::fs"];
    sources_never_say("lem-protocol", &words, "it starts no process, opens no socket and reads no file");
}

#[test]
fn the_adapters_do_not_know_each_other() {
    let workspace = Workspace::read();
    never(
        &workspace,
        "lem-power",
        &["lem-backend", "lem-protocol", "lem-spec", "lem-store", "lem-campaign", "lem-engine"],
        "a meter does not know what it measures",
    );
    never(
        &workspace,
        "lem-backend",
        &["lem-power", "lem-store", "lem-campaign", "lem-protocol", "lem-engine"],
        "what is measured does not know that it is measured",
    );
    never(
        &workspace,
        "lem-load",
        &["lem-power", "lem-backend", "lem-spec", "lem-store", "lem-campaign", "lem-engine"],
        "whoever puts load on a server is a worker, and does not know that it is measured",
    );
    never(
        &workspace,
        "lem-store",
        &[
            "lem-power",
            "lem-backend",
            "lem-protocol",
            "lem-campaign",
            "lem-engine",
            "bollard",
            "nvml-wrapper",
        ],
        "opening results takes neither a container nor a GPU",
    );
}

#[test]
fn the_campaign_sees_traits_only() {
    let workspace = Workspace::read();
    never(
        &workspace,
        "lem-campaign",
        &["lem-store", "lem-engine"],
        "the logic of campaigns writes through a journal",
    );
    let because = "the logic of campaigns sees traits, so that it is tested without machines";
    never_directly(&workspace, "lem-campaign", &["bollard", "nvml-wrapper", "sqlx"], because);
}

#[test]
fn the_engine_is_the_boundary() {
    let workspace = Workspace::read();
    never(&workspace, "lem-engine", &["tauri", "clap"], "the engine has no face");
    never(&workspace, "lem-engine", &PROGRAMS, "programs stand on the engine, not under it");
    for program in PROGRAMS {
        let others: Vec<&str> = PROGRAMS.into_iter().filter(|other| *other != program).collect();
        never_directly(&workspace, program, &others, "programs do not build on each other");
        let beneath = ["lem-power", "lem-backend", "lem-load", "lem-store", "lem-campaign"];
        never_directly(
            &workspace,
            program,
            &beneath,
            "a program that goes past the engine grows an engine of its own",
        );
    }
}

#[test]
fn a_worker_does_not_link_the_meter() {
    let workspace = Workspace::read();
    let ours: Vec<&str> =
        workspace.ours("lem-worker-candle").into_iter().filter(|n| *n != "lem-protocol").collect();
    assert!(
        ours.is_empty(),
        "lem-worker-candle links {ours:?}: a worker that links the meter measures itself"
    );
}

#[test]
fn these_tests_know_none_of_our_types() {
    let workspace = Workspace::read();
    let ours = workspace.ours("lem-tests");
    assert!(ours.is_empty(), "whole campaigns are tested through the outside, but the tests link {ours:?}");
}
