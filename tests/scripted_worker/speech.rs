//! The worker's side of the protocol, written from its description: one JSON object a line.

use std::io::Write;

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

/// `CLOCK_MONOTONIC` in nanoseconds.
pub(crate) fn now_ns() -> i64 {
    read(ClockId::Monotonic)
}

/// Wall time in nanoseconds: a clock that no event may carry.
pub(crate) fn wall_ns() -> i64 {
    read(ClockId::Realtime)
}

fn read(clock: ClockId) -> i64 {
    let time = clock_gettime(clock);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Writes an event with the time of now.
pub(crate) fn say(event: Value) {
    say_at(now_ns(), event);
}

/// Writes an event with any time.
pub(crate) fn say_at(t_ns: i64, mut event: Value) {
    event["t_ns"] = t_ns.into();
    write(format!("{event}\n").as_bytes());
}

/// Writes bytes as they are. Without a reader there is nothing left to do.
pub(crate) fn write(bytes: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    if stdout.write_all(bytes).and_then(|()| stdout.flush()).is_err() {
        std::process::exit(1);
    }
}

pub(crate) fn complain(text: &str) {
    // Nobody may be listening.
    let _ = writeln!(std::io::stderr(), "{text}");
}

pub(crate) fn hello() -> Value {
    json!({ "event": "hello", "protocol": 1, "engine": "scripted", "versions": { "scripted": "1.0" } })
}

pub(crate) fn begin(phase: &str) -> Value {
    json!({ "event": "phase", "phase": phase, "edge": "begin" })
}

pub(crate) fn end(phase: &str) -> Value {
    json!({ "event": "phase", "phase": phase, "edge": "end" })
}
