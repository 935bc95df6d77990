//! The window of LEM Desktop: a thin shell around `lem-engine`, and the only place that names Tauri.
//!
//! Commands are adapters of a few lines over `Engine`; what happens comes to the page through one typed channel. The
//! page has no permission but to call them: no shell, no files, no network.

mod app;
mod attend;
mod bindings;
mod commands;
mod dialogs;
mod error;
mod logs;
mod recent;
mod stream;
mod tray;
mod window;

use std::path::Path;

use lem_engine::Options;
use tauri::{AppHandle, Manager as _};

use crate::app::App;
use crate::recent::Recent;

fn main() -> std::process::ExitCode {
    if let Some(code) = without_gpu_buffers() {
        return code;
    }
    let options =
        match Options::from_environment(&std::env::var("LEM_METER").unwrap_or_else(|_| "auto".into())) {
            Ok(options) => options,
            Err(error) => return refused(&error.to_string()),
        };
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_single_instance::init(|handle, args, folder| {
            window::show(handle);
            if let Some(project) = args.get(1) {
                open_project(handle, &Path::new(&folder).join(project));
            }
        }))
        .plugin(tauri_plugin_window_state::Builder::default().build())
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_notification::init())
        .invoke_handler(bindings::commands())
        .setup(move |app| begin(app.handle(), options).map_err(Into::into))
        .build(tauri::generate_context!());
    match app {
        Ok(app) => {
            app.run(|_, _| {});
            std::process::ExitCode::SUCCESS
        }
        Err(error) => refused(&format!("the window cannot be opened: {error}")),
    }
}

/// Opens the log, the project and the window.
fn begin(handle: &AppHandle, options: Options) -> tauri::Result<()> {
    let folder = handle.path().app_log_dir()?;
    logs::begin(&folder);
    logs::log_panics(handle, &folder);
    handle.manage(App::new(options, Recent::read(&handle.path().app_config_dir()?)));
    if let Some(folder) = std::env::args_os().nth(1) {
        open_project(handle, Path::new(&folder));
    }
    tray::open(handle);
    end_on_signals(handle.clone());
    window::open(handle)
}

fn open_project(handle: &AppHandle, folder: &Path) {
    if let Err(error) = app::open(handle, folder) {
        tracing::error!("{error}");
        handle.state::<App>().remember_start_error(error);
    }
}

/// A signal to end stops the campaign first, as in a terminal.
fn end_on_signals(handle: AppHandle) {
    use tokio::signal::unix::{SignalKind, signal};
    tauri::async_runtime::spawn(async move {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) =
            (signal(kinds[0]), signal(kinds[1]), signal(kinds[2]))
        else {
            return;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        window::quit(&handle).await;
    });
}

/// Starts this program again with `WEBKIT_DISABLE_DMABUF_RENDERER=1`, unless a person has set it either way.
///
/// `WebKitGTK` draws through GPU buffers otherwise, which leaves windows blank on NVIDIA drivers and is five times slower
/// where OpenGL is software (tauri issue 9304). The variable must be there before the first thread.
fn without_gpu_buffers() -> Option<std::process::ExitCode> {
    use std::os::unix::process::CommandExt as _;
    const VARIABLE: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
    if std::env::var_os(VARIABLE).is_some() {
        return None;
    }
    let exe = std::env::current_exe().ok()?;
    let error = std::process::Command::new(exe).args(std::env::args_os().skip(1)).env(VARIABLE, "1").exec();
    Some(refused(&format!("the program cannot start itself: {error}")))
}

fn refused(message: &str) -> std::process::ExitCode {
    use std::io::Write as _;
    // Where standard error is closed nobody reads it.
    let _ = writeln!(std::io::stderr(), "lem-desktop: {message}");
    std::process::ExitCode::from(2)
}
