//! A part of the results as a screen shows it: filtered, sorted, and only the rows that are looked at.

use std::sync::Arc;

use serde::Deserialize;
use specta::Type;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::order::Order;
use crate::results::{FROM, ResultRow, SELECT};
use crate::table::runs::RunStatus;
use crate::{Store, StoreError};

/// Which rows, and in which order. An empty list lets everything through.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Type)]
pub struct ResultQuery {
    /// Ids of campaigns.
    pub campaigns: Vec<String>,
    /// Names of experiments.
    pub experiments: Vec<String>,
    /// Backends.
    pub backends: Vec<String>,
    /// Models.
    pub models: Vec<String>,
    /// States.
    pub statuses: Vec<RunStatus>,
    /// Ids of runs.
    pub runs: Vec<String>,
    /// Text that the name of the campaign or experiment, the model or the error contains.
    pub search: Option<String>,
    /// Column to sort by; rows without a value come last, and equal ones in the order of campaigns and plans.
    pub sort: SortColumn,
    /// Whether the greatest comes first.
    pub descending: bool,
    /// Rows to leave out at the start.
    pub offset: u32,
    /// The most rows.
    pub limit: u32,
}

/// A column that rows can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum SortColumn {
    /// When the worker was started.
    #[default]
    StartedAt,
    /// Name of the campaign.
    CampaignName,
    /// Name of the experiment.
    Experiment,
    /// Backend.
    Backend,
    /// Model.
    Model,
    /// Cycle.
    Cycle,
    /// Position in the plan.
    Index,
    /// State.
    Status,
    /// Length of the window.
    WindowS,
    /// Energy.
    EnergyJ,
    /// Mean power.
    MeanPowerW,
    /// Tokens generated.
    OutputTokens,
    /// Throughput.
    TokensPerSecond,
    /// Energy of a token.
    JoulesPerOutputToken,
    /// Energy of a request.
    JoulesPerRequest,
    /// Median time to first token.
    TtftMsP50,
    /// Gap that was waited.
    GapActualS,
    /// Temperature at the start.
    StartTemperatureC,
    /// Energy of a token, prompts included.
    JoulesPerToken,
    /// How far the figures can be trusted.
    Grade,
    /// Energy above the baseline.
    AdjustedEnergyJ,
}

impl SortColumn {
    fn sql(self) -> &'static str {
        match self {
            Self::StartedAt => "r.started_unix_ns",
            Self::CampaignName => "c.name",
            Self::Experiment => "e.name",
            Self::Backend => "e.backend",
            Self::Model => "e.model",
            Self::Cycle => "p.cycle",
            Self::Index => "r.idx",
            Self::Status => "r.status",
            Self::WindowS => "r.window_end_ns - r.window_start_ns",
            Self::EnergyJ => "r.energy_j",
            Self::MeanPowerW => "r.energy_j / NULLIF(r.window_end_ns - r.window_start_ns, 0)",
            Self::OutputTokens => "r.output_tokens",
            Self::TokensPerSecond => "r.output_tokens * 1.0 / NULLIF(r.window_end_ns - r.window_start_ns, 0)",
            Self::JoulesPerOutputToken => "r.energy_j / NULLIF(r.output_tokens, 0)",
            Self::JoulesPerRequest => "r.energy_j / NULLIF(r.requests, 0)",
            Self::TtftMsP50 => "r.ttft_ms_p50",
            Self::GapActualS => "r.gap_actual_s",
            Self::StartTemperatureC => "r.start_temperature_c",
            Self::JoulesPerToken => "r.energy_j / NULLIF(r.input_tokens + r.output_tokens, 0)",
            Self::Grade => "r.grade",
            Self::AdjustedEnergyJ => {
                "(SELECT a.adjusted_energy_j FROM run_baselines a WHERE a.run_id = r.id AND a.chosen)"
            }
        }
    }
}

/// The values that rows can be filtered by.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, Type)]
pub struct Facets {
    /// Backends.
    pub backends: Vec<String>,
    /// Models.
    pub models: Vec<String>,
    /// Names of experiments.
    pub experiments: Vec<String>,
}

impl Store {
    /// How many rows the query lets through, and those from its offset on, up to its limit.
    pub async fn results_page(&self, query: &ResultQuery) -> Result<(u32, Vec<ResultRow>), StoreError> {
        const DOING: &str = "reading results";
        let mut tx = self.pager.begin().await.map_err(self.failed(DOING))?;
        let order = self.order(&mut tx, query).await.map_err(self.failed(DOING))?;
        let wanted = order.page(query.offset, query.limit);
        let mut rows = QueryBuilder::<Sqlite>::new(SELECT);
        rows.push(FROM).push(" JOIN json_each(").push_bind(serde_json::json!(wanted).to_string());
        rows.push(") page ON r.rowid = page.value ORDER BY page.key");
        let rows = rows.build_query_as().fetch_all(&mut *tx).await.map_err(self.failed(DOING))?;
        Ok((order.total(), rows))
    }

    /// The order of all rows that the query lets through: the one of the last page where nothing changed since.
    ///
    /// Scrolling asks for page after page of one order, and sorting is what costs.
    async fn order(&self, conn: &mut SqliteConnection, query: &ResultQuery) -> sqlx::Result<Arc<Order>> {
        // Changes when any other connection commits; the pager itself never writes.
        let version: i64 = sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut *conn).await?;
        let asked = ResultQuery { offset: 0, limit: 0, ..query.clone() };
        let mut last = self.order.lock().await;
        if let Some(order) = last.as_ref().filter(|order| order.answers(&asked, version)) {
            return Ok(Arc::clone(order));
        }
        let mut sql = QueryBuilder::<Sqlite>::new("SELECT json_group_array(id) FROM (SELECT r.rowid AS id ");
        sql.push(tables(query));
        filter(&mut sql, query);
        sort(&mut sql, query);
        sql.push(")");
        let ids: String = sql.build_query_scalar().fetch_one(conn).await?;
        let order = Arc::new(Order::new(asked, version, &ids)?);
        *last = Some(Arc::clone(&order));
        Ok(order)
    }

    /// Every row that the query lets through, whatever its offset and limit.
    pub async fn results_of(&self, query: &ResultQuery) -> Result<Vec<ResultRow>, StoreError> {
        const DOING: &str = "reading results";
        let mut tx = self.read(DOING).await?;
        let mut rows = QueryBuilder::<Sqlite>::new(SELECT);
        rows.push(FROM);
        filter(&mut rows, query);
        rows.push(" ORDER BY c.created_unix_ns, c.id, r.idx, r.attempt");
        rows.build_query_as().fetch_all(&mut *tx).await.map_err(self.failed(DOING))
    }

    /// What there is to filter by, in the order of the alphabet.
    pub async fn facets(&self) -> Result<Facets, StoreError> {
        const DOING: &str = "listing experiments";
        let mut tx = self.read(DOING).await?;
        let rows = sqlx::query("SELECT DISTINCT backend, model, name FROM experiments")
            .fetch_all(&mut *tx)
            .await
            .map_err(self.failed(DOING))?;
        let column = |name: &'static str| {
            let values: Result<std::collections::BTreeSet<String>, _> =
                rows.iter().map(|row| row.try_get(name)).collect();
            values.map(|values| values.into_iter().collect()).map_err(self.failed(DOING))
        };
        Ok(Facets { backends: column("backend")?, models: column("model")?, experiments: column("name")? })
    }
}

fn filter(sql: &mut QueryBuilder<Sqlite>, query: &ResultQuery) {
    sql.push(" WHERE TRUE");
    for (column, values) in [
        ("r.campaign_id", &query.campaigns),
        ("e.name", &query.experiments),
        ("e.backend", &query.backends),
        ("e.model", &query.models),
        ("r.id", &query.runs),
    ] {
        if !values.is_empty() {
            among(sql, column, values.iter().cloned());
        }
    }
    if !query.statuses.is_empty() {
        among(sql, "r.status", query.statuses.iter().map(|status| status.name().to_owned()));
    }
    if let Some(text) = query.search.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        sql.push(" AND (FALSE");
        for column in ["c.name", "e.name", "e.model", "r.error_message"] {
            sql.push(format_args!(" OR {column} LIKE ")).push_bind(pattern(text)).push(" ESCAPE '\\'");
        }
        sql.push(")");
    }
}

/// As one JSON array: a selection may have more ids than a statement may have variables.
fn among(sql: &mut QueryBuilder<Sqlite>, column: &str, values: impl Iterator<Item = String>) {
    let values: serde_json::Value = values.collect();
    sql.push(format_args!(" AND {column} IN (SELECT value FROM json_each("))
        .push_bind(values.to_string())
        .push("))");
}

/// Text as it stands, anywhere.
fn pattern(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

/// The tables that filtering and sorting need: half the time of a sort would be joins without a use.
fn tables(query: &ResultQuery) -> &'static str {
    let searched = query.search.as_deref().is_some_and(|text| !text.trim().is_empty());
    let filtered = [&query.experiments, &query.backends, &query.models].iter().any(|list| !list.is_empty());
    let sorted = matches!(
        query.sort,
        SortColumn::Experiment | SortColumn::Backend | SortColumn::Model | SortColumn::Cycle
    );
    if searched || filtered || sorted {
        FROM
    } else {
        " FROM runs r JOIN campaigns c ON c.id = r.campaign_id"
    }
}

fn sort(sql: &mut QueryBuilder<Sqlite>, query: &ResultQuery) {
    let direction = if query.descending { "DESC" } else { "ASC" };
    let column = query.sort.sql();
    sql.push(format_args!(
        " ORDER BY {column} {direction} NULLS LAST, c.created_unix_ns, c.id, r.idx, r.attempt"
    ));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{failure, outcome, start, store_with_plan};

    /// Three runs: two completed with 600 J and 300 J, one failed.
    async fn store() -> crate::testing::TestStore {
        let store = store_with_plan(3).await;
        start(&store, "run-a", 0).await;
        store.finish_run("run-a", &outcome()).await.unwrap();
        start(&store, "run-b", 1).await;
        store.fail_run("run-b", &failure()).await.unwrap();
        start(&store, "run-c", 2).await;
        store.finish_run("run-c", &crate::RunOutcome { energy_j: Some(300.0), ..outcome() }).await.unwrap();
        store
    }

    fn query() -> ResultQuery {
        ResultQuery { limit: 100, ..ResultQuery::default() }
    }

    async fn ids(store: &Store, query: &ResultQuery) -> Vec<String> {
        let (_, rows) = store.results_page(query).await.unwrap();
        rows.into_iter().map(|row| row.run_id).collect()
    }

    #[tokio::test]
    async fn rows_without_a_value_come_last_in_both_directions() {
        let store = store().await;
        let by_energy = ResultQuery { sort: SortColumn::EnergyJ, ..query() };
        assert_eq!(ids(&store, &by_energy).await, ["run-c", "run-a", "run-b"]);
        let descending = ResultQuery { descending: true, ..by_energy };
        assert_eq!(ids(&store, &descending).await, ["run-a", "run-c", "run-b"]);
    }

    #[tokio::test]
    async fn a_page_is_a_part_of_what_the_filter_lets_through_and_says_how_much_that_is() {
        let store = store().await;
        let completed = ResultQuery { statuses: vec![RunStatus::Completed], offset: 1, limit: 1, ..query() };
        let (total, rows) = store.results_page(&completed).await.unwrap();
        assert_eq!((total, rows.len(), rows[0].run_id.as_str()), (2, 1, "run-c"));
        assert_eq!(store.results_of(&completed).await.unwrap().len(), 2, "an export has no pages");
        let nothing = ResultQuery { backends: vec!["vllm".into()], ..query() };
        assert_eq!(store.results_page(&nothing).await.unwrap(), (0, Vec::new()));
    }

    #[tokio::test]
    async fn pages_of_one_order_fit_together_and_see_what_changes_between_them() {
        let store = store().await;
        let by_energy = ResultQuery { sort: SortColumn::EnergyJ, limit: 1, ..query() };
        let page = async |offset| ids(&store, &ResultQuery { offset, ..by_energy.clone() }).await;
        assert_eq!((page(0).await, page(1).await), (vec!["run-c".to_owned()], vec!["run-a".to_owned()]));
        store.delete_runs(&["run-c".into()]).await.unwrap();
        assert_eq!((page(0).await, page(2).await), (vec!["run-a".to_owned()], Vec::new()));
        let (total, _) = store.results_page(&by_energy).await.unwrap();
        assert_eq!(total, 2);
    }

    #[tokio::test]
    async fn text_that_is_searched_for_stands_for_itself() {
        let store = store().await;
        let found = async |text: &str| {
            let search = ResultQuery { search: Some(text.into()), ..query() };
            ids(&store, &search).await.len()
        };
        assert_eq!(found("lower batch_size").await, 1, "in the error");
        assert_eq!(found("LLAMA-15M").await, 3, "in the model, whatever the case");
        assert_eq!((found("100%").await, found("_").await, found("\\").await), (0, 1, 0), "no wildcards");
        assert_eq!(found("  ").await, 3, "nothing is searched for");
    }

    #[tokio::test]
    async fn every_column_can_be_sorted_by() {
        let store = store().await;
        for sort in [
            SortColumn::StartedAt,
            SortColumn::CampaignName,
            SortColumn::Experiment,
            SortColumn::Backend,
            SortColumn::Model,
            SortColumn::Cycle,
            SortColumn::Index,
            SortColumn::Status,
            SortColumn::WindowS,
            SortColumn::MeanPowerW,
            SortColumn::OutputTokens,
            SortColumn::TokensPerSecond,
            SortColumn::JoulesPerOutputToken,
            SortColumn::JoulesPerRequest,
            SortColumn::TtftMsP50,
            SortColumn::GapActualS,
            SortColumn::StartTemperatureC,
        ] {
            assert_eq!(ids(&store, &ResultQuery { sort, ..query() }).await.len(), 3, "{sort:?}");
        }
    }
}
