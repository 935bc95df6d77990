//! The image of a service: found, or how to get it.

use bollard::models::ImageConfig;

use super::connect::Engine;
use super::facts::ImageFacts;
use super::failure::{Attempt, ContainerError, is_missing};
use crate::compose::Service;

/// An image that the engine has.
pub(super) struct Image {
    pub(super) facts: ImageFacts,
    pub(super) config: ImageConfig,
}

/// What the image of a service is, or `None` where the engine does not have it: for a list of services.
pub async fn find(engine: &Engine, service: &Service) -> Result<Option<ImageFacts>, ContainerError> {
    Ok(lookup(engine, service).await?.map(|image| image.facts))
}

/// The image of a service that is about to start.
pub(super) async fn need(engine: &Engine, service: &Service) -> Result<Image, ContainerError> {
    lookup(engine, service).await?.ok_or_else(|| ContainerError::ImageMissing {
        service: service.name.clone(),
        image: service.images().join(" or "),
        remedy: remedy(service),
    })
}

async fn lookup(engine: &Engine, service: &Service) -> Result<Option<Image>, ContainerError> {
    for name in service.images() {
        let attempt = attempt(engine, service, &name);
        match engine.docker.inspect_image(&name).await {
            Ok(image) => {
                let facts = ImageFacts::new(&name, &image).ok_or_else(|| ContainerError::Refused {
                    service: service.name.clone(),
                    reason: format!("the image {name} has no id"),
                })?;
                return Ok(Some(Image { facts, config: image.config.unwrap_or_default() }));
            }
            Err(error) if is_missing(&error) => {}
            Err(error) => return Err(attempt.failure(&error)),
        }
    }
    Ok(None)
}

pub(super) fn attempt<'a>(engine: &'a Engine, service: &'a Service, image: &'a str) -> Attempt<'a> {
    Attempt { service: &service.name, image, endpoint: &engine.facts().endpoint }
}

/// How a missing image is made.
fn remedy(service: &Service) -> String {
    match (&service.build, &service.image) {
        (Some(_), _) => {
            format!("build it: `docker compose build {}`, or `make images` for LEM's own", service.name)
        }
        (None, Some(image)) => format!("pull it: `docker pull {image}`, or build it if it is your own"),
        (None, None) => "add `image` or `build` to the service".into(),
    }
}
