//! The settings of a project: `.lem-config.yaml`, its fields and defaults.
//!
//! [`fields`] is the one table: reading, `lem config`, the settings screen and the documentation follow it. Finding the
//! file and writing it safely is the engine's part.

mod edit;
mod fields;
mod outline;
mod read;
mod spelling;
#[cfg(test)]
mod tests;
mod value;

use serde::{Deserialize, Serialize};

pub use edit::{EditError, set, unset};
pub use fields::{Field, Kind, field, fields};
pub use read::read;
pub use value::Value;
pub(crate) use value::is_web_url;

use crate::source::{Resolved, Source};

/// The name of the file in a project's folder.
pub const FILE_NAME: &str = ".lem-config.yaml";

/// The gap before an experiment within a cycle that is built in, in seconds.
pub const BETWEEN_EXPERIMENTS_S: f64 = 60.0;

/// The gap between cycles that is built in, in seconds.
pub const BETWEEN_CYCLES_S: f64 = 300.0;

/// Every setting in force, each with the place that set it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// How much the command says.
    pub verbosity: Resolved<Verbosity>,
    /// Pauses that let the devices cool.
    pub thermal_gaps: ThermalGaps,
    /// How containers are run.
    pub docker: Docker,
    /// Whom to tell about a campaign that ended.
    pub notifications: Notifications,
    /// The backend of an experiment that names none.
    pub default_backend: Resolved<String>,
    /// What runs workers in Python as processes: a program, or the folder of a virtual environment.
    pub python: Resolved<String>,
    /// Folder of the database and of exports, relative to the project.
    pub results_dir: Resolved<String>,
    /// What the energy means where runs happen.
    pub footprint: Footprint,
}

/// What energy means where runs happen: nothing is assumed for it, since it differs tenfold between places.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Footprint {
    /// Emissions of the electricity in gCO2e/kWh, 0 or more.
    pub carbon_intensity_gco2_kwh: Resolved<Option<f64>>,
    /// Power usage effectiveness of the site, 1 or more.
    pub datacenter_pue: Resolved<Option<f64>>,
    /// Price of a kilowatt hour, 0 or more.
    pub price_per_kwh: Resolved<Option<f64>>,
    /// Price of one GPU for an hour, 0 or more.
    pub device_price_per_hour: Resolved<Option<f64>>,
}

/// Pauses that let the devices cool, in seconds, finite and not negative.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThermalGaps {
    /// Before each experiment within a cycle.
    pub between_experiments: Resolved<f64>,
    /// Before each cycle but the first.
    pub between_cycles: Resolved<f64>,
}

/// How containers are run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Docker {
    /// Whether containers outlive a run.
    pub strategy: Resolved<ContainerStrategy>,
    /// Seconds to wait after a container started, finite and not negative.
    pub warmup_delay: Resolved<f64>,
    /// Whether persistent containers are taken down when the campaign ends.
    pub auto_teardown: Resolved<bool>,
}

/// Whom to tell about a campaign that ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notifications {
    /// A valid http or https URL, if there is one to call.
    pub webhook_url: Resolved<Option<String>>,
    /// Whether it is called when a campaign completes.
    pub on_complete: Resolved<bool>,
    /// Whether it is called when a campaign fails.
    pub on_failure: Resolved<bool>,
}

/// How much the command says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verbosity {
    /// Results and errors.
    Quiet,
    /// Progress too.
    #[default]
    Normal,
    /// Every step too.
    Verbose,
}

/// Whether containers outlive a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContainerStrategy {
    /// A fresh container for each run.
    #[default]
    Ephemeral,
    /// One container of each service for the whole campaign.
    Persistent,
}

impl Verbosity {
    /// The words of the settings file.
    pub const NAMES: &[&str] = &["quiet", "normal", "verbose"];

    /// The level of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Quiet, Self::Normal, Self::Verbose].into_iter().find(|level| level.name() == name)
    }

    /// Its word in the settings file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Normal => "normal",
            Self::Verbose => "verbose",
        }
    }
}

impl ContainerStrategy {
    /// The words of the settings file.
    pub const NAMES: &[&str] = &["ephemeral", "persistent"];

    /// The strategy of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Ephemeral, Self::Persistent].into_iter().find(|strategy| strategy.name() == name)
    }

    /// Its word in the settings file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ephemeral => "ephemeral",
            Self::Persistent => "persistent",
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            verbosity: Resolved::default(),
            thermal_gaps: ThermalGaps {
                between_experiments: Resolved::built_in(BETWEEN_EXPERIMENTS_S),
                between_cycles: Resolved::built_in(BETWEEN_CYCLES_S),
            },
            docker: Docker {
                strategy: Resolved::default(),
                warmup_delay: Resolved::built_in(0.0),
                auto_teardown: Resolved::built_in(true),
            },
            notifications: Notifications {
                webhook_url: Resolved::built_in(None),
                on_complete: Resolved::built_in(true),
                on_failure: Resolved::built_in(true),
            },
            default_backend: Resolved::built_in("pytorch".to_owned()),
            python: Resolved::built_in("python3".to_owned()),
            results_dir: Resolved::built_in("results".to_owned()),
            footprint: Footprint::default(),
        }
    }
}

impl Settings {
    /// The value in force at a field's dotted path, with its source; `None` if there is no such field.
    pub fn get(&self, path: &str) -> Option<Resolved<Value>> {
        let flag = |setting: &Resolved<bool>| Resolved::new(Value::Flag(setting.value), setting.source);
        let seconds = |setting: &Resolved<f64>| Resolved::new(Value::Seconds(setting.value), setting.source);
        let text = |value: &str, source: Source| Resolved::new(Value::Text(value.to_owned()), source);
        let amount = |setting: &Resolved<Option<f64>>| {
            Resolved::new(setting.value.map_or(Value::Null, Value::Number), setting.source)
        };
        Some(match path {
            "verbosity" => text(self.verbosity.value.name(), self.verbosity.source),
            "thermal_gaps.between_experiments" => seconds(&self.thermal_gaps.between_experiments),
            "thermal_gaps.between_cycles" => seconds(&self.thermal_gaps.between_cycles),
            "docker.strategy" => text(self.docker.strategy.value.name(), self.docker.strategy.source),
            "docker.warmup_delay" => seconds(&self.docker.warmup_delay),
            "docker.auto_teardown" => flag(&self.docker.auto_teardown),
            "notifications.webhook_url" => {
                let Resolved { value, source } = &self.notifications.webhook_url;
                Resolved::new(value.clone().map_or(Value::Null, Value::Text), *source)
            }
            "notifications.on_complete" => flag(&self.notifications.on_complete),
            "notifications.on_failure" => flag(&self.notifications.on_failure),
            "default_backend" => text(&self.default_backend.value, self.default_backend.source),
            "python" => text(&self.python.value, self.python.source),
            "results_dir" => text(&self.results_dir.value, self.results_dir.source),
            "footprint.carbon_intensity_gco2_kwh" => amount(&self.footprint.carbon_intensity_gco2_kwh),
            "footprint.datacenter_pue" => amount(&self.footprint.datacenter_pue),
            "footprint.price_per_kwh" => amount(&self.footprint.price_per_kwh),
            "footprint.device_price_per_hour" => amount(&self.footprint.device_price_per_hour),
            _ => return None,
        })
    }

    /// Puts a value in force; `None`, and nothing changed, if the path or the value's kind is not that of a field.
    fn put(&mut self, path: &str, value: &Value, source: Source) -> Option<()> {
        match path {
            "verbosity" => self.verbosity = Resolved::new(Verbosity::from_name(value.text()?)?, source),
            "thermal_gaps.between_experiments" => {
                self.thermal_gaps.between_experiments = Resolved::new(value.seconds()?, source);
            }
            "thermal_gaps.between_cycles" => {
                self.thermal_gaps.between_cycles = Resolved::new(value.seconds()?, source);
            }
            "docker.strategy" => {
                self.docker.strategy = Resolved::new(ContainerStrategy::from_name(value.text()?)?, source);
            }
            "docker.warmup_delay" => self.docker.warmup_delay = Resolved::new(value.seconds()?, source),
            "docker.auto_teardown" => self.docker.auto_teardown = Resolved::new(value.flag()?, source),
            "notifications.webhook_url" => {
                let url = if *value == Value::Null { None } else { Some(value.text()?.to_owned()) };
                self.notifications.webhook_url = Resolved::new(url, source);
            }
            "notifications.on_complete" => {
                self.notifications.on_complete = Resolved::new(value.flag()?, source);
            }
            "notifications.on_failure" => {
                self.notifications.on_failure = Resolved::new(value.flag()?, source);
            }
            "default_backend" => self.default_backend = Resolved::new(value.text()?.to_owned(), source),
            "python" => self.python = Resolved::new(value.text()?.to_owned(), source),
            "results_dir" => self.results_dir = Resolved::new(value.text()?.to_owned(), source),
            "footprint.carbon_intensity_gco2_kwh" => {
                self.footprint.carbon_intensity_gco2_kwh = Resolved::new(value.amount().ok()?, source);
            }
            "footprint.datacenter_pue" => {
                self.footprint.datacenter_pue = Resolved::new(value.amount().ok()?, source);
            }
            "footprint.price_per_kwh" => {
                self.footprint.price_per_kwh = Resolved::new(value.amount().ok()?, source);
            }
            "footprint.device_price_per_hour" => {
                self.footprint.device_price_per_hour = Resolved::new(value.amount().ok()?, source);
            }
            _ => return None,
        }
        Some(())
    }
}

/// A new settings file: every field at its default, explained. Reading it gives exactly the defaults.
pub fn template() -> &'static str {
    include_str!("template.yaml")
}
