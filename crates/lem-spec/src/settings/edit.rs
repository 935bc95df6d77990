//! Changing one setting in the text of a settings file, and nothing else in it.
//!
//! An edit is one splice: bytes of the old text are replaced or inserted at one place, so comments, order, quoting, line
//! endings, unknown keys and a byte order mark cannot be touched. The result is read again and compared with the old
//! text; a splice that changed anything but its own field is refused, never returned.

use std::ops::Range;

use super::outline::{Form, Outline, Piece, PieceEntry, line_end_after, line_of, line_start, outline};
use super::spelling::written;
use super::value::{accept, accept_word};
use super::{Field, Value, field, fields};
use crate::suggest::nearest;
use crate::yaml::{self, Node};

/// A setting could not be changed; the text stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// There is no such setting.
    #[error("{path} is not a setting; {hint}")]
    UnknownField {
        /// The path that was asked for.
        path: String,
        /// The path that was probably meant, or how to list them.
        hint: String,
    },
    /// The value is out of the setting's range.
    #[error("{value:?} is not a value for {path}: it must be {range}")]
    BadValue {
        /// The setting.
        path: &'static str,
        /// What was given.
        value: String,
        /// What it takes.
        range: String,
    },
    /// The file is not valid YAML, so that nobody knows what a change to it would mean.
    #[error("the settings file is not valid YAML ({0}); correct it first")]
    Syntax(#[from] yaml::SyntaxError),
    /// The file is written in a way that does not allow the change without touching something else.
    #[error("{path} cannot be changed without touching something else: {reason}; edit line {line} by hand")]
    Refused {
        /// The setting.
        path: &'static str,
        /// Where it stands, or would stand; from 1.
        line: usize,
        /// What is in the way.
        reason: &'static str,
    },
}

/// Bytes of the old text and what takes their place.
struct Splice {
    at: Range<usize>,
    text: String,
}

/// The text with the setting at `path` changed to `value`, a plain word such as `60`, `true`, `null` or a URL.
///
/// A setting that already has the value is left as it is written.
pub fn set(text: &str, path: &str, value: &str) -> Result<String, EditError> {
    let field = find_field(path)?;
    let value = accept_word(field, value).ok_or_else(|| EditError::BadValue {
        path: field.path,
        value: value.to_owned(),
        range: field.range(),
    })?;
    let old = yaml::parse(text)?;
    if old.path(path).and_then(|node| accept(field, node)).as_ref() == Some(&value) {
        return Ok(text.to_owned());
    }
    let edit = Edit::new(text, field)?;
    edit.apply(&old, edit.setting(&value)?, Some(&value))
}

/// The text without the setting at `path`, which is then at its default; a text that does not have it stays as it is.
pub fn unset(text: &str, path: &str) -> Result<String, EditError> {
    let field = find_field(path)?;
    let old = yaml::parse(text)?;
    if old.path(path).is_none() {
        return Ok(text.to_owned());
    }
    let edit = Edit::new(text, field)?;
    edit.apply(&old, edit.removing()?, None)
}

fn find_field(path: &str) -> Result<&'static Field, EditError> {
    field(path).ok_or_else(|| EditError::UnknownField {
        path: path.to_owned(),
        hint: match nearest(path, fields().iter().map(|field| field.path)) {
            Some(known) => format!("did you mean `{known}`?"),
            None => "`lem config show` lists them".to_owned(),
        },
    })
}

/// One change to one text.
struct Edit<'a> {
    text: &'a str,
    field: &'static Field,
    outline: Outline,
    line_end: &'static str,
}

impl<'a> Edit<'a> {
    fn new(text: &'a str, field: &'static Field) -> Result<Self, EditError> {
        let line_end = match text.find('\n') {
            Some(at) if text[..at].ends_with('\r') => "\r\n",
            _ => "\n",
        };
        let Some(outline) = outline(text) else {
            return Err(EditError::Refused {
                path: field.path,
                line: 1,
                reason: "the file cannot be outlined",
            });
        };
        Ok(Self { text, field, outline, line_end })
    }

    /// The change that gives the field this value.
    fn setting(&self, value: &Value) -> Result<Splice, EditError> {
        let (section, key) = self.field.section_and_key();
        let root = &self.outline.root;
        if section.is_empty() {
            return match find(root, key) {
                Some(entry) => self.replacing(entry, value),
                None => self.adding_to_root(&format!("{key}: {}", written(value, Form::Plain))),
            };
        }
        match find(root, section) {
            Some(header) => match find(&header.value, key) {
                Some(entry) => self.replacing(entry, value),
                None => self.adding_to_section(header, key, value),
            },
            None if root.form == Form::FlowMapping => {
                self.adding_to_root(&format!("{section}: {{{key}: {}}}", written(value, Form::Plain)))
            }
            None => {
                let indent = format!("{}{}", self.root_indent(), self.indent_step());
                let value = written(value, Form::Plain);
                self.adding_to_root(&format!("{section}:{}{indent}{key}: {value}", self.line_end))
            }
        }
    }

    fn replacing(&self, entry: &PieceEntry, value: &Value) -> Result<Splice, EditError> {
        let Piece { form, span, .. } = &entry.value;
        match form {
            Form::Empty => Ok(self.after_colon(entry, &written(value, Form::Plain))),
            Form::Plain | Form::SingleQuoted | Form::DoubleQuoted | Form::Alias => {
                Ok(Splice { at: span.clone(), text: written(value, *form) })
            }
            Form::Block => Err(self.refused(entry, "its value is a block of text after `|` or `>`")),
            Form::FlowMapping | Form::BlockMapping => Err(self.refused(entry, "it holds a mapping")),
            Form::Sequence => Err(self.refused(entry, "it holds a list")),
        }
    }

    /// A key for a section that is there: the line below its header, or the first place between its braces.
    fn adding_to_section(&self, header: &PieceEntry, key: &str, value: &Value) -> Result<Splice, EditError> {
        let section = &header.value;
        let line = format!("{key}: {}", written(value, Form::Plain));
        let indent = match section.form {
            Form::FlowMapping => return Ok(in_braces(section, &line)),
            Form::Empty if self.outline.root.form == Form::FlowMapping => {
                return Ok(self.after_colon(header, &format!("{{{line}}}")));
            }
            Form::Empty => format!("{}{}", self.root_indent(), self.indent_step()),
            Form::BlockMapping => self.indent_of(section).to_owned(),
            Form::Alias => return Err(self.refused(header, "its section is an alias of another one")),
            _ => return Err(self.refused(header, "its section does not hold a mapping")),
        };
        let at = line_end_after(self.text, header.key_span.end);
        Ok(Splice { at: at..at, text: format!("{}{indent}{line}", self.line_end) })
    }

    /// Lines for the end of the document, or an entry for the braces that are the document.
    fn adding_to_root(&self, lines: &str) -> Result<Splice, EditError> {
        let root = &self.outline.root;
        match root.form {
            Form::FlowMapping => return Ok(in_braces(root, lines)),
            Form::Empty | Form::BlockMapping => {}
            _ => {
                let line = line_of(self.text, root.span.start);
                let reason = "the file does not hold a mapping";
                return Err(EditError::Refused { path: self.field.path, line, reason });
            }
        }
        let end = self.outline.end;
        let before = &self.text[..end];
        let indent = self.root_indent();
        let starts_a_line = before.is_empty() || before == "\u{feff}" || before.ends_with('\n');
        let text = if starts_a_line {
            format!("{indent}{lines}{}", self.line_end)
        } else {
            format!("{}{indent}{lines}", self.line_end)
        };
        Ok(Splice { at: end..end, text })
    }

    /// The change that takes the field's line out.
    fn removing(&self) -> Result<Splice, EditError> {
        let (section, key) = self.field.section_and_key();
        let root = &self.outline.root;
        let header = find(root, section);
        let holder = if section.is_empty() { Some(root) } else { header.map(|header| &header.value) };
        let Some((holder, entry)) = holder.and_then(|holder| Some((holder, find(holder, key)?))) else {
            let line = header.map_or(1, |header| line_of(self.text, header.key_span.start));
            let reason = "it is brought by an alias or a `<<`";
            return Err(EditError::Refused { path: self.field.path, line, reason });
        };
        let value_end = entry.value.span.end.max(entry.key_span.end);
        let start = line_start(self.text, entry.key_span.start);
        if holder.form == Form::FlowMapping {
            return Err(self.refused(entry, "it stands between braces"));
        }
        if self.text[entry.key_span.start..value_end].contains('\n') {
            return Err(self.refused(entry, "its value goes over several lines"));
        }
        let end = line_end_after(self.text, value_end);
        let rest = &self.text[end..];
        let after = match rest.strip_prefix('\r').unwrap_or(rest).strip_prefix('\n') {
            Some(next_lines) => self.text.len() - next_lines.len(),
            None => end,
        };
        let at = if after == end && self.text[..start].ends_with('\n') {
            line_end_after(self.text, start - 1)..end
        } else {
            start..after
        };
        Ok(Splice { at, text: String::new() })
    }

    /// Makes the change, and proves that the field now has the value and that nothing else is different.
    fn apply(&self, old: &Node, splice: Splice, value: Option<&Value>) -> Result<String, EditError> {
        let Splice { at, text: inserted } = splice;
        let refused =
            |reason| EditError::Refused { path: self.field.path, line: line_of(self.text, at.start), reason };
        let result = format!("{}{inserted}{}", &self.text[..at.start], &self.text[at.end..]);
        let Ok(new) = yaml::parse(&result) else {
            return Err(refused("the result would not be valid YAML"));
        };
        let read_back = new.path(self.field.path).map(|node| accept(self.field, node));
        let as_asked = match (&read_back, value) {
            (Some(Some(read)), Some(value)) => read == value,
            (None, None) => true,
            _ => false,
        };
        if !as_asked {
            return Err(refused("the new value would not be read back"));
        }
        if without(old, self.field) != without(&new, self.field) {
            return Err(refused("another value would change with it"));
        }
        Ok(result)
    }

    fn refused(&self, entry: &PieceEntry, reason: &'static str) -> EditError {
        EditError::Refused { path: self.field.path, line: line_of(self.text, entry.key_span.start), reason }
    }

    /// A value for a key that has none.
    fn after_colon(&self, entry: &PieceEntry, value: &str) -> Splice {
        let rest = &self.text[entry.key_span.end..];
        let gap = rest.len() - rest.trim_start().len();
        let (at, text) = if rest[gap..].starts_with(':') {
            (entry.key_span.end + gap + 1, format!(" {value}"))
        } else {
            (entry.key_span.end, format!(": {value}"))
        };
        Splice { at: at..at, text }
    }

    /// What stands before the first key of a block mapping, in its line.
    fn indent_of(&self, mapping: &Piece) -> &'a str {
        match mapping.entries.first() {
            Some(first) => &self.text[line_start(self.text, first.key_span.start)..first.key_span.start],
            None => "",
        }
    }

    fn root_indent(&self) -> &'a str {
        if self.outline.root.form == Form::BlockMapping { self.indent_of(&self.outline.root) } else { "" }
    }

    /// The step from a section's header to its keys that the file uses; two spaces if it has none.
    fn indent_step(&self) -> &'a str {
        let sections = self.outline.root.entries.iter().map(|entry| &entry.value);
        let mut indents =
            sections.filter(|value| value.form == Form::BlockMapping).map(|value| self.indent_of(value));
        indents
            .find_map(|indent| indent.strip_prefix(self.root_indent()))
            .filter(|step| !step.is_empty())
            .unwrap_or("  ")
    }
}

fn find<'p>(mapping: &'p Piece, key: &str) -> Option<&'p PieceEntry> {
    mapping.entries.iter().find(|entry| entry.key == key)
}

/// An entry as the first one between the braces of a flow mapping.
fn in_braces(mapping: &Piece, entry: &str) -> Splice {
    let (at, text) = match mapping.entries.first() {
        Some(first) => (first.key_span.start, format!("{entry}, ")),
        None => (mapping.span.start + 1, entry.to_owned()),
    };
    Splice { at: at..at, text }
}

/// The file's data without the field, and without a section that would then be empty.
fn without(root: &Node, field: &Field) -> serde_json::Value {
    let mut data = root.to_json();
    let (section, key) = field.section_and_key();
    if let Some(keys) = data.as_object_mut() {
        if section.is_empty() {
            keys.remove(key);
        } else if let Some(entry) = keys.get_mut(section) {
            let is_empty = match entry.as_object_mut() {
                Some(keys) => {
                    keys.remove(key);
                    keys.is_empty()
                }
                None => entry.is_null(),
            };
            if is_empty {
                keys.remove(section);
            }
        }
        if keys.is_empty() {
            return serde_json::Value::Null;
        }
    }
    data
}
