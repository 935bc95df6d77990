//! Replays `conversations/`: the contract that every implementation of the protocol fulfils, in any language.
//!
//! `expected.json` names the verdict of each file. `result` and `error`: the conversation is valid and ends so;
//! `violation`: line `line` breaks the rule `code` (line 0: the output ended too early); `garbled`: line `line` is not
//! an event, for the reason `code`. Lines count from 1.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lem_protocol::framing::parse_event;
use lem_protocol::{Conversation, Event};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Recorded {
    /// What the conversation shows; for readers.
    #[serde(rename = "about")]
    _about: String,
    /// Requests that the experiment asked for.
    sample_size: u32,
    expected: Verdict,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case", deny_unknown_fields)]
enum Verdict {
    Result { requests: u32, input_tokens: u64, output_tokens: u64, window_ns: i64 },
    Error { kind: String },
    Violation { line: u64, code: String },
    Garbled { line: u64, code: String },
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("conversations")
}

fn index() -> BTreeMap<String, Recorded> {
    let text = std::fs::read(folder().join("expected.json")).expect("the index is there");
    serde_json::from_slice(&text).expect("the index is valid")
}

fn replay(bytes: &[u8], sample_size: u32) -> Verdict {
    let mut conversation = Conversation::expecting(sample_size);
    let mut last = None;
    let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    for (line, number) in lines.zip(1..) {
        let event = match parse_event(line, number) {
            Ok(event) => event,
            Err(error) => {
                return Verdict::Garbled { line: number, code: error.code().into() };
            }
        };
        if let Err(violation) = conversation.accept(&event) {
            return Verdict::Violation { line: number, code: violation.code().into() };
        }
        last = Some(event.event);
    }
    if let Err(violation) = conversation.finish() {
        return Verdict::Violation { line: 0, code: violation.code().into() };
    }
    match last {
        Some(Event::Result(result)) => {
            let (begin_ns, end_ns) = conversation.window().expect("a result follows a window");
            Verdict::Result {
                requests: result.requests,
                input_tokens: result.input_tokens,
                output_tokens: result.output_tokens,
                window_ns: end_ns - begin_ns,
            }
        }
        Some(Event::Error { kind, .. }) => Verdict::Error { kind: kind.name().into() },
        other => panic!("a finished conversation ends with {other:?}"),
    }
}

#[test]
fn every_recorded_conversation_has_its_expected_verdict() {
    for (name, recorded) in index() {
        let bytes = std::fs::read(folder().join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(replay(&bytes, recorded.sample_size), recorded.expected, "{name}");
    }
}

#[test]
fn every_recorded_conversation_is_in_the_index() {
    let index = index();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap();
        let recorded = path.extension().is_some_and(|extension| extension == "jsonl");
        assert!(!recorded || index.contains_key(name), "{name} is not in expected.json");
    }
}
