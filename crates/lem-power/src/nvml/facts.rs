//! What a GPU is, as far as it does not change during a campaign: the part of a result that says what was measured.
//! A fact that the driver does not tell is left out.

use std::collections::BTreeMap;
use std::fmt::Display;

use nvml_wrapper::enum_wrappers::device::Clock;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};

use super::capabilities::{Capabilities, Via};

/// The facts of one GPU.
pub(super) fn facts(nvml: &Nvml, gpu: &Device<'_>, can: &Capabilities) -> BTreeMap<String, String> {
    let capability = gpu.cuda_compute_capability().map(|c| format!("{}.{}", c.major, c.minor));
    let limits = gpu.power_management_limit_constraints();
    let (min, max) = limits.map_or((None, None), |c| (Some(c.min_limit), Some(c.max_limit)));
    let pairs = [
        ("driver_version", text(nvml.sys_driver_version())),
        ("nvml_version", text(nvml.sys_nvml_version())),
        ("cuda_driver_version", text(nvml.sys_cuda_driver_version().map(cuda_version))),
        ("architecture", text(gpu.architecture())),
        ("compute_capability", text(capability)),
        ("pci_bus_id", text(gpu.pci_info().map(|pci| pci.bus_id))),
        ("vbios_version", text(gpu.vbios_version())),
        ("memory_total_bytes", text(gpu.memory_info().map(|memory| memory.total))),
        ("power_limit_w", watts(gpu.power_management_limit().ok())),
        ("power_limit_default_w", watts(gpu.power_management_limit_default().ok())),
        ("power_limit_enforced_w", watts(gpu.enforced_power_limit().ok())),
        ("power_limit_min_w", watts(min)),
        ("power_limit_max_w", watts(max)),
        ("sm_clock_max_mhz", text(gpu.max_clock_info(Clock::SM))),
        ("memory_clock_max_mhz", text(gpu.max_clock_info(Clock::Memory))),
        ("persistence", text(gpu.is_in_persistent_mode().map(enabled))),
        ("ecc", text(gpu.is_ecc_enabled().map(|ecc| enabled(ecc.currently_enabled)))),
        ("mig", text(gpu.mig_mode().map(|mode| enabled(mode.current == 1)))),
        ("power_reading", can.power.map(power_reading)),
        ("energy_reading", can.energy.map(energy_reading)),
    ];
    pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// The averaging window of the power reading in milliseconds, where one is documented: `nvmlDeviceGetPowerUsage`
/// averages over one second on Ampere except GA100 and on everything newer (nvml.h). GA100 alone has compute
/// capability 8.0.
pub(super) fn power_averaging_ms(gpu: &Device<'_>, can: &Capabilities) -> Option<u32> {
    let capability = gpu.cuda_compute_capability().ok()?;
    let averaged = (capability.major, capability.minor) > (8, 0);
    (can.power == Some(Via::Call) && averaged).then_some(1000)
}

fn text<T: Display>(answer: Result<T, NvmlError>) -> Option<String> {
    answer.ok().map(|value| value.to_string())
}

fn watts(milliwatts: Option<u32>) -> Option<String> {
    milliwatts.map(|mw| (f64::from(mw) / 1000.0).to_string())
}

fn enabled(on: bool) -> &'static str {
    if on { "enabled" } else { "disabled" }
}

fn cuda_version(version: i32) -> String {
    format!("{}.{}", version / 1000, version % 1000 / 10)
}

fn power_reading(via: Via) -> String {
    match via {
        Via::Field => "field 186 (instant)".into(),
        Via::Call => "nvmlDeviceGetPowerUsage".into(),
    }
}

fn energy_reading(via: Via) -> String {
    match via {
        Via::Field => "field 83 (total energy consumption)".into(),
        Via::Call => "nvmlDeviceGetTotalEnergyConsumption".into(),
    }
}
