//! Reading what campaigns left behind.

use lem_store::{CampaignDetail, CampaignSummary, Format, ResultFilter, ResultRow, RunDetail, Store};
use serde::Serialize;

use crate::Engine;
use crate::error::{Error, ErrorCode};
use crate::{files, hold};

/// A campaign with its runs.
#[derive(Debug, Clone, Serialize)]
pub struct CampaignView {
    /// What was asked for, and how far it has come.
    #[serde(flatten)]
    pub detail: CampaignDetail,
    /// Every attempt at its runs.
    pub runs: Vec<ResultRow>,
}

impl Engine {
    /// The database of the project, which must exist.
    async fn results_store(&self) -> Result<Store, Error> {
        let path = self.database()?;
        let store = Store::open_existing(&path).await?;
        self.mark_cut_off(&store).await?;
        Ok(store)
    }

    /// Campaigns that are marked as running and that nobody holds were cut off; they are marked so.
    pub(crate) async fn mark_cut_off(&self, store: &Store) -> Result<(), Error> {
        let results = self.results_folder()?;
        for campaign in store.campaigns().await? {
            if campaign.status == lem_store::CampaignStatus::Running && !hold::is_held(&results, &campaign.id)
            {
                let message = "the program ended before the campaign did; it can be resumed";
                store.mark_interrupted(&campaign.id, None, message).await?;
            }
        }
        Ok(())
    }

    /// All campaigns of the project, the newest first; none where nothing was run yet.
    pub async fn campaigns(&self) -> Result<Vec<CampaignSummary>, Error> {
        if !self.database()?.exists() {
            return Ok(Vec::new());
        }
        Ok(self.results_store().await?.campaigns().await?)
    }

    /// One campaign, by id, the first characters of it, or `latest`.
    pub async fn campaign(&self, id: &str) -> Result<CampaignView, Error> {
        let store = self.results_store().await?;
        let id = store.resolve_campaign(id).await?;
        let filter = ResultFilter { campaign_id: Some(id.clone()), status: None };
        Ok(CampaignView { detail: store.campaign(&id).await?, runs: store.results(&filter).await? })
    }

    /// The rows of all campaigns, or of one.
    pub async fn results(&self, campaign: Option<&str>) -> Result<Vec<ResultRow>, Error> {
        if campaign.is_none() && !self.database()?.exists() {
            return Ok(Vec::new());
        }
        let store = self.results_store().await?;
        let campaign_id = match campaign {
            Some(id) => Some(store.resolve_campaign(id).await?),
            None => None,
        };
        Ok(store.results(&ResultFilter { campaign_id, status: None }).await?)
    }

    /// One run with its devices, phases and requests.
    pub async fn result(&self, run: &str) -> Result<RunDetail, Error> {
        let store = self.results_store().await?;
        let run = store.resolve_run(run).await?;
        Ok(store.run(&run).await?)
    }

    /// The rows of all campaigns, or of one, as a file's bytes.
    pub async fn export(&self, campaign: Option<&str>, format: Format) -> Result<Vec<u8>, Error> {
        let rows = self.results(campaign).await?;
        let mut bytes = Vec::new();
        lem_store::export(format, &rows, &mut bytes)
            .map_err(|e| Error::new(ErrorCode::Machine, format!("the export failed: {e}")))?;
        Ok(bytes)
    }

    /// Writes a file so that it is there whole or not at all.
    pub fn write_file(path: &std::path::Path, bytes: &[u8]) -> Result<(), Error> {
        files::replace(path, bytes).map_err(|e| Error::file("written", path, &e))
    }
}
