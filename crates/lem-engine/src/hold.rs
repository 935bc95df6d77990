//! Who works on a campaign: a locked file beside the database. The kernel frees it when the holder dies, so a
//! campaign that is marked as running and held by nobody was cut off.

use std::fs::{self, File, OpenOptions};
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

/// Takes a campaign; `None` when another process has it.
pub(crate) fn take(results: &Path, campaign_id: &str) -> Result<Option<Hold>, Error> {
    let path = path(results, campaign_id);
    fs::create_dir_all(results).map_err(|e| Error::file("created", results, &e))?;
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(|e| Error::file("opened", &path, &e))?;
    // Built only when it is ours: dropping one removes the holder's file.
    Ok(file.try_lock().is_ok().then(|| Hold { path, _file: file }))
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
