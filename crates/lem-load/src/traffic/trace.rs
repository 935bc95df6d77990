//! Arrival times from a file: a number of seconds a line, or the field of a `.jsonl` or `.csv` file that holds it.

use lem_protocol::data::{ending, find, lines, text};
use serde_json::Value;

use crate::failure::Failure;
use crate::prompts;

/// The names under which traces keep arrival times, in the order in which they are looked for.
const FIELDS: [&str; 3] = ["t_s", "timestamp", "arrived_at"];

/// Times beyond this, in seconds, are no times from a start.
const MAX_S: f64 = 1e9;

/// Arrival times in seconds; the first is 0.
#[derive(Debug, Clone)]
pub(super) struct Trace {
    times: Vec<f64>,
}

impl Trace {
    /// The time of the arrival at `position`. After the last the trace begins again, one mean gap later; `None` where
    /// all its arrivals fall together, so that there is no such gap.
    pub(super) fn at_s(&self, position: u32) -> Option<f64> {
        let count = u32::try_from(self.times.len()).unwrap_or(u32::MAX);
        let (round, within) = (position / count, position % count);
        let period = self.period_s();
        if round > 0 && period <= 0.0 {
            return None;
        }
        self.times.get(within as usize).map(|time| time + f64::from(round) * period)
    }

    /// From the first arrival to the first arrival when it begins again.
    fn period_s(&self) -> f64 {
        let count = f64::from(u32::try_from(self.times.len()).unwrap_or(u32::MAX));
        let last = self.times.last().copied().unwrap_or_default();
        if count > 1.0 { last * count / (count - 1.0) } else { 0.0 }
    }
}

/// The trace in the file at `path`, which must have `needed` arrivals, and be repeatable if `before` precede them.
pub(super) fn read(path: &str, needed: u32, before: u32) -> Result<Trace, Failure> {
    let text = text(path, "trace", prompts::read(path, "trace")?)?;
    let written = match ending(path).as_deref() {
        Some("jsonl") => from_jsonl(path, &text)?,
        Some("csv") => from_csv(path, &text)?,
        _ => lines(&text).map(|(number, line)| (number as u64, line.trim().to_owned())).collect(),
    };
    let times = checked(path, written)?;
    let found = times.len();
    if found < needed as usize {
        return Err(Failure::unsupported(format!(
            "the trace {path} has {found} arrivals, and sample_size is {needed}; lower sample_size or give a longer trace"
        )));
    }
    let trace = Trace { times };
    let wanted = u64::from(needed) + u64::from(before);
    if trace.period_s() <= 0.0 && (found as u64) < wanted {
        return Err(Failure::unsupported(format!(
            "the {found} arrivals of the trace {path} fall together and cannot be repeated, and with warm-up there are up \
             to {wanted} requests; give a longer trace, or no warm-up"
        )));
    }
    Ok(trace)
}

/// Times as numbers from the first of them, none of which goes back.
fn checked(path: &str, written: Vec<(u64, String)>) -> Result<Vec<f64>, Failure> {
    let mut times: Vec<f64> = Vec::with_capacity(written.len());
    for (number, value) in written {
        let wrong = |reason: String| Failure::unsupported(format!("{path}, line {number}: {reason}"));
        let time = value.parse().ok().filter(|time: &f64| (0.0..MAX_S).contains(time));
        let time = time.ok_or_else(|| wrong(format!("\"{value}\" is no time in seconds from the start")))?;
        if let Some(last) = times.last().filter(|&&last| time < last) {
            return Err(wrong(format!("{time} s comes after {last} s; arrivals must not go back")));
        }
        times.push(time);
    }
    let first = times.first().copied().unwrap_or_default();
    Ok(times.into_iter().map(|time| time - first).collect())
}

fn from_jsonl(path: &str, text: &str) -> Result<Vec<(u64, String)>, Failure> {
    lines(text)
        .map(|(number, line)| {
            let wrong = |reason: String| Failure::unsupported(format!("{path}, line {number}: {reason}"));
            let value: Value =
                serde_json::from_str(line).map_err(|error| wrong(format!("not a line of JSON ({error})")))?;
            let object = value.as_object().ok_or_else(|| wrong("not a JSON object".into()))?;
            let names: Vec<&str> = object.keys().map(String::as_str).collect();
            let name = find(&FIELDS, &names).ok_or_else(|| unnamed(path, &names))?;
            let time = &object[name];
            Ok((number as u64, time.as_str().map_or_else(|| time.to_string(), str::to_owned)))
        })
        .collect()
}

fn from_csv(path: &str, text: &str) -> Result<Vec<(u64, String)>, Failure> {
    let unreadable = |error: csv::Error| Failure::unsupported(format!("{path}: {error}"));
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(unreadable)?.clone();
    let names: Vec<&str> = header.iter().map(str::trim).collect();
    let name = find(&FIELDS, &names).ok_or_else(|| unnamed(path, &names))?;
    let position = names.iter().position(|&found| found == name).unwrap_or(0);
    let rows = reader.records().map(|record| {
        let record = record.map_err(unreadable)?;
        let line = record.position().map_or(0, csv::Position::line);
        Ok((line, record.get(position).unwrap_or_default().trim().to_owned()))
    });
    rows.collect()
}

fn unnamed(path: &str, names: &[&str]) -> Failure {
    let (known, names) = (FIELDS.join(", "), names.join(", "));
    Failure::unsupported(format!("{path}: no field is called {known}; the fields are: {names}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(name: &str, text: &str, needed: u32, before: u32) -> Result<Trace, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        read(path.to_str().unwrap(), needed, before)
            .map_err(|failure| failure.message.replace(folder.path().to_str().unwrap(), "FOLDER"))
    }

    fn times(trace: &Trace, count: u32) -> Vec<Option<f64>> {
        (0..count).map(|position| trace.at_s(position)).collect()
    }

    #[test]
    fn a_trace_begins_at_0_and_again_one_mean_gap_after_its_end() {
        let some = |times: &[f64]| times.iter().copied().map(Some).collect::<Vec<_>>();
        let lines = trace("t.txt", "10.5\n\n11\n12.5\n", 3, 9).unwrap();
        assert_eq!(times(&lines, 5), some(&[0.0, 0.5, 2.0, 3.0, 3.5]));
        let jsonl = trace("t.jsonl", "{\"t_s\": 0}\n{\"t_s\": \"0.25\"}\n", 2, 0).unwrap();
        assert_eq!(times(&jsonl, 3), some(&[0.0, 0.25, 0.5]));
        let csv = trace("t.csv", "id,Timestamp\na,3\nb,4\n", 2, 0).unwrap();
        assert_eq!(times(&csv, 2), some(&[0.0, 1.0]));
    }

    #[test]
    fn arrivals_that_fall_together_come_once() {
        let burst = trace("t.txt", "0\n0\n", 2, 0).unwrap();
        assert_eq!(times(&burst, 3), [Some(0.0), Some(0.0), None]);
    }

    #[test]
    fn every_mistake_in_a_trace_is_named() {
        let mistakes = [
            trace("t.txt", "0\n1\n", 3, 0),
            trace("t.txt", "0\n0\n", 2, 1),
            trace("t.txt", "0\nsoon\n", 2, 0),
            trace("t.txt", "-1\n", 1, 0),
            trace("t.txt", "2\n1\n", 2, 0),
            trace("t.jsonl", "{\"when\": 1}\n", 1, 0),
            trace("t.csv", "when\n1\n", 1, 0),
        ];
        let messages: Vec<String> = mistakes.into_iter().map(Result::unwrap_err).collect();
        insta::assert_snapshot!(messages.join("\n"));
    }
}
