//! The times in a meter's file: seconds of some kind, or dates in the ways that meters and their programs write them.

use chrono::{DateTime, FixedOffset, Local, LocalResult, NaiveDateTime, Offset as _, TimeZone, Utc};

use crate::error::{Error, ErrorCode};

/// Numbers from here on are seconds since 1970 and not since the log began: three years of logging lie below.
const FIRST_EPOCH: f64 = 1e8;

/// Dates without a zone, as they are tried. A day that comes first is told by dots; with slashes nobody could tell it from a
/// month, so that is not read.
const FORMATS: [&str; 4] =
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y/%m/%d %H:%M:%S%.f", "%d.%m.%Y %H:%M:%S%.f"];

/// A moment as the file tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// Nanoseconds since 1970.
    Unix(i64),
    /// The same, by a date that names no zone.
    Dated(i64),
    /// Nanoseconds since something that the file does not tell.
    Elapsed(i64),
}

/// The zone of dates that name none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Zone {
    /// That of this machine.
    Local,
    /// A fixed distance from UTC.
    Fixed(FixedOffset),
}

impl Zone {
    /// `local`, `utc`, or a distance such as `+01:00`.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "local" => Ok(Self::Local),
            "utc" | "UTC" | "Z" => Ok(Self::Fixed(Utc.fix())),
            _ => text.parse().map(Self::Fixed).map_err(|_| {
                let error = Error::new(ErrorCode::BadInput, format!("{text:?} is no time zone"));
                error.with_hint("write local, utc, or a distance from UTC such as +01:00")
            }),
        }
    }

    fn unix_ns(self, time: NaiveDateTime) -> Result<i64, String> {
        match self {
            Self::Local => only(Local.from_local_datetime(&time)),
            Self::Fixed(offset) => only(offset.from_local_datetime(&time)),
        }
    }
}

fn only<Z: TimeZone>(found: LocalResult<DateTime<Z>>) -> Result<i64, String> {
    match found {
        LocalResult::Single(time) => nanoseconds(&time),
        LocalResult::Ambiguous(..) => {
            Err("comes twice, as clocks were set back: log in UTC, or name the zone".into())
        }
        LocalResult::None => {
            Err("was left out when clocks were set forward: log in UTC, or name the zone".into())
        }
    }
}

fn nanoseconds<Z: TimeZone>(time: &DateTime<Z>) -> Result<i64, String> {
    time.timestamp_nanos_opt().ok_or_else(|| "lies too far from now".into())
}

/// Reads one time. `unit_s` is what the head of the column says a number counts in; the reason says what is wrong.
pub(super) fn parse(text: &str, unit_s: Option<f64>, zone: Zone) -> Result<Moment, String> {
    if let Some(number) = number(text) {
        return counted(number, unit_s);
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return nanoseconds(&time).map(Moment::Unix);
    }
    let plain = FORMATS.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    match plain {
        Some(time) => zone.unix_ns(time).map(Moment::Dated),
        None => Err("is no time that is known: use seconds, or dates like 2026-01-31 18:30:05.250".into()),
    }
}

/// A plain number; neither infinite nor `NaN`.
pub(super) fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

#[expect(clippy::cast_possible_truncation, reason = "bounded before: 1e18 fits")]
fn counted(number: f64, unit_s: Option<f64>) -> Result<Moment, String> {
    // Seconds, milliseconds, microseconds and nanoseconds since 1970 lie a thousandfold apart.
    let guess_s = || [(1e11, 1.0), (1e14, 1e-3), (1e17, 1e-6), (f64::MAX, 1e-9)];
    let unit_s = unit_s.unwrap_or_else(|| {
        guess_s().into_iter().find(|(below, _)| number.abs() < *below).map_or(1.0, |(_, unit_s)| unit_s)
    });
    let seconds = number * unit_s;
    if !(0.0..=4e9).contains(&seconds) {
        return Err("lies outside of the times that can be: from the begin of the log, or of 1970, on".into());
    }
    // A double holds times since 1970 to about 0.2 microseconds.
    let ns = (seconds * 1e9).round() as i64;
    Ok(if seconds >= FIRST_EPOCH { Moment::Unix(ns) } else { Moment::Elapsed(ns) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const UTC: &str = "utc";

    fn read(text: &str, zone: &str) -> Result<Moment, String> {
        parse(text, None, Zone::parse(zone).expect("a zone"))
    }

    #[test]
    fn the_same_moment_is_read_however_it_is_written() {
        const AT_NS: i64 = 1_769_884_205_250_000_000;
        for text in [
            "1769884205.25",
            "1769884205250",
            "1769884205250000",
            "2026-01-31T18:30:05.250Z",
            "2026-01-31T19:30:05.25+01:00",
        ] {
            // A double holds such times to 0.2 microseconds.
            let Ok(Moment::Unix(t_ns)) = read(text, UTC) else { panic!("{text}: {:?}", read(text, UTC)) };
            assert!((t_ns - AT_NS).abs() < 1000, "{text}: {t_ns}");
        }
        for text in ["2026-01-31 18:30:05.250", "2026/01/31 18:30:05.250", "31.01.2026 18:30:05.250"] {
            assert_eq!(read(text, UTC), Ok(Moment::Dated(AT_NS)), "{text}");
        }
        let there = read("2026-01-31 19:30:05.250", "+01:00");
        assert_eq!(there, Ok(Moment::Dated(AT_NS)), "in the zone that was named");
    }

    #[test]
    fn small_numbers_count_from_the_begin_of_the_log() {
        assert_eq!(read("12.5", UTC), Ok(Moment::Elapsed(12_500_000_000)));
        let milliseconds = parse("12500", Some(1e-3), Zone::Local);
        assert_eq!(milliseconds, Ok(Moment::Elapsed(12_500_000_000)));
    }

    #[test]
    fn what_cannot_be_told_is_refused_with_what_to_do() {
        for text in ["01/02/2026 18:30:05", "yesterday", "", "-5", "nan", "1e300"] {
            assert!(read(text, UTC).is_err(), "{text}");
        }
        assert!(Zone::parse("Middle-earth").is_err());
    }
}
