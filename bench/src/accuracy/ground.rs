//! The boards and the loads of `accuracy`, and the truth of each window.

use lem_measure::signal::Signal;
use serde_json::{Value, json};

use crate::Outcome;

/// A board: how it is called in the table, and its keys in the configuration of the simulated library.
pub(super) struct Board {
    pub(super) name: &'static str,
    keys: &'static str,
    /// Whether it has an energy counter, so that a difference can be taken.
    pub(super) counter: bool,
    /// The largest errors aimed at, in percent: mean and worst of long windows, mean of short ones.
    pub(super) aim: [Option<f64>; 3],
}

const COUNTED: [Option<f64>; 3] = [Some(0.02), Some(0.1), Some(1.0)];
const SEEN: [Option<f64>; 3] = [Some(0.17), Some(0.45), None];
const MARKED: [Option<f64>; 3] = [None; 3];

pub(super) const BOARDS: [Board; 8] = [
    Board { name: "V100", keys: r#"{"model":"v100"}"#, counter: true, aim: COUNTED },
    Board { name: "A100", keys: r#"{"model":"a100"}"#, counter: true, aim: COUNTED },
    Board { name: "H100", keys: r#"{"model":"h100"}"#, counter: true, aim: COUNTED },
    Board { name: "RTX 3090", keys: r#"{"model":"rtx3090"}"#, counter: true, aim: COUNTED },
    Board {
        name: "RTX 3090 without its counter",
        keys: r#"{"model":"rtx3090","counter_present":false}"#,
        counter: false,
        aim: SEEN,
    },
    Board {
        name: "A100 without its counter",
        keys: r#"{"model":"a100","counter_present":false}"#,
        counter: false,
        aim: MARKED,
    },
    Board { name: "P100", keys: r#"{"model":"p100"}"#, counter: false, aim: MARKED },
    Board {
        name: "RTX 3090, 1 s mean alone",
        keys: r#"{"model":"rtx3090","counter_present":false,"instant_present":false}"#,
        counter: false,
        aim: MARKED,
    },
];

/// A load with its name.
pub(super) struct Load {
    pub(super) name: &'static str,
    pub(super) signal: Signal,
}

/// The loads, one for each simulated GPU of a board. No period is a whole part of the sensors' 20 or 100 ms.
pub(super) fn loads() -> Outcome<Vec<Load>> {
    let square = |low: f64, high: f64, period: f64, duty: f64| json!({"shape": "square", "low_w": low, "high_w": high, "period_s": period, "duty": duty});
    let ramp = |from: f64, to: f64, seconds: f64| json!({"from_w": from, "to_w": to, "seconds": seconds});
    let throttled = json!([
        ramp(100.0, 390.0, 5.0),
        ramp(390.0, 300.0, 0.2),
        ramp(300.0, 380.0, 0.6),
        ramp(380.0, 300.0, 0.2),
        ramp(300.0, 370.0, 0.6),
        ramp(370.0, 120.0, 2.3)
    ]);
    let all = [
        ("constant", json!({"shape": "constant", "watts": 250})),
        ("square, 1.37 s", square(80.0, 320.0, 1.37, 0.5)),
        ("decode loop, 27.3 ms", decode()),
        ("spikes of 8 ms", square(180.0, 600.0, 0.391, 0.02)),
        ("ramps, throttled", json!({"shape": "ramps", "ramps": throttled})),
        ("bursts of 31 ms each 103.7 ms", square(70.0, 350.0, 0.1037, 0.3)),
    ];
    all.into_iter().map(|(name, signal)| Ok(Load { name, signal: serde_json::from_value(signal)? })).collect()
}

/// A request: its prompt, then forty tokens, each a forward pass and a pause.
fn decode() -> Value {
    let step = |watts: f64, seconds: f64| json!({"watts": watts, "seconds": seconds});
    let tokens = (0..40).flat_map(|_| [step(330.0, 0.0177), step(230.0, 0.0096)]);
    json!({"shape": "steps", "steps": std::iter::once(step(390.0, 0.21)).chain(tokens).collect::<Vec<Value>>()})
}

/// The configuration of the library in which each load has a board of its own.
pub(super) fn configuration(board: &Board, loads: &[Load]) -> Outcome<String> {
    let mut gpus = Vec::new();
    for load in loads {
        let mut gpu: Value = serde_json::from_str(board.keys)?;
        gpu["signal"] = serde_json::to_value(&load.signal)?;
        gpus.push(gpu);
    }
    Ok(Value::Array(gpus).to_string())
}
