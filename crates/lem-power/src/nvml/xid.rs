//! Critical errors of GPUs (Xid), which the driver tells to those alone who have registered before they occur.
//!
//! A thread of its own registers and asks ten times a second, each time without waiting. So it ends at once, and a driver
//! that would hold a lock while somebody waits for an event cannot hold up the sampler. It opens the library for itself:
//! a meter that opens a lost device again finds the library closed only when nobody listens.
//!
//! Nothing fails here: a GPU that cannot be listened to says why.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::Duration;

use nvml_wrapper::Nvml;
use nvml_wrapper::bitmasks::event::EventTypes;
use nvml_wrapper::enums::event::XidError;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::event::EventSet;
use serde::{Deserialize, Serialize};

use super::error::reason;
use super::why_closed;
use crate::clock::now_ns;

/// The driver is asked so often. An error is told by this much late at most.
pub const ASK_MS: u32 = 100;

/// What the driver calls an error that it does not know itself (nvml.h, `nvmlEventData_t`).
pub const UNKNOWN_XID: u64 = 999;

/// Errors kept of one GPU: a board that fails may report without end.
const MOST_ERRORS: usize = 100;

/// A driver that does not answer is not waited for any longer at the end.
const LAST_ANSWER: Duration = Duration::from_secs(1);

/// A critical error that the driver has reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Xid {
    /// Its number in NVIDIA's catalogue. Of several errors within [`ASK_MS`] each has the number of the last (nvml.h).
    pub number: u64,
    /// When it was told, by `CLOCK_MONOTONIC` in nanoseconds.
    pub t_ns: i64,
}

/// What was heard of one GPU.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Xids {
    /// Its errors, oldest first; the first hundred.
    pub errors: Vec<Xid>,
    /// Why errors may have been missed, where they may.
    pub deaf: Option<String>,
}

type Heard = BTreeMap<String, Xids>;

/// A thread that listens. Dropping this ends it.
#[derive(Debug)]
pub struct Listening {
    heard: Arc<Mutex<Heard>>,
    /// Dropped to end the thread.
    end: Sender<()>,
    ended: Receiver<()>,
}

/// Begins to listen to these GPUs, by their ids; returns at once.
pub(super) fn listen(library: Option<PathBuf>, devices: &[&str]) -> Listening {
    let waiting = Xids { deaf: Some("the driver has not answered yet".into()), ..Xids::default() };
    let heard = devices.iter().map(|id| ((*id).to_owned(), waiting.clone())).collect();
    let heard = Arc::new(Mutex::new(heard));
    let ((end, ending), (ending_seen, ended)) = (channel(), channel());
    let ear = Ear { heard: Arc::clone(&heard), ending };
    if !devices.is_empty() {
        let started = Builder::new().name("lem-xid".into()).spawn(move || {
            ear.run(library.as_deref());
            // Nobody may be waiting for it any more.
            let _ = ending_seen.send(());
        });
        if let Err(error) = started {
            let why = format!("the thread that listens could not be started: {error}");
            lock(&heard).values_mut().for_each(|xids| xids.deaf = Some(why.clone()));
        }
    }
    Listening { heard, end, ended }
}

impl Listening {
    /// What was heard so far, for each GPU by its id.
    pub fn heard(&self) -> BTreeMap<String, Xids> {
        lock(&self.heard).clone()
    }

    /// Asks once more, ends, and gives what was heard. Blocks for a driver call, for a second at most where the driver
    /// does not answer.
    pub fn finish(self) -> BTreeMap<String, Xids> {
        let Self { heard, end, ended } = self;
        drop(end);
        // Also over where the thread never was, or has ended already.
        let _ = ended.recv_timeout(LAST_ANSWER);
        lock(&heard).clone()
    }
}

/// What lives on the thread.
struct Ear {
    heard: Arc<Mutex<Heard>>,
    ending: Receiver<()>,
}

impl Ear {
    fn run(&self, library: Option<&Path>) {
        let ids: Vec<String> = lock(&self.heard).keys().cloned().collect();
        let nvml = match super::load(library) {
            Ok(nvml) => nvml,
            Err(error) => {
                let why = why_closed(error);
                return ids.iter().for_each(|id| self.note(id, |xids| xids.deaf = Some(why.clone())));
            }
        };
        let mut sets: Vec<(String, EventSet<'_>)> = Vec::new();
        for id in ids {
            match register(&nvml, &id) {
                Ok(set) => {
                    self.note(&id, |xids| xids.deaf = None);
                    sets.push((id, set));
                }
                Err(error) => self.note(&id, |xids| xids.deaf = Some(reason(&error))),
            }
        }
        let pause = Duration::from_millis(u64::from(ASK_MS));
        loop {
            let goes_on = self.ending.recv_timeout(pause) == Err(RecvTimeoutError::Timeout);
            sets.retain(|(id, set)| self.ask(id, set));
            if !goes_on || sets.is_empty() {
                return;
            }
        }
    }

    /// Takes the errors that a GPU has had since the last time; whether it can be asked again.
    fn ask(&self, id: &str, set: &EventSet<'_>) -> bool {
        // Bounded, so that the end comes also while errors do.
        for _ in 0..MOST_ERRORS {
            match set.wait(0) {
                Ok(event) => {
                    let Some(error) = event.event_data else { continue };
                    let number = match error {
                        XidError::Value(number) => number,
                        XidError::Unknown => UNKNOWN_XID,
                    };
                    let xid = Xid { number, t_ns: now_ns() };
                    self.note(id, |xids| {
                        if xids.errors.len() < MOST_ERRORS {
                            xids.errors.push(xid);
                        }
                    });
                }
                Err(NvmlError::Timeout) => return true,
                Err(error) => {
                    self.note(id, |xids| xids.deaf = Some(reason(&error)));
                    return false;
                }
            }
        }
        true
    }

    fn note(&self, id: &str, note: impl FnOnce(&mut Xids)) {
        if let Some(xids) = lock(&self.heard).get_mut(id) {
            note(xids);
        }
    }
}

/// A set of events of one GPU: a set of several would name the GPU by a call that fails where it is lost.
fn register<'nvml>(nvml: &'nvml Nvml, id: &str) -> Result<EventSet<'nvml>, NvmlError> {
    let gpu = nvml.device_by_uuid(id)?;
    if !gpu.supported_event_types()?.contains(EventTypes::CRITICAL_XID_ERROR) {
        return Err(NvmlError::NotSupported);
    }
    let set = nvml.create_event_set()?;
    gpu.register_events(EventTypes::CRITICAL_XID_ERROR, set).map_err(|failed| failed.error)
}

/// A panic while it is held leaves what was heard.
fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}
