//! The number format of a computation, by the names that engines use.

use serde::{Deserialize, Serialize};

/// A number format that has a peak of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Single precision, without tensor cores.
    Float32,
    /// `TensorFloat`-32: single precision cut to 19 bits in tensor cores.
    Tf32,
    /// Half precision.
    Float16,
    /// `bfloat16`.
    Bfloat16,
    /// Both formats with 8 bits.
    Fp8,
    /// Integers with 8 bits, weights and activations.
    Int8,
}

impl Precision {
    /// The format that an engine computes in when it names this one. Formats of weights alone (`awq`, `int4`,
    /// `int8_weight_only`) give none: those engines unpack them and compute in another.
    ///
    /// `float32` is not TF32: `PyTorch` multiplies in full single precision unless it is told otherwise.
    pub fn of(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        match name.strip_prefix("torch.").unwrap_or(&name) {
            "float32" | "float" | "fp32" => Some(Self::Float32),
            "tf32" => Some(Self::Tf32),
            "float16" | "half" | "fp16" => Some(Self::Float16),
            "bfloat16" | "bf16" => Some(Self::Bfloat16),
            "fp8" | "fp8_e4m3" | "fp8_e5m2" | "float8_e4m3fn" | "float8_e5m2" => Some(Self::Fp8),
            "int8" | "int8_sq" => Some(Self::Int8),
            _ => None,
        }
    }

    /// The least number of bytes that is safe to assume for an element of the embeddings: where weights have 8 bits,
    /// embeddings keep 16.
    pub(super) fn embedding_bytes(self) -> f64 {
        match self {
            Self::Float32 | Self::Tf32 => 4.0,
            Self::Float16 | Self::Bfloat16 | Self::Fp8 | Self::Int8 => 2.0,
        }
    }
}
