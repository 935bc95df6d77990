//! The parts of a window: prefill and decode by the times that a worker tells, on a simulated GPU whose energy is known.

use lem_tests::{Experiment, Project, beside_the_tests, integer, number, text};
use serde_json::{Value, json};

const LOW_W: f64 = 120.0;
const HIGH_W: f64 = 400.0;

/// The energy of the load between two moments of the monotonic clock: high power in the first quarter of each second, in
/// which the scripted worker reads a request that takes a second.
fn load_j(start_ns: i64, end_ns: i64) -> f64 {
    let until_j = |t_ns: i64| {
        let (whole, rest) =
            (seconds(t_ns.div_euclid(1_000_000_000)) * 1e9, seconds(t_ns.rem_euclid(1_000_000_000)));
        whole * (0.25 * HIGH_W + 0.75 * LOW_W) + HIGH_W * rest.min(0.25) + LOW_W * (rest - 0.25).max(0.0)
    };
    until_j(end_ns) - until_j(start_ns)
}

#[expect(clippy::cast_precision_loss, reason = "a machine that is up for a year is exact to 4 ns")]
fn seconds(ns: i64) -> f64 {
    ns as f64 / 1e9
}

fn aligned(name: &str) -> Experiment {
    Experiment::scripted(name, "honest window_ms=4000 aligned_ms=1000").with("num_input_prompts", 4)
}

#[track_caller]
fn detail(project: &Project, experiment: &str) -> Value {
    let row = project.result_of(experiment);
    assert_eq!((text(&row, "status"), &row["error"]), ("completed", &Value::Null), "{row:#}");
    project.detail(&row)
}

#[track_caller]
fn part<'a>(detail: &'a Value, name: &str) -> &'a Value {
    let parts = detail["window_parts"].as_array().expect("a list");
    parts.iter().find(|part| part["part"] == name).unwrap_or_else(|| panic!("no {name} in {parts:#?}"))
}

/// When each request began, had its first token, and ended, in nanoseconds.
fn served(detail: &Value) -> Vec<(i64, i64, i64)> {
    let requests = detail["request_records"].as_array().expect("a list");
    let each = requests.iter().map(|request| {
        let start_ns = integer(request, "start_ns");
        #[expect(clippy::cast_possible_truncation, reason = "a few seconds")]
        let after = |field: &str| start_ns + (number(request, field) * 1e6).round() as i64;
        (start_ns, after("ttft_ms"), after("latency_ms"))
    });
    each.collect()
}

#[test]
fn prefill_and_decode_have_the_energy_that_the_signal_has_then() {
    let signal =
        json!({ "shape": "square", "low_w": LOW_W, "high_w": HIGH_W, "period_s": 1.0, "duty": 0.25 });
    let project = Project::new()
        .fake_gpus(&json!([{ "name": "H100", "counter_phase_ms": 37, "signal": signal }]))
        .experiment(aligned("a"));
    let _ = project.run().exits(0);
    let detail = detail(&project, "a");
    let served = served(&detail);
    let truths_j = [
        ("prefill", served.iter().map(|(start, first, _)| load_j(*start, *first)).sum::<f64>()),
        ("decode", served.iter().map(|(_, first, end)| load_j(*first, *end)).sum::<f64>()),
    ];
    for (name, truth_j) in truths_j {
        let found = part(&detail, name);
        assert_eq!(integer(found, "stretches"), 4, "{found:#}");
        let (energy_j, uncertainty_j) = (number(found, "energy_j"), number(found, "energy_uncertainty_j"));
        assert!(
            (energy_j - truth_j).abs() <= uncertainty_j + 0.005 * truth_j,
            "{found:#} is not {truth_j} J"
        );
        assert!(uncertainty_j < truth_j / 2.0, "a number with which something can be done: {found:#}");
    }
    let between = part(&detail, "between");
    assert!(
        text(between, "withheld").contains("on average"),
        "moments between requests are short: {between:#}"
    );
    let parts = detail["window_parts"].as_array().expect("a list");
    let sum_s: f64 = parts.iter().map(|part| number(part, "seconds")).sum();
    assert!((sum_s - number(&detail, "window_s")).abs() < 1e-6, "the parts fill the window: {parts:#?}");
    let told_j = number(part(&detail, "prefill"), "energy_j") + number(part(&detail, "decode"), "energy_j");
    let rest_j = number(&detail, "energy_j") - told_j;
    let between_j = HIGH_W * number(between, "seconds") + number(&detail, "energy_uncertainty_j");
    assert!((-1e-6..=between_j + 1.0).contains(&rest_j), "and add up to its energy: {rest_j} J are left");
    what_follows_is_shown(&project, &detail);
}

/// Joules for each token, in the figures and for a person to read, with the mark of what was not measured.
#[track_caller]
fn what_follows_is_shown(project: &Project, detail: &Value) {
    let metrics = &detail["metrics"];
    let value = |name: &str| number(&metrics[name], "value");
    let (prefill_j, decode_j) =
        (number(part(detail, "prefill"), "energy_j"), number(part(detail, "decode"), "energy_j"));
    let (tokens_in, tokens_out) = (number(detail, "input_tokens"), number(detail, "output_tokens"));
    assert!((value("prefill_joules_per_input_token") - prefill_j / tokens_in).abs() < 1e-9, "{metrics:#}");
    let decoded = tokens_out - number(detail, "requests");
    assert!((value("decode_joules_per_output_token") - decode_j / decoded).abs() < 1e-9, "{metrics:#}");
    let shown = project.lem(&["result", "show", text(detail, "run_id")]).exits(0).stdout;
    let line =
        |begin: &str| shown.lines().find(|line| line.trim_start().starts_with(begin)).unwrap_or_default();
    for begin in ["prefill  ", "decode  ", "prefill, input token", "decode, output token"] {
        assert!(line(begin).contains("(simulated)"), "no marked line {begin:?} in {shown}");
    }
    assert!(line("between").contains("withheld: its"), "{shown}");
}

#[test]
fn a_worker_that_does_not_say_when_requests_began_has_its_window_whole_and_the_reason() {
    let project = Project::new().scripted("a", "honest window_ms=300 starts=untold");
    let _ = project.run().exits(0);
    let detail = detail(&project, "a");
    assert_eq!(detail["window_parts"], json!([]));
    let why = "the worker does not say of 3 of 3 requests when they began";
    assert_eq!(text(&detail, "parts_withheld"), why);
    let missing = &detail["metrics"]["decode_joules_per_output_token"]["missing"][0];
    assert_eq!((text(missing, "input"), text(missing, "reason")), ("parts", why));
    let shown = project.lem(&["result", "show", text(&detail, "run_id")]).exits(0).stdout;
    assert!(shown.contains("Prefill and decode are not told apart: the worker does not say"), "{shown}");
}

#[test]
fn the_embedded_worker_says_when_its_requests_are_read_and_answered() {
    let worker = beside_the_tests("lem-worker-candle").display().to_string();
    // Through a shell: this worker takes no arguments, and the project gives each a mark.
    let experiment = Experiment::shell("a", &format!("exec '{worker}'"))
        .with("model_name", "synthetic/llama-15m")
        .with("max_output_tokens", 8);
    let project = Project::new().experiment(experiment);
    let _ = project.run().exits(0);
    let detail = detail(&project, "a");
    assert_eq!(served(&detail).len(), 3);
    for name in ["prefill", "decode"] {
        let found = part(&detail, name);
        assert!(integer(found, "stretches") == 3 && number(found, "seconds") > 0.0, "{found:#}");
        assert!(found["energy_j"].is_f64() != found["withheld"].is_string(), "one of the two: {found:#}");
    }
}
