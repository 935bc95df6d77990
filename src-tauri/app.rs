//! What the app holds between commands: the open project's engine, the folders before, and who watches.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lem_engine::live::Watch;
use lem_engine::{Engine, Options};
use tauri::ipc::Channel;
use tauri::{AppHandle, Manager as _};

use crate::attend;
use crate::error::{CommandError, no_project};
use crate::recent::Recent;
use crate::stream::{self, HostEvent, ShellEvent};

/// Opens a project folder. The one before is left, unless a campaign runs in it.
pub(crate) fn open(handle: &AppHandle, folder: &Path) -> Result<Engine, CommandError> {
    let app = handle.state::<App>();
    let engine = app.open(folder)?;
    let before = app.lock().attendance.replace(attend::attend(handle, &engine));
    drop(before);
    Ok(engine)
}

/// The state of the app.
pub(crate) struct App {
    options: Options,
    inner: Mutex<Inner>,
}

struct Inner {
    engine: Option<Engine>,
    recent: Recent,
    page: Option<Channel<HostEvent>>,
    watch: Option<Watch>,
    attendance: Option<Watch>,
    start_error: Option<CommandError>,
    /// The window was asked to close, and the page has not answered yet.
    closing: bool,
}

impl App {
    pub(crate) fn new(options: Options, recent: Recent) -> Self {
        let inner = Inner {
            engine: None,
            recent,
            page: None,
            watch: None,
            attendance: None,
            start_error: None,
            closing: false,
        };
        Self { options, inner: Mutex::new(inner) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine of the open project.
    pub(crate) fn engine(&self) -> Result<Engine, CommandError> {
        self.lock().engine.clone().ok_or_else(no_project)
    }

    fn open(&self, folder: &Path) -> Result<Engine, CommandError> {
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let mut inner = self.lock();
        if let Some(open) = inner.engine.as_ref().filter(|engine| engine.is_running()) {
            if open.project_folder() == folder {
                return Ok(open.clone());
            }
            let error =
                CommandError::new(lem_engine::ErrorCode::Conflict, "a campaign is running in this project");
            return Err(error.with_hint("wait for it, or stop it, before you open another one"));
        }
        let engine = Engine::open(&folder, self.options.clone())?;
        inner.recent.add(&folder);
        inner.engine = Some(engine.clone());
        let watch = inner.page.clone().map(|page| stream::watch(&engine, page));
        let before = std::mem::replace(&mut inner.watch, watch);
        let page = inner.page.clone();
        drop(inner);
        drop(before);
        if let Some(page) = page {
            stream::tell(&page, HostEvent::Shell(ShellEvent::ProjectChanged));
        }
        Ok(engine)
    }

    /// The folder named at start could not be opened.
    pub(crate) fn remember_start_error(&self, error: CommandError) {
        self.lock().start_error = Some(error);
    }

    pub(crate) fn start_error(&self) -> Option<CommandError> {
        self.lock().start_error.clone()
    }

    /// Reads or changes the folders before.
    pub(crate) fn recent<T>(&self, act: impl FnOnce(&mut Recent) -> T) -> T {
        act(&mut self.lock().recent)
    }

    /// The page listens on this channel from now on.
    pub(crate) fn set_page(&self, page: Channel<HostEvent>) {
        let mut inner = self.lock();
        let watch = inner.engine.as_ref().map(|engine| stream::watch(engine, page.clone()));
        let before = std::mem::replace(&mut inner.watch, watch);
        inner.page = Some(page);
        drop(inner);
        drop(before);
    }

    /// Whether the page is now asked about closing; false when it was asked already and did not answer, or is not there.
    pub(crate) fn ask_about_closing(&self) -> bool {
        let mut inner = self.lock();
        let asked_before = std::mem::replace(&mut inner.closing, true);
        let Some(page) = inner.page.clone().filter(|_| !asked_before) else { return false };
        drop(inner);
        stream::tell(&page, HostEvent::Shell(ShellEvent::CloseAsked));
        true
    }

    /// Tells the page, unless the state is being used: whoever panics may be the one who uses it.
    pub(crate) fn tell_page_if_free(&self, event: ShellEvent) {
        let page = self.inner.try_lock().ok().and_then(|inner| inner.page.clone());
        if let Some(page) = page {
            stream::tell(&page, HostEvent::Shell(event));
        }
    }

    pub(crate) fn closing_was_answered(&self) {
        self.lock().closing = false;
    }
}
