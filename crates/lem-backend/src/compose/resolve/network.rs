//! Networks, ports and host names of a service.

use std::net::IpAddr;

use super::mounts::identity;
use super::{Context, namespace};
use crate::compose::error::{Fault, Remark};
use crate::compose::field::{Field, list};
use crate::compose::fill::fill;
use crate::compose::service::{NetworkUse, Port};
use crate::compose::yaml::{Node, Value};

/// `network_mode`, which excludes `networks`.
pub(super) fn mode(service: &Field<'_>) -> Result<Option<String>, Fault> {
    let mode = service.optional("network_mode", namespace)?;
    match service.get("networks") {
        Some(networks) if mode.is_some() => {
            Err(networks.fault("`network_mode` and `networks` exclude each other; remove one"))
        }
        _ => Ok(mode),
    }
}

pub(super) fn networks(
    service: &Field<'_>,
    context: &Context<'_>,
    remarks: &mut Vec<Remark>,
) -> Result<Vec<NetworkUse>, Fault> {
    let Some(field) = service.get("networks") else { return Ok(Vec::new()) };
    if field.is_list() {
        return field.items()?.iter().map(|item| network(item, &item.text()?, context, remarks)).collect();
    }
    field.fields()?.into_iter().map(|(key, item)| network(&item, key, context, remarks)).collect()
}

/// One network, declared under the file's `networks` unless it is the project's own (`default`).
fn network(
    item: &Field<'_>,
    key: &str,
    context: &Context<'_>,
    remarks: &mut Vec<Remark>,
) -> Result<NetworkUse, Fault> {
    let declared = context.root.get("networks").map(Node::entries).unwrap_or_default();
    let entry = declared.iter().find(|entry| entry.key == key);
    if entry.is_none() && key != "default" {
        let keys: Vec<&str> = declared.iter().map(|entry| entry.key.as_str()).collect();
        let known = if keys.is_empty() { "nothing".to_owned() } else { list(&keys) };
        return Err(item.fault(format!(
            "the network `{key}` is not declared; add it under the file's `networks` (there is {known})"
        )));
    }
    let path = format!("networks.{key}");
    let node = match entry {
        Some(entry) if entry.value.value != Value::Null => {
            fill(&entry.value, &path, context.environment, remarks)?
        }
        _ => Node { value: Value::Mapping(Vec::new()), at: item.at() },
    };
    let declaration = Field::new(&node, path);
    for key in ["ipam", "enable_ipv4", "enable_ipv6"] {
        if let Some(setting) = declaration.get(key) {
            return Err(setting.unsupported("create the network yourself, and write `external: true`"));
        }
    }
    declaration.only(&["name", "external", "driver", "driver_opts", "internal", "labels", "attachable"])?;
    let (external, name) = identity(&declaration, key, format!("{}_{key}", context.project.name))?;
    let mut network = NetworkUse {
        key: key.to_owned(),
        name,
        external,
        internal: declaration.or_default("internal", Field::flag)?,
        driver: declaration.optional("driver", Field::text)?,
        driver_opts: declaration.or_default("driver_opts", Field::map)?,
        aliases: Vec::new(),
        ipv4_address: None,
        ipv6_address: None,
    };
    if item.is_mapping() {
        item.only(&["aliases", "ipv4_address", "ipv6_address", "priority"])?;
        network.aliases = item.or_default("aliases", Field::texts)?;
        network.ipv4_address = item.optional("ipv4_address", Field::text)?;
        network.ipv6_address = item.optional("ipv6_address", Field::text)?;
    }
    Ok(network)
}

/// Published ports, each once.
pub(super) fn ports(field: &Field<'_>) -> Result<Vec<Port>, Fault> {
    let mut ports: Vec<Port> = Vec::new();
    for item in field.items()? {
        let more = if item.is_mapping() { long_port(&item)? } else { short_port(&item)? };
        for port in more {
            if !ports.contains(&port) {
                ports.push(port);
            }
        }
    }
    Ok(ports)
}

/// `[[ADDRESS:]HOST:]CONTAINER[/PROTOCOL]`, where both ports may be ranges of the same length.
fn short_port(item: &Field<'_>) -> Result<Vec<Port>, Fault> {
    let text = item.text()?;
    let (addresses, protocol) = text.split_once('/').unwrap_or((&text, "tcp"));
    let (rest, container) = match addresses.rsplit_once(':') {
        Some((rest, container)) => (Some(rest), container),
        None => (None, addresses),
    };
    let (host_ip, host) = match rest {
        None => (None, None),
        Some(rest) => match rest.rsplit_once(':') {
            Some((address, host)) => (Some(address), Some(host)),
            None => (None, Some(rest)),
        },
    };
    expand(item, container, host.filter(|host| !host.is_empty()), host_ip, protocol)
}

fn long_port(item: &Field<'_>) -> Result<Vec<Port>, Fault> {
    item.only(&["target", "published", "host_ip", "protocol", "mode", "name", "app_protocol"])?;
    let target = item.optional("target", Field::text)?.ok_or_else(|| item.fault("`target` is missing"))?;
    let published = item.optional("published", Field::text)?;
    let host_ip = item.optional("host_ip", Field::text)?;
    let protocol = item.optional("protocol", Field::text)?;
    expand(item, &target, published.as_deref(), host_ip.as_deref(), protocol.as_deref().unwrap_or("tcp"))
}

fn expand(
    item: &Field<'_>,
    container: &str,
    host: Option<&str>,
    host_ip: Option<&str>,
    protocol: &str,
) -> Result<Vec<Port>, Fault> {
    if !matches!(protocol, "tcp" | "udp" | "sctp") {
        return Err(item.fault(format!("`{protocol}` is no protocol; write `tcp`, `udp` or `sctp`")));
    }
    let host_ip = host_ip.map(|address| address.trim_start_matches('[').trim_end_matches(']'));
    if let Some(address) = host_ip
        && address.parse::<IpAddr>().is_err()
    {
        return Err(item.fault(format!("`{address}` is no address of the host")));
    }
    let containers = range(item, container)?;
    let hosts: Vec<Option<u16>> = match host {
        Some(host) => range(item, host)?.map(Some).collect(),
        None => containers.clone().map(|_| None).collect(),
    };
    if hosts.len() != containers.len() {
        return Err(item.unsupported(
            "ranges of different lengths; write as many ports of the host as of the container",
        ));
    }
    let port = |(container, host)| Port {
        container,
        host,
        host_ip: host_ip.map(str::to_owned),
        protocol: protocol.to_owned(),
    };
    Ok(containers.zip(hosts).map(port).collect())
}

/// `8000` or `8000-8010`.
fn range(item: &Field<'_>, written: &str) -> Result<std::ops::RangeInclusive<u16>, Fault> {
    let (first, last) = written.split_once('-').unwrap_or((written, written));
    match (first.trim().parse::<u16>(), last.trim().parse::<u16>()) {
        (Ok(first @ 1..), Ok(last)) if first <= last => Ok(first..=last),
        _ => {
            Err(item
                .fault(format!("`{written}` is no port; write 1 to 65535, or a range such as `8000-8003`")))
        }
    }
}

/// Lines of `/etc/hosts`: `name:address`, `name=address`, or a mapping.
pub(super) fn extra_hosts(field: &Field<'_>) -> Result<Vec<String>, Fault> {
    let mut hosts: Vec<String> = Vec::new();
    if !field.is_list() {
        for (name, addresses) in field.fields()? {
            hosts.extend(addresses.texts()?.into_iter().map(|address| format!("{name}:{address}")));
        }
        return Ok(hosts);
    }
    for item in field.items()? {
        let text = item.text()?;
        let Some((name, address)) = text.split_once('=').or_else(|| text.split_once(':')) else {
            return Err(item.fault(format!("`{text}` is no host; write `name:address`")));
        };
        let line = format!("{name}:{address}");
        if !hosts.contains(&line) {
            hosts.push(line);
        }
    }
    Ok(hosts)
}
