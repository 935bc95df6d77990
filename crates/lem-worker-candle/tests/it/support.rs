//! Runs the worker, and makes small models on the spot.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use candle_core::quantized::gguf_file::{self, Value as Metadata};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{DType, Device, Tensor};
use lem_protocol::framing::{PROCEED_LINE, experiment_line, parse_event};
use lem_protocol::{
    Conversation, Event, EventLine, Experiment, Request, WorkerErrorKind, WorkerResult, Workload,
};
use serde_json::{Map, Value, json};

/// A small experiment with a synthetic model: two requests of four tokens, greedy, without warm-up.
pub(crate) fn experiment() -> Experiment {
    let plain = Experiment::plain("test", "candle", "synthetic/llama-15m");
    Experiment {
        workload: Workload { sample_size: 2, max_input_tokens: 12, ..plain.workload },
        options: Map::from_iter([("threads".into(), json!(1))]),
        ..plain
    }
}

pub(crate) fn start() -> Child {
    Command::new(env!("CARGO_BIN_EXE_lem-worker-candle"))
        .env_remove("RAYON_NUM_THREADS")
        .env_remove("CANDLE_NUM_THREADS")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the worker starts")
}

/// How the engine tells the worker to go on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Word {
    Line,
    EndOfInput,
}

/// Runs `experiment` and says the word with the first event that is `due`; gives what was said, and which event that was.
pub(crate) fn told(
    experiment: &Experiment,
    word: Word,
    mut due: impl FnMut(&EventLine) -> bool,
) -> (Vec<EventLine>, usize) {
    let mut child = start();
    let mut stdin = child.stdin.take();
    let input = experiment_line(experiment).expect("it can be sent");
    stdin.as_mut().expect("it is piped").write_all(&input).expect("it is read");
    let mut conversation = Conversation::expecting(experiment.workload.sample_size);
    let (mut events, mut with) = (Vec::new(), None);
    for line in BufReader::new(child.stdout.take().expect("it is piped")).split(b'\n') {
        let event = parse_event(&line.expect("it can be read"), 1).expect("it is an event");
        conversation.accept(&event).unwrap_or_else(|violation| panic!("{violation} after {events:#?}"));
        if with.is_none() && due(&event) {
            with = Some(events.len());
            match word {
                Word::Line => {
                    stdin.as_mut().expect("it is open").write_all(PROCEED_LINE).expect("it is read");
                }
                Word::EndOfInput => drop(stdin.take()),
            }
        }
        events.push(event);
    }
    conversation.finish().expect("it came to an end");
    assert!(child.wait().expect("it ends").success(), "{events:#?}");
    (events, with.expect("the word was said"))
}

/// What the worker said.
pub(crate) struct Said {
    pub(crate) events: Vec<Event>,
    pub(crate) exit_code: Option<i32>,
}

/// Runs the worker with `input`. Whatever happens, what it says must be a conversation.
pub(crate) fn say(input: &[u8], mut conversation: Conversation) -> Said {
    let mut child = start();
    // A worker that fails early may not read all of it.
    let _ = child.stdin.take().expect("it is piped").write_all(input);
    let output = child.wait_with_output().expect("the worker ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let lines = output.stdout.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    let events = lines.zip(1..).map(|(line, number)| {
        let event = parse_event(line, number).unwrap_or_else(|error| panic!("{error}\n{stderr}"));
        conversation
            .accept(&event)
            .unwrap_or_else(|violation| panic!("line {number}: {violation}\n{stderr}"));
        event.event
    });
    let events = events.collect();
    conversation.finish().unwrap_or_else(|violation| panic!("{violation}\n{stderr}"));
    Said { events, exit_code: output.status.code() }
}

/// Runs `experiment`, which must succeed.
pub(crate) fn run(experiment: &Experiment) -> (Vec<Event>, WorkerResult) {
    let line = experiment_line(experiment).expect("it can be sent");
    let said = say(&line, Conversation::expecting(experiment.workload.sample_size));
    match said.events.last() {
        Some(Event::Result(result)) if said.exit_code == Some(0) => {
            let result = result.clone();
            (said.events, result)
        }
        other => panic!("no result but {other:?}, exit code {:?}", said.exit_code),
    }
}

/// Runs `experiment`, which must fail.
pub(crate) fn fail(experiment: &Experiment) -> (WorkerErrorKind, String) {
    failure(&say(&experiment_line(experiment).expect("it can be sent"), Conversation::new()))
}

/// The error that the worker ended with.
pub(crate) fn failure(said: &Said) -> (WorkerErrorKind, String) {
    assert_eq!(said.exit_code, Some(1), "a failure is seen in the exit code too");
    match said.events.last() {
        Some(Event::Error { kind, message, .. }) => (*kind, message.clone()),
        other => panic!("no error but {other:?}"),
    }
}

pub(crate) fn requests(events: &[Event]) -> Vec<Request> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Request(request) => Some(request.clone()),
            _ => None,
        })
        .collect()
}

/// Sizes of the small models. Matrices have a multiple of 32 columns, which quantization to `q8_0` needs.
const HIDDEN: usize = 32;
const INNER: usize = 64;
const LAYERS: usize = 2;
pub(crate) const VOCABULARY: usize = 40;
pub(crate) const CONTEXT: usize = 64;

/// `config.json` of a small Llama with `changes`.
pub(crate) fn config(changes: &Value) -> Value {
    let mut config = json!({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
        "hidden_size": HIDDEN, "intermediate_size": INNER, "num_hidden_layers": LAYERS, "num_attention_heads": 4,
        "num_key_value_heads": 2, "vocab_size": VOCABULARY, "max_position_embeddings": CONTEXT,
        "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": false,
    });
    for (name, value) in changes.as_object().expect("an object") {
        config[name] = value.clone();
    }
    config
}

/// `tokenizer.json` that knows the words `w2`, `w3` and so on; begin and unknown are 0 and 1.
pub(crate) fn tokenizer() -> Value {
    let words = (2..VOCABULARY).map(|id| (format!("w{id}"), json!(id)));
    let vocabulary: Map<String, Value> =
        [("<s>".to_owned(), json!(0)), ("<unk>".to_owned(), json!(1))].into_iter().chain(words).collect();
    json!({
        "version": "1.0",
        "truncation": { "direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0 },
        "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": { "type": "WhitespaceSplit" },
        "post_processor": null, "decoder": null,
        "model": { "type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>" },
    })
}

/// Every tensor of the small model by its name in a Hugging Face folder and in a GGUF file.
pub(crate) fn tensors() -> Vec<(String, String, Tensor)> {
    let mut named: Vec<(String, String, Vec<usize>)> = vec![
        ("model.embed_tokens.weight".into(), "token_embd.weight".into(), vec![VOCABULARY, HIDDEN]),
        ("lm_head.weight".into(), "output.weight".into(), vec![VOCABULARY, HIDDEN]),
        ("model.norm.weight".into(), "output_norm.weight".into(), vec![HIDDEN]),
    ];
    for layer in 0..LAYERS {
        let parts = [
            ("self_attn.q_proj", "attn_q", vec![HIDDEN, HIDDEN]),
            ("self_attn.k_proj", "attn_k", vec![HIDDEN / 2, HIDDEN]),
            ("self_attn.v_proj", "attn_v", vec![HIDDEN / 2, HIDDEN]),
            ("self_attn.o_proj", "attn_output", vec![HIDDEN, HIDDEN]),
            ("mlp.gate_proj", "ffn_gate", vec![INNER, HIDDEN]),
            ("mlp.up_proj", "ffn_up", vec![INNER, HIDDEN]),
            ("mlp.down_proj", "ffn_down", vec![HIDDEN, INNER]),
            ("input_layernorm", "attn_norm", vec![HIDDEN]),
            ("post_attention_layernorm", "ffn_norm", vec![HIDDEN]),
        ];
        named.extend(parts.map(|(hub, gguf, shape)| {
            (format!("model.layers.{layer}.{hub}.weight"), format!("blk.{layer}.{gguf}.weight"), shape)
        }));
    }
    let mut state = 1_u32;
    named.into_iter().map(|(hub, gguf, shape)| (hub, gguf, random(&mut state, &shape))).collect()
}

/// Norms are 1; the rest are numbers from -0.5 to 0.5 of a linear congruential generator (Numerical Recipes).
fn random(state: &mut u32, shape: &[usize]) -> Tensor {
    let count = shape.iter().product();
    let mut next = || {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from(u16::try_from(*state >> 16).expect("16 bits are left")) / 65_536.0 - 0.5
    };
    let values: Vec<f32> = (0..count).map(|_| if shape.len() == 1 { 1.0 } else { next() }).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).expect("as many values as the shape has")
}

pub(crate) fn write_json(path: &Path, value: &Value) {
    std::fs::write(path, value.to_string()).expect("the folder is writable");
}

/// Writes the small model into `folder`; with `shards`, its weights in two files with an index.
pub(crate) fn write_hub_folder(folder: &Path, changes: &Value, shards: bool) {
    write_json(&folder.join("config.json"), &config(changes));
    write_json(&folder.join("tokenizer.json"), &tokenizer());
    let tensors: HashMap<String, Tensor> =
        tensors().into_iter().map(|(name, _, tensor)| (name, tensor)).collect();
    if !shards {
        return save(folder, "model.safetensors", &tensors);
    }
    let (first, second): (HashMap<_, _>, HashMap<_, _>) =
        tensors.into_iter().partition(|(name, _)| name.contains("layers.0"));
    let files = [("model-00001-of-00002.safetensors", &first), ("model-00002-of-00002.safetensors", &second)];
    let mut map = Map::new();
    for (file, tensors) in files {
        save(folder, file, tensors);
        map.extend(tensors.keys().map(|name| (name.clone(), json!(file))));
    }
    write_json(&folder.join("model.safetensors.index.json"), &json!({ "metadata": {}, "weight_map": map }));
}

pub(crate) fn save(folder: &Path, file: &str, tensors: &HashMap<String, Tensor>) {
    candle_core::safetensors::save(tensors, folder.join(file)).expect("the folder is writable");
}

/// Writes the small model as a GGUF file, matrices in `q8_0`, with `more` in its metadata.
pub(crate) fn write_gguf(path: &Path, architecture: &str, more: Vec<(&str, Metadata)>) {
    let tensors: Vec<(String, Tensor)> =
        tensors().into_iter().map(|(_, name, tensor)| (name, tensor)).collect();
    write_gguf_of(path, architecture, more, &tensors);
}

/// The tensors of the small model with `experts` experts, each with the weights that all of it has otherwise.
pub(crate) fn mixture(experts: u32) -> Vec<(String, Tensor)> {
    let mut mixed = Vec::new();
    for (_, name, tensor) in tensors() {
        let Some((layer, part)) = name.split_once(".ffn_").filter(|(_, part)| *part != "norm.weight") else {
            mixed.push((name, tensor));
            continue;
        };
        let part = part.trim_end_matches(".weight");
        mixed.extend(
            (0..experts).map(|expert| (format!("{layer}.ffn_{part}.{expert}.weight"), tensor.clone())),
        );
        if part == "gate" {
            let router = Tensor::zeros((experts as usize, HIDDEN), DType::F32, &Device::Cpu);
            mixed.push((format!("{layer}.ffn_gate_inp.weight"), router.expect("it is small")));
        }
    }
    mixed
}

/// The same with `tensors` instead of those of the small model.
pub(crate) fn write_gguf_of(
    path: &Path,
    architecture: &str,
    more: Vec<(&str, Metadata)>,
    tensors: &[(String, Tensor)],
) {
    let number = |value: usize| Metadata::U32(u32::try_from(value).expect("it is small"));
    let mut metadata = vec![
        ("general.architecture", Metadata::String(architecture.into())),
        ("llama.block_count", number(LAYERS)),
        ("llama.context_length", number(CONTEXT)),
        ("llama.embedding_length", number(HIDDEN)),
        ("llama.attention.head_count", number(4)),
        ("llama.attention.head_count_kv", number(2)),
        ("llama.rope.dimension_count", number(HIDDEN / 4)),
        ("llama.attention.layer_norm_rms_epsilon", Metadata::F32(1e-5)),
    ];
    metadata.extend(more);
    let quantized = tensors.iter().map(|(name, tensor)| {
        let dtype = if tensor.rank() == 1 { GgmlDType::F32 } else { GgmlDType::Q8_0 };
        (name.clone(), QTensor::quantize(tensor, dtype).expect("columns are a multiple of 32"))
    });
    let quantized: Vec<(String, QTensor)> = quantized.collect();
    let metadata: Vec<(&str, &Metadata)> = metadata.iter().map(|(name, value)| (*name, value)).collect();
    let tensors: Vec<(&str, &QTensor)> =
        quantized.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let mut file = File::create(path).expect("the folder is writable");
    gguf_file::write(&mut file, &metadata, &tensors).expect("the file is writable");
}
