//! One experiment: from the merged tree of its layers to checked, typed values.

use serde_json::{Map, Value};

use super::check::{Values, check, shown};
use super::draft::Draft;
use super::files::Files;
use super::findings::Findings;
use super::known;
use super::options::{BACKENDS, option_names};
use super::spec::Prompts;
use super::traffic;
use super::tree::Tree;
use super::written::{Naming, WrittenDecoder, WrittenExperiment, WrittenWarmup};
use crate::diagnostic::Diagnostic;
use crate::suggest::nearest;

/// Keys of a backend's section that every backend understands; they are read as keys of the experiment.
const COMMON_OPTIONS: [&str; 2] = ["batch_size", "num_processes"];

/// Checks a draft.
pub(super) fn build(draft: Draft, files: &Files<'_>, findings: &mut Findings) -> WrittenExperiment {
    let Draft { mut tree, fallback_name, axes, axes_extend_name } = draft;
    rename_aliases(&mut tree, findings);
    let (backend, options) = take_backend(&mut tree, findings);
    let values = check(&tree, known::EXPERIMENT, findings);
    let own_name = values.owned_text("config_name").or(fallback_name);
    let naming = match own_name {
        Some(name) => Naming { given: Some(name), axes: if axes_extend_name { axes } else { Vec::new() } },
        None => Naming { given: None, axes },
    };
    check_pairs(&values, findings);
    WrittenExperiment {
        file: tree.file.to_string(),
        at: tree.at,
        naming,
        backend,
        model: values.owned_text("model_name"),
        precision: values.owned_text("fp_precision"),
        adapter: values.owned_text("adapter"),
        prompts: prompts(&values, files, findings),
        order: traffic::order(&values, findings),
        traffic: traffic::traffic(&values, files, findings),
        sample_size: sample_size(&values, findings),
        max_input_tokens: values.u32("max_input_tokens"),
        max_output_tokens: values.u32("max_output_tokens"),
        min_output_tokens: values.u32("min_output_tokens"),
        batch_size: values.u32("batch_size").or_else(|| values.u32("batching.batch_size")),
        streaming: values.bool("streaming"),
        random_seed: values.u64("random_seed"),
        idle_s: values.f64("idle_seconds"),
        context_s: values.f64("context_seconds"),
        gpus: values.indices("gpus"),
        decoder: decoder(&values),
        warmup: warmup(&values),
        options,
        extra: extra(&tree, &values),
    }
}

/// `model` for `model_name`, and a dataset given by its name alone.
fn rename_aliases(tree: &mut Tree, findings: &mut Findings) {
    if let Some(model) = tree.take("model").filter(|model| !model.is_null()) {
        match tree.get("model_name").filter(|name| !name.is_null()) {
            Some(name) if name.to_json() != model.to_json() => {
                let message = format!(
                    "the model is given twice: `model_name` {} and `model` {}",
                    shown(name),
                    shown(&model)
                );
                findings.add(model.mark(Diagnostic::error("given_twice", message).about("model")));
            }
            _ => tree.set(&["model_name"], model),
        }
    }
    if tree.get("dataset").is_some_and(|dataset| dataset.as_str().is_some())
        && let Some(name) = tree.take("dataset")
    {
        tree.set(&["dataset", "name"], name);
    }
}

/// The backend and its options; the sections of backends leave the tree.
fn take_backend(tree: &mut Tree, findings: &mut Findings) -> (Option<String>, Map<String, Value>) {
    let named = tree.get("backend").and_then(Tree::as_str).map(str::to_owned);
    let custom = named.as_deref().filter(|name| !BACKENDS.contains(name) && !is_experiment_key(name));
    let mut sections: Vec<(String, Tree)> = BACKENDS
        .iter()
        .copied()
        .chain(custom)
        .filter_map(|name| tree.take(name).map(|section| (name.to_owned(), section)))
        .filter(|(_, section)| {
            !section.is_null() && section.section().is_none_or(|entries| !entries.is_empty())
        })
        .collect();
    let backend = match (&named, sections.as_slice()) {
        (None, [(only, _)]) => Some(only.clone()),
        _ => named,
    };
    let mut options = Map::new();
    for (name, section) in sections.drain(..) {
        if backend.as_ref() == Some(&name) {
            options = backend_options(tree, &name, section, findings);
        } else {
            let message = match &backend {
                Some(backend) => {
                    format!("section `{name}` is for another backend than the experiment's, `{backend}`")
                }
                None => format!(
                    "section `{name}` is one of several for backends, and `backend` does not say which"
                ),
            };
            let hint = "in a grid, put such options under `grid.backend_overrides`";
            let problem = Diagnostic::error("other_backend", message).with_hint(hint).about(name);
            findings.add(section.mark_key(problem));
        }
    }
    (backend, options)
}

fn is_experiment_key(name: &str) -> bool {
    known::EXPERIMENT.iter().any(|known| known.path.split('.').next() == Some(name))
}

fn backend_options(
    tree: &mut Tree,
    backend: &str,
    mut section: Tree,
    findings: &mut Findings,
) -> Map<String, Value> {
    for common in COMMON_OPTIONS {
        let Some(value) = section.take(common).filter(|value| !value.is_null()) else {
            continue;
        };
        match tree.get(common).filter(|present| !present.is_null()) {
            Some(present) if present.to_json() != value.to_json() => {
                let (first, second) = (shown(present), shown(&value));
                let message = format!("`{common}` is given twice: {first}, and {second} under `{backend}`");
                findings
                    .add(value.mark(
                        Diagnostic::error("given_twice", message).about(format!("{backend}.{common}")),
                    ));
            }
            _ => tree.set(&[common], value),
        }
    }
    let Some(entries) = section.section() else {
        let message = format!("`{backend}` is {}, but must be a mapping of options", section.kind_name());
        findings.add(section.mark(Diagnostic::error("wrong_type", message).about(backend)));
        return Map::new();
    };
    for (key, value) in entries {
        check_option(backend, key, value, findings);
    }
    entries
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| (key.clone(), value.to_json()))
        .collect()
}

/// The worker judges values; here only what is surely not meant is pointed out.
fn check_option(backend: &str, key: &str, value: &Tree, findings: &mut Findings) {
    let field = format!("{backend}.{key}");
    if let Some(options) = option_names(backend).filter(|options| !options.contains(&key)) {
        let message = format!(
            "`{field}` is not a known option of {backend}: it is passed on, the worker may refuse it"
        );
        let warning = Diagnostic::warning("unknown_option", message).about(&field);
        let warning = match nearest(key, options.iter().copied()) {
            Some(meant) => warning.with_hint(format!("did you mean `{backend}.{meant}`?")),
            None if key.contains('.') => warning.with_hint("dots are not split here: write nested mappings"),
            None => warning,
        };
        findings.add(value.mark_key(warning));
    }
    if let Some(word) =
        value.as_str().filter(|word| matches!(word.to_lowercase().as_str(), "yes" | "no" | "on" | "off"))
    {
        let message = format!("`{field}: {word}` is passed on as text");
        let warning =
            Diagnostic::warning("text_boolean", message).with_hint("write true or false if that is meant");
        findings.add(value.mark(warning.about(&field)));
    }
}

/// Values that do not go together.
fn check_pairs(values: &Values, findings: &mut Findings) {
    let most = values.u32("max_output_tokens").unwrap_or(super::effective::MAX_OUTPUT_TOKENS);
    if let Some(least) = values.u32("min_output_tokens").filter(|least| *least > most) {
        let message = format!("`min_output_tokens` {least} is more than `max_output_tokens` {most}");
        findings.add(values.mark("min_output_tokens", Diagnostic::error("contradiction", message)));
    }
    let most = values.u32("warmup.max_prompts").unwrap_or(super::effective::WARMUP_MAX_PROMPTS);
    if let Some(least) = values.u32("warmup.min_prompts").filter(|least| *least > most) {
        let message = format!("`warmup.min_prompts` {least} is more than `warmup.max_prompts` {most}");
        findings.add(values.mark("warmup.min_prompts", Diagnostic::error("contradiction", message)));
    }
    if let (Some(one), Some(two)) = (values.u32("batch_size"), values.u32("batching.batch_size"))
        && one != two
    {
        let message =
            format!("the batch size is given twice: `batch_size` {one} and `batching.batch_size` {two}");
        findings.add(values.mark("batching.batch_size", Diagnostic::error("given_twice", message)));
    }
}

fn sample_size(values: &Values, findings: &mut Findings) -> Option<u32> {
    let keys = ["prompts.sample_size", "dataset.sample_size", "num_input_prompts"];
    let mut given = keys.into_iter().filter_map(|key| values.u32(key).map(|size| (key, size)));
    let (key, size) = given.next()?;
    if let Some((other, _)) = given.find(|(_, other)| *other != size) {
        let message = format!("`{key}` {size} is used; `{other}` says otherwise");
        findings.add(
            values.mark(other, Diagnostic::warning("overridden", message).with_hint("keep one of them")),
        );
    }
    Some(size)
}

fn prompts(values: &Values, files: &Files<'_>, findings: &mut Findings) -> Option<Prompts> {
    let given = |section: &str, keys: &[&str]| keys.iter().any(|key| values.has(&format!("{section}.{key}")));
    let dataset = given("dataset", &["name", "sample_size", "subset", "split", "column", "order"]);
    let kind = values.text("prompts.type").or_else(|| implied_type(values));
    if dataset && kind.is_some() {
        let problem =
            Diagnostic::error("given_twice", "`dataset` and `prompts` both say where prompts come from");
        let key = if values.has("dataset.name") { "dataset.name" } else { "prompts.type" };
        findings.add(values.mark(key, problem.with_hint("keep one of them")));
    }
    if dataset {
        let name = required(values, "dataset.name", "dataset", findings)?;
        return Some(named_dataset(values, "dataset", &name));
    }
    match kind? {
        "file" => {
            stray(values, &["prompts.dataset", "prompts.split", "prompts.subset"], "file", findings);
            let path = required(values, "prompts.path", "prompts", findings)?;
            Some(Prompts::File { path: files.beside(&path), column: values.owned_text("prompts.column") })
        }
        "huggingface" => {
            stray(values, &["prompts.path"], "huggingface", findings);
            let name = required(values, "prompts.dataset", "prompts", findings)?;
            Some(named_dataset(values, "prompts", &name))
        }
        _ => {
            let others = ["path", "dataset", "split", "subset", "column"].map(|key| format!("prompts.{key}"));
            stray(values, &others.each_ref().map(String::as_str), "builtin", findings);
            Some(Prompts::Builtin)
        }
    }
}

fn implied_type(values: &Values) -> Option<&'static str> {
    if values.has("prompts.path") {
        Some("file")
    } else {
        values.has("prompts.dataset").then_some("huggingface")
    }
}

fn named_dataset(values: &Values, section: &str, name: &str) -> Prompts {
    let part = |key: &str| values.owned_text(&format!("{section}.{key}"));
    let name = if name == "ai_energy_score" { "ai-energy-score" } else { name };
    Prompts::Dataset {
        name: name.to_owned(),
        subset: part("subset"),
        split: part("split"),
        column: part("column"),
    }
}

fn required(values: &Values, path: &str, section: &str, findings: &mut Findings) -> Option<String> {
    let text = values.owned_text(path);
    if text.is_none() {
        let near = ["type", "sample_size", "split", "subset", "column"].map(|key| format!("{section}.{key}"));
        let near = near.iter().find(|key| values.has(key)).map_or(path, String::as_str);
        let message = format!("`{section}` needs `{path}`");
        findings.add(values.mark(near, Diagnostic::error("missing_key", message)).about(path));
    }
    text
}

fn stray(values: &Values, keys: &[&str], kind: &str, findings: &mut Findings) {
    for key in keys.iter().filter(|key| values.has(key)) {
        let message = format!("`{key}` does not go with `prompts.type: {kind}`");
        findings.add(
            values.mark(key, Diagnostic::error("contradiction", message).with_hint("remove one of them")),
        );
    }
}

fn decoder(values: &Values) -> WrittenDecoder {
    WrittenDecoder {
        preset: values.owned_text("decoder.preset"),
        temperature: values.f64("decoder.temperature"),
        do_sample: values.bool("decoder.do_sample"),
        top_k: values.u32("decoder.top_k"),
        top_p: values.f64("decoder.top_p"),
        repetition_penalty: values.f64("decoder.repetition_penalty"),
    }
}

fn warmup(values: &Values) -> WrittenWarmup {
    WrittenWarmup {
        enabled: values.bool("warmup.enabled"),
        convergence_detection: values.bool("warmup.convergence_detection"),
        cv_threshold: values.f64("warmup.cv_threshold"),
        max_prompts: values.u32("warmup.max_prompts"),
        window_size: values.u32("warmup.window_size"),
        min_prompts: values.u32("warmup.min_prompts"),
    }
}

fn extra(tree: &Tree, values: &Values) -> Map<String, Value> {
    let mut extra: Map<String, Value> = values.unknown.iter().cloned().collect();
    if let Some(metadata) = tree.get("extra_metadata").filter(|metadata| !metadata.is_null()) {
        extra.insert("extra_metadata".to_owned(), metadata.to_json());
    }
    extra
}
