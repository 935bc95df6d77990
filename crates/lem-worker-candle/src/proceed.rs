//! Waiting for the engine's word to end a warm-up.

use std::io::{self, BufRead as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the engine has said to go on.
pub(crate) struct Proceed(Arc<AtomicBool>);

impl Proceed {
    /// Listens to standard input in a thread of its own, which ends with the process. An input that ends says the same
    /// as a line: nobody is left to say it.
    pub(crate) fn listen() -> Self {
        let said = Arc::new(AtomicBool::new(false));
        let set = Arc::clone(&said);
        std::thread::spawn(move || {
            let _ = io::stdin().lock().read_line(&mut String::new());
            set.store(true, Ordering::Release);
        });
        Self(said)
    }

    /// Whether it was said.
    pub(crate) fn is_said(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
