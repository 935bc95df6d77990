//! A compose file as a tree in which every key and value knows its line, through anchors, merge keys and `extends`.
//!
//! Scalars stay text: a compose field has one type whatever the spelling (`"2"`, `2`, `${N:-2}`), so the field decides.
//! Deliberately absent: tags (`!reset`, `!override`), several documents in one file, and keys that are not scalars; each
//! is an error with its line.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};

use super::error::At;

/// Deepest nesting that is read; a compose file needs about eight levels.
const MAX_DEPTH: usize = 64;

/// How many nodes a file may have, aliases expanded; a few lines of nested aliases could otherwise fill the memory.
const MAX_NODES: usize = 200_000;

/// Longest file that is read, in bytes.
const MAX_BYTES: usize = 4 << 20;

/// A value and where it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) at: At,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// `null`, `~` or nothing.
    Null,
    Scalar(Scalar),
    Sequence(Vec<Node>),
    /// In the order written; each key occurs once.
    Mapping(Vec<Entry>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scalar {
    pub(super) text: String,
    /// Whether it was written without quotes.
    pub(super) plain: bool,
    /// Whether a variable that sounds like a secret was put into it.
    pub(super) secret: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) at: At,
    pub(super) value: Node,
}

/// The text is not one sound YAML document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntaxFault {
    pub(super) line: u32,
    pub(super) problem: String,
}

impl Node {
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// Text as it would be written without quotes, placed at `at`.
    pub(super) fn text(text: impl Into<String>, at: At) -> Self {
        let scalar = Scalar { text: text.into(), plain: true, secret: false };
        Self { value: Value::Scalar(scalar), at }
    }

    /// What kind of value this is, for messages.
    pub(super) fn kind_name(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Scalar(_) => "a single value",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }
}

/// Reads one YAML document, whose nodes are placed in `source`; an empty text is [`Value::Null`].
pub(super) fn parse(text: &str, source: usize) -> Result<Node, SyntaxFault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > MAX_BYTES {
        return Err(fault(
            1,
            format!("the file is larger than {} MiB; a compose file is not", MAX_BYTES >> 20),
        ));
    }
    if let Some(end) = text.find('\0') {
        let line = u32::try_from(text[..end].matches('\n').count() + 1).unwrap_or(u32::MAX);
        return Err(fault(line, "the file holds a NUL character; it is not text"));
    }
    let mut builder =
        Builder { parser: Parser::new_from_str(text), source, anchors: HashMap::new(), nodes: 0 };
    builder.document()
}

struct Builder<'a> {
    parser: Parser<'a, StrInput<'a>>,
    source: usize,
    /// Finished anchors by their number; one that is missing is still being read.
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<(Event<'a>, At), SyntaxFault> {
        let at = |line: usize| At { source: self.source, line: u32::try_from(line).unwrap_or(u32::MAX) };
        match self.parser.next_event() {
            Some(Ok((event, Span { start, .. }))) => Ok((event, at(start.line()))),
            Some(Err(error)) => {
                Err(fault(at(error.marker().line()).line, format!("not sound YAML: {}", error.info())))
            }
            None => Ok((Event::StreamEnd, at(1))),
        }
    }

    fn document(&mut self) -> Result<Node, SyntaxFault> {
        let mut root: Option<Node> = None;
        loop {
            let (event, at) = self.next()?;
            match event {
                Event::StreamEnd => {
                    let empty = Node { value: Value::Null, at: At { source: self.source, line: 1 } };
                    return Ok(root.unwrap_or(empty));
                }
                Event::DocumentStart(_) if root.is_some() => {
                    return Err(fault(
                        at.line,
                        "a second document starts here; a compose file is one document",
                    ));
                }
                Event::DocumentStart(_) => {
                    let (event, at) = self.next()?;
                    root = Some(self.node(event, at, 0)?);
                }
                _ => {}
            }
        }
    }

    fn node(&mut self, event: Event<'a>, at: At, depth: usize) -> Result<Node, SyntaxFault> {
        if depth > MAX_DEPTH {
            return Err(fault(at.line, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.count(1, at)?;
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (scalar(&text, style, tag.as_deref()).map_err(|problem| fault(at.line, problem))?, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                collection_tag(tag.as_deref(), "seq").map_err(|problem| fault(at.line, problem))?;
                (self.sequence(depth)?, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                collection_tag(tag.as_deref(), "map").map_err(|problem| fault(at.line, problem))?;
                (self.mapping(depth)?, anchor)
            }
            Event::Alias(anchor) => return self.alias(anchor, at, depth),
            _ => return Err(fault(at.line, "a value is expected here")),
        };
        let node = Node { value, at };
        if anchor != 0 {
            self.count(size(&node).0, at)?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn alias(&mut self, anchor: usize, at: At, depth: usize) -> Result<Node, SyntaxFault> {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            return Err(fault(at.line, "this alias stands inside the value that it names"));
        };
        let (nodes, height) = size(&node);
        if depth + height > MAX_DEPTH {
            return Err(fault(at.line, format!("nested deeper than {MAX_DEPTH} levels through this alias")));
        }
        self.count(nodes, at)?;
        Ok(node)
    }

    fn count(&mut self, nodes: usize, at: At) -> Result<(), SyntaxFault> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            return Err(fault(
                at.line,
                format!("the file holds more than {MAX_NODES} values, aliases expanded"),
            ));
        }
        Ok(())
    }

    fn sequence(&mut self, depth: usize) -> Result<Value, SyntaxFault> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::Sequence(items)),
                (event, at) => items.push(self.node(event, at, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Value, SyntaxFault> {
        let mut own: Vec<Entry> = Vec::new();
        let mut merged = Vec::new();
        let mut seen: HashMap<String, u32> = HashMap::new();
        loop {
            let (event, at) = self.next()?;
            let key = match &event {
                Event::MappingEnd => return Ok(Value::Mapping(with_merged(own, merged))),
                Event::Scalar(text, ..) => text.clone().into_owned(),
                _ => return Err(fault(at.line, "a key must be a word, not a list, a mapping or an alias")),
            };
            if let Event::Scalar(_, _, anchor, _) = event
                && anchor != 0
            {
                self.anchors.insert(anchor, Node::text(&key, at));
            }
            let is_merge = matches!(&event, Event::Scalar(_, ScalarStyle::Plain, ..) if key == "<<");
            if !is_merge && let Some(first) = seen.insert(key.clone(), at.line) {
                return Err(fault(
                    at.line,
                    format!("`{key}` is set twice; first in line {first}; remove one"),
                ));
            }
            let (event, value_at) = self.next()?;
            let value = self.node(event, value_at, depth + 1)?;
            if is_merge {
                merged.extend(merge_sources(value)?);
            } else {
                own.push(Entry { key, at, value });
            }
        }
    }
}

/// Number of nodes, and levels below this one.
fn size(node: &Node) -> (usize, usize) {
    let sum = |(nodes, height): (usize, usize), child: &Node| {
        let (more, level) = size(child);
        (nodes + more, height.max(level + 1))
    };
    match &node.value {
        Value::Sequence(items) => items.iter().fold((1, 0), sum),
        Value::Mapping(entries) => entries.iter().map(|entry| &entry.value).fold((1, 0), sum),
        _ => (1, 0),
    }
}

/// The entries that `<<` brings; of several sources the earlier wins (<https://yaml.org/type/merge.html>).
fn merge_sources(value: Node) -> Result<Vec<Entry>, SyntaxFault> {
    let line = value.at.line;
    let sources = match value.value {
        Value::Mapping(entries) => return Ok(entries),
        Value::Sequence(sources) => sources,
        _ => return Err(fault(line, "`<<` takes a mapping, or a list of mappings")),
    };
    let mut entries = Vec::new();
    for source in sources {
        match source.value {
            Value::Mapping(more) => entries.extend(more),
            _ => return Err(fault(source.at.line, "`<<` takes a mapping, or a list of mappings")),
        }
    }
    Ok(entries)
}

/// A mapping's own key wins over a merged one.
fn with_merged(mut own: Vec<Entry>, merged: Vec<Entry>) -> Vec<Entry> {
    for entry in merged {
        if own.iter().all(|present| present.key != entry.key) {
            own.push(entry);
        }
    }
    own
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    let plain = style == ScalarStyle::Plain;
    let is_null = plain && matches!(text, "" | "~" | "null" | "Null" | "NULL");
    match tag {
        None if is_null => Ok(Value::Null),
        Some(tag) if !tag.is_yaml_core_schema() => Err(foreign_tag(tag)),
        _ => Ok(Value::Scalar(Scalar { text: text.to_owned(), plain, secret: false })),
    }
}

fn collection_tag(tag: Option<&Tag>, expected: &str) -> Result<(), String> {
    match tag {
        Some(tag) if !(tag.is_yaml_core_schema() && tag.suffix == expected) => Err(foreign_tag(tag)),
        _ => Ok(()),
    }
}

fn foreign_tag(tag: &Tag) -> String {
    format!("the tag `{tag}` is not supported; write out what it stands for")
}

fn fault(line: u32, problem: impl Into<String>) -> SyntaxFault {
    SyntaxFault { line, problem: problem.into() }
}

#[cfg(test)]
mod tests;
