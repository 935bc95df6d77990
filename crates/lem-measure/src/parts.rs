//! A window told apart by what its requests were doing, and the energy of each part.
//!
//! A request is read (prefill) from the moment at which the engine got it until its first token, and answered (decode)
//! from then until its last one. Stretches of the window in which only the one or only the other went on say what each of
//! them costs; where both went on at once, the energy belongs to both, and nothing divides it.
//!
//! A request that the engine got and that waits inside of it for others counts as being read. That can only be while
//! others are answered, so that it makes a stretch mixed and never falsifies those of one kind.

use serde::{Deserialize, Serialize};

use crate::energy::DeviceEnergy;
use crate::units::seconds;

/// A stretch is told from what is beside it when it is this many times as long as the time between two of the moments
/// that the energy rests on: then at least one interval between them lies inside of it as a whole.
pub const RESOLVED: f64 = 2.0;

/// What the requests of a window were doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, specta::Type)]
#[serde(rename = "WindowPartKind")]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// At least one was read, none was answered.
    Prefill,
    /// At least one was answered, none was read.
    Decode,
    /// Some were read while others were answered.
    Mixed,
    /// None was under way.
    Between,
}

impl Part {
    /// All of them, in the order of a table.
    pub const ALL: [Self; 4] = [Self::Prefill, Self::Decode, Self::Mixed, Self::Between];

    /// The name in results and exports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prefill => "prefill",
            Self::Decode => "decode",
            Self::Mixed => "mixed",
            Self::Between => "between",
        }
    }

    fn of(reading: usize, answering: usize) -> Self {
        match (reading > 0, answering > 0) {
            (true, false) => Self::Prefill,
            (false, true) => Self::Decode,
            (true, true) => Self::Mixed,
            (false, false) => Self::Between,
        }
    }
}

/// When one request was under way, `CLOCK_MONOTONIC` in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// When the engine got it.
    pub start_ns: i64,
    /// When its first token was there.
    pub first_token_ns: i64,
    /// When its last token was there.
    pub end_ns: i64,
}

/// A stretch of a window in which one kind of work went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Which.
    pub part: Part,
    /// When it began and ended, in nanoseconds; never at the same time.
    pub start_ns: i64,
    /// See `start_ns`.
    pub end_ns: i64,
}

/// A part of a window: all stretches of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, specta::Type)]
pub struct WindowPart {
    /// What went on.
    pub part: Part,
    /// How long in all, in seconds.
    pub seconds: f64,
    /// How many stretches that is.
    pub stretches: u32,
    /// Energy of all devices in joules; absent where `withheld` says why.
    pub energy_j: Option<f64>,
    /// Its expanded uncertainty (k = 2) in joules.
    pub energy_uncertainty_j: Option<f64>,
    /// Why there is no energy.
    pub withheld: Option<String>,
}

/// Divides a window into stretches, one after the other and without holes.
pub fn stretches(window: (i64, i64), requests: &[Served]) -> Vec<Stretch> {
    let mut changes: Vec<(i64, Change)> = Vec::with_capacity(3 * requests.len());
    for request in requests {
        let first_ns = request.first_token_ns.clamp(request.start_ns, request.end_ns.max(request.start_ns));
        changes.push((request.start_ns, Change::Got));
        changes.push((first_ns, Change::FirstToken));
        changes.push((request.end_ns.max(first_ns), Change::LastToken));
    }
    // Of what happens at once, a request is got before it is answered.
    changes.sort_unstable();
    let (mut reading, mut answering) = (0, 0);
    let mut found = Found { window, stretches: Vec::new() };
    let mut since_ns = i64::MIN;
    for (t_ns, change) in changes {
        found.add(Part::of(reading, answering), since_ns, t_ns);
        since_ns = t_ns;
        match change {
            Change::Got => reading += 1,
            Change::FirstToken => (reading, answering) = (reading - 1, answering + 1),
            Change::LastToken => answering -= 1,
        }
    }
    found.add(Part::of(reading, answering), since_ns, i64::MAX);
    found.stretches
}

/// What changes for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Got,
    FirstToken,
    LastToken,
}

/// Stretches so far.
struct Found {
    window: (i64, i64),
    stretches: Vec<Stretch>,
}

impl Found {
    /// Adds what of a stretch lies in the window, to the last one where it is of the same kind.
    fn add(&mut self, part: Part, start_ns: i64, end_ns: i64) {
        let (start_ns, end_ns) = (start_ns.max(self.window.0), end_ns.min(self.window.1));
        if start_ns >= end_ns {
            return;
        }
        match self.stretches.last_mut().filter(|last| last.part == part) {
            Some(last) => last.end_ns = end_ns,
            None => self.stretches.push(Stretch { part, start_ns, end_ns }),
        }
    }
}

/// Divides a window into its parts, with the energy of all devices together. A part that did not occur is left out.
///
/// The uncertainties of the stretches of one device add up as they are, not in squares, because their errors are not
/// independent: this is too much rather than too little. Those of different devices add up in squares, as in a run.
pub fn window_parts(
    window: (i64, i64),
    requests: &[Served],
    devices: &[DeviceEnergy<'_>],
) -> Vec<WindowPart> {
    let stretches = stretches(window, requests);
    let energies = energies(window, &stretches, devices);
    let spacing_ns = devices.iter().filter_map(|device| device.spacing_ns(window)).max().unwrap_or(0);
    let parts = Part::ALL.into_iter().filter_map(|part| {
        let of_part = || stretches.iter().filter(|stretch| stretch.part == part);
        let count = u32::try_from(of_part().count()).unwrap_or(u32::MAX);
        let length_ns: i64 = of_part().map(|stretch| stretch.end_ns - stretch.start_ns).sum();
        let energy = match &energies {
            None => Err("the energy of the window is not known".to_owned()),
            Some(_) if !is_resolved(length_ns, count, spacing_ns) => {
                Err(too_short(length_ns, count, spacing_ns))
            }
            Some(energies) if energies[part as usize].is_finite() => Ok(energies[part as usize]),
            Some(_) => Err("its energy is not a finite number".to_owned()),
        };
        (count > 0).then(|| WindowPart {
            part,
            seconds: seconds(length_ns),
            stretches: count,
            energy_j: energy.as_ref().ok().map(|energy| energy.energy_j),
            energy_uncertainty_j: energy.as_ref().ok().map(|energy| energy.squares.sqrt()),
            withheld: energy.err(),
        })
    });
    parts.collect()
}

/// The energy of a part over all devices.
#[derive(Debug, Clone, Copy, Default)]
struct PartEnergy {
    energy_j: f64,
    /// The sum of the squared uncertainties of the devices.
    squares: f64,
}

impl PartEnergy {
    fn is_finite(self) -> bool {
        self.energy_j.is_finite() && self.squares.is_finite()
    }
}

/// The energy of each part, in the order of [`Part::ALL`]; `None` where a device has none in the window: a sum that leaves
/// one out would be a wrong number.
fn energies(
    window: (i64, i64),
    stretches: &[Stretch],
    devices: &[DeviceEnergy<'_>],
) -> Option<[PartEnergy; 4]> {
    let edges: Vec<(i64, i64)> = stretches.iter().map(|stretch| (stretch.start_ns, stretch.end_ns)).collect();
    let mut sums = [PartEnergy::default(); 4];
    for device in devices {
        let mut uncertain_j = [0.0; 4];
        for (stretch, found) in stretches.iter().zip(device.stretches(window, &edges)?) {
            sums[stretch.part as usize].energy_j += found.energy.0;
            uncertain_j[stretch.part as usize] += found.uncertainty.0;
        }
        for (sum, uncertain_j) in sums.iter_mut().zip(uncertain_j) {
            sum.squares += uncertain_j * uncertain_j;
        }
    }
    (!devices.is_empty()).then_some(sums)
}

/// Whether stretches are long enough on average to be told from what is beside them.
fn is_resolved(length_ns: i64, count: u32, spacing_ns: i64) -> bool {
    seconds(length_ns) >= RESOLVED * seconds(spacing_ns) * f64::from(count)
}

fn too_short(length_ns: i64, count: u32, spacing_ns: i64) -> String {
    let length = milliseconds(seconds(length_ns) / f64::from(count.max(1)));
    let stretches = if count == 1 {
        format!("its one stretch lasts {length}")
    } else {
        format!("its {count} stretches last {length} on average")
    };
    let spacing = milliseconds(seconds(spacing_ns));
    format!(
        "{stretches}, and the energy rests on moments {spacing} apart: below twice that nothing tells them apart"
    )
}

fn milliseconds(seconds: f64) -> String {
    let ms = seconds * 1e3;
    if ms >= 10.0 { format!("{ms:.0} ms") } else { format!("{ms:.2} ms") }
}

#[cfg(test)]
#[path = "parts_tests.rs"]
mod tests;
