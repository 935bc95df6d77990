//! Properties of edits on generated files: comments, sections in any order, unknown keys, both line endings, flow
//! sections, quoted keys, a byte order mark, a missing final newline.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::settings::*;

const CHOICES: [(&str, &[&str]); 16] = [
    ("verbosity", &["quiet", "normal", "verbose", "wrong"]),
    ("thermal_gaps.between_experiments", &["60", "0", "0.25", "1e3", "-1"]),
    ("thermal_gaps.between_cycles", &["300", "12", "1e9", ".nan"]),
    ("docker.strategy", &["ephemeral", "persistent", "null"]),
    ("docker.warmup_delay", &["0", "7.5", "'8'"]),
    ("docker.auto_teardown", &["true", "false", "yes", "off"]),
    ("notifications.webhook_url", &["null", "https://example.org/x", "'https:// test'"]),
    ("notifications.on_complete", &["true", "false", "on"]),
    ("notifications.on_failure", &["true", "false", "No"]),
    ("default_backend", &["pytorch", "vllm", "\"candle\""]),
    ("python", &["python3", "./venv", "'/opt/a b'"]),
    ("results_dir", &["results", "'a b'", "\"c: d\"", "x/y"]),
    ("footprint.carbon_intensity_gco2_kwh", &["null", "0", "381.5", "-3"]),
    ("footprint.datacenter_pue", &["null", "1", "1.25", "0.9"]),
    ("footprint.price_per_kwh", &["null", "0.3", ".inf"]),
    ("footprint.device_price_per_hour", &["~", "2", "two"]),
];

/// A word that `lem config set` would accept for each field.
fn words(path: &str) -> Vec<&'static str> {
    match field(path).expect("the paths are those of the table").kind {
        Kind::Choice(names) => names.to_vec(),
        Kind::Seconds => vec!["0", "1", "60", "0.1", "86400", "1e-3", "12345.678"],
        Kind::Flag => vec!["true", "false"],
        Kind::Amount => vec!["null", "0", "0.25", "400"],
        Kind::Factor => vec!["null", "1", "1.58"],
        Kind::Backend => vec!["pytorch", "candle", "my_service-2.x"],
        Kind::Folder | Kind::Program => {
            vec!["results", "out dir", "it's", "/tmp/x", "yes", "1", "ü/ß", "a: b # c"]
        }
        Kind::Url => vec!["null", "https://example.org/x?y=1#z", "http://localhost:8080"],
    }
}

#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "independent habits of one who writes a file")]
struct Look {
    indent: usize,
    flow: bool,
    quoted_keys: bool,
    comments: bool,
    unknown: bool,
}

/// The lines of a file that has these fields, section by section in this order.
fn lines(sections: &[&str], written: &[(&str, &str)], look: &Look) -> Vec<String> {
    let key = |name: &str| {
        if look.quoted_keys { format!("\"{name}\"") } else { name.to_owned() }
    };
    let trailing = if look.comments { "  # it's \"why\"" } else { "" };
    let mut lines = Vec::new();
    for section in sections {
        if look.comments {
            lines.extend([String::new(), "# about what follows: 'x'".to_owned()]);
        }
        let of_section: Vec<_> = written
            .iter()
            .filter(|(path, _)| path.split_once('.').unwrap_or(("", path)).0 == *section)
            .collect();
        let entries = of_section
            .iter()
            .map(|(path, value)| format!("{}: {value}", key(path.rsplit('.').next().unwrap_or(path))));
        if section.is_empty() {
            lines.extend(entries.map(|entry| format!("{entry}{trailing}")));
        } else if look.flow {
            lines.push(format!("{}: {{{}}}{trailing}", key(section), entries.collect::<Vec<_>>().join(", ")));
        } else {
            lines.push(format!("{}:{trailing}", key(section)));
            lines.extend(entries.map(|entry| format!("{}{entry}{trailing}", " ".repeat(look.indent))));
        }
        if look.unknown {
            lines.push(format!("mine_{section}: [1,  'two' ]{trailing}"));
        }
    }
    lines
}

fn file() -> impl Strategy<Value = String> {
    let look = (1..5usize, any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(indent, flow, quoted_keys, comments, unknown)| Look {
            indent,
            flow,
            quoted_keys,
            comments,
            unknown,
        },
    );
    let sections =
        subsequence(vec!["", "docker", "thermal_gaps", "notifications", "footprint"], 0..=5).prop_shuffle();
    let written = subsequence(CHOICES.to_vec(), 0..=CHOICES.len()).prop_flat_map(|chosen| {
        chosen
            .into_iter()
            .map(|(path, values)| select(values).prop_map(move |value| (path, value)))
            .collect::<Vec<_>>()
    });
    let ending = (any::<bool>(), any::<bool>(), any::<bool>());
    (sections, written, look, ending).prop_map(|(sections, written, look, (crlf, final_newline, mark))| {
        let line_end = if crlf { "\r\n" } else { "\n" };
        let body = lines(&sections, &written, &look).join(line_end);
        let last = if final_newline && !body.is_empty() { line_end } else { "" };
        format!("{}{body}{last}", if mark { "\u{feff}" } else { "" })
    })
}

fn edit() -> impl Strategy<Value = (&'static str, &'static str)> {
    select(fields()).prop_flat_map(|field| (Just(field.path), select(words(field.path))))
}

/// How many lines of each text are left when the common first and last lines are taken away.
fn different_lines(old: &str, new: &str) -> (usize, usize) {
    let (old, new): (Vec<_>, Vec<_>) = (old.split('\n').collect(), new.split('\n').collect());
    let first = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let last = old[first..].iter().rev().zip(new[first..].iter().rev()).take_while(|(a, b)| a == b).count();
    (old.len() - first - last, new.len() - first - last)
}

proptest! {
    #[test]
    fn what_is_set_is_read_and_nothing_else_changes(text in file(), (path, word) in edit()) {
        let result = set(&text, path, word).map_err(|refusal| TestCaseError::fail(refusal.to_string()))?;
        let (before, _) = read(FILE_NAME, &text);
        let (after, _) = read(FILE_NAME, &result);
        let wanted = value::accept_word(field(path).unwrap(), word).unwrap();
        prop_assert_eq!(after.get(path).unwrap().value, wanted);
        for other in fields().iter().filter(|other| other.path != path) {
            prop_assert_eq!(before.get(other.path).unwrap().value, after.get(other.path).unwrap().value);
        }
        prop_assert_eq!(set(&result, path, word).unwrap(), result, "a second time changes nothing");
    }

    #[test]
    fn all_other_lines_stay_byte_for_byte(text in file(), (path, word) in edit()) {
        let result = set(&text, path, word).map_err(|refusal| TestCaseError::fail(refusal.to_string()))?;
        let (gone, new) = different_lines(&text, &result);
        prop_assert!(gone <= 1 && new <= 3, "{} lines became {} in {:?}", gone, new, result);
        prop_assert_eq!(text.starts_with('\u{feff}'), result.starts_with('\u{feff}'));
        if text.contains("\r\n") {
            prop_assert_eq!(result.matches('\n').count(), result.matches("\r\n").count(), "line endings mix");
        } else {
            prop_assert!(!result.contains('\r'));
        }
        if !text.trim_start_matches('\u{feff}').is_empty() {
            prop_assert_eq!(text.ends_with('\n'), result.ends_with('\n'), "the final newline");
        }
    }

    #[test]
    fn taking_a_setting_out_gives_the_default(text in file(), path in select(fields()).prop_map(|field| field.path)) {
        let Ok(result) = unset(&text, path) else { return Ok(()) };
        let (after, _) = read(FILE_NAME, &result);
        prop_assert_eq!(after.get(path).unwrap().source, crate::source::Source::BuiltIn);
    }

    #[test]
    fn no_text_makes_an_edit_panic_or_touch_another_value(
        text in "([a-d&*'\"{},:#|\\- ]|verbosity|docker|strategy|: |\\n|\\r\\n|\\n  |é|\u{feff}){0,30}",
        (path, word) in edit(),
    ) {
        let _ = read(FILE_NAME, &text);
        let _ = unset(&text, path);
        if let Ok(result) = set(&text, path, word) {
            let (after, _) = read(FILE_NAME, &result);
            prop_assert_eq!(after.get(path).unwrap().value, value::accept_word(field(path).unwrap(), word).unwrap());
        }
    }
}
