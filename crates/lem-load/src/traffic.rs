//! When requests arrive. Pure but for reading a trace: times are nanoseconds after the first arrival.
//!
//! Open traffic (Poisson, gamma, constant, trace) does not wait for answers: a slow server queues. Closed traffic keeps
//! a number of requests under way: the next one is sent when one is finished.
//!
//! The gamma process follows vLLM's convention: `burstiness` is the shape, the mean gap is 1 / `requests_per_s`, and a
//! burstiness of 1 is a Poisson process. The coefficient of variation of the gaps is 1 / sqrt(burstiness).

mod timetable;
mod trace;

use lem_protocol::Traffic;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use rand_distr::{Distribution as _, Exp, Gamma};
use serde_json::{Value, json};

use crate::clock::nanoseconds;
use crate::failure::Failure;
pub(crate) use timetable::Timetable;

/// The stream of random numbers that gaps are drawn from; see `prompts` for another one.
const STREAM: u64 = 2;

/// The same for requests that keep a server busy while the window waits.
const WAITING_STREAM: u64 = 3;

/// The traffic of one run.
#[derive(Debug)]
pub(crate) enum Schedule {
    /// So many requests are under way at any time.
    Closed(u32),
    /// Requests arrive at these times, the first of them at 0.
    Open(Box<Arrivals>),
}

impl Schedule {
    /// The schedule of `traffic`. `needed` requests are measured and up to `before` of them precede those: a trace must
    /// have the former, and is repeated for the rest. Blocking.
    pub(crate) fn new(traffic: &Traffic, seed: u64, needed: u32, before: u32) -> Result<Self, Failure> {
        let impossible = || Failure::unsupported("these numbers of the traffic give no distribution of gaps");
        let gaps = match traffic {
            Traffic::Closed { concurrency } => return Ok(Self::Closed(*concurrency)),
            Traffic::Constant { requests_per_s } => Gaps::Constant { requests_per_s: *requests_per_s },
            Traffic::Poisson { requests_per_s } => {
                Gaps::Poisson(Exp::new(*requests_per_s).map_err(|_| impossible())?)
            }
            Traffic::Gamma { requests_per_s, burstiness } => {
                let scale = 1.0 / (requests_per_s * burstiness);
                Gaps::Gamma(Gamma::new(*burstiness, scale).map_err(|_| impossible())?)
            }
            Traffic::Trace { path } => Gaps::Trace(trace::read(path, needed, before)?),
        };
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(STREAM);
        Ok(Self::Open(Box::new(Arrivals { gaps, random, position: 0, at_s: 0.0 })))
    }
}

/// The traffic as it is in force.
pub(crate) fn described(traffic: &Traffic) -> Value {
    match traffic {
        Traffic::Closed { concurrency } => json!({ "type": "closed", "concurrency": concurrency }),
        Traffic::Poisson { requests_per_s } => json!({ "type": "poisson", "requests_per_s": requests_per_s }),
        Traffic::Gamma { requests_per_s, burstiness } => {
            json!({ "type": "gamma", "requests_per_s": requests_per_s, "burstiness": burstiness })
        }
        Traffic::Constant { requests_per_s } => {
            json!({ "type": "constant", "requests_per_s": requests_per_s })
        }
        Traffic::Trace { path } => json!({ "type": "trace", "path": path, "after_its_end": "repeated" }),
    }
}

/// Arrival times one after the other, without end but for a trace that cannot be repeated.
#[derive(Debug)]
pub(crate) struct Arrivals {
    gaps: Gaps,
    random: ChaCha8Rng,
    position: u32,
    at_s: f64,
}

#[derive(Debug, Clone)]
enum Gaps {
    Constant { requests_per_s: f64 },
    Poisson(Exp<f64>),
    Gamma(Gamma<f64>),
    Trace(trace::Trace),
}

impl Arrivals {
    /// Arrivals of the same traffic that take nothing from these: their gaps are of another stream of the same seed.
    fn apart(&self) -> Self {
        let mut random = ChaCha8Rng::from_seed(self.random.get_seed());
        random.set_stream(WAITING_STREAM);
        Self { gaps: self.gaps.clone(), random, position: 0, at_s: 0.0 }
    }
}

impl Iterator for Arrivals {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        let position = self.position;
        self.position = position.checked_add(1)?;
        let gap_s = match &self.gaps {
            Gaps::Constant { requests_per_s } => {
                return Some(nanoseconds(f64::from(position) / requests_per_s));
            }
            Gaps::Trace(trace) => return trace.at_s(position).map(nanoseconds),
            _ if position == 0 => 0.0,
            Gaps::Poisson(gaps) => gaps.sample(&mut self.random),
            Gaps::Gamma(gaps) => gaps.sample(&mut self.random),
        };
        self.at_s += gap_s;
        Some(nanoseconds(self.at_s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(traffic: &Traffic, seed: u64) -> Box<Arrivals> {
        match Schedule::new(traffic, seed, 1, 0).unwrap() {
            Schedule::Open(arrivals) => arrivals,
            Schedule::Closed(_) => panic!("closed traffic has no arrivals"),
        }
    }

    /// Mean and coefficient of variation of 20,000 gaps.
    fn statistics(traffic: &Traffic) -> (f64, f64) {
        let times: Vec<i64> = arrivals(traffic, 11).take(20_001).collect();
        assert_eq!(times[0], 0, "the first arrival opens the traffic");
        #[expect(clippy::cast_precision_loss, reason = "some minutes in nanoseconds are exact")]
        let gaps: Vec<f64> = times.windows(2).map(|pair| (pair[1] - pair[0]) as f64 / 1e9).collect();
        assert!(gaps.iter().all(|&gap| gap >= 0.0));
        let mean = gaps.iter().sum::<f64>() / 20_000.0;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / 19_999.0;
        (mean, variance.sqrt() / mean)
    }

    #[track_caller]
    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 0.05 * expected, "{found} is not {expected}");
    }

    #[test]
    fn gaps_have_the_mean_and_the_spread_that_their_process_has() {
        let (mean, variation) = statistics(&Traffic::Poisson { requests_per_s: 50.0 });
        close(mean, 0.02);
        close(variation, 1.0);
        for burstiness in [0.25, 4.0] {
            let (mean, variation) = statistics(&Traffic::Gamma { requests_per_s: 50.0, burstiness });
            close(mean, 0.02);
            close(variation, 1.0 / burstiness.sqrt());
        }
        let (mean, variation) = statistics(&Traffic::Constant { requests_per_s: 50.0 });
        close(mean, 0.02);
        assert!(variation < 1e-6);
    }

    #[test]
    fn arrivals_repeat_with_their_seed() {
        let traffic = Traffic::Poisson { requests_per_s: 3.0 };
        let of = |seed| arrivals(&traffic, seed).take(50).collect::<Vec<_>>();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }

    #[test]
    fn arrivals_of_a_seed_are_the_same_in_every_release() {
        let of = |traffic| arrivals(&traffic, 7).take(5).collect::<Vec<_>>();
        let poisson = of(Traffic::Poisson { requests_per_s: 10.0 });
        let gamma = of(Traffic::Gamma { requests_per_s: 10.0, burstiness: 0.5 });
        insta::assert_snapshot!(format!("{poisson:?}\n{gamma:?}"));
    }
}
