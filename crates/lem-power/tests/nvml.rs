//! The NVML meter through the real loader, on the simulated GPU library.
//!
//! That library is configured by its environment, which a process cannot change for itself without unsafe code. So
//! each test runs this binary again, for itself alone, with the environment that it needs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::Duration;

use lem_measure::{Channel, Provenance, Sample, Trace};
use lem_power::nvml::{self, NvmlMeter, OpenError};
use lem_power::{Depth, Meter, ReadError, Sampler, SamplerConfig, SamplerEvent, now_ns};

const CONFIGURATION: &str = "LEM_FAKE_NVML";

/// The library, which cargo has put beside this test because it is a dev-dependency.
fn library() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let library = test.with_file_name("libnvidia_ml.so");
    assert!(library.exists(), "{} is missing: run `cargo build -p lem-fake-nvml` first", library.display());
    library
}

/// Runs `body` in a process whose simulated library has this configuration. `name` is that of the calling test.
fn with_gpus(name: &str, configuration: &str, body: impl FnOnce()) {
    if std::env::var_os(CONFIGURATION).is_some() {
        return body();
    }
    let mut command = Command::new(std::env::current_exe().expect("the path of this test"));
    let output = command.args([name, "--exact", "--nocapture"]).env(CONFIGURATION, configuration).output();
    let output = output.expect("this test as a process of its own");
    let said =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

fn open() -> NvmlMeter {
    nvml::open(Some(&library())).expect("the simulated library")
}

fn read(meter: &mut NvmlMeter, depth: Depth) -> Sample {
    meter.read(0, depth).expect("a reading")
}

/// Reads until `done`; fails after ten seconds.
fn read_until<T>(meter: &mut NvmlMeter, done: impl Fn(Result<Sample, ReadError>) -> Option<T>) -> T {
    let from_ns = now_ns();
    while now_ns() < from_ns + 10_000_000_000 {
        if let Some(found) = done(meter.read(0, Depth::Power)) {
            return found;
        }
        std::thread::yield_now();
    }
    panic!("nothing after ten seconds");
}

#[test]
fn a_hopper_board_tells_everything_and_says_that_it_is_simulated() {
    let gpus = r#"[{"signal": {"shape": "constant", "watts": 300}, "throttled_share": 0.5}]"#;
    with_gpus("a_hopper_board_tells_everything_and_says_that_it_is_simulated", gpus, || {
        let mut meter = open();
        let info = &meter.devices()[0];
        assert_eq!(info.provenance, Provenance::Simulated);
        assert_eq!(info.channels, Channel::ALL);
        assert_eq!(info.power_averaging_ms, None, "the immediate field is read");
        insta::assert_json_snapshot!("hopper", info);
        let before_ns = now_ns();
        let sample = read(&mut meter, Depth::Full);
        assert!((before_ns..=now_ns()).contains(&sample.t_ns));
        let near = |channel, value: f64| {
            let read = sample.get(channel).expect("read");
            assert!((read - value).abs() < 0.5, "{}: {read} instead of {value}", channel.name());
        };
        near(Channel::Power, 300.0);
        near(Channel::PowerAverage, 300.0);
        near(Channel::Temperature, 60.0);
        near(Channel::MemoryTemperature, 60.0);
        near(Channel::SmClock, 1980.0);
        near(Channel::MemoryClock, 2619.0);
        near(Channel::Utilization, 42.0);
        near(Channel::MemoryUsed, 1024.0 * 1_048_576.0);
        near(Channel::ThrottleReasons, 4.0);
        near(Channel::ThermalViolation, 0.0);
        assert!(sample.get(Channel::PowerViolation).is_some_and(|s| s > 0.0));
    });
}

#[test]
fn each_depth_reads_what_it_is_for() {
    with_gpus("each_depth_reads_what_it_is_for", "[{}]", || {
        let mut meter = open();
        let has = |sample: &Sample| {
            [Channel::Energy, Channel::Power, Channel::Temperature].map(|c| sample.get(c).is_some())
        };
        assert_eq!(has(&read(&mut meter, Depth::Edge)), [true, false, false]);
        assert_eq!(has(&read(&mut meter, Depth::Power)), [true, true, false]);
        assert_eq!(has(&read(&mut meter, Depth::Full)), [true, true, true]);
    });
}

#[test]
fn boards_without_fields_are_read_by_calls() {
    let gpus = r#"[
        {"name": "V100", "architecture": "volta"},
        {"name": "A40", "architecture": "ga10x", "instant_present": false, "average_present": false},
        {"name": "P40", "architecture": "turing", "counter_present": false, "temperature_present": false}
    ]"#;
    with_gpus("boards_without_fields_are_read_by_calls", gpus, || {
        let mut meter = open();
        let averaging: Vec<_> = meter.devices().iter().map(|info| info.power_averaging_ms).collect();
        assert_eq!(averaging, [None, Some(1000), None], "only boards since GA10x average");
        for device in 0..3 {
            assert!(!meter.devices()[device].has(Channel::PowerAverage));
            assert!(meter.read(device, Depth::Power).expect("a reading").get(Channel::Power).is_some());
        }
        assert!(!meter.devices()[2].has(Channel::Energy) && !meter.devices()[2].has(Channel::Temperature));
        let edge = meter.read(2, Depth::Edge).expect("a reading");
        assert!(edge.get(Channel::Power).is_some(), "power finds an edge where there is no counter");
    });
}

#[test]
fn the_counter_is_the_energy_of_the_signal() {
    let gpus = r#"[{"signal": {"shape": "constant", "watts": 250}, "counter_update_ms": 20}]"#;
    with_gpus("the_counter_is_the_energy_of_the_signal", gpus, || {
        let mut meter = open();
        let move_after = |meter: &mut NvmlMeter, last: f64| {
            read_until(meter, |read| {
                let sample = read.expect("a reading");
                let energy = sample.get(Channel::Energy).expect("a counter");
                (energy > last).then_some((sample.t_ns, energy))
            })
        };
        let start = read(&mut meter, Depth::Edge).get(Channel::Energy).expect("a counter");
        let (_, first) = move_after(&mut meter, start);
        let (_, second) = move_after(&mut meter, first);
        let moves = (second - first) / (250.0 * 0.020);
        assert!((moves - moves.round()).abs() < 0.001, "a whole number of moves of 5 J: {first} {second}");
    });
}

#[test]
fn a_gpu_that_falls_off_the_bus_is_lost() {
    with_gpus("a_gpu_that_falls_off_the_bus_is_lost", r#"[{"lost_after_s": 0.2}]"#, || {
        let mut meter = open();
        let message = read_until(&mut meter, |read| match read {
            Err(ReadError::DeviceLost(message)) => Some(message),
            Err(ReadError::Transient(message)) => panic!("not merely failing: {message}"),
            Ok(_) => None,
        });
        assert!(message.contains("fell off the bus"), "{message}");
    });
}

#[test]
fn a_counter_that_is_reset_is_not_used_any_more() {
    with_gpus("a_counter_that_is_reset_is_not_used_any_more", r#"[{"reset_after_s": 0.2}]"#, || {
        let mut meter = open();
        let message = read_until(&mut meter, |read| read.err().map(|error| error.to_string()));
        assert!(message.contains("the energy counter went back"), "{message}");
        let after = read(&mut meter, Depth::Power);
        assert_eq!((after.get(Channel::Energy), after.get(Channel::Power).is_some()), (None, true));
        assert!(
            read(&mut meter, Depth::Edge).get(Channel::Power).is_some(),
            "power finds an edge from now on"
        );
    });
}

#[test]
fn shared_gpus_are_told_of() {
    with_gpus("shared_gpus_are_told_of", r#"[{"mig": true}]"#, || {
        let meter = open();
        assert_eq!(meter.devices()[0].facts["mig"], "enabled");
        assert_eq!(meter.notes().len(), 1);
    });
}

#[test]
fn the_sampler_brackets_the_counter_of_a_gpu() {
    let gpus = r#"[{"signal": {"shape": "constant", "watts": 400}}, {"name": "second"}]"#;
    with_gpus("the_sampler_brackets_the_counter_of_a_gpu", gpus, || {
        let (sender, events) = channel();
        let sampler = Sampler::start(vec![Box::new(open())], SamplerConfig::default(), move |event| {
            let _ = sender.send(event);
        });
        let sampler = sampler.expect("started");
        assert_eq!(sampler.devices().len(), 2);
        sampler.refine();
        let mut trace = Trace::default();
        while moves(&trace) < 4 {
            let event = events.recv_timeout(Duration::from_secs(10)).expect("an event within ten seconds");
            if let SamplerEvent::Samples { device: 0, samples } = event {
                for sample in samples {
                    assert!(trace.push(sample), "in order of time");
                }
            }
        }
        assert_eq!(sampler.stop().read_errors, 0);
        let energies: Vec<_> = trace.channel(Channel::Energy).collect();
        let closest =
            energies.windows(2).filter(|pair| pair[0].1 < pair[1].1).map(|pair| pair[1].0 - pair[0].0).min();
        assert!(closest.is_some_and(|ns| ns < 40_000_000), "closer than regular ticks are: {closest:?}");
    });
}

fn moves(trace: &Trace) -> usize {
    let energies: Vec<f64> = trace.channel(Channel::Energy).map(|(_, energy)| energy).collect();
    energies.windows(2).filter(|pair| pair[0] < pair[1]).count()
}

#[test]
fn a_driver_that_is_not_loaded_is_told_from_other_failures() {
    let name = "a_driver_that_is_not_loaded_is_told_from_other_failures";
    with_gpus(name, r#"{"init_error": "driver_not_loaded"}"#, || {
        assert_eq!(nvml::open(Some(&library())).expect_err("no driver"), OpenError::NoDriver);
    });
}

#[test]
fn a_driver_that_refuses_is_told_from_other_failures() {
    let name = "a_driver_that_refuses_is_told_from_other_failures";
    with_gpus(name, r#"{"init_error": "no_permission"}"#, || {
        assert_eq!(nvml::open(Some(&library())).expect_err("refused"), OpenError::NoPermission);
    });
}

#[test]
fn a_machine_without_gpus_is_told_from_other_failures() {
    with_gpus("a_machine_without_gpus_is_told_from_other_failures", "[]", || {
        assert_eq!(nvml::open(Some(&library())).expect_err("no GPU"), OpenError::NoDevices);
    });
}

#[test]
fn gpus_without_any_sensor_are_not_measured() {
    let gpus = r#"[{"counter_present": false, "power_present": false, "instant_present": false}]"#;
    with_gpus("gpus_without_any_sensor_are_not_measured", gpus, || {
        let error = nvml::open(Some(&library())).expect_err("nothing to read");
        assert!(
            matches!(&error, OpenError::NoneReadable(why) if why.contains("neither power nor energy")),
            "{error}"
        );
    });
}

#[test]
fn a_file_that_is_no_library_is_named() {
    let error = nvml::open(Some(Path::new("/nowhere/libnvidia-ml.so.1"))).expect_err("no library");
    assert!(
        matches!(&error, OpenError::NoLibrary(why) if why.contains("/nowhere/libnvidia-ml.so.1")),
        "{error}"
    );
}
