//! The networks of a service and the services that it depends on. Those are not started here: what runs beside the
//! worker during a measurement is the user's decision.

use std::collections::HashMap;

use bollard::models::{
    ContainerState, ContainerStateStatusEnum, ContainerSummary, EndpointIpamConfig, EndpointSettings,
    HealthStatusEnum, HostConfig, NetworkConnectRequest, NetworkCreateRequest, NetworkingConfig,
};
use bollard::query_parameters::{
    InspectContainerOptions, InspectNetworkOptions, ListContainersOptionsBuilder,
};

use super::connect::Engine;
use super::failure::{Attempt, ContainerError, is_missing};
use super::labels;
use crate::compose::{Condition, NetworkUse, Service};

/// Makes the networks of a service that do not exist yet. They stay, as with compose, whose `down` removes them.
pub(super) async fn ensure_networks(
    engine: &Engine,
    service: &Service,
    attempt: Attempt<'_>,
) -> Result<(), ContainerError> {
    for network in &service.networks {
        match engine.docker.inspect_network(&network.name, None::<InspectNetworkOptions>).await {
            Ok(_) => {}
            Err(error) if !is_missing(&error) => return Err(attempt.failure(&error)),
            Err(_) if network.external => {
                return Err(ContainerError::NetworkMissing {
                    service: service.name.clone(),
                    network: network.name.clone(),
                });
            }
            Err(_) => {
                let made = engine.docker.create_network(request(service, network)).await;
                made.map_err(|error| attempt.failure(&error))?;
            }
        }
    }
    Ok(())
}

fn request(service: &Service, network: &NetworkUse) -> NetworkCreateRequest {
    NetworkCreateRequest {
        name: network.name.clone(),
        driver: network.driver.clone(),
        internal: Some(network.internal),
        options: Some(network.driver_opts.clone().into_iter().collect()),
        labels: Some(labels::of_network(service, network)),
        ..NetworkCreateRequest::default()
    }
}

/// Puts the networks of a service into a container's configuration. A service that depends on others meets them in the
/// network that compose made for all of them.
pub(super) fn write(service: &Service, host: &mut HostConfig) -> Option<NetworkingConfig> {
    let shared = || (!service.depends_on.is_empty()).then(|| format!("{}_default", service.project));
    let first = service.networks.first().map(|network| network.name.clone());
    host.network_mode = service.network_mode.clone().or(first).or_else(shared);
    let first = service.networks.first()?;
    let endpoints = HashMap::from([(first.name.clone(), settings(service, first))]);
    Some(NetworkingConfig { endpoints_config: Some(endpoints) })
}

/// Connects a new container to its further networks: creating takes only one before API 1.44.
pub(super) async fn connect_more(
    engine: &Engine,
    service: &Service,
    container: &str,
    attempt: Attempt<'_>,
) -> Result<(), ContainerError> {
    for network in service.networks.iter().skip(1) {
        let request = NetworkConnectRequest {
            container: container.into(),
            endpoint_config: Some(settings(service, network)),
        };
        let connected = engine.docker.connect_network(&network.name, request).await;
        connected.map_err(|error| attempt.failure(&error))?;
    }
    Ok(())
}

fn settings(service: &Service, network: &NetworkUse) -> EndpointSettings {
    let address =
        (network.ipv4_address.is_some() || network.ipv6_address.is_some()).then(|| EndpointIpamConfig {
            ipv4_address: network.ipv4_address.clone(),
            ipv6_address: network.ipv6_address.clone(),
            ..EndpointIpamConfig::default()
        });
    // The engine's own networks know no names.
    let named = !matches!(network.name.as_str(), "bridge" | "host" | "none");
    let aliases = || std::iter::once(&service.name).chain(&network.aliases).cloned().collect();
    EndpointSettings { ipam_config: address, aliases: named.then(aliases), ..EndpointSettings::default() }
}

/// Checks that the services that this one depends on are as it needs them.
pub(super) async fn check_dependencies(
    engine: &Engine,
    service: &Service,
    attempt: Attempt<'_>,
) -> Result<(), ContainerError> {
    for (name, dependency) in service.depends_on.iter().filter(|(_, dependency)| dependency.required) {
        let state = state(engine, service, name, attempt).await?;
        if let Some(wrong) = wrong(state.as_ref(), dependency.condition) {
            return Err(ContainerError::DependencyMissing {
                service: service.name.clone(),
                dependency: name.clone(),
                state: wrong.into(),
            });
        }
    }
    Ok(())
}

/// The state of the container that compose has made for a service.
async fn state(
    engine: &Engine,
    service: &Service,
    dependency: &str,
    attempt: Attempt<'_>,
) -> Result<Option<ContainerState>, ContainerError> {
    let labels = vec![
        format!("com.docker.compose.project={}", service.project),
        format!("com.docker.compose.service={dependency}"),
    ];
    let filters = HashMap::from([("label".to_owned(), labels)]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let found: Vec<ContainerSummary> =
        engine.docker.list_containers(Some(options)).await.map_err(|error| attempt.failure(&error))?;
    let Some(id) = found.into_iter().find_map(|container| container.id) else { return Ok(None) };
    match engine.docker.inspect_container(&id, None::<InspectContainerOptions>).await {
        Ok(container) => Ok(container.state),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(attempt.failure(&error)),
    }
}

/// What is wrong with a dependency, if anything is.
fn wrong(state: Option<&ContainerState>, wanted: Condition) -> Option<&'static str> {
    let Some(state) = state else { return Some("not there") };
    let running = state.running == Some(true);
    let health = state.health.as_ref().and_then(|health| health.status);
    match wanted {
        Condition::Started => (!running).then_some("not running"),
        Condition::Healthy if !running => Some("not running"),
        Condition::Healthy => (health != Some(HealthStatusEnum::HEALTHY)).then_some("not healthy"),
        Condition::CompletedSuccessfully => {
            let ended = state.status == Some(ContainerStateStatusEnum::EXITED);
            (!(ended && state.exit_code == Some(0))).then_some("not done")
        }
    }
}

#[cfg(test)]
mod tests {
    use bollard::models::Health;

    use super::*;

    fn running(health: Option<HealthStatusEnum>) -> ContainerState {
        let health = health.map(|status| Health { status: Some(status), ..Health::default() });
        ContainerState { running: Some(true), health, ..ContainerState::default() }
    }

    fn exited(code: i64) -> ContainerState {
        let status = Some(ContainerStateStatusEnum::EXITED);
        ContainerState { running: Some(false), status, exit_code: Some(code), ..ContainerState::default() }
    }

    #[test]
    fn a_dependency_has_to_be_as_it_is_needed() {
        assert_eq!(wrong(None, Condition::Started), Some("not there"));
        assert_eq!(wrong(Some(&running(None)), Condition::Started), None);
        assert_eq!(wrong(Some(&exited(0)), Condition::Started), Some("not running"));
        assert_eq!(wrong(Some(&running(None)), Condition::Healthy), Some("not healthy"));
        assert_eq!(wrong(Some(&running(Some(HealthStatusEnum::HEALTHY))), Condition::Healthy), None);
        assert_eq!(wrong(Some(&exited(0)), Condition::CompletedSuccessfully), None);
        assert_eq!(wrong(Some(&exited(1)), Condition::CompletedSuccessfully), Some("not done"));
        assert_eq!(wrong(Some(&running(None)), Condition::CompletedSuccessfully), Some("not done"));
    }
}
