//! A short command in a running container, for health checks and signals.

use std::time::Duration;

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use futures_util::StreamExt;
use tokio::time::{interval, timeout};

use super::connect::Engine;

/// How such a command ended.
pub(super) struct Done {
    /// `None` where it took too long.
    pub(super) code: Option<i64>,
    /// The end of what it wrote.
    pub(super) last: String,
}

/// Runs a command to its end. One that takes too long is left to itself: the engine cannot end it.
pub(super) async fn run(
    engine: &Engine,
    container: &str,
    command: Vec<String>,
    user: Option<&str>,
    patience: Duration,
) -> Result<Done, Error> {
    let options = CreateExecOptions {
        cmd: Some(command),
        user: user.map(str::to_owned),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        ..CreateExecOptions::default()
    };
    let exec = engine.docker.create_exec(container, options).await?.id;
    let mut output = Vec::new();
    let ended = timeout(patience, async {
        if let StartExecResults::Attached { output: mut chunks, .. } =
            engine.docker.start_exec(&exec, None::<StartExecOptions>).await?
        {
            while let Some(chunk) = chunks.next().await {
                keep_end(&mut output, &chunk?);
            }
        }
        code(engine, &exec).await
    })
    .await;
    let code = match ended {
        Ok(code) => Some(code?),
        Err(_elapsed) => None,
    };
    Ok(Done { code, last: last_line(&output) })
}

/// The code of a command whose output has ended: it follows at once.
async fn code(engine: &Engine, exec: &str) -> Result<i64, Error> {
    let mut tick = interval(Duration::from_millis(10));
    loop {
        tick.tick().await;
        if let Some(code) = exit_code(engine, exec).await? {
            return Ok(code);
        }
    }
}

/// The code of an executed process that has ended. It is also not running before it has started, but without a code.
pub(super) async fn exit_code(engine: &Engine, exec: &str) -> Result<Option<i64>, Error> {
    let inspected = engine.docker.inspect_exec(exec).await?;
    Ok(if inspected.running == Some(true) { None } else { inspected.exit_code })
}

/// As much of an output as a message shows.
const END: usize = 4096;

pub(super) fn keep_end(output: &mut Vec<u8>, chunk: &LogOutput) {
    output.extend_from_slice(chunk.as_ref());
    let surplus = output.len().saturating_sub(END);
    output.drain(..surplus);
}

pub(super) fn last_line(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("nothing").to_owned()
}
