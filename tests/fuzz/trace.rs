//! Power traces as bytes: what a broken disk returns, and what a sound envelope around broken data would hold.

use lem_measure::{Channel, Sample};
use lem_store::codec::{self, decode, encode};
use zstd::bulk::{compress, decompress};

use crate::corpus::shape;
use crate::hunt::{Target, hunt};

/// Lengths that lie, numbers that do not end, flags of columns.
const WORDS: &[&str] =
    &["\u{0}", "\u{1}", "\u{2}", "\u{3}", "\u{4}", "\u{7f}", "\u{7f}\u{7f}", "\u{0}\u{0}\u{0}\u{0}"];

#[test]
fn any_bytes_are_samples_or_an_error() {
    let seeds = payloads().iter().map(|payload| in_envelope(payload)).collect();
    hunt(Target { name: "trace", seeds, words: WORDS }, decoded);
}

#[test]
fn any_data_in_a_sound_envelope_is_samples_or_an_error() {
    hunt(Target { name: "trace-data", seeds: payloads(), words: WORDS }, |input| {
        decoded(&in_envelope(input))
    });
}

fn decoded(bytes: &[u8]) -> String {
    match decode(bytes) {
        Err(fault) => shape(&fault.to_string()),
        Ok(samples) => {
            assert!(samples.len() <= codec::MAX_SAMPLES, "{} samples", samples.len());
            let once = repacked(&samples);
            let times = |samples: &[Sample]| samples.iter().map(|sample| sample.t_ns).collect::<Vec<_>>();
            assert_eq!(times(&samples), times(&once), "times are exact");
            assert_eq!(present(&samples), present(&once), "no reading appears or is lost");
            assert!(same(&once, &repacked(&once)), "packing again and again drifts");
            format!("{} samples of {:?}", samples.len().min(9), present(&samples).first())
        }
    }
}

fn repacked(samples: &[Sample]) -> Vec<Sample> {
    decode(&encode(samples).expect("what was unpacked can be packed"))
        .expect("what was packed can be unpacked")
}

fn present(samples: &[Sample]) -> Vec<[bool; Channel::COUNT]> {
    samples.iter().map(|sample| Channel::ALL.map(|channel| sample.get(channel).is_some())).collect()
}

fn same(one: &[Sample], other: &[Sample]) -> bool {
    let bits = |sample: &Sample| Channel::ALL.map(|channel| sample.get(channel).map(f64::to_bits));
    one.iter().map(bits).eq(other.iter().map(bits))
}

fn in_envelope(payload: &[u8]) -> Vec<u8> {
    let frame = compress(payload, 1).expect("memory suffices");
    [&[codec::VERSION], frame.as_slice()].concat()
}

/// The data of some traces without their envelope.
fn payloads() -> Vec<Vec<u8>> {
    let full = |n: u32| {
        let index = f64::from(n);
        Sample::at(i64::from(n) * 50_000_000)
            .with(Channel::Power, 300.0 + index)
            .with(Channel::Energy, 1e6 + 15.0 * index)
            .with(Channel::MemoryUsed, 2e10)
    };
    let sparse = |n: u32| {
        if n.is_multiple_of(3) { full(n).with(Channel::Temperature, 55.5) } else { Sample::at(i64::from(n)) }
    };
    let huge =
        |n: u32| Sample::at(i64::MAX - i64::from(n)).with(Channel::Energy, 1e300).with(Channel::Power, -0.25);
    let traces: [Vec<Sample>; 4] =
        [vec![], (0..20).map(full).collect(), (0..40).map(sparse).collect(), (0..5).map(huge).collect()];
    traces
        .iter()
        .map(|samples| {
            let blob = encode(samples).expect("a few samples fit");
            decompress(&blob[1..], 1 << 20).expect("it was compressed just now")
        })
        .collect()
}
