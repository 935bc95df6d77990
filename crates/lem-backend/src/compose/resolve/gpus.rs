//! The GPUs that a service reserves: `gpus:`, or devices under `deploy.resources.reservations`.

use crate::compose::error::Fault;
use crate::compose::field::Field;
use crate::compose::service::{GpuRequest, GpuSelection};

/// Capabilities that a device must be a GPU for; those of NVIDIA's container toolkit.
const OF_GPUS: [&str; 9] =
    ["gpu", "nvidia", "compute", "utility", "graphics", "video", "display", "compat32", "ngx"];

/// The one request of a service.
pub(super) fn request(service: &Field<'_>) -> Result<Option<GpuRequest>, Fault> {
    let mut requests: Vec<(Field<'_>, GpuRequest)> = Vec::new();
    if let Some(gpus) = service.get("gpus") {
        if gpus.is_list() {
            for item in gpus.items()? {
                let request = read(&item)?;
                requests.push((item, request));
            }
        } else {
            requests.push((gpus.clone(), all(&gpus)?));
        }
    }
    let reserved = ["resources", "reservations", "devices"]
        .iter()
        .try_fold(service.get("deploy"), |field, key| Some(field?.get(key)))
        .flatten();
    if let Some(devices) = reserved {
        for item in devices.items()? {
            if item.get("capabilities").is_none() {
                return Err(item.fault("`capabilities` is missing; write `capabilities: [gpu]`"));
            }
            let request = read(&item)?;
            requests.push((item, request));
        }
    }
    requests.dedup_by(|(_, later), (_, earlier)| later == earlier);
    let mut requests = requests.into_iter();
    let first = requests.next().map(|(_, request)| request);
    match requests.next() {
        None => Ok(first),
        Some((field, _)) => Err(field.unsupported(
            "a second request for GPUs; write one with all of them (`extends` joins the requests of both services)",
        )),
    }
}

fn all(gpus: &Field<'_>) -> Result<GpuRequest, Fault> {
    match gpus.text()?.as_str() {
        "all" => Ok(GpuRequest {
            driver: None,
            selection: GpuSelection::All,
            capabilities: vec!["gpu".to_owned()],
            options: std::collections::BTreeMap::new(),
        }),
        other => Err(gpus.fault(format!(
            "`{other}` is no choice of GPUs; write `all`, or a list such as `[{{count: 1}}]`"
        ))),
    }
}

fn read(item: &Field<'_>) -> Result<GpuRequest, Fault> {
    item.only(&["driver", "count", "device_ids", "capabilities", "options"])?;
    let mut capabilities =
        item.optional("capabilities", Field::texts)?.unwrap_or_else(|| vec!["gpu".to_owned()]);
    capabilities.dedup();
    if !capabilities.iter().any(|capability| OF_GPUS.contains(&capability.as_str())) {
        return Err(
            item.unsupported("a device that is no GPU; LEM reserves devices with `capabilities: [gpu]` only")
        );
    }
    let count = item.optional("count", count)?;
    let ids = item.optional("device_ids", Field::texts)?;
    let selection = match (count, ids) {
        (Some(_), Some(_)) => {
            return Err(item.fault("`count` and `device_ids` exclude each other; remove one"));
        }
        (_, Some(ids)) if ids.is_empty() => {
            return Err(item.fault("`device_ids` names no device; name one, or remove it"));
        }
        (_, Some(ids)) => GpuSelection::Ids(ids),
        (Some(selection), None) => selection,
        (None, None) => GpuSelection::All,
    };
    Ok(GpuRequest {
        driver: item.optional("driver", Field::text)?,
        selection,
        capabilities,
        options: item.or_default("options", Field::map)?,
    })
}

fn count(field: &Field<'_>) -> Result<GpuSelection, Fault> {
    match field.text()?.as_str() {
        "all" | "-1" => Ok(GpuSelection::All),
        text => match text.parse() {
            Ok(count @ 1..) => Ok(GpuSelection::Count(count)),
            _ => Err(field.fault(format!("`{text}` is no number of GPUs; write `all`, or 1 or more"))),
        },
    }
}
