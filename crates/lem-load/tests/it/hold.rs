//! A warm-up that is held goes on until the engine says so, and leaves the measurement as it would have been.

use std::collections::HashSet;
use std::time::Duration;

use lem_protocol::{Convergence, Event, EventLine, Experiment, Phase, PhaseEdge, Traffic};
use serde_json::Value;

use crate::server::{Script, Server};
use crate::support::{Said, Word, closed, experiment, said, told};

/// An experiment of six requests, held after four of warm-up.
fn held(traffic: Traffic) -> Experiment {
    let mut experiment = closed(6, 1, 4);
    experiment.workload.traffic = Some(traffic);
    experiment.warmup.hold = true;
    experiment
}

/// Says so when warm-up has taken as long as this.
fn after(wait: Duration) -> impl FnMut(&EventLine) -> bool {
    let mut begun_ns = None;
    move |line| {
        if matches!(line.event, Event::Phase { phase: Phase::Warmup, edge: PhaseEdge::Begin }) {
            begun_ns = Some(line.t_ns);
        }
        begun_ns.is_some_and(|begun_ns| u128::try_from(line.t_ns - begun_ns).unwrap() >= wait.as_nanos())
    }
}

/// Says so with the request that finishes as the `count`th of a hold.
fn with_held(count: u32) -> impl FnMut(&EventLine) -> bool {
    let mut seen = 0;
    move |line| {
        seen += u32::from(matches!(line.event, Event::Progress { total: None, .. }));
        seen == count
    }
}

fn prompts(server: &Server) -> Vec<Value> {
    let asked = server.asked();
    // The first is the probe.
    asked.iter().skip(1).map(|body| body["messages"][0]["content"].clone()).collect()
}

/// The prompts that were asked last.
fn last(count: usize, prompts: &[Value]) -> &[Value] {
    &prompts[prompts.len() - count..]
}

fn held_requests(said: &Said) -> u64 {
    said.result().effective_parameters["warmup_held_requests"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_load_goes_on_past_its_time_limit_until_the_word_is_said_or_nobody_is_left_to_say_it() {
    for word in [Word::Line, Word::EndOfInput] {
        let server = Server::start(Script::default()).await;
        let mut experiment = held(Traffic::Closed { concurrency: 3 });
        experiment.warmup.timeout_s = 0.3;
        let (said, told_ns) = told(&server, &experiment, word, after(Duration::from_millis(700))).await;
        assert_eq!(said.phases(), ["load", "warmup", "measure"]);
        let (over_ns, open_ns) =
            (said.edge_ns(Phase::Warmup, PhaseEdge::End), said.edge_ns(Phase::Measure, PhaseEdge::Begin));
        assert_eq!(over_ns, open_ns, "the load does not pause");
        assert!(
            over_ns >= told_ns - 5_000_000,
            "{word:?}: it was not told before {told_ns}, and ended at {over_ns}"
        );
        assert!(held_requests(&said) > 30, "three at a time, some 10 ms each");
        assert_eq!(said.result().requests, 6);
        assert!(said.warnings().is_empty(), "{:?}", said.warnings());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_opens_before_another_request_could_have_been_answered() {
    let script = Script { chunks: 10, gap: Duration::from_millis(10), ..Script::default() };
    let server = Server::start(script).await;
    let mut experiment = held(Traffic::Closed { concurrency: 1 });
    experiment.workload.max_output_tokens = 10;
    let (said, told_ns) = told(&server, &experiment, Word::Line, with_held(2)).await;
    let waited_ns = said.window.unwrap().0 - told_ns;
    assert!((0..200_000_000).contains(&waited_ns), "{waited_ns}");
    assert!(
        said.requests().iter().all(|request| request.in_window.is_none()),
        "no request crosses its opening"
    );
    assert_eq!(held_requests(&said), 3, "the one that was under way is the last");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_asks_the_prompts_of_warm_up_again_and_the_sequence_goes_on_where_it_was() {
    let (server, plain) = (Server::start(Script::default()).await, Server::start(Script::default()).await);
    let mut experiment = held(Traffic::Closed { concurrency: 1 });
    let (held_run, _) = told(&server, &experiment, Word::Line, with_held(9)).await;
    experiment.warmup.hold = false;
    said(&plain, &experiment).await;
    let (asked, undisturbed) = (prompts(&server), prompts(&plain));
    assert_eq!(asked.len() as u64, 4 + held_requests(&held_run) + 6);
    assert_eq!(asked[..4], undisturbed[..4]);
    assert_eq!(asked[4..12], [&asked[..4], &asked[..4]].concat());
    assert_eq!(last(6, &asked), last(6, &undisturbed), "what is measured is what would have been");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_convergence_the_first_prompt_is_repeated_on() {
    let server = Server::start(Script::default()).await;
    let mut experiment = held(Traffic::Closed { concurrency: 2 });
    experiment.warmup.prompts = 2;
    experiment.warmup.convergence = Some(Convergence { cv_threshold: 9.0, window: 2, max_prompts: 9 });
    let (said, _) = told(&server, &experiment, Word::Line, with_held(20)).await;
    assert_eq!(said.result().warmup_converged, Some(true));
    let asked = prompts(&server);
    assert!(asked[..22].iter().all(|prompt| *prompt == asked[0]));
    let sequence = asked.iter().skip_while(|prompt| **prompt == asked[0]).take(4);
    assert_eq!(sequence.collect::<HashSet<_>>().len(), 4, "then comes the sequence");
}

#[tokio::test(flavor = "multi_thread")]
async fn open_traffic_keeps_arriving_while_it_is_held() {
    let (requests_per_s, burstiness) = (200.0, 2.0);
    for traffic in [
        Traffic::Poisson { requests_per_s },
        Traffic::Gamma { requests_per_s, burstiness },
        Traffic::Constant { requests_per_s },
    ] {
        let server = Server::start(Script::default()).await;
        let (said, told_ns) = told(&server, &held(traffic), Word::Line, with_held(30)).await;
        let waited_ns = said.window.unwrap().0 - told_ns;
        assert!((-5_000_000..150_000_000).contains(&waited_ns), "{waited_ns}");
        assert!(held_requests(&said) >= 30);
        assert!(said.warnings().is_empty(), "{:?}", said.warnings());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_request_is_under_way_the_window_does_not_wait_for_the_next() {
    let server = Server::start(Script::default()).await;
    let mut experiment = experiment(1);
    experiment.workload.traffic = Some(Traffic::Constant { requests_per_s: 1.0 });
    experiment.warmup.hold = true;
    let (said, told_ns) = told(&server, &experiment, Word::Line, with_held(1)).await;
    let waited_ns = said.window.unwrap().0 - told_ns;
    assert!((0..500_000_000).contains(&waited_ns), "{waited_ns}");
    assert_eq!(server.asked().len(), 3, "the probe, one of the hold, and the one that is measured");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_was_said_in_advance_leaves_warm_up_as_it_is() {
    let server = Server::start(Script::default()).await;
    // Its input ends with the experiment.
    let said = said(&server, &held(Traffic::Closed { concurrency: 2 })).await;
    assert_eq!(held_requests(&said), 0);
    assert!(said.result().effective_parameters["warmup_requests"].as_u64().unwrap() < 7);
}
