//! How busy the host is at one moment. It is stored with a run and is no part of the snapshot, whose hash it would move.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::machine;

/// The state of the host. What cannot be read is `None`. Read it before a worker is started: afterwards it is the
/// worker's state too.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct HostState {
    /// Processes that ran or waited for the disk, averaged over the last 1, 5 and 15 minutes. Divide by the logical
    /// cores of the snapshot: 1 and more is a machine without time to spare.
    pub load_average: Option<[f64; 3]>,
    /// Bytes of swap in use.
    pub swap_used_bytes: Option<u64>,
    /// The frequency governor of all CPUs, `mixed` where they differ.
    pub governor: Option<String>,
}

impl HostState {
    /// Reads the state of now: three kinds of small files, some microseconds each.
    pub fn read() -> Self {
        Self::beneath(Path::new("/"))
    }

    fn beneath(root: &Path) -> Self {
        Self {
            load_average: machine::line(root, "proc/loadavg").and_then(|line| load_average(&line)),
            swap_used_bytes: machine::swap_used(root),
            governor: machine::governor(root),
        }
    }
}

fn load_average(line: &str) -> Option<[f64; 3]> {
    let numbers: Vec<f64> = line.split_whitespace().take(3).map_while(|word| word.parse().ok()).collect();
    numbers.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_is_three_numbers_or_unknown() {
        assert_eq!(load_average("0.50 1.25 2.00 3/300 4711"), Some([0.5, 1.25, 2.0]));
        assert_eq!(load_average("0.50 high"), None);
    }

    #[test]
    fn nothing_fails_where_nothing_can_be_read() {
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(HostState::beneath(empty.path()), HostState::default());
        assert!(HostState::read().load_average.is_some(), "this machine has a load");
    }
}
