//! What is mounted into a container, and the volumes that have to exist for it.

use bollard::models::{
    HostConfig, Mount as EngineMount, MountBindOptions, MountTmpfsOptions, MountType, MountVolumeOptions,
    VolumeCreateRequest,
};

use super::connect::Engine;
use super::failure::{Attempt, ContainerError, is_missing};
use super::labels;
use crate::compose::{Mount, MountKind, Service, Volume};

/// Makes the named volumes of a service that do not exist yet. They stay: they hold what runs share, such as models.
pub(super) async fn ensure_volumes(
    engine: &Engine,
    service: &Service,
    attempt: Attempt<'_>,
) -> Result<(), ContainerError> {
    for mount in &service.volumes {
        if let MountKind::Volume { volume: Some(volume), .. } = &mount.kind {
            ensure(engine, service, volume, attempt).await?;
        }
    }
    Ok(())
}

async fn ensure(
    engine: &Engine,
    service: &Service,
    volume: &Volume,
    attempt: Attempt<'_>,
) -> Result<(), ContainerError> {
    match engine.docker.inspect_volume(&volume.name).await {
        Ok(_) => return Ok(()),
        Err(error) if !is_missing(&error) => return Err(attempt.failure(&error)),
        // The engine would make an external volume too, but an empty one is not what was meant.
        Err(_) if volume.external => {
            return Err(ContainerError::VolumeMissing {
                service: service.name.clone(),
                volume: volume.name.clone(),
            });
        }
        Err(_) => {}
    }
    let request = VolumeCreateRequest {
        name: Some(volume.name.clone()),
        driver: volume.driver.clone(),
        driver_opts: Some(volume.driver_opts.clone().into_iter().collect()),
        labels: Some(labels::of_volume(service, volume)),
        ..VolumeCreateRequest::default()
    };
    engine.docker.create_volume(request).await.map(drop).map_err(|error| attempt.failure(&error))
}

/// Puts the mounts of a service into a container's configuration.
pub(super) fn write(service: &Service, host: &mut HostConfig) {
    let mut binds = Vec::new();
    let mut mounts = Vec::new();
    for mount in &service.volumes {
        match bind(mount) {
            Some(bind) => binds.push(bind),
            None => mounts.push(engine_mount(mount)),
        }
    }
    host.binds = (!binds.is_empty()).then_some(binds);
    host.mounts = (!mounts.is_empty()).then_some(mounts);
}

/// The engine's older notation, where only it can say what is meant: a missing source becomes a folder, and labels of
/// `SELinux`. A path with a colon cannot be written in it.
fn bind(mount: &Mount) -> Option<String> {
    let MountKind::Bind { source, create_source, propagation, selinux } = &mount.kind else { return None };
    let source = source.to_str()?;
    if !(*create_source || selinux.is_some()) || source.contains(':') || mount.target.contains(':') {
        return None;
    }
    let read_only = mount.read_only.then_some("ro");
    let options: Vec<&str> =
        read_only.into_iter().chain(propagation.as_deref()).chain(selinux.as_deref()).collect();
    let bind = format!("{source}:{}", mount.target);
    Some(if options.is_empty() { bind } else { format!("{bind}:{}", options.join(",")) })
}

fn engine_mount(mount: &Mount) -> EngineMount {
    let (typ, source) = match &mount.kind {
        MountKind::Bind { source, .. } => (MountType::BIND, Some(source.to_string_lossy().into_owned())),
        MountKind::Volume { volume, .. } => (MountType::VOLUME, volume.as_ref().map(|v| v.name.clone())),
        MountKind::Tmpfs { .. } => (MountType::TMPFS, None),
    };
    let mut to = EngineMount {
        target: Some(mount.target.clone()),
        source,
        typ: Some(typ),
        read_only: Some(mount.read_only),
        ..EngineMount::default()
    };
    match &mount.kind {
        MountKind::Bind { propagation, .. } => {
            to.bind_options = propagation.as_ref().map(|propagation| MountBindOptions {
                propagation: propagation.parse().ok(),
                ..MountBindOptions::default()
            });
        }
        MountKind::Volume { no_copy, subpath, .. } => {
            to.volume_options = Some(MountVolumeOptions {
                no_copy: Some(*no_copy),
                subpath: subpath.clone(),
                ..MountVolumeOptions::default()
            });
        }
        MountKind::Tmpfs { size, mode } => {
            to.tmpfs_options = Some(MountTmpfsOptions {
                size_bytes: size.map(super::container::signed),
                mode: mode.map(i64::from),
                ..MountTmpfsOptions::default()
            });
        }
    }
    to
}
