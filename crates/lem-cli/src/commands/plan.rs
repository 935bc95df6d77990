//! `lem plan FILE`: what a campaign would do.

use std::path::Path;

use lem_engine::{
    Baseline, BaselineKind, BaselineStrategy, ContainerStrategy, Engine, Error, ErrorCode, Overrides, Plan,
    ThermalMode,
};

use crate::args::{Global, OverrideArgs};
use crate::{Ended, format, output};

/// Runs shown of a long plan: the first and the last few.
const SHOWN: usize = 12;

pub(crate) fn plan(
    engine: &Engine,
    global: &Global,
    file: &Path,
    args: &OverrideArgs,
) -> Result<Ended, Error> {
    let view = engine.plan(file, &overrides(args)?)?;
    if global.json {
        output::json(&view);
    } else {
        output::diagnostics(&view.plan.problems, true);
        show(&view.plan);
    }
    Ok(if view.can_run() { Ended::Well } else { Ended::BadInput })
}

/// The command line's words as values that win over the campaign file.
pub(crate) fn overrides(args: &OverrideArgs) -> Result<Overrides, Error> {
    Ok(Overrides {
        cycles: args.cycles,
        structure: parse(args.structure.as_deref(), "--structure")?,
        config_gap_s: args.config_gap,
        cycle_gap_s: args.cycle_gap,
        warmup_prompts: args.warmup_prompts,
        warmup_timeout_s: args.warmup_timeout,
        container_strategy: strategy(args.container_strategy.as_deref())?,
        dataset: args.dataset.clone(),
        sample_size: args.sample_size,
        seed: args.seed,
        model: args.model.clone(),
        runner: parse(args.runner.as_deref(), "--runner")?,
    })
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(
    word: Option<&str>,
    option: &str,
) -> Result<Option<T>, Error> {
    let refused = |e: T::Err| Error::new(ErrorCode::BadInput, format!("{option}: {e}"));
    word.map(|word| word.parse().map_err(refused)).transpose()
}

fn strategy(word: Option<&str>) -> Result<Option<ContainerStrategy>, Error> {
    let known = |word: &str| {
        ContainerStrategy::from_name(word).ok_or_else(|| {
            let known = ContainerStrategy::NAMES.join(" or ");
            Error::new(
                ErrorCode::BadInput,
                format!("--container-strategy: {word:?} is not known; use {known}"),
            )
        })
    };
    word.map(known).transpose()
}

fn show(plan: &Plan) {
    output::line(&format!(
        "{}: {}, {} in {}, {} (seed {})",
        plan.name,
        format::counted(plan.experiments.len(), "experiment"),
        format::counted(plan.runs.len(), "run"),
        format::counted(plan.cycles as usize, "cycle"),
        plan.structure.name(),
        plan.seed
    ));
    output::line(&gaps(plan));
    if let Some(stopping) = plan.stopping {
        output::line(&format!(
            "an experiment is run no more once its 95 % interval is within ±{} % of the mean, after {} cycles at least",
            stopping.target * 100.0,
            stopping.min_cycles
        ));
    }
    if let Some(taken) = &plan.baseline {
        output::line(&baseline(taken, plan.thermal.mode.value));
    }
    output::line("");
    let experiments = plan.experiments.iter().map(|experiment| {
        let place = experiment.service.as_deref().map_or("local process".into(), |s| format!("service {s}"));
        let spec = &experiment.spec;
        vec![spec.name.clone(), spec.backend.clone(), place, spec.model.clone()]
    });
    output::table(&["EXPERIMENT", "BACKEND", "RUNS IN", "MODEL"], &[], experiments.collect());
    output::line("");
    output::table(&["RUN", "CYCLE", "GAP BEFORE", "FROM", "EXPERIMENT"], &[0, 1, 2], run_rows(plan));
}

fn gaps(plan: &Plan) -> String {
    let thermal = &plan.thermal;
    match thermal.mode.value {
        ThermalMode::Fixed => format!("thermal gaps: {} in all", format::span(plan.total_gap_s)),
        ThermalMode::Adaptive => format!(
            "thermal gaps: until the devices are within {} °C of where they were, {} to {} each",
            thermal.tolerance_c.value,
            format::span(thermal.min_s.value),
            format::span(thermal.max_s.value)
        ),
        ThermalMode::Hot => format!(
            "thermal gaps: none; warm-up goes on until the devices are hot, {} at most",
            format::span(thermal.max_s.value)
        ),
    }
}

fn baseline(taken: &Baseline, mode: ThermalMode) -> String {
    let own = match taken.kind {
        BaselineKind::Bare => String::new(),
        BaselineKind::Context | BaselineKind::Loaded => format!("{} in each run, ", taken.kind.name()),
    };
    let anew = match taken.strategy {
        // Devices that are to stay hot do not rest again.
        _ if mode == ThermalMode::Hot => "once".into(),
        BaselineStrategy::Fresh => "fresh before every run".into(),
        BaselineStrategy::Cached => format!("cached for {}", format::span(taken.ttl_s)),
        BaselineStrategy::Validated => match taken.validation_interval {
            1 => "validated every run".into(),
            runs => format!("validated every {runs} runs"),
        },
    };
    format!("baseline: {own}bare for {}, {anew}", format::span(taken.duration_s))
}

fn run_rows(plan: &Plan) -> Vec<Vec<String>> {
    let hidden = plan.runs.len().saturating_sub(SHOWN);
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (position, run) in plan.runs.iter().enumerate() {
        if hidden > 0 && (SHOWN / 2..SHOWN / 2 + hidden).contains(&position) {
            if position == SHOWN / 2 {
                rows.push(vec![
                    "…".into(),
                    String::new(),
                    String::new(),
                    String::new(),
                    format!("{hidden} more"),
                ]);
            }
            continue;
        }
        let gap =
            if run.gap_before_s > 0.0 { format::span(run.gap_before_s) } else { format::MISSING.into() };
        rows.push(vec![
            (run.index + 1).to_string(),
            run.cycle.to_string(),
            gap,
            run.gap_source.to_string(),
            plan.experiments[run.experiment].spec.name.clone(),
        ]);
    }
    rows
}
