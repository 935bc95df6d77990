//! Samples as bytes: a column for the times and one for each channel that was read, as deltas, compressed.
//!
//! Layout of version 1, inside the envelope of `blob.rs` (varints are LEB128, signed ones in zigzag):
//! - the number of samples;
//! - times in nanoseconds, as differences of differences: the sampling interval cancels out, its jitter remains;
//! - a bit for each channel of [`Channel::ALL`] that has at least one reading: an absent channel costs nothing;
//! - for each of those a byte of flags (`SPARSE`, `EXACT`), a bitmap of the samples that have it if some have not,
//!   and the readings as differences of integers.
//!
//! Readings are counted in steps of [`Channel::resolution`], so nothing finer than that survives. A channel with a
//! reading too large to be counted exactly keeps the bits of its floating-point numbers instead. Packing what was
//! unpacked gives the same readings again, so merging chunks cannot drift.

use std::io;

use lem_measure::{Channel, Sample};

use crate::blob;

/// The version that [`encode`] writes.
pub const VERSION: u8 = 1;

/// Samples in a chunk at rest: big enough to compress well, small enough to read only what a plot shows.
pub const CHUNK_SAMPLES: usize = 4096;

/// The most samples that one blob may hold.
pub const MAX_SAMPLES: usize = 65_536;

/// The most bytes a blob of [`MAX_SAMPLES`] can unpack to: ten for each varint, and a bitmap for each channel.
const MAX_BYTES: usize =
    64 + MAX_SAMPLES * (10 + Channel::COUNT * 10) + Channel::COUNT * (1 + MAX_SAMPLES / 8);

/// Some samples lack this channel: a bitmap says which have it.
const SPARSE: u8 = 1;

/// The integers are the bits of floating-point numbers, not counts of steps.
const EXACT: u8 = 2;

/// Counts up to here survive unpacking and packing unchanged: both roundings together stay below half a step.
const MAX_STEPS: f64 = 1_125_899_906_842_624.0; // 2^50

/// Why bytes are not samples, or samples cannot become bytes.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// More samples than a blob may hold.
    #[error("{0} samples are more than the {MAX_SAMPLES} that fit")]
    TooMany(usize),
    /// Written by a later version, or damaged.
    #[error("unknown encoding {0}")]
    UnknownVersion(u8),
    /// The compressed frame is damaged.
    #[error("it does not unpack: {0}")]
    Frame(io::Error),
    /// The bytes end too early.
    #[error("it ends too early")]
    Truncated,
    /// The bytes contradict themselves.
    #[error("{0}")]
    Malformed(&'static str),
}

/// Packs samples. An error only if they are more than [`MAX_SAMPLES`] or memory runs out.
pub fn encode(samples: &[Sample]) -> Result<Vec<u8>, CodecError> {
    if samples.len() > MAX_SAMPLES {
        return Err(CodecError::TooMany(samples.len()));
    }
    let mut out = Vec::with_capacity(64 + samples.len() * 16);
    write_varint(&mut out, samples.len() as u64);
    write_times(&mut out, samples);
    let columns: Vec<_> = Channel::ALL.into_iter().map(|channel| readings(samples, channel)).collect();
    let mask = columns.iter().enumerate().fold(0, |mask, (bit, c)| mask | u64::from(!c.is_empty()) << bit);
    write_varint(&mut out, mask);
    for (channel, column) in Channel::ALL.into_iter().zip(&columns) {
        if !column.is_empty() {
            write_column(&mut out, samples, channel, column);
        }
    }
    blob::pack(VERSION, &out).map_err(CodecError::Frame)
}

/// Unpacks samples. Any bytes are safe to give: those that [`encode`] did not write are an error.
pub fn decode(bytes: &[u8]) -> Result<Vec<Sample>, CodecError> {
    let (version, frame) = blob::split(bytes).ok_or(CodecError::Truncated)?;
    if version != VERSION {
        return Err(CodecError::UnknownVersion(version));
    }
    let payload = blob::unpack(frame, MAX_BYTES).map_err(CodecError::Frame)?;
    let mut input = Input(&payload);
    let mut samples = read_times(&mut input)?;
    let mask = input.varint()?;
    if mask >> Channel::COUNT != 0 {
        return Err(CodecError::Malformed("it has a channel that is not known"));
    }
    for (bit, channel) in Channel::ALL.into_iter().enumerate() {
        if mask >> bit & 1 == 1 {
            read_column(&mut input, channel, &mut samples)?;
        }
    }
    if !input.0.is_empty() {
        return Err(CodecError::Malformed("it has bytes left over"));
    }
    Ok(samples)
}

/// How the readings of a column become integers.
#[derive(Clone, Copy)]
enum Form {
    /// Counts of steps, so many to the unit.
    Steps(f64),
    /// The bits of the number. Their order is that of the numbers, so close readings have small differences.
    Bits,
}

impl Form {
    fn of(channel: Channel, flags: u8) -> Self {
        // Dividing by a whole number of steps, where multiplying with the resolution would round twice: 12.345 W
        // comes back as 12.345, not as 12.345000000000001.
        if flags & EXACT == 0 { Self::Steps((1.0 / channel.resolution()).round()) } else { Self::Bits }
    }

    #[expect(clippy::cast_possible_truncation, reason = "write_column counts steps only up to MAX_STEPS")]
    fn integer(self, reading: f64) -> i64 {
        match self {
            Self::Steps(per_unit) => (reading * per_unit).round() as i64,
            Self::Bits => reading.to_bits().cast_signed(),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts above 2^50 are not written")]
    fn reading(self, integer: i64) -> f64 {
        match self {
            Self::Steps(per_unit) => integer as f64 / per_unit,
            Self::Bits => f64::from_bits(integer.cast_unsigned()),
        }
    }
}

/// The readings of a channel, without the samples that lack it.
fn readings(samples: &[Sample], channel: Channel) -> Vec<f64> {
    samples.iter().filter_map(|sample| sample.get(channel)).collect()
}

fn write_times(out: &mut Vec<u8>, samples: &[Sample]) {
    let (mut last, mut step) = (0_i64, 0_i64);
    for sample in samples {
        let next = sample.t_ns.wrapping_sub(last);
        write_varint(out, zigzag(next.wrapping_sub(step)));
        (last, step) = (sample.t_ns, next);
    }
}

fn read_times(input: &mut Input<'_>) -> Result<Vec<Sample>, CodecError> {
    let n = usize::try_from(input.varint()?).unwrap_or(usize::MAX);
    if n > MAX_SAMPLES {
        return Err(CodecError::TooMany(n));
    }
    // Each time takes at least a byte, so a count that lies cannot make a large allocation.
    if n > input.0.len() {
        return Err(CodecError::Truncated);
    }
    let (mut last, mut step) = (0_i64, 0_i64);
    let mut samples = Vec::with_capacity(n);
    for _ in 0..n {
        step = step.wrapping_add(unzigzag(input.varint()?));
        last = last.wrapping_add(step);
        samples.push(Sample::at(last));
    }
    Ok(samples)
}

fn write_column(out: &mut Vec<u8>, samples: &[Sample], channel: Channel, column: &[f64]) {
    let Form::Steps(per_unit) = Form::of(channel, 0) else { unreachable!("no flag asks for bits") };
    let sparse = if column.len() < samples.len() { SPARSE } else { 0 };
    let exact = if column.iter().any(|r| (r * per_unit).abs() > MAX_STEPS) { EXACT } else { 0 };
    out.push(sparse | exact);
    if sparse != 0 {
        out.extend(samples.chunks(8).map(|eight| {
            eight
                .iter()
                .enumerate()
                .fold(0, |byte, (bit, s)| byte | u8::from(s.get(channel).is_some()) << bit)
        }));
    }
    let form = Form::of(channel, exact);
    let mut last = 0_i64;
    for reading in column {
        let integer = form.integer(*reading);
        write_varint(out, zigzag(integer.wrapping_sub(last)));
        last = integer;
    }
}

fn read_column(input: &mut Input<'_>, channel: Channel, samples: &mut [Sample]) -> Result<(), CodecError> {
    let flags = input.byte()?;
    if flags & !(SPARSE | EXACT) != 0 {
        return Err(CodecError::Malformed("it has a column in an unknown form"));
    }
    let form = Form::of(channel, flags);
    let bitmap = if flags & SPARSE == 0 { None } else { Some(input.take(samples.len().div_ceil(8))?) };
    let mut last = 0_i64;
    for (i, sample) in samples.iter_mut().enumerate() {
        if bitmap.is_none_or(|bytes| bytes[i / 8] >> (i % 8) & 1 == 1) {
            last = last.wrapping_add(unzigzag(input.varint()?));
            sample.set(channel, form.reading(last));
        }
    }
    Ok(())
}

/// Small numbers of either sign as small unsigned ones.
fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

#[expect(clippy::cast_possible_truncation, reason = "the low seven bits are what is wanted")]
fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// What has not been read yet.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> Result<u8, CodecError> {
        let (first, rest) = self.0.split_first().ok_or(CodecError::Truncated)?;
        self.0 = rest;
        Ok(*first)
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8], CodecError> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or(CodecError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64, CodecError> {
        let mut value = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(CodecError::Malformed("it has a number that does not end"))
    }
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
