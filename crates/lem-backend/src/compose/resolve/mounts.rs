//! What is mounted: `volumes` in the short and in the long syntax, and `tmpfs`.

use std::collections::BTreeMap;

use super::Context;
use crate::compose::error::{Fault, Remark};
use crate::compose::field::{Field, list};
use crate::compose::fill::fill;
use crate::compose::mount::{Mount, MountKind, Volume};
use crate::compose::words;
use crate::compose::yaml::{Node, Value};

const PROPAGATIONS: [&str; 6] = ["private", "rprivate", "shared", "rshared", "slave", "rslave"];

/// Modes of the short syntax that only mean something on other systems.
const WITHOUT_MEANING: [&str; 4] = ["rw", "cached", "delegated", "consistent"];

/// All mounts of a service; of two with the same target the later counts, as after `extends`.
pub(super) fn mounts(
    service: &Field<'_>,
    context: &Context<'_>,
    remarks: &mut Vec<Remark>,
) -> Result<Vec<Mount>, Fault> {
    let mut found = Vec::new();
    if let Some(volumes) = service.get("volumes") {
        for item in volumes.items()? {
            found.push(if item.is_mapping() {
                long(&item, context, remarks)?
            } else {
                short(&item, context, remarks)?
            });
        }
    }
    if let Some(tmpfs) = service.get("tmpfs") {
        for item in tmpfs.one_or_more()? {
            found.push(memory(&item)?);
        }
    }
    let mut mounts: Vec<Mount> = Vec::new();
    for mount in found {
        match mounts.iter_mut().find(|present| present.target == mount.target) {
            Some(present) => *present = mount,
            None => mounts.push(mount),
        }
    }
    Ok(mounts)
}

/// `[SOURCE:]TARGET[:MODE]`.
fn short(item: &Field<'_>, context: &Context<'_>, remarks: &mut Vec<Remark>) -> Result<Mount, Fault> {
    let text = item.text()?;
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, modes) = match parts.as_slice() {
        [target] => (None, *target, ""),
        [source, target] => (Some(*source), *target, ""),
        [source, target, modes] => (Some(*source), *target, *modes),
        _ => {
            return Err(item.fault(format!(
                "`{text}` has too many colons; write `SOURCE:TARGET:MODE`, or the long form"
            )));
        }
    };
    let mut modes = modes_of(item, modes)?;
    let kind = match source {
        Some("") => {
            return Err(
                item.fault(format!("`{text}` has no source before its colon; is a variable not set?"))
            );
        }
        Some(source) if source.starts_with(['.', '/', '~']) => MountKind::Bind {
            source: context.path(item.at(), source).map_err(|problem| item.fault(problem))?,
            create_source: true,
            propagation: modes.propagation.take(),
            selinux: modes.selinux.take(),
        },
        Some(name) => MountKind::Volume {
            volume: Some(volume(item, name, context, remarks)?),
            no_copy: modes.no_copy,
            subpath: None,
        },
        None => MountKind::Volume { volume: None, no_copy: modes.no_copy, subpath: None },
    };
    Ok(Mount { target: target_of(item, target)?, read_only: modes.read_only, kind })
}

#[derive(Default)]
struct Modes {
    read_only: bool,
    no_copy: bool,
    propagation: Option<String>,
    selinux: Option<String>,
}

fn modes_of(item: &Field<'_>, written: &str) -> Result<Modes, Fault> {
    let mut modes = Modes::default();
    for mode in written.split(',').filter(|mode| !mode.is_empty()) {
        match mode {
            "ro" => modes.read_only = true,
            "nocopy" => modes.no_copy = true,
            "z" | "Z" => modes.selinux = Some(mode.to_owned()),
            mode if PROPAGATIONS.contains(&mode) => modes.propagation = Some(mode.to_owned()),
            mode if WITHOUT_MEANING.contains(&mode) => {}
            other => {
                return Err(
                    item.fault(format!("`{other}` is no mode of a volume; write `ro`, `rw`, `z` or `Z`"))
                );
            }
        }
    }
    Ok(modes)
}

fn target_of(item: &Field<'_>, target: &str) -> Result<String, Fault> {
    if !target.starts_with('/') {
        return Err(item.fault(format!("the target `{target}` is no absolute path in the container")));
    }
    let target = target.trim_end_matches('/');
    Ok(if target.is_empty() { "/" } else { target }.to_owned())
}

fn long(item: &Field<'_>, context: &Context<'_>, remarks: &mut Vec<Remark>) -> Result<Mount, Fault> {
    item.only(&["type", "source", "target", "read_only", "bind", "volume", "tmpfs", "consistency"])?;
    let target = item.optional("target", Field::text)?.ok_or_else(|| item.fault("`target` is missing"))?;
    let source = item.get("source");
    let kind = match item.optional("type", Field::text)?.as_deref() {
        Some("bind") => bind(item, source.as_ref(), context)?,
        Some("volume") => {
            let name = source.map(|source| source.text()).transpose()?;
            let volume = name.map(|name| volume(item, &name, context, remarks)).transpose()?;
            let options = item.get("volume");
            if let Some(options) = &options {
                options.only(&["nocopy", "subpath"])?;
            }
            MountKind::Volume {
                volume,
                no_copy: options
                    .as_ref()
                    .map_or(Ok(false), |options| options.or_default("nocopy", Field::flag))?,
                subpath: options.map_or(Ok(None), |options| options.optional("subpath", Field::text))?,
            }
        }
        Some("tmpfs") => long_tmpfs(item)?,
        Some(other) => {
            return Err(
                item.unsupported(format!("mounts of type `{other}`; use `bind`, `volume` or `tmpfs`"))
            );
        }
        None => return Err(item.fault("`type` is missing; write `bind`, `volume` or `tmpfs`")),
    };
    let read_only = item.or_default("read_only", Field::flag)?;
    Ok(Mount { target: target_of(item, &target)?, read_only, kind })
}

fn bind(item: &Field<'_>, source: Option<&Field<'_>>, context: &Context<'_>) -> Result<MountKind, Fault> {
    let source = source.ok_or_else(|| item.fault("`source` is missing: the path on the host"))?;
    let path = context.path(item.at(), &source.text()?).map_err(|problem| source.fault(problem))?;
    let options = item.get("bind");
    let Some(options) = options else {
        return Ok(MountKind::Bind { source: path, create_source: true, propagation: None, selinux: None });
    };
    options.only(&["propagation", "create_host_path", "selinux"])?;
    Ok(MountKind::Bind {
        source: path,
        create_source: options.optional("create_host_path", Field::flag)?.unwrap_or(true),
        propagation: options.optional("propagation", Field::text)?,
        selinux: options.optional("selinux", Field::text)?,
    })
}

fn long_tmpfs(item: &Field<'_>) -> Result<MountKind, Fault> {
    let Some(options) = item.get("tmpfs") else { return Ok(MountKind::Tmpfs { size: None, mode: None }) };
    options.only(&["size", "mode"])?;
    let mode = options.optional("mode", |field| octal(field, &field.text()?))?;
    Ok(MountKind::Tmpfs { size: options.optional("size", Field::bytes)?, mode })
}

/// `TARGET[:size=64m,mode=1777,ro]`.
fn memory(item: &Field<'_>) -> Result<Mount, Fault> {
    let text = item.text()?;
    let (target, options) = text.split_once(':').unwrap_or((&text, ""));
    let (mut size, mut mode, mut read_only) = (None, None, false);
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some(("size", value)) => size = Some(words::bytes(value).map_err(|problem| item.fault(problem))?),
            Some(("mode", value)) => mode = Some(octal(item, value)?),
            None if option == "ro" => read_only = true,
            None if option == "rw" => {}
            _ => return Err(item.unsupported(format!("the option `{option}`; use `size`, `mode` and `ro`"))),
        }
    }
    Ok(Mount { target: target_of(item, target)?, read_only, kind: MountKind::Tmpfs { size, mode } })
}

/// Permissions as everyone writes them, in octal with or without a prefix.
fn octal(item: &Field<'_>, written: &str) -> Result<u32, Fault> {
    let digits = written.strip_prefix("0o").unwrap_or(written);
    let mode = u32::from_str_radix(digits, 8).ok().filter(|mode| *mode <= 0o7777);
    mode.ok_or_else(|| item.fault(format!("`{written}` are no permissions; write for example `1777`")))
}

/// The named volume that a service mounts; it must be declared under the file's `volumes`.
fn volume(
    item: &Field<'_>,
    key: &str,
    context: &Context<'_>,
    remarks: &mut Vec<Remark>,
) -> Result<Volume, Fault> {
    let declared = context.root.get("volumes").map(Node::entries).unwrap_or_default();
    let Some(entry) = declared.iter().find(|entry| entry.key == key) else {
        let keys: Vec<&str> = declared.iter().map(|entry| entry.key.as_str()).collect();
        let known = if keys.is_empty() { "nothing".to_owned() } else { list(&keys) };
        return Err(item.fault(format!(
            "the volume `{key}` is not declared; add it under the file's `volumes` (there is {known}), or write `./{key}` for a folder"
        )));
    };
    let path = format!("volumes.{key}");
    let node = fill(&entry.value, &path, context.environment, remarks)?;
    let default_name = format!("{}_{key}", context.project.name);
    if node.value == Value::Null {
        return Ok(Volume {
            key: key.to_owned(),
            name: default_name,
            external: false,
            driver: None,
            driver_opts: BTreeMap::new(),
            labels: BTreeMap::new(),
        });
    }
    let field = Field::new(&node, path);
    field.only(&["name", "external", "driver", "driver_opts", "labels"])?;
    let (external, name) = identity(&field, key, default_name)?;
    Ok(Volume {
        key: key.to_owned(),
        name,
        external,
        driver: field.optional("driver", Field::text)?,
        driver_opts: field.or_default("driver_opts", Field::map)?,
        labels: field.or_default("labels", Field::map)?,
    })
}

/// Whether a volume or network is external, and its name in the engine: its `name`, else for an external one its key.
pub(super) fn identity(field: &Field<'_>, key: &str, default_name: String) -> Result<(bool, String), Fault> {
    let written = field.optional("name", Field::text)?;
    let Some(external) = field.get("external") else { return Ok((false, written.unwrap_or(default_name))) };
    // `external: {name: ...}` is the form of older files.
    if external.is_mapping() {
        external.only(&["name"])?;
        let name = written.or(external.optional("name", Field::text)?);
        return Ok((true, name.unwrap_or_else(|| key.to_owned())));
    }
    let is_external = external.flag()?;
    let default_name = if is_external { key.to_owned() } else { default_name };
    Ok((is_external, written.unwrap_or(default_name)))
}
