//! What a GPU can do at most, by the name that NVML gives it.
//!
//! Names are matched whole, not in part: `NVIDIA H100 NVL` is not `NVIDIA H100 PCIe`, `Quadro RTX 6000` is two generations
//! before `NVIDIA RTX 6000 Ada Generation`, and a laptop's `RTX 4090` is another chip. A name that is not in the table
//! has no peak.

use super::precision::Precision;

mod table;

pub use table::PEAKS;

/// The most that one model of GPU can do, by its maker's documents.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peak {
    /// The model, for a person.
    pub model: &'static str,
    /// The names in NVML, in lower case, with spaces for hyphens and without the maker.
    pub(super) names: &'static [&'static str],
    /// TFLOP/s without sparsity in the order of [`PRECISIONS`]. Absent where the GPU has no unit for it, or where it is
    /// not known for certain.
    dense: [Option<f64>; 6],
    /// Memory bandwidth in GB/s (10^9 bytes).
    pub gb_per_s: Option<f64>,
    /// The document.
    pub source: &'static str,
}

/// The number formats of the table, in its order.
pub const PRECISIONS: [Precision; 6] = [
    Precision::Float32,
    Precision::Tf32,
    Precision::Float16,
    Precision::Bfloat16,
    Precision::Fp8,
    Precision::Int8,
];

impl Peak {
    /// TFLOP/s (TOP/s for integers) without sparsity.
    pub fn tflops(&self, precision: Precision) -> Option<f64> {
        let column = PRECISIONS.iter().position(|known| *known == precision)?;
        self.dense.get(column).copied().flatten()
    }
}

/// The peak of the GPU that NVML calls `name`.
pub fn find(name: &str) -> Option<&'static Peak> {
    let name = plain(name);
    PEAKS.iter().find(|peak| peak.names.contains(&name.as_str()))
}

/// Whether NVML's name is that of a MIG instance.
pub fn is_slice(name: &str) -> bool {
    plain(name).split(' ').any(|word| word == "mig")
}

/// A name without what differs between drivers: case, hyphens, and the maker in front.
fn plain(name: &str) -> String {
    let name = name.to_ascii_lowercase().replace(['-', '_'], " ");
    let mut words = name.split_whitespace().peekable();
    words.next_if_eq(&"nvidia");
    words.collect::<Vec<_>>().join(" ")
}
