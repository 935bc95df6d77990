//! Ids as people type them: the first characters of one, or `latest`.

use crate::table::{campaigns, runs};
use crate::{Store, StoreError};

/// Fewer characters than this name nothing.
const SHORTEST_PREFIX: usize = 4;

/// How many candidates an error lists.
const CANDIDATES: u32 = 5;

impl Store {
    /// The campaign that `text` names: its id, the beginning of it (4 characters or more), or `latest`.
    pub async fn resolve_campaign(&self, text: &str) -> Result<String, StoreError> {
        let failed = self.failed("looking for a campaign");
        let mut tx = self.read("looking for a campaign").await?;
        if text == "latest" {
            let latest = campaigns::latest(&mut tx).await.map_err(failed)?;
            return latest.ok_or_else(|| StoreError::no_campaign(text));
        }
        long_enough("campaign", text)?;
        let matching = campaigns::with_prefix(&mut tx, text, CANDIDATES).await.map_err(failed)?;
        only("campaign", text, matching)?.ok_or_else(|| StoreError::no_campaign(text))
    }

    /// The run that `text` names: its id, or the beginning of it (4 characters or more).
    pub async fn resolve_run(&self, text: &str) -> Result<String, StoreError> {
        let mut tx = self.read("looking for a run").await?;
        long_enough("run", text)?;
        let matching = runs::with_prefix(&mut tx, text, CANDIDATES).await;
        let matching = matching.map_err(self.failed("looking for a run"))?;
        only("run", text, matching)?.ok_or_else(|| StoreError::no_run(text))
    }
}

impl StoreError {
    pub(crate) fn no_campaign(id: &str) -> Self {
        Self::NotFound { what: "campaign", id: id.into(), hint: "`lem campaigns` lists them" }
    }

    pub(crate) fn no_run(id: &str) -> Self {
        Self::NotFound { what: "run", id: id.into(), hint: "`lem results` lists them" }
    }
}

fn long_enough(what: &'static str, text: &str) -> Result<(), StoreError> {
    if text.chars().count() < SHORTEST_PREFIX {
        return Err(StoreError::ShortId { what, id: text.into() });
    }
    Ok(())
}

/// The only candidate, or the one that is `text` to the letter.
fn only(what: &'static str, text: &str, mut matching: Vec<String>) -> Result<Option<String>, StoreError> {
    if matching.len() > 1 && matching[0] != text {
        return Err(StoreError::AmbiguousId { what, id: text.into(), candidates: matching });
    }
    matching.truncate(1);
    Ok(matching.pop())
}
