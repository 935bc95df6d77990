//! Containers of campaigns that have ended without removing them.

use std::collections::HashMap;
use std::io;

use bollard::models::ContainerSummary;
use bollard::query_parameters::ListContainersOptionsBuilder;

use super::connect::Engine;
use super::exit::broken;
use super::holder::Holder;
use super::labels::{CAMPAIGN, HOLDER, KEPT, PROJECT, RUN, SERVICE};
use super::remove::remove;

/// A container that a campaign made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its id.
    pub id: String,
    /// The campaign.
    pub campaign: String,
    /// The run, where it was made for one.
    pub run: Option<String>,
    /// The compose project.
    pub project: String,
    /// The compose service.
    pub service: String,
    /// The process that made it, where that is known.
    pub holder: Option<Holder>,
    /// Whether it was meant to stay.
    pub kept: bool,
}

impl Found {
    fn new(container: ContainerSummary) -> Option<Self> {
        let mut labels = container.labels?;
        let mut label = |name: &str| labels.remove(name);
        Some(Self {
            id: container.id?,
            campaign: label(CAMPAIGN)?,
            run: label(RUN),
            project: label(PROJECT).unwrap_or_default(),
            service: label(SERVICE).unwrap_or_default(),
            holder: label(HOLDER).and_then(|text| Holder::parse(&text)),
            kept: label(KEPT).is_some(),
        })
    }

    /// Whether the process that made it may still use it.
    pub fn may_be_held(&self) -> bool {
        self.holder.as_ref().is_none_or(|holder| !holder.is_dead())
    }
}

/// Every container that a campaign made, on this engine.
pub async fn list(engine: &Engine) -> io::Result<Vec<Found>> {
    let filters = HashMap::from([("label".to_owned(), vec![CAMPAIGN.to_owned()])]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let listed = engine.docker.list_containers(Some(options)).await;
    let listed = listed.map_err(|error| broken(&error, &engine.facts().endpoint))?;
    Ok(listed.into_iter().filter_map(Found::new).collect())
}

/// Removes the containers of campaigns that nobody holds any more, and says which. `alive` decides for each container;
/// [`Found::may_be_held`] is the rule that needs no other knowledge. Those that were meant to stay, stay.
pub async fn remove_orphans(engine: &Engine, alive: impl Fn(&Found) -> bool) -> io::Result<Vec<Found>> {
    let mut removed = Vec::new();
    for found in list(engine).await? {
        if !found.kept && !alive(&found) {
            remove_one(engine, &found.id).await?;
            removed.push(found);
        }
    }
    Ok(removed)
}

/// Removes what earlier campaigns kept of a service, so that at most one is ever left.
pub async fn remove_kept(engine: &Engine, project: &str, service: &str) -> io::Result<()> {
    for found in list(engine).await? {
        let same = found.project == project && found.service == service;
        if found.kept && same && !found.may_be_held() {
            remove_one(engine, &found.id).await?;
        }
    }
    Ok(())
}

async fn remove_one(engine: &Engine, id: &str) -> io::Result<()> {
    remove(&engine.docker, id).await.map_err(|error| broken(&error, &engine.facts().endpoint))
}
