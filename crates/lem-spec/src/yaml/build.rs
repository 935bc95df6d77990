//! From the parser's events to the tree: aliases, merge keys, duplicate keys, and the bounds that keep a hostile file harmless.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::{Entry, Node, NodeValue, Position, SyntaxError, scalar};

/// Deepest nesting that is read, aliases expanded; no file of ours needs ten levels.
pub const MAX_DEPTH: usize = 64;

/// Longest text that is read, in bytes: a campaign that lists 100,000 experiments fits.
pub const MAX_SOURCE_BYTES: usize = 16 << 20;

/// How much anchors and aliases may copy, in bytes; a few lines of nested aliases could otherwise fill the memory.
const MAX_COPIED_BYTES: usize = 16 << 20;

/// What one node costs beside its text, for [`MAX_COPIED_BYTES`].
const NODE_BYTES: usize = size_of::<Entry>();

/// Reads one YAML document; an empty text is [`NodeValue::Null`].
pub fn parse(source: &str) -> Result<Node, SyntaxError> {
    let text = source.strip_prefix('\u{feff}').unwrap_or(source);
    check_text(text)?;
    let mut builder = Builder { parser: Parser::new_from_str(text), anchors: HashMap::new(), copied: 0 };
    let root = match builder.next_document()? {
        Some(()) => builder.root()?,
        None => {
            return Ok(Node { value: NodeValue::Null, at: Position { line: 1, column: 1 } });
        }
    };
    Ok(root)
}

/// Refuses what the parser would misread: it takes NUL for the end of the text, and YAML forbids control characters.
fn check_text(text: &str) -> Result<(), SyntaxError> {
    let start = Position { line: 1, column: 1 };
    if text.len() > MAX_SOURCE_BYTES {
        return Err(error(start, format!("the file is larger than {} MiB", MAX_SOURCE_BYTES >> 20)));
    }
    let mut at = start;
    for character in text.chars() {
        if character.is_control() && !matches!(character, '\t' | '\n' | '\r' | '\u{85}') {
            let code = u32::from(character);
            return Err(error(
                at,
                format!("control character U+{code:04X} is not allowed in YAML; remove it"),
            ));
        }
        if character == '\n' {
            at = Position { line: at.line + 1, column: 1 };
        } else {
            at.column += 1;
        }
    }
    Ok(())
}

struct Builder<'a> {
    parser: Parser<'a, StrInput<'a>>,
    /// Finished anchors by their number; one that is missing is still being read.
    anchors: HashMap<usize, Anchored>,
    /// Bytes copied for anchors and aliases so far.
    copied: usize,
}

#[derive(Clone)]
struct Anchored {
    node: Node,
    bytes: usize,
    height: usize,
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Position), SyntaxError> {
        match self.parser.next_event() {
            Some(Ok((event, Span { start, .. }))) => Ok((event, position(start))),
            Some(Err(fault)) => Err(scan_error(&fault)),
            None => Ok((Event::StreamEnd, Position { line: 1, column: 1 })),
        }
    }

    /// Moves to the content of the next document; `None` at the end of the text.
    fn next_document(&mut self) -> Result<Option<()>, SyntaxError> {
        loop {
            match self.next()? {
                (Event::DocumentStart(_), _) => return Ok(Some(())),
                (Event::StreamEnd, _) => return Ok(None),
                _ => {}
            }
        }
    }

    fn root(&mut self) -> Result<Node, SyntaxError> {
        let (event, at) = self.next()?;
        let node = self.node(event, at, 0)?;
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(node),
                (Event::DocumentStart(_), at) => {
                    return Err(error(at, "a second document starts here; write one document per file"));
                }
                _ => {}
            }
        }
    }

    fn node(&mut self, event: Event<'a>, at: Position, depth: usize) -> Result<Node, SyntaxError> {
        if depth > MAX_DEPTH {
            return Err(error(at, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (scalar_value(&text, style, tag.as_deref(), at)?, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                check_collection_tag(tag.as_deref(), "seq", at)?;
                (self.sequence(depth)?, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                check_collection_tag(tag.as_deref(), "map", at)?;
                (self.mapping(depth)?, anchor)
            }
            Event::Alias(anchor) => return self.alias(anchor, at, depth),
            _ => return Err(error(at, "a value is expected here")),
        };
        let node = Node { value, at };
        if anchor != 0 {
            self.keep_anchor(anchor, &node)?;
        }
        Ok(node)
    }

    fn sequence(&mut self, depth: usize) -> Result<NodeValue, SyntaxError> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(NodeValue::Sequence(items)),
                (event, at) => items.push(self.node(event, at, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<NodeValue, SyntaxError> {
        let mut own: Vec<Entry> = Vec::new();
        let mut seen: HashMap<String, Position> = HashMap::new();
        let mut merged = Vec::new();
        loop {
            let (event, key_at) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(NodeValue::Mapping(with_merged(own, merged)));
            }
            let merge = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<");
            let key = self.key(event, key_at)?;
            if let Some(first) = seen.insert(key.clone(), key_at) {
                return Err(error(
                    key_at,
                    format!("duplicate key `{key}`; it is first set in line {}", first.line),
                ));
            }
            let (event, at) = self.next()?;
            let value = self.node(event, at, depth + 1)?;
            if merge {
                merged = merge_sources(value, at)?;
            } else {
                own.push(Entry { key, key_at, value });
            }
        }
    }

    fn key(&mut self, event: Event<'a>, at: Position) -> Result<String, SyntaxError> {
        match event {
            Event::Scalar(text, _, anchor, _) => {
                if anchor != 0 {
                    let value = NodeValue::String(text.to_string());
                    self.keep_anchor(anchor, &Node { value, at })?;
                }
                Ok(text.into_owned())
            }
            _ => Err(error(at, "a key must be a plain word or text, not a list, a mapping or an alias")),
        }
    }

    fn keep_anchor(&mut self, anchor: usize, node: &Node) -> Result<(), SyntaxError> {
        let (bytes, height) = extent(node);
        self.pay(bytes, node.at)?;
        self.anchors.insert(anchor, Anchored { node: node.clone(), bytes, height });
        Ok(())
    }

    fn alias(&mut self, anchor: usize, at: Position, depth: usize) -> Result<Node, SyntaxError> {
        let Some(Anchored { bytes, height, .. }) = self.anchors.get(&anchor) else {
            return Err(error(at, "this alias stands inside the value that it names"));
        };
        let (bytes, height) = (*bytes, *height);
        if depth + height > MAX_DEPTH {
            return Err(error(at, format!("nested deeper than {MAX_DEPTH} levels through this alias")));
        }
        self.pay(bytes, at)?;
        Ok(self.anchors[&anchor].node.clone())
    }

    fn pay(&mut self, bytes: usize, at: Position) -> Result<(), SyntaxError> {
        self.copied = self.copied.saturating_add(bytes);
        if self.copied > MAX_COPIED_BYTES {
            let limit = MAX_COPIED_BYTES >> 20;
            return Err(error(at, format!("anchors and aliases expand to more than {limit} MiB")));
        }
        Ok(())
    }
}

/// Bytes and levels of a tree.
fn extent(node: &Node) -> (usize, usize) {
    let sum = |(bytes, height): (usize, usize), (more, level): (usize, usize)| {
        (bytes + more, height.max(level + 1))
    };
    match &node.value {
        NodeValue::String(text) => (NODE_BYTES + text.len(), 0),
        NodeValue::Sequence(items) => items.iter().map(extent).fold((NODE_BYTES, 0), sum),
        NodeValue::Mapping(entries) => entries
            .iter()
            .map(|entry| {
                let (bytes, height) = extent(&entry.value);
                (bytes + entry.key.len(), height)
            })
            .fold((NODE_BYTES, 0), sum),
        _ => (NODE_BYTES, 0),
    }
}

/// The entries that a `<<` brings, an earlier source before a later one (<https://yaml.org/type/merge.html>).
fn merge_sources(value: Node, at: Position) -> Result<Vec<Entry>, SyntaxError> {
    let sources = match value.value {
        NodeValue::Mapping(entries) => return Ok(entries),
        NodeValue::Sequence(items) => items,
        _ => return Err(error(at, "`<<` takes a mapping, or a list of mappings")),
    };
    let mut entries = Vec::new();
    for source in sources {
        match source.value {
            NodeValue::Mapping(more) => entries.extend(more),
            _ => return Err(error(at, "`<<` takes a mapping, or a list of mappings")),
        }
    }
    Ok(entries)
}

/// Merged keys first, as `PyYAML` orders them; a mapping's own key wins over a merged one and takes its place.
fn with_merged(own: Vec<Entry>, merged: Vec<Entry>) -> Vec<Entry> {
    if merged.is_empty() {
        return own;
    }
    let mut place: HashMap<String, usize> = HashMap::new();
    let mut entries: Vec<Entry> = Vec::new();
    for entry in merged {
        if !place.contains_key(&entry.key) {
            place.insert(entry.key.clone(), entries.len());
            entries.push(entry);
        }
    }
    for entry in own {
        match place.get(&entry.key) {
            Some(&index) => entries[index] = entry,
            None => entries.push(entry),
        }
    }
    entries
}

fn scalar_value(
    text: &str,
    style: ScalarStyle,
    tag: Option<&Tag>,
    at: Position,
) -> Result<NodeValue, SyntaxError> {
    let Some(tag) = tag else {
        return Ok(match style {
            ScalarStyle::Plain => scalar::plain(text),
            _ => NodeValue::String(text.to_owned()),
        });
    };
    let suffix = if tag.is_yaml_core_schema() { tag.suffix.as_str() } else { "" };
    let value = scalar::plain(text);
    match (suffix, value) {
        ("str", _) => Ok(NodeValue::String(text.to_owned())),
        ("null", NodeValue::Null) => Ok(NodeValue::Null),
        ("int", NodeValue::Int(value)) => Ok(NodeValue::Int(value)),
        ("float", NodeValue::Float(value)) => Ok(NodeValue::Float(value)),
        #[expect(clippy::cast_precision_loss, reason = "the file asks for a float")]
        ("float", NodeValue::Int(value)) => Ok(NodeValue::Float(value as f64)),
        ("bool", value) => match scalar::boolean_word(text) {
            Some(value) => Ok(NodeValue::Bool(value)),
            None => Err(bad_tag(tag, &Node { value, at })),
        },
        (_, value) => Err(bad_tag(tag, &Node { value, at })),
    }
}

fn check_collection_tag(tag: Option<&Tag>, expected: &str, at: Position) -> Result<(), SyntaxError> {
    match tag {
        Some(tag) if !(tag.is_yaml_core_schema() && tag.suffix == expected) => {
            Err(error(at, format!("tag {} is not supported here; remove it", tag_name(tag))))
        }
        _ => Ok(()),
    }
}

fn bad_tag(tag: &Tag, node: &Node) -> SyntaxError {
    error(node.at, format!("tag {} does not fit {}; remove it", tag_name(tag), node.kind_name()))
}

fn tag_name(tag: &Tag) -> String {
    if tag.is_yaml_core_schema() { format!("!!{}", tag.suffix) } else { tag.to_string() }
}

fn scan_error(fault: &ScanError) -> SyntaxError {
    error(position(*fault.marker()), fault.info().to_owned())
}

/// The parser counts lines from 1 and columns from 0.
fn position(marker: Marker) -> Position {
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    Position { line: number(marker.line()), column: number(marker.col() + 1) }
}

fn error(at: Position, message: impl Into<String>) -> SyntaxError {
    SyntaxError { at, message: message.into() }
}
