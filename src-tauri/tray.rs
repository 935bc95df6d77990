//! The tray: how far the campaign is, and its controls, while the window is put away.
//!
//! A desktop without a tray, or without the library for one, has none: then the window is minimised instead.

use std::path::Path;

use lem_engine::live::{Now, NowState, Steer};
use tauri::menu::{Menu, MenuItem};
use tauri::tray::TrayIconBuilder;
use tauri::{AppHandle, Manager as _};

use crate::app::App;
use crate::window;

const ID: &str = "lem";
/// The names under which the library of tray icons is loaded; without one the loader would end the program.
const LIBRARIES: [&str; 2] = ["libayatana-appindicator3.so.1", "libappindicator3.so.1"];

/// Puts an icon into the tray, where there is one.
pub(crate) fn open(handle: &AppHandle) {
    if !library_is_there() {
        tracing::info!("no tray: libayatana-appindicator3 is not installed");
        return;
    }
    if let Err(error) = build(handle) {
        tracing::warn!("no tray: {error}");
    }
}

/// Whether the window can be put away into it.
pub(crate) fn is_there(handle: &AppHandle) -> bool {
    // Without a session bus no desktop hears of the icon.
    handle.tray_by_id(ID).is_some() && std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some()
}

/// Says how far the campaign is.
pub(crate) fn tell(handle: &AppHandle, now: &Now) {
    let Some(tray) = handle.tray_by_id(ID) else { return };
    if let Err(error) = tray.set_tooltip(Some(sentence(now))).and_then(|()| tray.set_title(title(now))) {
        tracing::debug!("the tray cannot be changed: {error}");
    }
}

fn sentence(now: &Now) -> String {
    let done = now.completed + now.failed;
    match now.state {
        NowState::Gap => format!("LEM Desktop: {done} of {} runs done, thermal gap", now.total),
        NowState::Paused => format!("LEM Desktop: paused, {done} of {} runs done", now.total),
        NowState::Preparing | NowState::Running | NowState::Ended => {
            format!("LEM Desktop: {done} of {} runs done", now.total)
        }
    }
}

fn title(now: &Now) -> Option<String> {
    (now.state != NowState::Ended).then(|| format!("{}/{}", now.completed + now.failed, now.total))
}

fn build(handle: &AppHandle) -> tauri::Result<()> {
    let item = |id, text| MenuItem::with_id(handle, id, text, true, None::<&str>);
    let menu = Menu::with_items(
        handle,
        &[
            &item("show", "Show LEM Desktop")?,
            &item("pause", "Pause after this run")?,
            &item("go_on", "Continue")?,
            &item("skip_gap", "Skip this gap")?,
            &item("stop", "Stop the campaign now")?,
            &item("quit", "Quit")?,
        ],
    )?;
    let mut tray =
        TrayIconBuilder::with_id(ID).menu(&menu).tooltip("LEM Desktop").on_menu_event(|handle, event| {
            chosen(handle, event.id().as_ref());
        });
    if let Some(icon) = handle.default_window_icon() {
        tray = tray.icon(icon.clone());
    }
    tray.build(handle).map(drop)
}

fn chosen(handle: &AppHandle, id: &str) {
    let action = match id {
        "show" => return window::show(handle),
        "quit" => {
            let handle = handle.clone();
            tauri::async_runtime::spawn(async move { window::quit(&handle).await });
            return;
        }
        "pause" => Steer::Pause,
        "go_on" => Steer::GoOn,
        "skip_gap" => Steer::SkipGap,
        _ => Steer::Stop,
    };
    // Nothing to steer is no failure: the menu is there all the time.
    if let Err(error) = handle.state::<App>().engine().and_then(|engine| engine.steer(action)) {
        tracing::debug!("{error}");
    }
}

fn library_is_there() -> bool {
    let folders = ["/usr/lib", "/usr/lib64", "/lib", "/usr/local/lib"].map(Path::new);
    let multiarch = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    let mut places = folders.iter().copied().chain([Path::new(&multiarch)]);
    places.any(|folder| LIBRARIES.iter().any(|name| folder.join(name).exists()))
}
