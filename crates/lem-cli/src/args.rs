//! The words of the command line.
#![expect(clippy::doc_markdown, reason = "these comments are shown as help, where a backtick is noise")]

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Measures what LLM inference costs in energy.
#[derive(Debug, Parser)]
#[command(name = "lem", version, about, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The project folder: settings, campaigns and results are found from here
    #[arg(long, global = true, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
    /// Say only results and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say every step
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Print JSON for programs instead of text for people
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The compose file whose services run workers; docker-compose.yml of the project folder when absent
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) compose: Option<PathBuf>,
    /// Where power is read: auto, nvml, rapl, nvml,rapl together, estimate or simulated
    #[arg(long, global = true, value_name = "SOURCE", default_value = "auto", env = "LEM_METER")]
    pub(crate) meter: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check what this machine can measure and run, and say how to mend what is missing
    Doctor,
    /// List the devices that can be measured, with a reading of each
    Devices,
    /// Show or change the settings in .lem-config.yaml
    Config {
        #[command(subcommand)]
        action: ConfigAction,
    },
    /// Show what a campaign would do, without doing it
    Plan {
        /// The campaign file
        file: PathBuf,
        #[command(flatten)]
        overrides: OverrideArgs,
    },
    /// Run a campaign, or go on with one that was interrupted
    Run {
        /// The campaign file
        #[arg(required_unless_present = "resume")]
        file: Option<PathBuf>,
        /// Go on with this campaign: its id, the first characters of it, or `latest`
        #[arg(long, value_name = "ID", conflicts_with = "file")]
        resume: Option<String>,
        #[command(flatten)]
        overrides: OverrideArgs,
    },
    /// List the campaigns of this project, and which can be resumed
    Campaigns,
    /// Show one campaign
    Campaign {
        #[command(subcommand)]
        action: CampaignAction,
    },
    /// List the results of runs
    Results {
        /// Only those of this campaign: its id, the first characters of it, or `latest`
        #[arg(long, value_name = "ID")]
        campaign: Option<String>,
    },
    /// Show one result
    Result {
        #[command(subcommand)]
        action: ResultAction,
    },
    /// Write results to a file or to standard output
    Export {
        /// The format
        #[arg(long, value_enum, default_value = "csv")]
        format: ExportFormat,
        /// The file; standard output when absent
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Only those of this campaign: its id, the first characters of it, or `latest`
        #[arg(long, value_name = "ID")]
        campaign: Option<String>,
    },
    /// Measure the energy of any command
    ///
    /// Exits 1 when the command fails. The figures go to standard error; with --json, one line of JSON goes to
    /// standard output after the command's own output.
    Measure {
        /// Time between samples in milliseconds, 5 to 1000
        #[arg(long, value_name = "N", default_value_t = 50)]
        interval_ms: u32,
        /// Devices by id or index, separated by commas; all when absent
        #[arg(long, value_name = "LIST", value_delimiter = ',')]
        devices: Vec<String>,
        /// The command and its arguments
        #[arg(last = true, required = true, value_name = "COMMAND")]
        command: Vec<String>,
    },
    /// Try a worker, as its author needs it
    Worker {
        #[command(subcommand)]
        action: WorkerAction,
    },
    /// Become a command that ends when this process's parent does
    #[command(hide = true, name = "exec-worker")]
    ExecWorker {
        /// The command and its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigAction {
    /// Show every setting with the place that it comes from
    Show,
    /// Show one setting
    Get {
        /// Its name, e.g. thermal_gaps.between_cycles
        field: String,
    },
    /// Change one setting, leaving the rest of the file as it is
    Set {
        /// Its name, e.g. thermal_gaps.between_cycles
        field: String,
        /// The value
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Check the file; exits 2 when something in it cannot be used
    Check,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CampaignAction {
    /// Show a campaign and its runs
    Show {
        /// Its id, the first characters of it, or `latest`
        id: String,
    },
    /// Show what its runs say together: intervals, outliers, effects of order and temperature
    Report {
        /// Its id, the first characters of it, or `latest`
        id: String,
    },
    /// Bring the readings of an external power meter beside its runs
    Meter {
        /// Its id, the first characters of it, or `latest`
        id: String,
        #[command(flatten)]
        meter: MeterArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ResultAction {
    /// Show a run with its devices, phases and requests
    Show {
        /// Its id, or the first characters of it
        run: String,
    },
    /// Bring the readings of an external power meter beside it
    Meter {
        /// Its id, or the first characters of it
        run: String,
        #[command(flatten)]
        meter: MeterArgs,
    },
}

/// An external power meter and its file.
#[derive(Debug, Args)]
pub(crate) struct MeterArgs {
    /// A CSV file with a column of times and one of power
    #[arg(required_unless_present = "remove")]
    pub(crate) file: Option<PathBuf>,
    /// Take the meter away again
    #[arg(long, conflicts_with = "file")]
    pub(crate) remove: bool,
    /// What to call the meter; the file's name when absent
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The column of times, as the file names it
    #[arg(long, value_name = "NAME")]
    pub(crate) time_column: Option<String>,
    /// The column of power, as the file names it
    #[arg(long, value_name = "NAME")]
    pub(crate) power_column: Option<String>,
    /// The zone of dates that name none: local (as when absent), utc, or a distance such as +01:00
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) zone: Option<String>,
    /// When the log began, for times that count from there
    #[arg(long, value_name = "TIME")]
    pub(crate) start: Option<String>,
    /// How its clock is brought in line
    #[arg(long, value_enum, default_value = "clock")]
    pub(crate) align: MeterAlign,
    /// Added to its times
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0, allow_hyphen_values = true)]
    pub(crate) offset: f64,
    /// How far its clock may be off; 0.8 when absent
    #[arg(long, value_name = "SECONDS")]
    pub(crate) clock_error: Option<f64>,
    /// Its accuracy in percent of a reading, as its maker states it
    #[arg(long, value_name = "PERCENT")]
    pub(crate) accuracy: Option<f64>,
    /// Take the place of a meter that a run has already
    #[arg(long)]
    pub(crate) replace: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MeterAlign {
    /// By its times, and --offset
    Clock,
    /// By the offset at which its power follows that of the devices
    Power,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WorkerAction {
    /// Check that a program keeps every rule of the worker protocol
    ///
    /// It is started several times, as a campaign would start it. Exits 1 when a rule is broken.
    Check {
        /// A model that it can load quickly
        #[arg(long)]
        model: String,
        /// The name of its backend
        #[arg(long, default_value = "worker")]
        backend: String,
        /// Requests in each trial
        #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
        requests: u32,
        /// Tokens in each answer
        #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(2..))]
        output_tokens: u32,
        /// How long each trial may take, in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 300)]
        patience: u64,
        /// The worker's command and its arguments
        #[arg(last = true, required = true, value_name = "COMMAND")]
        command: Vec<String>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// A table for spreadsheets and data frames
    Csv,
    /// One JSON array
    Json,
    /// One JSON object a line
    Jsonl,
}

/// Values that win over the campaign file and the settings.
#[derive(Debug, Args)]
pub(crate) struct OverrideArgs {
    /// How often every experiment is run
    #[arg(long)]
    pub(crate) cycles: Option<u32>,
    /// Order of runs: interleaved, shuffled, grouped, reverse or latin_square
    #[arg(long)]
    pub(crate) structure: Option<String>,
    /// Thermal gap between experiments, in seconds
    #[arg(long, value_name = "SECONDS")]
    pub(crate) config_gap: Option<f64>,
    /// Thermal gap between cycles, in seconds
    #[arg(long, value_name = "SECONDS")]
    pub(crate) cycle_gap: Option<f64>,
    /// Prompts before the measurement
    #[arg(long, value_name = "N")]
    pub(crate) warmup_prompts: Option<u32>,
    /// Longest warm-up, in seconds
    #[arg(long, value_name = "SECONDS")]
    pub(crate) warmup_timeout: Option<f64>,
    /// ephemeral or persistent
    #[arg(long, value_name = "STRATEGY")]
    pub(crate) container_strategy: Option<String>,
    /// Prompts: a dataset's name, or a .txt, .jsonl or .csv file
    #[arg(long)]
    pub(crate) dataset: Option<String>,
    /// Prompts in each run
    #[arg(long, value_name = "N")]
    pub(crate) sample_size: Option<u32>,
    /// Seed of the order of runs and of sampling
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// The model of experiments that are not given one of their own
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// What runs workers: docker, process or openai
    #[arg(long)]
    pub(crate) runner: Option<String>,
}
