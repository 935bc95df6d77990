//! Models from files: Hugging Face folders and GGUF files, whole and damaged.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use candle_core::quantized::gguf_file::Value as Metadata;
use lem_protocol::{Experiment, PromptSource, WorkerErrorKind, WorkerResult};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    CONTEXT, VOCABULARY, experiment, fail, mixture, requests, run, save, tensors, tokenizer, write_gguf,
    write_gguf_of, write_hub_folder, write_json,
};

/// An experiment with the model at `model` and prompts of words that its tokenizer knows.
fn with_model(model: &Path, folder: &Path) -> Experiment {
    let prompts = folder.join("prompts.txt");
    fs::write(&prompts, "w5 w6 w7 w8 w9\nw30 unheard\n").unwrap();
    let mut experiment = experiment();
    experiment.model = model.to_str().unwrap().into();
    experiment.workload.prompts = PromptSource::File { path: prompts.to_str().unwrap().into(), column: None };
    experiment
}

fn hub_folder(changes: &Value, shards: bool) -> (TempDir, Experiment) {
    let folder = tempfile::tempdir().unwrap();
    write_hub_folder(folder.path(), changes, shards);
    let experiment = with_model(folder.path(), folder.path());
    (folder, experiment)
}

fn stream_of(result: &WorkerResult) -> &Value {
    &result.effective_parameters["output_token_sha256"]
}

/// The message of the failure, without the name of the temporary folder.
fn refusal(experiment: &Experiment, folder: &TempDir) -> String {
    let (kind, message) = fail(experiment);
    format!("{}: {}", kind.name(), message.replace(folder.path().to_str().unwrap(), "FOLDER"))
}

#[test]
fn a_hub_folder_runs_and_its_tokenizer_makes_the_prompts() {
    let (_folder, experiment) = hub_folder(&json!({}), false);
    let (events, result) = run(&experiment);
    let input: Vec<u32> = requests(&events).iter().map(|request| request.input_tokens).collect();
    assert_eq!(input, [5, 2], "the truncation in tokenizer.json is not applied");
    assert_eq!(result.model.layers, Some(2));
    // 2 layers of 4 attention and 3 inner matrices and 2 norms, a last norm, and twice the vocabulary.
    let layer = 2 * 32 * 32 + 2 * 16 * 32 + 3 * 32 * 64 + 2 * 32;
    let embeddings = 32 * VOCABULARY as u64;
    assert_eq!(result.model.parameters, Some(2 * layer + 32 + 2 * embeddings));
    assert_eq!(result.model.non_embedding_parameters, Some(2 * layer + 32), "whether they are tied or not");
}

#[test]
fn shards_hold_the_same_model() {
    let (_one, whole) = hub_folder(&json!({}), false);
    let (_two, sharded) = hub_folder(&json!({}), true);
    assert_eq!(stream_of(&run(&whole).1), stream_of(&run(&sharded).1));
}

#[test]
fn builtin_prompts_are_tokenized() {
    let (_folder, mut experiment) = hub_folder(&json!({}), false);
    experiment.workload.prompts = PromptSource::Builtin;
    let (_, result) = run(&experiment);
    assert_eq!(result.effective_parameters["prompts"]["distinct"], 2);
    assert_eq!(result.effective_parameters["prompts"]["cut"], 1, "the second has 14 words");
}

#[test]
fn prompts_are_taken_from_the_start_again_when_they_run_out() {
    let (_folder, mut experiment) = hub_folder(&json!({}), false);
    experiment.workload.sample_size = 5;
    let (events, _) = run(&experiment);
    let input: Vec<u32> = requests(&events).iter().map(|request| request.input_tokens).collect();
    assert_eq!(input, [5, 2, 5, 2, 5]);
}

#[test]
fn an_end_token_stops_the_output_but_not_before_the_least_number() {
    let all: Vec<usize> = (0..VOCABULARY - 1).collect();
    let (_folder, mut experiment) = hub_folder(&json!({ "eos_token_id": all }), false);
    experiment.workload.max_output_tokens = 6;
    assert!(run(&experiment).1.output_tokens < 12, "nearly every token ends the output");
    experiment.workload.min_output_tokens = 6;
    assert_eq!(run(&experiment).1.output_tokens, 12);
}

#[test]
fn a_context_is_filled_to_its_end_and_no_further() {
    let (folder, mut experiment) = hub_folder(&json!({}), false);
    experiment.workload.max_output_tokens = u32::try_from(CONTEXT).unwrap() - 5;
    assert_eq!(run(&experiment).1.output_tokens, 2 * (CONTEXT as u64 - 5));
    experiment.workload.max_output_tokens += 1;
    insta::assert_snapshot!(refusal(&experiment, &folder));
}

#[test]
fn a_folder_that_holds_no_llama_or_not_all_of_one_is_refused() {
    let mut refusals = Vec::new();
    let mut refused = |changes: &Value, damage: &dyn Fn(&Path)| {
        let (folder, experiment) = hub_folder(changes, false);
        damage(folder.path());
        refusals.push(refusal(&experiment, &folder));
    };
    refused(&json!({ "architectures": ["MistralForCausalLM"], "model_type": "mistral" }), &|_| {});
    refused(&json!({ "vocab_size": VOCABULARY + 1 }), &|_| {});
    refused(&json!({}), &|folder| fs::remove_file(folder.join("config.json")).unwrap());
    refused(&json!({}), &|folder| fs::remove_file(folder.join("tokenizer.json")).unwrap());
    refused(&json!({}), &|folder| fs::remove_file(folder.join("model.safetensors")).unwrap());
    refused(&json!({}), &|folder| fs::write(folder.join("config.json"), "{").unwrap());
    refused(&json!({}), &|folder| {
        let some = tensors().into_iter().take(5).map(|(name, _, tensor)| (name, tensor));
        save(folder, "model.safetensors", &some.collect::<HashMap<_, _>>());
    });
    refused(&json!({}), &|folder| {
        let mut tokenizer = tokenizer();
        tokenizer["model"]["vocab"]["w5"] = json!(999);
        write_json(&folder.join("tokenizer.json"), &tokenizer);
    });
    insta::assert_snapshot!(refusals.join("\n"));
}

#[test]
fn damaged_weights_are_an_error_and_no_panic() {
    let (folder, experiment) = hub_folder(&json!({}), false);
    let path = folder.path().join("model.safetensors");
    let bytes = fs::read(&path).unwrap();
    for damaged in [&bytes[..bytes.len() / 2], &bytes[..4], b"", &[0xff; 64]] {
        fs::write(&path, damaged).unwrap();
        let (kind, message) = fail(&experiment);
        assert_eq!(kind, WorkerErrorKind::ModelNotFound, "{message}");
    }
}

fn gguf(architecture: &str, more: Vec<(&str, Metadata)>) -> (TempDir, Experiment) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    write_gguf(&path, architecture, more);
    let experiment = with_model(&path, folder.path());
    (folder, experiment)
}

/// The small model with so many experts, of which a token passes through `used`.
fn gguf_mixture(experts: u32, used: u32) -> (TempDir, Experiment) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    let counts = [("llama.expert_count", experts), ("llama.expert_used_count", used)];
    let more = counts.map(|(name, count)| (name, Metadata::U32(count)));
    let metadata = byte_tokenizer().into_iter().chain(more).collect();
    write_gguf_of(&path, "llama", metadata, &mixture(experts));
    let experiment = with_model(&path, folder.path());
    (folder, experiment)
}

/// The metadata of a tokenizer of bytes: each letter is a token.
fn byte_tokenizer() -> Vec<(&'static str, Metadata)> {
    let text = |text: &str| Metadata::String(text.into());
    let letters = ('a'..='z').chain('0'..='9').chain(['\u{120}']).map(String::from);
    let mut tokens: Vec<String> = ["<s>", "</s>"].map(String::from).into_iter().chain(letters).collect();
    tokens.push("he".into());
    vec![
        ("tokenizer.ggml.model", text("gpt2")),
        ("tokenizer.ggml.tokens", Metadata::Array(tokens.iter().map(|token| text(token)).collect())),
        ("tokenizer.ggml.merges", Metadata::Array(vec![text("h e")])),
        ("tokenizer.ggml.eos_token_id", Metadata::U32(1)),
    ]
}

#[test]
fn a_gguf_file_runs_with_the_tokenizer_beside_it() {
    let (folder, experiment) = gguf("llama", Vec::new());
    write_json(&folder.path().join("tokenizer.json"), &tokenizer());
    let (events, result) = run(&experiment);
    assert_eq!(requests(&events)[0].input_tokens, 5);
    assert_eq!(result.model.dtype.as_deref(), Some("q8_0"));
    assert_eq!(result.effective_parameters["context_tokens"], CONTEXT);
    let (_again, sharded) = hub_folder(&json!({}), false);
    let (of_file, of_folder) = (result.model, run(&sharded).1.model);
    assert_eq!(of_file.parameters, of_folder.parameters, "the same model in another form");
    assert_eq!((of_file.attention_width, of_folder.attention_width), (Some(32), Some(32)), "4 heads of 8");
    assert_eq!((of_file.mixture_of_experts, of_folder.mixture_of_experts), (Some(false), Some(false)));
    assert_eq!(of_file.active_non_embedding_parameters, None, "each token passes through all of them");
}

#[test]
fn of_a_mixture_of_experts_the_experts_of_a_token_are_told() {
    let (_folder, experiment) = gguf_mixture(4, 3);
    let facts = run(&experiment).1.model;
    assert_eq!(facts.mixture_of_experts, Some(true));
    // 2 layers, in each of which one of four experts with 3 matrices of 32 x 64 is left out.
    let left_out = 2 * 3 * 32 * 64;
    let active = facts.active_non_embedding_parameters.unwrap();
    assert_eq!(facts.non_embedding_parameters.unwrap() - active, left_out);
}

#[test]
fn a_gguf_file_runs_with_the_tokenizer_within_it() {
    let (_folder, experiment) = gguf("llama", byte_tokenizer());
    let (events, _) = run(&experiment);
    // A space before each word, "w30", and "unheard" with "he" as one token.
    assert_eq!(requests(&events)[1].input_tokens, 2 + 3 + 6);
}

#[test]
fn a_gguf_file_repeats_its_tokens() {
    let (_folder, experiment) = gguf("llama", byte_tokenizer());
    assert_eq!(stream_of(&run(&experiment).1), stream_of(&run(&experiment).1));
}

#[test]
fn a_gguf_file_that_cannot_be_used_is_refused() {
    let mut refusals = Vec::new();
    let (folder, experiment) = gguf("qwen2", byte_tokenizer());
    refusals.push(refusal(&experiment, &folder));
    let sentencepiece = vec![("tokenizer.ggml.model", Metadata::String("llama".into()))];
    let (folder, experiment) = gguf("llama", sentencepiece);
    refusals.push(refusal(&experiment, &folder));
    let (folder, experiment) = gguf("llama", byte_tokenizer());
    refusals.push(refusal(&Experiment { precision: Some("float32".into()), ..experiment }, &folder));
    insta::assert_snapshot!(refusals.join("\n"));
}

#[test]
fn a_damaged_gguf_file_is_an_error_and_no_panic() {
    let (folder, experiment) = gguf("llama", byte_tokenizer());
    let path = folder.path().join("model.gguf");
    let bytes = fs::read(&path).unwrap();
    for damaged in [&bytes[..bytes.len() / 2], &bytes[..20], b"GGUF", b"", &[0xff; 64]] {
        fs::write(&path, damaged).unwrap();
        let (kind, message) = fail(&experiment);
        assert_eq!(kind, WorkerErrorKind::ModelNotFound, "{message}");
    }
}

#[test]
fn a_panic_of_candle_is_an_engine_error() {
    let mut metadata = byte_tokenizer();
    // candle divides by the number of heads.
    metadata.push(("llama.attention.head_count", Metadata::U32(0)));
    let (_folder, experiment) = gguf("llama", metadata);
    let (kind, message) = fail(&experiment);
    assert_eq!(kind, WorkerErrorKind::Engine, "{message}");
    assert!(message.starts_with("candle panicked: "), "{message}");
}
