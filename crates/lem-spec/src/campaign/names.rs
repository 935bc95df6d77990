//! Names of experiments: short, telling, and never the same twice.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::written::Naming;

/// A made name is cut here.
const MAX_LENGTH: usize = 100;
/// A value within a name is cut here.
const MAX_VALUE: usize = 24;

/// A name for an experiment: the one given, or backend, model and precision; then what sets it apart from its siblings,
/// sorted by key. Values are those in force (`parameters`), so that a name never tells of a value that was overridden.
pub(super) fn name(naming: &Naming, backend: &str, model: &str, parameters: &Map<String, Value>) -> String {
    let mut parts = match &naming.given {
        Some(given) => vec![given.clone()],
        None => vec![clean(backend), clean(short(model))],
    };
    if let (None, Some(precision)) = (&naming.given, parameters.get("fp_precision").and_then(Value::as_str)) {
        parts.push(precision.to_owned());
    }
    let mut axes: Vec<String> = naming
        .axes
        .iter()
        .filter(|(key, _)| naming.given.is_some() || !is_in_made_names(key))
        .filter_map(|(key, written)| {
            let key = canonical(key, backend);
            let value = match key {
                "config_name" | "_extends" => return None,
                "model_name" | "model" => Value::from(model),
                "backend" => Value::from(backend),
                _ => parameters.get(key).or((!is_of_prompts(key)).then_some(written))?.clone(),
            };
            Some(format!("{}{}", clean(key.rsplit('.').next().unwrap_or(key)), compact(&value)))
        })
        .collect();
    axes.sort();
    parts.extend(axes);
    let whole = parts.join("-");
    match whole.char_indices().nth(MAX_LENGTH) {
        Some((end, _)) if naming.given.is_none() => whole[..end].to_owned(),
        _ => whole,
    }
}

/// Makes names differ: those that occur again get `-2`, `-3` and so on, never one that is somebody's own.
pub(super) fn make_unique(names: &mut [String]) {
    let own: HashSet<String> = names.iter().cloned().collect();
    let mut taken = HashSet::with_capacity(names.len());
    let mut next = std::collections::HashMap::new();
    for name in names {
        if taken.insert(name.clone()) {
            continue;
        }
        let number = next.entry(name.clone()).or_insert(2_usize);
        let fresh = loop {
            let candidate = format!("{name}-{number}");
            *number += 1;
            if !own.contains(&candidate) && taken.insert(candidate.clone()) {
                break candidate;
            }
        };
        *name = fresh;
    }
}

/// The parameter that a written key ends up in.
fn canonical<'a>(key: &'a str, backend: &str) -> &'a str {
    match key {
        "batching.batch_size" => "batch_size",
        "dataset.sample_size" | "prompts.sample_size" => "num_input_prompts",
        "dataset" => "dataset.name",
        _ if key.strip_prefix(backend) == Some(".batch_size") => "batch_size",
        _ => key,
    }
}

/// Keys whose values are what a made name begins with.
fn is_in_made_names(key: &str) -> bool {
    matches!(key, "fp_precision" | "model_name" | "model" | "backend")
}

/// Keys of the prompts, which are no parameters when the campaign's `dataset` took their place.
fn is_of_prompts(key: &str) -> bool {
    matches!(key.split('.').next(), Some("prompts" | "dataset"))
}

/// A model's name without its owner or folder.
fn short(model: &str) -> &str {
    model.trim_end_matches('/').rsplit('/').next().unwrap_or(model)
}

fn compact(value: &Value) -> String {
    let text = match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => clean(short(text)),
        Value::Array(items) => items.iter().map(compact).collect::<Vec<_>>().join("_"),
        Value::Object(entries) => entries
            .iter()
            .map(|(key, value)| format!("{}{}", clean(key), compact(value)))
            .collect::<Vec<_>>()
            .join("_"),
        // A whole float reads as a whole number: 3, not 3.0.
        Value::Number(number) if number.is_f64() => number.as_f64().unwrap_or_default().to_string(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    };
    text.chars().take(MAX_VALUE).collect()
}

/// Letters, digits and `. _ +` and `-`; everything else could be taken for something else in a path or a terminal.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_alphanumeric() || "._+-".contains(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn made(axes: &[(&str, Value)], parameters: Value) -> String {
        let axes = axes.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        let Value::Object(parameters) = parameters else { panic!("parameters are an object") };
        name(&Naming { given: None, axes }, "vllm", "org/Some-Model 7B", &parameters)
    }

    #[test]
    fn a_made_name_tells_backend_model_precision_and_what_varies() {
        let axes =
            [("vllm.max_num_seqs", json!(64)), ("batch_size", json!(4)), ("decoder.temperature", json!(0.5))];
        let parameters = json!({"fp_precision": "float16", "vllm.max_num_seqs": 64, "batch_size": 4});
        assert_eq!(
            made(&axes, parameters),
            "vllm-Some-Model_7B-float16-batch_size4-max_num_seqs64-temperature0.5"
        );
    }

    #[test]
    fn a_name_tells_the_value_in_force_rather_than_the_one_written() {
        let axes = [("num_input_prompts", json!(1)), ("prompts.path", json!("a.txt"))];
        assert_eq!(made(&axes, json!({"num_input_prompts": 9})), "vllm-Some-Model_7B-num_input_prompts9");
    }

    #[test]
    fn a_name_that_was_given_is_told_apart_by_everything_that_differs() {
        let axes =
            [("model_name", json!("o/m")), ("fp_precision", json!("float32")), ("config_name", json!("x"))];
        let axes = axes.map(|(key, value)| (key.to_owned(), value)).into();
        let naming = Naming { given: Some("mine".to_owned()), axes };
        assert_eq!(name(&naming, "vllm", "o/other", &Map::new()), "mine-fp_precisionfloat32-model_nameother");
    }

    #[test]
    fn a_number_never_takes_a_name_that_was_given() {
        let mut names: Vec<String> = ["a", "a", "a-2", "a"].map(str::to_owned).into();
        make_unique(&mut names);
        assert_eq!(names, ["a", "a-3", "a-2", "a-4"]);
    }

    proptest! {
        #[test]
        fn names_never_collide(mut names in prop::collection::vec("[ab](-[23])?(-2)?", 0..40)) {
            let count = names.len();
            make_unique(&mut names);
            prop_assert_eq!(names.into_iter().collect::<HashSet<_>>().len(), count);
        }
    }
}
