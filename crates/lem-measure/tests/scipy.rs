//! The statistics beside those of `SciPy` and `NumPy`: `scipy/generate.py` wrote `scipy/reference.json`.

use std::path::Path;

use lem_measure::stats::{
    Interval, bca_of_mean, describe, paired, quantile, regression, relative_half_width, student_975,
};
use serde_json::Value;

/// Closed forms agree to this share of what they are, or of the numbers they are computed from.
const CLOSE: f64 = 1e-9;

fn reference() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scipy/reference.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("it is committed")).expect("JSON")
}

fn cases(kind: &str) -> Vec<Value> {
    let cases = reference()[kind].as_array().expect("a list").clone();
    assert!(cases.len() > 8, "{kind}");
    cases
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(number).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

#[track_caller]
fn close(ours: f64, theirs: f64, what: &str) {
    assert!((ours - theirs).abs() <= CLOSE * theirs.abs(), "{what}: {ours}, SciPy {theirs}");
}

#[track_caller]
fn interval_close(ours: (f64, f64), theirs: &Value, what: &str) {
    close(ours.0, number(&theirs[0]), what);
    close(ours.1, number(&theirs[1]), what);
}

/// Each end may be off by five standard deviations of the Monte Carlo error that `SciPy` has with as many resamples.
#[track_caller]
fn bootstrap_close(ours: Option<Interval>, theirs: &Value, what: &str) {
    let Some(ours) = ours else {
        assert!(theirs.is_null(), "{what}: no interval, SciPy {theirs}");
        return;
    };
    let (ends, error) = (numbers(&theirs["ends"]), numbers(&theirs["monte_carlo_sd"]));
    for (ours, (theirs, error)) in [ours.low, ours.high].into_iter().zip(ends.into_iter().zip(error)) {
        assert!(
            (ours - theirs).abs() <= 5.0 * error + CLOSE * theirs.abs(),
            "{what}: {ours}, SciPy {theirs} ± {error}"
        );
    }
}

#[test]
fn quantiles_of_student_are_those_of_scipy() {
    for known in reference()["student_975"].as_array().expect("a list") {
        let degrees = known[0].as_u64().and_then(|n| u32::try_from(n).ok()).expect("a count");
        close(student_975(degrees).expect("one degree"), number(&known[1]), &degrees.to_string());
    }
}

#[test]
fn a_description_is_that_of_scipy_and_numpy() {
    for case in cases("samples") {
        let (name, values) = (case["name"].as_str().expect("a name"), numbers(&case["values"]));
        let ours = describe(values.clone()).expect("values");
        close(ours.mean, number(&case["mean"]), name);
        close(ours.median, number(&case["median"]), name);
        close(quantile(&values, 0.5).expect("values"), ours.median, name);
        close(ours.mad, number(&case["mad"]), name);
        close(ours.sd.expect("two values"), number(&case["sd"]), name);
        let interval = (ours.ci_low.expect("two values"), ours.ci_high.expect("two values"));
        interval_close(interval, &case["interval"], name);
        assert_eq!(serde_json::json!(ours.outliers), case["outliers"], "{name}");

        let theirs =
            (number(&case["interval"][1]) - number(&case["interval"][0])) / 2.0 / number(&case["mean"]);
        close(relative_half_width(&values).expect("a mean"), theirs.abs(), name);
    }
}

#[test]
fn a_bootstrap_interval_is_that_of_scipy_but_for_monte_carlo_error() {
    for case in cases("samples") {
        let name = case["name"].as_str().expect("a name");
        bootstrap_close(bca_of_mean(&numbers(&case["values"])), &case["bca"], name);
    }
}

#[test]
fn a_paired_comparison_is_that_of_scipy() {
    let by_cycle = |values: &Value| -> Vec<(u32, f64)> { (1..).zip(numbers(values)).collect() };
    for case in cases("pairs") {
        let name = case["name"].as_str().expect("a name");
        let ours = paired(&by_cycle(&case["a"]), &by_cycle(&case["b"])).expect("two cycles");
        close(ours.difference, number(&case["difference"]), name);
        interval_close((ours.ci_low, ours.ci_high), &case["interval"], name);
        close(ours.p.expect("scatter"), number(&case["p"]), name);
        close(ours.d_z.expect("scatter"), number(&case["d_z"]), name);
        assert_eq!(ours.ratio.is_none(), case["ratio"].is_null(), "{name}");
        if let (Some(ratio), Some(low), Some(high)) = (ours.ratio, ours.ratio_low, ours.ratio_high) {
            close(ratio, number(&case["ratio"][0]), name);
            close(low, number(&case["ratio"][1]), name);
            close(high, number(&case["ratio"][2]), name);
        }
        let bca = ours.bca_low.zip(ours.bca_high).map(|(low, high)| Interval { low, high });
        bootstrap_close(bca, &case["bca"], name);
    }
}

#[test]
fn a_line_is_that_of_scipy() {
    for case in cases("lines") {
        let name = case["name"].as_str().expect("a name");
        let ours = regression(&numbers(&case["x"]), &numbers(&case["y"])).expect("three points");
        close(ours.slope, number(&case["slope"]), name);
        close(ours.intercept, number(&case["intercept"]), name);
        interval_close((ours.slope_low, ours.slope_high), &case["slope_interval"], name);
        close(ours.p.expect("scatter"), number(&case["p"]), name);
        close(ours.r_squared.expect("y varies"), number(&case["r_squared"]), name);
    }
}
