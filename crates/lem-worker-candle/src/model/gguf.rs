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

/// A table that some files carry; it is no parameter.
const ROPE_FREQUENCIES: &str = "rope_freqs.weight";

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
    let declared = number(&content, "llama.context_length").map_or(MAX_SEQ_LEN, |tokens| tokens as usize);
    let end_tokens = number(&content, "tokenizer.ggml.eos_token_id").into_iter().collect();
    let warnings = warnings(&content);
    let tokenizer = tokenizer::of_gguf(&content, path)?;
    // candle holds the weights as they are in the file, and the embeddings once more in single precision.
    let resident = fs::metadata(path).map_err(unreadable)?.len() + 4 * embeddings.shape.elem_count() as u64;
    require_memory(resident, &path.display().to_string())?;

    let facts = ModelFacts {
        weight_bytes: fs::metadata(path).map(|file| file.len()).ok(),
        dtype: Some(dtype.clone()),
        revision: revision::of(&[path]).ok(),
        ..facts(&content)
    };
    let weights = ModelWeights::from_gguf(content, &mut file, &Device::Cpu)
        .map_err(|error| wrong(format!("the model cannot be built from it ({})", first_line(&error))))?;
    Ok(Model {
        network: Network::Quantized(Box::new(weights)),
        tokenizer: Some(tokenizer),
        end_tokens,
        // candle computes its table of positions for so many tokens and no more.
        context: declared.min(MAX_SEQ_LEN),
        vocabulary,
        precision: dtype,
        facts,
        warnings,
    })
}

/// What the file says of its model.
fn facts(content: &gguf_file::Content) -> ModelFacts {
    let whole = elements(content, |name| name != ROPE_FREQUENCIES);
    // `output.weight` is there where the output has embeddings of its own.
    let embeddings = elements(content, |name| name == "token_embd.weight" || name == "output.weight");
    let (layers, hidden) = (number(content, "llama.block_count"), number(content, "llama.embedding_length"));
    let heads = number(content, "llama.attention.head_count");
    let head = hidden.zip(heads).and_then(|(hidden, heads)| hidden.checked_div(heads));
    let shared = number(content, "llama.attention.head_count_kv").or(heads);
    let kv_width = head.zip(shared).map(|(head, shared)| u64::from(head) * u64::from(shared));
    ModelFacts {
        parameters: Some(whole),
        non_embedding_parameters: Some(whole - embeddings),
        mixture_of_experts: Some(number(content, "llama.expert_count").unwrap_or(0) > 1),
        active_non_embedding_parameters: active(content, whole - embeddings),
        layers,
        attention_width: head.zip(heads).and_then(|(head, heads)| head.checked_mul(heads)),
        hidden_size: hidden,
        // Keys and values; the cache is in single precision, whatever the weights are in.
        kv_bytes_per_token: layers.zip(kv_width).map(|(layers, width)| 2 * 4 * u64::from(layers) * width),
        ..ModelFacts::default()
    }
}

/// Of `all` parameters of a mixture of experts, those that one token passes through. Experts are alike in size.
fn active(content: &gguf_file::Content, all: u64) -> Option<u64> {
    let experts = u64::from(number(content, "llama.expert_count").filter(|&experts| experts > 1)?);
    let used = u64::from(number(content, "llama.expert_used_count")?);
    let routed = elements(content, is_of_an_expert);
    (routed > 0 && routed.is_multiple_of(experts) && used <= experts)
        .then(|| all - routed + routed / experts * used)
}

/// Whether a tensor belongs to one expert, as `blk.0.ffn_up.7.weight` does.
fn is_of_an_expert(name: &str) -> bool {
    let parts: Vec<&str> = name.split('.').collect();
    matches!(parts[..], ["blk", _, "ffn_gate" | "ffn_up" | "ffn_down", expert, "weight"] if expert.parse::<u32>().is_ok())
}

/// The elements of all tensors whose name is `wanted`.
fn elements(content: &gguf_file::Content, wanted: impl Fn(&str) -> bool) -> u64 {
    let tensors = content.tensor_infos.iter().filter(|(name, _)| wanted(name));
    tensors.map(|(_, info)| info.shape.elem_count() as u64).sum()
}

fn text<'a>(content: &'a gguf_file::Content, key: &str) -> Option<&'a str> {
    content.metadata.get(key)?.to_string().ok().map(String::as_str)
}

fn number(content: &gguf_file::Content, key: &str) -> Option<u32> {
    content.metadata.get(key)?.to_u32().ok()
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
    let scaled = content.tensor_infos.contains_key(ROPE_FREQUENCIES)
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
