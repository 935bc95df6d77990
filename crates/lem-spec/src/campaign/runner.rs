//! The key `runner`: `docker`, `process` or `openai` for all backends, or one of them, with what belongs to it, for each.

use std::sync::Arc;

use super::draft::unknown_entries;
use super::findings::Findings;
use super::known::MAX_SECONDS;
use super::spec::{Runner, RunnerKind, Server, ServerApi};
use super::written::{Devices, Runners};
use crate::diagnostic::Diagnostic;
use crate::settings::is_web_url;
use crate::source::{Resolved, Source};
use crate::yaml::{Entry, Node, NodeValue};

/// Reads `runner`.
pub(super) fn runners(entry: &Entry, file: &Arc<str>, findings: &mut Findings) -> Runners {
    let mut runners = Runners::default();
    match &entry.value.value {
        NodeValue::Null => {}
        NodeValue::Mapping(entries) => {
            for own in entries.iter().filter(|own| !own.value.is_null()) {
                let field = format!("runner.{}", own.key);
                if let Some(runner) = runner(&own.value, &field, file, findings) {
                    runners.by_backend.insert(own.key.clone(), runner);
                }
            }
        }
        _ => runners.all = runner(&entry.value, "runner", file, findings),
    }
    runners
}

fn runner(node: &Node, field: &str, file: &Arc<str>, findings: &mut Findings) -> Option<Resolved<Runner>> {
    let source = Source::Campaign { line: node.at.line };
    if !matches!(node.value, NodeValue::Mapping(_)) {
        let kind = kind(node, field, file, findings)?;
        return Some(Resolved::new(kind.plain(), source));
    }
    let known: Vec<&str> = std::iter::once("kind").chain(PROCESS).chain(OPENAI).collect();
    unknown_entries(node, field, &known, file, findings);
    let Some(written) = node.get("kind") else {
        let message = format!("`{field}` needs `kind`: docker, process or openai");
        findings.add(Diagnostic::error("missing_key", message).in_file(file, node.at).about(field));
        return None;
    };
    let kind = kind(written, &format!("{field}.kind"), file, findings)?;
    let mut parts = Parts { node, field, file, findings, sound: true };
    let runner = match kind {
        RunnerKind::Docker => parts.only(kind, &[]).map(|()| Runner::Docker),
        RunnerKind::Process => parts.process(),
        RunnerKind::Openai => parts.openai(),
    };
    Some(Resolved::new(runner?, source))
}

/// What belongs to a process.
const PROCESS: [&str; 2] = ["command", "python"];
/// What belongs to a server.
const OPENAI: [&str; 5] = ["url", "port", "api", "api_key_env", "ready_timeout_seconds"];

/// The entries of one runner.
struct Parts<'a> {
    node: &'a Node,
    field: &'a str,
    file: &'a Arc<str>,
    findings: &'a mut Findings,
    sound: bool,
}

impl<'a> Parts<'a> {
    fn entry(&self, key: &str) -> Option<&'a Entry> {
        self.node.entry(key).filter(|entry| !entry.value.is_null())
    }

    fn refuse(&mut self, entry: &Entry, message: String) {
        let field = format!("{}.{}", self.field, entry.key);
        let problem = Diagnostic::error("invalid_value", message).about(field);
        self.findings.add(problem.in_file(self.file, entry.value.at));
        self.sound = false;
    }

    /// Refuses what belongs to runners of other kinds.
    fn only(&mut self, kind: RunnerKind, mine: &[&str]) -> Option<()> {
        for key in PROCESS.into_iter().chain(OPENAI).filter(|key| !mine.contains(key)) {
            if let Some(entry) = self.entry(key) {
                let why = if kind == RunnerKind::Docker { ", whose service says what it runs" } else { "" };
                self.refuse(entry, format!("`{}.{key}` does not go with {}{why}", self.field, kind.name()));
            }
        }
        self.sound.then_some(())
    }

    /// The value of an entry, or what it must be.
    fn value<T>(&mut self, key: &str, must: &str, take: impl FnOnce(&Node) -> Option<T>) -> Option<T> {
        let entry = self.entry(key)?;
        let value = take(&entry.value);
        if value.is_none() {
            self.refuse(entry, format!("`{}.{key}` must be {must}", self.field));
        }
        value
    }

    fn process(mut self) -> Option<Runner> {
        let list = "a list of a program and its arguments, for example [python, -m, my_worker]";
        let command = self.value("command", list, |node| {
            let words: Option<Vec<String>> = node.items().iter().map(word).collect();
            words.filter(|words| words.first().is_some_and(|program| !program.is_empty()))
        });
        let python = self.value("python", "a program, or the folder of a virtual environment", text);
        if let (Some(_), Some(entry)) = (&command, self.entry("python")) {
            self.refuse(entry, format!("`{0}.python` does nothing beside `{0}.command`", self.field));
        }
        self.only(RunnerKind::Process, &PROCESS)?;
        Some(Runner::Process { command, python })
    }

    fn openai(mut self) -> Option<Runner> {
        let plain = Server::default();
        let url = self.value("url", "an address as http://localhost:8000/v1", |node| {
            text(node).filter(|url| is_web_url(url) && !url.contains('@'))
        });
        let port = self.value("port", "a port, 1 to 65535", |node| {
            node.as_i64().and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0)
        });
        let api = self.value("api", "chat or completions", |node| match node.as_str()? {
            "chat" => Some(ServerApi::Chat),
            "completions" => Some(ServerApi::Completions),
            _ => None,
        });
        let api_key_env = self.value("api_key_env", "the name of a variable of the environment", |node| {
            text(node).filter(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
        });
        let ready_timeout_s = self.value("ready_timeout_seconds", "a number of seconds above 0", |node| {
            node.as_f64().filter(|seconds| *seconds > 0.0 && *seconds <= MAX_SECONDS)
        });
        if let (Some(_), Some(entry)) = (&url, self.entry("port")) {
            self.refuse(entry, format!("`{0}.port` does nothing beside `{0}.url`", self.field));
        }
        self.only(RunnerKind::Openai, &OPENAI)?;
        Some(Runner::Openai(Server {
            url,
            port,
            api: api.unwrap_or(plain.api),
            api_key_env,
            ready_timeout_s: ready_timeout_s.unwrap_or(plain.ready_timeout_s),
        }))
    }
}

fn text(node: &Node) -> Option<String> {
    node.as_str()
        .filter(|text| !text.trim().is_empty() && !text.contains(char::is_control))
        .map(str::to_owned)
}

fn kind(node: &Node, field: &str, file: &Arc<str>, findings: &mut Findings) -> Option<RunnerKind> {
    let kind = node.as_str().and_then(|word| word.parse().ok());
    if kind.is_none() {
        let found = node.as_str().map_or_else(|| node.kind_name().to_owned(), |word| format!("{word:?}"));
        let problem = Diagnostic::error(
            "invalid_value",
            format!("`{field}` is {found}, but must be docker, process or openai"),
        );
        let problem = match node.as_str() {
            Some("local") => problem.with_hint("a process on this machine is `process`"),
            Some("server") => problem.with_hint("a server that speaks the OpenAI API is `openai`"),
            _ => problem,
        };
        findings.add(problem.in_file(file, node.at).about(field));
    }
    kind
}

/// An argument: text, or a whole number, whose spelling is certain.
fn word(node: &Node) -> Option<String> {
    match &node.value {
        NodeValue::String(text) => Some(text.clone()),
        NodeValue::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Reads `measurement.devices`.
pub(super) fn devices(node: &Node, file: &Arc<str>, findings: &mut Findings) -> Option<Resolved<Devices>> {
    let source = Source::Campaign { line: node.at.line };
    if node.is_null() {
        return None;
    }
    if node.as_str() == Some("auto") {
        return Some(Resolved::new(Devices::Auto, source));
    }
    let items = match &node.value {
        NodeValue::Sequence(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let names: Option<Vec<String>> = items.iter().map(device).collect();
    let names = names.filter(|names| !names.is_empty());
    if names.is_none() {
        let message = "`measurement.devices` must be `auto` or a list of device ids or indices from 0";
        let problem = Diagnostic::error("invalid_value", message).with_hint("`lem devices` lists them");
        findings.add(problem.in_file(file, node.at).about("measurement.devices"));
    }
    names.map(|names| Resolved::new(Devices::Chosen(names), source))
}

fn device(node: &Node) -> Option<String> {
    match &node.value {
        NodeValue::String(id) if !id.trim().is_empty() => Some(id.clone()),
        NodeValue::Int(index) if *index >= 0 => Some(index.to_string()),
        _ => None,
    }
}
