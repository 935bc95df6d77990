//! One counter of powercap: a folder with `name`, `energy_uj` and `max_energy_range_uj` (kernel documentation,
//! `power/powercap/powercap.rst`).

use std::fs::{File, read_to_string};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use lem_measure::counter::Unwrapped;
use lem_measure::units::seconds;
use lem_measure::{Channel, Sample};

use super::error::OpenError;
use crate::clock::{middle, now_ns};
use crate::meter::{Depth, ReadError};

/// More than any package or memory draws, in watts. The counter of a package wraps after minutes and tells it by
/// going back; a counter that was reset (by a suspend, or by another program) goes back too, and would look like
/// energy at far more than this.
const IMPLAUSIBLE_W: f64 = 5_000.0;

/// Readings closer together than this are not turned into power: the counter moves every millisecond.
const POWER_SPAN_NS: i64 = 2_000_000;

/// An open counter.
#[derive(Debug)]
pub(super) struct Zone {
    path: PathBuf,
    file: File,
    range_uj: u64,
    counter: Unwrapped,
    /// The last raw reading, at any depth.
    last: Option<Raw>,
    /// Energy at the last reading that told power.
    power_from: Option<(i64, u64)>,
    ended: bool,
}

/// What the file said at a time.
#[derive(Debug, Clone, Copy)]
struct Raw {
    t_ns: i64,
    uj: u64,
}

impl Zone {
    /// Opens the counter in `folder` and reads it once.
    pub(super) fn open(folder: &Path) -> Result<Self, OpenError> {
        let path = folder.join("energy_uj");
        let file = File::open(&path).map_err(|error| match error.kind() {
            ErrorKind::PermissionDenied => OpenError::NoPermission(path.clone()),
            _ => OpenError::Unreadable { path: path.clone(), cause: error.to_string() },
        })?;
        let range_path = folder.join("max_energy_range_uj");
        let range = read_to_string(&range_path).map_err(|error| error.to_string());
        let range_uj = range.and_then(|text| number(&text)).and_then(positive);
        let range_uj = range_uj.map_err(|cause| OpenError::Unreadable { path: range_path, cause })?;
        let zone = Self {
            counter: Unwrapped::new(range_uj),
            path,
            file,
            range_uj,
            last: None,
            power_from: None,
            ended: false,
        };
        zone.raw().map_err(|error| match error.kind() {
            ErrorKind::PermissionDenied => OpenError::NoPermission(zone.path.clone()),
            _ => OpenError::Unreadable { path: zone.path.clone(), cause: error.to_string() },
        })?;
        Ok(zone)
    }

    /// The energy at which the counter begins again, in uJ.
    pub(super) fn range_uj(&self) -> u64 {
        self.range_uj
    }

    /// Reads the counter.
    pub(super) fn read(&mut self, depth: Depth) -> Result<Sample, ReadError> {
        let before_ns = now_ns();
        let uj = self.raw().map_err(|error| {
            match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
                Some(rustix::io::Errno::NODEV | rustix::io::Errno::NOENT) => {
                    ReadError::DeviceLost(format!("{} is gone: {error}", self.path.display()))
                }
                _ => ReadError::Transient(format!("{}: {error}", self.path.display())),
            }
        })?;
        self.take(Raw { t_ns: middle(before_ns, now_ns()), uj }, depth)
    }

    fn raw(&self) -> std::io::Result<u64> {
        let mut buffer = [0; 32];
        let length = self.file.read_at(&mut buffer, 0)?;
        let text = String::from_utf8_lossy(&buffer[..length]);
        number(&text).map_err(|cause| std::io::Error::new(ErrorKind::InvalidData, cause))
    }

    /// Books a reading. Apart from [`Self::read`] so that it can be tested without waiting.
    fn take(&mut self, raw: Raw, depth: Depth) -> Result<Sample, ReadError> {
        if self.ended {
            return Err(ReadError::Transient(format!(
                "{} is not used since it was reset",
                self.path.display()
            )));
        }
        if self.last.is_some_and(|last| self.is_reset(last, raw)) {
            self.ended = true;
            return Err(ReadError::Transient(format!(
                "{}: the counter was reset (it went back to {} uJ too soon for a wrap); its energy is not used any more",
                self.path.display(),
                raw.uj
            )));
        }
        self.last = Some(raw);
        let total_uj = self.counter.add(raw.uj);
        let mut sample = Sample::at(raw.t_ns).with(Channel::Energy, joules(total_uj));
        if depth > Depth::Edge {
            let (from_ns, from_uj) = *self.power_from.get_or_insert((raw.t_ns, total_uj));
            if raw.t_ns - from_ns >= POWER_SPAN_NS {
                sample.set(Channel::Power, joules(total_uj - from_uj) / seconds(raw.t_ns - from_ns));
                self.power_from = Some((raw.t_ns, total_uj));
            }
        }
        Ok(sample)
    }

    /// Whether a counter that went back was reset instead of having wrapped.
    fn is_reset(&self, last: Raw, raw: Raw) -> bool {
        let wrapped_uj = self.range_uj.saturating_sub(last.uj).saturating_add(raw.uj);
        let span_s = seconds((raw.t_ns - last.t_ns).max(POWER_SPAN_NS));
        raw.uj < last.uj && joules(wrapped_uj) / span_s > IMPLAUSIBLE_W
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.trim().parse().map_err(|error| format!("{:?} is not a number of microjoules ({error})", text.trim()))
}

fn positive(range_uj: u64) -> Result<u64, String> {
    if range_uj > 0 { Ok(range_uj) } else { Err("the range of the counter is 0".into()) }
}

#[expect(clippy::cast_precision_loss, reason = "2^53 uJ are 285 years at 1 W")]
fn joules(uj: u64) -> f64 {
    uj as f64 * 1e-6
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RANGE_UJ: u64 = 262_143_328_850;
    const TICK_NS: i64 = 50_000_000;

    fn zone() -> (tempfile::TempDir, Zone) {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("energy_uj"), "0\n").expect("written");
        std::fs::write(folder.path().join("max_energy_range_uj"), RANGE_UJ.to_string()).expect("written");
        let zone = Zone::open(folder.path()).expect("a zone");
        (folder, zone)
    }

    fn take(zone: &mut Zone, tick: i64, uj: u64) -> Result<Sample, ReadError> {
        zone.take(Raw { t_ns: tick * TICK_NS, uj }, Depth::Power)
    }

    #[test]
    fn a_counter_that_wraps_keeps_its_energy() {
        let (_folder, mut zone) = zone();
        take(&mut zone, 0, RANGE_UJ - 1_000_000).expect("read");
        let sample = take(&mut zone, 1, 4_000_000).expect("read");
        assert_eq!(sample.get(Channel::Energy), Some(5.0));
        assert_eq!(sample.get(Channel::Power), Some(100.0), "5 J in 50 ms");
    }

    #[test]
    fn a_counter_that_was_reset_ends_instead_of_inventing_energy() {
        let (_folder, mut zone) = zone();
        take(&mut zone, 0, 100_000_000_000).expect("read");
        let told = take(&mut zone, 1, 5).expect_err("162 kJ in 50 ms are not a wrap");
        assert!(matches!(told, ReadError::Transient(_)));
        assert!(take(&mut zone, 2, 100_000_001_000).is_err(), "and nothing is taken from it afterwards");
    }

    #[test]
    fn the_first_reading_has_no_power() {
        let (_folder, mut zone) = zone();
        assert_eq!(take(&mut zone, 0, 7).expect("read").get(Channel::Power), None);
    }

    #[test]
    fn readings_at_an_edge_do_not_shorten_the_span_of_power() {
        let (_folder, mut zone) = zone();
        take(&mut zone, 0, 0).expect("read");
        let edge = Raw { t_ns: TICK_NS / 2, uj: 4_000_000 };
        assert_eq!(zone.take(edge, Depth::Edge).expect("read").get(Channel::Power), None);
        assert_eq!(take(&mut zone, 1, 5_000_000).expect("read").get(Channel::Power), Some(100.0));
    }

    proptest! {
        #[test]
        fn power_times_time_is_energy(steps in prop::collection::vec(0_u64..200_000_000, 2..40), start in 0..RANGE_UJ) {
            let (_folder, mut zone) = zone();
            let mut uj = start;
            let mut integral_j = 0.0;
            let mut energy_j = 0.0;
            let mut expected_uj = 0;
            take(&mut zone, 0, uj).expect("read");
            for (tick, step) in (1_i64..).zip(steps) {
                uj = (uj + step) % RANGE_UJ;
                expected_uj += step;
                let sample = take(&mut zone, tick, uj).expect("read");
                integral_j += sample.get(Channel::Power).expect("power") * seconds(TICK_NS);
                energy_j = sample.get(Channel::Energy).expect("energy");
            }
            prop_assert!((integral_j - joules(expected_uj)).abs() < 1e-6);
            prop_assert!((energy_j - joules(expected_uj)).abs() < 1e-6);
        }
    }
}
