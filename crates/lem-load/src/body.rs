//! The body of a request: what the campaign asks for, in the words of the OpenAI API.
//!
//! `top_k`, `repetition_penalty`, `min_tokens` and `ignore_eos` are not in OpenAI's own API. They are sent only where
//! they ask for something, because servers without them refuse unknown fields.

use lem_protocol::{Decoding, Experiment};
use serde_json::{Map, Value, json};

use crate::Api;
use crate::settings::Settings;

/// What all requests of a run have in common.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    api: Api,
    system_prompt: Option<String>,
    fields: Map<String, Value>,
    extra: Map<String, Value>,
}

impl Template {
    /// The template of a run on `model`, as the server calls it.
    pub(crate) fn new(api: Api, model: &str, experiment: &Experiment, settings: &Settings) -> Self {
        let workload = &experiment.workload;
        let mut fields = Map::new();
        fields.insert("model".into(), model.into());
        fields.insert("stream".into(), true.into());
        fields.insert("stream_options".into(), json!({ "include_usage": true }));
        fields.insert("max_tokens".into(), workload.max_output_tokens.into());
        if workload.min_output_tokens > 0 {
            fields.insert("min_tokens".into(), workload.min_output_tokens.into());
        }
        if workload.min_output_tokens == workload.max_output_tokens {
            fields.insert("ignore_eos".into(), true.into());
        }
        fields.insert("seed".into(), experiment.seed.into());
        add_decoding(&mut fields, &experiment.decoding);
        Self {
            api,
            system_prompt: settings.system_prompt.clone(),
            fields,
            extra: settings.extra_body.clone(),
        }
    }

    /// The same, but that the server is not asked for usage figures.
    pub(crate) fn without_stream_options(&self) -> Self {
        let mut other = self.clone();
        other.fields.remove("stream_options");
        other
    }

    /// The same, but for at most `most` tokens: to learn something of the server at little cost.
    pub(crate) fn limited_to(&self, most: u32) -> Self {
        let mut other = self.clone();
        let least = |value: &Value| {
            value.as_u64().map_or(most, |given| given.min(most.into()).try_into().unwrap_or(most))
        };
        for name in ["max_tokens", "min_tokens"] {
            if let Some(value) = other.fields.get_mut(name) {
                *value = least(value).into();
            }
            if let Some(value) = other.extra.get_mut(name) {
                *value = least(value).into();
            }
        }
        other
    }

    /// The body that asks with `prompt`.
    pub(crate) fn body(&self, prompt: &str) -> Vec<u8> {
        let mut fields = self.fields.clone();
        let (name, asked) = self.question(prompt);
        fields.insert(name.into(), asked);
        fields.extend(self.extra.clone());
        Value::Object(fields).to_string().into_bytes()
    }

    /// The model by which the server is asked.
    pub(crate) fn model(&self) -> &str {
        self.fields.get("model").and_then(Value::as_str).unwrap_or_default()
    }

    /// The field that carries `prompt`, and its value.
    pub(crate) fn question(&self, prompt: &str) -> (&'static str, Value) {
        match self.api {
            Api::Completions => ("prompt", prompt.into()),
            Api::Chat => {
                let system =
                    self.system_prompt.iter().map(|text| json!({ "role": "system", "content": text }));
                let user = json!({ "role": "user", "content": prompt });
                ("messages", system.chain([user]).collect())
            }
        }
    }

    /// What is sent beside model and prompt, for the record.
    pub(crate) fn sent(&self) -> Map<String, Value> {
        let mut sent = self.fields.clone();
        sent.extend(self.extra.clone());
        if let (Api::Chat, Some(text)) = (self.api, &self.system_prompt) {
            sent.insert("system_prompt".into(), text.as_str().into());
        }
        sent.remove("model");
        sent
    }
}

/// Whether the most probable token is always taken; a temperature of 0 means the same.
fn is_greedy(decoding: &Decoding) -> bool {
    !decoding.do_sample || decoding.temperature <= 0.0
}

#[expect(clippy::float_cmp, reason = "1 is the value that means no penalty, not one that was computed")]
fn add_decoding(fields: &mut Map<String, Value>, decoding: &Decoding) {
    let greedy = is_greedy(decoding);
    fields.insert("temperature".into(), json!(if greedy { 0.0 } else { decoding.temperature }));
    fields.insert("top_p".into(), json!(if greedy { 1.0 } else { decoding.top_p }));
    if decoding.top_k > 0 && !greedy {
        fields.insert("top_k".into(), decoding.top_k.into());
    }
    if decoding.repetition_penalty != 1.0 {
        fields.insert("repetition_penalty".into(), json!(decoding.repetition_penalty));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::experiment;

    fn body(api: Api, change: impl FnOnce(&mut Experiment)) -> Value {
        let mut experiment = experiment();
        change(&mut experiment);
        let settings = Settings::of(&experiment).unwrap();
        serde_json::from_slice(&Template::new(api, "tiny", &experiment, &settings).body("Hi?")).unwrap()
    }

    #[test]
    fn a_plain_request_has_no_field_that_openai_does_not_know() {
        let plain = json!({
            "model": "tiny", "messages": [{"role": "user", "content": "Hi?"}], "stream": true,
            "stream_options": {"include_usage": true}, "max_tokens": 4, "seed": 0, "temperature": 1.0, "top_p": 1.0,
        });
        assert_eq!(body(Api::Chat, |_| ()), plain);
    }

    #[test]
    fn what_a_campaign_asks_for_is_sent() {
        let asked = body(Api::Completions, |e| {
            e.decoding = Decoding {
                temperature: 0.5,
                top_k: 40,
                top_p: 0.9,
                repetition_penalty: 1.1,
                do_sample: true,
            };
            e.workload.min_output_tokens = 2;
            e.seed = 7;
        });
        let expected = json!({
            "model": "tiny", "prompt": "Hi?", "stream": true, "stream_options": {"include_usage": true},
            "max_tokens": 4, "min_tokens": 2, "seed": 7, "temperature": 0.5, "top_p": 0.9, "top_k": 40,
            "repetition_penalty": 1.1,
        });
        assert_eq!(asked, expected);
    }

    #[test]
    fn an_exact_length_ignores_the_end_token_and_greedy_is_temperature_0() {
        let asked = body(Api::Chat, |e| {
            e.workload.min_output_tokens = 4;
            e.decoding.do_sample = false;
        });
        assert_eq!((&asked["min_tokens"], &asked["ignore_eos"]), (&json!(4), &json!(true)));
        assert_eq!((&asked["temperature"], asked.get("top_k")), (&json!(0.0), None));
    }

    #[test]
    fn options_come_last_and_a_system_prompt_first() {
        let asked = body(Api::Chat, |e| {
            e.options.insert("extra_body".into(), json!({"seed": 9, "guided_json": {"a": 1}}));
            e.options.insert("system_prompt".into(), json!("Be brief."));
        });
        assert_eq!((&asked["seed"], &asked["guided_json"]["a"]), (&json!(9), &json!(1)));
        assert_eq!(asked["messages"][0], json!({"role": "system", "content": "Be brief."}));
    }
}
