//! Everything that the page can ask for. Each command unpacks, calls the engine, and hands on its answer.
#![expect(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    reason = "Tauri hands arguments over by value, and the page is answered alike by every command"
)]

pub(crate) mod campaigns;
pub(crate) mod live;
pub(crate) mod machine;
pub(crate) mod project;
pub(crate) mod results;
pub(crate) mod settings;

/// What a command answers.
pub(crate) type Answer<T> = Result<T, crate::error::CommandError>;
