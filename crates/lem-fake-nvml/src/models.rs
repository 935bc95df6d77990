//! Real boards by name: what is known of their sensors, written as the keys of a configuration.
//!
//! Update intervals and windows of the power sensors belong to the architecture and stand in `board`; they were
//! measured on real boards (Yang, Adamek, Armour, SC24, arXiv 2312.02741, and its tables of over 70 GPUs). Energy
//! counters exist since Volta; they move about every 100 ms, on Volta with its sensor every 20 ms (open kernel modules
//! 590.48.01, `nvrm_registry.h`, for the 100 ms). That a counter tells the true energy at each of its moves, also where
//! the sensor sees a quarter of the time, is an assumption: nobody has published a measurement of it.
//!
//! Phases are none that divide the intervals of a program, so that nothing falls into step by chance.

use serde::Deserialize;
use serde_json::{Map, Value};

/// A board that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Model {
    P100,
    V100,
    A100,
    H100,
    Rtx3090,
    Rtx4090,
}

impl Model {
    /// Its keys, as JSON.
    fn keys(self) -> &'static str {
        match self {
            // 20 ms, of which 10 ms are seen; no counter, no fields.
            Self::P100 => {
                r#"{"name": "Tesla P100-PCIE-16GB", "architecture": "pascal", "counter_present": false,
                    "sensor_phase_ms": 7, "power_limit_w": 250, "memory_total_mib": 16384}"#
            }
            // 20 ms, of which 10 ms are seen.
            Self::V100 => {
                r#"{"name": "Tesla V100-SXM2-32GB", "architecture": "volta", "counter_update_ms": 20,
                    "counter_phase_ms": 3, "sensor_phase_ms": 7, "power_limit_w": 300, "memory_total_mib": 32768}"#
            }
            // 100 ms, of which 25 ms are seen.
            Self::A100 => {
                r#"{"name": "A100-SXM4-80GB", "architecture": "ampere", "counter_phase_ms": 37,
                    "sensor_phase_ms": 61, "power_limit_w": 400, "memory_total_mib": 81920}"#
            }
            // 100 ms, of which 25 ms are seen; field 185 and the call average over 1 s.
            Self::H100 => {
                r#"{"name": "H100 80GB HBM3", "architecture": "hopper", "counter_phase_ms": 37,
                    "sensor_phase_ms": 61, "power_limit_w": 700, "memory_total_mib": 81559}"#
            }
            // 100 ms, all seen; field 185 and the call average over 1 s.
            Self::Rtx3090 => {
                r#"{"name": "GeForce RTX 3090", "architecture": "ga10x", "counter_phase_ms": 37,
                    "sensor_phase_ms": 61, "power_limit_w": 350, "memory_total_mib": 24576, "ecc": false}"#
            }
            Self::Rtx4090 => {
                r#"{"name": "GeForce RTX 4090", "architecture": "ada", "counter_phase_ms": 37,
                    "sensor_phase_ms": 61, "power_limit_w": 450, "memory_total_mib": 24564, "ecc": false}"#
            }
        }
    }
}

/// Writes the keys of each GPU's model in front of its own, which win.
pub(crate) fn spell_out(text: &str) -> Result<String, String> {
    let mut config: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let gpus = if config.is_array() { Some(&mut config) } else { config.get_mut("gpus") };
    for gpu in gpus.and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(model) = gpu.get("model") else { continue };
        let model: Option<Model> = Model::deserialize(model).ok();
        let mut keys: Map<String, Value> =
            model.and_then(|model| serde_json::from_str(model.keys()).ok()).unwrap_or_default();
        if let Value::Object(own) = gpu {
            keys.append(own);
            *own = keys;
        }
    }
    Ok(config.to_string())
}

#[cfg(test)]
mod tests {
    use crate::config::{Architecture, Config};

    #[test]
    fn every_model_is_a_configuration() {
        for model in ["p100", "v100", "a100", "h100", "rtx3090", "rtx4090"] {
            let config = Config::from_json(&format!(r#"[{{"model": "{model}"}}]"#)).expect(model);
            assert!(config.gpus[0].name.to_lowercase().replace(' ', "").contains(model), "{config:?}");
        }
    }

    #[test]
    fn a_key_of_its_own_wins_over_that_of_the_model() {
        let text = r#"{"gpus": [{"model": "a100", "power_limit_w": 300}, {"name": "B"}]}"#;
        let gpus = Config::from_json(text).expect("a configuration").gpus;
        assert_eq!((gpus[0].power_limit_w, gpus[0].architecture), (300.0, Architecture::Ampere));
        assert_eq!(gpus[1].name, "B");
    }

    #[test]
    fn a_model_that_does_not_exist_is_refused() {
        assert!(Config::from_json(r#"[{"model": "a1000"}]"#).is_err());
    }
}
