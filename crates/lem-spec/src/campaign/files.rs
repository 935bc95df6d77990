//! Config files and what they extend.
//!
//! Reading itself is the caller's: `read` gets a path relative to the campaign file's folder. Paths are put in order by
//! their text alone (`a/../b` is `b`); links are not followed here.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::findings::Findings;
use super::tree::Tree;
use crate::diagnostic::Diagnostic;
use crate::yaml::{Position, parse};

/// The start of a file, for findings about the whole of it.
const START: Position = Position { line: 1, column: 1 };
/// Files that extend each other in a longer row than this are a mistake.
const MAX_EXTENDS: usize = 32;

/// The campaign file and the way to read its neighbours.
pub(super) struct Files<'a> {
    /// The campaign file, as the user named it.
    pub(super) campaign: Arc<str>,
    /// Reads a file relative to the campaign file's folder; an error is a reason for people.
    pub(super) read: &'a dyn Fn(&str) -> Result<String, String>,
}

impl Files<'_> {
    /// The settings in a config file, on top of those of the files it extends. `asked` is where the file is named.
    pub(super) fn load(&self, path: &str, asked: &Tree, findings: &mut Findings) -> Option<Tree> {
        self.load_chained(&join("", path), asked, &mut Vec::new(), findings)
    }

    /// Puts `tree` on top of the file that its `_extends` names, if it has one; the file is relative to the
    /// campaign file's folder.
    pub(super) fn extend(&self, tree: Tree, findings: &mut Findings) -> Option<Tree> {
        self.extend_chained(tree, "", &mut Vec::new(), findings)
    }

    fn load_chained(
        &self,
        path: &str,
        asked: &Tree,
        chain: &mut Vec<String>,
        findings: &mut Findings,
    ) -> Option<Tree> {
        let problem = if chain.iter().any(|earlier| earlier == path) || chain.len() >= MAX_EXTENDS {
            chain.push(path.to_owned());
            let message = format!("`_extends` goes round in a circle: {}", chain.join(" -> "));
            Some(Diagnostic::error("extends_cycle", message).with_hint("remove one `_extends`"))
        } else if !is_config(path) {
            let message =
                format!("{path:?} is not a config file: its name ends neither in .yaml, .yml nor .json");
            Some(Diagnostic::error("file_kind", message))
        } else {
            None
        };
        if let Some(problem) = problem {
            findings.add(asked.mark(problem));
            return None;
        }
        let text = match (self.read)(path) {
            Ok(text) => text,
            Err(reason) => {
                let message = format!("cannot read the config file {path:?}: {reason}");
                let hint = "paths are relative to the folder of the file that names them";
                findings.add(asked.mark(Diagnostic::error("file_unreadable", message).with_hint(hint)));
                return None;
            }
        };
        chain.push(path.to_owned());
        let tree = self.parse_config(path, &text, findings)?;
        let folder = folder_of(path);
        self.extend_chained(tree, &folder, chain, findings)
    }

    fn parse_config(&self, path: &str, text: &str, findings: &mut Findings) -> Option<Tree> {
        let file: Arc<str> = self.beside(path).into();
        match parse(text) {
            Err(error) => {
                let problem = Diagnostic::error("not_yaml", format!("not valid YAML: {}", error.message));
                findings.add(problem.in_file(&file, error.at));
                None
            }
            Ok(node) => {
                let tree = Tree::from_node(&node, &file, START);
                if tree.section().is_none() {
                    let message =
                        format!("a config file must be a mapping of keys, this is {}", tree.kind_name());
                    findings.add(tree.mark(Diagnostic::error("wrong_type", message)));
                    return None;
                }
                Some(split_dotted(&tree))
            }
        }
    }

    fn extend_chained(
        &self,
        mut tree: Tree,
        folder: &str,
        chain: &mut Vec<String>,
        findings: &mut Findings,
    ) -> Option<Tree> {
        let Some(base) = tree.take("_extends").filter(|base| !base.is_null()) else {
            return Some(tree);
        };
        let Some(name) = base.as_str() else {
            let message = format!("`_extends` is {}, but must be the name of one file", base.kind_name());
            findings.add(base.mark(Diagnostic::error("wrong_type", message).about("_extends")));
            return None;
        };
        let mut merged = self.load_chained(&join(folder, name), &base, chain, findings)?;
        let (file, key_at, at) = (Arc::clone(&tree.file), tree.key_at, tree.at);
        merged.merge(tree);
        Some(Tree { file, key_at, at, ..merged })
    }

    /// A path beside the campaign file, as the user would name it from where the campaign file was named.
    pub(super) fn beside(&self, path: &str) -> String {
        join(&folder_of(&self.campaign), path)
    }
}

/// Makes sections of dotted keys at the top: `decoder.top_k: 5` says the same as `decoder: {top_k: 5}`.
pub(super) fn split_dotted(tree: &Tree) -> Tree {
    let mut whole = Tree::empty(&tree.file, tree.at);
    for (key, value) in tree.section().into_iter().flatten() {
        whole.set(&key.split('.').collect::<Vec<_>>(), value.clone());
    }
    whole
}

/// The name of a file without folder and ending.
pub(super) fn stem(path: &str) -> Option<String> {
    Path::new(path).file_stem().and_then(|stem| stem.to_str()).map(str::to_owned)
}

fn is_config(path: &str) -> bool {
    let ending = Path::new(path).extension().and_then(|ending| ending.to_str()).map(str::to_lowercase);
    matches!(ending.as_deref(), Some("yaml" | "yml" | "json"))
}

fn folder_of(path: &str) -> String {
    Path::new(path).parent().and_then(Path::to_str).unwrap_or("").to_owned()
}

fn join(folder: &str, path: &str) -> String {
    let mut whole = PathBuf::new();
    for component in Path::new(folder).join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(whole.components().next_back(), Some(Component::Normal(_))) => {
                whole.pop();
            }
            other => whole.push(other),
        }
    }
    whole.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn paths_are_put_in_order_by_their_text() {
        for (folder, path, whole) in [
            ("", "a.yaml", "a.yaml"),
            ("configs", "./b.yaml", "configs/b.yaml"),
            ("configs/x", "../b.yaml", "configs/b.yaml"),
            ("configs", "../../b.yaml", "../b.yaml"),
            ("..", "../b.yaml", "../../b.yaml"),
            ("configs", "/abs/b.yaml", "/abs/b.yaml"),
        ] {
            assert_eq!(join(folder, path), whole, "{folder} + {path}");
        }
    }
}
