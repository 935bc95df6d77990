//! The tensors of a Llama model: their names and shapes follow from its configuration.

use candle_transformers::models::llama::Config;

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
        slots.push(slot("lm_head.weight".into(), &[config.vocab_size, hidden]));
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

/// Parameters in all, and without the input embeddings (which tied models also use for the output).
pub(super) fn parameters(slots: &[Slot]) -> (u64, u64) {
    let all = slots.iter().map(Slot::elements).sum();
    let embeddings: u64 = slots.iter().filter(|slot| slot.name == EMBEDDINGS).map(Slot::elements).sum();
    (all, all - embeddings)
}
