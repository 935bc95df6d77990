//! Deleting results: attempts at runs, or whole campaigns, with everything that hangs on them.

use sqlx::SqliteConnection;

use crate::{Store, StoreError};

/// What hangs on a run, in an order that foreign keys allow.
const OF_A_RUN: [&str; 9] = [
    "DELETE FROM run_meters WHERE run_id = ?",
    "DELETE FROM window_parts WHERE run_id = ?",
    "DELETE FROM run_baselines WHERE run_id = ?",
    "DELETE FROM run_devices WHERE run_id = ?",
    "DELETE FROM phases WHERE run_id = ?",
    "DELETE FROM requests WHERE run_id = ?",
    "DELETE FROM trace_chunks WHERE run_id = ?",
    "DELETE FROM diagnostics WHERE run_id = ?",
    "DELETE FROM runs WHERE id = ? AND status NOT IN ('waiting', 'running')",
];

/// What hangs on a campaign whose runs are gone. Its environment stays: others may have been in the same.
const OF_A_CAMPAIGN: [&str; 5] = [
    "DELETE FROM diagnostics WHERE campaign_id = ?",
    "DELETE FROM events WHERE campaign_id = ?",
    "DELETE FROM planned_runs WHERE campaign_id = ?",
    "DELETE FROM experiments WHERE campaign_id = ?",
    "DELETE FROM campaigns WHERE id = ?",
];

impl Store {
    /// Deletes attempts at runs, all or none, and returns how many. The plan stays: what was completed is then missing,
    /// and a resumed campaign does it again. Refused when one is under way.
    pub async fn delete_runs(&self, ids: &[String]) -> Result<u32, StoreError> {
        const DOING: &str = "deleting runs";
        let failed = self.failed(DOING);
        let mut tx = self.write(DOING).await?;
        for id in ids {
            if delete_run(&mut tx, id).await.map_err(failed)? == 0 {
                return Err(StoreError::NotFound {
                    what: "run that has ended",
                    id: id.clone(),
                    hint: "nothing was deleted; a run that is under way must end first",
                });
            }
        }
        tx.commit().await.map_err(failed)?;
        Ok(u32::try_from(ids.len()).unwrap_or(u32::MAX))
    }

    /// Deletes a campaign with its plan and runs. Refused while one of its runs is under way.
    pub async fn delete_campaign(&self, id: &str) -> Result<(), StoreError> {
        const DOING: &str = "deleting the campaign";
        let failed = self.failed(DOING);
        let mut tx = self.write(DOING).await?;
        let runs: Vec<String> = sqlx::query_scalar("SELECT id FROM runs WHERE campaign_id = ?")
            .bind(id)
            .fetch_all(&mut *tx)
            .await
            .map_err(failed)?;
        for run in runs {
            delete_run(&mut tx, &run).await.map_err(failed)?;
        }
        let mut deleted = 0;
        for statement in OF_A_CAMPAIGN {
            let done = sqlx::query(statement).bind(id).execute(&mut *tx).await.map_err(failed)?;
            deleted = done.rows_affected();
        }
        if deleted == 0 {
            return Err(StoreError::no_campaign(id));
        }
        tx.commit().await.map_err(failed)
    }
}

/// How many runs were deleted: one, or none where there is no such run that has ended.
async fn delete_run(conn: &mut SqliteConnection, id: &str) -> sqlx::Result<u64> {
    let mut deleted = 0;
    for statement in OF_A_RUN {
        deleted = sqlx::query(statement).bind(id).execute(&mut *conn).await?.rows_affected();
    }
    Ok(deleted)
}

#[cfg(test)]
mod tests {
    use crate::testing::{outcome, samples, start, store_with_plan};

    #[tokio::test]
    async fn a_run_that_is_deleted_is_missing_from_its_plan_and_can_be_run_again() {
        let store = store_with_plan(2).await;
        start(&store, "run-a", 0).await;
        store.append_trace("run-a", "gpu-a", &samples(0, 10)).await.unwrap();
        store.finish_run("run-a", &outcome()).await.unwrap();
        let missing = async || {
            let missing = store.missing_runs("camp-1").await.unwrap();
            missing.iter().map(|run| run.index).collect::<Vec<_>>()
        };
        assert_eq!(missing().await, [1]);
        assert_eq!(store.delete_runs(&["run-a".into()]).await.unwrap(), 1);
        assert_eq!(missing().await, [0, 1]);
        assert!(store.run("run-a").await.is_err(), "nothing of it is left");
    }

    #[tokio::test]
    async fn a_run_under_way_is_not_deleted_and_nothing_beside_it() {
        let store = store_with_plan(2).await;
        start(&store, "run-a", 0).await;
        store.finish_run("run-a", &outcome()).await.unwrap();
        start(&store, "run-b", 1).await;
        let error = store.delete_runs(&["run-a".into(), "run-b".into()]).await.unwrap_err();
        assert!(error.to_string().contains("run-b"), "{error}");
        assert!(store.run("run-a").await.is_ok(), "all or none");
        assert!(store.delete_campaign("camp-1").await.is_err(), "one of its runs is under way");
    }

    #[tokio::test]
    async fn a_campaign_goes_with_everything_of_it_and_no_other() {
        let store = store_with_plan(1).await;
        store.create_campaign(&crate::testing::campaign("camp-2", 1)).await.unwrap();
        start(&store, "run-a", 0).await;
        store.finish_run("run-a", &outcome()).await.unwrap();
        store.delete_campaign("camp-1").await.unwrap();
        let left = store.campaigns().await.unwrap();
        assert_eq!(left.iter().map(|campaign| campaign.id.as_str()).collect::<Vec<_>>(), ["camp-2"]);
        assert!(store.delete_campaign("camp-1").await.is_err(), "it is gone");
    }
}
