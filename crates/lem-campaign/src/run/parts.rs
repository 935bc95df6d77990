//! The window of a run told apart by what its requests were doing, as far as the worker says when they were under way.

use lem_measure::DeviceEnergy;
use lem_measure::parts::{Served, window_parts};
use lem_protocol::{Request, WorkerResult};

use super::outcome::{RunOutcome, RunStatus};
use super::recording::Recording;

/// The outcome with the parts of its window, or why it is not divided. A run that did not complete has neither.
pub(super) fn divided(outcome: RunOutcome, requests: &[Request], recording: &Recording<'_>) -> RunOutcome {
    let Some(window_ns) = outcome.window_ns.filter(|_| outcome.status == RunStatus::Completed) else {
        return outcome;
    };
    match served(requests, outcome.result.as_ref()) {
        Ok(served) => {
            let each = recording.devices().iter().zip(recording.traces());
            let devices: Vec<DeviceEnergy<'_>> =
                each.map(|(device, trace)| DeviceEnergy::of(device, trace)).collect();
            RunOutcome { window_parts: window_parts(window_ns, &served, &devices), ..outcome }
        }
        Err(why) => RunOutcome { parts_withheld: Some(why), ..outcome },
    }
}

/// When each request of the window was read and answered. All of them are needed: with one missing, a stretch in which it
/// was under way would be taken for another kind.
fn served(requests: &[Request], result: Option<&WorkerResult>) -> Result<Vec<Served>, String> {
    if result.is_some_and(|result| result.unfinished.is_some()) {
        return Err("a server is seen from its client: times to first token have the network and the server's queue in \
                    them, and requests under way at the end of the window are not told one by one"
            .into());
    }
    if requests.is_empty() {
        return Err("the worker does not report its requests".into());
    }
    let without_start = requests.iter().filter(|request| request.start_ns.is_none()).count();
    if without_start > 0 {
        let all = requests.len();
        return Err(format!("the worker does not say of {without_start} of {all} requests when they began"));
    }
    let served: Vec<Served> = requests.iter().filter_map(under_way).collect();
    let without_first = requests.len() - served.len();
    if without_first > 0 {
        let all = requests.len();
        return Err(format!(
            "{without_first} of {all} requests have no time to first token; most engines tell it with `streaming: true`"
        ));
    }
    Ok(served)
}

/// When a request was under way; `None` where that is not known. One that gave nothing was only read.
fn under_way(request: &Request) -> Option<Served> {
    let start_ns = request.start_ns?;
    let first_ms = request.ttft_ms.or((request.output_tokens == 0).then_some(request.latency_ms))?;
    let waited_ns = nanoseconds(request.waited_ms.unwrap_or(0.0));
    // Latencies count from the arrival, which the start came after.
    let after_start = |ms: f64| start_ns.saturating_add((nanoseconds(ms) - waited_ns).max(0));
    Some(Served { start_ns, first_token_ns: after_start(first_ms), end_ns: after_start(request.latency_ms) })
}

#[expect(clippy::cast_possible_truncation, reason = "latencies are checked to fit into the run")]
fn nanoseconds(milliseconds: f64) -> i64 {
    (milliseconds * 1e6).round() as i64
}

#[cfg(test)]
mod tests {
    use lem_protocol::TokenCounts;

    use super::*;

    fn request() -> Request {
        Request {
            index: 0,
            input_tokens: 10,
            output_tokens: 3,
            start_ns: Some(1_000_000_000),
            waited_ms: None,
            ttft_ms: Some(20.125),
            latency_ms: 40.5,
            itl_ms: None,
            in_window: None,
        }
    }

    fn result() -> WorkerResult {
        WorkerResult { requests: 1, ..WorkerResult::default() }
    }

    #[test]
    fn a_request_is_read_until_its_first_token_and_answered_until_its_last() {
        let expected =
            Served { start_ns: 1_000_000_000, first_token_ns: 1_020_125_000, end_ns: 1_040_500_000 };
        assert_eq!(served(&[request()], Some(&result())), Ok(vec![expected]));
    }

    #[test]
    fn time_in_a_queue_lies_before_the_start() {
        let waited = Request { waited_ms: Some(15.0), ..request() };
        let expected =
            Served { start_ns: 1_000_000_000, first_token_ns: 1_005_125_000, end_ns: 1_025_500_000 };
        assert_eq!(served(&[waited], Some(&result())), Ok(vec![expected]));
    }

    #[test]
    fn a_request_that_gave_nothing_was_only_read() {
        let silent = Request { output_tokens: 0, ttft_ms: None, ..request() };
        let found = served(&[silent], Some(&result())).unwrap();
        assert_eq!(found[0].first_token_ns, found[0].end_ns);
    }

    #[test]
    fn what_is_not_known_of_one_request_leaves_the_window_whole() {
        let why = |requests: &[Request], result: &WorkerResult| served(requests, Some(result)).unwrap_err();
        let unstarted = Request { start_ns: None, ..request() };
        assert!(why(&[request(), unstarted], &result()).contains("1 of 2 requests when they began"));
        let untimed = Request { ttft_ms: None, ..request() };
        assert!(why(&[untimed], &result()).contains("1 of 1 requests have no time to first token"));
        assert!(why(&[], &result()).contains("does not report its requests"));
        let server = WorkerResult { unfinished: Some(TokenCounts::default()), ..result() };
        assert!(why(&[request()], &server).contains("seen from its client"));
    }
}
