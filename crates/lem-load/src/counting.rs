//! How many tokens a prompt has. The server holds the tokenizer, so it is asked: its usage figures say it with every
//! answer; where it sends none, its endpoint for tokenizing is tried before the measurement.

use serde_json::{Value, json};

use crate::Api;
use crate::answer::Usage;
use crate::body::Template;
use crate::probe::small;
use crate::prompts::Prompts;
use crate::server::Server;

/// Endpoints for tokenizing: of vLLM and llama.cpp, and of llama-cpp-python.
const ENDPOINTS: [&[&str]; 2] = [&["tokenize"], &["extras", "tokenize", "count"]];

/// The token counts of a run.
#[derive(Debug)]
pub(crate) struct Counting {
    /// The server reports the tokens of its answers.
    pub(crate) counts_output: bool,
    /// The server reports the tokens of prompts.
    pub(crate) counts_input: bool,
    /// Input tokens of each prompt, where they are known.
    inputs: Vec<Option<u32>>,
    /// Where they come from when the server does not report them, in words.
    source: Option<String>,
}

impl Counting {
    /// Finds out how tokens are counted, after a probe that was answered with `usage`.
    pub(crate) async fn new(
        server: &Server,
        api: Api,
        template: &Template,
        prompts: &Prompts,
        usage: Usage,
    ) -> Self {
        let mut counting = Self {
            counts_output: usage.output.is_some(),
            counts_input: usage.input.is_some(),
            inputs: vec![None; prompts.len()],
            source: None,
        };
        if !counting.counts_input
            && let Some((inputs, source)) = tokenized(server, api, template, prompts).await
        {
            counting.inputs = inputs;
            counting.source = Some(source);
        }
        counting
    }

    /// Input tokens of the prompt at `index`, and what the server reports of them.
    pub(crate) fn input(&mut self, index: usize, usage: Usage) -> Option<u32> {
        if usage.input.is_some() {
            self.inputs[index] = usage.input;
        }
        self.inputs[index]
    }

    /// Asks the server for the input tokens of the prompt at `index`, with a small request. For after the measurement.
    pub(crate) async fn learn(
        &mut self,
        index: usize,
        server: &Server,
        api: Api,
        template: &Template,
        prompts: &Prompts,
    ) -> Option<u32> {
        if self.inputs[index].is_none() && self.counts_input {
            let answer = small(server, api, template, prompts.text(index)).await;
            self.inputs[index] = answer.ok().and_then(|usage| usage.input);
        }
        self.inputs[index]
    }

    /// How tokens are counted, for the record.
    pub(crate) fn described(&self) -> Value {
        let figures = "usage figures of the server";
        let output = if self.counts_output { figures } else { "chunks with text" };
        let input = if self.counts_input { figures } else { self.source.as_deref().unwrap_or("not known") };
        json!({ "output": output, "input": input })
    }

    /// What a reader of the results should know.
    pub(crate) fn warning(&self) -> Option<String> {
        let inputs = match (&self.source, self.counts_input) {
            (_, true) => None,
            (Some(source), _) => Some(format!("input tokens are from {source}")),
            (None, _) => Some("input tokens are not known and stand as 0".to_owned()),
        };
        let output =
            (!self.counts_output).then(|| "chunks stand for tokens, in counts and in gaps".to_owned());
        let missing = match (self.counts_output, self.counts_input) {
            (true, _) => "counts of input tokens",
            (false, true) => "counts of output tokens",
            (false, false) => "token counts",
        };
        let said: Vec<String> = output.into_iter().chain(inputs).collect();
        (!said.is_empty()).then(|| format!("the server reports no {missing}; {}", said.join(", and ")))
    }
}

/// The token counts of all prompts by the first endpoint that gives them, and where they are from.
async fn tokenized(
    server: &Server,
    api: Api,
    template: &Template,
    prompts: &Prompts,
) -> Option<(Vec<Option<u32>>, String)> {
    for path in ENDPOINTS {
        let mut inputs = Vec::with_capacity(prompts.len());
        let mut templated = true;
        for index in 0..prompts.len() {
            let (name, asked) = template.question(prompts.text(index));
            let text = prompts.text(index);
            let mut body =
                json!({ "model": template.model(), "content": text, "input": text, "add_special": true });
            body[name] = asked;
            let Ok(answer) = server.post_to_root(path, &body).await else { break };
            let Some((count, with_template)) = count_in(&answer) else { break };
            templated &= with_template && path.len() == 1;
            inputs.push(Some(count));
        }
        if inputs.len() == prompts.len() {
            let without = if api == Api::Chat && !templated { ", without the chat template" } else { "" };
            return Some((inputs, format!("POST /{}{without}", path.join("/"))));
        }
    }
    None
}

/// The number of tokens in an answer, and whether it is of a server that applies its chat template.
fn count_in(answer: &Value) -> Option<(u32, bool)> {
    let count = answer.get("count").and_then(Value::as_u64);
    let listed = || answer.get("tokens").and_then(Value::as_array).map(|tokens| tokens.len() as u64);
    let tokens = count.or_else(listed)?;
    Some((u32::try_from(tokens).ok()?, count.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_does_not_count_is_named_and_no_more() {
        let warning = |counts_output, counts_input| {
            Counting { counts_output, counts_input, inputs: Vec::new(), source: None }.warning()
        };
        assert_eq!(warning(true, true), None);
        assert!(
            warning(true, false).unwrap().starts_with("the server reports no counts of input tokens; input")
        );
        assert!(
            warning(false, true)
                .unwrap()
                .starts_with("the server reports no counts of output tokens; chunks")
        );
        assert!(warning(false, false).unwrap().starts_with("the server reports no token counts; chunks"));
    }
}
