//! Numbers for people: units always shown, SI prefixes, a missing value as a dash, never 0.

/// What stands for a missing value.
pub(crate) const MISSING: &str = "–";

/// A value with unit and SI prefix, three significant digits: `12.4 J`, `1.52 kJ`, `310 mJ`.
pub(crate) fn si(value: Option<f64>, unit: &str) -> String {
    let Some(value) = value.filter(|v| v.is_finite()) else { return MISSING.into() };
    if value == 0.0 {
        return format!("0 {unit}");
    }
    let (scale, prefix) = prefix(value);
    format!("{} {prefix}{unit}", significant(value / scale))
}

/// The SI prefix under which a value has one to three digits before the point.
fn prefix(value: f64) -> (f64, &'static str) {
    const PREFIXES: [(f64, &str); 6] =
        [(1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ")];
    let fits = |(scale, _): &&(f64, &str)| (value.abs() / scale) >= 0.9995;
    *PREFIXES.iter().find(fits).unwrap_or(&PREFIXES[5])
}

/// A value with its uncertainty at the same prefix: `19.9 ± 8.0 J`.
pub(crate) fn si_uncertain(value: Option<f64>, uncertainty: Option<f64>, unit: &str) -> String {
    let (Some(known), Some(uncertainty)) = (value.filter(|v| v.is_finite()), uncertainty) else {
        return si(value, unit);
    };
    let (scale, prefix) = prefix(known);
    // Two digits of the uncertainty, and the value to the same place.
    let scaled = uncertainty / scale;
    let digits = if scaled > 0.0 { (1.0 - scaled.log10().floor()).clamp(0.0, 4.0) } else { 2.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0 to 4")]
    let digits = digits as usize;
    format!("{:.digits$} ± {scaled:.digits$} {prefix}{unit}", known / scale)
}

/// Three significant digits of a number below 1000; smaller ones than a hundredth with two.
pub(crate) fn significant(value: f64) -> String {
    match value.abs() {
        v if v > 0.0 && v < 0.01 => format!("{value:.1e}"),
        v if v >= 99.95 => format!("{value:.0}"),
        v if v >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A plain number with a unit, with this many digits.
pub(crate) fn plain(value: Option<f64>, digits: usize, unit: &str) -> String {
    match value.filter(|v| v.is_finite()) {
        Some(value) if unit.is_empty() => format!("{value:.digits$}"),
        Some(value) => format!("{value:.digits$} {unit}"),
        None => MISSING.into(),
    }
}

/// How many: `1 run`, `2 runs`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A span of time as people say it: `45 s`, `4 min 10 s`, `2 h 5 min`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "spans are positive and far below 2^64 s"
)]
pub(crate) fn span(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    match (hours, minutes) {
        (0, 0) if seconds < 10.0 => format!("{} s", trim(seconds)),
        (0, 0) => format!("{rest} s"),
        (0, _) if rest == 0 => format!("{minutes} min"),
        (0, _) => format!("{minutes} min {rest} s"),
        (_, 0) => format!("{hours} h"),
        _ => format!("{hours} h {minutes} min"),
    }
}

/// At most one decimal, none when it is zero.
fn trim(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_carry_three_digits_a_prefix_and_their_unit() {
        let shown = [12.4, 1_523.0, 0.31, 999.96, 0.000_004_2, -45.0, 0.0].map(|v| si(Some(v), "J"));
        assert_eq!(shown, ["12.4 J", "1.52 kJ", "310 mJ", "1.00 kJ", "4.20 µJ", "-45.0 J", "0 J"]);
    }

    #[test]
    fn an_uncertainty_is_given_two_digits_and_the_value_the_same_place() {
        let shown = [(19.9, 7.96), (1_523.4, 2.34), (0.31, 0.000_5), (5.0, 0.0)];
        let shown = shown.map(|(value, uncertainty)| si_uncertain(Some(value), Some(uncertainty), "J"));
        assert_eq!(shown, ["19.9 ± 8.0 J", "1.5234 ± 0.0023 kJ", "310.00 ± 0.50 mJ", "5.00 ± 0.00 J"]);
    }

    #[test]
    fn a_missing_value_is_a_dash_and_never_zero() {
        assert_eq!(
            (si(None, "J"), plain(None, 1, "W"), si(Some(f64::NAN), "J")),
            ("–".into(), "–".into(), "–".into())
        );
    }

    #[test]
    fn spans_are_said_as_people_say_them() {
        let shown = [0.0, 1.5, 45.0, 120.0, 250.0, 3_600.0, 7_500.0].map(span);
        assert_eq!(shown, ["0 s", "1.5 s", "45 s", "2 min", "4 min 10 s", "1 h", "2 h 5 min"]);
    }
}
