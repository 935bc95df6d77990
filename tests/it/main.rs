//! Whole campaigns through the command `lem`, as a user would run them: the real programs, the real loader, real
//! processes and signals. Each test is a rule; each module is a subject.

mod architecture;
mod defended;
mod doctor;
mod fake_gpu;
mod full_disk;
mod interrupt;
mod kill;
mod locks;
mod measure;
mod meters;
mod misbehaviour;
mod parts;
mod plan;
mod quickstart;
mod servers;
mod settings;
mod timeouts;
mod webhook;
mod workers;

use lem_tests::Finished;

/// The kind and the sentence of the failure with which a run of this experiment finished, among the events.
#[track_caller]
fn failure_of(finished: &Finished, experiment: &str) -> (String, String) {
    let runs = finished.events_called("run_finished");
    let found = runs.iter().find(|event| event["experiment"] == experiment);
    let Some(event) = found else { panic!("no run of {experiment} finished: {runs:#?}") };
    let failure = &event["outcome"]["failure"];
    (lem_tests::text(failure, "kind").to_owned(), lem_tests::text(failure, "message").to_owned())
}
