//! The tensors of a Llama model: their names and shapes follow from its configuration.

use candle_core::DType;
use candle_transformers::models::llama::Config;
use lem_protocol::ModelFacts;

use crate::settings::precision_name;

/// One tensor that a model of a configuration has.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
}

impl Slot {
    pub(super) fn elements(&self) -> u64 {
        self.shape.iter().map(|&dimension| dimension as u64).product()
    }
}

/// The name of the input embeddings.
pub(super) const EMBEDDINGS: &str = "model.embed_tokens.weight";

/// The name of the output embeddings, where they are not tied to those of the input.
const OUTPUT: &str = "lm_head.weight";

/// Every tensor of a model of `config`, under the names of Hugging Face's implementation.
pub(super) fn slots(config: &Config) -> Vec<Slot> {
    let slot = |name: String, shape: &[usize]| Slot { name, shape: shape.to_vec() };
    let (hidden, inner) = (config.hidden_size, config.intermediate_size);
    let head = hidden / config.num_attention_heads;
    let (queries, keys) = (head * config.num_attention_heads, head * config.num_key_value_heads);
    let mut slots = vec![
        slot(EMBEDDINGS.into(), &[config.vocab_size, hidden]),
        slot("model.norm.weight".into(), &[hidden]),
    ];
    if !config.tie_word_embeddings {
        slots.push(slot(OUTPUT.into(), &[config.vocab_size, hidden]));
    }
    for layer in 0..config.num_hidden_layers {
        let parts: [(&str, &[usize]); 9] = [
            ("self_attn.q_proj", &[queries, hidden]),
            ("self_attn.k_proj", &[keys, hidden]),
            ("self_attn.v_proj", &[keys, hidden]),
            ("self_attn.o_proj", &[hidden, queries]),
            ("mlp.gate_proj", &[inner, hidden]),
            ("mlp.up_proj", &[inner, hidden]),
            ("mlp.down_proj", &[hidden, inner]),
            ("input_layernorm", &[hidden]),
            ("post_attention_layernorm", &[hidden]),
        ];
        slots.extend(parts.map(|(part, shape)| slot(format!("model.layers.{layer}.{part}.weight"), shape)));
    }
    slots
}

/// What is known of a model of `config` whose weights and cache have the format `dtype`.
pub(super) fn facts(config: &Config, slots: &[Slot], dtype: DType, revision: Option<String>) -> ModelFacts {
    let (parameters, non_embedding_parameters) = parameters(slots);
    let bytes = dtype.size_in_bytes() as u64;
    let head = config.hidden_size / config.num_attention_heads;
    // Keys and values of each layer.
    let cached = 2 * config.num_hidden_layers * config.num_key_value_heads * head;
    ModelFacts {
        parameters: Some(parameters),
        non_embedding_parameters: Some(non_embedding_parameters),
        mixture_of_experts: Some(false),
        active_non_embedding_parameters: None,
        layers: u32::try_from(config.num_hidden_layers).ok(),
        attention_width: u32::try_from(config.num_attention_heads * head).ok(),
        hidden_size: u32::try_from(config.hidden_size).ok(),
        kv_bytes_per_token: Some(cached as u64 * bytes),
        weight_bytes: Some(parameters * bytes),
        dtype: Some(precision_name(dtype).into()),
        revision,
    }
}

/// Parameters in all, and without the embeddings: those of the input, and of the output where it has its own. So a model
/// counts the same whether they are tied or not.
pub(super) fn parameters(slots: &[Slot]) -> (u64, u64) {
    let all = slots.iter().map(Slot::elements).sum();
    let embedding = |slot: &&Slot| slot.name == EMBEDDINGS || slot.name == OUTPUT;
    let embeddings: u64 = slots.iter().filter(embedding).map(Slot::elements).sum();
    (all, all - embeddings)
}
