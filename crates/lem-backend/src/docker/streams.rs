//! The three streams of a worker over the one connection that the engine gives.

use std::pin::Pin;

use bollard::container::LogOutput;
use bollard::errors::Error;
use futures_util::{Stream, StreamExt};
use tokio::io::{AsyncWrite, AsyncWriteExt, DuplexStream, copy, duplex};
use tokio::sync::watch;

/// As much as a pipe of Linux holds.
const BUFFER: usize = 64 * 1024;

/// How the engine says, on the standard output of a process, that there is no such process.
const NOT_EXECUTED: &[u8] = b"OCI runtime exec failed";

pub(super) type Output = Pin<Box<dyn Stream<Item = Result<LogOutput, Error>> + Send>>;
pub(super) type Input = Pin<Box<dyn AsyncWrite + Send>>;

/// Our ends of the three streams.
pub(super) struct Streams {
    /// Dropping it closes the worker's input.
    pub(super) stdin: DuplexStream,
    pub(super) stdout: DuplexStream,
    pub(super) stderr: DuplexStream,
    /// Turns true when the worker's output has ended.
    pub(super) ended: watch::Receiver<bool>,
}

/// Splits a connection. Both outputs have to be read: they share it, so that one that is left full holds up the other.
pub(super) fn split(output: Output, input: Input) -> Streams {
    let (stdin, from_us) = duplex(BUFFER);
    let (to_stdout, stdout) = duplex(BUFFER);
    let (to_stderr, stderr) = duplex(BUFFER);
    let (end, ended) = watch::channel(false);
    tokio::spawn(feed(from_us, input));
    tokio::spawn(async move {
        part(output, to_stdout, to_stderr).await;
        end.send_replace(true);
    });
    Streams { stdin, stdout, stderr, ended }
}

/// Dropping the connection's writing half would leave the worker's input open, so it is shut down.
async fn feed(mut from_us: DuplexStream, mut input: Input) {
    // A worker that no longer reads shows as its exit.
    let _ = copy(&mut from_us, &mut input).await;
    let _ = input.shutdown().await;
}

/// Output of a stream that nobody reads any more is thrown away.
async fn part(mut output: Output, mut stdout: DuplexStream, mut stderr: DuplexStream) {
    let mut first = true;
    while let Some(chunk) = output.next().await {
        let _ = match chunk {
            Ok(LogOutput::StdOut { message }) if first && message.starts_with(NOT_EXECUTED) => {
                stderr.write_all(&message).await
            }
            Ok(LogOutput::StdOut { message }) => stdout.write_all(&message).await,
            // Console: what the engine itself says, for example that a program cannot be executed.
            Ok(LogOutput::StdErr { message } | LogOutput::Console { message }) => {
                stderr.write_all(&message).await
            }
            Ok(LogOutput::StdIn { .. }) => Ok(()),
            Err(error) => {
                let text = format!("the connection to the container broke: {error}\n");
                let _ = stderr.write_all(text.as_bytes()).await;
                break;
            }
        };
        first = false;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use tokio::io::AsyncReadExt;

    use super::*;

    fn output(chunks: Vec<Result<LogOutput, Error>>) -> Output {
        Box::pin(stream::iter(chunks))
    }

    async fn text(mut stream: DuplexStream) -> String {
        let mut text = String::new();
        stream.read_to_string(&mut text).await.expect("utf-8");
        text
    }

    #[tokio::test]
    async fn outputs_are_told_apart() {
        let chunks = vec![
            Ok(LogOutput::StdOut { message: "a".into() }),
            Ok(LogOutput::StdErr { message: "b".into() }),
            Ok(LogOutput::StdOut { message: "c".into() }),
            Ok(LogOutput::Console { message: "d".into() }),
        ];
        let streams = split(output(chunks), Box::pin(tokio::io::sink()));
        assert_eq!(text(streams.stdout).await, "ac");
        assert_eq!(text(streams.stderr).await, "bd");
    }

    #[tokio::test]
    async fn that_nothing_was_executed_is_no_output_of_a_worker() {
        let message =
            "OCI runtime exec failed: exec: \"python\": executable file not found in $PATH: unknown\r\n";
        let chunks = vec![Ok(LogOutput::StdOut { message: message.into() })];
        let streams = split(output(chunks), Box::pin(tokio::io::sink()));
        assert_eq!(text(streams.stderr).await, message);
        assert_eq!(text(streams.stdout).await, "");
    }

    #[tokio::test]
    async fn a_broken_connection_is_said_on_standard_error() {
        let broken = Err(Error::IOError { err: std::io::ErrorKind::BrokenPipe.into() });
        let streams = split(output(vec![broken]), Box::pin(tokio::io::sink()));
        assert_eq!(text(streams.stderr).await, "the connection to the container broke: broken pipe\n");
    }

    #[tokio::test]
    async fn dropping_our_end_closes_the_input() {
        let (theirs, mut worker) = duplex(BUFFER);
        let mut streams = split(Box::pin(stream::pending()), Box::pin(theirs));
        streams.stdin.write_all(b"hello").await.expect("open");
        drop(streams.stdin);
        let mut text = String::new();
        worker.read_to_string(&mut text).await.expect("utf-8");
        assert_eq!(text, "hello");
    }

    #[tokio::test]
    async fn output_that_nobody_reads_does_not_hold_up_the_other() {
        let flood = LogOutput::StdErr { message: vec![b'x'; 2 * BUFFER].into() };
        let streams = split(
            output(vec![Ok(flood), Ok(LogOutput::StdOut { message: "done".into() })]),
            Box::pin(tokio::io::sink()),
        );
        drop(streams.stderr);
        assert_eq!(text(streams.stdout).await, "done");
    }
}
