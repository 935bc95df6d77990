//! What ran a worker, for the record of its run.

use bollard::models::{ImageInspect, SystemVersion};
use serde::{Deserialize, Serialize};

use super::endpoint::Endpoint;

/// The engine. A value that it did not tell is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineFacts {
    /// Its address.
    pub endpoint: String,
    /// Its version.
    pub version: Option<String>,
    /// The version of the API that was agreed on.
    pub api_version: String,
    /// `linux`.
    pub os: Option<String>,
    /// `amd64`, ...
    pub architecture: Option<String>,
    /// The kernel that containers share.
    pub kernel: Option<String>,
}

impl EngineFacts {
    pub(super) fn new(version: SystemVersion, api_version: &str, endpoint: &Endpoint) -> Self {
        Self {
            endpoint: endpoint.to_string(),
            version: version.version,
            api_version: api_version.into(),
            os: version.os,
            architecture: version.arch,
            kernel: version.kernel_version,
        }
    }
}

/// An image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageFacts {
    /// The name that it was found by.
    pub reference: String,
    /// The digest of its configuration: what is inside, whatever it is called.
    pub id: String,
    /// Where a registry has it, as `name@sha256:...`; empty for an image that was only built here.
    pub digests: Vec<String>,
    /// When it was built, RFC 3339.
    pub created: Option<String>,
    /// `amd64`, ...
    pub architecture: Option<String>,
    /// Bytes on disk, shared layers included.
    pub size: Option<i64>,
}

impl ImageFacts {
    /// Nothing where the engine does not tell the id.
    pub(super) fn new(reference: &str, image: &ImageInspect) -> Option<Self> {
        Some(Self {
            reference: reference.into(),
            id: image.id.clone()?,
            digests: image.repo_digests.clone().unwrap_or_default(),
            created: image.created.clone(),
            architecture: image.architecture.clone(),
            size: image.size,
        })
    }
}

/// The container of one worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerFacts {
    /// Its id.
    pub id: String,
    /// The compose service.
    pub service: String,
    /// Whether it served other runs too.
    pub persistent: bool,
    /// What it was made from.
    pub image: ImageFacts,
    /// What ran it.
    pub engine: EngineFacts,
}
