//! A process that runs: its output so far, its signals, its end.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::finished::Finished;
use crate::{pause, processes};

/// No process runs longer than this.
pub const LIMIT: Duration = Duration::from_mins(2);

/// Events that a flooding worker causes by the thousand, and that no test reads.
const NOT_KEPT: &str = r#"{"event":"progress""#;

/// A process that runs. It is killed when this is dropped.
#[derive(Debug)]
pub struct Running {
    what: String,
    child: Child,
    stdout: Arc<Output>,
    stderr: Arc<Output>,
    deadline: Instant,
}

impl Running {
    /// Starts a process with nothing on its standard input.
    #[track_caller]
    pub fn start(command: &mut Command) -> Self {
        let what = format!("{command:?}");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{what} cannot be started: {e}"));
        let piped = "both were asked for as pipes";
        let stdout = Output::of(child.stdout.take().expect(piped));
        let stderr = Output::of(child.stderr.take().expect(piped));
        Self { what, child, stdout, stderr, deadline: Instant::now() + LIMIT }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for an event among the lines of JSON on standard output, and gives it.
    #[track_caller]
    pub fn wait_for(&mut self, description: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let found = self.stdout.wait(self.deadline, |line| {
            serde_json::from_str(line).ok().filter(|event: &Value| wanted(event))
        });
        found.unwrap_or_else(|| {
            let _ = self.child.kill();
            let (stdout, stderr) = (self.stdout.text(), self.stderr.text());
            panic!("{}: {description} never came.\nstdout:\n{stdout}\nstderr:\n{stderr}", self.what)
        })
    }

    /// Waits for an event by its name.
    #[track_caller]
    pub fn wait_for_event(&mut self, name: &str) -> Value {
        self.wait_for(name, |event| event["event"] == name)
    }

    /// Waits until a phase of a worker has begun.
    #[track_caller]
    pub fn wait_for_phase(&mut self, phase: &str) -> Value {
        self.wait_for(phase, |event| event["event"] == "phase_begun" && event["phase"] == phase)
    }

    /// Waits until the standard error has a line with this text.
    #[track_caller]
    pub fn wait_for_note(&mut self, text: &str) {
        let found = self.stderr.wait(self.deadline, |line| line.contains(text).then_some(()));
        assert!(found.is_some(), "{} never said {text:?}, but:\n{}", self.what, self.stderr.text());
    }

    /// Sends a signal to this process alone. One that has ended is past caring.
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .expect("ids of processes are positive");
        let _ = kill_process(id, signal);
    }

    /// Waits for the end.
    #[track_caller]
    #[must_use]
    pub fn finish(mut self) -> Finished {
        let mut peak_memory_kib = 0;
        let status = loop {
            peak_memory_kib = peak_memory_kib.max(processes::peak_memory_kib(self.child.id()).unwrap_or(0));
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                break status;
            }
            if Instant::now() > self.deadline {
                let _ = self.child.kill();
                let (stdout, stderr) = (self.stdout.text(), self.stderr.text());
                panic!("{} did not end.\nstdout:\n{stdout}\nstderr:\n{stderr}", self.what);
            }
            pause(10);
        };
        self.stdout.wait_for_end(self.deadline);
        self.stderr.wait_for_end(self.deadline);
        Finished {
            what: self.what.clone(),
            code: status.code(),
            stdout: self.stdout.text(),
            stderr: self.stderr.text(),
            peak_memory_kib,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A process that has ended already is what was wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One stream of a process, read by a thread of its own.
#[derive(Debug, Default)]
struct Output {
    read: Mutex<Lines>,
    more: Condvar,
}

#[derive(Debug, Default)]
struct Lines {
    lines: Vec<String>,
    ended: bool,
}

impl Output {
    fn of(stream: impl Read + Send + 'static) -> Arc<Self> {
        let output = Arc::new(Self::default());
        let writer = Arc::clone(&output);
        std::thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                if !line.starts_with(NOT_KEPT) {
                    writer.lock().lines.push(line);
                    writer.more.notify_all();
                }
            }
            writer.lock().ended = true;
            writer.more.notify_all();
        });
        output
    }

    /// A panic elsewhere leaves nothing half done here.
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn text(&self) -> String {
        let read = self.lock();
        read.lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    /// What `wanted` makes of the first line that it wants.
    fn wait<T>(&self, deadline: Instant, wanted: impl Fn(&str) -> Option<T>) -> Option<T> {
        let mut seen = 0;
        let mut read = self.lock();
        loop {
            if let Some(found) = read.lines[seen..].iter().find_map(|line| wanted(line)) {
                return Some(found);
            }
            seen = read.lines.len();
            let left = deadline.checked_duration_since(Instant::now())?;
            if read.ended {
                return None;
            }
            read = self.more.wait_timeout(read, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn wait_for_end(&self, deadline: Instant) {
        let mut read = self.lock();
        while !read.ended {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else { return };
            read = self.more.wait_timeout(read, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
