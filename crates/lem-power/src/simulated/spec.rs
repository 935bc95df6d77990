//! What is simulated, as one word on a command line: `SHAPE:KEY=VALUE,...`.
//!
//! | shape | keys (watts, seconds) |
//! |---|---|
//! | `constant` | `watts=200` |
//! | `sine` | `mean=200`, `amplitude=80`, `period=2` |
//! | `square` | `low=80`, `high=300`, `period=1`, `duty=0.5` |
//! | `steps` | `levels=50x1/200x2`: watts x seconds, one after the other, then from the start |
//! | `ramps` | `lines=50-200x1/200-50x2`: from-to watts x seconds, one after the other, then from the start |
//!
//! and for every shape `update_ms=20` (how often the sensor and the counter move; 0 is always), `devices=1`,
//! `lost_after_s=` (seconds after opening at which the devices vanish; never by default).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use lem_measure::signal::{Ramp, Signal, Step};

/// What is simulated.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// The true power of every device.
    pub signal: Signal,
    /// How often the sensor and the counter move, in milliseconds; 0 is always.
    pub update_ms: u32,
    /// How many devices there are, all alike.
    pub devices: u32,
    /// When the devices vanish, in seconds after opening.
    pub lost_after_s: Option<f64>,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            signal: Signal::Sine { mean_w: 200.0, amplitude_w: 80.0, period_s: 2.0 },
            update_ms: 20,
            devices: 1,
            lost_after_s: None,
        }
    }
}

/// A text that says nothing that can be simulated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} cannot be simulated: {cause}. Examples: constant:watts=200  sine:mean=200,amplitude=80,period=2  square:low=80,high=300,period=1  steps:levels=50x1/200x2"
)]
pub struct SpecError {
    text: String,
    cause: String,
}

impl FromStr for Spec {
    type Err = SpecError;

    /// Reads a spec; the empty text is the default.
    fn from_str(text: &str) -> Result<Self, SpecError> {
        parse(text).map_err(|cause| SpecError { text: text.to_owned(), cause })
    }
}

impl fmt::Display for Spec {
    /// Writes every key, so that the text stands for itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.signal {
            Signal::Constant { watts } => write!(f, "constant:watts={watts}")?,
            Signal::Sine { mean_w, amplitude_w, period_s } => {
                write!(f, "sine:mean={mean_w},amplitude={amplitude_w},period={period_s}")?;
            }
            Signal::Square { low_w, high_w, period_s, duty } => {
                write!(f, "square:low={low_w},high={high_w},period={period_s},duty={duty}")?;
            }
            Signal::Steps { steps } => {
                let levels: Vec<String> =
                    steps.iter().map(|s| format!("{}x{}", s.watts, s.seconds)).collect();
                write!(f, "steps:levels={}", levels.join("/"))?;
            }
            Signal::Ramps { ramps } => {
                let lines: Vec<String> =
                    ramps.iter().map(|r| format!("{}-{}x{}", r.from_w, r.to_w, r.seconds)).collect();
                write!(f, "ramps:lines={}", lines.join("/"))?;
            }
        }
        write!(f, ",update_ms={},devices={}", self.update_ms, self.devices)?;
        self.lost_after_s.map_or(Ok(()), |seconds| write!(f, ",lost_after_s={seconds}"))
    }
}

fn parse(text: &str) -> Result<Spec, String> {
    let default = Spec::default();
    if text.is_empty() {
        return Ok(default);
    }
    let (shape, rest) = text.split_once(':').unwrap_or((text, ""));
    let mut keys = Keys::parse(rest)?;
    let signal = signal(shape, &mut keys)?;
    signal.check()?;
    let spec = Spec {
        signal,
        update_ms: keys.parsed("update_ms")?.unwrap_or(default.update_ms),
        devices: keys.parsed("devices")?.unwrap_or(default.devices),
        lost_after_s: keys.parsed("lost_after_s")?,
    };
    keys.done(shape)?;
    check(&spec)?;
    Ok(spec)
}

/// The true power that a shape and its keys describe.
fn signal(shape: &str, keys: &mut Keys<'_>) -> Result<Signal, String> {
    Ok(match shape {
        "constant" => Signal::Constant { watts: keys.number("watts", 200.0)? },
        "sine" => Signal::Sine {
            mean_w: keys.number("mean", 200.0)?,
            amplitude_w: keys.number("amplitude", 80.0)?,
            period_s: keys.number("period", 2.0)?,
        },
        "square" => Signal::Square {
            low_w: keys.number("low", 80.0)?,
            high_w: keys.number("high", 300.0)?,
            period_s: keys.number("period", 1.0)?,
            duty: keys.number("duty", 0.5)?,
        },
        "steps" => Signal::Steps {
            steps: levels(&keys.take("levels").ok_or("steps need levels=WATTSxSECONDS/...")?)?,
        },
        "ramps" => Signal::Ramps {
            ramps: lines(&keys.take("lines").ok_or("ramps need lines=WATTS-WATTSxSECONDS/...")?)?,
        },
        other => {
            return Err(format!(
                "there is no shape {other:?}; there are constant, sine, square, steps and ramps"
            ));
        }
    })
}

fn check(spec: &Spec) -> Result<(), String> {
    if !(1..=64).contains(&spec.devices) {
        return Err(format!("devices must be 1 to 64, not {}", spec.devices));
    }
    if spec.update_ms > 10_000 {
        return Err(format!("update_ms must be 0 to 10000, not {}", spec.update_ms));
    }
    match spec.lost_after_s {
        Some(seconds) if !(0.0..=1e6).contains(&seconds) => {
            Err(format!("lost_after_s must be 0 to 1000000, not {seconds}"))
        }
        _ => Ok(()),
    }
}

fn levels(text: &str) -> Result<Vec<Step>, String> {
    let step = |level: &str| {
        let (watts, seconds) = level.split_once('x')?;
        Some(Step { watts: watts.parse().ok()?, seconds: seconds.parse().ok()? })
    };
    text.split('/')
        .map(|level| step(level).ok_or_else(|| format!("{level:?} is not WATTSxSECONDS")))
        .collect()
}

fn lines(text: &str) -> Result<Vec<Ramp>, String> {
    let ramp = |line: &str| {
        let (watts, seconds) = line.split_once('x')?;
        let (from, to) = watts.split_once('-')?;
        Some(Ramp { from_w: from.parse().ok()?, to_w: to.parse().ok()?, seconds: seconds.parse().ok()? })
    };
    text.split('/')
        .map(|line| ramp(line).ok_or_else(|| format!("{line:?} is not WATTS-WATTSxSECONDS")))
        .collect()
}

/// The keys of a spec that were not used yet.
struct Keys<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Keys<'a> {
    fn parse(text: &'a str) -> Result<Self, String> {
        let mut keys = BTreeMap::new();
        for pair in text.split(',').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or_else(|| format!("{pair:?} is not KEY=VALUE"))?;
            if keys.insert(key, value).is_some() {
                return Err(format!("{key} is given twice"));
            }
        }
        Ok(Self(keys))
    }

    fn take(&mut self, key: &str) -> Option<String> {
        self.0.remove(key).map(str::to_owned)
    }

    fn parsed<T: FromStr>(&mut self, key: &str) -> Result<Option<T>, String> {
        let parse = |value: String| value.parse().map_err(|_| format!("{key} cannot be {value:?}"));
        self.take(key).map(parse).transpose()
    }

    fn number(&mut self, key: &str, default: f64) -> Result<f64, String> {
        Ok(self.parsed(key)?.unwrap_or(default))
    }

    fn done(&self, shape: &str) -> Result<(), String> {
        self.0.keys().next().map_or(Ok(()), |key| Err(format!("{shape} has no key {key:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_is_read_back_as_it_is_written() {
        for text in [
            "constant:watts=150,update_ms=100,devices=2",
            "sine:mean=200,amplitude=80,period=2,update_ms=20,devices=1",
            "square:low=80,high=300,period=1,duty=0.5,update_ms=0,devices=1,lost_after_s=3",
            "steps:levels=50x1/200.5x2,update_ms=20,devices=1",
            "ramps:lines=50-200.5x1/300-50x2,update_ms=20,devices=1",
        ] {
            assert_eq!(text.parse::<Spec>().expect(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        assert_eq!("".parse::<Spec>(), Ok(Spec::default()));
        assert_eq!("sine".parse::<Spec>(), Ok(Spec::default()));
    }

    #[test]
    fn a_spec_that_cannot_be_says_why() {
        let texts = [
            "triangle",
            "constant:watt=5",
            "constant:watts=much",
            "constant:watts=-5",
            "constant:watts",
            "constant:watts=1,watts=2",
            "steps",
            "steps:levels=5",
            "ramps:lines=5x2",
            "square:duty=2",
            "sine:devices=0",
            "sine:update_ms=-1",
            "sine:lost_after_s=NaN",
        ];
        let errors: Vec<String> = texts.iter().map(|t| parse(t).expect_err(t)).collect();
        insta::assert_snapshot!(errors.join("\n"));
    }
}
