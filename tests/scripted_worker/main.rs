//! A worker that behaves as its arguments say, well or badly: `lem-scripted-worker BEHAVIOUR [KEY=VALUE]...`. It
//! computes nothing, so that a test knows every number that it reports.
//!
//! Behaviours that are easier for a shell (closing a stream, ignoring a signal) are not here: the tests wrap this
//! program in `sh` for them.

mod bad;
mod good;
mod script;
mod serve;
mod speech;

use std::process::ExitCode;

use script::Script;

fn main() -> ExitCode {
    let script = Script::from_arguments(std::env::args().skip(1));
    match script.behaviour.as_str() {
        "honest" => good::honest(&script),
        "chatty" => good::chatty(&script),
        "deaf" => good::deaf(&script),
        "parent" => good::parent(&script),
        "serve" => serve::serve(&script),
        "linger" => bad::linger(),
        "say-hello" => bad::say_hello(),
        "hang" => bad::hang(&script),
        "die" => bad::die(&script),
        "fail-while" => bad::fail_while(&script),
        "error" => bad::error(&script),
        "lie" => bad::lie(&script),
        "garbage" => bad::garbage(),
        "endless-line" => bad::endless_line(),
        "endless-progress" => bad::endless_progress(&script),
        "endless-warnings" => bad::endless_warnings(),
        other => panic!("there is no behaviour {other:?}"),
    }
}
