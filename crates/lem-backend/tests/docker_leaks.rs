//! A long campaign in containers. Alone in its process, so that what it holds can be counted.

use lem_backend::Backend;

use crate::rig::{Rig, TOOLS, read, rig, shell};

#[path = "docker/rig.rs"]
#[expect(dead_code, reason = "the other tests of containers use more of it")]
mod rig;

const RUNS: usize = 100;

/// Memory that allocators keep varies by less than this, in KiB.
const MEMORY_SLACK_KIB: u64 = 16 * 1024;

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("there is /proc").count()
}

/// Resident memory in KiB (proc(5), `VmRSS`).
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("there is /proc");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a process has memory");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}

async fn volumes() -> Vec<String> {
    let docker = bollard::Docker::connect_with_defaults().expect("connects");
    let listed = docker.list_volumes(None::<bollard::query_parameters::ListVolumesOptions>).await;
    let volumes = listed.expect("the engine answers").volumes.unwrap_or_default();
    volumes.into_iter().map(|volume| volume.name).collect()
}

async fn run_all(rig: &Rig, backend: &dyn Backend, runs: usize) {
    for _ in 0..runs {
        let mut session = backend.start(&shell("cat >/dev/null; echo done")).await.expect("starts");
        drop(session.stdin);
        assert_eq!(read(session.stdout).await, "done\n");
        session.control.wait().await.expect("waits");
        session.control.stop(std::time::Duration::from_secs(10)).await.expect("stops");
    }
    assert!(rig.left().await.len() <= 1);
}

#[tokio::test]
async fn a_hundred_runs_in_a_row_leak_nothing() {
    let Some(rig) = rig().await else { return };
    // With an anonymous volume, which has to go with its container.
    let keys = format!("image: {TOOLS}\nvolumes: [/scratch]");
    let (ephemeral, persistent) = (rig.ephemeral(&keys), rig.persistent(&keys));
    run_all(&rig, &persistent, 3).await;
    run_all(&rig, &ephemeral, 3).await;
    let before = (descriptors(), memory(), volumes().await);
    run_all(&rig, &ephemeral, RUNS).await;
    run_all(&rig, &persistent, RUNS).await;
    assert!(descriptors() <= before.0 + 2, "{} descriptors, {} before", descriptors(), before.0);
    assert!(memory() <= before.1 + MEMORY_SLACK_KIB, "{} KiB, {} before", memory(), before.1);
    assert_eq!(volumes().await, before.2);
    persistent.tear_down().await;
    rig.assert_none_left().await;
}
