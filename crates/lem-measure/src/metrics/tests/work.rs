//! Operations of a run, and the positions of tokens.

use proptest::prelude::*;

use super::example::{BODY, after, all, assert_lacks, assert_value, reason, run};
use crate::metrics::{
    Experts, FootprintSettings, Formula, Input, RunFacts, Sequence, TokensInWindow, derive,
};

#[test]
fn a_token_costs_two_operations_for_each_parameter_that_is_no_embedding() {
    // 2 × 6 476 271 616 × (8 × 640).
    assert_value(&after(|_| ()).parameter_flops, 66_317_021_347_840.0);
}

#[test]
fn attention_is_counted_apart_and_over_the_context_of_every_token() {
    let metrics = after(|_| ());
    // 4 × 32 × 4096 × 8 × (640 × 641 / 2).
    assert_value(&metrics.attention_flops, 860_335_636_480.0);
    assert_value(&metrics.total_flops, 66_317_021_347_840.0 + 860_335_636_480.0);
}

#[test]
fn attention_over_a_prompt_is_half_of_that_without_a_causal_mask() {
    // PaLM's 4 × layers × width × context for each token of a sequence, halved: Kaplan's 2 × layers × context × width.
    let sequence = Sequence { input_tokens: 1000, output_tokens: 0, in_window: None };
    assert!((sequence.contexts() - 1000.0 * 1000.0 / 2.0 - 500.0).abs() < 1e-9);
}

#[test]
fn without_parameters_there_are_no_operations_and_it_is_said_why() {
    let metrics = after(|run| run.model.non_embedding_parameters = None);
    let expected = "the worker did not report the number of non-embedding parameters";
    assert_eq!(reason(&metrics.parameter_flops), expected);
    assert_eq!(reason(&metrics.mfu), expected);
    assert!(metrics.attention_flops.value.is_some(), "attention needs no parameters");
}

#[test]
fn a_mixture_of_experts_counts_the_parameters_that_work_on_a_token() {
    let active = Some(1e9);
    let metrics =
        after(|run| run.model.experts = Some(Experts::Mixture { active_non_embedding_parameters: active }));
    assert_value(&metrics.parameter_flops, 2.0 * 1e9 * 5120.0);
    let metrics =
        after(|run| run.model.experts = Some(Experts::Mixture { active_non_embedding_parameters: None }));
    assert_lacks(&metrics.parameter_flops, &[Input::Experts]);
    let metrics = after(|run| run.model.experts = None);
    assert_lacks(&metrics.parameter_flops, &[Input::Experts]);
}

#[test]
fn more_active_parameters_than_there_are_is_a_contradiction() {
    let active = Some(BODY + 1.0);
    let metrics =
        after(|run| run.model.experts = Some(Experts::Mixture { active_non_embedding_parameters: active }));
    assert_lacks(&metrics.parameter_flops, &[Input::Contradiction]);
}

#[test]
fn unfinished_requests_leave_attention_unknown_and_the_rest_as_it_is() {
    let metrics = after(|run| {
        run.output_tokens += 40.0;
        run.unfinished_tokens = 40.0;
    });
    assert_value(&metrics.parameter_flops, 2.0 * BODY * 5160.0);
    assert_lacks(&metrics.attention_flops, &[Input::Contexts]);
    assert!(reason(&metrics.attention_flops).contains("40 of the window's 5160 tokens"));
    assert!(metrics.mfu.value.is_some(), "it counts multiplications with weights alone");
}

#[test]
fn a_request_that_the_opening_cut_counts_the_context_of_what_came_after_it() {
    let metrics = after(|run| {
        let in_window = Some(TokensInWindow { input_tokens: 0, output_tokens: 28 });
        run.requests[0] = Sequence { in_window, ..run.requests[0] };
        (run.input_tokens, run.output_tokens) = (4096.0 - 512.0, 1024.0 - 100.0);
    });
    // Seven whole requests, and of the first one the tokens at positions 613 to 640.
    let contexts = 7.0 * 640.0 * 641.0 / 2.0 + (640.0 * 641.0 - 612.0 * 613.0) / 2.0;
    assert_value(&metrics.attention_flops, 4.0 * 32.0 * 4096.0 * contexts);
}

#[test]
fn as_many_tokens_cut_off_at_the_opening_as_are_under_way_at_the_end_hide_nothing() {
    // Of a run that was stored before it was kept what the opening cuts off: the sums agree by chance.
    let metrics = after(|run| run.unfinished_tokens = 40.0);
    assert_lacks(&metrics.attention_flops, &[Input::Contexts]);
    let metrics = after(|run| run.output_tokens -= 40.0);
    assert!(reason(&metrics.attention_flops).contains("5120 tokens and the window 5080"));
}

#[test]
fn a_prompt_cannot_be_inside_when_the_begin_of_its_answer_was_outside() {
    let metrics = after(|run| {
        let in_window = Some(TokensInWindow { input_tokens: 512, output_tokens: 28 });
        run.requests[0] = Sequence { in_window, ..run.requests[0] };
        run.output_tokens -= 100.0;
    });
    assert_lacks(&metrics.attention_flops, &[Input::Contexts]);
    assert!(reason(&metrics.attention_flops).contains("which comes before it"));
    assert!(metrics.parameter_flops.value.is_some(), "it asks for no positions");
}

#[test]
fn every_input_that_is_missing_is_named_once() {
    let metrics = after(|run| {
        run.model.layers = None;
        run.model.attention_width = None;
        run.requests.clear();
        run.window_s = None;
    });
    let lacking = [Input::AttentionShape, Input::AttentionShape, Input::Contexts];
    assert_lacks(&metrics.total_flops, &lacking);
    assert_lacks(&metrics.mfu_with_attention, &[lacking.as_slice(), &[Input::Window]].concat());
}

#[test]
fn nothing_known_gives_no_number_and_no_zero() {
    let metrics = derive(&RunFacts::default(), &FootprintSettings::default());
    for derived in all(&metrics) {
        assert!(derived.value.is_none() && !derived.missing.is_empty(), "{derived:?}");
    }
}

#[test]
fn every_formula_makes_one_value_and_says_where_it_is_from() {
    let metrics = after(|_| ());
    assert_eq!(all(&metrics).map(|derived| derived.formula), Formula::ALL);
    for formula in Formula::ALL {
        let text = formula.text();
        let parts = [&text.expression, &text.unit, &text.source, &text.leaves_out];
        assert!(parts.iter().all(|part| !part.is_empty()), "{text:?}");
    }
}

#[test]
fn a_request_that_began_before_the_window_counts_its_last_tokens() {
    let in_window = Some(TokensInWindow { input_tokens: 0, output_tokens: 3 });
    let sequence = Sequence { input_tokens: 10, output_tokens: 5, in_window };
    assert_eq!(sequence.counted(), (0.0, 3.0));
    assert!((sequence.contexts() - f64::from(13 + 14 + 15)).abs() < 1e-9);
    assert!((sequence.decoded() - 3.0).abs() < 1e-9);
    assert!((sequence.cached() - f64::from(11 + 12 + 13)).abs() < 1e-9);
}

/// A request, with a part of it in the window or all.
fn sequences() -> impl Strategy<Value = Sequence> {
    (0u32..300, 0u32..300).prop_flat_map(|(input_tokens, output_tokens)| {
        let part = (0..=input_tokens, 0..=output_tokens)
            .prop_map(|(i, o)| TokensInWindow { input_tokens: i, output_tokens: o });
        proptest::option::of(part).prop_map(move |in_window| Sequence {
            input_tokens,
            output_tokens,
            in_window,
        })
    })
}

proptest! {
    #[test]
    fn sums_over_positions_are_those_of_counting(sequence in sequences()) {
        let (n, m) = (sequence.input_tokens, sequence.output_tokens);
        let all = TokensInWindow { input_tokens: n, output_tokens: m };
        let counted = sequence.in_window.unwrap_or(all);
        let prompt = (1..=n).filter(|k| *k > n - counted.input_tokens);
        let answer = (1..=m).filter(|j| *j > m - counted.output_tokens);
        let contexts: u32 = prompt.chain(answer.clone().map(|j| n + j)).sum();
        let steps: Vec<u32> = answer.filter(|j| *j >= 2).collect();
        let cached: u32 = steps.iter().map(|j| n + j - 2).sum();
        prop_assert!((sequence.contexts() - f64::from(contexts)).abs() < 1e-6);
        prop_assert!((sequence.decoded() - f64::from(u32::try_from(steps.len()).unwrap())).abs() < 1e-6);
        prop_assert!((sequence.cached() - f64::from(cached)).abs() < 1e-6);
    }

    #[test]
    fn operations_of_two_runs_add_up(a in 1u32..500, b in 1u32..500) {
        let of = |lengths: &[u32]| {
            let mut run = run();
            run.requests = lengths.iter().map(|n| Sequence { input_tokens: *n, output_tokens: 7, in_window: None }).collect();
            run.input_tokens = lengths.iter().copied().map(f64::from).sum();
            run.output_tokens = run.requests.iter().map(|request| request.counted().1).sum();
            derive(&run, &FootprintSettings::default()).total_flops.value.unwrap()
        };
        let (apart, together) = (of(&[a]) + of(&[b]), of(&[a, b]));
        prop_assert!((apart - together).abs() <= together * 1e-12);
    }

    #[test]
    fn whatever_comes_in_there_is_a_finite_value_or_a_reason(
        numbers in proptest::collection::vec(proptest::option::of(proptest::num::f64::ANY), 12),
        sequence in sequences(),
        batch in proptest::option::of(any::<u32>()),
    ) {
        let mut run = run();
        run.model.parameters = numbers[0];
        run.model.non_embedding_parameters = numbers[1];
        run.model.kv_bytes_per_token = numbers[2];
        run.model.weight_bytes = numbers[3];
        run.window_s = numbers[4];
        run.energy_j = numbers[5];
        run.energy_uncertainty_j = numbers[6];
        run.output_tokens = numbers[7].unwrap_or(sequence.counted().1);
        run.input_tokens = sequence.counted().0;
        run.requests = vec![sequence];
        run.batch = batch;
        let settings = FootprintSettings {
            carbon_intensity_gco2_kwh: numbers[8],
            datacenter_pue: numbers[9],
            price_per_kwh: numbers[10],
            device_price_per_hour: numbers[11],
        };
        for derived in all(&derive(&run, &settings)) {
            prop_assert_eq!(derived.value.is_none(), !derived.missing.is_empty());
            prop_assert!(derived.value.is_none_or(f64::is_finite));
            prop_assert!(derived.uncertainty.is_none_or(|u| u.is_finite() && u >= 0.0 && derived.value.is_some()));
        }
    }
}
