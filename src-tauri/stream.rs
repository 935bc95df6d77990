//! The one channel to the page: what the engine tells, and what the shell has to add.

use lem_engine::Engine;
use lem_engine::live::{LiveEvent, Watch};
use serde::Serialize;
use specta::Type;
use tauri::ipc::Channel;

/// News for the page.
#[derive(Debug, Clone, Serialize, Type)]
#[serde(untagged)]
pub(crate) enum HostEvent {
    /// Of the engine.
    Live(Box<LiveEvent>),
    /// Of the shell.
    Shell(ShellEvent),
}

/// News of the shell.
#[derive(Debug, Clone, Serialize, Type)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum ShellEvent {
    /// The window is to be closed while a campaign runs: the page asks, then calls `answer_close`.
    CloseAsked,
    /// Another project is open.
    ProjectChanged,
    /// A part of the app panicked; the log has the rest.
    Panicked {
        /// What and where.
        message: String,
        /// The folder of the log.
        log: String,
    },
}

/// Sends all news of an engine to the page.
pub(crate) fn watch(engine: &Engine, page: Channel<HostEvent>) -> Watch {
    engine.watch(move |event| tell(&page, HostEvent::Live(Box::new(event))))
}

/// A page that is gone is not told; the next one begins with a snapshot.
pub(crate) fn tell(page: &Channel<HostEvent>, event: HostEvent) {
    if let Err(error) = page.send(event) {
        tracing::debug!("the page does not listen: {error}");
    }
}
