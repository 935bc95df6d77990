//! An engine that goes away while a worker runs, and comes back. It is cut off by a socket in between: stopping the real
//! one would end other people's containers.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lem_backend::Backend;
use lem_backend::docker::{DEFAULT_SOCKET, Endpoint, Engine};
use tokio::io::copy_bidirectional;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::rig::{TOOLS, rig, shell, until_ready};

/// Passes connections on to an engine until it is aborted, which cuts all of them.
fn pass_on(socket: &Path, engine: &Path) -> JoinHandle<()> {
    let _ = std::fs::remove_file(socket);
    let listener = UnixListener::bind(socket).expect("bound");
    let engine = engine.to_owned();
    tokio::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((mut here, _)) = listener.accept().await {
            let engine = engine.clone();
            connections.spawn(async move {
                if let Ok(mut there) = UnixStream::connect(engine).await {
                    let _ = copy_bidirectional(&mut here, &mut there).await;
                }
            });
        }
    })
}

#[tokio::test]
async fn a_run_ends_with_its_reason_and_its_container_goes_when_the_engine_is_back() {
    let Some(rig) = rig().await else { return };
    let real = match rig.engine.endpoint() {
        Endpoint::Unix(path) => path.clone(),
        _ => DEFAULT_SOCKET.into(),
    };
    let socket = rig.folder.path().join("engine.sock");
    let first = pass_on(&socket, &real);
    let mut backend = rig.ephemeral(&format!("image: {TOOLS}"));
    backend.engine = Arc::new(Engine::connect(Endpoint::Unix(socket.clone())).await.expect("connects"));
    let mut session = backend.start(&shell("echo ready; exec sleep 600")).await.expect("starts");
    until_ready(&mut session).await;

    first.abort();
    let _ = first.await;
    let error = session.control.wait().await.expect_err("the engine is gone").to_string();
    assert!(error.contains("engine.sock went away"), "{error}");
    let error = session.control.stop(Duration::from_millis(100)).await.expect_err("still gone").to_string();
    assert!(error.contains("went away"), "{error}");
    let refused = backend.start(&shell("true")).await.err().expect("refused").to_string();
    assert!(refused.contains("does not answer any more"), "{refused}");

    let second = pass_on(&socket, &real);
    rig.assert_none_left().await;
    second.abort();
}
