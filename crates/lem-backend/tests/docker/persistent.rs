//! A container for several runs.

use std::sync::Arc;
use std::time::Duration;

use lem_backend::docker::{Holder, Lifetime, Owner, Persistent};
use lem_backend::{Backend, Exit, Session};
use tokio::io::AsyncWriteExt;

use crate::rig::{ONE_PROGRAM, TOOLS, command, read, rig, shell, until_ready};

const GRACE: Duration = Duration::from_secs(30);

fn tools() -> String {
    format!("image: {TOOLS}")
}

fn container(session: &Session) -> String {
    session.control.container().expect("it runs in one").id.clone()
}

async fn says(backend: &Persistent, script: &str) -> (String, String) {
    let mut session = backend.start(&shell(script)).await.expect("starts");
    let id = container(&session);
    let said = read(session.stdout).await;
    session.control.stop(GRACE).await.expect("stops");
    (said, id)
}

#[tokio::test]
async fn runs_share_the_container_and_bytes_flow_both_ways() {
    let Some(rig) = rig().await else { return };
    let backend = rig.persistent(&tools());
    let (_, first) = says(&backend, "echo 1 > /tmp-file").await;
    let mut session = backend
        .start(&shell("cat /tmp-file; read line; echo got $line; echo oops >&2; exit 3"))
        .await
        .expect("starts");
    assert_eq!(container(&session), first);
    session.stdin.write_all(b"hello\n").await.expect("open");
    drop(session.stdin);
    assert_eq!(read(session.stdout).await, "1\ngot hello\n");
    assert_eq!(read(session.stderr).await, "oops\n");
    assert_eq!(session.control.wait().await.expect("waits"), Exit::Code(3));
    assert_eq!(session.control.stop(GRACE).await.expect("stops"), Exit::Code(3));
    drop(session.control);
    backend.tear_down().await;
    assert!(rig.left().await.is_empty(), "a tear-down returns when the container is gone");
}

#[tokio::test]
async fn a_worker_learns_that_its_input_has_ended() {
    let Some(rig) = rig().await else { return };
    let backend = rig.persistent(&tools());
    let mut session = backend.start(&command(&["cat"])).await.expect("starts");
    session.stdin.write_all(b"all\n").await.expect("open");
    drop(session.stdin);
    assert_eq!(read(session.stdout).await, "all\n");
    assert_eq!(session.control.wait().await.expect("waits"), Exit::Code(0));
    drop(session.control);
    backend.tear_down().await;
    rig.assert_none_left().await;
}

#[tokio::test]
async fn an_image_without_sleep_idles_as_its_worker() {
    let Some(rig) = rig().await else { return };
    let backend = rig.persistent(&format!("image: {ONE_PROGRAM}"));
    for text in ["first\n", "second\n"] {
        let mut session = backend.start(&command(&[])).await.expect("starts");
        session.stdin.write_all(text.as_bytes()).await.expect("open");
        drop(session.stdin);
        assert_eq!(read(session.stdout).await, text);
        assert_eq!(session.control.stop(GRACE).await.expect("stops"), Exit::Code(0));
    }
    backend.tear_down().await;
    rig.assert_none_left().await;
}

#[tokio::test]
async fn a_stop_asks_first_and_the_container_stays() {
    let Some(rig) = rig().await else { return };
    let backend = rig.persistent(&tools());
    let script = "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.05; done";
    let mut session = backend.start(&shell(script)).await.expect("starts");
    let id = container(&session);
    until_ready(&mut session).await;
    assert_eq!(session.control.stop(GRACE).await.expect("stops"), Exit::Code(7));
    assert_eq!(read(session.stdout).await, "bye\n");
    assert_eq!(says(&backend, "echo again").await, ("again\n".into(), id));
    drop(session.control);
    backend.tear_down().await;
    rig.assert_none_left().await;
}

#[tokio::test]
async fn a_stop_ends_what_does_not_listen_and_its_children() {
    let Some(rig) = rig().await else { return };
    let backend = rig.persistent(&tools());
    let script = "trap '' TERM; (trap '' TERM; sleep 600) & echo ready; sleep 600; sleep 600";
    let mut session = backend.start(&shell(script)).await.expect("starts");
    let id = container(&session);
    until_ready(&mut session).await;
    let ended = session.control.stop(Duration::from_millis(100)).await.expect("stops");
    assert_eq!(ended, Exit::Signal(9));
    assert_eq!(read(session.stdout).await, "", "the pipe closes only when the children are gone too");
    assert_eq!(session.control.pids(), Vec::<u32>::new());
    assert_eq!(says(&backend, "echo again").await, ("again\n".into(), id));
    drop(session.control);
    backend.tear_down().await;
    rig.assert_none_left().await;
}

#[tokio::test]
async fn a_session_that_is_dropped_leaves_no_process_in_the_container() {
    let Some(rig) = rig().await else { return };
    let backend = rig.persistent(&tools());
    let mut session = backend.start(&shell("echo ready; exec sleep 600")).await.expect("starts");
    let pids = session.control.pids();
    until_ready(&mut session).await;
    drop(session);
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    while pids.iter().any(|pid| std::fs::exists(format!("/proc/{pid}")).unwrap_or(false)) {
        tick.tick().await;
    }
    backend.tear_down().await;
    rig.assert_none_left().await;
}

#[tokio::test]
async fn running_out_of_memory_in_a_run_is_told_apart_from_being_killed() {
    let Some(rig) = rig().await else { return };
    let backend = rig.persistent(&format!("{}\nmem_limit: 16m\nmemswap_limit: 16m", tools()));
    for (script, exit) in [
        ("exec tail /dev/zero", Exit::OutOfMemory),
        ("kill -9 $$", Exit::Signal(9)),
        ("exit 0", Exit::Code(0)),
    ] {
        let mut session = backend.start(&shell(script)).await.expect("starts");
        assert_eq!(session.control.wait().await.expect("waits"), exit, "{script}");
        session.control.stop(GRACE).await.expect("stops");
    }
    backend.tear_down().await;
    rig.assert_none_left().await;
}

#[tokio::test]
async fn a_program_that_the_image_lacks_is_named_by_the_worker_s_errors() {
    let Some(rig) = rig().await else { return };
    let backend = rig.persistent(&tools());
    let mut session = backend.start(&command(&["no-such-worker"])).await.expect("the engine takes it");
    let said = read(session.stderr).await;
    assert!(said.contains("no-such-worker"), "{said}");
    assert!(!session.control.stop(GRACE).await.expect("stops").is_success());
    drop(session.control);
    backend.tear_down().await;
    rig.assert_none_left().await;
}

#[tokio::test]
async fn a_container_that_ended_between_runs_is_replaced() {
    let Some(rig) = rig().await else { return };
    let backend = rig.persistent(&tools());
    let (_, first) = says(&backend, "echo").await;
    let docker = bollard::Docker::connect_with_defaults().expect("connects");
    docker
        .kill_container(&first, None::<bollard::query_parameters::KillContainerOptions>)
        .await
        .expect("killed");
    let (said, second) = says(&backend, "echo again").await;
    assert_eq!(said, "again\n");
    assert_ne!(first, second);
    backend.tear_down().await;
    rig.assert_none_left().await;
}

#[tokio::test]
async fn the_first_run_waits_until_the_service_is_healthy() {
    let Some(rig) = rig().await else { return };
    let keys = format!(
        "{}\nhealthcheck:\n  test: echo >> /probes; test $$(cat /probes | wc -l) -ge 3\n  interval: 50ms",
        tools()
    );
    let backend = rig.persistent(&keys);
    backend.warm_up(&[]).await.expect("becomes healthy");
    let (said, _) = says(&backend, "cat /probes | wc -l").await;
    assert_eq!(said, "4\n", "looked at once more before the run, and not during it");
    backend.tear_down().await;
    rig.assert_none_left().await;
}

#[tokio::test]
async fn a_container_that_is_no_longer_healthy_is_replaced_so_often_and_no_more() {
    let Some(rig) = rig().await else { return };
    let keys = format!("{}\nhealthcheck:\n  test: test ! -e /broken\n  interval: 50ms", tools());
    let lifetime = Lifetime { max_restarts: 1, ..Lifetime::default() };
    let backend = rig.persistent_for(&keys, rig.owner(), lifetime);
    let (_, first) = says(&backend, "touch /broken").await;
    let (_, second) = says(&backend, "touch /broken").await;
    assert_ne!(first, second, "it was replaced");
    let error =
        backend.start(&command(&["sh", "-c", "true"])).await.err().expect("once is enough").to_string();
    assert!(error.contains("replaced 1 times") && error.contains("max_restarts"), "{error}");
    backend.tear_down().await;
    rig.assert_none_left().await;
}

#[tokio::test]
async fn a_service_that_never_becomes_healthy_is_said_and_removed() {
    let Some(rig) = rig().await else { return };
    let keys = format!(
        "{}\nhealthcheck:\n  test: [CMD, sh, -c, echo no model; exit 1]\n  interval: 10ms\n  timeout: 2s\n  retries: 1",
        tools()
    );
    let error = rig.persistent(&keys).warm_up(&[]).await.expect_err("never healthy").to_string();
    assert!(error.starts_with("service worker: not healthy after"), "{error}");
    assert!(error.contains("no model (exit code 1)"), "{error}");
    rig.assert_none_left().await;
}

#[tokio::test]
async fn a_kept_container_stays_until_the_next_campaign_with_its_service() {
    let Some(rig) = rig().await else { return };
    // A process that has ended: this one, had it started at another time.
    let this = Holder::this_process().expect("there is /proc").to_string();
    let dead = Holder::parse(&format!("{this}0")).expect("a holder");
    let owner = Owner { campaign: rig.campaign.clone(), run: None, holder: Some(dead) };
    let kept = Lifetime { kept: true, ..Lifetime::default() };
    let first = rig.persistent_for(&tools(), owner.clone(), kept);
    let (_, first_id) = says(&first, "echo").await;
    first.tear_down().await;
    drop(first);
    assert_eq!(rig.left().await.iter().map(|found| &found.id).collect::<Vec<_>>(), [&first_id]);
    let second = rig.persistent_for(&tools(), owner, kept);
    let (_, second_id) = says(&second, "echo").await;
    assert_eq!(rig.left().await.iter().map(|found| &found.id).collect::<Vec<_>>(), [&second_id]);
    let docker = bollard::Docker::connect_with_defaults().expect("connects");
    let force = bollard::query_parameters::RemoveContainerOptionsBuilder::default().force(true).build();
    docker.remove_container(&second_id, Some(force)).await.expect("removed");
    rig.assert_none_left().await;
}

#[tokio::test]
async fn the_container_goes_with_the_last_that_holds_it() {
    let Some(rig) = rig().await else { return };
    let backend = Arc::new(rig.persistent(&tools()));
    says(&backend, "echo").await;
    drop(backend);
    rig.assert_none_left().await;
}
