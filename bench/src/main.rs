//! `lem-bench`: how fast the parts are that must be fast, and how true what must be true, beside a peer or a limit
//! measured in the same run.
//!
//! It measures release builds from outside, on this machine, and prints tables; nothing here passes or fails, because a
//! figure of a busy machine says little. Deliberately absent: a statistics framework. Every figure is the median of a
//! few repetitions with their extremes.

mod accuracy;
mod containers;
mod machine;
mod observe;
mod plan;
mod python;
mod report;
mod sampler;
mod store;
mod subject;
mod window;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use machine::Machine;
use report::{Section, say};

/// What can go wrong here is told and ends the program; nobody branches on it.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

#[derive(Parser)]
#[command(name = "lem-bench", version, about = "Measures the speed and the accuracy of LEM beside its peers")]
struct Arguments {
    /// Repetitions; the tables show their median and extremes
    #[arg(long, global = true, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    repeat: u32,
    /// Length of each measured command of `sampler`, in seconds
    #[arg(long, global = true, default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=600))]
    seconds: u32,
    /// Also write the tables into this file, between the markers of each benchmark
    #[arg(long, global = true, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Leave out the peers in Python, which are installed from `PyPI` when first needed
    #[arg(long, global = true)]
    no_python: bool,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// What measuring costs: CPU time, memory, punctuality
    Sampler,
    /// How true the energy of windows is, beside a loop and a difference of the counter
    Accuracy,
    /// Samples into the database and out of it
    Store,
    /// From the text of a campaign to its plan
    Plan,
    /// A run in a container, beside the commands of Docker
    Containers,
    /// The window: its start, long traces, large tables, and the sampler beside it
    Window,
    /// All of them
    All,
    /// What `sampler` starts; of no use by hand
    #[command(hide = true, subcommand)]
    Subject(subject::Subject),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("lem-bench: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &Arguments) -> Outcome<()> {
    if let What::Subject(subject) = &arguments.what {
        return subject::run(subject);
    }
    let machine = Machine::look();
    say(&machine.describe());
    if let Some(warning) = machine.warning() {
        say(&warning);
    }
    let all = matches!(arguments.what, What::All);
    if all || matches!(arguments.what, What::Plan) {
        publish(arguments, &machine, &plan::measure(arguments.repeat)?)?;
    }
    if all || matches!(arguments.what, What::Store) {
        publish(arguments, &machine, &store::measure(arguments.repeat)?)?;
    }
    if all || matches!(arguments.what, What::Sampler) {
        let options = sampler::Options {
            repeat: arguments.repeat,
            seconds: arguments.seconds,
            python: !arguments.no_python,
        };
        publish(arguments, &machine, &sampler::measure(&options)?)?;
    }
    if all || matches!(arguments.what, What::Accuracy) {
        let options = accuracy::Options { repeat: arguments.repeat, python: !arguments.no_python };
        publish(arguments, &machine, &accuracy::measure(&options)?)?;
    }
    if all || matches!(arguments.what, What::Containers) {
        match containers::Ground::lay() {
            Ok(ground) => publish(arguments, &machine, &containers::measure(&ground, arguments.repeat)?)?,
            Err(missing) if all => say(&format!("\nThe runs in containers were left out: {missing}")),
            Err(missing) => return Err(missing),
        }
    }
    if all || matches!(arguments.what, What::Window) {
        match window::measure(arguments.repeat) {
            Ok(section) => publish(arguments, &machine, &section)?,
            Err(missing) if all => say(&format!("\nThe window was left out: {missing}")),
            Err(missing) => return Err(missing),
        }
    }
    Ok(())
}

fn publish(arguments: &Arguments, machine: &Machine, section: &Section) -> Outcome<()> {
    say(&format!("\n## {}\n\n{}", section.title, section.body()));
    if let Some(file) = &arguments.write {
        report::write(file, machine, section)?;
    }
    Ok(())
}
