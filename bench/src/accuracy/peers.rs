//! The simplest ways to measure a window: reading power every 100 ms, and the difference of the energy counter. They
//! run as a program of their own, `lem-bench subject windows`, as they would in a script.

use nvml_wrapper::Device;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;

use crate::Outcome;
use crate::report::say;
use crate::subject::{now_ns, nvml, wait_until};

const POLL_NS: i64 = 100_000_000;

/// Measures windows one after the other, a random while apart, and says each GPU in each window as a line of JSON.
pub(crate) fn windows(seconds: &[f64]) -> Outcome<()> {
    let nvml = nvml()?;
    let boards =
        (0..nvml.device_count()?).map(|index| nvml.device_by_index(index)).collect::<Result<Vec<_>, _>>()?;
    let mut chance = rand_chacha::ChaCha8Rng::seed_from_u64(now_ns().unsigned_abs());
    for length_s in seconds {
        wait_until(now_ns() + chance.random_range(200_000_000..800_000_000));
        #[expect(clippy::cast_possible_truncation, reason = "seconds of a benchmark")]
        window(&boards, (length_s * 1e9) as i64)?;
    }
    Ok(())
}

fn window(boards: &[Device<'_>], length_ns: i64) -> Outcome<()> {
    let begun = counters(boards);
    let from_ns = now_ns();
    let mut readings: Vec<Vec<(i64, f64)>> = vec![Vec::new(); boards.len()];
    let mut at_ns = from_ns;
    while at_ns < from_ns + length_ns {
        poll(boards, &mut readings)?;
        at_ns = (at_ns + POLL_NS).min(from_ns + length_ns);
        wait_until(at_ns);
    }
    poll(boards, &mut readings)?;
    let ended = counters(boards);
    for (gpu, ((begun, ended), readings)) in begun.into_iter().zip(ended).zip(readings).enumerate() {
        let lines = readings.windows(2);
        let energy_j: f64 = lines
            .map(|pair| {
                f64::midpoint(pair[0].1, pair[1].1) * lem_measure::units::seconds(pair[1].0 - pair[0].0)
            })
            .sum();
        tell(gpu, "loop", (readings[0].0, readings[readings.len() - 1].0), energy_j);
        if let (Some(begun), Some(ended)) = (begun, ended) {
            tell(gpu, "difference", (begun.0, ended.0), ended.1 - begun.1);
        }
    }
    Ok(())
}

fn tell(gpu: usize, method: &str, (from_ns, to_ns): (i64, i64), energy_j: f64) {
    let told =
        json!({"gpu": gpu, "from_ns": from_ns, "to_ns": to_ns, "energy_j": energy_j, "method": method});
    say(&told.to_string());
}

/// The counter of each board in joules and when it was read, where there is one.
fn counters(boards: &[Device<'_>]) -> Vec<Option<(i64, f64)>> {
    let read = |board: &Device<'_>| {
        let before_ns = now_ns();
        let millijoules = board.total_energy_consumption().ok()?;
        #[expect(clippy::cast_precision_loss, reason = "2^53 mJ are 300 years at 1 kW")]
        Some((i64::midpoint(before_ns, now_ns()), millijoules as f64 * 1e-3))
    };
    boards.iter().map(read).collect()
}

fn poll(boards: &[Device<'_>], readings: &mut [Vec<(i64, f64)>]) -> Outcome<()> {
    for (board, readings) in boards.iter().zip(readings) {
        let before_ns = now_ns();
        let milliwatts = board.power_usage()?;
        readings.push((i64::midpoint(before_ns, now_ns()), f64::from(milliwatts) * 1e-3));
    }
    Ok(())
}
