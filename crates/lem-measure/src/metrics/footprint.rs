//! What the energy of a run means elsewhere: emissions and money, from settings of a person.
//!
//! Nothing is assumed for them: intensities and prices differ tenfold between places and hours.

use serde::{Deserialize, Serialize};

use super::RunFacts;
use super::derived::{Derived, Input, Known, both, missing};
use super::formula::Formula;

/// Joules of a kilowatt hour.
const JOULES_PER_KWH: f64 = 3.6e6;

/// Seconds of an hour.
const SECONDS_PER_HOUR: f64 = 3600.0;

/// What a person says of the place where runs happen. All of it may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, specta::Type)]
pub struct FootprintSettings {
    /// Carbon intensity of the electricity in gCO2e/kWh.
    pub carbon_intensity_gco2_kwh: Option<f64>,
    /// Power usage effectiveness: energy of the whole site over that of its computers, 1 or more. Absent: 1.0.
    pub datacenter_pue: Option<f64>,
    /// Price of a kilowatt hour.
    pub price_per_kwh: Option<f64>,
    /// Price of one device for an hour.
    pub device_price_per_hour: Option<f64>,
}

/// What a run cost.
pub(super) struct Cost {
    pub(super) energy: Derived,
    pub(super) devices: Derived,
    pub(super) total: Derived,
}

/// Emissions in gCO2e.
pub(super) fn carbon_g(run: &RunFacts, settings: &FootprintSettings) -> Derived {
    let intensity = at_least(0.0, settings.carbon_intensity_gco2_kwh, "carbon_intensity_gco2_kwh");
    let value = both(site_kwh(run, settings), intensity).map(|(kwh, intensity)| kwh * intensity);
    Derived::of(Formula::Carbon, value)
        .with_relative_uncertainty(run.relative_energy_uncertainty())
        .noting(assumed_pue(settings))
}

/// Cost of the energy, of the devices, and both.
pub(super) fn cost(run: &RunFacts, settings: &FootprintSettings) -> Cost {
    let energy = energy_cost(run, settings);
    let devices = device_cost(run, settings);
    let total = both(energy.clone(), devices.clone()).map(|(energy, devices)| energy + devices);
    let relative = run.relative_energy_uncertainty();
    let energy = Derived::of(Formula::EnergyCost, energy)
        .with_relative_uncertainty(relative)
        .noting(assumed_pue(settings));
    let mut total = Derived::of(Formula::TotalCost, total).noting(assumed_pue(settings));
    // That of the devices is exact, so the sum is as uncertain as the energy's part.
    total.uncertainty = total.value.and(energy.uncertainty);
    Cost { total, energy, devices: Derived::of(Formula::DeviceCost, devices) }
}

fn energy_cost(run: &RunFacts, settings: &FootprintSettings) -> Known<f64> {
    // Prices of electricity are below zero at times.
    let price = at_least(f64::NEG_INFINITY, settings.price_per_kwh, "price_per_kwh");
    both(site_kwh(run, settings), price).map(|(kwh, price)| kwh * price)
}

fn device_cost(run: &RunFacts, settings: &FootprintSettings) -> Known<f64> {
    let price = at_least(0.0, settings.device_price_per_hour, "device_price_per_hour");
    let devices = match u32::try_from(run.gpus.len()) {
        Ok(devices) if devices > 0 => Ok(f64::from(devices)),
        _ => missing(Input::Gpus, "the model ran on no GPU, or on which is not known"),
    };
    both(both(price, devices), run.window())
        .map(|((price, devices), s)| price * devices * s / SECONDS_PER_HOUR)
}

/// Energy of the run and of what its site adds, in kWh.
fn site_kwh(run: &RunFacts, settings: &FootprintSettings) -> Known<f64> {
    let pue = at_least(1.0, Some(settings.datacenter_pue.unwrap_or(1.0)), "datacenter_pue");
    both(run.energy(), pue).map(|(j, pue)| j / JOULES_PER_KWH * pue)
}

fn assumed_pue(settings: &FootprintSettings) -> Option<&'static str> {
    settings.datacenter_pue.is_none().then_some(
        "PUE is taken as 1.0, because datacenter_pue is not set: nothing is added for cooling and supply.",
    )
}

/// A setting that is given and not below what it can be.
fn at_least(least: f64, value: Option<f64>, name: &str) -> Known<f64> {
    match value {
        Some(value) if value.is_finite() && value >= least => Ok(value),
        Some(value) => missing(Input::Setting, format!("the setting {name} cannot be {value}")),
        None => missing(Input::Setting, format!("the setting {name} is not set")),
    }
}
