//! Operations per second, per joule, and as a share of what the GPUs can do.

use super::derived::{Derived, Input, Known, both, missing};
use super::formula::Formula;
use super::peaks::{self, Peak};
use super::precision::Precision;
use super::{Gpu, RunFacts};

/// Operations per second of the window.
pub(super) fn flops_per_second(run: &RunFacts, flops: &Known<f64>) -> Derived {
    let value = both(flops.clone(), run.window()).map(|(flops, s)| flops / s);
    Derived::of(Formula::FlopsPerSecond, value)
}

/// Operations per joule.
pub(super) fn flops_per_joule(run: &RunFacts, flops: &Known<f64>) -> Derived {
    let value = both(flops.clone(), run.energy()).map(|(flops, j)| flops / j);
    Derived::of(Formula::FlopsPerJoule, value).with_relative_uncertainty(run.relative_energy_uncertainty())
}

/// Model FLOPs utilization: operations per second over the dense peak of the GPUs together.
pub(super) fn mfu(run: &RunFacts, flops: &Known<f64>, formula: Formula) -> Derived {
    let rate = both(flops.clone(), run.window()).map(|(flops, s)| flops / s);
    let value = both(rate, peak_flops_per_second(run)).map(|(rate, peak)| rate / peak);
    Derived::share(formula, value)
}

/// The dense peak of all GPUs together at the run's precision, in FLOP/s.
fn peak_flops_per_second(run: &RunFacts) -> Known<f64> {
    let ((peak, gpu), (precision, name)) = both(one_kind(&run.gpus), precision(run))?;
    match peak.tflops(precision) {
        Some(tflops) => Ok(tflops * 1e12 * count(&run.gpus)),
        None => missing(Input::Peak, format!("the peak of {gpu} at {name} is not in the table")),
    }
}

/// The peak memory bandwidth of all GPUs together, in byte/s.
pub(super) fn peak_bytes_per_second(run: &RunFacts) -> Known<f64> {
    let (peak, gpu) = one_kind(&run.gpus)?;
    match peak.gb_per_s {
        Some(gb_per_s) => Ok(gb_per_s * 1e9 * count(&run.gpus)),
        None => missing(Input::Peak, format!("the memory bandwidth of {gpu} is not in the table")),
    }
}

/// The number format of the run, and the name it was given.
pub(super) fn precision(run: &RunFacts) -> Known<(Precision, &str)> {
    let Some(name) = run.precision.as_deref() else {
        return missing(Input::Precision, "the worker did not report the number format of the computation");
    };
    match Precision::of(name) {
        Some(precision) => Ok((precision, name)),
        None => missing(Input::Precision, format!("which number format {name} computes in is not known")),
    }
}

/// What all GPUs of the run can do, and their name. A sum over different ones would not say which of them waited.
fn one_kind(gpus: &[Gpu]) -> Known<(&'static Peak, &str)> {
    let Some(first) = gpus.first() else {
        return missing(Input::Gpus, "the model ran on no GPU, or on which is not known");
    };
    if let Some(split) = gpus.iter().find(|gpu| gpu.is_split || peaks::is_slice(&gpu.name)) {
        return missing(Input::Gpus, format!("{} is split by MIG: the run had a part of it", split.name));
    }
    let Some(peak) = peaks::find(&first.name) else {
        return missing(Input::Peak, format!("the peaks of {} are not in the table", first.name));
    };
    match gpus.iter().find(|gpu| peaks::find(&gpu.name) != Some(peak)) {
        Some(other) => missing(Input::Gpus, format!("the GPUs differ ({} and {})", first.name, other.name)),
        None => Ok((peak, &first.name)),
    }
}

fn count(gpus: &[Gpu]) -> f64 {
    f64::from(u32::try_from(gpus.len()).unwrap_or(u32::MAX))
}
