//! Workers in containers of a Docker engine, each made from a compose service.
//!
//! [`Ephemeral`] makes a container for every run; [`Persistent`] keeps one and executes each run in it. What the engine
//! does besides is kept small, since it happens on the machine that is measured: no health probes and no copies of logs
//! while a worker runs.
//!
//! Deliberately absent: pulling and building images, and starting other services.

mod address;
mod connect;
mod container;
mod endpoint;
mod ephemeral;
mod exec;
mod exit;
mod facts;
mod failure;
mod health;
mod holder;
mod host;
mod image;
pub mod labels;
mod mounts;
mod networks;
pub mod orphans;
mod persistent;
mod remove;
mod setup;
mod streams;
mod warm;

pub use address::server_address;
pub use connect::{ConnectError, Engine};
pub use endpoint::{DEFAULT_SOCKET, Endpoint, EndpointError};
pub use ephemeral::Ephemeral;
pub use facts::{ContainerFacts, EngineFacts, ImageFacts};
pub use failure::ContainerError;
pub use holder::Holder;
pub use host::processes;
pub use image::find as find_image;
pub use labels::Owner;
pub use persistent::{Lifetime, Persistent};
pub use setup::{EngineSetup, setup};
