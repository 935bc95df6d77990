//! What the worker says, stamped with the time at which it says it.

use std::io::{self, Write};

use lem_protocol::{Event, EventWriter, PROTOCOL_VERSION, Phase, PhaseEdge};
use serde_json::json;

use crate::clock::monotonic_ns;
use crate::failure::Failure;

/// The release of candle in this worker; candle does not say it itself. A test compares it with `Cargo.lock`.
const CANDLE_VERSION: &str = "0.11.1";

/// The way to the engine.
pub(crate) struct Report<W> {
    events: EventWriter<W>,
    greeted: bool,
}

impl<W: Write> Report<W> {
    pub(crate) fn new(output: W) -> Self {
        Self { events: EventWriter::new(output), greeted: false }
    }

    pub(crate) fn hello(&mut self) -> Result<(), Failure> {
        self.greeted = true;
        let versions = [
            ("candle".to_owned(), json!(CANDLE_VERSION)),
            ("lem-worker-candle".to_owned(), json!(env!("CARGO_PKG_VERSION"))),
        ];
        self.say(Event::Hello {
            protocol: PROTOCOL_VERSION,
            engine: "candle".into(),
            versions: versions.into_iter().collect(),
        })
    }

    pub(crate) fn begin(&mut self, phase: Phase) -> Result<(), Failure> {
        self.say(Event::Phase { phase, edge: PhaseEdge::Begin })
    }

    pub(crate) fn end(&mut self, phase: Phase) -> Result<(), Failure> {
        self.say(Event::Phase { phase, edge: PhaseEdge::End })
    }

    pub(crate) fn warn(&mut self, message: impl Into<String>) -> Result<(), Failure> {
        self.say(Event::Warning { message: message.into() })
    }

    /// Says `event`, as of now. It is on its way when this returns.
    pub(crate) fn say(&mut self, event: Event) -> Result<(), Failure> {
        self.events.write(monotonic_ns(), event).map_err(|error| {
            Failure::engine(format!("an event could not be written to standard output: {error}"))
        })
    }

    /// The last words of a run that failed; a greeting comes before them if there was none.
    pub(crate) fn fail(&mut self, failure: &Failure) -> io::Result<()> {
        if !self.greeted {
            self.hello().map_err(io::Error::other)?;
        }
        let event =
            Event::Error { kind: failure.kind, message: failure.message.clone(), peak_memory_bytes: None };
        self.events.write(monotonic_ns(), event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_candle_is_the_one_that_is_linked() {
        let lock = include_str!("../../../Cargo.lock");
        let locked = format!("name = \"candle-core\"\nversion = \"{CANDLE_VERSION}\"\n");
        assert!(lock.contains(&locked), "CANDLE_VERSION is not the version in Cargo.lock");
    }

    #[test]
    fn an_early_failure_is_preceded_by_a_greeting() {
        let mut written = Vec::new();
        Report::new(&mut written).fail(&Failure::engine("early")).unwrap();
        let text = String::from_utf8(written).unwrap();
        let events: Vec<&str> = text.lines().collect();
        assert!(events[0].contains("\"hello\"") && events[1].contains("early"), "{text}");
    }
}
