//! The choice of sources: what is measured when nobody says, and what is wrong when a source that was asked for is
//! not there.

use std::path::PathBuf;
use std::str::FromStr;

use lem_measure::{DeviceInfo, PowerSource};

use crate::meter::Meter;
use crate::select::{DeviceSelection, NoSuchDevice};
use crate::{estimate, nvml, rapl, simulated};

/// The sources that are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Choice {
    /// NVML and RAPL, as far as they are there; the estimate where neither is. Never the simulation.
    #[default]
    Auto,
    /// These, all of which must be there.
    These(Vec<PowerSource>),
}

/// Where the sources are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The NVML library; `None` is where the driver puts it.
    pub nvml_library: Option<PathBuf>,
    /// The powercap folder.
    pub powercap: PathBuf,
    /// The kernel's account of CPU time.
    pub proc_stat: PathBuf,
}

impl Default for Paths {
    fn default() -> Self {
        Self { nvml_library: None, powercap: rapl::POWERCAP.into(), proc_stat: estimate::PROC_STAT.into() }
    }
}

/// What is to be measured, and with what.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MeterChoice {
    /// The sources.
    pub sources: Choice,
    /// The devices of these sources.
    pub devices: DeviceSelection,
    /// What is simulated, where that is asked for.
    pub simulated: simulated::Spec,
    /// Where the sources are.
    pub paths: Paths,
}

impl MeterChoice {
    /// Reads a choice of sources as it is written in settings and on the command line: `auto`, one or more of `nvml`,
    /// `rapl` and `estimate` with commas between, or `simulated`, which may be followed by a colon and what is
    /// simulated (see [`simulated::Spec`]).
    pub fn parse(text: &str) -> Result<Self, ChoiceError> {
        let (first, spec) = text.split_once(':').unwrap_or((text, ""));
        if first == PowerSource::Simulated.name() {
            let sources = Choice::These(vec![PowerSource::Simulated]);
            return Ok(Self { sources, simulated: spec.parse()?, ..Self::default() });
        }
        Ok(Self { sources: text.parse()?, ..Self::default() })
    }
}

impl FromStr for Choice {
    type Err = ChoiceError;

    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let sources = [PowerSource::Nvml, PowerSource::Rapl, PowerSource::Estimate, PowerSource::Simulated];
        let source = |word: &str| {
            let found = sources.into_iter().find(|source| source.name() == word.trim());
            found.ok_or_else(|| ChoiceError::Unknown(word.trim().to_owned()))
        };
        let mut chosen = Vec::new();
        for word in text.split(',') {
            let source = source(word)?;
            if !chosen.contains(&source) {
                chosen.push(source);
            }
        }
        Ok(Self::These(chosen))
    }
}

/// A choice of sources that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// There is no such source.
    #[error("there is no power source {0:?}; choose auto, nvml, rapl, estimate or simulated")]
    Unknown(String),
    /// The simulation cannot be understood.
    #[error(transparent)]
    Spec(#[from] simulated::SpecError),
}

/// The meters that were opened.
pub struct Opened {
    /// One meter per source, each with at least one device.
    pub meters: Vec<Box<dyn Meter>>,
    /// What a person should know: sources left out and why, devices that are shared.
    pub notes: Vec<String>,
}

impl Opened {
    /// The devices of all meters, in the order of the meters: the order of [`crate::Sampler::devices`].
    pub fn devices(&self) -> Vec<DeviceInfo> {
        self.meters.iter().flat_map(|meter| meter.devices().iter().cloned()).collect()
    }
}

/// Why nothing can be measured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// A source that is wanted, or the last one there was, is not there.
    #[error("{}: {cause}", .source_name.name())]
    Source {
        /// The source.
        source_name: PowerSource,
        /// What is wrong.
        cause: String,
        /// What to do about it.
        remedy: String,
    },
    /// A device that is wanted is not there.
    #[error(transparent)]
    Device(#[from] NoSuchDevice),
}

impl OpenError {
    /// What is wrong, without the name of the source.
    pub fn cause(&self) -> String {
        match self {
            Self::Source { cause, .. } => cause.clone(),
            Self::Device(error) => error.to_string(),
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> &str {
        match self {
            Self::Source { remedy, .. } => remedy,
            Self::Device(_) => "Name one of these devices, or leave the choice to `auto`; see `lem devices`.",
        }
    }
}

/// Opens the sources of a choice.
///
/// An automatic choice goes on without a source that is not there and says so in the notes; a source that was asked
/// for by name must be there.
pub fn open(choice: &MeterChoice) -> Result<Opened, OpenError> {
    let mut opened = match &choice.sources {
        Choice::Auto => open_auto(choice)?,
        Choice::These(sources) => {
            let mut opened = Opened { meters: Vec::new(), notes: Vec::new() };
            for &source in sources {
                opened.add(open_source(choice, source)?);
            }
            opened
        }
    };
    opened.meters = choice.devices.apply(opened.meters)?;
    Ok(opened)
}

fn open_auto(choice: &MeterChoice) -> Result<Opened, OpenError> {
    let mut opened = Opened { meters: Vec::new(), notes: Vec::new() };
    for source in [PowerSource::Nvml, PowerSource::Rapl] {
        match open_source(choice, source) {
            Ok(found) => opened.add(found),
            Err(error) => opened.notes.push(format!("not measured: {error}. {}", error.remedy())),
        }
    }
    if opened.meters.is_empty() {
        opened.add(open_source(choice, PowerSource::Estimate)?);
        opened.notes.push("no power sensor was found: energy is ESTIMATED from CPU utilization".to_owned());
    }
    Ok(opened)
}

/// One source, opened, with its notes.
type Source = (Box<dyn Meter>, Vec<String>);

impl Opened {
    fn add(&mut self, (meter, notes): Source) {
        self.meters.push(meter);
        self.notes.extend(notes);
    }
}

fn open_source(choice: &MeterChoice, source: PowerSource) -> Result<Source, OpenError> {
    let paths = &choice.paths;
    let failed = |cause: String, remedy: &str| OpenError::Source {
        source_name: source,
        cause,
        remedy: remedy.to_owned(),
    };
    match source {
        PowerSource::Nvml => {
            let meter =
                nvml::open(paths.nvml_library.as_deref()).map_err(|e| failed(e.to_string(), e.remedy()))?;
            let notes = meter.notes().to_vec();
            Ok((Box::new(meter), notes))
        }
        PowerSource::Rapl => {
            let meter = rapl::open(&paths.powercap).map_err(|e| failed(e.to_string(), e.remedy()))?;
            let notes = meter.notes().to_vec();
            Ok((Box::new(meter), notes))
        }
        PowerSource::Estimate => {
            let meter = estimate::open(&paths.proc_stat, estimate::Model::default());
            Ok((Box::new(meter.map_err(|e| failed(e.to_string(), e.remedy()))?), Vec::new()))
        }
        PowerSource::Simulated => Ok((Box::new(simulated::open(&choice.simulated)), Vec::new())),
    }
}

/// What became of one source when it was tried.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ProbeResult {
    /// The source.
    pub source: PowerSource,
    /// Whether it can be used.
    pub ok: bool,
    /// What was found, or what is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: Option<String>,
    /// The devices that were found.
    pub devices: Vec<DeviceInfo>,
}

/// Tries every source that reads this machine. The simulation is left out: it always works and says nothing.
pub fn probe(paths: &Paths) -> Vec<ProbeResult> {
    let choice = MeterChoice { paths: paths.clone(), ..MeterChoice::default() };
    let sources = [PowerSource::Nvml, PowerSource::Rapl, PowerSource::Estimate];
    sources.into_iter().map(|source| probe_source(&choice, source)).collect()
}

fn probe_source(choice: &MeterChoice, source: PowerSource) -> ProbeResult {
    match open_source(choice, source) {
        Ok((meter, notes)) => {
            let devices = meter.devices().to_vec();
            let names: Vec<&str> = devices.iter().map(|device| device.name.as_str()).collect();
            let message = std::iter::once(names.join(", ")).chain(notes).collect::<Vec<_>>().join("; ");
            ProbeResult { source, ok: true, message, remedy: None, devices }
        }
        Err(error) => ProbeResult {
            source,
            ok: false,
            message: error.cause(),
            remedy: Some(error.remedy().to_owned()),
            devices: Vec::new(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine with CPUs and no sensor.
    fn bare() -> (tempfile::TempDir, Paths) {
        let folder = tempfile::tempdir().expect("a folder");
        let proc_stat = folder.path().join("stat");
        std::fs::write(&proc_stat, "cpu  100 0 50 900 1 0 1 0\ncpu0 100 0 50 900 1 0 1 0\n")
            .expect("written");
        let paths = Paths {
            nvml_library: Some(folder.path().join("libnvidia-ml.so.1")),
            powercap: folder.path().join("powercap"),
            proc_stat,
        };
        (folder, paths)
    }

    fn open_on(paths: &Paths, text: &str) -> Result<Opened, OpenError> {
        open(&MeterChoice { paths: paths.clone(), ..MeterChoice::parse(text).expect("a choice") })
    }

    fn package(paths: &Paths) {
        let folder = paths.powercap.join("intel-rapl:0");
        std::fs::create_dir_all(&folder).expect("a folder");
        for (file, text) in [("name", "package-0"), ("energy_uj", "5"), ("max_energy_range_uj", "1000000")] {
            std::fs::write(folder.join(file), text).expect("written");
        }
    }

    #[test]
    fn without_a_sensor_the_estimate_is_taken_and_the_notes_say_so() {
        let (_folder, paths) = bare();
        let opened = open_on(&paths, "auto").expect("the estimate is there");
        assert_eq!(opened.devices()[0].id, "estimate:cpu");
        assert_eq!(
            opened.notes.len(),
            3,
            "two sources are missing, and what is used instead: {:?}",
            opened.notes
        );
    }

    #[test]
    fn a_sensor_is_preferred_to_the_estimate() {
        let (_folder, paths) = bare();
        package(&paths);
        let opened = open_on(&paths, "auto").expect("a package is there");
        assert_eq!(opened.devices().len(), 1);
        assert_eq!(opened.devices()[0].source, PowerSource::Rapl);
    }

    #[test]
    fn a_source_that_was_asked_for_must_be_there() {
        let (_folder, paths) = bare();
        package(&paths);
        let error = open_on(&paths, "rapl,nvml").err().expect("there is no library");
        assert!(
            error.to_string().starts_with("nvml: the NVIDIA management library could not be loaded"),
            "{error}"
        );
        assert!(error.remedy().contains("LEM_NVML_LIBRARY"));
    }

    #[test]
    fn a_simulation_is_described_on_one_line() {
        let choice = MeterChoice::parse("simulated:constant:watts=5").expect("a choice");
        assert_eq!(choice.simulated.to_string(), "constant:watts=5,update_ms=20,devices=1");
        let opened = open(&choice).expect("always there");
        assert_eq!(opened.devices()[0].source, PowerSource::Simulated);
    }

    #[test]
    fn a_choice_that_is_none_says_what_there_is() {
        let error = MeterChoice::parse("nvml,gpu").expect_err("no such source");
        assert_eq!(
            error.to_string(),
            "there is no power source \"gpu\"; choose auto, nvml, rapl, estimate or simulated"
        );
        assert!(MeterChoice::parse("simulated:cube").is_err());
    }

    #[test]
    fn the_doctor_hears_of_every_source_with_a_remedy() {
        let (folder, paths) = bare();
        let results = probe(&paths);
        assert_eq!(results.iter().map(|r| r.ok).collect::<Vec<_>>(), [false, false, true]);
        let lines: Vec<String> = results
            .iter()
            .map(|r| {
                format!("{}: {}\n  -> {}", r.source.name(), r.message, r.remedy.as_deref().unwrap_or("-"))
            })
            .collect();
        let text = lines.join("\n").replace(&folder.path().display().to_string(), "FOLDER");
        insta::assert_snapshot!(text);
    }
}
