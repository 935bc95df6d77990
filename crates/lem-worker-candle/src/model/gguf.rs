//! A local GGUF file of the Llama architecture, with its quantized weights as they are.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;

use candle_core::quantized::{GgmlDType, gguf_file};
use candle_core::{DType, Device};
use candle_transformers::models::quantized_llama::{MAX_SEQ_LEN, ModelWeights};
use lem_protocol::ModelFacts;

use super::{Model, Network, require_memory, revision};
use crate::failure::{Failure, first_line};
use crate::tokenizer;

/// Loads the file at `path`. It brings its own number format, so none may be asked for.
pub(super) fn load(path: &Path, precision: Option<DType>) -> Result<Model, Failure> {
    let wrong = |reason: String| Failure::model_not_found(format!("{}: {reason}", path.display()));
    let unreadable = |error: std::io::Error| wrong(error.to_string());
    let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
    let content = gguf_file::Content::read(&mut file)
        .map_err(|error| wrong(format!("not a GGUF file that candle reads ({})", first_line(&error))))?;
    let architecture = text(&content, "general.architecture").unwrap_or("unknown");
    if architecture != "llama" {
        return Err(wrong(format!("the architecture is {architecture}; the candle worker knows llama only")));
    }
    let dtype = weight_format(&content);
    if precision.is_some() {
        return Err(Failure::unsupported(format!(
            "{} brings its own number format ({dtype}); leave precision out",
            path.display()
        )));
    }
    let embeddings = content.tensor_infos.get("token_embd.weight");
    let embeddings = embeddings.ok_or_else(|| wrong("the tensor token_embd.weight is missing".into()))?;
    let vocabulary = embeddings.shape.dims().first().copied().unwrap_or_default();
    let parameters = parameters(&content);
    // `output.weight` is there where the output has embeddings of its own.
    let output = content.tensor_infos.get("output.weight").map_or(0, |own| own.shape.elem_count());
    let non_embedding_parameters = parameters.saturating_sub((embeddings.shape.elem_count() + output) as u64);
    let layers = number(&content, "llama.block_count");
    let declared = number(&content, "llama.context_length").map_or(MAX_SEQ_LEN, |tokens| tokens as usize);
    let end_tokens = number(&content, "tokenizer.ggml.eos_token_id").into_iter().collect();
    let warnings = warnings(&content);
    let tokenizer = tokenizer::of_gguf(&content, path)?;
    // candle holds the weights as they are in the file, and the embeddings once more in single precision.
    let resident = fs::metadata(path).map_err(unreadable)?.len() + 4 * embeddings.shape.elem_count() as u64;
    require_memory(resident, &path.display().to_string())?;

    let hidden = number(&content, "llama.embedding_length");
    let cached = cached_bytes(&content, layers, hidden);
    let weights_bytes = fs::metadata(path).map(|file| file.len()).ok();
    let weights = ModelWeights::from_gguf(content, &mut file, &Device::Cpu)
        .map_err(|error| wrong(format!("the model cannot be built from it ({})", first_line(&error))))?;
    Ok(Model {
        network: Network::Quantized(Box::new(weights)),
        tokenizer: Some(tokenizer),
        end_tokens,
        // candle computes its table of positions for so many tokens and no more.
        context: declared.min(MAX_SEQ_LEN),
        vocabulary,
        precision: dtype.clone(),
        facts: ModelFacts {
            parameters: Some(parameters),
            non_embedding_parameters: Some(non_embedding_parameters),
            layers,
            hidden_size: hidden,
            // The cache is in single precision, whatever the weights are in.
            kv_bytes_per_token: cached,
            weight_bytes: weights_bytes,
            dtype: Some(dtype),
            revision: revision::of(&[path]).ok(),
        },
        warnings,
    })
}

/// Bytes that keys and values of a token need in single precision.
fn cached_bytes(content: &gguf_file::Content, layers: Option<u32>, hidden: Option<u32>) -> Option<u64> {
    let heads = number(content, "llama.attention.head_count")?;
    let shared = number(content, "llama.attention.head_count_kv").unwrap_or(heads);
    let width = u64::from(hidden?.checked_div(heads)?) * u64::from(shared);
    Some(2 * 4 * u64::from(layers?) * width)
}

fn text<'a>(content: &'a gguf_file::Content, key: &str) -> Option<&'a str> {
    content.metadata.get(key)?.to_string().ok().map(String::as_str)
}

fn number(content: &gguf_file::Content, key: &str) -> Option<u32> {
    content.metadata.get(key)?.to_u32().ok()
}

/// Parameters in all; the table of frequencies that some files carry is none.
fn parameters(content: &gguf_file::Content) -> u64 {
    let weights = content.tensor_infos.iter().filter(|(name, _)| name.as_str() != "rope_freqs.weight");
    weights.map(|(_, info)| info.shape.elem_count() as u64).sum()
}

/// The number format of most weights, as it is written in the names of such files: `q4_k`, `q8_0`, `f16`.
fn weight_format(content: &gguf_file::Content) -> String {
    let mut elements: HashMap<String, usize> = HashMap::new();
    for info in content.tensor_infos.values() {
        *elements.entry(format_name(info.ggml_dtype)).or_default() += info.shape.elem_count();
    }
    let most = elements.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0)));
    most.map_or_else(|| "unknown".into(), |(name, _)| name)
}

fn format_name(dtype: GgmlDType) -> String {
    let name = format!("{dtype:?}").to_ascii_lowercase();
    match name.strip_suffix('k') {
        Some(quantized) => format!("{quantized}_k"),
        None => name,
    }
}

/// What the file asks for and candle passes over.
fn warnings(content: &gguf_file::Content) -> Vec<String> {
    let scaled = content.tensor_infos.contains_key("rope_freqs.weight")
        || text(content, "llama.rope.scaling.type").is_some_and(|kind| kind != "none");
    let warning = "the file scales its positions for long contexts; candle does not, so the text may differ from that of \
                   other engines. The work is the same";
    scaled.then(|| warning.to_owned()).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_formats_are_named_as_in_file_names() {
        let names = [GgmlDType::Q4K, GgmlDType::Q8_0, GgmlDType::F16].map(format_name);
        assert_eq!(names, ["q4_k", "q8_0", "f16"]);
    }
}
