//! Rules of the parts of a window, on signals whose energy is known.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::device::{DeviceInfo, DeviceKind, PowerSource, Provenance};
use crate::sample::{Channel, Sample};
use crate::signal::Signal;
use crate::trace::Trace;

const MS: i64 = 1_000_000;

fn served(start_ms: i64, first_token_ms: i64, end_ms: i64) -> Served {
    Served { start_ns: start_ms * MS, first_token_ns: first_token_ms * MS, end_ns: end_ms * MS }
}

/// Stretches as part, begin and end in milliseconds.
fn divided(window_ms: (i64, i64), requests: &[Served]) -> Vec<(Part, i64, i64)> {
    let stretches = stretches((window_ms.0 * MS, window_ms.1 * MS), requests);
    stretches.into_iter().map(|stretch| (stretch.part, stretch.start_ns / MS, stretch.end_ns / MS)).collect()
}

#[test]
fn one_request_after_the_other_is_read_and_answered_in_turn() {
    let requests = [served(10, 20, 50), served(50, 60, 90)];
    let expected = [
        (Part::Between, 0, 10),
        (Part::Prefill, 10, 20),
        (Part::Decode, 20, 50),
        (Part::Prefill, 50, 60),
        (Part::Decode, 60, 90),
        (Part::Between, 90, 100),
    ];
    assert_eq!(divided((0, 100), &requests), expected);
}

#[test]
fn a_request_that_is_read_while_another_is_answered_makes_the_stretch_mixed() {
    let requests = [served(0, 10, 60), served(30, 40, 80)];
    let expected = [
        (Part::Prefill, 0, 10),
        (Part::Decode, 10, 30),
        (Part::Mixed, 30, 40),
        (Part::Decode, 40, 80),
        (Part::Between, 80, 100),
    ];
    assert_eq!(divided((0, 100), &requests), expected);
}

#[test]
fn a_batch_is_read_together_and_answered_until_its_last_answer_ends() {
    let requests = [served(0, 20, 40), served(0, 20, 90), served(0, 20, 20)];
    assert_eq!(divided((0, 90), &requests), [(Part::Prefill, 0, 20), (Part::Decode, 20, 90)]);
}

#[test]
fn what_lies_outside_of_the_window_is_cut_off() {
    let requests = [served(-50, -10, 30), served(70, 130, 200)];
    let expected = [(Part::Decode, 0, 30), (Part::Between, 30, 70), (Part::Prefill, 70, 100)];
    assert_eq!(divided((0, 100), &requests), expected);
}

#[test]
fn without_requests_the_window_is_one_stretch() {
    assert_eq!(divided((0, 100), &[]), [(Part::Between, 0, 100)]);
}

fn device(source: PowerSource, provenance: Provenance, channels: Vec<Channel>) -> DeviceInfo {
    DeviceInfo {
        id: "GPU-1".into(),
        name: "Board".into(),
        kind: DeviceKind::Gpu,
        source,
        provenance,
        index: Some(0),
        channels,
        power_averaging_ms: None,
        facts: BTreeMap::new(),
    }
}

fn counting_board() -> DeviceInfo {
    device(PowerSource::Nvml, Provenance::Measured, vec![Channel::Energy])
}

/// Times at which the sampler reads: every 50 ms, and every 2 ms for 300 ms from each edge of the window.
fn readings_ms(window_ms: (i64, i64), end_ms: i64) -> impl Iterator<Item = i64> {
    let is_dense = move |t: i64| {
        [window_ms.0, window_ms.1].iter().any(|edge| (*edge..edge + 300).contains(&t) && (t - edge) % 2 == 0)
    };
    (0..end_ms).filter(move |t| t % 50 == 0 || is_dense(*t))
}

/// A counter that moves every `period_ms` to the energy of `signal`.
fn counted(signal: &Signal, period_ms: i64, window_ms: (i64, i64)) -> Trace {
    Trace::new(readings_ms(window_ms, window_ms.1 + 600).map(|t_ms| {
        let moved_ms = (t_ms - 37).div_euclid(period_ms) * period_ms + 37;
        Sample::at(t_ms * MS).with(Channel::Energy, 1e6 + signal.energy_j(0, moved_ms * MS))
    }))
}

/// A sensor that shows every 100 ms the mean since its last update.
fn averaged(signal: &Signal, window_ms: (i64, i64)) -> Trace {
    Trace::new(readings_ms(window_ms, window_ms.1 + 600).map(|t_ms| {
        let updated_ms = (t_ms - 61).div_euclid(100) * 100 + 61;
        Sample::at(t_ms * MS).with(Channel::Power, signal.average_w(updated_ms * MS, 100 * MS))
    }))
}

/// 400 W while a request is read, 150 W while it is answered: every second from 0 on.
fn load() -> Signal {
    Signal::Square { low_w: 150.0, high_w: 400.0, period_s: 1.0, duty: 0.3 }
}

/// As many requests as the load has, one after the other.
fn requests(count: i64) -> Vec<Served> {
    (0..count).map(|i| served(1000 * i, 1000 * i + 300, 1000 * (i + 1))).collect()
}

fn of(parts: &[WindowPart], part: Part) -> &WindowPart {
    parts.iter().find(|found| found.part == part).unwrap_or_else(|| panic!("no {part:?} in {parts:?}"))
}

#[track_caller]
fn assert_has(part: &WindowPart, truth_j: f64, at_most_j: f64) {
    let (energy_j, uncertainty_j) = (part.energy_j.unwrap(), part.energy_uncertainty_j.unwrap());
    assert!((energy_j - truth_j).abs() <= uncertainty_j, "{part:?} is not {truth_j} J");
    assert!(uncertainty_j <= at_most_j, "{part:?} says less than it could");
}

#[test]
fn prefill_and_decode_of_a_square_load_have_their_energies_by_the_counter() {
    let window = (2_000, 12_000);
    let trace = counted(&load(), 100, window);
    let devices = [DeviceEnergy::of(&counting_board(), &trace)];
    let parts = window_parts((window.0 * MS, window.1 * MS), &requests(14), &devices);
    assert_eq!(parts.iter().map(|part| part.part).collect::<Vec<_>>(), [Part::Prefill, Part::Decode]);
    let prefill = of(&parts, Part::Prefill);
    assert_eq!((prefill.stretches, format!("{:.6}", prefill.seconds)), (10, "3.000000".to_owned()));
    assert_has(prefill, 10.0 * 0.3 * 400.0, 300.0);
    assert_has(of(&parts, Part::Decode), 10.0 * 0.7 * 150.0, 300.0);
}

#[test]
fn the_same_by_power_alone() {
    let window = (2_000, 12_000);
    let trace = averaged(&load(), window);
    let board = device(PowerSource::Nvml, Provenance::Measured, vec![Channel::Power]);
    let devices = [DeviceEnergy::of(&board, &trace)];
    let parts = window_parts((window.0 * MS, window.1 * MS), &requests(14), &devices);
    assert_has(of(&parts, Part::Prefill), 10.0 * 0.3 * 400.0, 400.0);
    assert_has(of(&parts, Part::Decode), 10.0 * 0.7 * 150.0, 400.0);
}

#[test]
fn devices_add_up_and_their_uncertainties_in_squares() {
    let window = (2_000, 12_000);
    let trace = counted(&load(), 100, window);
    let energy = || DeviceEnergy::of(&counting_board(), &trace);
    let parts = |devices: &[DeviceEnergy<'_>]| {
        let parts = window_parts((window.0 * MS, window.1 * MS), &requests(14), devices);
        let decode = of(&parts, Part::Decode);
        (decode.energy_j.unwrap(), decode.energy_uncertainty_j.unwrap())
    };
    let (one, two) = (parts(&[energy()]), parts(&[energy(), energy()]));
    assert!((two.0 - 2.0 * one.0).abs() < 1e-9, "{one:?} {two:?}");
    assert!((two.1 - 2f64.sqrt() * one.1).abs() < 1e-9, "{one:?} {two:?}");
}

#[test]
fn stretches_below_twice_what_the_energy_rests_on_have_no_energy_but_a_reason() {
    let window = (2_000, 12_000);
    let trace = counted(&load(), 100, window);
    let devices = [DeviceEnergy::of(&counting_board(), &trace)];
    let short: Vec<Served> = (0..14).map(|i| served(1000 * i, 1000 * i + 199, 1000 * (i + 1))).collect();
    let parts = window_parts((window.0 * MS, window.1 * MS), &short, &devices);
    let prefill = of(&parts, Part::Prefill);
    assert_eq!((prefill.energy_j, prefill.energy_uncertainty_j), (None, None));
    let expected = "its 10 stretches last 199 ms on average, and the energy rests on moments 100 ms apart: below twice \
                    that nothing tells them apart";
    assert_eq!(prefill.withheld.as_deref(), Some(expected));
    assert!(of(&parts, Part::Decode).energy_j.is_some(), "its stretches are long enough");
    let enough: Vec<Served> = (0..14).map(|i| served(1000 * i, 1000 * i + 201, 1000 * (i + 1))).collect();
    let parts = window_parts((window.0 * MS, window.1 * MS), &enough, &devices);
    assert!(of(&parts, Part::Prefill).energy_j.is_some());
}

#[test]
fn a_source_that_is_faster_than_the_sampling_resolves_what_the_sampling_does() {
    let window = (2_000, 6_000);
    let ramp = Signal::Sine { mean_w: 200.0, amplitude_w: 50.0, period_s: 3.0 };
    let power = Trace::new(
        readings_ms(window, 6_600)
            .map(|t_ms| Sample::at(t_ms * MS).with(Channel::Power, ramp.power_w(t_ms * MS))),
    );
    let fresh = device(PowerSource::Rapl, Provenance::Measured, Vec::new());
    for trace in [counted(&ramp, 1, window), power] {
        let energy = DeviceEnergy::of(&fresh, &trace);
        let spacing_ms = energy.spacing_ns((window.0 * MS, window.1 * MS)).unwrap() / MS;
        assert!(
            (48..=52).contains(&spacing_ms),
            "dense readings at the edges are few in time: {spacing_ms} ms"
        );
    }
}

#[test]
fn a_mean_over_a_second_tells_nothing_of_a_third_of_it() {
    let window = (2_000, 12_000);
    let trace = averaged(&load(), window);
    let board = DeviceInfo {
        power_averaging_ms: Some(1000),
        ..device(PowerSource::Nvml, Provenance::Measured, vec![Channel::Power])
    };
    let devices = [DeviceEnergy::of(&board, &trace)];
    let parts = window_parts((window.0 * MS, window.1 * MS), &requests(14), &devices);
    assert!(of(&parts, Part::Prefill).withheld.as_ref().unwrap().contains("moments 1000 ms apart"));
}

#[test]
fn the_slowest_device_decides_what_is_resolved() {
    let window = (2_000, 12_000);
    let (fast, slow) = (counted(&load(), 20, window), counted(&load(), 100, window));
    let board = counting_board();
    let brief: Vec<Served> = (0..140).map(|i| served(100 * i, 100 * i + 50, 100 * (i + 1))).collect();
    let withheld = |devices: &[DeviceEnergy<'_>]| {
        let parts = window_parts((window.0 * MS, window.1 * MS), &brief, devices);
        of(&parts, Part::Prefill).withheld.clone()
    };
    let both = withheld(&[DeviceEnergy::of(&board, &fast), DeviceEnergy::of(&board, &slow)]);
    assert!(both.unwrap().contains("100 ms apart"));
}

#[test]
fn without_the_energy_of_every_device_there_is_none_of_a_part() {
    let window = (2_000, 12_000);
    let (trace, nothing) = (counted(&load(), 100, window), Trace::default());
    let board = counting_board();
    for devices in [vec![], vec![DeviceEnergy::of(&board, &trace), DeviceEnergy::of(&board, &nothing)]] {
        let parts = window_parts((window.0 * MS, window.1 * MS), &requests(14), &devices);
        let why = of(&parts, Part::Prefill).withheld.as_deref();
        assert_eq!(why, Some("the energy of the window is not known"));
    }
}

#[test]
fn a_part_of_an_estimate_is_as_uncertain_as_its_model() {
    let window = (2_000, 12_000);
    let trace = counted(&load(), 100, window);
    let cpu = device(PowerSource::Estimate, Provenance::Estimated, vec![Channel::Energy]);
    let devices = [DeviceEnergy::of(&cpu, &trace)];
    for part in window_parts((window.0 * MS, window.1 * MS), &requests(14), &devices) {
        assert!(part.energy_uncertainty_j.unwrap() >= 0.4 * part.energy_j.unwrap() - 1e-9, "{part:?}");
    }
}

/// Requests whose times are anywhere, in milliseconds.
fn any_requests() -> impl Strategy<Value = Vec<Served>> {
    let request = (0i64..9_000, 0i64..800, 0i64..2_000);
    let request = request
        .prop_map(|(start, reading, answering)| served(start, start + reading, start + reading + answering));
    proptest::collection::vec(request, 0..12)
}

proptest! {
    #[test]
    fn stretches_fill_the_window_and_no_two_that_meet_are_of_one_kind(
        requests in any_requests(), start in 0i64..3_000, length in 1i64..7_000
    ) {
        let (start_ns, end_ns) = (start * MS, (start + length) * MS);
        let stretches = stretches((start_ns, end_ns), &requests);
        prop_assert_eq!(stretches[0].start_ns, start_ns);
        prop_assert_eq!(stretches[stretches.len() - 1].end_ns, end_ns);
        for pair in stretches.windows(2) {
            prop_assert_eq!(pair[0].end_ns, pair[1].start_ns);
            prop_assert!(pair[0].part != pair[1].part);
        }
        for stretch in &stretches {
            let middle = i64::midpoint(stretch.start_ns, stretch.end_ns);
            let reading = requests.iter().any(|r| (r.start_ns..r.first_token_ns).contains(&middle));
            let answering = requests.iter().any(|r| (r.first_token_ns..r.end_ns).contains(&middle));
            prop_assert_eq!(stretch.part, Part::of(reading.into(), answering.into()));
        }
    }

    #[test]
    fn the_stretches_add_up_to_the_energy_of_the_window(
        requests in any_requests(), start in 700i64..3_000, length in 500i64..7_000, by_power in any::<bool>()
    ) {
        let window = (start, start + length);
        let trace = if by_power { averaged(&load(), window) } else { counted(&load(), 100, window) };
        let device = DeviceEnergy::of(&counting_board(), &trace);
        let window_ns = (window.0 * MS, window.1 * MS);
        let edges: Vec<(i64, i64)> =
            stretches(window_ns, &requests).iter().map(|stretch| (stretch.start_ns, stretch.end_ns)).collect();
        let sum_j: f64 = device.stretches(window_ns, &edges).unwrap().iter().map(|found| found.energy.0).sum();
        let whole_j = device.between(window_ns.0, window_ns.1).best().unwrap().energy.0;
        prop_assert!((sum_j - whole_j).abs() < 1e-6 * whole_j, "{} is not {}", sum_j, whole_j);
    }

    #[test]
    fn what_is_told_of_a_part_holds_its_energy(
        prefill_ms in 250i64..900, decode_ms in 250i64..2_500, period in prop::sample::select(vec![20i64, 100]),
        high_w in 100.0f64..600.0, low_w in 50.0f64..400.0, by_power in any::<bool>()
    ) {
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let (prefill_s, decode_s) = (prefill_ms as f64 / 1e3, decode_ms as f64 / 1e3);
        let step = |watts, seconds| crate::signal::Step { watts, seconds };
        let signal = Signal::Steps { steps: vec![step(high_w, prefill_s), step(low_w, decode_s)] };
        let each = prefill_ms + decode_ms;
        let requests: Vec<Served> =
            (0..20).map(|i| served(each * i, each * i + prefill_ms, each * (i + 1))).collect();
        let window = (2 * each, 10 * each);
        let trace = if by_power { averaged(&signal, window) } else { counted(&signal, period, window) };
        let devices = [DeviceEnergy::of(&counting_board(), &trace)];
        let parts = window_parts((window.0 * MS, window.1 * MS), &requests, &devices);
        for (part, truth_j) in [(Part::Prefill, 8.0 * prefill_s * high_w), (Part::Decode, 8.0 * decode_s * low_w)] {
            let part = of(&parts, part);
            let (energy_j, uncertainty_j) = (part.energy_j.unwrap(), part.energy_uncertainty_j.unwrap());
            prop_assert!((energy_j - truth_j).abs() <= uncertainty_j + 1e-3 * truth_j, "{:?} {}", part, truth_j);
        }
    }
}
