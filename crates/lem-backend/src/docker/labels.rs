//! The labels that say whose a container is.

use std::collections::HashMap;

use super::holder::Holder;
use crate::compose::{NetworkUse, Service, Volume};

/// The campaign.
pub const CAMPAIGN: &str = "dev.lem.campaign";
/// The run, on a container that lives for one.
pub const RUN: &str = "dev.lem.run";
/// The process that started it, see [`Holder`].
pub const HOLDER: &str = "dev.lem.holder";
/// The compose service.
pub const SERVICE: &str = "dev.lem.service";
/// The compose project.
pub const PROJECT: &str = "dev.lem.project";
/// `true` on a container that stays when its campaign has ended.
pub const KEPT: &str = "dev.lem.kept";

/// Whose a container is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The campaign's id.
    pub campaign: String,
    /// The run's id; `None` for a container that serves several.
    pub run: Option<String>,
    /// The process that holds it; `None` where that cannot be named, and then nobody takes it for an orphan.
    pub holder: Option<Holder>,
}

/// The labels of a container: those of the service, and whose it is.
pub(super) fn of_container(service: &Service, owner: &Owner, kept: bool) -> HashMap<String, String> {
    let mut labels: HashMap<String, String> = service.labels.clone().into_iter().collect();
    let mut set = |name: &str, value: &str| labels.insert(name.to_owned(), value.to_owned());
    set(CAMPAIGN, &owner.campaign);
    set(SERVICE, &service.name);
    set(PROJECT, &service.project);
    if let Some(run) = &owner.run {
        set(RUN, run);
    }
    if let Some(holder) = &owner.holder {
        set(HOLDER, &holder.to_string());
    }
    if kept {
        set(KEPT, "true");
    }
    labels
}

/// The labels of a volume: also those of compose, which then takes it for its own.
pub(super) fn of_volume(service: &Service, volume: &Volume) -> HashMap<String, String> {
    let mut labels: HashMap<String, String> = volume.labels.clone().into_iter().collect();
    labels.insert(PROJECT.into(), service.project.clone());
    labels.insert("com.docker.compose.project".into(), service.project.clone());
    labels.insert("com.docker.compose.volume".into(), volume.key.clone());
    labels
}

/// The same for a network.
pub(super) fn of_network(service: &Service, network: &NetworkUse) -> HashMap<String, String> {
    HashMap::from([
        (PROJECT.into(), service.project.clone()),
        ("com.docker.compose.project".into(), service.project.clone()),
        ("com.docker.compose.network".into(), network.key.clone()),
    ])
}
