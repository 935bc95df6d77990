//! Campaign files and their plans.

use lem_engine::{CampaignFile, CampaignKeys, CampaignText, PlanPreview};
use tauri::{State, WebviewWindow};

use super::Answer;
use crate::app::App;
use crate::dialogs;

#[tauri::command]
#[specta::specta]
pub(crate) async fn campaign_files(app: State<'_, App>) -> Answer<Vec<CampaignFile>> {
    app.engine()?.campaign_files()
}

#[tauri::command]
#[specta::specta]
pub(crate) fn open_campaign(app: State<'_, App>, path: &str) -> Answer<CampaignText> {
    app.engine()?.open_campaign(path)
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn import_campaign(
    app: State<'_, App>,
    window: WebviewWindow,
) -> Answer<Option<CampaignText>> {
    let engine = app.engine()?;
    let file = dialogs::open_campaign(&window, engine.project_folder()).await;
    file.map(|file| engine.import_campaign(&file)).transpose()
}

#[tauri::command]
#[specta::specta]
pub(crate) fn new_campaign(app: State<'_, App>) -> Answer<CampaignText> {
    Ok(app.engine()?.new_campaign())
}

#[tauri::command]
#[specta::specta]
pub(crate) fn save_campaign(
    app: State<'_, App>,
    path: Option<&str>,
    read: Option<&str>,
    text: &str,
) -> Answer<CampaignText> {
    app.engine()?.save_campaign(path, read, text)
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn save_campaign_as(
    app: State<'_, App>,
    window: WebviewWindow,
    text: String,
) -> Answer<Option<CampaignText>> {
    let engine = app.engine()?;
    let file = dialogs::save_campaign(&window, &engine.project_folder().join("campaigns")).await;
    file.map(|file| engine.save_campaign_at(&file, &text)).transpose()
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn plan(app: State<'_, App>, path: Option<String>, text: String) -> Answer<PlanPreview> {
    app.engine()?.preview(path.as_deref(), &text).await
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn campaign_keys(app: State<'_, App>) -> Answer<CampaignKeys> {
    app.engine()?.campaign_keys().await
}
