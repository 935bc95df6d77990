//! The prompts of a run as token ids, cut to the workload's limit and known to fit into the model.

mod seeded;
#[cfg(test)]
mod tests;

use lem_protocol::{Experiment, PromptSource, Workload, data};
use sha2::{Digest as _, Sha256};
use tokenizers::Tokenizer;

use crate::effective::{hex, update};
use crate::failure::Failure;
use crate::model::Model;
use crate::tokenizer::encode;

/// Prompts for models with a tokenizer, one a line, written for this project.
const BUILTIN: &str = include_str!("prompts/builtin.txt");

/// The prompts of one run.
#[derive(Debug)]
pub(crate) struct Prompts {
    /// Where they came from, in words.
    pub(crate) source: String,
    /// How many were longer than the limit and were cut.
    pub(crate) cut: usize,
    tokens: Vec<Vec<u32>>,
}

impl Prompts {
    /// Takes the prompts from their source and turns them into tokens. Fails when one does not fit into the model's
    /// context together with the output that is asked for.
    pub(crate) fn prepare(experiment: &Experiment, model: &Model) -> Result<Self, Failure> {
        let workload = &experiment.workload;
        let (source, tokens) = match (&workload.prompts, &model.tokenizer) {
            (PromptSource::Builtin, None) => (
                "seeded token ids".into(),
                seeded::prompts(experiment.seed, workload.sample_size, model.vocabulary),
            ),
            (PromptSource::Builtin, Some(tokenizer)) => {
                let texts = wanted(BUILTIN.lines().map(str::to_owned).collect(), workload);
                ("built-in prompts".into(), tokenize(tokenizer, &texts)?)
            }
            (PromptSource::File { path, column }, Some(tokenizer)) => {
                let texts = wanted(read(path, column.as_deref())?, workload);
                (format!("file {path}"), tokenize(tokenizer, &texts)?)
            }
            (PromptSource::File { path, .. }, None) => {
                return Err(Failure::unsupported(format!(
                    "{} has no tokenizer and cannot read the prompts of {path}; use the built-in prompts, or a model \
                     with a tokenizer",
                    experiment.model
                )));
            }
            (PromptSource::Dataset { name, .. }, _) => {
                return Err(Failure::unsupported(format!("the candle worker loads no datasets ({name})")));
            }
        };
        Self::fitted(source, tokens, workload, model)
    }

    fn fitted(
        source: String,
        mut tokens: Vec<Vec<u32>>,
        workload: &Workload,
        model: &Model,
    ) -> Result<Self, Failure> {
        let limit = workload.max_input_tokens as usize;
        let mut cut = 0;
        for prompt in &mut tokens {
            cut += usize::from(prompt.len() > limit);
            prompt.truncate(limit);
        }
        for (prompt, number) in tokens.iter().zip(1..) {
            check_prompt(prompt, number, workload, model)?;
        }
        if tokens.is_empty() {
            return Err(Failure::unsupported(format!("there is no prompt in {source}")));
        }
        Ok(Self { source, cut, tokens })
    }

    /// The prompt of request `index`; after the last, the first comes again.
    pub(crate) fn get(&self, index: u32) -> &[u32] {
        &self.tokens[index as usize % self.tokens.len()]
    }

    /// How many different prompts there are; at least one.
    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// SHA-256 of all token ids, in order.
    pub(crate) fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        self.tokens.iter().for_each(|prompt| update(&mut hash, prompt));
        hex(&hash.finalize())
    }
}

fn read(path: &str, column: Option<&str>) -> Result<Vec<String>, Failure> {
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::unsupported(format!("the prompts file {path} cannot be read: {error}")))?;
    Ok(data::prompts(path, bytes, column)?.into_iter().map(|prompt| prompt.text).collect())
}

/// As many of `texts` as there will be requests.
fn wanted(mut texts: Vec<String>, workload: &Workload) -> Vec<String> {
    texts.truncate(workload.sample_size as usize);
    texts
}

fn tokenize(tokenizer: &Tokenizer, texts: &[String]) -> Result<Vec<Vec<u32>>, Failure> {
    texts.iter().map(|text| encode(tokenizer, text)).collect()
}

fn check_prompt(prompt: &[u32], number: usize, workload: &Workload, model: &Model) -> Result<(), Failure> {
    if prompt.is_empty() {
        return Err(Failure::unsupported(format!("prompt {number} gives no tokens")));
    }
    let needed = prompt.len() + workload.max_output_tokens as usize;
    if needed > model.context {
        return Err(Failure::unsupported(format!(
            "prompt {number} has {} tokens and max_output_tokens is {}: together {needed}, and the model's context \
             holds {}; lower max_input_tokens or max_output_tokens",
            prompt.len(),
            workload.max_output_tokens,
            model.context
        )));
    }
    match prompt.iter().find(|&&token| token as usize >= model.vocabulary) {
        Some(token) => Err(Failure::model_not_found(format!(
            "the tokenizer gives token {token}, but the model knows {} tokens: they do not belong together",
            model.vocabulary
        ))),
        None => Ok(()),
    }
}
