//! Workers that tell the truth, some of them with odd manners.

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::script::{Script, wait};
use crate::speech::{begin, complain, end, hello, now_ns, say};

/// Loads, measures as many requests as the engine asks for, and reports them. A quarter of each is its prefill.
pub(crate) fn honest(script: &Script) -> ExitCode {
    let asked = requests_asked_for();
    work(script, asked);
    ExitCode::SUCCESS
}

/// Never reads what it is asked; it is told by `requests`.
pub(crate) fn deaf(script: &Script) -> ExitCode {
    work(script, script.number("requests", 3));
    ExitCode::SUCCESS
}

/// Writes `lines` to standard error, as libraries do.
pub(crate) fn chatty(script: &Script) -> ExitCode {
    chatter(script);
    honest(script)
}

pub(crate) fn chatter(script: &Script) {
    for line in 0..script.number("lines", 0) {
        complain(&format!("chatter {line} {}", "-".repeat(100)));
    }
}

/// Leaves a child behind, which holds this process's streams with `holding=streams`.
pub(crate) fn parent(script: &Script) -> ExitCode {
    let own = std::env::current_exe().expect("a running program has a path");
    let mut child = Command::new(own);
    child.arg("linger").arg(format!("mark={}", script.text("mark", ""))).stdin(Stdio::null());
    if script.text("holding", "nothing") == "nothing" {
        child.stdout(Stdio::null()).stderr(Stdio::null());
    }
    #[expect(clippy::zombie_processes, reason = "a child that outlives this process is what is wanted")]
    let _child = child.spawn().expect("this program can be started again");
    honest(script)
}

/// The experiment's sample size; the rest of it is no matter to a worker that computes nothing.
pub(crate) fn requests_asked_for() -> u64 {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("the engine sends text");
    let experiment: Value = serde_json::from_str(&line).expect("the engine sends an experiment");
    experiment["workload"]["sample_size"].as_u64().expect("an experiment has a sample size")
}

fn work(script: &Script, requests: u64) {
    say(hello());
    load(script);
    wait(until_next(script.milliseconds("aligned_ms", 0)));
    say(begin("measure"));
    let (input_tokens, output_tokens) = (script.number("tokens_in", 16), script.number("tokens_out", 32));
    let each = script.milliseconds("window_ms", 200) / u32::try_from(requests.max(1)).unwrap_or(u32::MAX);
    for index in 0..requests {
        let (start_ns, started) = (now_ns(), Instant::now());
        wait(each);
        let latency_ms = started.elapsed().as_secs_f64() * 1e3;
        let mut request = json!({
            "event": "request", "index": index, "input_tokens": input_tokens, "output_tokens": output_tokens,
            "ttft_ms": latency_ms / 4.0, "latency_ms": latency_ms,
        });
        if script.text("starts", "told") == "told" {
            request["start_ns"] = start_ns.into();
        }
        say(request);
        say(json!({ "event": "progress", "done": index + 1, "total": requests }));
    }
    say(end("measure"));
    say(json!({
        "event": "result", "requests": requests,
        "input_tokens": requests * input_tokens, "output_tokens": requests * output_tokens,
        "effective_parameters": { "scripted": true },
    }));
}

/// The time until the monotonic clock is at a multiple of `period`; none for a period of 0.
fn until_next(period: Duration) -> Duration {
    let now_ns = u128::try_from(now_ns()).unwrap_or(0);
    let over_ns = now_ns.checked_rem(period.as_nanos()).and_then(|over_ns| u64::try_from(over_ns).ok());
    over_ns.map_or(Duration::ZERO, |over_ns| period.saturating_sub(Duration::from_nanos(over_ns)))
}

pub(crate) fn load(script: &Script) {
    say(begin("load"));
    wait(script.milliseconds("load_ms", 0));
    say(end("load"));
}
