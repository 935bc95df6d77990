//! The campaign under way, and the traces of what is sampled now.

use lem_engine::live::Steer;
use lem_engine::{Channel as Quantity, Overrides};
use tauri::State;
use tauri::ipc::{Channel, Response};

use super::Answer;
use crate::app::App;
use crate::stream::HostEvent;

#[tauri::command]
#[specta::specta]
pub(crate) fn watch(app: State<'_, App>, channel: Channel<HostEvent>) -> Answer<()> {
    app.set_page(channel);
    Ok(())
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn start_campaign(app: State<'_, App>, path: String) -> Answer<String> {
    let engine = app.engine()?;
    engine.start(&engine.campaign_path(&path)?, &Overrides::default()).await
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn quick_start(app: State<'_, App>) -> Answer<String> {
    let engine = app.engine()?;
    engine.start(&engine.quickstart()?, &Overrides::default()).await
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn resume_campaign(app: State<'_, App>, id: String) -> Answer<String> {
    app.engine()?.start_again(&id).await
}

#[tauri::command]
#[specta::specta]
pub(crate) fn steer(app: State<'_, App>, action: Steer) -> Answer<()> {
    app.engine()?.steer(action)
}

/// Answers with the bytes of `lem_engine::Window::to_bytes`.
#[tauri::command]
pub(crate) async fn live_window(
    app: State<'_, App>,
    from_s: f64,
    to_s: f64,
    buckets: u32,
    channel: Quantity,
) -> Answer<Response> {
    let window = app.engine()?.live_window(from_s, to_s, buckets as usize, channel);
    Ok(Response::new(window.to_bytes()))
}
