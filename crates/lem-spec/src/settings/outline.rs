//! Where the pieces of a YAML text stand, in bytes: what an edit needs beside the values.
//!
//! Only for texts that `yaml::parse` accepts: nesting is bounded there, and syntax errors are reported there.

use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput};

/// What ends a line in YAML, alone or as a pair.
const LINE_ENDS: [char; 2] = ['\n', '\r'];

/// The pieces of a document.
#[derive(Debug)]
pub(super) struct Outline {
    /// The document's value.
    pub root: Piece,
    /// Where a line after the document's last one would start.
    pub end: usize,
}

/// A value as it is written.
#[derive(Debug)]
pub(super) struct Piece {
    /// How it is written.
    pub form: Form,
    /// Its bytes, without anchor and tag; of a mapping or a list only the start.
    pub span: Range<usize>,
    /// Its own entries, for mappings with plain or quoted keys.
    pub entries: Vec<PieceEntry>,
}

/// A key and its value as they are written.
#[derive(Debug)]
pub(super) struct PieceEntry {
    /// The key's text.
    pub key: String,
    /// The key's bytes, quotes included.
    pub key_span: Range<usize>,
    /// The value.
    pub value: Piece,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Empty,
    Plain,
    SingleQuoted,
    DoubleQuoted,
    /// Text after `|` or `>`.
    Block,
    Alias,
    FlowMapping,
    BlockMapping,
    Sequence,
}

/// The outline of a text; `None` if it is not YAML.
pub(super) fn outline(text: &str) -> Option<Outline> {
    let content = text.strip_prefix('\u{feff}').unwrap_or(text);
    let shift = text.len() - content.len();
    let mut offsets: Vec<usize> = content.char_indices().map(|(offset, _)| offset + shift).collect();
    offsets.push(text.len());
    let mut reader = Reader { text, offsets, parser: Parser::new_from_str(content) };
    let mut outline = Outline {
        root: Piece { form: Form::Empty, span: shift..shift, entries: Vec::new() },
        end: text.len(),
    };
    loop {
        match reader.next()? {
            (Event::DocumentStart(_), _) => {
                let (event, span) = reader.next()?;
                outline.root = reader.piece(&event, span)?;
            }
            // `...` has a span; the end of the text has none.
            (Event::DocumentEnd, span) if !span.is_empty() => outline.end = span.start,
            (Event::StreamEnd, _) => return Some(outline),
            _ => {}
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    /// The byte of each character, and the text's length.
    offsets: Vec<usize>,
    parser: Parser<'a, StrInput<'a>>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<(Event<'a>, Range<usize>)> {
        let (event, Span { start, end }) = self.parser.next_event()?.ok()?;
        let byte = |index: usize| self.offsets.get(index).copied().unwrap_or(self.text.len());
        let start = byte(start.index());
        Some((event, start..byte(end.index()).max(start)))
    }

    fn piece(&mut self, event: &Event<'a>, span: Range<usize>) -> Option<Piece> {
        let mut entries = Vec::new();
        let (form, span) = match event {
            Event::Scalar(text, style, ..) => scalar_extent(self.text, span, *style, text),
            Event::Alias(_) => (Form::Alias, span),
            Event::SequenceStart(..) => {
                while let (event, span) = self.next()?
                    && event != Event::SequenceEnd
                {
                    self.piece(&event, span)?;
                }
                (Form::Sequence, span)
            }
            Event::MappingStart(..) => {
                self.entries(&mut entries)?;
                let start = skip_properties(self.text, span.start);
                let flow = self.text[start..].starts_with('{');
                (if flow { Form::FlowMapping } else { Form::BlockMapping }, start..start)
            }
            _ => return None,
        };
        Some(Piece { form, span, entries })
    }

    /// Reads a mapping's entries, its end included.
    fn entries(&mut self, entries: &mut Vec<PieceEntry>) -> Option<()> {
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Some(());
            }
            let key = self.piece(&event, span)?;
            let (value_event, value_span) = self.next()?;
            let value = self.piece(&value_event, value_span)?;
            if let Event::Scalar(text, ..) = event {
                entries.push(PieceEntry { key: text.into_owned(), key_span: key.span, value });
            }
        }
    }
}

/// A scalar's own bytes: the parser's span starts at its anchor or tag, and may go on into a comment after a quote.
fn scalar_extent(text: &str, span: Range<usize>, style: ScalarStyle, value: &str) -> (Form, Range<usize>) {
    let start = skip_properties(text, span.start);
    match style {
        ScalarStyle::Plain if value.is_empty() => (Form::Empty, span.start..span.start),
        ScalarStyle::Plain => (Form::Plain, start..span.end),
        ScalarStyle::SingleQuoted => (Form::SingleQuoted, start..quote_end(text, start, '\'')),
        ScalarStyle::DoubleQuoted => (Form::DoubleQuoted, start..quote_end(text, start, '"')),
        ScalarStyle::Literal | ScalarStyle::Folded => (Form::Block, span),
    }
}

/// Where a value starts after its `&anchor` and `!tag`.
fn skip_properties(text: &str, start: usize) -> usize {
    let mut rest = &text[start..];
    while rest.starts_with(['&', '!']) {
        let Some(end) = rest.find(char::is_whitespace) else {
            break;
        };
        rest = rest[end..].trim_start();
    }
    text.len() - rest.len()
}

/// Where the quoted text that starts at `start` ends, its closing quote included.
fn quote_end(text: &str, start: usize, quote: char) -> usize {
    let mut characters = text[start..].char_indices().skip(1).peekable();
    while let Some((offset, character)) = characters.next() {
        if character == '\\' && quote == '"' {
            characters.next();
        } else if character == quote {
            if quote == '\'' && characters.peek().is_some_and(|(_, next)| *next == quote) {
                characters.next();
            } else {
                return start + offset + quote.len_utf8();
            }
        }
    }
    text.len()
}

/// The number of the line that byte `at` is in, from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Where the line that byte `at` is in starts, after a byte order mark.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    match text[..at].rfind(LINE_ENDS) {
        Some(newline) => newline + 1,
        None if text[..at].starts_with('\u{feff}') => '\u{feff}'.len_utf8(),
        None => 0,
    }
}

/// Where the line that byte `at` is in ends, before its line ending.
pub(super) fn line_end_after(text: &str, at: usize) -> usize {
    let end = text[at..].find(LINE_ENDS).map_or(text.len(), |length| at + length);
    // `at` itself may be between the two of a pair.
    let in_pair = text[end..].starts_with('\n') && text[..end].ends_with('\r');
    if in_pair { end - 1 } else { end }
}
