//! What the values in force are, and where they come from.

use proptest::prelude::*;

use super::*;
use crate::diagnostic::Severity;
use crate::source::{Resolved, Source};

const ONE: &str = "campaign_name: n\nmodel: m\ngrid: {backends: [pytorch]}\n";

fn json(campaign: &ResolvedCampaign) -> serde_json::Value {
    serde_json::to_value(campaign).expect("a campaign is plain data")
}

#[test]
fn a_campaign_of_every_own_key_resolves_with_sources() {
    let (campaign, _) = read_fixture("own.yaml");
    insta::assert_yaml_snapshot!(json(&resolve(
        campaign.expect("sound"),
        &Overrides::default(),
        &Settings::default()
    )));
}

#[test]
fn config_files_are_merged_on_top_of_what_they_extend() {
    let (campaign, _) = read_fixture("configs.yaml");
    let campaign = resolve(campaign.expect("sound"), &Overrides::default(), &Settings::default());
    insta::assert_yaml_snapshot!(campaign.experiments);
}

#[test]
fn a_file_of_an_earlier_tool_that_asks_for_nothing_unusual_loads_with_one_note() {
    let (campaign, problems) = read_fixture("legacy.yaml");
    assert!(campaign.is_some());
    insta::assert_snapshot!(lines(&problems));
}

#[test]
fn the_command_line_wins_over_the_campaign_and_that_over_the_settings() {
    let (settings, _) =
        crate::settings::read("s", "thermal_gaps: {between_experiments: 5, between_cycles: 6}");
    let text = format!("{ONE}execution: {{cycle_gap_seconds: 7, cycles: 4}}");
    let overrides = Overrides { cycles: Some(2), ..Overrides::default() };
    let (campaign, _) = read_with(&text, &[]);
    let campaign = resolve(campaign.expect("sound"), &overrides, &settings);
    assert_eq!(campaign.config_gap_s, Resolved::new(5.0, Source::Settings { line: 1 }));
    assert_eq!(campaign.cycle_gap_s, Resolved::new(7.0, Source::Campaign { line: 4 }));
    assert_eq!(campaign.cycles, Resolved::new(2, Source::CommandLine));
    assert_eq!(campaign.silence_timeout_s, Resolved::built_in(600.0));
    assert_eq!(campaign.seed, None);
}

#[test]
fn a_seed_of_0_is_a_seed() {
    let campaign = resolved(&format!("{ONE}execution: {{seed: 0}}"));
    assert_eq!(campaign.seed.map(|seed| seed.value), Some(0));
    let overrides = Overrides { seed: Some(0), ..Overrides::default() };
    let campaign = resolved_with(&format!("{ONE}execution: {{seed: 9}}"), &overrides);
    assert_eq!(campaign.seed, Some(Resolved::new(0, Source::CommandLine)));
}

#[test]
fn a_grid_varies_the_last_key_fastest_and_names_what_varies() {
    let campaign = resolved(
        "campaign_name: n\ngrid:\n  backends: [pytorch, vllm]\n  models: [o/a, o/b]\n  shared: {max_output_tokens: [8, 9], fp_precision: [float16, bfloat16], streaming: true}\n",
    );
    insta::assert_snapshot!(names(&campaign).join("\n"));
}

#[test]
fn names_of_experiments_that_say_the_same_are_numbered() {
    let campaign =
        resolved("campaign_name: n\nmodel: m\nexperiments: [{backend: pytorch}, {backend: pytorch}]");
    assert_eq!(names(&campaign), ["pytorch-m-float16", "pytorch-m-float16-2"]);
}

#[test]
fn another_model_on_the_command_line_is_in_the_names_and_merges_what_became_equal() {
    let overrides = Overrides { model: Some("org/other".to_owned()), ..Overrides::default() };
    let campaign = resolved_with("campaign_name: n\ngrid: {backends: [vllm], models: [a, b]}", &overrides);
    assert_eq!(names(&campaign), ["vllm-other-float16"]);
    assert_eq!(campaign.experiments[0].model, "org/other");
    assert!(campaign.problems.iter().any(|problem| problem.code == "same_experiment"));
}

#[test]
fn a_sample_size_on_the_command_line_is_in_force_in_parameters_and_names() {
    let overrides =
        Overrides { sample_size: Some(7), dataset: Some("p.txt".to_owned()), ..Overrides::default() };
    let text = "campaign_name: n\nmodel: m\ngrid: {backends: [vllm], shared: {num_input_prompts: [1, 2]}}";
    let campaign = resolved_with(text, &overrides);
    assert_eq!(
        names(&campaign),
        ["vllm-m-float16-num_input_prompts7", "vllm-m-float16-num_input_prompts7-2"]
    );
    assert_eq!(campaign.experiments[0].parameters["num_input_prompts"], 7);
    assert_eq!(campaign.experiments[0].prompts, Prompts::File { path: "p.txt".to_owned(), column: None });
}

#[test]
fn prompt_files_are_named_from_the_folder_of_the_campaign() {
    let text = "campaign_name: n\nmodel: m\ndataset: ../p.csv\ngrid: {backends: [vllm]}";
    let (campaign, _) = read("study/c.yaml", text, &|_| Err(String::new()));
    let path = match campaign.expect("sound").dataset.expect("given").value {
        Prompts::File { path, .. } => path,
        other => panic!("a file was meant: {other:?}"),
    };
    assert_eq!(path, "p.csv");
}

#[test]
fn warm_up_of_an_experiment_wins_over_the_campaign_and_the_command_line_over_both() {
    let prompts = |keys: &str, execution: &str, overrides: &Overrides| {
        let text = format!(
            "campaign_name: n\nmodel: m\nexperiments: [{{backend: vllm{keys}}}]\nexecution: {{{execution}}}"
        );
        resolved_with(&text, overrides).experiments[0].warmup.clone()
    };
    let none = Overrides::default();
    let by_command = Overrides { warmup_prompts: Some(9), ..Overrides::default() };
    assert_eq!(prompts("", "", &none).prompts, 5);
    assert_eq!(prompts("", "warmup_prompts: 3", &none).prompts, 3);
    assert_eq!(prompts(", warmup: {min_prompts: 2}", "warmup_prompts: 3", &none).prompts, 2);
    assert_eq!(prompts(", warmup: {min_prompts: 2}", "warmup_prompts: 3", &by_command).prompts, 9);
    let off = prompts(", warmup: {enabled: false}", "warmup_prompts: 3", &none);
    assert_eq!((off.prompts, off.convergence), (0, None));
    assert_eq!(prompts("", "warmup_prompts: 0", &none).convergence, None);
    let many = Overrides { warmup_prompts: Some(99), ..Overrides::default() };
    assert_eq!(prompts("", "", &many).convergence.expect("on by default").max_prompts, 99);
}

#[test]
fn single_decoder_values_stand_on_top_of_the_preset_and_temperature_0_is_greedy() {
    let decoding = |keys: &str| {
        let text =
            format!("campaign_name: n\nmodel: m\nexperiments: [{{backend: vllm, decoder: {{{keys}}}}}]");
        resolved(&text).experiments[0].decoding.clone()
    };
    let creative = decoding("preset: creative, top_p: 0.5");
    assert_eq!((creative.temperature, creative.top_p, creative.repetition_penalty), (0.8, 0.5, 1.1));
    assert!(!decoding("temperature: 0").do_sample);
    assert!(!decoding("preset: deterministic").do_sample);
    assert!(decoding("").do_sample);
}

#[test]
fn the_backend_comes_from_its_section_or_from_the_settings_when_it_is_not_named() {
    let campaign =
        resolved("campaign_name: n\nmodel: m\nexperiments: [{candle: {threads: 2}}, {streaming: true}]");
    assert_eq!(campaign.experiments[0].backend, "candle");
    assert_eq!(campaign.experiments[1].backend, "pytorch");
}

#[test]
fn options_are_passed_on_as_written_without_the_batch_size_that_every_backend_has() {
    let campaign = resolved(
        "campaign_name: n\nmodel: m\nexperiments: [{backend: other, other: {batch_size: 4, deep: {a: [1, x]}, b: null}}]",
    );
    let spec = &campaign.experiments[0];
    assert_eq!(spec.batch_size, 4);
    assert_eq!(serde_json::Value::Object(spec.options.clone()), serde_json::json!({"deep": {"a": [1, "x"]}}));
    assert_eq!(spec.parameters["other.deep.a"], serde_json::json!([1, "x"]));
}

#[test]
fn the_runner_of_the_command_line_keeps_the_command_that_the_campaign_gives() {
    let text = format!("{ONE}runner: {{pytorch: {{kind: process, command: [w]}}}}");
    let process = Overrides { runner: Some(RunnerKind::Process), ..Overrides::default() };
    let kept = &resolved_with(&text, &process).runners["pytorch"];
    assert_eq!(kept.value, Runner::Process { command: Some(vec!["w".to_owned()]), python: None });
    assert_eq!(kept.source, Source::CommandLine);
    let docker = Overrides { runner: Some(RunnerKind::Docker), ..Overrides::default() };
    assert_eq!(resolved_with(&text, &docker).runners["pytorch"].value, Runner::Docker);
    assert_eq!(resolved(ONE).runners["pytorch"], Resolved::built_in(Runner::Docker));
}

#[test]
fn a_campaign_survives_json() {
    let (campaign, _) = read_fixture("experiments.yaml");
    let campaign = resolve(campaign.expect("sound"), &Overrides::default(), &Settings::default());
    let back: ResolvedCampaign =
        serde_json::from_value(json(&campaign)).expect("what was written can be read");
    assert_eq!(back, campaign);
}

proptest! {
    #[test]
    fn no_text_makes_reading_panic(text in "(campaign_name: n\n)?(grid:\n|configs:|experiments:\n)?[-a-z:{}\\[\\], \n0-9.]{0,120}") {
        let (campaign, problems) = read_with(&text, &[]);
        let errors = problems.iter().any(|problem| problem.severity == crate::diagnostic::Severity::Error);
        prop_assert_eq!(campaign.is_none(), errors, "{}", lines(&problems));
    }

    #[test]
    fn a_grid_has_every_combination_once(a in 1_usize..5, b in 1_usize..5, models in 1_usize..4) {
        let list = |count: usize| (1..=count).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
        let models_list = (0..models).map(|n| format!("m{n}")).collect::<Vec<_>>().join(", ");
        let campaign = resolved(&format!(
            "campaign_name: n\ngrid: {{backends: [vllm], models: [{models_list}], shared: {{batch_size: [{}], max_output_tokens: [{}]}}}}",
            list(a), list(b)
        ));
        let distinct: std::collections::BTreeSet<_> = campaign
            .experiments
            .iter()
            .map(|spec| (spec.model.clone(), spec.batch_size, spec.max_output_tokens))
            .collect();
        prop_assert_eq!(distinct.len(), a * b * models);
        prop_assert_eq!(campaign.experiments.len(), a * b * models);
    }
}

#[test]
fn workers_in_python_need_no_command_and_take_the_python_of_the_settings_unless_they_name_one() {
    let runner = |text: &str| resolved(&format!("{ONE}{text}")).runners["pytorch"].value.clone();
    let python = |python: &str| Runner::Process { command: None, python: Some(python.to_owned()) };
    assert_eq!(runner("runner: process"), python("python3"));
    assert_eq!(runner("runner: {pytorch: {kind: process, python: ./venv}}"), python("./venv"));
}

#[test]
fn a_server_is_that_of_the_service_unless_it_runs_already() {
    let runner = |text: &str| resolved(&format!("{ONE}{text}")).runners["pytorch"].value.clone();
    assert!(runner("runner: openai").needs_service());
    let there =
        runner("runner: {pytorch: {kind: openai, url: 'http://localhost:8000/v1', api: completions}}");
    assert!(!there.needs_service());
}

#[test]
fn arrivals_and_orders_of_earlier_tools_mean_the_same_in_the_words_of_today() {
    let first = |text: &str| {
        let text = format!("campaign_name: n\nmodel: m\nexperiments:\n  - {{backend: pytorch, {text}}}\n");
        resolved(&text).experiments.remove(0)
    };
    let simulated = first("traffic_simulation: {enabled: true, target_qps: 2.5}").traffic;
    assert_eq!(simulated, first("traffic: {type: poisson, requests_per_s: 2.5}").traffic);
    assert_eq!(simulated, Some(Traffic::Poisson { requests_per_s: 2.5 }));
    let shuffled = first("prompts: {type: file, path: p.txt, shuffle: true}").order;
    assert_eq!(shuffled, first("prompts: {type: file, path: p.txt, order: shuffled}").order);
    assert_eq!(shuffled, PromptOrder::Shuffled);
    assert_eq!(
        first("traffic: {type: trace, path: t.txt}").traffic,
        Some(Traffic::Trace { path: "t.txt".into() })
    );
}

#[test]
fn engines_that_batch_by_themselves_get_as_many_requests_as_they_take() {
    let first = |text: &str| {
        let text = format!("campaign_name: n\nmodel: m\nexperiments:\n  - {{{text}}}\n");
        resolved(&text).experiments.remove(0).batch_size
    };
    assert_eq!(first("backend: vllm"), 256);
    assert_eq!(first("backend: vllm, vllm: {max_num_seqs: 32}"), 32);
    assert_eq!(first("backend: tensorrt, tensorrt: {max_batch_size: 4}"), 4);
    assert_eq!(first("backend: vllm, batch_size: 2, vllm: {max_num_seqs: 32}"), 2);
    assert_eq!(first("backend: pytorch"), 1);
}

#[test]
fn a_trace_does_not_keep_a_server_hot_and_what_else_it_goes_with_is_planned() {
    let problems = |mode: &str, runner: &str, traffic: &str| {
        let text = format!(
            "campaign_name: n\nmodel: m\nthermal: {{mode: {mode}}}\nrunner: {{served: {runner}}}\nexperiments:\n  \
             - {{backend: served, traffic: {traffic}}}\n"
        );
        let campaign = resolved(&text);
        let errors = campaign.problems.into_iter().filter(|problem| problem.severity == Severity::Error);
        errors.collect::<Vec<_>>()
    };
    let (server, trace) = ("{kind: openai, url: 'http://localhost:8000/v1'}", "{type: trace, path: t.txt}");
    let refused = problems("hot", server, trace).remove(0);
    assert_eq!((refused.field.as_deref(), refused.at.map(|at| at.line)), (Some("traffic.type"), Some(6)));
    assert!(refused.message.contains("thermal.mode: hot") && refused.hint.is_some(), "{refused}");
    assert_eq!(problems("adaptive", server, trace), []);
    assert_eq!(problems("hot", server, "{type: poisson, requests_per_s: 2}"), []);
    assert_eq!(problems("hot", "{kind: process, command: [worker]}", trace), []);
}

#[test]
fn gaps_that_wait_for_the_temperature_and_a_baseline_take_what_is_not_written_from_the_literature() {
    let campaign = super::resolved(
        "campaign_name: n\nmodel: m\ngrid: {backends: [pytorch]}\nthermal: {mode: adaptive, max_seconds: 600}\n\
         measurement: {baseline: {kind: loaded, strategy: cached, duration_seconds: 20}}",
    );
    let thermal = campaign.thermal;
    assert_eq!(
        (thermal.mode.value, thermal.min_s.value, thermal.max_s.value),
        (ThermalMode::Adaptive, 10.0, 600.0)
    );
    assert_eq!(thermal.max_s.source, Source::Campaign { line: 4 });
    let baseline = campaign.baseline.expect("written");
    assert_eq!((baseline.kind, baseline.strategy), (BaselineKind::Loaded, BaselineStrategy::Cached));
    assert_eq!(
        (baseline.ttl_s.to_string(), baseline.drift_threshold.to_string()),
        ("7200".into(), "0.1".into())
    );
    let experiment = &campaign.experiments[0];
    assert_eq!(
        (experiment.idle_s, experiment.context_s),
        (20.0, 0.0),
        "the worker idles for its own baseline"
    );
}

#[test]
fn a_baseline_is_taken_where_someone_asks_for_one() {
    let baseline = |measurement: &str| {
        let text =
            format!("campaign_name: n\nmodel: m\ngrid: {{backends: [pytorch]}}\nmeasurement: {measurement}");
        super::resolved(&text).baseline.map(|baseline| baseline.kind)
    };
    let bare = Some(BaselineKind::Bare);
    assert_eq!(
        [baseline("{interval_ms: 50}"), baseline("{baseline: false}"), baseline("{baseline: true}")],
        [None, None, bare]
    );
    assert_eq!(
        [baseline("{baseline: {enabled: false, kind: bare}}"), baseline("{baseline: {kind: bare}}")],
        [None, bare]
    );
}

#[test]
fn cycles_with_a_target_are_the_most_that_are_planned() {
    let resolved = |cycles: &str| {
        let text = format!(
            "campaign_name: n\nmodel: m\ngrid: {{backends: [pytorch]}}\nexecution: {{cycles: {cycles}}}"
        );
        super::resolved(&text)
    };
    let plain = resolved("4");
    assert_eq!((plain.cycles.value, plain.stopping), (4, None));
    let open = resolved("{target_ci_percent: 2}");
    assert_eq!((open.cycles.value, open.stopping), (20, Some(Stopping { min_cycles: 5, target: 0.02 })));
    let closed = resolved("{min: 5, max: 12, target_ci_percent: 1}");
    assert_eq!((closed.cycles.value, closed.stopping.map(|it| it.min_cycles)), (12, Some(5)));
    assert_eq!(closed.cycles.source, Source::Campaign { line: 4 });
}
