//! What a container may use of the host: the service's own keys, and `deploy.resources`.

use std::collections::BTreeMap;

use crate::compose::error::Fault;
use crate::compose::field::Field;
use crate::compose::service::{Limits, Ulimit};

pub(super) fn limits(service: &Field<'_>) -> Result<Limits, Fault> {
    let resources = service.get("deploy").and_then(|deploy| deploy.get("resources"));
    let limits = resources.as_ref().and_then(|resources| resources.get("limits"));
    let reservations = resources.as_ref().and_then(|resources| resources.get("reservations"));
    let (limits, reservations) = (limits.as_ref(), reservations.as_ref());
    Ok(Limits {
        memory: either(service, "mem_limit", limits, "memory", Field::bytes)?,
        memory_and_swap: service.optional("memswap_limit", bytes_or_unlimited)?,
        memory_reservation: either(service, "mem_reservation", reservations, "memory", Field::bytes)?,
        swappiness: service.optional("mem_swappiness", swappiness)?,
        cpus: either(service, "cpus", limits, "cpus", Field::positive)?,
        cpu_shares: service.optional("cpu_shares", Field::whole)?,
        cpu_quota: service.optional("cpu_quota", microseconds)?,
        cpu_period: service.optional("cpu_period", microseconds)?,
        cpuset: service.optional("cpuset", Field::text)?,
        pids: either(service, "pids_limit", limits, "pids", Field::whole)?,
        oom_score_adj: service.optional("oom_score_adj", Field::whole)?,
        oom_kill_disable: service.or_default("oom_kill_disable", Field::flag)?,
    })
}

/// A limit that may stand in two places; if it stands in both, they must agree.
fn either<'a, T: PartialEq>(
    service: &Field<'a>,
    own: &str,
    deploy: Option<&Field<'a>>,
    deployed: &str,
    read: impl Fn(&Field<'a>) -> Result<T, Fault>,
) -> Result<Option<T>, Fault> {
    let in_deploy = match deploy {
        Some(deploy) => deploy.optional(deployed, &read)?,
        None => None,
    };
    match (service.optional(own, &read)?, in_deploy) {
        (Some(one), Some(other)) if one != other => {
            let field = service.get(own).unwrap_or_else(|| service.clone());
            Err(field.fault(format!(
                "`{deployed}` under `deploy.resources` says something else; remove one of them"
            )))
        }
        (one, other) => Ok(one.or(other)),
    }
}

fn bytes_or_unlimited(field: &Field<'_>) -> Result<i64, Fault> {
    if field.text()? == "-1" {
        return Ok(-1);
    }
    i64::try_from(field.bytes()?).map_err(|_| field.fault("this is more than any machine has"))
}

fn swappiness(field: &Field<'_>) -> Result<u32, Fault> {
    let value = field.whole()?;
    if value > 100 { Err(field.fault("the range is 0 to 100")) } else { Ok(value) }
}

/// A time in microseconds, as a number or with a unit.
fn microseconds(field: &Field<'_>) -> Result<i64, Fault> {
    if let Ok(number) = field.whole() {
        return Ok(number);
    }
    i64::try_from(field.duration()?.as_micros()).map_err(|_| field.fault("this time is too long"))
}

pub(super) fn ulimits(field: &Field<'_>) -> Result<BTreeMap<String, Ulimit>, Fault> {
    field.fields()?.into_iter().map(|(name, limit)| Ok((name.to_owned(), ulimit(&limit)?))).collect()
}

fn ulimit(field: &Field<'_>) -> Result<Ulimit, Fault> {
    if !field.is_mapping() {
        let limit = field.whole()?;
        return Ok(Ulimit { soft: limit, hard: limit });
    }
    field.only(&["soft", "hard"])?;
    match (field.optional("soft", Field::whole)?, field.optional("hard", Field::whole)?) {
        (Some(soft), Some(hard)) => Ok(Ulimit { soft, hard }),
        _ => Err(field.fault("both `soft` and `hard` are needed; or write one number for both")),
    }
}
