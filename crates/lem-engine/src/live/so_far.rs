//! The energy of a window that is not over yet: for the screen only.

use lem_measure::{Channel, Sample};

/// The energy of the window so far: power integrated by trapezoids, for the screen only. What counts is cut out of
/// the counters when the window has ended.
#[derive(Debug, Default)]
pub(super) struct EnergySoFar {
    /// Begin of the window; `None` outside of one.
    from_ns: Option<i64>,
    devices: Vec<(String, i64, f64, f64)>,
}

impl EnergySoFar {
    /// Of a window that begins now.
    pub(super) fn of_window(from_ns: i64) -> Self {
        Self { from_ns: Some(from_ns), ..Self::default() }
    }

    /// What is read from now on is not of the window.
    pub(super) fn end(&mut self) {
        self.from_ns = None;
    }

    pub(super) fn add(&mut self, device_id: &str, samples: &[Sample]) {
        let Some(from_ns) = self.from_ns else { return };
        let readings = samples.iter().filter_map(|s| Some((s.t_ns, s.get(Channel::Power)?)));
        for (t_ns, power_w) in readings.filter(|(t_ns, _)| *t_ns >= from_ns) {
            match self.devices.iter_mut().find(|(id, ..)| id == device_id) {
                Some((_, last_ns, last_w, joules)) => {
                    let span_s = lem_measure::units::seconds(t_ns - *last_ns);
                    *joules += f64::midpoint(power_w, *last_w) * span_s;
                    (*last_ns, *last_w) = (t_ns, power_w);
                }
                None => self.devices.push((device_id.to_owned(), t_ns, power_w, 0.0)),
            }
        }
    }

    pub(super) fn joules(&self) -> Option<f64> {
        (!self.devices.is_empty()).then(|| self.devices.iter().map(|(.., joules)| joules).sum())
    }
}
