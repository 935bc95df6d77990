//! From text to token ids, whole: what the workload may cut is cut by [`crate::prompts`], which counts it.

use std::path::Path;

use candle_core::quantized::{gguf_file, tokenizer::TokenizerFromGguf as _};
use tokenizers::Tokenizer;

use crate::failure::{Failure, first_line};

/// The tokenizer in a `tokenizer.json`.
pub(crate) fn from_file(path: &Path) -> Result<Tokenizer, Failure> {
    let tokenizer = Tokenizer::from_file(path)
        .map_err(|error| Failure::model_not_found(format!("{} cannot be read: {error}", path.display())))?;
    Ok(unlimited(tokenizer))
}

/// The tokenizer of a GGUF file: a `tokenizer.json` in its folder, else the one in the file.
pub(crate) fn of_gguf(content: &gguf_file::Content, path: &Path) -> Result<Tokenizer, Failure> {
    let beside = path.with_file_name("tokenizer.json");
    if beside.exists() {
        return from_file(&beside);
    }
    let tokenizer = Tokenizer::from_gguf(content).map_err(|error| {
        Failure::model_not_found(format!(
            "the tokenizer in {} cannot be used ({}); put the model's tokenizer.json beside the file",
            path.display(),
            first_line(&error)
        ))
    })?;
    Ok(unlimited(tokenizer))
}

/// The ids of `text`, with the special tokens that the model wants around a text.
pub(crate) fn encode(tokenizer: &Tokenizer, text: &str) -> Result<Vec<u32>, Failure> {
    let encoding = tokenizer
        .encode(text, true)
        .map_err(|error| Failure::engine(format!("a prompt cannot be tokenized: {error}")))?;
    Ok(encoding.get_ids().to_vec())
}

/// Without the padding and truncation that some files prescribe.
fn unlimited(mut tokenizer: Tokenizer) -> Tokenizer {
    tokenizer.with_padding(None);
    // Only a truncation can be refused, and there is none.
    let _ = tokenizer.with_truncation(None);
    tokenizer
}
