//! The log file: one a day, the last seven kept; and panics, which are logged and shown.

use std::backtrace::Backtrace;
use std::path::Path;

use tauri::{AppHandle, Manager as _};
use tracing_appender::rolling::{Builder, Rotation};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::app::App;
use crate::stream::ShellEvent;

/// Begins to log into `folder`, and to standard error where `LEM_LOG` is set. A log that cannot be kept stops nobody.
pub(crate) fn begin(folder: &Path) {
    let filter = EnvFilter::try_from_env("LEM_LOG").unwrap_or_else(|_| EnvFilter::new("warn,lem=info"));
    let file = Builder::new()
        .rotation(Rotation::DAILY)
        .filename_prefix("lem-desktop")
        .filename_suffix("log")
        .max_log_files(7)
        .build(folder);
    let file = file.ok().map(|file| {
        tracing_subscriber::fmt::layer().with_ansi(false).with_writer(std::sync::Mutex::new(file))
    });
    let terminal =
        std::env::var_os("LEM_LOG").map(|_| tracing_subscriber::fmt::layer().with_writer(std::io::stderr));
    tracing_subscriber::registry().with(filter).with(file).with(terminal).init();
}

/// From here on a panic is written to the log and told to the page before the thread ends.
pub(crate) fn log_panics(handle: &AppHandle, folder: &Path) {
    let usual = std::panic::take_hook();
    let (handle, folder) = (handle.clone(), folder.display().to_string());
    std::panic::set_hook(Box::new(move |panic| {
        tracing::error!("{panic}\n{}", Backtrace::force_capture());
        if let Some(app) = handle.try_state::<App>() {
            app.tell_page_if_free(ShellEvent::Panicked { message: panic.to_string(), log: folder.clone() });
        }
        usual(panic);
    }));
}
