//! The API of every program: what a window, a terminal and a script can ask for.
//!
//! Functions take and return plain data that can be written as JSON, and know no window and no terminal. Errors are
//! one type with a code, a sentence and a hint.

mod around;
mod campaign_files;
mod campaign_record;
mod campaigns;
mod clock;
mod conformance;
pub mod environment;
mod error;
mod files;
mod hardware;
mod hold;
mod journal;
pub mod live;
mod lock;
mod measure;
mod meter;
mod metrics;
mod planning;
mod preview;
mod project;
mod python;
mod report;
mod results;
mod run_window;
mod servers;
mod services;
mod settings;
mod statistics;
mod webhook;
mod window;
mod workers;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use lem_power::MeterChoice;

pub use campaign_files::{CampaignFile, CampaignText};
pub use conformance::{WorkerReport, WorkerTrial};
pub use error::{Error, ErrorCode};
pub use hardware::{Check, CheckStatus, DeviceView, Doctor, provenance_mark};
pub use lem_campaign::plan::{Plan, PlannedExperiment, PlannedRun};
pub use lem_campaign::run::CampaignEvent as EngineEvent;
pub use lem_campaign::run::{
    CampaignStatus, Control, Controller, CoolTarget, GapEnd, RunOutcome, RunStatus, Summary,
};
pub use lem_measure::metrics::{Derived, RunMetrics};
pub use lem_measure::quality::{Check as QualityCheck, Grade, Verdict};
pub use lem_measure::units::seconds;
pub use lem_measure::{Channel, DeviceInfo, Provenance, stats};
pub use lem_spec::campaign::{Baseline, BaselineKind, BaselineStrategy, Overrides, ThermalMode};
pub use lem_spec::diagnostic::{Diagnostic, Severity};
pub use lem_spec::settings::{ContainerStrategy, fields as settings_fields};
pub use lem_store::{
    CampaignDetail, CampaignStatus as StoredStatus, CampaignSummary, Facets, Format, ResultQuery, ResultRow,
    RunDetail, RunMeter,
};
pub use measure::{MeasuredDevice, Measurement};
pub use meter::{MeterAlignment, MeterImport, MeterOptions, MeterRun, MeterTarget};
pub use planning::PlanView;
pub use preview::{BackendKeys, CampaignKeys, PlanEstimate, PlanExperiment, PlanPreview, PlanRun};
pub use project::ProjectView;
pub use report::{CampaignReport, ExperimentSummary, GradeCount, RunPoint};
pub use results::{CampaignView, ResultPage};
pub use services::{DockerView, ServiceView, ServicesView};
pub use settings::{SettingChange, SettingView, SettingsDraft, SettingsPage, SettingsView};
pub use statistics::{Compared, Comparison, Difference, ExperimentRef, Group, GroupColumn, Metrics, Pair};
pub use window::Window;

/// What a program decides about its engine.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What measures.
    pub meter: MeterChoice,
    /// The compose file; the usual one of the project folder when absent.
    pub compose: Option<PathBuf>,
    /// Program and first argument that tie a worker's life to this program's; empty for none.
    pub launcher: Vec<PathBuf>,
}

impl Options {
    /// The usual options of a program: `meter` as on the command line, the NVML library of `LEM_NVML_LIBRARY`, and
    /// the program `lem` beside this one as the launcher of workers.
    pub fn from_environment(meter: &str) -> Result<Self, Error> {
        let mut meter =
            MeterChoice::parse(meter).map_err(|e| Error::new(ErrorCode::BadInput, e.to_string()))?;
        meter.paths.nvml_library =
            std::env::var_os("LEM_NVML_LIBRARY").filter(|path| !path.is_empty()).map(PathBuf::from);
        let lem = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("lem")));
        let launcher =
            lem.filter(|path| path.is_file()).map_or_else(Vec::new, |lem| vec![lem, "exec-worker".into()]);
        Ok(Self { meter, launcher, compose: None })
    }
}

/// The engine of one project folder.
#[derive(Debug, Clone)]
pub struct Engine {
    project: PathBuf,
    options: Options,
    live: live::Live,
    /// Open while results are looked at.
    store: Arc<tokio::sync::Mutex<Option<lem_store::Store>>>,
    last_run: Arc<Mutex<Option<run_window::LastRun>>>,
}

impl Engine {
    /// An engine for a project folder, which must exist.
    pub fn open(project: &Path, options: Options) -> Result<Self, Error> {
        if !project.is_dir() {
            return Err(Error::new(
                ErrorCode::NotFound,
                format!("{}: there is no such folder", project.display()),
            )
            .with_hint("name the project folder with --project"));
        }
        Ok(Self {
            project: project.to_owned(),
            options,
            live: live::Live::default(),
            store: Arc::default(),
            last_run: Arc::default(),
        })
    }

    /// The settings in force, with what was found wrong with their file.
    pub fn settings(&self) -> Result<SettingsView, Error> {
        settings::read(&self.project)
    }

    /// Changes one setting in the file whose text was `read`; refused when the file holds another text by now.
    pub fn set_setting(&self, read: &str, field: &str, value: &str) -> Result<(), Error> {
        settings::set(&self.project, read, field, value)
    }

    /// Whether the settings ask for every step to be said. A file that cannot be read asks for nothing.
    pub fn is_verbose(&self) -> bool {
        use lem_spec::settings::Verbosity;
        settings::quietly(&self.project)
            .is_some_and(|settings| settings.verbosity.value == Verbosity::Verbose)
    }

    /// Whether the settings ask for results and errors only.
    pub fn is_quiet(&self) -> bool {
        use lem_spec::settings::Verbosity;
        settings::quietly(&self.project).is_some_and(|settings| settings.verbosity.value == Verbosity::Quiet)
    }

    /// Runs a command and measures the energy meanwhile. `devices` by id or index; empty for all.
    pub fn measure(
        &self,
        command: &[String],
        interval_ms: u32,
        devices: &[String],
    ) -> Result<Measurement, Error> {
        let opened = hardware::open(&self.meter(devices))?;
        measure::run(opened.meters, interval_ms, command)
    }

    /// The choice of meters with these devices.
    fn meter(&self, devices: &[String]) -> MeterChoice {
        let devices = lem_power::DeviceSelection::from_words(devices);
        MeterChoice { devices, ..self.options.meter.clone() }
    }

    /// The folder of results, from the settings; relative to the project.
    fn results_folder(&self) -> Result<PathBuf, Error> {
        Ok(self.project.join(self.settings()?.settings.results_dir.value))
    }

    /// The database of results, whether or not it exists.
    fn database(&self) -> Result<PathBuf, Error> {
        Ok(self.results_folder()?.join("lem.db"))
    }
}
