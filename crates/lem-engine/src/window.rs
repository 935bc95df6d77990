//! A window of traces as the page reads it: least and greatest values on one grid of time, as bytes.
//!
//! Bytes, because the live chart asks ten times a second for thousands of values, and JSON would cost more than drawing.

use lem_measure::envelope::Envelope;

/// The traces of several devices between two times, as envelopes on one grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Begin of the first bucket in seconds: of the live clock, or since the anchor of a run.
    pub from_s: f64,
    /// Width of a bucket in seconds.
    pub step_s: f64,
    /// Begin and end of all data that exists; `None` when there is none.
    pub extent_s: Option<(f64, f64)>,
    /// For each device the least and the greatest value of each bucket; NaN where a bucket holds no sample. All are of
    /// one length.
    pub devices: Vec<Envelope>,
}

impl Window {
    /// Little-endian: `from_s`, `step_s`, begin and end of the extent (NaN for none) as 64-bit floats; the numbers of
    /// buckets and of devices as 32-bit unsigned; for each device all minima, then all maxima, as 32-bit floats.
    pub fn to_bytes(&self) -> Vec<u8> {
        let buckets = self.devices.first().map_or(0, |device| device.min.len());
        let mut bytes = Vec::with_capacity(40 + self.devices.len() * buckets * 8);
        let (begin_s, end_s) = self.extent_s.unwrap_or((f64::NAN, f64::NAN));
        for value in [self.from_s, self.step_s, begin_s, end_s] {
            bytes.extend(value.to_le_bytes());
        }
        for count in [buckets, self.devices.len()] {
            bytes.extend(u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
        }
        for value in self.devices.iter().flat_map(|device| device.min.iter().chain(&device.max)) {
            bytes.extend(value.to_le_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_a_header_and_two_rows_for_each_device() {
        let device = Envelope { min: vec![1.0, f32::NAN], max: vec![2.0, f32::NAN] };
        let window = Window {
            from_s: 10.0,
            step_s: 0.5,
            extent_s: Some((0.0, 20.0)),
            devices: vec![device.clone(), device],
        };
        let bytes = window.to_bytes();
        assert_eq!(bytes.len(), 40 + 2 * 2 * 2 * 4);
        assert_eq!(bytes[0..8], 10.0_f64.to_le_bytes());
        assert_eq!(bytes[32..40], [2, 0, 0, 0, 2, 0, 0, 0], "two buckets, two devices");
        assert_eq!(bytes[40..44], 1.0_f32.to_le_bytes());
        assert_eq!(bytes[48..52], 2.0_f32.to_le_bytes());
    }

    #[test]
    fn without_data_there_is_no_extent() {
        let bytes = Window { from_s: 0.0, step_s: 1.0, extent_s: None, devices: Vec::new() }.to_bytes();
        assert_eq!(bytes.len(), 40);
        assert!(bytes[16..24].try_into().map(f64::from_le_bytes).is_ok_and(f64::is_nan));
    }
}
