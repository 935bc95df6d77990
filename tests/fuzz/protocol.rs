//! What a worker says to the engine, and the one line that the engine says to a worker.

use lem_protocol::framing::{MAX_LINE_BYTES, experiment_line, read_experiment};
use lem_protocol::{Conversation, Event, EventLine, EventReader};
use lem_spec::campaign::{Overrides, read as read_campaign, resolve};
use lem_spec::settings::Settings;
use tokio::io::AsyncReadExt as _;
use tokio::runtime::{Builder, Runtime};

use crate::corpus::{contents, shape};
use crate::hunt::{Target, hunt};

const WORDS: &[&str] = &[
    "{\"event\":\"hello\",\"t_ns\":0,\"protocol\":1}\n",
    "{\"event\":\"phase\",\"t_ns\":9,\"phase\":\"measure\",\"edge\":\"begin\"}\n",
    "{\"event\":\"phase\",\"t_ns\":9,\"phase\":\"measure\",\"edge\":\"end\"}\n",
    "\"event\":\"error\"",
    "\"event\":\"result\"",
    "\"event\":\"progress\"",
    "\"event\":\"request\"",
    "\"t_ns\":9223372036854775807",
    "\"t_ns\":-9223372036854775808",
    "\"index\":4294967295",
    "\"output_tokens\":18446744073709551615",
    "\"requests\":0",
    "null",
    "true",
    "-1",
    "-0.0",
    "1e999",
    "1e-999",
    "0.30000000000000004",
    "18446744073709551616",
    "9007199254740993",
    "\"\"",
    "[]",
    "{}",
    "\\u0000",
    "\\ud800",
    "\\\"",
    "\"",
    ",",
    "\n",
    "\r\n",
    "\n\n\n",
    "\u{0}",
    "\u{feff}",
    "🦀",
    "\u{1b}[31m",
    "\"load\"",
    "\"idle\"",
    "\"warmup\"",
    "\"unload\"",
    "\"t_ns\":1,\"t_ns\":2",
];

fn runtime() -> Runtime {
    Builder::new_current_thread().build().expect("a thread can wait for bytes in memory")
}

/// What comes out of some bytes: events, and the codes of lines that are none.
fn read(runtime: &Runtime, first: &[u8], rest: &[u8]) -> Vec<Result<EventLine, String>> {
    let mut reader = EventReader::new(first.chain(rest));
    let (mut found, most) = (Vec::new(), first.len() + rest.len() + 2);
    while let Some(next) = runtime.block_on(reader.next()).transpose() {
        found.push(next.map_err(|fault| {
            assert!(fault.to_string().len() < 4096, "a message of {} bytes", fault.to_string().len());
            assert!(
                !fault.to_string().chars().any(char::is_control),
                "it would act on a terminal: {fault:?}"
            );
            fault.code().to_owned()
        }));
        assert!(found.len() < most, "more answers than there are bytes");
    }
    found
}

#[test]
fn any_bytes_of_a_worker_are_events_or_named_faults() {
    let mut seeds = contents("crates/lem-protocol/conversations", &[".jsonl"]);
    let mut long = vec![b'x'; MAX_LINE_BYTES + 5];
    long.extend_from_slice(b"\n{\"event\":\"hello\"}\n");
    seeds.push(long);
    let runtime = runtime();
    hunt(Target { name: "protocol", seeds, words: WORDS }, |input| {
        let found = read(&runtime, input, b"");
        let half = input.len() / 2;
        assert_eq!(
            found,
            read(&runtime, &input[..half], &input[half..]),
            "where the bytes were cut does not matter"
        );
        let events: Vec<&EventLine> = found.iter().filter_map(|line| line.as_ref().ok()).collect();
        for event in &events {
            let text = serde_json::to_string(event).expect("an event can be written");
            let again: EventLine =
                serde_json::from_str(&text).unwrap_or_else(|fault| panic!("{fault}: {text}"));
            assert_eq!(again, **event, "an event that is passed on stays what it is");
        }
        let faults: String = found.iter().filter_map(|line| line.as_ref().err()).take(4).cloned().collect();
        faults + &judged(&events)
    });
}

/// The rules of a conversation hold whatever is said, also when one goes on after a violation.
fn judged(events: &[&EventLine]) -> String {
    let mut conversation = Conversation::expecting(3);
    let (mut told, mut results) = (String::new(), 0);
    for event in events {
        let before = (conversation.window(), conversation.open_phase());
        match conversation.accept(event) {
            Ok(()) => {
                results += usize::from(matches!(event.event, Event::Result(_)));
                told.push_str(&event.event.name()[..2]);
            }
            Err(violation) => {
                assert_eq!(
                    before,
                    (conversation.window(), conversation.open_phase()),
                    "a violation changed the state"
                );
                told.push_str(violation.code());
            }
        }
        told.truncate(200);
    }
    assert!(results <= 1, "two results");
    if results == 1 {
        let (begin_ns, end_ns) = conversation.window().expect("no result without a window");
        assert!(begin_ns < end_ns && conversation.finish().is_ok(), "a result of a window without length");
    }
    told
}

#[test]
fn any_line_is_an_experiment_or_an_error() {
    let minimal = br#"{"protocol":1,"run_id":"r","backend":"candle","model":"m","workload":{"prompts":{"type":"builtin"},"sample_size":2,"max_output_tokens":8},"warmup":{"prompts":1},"seed":1}"#;
    hunt(
        Target { name: "experiment", seeds: [experiments(), vec![minimal.to_vec()]].concat(), words: WORDS },
        |input| match read_experiment(&mut &*input) {
            Err(fault) => {
                assert!(fault.to_string().len() < 4096, "a message of {} bytes", fault.to_string().len());
                shape(fault.to_string().split(". It begins").next().unwrap_or_default())
            }
            Ok(experiment) => {
                let line = experiment_line(&experiment).expect("what was read can be sent");
                let again = read_experiment(&mut line.as_slice()).expect("what was sent can be read");
                assert_eq!(again, experiment, "a worker gets what the engine has");
                format!("{:?}", experiment.workload.prompts).chars().take(12).collect()
            }
        },
    );
}

/// The messages of the example campaigns.
fn experiments() -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    for file in contents("examples", &[".yaml"]) {
        let text = String::from_utf8(file).expect("text");
        let (campaign, _) = read_campaign("c.yaml", &text, &|_| Err("no file".to_owned()));
        let Some(campaign) = campaign else { continue };
        let resolved = resolve(campaign, &Overrides::default(), &Settings::default());
        let told =
            resolved.experiments.iter().map(|spec| lem_campaign::plan::worker_experiment(spec, "run", 1));
        lines.extend(told.map(|experiment| experiment_line(&experiment).expect("an example can be run")));
    }
    assert!(!lines.is_empty(), "the examples are campaigns");
    lines
}
