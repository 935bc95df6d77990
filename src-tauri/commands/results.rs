//! What campaigns left behind: looked at, compared, exported, deleted.

use base64::Engine as _;
use lem_engine::{
    CampaignDetail, CampaignReport, CampaignSummary, Channel, Comparison, Engine, ExperimentRef, Facets,
    Format, Group, GroupColumn, MeterImport, MeterOptions, MeterTarget, ResultPage, ResultQuery, RunDetail,
    RunMetrics,
};
use serde::Deserialize;
use specta::Type;
use tauri::ipc::Response;
use tauri::{State, WebviewWindow};

use super::Answer;
use crate::app::App;
use crate::{dialogs, error};

/// What a figure is saved as.
#[derive(Debug, Clone, Copy, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FigureKind {
    /// Vector graphics, as text.
    Svg,
    /// Pixels, as base64.
    Png,
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn campaigns(app: State<'_, App>) -> Answer<Vec<CampaignSummary>> {
    app.engine()?.campaigns().await
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn campaign(app: State<'_, App>, id: String) -> Answer<CampaignDetail> {
    app.engine()?.campaign_detail(&id).await
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn results(app: State<'_, App>, query: ResultQuery) -> Answer<ResultPage> {
    app.engine()?.results_page(&query).await
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn facets(app: State<'_, App>) -> Answer<Facets> {
    app.engine()?.facets().await
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn statistics(
    app: State<'_, App>,
    query: ResultQuery,
    by: Vec<GroupColumn>,
) -> Answer<Vec<Group>> {
    app.engine()?.statistics(&query, &by).await
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn compare(app: State<'_, App>, experiments: Vec<ExperimentRef>) -> Answer<Comparison> {
    app.engine()?.compare(&experiments).await
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn campaign_report(app: State<'_, App>, id: String) -> Answer<CampaignReport> {
    app.engine()?.campaign_report(&id).await
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn run_metrics(app: State<'_, App>, run: String) -> Answer<RunMetrics> {
    app.engine()?.run_metrics(&run).await
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn result(app: State<'_, App>, run: String) -> Answer<RunDetail> {
    app.engine()?.result(&run).await
}

/// Answers with the bytes of `lem_engine::Window::to_bytes`.
#[tauri::command]
pub(crate) async fn run_window(
    app: State<'_, App>,
    run: String,
    from_s: Option<f64>,
    to_s: Option<f64>,
    buckets: u32,
    channel: Channel,
) -> Answer<Response> {
    let window = app.engine()?.run_window(&run, from_s, to_s, buckets as usize, channel).await?;
    Ok(Response::new(window.to_bytes()))
}

/// Asks for the file; nothing is answered when none was chosen.
#[tauri::command]
#[specta::specta]
pub(crate) async fn import_meter(
    app: State<'_, App>,
    window: WebviewWindow,
    target: MeterTarget,
    options: MeterOptions,
) -> Answer<Option<MeterImport>> {
    let engine = app.engine()?;
    let Some(file) = dialogs::open_meter(&window).await else { return Ok(None) };
    engine.import_meter(&file, &target, &options).await.map(Some)
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_meter(app: State<'_, App>, target: MeterTarget) -> Answer<u32> {
    app.engine()?.remove_meter(&target).await
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn delete_runs(app: State<'_, App>, runs: Vec<String>) -> Answer<u32> {
    app.engine()?.delete_runs(&runs).await
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn delete_campaign(app: State<'_, App>, id: String) -> Answer<()> {
    app.engine()?.delete_campaign(&id).await
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn export_results(
    app: State<'_, App>,
    window: WebviewWindow,
    query: ResultQuery,
    format: Format,
) -> Answer<Option<String>> {
    let engine = app.engine()?;
    let Some(file) = dialogs::save(&window, "Export the results", "results", format.ending()).await else {
        return Ok(None);
    };
    Engine::write_file(&file, &engine.export_query(&query, format).await?)?;
    Ok(Some(file.display().to_string()))
}

#[tauri::command]
#[specta::specta]
pub(crate) async fn save_figure(
    window: WebviewWindow,
    name: String,
    kind: FigureKind,
    data: String,
) -> Answer<Option<String>> {
    let (ending, bytes) = match kind {
        FigureKind::Svg => ("svg", data.into_bytes()),
        FigureKind::Png => {
            let decoded = base64::engine::general_purpose::STANDARD.decode(data);
            ("png", decoded.map_err(error::machine)?)
        }
    };
    let Some(file) = dialogs::save(&window, "Save the figure", &name, ending).await else { return Ok(None) };
    Engine::write_file(&file, &bytes)?;
    Ok(Some(file.display().to_string()))
}
