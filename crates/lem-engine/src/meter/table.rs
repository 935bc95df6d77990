//! Reads the CSV file of a power meter.
//!
//! Nothing is guessed where two columns could be meant, and a cell that cannot be read is an error with its line. A reading that
//! the meter's program marks as missing is left out and counted.

use std::path::Path;

use csv::StringRecord;

use crate::error::{Error, ErrorCode};
use crate::meter::columns::{Columns, Names};
use crate::meter::times::{self, Moment, Zone};

/// The most bytes of a file: about a day of readings at 100 Hz.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// The most lines before the head of the table: programs write about the meter there.
const MAX_PREAMBLE: u64 = 100;

/// What programs write where there is no reading.
const MISSING: [&str; 7] = ["", "-", "---", "nan", "null", "unavailable", "unknown"];

const CHOOSE: &str = "name the columns of time and power as they are written in the file";

/// The readings of a file.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Table {
    /// Time in nanoseconds and power in watts, strictly in the order of time.
    pub(super) readings: Vec<(i64, f64)>,
    /// Whether the times count from 1970, or from a begin that the file does not tell.
    pub(super) since_1970: bool,
    /// Whether dates name no zone.
    pub(super) without_zone: bool,
    /// Lines without a reading of power.
    pub(super) missing: usize,
    /// Lines whose time is that of the line before; their mean is one reading.
    pub(super) shared: usize,
}

/// Reads the bytes of a file; `path` is for errors.
pub(super) fn read(path: &Path, bytes: &[u8], names: Names<'_>, zone: Zone) -> Result<Table, Error> {
    parse(bytes, names, zone).map_err(|Fault { line, message, hint }| {
        let place = line.map_or(String::new(), |line| format!(", line {line}"));
        Error::new(ErrorCode::BadInput, format!("{}{place}: {message}", path.display())).with_hint(hint)
    })
}

/// The bytes of a file, unless it is too large to be one of a meter.
pub(super) fn load(path: &Path) -> Result<Vec<u8>, Error> {
    let length = std::fs::metadata(path).map_err(|e| Error::file("read", path, &e))?.len();
    if length > MAX_BYTES {
        let error = Error::new(ErrorCode::BadInput, format!("{}: has more than 512 MiB", path.display()));
        return Err(error.with_hint("cut out the hours of the campaign"));
    }
    std::fs::read(path).map_err(|e| Error::file("read", path, &e))
}

/// What is wrong with a file, and in which line where it is one.
#[derive(Debug, Clone, PartialEq)]
struct Fault {
    line: Option<u64>,
    message: String,
    hint: String,
}

impl Fault {
    fn at(line: u64, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { line: Some(line), message: message.into(), hint: hint.into() }
    }

    fn whole(message: &str, hint: &str) -> Self {
        Self { line: None, message: message.into(), hint: hint.into() }
    }
}

fn parse(bytes: &[u8], names: Names<'_>, zone: Zone) -> Result<Table, Fault> {
    let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
    let delimiter = delimiter(&text);
    let mut reader = csv::ReaderBuilder::new();
    reader.has_headers(false).delimiter(delimiter).flexible(true).comment(Some(b'#')).trim(csv::Trim::All);
    let mut reader = reader.from_reader(text.as_bytes());
    let (mut record, mut rows) = (StringRecord::new(), None);
    loop {
        let more = reader.read_record(&mut record);
        let line = record.position().map_or(0, csv::Position::line);
        if !more.map_err(|e| Fault::at(line, format!("is no CSV: {e}"), "export it again"))? {
            break;
        }
        match &mut rows {
            Some(rows) => Rows::add(rows, line, &record)?,
            None if line > MAX_PREAMBLE => break,
            None => {
                let found = Columns::find(&record, names).map_err(|why| Fault::at(line, why, CHOOSE))?;
                let Some(columns) = found else { continue };
                let begins_with_data = columns.unnamed;
                let new = rows.insert(Rows::new(columns, delimiter, zone));
                if begins_with_data {
                    new.add(line, &record)?;
                }
            }
        }
    }
    let Some(rows) = rows else {
        return Err(Fault::whole("no line names a column of time and one of power", CHOOSE));
    };
    if rows.table.readings.len() < 2 {
        return Err(Fault::whole("has fewer than two readings", "export the hours of the campaign"));
    }
    Ok(Table { since_1970: rows.since_1970 == Some(true), ..rows.table })
}

/// What divides cells: whichever of tab and semicolon several lines have, else the comma.
fn delimiter(text: &str) -> u8 {
    let lines_with = |mark: u8| {
        let lines = text.lines().filter(|line| !line.starts_with('#')).take(50);
        lines.filter(|line| line.bytes().any(|byte| byte == mark)).count()
    };
    [b'\t', b';'].into_iter().find(|mark| lines_with(*mark) >= 2).unwrap_or(b',')
}

/// The lines beneath the head.
struct Rows {
    columns: Columns,
    /// Where cells are not divided by commas, a comma divides numbers.
    comma_in_numbers: bool,
    zone: Zone,
    table: Table,
    since_1970: Option<bool>,
    /// How many lines make up the last reading.
    in_last: f64,
}

impl Rows {
    fn new(columns: Columns, delimiter: u8, zone: Zone) -> Self {
        let comma_in_numbers = delimiter != b',';
        Self { columns, comma_in_numbers, zone, table: Table::default(), since_1970: None, in_last: 1.0 }
    }

    fn add(&mut self, line: u64, record: &StringRecord) -> Result<(), Fault> {
        let power = cell(line, record, self.columns.power)?;
        if MISSING.iter().any(|missing| power.eq_ignore_ascii_case(missing)) {
            self.table.missing += 1;
            return Ok(());
        }
        let watts = times::number(&self.number(power)).filter(|watts| *watts >= 0.0).ok_or_else(|| {
            let hint = "power is a number that is not negative: mend the line, or turn the clamp round";
            Fault::at(line, format!("{power:?} is no power"), hint)
        })?;
        let mut time = self.number(cell(line, record, self.columns.time)?);
        if let Some(column) = self.columns.time_of_day {
            time = format!("{time} {}", self.number(cell(line, record, column)?));
        }
        let moment = times::parse(&time, self.columns.time_unit_s, self.zone)
            .map_err(|why| Fault::at(line, format!("the time {time:?} {why}"), "mend the line"))?;
        let (t_ns, since_1970) = match moment {
            Moment::Unix(t_ns) => (t_ns, true),
            Moment::Dated(t_ns) => {
                self.table.without_zone = true;
                (t_ns, true)
            }
            Moment::Elapsed(t_ns) => (t_ns, false),
        };
        if *self.since_1970.get_or_insert(since_1970) != since_1970 {
            let message = "its time counts from another begin than those before";
            return Err(Fault::at(line, message, "use one kind of time in a file"));
        }
        self.push(line, t_ns, watts * self.columns.power_unit_w)
    }

    fn number(&self, cell: &str) -> String {
        if self.comma_in_numbers { cell.replace(',', ".") } else { cell.to_owned() }
    }

    fn push(&mut self, line: u64, t_ns: i64, watts: f64) -> Result<(), Fault> {
        match self.table.readings.last_mut() {
            Some((last_ns, _)) if t_ns < *last_ns => {
                let hint =
                    "sort the lines; where the meter's clock was set meanwhile, import each part by itself";
                return Err(Fault::at(line, "its time is earlier than that of the line before", hint));
            }
            Some((last_ns, last_w)) if t_ns == *last_ns => {
                self.table.shared += 1;
                self.in_last += 1.0;
                *last_w += (watts - *last_w) / self.in_last;
            }
            _ => {
                self.in_last = 1.0;
                self.table.readings.push((t_ns, watts));
            }
        }
        Ok(())
    }
}

fn cell(line: u64, record: &StringRecord, column: usize) -> Result<&str, Fault> {
    record.get(column).ok_or_else(|| {
        let message = format!("has {} cells, and its cell {} is needed", record.len(), column + 1);
        Fault::at(line, message, "mend or remove the line; the last one may be cut off")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Result<Table, Fault> {
        parse(text.as_bytes(), Names::default(), Zone::parse("utc").expect("a zone"))
    }

    fn readings(text: &str) -> Vec<(i64, f64)> {
        table(text).unwrap_or_else(|fault| panic!("{fault:?} in {text}")).readings
    }

    const AT_NS: i64 = 1_769_884_205_000_000_000;

    #[test]
    fn files_of_many_meters_give_the_same_readings() {
        let expected = [(AT_NS, 400.0), (AT_NS + 1_000_000_000, 412.5)];
        for text in [
            "time,watts\n1769884205,400\n1769884206,412.5\n",
            "1769884205,400\n1769884206,412.5\n",
            "\u{feff}Timestamp;Power [W]\r\n2026-01-31T18:30:05Z;400\r\n2026-01-31T18:30:06Z;412,5\r\n",
            "Model,WT310\nSamples,3600\n\nDate,Time,Voltage (V),Power (kW)\n2026/01/31,18:30:05,230,0.4\n\
             2026/01/31,18:30:06,230,0.4125\n",
            "# exported\nDate\tActive Power (mW)\n31.01.2026 18:30:05\t400000\n31.01.2026 18:30:06\t412500\n",
            "\"time\",\"energy_kwh\",\"power_w\"\n\"1769884205000\",\"1\",\"400\"\n1769884206000,1,412.5\n",
        ] {
            assert_eq!(readings(text), expected, "{text}");
        }
    }

    #[test]
    fn missing_readings_are_left_out_and_lines_of_one_time_are_averaged_and_both_are_counted() {
        let found = table("time,power\n10,100\n11,unavailable\n12,100\n12,200\n12,300\n13,\n14,50\n");
        let found = found.expect("it can be read");
        let second = 1_000_000_000;
        assert_eq!(found.readings, [(10 * second, 100.0), (12 * second, 200.0), (14 * second, 50.0)]);
        assert_eq!((found.missing, found.shared, found.since_1970), (2, 2, false));
    }

    #[test]
    fn each_fault_names_its_line() {
        let line = |text: &str| table(text).expect_err(text).line;
        assert_eq!(line("time,power\n1,100\n2,much\n"), Some(3));
        assert_eq!(line("time,power\n1,100\n2,-3\n"), Some(3));
        assert_eq!(line("time,power\n1,100\n\n3,100\n2,100\n"), Some(5), "earlier than the line before");
        assert_eq!(line("time,power\n1,100\n2\n"), Some(3));
        assert_eq!(line("time,power\n1,100\nsoon,100\n"), Some(3));
        assert_eq!(line("time,power\n1,100\n1769884205,100\n"), Some(3));
        assert_eq!(line("time,power,watts\n1,100,100\n"), Some(1), "which of the two?");
        assert_eq!(line("a,b,c\n1,2,3\n"), None);
        assert_eq!(line("time,power\n1,100\n"), None);
        assert_eq!(line(""), None);
    }

    #[test]
    fn columns_can_be_named() {
        let names = Names { time: Some("when"), power: Some("PSU 2 [kW]") };
        let text = "when,PSU 1 [kW],PSU 2 [kW]\n1,0.1,0.2\n2,0.1,0.3\n";
        let found = parse(text.as_bytes(), names, Zone::Local).expect("it can be read");
        assert_eq!(found.readings.iter().map(|(_, watts)| *watts).collect::<Vec<_>>(), [200.0, 300.0]);
        let absent = Names { time: Some("when"), power: Some("PSU 3") };
        assert!(parse(text.as_bytes(), absent, Zone::Local).is_err());
        let energy = Names { time: None, power: Some("energy (kWh)") };
        assert!(parse(b"time,energy (kWh)\n1,5\n2,6\n", energy, Zone::Local).is_err(), "no unit of power");
    }
}
