//! How long it takes from the text of a campaign to its plan.

use std::hint::black_box;
use std::time::Instant;

use lem_campaign::plan;
use lem_spec::campaign::{self, Overrides};
use lem_spec::settings::Settings;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::Outcome;
use crate::report::{Figures, Section};

const EXPERIMENTS: usize = 100;
const CYCLES: u32 = 1000;
const SEED: u64 = 20_260_101;

pub(crate) fn measure(repeat: u32) -> Outcome<Section> {
    let mut rows = Vec::new();
    let subjects = ["shuffled", "latin_square"];
    let mut figures = [Figures::default(), Figures::default(), Figures::default()];
    for _ in 0..repeat {
        for (structure, times) in subjects.iter().zip(&mut figures) {
            times.push(planned_s(&text(structure))? * 1e3);
        }
        figures[2].push(shuffled_pairs_s() * 1e3);
    }
    let names = [
        "`shuffled`, YAML to plan",
        "`latin_square`, YAML to plan",
        "limit: the same pairs in a vector, shuffled",
    ];
    for ((name, times), aim) in names.into_iter().zip(&figures).zip(["1000", "1000", "-"]) {
        rows.push(vec![name.to_owned(), times.show(1), aim.to_owned()]);
    }
    Ok(Section {
        name: "plan",
        title: "A plan of 100,000 runs",
        notes: vec![format!("{EXPERIMENTS} experiments in {CYCLES} cycles, in one thread.")],
        columns: vec!["what", "time, ms", "aim, ms"],
        rows,
    })
}

/// A campaign as one would write it: a grid of 10 models and 10 lengths.
fn text(structure: &str) -> String {
    let models: Vec<String> = (0..10).map(|model| format!("    - family/model-{model}\n")).collect();
    format!(
        "campaign_name: large\nrunner: process\ngrid:\n  backends: candle\n  models:\n{}  shared:\n    \
         max_output_tokens: [16, 32, 48, 64, 80, 96, 112, 128, 144, 160]\nexecution:\n  cycles: {CYCLES}\n  \
         structure: {structure}\n  seed: {SEED}\n",
        models.concat()
    )
}

fn planned_s(text: &str) -> Outcome<f64> {
    let begun = Instant::now();
    let no_files = |path: &str| Err(format!("{path} is not wanted"));
    let (written, problems) = campaign::read("large.yaml", text, &no_files);
    let written = written.ok_or_else(|| format!("the campaign is not read: {problems:?}"))?;
    let resolved = campaign::resolve(written, &Overrides::default(), &Settings::default());
    let plan = black_box(plan::plan(&resolved, SEED));
    let taken_s = begun.elapsed().as_secs_f64();
    let wanted = usize::try_from(CYCLES)? * EXPERIMENTS;
    if plan.runs.len() == wanted {
        Ok(taken_s)
    } else {
        Err(format!("{} runs were planned, not {wanted}: {:?}", plan.runs.len(), plan.problems).into())
    }
}

/// What no plan can do without: as many pairs in memory, in a random order.
fn shuffled_pairs_s() -> f64 {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let begun = Instant::now();
    let pairs = (1..=CYCLES).flat_map(|cycle| (0..EXPERIMENTS).map(move |experiment| (experiment, cycle)));
    let mut pairs: Vec<(usize, u32)> = pairs.collect();
    pairs.shuffle(&mut random);
    black_box(pairs);
    begun.elapsed().as_secs_f64()
}
