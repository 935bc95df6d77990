//! The window: made, put away, and closed without losing a campaign.

use std::time::Duration;

use tauri::{AppHandle, Manager as _, WebviewUrl, WebviewWindowBuilder, WindowEvent};

use crate::app::App;

const LABEL: &str = "main";

/// Makes the window. Its ground has the colour of the page, so that nothing flashes before the page is there.
pub(crate) fn open(handle: &AppHandle) -> tauri::Result<()> {
    let window = WebviewWindowBuilder::new(handle, LABEL, WebviewUrl::default())
        .title("LEM Desktop")
        .inner_size(1280.0, 820.0)
        .min_inner_size(1024.0, 700.0)
        .build()?;
    let handle = handle.clone();
    window.on_window_event(move |event| {
        if let WindowEvent::CloseRequested { api, .. } = event {
            api.prevent_close();
            let handle = handle.clone();
            tauri::async_runtime::spawn(async move { close(&handle).await });
        }
    });
    Ok(())
}

/// Brings the window to the front.
pub(crate) fn show(handle: &AppHandle) {
    let Some(window) = handle.get_webview_window(LABEL) else { return };
    for done in [window.show(), window.unminimize(), window.set_focus()] {
        if let Err(error) = done {
            tracing::debug!("the window cannot be shown: {error}");
        }
    }
}

/// Lets the campaign go on without the window: in the tray, or minimised where there is none.
pub(crate) fn put_away(handle: &AppHandle) {
    let Some(window) = handle.get_webview_window(LABEL) else { return };
    let done = if crate::tray::is_there(handle) { window.hide() } else { window.minimize() };
    if let Err(error) = done {
        tracing::debug!("the window cannot be put away: {error}");
    }
}

/// Closes the window; while a campaign runs, the page asks first. A page that was asked and has not answered is not
/// waited for a second time: then the campaign is stopped.
async fn close(handle: &AppHandle) {
    let app = handle.state::<App>();
    let running = app.engine().is_ok_and(|engine| engine.is_running());
    if !running || !app.ask_about_closing() {
        quit(handle).await;
    }
}

/// Stops what runs, waits until it is stored, and ends the app.
pub(crate) async fn quit(handle: &AppHandle) {
    if let Ok(engine) = handle.state::<App>().engine() {
        // A worker has 10 s to end; one that hangs longer is killed with this process.
        let patience = Duration::from_secs(20);
        if tokio::time::timeout(patience, engine.finish()).await.is_err() {
            tracing::error!("the campaign did not end in time; it can be resumed");
        }
    }
    handle.exit(0);
}
