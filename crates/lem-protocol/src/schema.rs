//! The shape of the messages as JSON Schema, for authors of workers in other languages.

use schemars::SchemaGenerator;
use serde_json::{Value, json};

use crate::{EventLine, Experiment, PROTOCOL_VERSION};

/// Both directions as one JSON Schema (draft 2020-12): a line is an `Experiment` or an `EventLine`. To check one
/// direction alone, refer to `#/$defs/Experiment` or `#/$defs/EventLine`. `schema.json` beside this crate is this value.
pub fn schema() -> Value {
    let mut generator = SchemaGenerator::default();
    let to_worker = generator.subschema_for::<Experiment>();
    let from_worker = generator.subschema_for::<EventLine>();
    let title = format!("LEM worker protocol, version {PROTOCOL_VERSION}");
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "description": "One line of JSON: the experiment that goes to a worker, or an event that comes from it.",
        "anyOf": [to_worker, from_worker],
        "$defs": generator.take_definitions(true),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.json");

    #[test]
    fn the_committed_schema_is_that_of_the_types() {
        let committed = std::fs::read_to_string(COMMITTED).expect("schema.json is there");
        let committed: Value = serde_json::from_str(&committed).expect("schema.json is JSON");
        assert!(
            committed == schema(),
            "schema.json is not the schema of the types; if the change is meant, run \
             `cargo test -p lem-protocol -- --ignored rewrite_the_committed_schema` and look at the difference"
        );
    }

    #[test]
    #[ignore = "writes schema.json"]
    fn rewrite_the_committed_schema() {
        std::fs::write(COMMITTED, format!("{:#}\n", schema())).unwrap();
    }

    #[test]
    fn the_schema_names_both_directions() {
        let schema = schema();
        for name in ["Experiment", "EventLine", "Request", "WorkerResult"] {
            assert!(schema["$defs"][name].is_object(), "{name} is not defined");
        }
    }
}
