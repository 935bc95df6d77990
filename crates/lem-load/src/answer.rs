//! What a server says: the chunks of a streamed answer, its usage figures, and its errors in their many shapes.

use serde::Deserialize;
use serde_json::Value;

/// As much of a server's own message as is handed on, in characters.
const MAX_MESSAGE_CHARS: usize = 500;

/// One chunk of a streamed answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Chunk {
    /// Something of the answer.
    Part {
        /// There is text in it, of the answer or of the reasoning before it.
        text: bool,
        /// It has no text and only says whose turn it is; no token belongs to it.
        opening: bool,
        /// Why the answer ends, where it does with this chunk.
        finish: Option<String>,
        usage: Usage,
    },
    /// No part of the answer: usage figures alone, or nothing.
    Figures(Usage),
    /// The server gave up.
    Error(String),
}

/// Token counts as the server reports them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) input: Option<u32>,
    pub(crate) output: Option<u32>,
}

impl Usage {
    /// These figures, and those of `earlier` that they lack.
    pub(crate) fn or(self, earlier: Self) -> Self {
        Self { input: self.input.or(earlier.input), output: self.output.or(earlier.output) }
    }
}

#[derive(Debug, Deserialize)]
struct WireChunk {
    #[serde(default)]
    choices: Option<Vec<WireChoice>>,
    #[serde(default)]
    usage: Option<WireUsage>,
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    object: Option<String>,
}

#[derive(Debug, Deserialize)]
struct WireChoice {
    /// Of chat.
    #[serde(default)]
    delta: Option<WireDelta>,
    /// Of completions.
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct WireDelta {
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    content: Option<String>,
    /// Of reasoning models. Servers do not agree on its name, and vLLM sends the same text under both.
    #[serde(default)]
    reasoning: Option<String>,
    #[serde(default)]
    reasoning_content: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct WireUsage {
    #[serde(default)]
    prompt_tokens: Option<u32>,
    #[serde(default)]
    completion_tokens: Option<u32>,
}

impl WireChoice {
    fn has_text(&self) -> bool {
        let delta = self.delta.as_ref();
        let texts = [
            self.text.as_ref(),
            delta.and_then(|delta| delta.content.as_ref()),
            delta.and_then(|delta| delta.reasoning.as_ref()),
            delta.and_then(|delta| delta.reasoning_content.as_ref()),
        ];
        texts.into_iter().flatten().any(|text| !text.is_empty())
    }
}

/// The chunk that is the data of one event; the error says what is wrong with it.
pub(crate) fn parse(data: &str) -> Result<Chunk, String> {
    let chunk: WireChunk = serde_json::from_str(data)
        .map_err(|error| format!("a chunk is not as the API has it ({error}): {}", cut(data)))?;
    if chunk.error.is_some() || chunk.object.as_deref() == Some("error") {
        return Ok(Chunk::Error(message(data)));
    }
    let usage = chunk.usage.unwrap_or_default();
    let usage = Usage { input: usage.prompt_tokens, output: usage.completion_tokens };
    let choices = chunk.choices.unwrap_or_default();
    if choices.is_empty() {
        return Ok(Chunk::Figures(usage));
    }
    let text = choices.iter().any(WireChoice::has_text);
    // Some servers say "" for null.
    let mut reasons = choices.iter().filter_map(|choice| choice.finish_reason.clone());
    let finish = reasons.find(|reason| !reason.is_empty());
    let has_role =
        choices.iter().any(|choice| choice.delta.as_ref().is_some_and(|delta| delta.role.is_some()));
    Ok(Chunk::Part { text, opening: has_role && !text && finish.is_none(), finish, usage })
}

/// The message in the body of a refusal, or the body itself, cut to what one wants to read.
pub(crate) fn message(body: &str) -> String {
    let value: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    let found = ["/error/message", "/error", "/message", "/detail"]
        .into_iter()
        .find_map(|path| value.pointer(path).filter(|found| !found.is_null() && !found.is_object()));
    match found {
        Some(Value::String(text)) => cut(text),
        Some(other) => cut(&other.to_string()),
        None => cut(body),
    }
}

/// `text` on one line, and no longer than [`MAX_MESSAGE_CHARS`].
pub(crate) fn cut(text: &str) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let printable = one_line.chars().filter(|c| !c.is_control());
    let mut cut: String = printable.clone().take(MAX_MESSAGE_CHARS).collect();
    if printable.count() > MAX_MESSAGE_CHARS {
        cut.push('…');
    }
    if cut.is_empty() { "(no message)".into() } else { cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(text: bool, opening: bool, finish: Option<&str>) -> Chunk {
        Chunk::Part { text, opening, finish: finish.map(str::to_owned), usage: Usage::default() }
    }

    #[test]
    fn chunks_of_both_endpoints_are_told_apart() {
        let chat = |delta: &str| parse(&format!("{{\"choices\": [{{\"delta\": {delta}}}]}}")).unwrap();
        assert_eq!(chat(r#"{"role": "assistant", "content": ""}"#), part(false, true, None));
        assert_eq!(chat(r#"{"role": "assistant", "content": "Hi"}"#), part(true, false, None));
        assert_eq!(chat(r#"{"content": null, "reasoning_content": "so"}"#), part(true, false, None));
        assert_eq!(chat(r#"{"reasoning": "so"}"#), part(true, false, None));
        let both = r#"{"reasoning": "so", "reasoning_content": "so"}"#;
        assert_eq!(chat(both), part(true, false, None), "vLLM says it twice");
        assert_eq!(chat(r#"{"content": ""}"#), part(false, false, None));
        let completion = parse(r#"{"choices": [{"text": "Hi", "finish_reason": "length"}]}"#).unwrap();
        assert_eq!(completion, part(true, false, Some("length")));
    }

    #[test]
    fn an_empty_reason_to_end_is_none() {
        let chunk = parse(r#"{"choices": [{"text": "Hi", "finish_reason": ""}]}"#).unwrap();
        assert_eq!(chunk, part(true, false, None));
    }

    #[test]
    fn usage_comes_alone_or_with_a_part_or_is_null() {
        let usage = Usage { input: Some(7), output: Some(3) };
        let alone = r#"{"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}"#;
        assert_eq!(parse(alone), Ok(Chunk::Figures(usage)));
        let with = r#"{"choices": [{"delta": {}, "finish_reason": "stop"}],
                       "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}}"#;
        let stopped = Chunk::Part { text: false, opening: false, finish: Some("stop".into()), usage };
        assert_eq!(parse(with), Ok(stopped));
        assert_eq!(parse(r#"{"choices": [{"text": "x"}], "usage": null}"#).unwrap(), part(true, false, None));
    }

    #[test]
    fn errors_are_found_in_every_shape() {
        let error = |data: &str| match parse(data).unwrap() {
            Chunk::Error(message) => message,
            other => panic!("{other:?}"),
        };
        assert_eq!(error(r#"{"error": {"message": "too\nlong", "code": 400}}"#), "too long");
        assert_eq!(error(r#"{"error": "no such model"}"#), "no such model");
        assert_eq!(error(r#"{"object": "error", "message": "gone"}"#), "gone");
        assert_eq!(message(r#"{"detail": [{"loc": ["body"]}]}"#), r#"[{"loc":["body"]}]"#);
        assert_eq!(message("<html>Bad Gateway</html>"), "<html>Bad Gateway</html>");
        assert_eq!(message(""), "(no message)");
        assert_eq!(message(&"x".repeat(900)).chars().count(), MAX_MESSAGE_CHARS + 1);
    }

    #[test]
    fn a_chunk_that_is_none_is_quoted() {
        assert!(parse("<html>").unwrap_err().ends_with("<html>"));
        let negative = r#"{"choices": [], "usage": {"completion_tokens": -1}}"#;
        assert!(parse(negative).unwrap_err().contains("-1"));
    }
}
