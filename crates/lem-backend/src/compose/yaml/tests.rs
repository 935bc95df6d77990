//! The rules of reading YAML.

use proptest::prelude::*;

use super::{Node, Value, parse};

fn read(text: &str) -> Node {
    parse(text, 0).expect("sound YAML")
}

fn text_of(node: &Node, key: &str) -> String {
    match &node.get(key).expect("the key is there").value {
        Value::Scalar(scalar) => scalar.text.clone(),
        other => panic!("{key} is {other:?}"),
    }
}

fn problem(text: &str) -> String {
    let fault = parse(text, 0).expect_err("not sound");
    format!("{}: {}", fault.line, fault.problem)
}

#[test]
fn an_own_key_wins_over_a_merged_one_and_an_earlier_source_over_a_later() {
    let node = read("x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz:\n  <<: [*x, *y]\n  c: 3\n");
    let merged = node.get("z").expect("z");
    assert_eq!(
        ["a", "b", "c"].map(|key| text_of(merged, key)),
        ["1", "1", "3"],
        "a from x, b from x before y, c its own"
    );
}

#[test]
fn two_merge_keys_in_one_mapping_are_both_taken() {
    let node = read("x: &x {a: 1}\ny: &y {b: 2}\nz:\n  <<: *x\n  <<: *y\n");
    let merged = node.get("z").expect("z");
    assert_eq!((text_of(merged, "a"), text_of(merged, "b")), ("1".into(), "2".into()));
}

#[test]
fn a_merged_value_keeps_the_line_where_it_was_written() {
    let node = read("x: &x\n  a: 1\nz:\n  <<: *x\n");
    assert_eq!(node.get("z").and_then(|z| z.get("a")).map(|a| a.at.line), Some(2));
}

#[test]
fn a_key_written_twice_is_refused_with_both_lines() {
    assert_eq!(problem("a: 1\nb: 2\na: 3\n"), "3: `a` is set twice; first in line 1; remove one");
}

#[test]
fn quoted_words_of_null_are_text() {
    let node = read("a: ~\nb: '~'\nc: \"\"\nd:\n");
    assert_eq!(node.get("a").map(|node| &node.value), Some(&Value::Null));
    assert_eq!(text_of(&node, "b"), "~");
    assert_eq!(text_of(&node, "c"), "");
    assert_eq!(node.get("d").map(|node| &node.value), Some(&Value::Null));
}

#[test]
fn a_bomb_of_aliases_is_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let refs = vec![format!("*a{}", level - 1); 10].join(", ");
        text = format!("{text}a{level}: &a{level} [{refs}]\n");
    }
    assert!(problem(&text).contains("values, aliases expanded"), "{}", problem(&text));
}

#[test]
fn deep_nesting_an_alias_in_itself_a_tag_and_a_second_document_are_refused() {
    assert!(problem(&"[".repeat(100)).contains("nested deeper"));
    assert!(problem("a: &a [*a]\n").contains("inside the value"));
    assert!(problem("a: !reset null\n").contains("`!reset` is not supported"));
    assert!(problem("a: 1\n---\nb: 2\n").starts_with("2: a second document"));
    assert!(problem("a: [1\nb: 2\n").contains("not sound YAML"));
    assert!(problem("a: 1\nb: \0").starts_with("2: the file holds a NUL"));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "([-:{}\\[\\],&*!|>'\"#% \n\t]|<<: |&a |\\*a|[a-c]|\\PC){0,60}") {
        let _ = parse(&text, 0);
    }
}
