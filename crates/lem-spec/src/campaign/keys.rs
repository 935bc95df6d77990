//! What a campaign may say, for menus: the same lists that reading and refusing follow.

use super::known::{EXPERIMENT, Handling};
use super::options;

pub use super::known::{DATASETS, DECODER_PRESETS, PRECISIONS};
pub use super::options::BACKENDS;

/// The models that the embedded worker makes up.
pub const EMBEDDED_MODELS: &[&str] = &["synthetic/llama-15m", "synthetic/llama-110m"];

/// Keys of an experiment that say which experiment it is, and are no axes of a sweep.
const NO_AXES: &[&str] =
    &["config_name", "model_name", "backend", "gpus", "prompts", "dataset", "traffic.path"];

/// The options in the section of a backend; `None` for a backend that anyone may have added.
pub fn backend_options(backend: &str) -> Option<&'static [&'static str]> {
    options::option_names(backend)
}

/// Keys of experiments that are executed and make sense as axes of a sweep, in the order of the documentation.
pub fn swept() -> Vec<&'static str> {
    let executed = EXPERIMENT.iter().filter(|known| known.handling == Handling::Executed);
    executed
        .map(|known| known.path)
        .filter(|path| !NO_AXES.iter().any(|no| path == no || path.starts_with(&format!("{no}."))))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_axes_are_keys_that_do_something() {
        let axes = super::swept();
        assert!(axes.contains(&"max_output_tokens") && axes.contains(&"decoder.temperature"), "{axes:?}");
        assert!(!axes.contains(&"model_name") && !axes.contains(&"num_processes"), "{axes:?}");
    }
}
