//! Stop, pause and skip: what a person may ask of a running campaign.

use std::sync::Arc;

use tokio::sync::{Notify, watch};

/// The asking end. Cheap to clone; every clone asks the same campaign.
#[derive(Debug, Clone)]
pub struct Controller {
    stop: watch::Sender<bool>,
    pause: watch::Sender<bool>,
    skip: Arc<Notify>,
}

/// The campaign's end.
#[derive(Debug, Clone)]
pub struct Control {
    stop: watch::Receiver<bool>,
    pause: watch::Receiver<bool>,
    skip: Arc<Notify>,
}

impl Controller {
    /// A controller and the control to hand to the campaign.
    pub fn new() -> (Self, Control) {
        let (stop, stopped) = watch::channel(false);
        let (pause, paused) = watch::channel(false);
        let skip = Arc::new(Notify::new());
        (Self { stop, pause, skip: Arc::clone(&skip) }, Control { stop: stopped, pause: paused, skip })
    }

    /// Ends the campaign now: the worker is stopped, what was measured is kept, and the campaign can be resumed.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits after the present run until [`Self::go_on`].
    pub fn pause(&self) {
        self.pause.send_replace(true);
    }

    /// Ends a pause.
    pub fn go_on(&self) {
        self.pause.send_replace(false);
    }

    /// Ends the present gap; without one, nothing happens.
    pub fn skip_gap(&self) {
        self.skip.notify_waiters();
    }
}

impl Control {
    /// Ends when the campaign is to stop.
    pub async fn stopped(&self) {
        wait_for(self.stop.clone(), true).await;
    }

    /// Whether the campaign is to stop.
    pub fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// Ends when the campaign is not paused.
    pub async fn not_paused(&self) {
        wait_for(self.pause.clone(), false).await;
    }

    /// Ends when someone skips the gap, from now on.
    pub async fn skipped(&self) {
        self.skip.notified().await;
    }
}

/// A controller that is gone can ask nothing more, so this then waits for ever.
async fn wait_for(mut receiver: watch::Receiver<bool>, wanted: bool) {
    if receiver.wait_for(|value| *value == wanted).await.is_err() {
        std::future::pending::<()>().await;
    }
}
