//! The order in which rows are shown, kept between two pages of it.

use crate::ResultQuery;

/// Which runs a query lets through, in its order, as they were at one state of the database.
#[derive(Debug)]
pub(crate) struct Order {
    query: ResultQuery,
    version: i64,
    rowids: Vec<i64>,
}

impl Order {
    /// Of `query` without offset and limit, at `PRAGMA data_version`; `rowids` is a JSON array.
    pub(crate) fn new(query: ResultQuery, version: i64, rowids: &str) -> sqlx::Result<Self> {
        let rowids = serde_json::from_str(rowids).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        Ok(Self { query, version, rowids })
    }

    /// Whether it is the order that is asked for, and nothing has changed since.
    pub(crate) fn answers(&self, query: &ResultQuery, version: i64) -> bool {
        self.version == version && self.query == *query
    }

    /// The number of rows.
    pub(crate) fn total(&self) -> u32 {
        u32::try_from(self.rowids.len()).unwrap_or(u32::MAX)
    }

    /// The rows of one page.
    pub(crate) fn page(&self, offset: u32, limit: u32) -> &[i64] {
        let begin = (offset as usize).min(self.rowids.len());
        let end = begin.saturating_add(limit as usize).min(self.rowids.len());
        &self.rowids[begin..end]
    }
}
