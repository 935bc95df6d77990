//! Who works on a campaign: a locked file beside the database. The kernel frees it when the holder dies, so a
//! campaign that is marked as running and held by nobody was cut off.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// A campaign that this process works on.
#[derive(Debug)]
pub(crate) struct Hold {
    path: PathBuf,
    _file: File,
}

impl Drop for Hold {
    fn drop(&mut self) {
        // A file that stays is harmless: what counts is its lock.
        let _ = fs::remove_file(&self.path);
    }
}

fn path(results: &Path, campaign_id: &str) -> PathBuf {
    results.join(format!(".{campaign_id}.held"))
}

/// How often a lock is tried: someone may be looking at it, or be removing its file, at this very moment.
const TRIES: u32 = 20;

/// Takes a campaign; `None` when another process has it.
pub(crate) fn take(results: &Path, campaign_id: &str) -> Result<Option<Hold>, Error> {
    let path = path(results, campaign_id);
    fs::create_dir_all(results).map_err(|e| Error::file("created", results, &e))?;
    for _ in 0..TRIES {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(|e| Error::file("opened", &path, &e))?;
        if file.try_lock().is_ok() && is_at(&file, &path) {
            return Ok(Some(Hold { path, _file: file }));
        }
        wait_a_little();
    }
    Ok(None)
}

/// Whether a file that was opened at a path is still there: its last holder may have removed it meanwhile.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(opened), Ok(there)) => opened.ino() == there.ino(),
        _ => false,
    }
}

#[expect(clippy::disallowed_methods, reason = "another process is about to let go in real time")]
fn wait_a_little() {
    std::thread::sleep(std::time::Duration::from_millis(10));
}

/// Whether some process works on a campaign.
pub(crate) fn is_held(results: &Path, campaign_id: &str) -> bool {
    File::open(path(results, campaign_id)).is_ok_and(|file| file.try_lock_shared().is_err())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_campaign_is_held_by_one_and_free_when_the_holder_is_gone() {
        let results = tempfile::tempdir().expect("temporary folder");
        assert!(!is_held(results.path(), "c1"));
        let hold = take(results.path(), "c1").expect("writable").expect("free");
        assert!(is_held(results.path(), "c1"));
        assert!(take(results.path(), "c1").expect("writable").is_none());
        assert!(is_held(results.path(), "c1"), "a taker that was refused changes nothing");
        drop(hold);
        assert!(!is_held(results.path(), "c1"));
        assert_eq!(fs::read_dir(results.path()).expect("lists").count(), 0);
    }
}
