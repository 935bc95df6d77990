//! The table of settings: one row for each field, in the order in which they are shown.

use serde::Serialize;

use super::{ContainerStrategy, Verbosity};

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Dotted path in the file.
    pub path: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// The default, as it would be written in the file.
    pub default: &'static str,
    /// What values it takes.
    pub kind: Kind,
}

/// What values a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename = "SettingKind")]
#[serde(tag = "kind", content = "choices", rename_all = "snake_case")]
pub enum Kind {
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Seconds: finite and not negative.
    Seconds,
    /// `true` or `false`.
    Flag,
    /// The name of a backend or compose service.
    Backend,
    /// The path of a folder.
    Folder,
    /// A program, or the folder of a virtual environment.
    Program,
    /// An http or https URL, or null.
    Url,
    /// An amount: a finite number that is not negative, or null.
    Amount,
    /// A factor of 1 or more, or null.
    Factor,
}

static FIELDS: [Field; 16] = [
    Field {
        path: "verbosity",
        summary: "how much the command says",
        default: "normal",
        kind: Kind::Choice(Verbosity::NAMES),
    },
    Field {
        path: "thermal_gaps.between_experiments",
        summary: "pause before each experiment within a cycle, in seconds",
        default: "60",
        kind: Kind::Seconds,
    },
    Field {
        path: "thermal_gaps.between_cycles",
        summary: "pause before each cycle but the first, in seconds",
        default: "300",
        kind: Kind::Seconds,
    },
    Field {
        path: "docker.strategy",
        summary: "a fresh container for each run, or one for the whole campaign",
        default: "ephemeral",
        kind: Kind::Choice(ContainerStrategy::NAMES),
    },
    Field {
        path: "docker.warmup_delay",
        summary: "wait after a container started, in seconds",
        default: "0",
        kind: Kind::Seconds,
    },
    Field {
        path: "docker.auto_teardown",
        summary: "take persistent containers down when the campaign ends",
        default: "true",
        kind: Kind::Flag,
    },
    Field {
        path: "notifications.webhook_url",
        summary: "URL that is called when a campaign ends",
        default: "null",
        kind: Kind::Url,
    },
    Field {
        path: "notifications.on_complete",
        summary: "call the webhook when a campaign completes",
        default: "true",
        kind: Kind::Flag,
    },
    Field {
        path: "notifications.on_failure",
        summary: "call the webhook when a campaign fails",
        default: "true",
        kind: Kind::Flag,
    },
    Field {
        path: "default_backend",
        summary: "backend of an experiment that names none",
        default: "pytorch",
        kind: Kind::Backend,
    },
    Field {
        path: "python",
        summary: "what runs workers in Python as processes: a program, or the folder of a virtual environment",
        default: "python3",
        kind: Kind::Program,
    },
    Field {
        path: "results_dir",
        summary: "folder of the database and of exports, relative to the project",
        default: "results",
        kind: Kind::Folder,
    },
    Field {
        path: "footprint.carbon_intensity_gco2_kwh",
        summary: "emissions of the electricity where runs happen, in gCO2e/kWh",
        default: "null",
        kind: Kind::Amount,
    },
    Field {
        path: "footprint.datacenter_pue",
        summary: "power usage effectiveness of the site; without it, 1.0 is used and said",
        default: "null",
        kind: Kind::Factor,
    },
    Field {
        path: "footprint.price_per_kwh",
        summary: "price of a kilowatt hour, in a currency of yours",
        default: "null",
        kind: Kind::Amount,
    },
    Field {
        path: "footprint.device_price_per_hour",
        summary: "price of one GPU for an hour, in the same currency",
        default: "null",
        kind: Kind::Amount,
    },
];

/// Every setting, in the order in which they are shown.
pub fn fields() -> &'static [Field] {
    &FIELDS
}

/// The setting at a dotted path.
pub fn field(path: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.path == path)
}

impl Field {
    /// The section that it stands in (empty for none) and its key there.
    pub fn section_and_key(&self) -> (&'static str, &'static str) {
        self.path.split_once('.').unwrap_or(("", self.path))
    }

    /// The valid values, to follow "is not" or "must be".
    pub fn range(&self) -> String {
        match self.kind {
            Kind::Choice(names) => match names.split_last() {
                Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
                _ => names.concat(),
            },
            Kind::Seconds => "a finite number of seconds >= 0".to_owned(),
            Kind::Flag => "true or false".to_owned(),
            Kind::Backend => "a backend's name (letters, digits, `.`, `_`, `-`)".to_owned(),
            Kind::Folder => "a folder's path (text, not empty)".to_owned(),
            Kind::Program => "a program's name or path, or the folder of a virtual environment".to_owned(),
            Kind::Url => "an http or https URL, or null".to_owned(),
            Kind::Amount => "a finite number >= 0, or null".to_owned(),
            Kind::Factor => "a finite number >= 1, or null".to_owned(),
        }
    }
}
