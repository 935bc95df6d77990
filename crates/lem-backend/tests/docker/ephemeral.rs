//! A container for each run.

use std::time::Duration;

use lem_backend::{Backend, Exit};
use tokio::io::AsyncWriteExt;

use crate::rig::{ONE_PROGRAM, TOOLS, command, read, rig, shell, until_ready};

const GRACE: Duration = Duration::from_secs(30);

fn tools() -> String {
    format!("image: {TOOLS}")
}

#[tokio::test]
async fn bytes_flow_both_ways_and_the_exit_code_comes_back() {
    let Some(rig) = rig().await else { return };
    let backend = rig.ephemeral(&tools());
    let mut session =
        backend.start(&shell("read line; echo got $line; cat; echo oops >&2; exit 3")).await.expect("starts");
    session.stdin.write_all(b"hello\nmore\n").await.expect("open");
    drop(session.stdin);
    assert_eq!(read(session.stdout).await, "got hello\nmore\n");
    assert_eq!(read(session.stderr).await, "oops\n");
    assert_eq!(session.control.wait().await.expect("waits"), Exit::Code(3));
    assert_eq!(session.control.stop(GRACE).await.expect("stops"), Exit::Code(3));
    assert!(rig.left().await.is_empty(), "a stop returns when the container is gone");
}

#[tokio::test]
async fn an_image_without_anything_but_its_worker_runs_it() {
    let Some(rig) = rig().await else { return };
    let backend = rig.ephemeral(&format!("image: {ONE_PROGRAM}"));
    let mut session = backend.start(&command(&[])).await.expect("starts");
    session.stdin.write_all(b"echoed\n").await.expect("open");
    drop(session.stdin);
    assert_eq!(read(session.stdout).await, "echoed\n");
    assert_eq!(session.control.wait().await.expect("waits"), Exit::Code(0));
    session.control.stop(GRACE).await.expect("stops");
    rig.assert_none_left().await;
}

#[tokio::test]
async fn the_command_is_the_labels_before_the_callers() {
    let Some(rig) = rig().await else { return };
    let keys = format!("{}\nlabels:\n  lem.worker.command: echo from the label", tools());
    let mut session = rig.ephemeral(&keys).start(&command(&["echo", "caller"])).await.expect("starts");
    assert_eq!(read(session.stdout).await, "from the label\n");
    session.control.stop(GRACE).await.expect("stops");
    rig.assert_none_left().await;
}

#[tokio::test]
async fn long_output_arrives_whole_on_both_streams() {
    let Some(rig) = rig().await else { return };
    let script = "head -c 3000000 /dev/zero; head -c 2000000 /dev/zero >&2";
    let mut session = rig.ephemeral(&tools()).start(&shell(script)).await.expect("starts");
    let (out, err) = tokio::join!(read(session.stdout), read(session.stderr));
    assert_eq!((out.len(), err.len()), (3_000_000, 2_000_000));
    session.control.stop(GRACE).await.expect("stops");
    rig.assert_none_left().await;
}

#[tokio::test]
async fn a_stop_asks_first() {
    let Some(rig) = rig().await else { return };
    let script = "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.05; done";
    let mut session = rig.ephemeral(&tools()).start(&shell(script)).await.expect("starts");
    until_ready(&mut session).await;
    assert_eq!(session.control.stop(GRACE).await.expect("stops"), Exit::Code(7));
    assert_eq!(read(session.stdout).await, "bye\n");
    rig.assert_none_left().await;
}

#[tokio::test]
async fn a_worker_that_knows_no_signals_ends_when_asked() {
    let Some(rig) = rig().await else { return };
    let mut session =
        rig.ephemeral(&tools()).start(&shell("echo ready; exec sleep 600")).await.expect("starts");
    until_ready(&mut session).await;
    let ended = session.control.stop(GRACE).await.expect("stops");
    assert_eq!(ended, Exit::Signal(15), "process 1 would have had to be killed");
    rig.assert_none_left().await;
}

#[tokio::test]
async fn a_stop_ends_what_does_not_listen() {
    let Some(rig) = rig().await else { return };
    let script = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
    let mut session = rig.ephemeral(&tools()).start(&shell(script)).await.expect("starts");
    until_ready(&mut session).await;
    let ended = session.control.stop(Duration::from_millis(100)).await.expect("stops");
    assert_eq!(ended, Exit::Signal(9));
    rig.assert_none_left().await;
}

#[tokio::test]
async fn running_out_of_memory_is_told_apart_from_being_killed() {
    let Some(rig) = rig().await else { return };
    let keys = format!("{}\nmem_limit: 16m\nmemswap_limit: 16m", tools());
    let mut session = rig.ephemeral(&keys).start(&shell("exec tail /dev/zero")).await.expect("starts");
    assert_eq!(session.control.wait().await.expect("waits"), Exit::OutOfMemory);
    session.control.stop(GRACE).await.expect("stops");
    let mut session = rig.ephemeral(&tools()).start(&shell("kill -9 $$")).await.expect("starts");
    assert_eq!(session.control.wait().await.expect("waits"), Exit::Signal(9));
    session.control.stop(GRACE).await.expect("stops");
    rig.assert_none_left().await;
}

#[tokio::test]
async fn a_read_only_volume_cannot_be_written() {
    let Some(rig) = rig().await else { return };
    std::fs::create_dir(rig.folder.path().join("data")).expect("made");
    let keys = format!("{}\nvolumes:\n  - ./data:/data:ro\n  - ./data:/open", tools());
    let script = "touch /open/a && cat /data/a && touch /data/b";
    let mut session = rig.ephemeral(&keys).start(&shell(script)).await.expect("starts");
    let said = read(session.stderr).await;
    assert!(said.contains("Read-only file system"), "{said}");
    assert_eq!(session.control.wait().await.expect("waits"), Exit::Code(1));
    session.control.stop(GRACE).await.expect("stops");
    assert!(rig.folder.path().join("data/a").exists());
    rig.assert_none_left().await;
}

#[tokio::test]
async fn the_environment_of_the_run_comes_over_the_services() {
    let Some(rig) = rig().await else { return };
    let keys = format!("{}\nworking_dir: /bin\nenvironment:\n  A: service\n  B: service", tools());
    let mut start = shell("echo $A $B; pwd");
    start.environment = vec![("B".into(), "run".into())];
    let mut session = rig.ephemeral(&keys).start(&start).await.expect("starts");
    assert_eq!(read(session.stdout).await, "service run\n/bin\n");
    session.control.stop(GRACE).await.expect("stops");
    rig.assert_none_left().await;
}

#[tokio::test]
async fn what_ran_is_on_record() {
    let Some(rig) = rig().await else { return };
    let mut session = rig.ephemeral(&tools()).start(&shell("echo ready; cat")).await.expect("starts");
    until_ready(&mut session).await;
    let facts = session.control.container().expect("it runs in one").clone();
    assert_eq!((facts.service.as_str(), facts.persistent), ("worker", false));
    assert_eq!(facts.image.reference, TOOLS);
    assert!(facts.image.id.starts_with("sha256:"), "{}", facts.image.id);
    assert!(facts.image.created.is_some() && facts.engine.version.is_some());
    let left = rig.left().await;
    assert_eq!(left.iter().map(|found| &found.id).collect::<Vec<_>>(), [&facts.id]);
    assert_eq!(left[0].run.as_deref(), Some("run-1"));
    if rig.engine.endpoint().is_local() {
        assert!(!session.control.pids().is_empty(), "its processes are seen from this host");
    }
    session.control.stop(GRACE).await.expect("stops");
    rig.assert_none_left().await;
}

#[tokio::test]
async fn a_session_that_is_dropped_leaves_nothing() {
    let Some(rig) = rig().await else { return };
    let mut session =
        rig.ephemeral(&tools()).start(&shell("echo ready; exec sleep 600")).await.expect("starts");
    until_ready(&mut session).await;
    drop(session);
    rig.assert_none_left().await;
}

#[tokio::test]
async fn a_start_that_is_given_up_half_way_leaves_nothing() {
    let Some(rig) = rig().await else { return };
    let backend = rig.ephemeral(&tools());
    let start = shell("exec sleep 600");
    for after_ms in [1, 20, 60, 120] {
        let started = tokio::time::timeout(Duration::from_millis(after_ms), backend.start(&start)).await;
        drop(started);
    }
    // What was still under way when its start was given up appears first, then goes.
    let mut tick = tokio::time::interval(Duration::from_millis(500));
    tick.tick().await;
    tick.tick().await;
    rig.assert_none_left().await;
}
