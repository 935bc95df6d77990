//! The text of every message, found by small files that deserve it.

use std::fmt::Write as _;

use super::*;

/// What reading and resolving say about each text, under the text.
fn told(cases: &[&str], others: &[(&str, &str)]) -> String {
    let mut report = String::new();
    for text in cases {
        let (campaign, mut problems) = read_with(text, others);
        if let Some(campaign) = campaign {
            problems = resolve(campaign, &Overrides::default(), &Settings::default()).problems;
        }
        let said = lines(&problems).trim_end().replace('\n', "\n   ");
        let _ = writeln!(report, "{}\n=> {said}", text.trim_end());
    }
    report
}

/// A campaign of one experiment with these lines in `shared`.
fn shared(keys: &[&str]) -> Vec<String> {
    keys.iter()
        .map(|key| {
            format!("campaign_name: n\nmodel: m\ngrid:\n  backends: [pytorch]\n  shared:\n    {key}\n")
        })
        .collect()
}

/// A sound campaign with these lines at the top.
fn top(keys: &[&str]) -> Vec<String> {
    keys.iter()
        .map(|key| format!("campaign_name: n\nmodel: m\ngrid: {{backends: [pytorch]}}\n{key}\n"))
        .collect()
}

fn strs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

#[test]
fn a_file_that_is_no_campaign_is_told_what_it_is() {
    insta::assert_snapshot!(told(
        &[
            "",
            "- a\n- b",
            "campaign_name: [",
            "campaign_nam: n\ngrid: {backends: [pytorch]}",
            "model: m",
            "campaign_name: ''\nmodel: m\ngrid: {backends: [pytorch]}",
            "study_name: s\ntask: {model: m}",
            "config_name: c\nmodel_name: m",
            "campaign_name: n",
            "campaign_name: n\nconfigs: []\ngrid: null",
        ],
        &[]
    ));
}

#[test]
fn a_grid_that_cannot_be_expanded_says_why() {
    let many: Vec<String> = (0..22).map(|number| number.to_string()).collect();
    let many = format!(
        "campaign_name: n\ngrid:\n  backends: [pytorch]\n  models: [m]\n  shared: {{random_seed: [{0}], max_output_tokens: [{0}], num_input_prompts: [{0}]}}",
        many.join(", ")
    );
    insta::assert_snapshot!(told(
        &[
            "campaign_name: n\ngrid: 5",
            "campaign_name: n\ngrid: {models: [m]}",
            "campaign_name: n\ngrid: {backends: []}",
            "campaign_name: n\ngrid: {backends: [1]}",
            "campaign_name: n\nmodel: m\ngrid: {backends: pytorch, models: {a: b}}",
            "campaign_name: n\nmodel: m\ngrid: {backends: [pytorch], shared: {batch_size: []}}",
            "campaign_name: n\nmodel: m\ngrid: {backends: [pytorch], shared: [1]}",
            "campaign_name: n\nmodel: m\ngrid: {backends: [pytorch], shared: {batch_size: 1}, axes: {batch_size: 2}}",
            "campaign_name: n\nmodel: m\ngrid: {backends: [pytorch], sharde: {batch_size: 1}, backend_overrides: {vllm: {block_size: 16}}}",
            "campaign_name: n\nmodel: m\ngrid: {backends: [pytorch], backend_overrides: {pytorch: 3}}",
            "campaign_name: n\ngrid: {backends: [pytorch]}",
            &many,
        ],
        &[]
    ));
}

#[test]
fn a_file_that_is_named_and_not_usable_is_told_with_the_place_that_names_it() {
    insta::assert_snapshot!(told(
        &[
            "campaign_name: n\nconfigs: [missing.yaml]",
            "campaign_name: n\nconfigs: [notes.txt, 3]",
            "campaign_name: n\nconfigs: [sub/broken.yaml]",
            "campaign_name: n\nconfigs: [list.yaml]",
            "campaign_name: n\nconfigs: [a.yaml]",
            "campaign_name: n\nconfigs: [self.yaml]",
            "campaign_name: n\nconfigs: [two.yaml]",
            "campaign_name: n\nexperiments: [{config: [a]}, text, {config: ok.yaml, overides: {}}, {config: ok.yaml, overrides: 3}]",
            "campaign_name: n\nexperiments: [{_extends: gone.yaml}]",
        ],
        &[
            ("sub/broken.yaml", "a: 1\nb: [2"),
            ("list.yaml", "- 1"),
            ("a.yaml", "_extends: sub/b.yaml\n"),
            ("sub/b.yaml", "_extends: ../a.yaml\n"),
            ("self.yaml", "_extends: self.yaml\n"),
            ("two.yaml", "_extends: [ok.yaml, a.yaml]\n"),
            ("ok.yaml", "config_name: ok\nmodel_name: m\nbackend: pytorch\n"),
        ]
    ));
}

#[test]
fn a_value_of_the_wrong_kind_or_range_is_told_with_what_is_right() {
    let mut cases = shared(&[
        "batch_size: 0",
        "max_output_tokens: many",
        "fp_precision: fp16",
        "streaming: 3",
        "gpus: -1",
        "decoder: warm",
        "decoder.temperature: 2.5",
        "decoder.temperature: .nan",
        "decoder.top_p: 0",
        "decoder: {temperature: [0, 1]}",
        "warmup.window_size: 2",
        "random_seed: -4",
        "config_name: 7",
        "'config_name': \"a\\tb\"",
        "idle_seconds: .inf",
    ]);
    cases.extend(top(&[
        "execution: {cycles: 0}",
        "execution: {cycles: 1001}",
        "execution: {cycles: 1.5}",
        "execution: {structure: random}",
        "execution: {config_gap_seconds: -1}",
        "execution: {cycle_gap_seconds: 1e300}",
        "execution: {run_timeout_seconds: 0}",
        "execution: [1]",
        "measurement: {interval_ms: 1}",
        "measurement: {devices: []}",
        "measurement: {devices: [-1]}",
        "num_samples: 0",
        "group_by: 3",
        "runner: local",
        "runner: {pytorch: {command: [a]}}",
        "runner: {pytorch: {kind: process, command: python -m x}}",
        "runner: {pytorch: {kind: docker, command: [a]}}",
        "runner: {pytorch: {kind: process, comand: [a], command: [a]}}",
        "runner: {pytorch: {kind: process, command: [a], python: venv}}",
        "runner: {pytorch: {kind: process, url: 'http://localhost:8000/v1'}}",
        "runner: {pytorch: {kind: openai, url: 'localhost:8000', api: embeddings, api_key_env: 'sk-1 2'}}",
        "runner: {pytorch: {kind: openai, url: 'http://localhost:8000/v1', port: 8000, ready_timeout_seconds: 0}}",
        "runner: {pytorch: {kind: openai, url: 'http://user:secret@localhost/v1', port: 70000}}",
    ]));
    insta::assert_snapshot!(told(&strs(&cases), &[]));
}

#[test]
fn what_this_version_cannot_execute_is_refused_with_the_reason() {
    let mut cases = shared(&[
        "save_outputs: true",
        "decode_token_to_text: yes",
        "num_processes: 2",
        "pytorch.num_processes: 2",
        "query_rate: 2.5",
        "streaming_warmup_requests: 0",
        "schedule: {enabled: true}",
        "baseline: {required: true}",
        "io: {results_dir: elsewhere}",
        "batching.strategy: dynamic",
    ]);
    cases.extend(top(&[
        "schedule: {at: '22:00'}",
        "daemon: {enabled: true}",
        "health_check: {interval_experiments: 5}",
        "io: {results_dir: out, state_dir: s, configs_dir: c, manifest_filename: m.json}",
    ]));
    insta::assert_snapshot!(told(&strs(&cases), &[]));
}

#[test]
fn values_that_do_not_go_together_are_told() {
    let mut cases = shared(&[
        "min_output_tokens: 200",
        "warmup: {min_prompts: 60}",
        "{batch_size: 2, batching.batch_size: 3}",
        "{batch_size: 2, pytorch.batch_size: 3}",
        "{model: a, model_name: b}",
        "vllm.block_size: 16",
        "pytorch: fast",
        "{dataset: alpaca, prompts: {type: file, path: p.txt}}",
        "prompts: {type: file}",
        "prompts: {type: huggingface, path: p.txt, dataset: d}",
        "prompts: {type: file, path: p.txt, split: test}",
        "prompts: {type: builtin, path: p.txt}",
        "dataset: {sample_size: 3}",
        "{dataset: {name: d, sample_size: 3}, num_input_prompts: 4}",
    ]);
    cases.extend(top(&[
        "num_samples: 3\nexperiments: [{backend: pytorch, num_input_prompts: 4}]",
        "dataset: alpaca\nexperiments: [{backend: pytorch, dataset: gsm8k}]",
        "experiments: [{backend: pytorch}]",
        "experiments: [{backend: tensorrt, fp_precision: float32}]",
        "experiments: [{vllm: {block_size: 16}, candle: {threads: 1}}]",
        "runner: {vllm: process}",
        "thermal: {mode: adaptive, min_seconds: 20, max_seconds: 10}",
        "thermal: {mode: warm, tolerance_c: 0}",
        "thermal: {mode: hot}\nrunner: {s: {kind: openai, url: 'http://h:1/v1'}}\n\
         experiments: [{backend: s, model: m, traffic: {type: trace, path: t.txt}}]",
        "measurement: {baseline: fresh}",
        "measurement: {baseline: {kind: idle, duration_seconds: 1, drift_threshold: 2}}",
        "execution: {cycles: {min: 5}}",
        "execution: {cycles: {min: 9, max: 3, target_ci_percent: 2}}",
    ]));
    insta::assert_snapshot!(told(&strs(&cases), &[]));
}

#[test]
fn keys_that_nobody_knows_are_told_with_what_was_probably_meant() {
    let mut cases = shared(&[
        "batchsize: 2",
        "temperature: 0.5",
        "decoder: {temprature: 0.5}",
        "mood: calm",
        "pytorch.torch_compil: true",
        "pytorch: {beam_search.num_beams: 2, use_cache: yes}",
        "timeseries: {sample_interval_ms: 50}",
        "baseline: {enabled: true}",
    ]);
    cases.extend(top(&[
        "exection: {cycles: 2}",
        "execution: {cycle: 2}",
        "decoder: {top_k: 3}",
        "thermal: {delta: 2}",
    ]));
    insta::assert_snapshot!(told(&strs(&cases), &[]));
}

#[test]
fn options_of_the_command_that_are_out_of_range_are_errors() {
    let overrides = Overrides {
        cycles: Some(0),
        config_gap_s: Some(f64::NAN),
        cycle_gap_s: Some(-1.0),
        warmup_timeout_s: Some(1e300),
        sample_size: Some(0),
        warmup_prompts: Some(u32::MAX),
        model: Some(" ".to_owned()),
        dataset: Some(String::new()),
        ..Overrides::default()
    };
    let campaign = resolved_with("campaign_name: n\nmodel: m\ngrid: {backends: [pytorch]}", &overrides);
    assert!(campaign.has_errors());
    insta::assert_snapshot!(lines(&campaign.problems));
}

#[test]
fn a_cold_start_in_a_persistent_container_is_refused_and_in_a_fresh_one_executed() {
    let text =
        "campaign_name: n\nmodel: m\ngrid: {backends: [pytorch]}\ncold_start: {force_cold_start: true}";
    assert!(!resolved(text).has_errors());
    let persistent = crate::settings::ContainerStrategy::Persistent;
    let overrides = Overrides { container_strategy: Some(persistent), ..Overrides::default() };
    insta::assert_snapshot!(lines(&resolved_with(text, &overrides).problems));
}

#[test]
fn more_runs_than_anyone_means_are_refused() {
    let seeds: Vec<String> = (0..1500).map(|seed| seed.to_string()).collect();
    let text = format!(
        "campaign_name: n\nmodel: m\ngrid: {{backends: [pytorch], shared: {{random_seed: [{}]}}}}\nexecution: {{cycles: 1000}}",
        seeds.join(", ")
    );
    insta::assert_snapshot!(lines(&resolved(&text).problems));
}

#[test]
fn traffic_and_orders_that_cannot_be_say_why() {
    insta::assert_snapshot!(told(
        &strs(&shared(&[
            "traffic.concurrency: [1, 8]",
            "traffic: [{type: closed}, {type: closed, concurrency: 0}]",
            "traffic.type: poison",
            "traffic: [{type: poisson, requests_per_s: 2, burstiness: 1}]",
            "traffic: [{type: closed, concurrency: 2}]\n    traffic_simulation.enabled: true",
            "prompts.order: sorted",
            "prompts.shuffle: true\n    prompts.order: grouped",
        ])),
        &[]
    ));
}
