//! A text that is used and never shown.

use std::fmt;

use reqwest::Url;

use crate::Target;

/// Shorter ones are placeholders such as `EMPTY`, and would blot out ordinary words.
const LEAST_HIDDEN: usize = 6;

/// A secret such as an API key. `Debug` shows nothing of it, and it has no `Display`.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Keeps `secret`.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself, for the one header that carries it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// `text` without the secret, in case that a server repeats it. Where `text` was cut within the secret, the beginning
    /// of it is taken out too.
    pub(crate) fn hidden_in(&self, text: &str) -> String {
        if self.0.len() < LEAST_HIDDEN {
            return text.to_owned();
        }
        let beginnings = self.0.char_indices().rev().map(|(end, _)| &self.0[..end]);
        beginnings
            .take_while(|beginning| beginning.len() >= LEAST_HIDDEN)
            .fold(text.replace(&self.0, "***"), |text, beginning| {
                text.replace(&format!("{beginning}…"), "***…")
            })
    }
}

/// What identifies the caller to `target`: the API key, and the query of the address, as a whole and value by value.
pub(crate) fn secrets_of(target: &Target) -> Vec<Secret> {
    let url = Url::parse(&target.base_url).ok();
    let query = url.as_ref().and_then(Url::query).unwrap_or_default();
    let written =
        query.split('&').filter_map(|field| field.split_once('=')).map(|(_, value)| value.to_owned());
    let meant = url.iter().flat_map(Url::query_pairs).map(|(_, value)| value.into_owned());
    let texts = [query.to_owned()].into_iter().chain(written).chain(meant);
    target.api_key.iter().cloned().chain(texts.map(Secret::new)).collect()
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_of_an_address_is_as_secret_as_the_key() {
        let target = Target {
            base_url: "http://localhost/v1?token=caf%C3%A9-4711&v=1".into(),
            api: crate::Api::Chat,
            api_key: Some(Secret::new("sk-4711-abc")),
            ready_timeout: std::time::Duration::ZERO,
            served_since_ns: 0,
        };
        let said = "no /v1?token=caf%C3%A9-4711&v=1, no caf%C3%A9-4711, no café-4711, no sk-4711-abc";
        let hidden = secrets_of(&target).iter().fold(said.to_owned(), |text, secret| secret.hidden_in(&text));
        assert_eq!(hidden, "no /v1?***, no ***, no ***, no ***");
        assert!(!format!("{target:?}").contains("4711"));
    }

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Secret::new("sk-4711-abc");
        assert_eq!(format!("{secret:?}"), "Secret(***)");
        assert_eq!(secret.hidden_in("wrong key sk-4711-abc!"), "wrong key ***!");
        assert_eq!(secret.hidden_in("wrong key sk-4711-a…"), "wrong key ***…", "the message was cut");
        assert_eq!(Secret::new("a").hidden_in("a key"), "a key", "a placeholder is no secret");
    }
}
