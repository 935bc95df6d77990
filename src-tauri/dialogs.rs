//! Native dialogs for files and folders. Paths that a person chooses here are used in Rust only; the page never names one.

use std::path::{Path, PathBuf};

use tauri::{AppHandle, Manager as _, WebviewWindow};
use tauri_plugin_dialog::{DialogExt as _, FileDialogBuilder, FilePath};
use tokio::sync::oneshot;

use crate::app::App;

/// A folder. The dialog begins in `begin`: without one it shows recent files, among which no folder can be chosen.
pub(crate) async fn folder(window: &WebviewWindow, title: &str, begin: &Path) -> Option<PathBuf> {
    let (sender, chosen) = oneshot::channel();
    let dialog = dialog(window).set_title(title).set_directory(begin);
    dialog.set_can_create_directories(true).pick_folder(answer(sender));
    path(chosen.await)
}

/// A campaign file to read.
pub(crate) async fn open_campaign(window: &WebviewWindow, begin: &Path) -> Option<PathBuf> {
    let (sender, chosen) = oneshot::channel();
    let dialog = dialog(window).set_title("Import a campaign").set_directory(begin);
    dialog.add_filter("Campaigns", &["yaml", "yml", "json"]).pick_file(answer(sender));
    path(chosen.await)
}

/// The file of an external power meter.
pub(crate) async fn open_meter(window: &WebviewWindow) -> Option<PathBuf> {
    let (sender, chosen) = oneshot::channel();
    let begin = begin(window.app_handle());
    let dialog = dialog(window).set_title("The file of the power meter").set_directory(begin);
    dialog.add_filter("CSV", &["csv", "tsv", "txt", "log"]).pick_file(answer(sender));
    path(chosen.await)
}

/// Where to write a campaign.
pub(crate) async fn save_campaign(window: &WebviewWindow, begin: &Path) -> Option<PathBuf> {
    let (sender, chosen) = oneshot::channel();
    let begin = if begin.is_dir() { begin } else { begin.parent().unwrap_or(begin) };
    let dialog = dialog(window).set_title("Save the campaign").set_directory(begin);
    dialog.set_file_name("campaign.yaml").add_filter("Campaigns", &["yaml", "yml"]).save_file(answer(sender));
    path(chosen.await).map(|file| with_ending(file, "yaml"))
}

/// Where to write something; the name always ends as its format does.
pub(crate) async fn save(window: &WebviewWindow, title: &str, name: &str, ending: &str) -> Option<PathBuf> {
    let begin = begin(window.app_handle());
    let (sender, chosen) = oneshot::channel();
    let name: String =
        name.chars().map(|c| if c.is_alphanumeric() || "-_. ".contains(c) { c } else { '-' }).collect();
    let dialog =
        dialog(window).set_title(title).set_directory(begin).set_file_name(format!("{name}.{ending}"));
    dialog.add_filter(ending.to_uppercase(), &[ending]).save_file(answer(sender));
    path(chosen.await).map(|file| with_ending(file, ending))
}

/// Where dialogs begin: the open project, else beside the last one, else the home folder.
pub(crate) fn begin(handle: &AppHandle) -> PathBuf {
    let app = handle.state::<App>();
    let open = app.engine().ok().map(|engine| engine.project_folder().to_owned());
    let last = || app.recent(|recent| recent.last().and_then(Path::parent).map(Path::to_owned));
    let home = || handle.path().home_dir().unwrap_or_default();
    open.or_else(last).filter(|folder| folder.is_dir()).unwrap_or_else(home)
}

fn dialog(window: &WebviewWindow) -> FileDialogBuilder<tauri::Wry> {
    window.dialog().file().set_parent(window)
}

/// A dialog that is closed without a choice answers with nothing.
fn answer(sender: oneshot::Sender<Option<FilePath>>) -> impl FnOnce(Option<FilePath>) + Send + 'static {
    move |chosen| drop(sender.send(chosen))
}

fn path(chosen: Result<Option<FilePath>, oneshot::error::RecvError>) -> Option<PathBuf> {
    chosen.ok().flatten()?.into_path().ok()
}

fn with_ending(file: PathBuf, ending: &str) -> PathBuf {
    if file.extension().is_some() { file } else { file.with_extension(ending) }
}
