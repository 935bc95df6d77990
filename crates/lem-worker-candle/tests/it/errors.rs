//! Wrong input is an error of the protocol with its kind, and never a panic.

use lem_protocol::{Conversation, Experiment, PromptSource, WorkerErrorKind};
use serde_json::json;

use crate::support::{experiment, fail, failure, say};

fn of_kind(kind: WorkerErrorKind, change: impl FnOnce(&mut Experiment)) -> String {
    let mut experiment = experiment();
    change(&mut experiment);
    let (found, message) = fail(&experiment);
    assert_eq!(found, kind, "{message}");
    message
}

#[test]
fn a_model_that_is_not_there_is_not_found() {
    let messages = [
        of_kind(WorkerErrorKind::ModelNotFound, |e| e.model = "synthetic/llama-7b".into()),
        of_kind(WorkerErrorKind::ModelNotFound, |e| e.model = "meta-llama/Llama-3.2-1B".into()),
    ];
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn a_parameter_that_cannot_be_had_is_refused_before_anything_is_measured() {
    let refused = |change: &dyn Fn(&mut Experiment)| of_kind(WorkerErrorKind::UnsupportedParameter, change);
    let file = PromptSource::File { path: "prompts.txt".into(), column: None };
    let messages = [
        refused(&|e| drop(e.options.insert("device".into(), json!("cuda")))),
        refused(&|e| e.batch_size = 4),
        refused(&|e| e.precision = Some("int8".into())),
        refused(&|e| e.workload.max_output_tokens = 2040),
        refused(&|e| e.workload.prompts = file.clone()),
        refused(&|e| e.protocol = 2),
    ];
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn input_that_is_no_experiment_is_an_engine_error() {
    for input in [&b""[..], b"\n", b"run llama\n", b"{\"protocol\": 1}\n", b"\xff\xff\n"] {
        let (kind, message) = failure(&say(input, Conversation::new()));
        assert_eq!(kind, WorkerErrorKind::Engine, "{message}");
    }
}
