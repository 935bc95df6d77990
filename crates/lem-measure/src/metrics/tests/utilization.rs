//! Rates, and shares of what the GPUs can do.

use super::example::{BODY, PARAMETERS, after, assert_lacks, assert_value, gpu, reason};
use crate::metrics::{Experts, Formula, Input, Precision, Sequence, TokensInWindow};

const FLOPS: f64 = 66_317_021_347_840.0;

#[test]
fn operations_are_divided_by_the_window_the_energy_and_the_dense_peak() {
    let metrics = after(|_| ());
    assert_value(&metrics.flops_per_second, FLOPS / 4.0);
    assert_value(&metrics.flops_per_joule, FLOPS / 2000.0);
    assert_value(&metrics.mfu, FLOPS / 4.0 / 989.5e12);
    assert_value(&metrics.mfu_with_attention, (FLOPS + 860_335_636_480.0) / 4.0 / 989.5e12);
}

#[test]
fn operations_per_joule_are_as_uncertain_as_the_energy() {
    let known = after(|_| ()).flops_per_joule;
    let share = known.uncertainty.zip(known.value).map(|(uncertainty, value)| uncertainty / value);
    assert!(share.is_some_and(|share| (share - 0.01).abs() < 1e-12), "20 J of 2000 J: {known:?}");
    let unknown = after(|run| run.energy_uncertainty_j = None).flops_per_joule;
    assert!(unknown.value.is_some() && unknown.uncertainty.is_none(), "unknown is not zero: {unknown:?}");
}

#[test]
fn an_energy_of_nothing_is_no_energy() {
    for energy_j in [None, Some(0.0), Some(-1.0), Some(f64::NAN)] {
        assert_lacks(&after(|run| run.energy_j = energy_j).flops_per_joule, &[Input::Energy]);
    }
}

#[test]
fn several_gpus_of_a_kind_have_the_sum_of_their_peaks() {
    let metrics = after(|run| run.gpus = vec![gpu("NVIDIA A100-SXM4-80GB"); 4]);
    assert_value(&metrics.mfu, FLOPS / 4.0 / (4.0 * 312e12));
}

#[test]
fn different_gpus_have_no_peak() {
    let metrics = after(|run| run.gpus = vec![gpu("NVIDIA H100 NVL"), gpu("NVIDIA H100 PCIe")]);
    assert_eq!(reason(&metrics.mfu), "the GPUs differ (NVIDIA H100 NVL and NVIDIA H100 PCIe)");
    assert_lacks(&metrics.mbu, &[Input::Gpus]);
}

#[test]
fn a_part_of_a_gpu_has_no_peak() {
    let metrics = after(|run| run.gpus[0].is_split = true);
    assert_eq!(reason(&metrics.mfu), "NVIDIA H100 80GB HBM3 is split by MIG: the run had a part of it");
    let metrics = after(|run| run.gpus = vec![gpu("NVIDIA A100-SXM4-40GB MIG 1g.5gb")]);
    assert_lacks(&metrics.mfu, &[Input::Gpus]);
}

#[test]
fn a_gpu_or_a_format_that_is_not_in_the_table_is_named() {
    let metrics = after(|run| run.gpus = vec![gpu("NVIDIA Xyz")]);
    assert_eq!(reason(&metrics.mfu), "the peaks of NVIDIA Xyz are not in the table");
    let metrics = after(|run| run.gpus = vec![gpu("Tesla V100-SXM2-16GB")]);
    assert_eq!(reason(&metrics.mfu), "the peak of Tesla V100-SXM2-16GB at bfloat16 is not in the table");
    let metrics = after(|run| run.precision = Some("awq".into()));
    assert_eq!(reason(&metrics.mfu), "which number format awq computes in is not known");
    assert_lacks(&after(|run| run.precision = None).mfu, &[Input::Precision]);
    assert_lacks(&after(|run| run.gpus.clear()).mfu, &[Input::Gpus]);
}

#[test]
fn a_share_above_one_is_a_contradiction_and_no_number() {
    let metrics = after(|run| run.window_s = Some(0.01));
    assert_lacks(&metrics.mfu, &[Input::Contradiction]);
    assert!(reason(&metrics.mfu).contains("670 %"), "{:?}", metrics.mfu);
}

#[test]
fn formats_are_known_by_the_names_that_engines_use() {
    let names = ["float16", "torch.bfloat16", "FLOAT32", "half", "fp8_e4m3", "int8_sq", "tf32"];
    let known = [
        Precision::Float16,
        Precision::Bfloat16,
        Precision::Float32,
        Precision::Float16,
        Precision::Fp8,
        Precision::Int8,
        Precision::Tf32,
    ];
    assert_eq!(names.map(Precision::of), known.map(Some));
    for weights_alone in ["awq", "gptq", "int4_awq", "int8_weight_only", "q4_k", "auto", ""] {
        assert_eq!(Precision::of(weights_alone), None, "{weights_alone} is unpacked and computed in another");
    }
}

#[test]
fn decoding_reads_the_weights_once_a_step_and_the_cache_of_every_sequence() {
    let metrics = after(|_| ());
    // 127 steps of (13 476 831 232 - 131 072 000 × 2) bytes; 8 × (512 + … + 638) cached tokens of 524 288 bytes.
    let bytes = 127.0 * 13_214_687_232.0 + 8.0 * 73_025.0 * 524_288.0;
    assert_value(&metrics.mbu, bytes / 4.0 / 3350e9);
    assert!(metrics.mbu.modelled && metrics.mbu.notes[0].contains("not a measurement"), "{:?}", metrics.mbu);
}

#[test]
fn a_larger_batch_needs_to_read_the_weights_less_often() {
    let mut last = f64::INFINITY;
    for batch in [1, 2, 4, 8] {
        let mbu = after(|run| {
            run.batch = Some(batch);
            run.window_s = Some(40.0);
        });
        let mbu = mbu.mbu.value.expect("everything is known");
        assert!(mbu < last, "{batch}: {mbu}");
        last = mbu;
    }
}

#[test]
fn without_the_batch_the_format_or_the_weights_there_is_no_bandwidth() {
    assert_lacks(&after(|run| run.batch = None).mbu, &[Input::Batch]);
    assert_lacks(&after(|run| run.precision = None).mbu, &[Input::Precision]);
    assert_lacks(&after(|run| run.model.weight_bytes = None).mbu, &[Input::WeightBytes]);
    assert_lacks(&after(|run| run.model.parameters = None).mbu, &[Input::Parameters]);
    assert_lacks(&after(|run| run.output_tokens += 1.0).mbu, &[Input::Contexts]);
    assert_lacks(&after(|run| run.model.experts = None).mbu, &[Input::Experts]);
    let experts = Experts::Mixture { active_non_embedding_parameters: Some(1e9) };
    assert_lacks(&after(|run| run.model.experts = Some(experts)).mbu, &[Input::Experts]);
}

#[test]
fn an_unknown_cache_leaves_the_weights_and_is_said() {
    let metrics = after(|run| run.model.kv_bytes_per_token = None);
    assert_value(&metrics.mbu, 127.0 * 13_214_687_232.0 / 4.0 / 3350e9);
    assert!(metrics.mbu.notes.iter().any(|note| note.contains("key-value cache")), "{:?}", metrics.mbu);
}

#[test]
fn weights_with_four_bits_and_embeddings_with_sixteen_stay_a_lower_bound() {
    let weight_bytes = BODY / 2.0 + (PARAMETERS - BODY) * 2.0;
    let metrics = after(|run| {
        run.model.weight_bytes = Some(weight_bytes);
        run.model.kv_bytes_per_token = None;
    });
    let read = BODY / 2.0 + (PARAMETERS - BODY);
    assert_value(&metrics.mbu, 127.0 * read / 4.0 / 3350e9);
}

#[test]
fn bytes_that_do_not_fit_the_parameters_are_a_contradiction() {
    assert_lacks(&after(|run| run.model.weight_bytes = Some(1.0)).mbu, &[Input::Contradiction]);
    let metrics = after(|run| run.model.parameters = Some(BODY - 1.0));
    assert_lacks(&metrics.mbu, &[Input::Contradiction]);
}

#[test]
fn first_tokens_alone_are_no_decoding() {
    let metrics = after(|run| {
        run.requests = vec![Sequence { input_tokens: 512, output_tokens: 1, in_window: None }];
        (run.input_tokens, run.output_tokens) = (512.0, 1.0);
    });
    assert_lacks(&metrics.mbu, &[Input::Tokens]);
    let metrics = after(|run| {
        let in_window = Some(TokensInWindow { input_tokens: 0, output_tokens: 1 });
        run.requests = vec![Sequence { input_tokens: 512, output_tokens: 9, in_window }];
        (run.input_tokens, run.output_tokens) = (0.0, 1.0);
    });
    assert!(metrics.mbu.value.is_some(), "the ninth token of an answer was decoded");
}

#[test]
fn what_a_model_says_of_the_work_is_marked() {
    for formula in Formula::ALL {
        let counted = [
            Formula::PrefillJoulesPerInputToken,
            Formula::DecodeJoulesPerOutputToken,
            Formula::Carbon,
            Formula::EnergyCost,
            Formula::DeviceCost,
            Formula::TotalCost,
        ];
        assert_eq!(formula.is_modelled(), !counted.contains(&formula), "{formula:?}");
    }
}
