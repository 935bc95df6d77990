//! Which columns of a meter's file are time and power, and what they count in.

use csv::StringRecord;

use crate::meter::times::{self, Zone};

const POWER: [&str; 9] =
    ["power", "active power", "real power", "total power", "apower", "watts", "watt", "w", "p"];
const TIME: [&str; 9] =
    ["time", "timestamp", "datetime", "date time", "unix", "epoch", "elapsed", "elapsed time", "t"];
const UNITS: [&str; 9] = ["w", "watt", "watts", "kw", "mw", "s", "ms", "us", "ns"];

/// The names of columns that a person gave, as they stand in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Names<'a> {
    pub(super) time: Option<&'a str>,
    pub(super) power: Option<&'a str>,
}

/// Where time and power stand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Columns {
    pub(super) time: usize,
    /// The column of the time of day, where that of time holds the date alone.
    pub(super) time_of_day: Option<usize>,
    /// What a number of time counts in, where the file says so.
    pub(super) time_unit_s: Option<f64>,
    pub(super) power: usize,
    pub(super) power_unit_w: f64,
    /// Whether the file names no columns: the line that they were found in is the first reading.
    pub(super) unnamed: bool,
}

impl Columns {
    /// The columns, if this line names them, or is a reading of a file without names: two cells, the second a number.
    /// `None` for a line before the table; an error where it is not clear which columns are meant.
    pub(super) fn find(line: &StringRecord, wanted: Names<'_>) -> Result<Option<Self>, String> {
        if wanted == Names::default() && is_reading(line) {
            return Ok(Some(Self {
                time: 0,
                time_of_day: None,
                time_unit_s: None,
                power: 1,
                power_unit_w: 1.0,
                unnamed: true,
            }));
        }
        let names: Vec<Name> = line.iter().map(Name::of).collect();
        let chosen = |name: &str| line.iter().position(|cell| cell == name);
        let power = match wanted.power {
            Some(name) => chosen(name),
            None => one(line, &names, "power", |name| name.is(&POWER) && name.unit_w().is_some())?,
        };
        let time = match wanted.time {
            Some(name) => chosen(name).map(|at| (at, None)),
            None => time(line, &names)?,
        };
        let (Some(power), Some((time, time_of_day))) = (power, time) else { return Ok(None) };
        let power_unit_w = names[power]
            .unit_w()
            .ok_or_else(|| format!("{:?} counts in no known unit of power", &line[power]))?;
        let time_unit_s = names[time].unit_s();
        Ok(Some(Self { time, time_of_day, time_unit_s, power, power_unit_w, unnamed: false }))
    }
}

fn is_reading(line: &StringRecord) -> bool {
    let plain = |cell: &str| cell.replace(',', ".");
    line.len() == 2
        && times::number(&plain(&line[1])).is_some()
        && times::parse(&plain(&line[0]), None, Zone::Local).is_ok()
}

/// A column of time, or one of dates and one of times of day.
fn time(line: &StringRecord, names: &[Name]) -> Result<Option<(usize, Option<usize>)>, String> {
    let date = names.iter().position(|name| name.is(&["date"]));
    let time = one(line, names, "time", |name| name.is(&TIME))?;
    Ok(match (date, time) {
        (Some(date), Some(time)) if names[time].is(&["time"]) => Some((date, Some(time))),
        (date, time) => time.or(date).map(|at| (at, None)),
    })
}

fn one(
    line: &StringRecord,
    names: &[Name],
    what: &str,
    wanted: impl Fn(&Name) -> bool,
) -> Result<Option<usize>, String> {
    let mut found = names.iter().enumerate().filter(|(_, name)| wanted(name)).map(|(index, _)| index);
    match (found.next(), found.next()) {
        (Some(first), Some(second)) => {
            Err(format!("{:?} and {:?} could both be the column of {what}", &line[first], &line[second]))
        }
        (first, _) => Ok(first),
    }
}

/// The name of a column in lower case, apart from its unit: `Power (W)`, `power_w`, `Active Power [kW]`.
struct Name {
    word: String,
    /// As it is written: a megawatt is no milliwatt.
    unit: Option<String>,
}

impl Name {
    fn of(cell: &str) -> Self {
        let plain = cell.replace('_', " ");
        let (word, unit) = match plain.find(['(', '[', '/']) {
            Some(open) => (&plain[..open], Some(plain[open + 1..].trim_end_matches([')', ']']))),
            None => match plain.rsplit_once(' ') {
                Some((word, unit)) if UNITS.contains(&unit.to_lowercase().as_str()) => (word, Some(unit)),
                _ => (plain.as_str(), None),
            },
        };
        Self { word: word.trim().to_lowercase(), unit: unit.map(|unit| unit.trim().to_owned()) }
    }

    fn is(&self, words: &[&str]) -> bool {
        words.contains(&self.word.as_str())
    }

    /// One of its unit in watts; watts where it names none. `None` for what is no power, e.g. kWh.
    fn unit_w(&self) -> Option<f64> {
        match self.unit.as_deref() {
            None | Some("w" | "W" | "watt" | "Watt" | "watts" | "Watts") => Some(1.0),
            Some("kw" | "kW" | "KW") => Some(1000.0),
            Some("mw" | "mW") => Some(0.001),
            Some(_) => None,
        }
    }

    fn unit_s(&self) -> Option<f64> {
        match self.unit.as_deref()?.to_lowercase().as_str() {
            "s" | "sec" | "seconds" => Some(1.0),
            "ms" => Some(1e-3),
            "us" | "µs" => Some(1e-6),
            "ns" => Some(1e-9),
            _ => None,
        }
    }
}
