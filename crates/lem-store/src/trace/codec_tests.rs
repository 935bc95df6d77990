//! Rules of the codec, on samples as meters send them and on bytes as a broken disk returns them.

use proptest::prelude::*;

use super::*;

/// Samples at random times, each channel read or not, within `range`.
fn samples(range: std::ops::Range<f64>) -> impl Strategy<Value = Vec<Sample>> {
    let reading = proptest::option::weighted(0.7, range);
    let sample = (any::<i64>(), proptest::collection::vec(reading, Channel::COUNT));
    proptest::collection::vec(sample, 0..60).prop_map(|rows| {
        rows.into_iter()
            .map(|(t_ns, readings)| {
                let mut sample = Sample::at(t_ns);
                for (channel, reading) in Channel::ALL.into_iter().zip(readings) {
                    if let Some(reading) = reading {
                        sample.set(channel, reading);
                    }
                }
                sample
            })
            .collect()
    })
}

fn unpacked(samples: &[Sample]) -> Vec<Sample> {
    decode(&encode(samples).unwrap()).unwrap()
}

/// All readings, missing ones as `None`: two samples that both lack a channel are alike.
fn table(samples: &[Sample]) -> Vec<(i64, Vec<Option<f64>>)> {
    samples.iter().map(|s| (s.t_ns, Channel::ALL.iter().map(|c| s.get(*c)).collect())).collect()
}

fn assert_within_resolution(written: &[Sample], read: &[Sample]) {
    assert_eq!(written.len(), read.len());
    for (w, r) in written.iter().zip(read) {
        assert_eq!(w.t_ns, r.t_ns, "times are exact");
        for channel in Channel::ALL {
            match (w.get(channel), r.get(channel)) {
                (None, None) => {}
                (Some(w), Some(r)) => {
                    let allowed = channel.resolution() * 0.5001;
                    assert!((w - r).abs() <= allowed, "{} {w} came back as {r}", channel.name());
                }
                other => panic!("{}: presence changed: {other:?}", channel.name()),
            }
        }
    }
}

/// `n` samples of six channels, as a GPU under a varying load gives them: power in mW, a counter in mJ.
fn realistic(n: u32) -> Vec<Sample> {
    let mut noise = 1_u64;
    let mut random = move || {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(noise >> 33).unwrap()) / f64::from(1_u32 << 31)
    };
    let (mut t_ns, mut energy) = (1_000_000_000_i64, 5.0e6);
    (0..n)
        .map(|i| {
            t_ns += 50_000_000 + i64::from(i % 7) * 9_000 + i64::from(i.wrapping_mul(2_654_435_761) % 40_000);
            let power =
                ((300.0 + 200.0 * (f64::from(i) / 300.0).sin() + 12.0 * random()) * 1e3).round() / 1e3;
            energy += (power * 50.0).round() / 1e3;
            Sample::at(t_ns)
                .with(Channel::Power, power)
                .with(Channel::Energy, energy)
                .with(Channel::Temperature, (40.0 + power / 15.0).round())
                .with(Channel::SmClock, 1410.0 - 15.0 * (random() * 4.0).floor())
                .with(Channel::Utilization, (power / 5.5).min(100.0).round())
                .with(Channel::MemoryUsed, 4.2e10)
        })
        .collect()
}

proptest! {
    #[test]
    fn samples_come_back_to_the_resolution_of_their_channel(samples in samples(-1e6..1e6)) {
        assert_within_resolution(&samples, &unpacked(&samples));
    }

    #[test]
    fn readings_too_large_to_count_come_back_exactly(samples in samples(1e17..f64::MAX)) {
        prop_assert_eq!(table(&samples), table(&unpacked(&samples)));
    }

    #[test]
    fn packing_again_changes_nothing(samples in samples(-1e9..1e9)) {
        let once = unpacked(&samples);
        prop_assert_eq!(table(&once), table(&unpacked(&once)));
    }

    #[test]
    fn any_bytes_are_an_error_or_samples_but_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&bytes);
        // Past the envelope, too.
        let _ = decode(&blob::pack(VERSION, &bytes).unwrap());
    }

    #[test]
    fn a_changed_byte_is_noticed(at in 0_usize..2000, flip in 1_u8..=255) {
        let mut bytes = encode(&realistic(200)).unwrap();
        let at = at % bytes.len();
        bytes[at] ^= flip;
        prop_assert!(decode(&bytes).ok().is_none_or(|read| table(&read) == table(&unpacked(&realistic(200)))));
    }
}

#[test]
fn a_reading_in_whole_steps_comes_back_bit_for_bit() {
    let written = Sample::at(7).with(Channel::Power, 12.345).with(Channel::Energy, 1_234_567.891_234);
    assert_eq!(table(&[written]), table(&unpacked(&[written])));
}

#[test]
fn no_samples_are_no_samples() {
    assert_eq!(unpacked(&[]).len(), 0);
}

#[test]
fn a_channel_that_was_never_read_costs_nothing() {
    let lean: Vec<_> = (0..500).map(|i| Sample::at(i * 50_000_000).with(Channel::Power, 100.0)).collect();
    let more: Vec<_> = lean.iter().map(|s| s.with(Channel::Temperature, 0.0)).collect();
    let before_compression = |samples: &[Sample]| {
        let bytes = encode(samples).unwrap();
        blob::unpack(&bytes[1..], MAX_BYTES).unwrap().len()
    };
    let flags_and_a_byte_a_sample = 1 + 500;
    assert_eq!(before_compression(&more), before_compression(&lean) + flags_and_a_byte_a_sample);
}

#[test]
fn six_channels_take_at_most_twelve_bytes_a_sample() {
    let n = u32::try_from(CHUNK_SAMPLES).unwrap();
    let bytes = encode(&realistic(n)).unwrap().len();
    assert!(bytes <= 12 * CHUNK_SAMPLES, "{bytes} bytes for {n} samples");
}

#[test]
fn more_samples_than_a_blob_holds_are_refused() {
    let error = encode(&vec![Sample::at(0); MAX_SAMPLES + 1]).unwrap_err();
    insta::assert_snapshot!(error, @"65537 samples are more than the 65536 that fit");
}

#[test]
fn what_is_wrong_with_bytes_is_said() {
    let mut lies = Vec::new();
    write_varint(&mut lies, 60_000);
    let wrong = [
        vec![],
        vec![9, 1, 2],
        vec![VERSION, 1, 2],
        blob::pack(VERSION, &lies).unwrap(),
        blob::pack(VERSION, &[0xff; 5]).unwrap(),
        blob::pack(VERSION, &[0, 0, 0]).unwrap(),
        blob::pack(VERSION, &[1, 2, 1, 4, 0]).unwrap(),
        blob::pack(VERSION, &[0, 0xff, 0xff, 1]).unwrap(),
        blob::pack(VERSION, &[0xff; 11]).unwrap(),
    ];
    let messages: Vec<_> = wrong.iter().map(|bytes| decode(bytes).unwrap_err().to_string()).collect();
    insta::assert_snapshot!(messages.join("\n"));
}
