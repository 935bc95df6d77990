//! A local folder in the form of the Hugging Face hub: `config.json`, `*.safetensors` (one file, or several with an
//! index), `tokenizer.json`.
//!
//! What candle's Llama would silently leave out of a computation (biases, other activations, other position scalings) is
//! refused here: a model computed wrongly is not the model.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor, safetensors};
use candle_nn::VarBuilder;
use candle_transformers::models::llama::{Config, LlamaConfig, LlamaEosToks};
use serde_json::Value;

use super::layout::{self, Slot};
use super::{Model, Network, require_memory, revision};
use crate::failure::Failure;
use crate::settings::precision_name;
use crate::tokenizer;

/// Loads the model in `folder` with weights in `dtype`.
pub(super) fn load(folder: &Path, dtype: DType) -> Result<Model, Failure> {
    let config_path = folder.join("config.json");
    let config = config(read_json(&config_path)?, &config_path)?;
    let tokenizer_path = folder.join("tokenizer.json");
    let tokenizer = tokenizer::from_file(&tokenizer_path)?;
    let files = weight_files(folder)?;
    let slots = layout::slots(&config);
    let (parameters, _) = layout::parameters(&slots);
    require_memory(parameters * dtype.size_in_bytes() as u64, &folder.display().to_string())?;

    let tensors = read_weights(&files, &slots, dtype)?;
    let builder = VarBuilder::from_tensors(tensors, dtype, &Device::Cpu);
    let mut identity: Vec<&Path> = vec![&config_path, &tokenizer_path];
    identity.extend(files.iter().map(PathBuf::as_path));
    Ok(Model {
        network: Network::dense(builder, &config)?,
        tokenizer: Some(tokenizer),
        end_tokens: end_tokens(folder, &config),
        context: config.max_position_embeddings,
        vocabulary: config.vocab_size,
        precision: precision_name(dtype).into(),
        facts: layout::facts(&config, &slots, dtype, revision::of(&identity).ok()),
        warnings: Vec::new(),
    })
}

fn read_json(path: &Path) -> Result<Value, Failure> {
    let bytes = fs::read(path)
        .map_err(|error| Failure::model_not_found(format!("{} cannot be read: {error}", path.display())))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Failure::model_not_found(format!("{} is not valid: {error}", path.display())))
}

/// The configuration, if it is one that candle's Llama computes faithfully.
fn config(mut value: Value, path: &Path) -> Result<Config, Failure> {
    let wrong = |reason: String| Failure::model_not_found(format!("{}: {reason}", path.display()));
    let architecture =
        value["architectures"][0].as_str().or(value["model_type"].as_str()).unwrap_or("unknown");
    if !matches!(architecture, "LlamaForCausalLM" | "llama") {
        return Err(wrong(format!(
            "the architecture is {architecture}; the candle worker knows LlamaForCausalLM only"
        )));
    }
    lift_rope_parameters(&mut value);
    if let Some(property) = unfaithful(&value) {
        return Err(wrong(format!("the model has {property}, which candle's Llama does not compute")));
    }
    let config: LlamaConfig = serde_json::from_value(value)
        .map_err(|error| wrong(format!("not a configuration that candle's Llama understands ({error})")))?;
    let config = config.into_config(false);
    let (heads, groups) = (config.num_attention_heads, config.num_key_value_heads);
    let divides = |part: usize, whole: usize| part > 0 && whole > 0 && whole.is_multiple_of(part);
    if !divides(heads, config.hidden_size)
        || !divides(groups, heads)
        || !(config.hidden_size / heads).is_multiple_of(2)
        || config.num_hidden_layers == 0
        || config.vocab_size == 0
        || config.max_position_embeddings < 2
    {
        return Err(wrong("the sizes of layers, heads or vocabulary do not fit together".into()));
    }
    Ok(config)
}

/// What the configuration asks for and candle's Llama would pass over.
fn unfaithful(value: &Value) -> Option<String> {
    let is_true = |name: &str| value[name].as_bool() == Some(true);
    if let Some(bias) = ["attention_bias", "mlp_bias"].into_iter().find(|name| is_true(name)) {
        return Some(format!("\"{bias}\": true"));
    }
    if let Some(activation) = value["hidden_act"].as_str().filter(|&activation| activation != "silu") {
        return Some(format!("the activation {activation}"));
    }
    if value["quantization_config"].is_object() {
        let method = value["quantization_config"]["quant_method"].as_str().unwrap_or("of an unknown method");
        return Some(format!("weights quantized with {method}"));
    }
    let scaling = &value["rope_scaling"];
    if let Some(kind) = rope_kind(scaling).filter(|&kind| kind != "llama3") {
        return Some(format!("positions scaled with the method {kind}"));
    }
    let head = value["head_dim"].as_u64()?;
    let implied = value["hidden_size"].as_u64()?.checked_div(value["num_attention_heads"].as_u64()?)?;
    (head != implied).then(|| format!("a head_dim of {head} instead of {implied}"))
}

/// Newer files keep `rope_theta` and the scaling under `rope_parameters`; candle reads the older places, and would take
/// the default in silence. A scaling of type `default` is none.
fn lift_rope_parameters(value: &mut Value) {
    let Some(object) = value.as_object_mut() else {
        return;
    };
    if let Some(parameters) = object.remove("rope_parameters").filter(Value::is_object) {
        if let Some(theta) = parameters.get("rope_theta") {
            object.insert("rope_theta".into(), theta.clone());
        }
        object.insert("rope_scaling".into(), parameters);
    }
    if object.get("rope_scaling").and_then(rope_kind) == Some("default") {
        object.remove("rope_scaling");
    }
}

/// The method by which positions are scaled, under its newer or its older name.
fn rope_kind(scaling: &Value) -> Option<&str> {
    scaling["rope_type"].as_str().or(scaling["type"].as_str())
}

/// The end tokens: those of `generation_config.json`, which generation uses, else those of `config.json`.
fn end_tokens(folder: &Path, config: &Config) -> Vec<u32> {
    let generation = read_json(&folder.join("generation_config.json")).unwrap_or_default();
    let listed = match &generation["eos_token_id"] {
        Value::Array(ids) => ids.clone(),
        Value::Null => Vec::new(),
        id => vec![id.clone()],
    };
    let listed: Vec<u32> =
        listed.iter().filter_map(|id| id.as_u64().and_then(|id| u32::try_from(id).ok())).collect();
    match &config.eos_token_id {
        _ if !listed.is_empty() => listed,
        Some(LlamaEosToks::Single(id)) => vec![*id],
        Some(LlamaEosToks::Multiple(ids)) => ids.clone(),
        None => Vec::new(),
    }
}

/// The files with weights: those of the index, else the single file.
fn weight_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let index = folder.join("model.safetensors.index.json");
    if index.exists() {
        let value = read_json(&index)?;
        let names = value["weight_map"].as_object().into_iter().flat_map(|map| map.values());
        let files: BTreeSet<&str> = names.filter_map(Value::as_str).collect();
        if files.is_empty() {
            return Err(Failure::model_not_found(format!("{} names no files", index.display())));
        }
        return Ok(files.into_iter().map(|name| folder.join(name)).collect());
    }
    let single = folder.join("model.safetensors");
    if single.exists() {
        return Ok(vec![single]);
    }
    Err(Failure::model_not_found(format!(
        "{} has neither model.safetensors nor model.safetensors.index.json; other forms of weights are not read",
        folder.display()
    )))
}

/// Exactly the tensors of `slots`, in `dtype`. One file after the other, so that only one is held twice.
fn read_weights(files: &[PathBuf], slots: &[Slot], dtype: DType) -> Result<HashMap<String, Tensor>, Failure> {
    let mut tensors = HashMap::new();
    for path in files {
        let wrong = |reason: String| Failure::model_not_found(format!("{}: {reason}", path.display()));
        let mut found = safetensors::load(path, &Device::Cpu)
            .map_err(|error| wrong(crate::failure::first_line(&error)))?;
        for slot in slots {
            let Some(tensor) = found.remove(&slot.name) else {
                continue;
            };
            if tensor.dims() != slot.shape {
                return Err(wrong(format!(
                    "{} has the shape {:?}, and config.json says {:?}",
                    slot.name,
                    tensor.dims(),
                    slot.shape
                )));
            }
            tensors.insert(slot.name.clone(), tensor.to_dtype(dtype)?);
        }
    }
    match slots.iter().find(|slot| !tensors.contains_key(&slot.name)) {
        Some(missing) => Err(Failure::model_not_found(format!(
            "the weights in {} lack {}; the download may be incomplete",
            files.first().and_then(|file| file.parent()).unwrap_or(Path::new("")).display(),
            missing.name
        ))),
        None => Ok(tensors),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn llama(changes: &Value) -> Value {
        let mut value = json!({
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64, "intermediate_size": 128,
            "vocab_size": 100, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
            "rms_norm_eps": 1e-5, "max_position_embeddings": 128, "eos_token_id": 2, "hidden_act": "silu",
        });
        for (name, change) in changes.as_object().unwrap() {
            value[name] = change.clone();
        }
        value
    }

    fn resolved(changes: &Value) -> Result<Config, String> {
        config(llama(changes), Path::new("config.json")).map_err(|failure| failure.message)
    }

    #[test]
    fn a_llama_is_understood_in_its_older_and_newer_form() {
        assert_eq!(resolved(&json!({})).unwrap().num_key_value_heads, 2);
        let newer = json!({ "rope_parameters": { "rope_theta": 500_000.0, "rope_type": "default" } });
        let config = resolved(&newer).unwrap();
        assert!((config.rope_theta - 500_000.0).abs() < 1.0, "{}", config.rope_theta);
        assert!(config.rope_scaling.is_none());
    }

    #[test]
    fn what_candle_would_pass_over_is_refused() {
        let refusals = [
            json!({ "architectures": ["Qwen2ForCausalLM"] }),
            json!({ "attention_bias": true }),
            json!({ "hidden_act": "gelu" }),
            json!({ "quantization_config": { "quant_method": "gptq" } }),
            json!({ "head_dim": 32 }),
            json!({ "rope_scaling": { "type": "linear", "factor": 2.0 } }),
            json!({ "num_attention_heads": 5 }),
            json!({ "vocab_size": "many" }),
        ];
        let messages: Vec<String> = refusals.iter().map(|changes| resolved(changes).unwrap_err()).collect();
        insta::assert_snapshot!(messages.join("\n"));
    }
}
