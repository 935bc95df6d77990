//! Listening for critical errors of GPUs, on the simulated GPU library.

mod driver;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use driver::{open, paths, watch, with_driver};
use lem_measure::{DeviceInfo, PowerSource};
use lem_power::{Depth, Listening, Meter, Paths, Watch, Xids};
use serde_json::{Value, json};

/// An error every tenth of a second for ten minutes, so that some occur whenever somebody listens.
fn all_the_time(xid: u64) -> Value {
    (1..6_000).map(|tenth| json!({ "after_s": f64::from(tenth) / 10.0, "xid": xid })).collect()
}

/// What is heard once that is enough.
#[track_caller]
fn until(listening: &Listening, enough: impl Fn(&BTreeMap<String, Xids>) -> bool) -> BTreeMap<String, Xids> {
    let from = Instant::now();
    loop {
        let heard = listening.heard();
        if enough(&heard) {
            return heard;
        }
        assert!(from.elapsed() < Duration::from_secs(20), "{heard:?}");
        std::thread::yield_now();
    }
}

fn numbers(xids: &Xids) -> Vec<u64> {
    xids.errors.iter().map(|xid| xid.number).collect()
}

#[test]
fn errors_are_heard_with_their_gpu_their_number_and_their_time() {
    let name = "errors_are_heard_with_their_gpu_their_number_and_their_time";
    let gpus = json!([{ "uuid": "GPU-a", "xids": all_the_time(31) }, { "uuid": "GPU-b" }]);
    with_driver(name, &gpus, |_| {
        let mut meter = open();
        let from_ns = lem_power::now_ns();
        let listening = Watch::new(&paths(), meter.devices()).listen();
        until(&listening, |heard| heard["GPU-a"].errors.len() >= 2 && heard["GPU-b"].deaf.is_none());
        assert!(meter.read(0, Depth::Full).is_ok(), "the meter reads meanwhile");
        let heard = listening.finish();
        let errors = &heard["GPU-a"];
        assert!(numbers(errors).iter().all(|number| *number == 31), "{errors:?}");
        assert!(errors.errors.iter().all(|xid| (from_ns..=lem_power::now_ns()).contains(&xid.t_ns)));
        assert_eq!((errors.deaf.as_ref(), &heard["GPU-b"]), (None, &Xids::default()), "the other has none");
    });
}

#[test]
fn a_gpu_that_cannot_be_listened_to_says_why_and_the_others_are_heard() {
    let name = "a_gpu_that_cannot_be_listened_to_says_why_and_the_others_are_heard";
    let gpus = json!([
        { "uuid": "GPU-a", "unsupported": ["events"], "xids": all_the_time(31) },
        { "uuid": "GPU-b", "xids": all_the_time(48) },
    ]);
    with_driver(name, &gpus, |_| {
        let listening = watch().listen();
        until(&listening, |heard| !heard["GPU-b"].errors.is_empty());
        let heard = listening.finish();
        assert!(heard["GPU-a"].deaf.as_ref().is_some_and(|why| why.contains("not available")), "{heard:?}");
        assert!(heard["GPU-a"].errors.is_empty());
        assert_eq!(numbers(&heard["GPU-b"])[0], 48);
    });
}

#[test]
fn the_last_error_of_a_gpu_that_is_lost_is_heard_and_ends_the_listening_to_it() {
    let name = "the_last_error_of_a_gpu_that_is_lost_is_heard_and_ends_the_listening_to_it";
    let gpu = json!({ "uuid": "GPU-a", "lost_after_s": 0.4, "xids": [{ "after_s": 0.4, "xid": 79 }] });
    with_driver(name, &json!([gpu]), |_| {
        let listening = watch().listen();
        let heard = until(&listening, |heard| {
            let told = heard["GPU-a"].deaf.as_deref();
            told.is_some_and(|why| !why.contains("not answered"))
        });
        // A machine that is so busy that the GPU was lost before it was registered hears nothing, and says so.
        assert!([vec![79], vec![]].contains(&numbers(&heard["GPU-a"])), "{heard:?}");
    });
}

#[test]
fn errors_without_end_are_kept_up_to_a_hundred_and_do_not_hold_up_the_end() {
    let name = "errors_without_end_are_kept_up_to_a_hundred_and_do_not_hold_up_the_end";
    let storm: Value = (1..60_000).map(|ms| json!({ "after_s": f64::from(ms) / 1e3, "xid": 13 })).collect();
    with_driver(name, &json!([{ "uuid": "GPU-a", "xids": storm }]), |_| {
        let listening = watch().listen();
        until(&listening, |heard| heard["GPU-a"].errors.len() == 100);
        assert_eq!(listening.finish()["GPU-a"].errors.len(), 100);
    });
}

#[test]
fn the_library_is_closed_when_nobody_listens_any_more() {
    let name = "the_library_is_closed_when_nobody_listens_any_more";
    with_driver(name, &json!([{ "uuid": "GPU-a" }]), |driver| {
        let mut gpus = watch();
        let listening = gpus.listen();
        until(&listening, |heard| heard["GPU-a"].deaf.is_none());
        driver.becomes(&json!({ "driver_version": "590.1", "gpus": [{ "uuid": "GPU-a" }] }));
        assert_ne!(gpus.look()[0].facts["driver_version"], "590.1", "it is still open");
        let _ = listening.finish();
        assert_eq!(gpus.look()[0].facts["driver_version"], "590.1");
    });
}

#[test]
fn a_library_that_is_missing_is_said_without_its_place() {
    let simulated = lem_power::simulated::open(&lem_power::simulated::Spec::default());
    let device = DeviceInfo { source: PowerSource::Nvml, ..simulated.devices()[0].clone() };
    let missing = Paths {
        nvml_library: Some(Path::new("/home/somebody/libnvidia-ml.so.1").into()),
        ..Paths::default()
    };
    let heard = Watch::new(&missing, std::slice::from_ref(&device)).listen().finish();
    let why = heard[&device.id].deaf.as_ref().expect("no library");
    assert!(why.contains("could not be loaded") && !why.contains("somebody"), "{why}");
}

#[test]
fn without_gpus_nobody_listens() {
    let simulated = lem_power::simulated::open(&lem_power::simulated::Spec::default());
    let from = Instant::now();
    assert_eq!(Watch::new(&Paths::default(), simulated.devices()).listen().finish(), BTreeMap::new());
    assert!(from.elapsed() < Duration::from_millis(900), "no thread was waited for");
}
