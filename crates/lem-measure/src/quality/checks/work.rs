//! The work that the energy was spent on: whether it is what was asked for.

use crate::quality::catalogue as kinds;
use crate::quality::facts::{Batch, LogSigns, Requests, RunFacts, Truncation};
use crate::quality::judge::{AtLeast, Finding, pass_or_warn};
use crate::quality::{Check, Verdict};

const SUCCEEDED: AtLeast = AtLeast { pass: 100.0, warn: 95.0, poor: 95.0 };

/// More outputs than this that end at their limit say more of the limit than of the model, in percent.
const TRUNCATED: f64 = 30.0;

/// The least of the configured batch that should be reached, in percent.
const BATCH: f64 = 80.0;

/// A KV cache that is fuller than this makes an engine hold requests back.
const KV_CACHE_FULL: f64 = 0.85;

pub(super) fn checks(facts: &RunFacts) -> Vec<Check> {
    // One request at a time cannot be fewer.
    let one_by_one = facts.batch.is_some_and(|batch| batch.configured <= 1);
    let checks = [
        Some(kinds::REQUESTS.check(requests(facts.requests))),
        Some(kinds::TRUNCATION.check(truncation(facts.truncation))),
        (!one_by_one).then(|| kinds::EFFECTIVE_BATCH.check(effective_batch(facts.batch))),
        Some(kinds::WORKER_LOG.check(worker_log(facts.log))),
    ];
    checks.into_iter().flatten().collect()
}

/// Of the requests that should have been, or that were, whichever is more. A run without requests measured no work.
fn requests(requests: Option<Requests>) -> Finding {
    let Some(Requests { ok, failed, expected }) = requests else {
        return Finding::unknown("It is not known how many requests succeeded.");
    };
    let all = ok.saturating_add(failed).max(expected.unwrap_or(0));
    if all == 0 {
        return Finding::bare(Verdict::Invalid, "There were no requests.");
    }
    let percent = f64::from(ok) / f64::from(all) * 100.0;
    Finding::of(percent, SUCCEEDED.judge(percent), format!("{ok} of {all} requests succeeded."))
}

fn truncation(truncation: Option<Truncation>) -> Finding {
    let Some(Truncation { truncated, requests, forced }) = truncation.filter(|found| found.requests > 0)
    else {
        return Finding::unknown("The lengths of the outputs are not known.");
    };
    let percent = f64::from(truncated) / f64::from(requests) * 100.0;
    let why = format!("{truncated} of {requests} outputs ended at the limit of their length");
    if forced {
        return Finding::of(percent, Verdict::Pass, format!("{why}, which is also the least."));
    }
    Finding::of(percent, pass_or_warn(percent < TRUNCATED), format!("{why}."))
}

fn effective_batch(batch: Option<Batch>) -> Finding {
    let Some((batch, effective)) = batch.and_then(|batch| Some((batch, batch.effective?))) else {
        return Finding::unknown("It is not known how many requests were worked on at once.");
    };
    let percent = effective / f64::from(batch.configured.max(1)) * 100.0;
    let reached = percent >= BATCH;
    let full = !reached && batch.kv_cache_used.is_some_and(|used| used > KV_CACHE_FULL);
    let hint = if full { "; the KV cache was full" } else { "" };
    let why =
        format!("On average {effective:.1} of {} requests were worked on at once{hint}.", batch.configured);
    Finding::of(percent, pass_or_warn(reached), why)
}

fn worker_log(log: Option<LogSigns>) -> Finding {
    let Some(LogSigns { crashes, out_of_memory, retries }) = log else {
        return Finding::unknown("Nobody looked at what the worker wrote.");
    };
    if crashes > 0 || out_of_memory > 0 {
        let why =
            format!("The worker's log tells of crashes ({crashes}) or of lacking memory ({out_of_memory}).");
        return Finding::bare(Verdict::Invalid, why);
    }
    match retries {
        0 => Finding::bare(Verdict::Pass, "The worker's log shows no sign of trouble."),
        _ => Finding::bare(Verdict::Warn, format!("The worker's log tells of retries ({retries}).")),
    }
}
