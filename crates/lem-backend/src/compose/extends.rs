//! How a service and the one that it extends become one: the rules of the Compose Specification, "Merge". Pure.
//!
//! Mappings merge key by key, lists append, single values replace. Commands and the test of a health check replace as a
//! whole; what may be written as a list or as a mapping (`environment`, `labels`, ...) merges by key. Lists in which a
//! later item replaces an earlier one (volumes by target) append here; their readers keep the last.

use super::error::{At, Fault, FaultKind};
use super::yaml::{Entry, Node, Scalar, Value};

/// Fields that a later one replaces as a whole.
const REPLACED: [&str; 3] = ["command", "entrypoint", "healthcheck.test"];

/// Fields that are lists of `NAME=value` or mappings.
const KEYED: [&str; 8] = [
    "environment",
    "labels",
    "annotations",
    "sysctls",
    "build.args",
    "build.labels",
    "deploy.labels",
    "storage_opt",
];

/// Fields that are one value or a list of them.
const ONE_OR_MORE: [&str; 5] = ["env_file", "dns", "dns_search", "tmpfs", "label_file"];

/// `over` on top of `base`; `field` is the dotted path below the service, empty for the service itself.
pub(super) fn merge(base: Node, over: Node, field: &str) -> Result<Node, Fault> {
    if REPLACED.contains(&field) {
        return Ok(over);
    }
    if over.value == Value::Null {
        // Within a keyed mapping null has a meaning: a variable that is passed through.
        let is_passed_through = field.rsplit_once('.').is_some_and(|(parent, _)| KEYED.contains(&parent));
        return Ok(if is_passed_through { over } else { base });
    }
    if base.value == Value::Null {
        return Ok(over);
    }
    let (base, over) = (canonical(base, field)?, canonical(over, field)?);
    let at = over.at;
    let value = match (base.value, over.value) {
        (Value::Mapping(base), Value::Mapping(over)) => Value::Mapping(merge_entries(base, over, field)?),
        (Value::Sequence(mut base), Value::Sequence(over)) => {
            base.extend(over);
            Value::Sequence(base)
        }
        (Value::Scalar(_), over @ Value::Scalar(_)) => over,
        // `ulimits: {nofile: 1024}` and `{nofile: {soft: ..., hard: ...}}` replace each other.
        (_, over) if field.starts_with("ulimits.") => over,
        (base, over) => {
            let kind = |value| Node { value, at }.kind_name();
            let problem = format!("{} cannot extend {}; write both the same way", kind(over), kind(base));
            return Err(Fault { at, field: field.to_owned(), kind: FaultKind::Value, problem });
        }
    };
    Ok(Node { value, at })
}

fn merge_entries(mut base: Vec<Entry>, over: Vec<Entry>, field: &str) -> Result<Vec<Entry>, Fault> {
    for entry in over {
        let path = if field.is_empty() { entry.key.clone() } else { format!("{field}.{}", entry.key) };
        match base.iter().position(|present| present.key == entry.key) {
            Some(index) => {
                let present = base.remove(index);
                let value = merge(present.value, entry.value, &path)?;
                base.insert(index, Entry { value, ..entry });
            }
            None => base.push(entry),
        }
    }
    Ok(base)
}

/// The long form of a field that has a short one, so that both can be merged.
fn canonical(node: Node, field: &str) -> Result<Node, Fault> {
    let at = node.at;
    let value = match node.value {
        Value::Sequence(items) if KEYED.contains(&field) => mapping(items, field, assignment)?,
        Value::Sequence(items) if field == "networks" => {
            mapping(items, field, |name, at| (name.text, null(at)))?
        }
        Value::Sequence(items) if field == "depends_on" => mapping(items, field, started)?,
        Value::Scalar(context) if field == "build" => {
            let value = Node { value: Value::Scalar(context), at };
            Value::Mapping(vec![Entry { key: "context".to_owned(), at, value }])
        }
        value @ Value::Scalar(_) if ONE_OR_MORE.contains(&field) => Value::Sequence(vec![Node { value, at }]),
        value => value,
    };
    Ok(Node { value, at })
}

/// A list as a mapping; of two items with the same name the later counts.
fn mapping(
    items: Vec<Node>,
    field: &str,
    read: impl Fn(Scalar, At) -> (String, Node),
) -> Result<Value, Fault> {
    let mut entries: Vec<Entry> = Vec::new();
    for item in items {
        let at = item.at;
        let Value::Scalar(scalar) = item.value else {
            let problem = format!("a single value is expected in this list, not {}", item.kind_name());
            return Err(Fault { at, field: field.to_owned(), kind: FaultKind::Value, problem });
        };
        let (key, value) = read(scalar, at);
        entries.retain(|present| present.key != key);
        entries.push(Entry { key, at, value });
    }
    Ok(Value::Mapping(entries))
}

/// `NAME=value`, or `NAME` to pass it through.
fn assignment(scalar: Scalar, at: At) -> (String, Node) {
    match scalar.text.split_once('=') {
        Some((name, value)) => {
            let value = Scalar { text: value.to_owned(), plain: false, secret: scalar.secret };
            (name.to_owned(), Node { value: Value::Scalar(value), at })
        }
        None => (scalar.text, null(at)),
    }
}

/// What a service in a list of dependencies stands for.
fn started(scalar: Scalar, at: At) -> (String, Node) {
    let condition = Entry { key: "condition".to_owned(), at, value: Node::text("service_started", at) };
    (scalar.text, Node { value: Value::Mapping(vec![condition]), at })
}

fn null(at: At) -> Node {
    Node { value: Value::Null, at }
}

#[cfg(test)]
mod tests {
    use super::merge;
    use crate::compose::field::Field;
    use crate::compose::yaml::{Node, Value, parse};

    fn merged(base: &str, over: &str) -> Node {
        let read = |text| parse(text, 0).expect("sound YAML");
        merge(read(base), read(over), "").expect("they merge")
    }

    fn texts(node: &Node, key: &str) -> Vec<String> {
        Field::new(node.get(key).expect("the key is there"), key).texts().expect("texts")
    }

    fn pairs(node: &Node, key: &str) -> Vec<(String, Option<String>)> {
        let pairs = Field::new(node.get(key).expect("the key is there"), key).pairs().expect("pairs");
        pairs.into_iter().map(|pair| (pair.name, pair.value)).collect()
    }

    #[test]
    fn lists_append_and_single_values_replace() {
        let node = merged("image: a\ncap_add: [X]\n", "image: b\ncap_add: [Y]\n");
        assert_eq!(texts(&node, "image"), ["b"]);
        assert_eq!(texts(&node, "cap_add"), ["X", "Y"]);
    }

    #[test]
    fn commands_replace_as_a_whole() {
        let node = merged("command: [a, b]\nentrypoint: x\n", "command: c d\nentrypoint: []\n");
        assert_eq!(texts(&node, "command"), ["c d"]);
        assert!(texts(&node, "entrypoint").is_empty());
    }

    #[test]
    fn an_environment_merges_by_name_whichever_way_it_is_written() {
        let node = merged("environment: [A=1, A=2, B=1, C]\n", "environment: {A: 3, B: null}\n");
        let expected = [("A", Some("3")), ("B", None), ("C", None)];
        let mut found = pairs(&node, "environment");
        found.sort();
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))));
    }

    #[test]
    fn a_field_left_empty_keeps_what_is_extended() {
        assert_eq!(texts(&merged("image: a\n", "image:\n"), "image"), ["a"]);
    }

    #[test]
    fn a_short_build_extends_a_long_one() {
        let node = merged("build: {context: ., target: x}\n", "build: ./y\n");
        let build = node.get("build").expect("build");
        assert_eq!((texts(build, "context"), texts(build, "target")), (vec!["./y".into()], vec!["x".into()]));
    }

    #[test]
    fn a_limit_as_a_number_replaces_one_as_a_mapping() {
        let node = merged("ulimits: {nofile: {soft: 1, hard: 2}}\n", "ulimits: {nofile: 3}\n");
        let limit = node.get("ulimits").and_then(|limits| limits.get("nofile")).expect("nofile");
        assert!(matches!(limit.value, Value::Scalar(_)));
    }

    #[test]
    fn a_list_cannot_extend_a_mapping() {
        let read = |text| parse(text, 0).expect("sound YAML");
        let fault = merge(read("deploy: {mode: x}\n"), read("deploy: [x]\n"), "").expect_err("refused");
        assert_eq!(
            (fault.field.as_str(), fault.problem.as_str()),
            ("deploy", "a list cannot extend a mapping; write both the same way")
        );
    }
}
