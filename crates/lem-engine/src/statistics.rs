//! Groups of runs: statistics of their results, and what tells them apart.

use std::collections::{BTreeMap, BTreeSet};

use lem_measure::Provenance;
use lem_measure::stats::{Paired, Statistic, describe, paired};
use lem_store::{Experiment, ResultQuery, ResultRow, RunStatus};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use specta::Type;

use crate::Engine;
use crate::error::{Error, ErrorCode};

/// What runs are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum GroupColumn {
    /// Campaign.
    Campaign,
    /// Experiment.
    Experiment,
    /// Backend.
    Backend,
    /// Model.
    Model,
    /// Cycle.
    Cycle,
}

/// The completed runs that share what they were grouped by.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct Group {
    /// Id of the campaign, if grouped by it.
    pub campaign_id: Option<String>,
    /// Its name.
    pub campaign_name: Option<String>,
    /// Experiment, if grouped by it.
    pub experiment: Option<String>,
    /// Backend, if grouped by it.
    pub backend: Option<String>,
    /// Model, if grouped by it.
    pub model: Option<String>,
    /// Cycle, if grouped by it.
    pub cycle: Option<u32>,
    /// Runs in the group.
    pub n: u32,
    /// The weakest of its runs.
    pub provenance: Option<Provenance>,
    /// Statistics of each metric, over the runs that have a value.
    pub metrics: Metrics,
}

/// Statistics of each metric; `None` where no run has a value.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct Metrics {
    /// Energy of the window in joules.
    pub energy_j: Option<Statistic>,
    /// Energy by output token in joules.
    pub joules_per_output_token: Option<Statistic>,
    /// Energy by request in joules.
    pub joules_per_request: Option<Statistic>,
    /// Output tokens by second.
    pub tokens_per_second: Option<Statistic>,
    /// Mean power in watts.
    pub mean_power_w: Option<Statistic>,
    /// Length of the window in seconds.
    pub window_s: Option<Statistic>,
    /// Median time to first token in milliseconds.
    pub ttft_ms_p50: Option<Statistic>,
    /// Energy of the GPUs in joules.
    pub gpu_energy_j: Option<Statistic>,
    /// Energy of the CPU packages in joules.
    pub cpu_energy_j: Option<Statistic>,
    /// Output tokens.
    pub output_tokens: Option<Statistic>,
}

/// An experiment of a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Type)]
pub struct ExperimentRef {
    /// Id of the campaign.
    pub campaign_id: String,
    /// Name of the experiment.
    pub experiment: String,
}

/// Experiments side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct Comparison {
    /// Each of them, in the order asked for.
    pub experiments: Vec<Compared>,
    /// What differs between their configurations.
    pub differences: Vec<Difference>,
    /// The first beside each other one, cycle by cycle, where both are of one campaign.
    pub pairs: Vec<Pair>,
}

/// Two experiments of one campaign, paired by cycle: what a cycle did to both of them cancels.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct Pair {
    /// Position of the second among the experiments; the first is at 0.
    pub second: u32,
    /// Joules per output token: the second less the first.
    pub joules_per_output_token: Paired,
}

/// One experiment of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct Compared {
    /// Id of its campaign.
    pub campaign_id: String,
    /// Name of its campaign.
    pub campaign_name: String,
    /// Its name.
    pub experiment: String,
    /// Its backend.
    pub backend: String,
    /// Its model.
    pub model: String,
    /// Its configuration.
    pub parameters: Value,
    /// The statistics of its completed runs.
    pub group: Group,
}

/// A parameter whose values are not all the same.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct Difference {
    /// Dotted name.
    pub parameter: String,
    /// A value for each experiment; `None` where it is not set.
    pub values: Vec<Option<Value>>,
}

impl Engine {
    /// Statistics of the completed runs that the query lets through, in the order in which groups first occur.
    pub async fn statistics(&self, query: &ResultQuery, by: &[GroupColumn]) -> Result<Vec<Group>, Error> {
        let only = vec![RunStatus::Completed];
        if !query.statuses.is_empty() && !query.statuses.contains(&RunStatus::Completed) {
            return Ok(Vec::new());
        }
        let rows = self.rows(&ResultQuery { statuses: only, ..query.clone() }).await?;
        Ok(groups(rows, by))
    }

    /// Experiments side by side.
    pub async fn compare(&self, experiments: &[ExperimentRef]) -> Result<Comparison, Error> {
        let (mut compared, mut cycles) = (Vec::new(), Vec::new());
        for wanted in experiments {
            let (one, by_cycle) = self.compared(wanted).await?;
            compared.push(one);
            cycles.push(by_cycle);
        }
        let differences = differences(&compared);
        let pairs = pairs(&compared, &cycles);
        Ok(Comparison { experiments: compared, differences, pairs })
    }

    async fn compared(&self, wanted: &ExperimentRef) -> Result<(Compared, ByCycle), Error> {
        let detail = self.campaign_detail(&wanted.campaign_id).await?;
        let found = detail.experiments.into_iter().find(|experiment| experiment.name == wanted.experiment);
        let Some(Experiment { name, backend, model, parameters, .. }) = found else {
            let message = format!("campaign {} has no experiment {}", detail.summary.id, wanted.experiment);
            return Err(Error::new(ErrorCode::NotFound, message));
        };
        let query = ResultQuery {
            campaigns: vec![detail.summary.id.clone()],
            experiments: vec![name.clone()],
            ..ResultQuery::default()
        };
        let by = [GroupColumn::Campaign, GroupColumn::Experiment, GroupColumn::Backend, GroupColumn::Model];
        let rows = self.rows(&ResultQuery { statuses: vec![RunStatus::Completed], ..query }).await?;
        let by_cycle =
            rows.iter().filter_map(|row| Some((row.cycle, row.joules_per_output_token?))).collect();
        let group = groups(rows, &by).pop();
        let compared = Compared {
            campaign_id: detail.summary.id,
            campaign_name: detail.summary.name,
            experiment: name,
            backend,
            model,
            parameters,
            group: group.unwrap_or_else(|| group_of(&[], &[])),
        };
        Ok((compared, by_cycle))
    }
}

/// Joules per output token by cycle.
type ByCycle = Vec<(u32, f64)>;

fn pairs(compared: &[Compared], cycles: &[ByCycle]) -> Vec<Pair> {
    let mut each = compared.iter().zip(cycles).zip(0u32..);
    let Some(((first, of_first), _)) = each.next() else { return Vec::new() };
    each.filter(|((other, _), _)| other.campaign_id == first.campaign_id)
        .filter_map(|((_, cycles), second)| {
            Some(Pair { second, joules_per_output_token: paired(of_first, cycles)? })
        })
        .collect()
}

fn groups(rows: Vec<ResultRow>, by: &[GroupColumn]) -> Vec<Group> {
    let mut order = Vec::new();
    let mut members: BTreeMap<Vec<String>, Vec<ResultRow>> = BTreeMap::new();
    for row in rows {
        let key: Vec<String> = by.iter().map(|column| key(&row, *column)).collect();
        members
            .entry(key.clone())
            .or_insert_with(|| {
                order.push(key);
                Vec::new()
            })
            .push(row);
    }
    order.iter().filter_map(|key| Some(group_of(members.get(key)?, by))).collect()
}

fn key(row: &ResultRow, column: GroupColumn) -> String {
    match column {
        GroupColumn::Campaign => row.campaign_id.clone(),
        GroupColumn::Experiment => row.experiment.clone(),
        GroupColumn::Backend => row.backend.clone(),
        GroupColumn::Model => row.model.clone(),
        GroupColumn::Cycle => row.cycle.to_string(),
    }
}

fn group_of(rows: &[ResultRow], by: &[GroupColumn]) -> Group {
    let of =
        |column, value: fn(&ResultRow) -> String| rows.first().filter(|_| by.contains(&column)).map(value);
    Group {
        campaign_id: of(GroupColumn::Campaign, |row| row.campaign_id.clone()),
        campaign_name: of(GroupColumn::Campaign, |row| row.campaign_name.clone()),
        experiment: of(GroupColumn::Experiment, |row| row.experiment.clone()),
        backend: of(GroupColumn::Backend, |row| row.backend.clone()),
        model: of(GroupColumn::Model, |row| row.model.clone()),
        cycle: rows.first().filter(|_| by.contains(&GroupColumn::Cycle)).map(|row| row.cycle),
        n: u32::try_from(rows.len()).unwrap_or(u32::MAX),
        // The enum goes from the strongest to the weakest.
        provenance: rows.iter().filter_map(|row| row.provenance).max(),
        metrics: metrics(rows),
    }
}

fn metrics(rows: &[ResultRow]) -> Metrics {
    let of = |value: fn(&ResultRow) -> Option<f64>| describe(rows.iter().filter_map(value).collect());
    #[expect(clippy::cast_precision_loss, reason = "counts of tokens stay far below 2^53")]
    let output_tokens = of(|row| row.output_tokens.map(|tokens| tokens as f64));
    Metrics {
        energy_j: of(|row| row.energy_j),
        joules_per_output_token: of(|row| row.joules_per_output_token),
        joules_per_request: of(|row| row.joules_per_request),
        tokens_per_second: of(|row| row.tokens_per_second),
        mean_power_w: of(|row| row.mean_power_w),
        window_s: of(|row| row.window_s),
        ttft_ms_p50: of(|row| row.ttft_ms_p50),
        gpu_energy_j: of(|row| row.gpu_energy_j),
        cpu_energy_j: of(|row| row.cpu_energy_j),
        output_tokens,
    }
}

fn differences(experiments: &[Compared]) -> Vec<Difference> {
    let own = |compared: &Compared, parameter: &str| match parameter {
        "backend" => Some(Value::from(compared.backend.clone())),
        "model" => Some(Value::from(compared.model.clone())),
        "campaign" => Some(Value::from(compared.campaign_name.clone())),
        _ => compared.parameters.get(parameter).cloned(),
    };
    let keys: BTreeSet<&str> = experiments
        .iter()
        .filter_map(|compared| compared.parameters.as_object())
        .flat_map(|parameters| parameters.keys().map(String::as_str))
        .collect();
    ["campaign", "backend", "model"]
        .into_iter()
        .chain(keys.into_iter().filter(|key| !["backend", "model", "model_name"].contains(key)))
        .map(|parameter| Difference {
            parameter: parameter.to_owned(),
            values: experiments.iter().map(|compared| own(compared, parameter)).collect(),
        })
        .filter(|difference| difference.values.windows(2).any(|pair| pair[0] != pair[1]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(experiment: &str, energy_j: Option<f64>, provenance: &str) -> ResultRow {
        let row = serde_json::json!({
            "run_id": "r", "campaign_id": "c", "campaign_name": "c", "experiment": experiment, "backend": "candle",
            "service": null, "runner": "process", "model": "m", "cycle": 1, "index": 0, "attempt": 1,
            "status": "completed", "error": null, "error_kind": null, "started_at": null, "window_s": 4.0,
            "energy_j": energy_j, "energy_uncertainty_j": null, "energy_source": "nvml", "provenance": provenance,
            "measured": provenance == "measured", "mean_power_w": null, "gpu_energy_j": energy_j, "cpu_energy_j": null,
            "dram_energy_j": null, "requests": 1, "input_tokens": 1, "output_tokens": 10, "tokens_per_second": null,
            "joules_per_output_token": null, "joules_per_request": null, "ttft_ms_p50": null, "gap_planned_s": 0.0,
            "gap_actual_s": null, "start_temperature_c": null,
        });
        serde_json::from_value(row).expect("a row")
    }

    #[test]
    fn a_group_is_as_weak_as_its_weakest_run_and_counts_values_and_not_holes() {
        let rows = vec![
            row("a", Some(10.0), "measured"),
            row("b", Some(1.0), "measured"),
            row("a", Some(14.0), "estimated"),
            row("a", None, "measured"),
        ];
        let groups = groups(rows, &[GroupColumn::Experiment]);
        assert_eq!(
            groups.iter().map(|group| group.n).collect::<Vec<_>>(),
            [3, 1],
            "in the order of appearance"
        );
        let energy = groups[0].metrics.energy_j.as_ref().expect("two values");
        assert_eq!((energy.n, energy.mean), (2, 12.0), "a run without energy is no 0");
        assert_eq!(groups[0].provenance, Some(Provenance::Estimated));
        assert_eq!((groups[0].experiment.as_deref(), &groups[0].model), (Some("a"), &None));
        assert_eq!(groups[0].metrics.cpu_energy_j, None);
    }

    #[test]
    fn what_differs_is_told_with_the_values_of_each_and_what_is_the_same_is_not() {
        let compared = |experiment: &str, parameters: Value| Compared {
            campaign_id: "c".into(),
            campaign_name: "c".into(),
            experiment: experiment.into(),
            backend: "candle".into(),
            model: "m".into(),
            parameters,
            group: group_of(&[], &[]),
        };
        let one = compared("a", serde_json::json!({ "batch_size": 1, "seed": 7 }));
        let two = compared("b", serde_json::json!({ "batch_size": 8, "seed": 7, "dtype": "float16" }));
        let found = differences(&[one, two]);
        let names: Vec<&str> = found.iter().map(|difference| difference.parameter.as_str()).collect();
        assert_eq!(names, ["batch_size", "dtype"]);
        assert_eq!(found[0].values, [Some(1.into()), Some(8.into())]);
        assert_eq!(found[1].values, [None, Some("float16".into())], "not set is not null");
    }
}
