//! Which devices of a meter are read.

use std::fmt;

use lem_measure::{DeviceInfo, DeviceKind, Sample};

use crate::meter::{Depth, Meter, ReadError};

/// The devices that are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DeviceSelection {
    /// All that the chosen sources have.
    #[default]
    Auto,
    /// Those named, each by its id (`GPU-…`, `rapl:package-0`), or by a number: the source's index of a GPU.
    Named(Vec<String>),
}

impl DeviceSelection {
    /// Reads the words of a setting; none, or `auto` alone, is [`DeviceSelection::Auto`].
    pub fn from_words<S: AsRef<str>>(words: &[S]) -> Self {
        let words: Vec<String> = words.iter().map(|word| word.as_ref().trim().to_owned()).collect();
        match words.as_slice() {
            [] => Self::Auto,
            [word] if word.eq_ignore_ascii_case("auto") => Self::Auto,
            _ => Self::Named(words),
        }
    }

    /// Whether a device is wanted.
    pub fn wants(&self, device: &DeviceInfo) -> bool {
        match self {
            Self::Auto => true,
            Self::Named(words) => words.iter().any(|word| names(word, device)),
        }
    }

    /// Leaves the wanted devices in the meters, and drops meters without any. Fails with a word that names no device.
    pub(crate) fn apply(&self, meters: Vec<Box<dyn Meter>>) -> Result<Vec<Box<dyn Meter>>, NoSuchDevice> {
        let Self::Named(words) = self else {
            return Ok(meters);
        };
        let all: Vec<&DeviceInfo> = meters.iter().flat_map(|meter| meter.devices()).collect();
        if let Some(word) = words.iter().find(|word| !all.iter().any(|device| names(word, device))) {
            let known = all.iter().map(|device| device.id.clone()).collect();
            return Err(NoSuchDevice { word: word.clone(), known });
        }
        let chosen = meters.into_iter().filter_map(|meter| restrict(meter, self));
        Ok(chosen.collect())
    }
}

/// A word that names no device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoSuchDevice {
    /// The word.
    pub word: String,
    /// The ids that there are.
    pub known: Vec<String>,
}

impl fmt::Display for NoSuchDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no device {:?}; there are {}", self.word, self.known.join(", "))
    }
}

impl std::error::Error for NoSuchDevice {}

fn names(word: &str, device: &DeviceInfo) -> bool {
    let index = || device.kind == DeviceKind::Gpu && word.parse().ok() == device.index;
    word.eq_ignore_ascii_case(&device.id) || (word.parse::<u32>().is_ok() && index())
}

/// Some devices of a meter, as a meter.
struct Selected {
    meter: Box<dyn Meter>,
    devices: Vec<DeviceInfo>,
    positions: Vec<usize>,
}

/// The wanted devices of a meter, if any.
fn restrict(meter: Box<dyn Meter>, selection: &DeviceSelection) -> Option<Box<dyn Meter>> {
    let wanted = meter.devices().iter().enumerate().filter(|(_, device)| selection.wants(device));
    let (positions, devices): (Vec<_>, Vec<_>) = wanted.map(|(i, device)| (i, device.clone())).unzip();
    if devices.is_empty() {
        return None;
    }
    Some(Box::new(Selected { meter, devices, positions }))
}

impl Meter for Selected {
    fn devices(&self) -> &[DeviceInfo] {
        &self.devices
    }

    fn read(&mut self, device: usize, depth: Depth) -> Result<Sample, ReadError> {
        let position = self.positions.get(device).copied();
        let position =
            position.ok_or_else(|| ReadError::Transient(format!("no device at position {device}")))?;
        self.meter.read(position, depth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulated;

    fn meters() -> Vec<Box<dyn Meter>> {
        vec![Box::new(simulated::open(&"constant:devices=3".parse().expect("a spec")))]
    }

    fn ids(words: &[&str]) -> Result<Vec<String>, NoSuchDevice> {
        let meters = DeviceSelection::from_words(words).apply(meters())?;
        Ok(meters.iter().flat_map(|m| m.devices().iter().map(|d| d.id.clone())).collect())
    }

    #[test]
    fn devices_are_chosen_by_id_and_by_index() {
        assert_eq!(ids(&["simulated:2", "0"]).expect("known"), ["simulated:0", "simulated:2"]);
    }

    #[test]
    fn auto_and_nothing_are_all() {
        assert_eq!(ids(&["auto"]).expect("known").len(), 3);
        assert_eq!(ids(&[]).expect("known").len(), 3);
    }

    #[test]
    fn a_device_that_is_not_there_is_refused_with_those_that_are() {
        let error = ids(&["0", "7"]).expect_err("unknown");
        assert_eq!(
            error.to_string(),
            "there is no device \"7\"; there are simulated:0, simulated:1, simulated:2"
        );
    }

    #[test]
    fn a_chosen_device_keeps_its_own_readings() {
        let mut meters = DeviceSelection::from_words(&["simulated:1"]).apply(meters()).expect("known");
        assert!(meters[0].read(0, Depth::Full).is_ok());
        assert!(meters[0].read(1, Depth::Full).is_err(), "there is one device now");
    }
}
