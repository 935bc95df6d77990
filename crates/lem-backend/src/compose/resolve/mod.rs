//! From the merged tree of a service to a [`Service`]. Pure: env files come in as they were read.

mod environment;
mod gpus;
mod health;
mod keys;
mod limits;
mod mounts;
mod network;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::dotenv::Assignment;
use super::error::{At, Fault, Remark};
use super::field::Field;
use super::service::{Build, Device, Project, Service, WORKER_COMMAND_LABEL};
use super::sources::clean;
use super::words;
use super::yaml::Node;

pub(super) use environment::env_files;

/// What a service is resolved in.
pub(super) struct Context<'a> {
    pub(super) project: &'a Project,
    pub(super) environment: &'a BTreeMap<String, String>,
    /// The folder of each source.
    pub(super) folders: &'a [PathBuf],
    /// The compose file.
    pub(super) root: &'a Node,
}

impl Context<'_> {
    /// A path of the host as written at `at`: relative to the file where it is written, `~` is the user's home.
    fn path(&self, at: At, written: &str) -> Result<PathBuf, String> {
        host_path(written, &self.folders[at.source], self.environment)
    }
}

/// A path of the host, absolute: relative to `folder`, `~` is the user's home.
pub(super) fn host_path(
    written: &str,
    folder: &Path,
    environment: &BTreeMap<String, String>,
) -> Result<PathBuf, String> {
    let home = |rest: &str| match environment.get("HOME").filter(|home| !home.is_empty()) {
        Some(home) => Ok(clean(&Path::new(home).join(rest))),
        None => {
            Err(format!("`{written}` starts at the home folder, but HOME is not set; write the full path"))
        }
    };
    match written.strip_prefix('~') {
        Some("") => home(""),
        Some(rest) if rest.starts_with('/') => home(rest.trim_start_matches('/')),
        Some(_) => Err(format!("`{written}`: another user's home is not looked up; write the full path")),
        None => Ok(clean(&folder.join(written))),
    }
}

/// Resolves a service; `field` is its merged tree.
pub(super) fn service(
    field: &Field<'_>,
    name: &str,
    context: &Context<'_>,
    env_files: Vec<Assignment>,
    remarks: &mut Vec<Remark>,
) -> Result<Service, Fault> {
    keys::check(field, remarks)?;
    if field.get("image").is_none() && field.get("build").is_none() {
        return Err(field.fault("the service has neither `image` nor `build`; write one of them"));
    }
    let labels = field.or_default("labels", Field::map)?;
    let worker_command = worker_command(field, &labels)?;
    Ok(Service {
        name: name.to_owned(),
        project: context.project.name.clone(),
        image: field.optional("image", Field::text)?,
        build: field.optional("build", |build| self::build(build, context))?,
        pull_policy: field.optional("pull_policy", Field::text)?,
        platform: field.optional("platform", Field::text)?,
        entrypoint: command(field, "entrypoint")?,
        command: command(field, "command")?,
        worker_command,
        environment: environment::environment(field, context, env_files, remarks)?,
        labels,
        working_dir: field.optional("working_dir", Field::text)?,
        user: field.optional("user", Field::text)?,
        group_add: field.or_default("group_add", Field::texts)?,
        hostname: field.optional("hostname", Field::text)?,
        domainname: field.optional("domainname", Field::text)?,
        volumes: mounts::mounts(field, context, remarks)?,
        devices: field.or_default("devices", devices)?,
        gpus: gpus::request(field)?,
        runtime: field.optional("runtime", Field::text)?,
        ipc: field.optional("ipc", namespace)?,
        pid: field.optional("pid", namespace)?,
        uts: field.optional("uts", namespace)?,
        userns_mode: field.optional("userns_mode", namespace)?,
        cgroup: field.optional("cgroup", namespace)?,
        cgroup_parent: field.optional("cgroup_parent", Field::text)?,
        shm_size: field.optional("shm_size", Field::bytes)?,
        privileged: field.or_default("privileged", Field::flag)?,
        init: field.optional("init", Field::flag)?,
        read_only: field.or_default("read_only", Field::flag)?,
        cap_add: field.or_default("cap_add", once)?,
        cap_drop: field.or_default("cap_drop", once)?,
        security_opt: field.or_default("security_opt", once)?,
        sysctls: field.or_default("sysctls", Field::map)?,
        ulimits: field.or_default("ulimits", limits::ulimits)?,
        limits: limits::limits(field)?,
        network_mode: network::mode(field)?,
        networks: network::networks(field, context, remarks)?,
        ports: field.or_default("ports", network::ports)?,
        extra_hosts: field.or_default("extra_hosts", network::extra_hosts)?,
        dns: field.or_default("dns", once)?,
        dns_search: field.or_default("dns_search", once)?,
        dns_opt: field.or_default("dns_opt", once)?,
        healthcheck: field.optional("healthcheck", health::check)?,
        depends_on: health::depends_on(field, context)?,
        profiles: field.or_default("profiles", Field::texts)?.into_iter().collect(),
        stop_signal: field.optional("stop_signal", Field::text)?,
        stop_grace_period: field.optional("stop_grace_period", Field::duration)?,
        notes: Vec::new(),
    })
}

/// A command line; what is written empty is an empty one, which removes the image's.
fn command(field: &Field<'_>, key: &str) -> Result<Option<Vec<String>>, Fault> {
    match field.node().get(key) {
        Some(node) if node.value != super::yaml::Value::Null => {
            Field::new(node, format!("{}.{key}", field.path())).words().map(Some)
        }
        _ => Ok(None),
    }
}

fn worker_command(
    field: &Field<'_>,
    labels: &BTreeMap<String, String>,
) -> Result<Option<Vec<String>>, Fault> {
    let Some(line) = labels.get(WORKER_COMMAND_LABEL) else { return Ok(None) };
    let fault = |problem: String| {
        let labels = field.get("labels").unwrap_or_else(|| field.clone());
        Fault { field: format!("{}.{WORKER_COMMAND_LABEL}", labels.path()), ..labels.fault(problem) }
    };
    let words = words::split(line).map_err(fault)?;
    if words.is_empty() {
        return Err(fault(
            "the label is empty; write the worker's command line, or remove the label".to_owned(),
        ));
    }
    Ok(Some(words))
}

/// What a message about building needs; everything else of `build` is Docker Compose's own affair.
fn build(build: &Field<'_>, context: &Context<'_>) -> Result<Build, Fault> {
    let folder = |field: &Field<'_>| {
        let written = field.text()?;
        let is_remote =
            written.contains("://") || written.starts_with("git@") || written.starts_with("github.com/");
        if is_remote {
            return Ok(written);
        }
        let path = context.path(field.at(), &written).map_err(|problem| field.fault(problem))?;
        Ok(path.to_string_lossy().into_owned())
    };
    if !build.is_mapping() {
        return Ok(Build { context: folder(build)?, dockerfile: None, target: None, args: BTreeSet::new() });
    }
    let here = || Ok(context.folders[build.at().source].to_string_lossy().into_owned());
    let args = build.or_default("args", Field::pairs)?;
    Ok(Build {
        context: build.get("context").map_or_else(here, |field| folder(&field))?,
        dockerfile: build.optional("dockerfile", Field::text)?,
        target: build.optional("target", Field::text)?,
        args: args.into_iter().map(|pair| pair.name).collect(),
    })
}

/// A list in which each text counts once, as lists that were joined by `extends` repeat themselves.
fn once(field: &Field<'_>) -> Result<Vec<String>, Fault> {
    let mut texts: Vec<String> = Vec::new();
    for text in field.texts()? {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    Ok(texts)
}

/// A namespace that is shared; another service's is refused, because LEM runs one service at a time.
fn namespace(field: &Field<'_>) -> Result<String, Fault> {
    let text = field.text()?;
    if text.starts_with("service:") {
        return Err(field.unsupported("sharing with another service; use `container:NAME` of one that runs"));
    }
    Ok(text)
}

/// Device files, `HOST[:CONTAINER[:rwm]]` or long; of two with the same path in the container the later counts.
fn devices(field: &Field<'_>) -> Result<Vec<Device>, Fault> {
    let mut devices: Vec<Device> = Vec::new();
    for item in field.items()? {
        let device = if item.is_mapping() { long_device(&item)? } else { short_device(&item)? };
        devices.retain(|present| present.container != device.container);
        devices.push(device);
    }
    Ok(devices)
}

fn long_device(item: &Field<'_>) -> Result<Device, Fault> {
    item.only(&["source", "target", "permissions"])?;
    let host = item.optional("source", Field::text)?.ok_or_else(|| item.fault("`source` is missing"))?;
    let container = item.optional("target", Field::text)?.unwrap_or_else(|| host.clone());
    let permissions = item.optional("permissions", Field::text)?.unwrap_or_else(|| "rwm".to_owned());
    Ok(Device { host, container, permissions })
}

fn short_device(item: &Field<'_>) -> Result<Device, Fault> {
    let text = item.text()?;
    if !text.starts_with('/') {
        return Err(item.unsupported(format!(
            "`{text}` is no device file; reserve GPUs with `gpus:` or `deploy.resources.reservations.devices`"
        )));
    }
    let parts: Vec<&str> = text.split(':').collect();
    let (host, container, permissions) = match parts.as_slice() {
        [host] => (*host, *host, "rwm"),
        [host, container] if container.starts_with('/') => (*host, *container, "rwm"),
        [host, permissions] => (*host, *host, *permissions),
        [host, container, permissions] => (*host, *container, *permissions),
        _ => return Err(item.fault(format!("`{text}` is no device; write `/dev/HOST:/dev/CONTAINER:rwm`"))),
    };
    if permissions.is_empty() || !permissions.chars().all(|c| matches!(c, 'r' | 'w' | 'm')) {
        return Err(item.fault(format!("`{permissions}` are no permissions; write some of `r`, `w` and `m`")));
    }
    Ok(Device { host: host.to_owned(), container: container.to_owned(), permissions: permissions.to_owned() })
}
