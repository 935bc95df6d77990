//! Emissions and costs.

use proptest::prelude::*;

use super::example::{assert_lacks, assert_value, reason, run};
use crate::metrics::{FootprintSettings, Input, RunMetrics, derive};

/// Two kilowatt hours ± 1 %, in half an hour, on one GPU.
fn with(settings: FootprintSettings) -> RunMetrics {
    let mut run = run();
    (run.energy_j, run.energy_uncertainty_j, run.window_s) = (Some(7.2e6), Some(7.2e4), Some(1800.0));
    derive(&run, &settings)
}

#[test]
fn emissions_are_energy_times_pue_times_intensity() {
    let settings = FootprintSettings {
        carbon_intensity_gco2_kwh: Some(400.0),
        datacenter_pue: Some(1.2),
        ..FootprintSettings::default()
    };
    let carbon = with(settings).carbon_g;
    assert_value(&carbon, 960.0);
    assert!(carbon.uncertainty.is_some_and(|u| (u - 9.6).abs() < 1e-9), "{carbon:?}");
    assert!(carbon.notes.is_empty() && !carbon.modelled, "{carbon:?}");
}

#[test]
fn without_a_setting_there_is_no_number() {
    let metrics = with(FootprintSettings::default());
    assert_eq!(reason(&metrics.carbon_g), "the setting carbon_intensity_gco2_kwh is not set");
    assert_eq!(reason(&metrics.energy_cost), "the setting price_per_kwh is not set");
    assert_eq!(reason(&metrics.device_cost), "the setting device_price_per_hour is not set");
    assert_lacks(&metrics.total_cost, &[Input::Setting, Input::Setting]);
}

#[test]
fn a_pue_that_is_not_set_is_one_and_is_said() {
    let settings =
        FootprintSettings { carbon_intensity_gco2_kwh: Some(100.0), ..FootprintSettings::default() };
    let carbon = with(settings).carbon_g;
    assert_value(&carbon, 200.0);
    assert!(carbon.notes[0].starts_with("PUE is taken as 1.0"), "{carbon:?}");
}

#[test]
fn electricity_without_emissions_is_zero_and_not_missing() {
    let settings = FootprintSettings { carbon_intensity_gco2_kwh: Some(0.0), ..FootprintSettings::default() };
    assert_eq!(with(settings).carbon_g.value, Some(0.0));
}

#[test]
fn settings_that_cannot_be_are_refused_by_name() {
    let settings = FootprintSettings {
        carbon_intensity_gco2_kwh: Some(-1.0),
        datacenter_pue: Some(0.9),
        price_per_kwh: Some(f64::NAN),
        device_price_per_hour: Some(-2.0),
    };
    let metrics = with(settings);
    assert_lacks(&metrics.carbon_g, &[Input::Setting, Input::Setting]);
    assert_eq!(metrics.carbon_g.missing[0].reason, "the setting datacenter_pue cannot be 0.9");
    assert_eq!(reason(&metrics.device_cost), "the setting device_price_per_hour cannot be -2");
    assert_eq!(metrics.energy_cost.missing.len(), 2);
}

#[test]
fn costs_are_those_of_energy_and_of_device_hours() {
    let settings = FootprintSettings {
        datacenter_pue: Some(1.5),
        price_per_kwh: Some(0.3),
        device_price_per_hour: Some(4.0),
        ..FootprintSettings::default()
    };
    let metrics = with(settings);
    assert_value(&metrics.energy_cost, 0.9);
    assert_value(&metrics.device_cost, 2.0);
    assert_value(&metrics.total_cost, 2.9);
    assert!(metrics.device_cost.uncertainty.is_none(), "no energy goes into it");
    assert_eq!(metrics.total_cost.uncertainty, metrics.energy_cost.uncertainty, "only energy is uncertain");
    assert!(metrics.total_cost.uncertainty.is_some_and(|u| (u - 0.009).abs() < 1e-12));
}

#[test]
fn one_cost_alone_is_no_total() {
    let settings = FootprintSettings { price_per_kwh: Some(0.3), ..FootprintSettings::default() };
    assert_eq!(reason(&with(settings).total_cost), "the setting device_price_per_hour is not set");
}

proptest! {
    #[test]
    fn emissions_grow_with_each_factor_and_so_does_their_uncertainty(
        energy_j in 1.0..1e9f64,
        share in 0.0..0.5f64,
        intensity in 0.0..2000.0f64,
        pue in 1.0..3.0f64,
    ) {
        let mut run = run();
        (run.energy_j, run.energy_uncertainty_j) = (Some(energy_j), Some(energy_j * share));
        let settings = |factor: f64| FootprintSettings {
            carbon_intensity_gco2_kwh: Some(intensity * factor),
            datacenter_pue: Some(pue),
            ..FootprintSettings::default()
        };
        let (once, twice) = (derive(&run, &settings(1.0)).carbon_g, derive(&run, &settings(2.0)).carbon_g);
        let (value, uncertainty) = (once.value.unwrap(), once.uncertainty.unwrap());
        prop_assert!((value - energy_j / 3.6e6 * pue * intensity).abs() <= value * 1e-9);
        prop_assert!((uncertainty - value * share).abs() <= value * 1e-9);
        prop_assert!((twice.value.unwrap() - 2.0 * value).abs() <= value * 1e-9);
    }
}
