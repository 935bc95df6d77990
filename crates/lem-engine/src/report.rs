//! What the runs of a campaign say together: statistics, outliers, and whether energy follows the order or the
//! temperature at the start.

use std::collections::{BTreeMap, HashMap};

use lem_measure::Provenance;
use lem_measure::quality::{self, ExperimentReport, ExperimentRuns, Grade, OrderEffect, RunFigures};
use lem_measure::stats::{self, Interval, Line, Statistic};
use lem_store::{Experiment, ResultFilter, ResultRow, RunStatus};
use serde::Serialize;
use serde_json::Value;
use specta::Type;

use crate::Engine;
use crate::error::Error;

/// A campaign over its completed runs.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct CampaignReport {
    /// Id of the campaign.
    pub campaign_id: String,
    /// Its name.
    pub name: String,
    /// Each experiment, in the order of the campaign.
    pub experiments: Vec<ExperimentSummary>,
}

/// An experiment over its completed runs.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct ExperimentSummary {
    /// The checks that take several runs.
    pub quality: ExperimentReport,
    /// How many runs have each grade, the best first; runs of versions without grades are not counted.
    pub grades: Vec<GradeCount>,
    /// The weakest of its runs.
    pub provenance: Option<Provenance>,
    /// Statistics of joules per output token; `None` where no run has it.
    pub joules_per_output_token: Option<Statistic>,
    /// Bootstrap 95 % interval (bias-corrected and accelerated) of their mean; `None` for fewer than five.
    pub bootstrap: Option<Interval>,
    /// Its runs, in the order in which they were made.
    pub points: Vec<RunPoint>,
    /// How joules per output token, in percent of their mean, follow the position in the campaign.
    pub by_position: Option<Line>,
    /// How they follow the temperature at the start, in degrees Celsius.
    pub by_start_temperature: Option<Line>,
}

/// How many runs have a grade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
pub struct GradeCount {
    /// The grade.
    pub grade: Grade,
    /// Runs that have it.
    pub runs: u32,
}

/// A completed run among the others of its experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct RunPoint {
    /// Its id.
    pub run_id: String,
    /// Position in the plan, from 0.
    pub index: u32,
    /// Cycle, from 1.
    pub cycle: u32,
    /// Temperature of the hottest device when the worker was started, in degrees Celsius.
    pub start_temperature_c: Option<f64>,
    /// Joules per output token.
    pub joules_per_output_token: Option<f64>,
    /// Output tokens.
    pub output_tokens: Option<u64>,
    /// How far its figures can be trusted.
    pub grade: Option<Grade>,
    /// Whether it stands out from the others (modified z-score above 3.5).
    pub outlier: bool,
}

impl Engine {
    /// What the completed runs of a campaign say together.
    pub async fn campaign_report(&self, id: &str) -> Result<CampaignReport, Error> {
        let detail = self.campaign_detail(id).await?;
        let filter =
            ResultFilter { campaign_id: Some(detail.summary.id.clone()), status: Some(RunStatus::Completed) };
        let rows = self.results_store().await?.results(&filter).await?;
        let experiments = summaries(&detail.experiments, rows);
        Ok(CampaignReport { campaign_id: detail.summary.id, name: detail.summary.name, experiments })
    }
}

fn summaries(experiments: &[Experiment], rows: Vec<ResultRow>) -> Vec<ExperimentSummary> {
    let mut by_name: HashMap<String, Vec<ResultRow>> = HashMap::new();
    for row in rows {
        by_name.entry(row.experiment.clone()).or_default().push(row);
    }
    let drafts: Vec<Draft> = experiments
        .iter()
        .map(|experiment| Draft::new(experiment, by_name.remove(&experiment.name).unwrap_or_default()))
        .collect();
    let runs: Vec<ExperimentRuns> = drafts.iter().map(|draft| draft.runs.clone()).collect();
    let reports = quality::campaign_report(&runs);
    drafts.into_iter().zip(reports).map(|(draft, report)| draft.finish(report)).collect()
}

/// An experiment before it is judged beside the others.
struct Draft {
    runs: ExperimentRuns,
    points: Vec<RunPoint>,
    provenance: Option<Provenance>,
    statistic: Option<Statistic>,
    by_position: Option<Line>,
    by_start_temperature: Option<Line>,
}

impl Draft {
    fn new(experiment: &Experiment, mut rows: Vec<ResultRow>) -> Self {
        rows.sort_by_key(|row| row.index);
        let known: Vec<&ResultRow> =
            rows.iter().filter(|row| row.joules_per_output_token.is_some()).collect();
        let values: Vec<f64> = known.iter().filter_map(|row| row.joules_per_output_token).collect();
        let statistic = stats::describe(values);
        let outliers: Vec<String> = statistic
            .iter()
            .flat_map(|it| &it.outliers)
            .filter_map(|position| known.get(*position as usize).map(|row| row.run_id.clone()))
            .collect();
        let by_position = line(&rows, statistic.as_ref(), |row| Some(f64::from(row.index)));
        let by_start_temperature = line(&rows, statistic.as_ref(), |row| row.start_temperature_c);
        let points: Vec<RunPoint> = rows.iter().map(|row| point(row, &outliers)).collect();
        let order = OrderEffect {
            p_position: by_position.as_ref().and_then(|line| line.p),
            p_start_temperature: by_start_temperature.as_ref().and_then(|line| line.p),
        };
        let runs = ExperimentRuns {
            experiment: experiment.name.clone(),
            runs: points.iter().map(figures).collect(),
            same_tokens: repeats_tokens(experiment),
            outliers: Some(outliers),
            order: by_position.as_ref().or(by_start_temperature.as_ref()).map(|_| order),
            sweep: Some(all_but_the_batch(experiment)),
            batch_size: experiment
                .parameters
                .get("batch_size")
                .and_then(Value::as_u64)
                .and_then(|n| u32::try_from(n).ok()),
        };
        // The enum goes from the strongest to the weakest.
        let provenance = rows.iter().filter_map(|row| row.provenance).max();
        Self { runs, points, provenance, statistic, by_position, by_start_temperature }
    }

    fn finish(self, quality: ExperimentReport) -> ExperimentSummary {
        let bootstrap = self.statistic.as_ref().and_then(|statistic| stats::bca_of_mean(&statistic.values));
        ExperimentSummary {
            quality,
            grades: grades(&self.points),
            provenance: self.provenance,
            joules_per_output_token: self.statistic,
            bootstrap,
            points: self.points,
            by_position: self.by_position,
            by_start_temperature: self.by_start_temperature,
        }
    }
}

fn point(row: &ResultRow, outliers: &[String]) -> RunPoint {
    RunPoint {
        run_id: row.run_id.clone(),
        index: row.index,
        cycle: row.cycle,
        start_temperature_c: row.start_temperature_c,
        joules_per_output_token: row.joules_per_output_token,
        output_tokens: row.output_tokens,
        grade: row.grade,
        outlier: outliers.contains(&row.run_id),
    }
}

fn figures(point: &RunPoint) -> RunFigures {
    RunFigures {
        joules_per_token: point.joules_per_output_token,
        output_tokens: point.output_tokens,
        start_temperature_c: point.start_temperature_c,
    }
}

/// A line through the runs that have both values, the energy in percent of its mean.
fn line(
    rows: &[ResultRow],
    statistic: Option<&Statistic>,
    x: impl Fn(&ResultRow) -> Option<f64>,
) -> Option<Line> {
    let mean = statistic?.mean;
    let pairs = rows.iter().filter_map(|row| Some((x(row)?, row.joules_per_output_token? / mean * 100.0)));
    let (x, y): (Vec<f64>, Vec<f64>) = pairs.unzip();
    stats::regression(&x, &y)
}

/// The same prompts decoded greedily give the same tokens; a server in its steady state counts what falls into a window.
fn repeats_tokens(experiment: &Experiment) -> bool {
    let parameters = &experiment.parameters;
    let greedy = parameters.get("decoder.do_sample").and_then(Value::as_bool) == Some(false);
    greedy && experiment.runner != "openai" && parameters.get("traffic.type").is_none()
}

/// What experiments share that differ in their batches alone.
fn all_but_the_batch(experiment: &Experiment) -> String {
    let parameters = experiment.parameters.as_object().into_iter().flatten();
    let rest: BTreeMap<&String, &Value> = parameters.filter(|(key, _)| *key != "batch_size").collect();
    let rest: Vec<String> = rest.iter().map(|(key, value)| format!("{key}={value}")).collect();
    format!("{} {} {}", experiment.backend, experiment.model, rest.join(" "))
}

fn grades(points: &[RunPoint]) -> Vec<GradeCount> {
    let mut counts: BTreeMap<Grade, u32> = BTreeMap::new();
    for grade in points.iter().filter_map(|point| point.grade) {
        *counts.entry(grade).or_default() += 1;
    }
    counts.into_iter().map(|(grade, runs)| GradeCount { grade, runs }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(experiment: &str, index: u32, joules: Option<f64>, start_c: f64) -> ResultRow {
        let row = serde_json::json!({
            "run_id": format!("r{index}"), "campaign_id": "c", "campaign_name": "c", "experiment": experiment,
            "backend": "candle", "runner": "process", "model": "m", "cycle": index + 1, "index": index, "attempt": 1,
            "status": "completed", "joules_per_output_token": joules, "gap_planned_s": 0.0, "output_tokens": 10,
            "start_temperature_c": start_c, "grade": "b",
        });
        serde_json::from_value(row).expect("a row")
    }

    fn experiment(name: &str, parameters: Value) -> Experiment {
        Experiment {
            position: 0,
            name: name.into(),
            backend: "candle".into(),
            service: None,
            runner: "process".into(),
            model: "m".into(),
            parameters,
        }
    }

    #[test]
    fn energy_that_follows_the_temperature_at_the_start_shows_with_its_slope_in_percent() {
        // 0.3 % for each degree, as was found on an A100.
        let noise = [0.02, -0.03, 0.01, 0.02, -0.02, 0.0];
        let rows = noise.iter().zip(0u32..).map(|(noise, index)| {
            let start_c = 30.0 + f64::from(index * 7 % 6);
            row("a", index, Some(2.0 * (1.0 + (0.3 * (start_c - 32.5) + noise) / 100.0)), start_c)
        });
        let summaries = summaries(&[experiment("a", serde_json::json!({}))], rows.collect());
        let line = summaries[0].by_start_temperature.as_ref().expect("six runs");
        assert!(line.slope_low < 0.3 && 0.3 < line.slope_high && line.slope_low > 0.2, "{line:?}");
        assert!(summaries[0].bootstrap.is_some());
        assert_eq!(summaries[0].grades, [GradeCount { grade: Grade::B, runs: 6 }]);
        let order = summaries[0].quality.checks.iter().find(|check| check.id == "order_effect");
        assert_eq!(order.expect("judged").verdict, quality::Verdict::Warn);
    }

    #[test]
    fn a_run_that_stands_out_is_flagged_and_stays() {
        let values = [1.0, 1.01, 0.99, 1.0, 1.02, 3.0];
        let rows = values.iter().zip(0u32..).map(|(value, index)| row("a", index, Some(*value), 30.0));
        let summary = &summaries(&[experiment("a", serde_json::json!({}))], rows.collect())[0];
        let flagged: Vec<&str> =
            summary.points.iter().filter(|point| point.outlier).map(|point| point.run_id.as_str()).collect();
        assert_eq!(flagged, ["r5"]);
        assert_eq!(summary.joules_per_output_token.as_ref().map(|it| it.n), Some(6));
    }

    #[test]
    fn runs_without_energy_shift_no_flag_to_a_neighbour() {
        let values = [None, Some(1.0), Some(1.01), Some(0.99), Some(1.0), Some(3.0)];
        let rows = values.iter().zip(0u32..).map(|(value, index)| row("a", index, *value, 30.0));
        let summary = &summaries(&[experiment("a", serde_json::json!({}))], rows.collect())[0];
        assert!(summary.points[5].outlier && !summary.points[4].outlier);
    }

    #[test]
    fn experiments_are_a_sweep_of_batches_when_nothing_else_differs() {
        let of = |parameters| all_but_the_batch(&experiment("a", parameters));
        let one = of(serde_json::json!({ "batch_size": 1, "max_output_tokens": 64 }));
        assert_eq!(one, of(serde_json::json!({ "max_output_tokens": 64, "batch_size": 8 })));
        assert_ne!(one, of(serde_json::json!({ "max_output_tokens": 65, "batch_size": 8 })));
    }
}
