//! Whole snapshots of this machine, and who is told from whom.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use lem_measure::{DeviceKind, PowerSource, Provenance};
use lem_power::{GpuProcess, ProcessKind};
use lem_spec::campaign::Overrides;

use super::processes::{HostProcess, Seen};
use super::*;
use crate::Options;

const CAMPAIGN: &str =
    "campaign_name: test\nrunner: RUNNER\ngrid: {backends: candle, models: synthetic/llama-15m}\n";
const COMPOSE: &str =
    "services: {candle: {image: 'lem-no-such-image:1', environment: {TOKEN: compose-secret}}}\n";

/// The files of a host beneath a folder.
pub(super) fn host_files(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (file, text) in files {
        let path = root.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

/// The surroundings of a campaign in a project whose folder tells whose it is.
async fn surroundings(folder: &Path, runner: &str, devices: &[DeviceInfo]) -> Surroundings {
    let project = folder.join("home-of-somebody");
    fs::create_dir_all(&project).unwrap();
    fs::write(project.join("docker-compose.yml"), COMPOSE).unwrap();
    fs::write(project.join(".env"), "KEY=dotenv-secret\n").unwrap();
    let engine = Engine::open(&project, Options::default()).unwrap();
    let text = CAMPAIGN.replace("RUNNER", runner);
    let prepared = engine.prepare_text("test.yaml", &project, text, &Overrides::default()).unwrap();
    let prepared = prepared.unwrap_or_else(|problems| panic!("{problems:?}"));
    engine.surroundings(&prepared.campaign, devices).await
}

fn gpu() -> DeviceInfo {
    DeviceInfo {
        id: "GPU-a".into(),
        name: "H100".into(),
        kind: DeviceKind::Gpu,
        source: PowerSource::Nvml,
        provenance: Provenance::Measured,
        index: Some(0),
        channels: Vec::new(),
        power_averaging_ms: None,
        facts: [("driver_version", "580.1"), ("power_reading", "field 186"), ("ecc", "enabled")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
    }
}

#[tokio::test]
async fn a_snapshot_can_be_published() {
    let folder = tempfile::tempdir().unwrap();
    for runner in ["process", "docker"] {
        let runner = if runner == "process" { "{candle: {kind: process, command: [x]}}" } else { runner };
        let text = surroundings(folder.path(), runner, &[gpu()]).await.snapshot().await.to_string();
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        // A word, since a host may be called `vm`, which is in `nvml` too.
        assert!(text.split(|c: char| !c.is_alphanumeric() && c != '-').all(|word| word != host), "{text}");
        let mut secrets: Vec<String> =
            ["compose-secret", "dotenv-secret", "home-of-somebody", "/home", "/root"]
                .map(str::to_owned)
                .into();
        secrets.push(folder.path().display().to_string());
        // What cargo sets for tests holds versions, which snapshots hold too.
        let own = std::env::vars().filter(|(name, value)| !name.starts_with("CARGO") && value.len() > 7);
        secrets.extend(own.map(|(_, value)| value));
        for secret in secrets {
            assert!(!text.contains(&secret), "{secret} is in {text}");
        }
    }
}

#[tokio::test]
async fn a_snapshot_of_an_unchanged_machine_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut surroundings = surroundings(folder.path(), "docker", &[]).await;
    let before = surroundings.snapshot().await;
    let keys: Vec<&String> = before.as_object().unwrap().keys().collect();
    let expected = [
        "app_version",
        "architecture",
        "containers",
        "cpu",
        "devices",
        "in_container",
        "kernel",
        "memory_bytes",
        "numa_nodes",
        "os",
        "swap_bytes",
        "virtual_machine",
        "workers",
    ];
    assert_eq!(keys, expected);
    let look = surroundings.look(&Owners::default()).await;
    assert_eq!(look.environment, before);
    assert_eq!(drift(&before, &look.environment), []);
    assert_eq!(look.tenants, Tenants::default(), "no GPU is shared with anybody");
    if before["containers"].is_null() {
        return;
    }
    // There is a container engine.
    assert_eq!(before["containers"]["services"]["candle"], Value::Null, "the image does not exist");
    fs::write(folder.path().join("home-of-somebody/docker-compose.yml"), "services: {}\n").unwrap();
    let look = surroundings.look(&Owners::default()).await;
    let drift = drift(&before, &look.environment);
    let what: Vec<&str> = drift.iter().map(|drift| drift.what.as_str()).collect();
    assert_eq!(what, ["containers.compose_files.docker-compose.yml"]);
}

#[tokio::test]
async fn docker_is_not_asked_by_campaigns_without_containers() {
    let folder = tempfile::tempdir().unwrap();
    let runner = "{candle: {kind: process, command: [x]}}";
    let snapshot = surroundings(folder.path(), runner, &[]).await.snapshot().await;
    assert_eq!(snapshot["containers"], Value::Null);
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "the cost is for whoever runs it")]
async fn a_look_without_gpus_takes_milliseconds() {
    let folder = tempfile::tempdir().unwrap();
    for (runner, at_most_ms) in [("{candle: {kind: process, command: [x]}}", 20), ("docker", 1000)] {
        let mut surroundings = surroundings(folder.path(), runner, &[]).await;
        let mut least = std::time::Duration::MAX;
        for _ in 0..20 {
            let from = std::time::Instant::now();
            surroundings.look(&Owners::default()).await;
            least = least.min(from.elapsed());
        }
        eprintln!("a look with `runner: {runner}`: {least:?}");
        assert!(least.as_millis() < at_most_ms, "{least:?}");
    }
}

#[tokio::test]
async fn looking_may_move_between_threads_as_commands_of_a_window_do() {
    fn is_send(_: &impl Send) {}
    let folder = tempfile::tempdir().unwrap();
    let finding = surroundings(folder.path(), "{candle: {kind: process, command: [x]}}", &[]);
    is_send(&finding);
    let mut surroundings = finding.await;
    is_send(&surroundings.snapshot());
    is_send(&surroundings.look(&Owners::default()));
}

#[test]
fn facts_of_now_replace_those_that_are_told() {
    let facts = [("driver_version".to_owned(), "590.1".to_owned())].into();
    let state = DeviceState { id: "GPU-a".into(), facts, ..DeviceState::default() };
    let now = refreshed(&[gpu()], &[state]);
    let found = drift(&json!({ "devices": [gpu()] }), &json!({ "devices": now }));
    let what: Vec<&str> = found.iter().map(|drift| drift.what.as_str()).collect();
    assert_eq!(what, ["devices.GPU-a.facts.driver_version"]);
    assert_eq!(now[0].facts["power_reading"], "field 186", "the meter's own facts stay");
}

/// A host on which 10 starts 11, which starts 12; 13 has lost its parent but is of the group of 10; 20 is a display
/// server, 30 runs in a container, 40 belongs to somebody else and 41 cannot be seen.
fn host(pid: u32) -> Seen {
    let process = |parent, group, name: &str, cgroup: &str| {
        Seen::Process(HostProcess { parent, group, session: group, name: name.into(), cgroup: cgroup.into() })
    };
    match pid {
        1 => process(0, 1, "init", "0::/"),
        10 => process(1, 10, "lem", "0::/user.slice"),
        11 => process(10, 11, "worker", "0::/user.slice"),
        12 => process(11, 12, "python", "0::/user.slice"),
        13 => process(1, 10, "left", "0::/user.slice"),
        20 => process(1, 20, "Xorg", "0::/system.slice"),
        30 => process(1, 30, "vllm", &format!("0::/system.slice/docker-{CONTAINER}.scope\n")),
        40 => process(1, 40, "train", "0::/user.slice"),
        41 => Seen::Hidden,
        _ => Seen::Gone,
    }
}

const CONTAINER: &str = "4f0c5e9a1b2c3d4e5f60718293a4b5c6d7e8f9010203040506070809aabbccdd";

fn on_gpu(processes: &[(u32, ProcessKind)]) -> DeviceState {
    let process = |(pid, kind): &(u32, ProcessKind)| GpuProcess {
        pid: *pid,
        kind: *kind,
        memory_bytes: Some(512 << 20),
        utilization_pct: Some(7),
    };
    let processes = Some(processes.iter().map(process).collect());
    DeviceState { id: "GPU-a".into(), processes, ..DeviceState::default() }
}

fn owners(pids: &[u32], containers: &[&str]) -> Owners {
    let containers = containers.iter().map(|id| (*id).to_owned()).collect();
    Owners { pids: pids.iter().copied().collect::<BTreeSet<_>>(), containers, served_by_others: false }
}

fn strangers(pids: &[u32], owners: &Owners) -> Vec<u32> {
    let state = on_gpu(&pids.iter().map(|pid| (*pid, ProcessKind::Compute)).collect::<Vec<_>>());
    Tenants::among(&[state], owners, true, &host).foreign.iter().map(|foreign| foreign.pid).collect()
}

#[test]
fn what_descends_from_a_worker_or_is_of_its_group_is_its_own() {
    assert_eq!(strangers(&[10, 11, 12, 13, 40], &owners(&[10], &[])), [40]);
    assert_eq!(strangers(&[12, 13], &owners(&[11], &[])), [13]);
}

#[test]
fn processes_of_this_host_are_told_apart() {
    use std::process::{Command, Stdio};
    let start = |program: &str, arguments: &[&str]| {
        Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
    };
    // `cat` ends with its input, which ends with this test.
    let mut worker = start("sh", &["-c", "cat; true"]);
    let mut stranger = start("cat", &[]);
    let states = [on_gpu(&[(worker.id(), ProcessKind::Compute), (stranger.id(), ProcessKind::Compute)])];
    let tenants = Tenants::among(&states, &owners(&[worker.id()], &[]), true, &super::processes::look_up);
    let found: Vec<_> =
        tenants.foreign.iter().map(|foreign| (foreign.pid, foreign.name.as_deref())).collect();
    let expected = [(stranger.id(), Some("cat"))];
    drop((worker.stdin.take(), stranger.stdin.take()));
    worker.wait().unwrap();
    stranger.wait().unwrap();
    assert_eq!(found, expected);
}

#[test]
fn what_runs_in_a_container_of_the_campaign_is_its_own() {
    assert_eq!(strangers(&[30, 40], &owners(&[], &[CONTAINER])), [40]);
    assert_eq!(strangers(&[30], &owners(&[], &["another-container"])), [30]);
    assert_eq!(strangers(&[30], &owners(&[], &[""])), [30], "no id names no control group");
}

#[test]
fn a_process_that_has_ended_is_nobody_and_a_hidden_one_is_foreign_unless_it_is_named() {
    assert_eq!(strangers(&[41, 99], &owners(&[], &[])), [41]);
    assert_eq!(strangers(&[41], &owners(&[41], &[])), Vec::<u32>::new());
}

#[test]
fn a_stranger_says_what_it_is() {
    let state =
        on_gpu(&[(20, ProcessKind::Graphics), (40, ProcessKind::Compute), (41, ProcessKind::Compute)]);
    let tenants = Tenants::among(&[state], &owners(&[], &[]), true, &host);
    assert_eq!(tenants.unknown, Vec::<String>::new());
    let said: Vec<String> = tenants.foreign.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "Xorg (process 20) draws the desktop on GPU-a, holds 512 MiB, uses up to 7 % of it",
            "train (process 40) computes on GPU-a, holds 512 MiB, uses up to 7 % of it",
            "a process of another user (process 41) computes on GPU-a, holds 512 MiB, uses up to 7 % of it",
        ]
    );
    assert!(tenants.foreign[0].display && !tenants.foreign[1].display);
}

#[test]
fn what_cannot_be_told_is_said_and_accuses_nobody() {
    let unknown = |state: &DeviceState, owners: &Owners, ids_match| {
        let tenants = Tenants::among(std::slice::from_ref(state), owners, ids_match, &host);
        assert_eq!(tenants.foreign, []);
        tenants.unknown.concat()
    };
    let used = on_gpu(&[(40, ProcessKind::Compute)]);
    let nobody = owners(&[], &[]);
    let others = Owners { served_by_others: true, ..Owners::default() };
    assert!(unknown(&used, &nobody, false).contains("from inside of this container"));
    assert!(unknown(&used, &others, true).contains("was not started here"));
    let absent: BTreeMap<String, String> = [("processes".to_owned(), "no permission".to_owned())].into();
    let silent = DeviceState { processes: None, absent, ..used.clone() };
    assert!(unknown(&silent, &nobody, true).contains("does not tell who uses it: no permission"));
    let gone = DeviceState { unreachable: Some("fell off the bus".into()), ..used };
    assert!(unknown(&gone, &nobody, true).contains("could not be looked at: fell off the bus"));
}
