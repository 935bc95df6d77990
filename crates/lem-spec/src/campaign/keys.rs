//! What a campaign may say, for menus: the same lists that reading and refusing follow.

use std::collections::BTreeMap;

use serde::Serialize;

use super::known::{CAMPAIGN, EXPERIMENT, Handling, Kind, Known};
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

/// The numbers that may stand at a key.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, specta::Type)]
pub struct NumberRange {
    /// The smallest one.
    pub least: f64,
    /// It is a bound that itself may not stand there.
    pub above: bool,
    /// The largest one.
    pub most: f64,
    /// They are whole numbers.
    pub whole: bool,
}

impl NumberRange {
    fn of(kind: Kind) -> Option<Self> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "bounds above 2^53 only keep clocks and memory from overflowing"
        )]
        match kind {
            Kind::Integer(least, most) => {
                Some(Self { least: least as f64, above: false, most: most as f64, whole: true })
            }
            Kind::Number(least, most) => Some(Self { least, above: false, most, whole: false }),
            Kind::Positive(most) => Some(Self { least: 0.0, above: true, most, whole: false }),
            _ => None,
        }
    }
}

/// The numbers of a campaign file by the dotted paths of their keys; those of experiments as they stand in
/// `grid.shared`.
pub fn ranges() -> BTreeMap<String, NumberRange> {
    let of = |prefix: &'static str| {
        move |known: &Known| Some((format!("{prefix}{}", known.path), NumberRange::of(known.kind)?))
    };
    CAMPAIGN.iter().filter_map(of("")).chain(EXPERIMENT.iter().filter_map(of("grid.shared."))).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn ranges_are_those_that_reading_follows() {
        let ranges = super::ranges();
        let cycles = ranges["execution.cycles"];
        assert!(cycles.whole && !cycles.above && (cycles.least, cycles.most) == (1.0, 1000.0), "{cycles:?}");
        let share = ranges["measurement.baseline.drift_threshold"];
        assert!(!share.whole && share.above && (share.least, share.most) == (0.0, 1.0), "{share:?}");
        assert!(ranges.contains_key("grid.shared.idle_seconds"));
        assert!(!ranges.contains_key("execution.structure"), "no number");
    }

    #[test]
    fn the_axes_are_keys_that_do_something() {
        let axes = super::swept();
        assert!(axes.contains(&"max_output_tokens") && axes.contains(&"decoder.temperature"), "{axes:?}");
        assert!(!axes.contains(&"model_name") && !axes.contains(&"num_processes"), "{axes:?}");
    }
}
