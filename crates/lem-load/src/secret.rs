//! A text that is used and never shown.

use std::fmt;

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

    /// `text` without the secret, in case that a server repeats it.
    pub(crate) fn hidden_in(&self, text: &str) -> String {
        if self.0.len() < LEAST_HIDDEN { text.to_owned() } else { text.replace(&self.0, "***") }
    }
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
    fn a_secret_is_not_shown() {
        let secret = Secret::new("sk-4711-abc");
        assert_eq!(format!("{secret:?}"), "Secret(***)");
        assert_eq!(secret.hidden_in("wrong key sk-4711-abc!"), "wrong key ***!");
        assert_eq!(Secret::new("a").hidden_in("a key"), "a key", "a placeholder is no secret");
    }
}
