//! Changing one value: what the text looks like afterwards, and what is refused.

use crate::settings::*;

fn after(text: &str, path: &str, value: &str) -> String {
    set(text, path, value).unwrap_or_else(|refusal| panic!("{text:?} {path}={value}: {refusal}"))
}

#[test]
fn only_the_bytes_of_the_value_change() {
    let text = "# head\r\nverbosity: 'normal'   # how chatty\r\n\r\nthermal_gaps:   # seconds\r\n    between_cycles:  300 # c\r\nmine: [1,  2]";
    assert_eq!(after(text, "verbosity", "quiet"), text.replace("normal", "quiet"));
    assert_eq!(after(text, "thermal_gaps.between_cycles", "1.5"), text.replace("300", "1.5"));
}

#[test]
fn a_lone_carriage_return_ends_a_line_too() {
    let text = "    # b\r\rverbosity: quiet\r";
    let edited = after(text, "thermal_gaps.between_cycles", "2");
    assert_eq!(edited.matches("# b").count(), 1, "the lines above became an indent: {edited:?}");
    assert_eq!(
        after("verbosity: quiet # a\rdocker:\r", "docker.warmup_delay", "2").matches("# a").count(),
        1
    );
}

#[test]
fn absent_fields_are_inserted_where_they_belong() {
    let cases = [
        ("", "results_dir", "out"),
        ("", "docker.strategy", "persistent"),
        ("# only a comment", "docker.strategy", "persistent"),
        ("# only a comment\n", "verbosity", "quiet"),
        ("\u{feff}", "verbosity", "quiet"),
        ("---\n", "verbosity", "quiet"),
        ("---\nverbosity: quiet\n...\n", "docker.warmup_delay", "2"),
        ("results_dir: x", "verbosity", "quiet"),
        ("docker:", "docker.warmup_delay", "2"),
        ("docker:   # later\nresults_dir: x\n", "docker.warmup_delay", "2"),
        ("docker: {}\n", "docker.warmup_delay", "2"),
        ("docker: { strategy: ephemeral } # c\n", "docker.warmup_delay", "2"),
        ("docker:\n  # which\n  strategy: ephemeral\n", "docker.warmup_delay", "2"),
        ("docker:\r\n    strategy: ephemeral\r\n# end", "thermal_gaps.between_cycles", "2"),
        ("  docker:\n     strategy: ephemeral\n", "thermal_gaps.between_cycles", "2"),
        ("{}", "thermal_gaps.between_cycles", "2"),
        ("{verbosity: quiet, docker: }", "docker.strategy", "persistent"),
        ("{\"verbosity\": \"quiet\"}\n", "notifications.webhook_url", "https://example.org/a?b=c"),
        ("verbosity:   # none yet\n", "verbosity", "quiet"),
        ("base: &b {warmup_delay: 4}\ndocker:\n  <<: *b\n", "docker.warmup_delay", "2"),
    ];
    let shown: Vec<String> = cases
        .iter()
        .map(|(text, path, value)| {
            let result = after(text, path, value);
            assert_eq!(after(&result, path, value), result, "a second time changes nothing");
            format!("{text:?}\n  + {path}={value}\n{result:?}\n")
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn values_are_found_however_they_are_written() {
    let cases = [
        ("\"verbosity\" : \"normal\" # c\n", "\"verbosity\" : \"quiet\" # c\n"),
        ("verbosity: &v normal # c\n", "verbosity: &v quiet # c\n"),
        ("verbosity: !!str 'normal'  # c 'x'\n", "verbosity: !!str 'quiet'  # c 'x'\n"),
        ("x: &v normal\nverbosity: *v # c\n", "x: &v normal\nverbosity: quiet # c\n"),
        ("verbosity:\n  normal\n# c\n", "verbosity:\n  quiet\n# c\n"),
        ("? verbosity\n: normal\n", "? verbosity\n: quiet\n"),
        ("ünï: 'ß'\nverbosity: normal", "ünï: 'ß'\nverbosity: quiet"),
        ("verbosity: 'it''s # not'  # c\n", "verbosity: 'quiet'  # c\n"),
        ("verbosity: \"a \\\" b\"  # c\n", "verbosity: \"quiet\"  # c\n"),
        ("verbosity: two\n  lines\nmine: 1\n", "verbosity: quiet\nmine: 1\n"),
        ("verbosity: loud\n", "verbosity: quiet\n"),
    ];
    for (before, expected) in cases {
        assert_eq!(after(before, "verbosity", "quiet"), expected);
    }
}

#[test]
fn text_is_quoted_where_yaml_would_read_something_else() {
    for value in [
        "yes", "null", "12", "1e3", "a b", "a: b", "a # b", "it's", "-x", "[x]", "é", "./x", "C:\\x", "x:",
        "~", "0x1F", "{a}", "a,b", "*x", "on",
    ] {
        for text in ["", "results_dir: x\n", "{results_dir: x}", "results_dir: 'x'", "results_dir: \"x\""] {
            let result = after(text, "results_dir", value);
            let (settings, findings) = read(FILE_NAME, &result);
            assert_eq!((settings.results_dir.value.as_str(), findings.len()), (value, 0), "{result:?}");
        }
    }
    assert_eq!(after("results_dir: x\n", "results_dir", "out/lem"), "results_dir: out/lem\n");
}

#[test]
fn a_webhook_can_be_taken_away_again() {
    let with = after("", "notifications.webhook_url", "https://example.org/h");
    assert_eq!(with, "notifications:\n  webhook_url: https://example.org/h\n");
    assert_eq!(after(&with, "notifications.webhook_url", "null"), "notifications:\n  webhook_url: null\n");
    assert_eq!(
        after("notifications:\n  webhook_url: https:// test\n", "notifications.webhook_url", "null"),
        "notifications:\n  webhook_url: null\n"
    );
}

#[test]
fn a_value_that_is_already_there_keeps_its_spelling() {
    for text in [
        "docker: {warmup_delay: 6e1, auto_teardown: yes}",
        "docker:\n  auto_teardown: On\n  warmup_delay: '60'\n",
    ] {
        assert_eq!(after(&after(text, "docker.warmup_delay", "60"), "docker.auto_teardown", "true"), text);
    }
}

#[test]
fn refusals_say_what_is_in_the_way() {
    let cases = [
        ("verbosity: [x\n", "verbosity", "quiet"),
        ("a: 1\na: 2\n", "verbosity", "quiet"),
        ("", "verbosty", "quiet"),
        ("", "theme", "dark"),
        ("", "docker", "x"),
        ("", "verbosity", "loud"),
        ("", "verbosity", "'quiet'"),
        ("", "thermal_gaps.between_cycles", "-1"),
        ("", "thermal_gaps.between_cycles", "nan"),
        ("", "thermal_gaps.between_cycles", "inf"),
        ("", "thermal_gaps.between_cycles", ""),
        ("", "docker.auto_teardown", "maybe"),
        ("", "notifications.webhook_url", "https:// test"),
        ("", "default_backend", "a b"),
        ("", "results_dir", " "),
        ("", "results_dir", "a\nb"),
        ("# c\nverbosity: |\n  normal\n", "verbosity", "quiet"),
        ("verbosity: {a: 1}\n", "verbosity", "quiet"),
        ("verbosity:\n  - a\n", "verbosity", "quiet"),
        ("docker: 5\n", "docker.strategy", "persistent"),
        ("docker: [a]\n", "docker.strategy", "persistent"),
        ("- a\n", "verbosity", "quiet"),
        ("text\n", "verbosity", "quiet"),
        ("null\n", "verbosity", "quiet"),
        ("x: &d {strategy: ephemeral}\ndocker: *d\n", "docker.strategy", "persistent"),
        ("verbosity: &v normal\nother: *v\n", "verbosity", "quiet"),
        ("verbosity: &v\nx: 1\n", "verbosity", "quiet"),
        ("docker: &d\n  strategy: ephemeral\nother: *d\n", "docker.strategy", "persistent"),
        ("docker: !!float 5\n", "docker.strategy", "persistent"),
    ];
    let shown: Vec<String> = cases
        .iter()
        .map(|(text, path, value)| {
            format!("{text:?} + {path}={value}\n  {}", set(text, path, value).expect_err(text))
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn a_setting_can_be_taken_out_with_its_line() {
    let cases = [
        ("verbosity: quiet # c\nmine: 1\n", "verbosity", "mine: 1\n"),
        ("mine: 1\r\nverbosity: quiet", "verbosity", "mine: 1"),
        ("\u{feff}verbosity: quiet", "verbosity", "\u{feff}"),
        ("docker:\n  # c\n  strategy: persistent\n  x: 1\n", "docker.strategy", "docker:\n  # c\n  x: 1\n"),
        ("docker:\n  strategy: persistent\n", "docker.strategy", "docker:\n"),
        ("mine: 1\n", "docker.strategy", "mine: 1\n"),
        ("verbosity:\n", "verbosity", ""),
    ];
    for (before, path, expected) in cases {
        assert_eq!(unset(before, path).as_deref(), Ok(expected), "{before:?}");
    }
    for (text, path) in [
        ("docker: {strategy: persistent}\n", "docker.strategy"),
        ("verbosity:\n  quiet\n", "verbosity"),
        ("b: &b {strategy: persistent}\ndocker: {<<: *b}\n", "docker.strategy"),
        ("verbosity: &v quiet\nx: *v\n", "verbosity"),
    ] {
        assert!(matches!(unset(text, path), Err(EditError::Refused { .. })), "{text:?}");
    }
}
