//! What this machine can measure and run.

use lem_engine::{Doctor, ServicesView};
use tauri::State;

use super::Answer;
use crate::app::App;

#[tauri::command]
#[specta::specta]
pub(crate) async fn doctor(app: State<'_, App>) -> Answer<Doctor> {
    Ok(app.engine()?.doctor().await)
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn services(app: State<'_, App>) -> Answer<ServicesView> {
    Ok(app.engine()?.services().await)
}
