//! The plan of a campaign (pure) and its execution: gaps, workers, windows, journal.

pub mod plan;
pub mod run;
