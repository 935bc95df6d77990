//! Which model it was: a hash that is cheap even for large files.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::effective::hex;

/// How much is read at the beginning, in the middle and at the end of a file.
const SAMPLE_BYTES: u64 = 1 << 20;

/// A hash over the names, the sizes, and the first, middle and last mebibyte of `files`. Weights that were trained
/// further differ everywhere, so samples tell models apart; the name of the hash says that they are samples.
pub(super) fn of(files: &[&Path]) -> io::Result<String> {
    let mut hash = Sha256::new();
    for path in files {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        hash.update(path.file_name().unwrap_or_default().as_encoded_bytes());
        hash.update([0]);
        hash.update(size.to_le_bytes());
        let last = size.saturating_sub(SAMPLE_BYTES);
        for start in [0, last / 2, last] {
            file.seek(SeekFrom::Start(start))?;
            io::copy(&mut (&mut file).take(SAMPLE_BYTES), &mut Digesting(&mut hash))?;
        }
    }
    Ok(format!("sampled-sha256:{}", hex(&hash.finalize())))
}

/// A hash that can be written to.
struct Digesting<'a>(&'a mut Sha256);

impl io::Write for Digesting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_byte_at_either_end_changes_the_revision() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        let revision = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            of(&[&path]).unwrap()
        };
        let original = vec![7; 3 << 20];
        let with = |at: usize| {
            let mut changed = original.clone();
            changed[at] = 8;
            revision(&changed)
        };
        assert_eq!(revision(&original), revision(&original));
        assert_ne!(revision(&original), with(0));
        assert_ne!(revision(&original), with((3 << 20) / 2));
        assert_ne!(revision(&original), with((3 << 20) - 1));
    }
}
