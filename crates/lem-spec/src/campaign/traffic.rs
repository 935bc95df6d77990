//! In which order prompts are taken, and when requests arrive.

use super::check::Values;
use super::files::Files;
use super::findings::Findings;
use super::spec::{PromptOrder, Traffic};
use crate::diagnostic::Diagnostic;

/// What belongs to each type of traffic, besides `type`.
const PARTS: [(&str, &[&str]); 5] = [
    ("closed", &["concurrency"]),
    ("poisson", &["requests_per_s"]),
    ("gamma", &["requests_per_s", "burstiness"]),
    ("constant", &["requests_per_s"]),
    ("trace", &["path"]),
];

/// The order of prompts; `prompts.shuffle: true` is an earlier word for `shuffled`.
pub(super) fn order(values: &Values, findings: &mut Findings) -> Option<PromptOrder> {
    let word = values.text("prompts.order").or_else(|| values.text("dataset.order"));
    let order = match word {
        Some("grouped") => Some(PromptOrder::Grouped),
        Some("shuffled") => Some(PromptOrder::Shuffled),
        Some(_) => Some(PromptOrder::Interleaved),
        None => None,
    };
    let shuffle = values.bool("prompts.shuffle") == Some(true);
    match order {
        Some(order) if shuffle && order != PromptOrder::Shuffled => {
            let message = format!("`prompts.shuffle: true` contradicts the order {}", order.name());
            let problem = Diagnostic::error("contradiction", message).with_hint("remove one of them");
            findings.add(values.mark("prompts.shuffle", problem));
            None
        }
        None if shuffle => Some(PromptOrder::Shuffled),
        other => other,
    }
}

/// When requests arrive: `traffic`, or `traffic_simulation` of an earlier tool.
pub(super) fn traffic(values: &Values, files: &Files<'_>, findings: &mut Findings) -> Option<Traffic> {
    let simulated = simulated(values);
    let own = own(values, files, findings);
    if let (Some(_), Some(_)) = (&own, &simulated) {
        let message = "`traffic` and `traffic_simulation` both say when requests arrive";
        let problem = Diagnostic::error("given_twice", message).with_hint("keep `traffic`");
        findings.add(values.mark("traffic_simulation.enabled", problem));
    }
    own.or(simulated)
}

fn simulated(values: &Values) -> Option<Traffic> {
    if values.bool("traffic_simulation.enabled") != Some(true) {
        return None;
    }
    let requests_per_s = values.f64("traffic_simulation.target_qps").unwrap_or(1.0);
    Some(match values.text("traffic_simulation.mode") {
        Some("constant") => Traffic::Constant { requests_per_s },
        _ => Traffic::Poisson { requests_per_s },
    })
}

fn own(values: &Values, files: &Files<'_>, findings: &mut Findings) -> Option<Traffic> {
    let keys = ["concurrency", "requests_per_s", "burstiness", "path"];
    let Some(kind) = values.text("traffic.type") else {
        if let Some(key) = keys.into_iter().find(|key| values.has(&format!("traffic.{key}"))) {
            let message = "`traffic` needs `type`: closed, poisson, gamma, constant or trace";
            let problem = Diagnostic::error("missing_key", message).about("traffic.type");
            findings.add(values.mark(&format!("traffic.{key}"), problem));
        }
        return None;
    };
    let (_, parts) = PARTS.into_iter().find(|(name, _)| *name == kind)?;
    for key in keys.into_iter().filter(|key| !parts.contains(key)).map(|key| format!("traffic.{key}")) {
        if values.has(&key) {
            let message = format!("`{key}` does not go with `traffic.type: {kind}`");
            let problem = Diagnostic::error("contradiction", message).with_hint("remove one of them");
            findings.add(values.mark(&key, problem));
        }
    }
    if let Some(key) = parts.iter().find(|key| !values.has(&format!("traffic.{key}"))) {
        let message = format!("`traffic.type: {kind}` needs `traffic.{key}`");
        let problem = Diagnostic::error("missing_key", message).about(format!("traffic.{key}"));
        findings.add(values.mark("traffic.type", problem));
        return None;
    }
    let rate = || values.f64("traffic.requests_per_s");
    Some(match kind {
        "closed" => Traffic::Closed { concurrency: values.u32("traffic.concurrency")? },
        "poisson" => Traffic::Poisson { requests_per_s: rate()? },
        "gamma" => Traffic::Gamma { requests_per_s: rate()?, burstiness: values.f64("traffic.burstiness")? },
        "constant" => Traffic::Constant { requests_per_s: rate()? },
        _ => Traffic::Trace { path: files.beside(&values.owned_text("traffic.path")?) },
    })
}
