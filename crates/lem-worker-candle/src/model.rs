//! Models of the Llama architecture, from three places: seeded weights, a Hugging Face folder, a GGUF file.

mod gguf;
mod hub_folder;
mod layout;
mod revision;
mod synthetic;

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::llama::{Cache, Config, Llama};
use candle_transformers::models::quantized_llama::ModelWeights;
use lem_protocol::ModelFacts;
use tokenizers::Tokenizer;

use crate::failure::Failure;
use crate::process::available_memory_bytes;

/// A model that is ready for requests.
pub(crate) struct Model {
    pub(crate) network: Network,
    /// Absent for models with seeded weights.
    pub(crate) tokenizer: Option<Tokenizer>,
    /// Tokens that end the output.
    pub(crate) end_tokens: Vec<u32>,
    /// The most tokens that prompt and output may have together.
    pub(crate) context: usize,
    /// Tokens that the model knows.
    pub(crate) vocabulary: usize,
    /// Number format of the weights, as results name it.
    pub(crate) precision: String,
    pub(crate) facts: ModelFacts,
    /// What a reader of the results should know about this model.
    pub(crate) warnings: Vec<String>,
}

impl Model {
    /// Loads the model called `name`: a synthetic one, a folder or a file.
    pub(crate) fn load(name: &str, precision: Option<DType>) -> Result<Self, Failure> {
        if let Some(size) = name.strip_prefix("synthetic/") {
            return synthetic::load(size, precision.unwrap_or(DType::F32));
        }
        let path = Path::new(name);
        let is_gguf = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
        if path.is_dir() {
            hub_folder::load(path, precision.unwrap_or(DType::F32))
        } else if path.is_file() && is_gguf {
            gguf::load(path, precision)
        } else {
            Err(Failure::model_not_found(format!(
                "{name} is neither a folder with a model nor a .gguf file, and the candle worker downloads nothing; give \
                 the path of a local model of the Llama architecture, or one of: {}",
                synthetic::names().join(", ")
            )))
        }
    }
}

/// What computes.
pub(crate) enum Network {
    /// Weights as they are.
    Dense {
        model: Box<Llama>,
        /// Keys and values of the request in hand.
        cache: Box<Cache>,
        /// A cache that nothing was put into. Making one anew would compute the tables of positions for each request.
        empty: Box<Cache>,
    },
    /// Quantized weights.
    Quantized(Box<ModelWeights>),
}

impl Network {
    /// A dense network of `config` with the weights that `builder` gives.
    fn dense(builder: VarBuilder<'_>, config: &Config) -> Result<Self, Failure> {
        let (dtype, device) = (builder.dtype(), builder.device().clone());
        let model = Box::new(Llama::load(builder, config)?);
        let empty = Box::new(Cache::new(true, dtype, config, &device)?);
        Ok(Self::Dense { model, cache: empty.clone(), empty })
    }

    /// Forgets the last request.
    pub(crate) fn forget(&mut self) {
        match self {
            Self::Dense { cache, empty, .. } => cache.clone_from(empty),
            Self::Quantized(weights) => weights.clear_kv_cache(),
        }
    }

    /// The logits for the token after `tokens`, which stand at `position` of the request.
    pub(crate) fn forward(&mut self, tokens: &[u32], position: usize) -> Result<Vec<f32>, Failure> {
        let input = Tensor::new(tokens, &Device::Cpu)?.unsqueeze(0)?;
        let logits = match self {
            Self::Dense { model, cache, .. } => model.forward(&input, position, cache)?,
            Self::Quantized(weights) => weights.forward(&input, position)?,
        };
        Ok(logits.flatten_all()?.to_vec1()?)
    }
}

/// Refuses to load `bytes` of weights where there is no room: the kernel would kill the process without a word.
fn require_memory(bytes: u64, what: &str) -> Result<(), Failure> {
    let gib = |bytes: u64| {
        #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
        let bytes = bytes as f64;
        bytes / f64::from(1 << 30)
    };
    match available_memory_bytes() {
        Some(available) if available < bytes => Err(Failure::out_of_memory(format!(
            "{what} needs {:.1} GiB for its weights and {:.1} GiB of memory are available; choose a smaller model or \
             precision",
            gib(bytes),
            gib(available)
        ))),
        _ => Ok(()),
    }
}
