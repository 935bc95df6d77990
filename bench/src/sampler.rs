//! What measuring costs: `lem measure` on a simulated GPU behind the real loader, beside samplers of others and the
//! simplest loop that can be, each in turn and all of them again in every round.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::observe::{Seen, observe};
use crate::python::{Peer, Python};
use crate::report::{Figures, Section, say};

pub(crate) struct Options {
    pub(crate) repeat: u32,
    pub(crate) seconds: u32,
    pub(crate) python: bool,
}

/// What is watched.
#[derive(Clone, Copy)]
enum Sampler {
    Lem,
    Loop,
    Peer(Peer),
}

/// One row of the table.
struct Row {
    sampler: Sampler,
    gpus: u32,
    interval_ms: u32,
    figures: [Figures; 5],
    failure: Option<String>,
}

/// What the subjects stand on.
struct Ground {
    programs: PathBuf,
    folder: tempfile::TempDir,
    python: Option<Python>,
    seconds: u32,
}

pub(crate) fn measure(options: &Options) -> Outcome<Section> {
    let mut notes = notes(options);
    let (ground, python_missing) = Ground::lay(options)?;
    notes.extend(python_missing.map(|reason| format!("The peers in Python were left out: {reason}")));
    let mut rows = rows(ground.python.is_some());
    for round in 1..=options.repeat {
        for row in rows.iter_mut().filter(|row| row.failure.is_none()) {
            say(&format!("round {round}: {}, {} GPU, {} ms", row.name(), row.gpus, row.interval_ms));
            match ground.observe(row) {
                Ok(seen) => row.add(&seen),
                Err(error) => row.failure = Some(error.to_string()),
            }
        }
    }
    let failures =
        rows.iter().filter_map(|row| Some(format!("{} failed: {}", row.name(), row.failure.as_ref()?)));
    notes.extend(failures);
    let aim = ["aim", "1", "50", "2", "-", "50.2", "10", "20"].map(str::to_owned).to_vec();
    Ok(Section {
        name: "sampler",
        title: "What measuring costs",
        notes,
        columns: vec![
            "what",
            "GPUs",
            "interval, ms",
            "CPU, ms/s",
            "CPU in all, ms",
            "p99, ms",
            "resident, MiB",
            "ready, ms",
        ],
        rows: rows.iter().map(Row::cells).chain([aim]).collect(),
    })
}

fn notes(options: &Options) -> Vec<String> {
    vec![
        format!(
            "Each measured a command that does nothing for {} s; median (least-most) of {} rounds.",
            options.seconds, options.repeat
        ),
        "CPU, ms/s: CPU time of all its processes per second within the window. CPU in all: from its start to its end, \
         evaluation included, without the measured command."
            .into(),
        "p99: of the time between two regular samples, as the sampler itself tells it. Resident: sum of the peaks of its \
         processes. Ready: from its start until the measured command runs."
            .into(),
        "The limit reads one energy and one power value of each GPU and keeps nothing.".into(),
    ]
}

fn rows(python: bool) -> Vec<Row> {
    let settings = [(1, 50), (1, 10), (8, 50), (8, 10)];
    let ours = [Sampler::Lem, Sampler::Loop]
        .into_iter()
        .flat_map(|sampler| settings.map(|setting| (sampler, setting)));
    let peers = Peer::ALL.map(|peer| (Sampler::Peer(peer), (1, 50)));
    let peers = peers.into_iter().filter(|_| python);
    ours.chain(peers)
        .map(|(sampler, (gpus, interval_ms))| Row {
            sampler,
            gpus,
            interval_ms,
            figures: Default::default(),
            failure: None,
        })
        .collect()
}

impl Row {
    fn name(&self) -> String {
        match self.sampler {
            Sampler::Lem => "`lem measure`".into(),
            Sampler::Loop => "limit: bare loop".into(),
            Sampler::Peer(peer) => format!("peer: {}", peer.name()),
        }
    }

    fn add(&mut self, seen: &Seen) {
        let [per_second, in_all, p99, resident, ready] = &mut self.figures;
        per_second.push(seen.watched.cpu_ms_per_s);
        in_all.push(seen.cpu_ms);
        if let Some(interval_p99_ms) = seen.told.interval_p99_ms {
            p99.push(interval_p99_ms);
        }
        resident.push(seen.watched.peak_mib);
        ready.push(seen.watched.ready_ms);
    }

    fn cells(&self) -> Vec<String> {
        let figures =
            self.figures.iter().zip([2, 1, 3, 1, 1]).map(|(figures, decimals)| figures.show(decimals));
        [self.name(), self.gpus.to_string(), self.interval_ms.to_string()]
            .into_iter()
            .chain(figures)
            .collect()
    }
}

impl Ground {
    /// Finds the programs that were built with this one, and installs the peers where that is possible.
    fn lay(options: &Options) -> Outcome<(Self, Option<String>)> {
        let programs = std::env::current_exe()?.parent().map(Path::to_owned).unwrap_or_default();
        for program in ["lem", "libnvidia_ml.so"] {
            if !programs.join(program).is_file() {
                let path = programs.join(program).display().to_string();
                return Err(
                    format!("{path} is missing; build it with `cargo build --release --workspace`").into()
                );
            }
        }
        let folder = tempfile::tempdir()?;
        // Where a program that is not told a path looks for the library.
        std::os::unix::fs::symlink(
            programs.join("libnvidia_ml.so"),
            folder.path().join("libnvidia-ml.so.1"),
        )?;
        let python = if options.python { Python::prepare(folder.path()) } else { Err("as asked".into()) };
        let (python, missing) = match python {
            Ok(python) => (Some(python), None),
            Err(reason) => (None, Some(reason.to_string())),
        };
        Ok((Self { programs, folder, python, seconds: options.seconds }, missing))
    }

    fn observe(&self, row: &Row) -> Outcome<Seen> {
        let window = self.folder.path().join("window");
        let mut command = self.command(row, &window)?;
        command.env("LEM_NVML_LIBRARY", self.programs.join("libnvidia_ml.so"));
        command.env("LEM_FAKE_NVML", gpus(row.gpus));
        observe(&mut command, &window, self.seconds)
    }

    fn command(&self, row: &Row, window: &Path) -> Outcome<Command> {
        let (interval, seconds) = (row.interval_ms.to_string(), self.seconds.to_string());
        let own = std::env::current_exe()?;
        let mut command;
        match row.sampler {
            Sampler::Lem => {
                command = Command::new(self.programs.join("lem"));
                command.arg("--project").arg(self.folder.path());
                command.args(["--meter", "nvml", "--json", "measure", "--interval-ms", &interval, "--"]);
                command.arg(own).args(["subject", "window", &seconds]).arg(window);
            }
            Sampler::Loop => {
                command = Command::new(own);
                command.args(["subject", "loop", &interval, &seconds]).arg(window);
            }
            Sampler::Peer(peer) => {
                let python = self.python.as_ref().ok_or("Python is not ready")?;
                command = python.command(peer);
                command.args([&interval, &seconds]).arg(window);
            }
        }
        Ok(command)
    }
}

/// So many equal boards. Their power changes every millisecond, because one of the peers tells only changes.
fn gpus(count: u32) -> String {
    let board = serde_json::json!({"sensor_update_ms": 1});
    (0..count).map(|_| board.clone()).collect::<serde_json::Value>().to_string()
}
