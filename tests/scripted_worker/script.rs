//! The arguments: what to do, and with which figures.

use std::collections::HashMap;
use std::time::Duration;

/// What to do.
pub(crate) struct Script {
    /// The first argument.
    pub(crate) behaviour: String,
    keys: HashMap<String, String>,
}

impl Script {
    pub(crate) fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Self {
        let behaviour = arguments.next().expect("the first argument is a behaviour");
        let pair = |word: String| word.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
        Self { behaviour, keys: arguments.filter_map(pair).collect() }
    }

    pub(crate) fn text(&self, key: &str, default: &'static str) -> &str {
        self.keys.get(key).map_or(default, String::as_str)
    }

    pub(crate) fn number(&self, key: &str, default: u64) -> u64 {
        self.keys.get(key).map_or(default, |value| value.parse().expect("numbers are whole and not negative"))
    }

    pub(crate) fn milliseconds(&self, key: &str, default: u64) -> Duration {
        Duration::from_millis(self.number(key, default))
    }
}

/// Work that takes time and nothing else.
#[expect(clippy::disallowed_methods, reason = "a scripted worker stands for one that works in real time")]
pub(crate) fn wait(duration: Duration) {
    std::thread::sleep(duration);
}

/// Until someone ends this process.
pub(crate) fn wait_for_ever() -> ! {
    loop {
        wait(Duration::from_hours(1));
    }
}
