//! What users write: settings and campaign files, read with positions, validated, edited without loss.
//!
//! Pure: text goes in, values and findings come out. Files, clocks and networks belong to the caller.

pub mod campaign;
pub mod diagnostic;
pub mod settings;
pub mod source;
pub mod suggest;
pub mod yaml;
