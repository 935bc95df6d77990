//! Looks at GPUs beside the meter, on the simulated GPU library.

mod driver;

use std::path::Path;
use std::time::Instant;

use driver::{open, paths, watch, with_driver};
use lem_measure::DeviceInfo;
use lem_power::{Depth, DeviceState, EccErrors, GpuProcess, Meter, Paths, ProcessKind, Watch};
use serde_json::json;

fn only(states: Vec<DeviceState>) -> DeviceState {
    let [state] = <[DeviceState; 1]>::try_from(states).expect("one device");
    state
}

#[test]
fn a_look_tells_the_facts_of_the_meter_and_what_changes_beside_them() {
    let name = "a_look_tells_the_facts_of_the_meter_and_what_changes_beside_them";
    with_driver(name, &json!([{"power_limit_set_w": 350}]), |_| {
        let mut meter = open();
        let info: DeviceInfo = meter.devices()[0].clone();
        let state = only(Watch::new(&paths(), meter.devices()).look());
        assert_eq!((state.id.as_str(), state.unreachable), (info.id.as_str(), None));
        let own = ["power_reading", "energy_reading"];
        let facts: Vec<_> = info.facts.iter().filter(|(fact, _)| !own.contains(&fact.as_str())).collect();
        assert_eq!(state.facts.iter().collect::<Vec<_>>(), facts, "all but how the meter reads");
        assert_eq!((&*state.facts["power_limit_w"], &*state.facts["power_limit_default_w"]), ("350", "700"));
        assert_eq!(state.now["pcie_width"], "16");
        assert_eq!(state.absent, [].into(), "this board has everything");
        assert!(meter.read(0, Depth::Full).is_ok(), "the meter is open still");
    });
}

#[test]
fn processes_are_told_with_what_they_use() {
    let gpu = json!({
        "processes": [
            {"pid": 77, "memory_mib": 10, "utilization_pct": 40},
            {"pid": 42, "utilization_pct": 4_000_000},
            {"pid": 5, "memory_mib": 3},
        ],
        "graphics_processes": [{"pid": 77, "memory_mib": 10}, {"pid": 9, "memory_mib": 1}],
    });
    with_driver("processes_are_told_with_what_they_use", &json!([gpu]), |_| {
        let process = |pid, kind, mib: Option<u64>, share| GpuProcess {
            pid,
            kind,
            memory_bytes: mib.map(|mib| mib << 20),
            utilization_pct: Some(share),
        };
        let state = only(watch().look());
        let expected = [
            process(5, ProcessKind::Compute, Some(3), 0),
            process(9, ProcessKind::Graphics, Some(1), 0),
            process(42, ProcessKind::Compute, None, 0),
            process(77, ProcessKind::ComputeAndGraphics, Some(10), 40),
        ];
        assert_eq!(state.processes.as_deref(), Some(&expected[..]));
        assert_eq!(state.absent, [].into());
    });
}

#[test]
fn an_idle_gpu_has_no_processes_which_is_not_the_same_as_unknown() {
    let gpus = json!([
        {},
        {"unsupported": ["compute_processes"]},
        {"unsupported": ["graphics_processes", "process_utilization"], "processes": [{"pid": 3}]},
    ]);
    with_driver("an_idle_gpu_has_no_processes_which_is_not_the_same_as_unknown", &gpus, |_| {
        let states = watch().look();
        assert_eq!(states[0].processes, Some(Vec::new()));
        assert_eq!(states[1].processes, None);
        assert!(states[1].absent["processes"].contains("not available"), "{:?}", states[1].absent);
        let process = &states[2].processes.as_ref().expect("those that compute are told")[0];
        assert_eq!((process.pid, process.utilization_pct), (3, None));
        let absent: Vec<_> = states[2].absent.keys().map(String::as_str).collect();
        assert_eq!(absent, ["graphics_processes", "process_utilization"]);
    });
}

#[test]
fn errors_of_the_memory_are_counted_where_it_has_ecc() {
    let gpus = json!([{"ecc_corrected": 3, "ecc_uncorrected": 1}, {"ecc": false}]);
    with_driver("errors_of_the_memory_are_counted_where_it_has_ecc", &gpus, |driver| {
        let mut gpus = watch();
        let before = gpus.look();
        assert_eq!(before[0].ecc, EccErrors { corrected: Some(3), uncorrected: Some(1) });
        assert_eq!((before[1].ecc, &*before[1].facts["ecc"]), (EccErrors::default(), "disabled"));
        assert!(before[1].absent.contains_key("ecc_uncorrected"));
        driver.becomes(&json!([{"ecc_corrected": 3, "ecc_uncorrected": 2}, {"ecc": false}]));
        let since = gpus.look()[0].ecc.since(before[0].ecc);
        assert_eq!(since, EccErrors { corrected: Some(0), uncorrected: Some(1) });
    });
}

#[test]
fn a_board_that_lacks_functions_tells_the_rest_and_why() {
    let gpus = json!([{
        "architecture": "turing",
        "unsupported": ["application_clocks", "compute_mode", "pcie", "power_limits", "ecc_errors"],
    }]);
    with_driver("a_board_that_lacks_functions_tells_the_rest_and_why", &gpus, |_| {
        let state = only(watch().look());
        let absent: Vec<_> = state.absent.keys().map(String::as_str).collect();
        let expected = [
            "compute_mode",
            "ecc_corrected",
            "ecc_uncorrected",
            "memory_clock_application_mhz",
            "mig",
            "pcie_generation",
            "pcie_generation_max",
            "pcie_width",
            "pcie_width_max",
            "power_limit_bounds",
            "power_limit_default_w",
            "power_limit_enforced_w",
            "power_limit_w",
            "sm_clock_application_mhz",
        ];
        assert_eq!(absent, expected);
        assert_eq!(state.facts["vbios_version"], "00.00.00.00.00");
    });
}

#[test]
fn a_driver_and_a_limit_that_change_are_seen_by_the_next_look() {
    with_driver("a_driver_and_a_limit_that_change_are_seen_by_the_next_look", &json!([{}]), |driver| {
        let mut gpus = watch();
        let before = only(gpus.look());
        driver.becomes(&json!({"driver_version": "590.1", "gpus": [{"power_limit_set_w": 300}]}));
        let now = only(gpus.look());
        let changed: Vec<_> =
            now.facts.iter().filter(|(name, value)| before.facts[*name] != **value).collect();
        let names: Vec<_> = changed.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["driver_version", "nvml_version", "power_limit_enforced_w", "power_limit_w"]);
    });
}

#[test]
fn a_gpu_or_a_driver_that_is_gone_is_said_and_fails_nothing() {
    with_driver("a_gpu_or_a_driver_that_is_gone_is_said_and_fails_nothing", &json!([{}, {}]), |driver| {
        let mut gpus = watch();
        driver.becomes(&json!([{}]));
        let states = gpus.look();
        assert_eq!((states[0].unreachable.clone(), states[1].processes.clone()), (None, None));
        assert!(states[1].unreachable.is_some() && states[1].facts.is_empty(), "{:?}", states[1]);
        driver.becomes(&json!({"init_error": "driver_not_loaded"}));
        let why: Vec<_> = gpus.look().into_iter().filter_map(|state| state.unreachable).collect();
        assert_eq!(why.len(), 2);
        assert!(why[0].contains("driver is not loaded"), "{why:?}");
    });
}

#[test]
fn a_library_that_is_missing_is_said_without_its_place() {
    let simulated = DeviceInfo { source: lem_measure::PowerSource::Nvml, ..any_device() };
    let missing = Paths {
        nvml_library: Some(Path::new("/home/somebody/libnvidia-ml.so.1").into()),
        ..Paths::default()
    };
    let why = only(Watch::new(&missing, &[simulated]).look()).unreachable.expect("no library");
    assert!(why.contains("could not be loaded") && !why.contains("somebody"), "{why}");
}

fn any_device() -> DeviceInfo {
    lem_power::simulated::open(&lem_power::simulated::Spec::default()).devices()[0].clone()
}

#[test]
#[expect(clippy::print_stderr, reason = "the cost is for whoever runs it")]
fn a_look_takes_milliseconds() {
    with_driver("a_look_takes_milliseconds", &json!([{}, {}, {}, {}]), |_| {
        let cost = |what: &str| {
            let mut gpus = watch();
            let from = Instant::now();
            for _ in 0..100 {
                assert_eq!(gpus.look().len(), 4);
            }
            let mean = from.elapsed() / 100;
            eprintln!("a look at four simulated GPUs while {what}: {mean:?}");
            assert!(mean.as_millis() < 50, "{mean:?}");
        };
        cost("no meter is open");
        let _meter = open();
        cost("a meter is open");
    });
}
