//! What a process left behind when it ended.

use serde_json::Value;

/// A process that has ended.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The command, for messages.
    pub what: String,
    /// Its exit code; absent when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
    /// The most memory that it had resident, in KiB.
    pub peak_memory_kib: u64,
}

impl Finished {
    /// Fails unless the process ended with this code.
    #[track_caller]
    #[must_use]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "{} should exit with {code}. Its standard error:\n{}\nThe end of its standard output:\n{}",
            self.what,
            self.stderr,
            self.last_lines(5)
        );
        self
    }

    /// Fails unless the standard error holds this text.
    #[track_caller]
    #[must_use]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "{} should say {text:?}, but says:\n{}", self.what, self.stderr);
        self
    }

    /// The standard output as one JSON value.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|e| panic!("{}: no JSON ({e}): {}\n{}", self.what, self.stdout, self.stderr))
    }

    /// The standard output as JSON, line by line.
    #[track_caller]
    pub fn events(&self) -> Vec<Value> {
        let event = |line: &str| match serde_json::from_str(line) {
            Ok(event) => event,
            Err(error) => panic!("{}: no line of JSON ({error}): {line}", self.what),
        };
        self.stdout.lines().map(event).collect()
    }

    /// The events of one kind.
    #[track_caller]
    pub fn events_called(&self, name: &str) -> Vec<Value> {
        self.events().into_iter().filter(|event| event["event"] == name).collect()
    }

    fn last_lines(&self, count: usize) -> String {
        let lines: Vec<&str> = self.stdout.lines().collect();
        lines[lines.len().saturating_sub(count)..].join("\n")
    }
}
