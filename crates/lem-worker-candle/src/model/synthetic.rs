//! Models with seeded random weights: nothing to download, honest work, and the same tokens everywhere.
//!
//! The sizes are those of small story-telling Llamas. The weights mean nothing; the energy of computing with them is that
//! of any model of this shape.

use candle_core::{DType, Device, Result, Shape, Tensor};
use candle_nn::var_builder::SimpleBackend;
use candle_nn::{Init, VarBuilder};
use candle_transformers::models::llama::Config;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use super::{Model, Network, layout, require_memory};
use crate::failure::Failure;
use crate::settings::precision_name;

/// The same weights for every run, whatever its seed: token streams of different runs can be compared.
const WEIGHTS_SEED: u64 = 42;

/// The embeddings are uniform between minus and plus this. They are small beside what the layers add to them: otherwise,
/// being tied to the output, they would make the model repeat its last token, whatever the layers compute.
const EMBEDDING_AMPLITUDE: f32 = 0.04;

/// The shape of one synthetic model. All have the vocabulary of Llama 2 and tied embeddings.
struct Size {
    name: &'static str,
    hidden: usize,
    layers: usize,
    heads: usize,
    inner: usize,
}

const SIZES: [Size; 2] = [
    Size { name: "llama-15m", hidden: 288, layers: 6, heads: 6, inner: 768 },
    Size { name: "llama-110m", hidden: 768, layers: 12, heads: 12, inner: 2048 },
];

/// The names of all synthetic models, as a campaign writes them.
pub(super) fn names() -> Vec<String> {
    SIZES.iter().map(|size| format!("synthetic/{}", size.name)).collect()
}

/// The synthetic model called `name`.
pub(super) fn load(name: &str, dtype: DType) -> std::result::Result<Model, Failure> {
    let size = SIZES.iter().find(|size| size.name == name).ok_or_else(|| {
        Failure::model_not_found(format!("there is no synthetic/{name}; there are: {}", names().join(", ")))
    })?;
    let config = config(size);
    let slots = layout::slots(&config);
    let (parameters, _) = layout::parameters(&slots);
    require_memory(parameters * dtype.size_in_bytes() as u64, name)?;
    let builder = VarBuilder::from_backend(Box::new(Seeded), dtype, Device::Cpu);
    Ok(Model {
        network: Network::dense(builder, &config)?,
        tokenizer: None,
        end_tokens: Vec::new(),
        context: config.max_position_embeddings,
        vocabulary: config.vocab_size,
        precision: precision_name(dtype).into(),
        facts: layout::facts(&config, &slots, dtype, Some(format!("weights-seed-{WEIGHTS_SEED}"))),
        warnings: Vec::new(),
    })
}

fn config(size: &Size) -> Config {
    Config {
        hidden_size: size.hidden,
        intermediate_size: size.inner,
        vocab_size: 32_000,
        num_hidden_layers: size.layers,
        num_attention_heads: size.heads,
        num_key_value_heads: size.heads,
        use_flash_attn: false,
        rms_norm_eps: 1e-5,
        rope_theta: 10_000.0,
        bos_token_id: None,
        eos_token_id: None,
        rope_scaling: None,
        max_position_embeddings: 2048,
        tie_word_embeddings: true,
    }
}

/// Gives each tensor numbers that follow from its name, so that the order of loading does not matter.
struct Seeded;

impl SimpleBackend for Seeded {
    fn get(&self, shape: Shape, name: &str, _: Init, dtype: DType, device: &Device) -> Result<Tensor> {
        let count = shape.elem_count();
        let values = match amplitude(name, shape.dims()) {
            Some(amplitude) => random(name, count, amplitude),
            None => vec![1.0; count],
        };
        Tensor::from_vec(values, shape, device)?.to_dtype(dtype)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> Result<Tensor> {
        candle_core::bail!("the shape of {name} is not known")
    }

    fn contains_tensor(&self, _: &str) -> bool {
        true
    }
}

/// How far from zero the weights of a tensor reach; `None` for the scales of norms, which are 1.
///
/// A matrix keeps the variance of what it is applied to: uniform numbers up to a have the variance a^2/3, and each output
/// is a sum over the columns. So activations stay in the range of every precision, whatever the size of the model.
fn amplitude(name: &str, shape: &[usize]) -> Option<f32> {
    match shape {
        _ if name == layout::EMBEDDINGS => Some(EMBEDDING_AMPLITUDE),
        #[expect(clippy::cast_precision_loss, reason = "a matrix has far fewer than 2^24 columns")]
        [_, columns] => Some((3.0 / *columns as f32).sqrt()),
        _ => None,
    }
}

/// Built on the words of the generator, not on a distribution of a library, so that no release changes the weights.
fn random(name: &str, count: usize, amplitude: f32) -> Vec<f32> {
    let mut generator = ChaCha8Rng::seed_from_u64(fnv1a(name.as_bytes()) ^ WEIGHTS_SEED);
    let uniform = |word: u32| {
        #[expect(clippy::cast_precision_loss, reason = "24 bits fit")]
        let unit = (word >> 8) as f32 / 16_777_216.0;
        (2.0 * unit - 1.0) * amplitude
    };
    (0..count).map(|_| uniform(generator.next_u32())).collect()
}

/// The 64-bit FNV-1a hash (Fowler, Noll, Vo).
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_are_what_their_names_say() {
        let millions = SIZES.map(|size| layout::parameters(&layout::slots(&config(&size))).0 / 1_000_000);
        assert_eq!(millions, [15, 109]);
    }

    #[test]
    fn weights_follow_from_the_name_of_the_tensor() {
        let weights = random("model.layers.0.mlp.up_proj.weight", 1000, 0.5);
        assert_eq!(weights, random("model.layers.0.mlp.up_proj.weight", 1000, 0.5));
        assert_ne!(weights, random("model.layers.1.mlp.up_proj.weight", 1000, 0.5));
        assert!(weights.iter().all(|weight| weight.abs() <= 0.5));
        let mean = weights.iter().sum::<f32>() / 1000.0;
        assert!(mean.abs() < 0.05, "{mean}");
    }

    #[test]
    fn greedy_output_depends_on_what_the_layers_compute() {
        let mut model = load("llama-15m", DType::F32).unwrap();
        let mut next = |prompt: &[u32]| {
            model.network.forget();
            let logits = model.network.forward(prompt, 0).unwrap();
            (0..).zip(logits).max_by(|a: &(u32, f32), b| a.1.total_cmp(&b.1)).unwrap().0
        };
        let (after_one, after_two) = (next(&[100, 200, 300]), next(&[101, 201, 300]));
        assert_ne!(after_one, 300, "the last token is not merely repeated");
        assert_ne!(after_one, after_two, "what came before the last token matters");
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
    }

    #[test]
    fn an_unknown_size_names_the_known_ones() {
        let failure = load("llama-7b", DType::F32).err().expect("there is none");
        assert!(failure.message.contains("synthetic/llama-15m"), "{failure}");
    }
}
