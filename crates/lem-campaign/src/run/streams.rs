//! A worker's output, read by tasks of their own so that waiting for it can be given up and taken up again. The
//! channels are bounded: a worker that floods waits, and the engine's memory does not grow.

use lem_protocol::EventLine;
use lem_protocol::framing::{EventReader, FramingError};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::mpsc::{Receiver, channel};

/// Lines waiting to be taken before the worker has to wait.
const BACKLOG: usize = 256;

/// A line of standard error is cut here, in bytes.
const MAX_LOG_LINE: usize = 8 * 1024;

/// The worker's events; ends with its output.
pub(super) fn events(
    stdout: impl AsyncRead + Send + Unpin + 'static,
) -> Receiver<Result<EventLine, FramingError>> {
    let (sender, receiver) = channel(BACKLOG);
    tokio::spawn(async move {
        let mut reader = EventReader::new(stdout);
        while let Some(next) = reader.next().await.transpose() {
            let over = matches!(next, Err(FramingError::Io(_)));
            if sender.send(next).await.is_err() || over {
                break;
            }
        }
    });
    receiver
}

/// The worker's standard error as lines; ends with it.
pub(super) fn log_lines(stderr: impl AsyncRead + Send + Unpin + 'static) -> Receiver<String> {
    let (sender, receiver) = channel(BACKLOG);
    tokio::spawn(async move {
        let mut reader = BufReader::new(stderr);
        let mut line = Vec::new();
        while let Ok(buffer) = reader.fill_buf().await {
            if buffer.is_empty() {
                break;
            }
            let (taken, ended) = match buffer.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
                Some(end) => (end + 1, true),
                None => (buffer.len(), false),
            };
            let room = MAX_LOG_LINE.saturating_sub(line.len());
            line.extend_from_slice(&buffer[..taken.min(room)]);
            reader.consume(taken);
            if ended && send_line(&sender, &mut line).await.is_err() {
                return;
            }
        }
        let _ = send_line(&sender, &mut line).await;
    });
    receiver
}

/// Sends a line without its end; blank lines (between carriage returns of progress bars) are left out.
async fn send_line(sender: &tokio::sync::mpsc::Sender<String>, line: &mut Vec<u8>) -> Result<(), ()> {
    let text = String::from_utf8_lossy(line).trim_end().to_owned();
    line.clear();
    if text.is_empty() {
        return Ok(());
    }
    sender.send(text).await.map_err(drop)
}

/// The last part of a text that grows: whole lines, at most `limit` bytes.
#[derive(Debug, Default)]
pub(super) struct Tail {
    lines: std::collections::VecDeque<String>,
    bytes: usize,
}

impl Tail {
    const LIMIT: usize = 64 * 1024;

    pub(super) fn push(&mut self, line: String) {
        self.bytes += line.len() + 1;
        self.lines.push_back(line);
        while self.bytes > Self::LIMIT {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.len() + 1;
        }
    }

    pub(super) fn into_text(self) -> String {
        self.lines.into_iter().collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn log_lines_end_at_newlines_and_carriage_returns_and_are_cut() {
        let long = "x".repeat(MAX_LOG_LINE + 100);
        let text = format!("one\r\ntwo 10 %\rtwo 20 %\r\n\n{long}\nlast");
        let mut lines = log_lines(std::io::Cursor::new(text.into_bytes()));
        let mut found = Vec::new();
        while let Some(line) = lines.recv().await {
            found.push(line);
        }
        assert_eq!(found[..3], ["one", "two 10 %", "two 20 %"]);
        assert_eq!((found[3].len(), found[4].as_str()), (MAX_LOG_LINE, "last"));
    }

    #[test]
    fn a_tail_keeps_the_last_whole_lines() {
        let mut tail = Tail::default();
        for i in 0..20_000 {
            tail.push(format!("line {i}"));
        }
        let text = tail.into_text();
        assert!(text.len() <= Tail::LIMIT && text.len() > Tail::LIMIT - 20, "{}", text.len());
        assert!(text.starts_with("line ") && text.ends_with("line 19999"));
    }
}
