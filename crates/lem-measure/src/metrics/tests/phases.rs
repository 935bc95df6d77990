//! Energy of prefill and of decode for each token.

use super::example::{after, assert_lacks, assert_value, part, reason};
use crate::metrics::{Input, TokensInWindow};
use crate::parts::Part;

#[test]
fn prefill_is_shared_by_the_prompts_and_decode_by_the_tokens_that_it_gave() {
    let metrics = after(|_| ());
    // 300 J for 8 × 512 tokens; 1700 J for 8 × 127, because the first of each answer comes from its prompt.
    assert_value(&metrics.prefill_joules_per_input_token, 300.0 / 4096.0);
    assert_value(&metrics.decode_joules_per_output_token, 1700.0 / 1016.0);
    let uncertainty = metrics.decode_joules_per_output_token.uncertainty.unwrap();
    assert!((uncertainty - 170.0 / 1016.0).abs() < 1e-12, "that of the part: {uncertainty}");
    assert!(!metrics.prefill_joules_per_input_token.modelled, "energy and tokens, no model of the work");
}

#[test]
fn overlapping_requests_leave_no_energy_that_belongs_to_the_one_or_the_other() {
    let metrics = after(|run| run.parts.push(part(Part::Mixed, 0.25, Some(100.0))));
    for derived in [&metrics.prefill_joules_per_input_token, &metrics.decode_joules_per_output_token] {
        assert_lacks(derived, &[Input::Parts]);
        assert!(reason(derived).contains("for 0.250 s some were read while others were answered"));
    }
}

#[test]
fn a_part_that_is_withheld_gives_its_reason_and_the_other_its_value() {
    let metrics = after(|run| run.parts[0] = part(Part::Prefill, 0.01, None));
    assert_lacks(&metrics.prefill_joules_per_input_token, &[Input::Energy]);
    assert_eq!(reason(&metrics.prefill_joules_per_input_token), "its one stretch is too short");
    assert_value(&metrics.decode_joules_per_output_token, 1700.0 / 1016.0);
}

#[test]
fn a_window_that_was_not_divided_says_why() {
    let metrics = after(|run| {
        run.parts.clear();
        run.parts_withheld = Some("the worker does not say when requests began".into());
    });
    let why = reason(&metrics.decode_joules_per_output_token);
    assert_eq!(why, "the worker does not say when requests began");
}

#[test]
fn a_request_that_began_before_the_window_had_a_part_of_its_prompt_read_before() {
    let metrics = after(|run| {
        run.requests[0].in_window = Some(TokensInWindow { input_tokens: 512, output_tokens: 128 });
    });
    assert_lacks(&metrics.prefill_joules_per_input_token, &[Input::Parts]);
}

#[test]
fn what_a_step_of_several_tokens_gave_at_first_is_not_known() {
    let metrics = after(|run| run.drafts = true);
    assert_lacks(&metrics.decode_joules_per_output_token, &[Input::Tokens]);
    assert_value(&metrics.prefill_joules_per_input_token, 300.0 / 4096.0);
}
