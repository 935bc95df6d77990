//! The readings of an external power meter, brought from a CSV file beside the runs that it saw.
//!
//! A meter at the wall has a clock of its own and is read seldom, so its readings come after the campaign, from the file that
//! its program wrote. They become one more channel of a run: on the run's clock, with an energy of the window of its own. That
//! energy contains the devices', is never added to it, and grades nothing.

mod columns;
mod place;
mod table;
mod times;

use std::path::Path;

use lem_store::{MeteredRun, ResultFilter, RunDetail, RunMeter, Store};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode};
use crate::{Engine, files};
use columns::Names;
use place::{Place, Placed};
use times::{Moment, Zone};

/// What a clock may be off where nothing else is said: what `MLPerf` Power lets a power analyzer differ from the machine by
/// (`power-dev`, `TIME_DELTA_TOLERANCE` of 800 ms).
pub(crate) const CLOCK_ERROR_S: f64 = 0.8;

/// The runs that a file is brought to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum MeterTarget {
    /// One run: its id, or the first characters of it.
    Run(String),
    /// Those of a campaign that completed: its id, the first characters of it, or `latest`.
    Campaign(String),
}

/// How the meter's clock is brought in line with the machine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum MeterAlignment {
    /// Its times are right but for an offset and an error that are told.
    #[default]
    Clock,
    /// The offset is the one at which its power follows that of the devices.
    Power,
}

/// What is said about a meter and its file.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, specta::Type)]
pub struct MeterOptions {
    /// What a person calls the meter; the name of the file when absent.
    pub name: Option<String>,
    /// The column of time, as the file names it; found by its name when absent.
    pub time_column: Option<String>,
    /// The column of power, as the file names it; found by its name when absent.
    pub power_column: Option<String>,
    /// The zone of dates that name none: `local`, `utc`, or a distance such as `+01:00`; `local` when absent.
    pub zone: Option<String>,
    /// When times that count from the begin of the log have begun: a date, or seconds since 1970.
    pub start: Option<String>,
    /// How the clock is brought in line.
    pub alignment: MeterAlignment,
    /// What is added to its times, in seconds.
    pub offset_s: f64,
    /// How far its clock may be off beyond that, in seconds; 0.8 when absent, which is what `MLPerf` Power allows. With `power` it has no meaning.
    pub clock_error_s: Option<f64>,
    /// Its accuracy in percent of a reading, as its maker states it.
    pub accuracy_percent: Option<f64>,
    /// Whether a meter that a run has already gives way.
    pub replace: bool,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Serialize, specta::Type)]
pub struct MeterImport {
    /// The file.
    pub file: String,
    /// Readings in it.
    pub readings: u32,
    /// What was noticed about the file.
    pub notes: Vec<String>,
    /// The runs that it was brought to, in the order of the plan.
    pub runs: Vec<MeterRun>,
}

/// One run that a file was brought to.
#[derive(Debug, Clone, PartialEq, Serialize, specta::Type)]
pub struct MeterRun {
    /// Its id.
    pub run_id: String,
    /// Its experiment.
    pub experiment: String,
    /// Its cycle.
    pub cycle: u32,
    /// What the meter saw of it; missing where it saw nothing.
    pub meter: Option<RunMeter>,
    /// Why it saw nothing.
    pub skipped: Option<String>,
}

impl Engine {
    /// Brings the readings of a file beside the runs that it covers, all or none of them.
    ///
    /// An error when the file cannot be read, covers no run, or a run has a meter already and `replace` is not set.
    pub async fn import_meter(
        &self,
        file: &Path,
        target: &MeterTarget,
        options: &MeterOptions,
    ) -> Result<MeterImport, Error> {
        let store = self.results_store().await?;
        let log = self.read_log(file, options).await?;
        let runs = runs_of(&store, target).await?;
        if !options.replace {
            refuse_second(&runs)?;
        }
        let place = Place::new(&log, options)?;
        let (mut metered, mut told) = (Vec::new(), Vec::new());
        for run in &runs {
            let placed = place.beside(&store, run).await?;
            told.push(told_of(run, &placed));
            if let Ok(Placed { meter, samples }) = placed {
                metered.push(MeteredRun { run_id: run.row.run_id.clone(), meter, samples });
            }
        }
        if metered.is_empty() {
            let why =
                told.iter().find_map(|run| run.skipped.clone()).unwrap_or_else(|| "there is no run".into());
            let error =
                Error::new(ErrorCode::BadInput, format!("{}: nothing was imported: {why}", file.display()));
            return Err(error
                .with_hint("look at the times and the zone of the file; docs/external-meter.md tells more"));
        }
        store.put_meters(&metered).await?;
        self.forget_traces();
        let readings = u32::try_from(log.readings.len()).unwrap_or(u32::MAX);
        Ok(MeterImport { file: log.name.clone(), readings, notes: log.notes, runs: told })
    }

    /// A file can be large: it is read where nobody waits for it.
    async fn read_log(&self, file: &Path, options: &MeterOptions) -> Result<Log, Error> {
        let (file, options) = (file.to_owned(), options.clone());
        let read = tokio::task::spawn_blocking(move || Log::read(&file, &options)).await;
        read.map_err(|e| Error::new(ErrorCode::Machine, format!("reading the meter's file failed: {e}")))?
    }

    /// Takes the meters of a run, or of all runs of a campaign, away again. Returns how many had one.
    pub async fn remove_meter(&self, target: &MeterTarget) -> Result<u32, Error> {
        let store = self.results_store().await?;
        let runs: Vec<String> =
            runs_of(&store, target).await?.into_iter().map(|run| run.row.run_id).collect();
        let removed = store.remove_meters(&runs).await?;
        self.forget_traces();
        Ok(removed)
    }
}

async fn runs_of(store: &Store, target: &MeterTarget) -> Result<Vec<RunDetail>, Error> {
    let ids = match target {
        MeterTarget::Run(run) => vec![store.resolve_run(run).await?],
        MeterTarget::Campaign(campaign) => {
            let campaign_id = Some(store.resolve_campaign(campaign).await?);
            let filter = ResultFilter { campaign_id, status: Some(lem_store::RunStatus::Completed) };
            store.results(&filter).await?.into_iter().map(|row| row.run_id).collect()
        }
    };
    let mut runs = Vec::with_capacity(ids.len());
    for id in ids {
        runs.push(store.run(&id).await?);
    }
    Ok(runs)
}

fn refuse_second(runs: &[RunDetail]) -> Result<(), Error> {
    let Some((run, meter)) = runs.iter().find_map(|run| Some((run, run.meter.as_ref()?))) else {
        return Ok(());
    };
    let message =
        format!("run {} has a meter already: {} from {}", run.row.run_id, meter.name, meter.file_name);
    let error = Error::new(ErrorCode::Conflict, format!("{message}; nothing was changed"));
    Err(error.with_hint("a run has one meter: say so to replace it, or remove it first"))
}

fn told_of(run: &RunDetail, placed: &Result<Placed, String>) -> MeterRun {
    MeterRun {
        run_id: run.row.run_id.clone(),
        experiment: run.row.experiment.clone(),
        cycle: run.row.cycle,
        meter: placed.as_ref().ok().map(|placed| placed.meter.clone()),
        skipped: placed.as_ref().err().cloned(),
    }
}

/// The readings of a file, on a clock that counts from 1970.
struct Log {
    /// The name of the file, without its folder.
    name: String,
    sha256: String,
    readings: Vec<(i64, f64)>,
    notes: Vec<String>,
}

impl Log {
    fn read(file: &Path, options: &MeterOptions) -> Result<Self, Error> {
        let names = Names { time: options.time_column.as_deref(), power: options.power_column.as_deref() };
        let zone = Zone::parse(options.zone.as_deref().unwrap_or("local"))?;
        let bytes = table::load(file)?;
        let mut table = table::read(file, &bytes, names, zone)?;
        if !table.since_1970 {
            let begin_ns = begin_ns(file, options, zone)?;
            for reading in &mut table.readings {
                reading.0 += begin_ns;
            }
        }
        let mut notes = Vec::new();
        if table.missing > 0 {
            notes.push(format!("{} lines of the meter's file have no reading", table.missing));
        }
        if table.shared > 0 {
            notes.push(format!(
                "{} lines share their time with the line before: their mean was taken",
                table.shared
            ));
        }
        if table.without_zone && options.zone.is_none() {
            notes.push("the file's dates name no time zone: that of this machine was taken".into());
        }
        let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let sha256 = files::sha256(&bytes);
        Ok(Self { name, sha256, readings: table.readings, notes })
    }
}

fn begin_ns(file: &Path, options: &MeterOptions, zone: Zone) -> Result<i64, Error> {
    let Some(start) = &options.start else {
        let message =
            format!("{}: its times count from the begin of the log, which it does not tell", file.display());
        let hint = "tell when the log began; if only roughly, align by power";
        return Err(Error::new(ErrorCode::BadInput, message).with_hint(hint));
    };
    match times::parse(start, None, zone) {
        Ok(Moment::Unix(begin_ns) | Moment::Dated(begin_ns)) => Ok(begin_ns),
        Ok(Moment::Elapsed(_)) => Err(bad_start(start, "is no date")),
        Err(why) => Err(bad_start(start, &why)),
    }
}

fn bad_start(start: &str, why: &str) -> Error {
    Error::new(ErrorCode::BadInput, format!("the begin of the log {start:?} {why}"))
        .with_hint("write it like 2026-01-31 18:30:05")
}
