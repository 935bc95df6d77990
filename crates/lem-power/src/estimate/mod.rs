//! An estimate of CPU power where there is no sensor: CPU utilization times a stated model. It is an estimate, marked
//! as one everywhere, and wrong by tens of percent on any given machine; it is there so that the rest of the program
//! can be used, and so that two runs on one machine can be compared roughly.
//!
//! The model is linear, as in the methodology of Cloud Carbon Footprint:
//! power = CPUs x (idle + utilization x (busy - idle)), counted per logical CPU. Because it is linear, its energy up
//! to a time follows from the time and the CPU time used so far, and does not depend on how often it is read.

mod cpu_time;
mod error;

use std::collections::BTreeMap;
use std::fs::{File, read_to_string};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use lem_measure::units::seconds;
use lem_measure::{Channel, DeviceInfo, DeviceKind, PowerSource, Provenance, Sample};

use crate::clock::{middle, now_ns};
use crate::meter::{Depth, Meter, ReadError};

pub use error::OpenError;

/// Where the kernel accounts CPU time.
pub const PROC_STAT: &str = "/proc/stat";

/// Readings closer together than this are not turned into power: the kernel accounts in ticks of 10 ms.
const POWER_SPAN_NS: i64 = 4_000_000;

/// More than the first line of the account, which holds the sum of all CPUs: at most ten numbers of 20 digits.
const FIRST_LINE: usize = 256;

/// The figures of the model, in watts per logical CPU.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Model {
    /// Power of a logical CPU that does nothing.
    pub idle_w: f64,
    /// Power of a logical CPU that works all the time.
    pub busy_w: f64,
}

impl Default for Model {
    /// The averages that Cloud Carbon Footprint derives from `SPECpower_ssj2008` results for the server CPUs of AWS.
    /// A desktop CPU draws more per logical CPU when busy, so that the estimate is rather too low than too high.
    fn default() -> Self {
        Self { idle_w: 0.74, busy_w: 3.5 }
    }
}

/// The CPUs of this machine, estimated.
#[derive(Debug)]
pub struct EstimateMeter {
    path: PathBuf,
    file: File,
    model: Model,
    /// Logical CPUs when the meter was opened.
    cpus: u32,
    ticks_per_second: u64,
    devices: [DeviceInfo; 1],
    state: State,
}

/// What was read so far.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct State {
    last: Option<(i64, u64)>,
    energy_j: f64,
    busy_s: f64,
    told: Option<Told>,
}

/// Time, energy and busy time at the last reading that told power.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Told {
    t_ns: i64,
    energy_j: f64,
    busy_s: f64,
}

/// Opens the estimate on the account at `path`, which is [`PROC_STAT`] outside tests.
pub fn open(path: &Path, model: Model) -> Result<EstimateMeter, OpenError> {
    let unreadable = |cause: String| OpenError::Unreadable { path: path.to_owned(), cause };
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let text = read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let cpus = cpu_time::count_cpus(&text).map_err(unreadable)?;
    if cpu_time::busy_ticks(&text).map_err(unreadable)? == 0 {
        return Err(OpenError::NoCpuTime(path.to_owned()));
    }
    Ok(EstimateMeter {
        path: path.to_owned(),
        file,
        model,
        cpus,
        ticks_per_second: rustix::param::clock_ticks_per_second().max(1),
        devices: [describe(model, cpus)],
        state: State::default(),
    })
}

impl Meter for EstimateMeter {
    fn devices(&self) -> &[DeviceInfo] {
        &self.devices
    }

    fn read(&mut self, _device: usize, depth: Depth) -> Result<Sample, ReadError> {
        let before_ns = now_ns();
        let mut buffer = [0; FIRST_LINE];
        let length = self.file.read_at(&mut buffer, 0);
        let t_ns = middle(before_ns, now_ns());
        let text = length.map(|length| String::from_utf8_lossy(&buffer[..length]).into_owned());
        let busy_ticks = text.and_then(|text| {
            cpu_time::busy_ticks(&text).map_err(|cause| std::io::Error::new(ErrorKind::InvalidData, cause))
        });
        let busy_ticks =
            busy_ticks.map_err(|error| ReadError::Transient(format!("{}: {error}", self.path.display())))?;
        Ok(self.take(t_ns, busy_ticks, depth))
    }
}

impl EstimateMeter {
    /// Books a reading. Apart from [`Meter::read`] so that it can be tested without waiting.
    fn take(&mut self, t_ns: i64, busy_ticks: u64, depth: Depth) -> Sample {
        let state = &mut self.state;
        if let Some((last_ns, last)) = state.last.replace((t_ns, busy_ticks)) {
            // The sum can go back by a little when a CPU is taken off line.
            let busy_s = ticks_s(busy_ticks.saturating_sub(last), self.ticks_per_second);
            let idle_w = f64::from(self.cpus) * self.model.idle_w;
            state.energy_j +=
                idle_w * seconds(t_ns - last_ns) + (self.model.busy_w - self.model.idle_w) * busy_s;
            state.busy_s += busy_s;
        }
        let mut sample = Sample::at(t_ns).with(Channel::Energy, state.energy_j);
        if depth > Depth::Edge {
            let here = Told { t_ns, energy_j: state.energy_j, busy_s: state.busy_s };
            let from = *state.told.get_or_insert(here);
            if t_ns - from.t_ns >= POWER_SPAN_NS {
                let span_s = seconds(t_ns - from.t_ns);
                sample.set(Channel::Power, (here.energy_j - from.energy_j) / span_s);
                let busy = (here.busy_s - from.busy_s) / (span_s * f64::from(self.cpus));
                // Ticks are accounted late, so that a short span may hold more than its time.
                sample.set(Channel::Utilization, (busy * 100.0).min(100.0));
                state.told = Some(here);
            }
        }
        sample
    }
}

#[expect(clippy::cast_precision_loss, reason = "2^53 ticks are millions of years of CPU time")]
fn ticks_s(ticks: u64, per_second: u64) -> f64 {
    ticks as f64 / per_second as f64
}

fn describe(model: Model, cpus: u32) -> DeviceInfo {
    let facts = [
        ("model", "power = logical CPUs x (idle + utilization x (busy - idle))".to_owned()),
        ("idle_w_per_cpu", model.idle_w.to_string()),
        ("busy_w_per_cpu", model.busy_w.to_string()),
        ("logical_cpus", cpus.to_string()),
        ("idle_w", (f64::from(cpus) * model.idle_w).to_string()),
        ("busy_w", (f64::from(cpus) * model.busy_w).to_string()),
        ("utilization", "busy CPU time of the whole machine (/proc/stat)".to_owned()),
        ("model_source", "Cloud Carbon Footprint, averages for AWS from SPECpower_ssj2008".to_owned()),
        ("warning", "an estimate, not a measurement: it may be wrong by tens of percent".to_owned()),
    ];
    DeviceInfo {
        id: "estimate:cpu".into(),
        name: format!("CPU ({cpus} logical CPUs)"),
        kind: DeviceKind::Cpu,
        source: PowerSource::Estimate,
        provenance: Provenance::Estimated,
        index: None,
        channels: vec![Channel::Power, Channel::Energy, Channel::Utilization],
        power_averaging_ms: None,
        facts: facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND_NS: i64 = 1_000_000_000;

    fn meter() -> EstimateMeter {
        let model = Model { idle_w: 1.0, busy_w: 5.0 };
        EstimateMeter {
            path: PROC_STAT.into(),
            file: File::open("/dev/null").expect("never read"),
            model,
            cpus: 4,
            ticks_per_second: 100,
            devices: [describe(model, 4)],
            state: State::default(),
        }
    }

    #[test]
    fn an_idle_machine_draws_its_idle_power_and_a_busy_one_its_full_power() {
        let mut meter = meter();
        meter.take(0, 1000, Depth::Power);
        let idle = meter.take(SECOND_NS, 1000, Depth::Power);
        assert_eq!((idle.get(Channel::Power), idle.get(Channel::Utilization)), (Some(4.0), Some(0.0)));
        let full = meter.take(2 * SECOND_NS, 1400, Depth::Power);
        assert_eq!((full.get(Channel::Power), full.get(Channel::Utilization)), (Some(20.0), Some(100.0)));
        assert_eq!(full.get(Channel::Energy), Some(24.0));
    }

    #[test]
    fn the_first_reading_has_no_power() {
        let sample = meter().take(0, 1000, Depth::Full);
        assert_eq!((sample.get(Channel::Power), sample.get(Channel::Energy)), (None, Some(0.0)));
    }

    #[test]
    fn cpu_time_that_goes_back_takes_no_energy_away() {
        let mut meter = meter();
        meter.take(0, 1000, Depth::Power);
        assert_eq!(meter.take(SECOND_NS, 900, Depth::Power).get(Channel::Energy), Some(4.0));
    }

    #[test]
    fn the_fixture_of_a_kernel_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("stat");
        std::fs::write(&path, "cpu  100 0 50 900 1 0 1 0 0 0\ncpu0 100 0 50 900 1 0 1 0 0 0\n")
            .expect("written");
        let mut meter = open(&path, Model::default()).expect("a meter");
        assert!(meter.read(0, Depth::Power).is_ok());
        insta::assert_json_snapshot!(meter.devices());
        std::fs::write(&path, "nothing").expect("written");
        assert!(matches!(meter.read(0, Depth::Power), Err(ReadError::Transient(_))));
    }

    #[test]
    fn a_kernel_without_an_account_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("stat");
        std::fs::write(&path, "cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\n").expect("written");
        let error = open(&path, Model::default()).expect_err("nothing accounted");
        assert_eq!(error, OpenError::NoCpuTime(path));
    }

    proptest! {
        #[test]
        fn energy_does_not_depend_on_how_often_it_is_read(steps in prop::collection::vec((1_i64..SECOND_NS, 0_u64..100), 2..40)) {
            let (mut often, mut once) = (meter(), meter());
            let (mut t_ns, mut ticks) = (0, 0);
            often.take(0, 0, Depth::Power);
            once.take(0, 0, Depth::Power);
            for (span_ns, work) in steps {
                t_ns += span_ns;
                ticks += work;
                often.take(t_ns, ticks, Depth::Power);
            }
            let once_j = once.take(t_ns, ticks, Depth::Edge).get(Channel::Energy).expect("energy");
            prop_assert!((often.state.energy_j - once_j).abs() < 1e-9 * once_j.max(1.0));
        }
    }
}
