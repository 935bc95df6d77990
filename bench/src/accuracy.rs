//! How true the measured energy is: `lem measure` and whole runs on simulated boards behind the real loader of NVML,
//! beside a loop that reads power and a difference of the counter, all at the same time on the same signals.
//!
//! The true energy of a window is the integral of the signal in closed form, over the window that each tool took. What a
//! board's sensor gets wrong by itself (its gain) is not simulated: no tool can know it.

mod ground;
pub(crate) mod peers;
mod tools;

use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::python::Python;
use crate::report::{Section, say};
use ground::{BOARDS, Board, Load, configuration, loads};
use tools::Told;

pub(crate) struct Options {
    pub(crate) repeat: u32,
    pub(crate) python: bool,
}

/// Boards that are measured at the same time: more of them keep each other from being on time.
const AT_ONCE: usize = 2;

/// Length of the shortest short window in seconds, and of the shortest long one in milliseconds.
const SHORT_S: f64 = 0.235;
const LONG_MS: u32 = 8_013;

const COLUMNS: [&str; 11] = [
    "board",
    "load",
    "`lem measure`, 0.25 s",
    "`lem measure`, 8 s",
    "`lem run`, 8 s",
    "covered, %",
    "100 ms loop, 0.25 s",
    "100 ms loop, 8 s",
    "counter, 0.25 s",
    "counter, 8 s",
    "Zeus 0.16, 8 s",
];

/// The windows of each tool.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    short: u32,
    long: u32,
}

impl Plan {
    /// Their lengths in seconds, in order. Each is a little longer than the one before: a window of a whole number of
    /// ticks would flatter a difference of the counter.
    fn windows(self) -> impl Iterator<Item = f64> {
        let short = (0..self.short).map(|i| SHORT_S + 0.0037 * f64::from(i % 10));
        short.chain((0..self.long).map(|i| f64::from(LONG_MS) * 1e-3 + 0.037 * f64::from(i % 10)))
    }
}

/// What measured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tool {
    Lem,
    Run,
    Loop,
    Difference,
    Zeus,
}

/// Errors of one tool on one load, or on several.
#[derive(Default)]
struct Errors {
    relative: Vec<f64>,
    stated: usize,
    covered: usize,
}

impl Errors {
    fn add(&mut self, told: &Told, load: &Load) {
        let truth_j = load.signal.energy_j(told.from_ns, told.to_ns);
        let error_j = (told.energy_j - truth_j).abs();
        self.relative.push(error_j / truth_j);
        if let Some(uncertainty_j) = told.uncertainty_j {
            self.stated += 1;
            // Sensors tell whole milliwatts and millijoules.
            self.covered += usize::from(error_j <= uncertainty_j + 2e-3);
        }
    }

    fn mean_pct(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "hundreds of windows")]
        let count = self.relative.len() as f64;
        (!self.relative.is_empty()).then(|| self.relative.iter().sum::<f64>() / count * 100.0)
    }

    fn worst_pct(&self) -> f64 {
        self.relative.iter().copied().fold(0.0, f64::max) * 100.0
    }

    /// Mean and worst.
    fn show(&self) -> String {
        self.mean_pct()
            .map_or_else(|| "-".into(), |mean| format!("{} / {}", percent(mean), percent(self.worst_pct())))
    }
}

/// Two digits that say something.
fn percent(value: f64) -> String {
    match value {
        _ if value >= 10.0 => format!("{value:.0}"),
        _ if value >= 1.0 => format!("{value:.1}"),
        _ if value >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// What is known of one board.
struct Measured {
    board: &'static Board,
    told: Vec<(Tool, Told)>,
    failures: Vec<String>,
}

/// What the tools stand on.
struct Ground {
    programs: PathBuf,
    folder: tempfile::TempDir,
    python: Option<Python>,
}

pub(crate) fn measure(options: &Options) -> Outcome<Section> {
    let loads = loads()?;
    let (ground, python_missing) = lay(options)?;
    let plan = Plan { short: 5 * options.repeat, long: options.repeat };
    let mut measured = Vec::new();
    for boards in BOARDS.chunks(AT_ONCE) {
        say(&boards.iter().map(|board| board.name).collect::<Vec<_>>().join(", "));
        let each = std::thread::scope(|scope| {
            let running: Vec<_> = boards
                .iter()
                .map(|board| {
                    scope.spawn(|| ground.measure(board, &loads, plan).map_err(|error| error.to_string()))
                })
                .collect();
            running.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
        });
        for board in each {
            measured.push(board.map_err(|_| "a board's measurement ended early")??);
        }
    }
    let mut notes = notes(plan, options.repeat.min(3));
    notes.extend(python_missing.map(|reason| format!("Zeus was left out: {reason}")));
    notes.extend(measured.iter().flat_map(|board| board.failures.clone()));
    Ok(Section {
        name: "accuracy",
        title: "How true the energy is",
        notes,
        columns: COLUMNS.to_vec(),
        rows: measured.iter().flat_map(|board| board.rows(&loads)).collect(),
    })
}

fn notes(plan: Plan, runs: u32) -> Vec<String> {
    vec![
        format!(
            "Errors in percent, mean / worst, of {} windows of 0.235 to 0.27 s, {} of 8.0 to 8.4 s and {runs} runs of each load, \
             at phases left to chance. `lem measure`, the loop, the difference and Zeus measure at the same time, {AT_ONCE} boards at once.",
            plan.short, plan.long
        ),
        "Aims are for each load, mean / worst. Covered: windows, short and long, of `lem measure` and `lem run` whose stated \
         uncertainty (k = 2) holds the truth; 95 % are aimed at."
            .into(),
        "Loop: `nvmlDeviceGetPowerUsage` every 100 ms, straight lines between. Counter: the energy counter read at the \
         beginning and at the end, which is also what Zeus' `begin_window` and `end_window` do."
            .into(),
        "The 103.7 ms bursts nearly keep step with sensors of 100 ms. Where such a sensor means over whole periods, neither \
         it nor a counter of 100 ms shows that there are any, and no uncertainty can tell. Where it sees 25 ms of them \
         and there is no counter, the figure is a guess, and the stated uncertainty, 26 % or more, says that much."
            .into(),
        "The loads of one board are measured in the same windows, so that what is covered of them is not independent, and one \
         window is three percent of a row."
            .into(),
        "A simulated counter tells the true energy at its ticks. Whether those of boards that sense power a quarter of \
         the time do is not published."
            .into(),
    ]
}

/// Finds the programs that were built with this one, and installs the peer where that is possible.
fn lay(options: &Options) -> Outcome<(Ground, Option<String>)> {
    let programs = std::env::current_exe()?.parent().map(Path::to_owned).unwrap_or_default();
    for program in ["lem", "libnvidia_ml.so", "lem-scripted-worker"] {
        if !programs.join(program).is_file() {
            let path = programs.join(program).display().to_string();
            return Err(
                format!("{path} is missing; build it with `cargo build --release --workspace`").into()
            );
        }
    }
    let folder = tempfile::tempdir()?;
    // Where a program that is not told a path looks for the library.
    std::os::unix::fs::symlink(programs.join("libnvidia_ml.so"), folder.path().join("libnvidia-ml.so.1"))?;
    let python = if options.python { Python::prepare(folder.path()) } else { Err("as asked".into()) };
    let (python, missing) = match python {
        Ok(python) => (Some(python), None),
        Err(reason) => (None, Some(reason.to_string())),
    };
    Ok((Ground { programs, folder, python }, missing))
}

impl Ground {
    /// Measures one board with every tool at the same time, then in whole runs.
    fn measure(&self, board: &'static Board, loads: &[Load], plan: Plan) -> Outcome<Measured> {
        let gpus = configuration(board, loads)?;
        let project = tempfile::tempdir_in(self.folder.path())?;
        let (programs, gpus) = (self.programs.as_path(), gpus.as_str());
        let (lem, simple, zeus) = std::thread::scope(|scope| {
            let failed = |error: Box<dyn std::error::Error>| error.to_string();
            let simple = scope.spawn(move || tools::simple(programs, gpus, plan).map_err(failed));
            let python = self.python.as_ref().filter(|_| board.counter);
            let zeus = python
                .map(|python| scope.spawn(move || tools::zeus(python, programs, gpus, plan).map_err(failed)));
            let lem = tools::lem_measure(programs, project.path(), gpus, plan).map_err(failed);
            let ended = || Err("it ended early".to_owned());
            (
                lem,
                simple.join().unwrap_or_else(|_| ended()),
                zeus.map(|zeus| zeus.join().unwrap_or_else(|_| ended())),
            )
        });
        let runs = tools::lem_run(programs, project.path(), gpus, LONG_MS, plan.long.min(3))
            .map_err(|error| error.to_string());
        let mut measured = Measured { board, told: Vec::new(), failures: Vec::new() };
        measured.take(Tool::Lem, lem);
        measured.take(Tool::Run, runs);
        measured.take(Tool::Loop, simple);
        if let Some(zeus) = zeus {
            measured.take(Tool::Zeus, zeus);
        }
        Ok(measured)
    }
}

impl Measured {
    fn take(&mut self, tool: Tool, found: Result<Vec<Told>, String>) {
        match found {
            Ok(told) => self.told.extend(
                told.into_iter()
                    .map(|told| (if told.method == "difference" { Tool::Difference } else { tool }, told)),
            ),
            Err(error) => self.failures.push(format!("{}: {error}", self.board.name)),
        }
    }

    /// Of one load, or of all.
    fn errors(&self, loads: &[Load], of: Option<usize>, tools: &[Tool], long: Option<bool>) -> Errors {
        let mut errors = Errors::default();
        for (tool, told) in &self.told {
            let is_long = told.to_ns - told.from_ns > 1_000_000_000;
            let wanted = of.is_none_or(|gpu| gpu == told.gpu) && long.is_none_or(|long| long == is_long);
            if wanted && tools.contains(tool) {
                errors.add(told, &loads[told.gpu]);
            }
        }
        errors
    }

    fn rows(&self, loads: &[Load]) -> Vec<Vec<String>> {
        let each = (0..loads.len()).map(|gpu| self.row(loads, gpu));
        let limit = |value: Option<f64>| value.map_or_else(|| "-".into(), |value| value.to_string());
        let [mean, worst, short] = self.board.aim.map(limit);
        let long = if mean == "-" { "marked".into() } else { format!("{mean} / {worst}") };
        let mut aim = vec![self.board.name.to_owned(), "aim".into(), short, long.clone(), long, "95".into()];
        aim.resize(COLUMNS.len(), "-".into());
        each.chain([aim]).collect()
    }

    fn row(&self, loads: &[Load], gpu: usize) -> Vec<String> {
        let cell = |tool, long| self.errors(loads, Some(gpu), &[tool], Some(long)).show();
        let stated = self.errors(loads, Some(gpu), &[Tool::Lem, Tool::Run], None);
        let covered = (stated.covered * 100).checked_div(stated.stated);
        vec![
            self.board.name.to_owned(),
            loads[gpu].name.to_owned(),
            cell(Tool::Lem, false),
            cell(Tool::Lem, true),
            cell(Tool::Run, true),
            covered.map_or_else(|| "-".into(), |share| share.to_string()),
            cell(Tool::Loop, false),
            cell(Tool::Loop, true),
            cell(Tool::Difference, false),
            cell(Tool::Difference, true),
            cell(Tool::Zeus, true),
        ]
    }
}
