//! `.lem-config.yaml` as a form and as text.

use lem_engine::{SettingChange, SettingsDraft, SettingsPage};
use tauri::State;

use super::Answer;
use crate::app::App;

#[tauri::command]
#[specta::specta]
pub(crate) fn settings(app: State<'_, App>) -> Answer<SettingsPage> {
    app.engine()?.settings_page()
}

#[tauri::command]
#[specta::specta]
pub(crate) fn edit_settings(
    app: State<'_, App>,
    read: &str,
    changes: Vec<SettingChange>,
) -> Answer<SettingsDraft> {
    app.engine()?.edit_settings(read, &changes)
}

#[tauri::command]
#[specta::specta]
pub(crate) fn check_settings(app: State<'_, App>, text: String) -> Answer<SettingsDraft> {
    Ok(app.engine()?.check_settings(text))
}

#[tauri::command]
#[specta::specta]
pub(crate) fn save_settings(app: State<'_, App>, read: &str, text: &str) -> Answer<SettingsPage> {
    app.engine()?.save_settings(read, text)
}
