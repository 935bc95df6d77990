//! What the desktop does for a campaign: it stays awake while one runs, shows progress in the tray, and says when it is
//! over. The page may be closed meanwhile.

use std::sync::Mutex;

use keepawake::KeepAwake;
use lem_engine::Engine;
use lem_engine::live::{EndedNow, EndedStatus, LiveEvent, Now, NowState, Watch};
use tauri::AppHandle;
use tauri_plugin_notification::NotificationExt as _;

use crate::tray;

/// What is held while a campaign runs.
#[derive(Default)]
struct Attendance {
    awake: Option<KeepAwake>,
    running: bool,
    told: Option<(u32, NowState)>,
}

/// Attends to the campaigns of an engine until the watch is dropped.
pub(crate) fn attend(handle: &AppHandle, engine: &Engine) -> Watch {
    let handle = handle.clone();
    let (sender, receiver) = std::sync::mpsc::channel::<Now>();
    // Talks to the session bus, which may be slow; those who tell must not wait for it.
    let spawned = std::thread::Builder::new().name("lem-attend".into()).spawn(move || {
        let attendance = Mutex::new(Attendance::default());
        for now in receiver {
            take(&handle, &attendance, &now);
        }
    });
    if let Err(error) = spawned {
        tracing::warn!("nobody attends to campaigns: {error}");
    }
    engine.watch(move |event| {
        let now = match event {
            LiveEvent::Now { now } => Some(now),
            LiveEvent::Snapshot { snapshot } => snapshot.campaign.map(|campaign| campaign.now),
            _ => None,
        };
        if let Some(now) = now {
            // The thread is gone only with the app.
            let _ = sender.send(now);
        }
    })
}

fn take(handle: &AppHandle, attendance: &Mutex<Attendance>, now: &Now) {
    let mut held = attendance.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let running = now.ended.is_none();
    if running && !held.running {
        held.awake = stay_awake();
    }
    if !running {
        held.awake = None;
        if let Some(ended) = now.ended.as_ref().filter(|_| held.running) {
            notify(handle, now, ended);
        }
    }
    held.running = running;
    // Ten times a second there is news; the tray shows what changes from run to run.
    let shown = Some((now.completed + now.failed, now.state));
    if held.told != shown {
        held.told = shown;
        tray::tell(handle, now);
    }
}

fn stay_awake() -> Option<KeepAwake> {
    let awake = keepawake::Builder::default()
        .idle(true)
        .sleep(true)
        .app_name("LEM Desktop")
        .app_reverse_domain("org.lem.desktop")
        .reason("a campaign is running")
        .create();
    awake.map_err(|error| tracing::warn!("this machine may fall asleep during the campaign: {error}")).ok()
}

fn notify(handle: &AppHandle, now: &Now, ended: &EndedNow) {
    let (title, rest) = match ended.status {
        EndedStatus::Completed => ("The campaign is complete", String::new()),
        EndedStatus::Failed => ("The campaign failed", format!(", {} not done", now.remaining)),
        EndedStatus::Interrupted => ("The campaign was stopped", format!(", {} not done", now.remaining)),
    };
    let body = format!("{} runs completed, {} failed{rest}", now.completed, now.failed);
    if let Err(error) = handle.notification().builder().title(title).body(body).show() {
        tracing::warn!("the end of the campaign cannot be notified: {error}");
    }
}
