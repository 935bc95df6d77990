//! The envelope of every blob: one byte of version, then a zstd frame with a checksum.
//!
//! The checksum is there because a flipped bit would otherwise be read as a number.

use std::io;

use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::CParameter;

/// Fast enough for a million samples a second on one core; higher levels gain a few percent.
const LEVEL: i32 = 3;

/// Wraps `payload`.
pub(crate) fn pack(version: u8, payload: &[u8]) -> io::Result<Vec<u8>> {
    let mut compressor = Compressor::new(LEVEL)?;
    compressor.set_parameter(CParameter::ChecksumFlag(true))?;
    let frame = compressor.compress(payload)?;
    let mut blob = Vec::with_capacity(1 + frame.len());
    blob.push(version);
    blob.extend_from_slice(&frame);
    Ok(blob)
}

/// The version of a blob and its frame; `None` for an empty one.
pub(crate) fn split(blob: &[u8]) -> Option<(u8, &[u8])> {
    blob.split_first().map(|(version, frame)| (*version, frame))
}

/// Unwraps a frame. An error if it is damaged or holds more than `limit` bytes; never allocates more than that.
pub(crate) fn unpack(frame: &[u8], limit: usize) -> io::Result<Vec<u8>> {
    Decompressor::new()?.decompress(frame, limit)
}
