//! Every check there is: its id, its unit, its limits as text, and the verdicts that it can come to. Ids are stable,
//! because reports are stored. Sources of the limits are in `docs/quality.md`, which a test compares with this list.

use super::Verdict;
use super::Verdict::{Invalid, Pass, Poor, Unknown, Warn};

/// What is fixed about a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Its stable name, in snake case.
    pub id: &'static str,
    /// The unit of its value; empty for numbers without one.
    pub unit: &'static str,
    /// Its limits, for a person to read.
    pub threshold: &'static str,
    /// The verdicts that it can come to.
    pub verdicts: &'static [Verdict],
}

const fn kind(
    id: &'static str,
    unit: &'static str,
    threshold: &'static str,
    verdicts: &'static [Verdict],
) -> Kind {
    Kind { id, unit, threshold, verdicts }
}

pub(super) const WINDOW: Kind = kind(
    "window",
    "s",
    "at least 30 s; warn from 10 s, poor from 2 s, invalid below",
    &[Pass, Warn, Poor, Invalid],
);
pub(super) const WINDOW_CONTENT: Kind =
    kind("window_content", "", "inference and nothing else; invalid otherwise", &[Pass, Invalid, Unknown]);
pub(super) const COVERAGE: Kind =
    kind("coverage", "%", "at least 95 %; warn from 75 %, invalid below", &[Pass, Warn, Invalid, Unknown]);
pub(super) const SAMPLING_GAP: Kind = kind(
    "sampling_gap",
    "s",
    "at most 3 intervals; warn above, invalid above 1 s or 5 % of the window",
    &[Pass, Warn, Invalid, Unknown],
);
pub(super) const SAMPLING_INTERVAL: Kind =
    kind("sampling_interval", "s", "95th percentile at most 3 intervals; warn above", &[Pass, Warn, Unknown]);
pub(super) const SAMPLES: Kind =
    kind("samples", "", "at least 100; warn from 10, invalid below", &[Pass, Warn, Invalid, Unknown]);
pub(super) const MISSED_TICKS: Kind =
    kind("missed_ticks", "%", "at most 5 %; warn above", &[Pass, Warn, Unknown]);
pub(super) const READ_ERRORS: Kind = kind("read_errors", "", "none; warn otherwise", &[Pass, Warn, Unknown]);
pub(super) const TAIL: Kind = kind(
    "tail",
    "s",
    "0.35 s after the window, 1.5 s where power is averaged, less 0.1 s and one interval; invalid below",
    &[Pass, Invalid],
);
pub(super) const ENERGY: Kind =
    kind("energy", "J", "known and above 0 for every device; invalid otherwise", &[Pass, Invalid]);
pub(super) const ENERGY_SOURCE: Kind = kind(
    "energy_source",
    "",
    "recorded; warn where it is averaged power and the window is below 30 s, invalid if unknown",
    &[Pass, Warn, Invalid],
);
pub(super) const PROVENANCE: Kind =
    kind("provenance", "", "measured; poor if estimated or simulated", &[Pass, Poor, Unknown]);
pub(super) const SENSOR_COVERAGE: Kind = kind(
    "sensor_coverage",
    "%",
    "all of the time; warn below where energy is integrated power",
    &[Pass, Warn, Unknown],
);
pub(super) const COUNTER_VS_INTEGRAL: Kind = kind(
    "counter_vs_integral",
    "%",
    "at most 2 %; warn to 5 %, poor to 10 %, invalid above or if the counter was reset",
    &[Pass, Warn, Poor, Invalid, Unknown],
);
pub(super) const MEAN_POWER: Kind = kind(
    "mean_power",
    "W",
    "from idle to 1.1 times the power limit; invalid outside",
    &[Pass, Invalid, Unknown],
);
pub(super) const PEAK_POWER: Kind = kind(
    "peak_power",
    "W",
    "at most 1.7 times the power limit, 1.1 times where power is averaged; invalid above",
    &[Pass, Invalid, Unknown],
);
pub(super) const JOULES_PER_TOKEN: Kind =
    kind("joules_per_token", "J/token", "at most 100 J/token; invalid above", &[Pass, Invalid, Unknown]);
pub(super) const DEVICES: Kind =
    kind("devices", "", "those that were planned, by id; invalid otherwise", &[Pass, Invalid, Unknown]);
pub(super) const FOREIGN_PROCESSES: Kind = kind(
    "foreign_processes",
    "",
    "none; warn if all are idle (below 1 %) or of unknown use, invalid if one is active",
    &[Pass, Warn, Invalid, Unknown],
);
pub(super) const MIG: Kind = kind("mig", "", "off; invalid if on", &[Pass, Invalid]);
pub(super) const PERSISTENCE: Kind = kind("persistence", "", "on; warn if off", &[Pass, Warn, Unknown]);
pub(super) const ECC: Kind = kind(
    "ecc",
    "",
    "no errors; warn if corrected, invalid if not corrected",
    &[Pass, Warn, Invalid, Unknown],
);
pub(super) const XID: Kind = kind("xid", "", "none; invalid otherwise", &[Pass, Invalid, Unknown]);
pub(super) const THERMAL_THROTTLING: Kind = kind(
    "thermal_throttling",
    "%",
    "none; warn to 1 % of the window, poor to 5 %, invalid above",
    &[Pass, Warn, Poor, Invalid, Unknown],
);
pub(super) const HARDWARE_SLOWDOWN: Kind = kind(
    "hardware_slowdown",
    "%",
    "none; warn to 1 % of the window, poor to 5 %, invalid above",
    &[Pass, Warn, Poor, Invalid, Unknown],
);
pub(super) const POWER_CAP: Kind =
    kind("power_cap", "%", "reported; warn above 50 % of the window", &[Pass, Warn, Unknown]);
pub(super) const CLOCK_VARIATION: Kind = kind(
    "clock_variation",
    "%",
    "at most 2 %; warn to 5 %, poor to 10 %, invalid above",
    &[Pass, Warn, Poor, Invalid, Unknown],
);
pub(super) const START_TEMPERATURE: Kind = kind(
    "start_temperature",
    "°C",
    "within 3 °C of the reference; warn to 10 °C, invalid beyond",
    &[Pass, Warn, Invalid, Unknown],
);
pub(super) const TEMPERATURE_SLOPE: Kind = kind(
    "temperature_slope",
    "°C/min",
    "at most 1 °C/min in hot and steady runs; warn to 3 °C/min, poor above; reported in others",
    &[Pass, Warn, Poor, Unknown],
);
pub(super) const TEMPERATURE_RANGE: Kind = kind(
    "temperature_range",
    "%",
    "outside of 20 to 95 °C for less than 5 % of the window; invalid otherwise",
    &[Pass, Invalid, Unknown],
);
pub(super) const GAP: Kind =
    kind("gap", "", "ended by itself; warn if it reached its maximum or was skipped", &[Pass, Warn, Unknown]);
pub(super) const WARM_UP: Kind =
    kind("warm_up", "", "converged; warn if it ended at its limit or there was none", &[Pass, Warn, Unknown]);
pub(super) const BASELINE: Kind = kind(
    "baseline",
    "%",
    "drift at most 5 % and age at most 2 h; warn to 10 % or if older, poor above 10 % (adjusted energy withheld)",
    &[Pass, Warn, Poor, Unknown],
);
pub(super) const REQUESTS: Kind =
    kind("requests", "%", "all succeeded; warn from 95 %, invalid below", &[Pass, Warn, Invalid, Unknown]);
pub(super) const TRUNCATION: Kind = kind(
    "truncation",
    "%",
    "below 30 % of outputs, or lengths are forced; warn otherwise",
    &[Pass, Warn, Unknown],
);
pub(super) const EFFECTIVE_BATCH: Kind =
    kind("effective_batch", "%", "at least 80 % of the configured batch; warn below", &[Pass, Warn, Unknown]);
pub(super) const WORKER_LOG: Kind = kind(
    "worker_log",
    "",
    "no sign of trouble; warn at retries, invalid at crashes and out of memory",
    &[Pass, Warn, Invalid, Unknown],
);
pub(super) const ENVIRONMENT: Kind = kind(
    "environment",
    "",
    "as at the start of the campaign; invalid at any difference",
    &[Pass, Invalid, Unknown],
);
pub(super) const HOST_LOAD: Kind =
    kind("host_load", "%", "at most 20 % of the CPUs used by others; warn above", &[Pass, Warn, Unknown]);
pub(super) const GOVERNOR: Kind = kind(
    "governor",
    "",
    "`performance` where the CPU is measured; warn otherwise; reported elsewhere",
    &[Pass, Warn, Unknown],
);
pub(super) const SWAP: Kind = kind("swap", "MiB", "nothing swapped; warn otherwise", &[Pass, Warn, Unknown]);

/// The checks of a run, in the order of a report.
pub const RUN: &[Kind] = &[
    WINDOW,
    WINDOW_CONTENT,
    COVERAGE,
    SAMPLING_GAP,
    SAMPLING_INTERVAL,
    SAMPLES,
    MISSED_TICKS,
    READ_ERRORS,
    TAIL,
    ENERGY,
    ENERGY_SOURCE,
    PROVENANCE,
    SENSOR_COVERAGE,
    COUNTER_VS_INTEGRAL,
    MEAN_POWER,
    PEAK_POWER,
    JOULES_PER_TOKEN,
    DEVICES,
    FOREIGN_PROCESSES,
    MIG,
    PERSISTENCE,
    ECC,
    XID,
    THERMAL_THROTTLING,
    HARDWARE_SLOWDOWN,
    POWER_CAP,
    CLOCK_VARIATION,
    START_TEMPERATURE,
    TEMPERATURE_SLOPE,
    TEMPERATURE_RANGE,
    GAP,
    WARM_UP,
    BASELINE,
    REQUESTS,
    TRUNCATION,
    EFFECTIVE_BATCH,
    WORKER_LOG,
    ENVIRONMENT,
    HOST_LOAD,
    GOVERNOR,
    SWAP,
];

pub(super) const TOKEN_COUNTS: Kind = kind(
    "token_counts",
    "%",
    "equal in all runs of greedy decoding; warn to 1 %, poor above",
    &[Pass, Warn, Poor, Unknown],
);
pub(super) const REPEATABILITY: Kind = kind(
    "repeatability",
    "%",
    "coefficient of variation of J/token at most 2 %; warn to 5 %, poor to 10 %, invalid above",
    &[Pass, Warn, Poor, Invalid, Unknown],
);
pub(super) const OUTLIERS: Kind = kind("outliers", "", "none; warn otherwise", &[Pass, Warn, Unknown]);
pub(super) const ORDER_EFFECT: Kind =
    kind("order_effect", "", "p above 0.05; warn otherwise", &[Pass, Warn, Unknown]);
pub(super) const START_TEMPERATURE_SPREAD: Kind = kind(
    "start_temperature_spread",
    "°C",
    "within 3 °C of the median run; warn to 10 °C, invalid beyond",
    &[Pass, Warn, Invalid, Unknown],
);
pub(super) const BATCH_SWEEP: Kind = kind(
    "batch_sweep",
    "%",
    "J/token not above that of a smaller batch by more than the noise; warn otherwise",
    &[Pass, Warn, Unknown],
);

/// The checks of an experiment over its completed runs, in the order of a report.
pub const EXPERIMENT: &[Kind] =
    &[TOKEN_COUNTS, REPEATABILITY, OUTLIERS, ORDER_EFFECT, START_TEMPERATURE_SPREAD, BATCH_SWEEP];
