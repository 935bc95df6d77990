//! What a figure was measured on: without it no figure can be compared with another.

use std::fs;

/// More runnable tasks than this leave no core to measure on undisturbed.
const BUSY: f64 = 1.0;

/// The machine when the program began.
pub(crate) struct Machine {
    date: String,
    cpu: String,
    cores: usize,
    load: Option<f64>,
    command: String,
}

impl Machine {
    pub(crate) fn look() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Self {
            date: chrono::Utc::now().format("%Y-%m-%d %H:%M UTC").to_string(),
            cpu: model.map_or("unknown CPU", |(_, name)| name).to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            load: load.split_whitespace().next().and_then(|first| first.parse().ok()),
            command: std::iter::once("lem-bench".to_owned())
                .chain(std::env::args().skip(1))
                .collect::<Vec<_>>()
                .join(" "),
        }
    }

    /// Date, machine, load average over a minute, command.
    pub(crate) fn describe(&self) -> String {
        let load = self.load.map_or_else(|| "unknown".into(), |load| format!("{load:.2}"));
        format!(
            "{}, {}, {} cores, load average {load} at the start, `{}`",
            self.date, self.cpu, self.cores, self.command
        )
    }

    /// Says that the figures are not to be trusted, when they are not.
    pub(crate) fn warning(&self) -> Option<String> {
        let load = self.load.filter(|load| *load > BUSY)?;
        Some(format!(
            "**The machine was busy (load average {load:.2}): these figures are worse than they should be.**"
        ))
    }
}
