//! Collects what is found while a campaign is read, each finding once.
//!
//! A grid writes a key once and expands it into many experiments; the user shall see one message about it.

use std::collections::HashSet;

use crate::diagnostic::{Diagnostic, Severity};

/// The findings so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    list: Vec<Diagnostic>,
    seen: HashSet<String>,
}

impl Findings {
    /// Adds a finding, unless the same one is there already. A note is the same wherever it stands: it tells of
    /// something that this version does in general.
    pub(super) fn add(&mut self, finding: Diagnostic) {
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
