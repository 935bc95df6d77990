//! Whole campaigns in real containers, through the command `lem` as a user would run them. The image is empty: a service
//! mounts this machine's programs and the scripted worker, so no registry is needed.
//!
//! Without a Docker engine each test says that it is skipped; with `LEM_REQUIRE_DOCKER=1` that is a failure.

mod doctor;
mod endings;
mod environment;
mod interrupt;
mod kill;
mod leaks;
mod refusals;
mod restart;
mod rig;
mod routing;
mod servers;
mod stage;
mod strategies;
