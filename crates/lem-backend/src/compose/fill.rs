//! Puts variables into the values of a tree. Keys are left alone, as the Compose Specification has it. Pure.

use std::collections::BTreeMap;

use super::error::{Fault, FaultKind, Remark};
use super::variables::{Interpolated, interpolate, sounds_secret};
use super::yaml::{Entry, Node, Scalar, Value};

/// The tree with its variables put in; `path` is its own dotted path. Variables that are not set draw a remark.
pub(super) fn fill(
    node: &Node,
    path: &str,
    environment: &BTreeMap<String, String>,
    remarks: &mut Vec<Remark>,
) -> Result<Node, Fault> {
    let at = node.at;
    let value = match &node.value {
        Value::Null => Value::Null,
        Value::Scalar(scalar) if !scalar.text.contains('$') => Value::Scalar(scalar.clone()),
        Value::Scalar(scalar) => {
            let lookup = |name: &str| environment.get(name).cloned();
            let Interpolated { text, used, unset } = interpolate(&scalar.text, &lookup).map_err(|error| {
                Fault { at, field: path.to_owned(), kind: FaultKind::Variable, problem: error.to_string() }
            })?;
            remarks.extend(unset.into_iter().map(|name| Remark {
                at,
                field: path.to_owned(),
                message: format!("the variable {name} is not set, and is taken as empty; set it, or write a default: `${{{name}:-...}}`"),
            }));
            let secret = used.iter().any(|name| sounds_secret(name));
            Value::Scalar(Scalar { text, plain: scalar.plain, secret })
        }
        Value::Sequence(items) => Value::Sequence(
            items
                .iter()
                .enumerate()
                .map(|(index, item)| fill(item, &format!("{path}[{index}]"), environment, remarks))
                .collect::<Result<_, _>>()?,
        ),
        Value::Mapping(entries) => Value::Mapping(
            entries
                .iter()
                .map(|Entry { key, at, value }| {
                    let value = fill(value, &format!("{path}.{key}"), environment, remarks)?;
                    Ok(Entry { key: key.clone(), at: *at, value })
                })
                .collect::<Result<_, Fault>>()?,
        ),
    };
    Ok(Node { value, at })
}
