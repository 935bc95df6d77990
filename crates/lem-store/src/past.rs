//! What a configuration took before: the base of estimates for a plan.

use lem_measure::Provenance;
use lem_measure::units::seconds;
use serde_json::Value;
use sqlx::Row;

use crate::word::Word;
use crate::{Store, StoreError};

/// Runs that an estimate rests on at most: the latest ones.
const LATEST: u32 = 100;

/// A completed run.
#[derive(Debug, Clone, PartialEq)]
pub struct PastRun {
    /// From the start of its worker to its end, in seconds.
    pub duration_s: f64,
    /// Energy of its window in joules.
    pub energy_j: Option<f64>,
    /// Whether that was measured.
    pub provenance: Option<Provenance>,
}

impl Store {
    /// The latest completed runs of a configuration: the same backend, model and resolved parameters.
    pub async fn past_runs(
        &self,
        backend: &str,
        model: &str,
        parameters: &Value,
    ) -> Result<Vec<PastRun>, StoreError> {
        const DOING: &str = "reading earlier runs";
        let failed = self.failed(DOING);
        let mut tx = self.read(DOING).await?;
        let rows = sqlx::query(
            "SELECT r.ended_unix_ns - r.started_unix_ns AS took_ns, r.energy_j, r.provenance
             FROM experiments e
             JOIN planned_runs p ON p.campaign_id = e.campaign_id AND p.experiment = e.position
             JOIN runs r ON r.campaign_id = p.campaign_id AND r.idx = p.idx AND r.status = 'completed'
             WHERE e.backend = ? AND e.model = ? AND e.parameters_json = ? AND took_ns IS NOT NULL
             ORDER BY r.started_unix_ns DESC LIMIT ?",
        )
        .bind(backend)
        .bind(model)
        .bind(parameters.to_string())
        .bind(LATEST)
        .fetch_all(&mut *tx)
        .await
        .map_err(failed)?;
        let past = rows.iter().map(|row| {
            Ok(PastRun {
                duration_s: seconds(row.try_get("took_ns")?),
                energy_j: row.try_get("energy_j")?,
                provenance: row.try_get::<Option<Word<Provenance>>, _>("provenance")?.map(|word| word.0),
            })
        });
        past.collect::<Result<_, _>>().map_err(failed)
    }

    /// What the row of a run holds beyond its result.
    pub async fn run_record(&self, run_id: &str) -> Result<crate::RunRecord, StoreError> {
        const DOING: &str = "reading the run";
        let mut tx = self.read(DOING).await?;
        let known = crate::table::runs::status(&mut tx, run_id).await.map_err(self.failed(DOING))?;
        known.ok_or_else(|| StoreError::no_run(run_id))?;
        crate::run::record(&mut tx, run_id).await.map_err(self.failed(DOING))
    }
}
