//! Starting, steering and watching a campaign that runs beside the program's own work.

use std::path::Path;

use lem_campaign::run::{Control, Controller};
use lem_measure::Channel;
use lem_spec::campaign::Overrides;

use super::fold::Fold;
use super::monitor::Monitor;
use super::state::Live;
use super::{EndedStatus, LiveEvent, Steer};
use crate::Engine;
use crate::campaigns::Ready;
use crate::error::{Error, ErrorCode};
use crate::window::Window;

/// Someone who watches. Dropping it ends the watching.
#[derive(Debug)]
pub struct Watch {
    live: Live,
    number: u64,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.live.forget(self.number);
    }
}

impl Engine {
    /// Tells `listener` the state at once and then everything that changes. It is called on the engine's threads, must
    /// not block, and must not call the engine. The first watcher makes the engine sample while no campaign runs.
    pub fn watch(&self, listener: impl Fn(LiveEvent) + Send + Sync + 'static) -> Watch {
        let number = self.live.listen(Box::new(listener));
        self.monitor();
        Watch { live: self.live.clone(), number }
    }

    /// Whether a campaign runs in this engine.
    pub fn is_running(&self) -> bool {
        self.live.lock().is_running()
    }

    /// Starts a campaign and returns its id as soon as it is stored; it runs on the present tokio runtime.
    pub async fn start(&self, file: &Path, overrides: &Overrides) -> Result<String, Error> {
        let claim = Claim::take(self)?;
        let ready = self.ready(file, overrides).await?;
        Ok(self.conduct(claim, ready))
    }

    /// Goes on with a campaign that was interrupted, as [`Self::start`].
    pub async fn start_again(&self, id: &str) -> Result<String, Error> {
        let claim = Claim::take(self)?;
        let ready = self.begin_again(id).await?;
        Ok(self.conduct(claim, ready))
    }

    /// Asks something of the running campaign.
    pub fn steer(&self, action: Steer) -> Result<(), Error> {
        let state = self.live.lock();
        let Some(controller) = &state.controller else {
            return Err(Error::new(ErrorCode::NotFound, "no campaign is running"));
        };
        let (pause, stop) = match action {
            Steer::Stop => {
                controller.stop();
                (None, true)
            }
            Steer::Pause => {
                controller.pause();
                (Some(true), false)
            }
            Steer::GoOn => {
                controller.go_on();
                (Some(false), false)
            }
            Steer::SkipGap => {
                controller.skip_gap();
                return Ok(());
            }
        };
        drop(state);
        self.live.change(|fold, at| fold.asked(pause, stop, at));
        Ok(())
    }

    /// Stops the campaign, if one runs, and waits until what was measured is stored.
    pub async fn finish(&self) {
        if self.steer(Steer::Stop).is_err() {
            return;
        }
        let (sender, mut ended) = tokio::sync::mpsc::unbounded_channel();
        let watch = self.live.listen(Box::new(move |_| {
            // Nobody listens any more once the campaign has ended.
            let _ = sender.send(());
        }));
        while self.is_running() && ended.recv().await.is_some() {}
        self.live.forget(watch);
    }

    /// The traces of the present devices between two seconds of the live clock, in at most `buckets` buckets.
    pub fn live_window(&self, from_s: f64, to_s: f64, buckets: usize, channel: Channel) -> Window {
        self.live.window(from_s, to_s, buckets, channel)
    }

    /// Samples for whoever watches, unless a campaign does.
    fn monitor(&self) {
        let mut state = self.live.lock();
        if !state.is_running() && state.monitor.is_none() {
            state.monitor = Monitor::start(self.live.clone(), self.options.meter.clone());
        }
    }

    fn conduct(&self, claim: Claim, ready: Ready) -> String {
        let id = ready.id.clone();
        {
            let mut state = self.live.lock();
            let now_s = state.moment().now_s;
            state.fold = Some(Fold::new(&id, ready.plan(), ready.todo(), ready.done(), now_s));
            state.set_interval(Some(ready.interval_ms()));
            state.tell_snapshot();
        }
        tokio::spawn(claim.conduct(ready));
        id
    }
}

/// The right to run the one campaign of an engine. While it lasts the monitor is silent.
struct Claim {
    engine: Engine,
    control: Option<Control>,
}

impl Claim {
    fn take(engine: &Engine) -> Result<Self, Error> {
        let mut state = engine.live.lock();
        if state.is_running() {
            let error = Error::new(ErrorCode::Conflict, "a campaign is running already");
            return Err(error.with_hint("wait for it, or stop it"));
        }
        state.begin_clock();
        let (controller, control) = Controller::new();
        state.controller = Some(controller);
        let monitor = state.monitor.take();
        drop(state);
        // Waits for its sampler, which may be waiting for the lock.
        drop(monitor);
        Ok(Self { engine: engine.clone(), control: Some(control) })
    }

    async fn conduct(mut self, ready: Ready) {
        let Some(control) = self.control.take() else { return };
        let (id, name) = (ready.id.clone(), ready.plan().name.clone());
        let live = self.engine.live.clone();
        let show = move |event: &_| live.fact(event);
        let ended = self.engine.execute(ready, &control, &show).await;
        if let Err(error) = &ended {
            tracing::error!("the campaign could not go on: {error}");
            let Error { message, hint, .. } = error.clone();
            self.engine.live.change(|fold, at| {
                if fold.has_ended() {
                    return Vec::new();
                }
                fold.end(EndedStatus::Failed, Some(message), hint, at)
            });
        }
        let engine = self.engine.clone();
        // The next campaign need not wait for a webhook that does not answer.
        drop(self);
        engine.call_webhook(&id, &name, &ended).await;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.engine.live.lock().controller = None;
        self.engine.live.sampling(None, None, None);
        self.engine.monitor();
    }
}
