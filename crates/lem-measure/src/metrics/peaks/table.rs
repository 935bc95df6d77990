//! The table of peaks. Only what a document of NVIDIA says is in it; where it gives rates with sparsity alone, they are
//! halved, which is what sparsity of 2:4 is worth in those documents. `GeForce` boards add in single precision at half
//! rate, and that is the rate taken here, because engines for language models add in single precision.

use super::Peak;

const NO: Option<f64> = None;

const VOLTA: &str = "NVIDIA V100 Tensor Core GPU datasheet (January 2020)";
const TURING: &str = "NVIDIA T4 Tensor Core GPU datasheet; bandwidth: NVIDIA T4 product brief";
const A100: &str = "NVIDIA A100 Tensor Core GPU datasheet";
const GA102: &str = "NVIDIA Ampere GA102 GPU Architecture whitepaper";
const ADA: &str = "NVIDIA Ada GPU Architecture whitepaper v2.1, appendix A";
const H100: &str = "NVIDIA H100 Tensor Core GPU datasheet (with sparsity, halved)";
const H200: &str = "NVIDIA H200 Tensor Core GPU datasheet (with sparsity, halved)";
const GH200: &str = "NVIDIA GH200 Grace Hopper Superchip datasheet (with sparsity, halved)";

/// Columns: FP32 without tensor cores, TF32, FP16, BF16, FP8, INT8; then GB/s.
const fn row(
    model: &'static str,
    names: &'static [&'static str],
    dense: [Option<f64>; 6],
    gb_per_s: Option<f64>,
    source: &'static str,
) -> Peak {
    Peak { model, names, dense, gb_per_s, source }
}

const A100_RATES: [Option<f64>; 6] = [Some(19.5), Some(156.0), Some(312.0), Some(312.0), NO, Some(624.0)];
const HOPPER_SXM: [Option<f64>; 6] =
    [Some(67.0), Some(494.5), Some(989.5), Some(989.5), Some(1979.0), Some(1979.0)];
const HOPPER_NVL: [Option<f64>; 6] =
    [Some(60.0), Some(417.5), Some(835.5), Some(835.5), Some(1670.5), Some(1670.5)];

/// Every GPU whose peaks are known, oldest first.
pub static PEAKS: [Peak; 28] = [
    row(
        "V100 PCIe",
        &["tesla v100 pcie 16gb", "tesla v100 pcie 32gb"],
        [Some(14.0), NO, Some(112.0), NO, NO, NO],
        Some(900.0),
        VOLTA,
    ),
    row(
        "V100 SXM2",
        &["tesla v100 sxm2 16gb", "tesla v100 sxm2 32gb"],
        [Some(15.7), NO, Some(125.0), NO, NO, NO],
        Some(900.0),
        VOLTA,
    ),
    row("V100S", &["tesla v100s pcie 32gb"], [Some(16.4), NO, Some(130.0), NO, NO, NO], Some(1134.0), VOLTA),
    row("T4", &["tesla t4", "t4"], [Some(8.1), NO, Some(65.0), NO, NO, Some(130.0)], Some(320.0), TURING),
    row("A100 PCIe 40 GB", &["a100 pcie 40gb"], A100_RATES, Some(1555.0), A100),
    row("A100 PCIe 80 GB", &["a100 80gb pcie", "a100 pcie 80gb"], A100_RATES, Some(1935.0), A100),
    row("A100 SXM 40 GB", &["a100 sxm4 40gb"], A100_RATES, Some(1555.0), A100),
    row("A100 SXM 80 GB", &["a100 sxm4 80gb"], A100_RATES, Some(2039.0), A100),
    row(
        "A10",
        &["a10"],
        [Some(31.2), Some(62.5), Some(125.0), Some(125.0), NO, Some(250.0)],
        Some(600.0),
        "NVIDIA A10 Tensor Core GPU datasheet",
    ),
    row(
        "A30",
        &["a30"],
        [Some(10.3), Some(82.0), Some(165.0), Some(165.0), NO, Some(330.0)],
        Some(933.0),
        "NVIDIA A30 Tensor Core GPU datasheet",
    ),
    row(
        "A40",
        &["a40"],
        [Some(37.4), Some(74.8), Some(149.7), Some(149.7), NO, Some(299.3)],
        Some(696.0),
        "NVIDIA A40 datasheet",
    ),
    row(
        "GeForce RTX 3090",
        &["geforce rtx 3090"],
        [Some(35.6), Some(35.6), Some(71.0), Some(71.0), NO, Some(284.0)],
        Some(936.0),
        GA102,
    ),
    row(
        "RTX A5000",
        &["rtx a5000"],
        [Some(27.8), NO, Some(111.1), Some(111.1), NO, NO],
        Some(768.0),
        "NVIDIA RTX A5000 datasheet (tensor rate with sparsity, halved; BF16 as FP16, as on all of GA102)",
    ),
    row(
        "RTX A6000",
        &["rtx a6000"],
        [Some(38.7), Some(77.4), Some(154.8), Some(154.8), NO, Some(309.7)],
        Some(768.0),
        GA102,
    ),
    row(
        "L4",
        &["l4"],
        [Some(30.3), Some(60.0), Some(121.0), Some(121.0), Some(242.5), Some(242.5)],
        Some(300.0),
        "NVIDIA L4 Tensor Core GPU datasheet (with sparsity, halved)",
    ),
    row(
        "L40",
        &["l40"],
        [Some(90.5), Some(90.5), Some(181.05), Some(181.05), Some(362.0), Some(362.0)],
        Some(864.0),
        "NVIDIA L40 datasheet",
    ),
    row(
        "L40S",
        &["l40s"],
        [Some(91.6), Some(183.0), Some(362.05), Some(362.05), Some(733.0), Some(733.0)],
        Some(864.0),
        "NVIDIA L40S datasheet",
    ),
    row(
        "GeForce RTX 4090",
        &["geforce rtx 4090"],
        [Some(82.6), Some(82.6), Some(165.2), Some(165.2), Some(330.3), Some(660.6)],
        Some(1008.0),
        ADA,
    ),
    row(
        "RTX 6000 Ada",
        &["rtx 6000 ada generation"],
        [Some(91.1), NO, Some(364.2), Some(364.2), Some(728.5), NO],
        Some(960.0),
        "NVIDIA RTX 6000 Ada Generation datasheet; FP16, BF16: NVIDIA RTX PRO Blackwell GPU Architecture whitepaper v1.0",
    ),
    row(
        "H100 PCIe",
        &["h100 pcie"],
        [Some(51.0), Some(378.0), Some(756.5), Some(756.5), Some(1513.0), Some(1513.0)],
        Some(2000.0),
        H100,
    ),
    row("H100 SXM", &["h100 80gb hbm3"], HOPPER_SXM, Some(3350.0), H100),
    row("H100 NVL", &["h100 nvl"], HOPPER_NVL, Some(3900.0), H100),
    row("H200 SXM", &["h200"], HOPPER_SXM, Some(4800.0), H200),
    row("H200 NVL", &["h200 nvl"], HOPPER_NVL, Some(4800.0), H200),
    row("GH200 96 GB HBM3", &["gh200 480gb"], HOPPER_SXM, Some(4000.0), GH200),
    row("GH200 144 GB HBM3e", &["gh200 144g hbm3e"], HOPPER_SXM, Some(4900.0), GH200),
    row(
        "B200",
        &["b200"],
        [Some(75.0), Some(1125.0), Some(2250.0), Some(2250.0), Some(4500.0), Some(4500.0)],
        NO,
        "NVIDIA HGX B200 datasheet (with sparsity, halved)",
    ),
    row(
        "GeForce RTX 5090",
        &["geforce rtx 5090"],
        [Some(104.8), Some(104.8), Some(209.5), Some(209.5), Some(419.0), Some(838.0)],
        Some(1792.0),
        "NVIDIA RTX Blackwell GPU Architecture whitepaper",
    ),
];
