//! The rules of the YAML reader, each as a sentence.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn json_of(source: &str) -> serde_json::Value {
    parse(source).unwrap_or_else(|fault| panic!("{source:?}: {fault}")).to_json()
}

fn refusal(source: &str) -> String {
    parse(source).expect_err(source).to_string()
}

#[test]
fn keys_and_values_know_their_places() {
    let root = parse("# head\na: 1\nb:\n  - x\n  - {c: é, d: 2}\n").unwrap();
    let entry = root.entry("b").unwrap();
    assert_eq!(entry.key_at, Position { line: 3, column: 1 });
    assert_eq!(root.get("a").unwrap().at, Position { line: 2, column: 4 });
    let item = &entry.value.items()[1];
    assert_eq!(item.get("d").unwrap().at, Position { line: 5, column: 15 });
    assert_eq!(item.at, Position { line: 5, column: 5 });
}

#[test]
fn places_do_not_depend_on_line_endings_or_a_byte_order_mark() {
    let plain = parse("a: 1\nb: 2\n").unwrap();
    assert_eq!(parse("a: 1\r\nb: 2\r\n").unwrap(), plain);
    assert_eq!(parse("\u{feff}a: 1\nb: 2\n").unwrap(), plain);
}

#[test]
fn nothing_written_is_null() {
    for source in ["", "\n\n", "# only a comment\n", "---\n", "\u{feff}", "~"] {
        assert!(parse(source).unwrap().is_null(), "{source:?}");
    }
    assert_eq!(json_of("a:\nb: 1\n"), json!({"a": null, "b": 1}));
}

#[test]
fn plain_scalars_follow_the_core_schema() {
    assert_eq!(
        json_of("[null, ~, true, False, 12, -3, +4, 0x1F, 0o17, 1.5, .5, 5., 1e3, -1E-2, .inf, -.INF, .nan]"),
        json!([
            null, null, true, false, 12, -3, 4, 31, 15, 1.5, 0.5, 5.0, 1000.0, -0.01, ".inf", "-.inf", ".nan"
        ])
    );
    assert_eq!(json_of("['1', \"true\", 'null']"), json!(["1", "true", "null"]));
    assert_eq!(json_of("18446744073709551615"), json!(18_446_744_073_709_551_615.0));
}

#[test]
fn what_two_yaml_versions_read_as_different_numbers_stays_text() {
    for text in ["012", "1_000", "1:30", "0b101", "-007", "+.nan", "0x-1", "1e", ".", "-"] {
        let root = parse(&format!("a: {text}\n"));
        let Ok(root) = root else { continue };
        let node = root.get("a").unwrap();
        assert_eq!((node.as_f64(), node.as_i64()), (None, None), "{text}");
    }
}

#[test]
fn words_of_yaml_1_1_are_booleans_where_a_boolean_is_asked_for() {
    let root = parse("[yes, On, NO, off, true, 'yes', maybe, 1]").unwrap();
    let read: Vec<_> = root.items().iter().map(Node::as_bool).collect();
    assert_eq!(read, [Some(true), Some(true), Some(false), Some(false), Some(true), Some(true), None, None]);
    assert_eq!(root.items()[0].as_str(), Some("yes"));
}

#[test]
fn numbers_are_read_from_text_that_is_exactly_a_number() {
    let root = parse("['60', '1e3', '4.0', ' 5', '.inf', 'x', 4.0, 4.5, 1e300]").unwrap();
    let floats: Vec<_> = root.items().iter().map(Node::as_f64).collect();
    let expected = [Some(60.0), Some(1000.0), Some(4.0), None, None, None, Some(4.0), Some(4.5), Some(1e300)];
    assert_eq!(floats, expected);
    let integers: Vec<_> = root.items().iter().map(Node::as_i64).collect();
    assert_eq!(integers, [Some(60), None, None, None, None, None, Some(4), None, None]);
}

#[test]
fn aliases_repeat_a_value_at_its_first_place() {
    let root = parse("a: &x {k: 1}\nb: *x\n").unwrap();
    assert_eq!(root.get("a"), root.get("b"));
    assert_eq!(json_of("&k key: 1\nother: *k\n"), json!({"key": 1, "other": "key"}));
}

#[test]
fn merge_keys_bring_what_the_mapping_does_not_set_itself() {
    let source = "base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\nc:\n  y: 9\n  <<: [*b, *m]\n  w: 5\n";
    let root = parse(source).unwrap();
    let merged = root.get("c").unwrap();
    assert_eq!(merged.to_json(), json!({"x": 1, "y": 9, "z": 4, "w": 5}));
    let keys: Vec<_> = merged.entries().iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(keys, ["x", "y", "z", "w"]);
    assert_eq!(merged.entry("y").unwrap().key_at.line, 4);
    assert_eq!(merged.entry("z").unwrap().key_at.line, 2);
    assert_eq!(json_of("a: {'<<': 1}"), json!({"a": {"<<": 1}}), "quoted, it is a key like any other");
}

#[test]
fn json_is_yaml() {
    assert_eq!(
        json_of(r#"{"a": [1, 2.5, null, "é\n"], "b": {"c": false}}"#),
        json!({"a": [1, 2.5, null, "é\n"], "b": {"c": false}})
    );
}

#[test]
fn a_dotted_path_leads_through_mappings() {
    let root = parse("a: {b: {c: 7}}\n").unwrap();
    assert_eq!(root.path("a.b.c").and_then(Node::as_i64), Some(7));
    assert_eq!(root.path("a.c"), None);
    assert_eq!(root.path("a.b.c.d"), None);
}

#[test]
fn core_tags_are_obeyed_and_others_refused() {
    assert_eq!(
        json_of("[!!str 5, !!float 5, !!int '5', !!bool yes, !!map {}, !!seq []]"),
        json!(["5", 5.0, 5, true, {}, []])
    );
    assert!(refusal("a: !!python/object:os.system x\n").contains("tag"));
}

#[test]
fn refusals_say_where_and_what() {
    let deep = "[".repeat(100_000);
    let sources = [
        "a: 1\nb: 2\na: 3\n",
        "a: [1, 2\nb: 3\n",
        "a:\n\t- 1\n",
        "a: 1\n---\nb: 2\n",
        "a: *nowhere\n",
        "a: &a [*a]\n",
        "a: !secret x\n",
        "a: !!int x\n",
        "? [1, 2]\n: 3\n",
        "a:\n  <<: 5\n",
        "a: b\u{0}c\n",
        "a: b: c\n",
        "a: 'open\n",
        deep.as_str(),
    ];
    let report: Vec<String> = sources
        .iter()
        .map(|source| format!("{:?}\n    {}", source.chars().take(30).collect::<String>(), refusal(source)))
        .collect();
    insta::assert_snapshot!(report.join("\n"));
}

#[test]
fn aliases_that_would_fill_the_memory_are_refused() {
    let level = |n: usize| format!("a{n}: &a{n} [{}]\n", format!("*a{}, ", n - 1).repeat(10));
    let laughs: String = (1..30).map(level).collect();
    assert!(refusal(&format!("a0: &a0 [lol]\n{laughs}")).contains("expand to more than"));
    let rung = |n: usize| format!("a{n}: &a{n} [*a{}]\n", n - 1);
    let ladder: String = (1..200).map(rung).collect();
    assert!(refusal(&format!("a0: &a0 [x]\n{ladder}")).contains("nested deeper"));
}

#[test]
fn nesting_up_to_the_limit_is_read() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    assert!(parse(&nested(MAX_DEPTH + 2)).is_err());
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(source in "[a-c:\\-\\[\\]{},&*!?|>'\"%@# \\n\\r\\t0-1<~.\\\\é\u{feff}]{0,60}") {
        let _ = parse(&source);
    }

    #[test]
    fn what_json_can_write_is_read_back(text in "\\PC{0,12}", number in any::<i64>(), float in any::<f64>()) {
        prop_assume!(float.is_finite());
        let value = json!({"t": text, "n": number, "f": [float, {"k": null}]});
        prop_assert_eq!(parse(&value.to_string()).unwrap().to_json(), value);
    }
}
