//! Workers that hang, die, lie or flood.

use std::path::Path;
use std::process::ExitCode;

use rustix::process::{Signal, getpid, kill_process};
use serde_json::json;

use crate::good::{chatter, honest, load, requests_asked_for};
use crate::script::{Script, wait, wait_for_ever};
use crate::speech::{begin, complain, end, hello, now_ns, say, say_at, wall_ns, write};

/// Does nothing for as long as it may.
pub(crate) fn linger() -> ExitCode {
    wait_for_ever()
}

/// Greets and ends.
pub(crate) fn say_hello() -> ExitCode {
    say(hello());
    ExitCode::SUCCESS
}

/// Says nothing more once `phase` has begun.
pub(crate) fn hang(script: &Script) -> ExitCode {
    complain("about to hang");
    come_to(script);
    wait_for_ever()
}

/// Dies in `phase`, by `signal` or with `code`, after `lines` of standard error.
pub(crate) fn die(script: &Script) -> ExitCode {
    chatter(script);
    complain("about to die");
    come_to(script);
    let signals = [("kill", Signal::KILL), ("abort", Signal::ABORT), ("term", Signal::TERM)];
    if let Some((_, signal)) = signals.into_iter().find(|(name, _)| *name == script.text("signal", "none")) {
        kill_process(getpid(), signal).expect("a process may end itself");
        wait_for_ever()
    }
    ExitCode::from(u8::try_from(script.number("code", 3)).expect("exit codes are below 256"))
}

/// Fails as long as `file` exists, and is honest afterwards.
pub(crate) fn fail_while(script: &Script) -> ExitCode {
    if Path::new(script.text("file", "")).exists() {
        complain("the file is still there");
        return ExitCode::from(3);
    }
    honest(script)
}

/// Reports a failure by the protocol.
pub(crate) fn error(script: &Script) -> ExitCode {
    say(hello());
    say(begin("load"));
    complain("the allocator gave up");
    say(json!({
        "event": "error", "kind": script.text("kind", "engine"), "message": "as scripted: try a smaller batch",
        "peak_memory_bytes": 123_456_789,
    }));
    ExitCode::FAILURE
}

/// Says what cannot be true, as `about` names it.
pub(crate) fn lie(script: &Script) -> ExitCode {
    let requests = requests_asked_for();
    let about = script.text("about", "totals");
    complain(&format!("about to lie about {about}"));
    match about {
        "clock" => return lie_about_the_clock(wall_ns),
        "past" => return lie_about_the_clock(|| 1_000),
        _ => say(hello()),
    }
    let request = |index: u64, latency_ms: f64| {
        json!({
            "event": "request", "index": index, "input_tokens": 1, "output_tokens": 1, "latency_ms": latency_ms,
        })
    };
    if about == "outside" {
        say(begin("load"));
        say(request(0, 0.0));
    }
    load(script);
    let begun_ns = now_ns();
    say_at(begun_ns, begin("measure"));
    if about == "window" {
        say_at(begun_ns, end("measure"));
    }
    wait(script.milliseconds("window_ms", 50));
    let latency_ms = match about {
        "latency" => -1.0,
        "duration" => 1e6,
        _ => 1.0,
    };
    for index in 0..requests {
        say(request(index, latency_ms));
    }
    say(end("measure"));
    let claimed = if about == "totals" { requests * 1000 } else { requests };
    say(
        json!({ "event": "result", "requests": requests, "input_tokens": requests, "output_tokens": claimed }),
    );
    ExitCode::SUCCESS
}

fn lie_about_the_clock(clock: impl Fn() -> i64) -> ExitCode {
    say_at(clock(), hello());
    say_at(clock(), begin("load"));
    wait_for_ever()
}

/// Text that is no event, without end.
pub(crate) fn garbage() -> ExitCode {
    let block = "Loading checkpoint shards: 100% \u{1b}[0m \u{0} not an event\n".repeat(1000);
    loop {
        write(block.as_bytes());
    }
}

/// A line without end.
pub(crate) fn endless_line() -> ExitCode {
    write(br#"{"event":"warning","message":""#);
    let block = "x".repeat(65_536);
    loop {
        write(block.as_bytes());
    }
}

/// Events that are valid, without end.
pub(crate) fn endless_progress(script: &Script) -> ExitCode {
    come_to(script);
    for done in 0_u32.. {
        say(json!({ "event": "progress", "done": done }));
    }
    ExitCode::SUCCESS
}

/// Warnings that are valid, without end.
pub(crate) fn endless_warnings() -> ExitCode {
    say(hello());
    loop {
        say(json!({ "event": "warning", "message": "w".repeat(10_000) }));
    }
}

/// Begins the phase that the script names: `none` (not even a greeting), `load` or `measure`.
fn come_to(script: &Script) {
    match script.text("phase", "measure") {
        "none" => {}
        "load" => {
            say(hello());
            say(begin("load"));
        }
        _ => {
            say(hello());
            load(script);
            say(begin("measure"));
        }
    }
    wait(script.milliseconds("after_ms", 0));
}
