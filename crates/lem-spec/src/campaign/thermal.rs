//! How the state of the devices is brought back, and what they draw without work: `thermal`, `measurement.baseline`,
//! and when there are cycles enough.

use serde::{Deserialize, Serialize};

use super::check::Values;
use super::spec::UnknownWord;
use crate::source::Resolved;

/// How a gap ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ThermalMode {
    /// After the time that was planned.
    #[default]
    Fixed,
    /// When temperature and power are back where they were before the first run.
    Adaptive,
    /// There is none: warm-up goes on until the temperature rises no more. What a server under steady load is like.
    Hot,
}

/// The words of [`ThermalMode`].
pub(super) const THERMAL_MODES: &[&str] = &["fixed", "adaptive", "hot"];

impl ThermalMode {
    /// The word in campaign files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Adaptive => "adaptive",
            Self::Hot => "hot",
        }
    }
}

/// The section `thermal`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, specta::Type)]
pub struct Thermal {
    /// How a gap ends.
    pub mode: Resolved<ThermalMode>,
    /// An adaptive gap is no shorter, in seconds.
    pub min_s: Resolved<f64>,
    /// An adaptive gap, or a warm-up until the temperature is steady, is no longer, in seconds.
    pub max_s: Resolved<f64>,
    /// So many degrees above the reference count as cool, 0.5 to 20.
    pub tolerance_c: Resolved<f64>,
}

impl Default for Thermal {
    /// Energy was found to change by 0.2 to 0.4 % for each degree of the starting temperature (ML.ENERGY, "Thermally
    /// stable profiling"), so that 3 degrees keep the bias near 1 %.
    fn default() -> Self {
        Self {
            mode: Resolved::default(),
            min_s: Resolved::built_in(10.0),
            max_s: Resolved::built_in(300.0),
            tolerance_c: Resolved::built_in(3.0),
        }
    }
}

/// What runs on a device while its baseline is taken.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, specta::Type,
)]
#[serde(rename_all = "snake_case")]
pub enum BaselineKind {
    /// Nothing.
    #[default]
    Bare,
    /// The engine has opened the device and loaded no model.
    Context,
    /// The model is resident and nothing is asked of it.
    Loaded,
}

/// The words of [`BaselineKind`].
pub(super) const BASELINE_KINDS: &[&str] = &["bare", "context", "loaded"];

impl BaselineKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Bare, Self::Context, Self::Loaded];

    /// The word in campaign files, results and exports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Context => "context",
            Self::Loaded => "loaded",
        }
    }
}

impl std::str::FromStr for BaselineKind {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        let known = || Self::ALL.map(Self::name).join(", ");
        Self::ALL.into_iter().find(|kind| kind.name() == word).ok_or_else(|| UnknownWord::new(word, known()))
    }
}

/// How often the `bare` baseline is taken anew. The others belong to each run and are always fresh.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum BaselineStrategy {
    /// Before every run.
    Fresh,
    /// When it has become too old.
    Cached,
    /// As cached; now and then a short look tells whether it still holds.
    #[default]
    Validated,
}

impl BaselineStrategy {
    /// The word in campaign files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Cached => "cached",
            Self::Validated => "validated",
        }
    }
}

/// The words of [`BaselineStrategy`].
pub(super) const BASELINE_STRATEGIES: &[&str] = &["fresh", "cached", "validated"];

/// The section `measurement.baseline`, switched on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, specta::Type)]
pub struct Baseline {
    /// The one that is subtracted for the adjusted energy.
    pub kind: BaselineKind,
    /// How long it is taken for, in seconds, 5 to 600.
    pub duration_s: f64,
    /// When the `bare` one is taken anew.
    pub strategy: BaselineStrategy,
    /// A cached one is used for so long, in seconds.
    pub ttl_s: f64,
    /// A validated one is looked at when so many runs have used it.
    pub validation_interval: u32,
    /// It no longer holds when power is off by more than this share, 0 to 1.
    pub drift_threshold: f64,
}

impl Default for Baseline {
    /// What is in force where the section says nothing: conventions, not found by measuring.
    fn default() -> Self {
        Self {
            kind: BaselineKind::default(),
            duration_s: 30.0,
            strategy: BaselineStrategy::default(),
            ttl_s: 7_200.0,
            validation_interval: 5,
            drift_threshold: 0.1,
        }
    }
}

/// When an experiment has been run often enough.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, specta::Type)]
pub struct Stopping {
    /// Cycles at least, 3 or more.
    pub min_cycles: u32,
    /// The 95 % interval of joules per output token is at most this share of its mean to either side.
    pub target: f64,
}

/// Reads `thermal`.
pub(super) fn thermal(values: &Values) -> Thermal {
    let built_in = Thermal::default();
    let seconds = |key: &str| values.sourced(key, values.f64(key));
    let mode = values.text("thermal.mode").map(|word| match word {
        "adaptive" => ThermalMode::Adaptive,
        "hot" => ThermalMode::Hot,
        _ => ThermalMode::Fixed,
    });
    Thermal {
        mode: values.sourced("thermal.mode", mode).unwrap_or(built_in.mode),
        min_s: seconds("thermal.min_seconds").unwrap_or(built_in.min_s),
        max_s: seconds("thermal.max_seconds").unwrap_or(built_in.max_s),
        tolerance_c: seconds("thermal.tolerance_c").unwrap_or(built_in.tolerance_c),
    }
}

/// Cycles at most where `execution.cycles` gives a target and no `max`.
const MOST_CYCLES: u32 = 20;

/// Cycles at least where it gives no `min`: from fewer, stopping early was found to keep the interval from holding what it
/// says (89 % instead of 95 % with three, `docs/statistics.md`).
const LEAST_CYCLES: u32 = 5;

/// Reads `execution.cycles` where it gives a target.
pub(super) fn stopping(values: &Values) -> Option<Stopping> {
    let target = values.f64("execution.cycles.target_ci_percent")? / 100.0;
    Some(Stopping { min_cycles: values.u32("execution.cycles.min").unwrap_or(LEAST_CYCLES), target })
}

/// The cycles that are planned where `execution.cycles` gives a target.
pub(super) fn most_cycles(values: &Values) -> Option<Resolved<u32>> {
    let least = values.u32("execution.cycles.min").unwrap_or(LEAST_CYCLES);
    let most = values.u32("execution.cycles.max");
    values
        .sourced("execution.cycles.max", most)
        .or_else(|| values.sourced("execution.cycles.target_ci_percent", Some(MOST_CYCLES.max(least))))
}

/// Reads `measurement.baseline`; whoever writes the section wants one, unless `enabled` says no.
pub(super) fn baseline(values: &Values) -> Option<Baseline> {
    const KEYS: [&str; 8] = [
        "measurement.baseline.enabled",
        "measurement.baseline.kind",
        "measurement.baseline.duration_seconds",
        "measurement.baseline.strategy",
        "measurement.baseline.cache_ttl_seconds",
        "measurement.baseline.validation_interval",
        "measurement.baseline.drift_threshold",
        "measurement.baseline",
    ];
    let written = KEYS.iter().any(|key| values.has(key));
    let refused = [KEYS[0], KEYS[7]].iter().any(|key| values.bool(key) == Some(false));
    if !written || refused {
        return None;
    }
    let built_in = Baseline::default();
    let strategy = match values.text(KEYS[3]) {
        Some("fresh") => BaselineStrategy::Fresh,
        Some("cached") => BaselineStrategy::Cached,
        _ => BaselineStrategy::Validated,
    };
    Some(Baseline {
        kind: values.text(KEYS[1]).and_then(|word| word.parse().ok()).unwrap_or(built_in.kind),
        duration_s: values.f64(KEYS[2]).unwrap_or(built_in.duration_s),
        strategy,
        ttl_s: values.f64(KEYS[4]).unwrap_or(built_in.ttl_s),
        validation_interval: values.u32(KEYS[5]).unwrap_or(built_in.validation_interval),
        drift_threshold: values.f64(KEYS[6]).unwrap_or(built_in.drift_threshold),
    })
}
