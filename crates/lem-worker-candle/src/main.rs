//! The embedded worker: CPU inference with candle, speaking the worker protocol on standard input and output.
//!
//! It reads one experiment, carries it out and exits: 0 with a `result`, 1 with an `error`. Free text, panics of
//! libraries included, goes to standard error. It measures no energy and knows nobody who does: a worker that did would
//! measure itself.

mod clock;
mod effective;
mod failure;
mod generate;
mod model;
mod proceed;
mod process;
mod prompts;
mod report;
mod run;
mod sampling;
mod settings;
mod threads;
mod tokenizer;
mod warmup;

use std::any::Any;
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::os::fd::AsFd as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use lem_protocol::Experiment;
use lem_protocol::framing::read_experiment;

use failure::Failure;
use report::Report;
use settings::Settings;

const USAGE: &str = "lem-worker-candle takes no arguments. It reads one experiment, a line of JSON, from standard \
                     input and writes events to standard output; `lem run` starts it.";

fn main() -> ExitCode {
    if std::env::args_os().len() > 1 {
        // Nothing can be done about a closed standard error, and the exit code says the same.
        let _ = writeln!(io::stderr(), "{USAGE}");
        return ExitCode::from(2);
    }
    let mut report = Report::new(io::stdout());
    // candle and the readers of model files panic on some malformed input; the engine shall learn of it all the same.
    let outcome = catch_unwind(AssertUnwindSafe(|| carry_out(&mut report)));
    let failure = match outcome {
        Ok(Ok(())) => return ExitCode::SUCCESS,
        Ok(Err(failure)) => failure,
        Err(panic) => Failure::engine(format!("candle panicked: {}", panic_message(panic.as_ref()))),
    };
    if let Err(unsaid) = report.fail(&failure) {
        let _ = writeln!(io::stderr(), "lem-worker-candle: {failure} (nor could this be reported: {unsaid})");
    }
    ExitCode::FAILURE
}

fn carry_out<W: Write>(report: &mut Report<W>) -> Result<(), Failure> {
    // Before `hello`: the process may start itself again here, and greet only once.
    let received = receive();
    report.hello()?;
    let (experiment, settings) = received?;
    candle_core::utils::init_global_threadpool();
    run::run(&experiment, &settings, report)
}

/// The experiment, checked, in a process that has the threads it asks for.
fn receive() -> Result<(Experiment, Settings), Failure> {
    let handed_over = threads::handed_over().map_err(|error| Failure::engine(error.to_string()))?;
    let experiment = match handed_over {
        Some(mut file) => read_experiment(&mut file).map_err(|error| Failure::engine(error.to_string()))?,
        None => from_standard_input()?,
    };
    let settings = Settings::of(&experiment)?;
    if let Some(threads) = settings.threads {
        threads::ensure(threads, &experiment)?;
    }
    Ok((experiment, settings))
}

/// The experiment, and not a byte more: what comes after it is for the program that this one may replace itself with.
fn from_standard_input() -> Result<Experiment, Failure> {
    let input = io::stdin().as_fd().try_clone_to_owned();
    let input = input.map_err(|error| Failure::engine(format!("there is no standard input: {error}")))?;
    let mut byte_by_byte = BufReader::with_capacity(1, File::from(input));
    read_experiment(&mut byte_by_byte).map_err(|error| Failure::engine(error.to_string()))
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a message; standard error may say more")
}
