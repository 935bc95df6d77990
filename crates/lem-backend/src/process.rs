//! Workers as local processes, each in a process group of its own so that a stop reaches all of it.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

use crate::{Backend, Control, Exit, Session, Start, StartError};

/// Starts workers as child processes.
#[derive(Debug, Clone, Default)]
pub struct ProcessBackend {
    /// Program and first arguments put before every command. The engine puts a launcher here that makes the worker
    /// die with the engine, so that a campaign that is killed leaves no worker behind to disturb the next one.
    pub launcher: Vec<PathBuf>,
}

impl Backend for ProcessBackend {
    fn start<'a>(&'a self, start: &'a Start) -> BoxFuture<'a, Result<Session, StartError>> {
        async move { self.spawn(start) }.boxed()
    }
}

impl ProcessBackend {
    fn spawn(&self, start: &Start) -> Result<Session, StartError> {
        let program = start.command.first().ok_or(StartError::NoCommand)?;
        // A launcher could only tell by an exit code.
        if !exists(program) {
            return Err(StartError::NotFound(program.clone()));
        }
        let mut words =
            self.launcher.iter().map(|word| word.as_os_str()).chain(start.command.iter().map(AsRef::as_ref));
        let mut command = Command::new(words.next().ok_or(StartError::NoCommand)?);
        command.args(words).envs(start.environment.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &start.folder {
            command.current_dir(folder);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        let mut child = command.spawn().map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => StartError::NotFound(program.clone()),
            _ => StartError::Refused { program: program.clone(), source },
        })?;
        let piped = "all three streams were asked for as pipes";
        Ok(Session {
            stdin: Box::new(child.stdin.take().expect(piped)),
            stdout: Box::new(child.stdout.take().expect(piped)),
            stderr: Box::new(child.stderr.take().expect(piped)),
            control: Box::new(ProcessControl { group: child.id(), child }),
        })
    }
}

/// Whether a program can be found as the system would: by its path, or by its name in a folder of PATH.
fn exists(program: &str) -> bool {
    if program.contains('/') {
        return Path::new(program).is_file();
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}

/// The process group that was started; its id is the id of its first process.
struct ProcessControl {
    child: Child,
    group: Option<u32>,
}

impl ProcessControl {
    /// A group that is gone already is what was wanted, so that error is none.
    fn signal(&self, signal: Signal) {
        let group = self.group.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(group) = group {
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Control for ProcessControl {
    fn pids(&self) -> Vec<u32> {
        self.group.into_iter().collect()
    }

    fn wait(&mut self) -> BoxFuture<'_, io::Result<Exit>> {
        async { self.child.wait().await.map(exit) }.boxed()
    }

    fn stop(&mut self, grace: Duration) -> BoxFuture<'_, io::Result<Exit>> {
        async move {
            self.signal(Signal::TERM);
            let ended = tokio::time::timeout(grace, self.child.wait()).await;
            // Also after a clean end: a child of the worker may have outlived it.
            self.signal(Signal::KILL);
            match ended {
                Ok(status) => status.map(exit),
                Err(_elapsed) => self.child.wait().await.map(exit),
            }
        }
        .boxed()
    }
}

impl Drop for ProcessControl {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

fn exit(status: ExitStatus) -> Exit {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, Some(signal)) => Exit::Signal(signal),
        (None, None) => Exit::Code(-1),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn shell(script: &str) -> Session {
        let start = Start { command: vec!["sh".into(), "-c".into(), script.into()], ..Start::default() };
        ProcessBackend::default().start(&start).await.expect("sh exists")
    }

    async fn read(mut stream: impl tokio::io::AsyncRead + Unpin) -> String {
        let mut text = String::new();
        stream.read_to_string(&mut text).await.expect("utf-8");
        text
    }

    #[tokio::test]
    async fn bytes_flow_both_ways_and_the_exit_code_comes_back() {
        let mut session = shell("read line; echo got $line; echo oops >&2; exit 3").await;
        session.stdin.write_all(b"hello\n").await.expect("open");
        drop(session.stdin);
        assert_eq!(read(session.stdout).await, "got hello\n");
        assert_eq!(read(session.stderr).await, "oops\n");
        assert_eq!(session.control.wait().await.expect("waits"), Exit::Code(3));
    }

    #[tokio::test]
    async fn a_stop_asks_first() {
        let mut session =
            shell("trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.05; done").await;
        let mut ready = [0; 6];
        session.stdout.read_exact(&mut ready).await.expect("ready");
        assert_eq!(session.control.stop(Duration::from_secs(10)).await.expect("stops"), Exit::Code(7));
        assert_eq!(read(session.stdout).await, "bye\n");
    }

    #[tokio::test]
    async fn a_stop_ends_what_does_not_listen_and_its_children() {
        let mut session = shell("trap '' TERM; (trap '' TERM; sleep 60) & echo ready; sleep 60").await;
        let mut ready = [0; 6];
        session.stdout.read_exact(&mut ready).await.expect("ready");
        let ended = session.control.stop(Duration::from_millis(100)).await.expect("stops");
        assert_eq!(ended, Exit::Signal(9));
        assert_eq!(read(session.stdout).await, "", "the pipe closes only when the child is gone too");
    }

    #[tokio::test]
    async fn a_program_that_does_not_exist_is_named() {
        let start = Start { command: vec!["no-such-worker".into()], ..Start::default() };
        let error = ProcessBackend::default().start(&start).await.err().expect("refused");
        assert_eq!(
            error.to_string(),
            "`no-such-worker` was not found; give its full path, or put its folder on PATH"
        );
    }
}
