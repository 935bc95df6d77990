//! What a GPU is, as far as it does not change during a campaign: the part of a result that says what was measured.
//! A fact that the driver does not tell is left out, and why is kept beside.
//!
//! Locked clocks are deliberately absent: NVML sets them, but has no function that tells them.

use std::collections::BTreeMap;
use std::fmt::Display;

use nvml_wrapper::enum_wrappers::device::{Clock, ComputeMode};
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};

use super::capabilities::{Capabilities, Via};
use super::error::reason;

/// Answers by name, and the reasons of those that are missing.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) facts: BTreeMap<String, String>,
    pub(super) absent: BTreeMap<String, String>,
}

impl Told {
    fn add<T: Display>(&mut self, name: &str, answer: Result<T, NvmlError>) {
        match answer {
            Ok(value) => self.facts.insert(name.to_owned(), value.to_string()),
            Err(error) => self.absent.insert(name.to_owned(), reason(&error)),
        };
    }
}

/// The facts of one GPU.
pub(super) fn facts(nvml: &Nvml, gpu: &Device<'_>) -> Told {
    let mut told = Told::default();
    told.add("driver_version", nvml.sys_driver_version());
    told.add("nvml_version", nvml.sys_nvml_version());
    told.add("cuda_driver_version", nvml.sys_cuda_driver_version().map(cuda_version));
    told.add("architecture", gpu.architecture());
    let capability = gpu.cuda_compute_capability();
    told.add("compute_capability", capability.map(|c| format!("{}.{}", c.major, c.minor)));
    told.add("pci_bus_id", gpu.pci_info().map(|pci| pci.bus_id));
    told.add("pcie_generation_max", gpu.max_pcie_link_gen());
    told.add("pcie_width_max", gpu.max_pcie_link_width());
    told.add("vbios_version", gpu.vbios_version());
    told.add("memory_total_bytes", gpu.memory_info().map(|memory| memory.total));
    limits(gpu, &mut told);
    told.add("persistence", gpu.is_in_persistent_mode().map(enabled));
    told.add("ecc", gpu.is_ecc_enabled().map(|ecc| enabled(ecc.currently_enabled)));
    told.add("mig", gpu.mig_mode().map(|mode| enabled(mode.current == 1)));
    told.add("compute_mode", gpu.compute_mode().map(compute_mode));
    told
}

/// What bounds power and clocks.
fn limits(gpu: &Device<'_>, told: &mut Told) {
    told.add("power_limit_w", gpu.power_management_limit().map(watts));
    told.add("power_limit_default_w", gpu.power_management_limit_default().map(watts));
    told.add("power_limit_enforced_w", gpu.enforced_power_limit().map(watts));
    match gpu.power_management_limit_constraints() {
        Ok(bounds) => {
            told.add("power_limit_min_w", Ok(watts(bounds.min_limit)));
            told.add("power_limit_max_w", Ok(watts(bounds.max_limit)));
        }
        Err(error) => told.add::<String>("power_limit_bounds", Err(error)),
    }
    told.add("sm_clock_max_mhz", gpu.max_clock_info(Clock::SM));
    told.add("memory_clock_max_mhz", gpu.max_clock_info(Clock::Memory));
    told.add("sm_clock_application_mhz", gpu.applications_clock(Clock::SM));
    told.add("memory_clock_application_mhz", gpu.applications_clock(Clock::Memory));
}

/// What changes with the load: where it stands now.
pub(super) fn changing(gpu: &Device<'_>) -> Told {
    let mut told = Told::default();
    told.add("sm_clock_mhz", gpu.clock_info(Clock::SM));
    told.add("memory_clock_mhz", gpu.clock_info(Clock::Memory));
    // A link without traffic goes down to an older generation, and some boards drop lanes.
    told.add("pcie_generation", gpu.current_pcie_link_gen());
    told.add("pcie_width", gpu.current_pcie_link_width());
    told
}

/// How the meter reads the GPU.
pub(super) fn readings(can: &Capabilities) -> impl Iterator<Item = (String, String)> {
    let pairs =
        [("power_reading", can.power.map(power_reading)), ("energy_reading", can.energy.map(energy_reading))];
    pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)))
}

/// The averaging window of the power reading in milliseconds, where one is documented: `nvmlDeviceGetPowerUsage`
/// averages over one second on Ampere except GA100 and on everything newer (nvml.h). GA100 alone has compute
/// capability 8.0.
pub(super) fn power_averaging_ms(gpu: &Device<'_>, can: &Capabilities) -> Option<u32> {
    let capability = gpu.cuda_compute_capability().ok()?;
    let averaged = (capability.major, capability.minor) > (8, 0);
    (can.power == Some(Via::Call) && averaged).then_some(1000)
}

fn watts(milliwatts: u32) -> String {
    (f64::from(milliwatts) / 1000.0).to_string()
}

fn enabled(on: bool) -> &'static str {
    if on { "enabled" } else { "disabled" }
}

fn cuda_version(version: i32) -> String {
    format!("{}.{}", version / 1000, version % 1000 / 10)
}

fn compute_mode(mode: ComputeMode) -> &'static str {
    match mode {
        ComputeMode::Default => "default",
        ComputeMode::ExclusiveThread => "exclusive_thread",
        ComputeMode::ExclusiveProcess => "exclusive_process",
        ComputeMode::Prohibited => "prohibited",
    }
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
