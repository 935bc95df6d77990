//! The traces of a stored run for the screen.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use lem_measure::Channel;
use lem_measure::envelope::{Envelope, Grid, History};
use lem_measure::units::seconds;
use lem_store::{METER_DEVICE, Store};

use crate::Engine;
use crate::error::{Error, ErrorCode};
use crate::window::Window;

/// The traces of the run that was looked at last: panning and zooming read them again and again, and unpacking a
/// million samples each time would be felt.
#[derive(Debug)]
pub(crate) struct LastRun {
    run_id: String,
    anchor_ns: i64,
    histories: BTreeMap<Channel, Vec<Drawn>>,
}

/// The history of one device.
#[derive(Debug)]
struct Drawn {
    history: History,
    /// The readings of an external meter: they are rarer than buckets, so each holds until the next one.
    held: Vec<(i64, f64)>,
}

impl Engine {
    /// The traces of a run between two times, in seconds since the run's anchor; `None` for its first and its last
    /// sample. Devices are in the order of `RunDetail::traces`.
    pub async fn run_window(
        &self,
        run: &str,
        from_s: Option<f64>,
        to_s: Option<f64>,
        buckets: usize,
        channel: Channel,
    ) -> Result<Window, Error> {
        let store = self.results_store().await?;
        let run_id = store.resolve_run(run).await?;
        if let Some(window) = self.remembered(&run_id, from_s, to_s, buckets, channel) {
            return Ok(window);
        }
        let last = read(&store, &run_id, channel).await?;
        let window = last.window(from_s, to_s, buckets, channel);
        let mut remembered = self.last_run.lock().unwrap_or_else(PoisonError::into_inner);
        match remembered.as_mut().filter(|other| other.run_id == run_id) {
            Some(other) => other.histories.extend(last.histories),
            None => *remembered = Some(last),
        }
        Ok(window)
    }

    /// Forgets traces that were changed.
    pub(crate) fn forget_traces(&self) {
        *self.last_run.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn remembered(
        &self,
        run_id: &str,
        from_s: Option<f64>,
        to_s: Option<f64>,
        buckets: usize,
        channel: Channel,
    ) -> Option<Window> {
        let last = self.last_run.lock().unwrap_or_else(PoisonError::into_inner);
        let last = last.as_ref().filter(|last| last.run_id == run_id)?;
        last.histories.contains_key(&channel).then(|| last.window(from_s, to_s, buckets, channel))
    }
}

async fn read(store: &Store, run_id: &str, channel: Channel) -> Result<LastRun, Error> {
    let detail = store.run_record(run_id).await?;
    let Some(anchor_ns) = detail.anchor_monotonic_ns else {
        return Err(Error::new(
            ErrorCode::NotFound,
            format!("run {run_id} was never started: it has no trace"),
        ));
    };
    if detail.ended_unix_ns.is_none() {
        let error = Error::new(ErrorCode::Conflict, format!("run {run_id} is not over"));
        return Err(error.with_hint("its trace can be seen live, and here when the run has ended"));
    }
    let mut histories = Vec::new();
    for device in store.trace_devices(run_id).await? {
        let mut history = History::new(usize::MAX);
        let trace = store.trace(run_id, &device.device_id).await?;
        for (t_ns, value) in trace.channel(channel) {
            history.push(t_ns, value);
        }
        let held =
            if device.device_id == METER_DEVICE { trace.channel(channel).collect() } else { Vec::new() };
        histories.push(Drawn { history, held });
    }
    Ok(LastRun { run_id: run_id.to_owned(), anchor_ns, histories: BTreeMap::from([(channel, histories)]) })
}

impl LastRun {
    fn window(&self, from_s: Option<f64>, to_s: Option<f64>, buckets: usize, channel: Channel) -> Window {
        let histories = self.histories.get(&channel).map_or(&[][..], Vec::as_slice);
        let extents = || histories.iter().filter_map(|drawn| drawn.history.extent_ns());
        let begin_ns = extents().map(|(begin, _)| begin).min().unwrap_or(self.anchor_ns);
        let end_ns = extents().map(|(_, end)| end).max().unwrap_or(self.anchor_ns);
        let first = from_s.map_or(begin_ns, |second| self.at_ns(second));
        let last = to_s.map_or(end_ns + 1, |second| self.at_ns(second));
        let grid = Grid::over(first, last, buckets, finest_ns(histories));
        Window {
            from_s: seconds(grid.from_ns - self.anchor_ns),
            step_s: seconds(grid.step_ns),
            extent_s: extents().next().map(|_| (self.second(begin_ns), self.second(end_ns))),
            devices: histories.iter().map(|drawn| drawn.envelope(&grid)).collect(),
        }
    }

    fn second(&self, t_ns: i64) -> f64 {
        seconds(t_ns - self.anchor_ns)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "saturates, and seconds of a chart are far from the bounds"
    )]
    fn at_ns(&self, second: f64) -> i64 {
        self.anchor_ns.saturating_add((second * 1e9) as i64)
    }
}

impl Drawn {
    fn envelope(&self, grid: &Grid) -> Envelope {
        let mut envelope = self.history.envelope(grid);
        if self.held.is_empty() {
            return envelope;
        }
        let buckets = (0..).zip(envelope.min.iter_mut().zip(&mut envelope.max));
        for (bucket, (min, max)) in buckets.filter(|(_, (min, _))| min.is_nan()) {
            let value = self.held_at(grid.from_ns + bucket * grid.step_ns);
            (*min, *max) = (value, value);
        }
        envelope
    }

    /// The reading that holds at a moment; NaN before the first and after the last.
    #[expect(clippy::cast_possible_truncation, reason = "the chart draws single precision")]
    fn held_at(&self, t_ns: i64) -> f32 {
        let after = self.held.partition_point(|(at_ns, _)| *at_ns <= t_ns);
        let within = after > 0 && after < self.held.len();
        if within { self.held[after - 1].1 as f32 } else { f32::NAN }
    }

    /// The mean distance of readings.
    fn distance_ns(&self) -> Option<i64> {
        let (begin, end) = self.history.extent_ns()?;
        let gaps = i64::try_from(self.history.len()).ok()?.checked_sub(1).filter(|gaps| *gaps > 0)?;
        Some((end - begin) / gaps)
    }
}

/// One and a half times the mean distance of samples: narrower buckets would be holes.
fn finest_ns(histories: &[Drawn]) -> i64 {
    let sampled = histories.iter().filter(|drawn| drawn.held.is_empty());
    sampled.filter_map(Drawn::distance_ns).max().map_or(1, |distance| distance * 3 / 2)
}
