//! `.lem-config.yaml`: read in any state, and changed in one place only.

use lem_spec::settings::{FILE_NAME, Kind, fields, read, set, unset};
use lem_spec::source::Source;
use lem_spec::yaml::parse;
use serde_json::Value;

use crate::corpus::{YAML, contents, shape, text};
use crate::hunt::{Target, hunt};

#[test]
fn any_text_gives_usable_settings_and_an_edit_keeps_everything_else() {
    let mut seeds = contents("crates/lem-spec/src/settings", &[".yaml"]);
    let dense = "verbosity: quiet # a\ndocker: {strategy: persistent, 'warmup_delay': 3}\nthermal_gaps:\n    # b\n    \
                 between_experiments: 1.5   # c\nmine: &a [1, two]\nnotifications:\n  webhook_url: \"https://x.org/y\"\n  \
                 on_complete: yes\nresults_dir: >-\n  out\n  here\n";
    seeds.extend([
        dense.into(),
        b"{verbosity: normal, docker: {}}".into(),
        b"docker: &d\n  auto_teardown: no\nx: *d\n".into(),
    ]);
    hunt(Target { name: "settings", seeds, words: YAML }, |input| {
        let text = text(input);
        let (settings, findings) = read(FILE_NAME, &text);
        for gap in [&settings.thermal_gaps.between_experiments, &settings.thermal_gaps.between_cycles] {
            assert!(gap.value.is_finite() && gap.value >= 0.0, "a gap of {} s", gap.value);
        }
        let some =
            input.iter().fold(0, |sum: usize, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
        let fields = [some, some / 11].map(|number| &fields()[number % fields().len()]);
        let edits = fields.map(|field| edited(&text, field.path, word(field.kind))).concat();
        findings.iter().take(4).map(|finding| finding.code.clone()).collect::<String>() + &edits
    });
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Choice(names) => names[names.len() - 1],
        Kind::Seconds => "12.5",
        Kind::Flag => "false",
        Kind::Backend => "vllm",
        Kind::Folder | Kind::Program => "it's # out",
        Kind::Url => "https://example.org/x?y=1#z",
        Kind::Amount | Kind::Factor => "1.5",
    }
}

fn edited(text: &str, path: &str, word: &str) -> String {
    let after = match set(text, path, word) {
        Ok(after) => after,
        Err(refused) => return shape(&refused.to_string()),
    };
    let (old, new) = (read(FILE_NAME, text).0, read(FILE_NAME, &after).0);
    for other in fields() {
        let (old, new) = (old.get(other.path), new.get(other.path));
        let value = new.as_ref().map(|setting| setting.value.to_string());
        if other.path == path {
            assert_eq!(value.as_deref(), Some(word), "{path} was set");
        } else {
            assert_eq!(value, old.map(|setting| setting.value.to_string()), "{} with {path}", other.path);
        }
    }
    assert_eq!(others(text, path), others(&after, path), "data that is no setting changed with {path}");
    assert_eq!(comments(text), comments(&after), "setting {path} changed the comments");
    assert_eq!(set(&after, path, word).as_ref(), Ok(&after), "a second time changes nothing");
    if let Ok(without) = unset(&after, path) {
        let source = read(FILE_NAME, &without).0.get(path).map(|setting| setting.source);
        assert_eq!(source, Some(Source::BuiltIn), "{path} was taken out");
    }
    "set".to_owned()
}

/// All data of the file but one setting, and but a section that holds nothing.
fn others(text: &str, path: &str) -> Value {
    let mut data = parse(text).expect("it was edited, so it is sound").to_json();
    let (section, key) = path.rsplit_once('.').unwrap_or(("", path));
    let Some(top) = data.as_object_mut() else { return Value::Object(serde_json::Map::default()) };
    if section.is_empty() {
        top.remove(key);
    } else if let Some(holder) = top.get_mut(section) {
        if let Some(keys) = holder.as_object_mut() {
            keys.remove(key);
        }
        if holder.is_null() || holder.as_object().is_some_and(serde_json::Map::is_empty) {
            top.remove(section);
        }
    }
    data
}

/// Lines that are comments and nothing else; the end of a line may lie inside a text.
fn comments(text: &str) -> Vec<&str> {
    text.split(['\n', '\r']).map(str::trim).filter(|line| line.starts_with('#')).collect()
}
