//! Brings the readings of a meter onto the clock of a run, and takes the energy of its window.

use chrono::{DateTime, SecondsFormat, Utc};
use lem_measure::external::fit::{self, Fit};
use lem_measure::external::{Limits, Readings, Uncovered, interval_ns, window_energy};
use lem_measure::units::{nanoseconds, seconds};
use lem_measure::{Channel, Sample};
use lem_store::{METER_DEVICE, RunDetail, RunMeter, Store};

use super::{CLOCK_ERROR_S, Log, MeterAlignment, MeterOptions};
use crate::clock::unix_ns;
use crate::error::{Error, ErrorCode};
use crate::hardware::provenance_mark;

/// A clock that is off by more than a day is another zone, or another day.
const MAX_OFFSET_S: f64 = 86_400.0;

/// A correlation higher by so much says that another offset is meant.
const CLEARLY_BETTER: f64 = 0.05;

/// Readings so long before and after the devices' are kept in view: what alignment looks through, and some more.
const MARGIN_NS: i64 = 300_000_000_000;

/// A file and what is said about it.
pub(super) struct Place<'a> {
    log: &'a Log,
    options: &'a MeterOptions,
    name: String,
    gain: f64,
    clock_error_s: f64,
}

/// What a meter saw of a run.
pub(super) struct Placed {
    pub(super) meter: RunMeter,
    pub(super) samples: Vec<Sample>,
}

/// A run as a meter's readings are laid beside it.
struct Beside {
    /// What turns wall time into the run's clock.
    to_run_ns: i64,
    window_ns: (i64, i64),
    devices: Vec<(i64, f64)>,
}

impl<'a> Place<'a> {
    /// Checks what was said about the meter.
    pub(super) fn new(log: &'a Log, options: &'a MeterOptions) -> Result<Self, Error> {
        let within = |what: &str, value: f64, most: f64, least: f64| {
            if (least..=most).contains(&value) {
                return Ok(value);
            }
            Err(Error::new(ErrorCode::BadInput, format!("{what} of {value} is not from {least} to {most}")))
        };
        within("an offset in seconds", options.offset_s, MAX_OFFSET_S, -MAX_OFFSET_S)?;
        let clock_error_s = options.clock_error_s.unwrap_or(CLOCK_ERROR_S);
        let clock_error_s = within("a clock's error in seconds", clock_error_s, 3600.0, 0.0)?;
        let percent = within("an accuracy in percent", options.accuracy_percent.unwrap_or(0.0), 100.0, 0.0)?;
        let stated = options.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let stem = || log.name.rsplit_once('.').map_or(log.name.as_str(), |(stem, _)| stem);
        let name = stated.unwrap_or_else(stem).chars().filter(|c| !c.is_control()).take(80).collect();
        Ok(Self { log, options, name, gain: percent / 100.0, clock_error_s })
    }

    /// What the meter saw of a run; the reason where it saw nothing.
    pub(super) async fn beside(
        &self,
        store: &Store,
        run: &RunDetail,
    ) -> Result<Result<Placed, String>, Error> {
        let record = &run.record;
        let anchor = record.anchor_monotonic_ns.zip(record.anchor_unix_ns);
        let window = record.window_start_ns.zip(record.window_end_ns);
        let (Some((monotonic_ns, unix_ns)), Some(window_ns)) = (anchor, window) else {
            return Ok(Err("the run has no measurement window".into()));
        };
        let mut traces = Vec::new();
        for device in run.traces.iter().filter(|trace| trace.device_id != METER_DEVICE) {
            traces.push(store.trace(&run.row.run_id, &device.device_id).await?);
        }
        let devices = fit::summed(&traces);
        Ok(self.place(run, &Beside { to_run_ns: monotonic_ns - unix_ns, window_ns, devices }))
    }

    fn place(&self, run: &RunDetail, beside: &Beside) -> Result<Placed, String> {
        let stated_ns = beside.to_run_ns + nanoseconds(self.options.offset_s);
        let span_ns = beside.span_ns();
        let in_view = |readings: &Readings, from_ns: i64, to_ns: i64| -> Vec<(i64, f64)> {
            let within = readings.iter().map(|(t_ns, watts)| (t_ns + stated_ns, *watts));
            within.filter(|(t_ns, _)| (from_ns..=to_ns).contains(t_ns)).collect()
        };
        let mut readings = in_view(&self.log.readings, span_ns.0 - MARGIN_NS, span_ns.1 + MARGIN_NS);
        let Some(interval_ns) = interval_ns(&readings) else { return Err(self.covers(beside)) };
        let found = fit::fit(&readings, &beside.devices);
        let (offset_s, shift_s) = match self.options.alignment {
            MeterAlignment::Clock => (0.0, self.clock_error_s.hypot(seconds(interval_ns) / 2.0)),
            MeterAlignment::Power => {
                let found = found.map_err(|why| format!("{why}; align by the clock, and give its offset"))?;
                (found.offset_s, found.uncertainty_s)
            }
        };
        let correlation = fit::correlation(&readings, &beside.devices, offset_s);
        for reading in &mut readings {
            reading.0 += nanoseconds(offset_s);
        }
        let limits = Limits { shift_s, gain: self.gain };
        let energy = window_energy(&readings, limits, beside.window_ns.0, beside.window_ns.1);
        let withheld = match energy {
            Ok(_) => None,
            Err(why @ Uncovered::Hole(_)) => Some(why.to_string()),
            Err(Uncovered::Outside | Uncovered::TooFew) => return Err(self.covers(beside)),
        };
        let samples = samples(&readings, span_ns, interval_ns);
        let mut meter = RunMeter {
            name: self.name.clone(),
            file_name: self.log.name.clone(),
            file_sha256: self.log.sha256.clone(),
            imported_unix_ns: unix_ns(),
            alignment: match self.options.alignment {
                MeterAlignment::Clock => "clock".into(),
                MeterAlignment::Power => "power".into(),
            },
            offset_s: self.options.offset_s + offset_s,
            offset_uncertainty_s: shift_s,
            correlation,
            accuracy: self.options.accuracy_percent.map(|_| self.gain),
            interval_s: seconds(interval_ns),
            readings: u32::try_from(samples.len()).unwrap_or(u32::MAX),
            energy_j: energy.ok().map(|energy| energy.energy.0),
            energy_uncertainty_j: energy.ok().map(|energy| energy.uncertainty.0),
            withheld,
            notes: Vec::new(),
        };
        if self.options.alignment == MeterAlignment::Clock {
            meter.notes.extend(found.ok().and_then(|best| elsewhere(&meter, best)));
        }
        meter.notes.extend(too_little(run, &meter));
        meter.notes.extend(self.log.notes.iter().cloned());
        Ok(Placed { meter, samples })
    }

    /// That the file does not reach the window, with the times of both.
    fn covers(&self, beside: &Beside) -> String {
        let ends = self.log.readings.first().zip(self.log.readings.last());
        let of_file = ends.map_or_else(String::new, |(first, last)| {
            let offset_ns = nanoseconds(self.options.offset_s);
            format!(" {} to {}", utc(first.0 + offset_ns), utc(last.0 + offset_ns))
        });
        let (start_ns, end_ns) = beside.window_ns;
        let window = format!("{} to {}", utc(start_ns - beside.to_run_ns), utc(end_ns - beside.to_run_ns));
        format!("the file covers{of_file}, and the window is {window}")
    }
}

impl Beside {
    /// From the first to the last reading of the devices, at least the window.
    fn span_ns(&self) -> (i64, i64) {
        let ends = self.devices.first().zip(self.devices.last());
        ends.map_or(self.window_ns, |(first, last)| {
            (first.0.min(self.window_ns.0), last.0.max(self.window_ns.1))
        })
    }
}

/// The readings of the span, and one beyond each end of it: the line to them is a part of the trace.
fn samples(readings: &Readings, span_ns: (i64, i64), interval_ns: i64) -> Vec<Sample> {
    let (from_ns, to_ns) = (span_ns.0 - interval_ns, span_ns.1 + interval_ns);
    let within = readings.iter().filter(|(t_ns, _)| (from_ns..=to_ns).contains(t_ns));
    within.map(|&(t_ns, watts)| Sample::at(t_ns).with(Channel::Power, watts)).collect()
}

/// That the meter's power follows the devices' clearly better at an offset beyond what its clock may be off.
fn elsewhere(meter: &RunMeter, best: Fit) -> Option<String> {
    let here = meter.correlation.unwrap_or(0.0);
    let beyond = best.offset_s.abs() > meter.offset_uncertainty_s + best.uncertainty_s;
    (beyond && best.correlation > here + CLEARLY_BETTER).then(|| {
        format!(
            "its power follows that of the devices best when it is moved by {:+.1} s more (correlation {:.2}, here {here:.2}): \
             check both clocks, or align by power",
            best.offset_s, best.correlation
        )
    })
}

/// That the whole machine drew less than its devices, which cannot be.
fn too_little(run: &RunDetail, meter: &RunMeter) -> Option<String> {
    let (energy_j, devices_j) = meter.energy_j.zip(run.row.energy_j)?;
    let (most_j, least_j) = (
        energy_j + meter.energy_uncertainty_j.unwrap_or(0.0),
        devices_j - run.row.energy_uncertainty_j.unwrap_or(0.0),
    );
    let mark = run.row.provenance.map_or("", provenance_mark);
    (most_j < least_j).then(|| {
        format!(
            "it saw {energy_j:.0} J where the devices alone used {devices_j:.0} J{mark}: it is the meter of another machine or plug, \
             its times are off, or its unit is not the watt"
        )
    })
}

fn utc(unix_ns: i64) -> String {
    DateTime::<Utc>::from_timestamp_nanos(unix_ns).to_rfc3339_opts(SecondsFormat::Secs, true)
}
