//! The command `lem`: a face of the engine for terminals, scripts and servers. It parses words, calls one function
//! of the engine, and shows what comes back.
//!
//! Exit codes: 0 for success, 1 when a run failed, 2 for bad input or a machine that cannot do it, 130 when stopped.

mod args;
mod commands;
mod format;
mod output;
mod progress;

use std::process::ExitCode;

use clap::Parser;
use lem_engine::{Engine, Error, MeterTarget, Options};

use args::{Cli, Command, Global};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Well,
    RunFailed,
    BadInput,
    Stopped,
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        Self::from(match ended {
            Ended::Well => 0,
            Ended::RunFailed => 1,
            Ended::BadInput => 2,
            Ended::Stopped => 130,
        })
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Command::ExecWorker { command } = &cli.command {
        return commands::exec_worker::become_worker(command);
    }
    let json = cli.global.json;
    match dispatch(cli) {
        Ok(ended) => ended.into(),
        Err(error) => {
            output::error(&error, json);
            Ended::BadInput.into()
        }
    }
}

fn dispatch(cli: Cli) -> Result<Ended, Error> {
    let mut global = cli.global;
    let options = Options { compose: global.compose.clone(), ..Options::from_environment(&global.meter)? };
    let engine = Engine::open(&global.project, options)?;
    // The command line wins over the settings.
    global.verbose |= !global.quiet && engine.is_verbose();
    global.quiet |= !global.verbose && engine.is_quiet();
    log(&global);
    match cli.command {
        Command::Doctor => commands::doctor::doctor(&engine, &global),
        Command::Devices => commands::doctor::devices(&engine, &global),
        Command::Config { action } => commands::config::config(&engine, &global, &action),
        Command::Plan { file, overrides } => commands::plan::plan(&engine, &global, &file, &overrides),
        Command::Run { file, resume, overrides } => {
            commands::run::run(&engine, &global, file.as_deref(), resume.as_deref(), &overrides)
        }
        Command::Campaigns => commands::campaigns::campaigns(&engine, &global),
        Command::Campaign { action: args::CampaignAction::Show { id } } => {
            commands::campaigns::show(&engine, &global, &id)
        }
        Command::Campaign { action: args::CampaignAction::Report { id } } => {
            commands::trust::report(&engine, &global, &id)
        }
        Command::Campaign { action: args::CampaignAction::Meter { id, meter } } => {
            commands::meter::meter(&engine, &global, &MeterTarget::Campaign(id), meter)
        }
        Command::Results { campaign } => commands::results::results(&engine, &global, campaign.as_deref()),
        Command::Result { action: args::ResultAction::Show { run } } => {
            commands::results::show(&engine, &global, &run)
        }
        Command::Result { action: args::ResultAction::Meter { run, meter } } => {
            commands::meter::meter(&engine, &global, &MeterTarget::Run(run), meter)
        }
        Command::Export { format, output, campaign } => {
            commands::export::export(&engine, format, output.as_deref(), campaign.as_deref())
        }
        Command::Measure { interval_ms, devices, command } => {
            commands::measure::measure(&engine, &global, interval_ms, &devices, &command)
        }
        Command::Worker { action } => commands::worker::check(&engine, &global, action),
        Command::ExecWorker { .. } => unreachable!("main takes this command itself"),
    }
}

/// The log goes to standard error: warnings; with `-v` or `verbosity: verbose` every step; with `-q` errors alone.
/// `LEM_LOG` overrides, in the syntax of `tracing_subscriber::EnvFilter`.
fn log(global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (_, true) => "debug",
        _ => "warn",
    };
    let fallback = format!("warn,lem={level},lem_campaign={level},lem_engine={level},lem_power={level}");
    let filter = tracing_subscriber::EnvFilter::try_from_env("LEM_LOG").unwrap_or_else(|_| fallback.into());
    // Its finest level prints requests with the variables of containers, secrets among them.
    let filter = "bollard=info".parse().map_or(filter.clone(), |secretive| filter.add_directive(secretive));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().init();
}
