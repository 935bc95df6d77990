//! What is known of the power sensor of a device: how much of the time each of its updates has seen.
//!
//! Some GPUs measure power during a part of each update period only, so that a load in step with the sensor can
//! hide from it. The windows are those that Yang, Adamek and Armour measured on over 70 boards (SC24, arXiv
//! 2312.02741); nvml.h documents the averaging over one second.

use crate::device::{DeviceInfo, PowerSource};

/// The averaging window of [`crate::Channel::PowerAverage`] in milliseconds (nvml.h, field 185).
pub const AVERAGE_MS: u32 = 1000;

/// The power sensor of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sensor {
    /// The time before an update that the update is the mean of, in milliseconds; `None` where that is not known, and
    /// taken as all the time since the update before.
    pub window_ms: Option<u32>,
    /// The usual time between updates in milliseconds; `None` where that is not known.
    pub update_ms: Option<u32>,
}

impl Sensor {
    /// The sensor behind [`crate::Channel::Power`], from what a device tells of itself.
    pub fn of(device: &DeviceInfo) -> Self {
        if device.source != PowerSource::Nvml {
            return Self { window_ms: device.power_averaging_ms, update_ms: None };
        }
        let capability = device.facts.get("compute_capability").and_then(|text| text.split_once('.'));
        let (window_ms, update_ms) = match capability {
            // Pascal and Volta; GA100, and the immediate reading of Hopper; all others that were measured see all the time.
            Some(("6", _) | ("7", "0" | "2")) => (Some(10), 20),
            Some(("8" | "9", "0")) => (Some(25), 100),
            _ => (None, 100),
        };
        Self { window_ms: device.power_averaging_ms.or(window_ms), update_ms: Some(update_ms) }
    }

    /// The share of the time that updates so far apart have seen, 1 where that is not known to be less.
    pub fn share_seen(self, update_ns: i64) -> f64 {
        let seen =
            |ms| crate::units::seconds(i64::from(ms) * 1_000_000) / crate::units::seconds(update_ns.max(1));
        self.window_ms.map_or(1.0, |ms: u32| seen(ms).min(1.0))
    }
}

/// The share of the time (0 to 1) that the power sensor of a GPU sees; `None` for boards that do not tell their compute
/// capability, and for those that came after Hopper and Ada, which were not measured.
pub fn share_of_time(board: &DeviceInfo) -> Option<f64> {
    let capability = board.facts.get("compute_capability")?;
    let generation: u32 = capability.split_once('.')?.0.parse().ok()?;
    let sensor = Sensor::of(board);
    (generation <= NEWEST_MEASURED)
        .then(|| sensor.share_seen(i64::from(sensor.update_ms.unwrap_or(0)) * 1_000_000))
}

/// The newest generation among the boards of the paper: Hopper, compute capability 9.0.
const NEWEST_MEASURED: u32 = 9;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::device::{DeviceKind, Provenance};

    fn board(capability: &str, power_averaging_ms: Option<u32>) -> DeviceInfo {
        DeviceInfo {
            id: "GPU-1".into(),
            name: "Board".into(),
            kind: DeviceKind::Gpu,
            source: PowerSource::Nvml,
            provenance: Provenance::Measured,
            index: Some(0),
            channels: Vec::new(),
            power_averaging_ms,
            facts: BTreeMap::from([("compute_capability".to_owned(), capability.to_owned())]),
        }
    }

    #[test]
    fn boards_are_known_by_their_compute_capability() {
        let window_ms = |capability| Sensor::of(&board(capability, None)).window_ms;
        assert_eq!(["6.0", "7.0", "8.0", "9.0"].map(window_ms), [Some(10), Some(10), Some(25), Some(25)]);
        assert_eq!(
            ["7.5", "8.6", "8.9", "12.0", ""].map(window_ms),
            [None; 5],
            "all is seen, or nothing is known"
        );
        assert_eq!(Sensor::of(&board("9.0", Some(1000))).window_ms, Some(1000));
    }

    #[test]
    fn a_window_shorter_than_the_period_has_seen_a_part() {
        let percent = |window_ms| {
            format!("{:.0}", Sensor { window_ms, update_ms: None }.share_seen(100_000_000) * 100.0)
        };
        assert_eq!([Some(25), Some(100), Some(1000), None].map(percent), ["25", "100", "100", "100"]);
    }
    #[test]
    fn the_share_that_a_board_sees_is_known_where_it_was_measured() {
        let percent = |capability, averaging_ms| {
            share_of_time(&board(capability, averaging_ms)).map(|share| format!("{:.0}", share * 100.0))
        };
        assert_eq!(percent("7.0", None).as_deref(), Some("50"));
        assert_eq!(
            ["8.0", "9.0"].map(|one| percent(one, None)),
            [Some("25".to_owned()), Some("25".to_owned())]
        );
        assert_eq!(percent("8.9", None).as_deref(), Some("100"));
        assert_eq!(percent("9.0", Some(1000)).as_deref(), Some("100"), "a mean over a second");
        assert_eq!(["10.0", "12.0", "", "x.y"].map(|one| percent(one, None)), [None, None, None, None]);
    }
}
