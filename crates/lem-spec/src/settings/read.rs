//! From the text of `.lem-config.yaml` to settings and findings. Reading never fails: what cannot be used is replaced by
//! its default, field by field, and reported.

use super::value::accept;
use super::{Field, Kind, Settings, fields};
use crate::diagnostic::Diagnostic;
use crate::source::Source;
use crate::suggest::nearest;
use crate::yaml::{self, Entry, Node, NodeValue};

/// Longest piece of a value that a message repeats, in characters.
const SHOWN_CHARACTERS: usize = 80;

/// Reads the settings from the file's text; a missing file is the empty text. None of the findings is a reason to stop:
/// the settings returned are usable.
pub fn read(file_name: &str, text: &str) -> (Settings, Vec<Diagnostic>) {
    let mut settings = Settings::default();
    let root = match yaml::parse(text) {
        Ok(root) => root,
        Err(fault) => {
            let finding = Diagnostic::error("invalid_yaml", format!("not valid YAML: {}", fault.message))
                .with_hint("the defaults are in force until this is corrected")
                .in_file(file_name, fault.at);
            return (settings, vec![finding]);
        }
    };
    let mut findings = Vec::new();
    read_section(&root, "", &mut settings, &mut findings);
    for finding in &mut findings {
        finding.file = Some(file_name.to_owned());
    }
    (settings, findings)
}

fn read_section(section: &Node, name: &str, settings: &mut Settings, findings: &mut Vec<Diagnostic>) {
    if !matches!(section.value, NodeValue::Mapping(_) | NodeValue::Null) {
        findings.push(not_a_mapping(section, name));
    }
    for entry in section.entries() {
        let path = join(name, &entry.key);
        if let Some(field) = fields().iter().find(|field| field.path == path) {
            read_field(field, &entry.value, settings, findings);
        } else if name.is_empty() && is_section(&entry.key) {
            read_section(&entry.value, &entry.key, settings, findings);
        } else {
            findings.push(unknown_key(entry, name, &path));
        }
    }
}

fn read_field(field: &Field, node: &Node, settings: &mut Settings, findings: &mut Vec<Diagnostic>) {
    let source = Source::Settings { line: node.at.line };
    let put = accept(field, node).and_then(|value| settings.put(field.path, &value, source));
    if put.is_none() {
        findings.push(bad_value(field, node));
    }
}

fn bad_value(field: &Field, node: &Node) -> Diagnostic {
    let message = format!(
        "{} is {}, which is not {}; the default, {}, is in force",
        field.path,
        shown(node),
        field.range(),
        field.default
    );
    let finding = match field.kind {
        // Files in use have a placeholder here; all that is lost is a call that could not be made.
        Kind::Url => Diagnostic::warning("invalid_value", message),
        _ => Diagnostic::error("invalid_value", message),
    };
    let finding = Diagnostic { at: Some(node.at), ..finding.about(field.path) };
    match hint(field, node) {
        Some(hint) => finding.with_hint(hint),
        None => finding,
    }
}

fn hint(field: &Field, node: &Node) -> Option<String> {
    match (field.kind, &node.value) {
        (Kind::Choice(names), NodeValue::String(word)) => {
            nearest(word, names.iter().copied()).map(|name| format!("did you mean `{name}`?"))
        }
        (Kind::Backend | Kind::Folder, NodeValue::Int(_) | NodeValue::Float(_) | NodeValue::Bool(_)) => {
            Some("put it in quotes to make it text".to_owned())
        }
        _ => None,
    }
}

fn unknown_key(entry: &Entry, section: &str, path: &str) -> Diagnostic {
    let known = known_keys(section);
    let hint = match nearest(&entry.key, known.iter().copied()) {
        Some(key) => format!("did you mean `{}`?", join(section, key)),
        None => match elsewhere(&entry.key) {
            Some(path) => format!("did you mean `{path}`?"),
            None => format!("the keys known here are {}", known.join(", ")),
        },
    };
    let finding =
        Diagnostic::note("unknown_key", format!("{path} is not a setting; it is kept and has no effect"));
    Diagnostic { at: Some(entry.key_at), ..finding.about(path) }.with_hint(hint)
}

fn not_a_mapping(node: &Node, section: &str) -> Diagnostic {
    let what = if section.is_empty() { "the file" } else { section };
    let message = format!(
        "{what} holds {}, where a mapping of keys to values is expected; its defaults are in force",
        shown(node)
    );
    Diagnostic { at: Some(node.at), ..Diagnostic::error("not_a_mapping", message).about(section) }
}

/// The keys of a section, or of the file itself for the empty name; each once.
fn known_keys(section: &str) -> Vec<&'static str> {
    let mut keys = Vec::new();
    for field in fields() {
        let (of, key) = field.section_and_key();
        let key = match (of == section, section.is_empty()) {
            (true, _) => key,
            (false, true) => of,
            (false, false) => continue,
        };
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// The path of the one field with this very key in another section.
fn elsewhere(key: &str) -> Option<&'static str> {
    fields().iter().find(|field| field.section_and_key().1 == key).map(|field| field.path)
}

/// Fields at the top belong to no section: an empty key is none.
fn is_section(key: &str) -> bool {
    !key.is_empty() && fields().iter().any(|field| field.section_and_key().0 == key)
}

fn join(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

/// A value as a message repeats it.
fn shown(node: &Node) -> String {
    match &node.value {
        NodeValue::Bool(value) => value.to_string(),
        NodeValue::Int(value) => value.to_string(),
        NodeValue::Float(value) if value.is_finite() => value.to_string(),
        NodeValue::Float(_) => node.to_json().as_str().unwrap_or("not a number").to_owned(),
        NodeValue::String(text) if text.chars().count() > SHOWN_CHARACTERS => {
            format!("{:?}...", text.chars().take(SHOWN_CHARACTERS).collect::<String>())
        }
        NodeValue::String(text) => format!("{text:?}"),
        NodeValue::Null | NodeValue::Sequence(_) | NodeValue::Mapping(_) => node.kind_name().to_owned(),
    }
}
