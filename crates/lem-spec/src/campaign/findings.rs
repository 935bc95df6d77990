//! Collects what is found while a campaign is read, each finding once.
//!
//! A grid writes a key once and expands it into many experiments; the user shall see one message about it.

use std::collections::HashSet;

use crate::diagnostic::{Diagnostic, Severity};

/// Longer messages lose their middle, in characters: what they quote from a file may be of any length.
const LONGEST_MESSAGE: usize = 600;

/// The findings so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    list: Vec<Diagnostic>,
    seen: HashSet<String>,
}

impl Findings {
    /// Adds a finding, unless the same one is there already. A note is the same wherever it stands: it tells of
    /// something that this version does in general.
    pub(super) fn add(&mut self, mut finding: Diagnostic) {
        finding.message = shortened(finding.message);
        finding.hint = finding.hint.map(shortened);
        let identity = match finding.severity {
            Severity::Note => finding.message.clone(),
            Severity::Warning | Severity::Error => finding.to_string(),
        };
        if self.seen.insert(identity) {
            self.list.push(finding);
        }
    }

    /// All findings, those of one file together and in the order of its lines.
    pub(super) fn finish(self) -> Vec<Diagnostic> {
        let mut files: Vec<Option<String>> = Vec::new();
        let mut keyed: Vec<_> = self
            .list
            .into_iter()
            .map(|finding| {
                let file = files.iter().position(|file| *file == finding.file).unwrap_or_else(|| {
                    files.push(finding.file.clone());
                    files.len() - 1
                });
                ((file, finding.at), finding)
            })
            .collect();
        keyed.sort_by_key(|(key, _)| *key);
        keyed.into_iter().map(|(_, finding)| finding).collect()
    }
}

/// The text, or its beginning and its end with a mark between them.
fn shortened(text: String) -> String {
    let count = text.chars().count();
    if count <= LONGEST_MESSAGE {
        return text;
    }
    let (first, last) = (LONGEST_MESSAGE * 2 / 3, LONGEST_MESSAGE / 3);
    let start: String = text.chars().take(first).collect();
    let end: String = text.chars().skip(count - last).collect();
    format!("{start} [...] {end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_about_a_long_value_stays_readable() {
        let mut findings = Findings::default();
        let value = "\u{e9}".repeat(20_000);
        findings
            .add(Diagnostic::error("x", format!("`a` is {value}, but must be a number")).with_hint(&*value));
        let found = findings.finish().remove(0);
        assert!(
            found.message.starts_with("`a` is \u{e9}") && found.message.ends_with("but must be a number")
        );
        assert!(found.to_string().chars().count() < 1300, "{found}");
    }
}
