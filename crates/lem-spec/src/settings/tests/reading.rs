//! Reading `.lem-config.yaml`: defaults, sources, and what is said about each mistake.

use crate::diagnostic::Severity;
use crate::settings::*;
use crate::source::Source;

/// A value for each field that is not its default.
const OTHER_VALUES: [(&str, &str); 16] = [
    ("verbosity", "verbose"),
    ("thermal_gaps.between_experiments", "5.5"),
    ("thermal_gaps.between_cycles", "0"),
    ("docker.strategy", "persistent"),
    ("docker.warmup_delay", "3"),
    ("docker.auto_teardown", "false"),
    ("notifications.webhook_url", "https://example.org/hook"),
    ("notifications.on_complete", "false"),
    ("notifications.on_failure", "false"),
    ("default_backend", "vllm"),
    ("python", "./venv"),
    ("results_dir", "out/lem"),
    ("footprint.carbon_intensity_gco2_kwh", "381.5"),
    ("footprint.datacenter_pue", "1.2"),
    ("footprint.price_per_kwh", "0.3"),
    ("footprint.device_price_per_hour", "2"),
];

fn report(text: &str) -> String {
    let (settings, findings) = read(FILE_NAME, text);
    let all_default =
        fields().iter().all(|field| settings.get(field.path).unwrap().value.to_string() == field.default);
    let mut lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    lines.push(format!("-> {}", if all_default { "defaults" } else { "some values are set" }));
    lines.join("\n")
}

#[test]
fn what_stands_below_an_empty_key_is_no_setting() {
    let (settings, findings) = read(FILE_NAME, ": {results_dir: elsewhere}\n");
    assert_eq!(settings, Settings::default());
    assert_eq!(findings.len(), 1, "{findings:?}");
}

#[test]
fn a_file_that_says_nothing_gives_the_defaults() {
    for text in [
        "",
        "\n",
        "# only a comment\n",
        "\u{feff}",
        "---\n",
        "{}",
        "docker:\n",
        "docker: {}\nthermal_gaps: ~\n",
    ] {
        assert_eq!(read(FILE_NAME, text), (Settings::default(), vec![]), "{text:?}");
    }
}

#[test]
fn the_table_has_the_defaults_of_the_settings() {
    let defaults = Settings::default();
    for field in fields() {
        let resolved = defaults.get(field.path).expect(field.path);
        assert_eq!(resolved.value.to_string(), field.default, "{}", field.path);
        assert_eq!(resolved.source, Source::BuiltIn);
        if let Kind::Choice(names) = field.kind {
            assert!(names.contains(&field.default), "{}", field.path);
        }
    }
    assert_eq!(defaults.get("docker"), None);
    assert_eq!(defaults.get("theme"), None);
}

#[test]
fn every_field_can_be_set_and_knows_its_line() {
    assert_eq!(
        OTHER_VALUES.map(|(path, _)| path).to_vec(),
        fields().iter().map(|field| field.path).collect::<Vec<_>>()
    );
    for (path, value) in OTHER_VALUES {
        let text = match path.split_once('.') {
            Some((section, key)) => format!("# head\n{section}:\n  {key}: {value}\n"),
            None => format!("# head\n\n{path}: {value}\n"),
        };
        let (settings, findings) = read(FILE_NAME, &text);
        assert_eq!(findings, [], "{path}");
        let resolved = settings.get(path).unwrap();
        assert_eq!(resolved.value.to_string(), value);
        assert_eq!(resolved.source, Source::Settings { line: 3 }, "{path}");
        for other in fields().iter().filter(|field| field.path != path) {
            assert_eq!(
                settings.get(other.path).unwrap().source,
                Source::BuiltIn,
                "{path} changed {}",
                other.path
            );
        }
    }
}

#[test]
fn the_template_is_the_defaults_and_names_every_field() {
    let (settings, findings) = read(FILE_NAME, template());
    assert_eq!(findings, []);
    for field in fields() {
        let resolved = settings.get(field.path).unwrap();
        assert_eq!(resolved.value.to_string(), field.default, "{}", field.path);
        assert_ne!(resolved.source, Source::BuiltIn, "{} is not in the template", field.path);
    }
}

#[test]
fn one_bad_value_costs_only_its_own_field() {
    let text =
        "thermal_gaps:\n  between_experiments: -5\n  between_cycles: 10\nverbosity: loud\nresults_dir: out\n";
    let (settings, findings) = read(FILE_NAME, text);
    assert_eq!(
        settings.thermal_gaps.between_experiments,
        Settings::default().thermal_gaps.between_experiments
    );
    assert_eq!(settings.thermal_gaps.between_cycles.value.to_string(), "10");
    assert_eq!(settings.results_dir.value, "out");
    assert_eq!(findings.iter().map(|finding| finding.at.unwrap().line).collect::<Vec<_>>(), [2, 4]);
}

#[test]
fn a_webhook_that_cannot_be_called_is_no_webhook_and_no_error() {
    let bad = [
        "https:// test",
        "example.org",
        "ftp://example.org",
        "https://",
        "https://:80/",
        "http://h:99999",
        "http://[::zz]/",
        "''",
        "5",
        "http://a b",
    ];
    for url in bad {
        let (settings, findings) = read(FILE_NAME, &format!("notifications:\n  webhook_url: {url}\n"));
        assert_eq!(settings.notifications.webhook_url.value, None, "{url}");
        assert_eq!(
            findings.iter().map(|finding| finding.severity).collect::<Vec<_>>(),
            [Severity::Warning],
            "{url}"
        );
    }
    for url in [
        "http://localhost:8080/x?y=z",
        "HTTPS://user:pw@example.org",
        "http://[::1]:80/a",
        "https://exämple.org/#f",
    ] {
        let (settings, findings) = read(FILE_NAME, &format!("notifications: {{webhook_url: '{url}'}}"));
        assert_eq!((settings.notifications.webhook_url.value.as_deref(), findings.len()), (Some(url), 0));
    }
}

#[test]
fn words_and_numbers_of_other_yaml_writers_are_understood() {
    let text = "docker: {auto_teardown: no, warmup_delay: '1e1'}\nnotifications: {on_failure: Off}\nthermal_gaps:\n  between_cycles: 1e2\n";
    let (settings, findings) = read(FILE_NAME, text);
    assert_eq!(findings, []);
    assert!(!settings.docker.auto_teardown.value && !settings.notifications.on_failure.value);
    assert_eq!(settings.docker.warmup_delay.value.to_string(), "10");
    assert_eq!(settings.thermal_gaps.between_cycles.value.to_string(), "100");
}

#[test]
fn every_mistake_is_named_with_its_place_and_range() {
    let long = format!("verbosity: {}\n", "x".repeat(200));
    let texts = [
        "verbosity: [quiet\n",
        "verbosity: quiet\nverbosity: normal\n",
        "- a\n- b\n",
        "just text\n",
        "verbosity: verbos\n",
        "verbosity: loud\n",
        "verbosity:\n",
        "verbosity: 3\n",
        "docker: ephemeral\n",
        "docker:\n  strategy: {a: 1}\n  warmup_delay: [1]\n  auto_teardown: maybe\n",
        "thermal_gaps:\n  between_experiments: -1\n  between_cycles: .nan\n",
        "thermal_gaps:\n  between_experiments: .inf\n  between_cycles: 012\n",
        "thermal_gaps: {between_cycles: five}\n",
        "thermal_gaps: {between_cycles: null}\n",
        "notifications:\n  webhook_url: https:// test\n",
        "default_backend: my backend\n",
        "default_backend: 5\n",
        "results_dir: ''\n",
        "results_dir: 2026\n",
        "theme: dark\nverbosty: quiet\n",
        "thermal_gaps:\n  between_cycle: 5\n  theme: 1\n",
        "between_cycles: 5\nthermal_gap: {between_cycles: 1}\n",
        "docker:\n  results_dir: x\n",
        long.as_str(),
    ];
    let reports: Vec<String> = texts.iter().map(|text| format!("{text}{}\n", report(text))).collect();
    insta::assert_snapshot!(reports.join("\n"));
}

#[test]
fn settings_are_data_with_their_sources() {
    let (settings, _) = read(FILE_NAME, "thermal_gaps:\n  between_cycles: 120\n");
    insta::assert_json_snapshot!(settings);
    let copy: Settings = serde_json::from_value(serde_json::to_value(&settings).unwrap()).unwrap();
    assert_eq!(copy, settings);
}
