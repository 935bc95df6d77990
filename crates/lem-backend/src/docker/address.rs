//! Where this host reaches a server in a container.

use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::InspectContainerOptions;

use super::connect::Engine;
use super::endpoint::Endpoint;
use crate::compose::Service;

/// Host and port, as in a URL, of a server in a container of `service`. `port` is the one that it listens on inside;
/// `None` takes the only one that the service publishes.
///
/// # Errors
/// A sentence that says what is missing and what to do.
pub async fn server_address(
    engine: &Engine,
    service: &Service,
    container: &str,
    port: Option<u16>,
) -> Result<String, String> {
    let port = port.map_or_else(|| only_port(service), Ok)?;
    if !matches!(engine.endpoint(), Endpoint::Unix(_)) {
        return Err(format!(
            "service {}: the Docker engine runs on another machine; name the server's address with `url`",
            service.name
        ));
    }
    if service.network_mode.as_deref() == Some("host") {
        return Ok(format!("127.0.0.1:{port}"));
    }
    let inspected = engine.docker.inspect_container(container, None::<InspectContainerOptions>).await;
    let inspected = inspected.map_err(|error| format!("service {}: {error}", service.name))?;
    let found =
        published(&inspected, port).or_else(|| own_address(&inspected).map(|ip| format!("{ip}:{port}")));
    found.ok_or_else(|| {
        format!(
            "service {}: its container has no network; publish its port with `ports: [\"127.0.0.1::{port}\"]`",
            service.name
        )
    })
}

fn only_port(service: &Service) -> Result<u16, String> {
    let mut ports: Vec<u16> =
        service.ports.iter().filter(|port| port.protocol == "tcp").map(|port| port.container).collect();
    ports.dedup();
    match ports.as_slice() {
        [port] => Ok(*port),
        [] => Err(format!(
            "service {} publishes no port; say where its server listens with `port` of the runner",
            service.name
        )),
        _ => Err(format!(
            "service {} publishes several ports; say which one is the server's with `port` of the runner",
            service.name
        )),
    }
}

/// The address on this host that the engine bound the port to.
fn published(container: &ContainerInspectResponse, port: u16) -> Option<String> {
    let ports = container.network_settings.as_ref()?.ports.as_ref()?;
    let bound = ports.get(&format!("{port}/tcp"))?.as_ref()?.first()?;
    let host = match bound.host_ip.as_deref() {
        None | Some("" | "0.0.0.0" | "::") => "127.0.0.1",
        Some(ip) => ip,
    };
    Some(format!("{host}:{}", bound.host_port.as_ref()?))
}

/// The address of the container in one of its networks.
fn own_address(container: &ContainerInspectResponse) -> Option<String> {
    let networks = container.network_settings.as_ref()?.networks.as_ref()?;
    networks.values().filter_map(|network| network.ip_address.clone()).find(|ip| !ip.is_empty())
}
