//! The table of peaks, and which names find a row of it.

use proptest::prelude::*;

use crate::metrics::Precision;
use crate::metrics::peaks::{PEAKS, PRECISIONS, Peak, find, is_slice};

const DOCUMENT: &str = include_str!("../../../../../docs/metrics.md");

#[test]
fn names_as_nvml_gives_them_find_their_row() {
    let known = [
        ("Tesla V100-SXM2-16GB", "V100 SXM2"),
        ("Tesla V100-PCIE-32GB", "V100 PCIe"),
        ("Tesla V100S-PCIE-32GB", "V100S"),
        ("Tesla T4", "T4"),
        ("NVIDIA A100-SXM4-80GB", "A100 SXM 80 GB"),
        ("A100-SXM4-40GB", "A100 SXM 40 GB"),
        ("NVIDIA A100-PCIE-40GB", "A100 PCIe 40 GB"),
        ("NVIDIA A100 80GB PCIe", "A100 PCIe 80 GB"),
        ("NVIDIA H100 80GB HBM3", "H100 SXM"),
        ("NVIDIA H100 PCIe", "H100 PCIe"),
        ("NVIDIA H100 NVL", "H100 NVL"),
        ("NVIDIA H200", "H200 SXM"),
        ("NVIDIA H200 NVL", "H200 NVL"),
        ("NVIDIA GH200 480GB", "GH200 96 GB HBM3"),
        ("NVIDIA GH200 144G HBM3e", "GH200 144 GB HBM3e"),
        ("NVIDIA B200", "B200"),
        ("NVIDIA L4", "L4"),
        ("NVIDIA L40", "L40"),
        ("NVIDIA L40S", "L40S"),
        ("NVIDIA RTX A6000", "RTX A6000"),
        ("NVIDIA RTX 6000 Ada Generation", "RTX 6000 Ada"),
        ("NVIDIA GeForce RTX 4090", "GeForce RTX 4090"),
    ];
    for (name, model) in known {
        assert_eq!(find(name).map(|peak| peak.model), Some(model), "{name}");
    }
}

#[test]
fn names_that_are_like_a_known_one_find_nothing() {
    let unknown = [
        "Quadro RTX 6000",
        "NVIDIA A10G",
        "NVIDIA A100-SXM-64GB",
        "NVIDIA A100X",
        "GRID A100-10C",
        "NVIDIA H100",
        "NVIDIA H100 80GB HBM3 MIG 1g.10gb",
        "NVIDIA H20",
        "NVIDIA H800",
        "NVIDIA L40G",
        "NVIDIA GeForce RTX 3090 Ti",
        "NVIDIA GeForce RTX 4090 D",
        "NVIDIA GeForce RTX 4090 Laptop GPU",
        "NVIDIA RTX A5000 Laptop GPU",
        "NVIDIA RTX PRO 6000 Blackwell Workstation Edition",
        "NVIDIA GB200",
        "Tesla V100-SXM3-32GB",
        "NVIDIA",
        "",
    ];
    for name in unknown {
        assert_eq!(find(name), None, "{name}");
    }
}

#[test]
fn mig_instances_are_known_by_their_name() {
    assert!(is_slice("NVIDIA A100-SXM4-40GB MIG 1g.5gb"));
    assert!(!is_slice("NVIDIA A100-SXM4-40GB"));
}

#[test]
fn no_name_finds_two_rows() {
    let names: Vec<&str> = PEAKS.iter().flat_map(|peak| peak.names).copied().collect();
    for name in &names {
        assert_eq!(names.iter().filter(|other| *other == name).count(), 1, "{name}");
        assert!(find(name).is_some(), "{name} is not written as names are compared");
    }
}

#[test]
fn peaks_are_dense() {
    let dense = |name: &str, precision| find(name).and_then(|peak| peak.tflops(precision));
    assert_eq!(dense("NVIDIA A100-SXM4-80GB", Precision::Bfloat16), Some(312.0), "624 is with sparsity");
    assert_eq!(dense("NVIDIA H100 80GB HBM3", Precision::Fp8), Some(1979.0), "3958 is with sparsity");
    assert_eq!(dense("Tesla V100-SXM2-16GB", Precision::Bfloat16), None, "Volta has none");
    assert_eq!(dense("NVIDIA A100-SXM4-80GB", Precision::Fp8), None, "Ampere has none");
}

#[test]
fn a_format_of_half_the_bits_is_at_least_as_fast() {
    let order = [Precision::Float32, Precision::Tf32, Precision::Float16, Precision::Int8];
    for peak in &PEAKS {
        let rates: Vec<f64> = order.iter().filter_map(|precision| peak.tflops(*precision)).collect();
        assert!(rates.is_sorted(), "{peak:?}");
        assert!(rates.iter().all(|rate| *rate > 0.0) && peak.gb_per_s.is_none_or(|rate| rate > 0.0));
        assert!(!peak.source.is_empty());
    }
}

/// The row of a GPU as it is written in the documentation.
fn row(peak: &Peak) -> String {
    let shown = |value: Option<f64>| value.map_or("–".to_owned(), |value| value.to_string());
    let rates: Vec<String> = PRECISIONS.iter().map(|precision| shown(peak.tflops(*precision))).collect();
    format!("| {} | {} | {} | {} |", peak.model, rates.join(" | "), shown(peak.gb_per_s), peak.source)
}

#[test]
fn the_table_is_written_down() {
    let missing: Vec<String> = PEAKS.iter().map(row).filter(|row| !DOCUMENT.contains(row.as_str())).collect();
    assert!(missing.is_empty(), "docs/metrics.md lacks:\n{}", missing.join("\n"));
}

proptest! {
    #[test]
    fn a_known_name_with_another_word_is_another_gpu(row in 0..PEAKS.len(), word in "[a-z0-9]{1,6}") {
        let name = format!("NVIDIA {} {word}", PEAKS[row].names[0]);
        prop_assert!(find(&name) != Some(&PEAKS[row]), "{name}");
    }
}
