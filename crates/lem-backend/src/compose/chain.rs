//! Follows `extends` from a service to what it rests on, in this file and in others, and merges the way back.

use std::collections::BTreeMap;

use super::error::{At, ComposeError, Fault, FaultKind, Remark};
use super::extends::merge;
use super::field::{Field, list};
use super::fill::fill;
use super::resolve::host_path;
use super::sources::Sources;
use super::yaml::{Node, Value};

/// Longest chain of services; nobody writes five.
const MAX_CHAIN: usize = 32;

/// The tree of a service of the first source, filled and merged.
pub(super) fn read(
    sources: &mut Sources,
    environment: &BTreeMap<String, String>,
    service: &str,
    remarks: &mut Vec<Remark>,
) -> Result<Node, ComposeError> {
    let mut chain: Vec<(usize, String, Node)> = Vec::new();
    let mut next = Some((0, service.to_owned(), None));
    while let Some((source, name, asked)) = next {
        if chain.len() == MAX_CHAIN || chain.iter().any(|(file, known, _)| (*file, known) == (source, &name))
        {
            return Err(sources.error(cycle(&chain, &name, asked)));
        }
        let raw = definition(sources, source, &name, asked.as_ref()).map_err(|fault| sources.error(fault))?;
        let path = format!("services.{name}");
        let node = fill(&raw, &path, environment, remarks).map_err(|fault| sources.error(fault))?;
        next = base(sources, environment, source, &Field::new(&node, path))?;
        chain.push((source, name, node));
    }
    // The last of the chain extends nothing: it is what the others build on.
    let nothing = Node { value: Value::Mapping(Vec::new()), at: At { source: 0, line: 1 } };
    let merged = chain
        .into_iter()
        .rev()
        .try_fold(nothing, |base, (_, _, node)| merge(base, without_extends(node), ""));
    merged.map_err(|fault| {
        let field = format!("services.{service}.{}", fault.field);
        sources.error(Fault { field, ..fault })
    })
}

type Asked = (At, String);

/// What a file says about a service; an empty definition is an empty mapping.
fn definition(sources: &Sources, source: usize, name: &str, asked: Option<&Asked>) -> Result<Node, Fault> {
    let file = sources.get(source);
    let services = file.root.get("services").map(Node::entries).unwrap_or_default();
    let Some(entry) = services.iter().find(|entry| entry.key == name) else {
        let (at, field) = asked.cloned().unwrap_or((file.root.at, "services".to_owned()));
        let known: Vec<&str> = services.iter().map(|entry| entry.key.as_str()).collect();
        let problem = match known.as_slice() {
            [] => format!("`{}` defines no service", file.file.display()),
            known => {
                let file = file.file.display();
                format!("there is no service `{name}` in `{file}` to extend; it defines {}", list(known))
            }
        };
        return Err(Fault { at, field, kind: FaultKind::Value, problem });
    };
    match &entry.value.value {
        Value::Mapping(_) => Ok(entry.value.clone()),
        Value::Null => Ok(Node { value: Value::Mapping(Vec::new()), at: entry.at }),
        _ => Err(Field::new(&entry.value, format!("services.{name}")).expected("a mapping (`key: value`)")),
    }
}

type Base = (usize, String, Option<Asked>);

/// The service that this one extends, its file read.
fn base(
    sources: &mut Sources,
    environment: &BTreeMap<String, String>,
    source: usize,
    service: &Field<'_>,
) -> Result<Option<Base>, ComposeError> {
    let Some(extends) = service.get("extends") else { return Ok(None) };
    let asked = (extends.at(), extends.path().to_owned());
    let read = || {
        if !extends.is_mapping() {
            return Ok((extends.text()?, None));
        }
        extends.only(&["service", "file"])?;
        let name = extends.optional("service", Field::text)?;
        let name =
            name.ok_or_else(|| extends.fault("`service` is missing: the name of the service to extend"))?;
        Ok((name, extends.optional("file", Field::text)?))
    };
    let (name, file) = read().map_err(|fault| sources.error(fault))?;
    let source = match file {
        None => source,
        Some(file) => {
            let folder = sources.get(source).folder.clone();
            let path = host_path(&file, &folder, environment)
                .map_err(|problem| sources.error(extends.fault(problem)))?;
            sources.open(&path, Some((asked.0, &asked.1)))?
        }
    };
    Ok(Some((source, name, Some(asked))))
}

fn cycle(chain: &[(usize, String, Node)], name: &str, asked: Option<Asked>) -> Fault {
    let (at, field) = asked.unwrap_or((At { source: 0, line: 1 }, "services".to_owned()));
    let names = chain.iter().map(|(_, name, _)| name.as_str()).chain([name]).collect::<Vec<_>>().join(" -> ");
    let problem = if chain.len() == MAX_CHAIN {
        format!("more than {MAX_CHAIN} services extend one another; extend fewer")
    } else {
        format!("services extend one another in a circle ({names}); break it")
    };
    Fault { at, field, kind: FaultKind::Value, problem }
}

fn without_extends(mut node: Node) -> Node {
    if let Value::Mapping(entries) = &mut node.value {
        entries.retain(|entry| entry.key != "extends");
    }
    node
}
