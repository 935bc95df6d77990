//! The prompts of a run as texts. The server turns them into tokens, so that none can be cut to a number of tokens.

#[cfg(test)]
mod tests;

use lem_protocol::data::{self, Prompt};
use lem_protocol::{PromptOrder, PromptSource, Workload};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::failure::Failure;

/// Prompts written for this project, with a category each; the same as the Python workers have.
const BUILTIN: &str = include_str!("../../../workers/lem_worker/data/prompts.jsonl");

/// The stream of random numbers that shuffles; see `traffic` for the other one.
const STREAM: u64 = 1;

/// The prompts of one run; at least one.
#[derive(Debug)]
pub(crate) struct Prompts {
    /// Where they came from and what was done to them, for the record.
    pub(crate) facts: Value,
    /// What a reader of the results should know.
    pub(crate) warning: Option<String>,
    texts: Vec<String>,
}

impl Prompts {
    /// Takes the prompts of `workload` from their source, as many as it has requests at most. Blocking.
    pub(crate) fn read(workload: &Workload, seed: u64) -> Result<Self, Failure> {
        let (source, mut prompts) = match &workload.prompts {
            PromptSource::Builtin => (
                "built-in prompts".to_owned(),
                data::prompts("prompts.jsonl", BUILTIN.into(), Some("prompt"))?,
            ),
            PromptSource::File { path, column } => {
                (format!("file {path}"), data::prompts(path, read(path, "prompts file")?, column.as_deref())?)
            }
            PromptSource::Dataset { name, .. } => {
                return Err(Failure::unsupported(format!(
                    "a server is asked with prompts of a file, and not of a dataset ({name})"
                )));
            }
        };
        if prompts.is_empty() {
            return Err(Failure::unsupported(format!("there is no prompt in {source}")));
        }
        prompts.truncate(workload.sample_size as usize);
        let groups = prompts.iter().any(|prompt| prompt.group.is_some());
        let warning = (workload.order == PromptOrder::Grouped && !groups)
            .then(|| format!("{source} does not say what its prompts belong to; their order is kept"));
        // The same prompts in another order: an order that changed which prompts are taken would not be comparable.
        arrange(&mut prompts, workload.order, seed);
        let texts: Vec<String> = prompts.into_iter().map(|prompt| prompt.text).collect();
        let mut facts = json!({
            "source": source,
            "order": order_name(workload.order),
            "distinct": texts.len(),
            "sha256": sha256_of(&texts),
        });
        if workload.prompts == PromptSource::Builtin {
            facts["file_sha256"] = hex(&Sha256::digest(BUILTIN.as_bytes())).into();
        }
        Ok(Self { facts, warning, texts })
    }

    /// Which prompt the request at `position` of the sequence asks; after the last, the first comes again.
    pub(crate) fn index(&self, position: u64) -> usize {
        let count = self.texts.len() as u64;
        usize::try_from(position % count).unwrap_or(0)
    }

    pub(crate) fn text(&self, index: usize) -> &str {
        &self.texts[index]
    }

    /// How many different ones there are; at least one.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }
}

/// The bytes of the file at `path`, which is called `what` in messages.
pub(crate) fn read(path: &str, what: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(path)
        .map_err(|error| Failure::unsupported(format!("the {what} {path} cannot be read: {error}")))
}

fn arrange(prompts: &mut Vec<Prompt>, order: PromptOrder, seed: u64) {
    match order {
        PromptOrder::Interleaved => {}
        PromptOrder::Grouped => prompts.sort_by(|a, b| a.group.cmp(&b.group)),
        PromptOrder::Shuffled => {
            // Written out: what a library calls shuffling may change with its releases.
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            random.set_stream(STREAM);
            let mut keyed: Vec<(u64, Prompt)> =
                prompts.drain(..).map(|prompt| (random.next_u64(), prompt)).collect();
            keyed.sort_by_key(|(key, _)| *key);
            prompts.extend(keyed.into_iter().map(|(_, prompt)| prompt));
        }
    }
}

fn order_name(order: PromptOrder) -> &'static str {
    match order {
        PromptOrder::Interleaved => "interleaved",
        PromptOrder::Grouped => "grouped",
        PromptOrder::Shuffled => "shuffled",
    }
}

/// SHA-256 over the prompts, as every worker computes it: of each, the length in bytes as 64 bits, little-endian, and
/// the text in UTF-8.
fn sha256_of(texts: &[String]) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    hex(&hash.finalize())
}

/// `bytes` in hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
