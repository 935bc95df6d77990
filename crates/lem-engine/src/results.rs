//! Reading what campaigns left behind.

use lem_store::{
    CampaignDetail, CampaignSummary, Facets, Format, ResultFilter, ResultQuery, ResultRow, RunDetail, Store,
};
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

/// A part of the results, and how many there are.
#[derive(Debug, Clone, PartialEq, Default, Serialize, specta::Type)]
pub struct ResultPage {
    /// Rows that the query lets through.
    pub total: u32,
    /// Those of this part.
    pub rows: Vec<ResultRow>,
}

impl Engine {
    /// The database of the project, which must exist. It stays open: a screen that scrolls asks for part after part.
    pub(crate) async fn results_store(&self) -> Result<Store, Error> {
        let path = self.database()?;
        let mut open = self.store.lock().await;
        if let Some(store) = open.as_ref().filter(|store| store.path() == path && path.exists()) {
            return Ok(store.clone());
        }
        let store = Store::open_existing(&path).await?;
        self.mark_cut_off(&store).await?;
        *open = Some(store.clone());
        Ok(store)
    }

    /// The same where there is one: a project in which nothing was run has no results, and that is no error.
    pub(crate) async fn results_if_any(&self) -> Result<Option<Store>, Error> {
        if !self.database()?.exists() {
            return Ok(None);
        }
        self.results_store().await.map(Some)
    }

    /// Campaigns that are marked as running and that nobody holds were cut off; they are marked so.
    pub(crate) async fn mark_cut_off(&self, store: &Store) -> Result<(), Error> {
        let results = self.results_folder()?;
        for campaign in store.running_campaigns().await? {
            if !hold::is_held(&results, &campaign) {
                let message = "the program ended before the campaign did; it can be resumed";
                store.mark_interrupted(&campaign, None, message).await?;
            }
        }
        Ok(())
    }

    /// All campaigns of the project, the newest first; none where nothing was run yet.
    pub async fn campaigns(&self) -> Result<Vec<CampaignSummary>, Error> {
        if !self.database()?.exists() {
            return Ok(Vec::new());
        }
        let store = self.results_store().await?;
        self.mark_cut_off(&store).await?;
        Ok(store.campaigns().await?)
    }

    /// Everything about a campaign but its runs.
    pub async fn campaign_detail(&self, id: &str) -> Result<CampaignDetail, Error> {
        let store = self.results_store().await?;
        let id = store.resolve_campaign(id).await?;
        Ok(store.campaign(&id).await?)
    }

    /// The part of the results that a query asks for.
    pub async fn results_page(&self, query: &ResultQuery) -> Result<ResultPage, Error> {
        let Some(store) = self.results_if_any().await? else { return Ok(ResultPage::default()) };
        let (total, rows) = store.results_page(query).await?;
        Ok(ResultPage { total, rows })
    }

    /// What results can be filtered by.
    pub async fn facets(&self) -> Result<Facets, Error> {
        let Some(store) = self.results_if_any().await? else { return Ok(Facets::default()) };
        Ok(store.facets().await?)
    }

    /// Every row that a query lets through, in the order of exports.
    pub(crate) async fn rows(&self, query: &ResultQuery) -> Result<Vec<ResultRow>, Error> {
        let Some(store) = self.results_if_any().await? else { return Ok(Vec::new()) };
        Ok(store.results_of(query).await?)
    }

    /// Every row that a query lets through, as a file's bytes.
    pub async fn export_query(&self, query: &ResultQuery, format: Format) -> Result<Vec<u8>, Error> {
        exported(&self.rows(query).await?, format)
    }

    /// Deletes attempts at runs. What was completed is then missing from its campaign, which can be resumed.
    pub async fn delete_runs(&self, runs: &[String]) -> Result<u32, Error> {
        Ok(self.results_store().await?.delete_runs(runs).await?)
    }

    /// Deletes a campaign with its runs; refused while anyone works on it.
    pub async fn delete_campaign(&self, id: &str) -> Result<(), Error> {
        let store = self.results_store().await?;
        let id = store.resolve_campaign(id).await?;
        let Some(_hold) = hold::take(&self.results_folder()?, &id)? else {
            let error = Error::new(ErrorCode::Conflict, format!("campaign {id} is being run"));
            return Err(error.with_hint("stop it first"));
        };
        Ok(store.delete_campaign(&id).await?)
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
        exported(&self.results(campaign).await?, format)
    }

    /// Writes a file so that it is there whole or not at all.
    pub fn write_file(path: &std::path::Path, bytes: &[u8]) -> Result<(), Error> {
        files::replace(path, bytes).map_err(|e| Error::file("written", path, &e))
    }
}

fn exported(rows: &[ResultRow], format: Format) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    lem_store::export(format, rows, &mut bytes)
        .map_err(|e| Error::new(ErrorCode::Machine, format!("the export failed: {e}")))?;
    Ok(bytes)
}
