//! The reader of all our YAML.

use lem_spec::yaml::{MAX_DEPTH, Node, NodeValue, parse};

use crate::corpus::{YAML, contents, shape, text};
use crate::hunt::{Target, hunt};

#[test]
fn any_text_is_a_tree_or_an_error_with_its_place() {
    let mut seeds = contents("crates/lem-spec", &[".yaml"]);
    seeds.extend(contents("crates/lem-backend/tests/fixtures", &[".yml", ".yaml"]));
    hunt(Target { name: "yaml", seeds, words: YAML }, |input| {
        let text = text(input);
        let lines = text.split(['\n', '\r']).count();
        match parse(&text) {
            Ok(root) => {
                let mut kinds = String::new();
                walk(&root, 0, lines, &mut kinds);
                json_is_yaml(&root);
                kinds
            }
            Err(fault) => {
                assert!(fault.at.line as usize <= lines + 1, "{fault} is beyond the {lines} lines");
                shape(&fault.message)
            }
        }
    });
}

fn walk(node: &Node, depth: usize, lines: usize, kinds: &mut String) {
    assert!(depth <= MAX_DEPTH, "nested deeper than is read");
    assert!((1..=lines + 1).contains(&(node.at.line as usize)), "a value at {:?} of {lines} lines", node.at);
    assert!(node.at.column >= 1, "columns start at 1");
    if kinds.len() < 24 {
        kinds.push_str(&node.kind_name()[..3]);
    }
    for item in node.items() {
        walk(item, depth + 1, lines, kinds);
    }
    let mut keys: Vec<&str> = node.entries().iter().map(|entry| entry.key.as_str()).collect();
    keys.sort_unstable();
    assert!(keys.windows(2).all(|pair| pair[0] != pair[1]), "a key stands twice in one mapping");
    for entry in node.entries() {
        walk(&entry.value, depth + 1, lines, kinds);
    }
}

/// The data of a file, written as JSON, is read as the same data. What JSON must leave raw and YAML forbids is not
/// tried, nor keys that are longer than YAML allows where nothing announces them.
fn json_is_yaml(root: &Node) {
    let data = root.to_json();
    let json = data.to_string();
    let long_keys = |node: &Node| has(node, &|node| node.entries().iter().any(|entry| entry.key.len() > 200));
    if json.chars().any(char::is_control) || long_keys(root) {
        return;
    }
    let again = parse(&json).unwrap_or_else(|fault| panic!("its JSON is refused: {fault}"));
    assert_eq!(again.to_json(), data, "its JSON is read as other data");
}

fn has(node: &Node, wanted: &dyn Fn(&Node) -> bool) -> bool {
    wanted(node)
        || match &node.value {
            NodeValue::Sequence(items) => items.iter().any(|item| has(item, wanted)),
            NodeValue::Mapping(entries) => entries.iter().any(|entry| has(&entry.value, wanted)),
            _ => false,
        }
}
