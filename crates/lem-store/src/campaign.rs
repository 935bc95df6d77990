//! What a campaign is made of: created in one transaction, counted, interrupted, resumed.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{FromRow, SqliteConnection};

use crate::table::campaigns::{self, Campaign, CampaignStatus};
use crate::table::diagnostics::{self, Diagnostic};
use crate::table::events::{self, Event};
use crate::table::experiments::{self, Experiment};
use crate::table::planned_runs::{self, PlannedRun};
use crate::table::{environments, runs};
use crate::{Store, StoreError};

/// A campaign that begins.
#[derive(Debug, Clone, PartialEq)]
pub struct NewCampaign {
    /// Id, made by the caller, unique.
    pub id: String,
    /// Name that the campaign file gives.
    pub name: String,
    /// The campaign file.
    pub source_file: Option<String>,
    /// Its text.
    pub source_text: Option<String>,
    /// The text of `.lem-config.yaml`.
    pub settings_text: Option<String>,
    /// The plan.
    pub plan: Value,
    /// What the command line overrode.
    pub overrides: Value,
    /// Seed of the order of runs.
    pub seed: u64,
    /// When.
    pub created_unix_ns: i64,
    /// What the machine is like.
    pub environment: Value,
    /// The version of this program.
    pub app_version: String,
    /// The process that works on it.
    pub holder_pid: Option<u32>,
    /// Its configurations, with unique positions and names.
    pub experiments: Vec<Experiment>,
    /// Its runs, with unique indices.
    pub planned_runs: Vec<PlannedRun>,
}

/// A campaign in a list. `planned` is the sum of `completed`, `failed`, `not_needed` and `remaining`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromRow, specta::Type)]
pub struct CampaignSummary {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// How far it has come.
    pub status: CampaignStatus,
    /// When it was created.
    pub created_unix_ns: i64,
    /// When it ended, where that is known.
    pub finished_unix_ns: Option<i64>,
    /// When its last attempt ended, where that is known: the thermal gap before the next run counts from here.
    pub last_ended_unix_ns: Option<i64>,
    /// The process that works on it.
    pub holder_pid: Option<u32>,
    /// The version of the program that made it.
    pub app_version: String,
    /// Why it ended as it did.
    pub message: Option<String>,
    /// Runs in the plan.
    pub planned: u32,
    /// Runs with results.
    pub completed: u32,
    /// Runs that ended with an error.
    pub failed: u32,
    /// Runs that are not done because their experiment is known well enough.
    pub not_needed: u32,
    /// Runs that are still to be done.
    pub remaining: u32,
    /// Whether it can go on: runs remain and it is not running. A campaign whose process died without a word is
    /// `running` until [`Store::mark_interrupted`].
    pub resumable: bool,
}

/// Everything about a campaign but its runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, specta::Type)]
pub struct CampaignDetail {
    /// Its counts.
    pub summary: CampaignSummary,
    /// Its row.
    pub campaign: Campaign,
    /// What the machine was like.
    pub environment: Value,
    /// Its configurations, in order.
    pub experiments: Vec<Experiment>,
    /// What a reader of its results should know, also about its runs.
    pub diagnostics: Vec<Diagnostic>,
}

impl Store {
    /// Stores a campaign that begins, with its experiments, plan and environment, and marks it running.
    pub async fn create_campaign(&self, new: &NewCampaign) -> Result<(), StoreError> {
        const DOING: &str = "storing the campaign";
        let failed = self.failed(DOING);
        let mut tx = self.write(DOING).await?;
        let environment = environments::insert(&mut tx, &new.environment).await.map_err(failed)?;
        campaigns::insert(&mut tx, new, &environment).await.map_err(failed)?;
        experiments::insert(&mut tx, &new.id, &new.experiments).await.map_err(failed)?;
        planned_runs::insert(&mut tx, &new.id, &new.planned_runs).await.map_err(failed)?;
        tx.commit().await.map_err(failed)
    }

    /// Ends a campaign: completed, failed or interrupted, at `finished_unix_ns`, with a reason where there is one.
    pub async fn set_campaign_status(
        &self,
        id: &str,
        status: CampaignStatus,
        finished_unix_ns: Option<i64>,
        message: Option<&str>,
    ) -> Result<(), StoreError> {
        self.move_campaign(id, status, None, finished_unix_ns, message).await
    }

    /// Notes that planned runs are not needed, with the reason.
    pub async fn mark_not_needed(
        &self,
        campaign_id: &str,
        runs: &[u32],
        reason: &str,
    ) -> Result<(), StoreError> {
        const DOING: &str = "storing what is not needed";
        let mut tx = self.write(DOING).await?;
        for index in runs {
            let noted = planned_runs::set_not_needed(&mut tx, campaign_id, *index, reason).await;
            noted.map_err(self.failed(DOING))?;
        }
        tx.commit().await.map_err(self.failed(DOING))
    }

    /// Marks a campaign as running again, by this process.
    pub async fn resume_campaign(&self, id: &str, holder_pid: u32) -> Result<(), StoreError> {
        self.move_campaign(id, CampaignStatus::Running, Some(holder_pid), None, None).await
    }

    async fn move_campaign(
        &self,
        id: &str,
        status: CampaignStatus,
        holder_pid: Option<u32>,
        finished_unix_ns: Option<i64>,
        message: Option<&str>,
    ) -> Result<(), StoreError> {
        const DOING: &str = "storing the state of the campaign";
        let failed = self.failed(DOING);
        let mut tx = self.write(DOING).await?;
        let known = campaigns::set_status(&mut tx, id, status, holder_pid, finished_unix_ns, message).await;
        if !known.map_err(failed)? {
            return Err(StoreError::no_campaign(id));
        }
        tx.commit().await.map_err(failed)
    }

    /// Marks the attempts of a campaign that are under way as interrupted, and the campaign if it is running. Returns
    /// how many attempts there were. `ended_unix_ns` is `None` where nobody saw it end: after a crash.
    pub async fn mark_interrupted(
        &self,
        campaign_id: &str,
        ended_unix_ns: Option<i64>,
        message: &str,
    ) -> Result<u64, StoreError> {
        const DOING: &str = "marking what was interrupted";
        let failed = self.failed(DOING);
        let mut tx = self.write(DOING).await?;
        let campaign = campaigns::get(&mut tx, campaign_id).await.map_err(failed)?;
        let campaign = campaign.ok_or_else(|| StoreError::no_campaign(campaign_id))?;
        let marked = runs::interrupt_open(&mut tx, campaign_id, ended_unix_ns).await.map_err(failed)?;
        if campaign.status == CampaignStatus::Running {
            let interrupted = CampaignStatus::Interrupted;
            campaigns::set_status(&mut tx, campaign_id, interrupted, None, ended_unix_ns, Some(message))
                .await
                .map_err(failed)?;
        }
        tx.commit().await.map_err(failed)?;
        Ok(marked)
    }

    /// All campaigns, the newest first.
    pub async fn campaigns(&self) -> Result<Vec<CampaignSummary>, StoreError> {
        let mut tx = self.read("listing campaigns").await?;
        summaries(&mut tx, None).await.map_err(self.failed("listing campaigns"))
    }

    /// Ids of the campaigns that are marked as running.
    pub async fn running_campaigns(&self) -> Result<Vec<String>, StoreError> {
        const DOING: &str = "listing campaigns";
        let mut tx = self.read(DOING).await?;
        sqlx::query_scalar("SELECT id FROM campaigns WHERE status = 'running'")
            .fetch_all(&mut *tx)
            .await
            .map_err(self.failed(DOING))
    }

    /// Everything about a campaign but its runs.
    pub async fn campaign(&self, id: &str) -> Result<CampaignDetail, StoreError> {
        const DOING: &str = "reading the campaign";
        let failed = self.failed(DOING);
        let mut tx = self.read(DOING).await?;
        let campaign = campaigns::get(&mut tx, id).await.map_err(failed)?;
        let summary = summaries(&mut tx, Some(id)).await.map_err(failed)?.pop();
        let (Some(campaign), Some(summary)) = (campaign, summary) else {
            return Err(StoreError::no_campaign(id));
        };
        let environment = environments::get(&mut tx, &campaign.environment_hash).await.map_err(failed)?;
        Ok(CampaignDetail {
            summary,
            campaign,
            environment: environment.unwrap_or(Value::Null),
            experiments: experiments::of_campaign(&mut tx, id).await.map_err(failed)?,
            diagnostics: diagnostics::of_campaign(&mut tx, id).await.map_err(failed)?,
        })
    }

    /// The plan of a campaign, in order; empty if there is no such campaign.
    pub async fn planned_runs(&self, campaign_id: &str) -> Result<Vec<PlannedRun>, StoreError> {
        let mut tx = self.read("reading the plan").await?;
        planned_runs::of_campaign(&mut tx, campaign_id).await.map_err(self.failed("reading the plan"))
    }

    /// The planned runs that neither completed nor failed, in order: what a resumed campaign has to do.
    pub async fn missing_runs(&self, campaign_id: &str) -> Result<Vec<PlannedRun>, StoreError> {
        let mut tx = self.read("reading the plan").await?;
        planned_runs::missing(&mut tx, campaign_id).await.map_err(self.failed("reading the plan"))
    }

    /// Stores what readers of the results should know.
    pub async fn add_diagnostics(&self, diagnostics: &[Diagnostic]) -> Result<(), StoreError> {
        const DOING: &str = "storing diagnostics";
        let mut tx = self.write(DOING).await?;
        diagnostics::insert(&mut tx, diagnostics).await.map_err(self.failed(DOING))?;
        tx.commit().await.map_err(self.failed(DOING))
    }

    /// Stores something that happened, and returns its position in the campaign, from 0.
    pub async fn add_event(
        &self,
        campaign_id: &str,
        at_unix_ns: i64,
        kind: &str,
        data: &Value,
    ) -> Result<u32, StoreError> {
        const DOING: &str = "storing an event";
        let mut tx = self.write(DOING).await?;
        let seq =
            events::insert(&mut tx, campaign_id, at_unix_ns, kind, data).await.map_err(self.failed(DOING))?;
        tx.commit().await.map_err(self.failed(DOING))?;
        Ok(seq)
    }

    /// What happened in a campaign, from position `from` on.
    pub async fn events(&self, campaign_id: &str, from: u32) -> Result<Vec<Event>, StoreError> {
        let mut tx = self.read("reading events").await?;
        events::of_campaign(&mut tx, campaign_id, from).await.map_err(self.failed("reading events"))
    }
}

/// Campaigns with their counts, the newest first; all of them, or one.
async fn summaries(conn: &mut SqliteConnection, id: Option<&str>) -> sqlx::Result<Vec<CampaignSummary>> {
    sqlx::query_as(
        // Materialized: the counts would be made again for each use of them.
        "WITH counted AS MATERIALIZED (SELECT c.*,
            (SELECT COUNT(*) FROM planned_runs p WHERE p.campaign_id = c.id) AS planned,
            (SELECT MAX(r.ended_unix_ns) FROM runs r WHERE r.campaign_id = c.id) AS last_ended_unix_ns,
            (SELECT COUNT(*) FROM runs r WHERE r.campaign_id = c.id AND r.status = 'completed') AS completed,
            (SELECT COUNT(DISTINCT r.idx) FROM runs r
             WHERE r.campaign_id = c.id AND r.status = 'failed' AND NOT EXISTS (
                SELECT 1 FROM runs d WHERE d.campaign_id = c.id AND d.idx = r.idx AND d.status = 'completed')
            ) AS failed,
            (SELECT COUNT(*) FROM planned_runs p
             WHERE p.campaign_id = c.id AND p.not_needed IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM runs r WHERE r.campaign_id = c.id AND r.idx = p.idx AND r.status IN ('completed', 'failed'))
            ) AS not_needed
         FROM campaigns c WHERE ?1 IS NULL OR c.id = ?1)
         SELECT *, planned - completed - failed - not_needed AS remaining,
            planned > completed + failed + not_needed AND status <> 'running' AS resumable
         FROM counted ORDER BY created_unix_ns DESC, id DESC",
    )
    .bind(id)
    .fetch_all(conn)
    .await
}

#[cfg(test)]
#[path = "campaign_tests.rs"]
mod tests;
