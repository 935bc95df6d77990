//! Workers in containers of a real engine. Each test leaves no container behind.

mod ephemeral;
mod failures;
mod lost_engine;
mod orphaned;
mod persistent;
mod rig;
