//! What is simulated, as JSON. A key that does not exist is an error: a test that misspells one must not pass.

use serde::Deserialize;

use lem_measure::signal::Signal;

use crate::models::{self, Model};

/// The environment variable with the configuration or its path.
pub(crate) const VARIABLE: &str = "LEM_FAKE_NVML";

/// The whole library.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) driver_version: String,
    pub(crate) init_error: Option<InitError>,
    pub(crate) gpus: Vec<GpuConfig>,
}

/// How `nvmlInit` fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InitError {
    DriverNotLoaded,
    NoPermission,
    VersionMismatch,
    Unknown,
}

/// One GPU; the library's documentation has the meaning of the keys.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the configuration")]
pub(crate) struct GpuConfig {
    pub(crate) model: Option<Model>,
    pub(crate) name: String,
    pub(crate) uuid: Option<String>,
    pub(crate) architecture: Architecture,
    pub(crate) signal: Signal,
    pub(crate) counter_present: bool,
    pub(crate) counter_update_ms: u32,
    pub(crate) counter_phase_ms: u32,
    pub(crate) power_present: bool,
    pub(crate) instant_present: Option<bool>,
    pub(crate) average_present: Option<bool>,
    pub(crate) sensor_update_ms: Option<u32>,
    pub(crate) sensor_phase_ms: u32,
    pub(crate) instant_window_ms: Option<u32>,
    pub(crate) response_ms: f64,
    pub(crate) gain_error: f64,
    pub(crate) temperature_present: bool,
    pub(crate) ambient_c: f64,
    pub(crate) c_per_w: f64,
    pub(crate) time_constant_s: f64,
    pub(crate) sm_clock_mhz: u32,
    pub(crate) memory_clock_mhz: u32,
    pub(crate) memory_total_mib: u64,
    pub(crate) memory_used_mib: u64,
    pub(crate) power_limit_w: f64,
    pub(crate) throttled_share: f64,
    pub(crate) lost_after_s: Option<f64>,
    pub(crate) reset_after_s: Option<f64>,
    pub(crate) mig: Option<bool>,
    pub(crate) persistence: bool,
    pub(crate) ecc: bool,
    pub(crate) processes: Vec<Process>,
    pub(crate) graphics_processes: Vec<Process>,
    pub(crate) ecc_corrected: u64,
    pub(crate) ecc_uncorrected: u64,
    pub(crate) power_limit_set_w: Option<u32>,
    pub(crate) xids: Vec<Xid>,
    pub(crate) unsupported: Vec<Feature>,
}

/// A process that uses the GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// Not told when absent, as some drivers do.
    #[serde(default)]
    pub(crate) memory_mib: Option<u64>,
    /// Its share of the time in percent; no sample when absent, as for a process that does nothing.
    #[serde(default)]
    pub(crate) utilization_pct: Option<u32>,
}

/// A critical error of the GPU.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Xid {
    /// When it occurs, in seconds after `nvmlInit`.
    pub(crate) after_s: f64,
    /// Its number.
    pub(crate) xid: u64,
}

/// What a board can be without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Feature {
    ComputeProcesses,
    GraphicsProcesses,
    ProcessUtilization,
    EccErrors,
    ApplicationClocks,
    Events,
    ComputeMode,
    Pcie,
    PowerLimits,
}

/// The generations whose sensors differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Architecture {
    Pascal,
    Volta,
    Turing,
    Ampere,
    Ga10x,
    Ada,
    Hopper,
    Blackwell,
}

impl Default for Config {
    fn default() -> Self {
        Self { driver_version: "580.95.05".into(), init_error: None, gpus: vec![GpuConfig::default()] }
    }
}

impl Default for GpuConfig {
    fn default() -> Self {
        Self {
            model: None,
            name: "H100".into(),
            uuid: None,
            architecture: Architecture::Hopper,
            signal: Signal::Sine { mean_w: 180.0, amplitude_w: 60.0, period_s: 10.0 },
            counter_present: true,
            counter_update_ms: 100,
            counter_phase_ms: 0,
            power_present: true,
            instant_present: None,
            average_present: None,
            sensor_update_ms: None,
            sensor_phase_ms: 0,
            instant_window_ms: None,
            response_ms: 0.0,
            gain_error: 0.0,
            temperature_present: true,
            ambient_c: 30.0,
            c_per_w: 0.1,
            time_constant_s: 20.0,
            sm_clock_mhz: 1980,
            memory_clock_mhz: 2619,
            memory_total_mib: 81_559,
            memory_used_mib: 1024,
            power_limit_w: 700.0,
            throttled_share: 0.0,
            lost_after_s: None,
            reset_after_s: None,
            mig: None,
            persistence: true,
            ecc: true,
            processes: Vec::new(),
            graphics_processes: Vec::new(),
            ecc_corrected: 0,
            ecc_uncorrected: 0,
            power_limit_set_w: None,
            xids: Vec::new(),
            unsupported: Vec::new(),
        }
    }
}

impl Config {
    /// Reads the configuration of the environment.
    pub(crate) fn from_environment() -> Result<Self, String> {
        let Ok(value) = std::env::var(VARIABLE) else { return Ok(Self::default()) };
        if value.trim_start().starts_with(['[', '{']) {
            return Self::from_json(&value);
        }
        let text = std::fs::read_to_string(&value).map_err(|error| format!("{value}: {error}"))?;
        Self::from_json(&text).map_err(|error| format!("{value}: {error}"))
    }

    /// Reads a list of GPUs, or an object.
    pub(crate) fn from_json(text: &str) -> Result<Self, String> {
        let read = |text: &str| {
            let config = if text.trim_start().starts_with('[') {
                serde_json::from_str(text).map(|gpus| Self { gpus, ..Self::default() })
            } else {
                serde_json::from_str(text)
            };
            config.map_err(|error| error.to_string())
        };
        let mut config: Self = read(text)?;
        if config.gpus.iter().any(|gpu| gpu.model.is_some()) {
            // Only now: what is wrong with a text is told with its place in that text.
            config = read(&models::spell_out(text)?)?;
        }
        for (index, gpu) in config.gpus.iter().enumerate() {
            gpu.check().map_err(|cause| format!("GPU {index}: {cause}"))?;
        }
        Ok(config)
    }
}

impl GpuConfig {
    fn check(&self) -> Result<(), String> {
        self.signal.check()?;
        let numbers = [
            ("response_ms", self.response_ms, 0.0, 10_000.0),
            ("gain_error", self.gain_error, -0.5, 0.5),
            ("ambient_c", self.ambient_c, -100.0, 200.0),
            ("c_per_w", self.c_per_w, 0.0, 10.0),
            ("time_constant_s", self.time_constant_s, 0.0, 1e5),
            ("power_limit_w", self.power_limit_w, 0.0, 1e6),
            ("throttled_share", self.throttled_share, 0.0, 1.0),
            ("lost_after_s", self.lost_after_s.unwrap_or(0.0), 0.0, 1e7),
            ("reset_after_s", self.reset_after_s.unwrap_or(0.0), 0.0, 1e7),
        ];
        let errors = self.xids.iter().map(|xid| ("after_s of xids", xid.after_s, 0.0, 1e7));
        let bad =
            numbers.into_iter().chain(errors).find(|(_, value, low, high)| !(*low..=*high).contains(value));
        bad.map_or(Ok(()), |(name, value, low, high)| {
            Err(format!("{name} must be {low} to {high}, not {value}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_a_list_of_gpus_and_an_object_is_the_whole() {
        let list = Config::from_json(r#"[{"name": "A"}, {"architecture": "ada"}]"#).expect("a configuration");
        assert_eq!((list.gpus.len(), list.gpus[0].name.as_str()), (2, "A"));
        let object = Config::from_json(r#"{"init_error": "no_permission"}"#).expect("a configuration");
        assert_eq!((object.gpus.len(), object.init_error), (1, Some(InitError::NoPermission)));
    }

    #[test]
    fn a_misspelt_key_is_an_error_with_its_place() {
        let error = Config::from_json("[{\"lost_after\": 3}]").expect_err("no such key");
        assert!(error.contains("lost_after") && error.contains("line 1"), "{error}");
    }

    #[test]
    fn values_that_cannot_be_are_refused() {
        for text in [
            r#"[{"signal": {"shape": "constant", "watts": -1}}]"#,
            r#"[{"throttled_share": 2}]"#,
            r#"[{"lost_after_s": -1}]"#,
            r#"[{"xids": [{"after_s": -1, "xid": 31}]}]"#,
            r#"[{"architecture": "abacus"}]"#,
        ] {
            assert!(Config::from_json(text).is_err(), "{text}");
        }
    }
}
