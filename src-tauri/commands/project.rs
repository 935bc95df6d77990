//! The project folder, and the window's own affairs.

use lem_engine::ProjectView;
use lem_engine::live::Steer;
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::{AppHandle, Manager as _, State, WebviewWindow};

use super::Answer;
use crate::app::{self, App};
use crate::error::{CommandError, no_project};
use crate::recent::RecentProject;
use crate::{dialogs, window};

/// What the page needs to begin.
#[derive(Debug, Serialize, Type)]
pub(crate) struct AppInfo {
    version: String,
    project: Option<ProjectView>,
    recent: Vec<RecentProject>,
    /// Why the folder named at start could not be opened.
    start_error: Option<CommandError>,
}

/// What becomes of a campaign when the window is closed.
#[derive(Debug, Clone, Copy, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CloseAnswer {
    /// It goes on; the window can be had back from the tray.
    KeepRunning,
    /// It is stopped, and the app ends when everything is stored.
    StopAndQuit,
    /// The window stays.
    Cancel,
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn app_info(app: State<'_, App>) -> Answer<AppInfo> {
    let project = app.engine().ok().map(|engine| engine.project()).transpose()?;
    Ok(AppInfo {
        version: env!("CARGO_PKG_VERSION").into(),
        project,
        recent: app.recent(|recent| recent.list()),
        start_error: app.start_error(),
    })
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn choose_project(handle: AppHandle, window: WebviewWindow) -> Answer<Option<ProjectView>> {
    let Some(folder) = dialogs::folder(&window, "Choose a project folder", &dialogs::begin(&handle)).await
    else {
        return Ok(None);
    };
    app::open(&handle, &folder)?.project().map(Some)
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn create_project(handle: AppHandle, window: WebviewWindow) -> Answer<Option<ProjectView>> {
    let title = "Choose or make a folder for the project";
    let Some(folder) = dialogs::folder(&window, title, &dialogs::begin(&handle)).await else {
        return Ok(None);
    };
    let engine = app::open(&handle, &folder)?;
    engine.fill_project()?;
    engine.project().map(Some)
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn open_recent(handle: AppHandle, app: State<'_, App>, path: String) -> Answer<ProjectView> {
    let folder = app.recent(|recent| recent.find(&path).map(std::path::Path::to_owned));
    app::open(&handle, &folder.ok_or_else(no_project)?)?.project()
}

#[tauri::command]
#[specta::specta]
pub(crate) fn forget_recent(app: State<'_, App>, path: &str) -> Answer<Vec<RecentProject>> {
    Ok(app.recent(|recent| {
        recent.remove(path);
        recent.list()
    }))
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn fill_project(app: State<'_, App>) -> Answer<ProjectView> {
    let engine = app.engine()?;
    engine.fill_project()?;
    engine.project()
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn answer_close(handle: AppHandle, answer: CloseAnswer) -> Answer<()> {
    let app = handle.state::<App>();
    app.closing_was_answered();
    match answer {
        CloseAnswer::KeepRunning => window::put_away(&handle),
        CloseAnswer::StopAndQuit => {
            app.engine()?.steer(Steer::Stop)?;
            window::quit(&handle).await;
        }
        CloseAnswer::Cancel => {}
    }
    Ok(())
}

// The log keeps how long a start took.
#[tauri::command]
#[specta::specta]
pub(crate) fn report_shown(screen: &str) -> Answer<()> {
    let screen: String = screen.chars().take(64).collect();
    tracing::info!("the first screen is shown: {screen}");
    Ok(())
}

#[tauri::command]
#[specta::specta]
pub(crate) fn report_page_error(message: &str) -> Answer<()> {
    let message: String = message.chars().take(8192).collect();
    tracing::error!("the page failed: {message}");
    Ok(())
}
