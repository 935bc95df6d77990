//! Health checks, and the services that have to come first.

use std::collections::BTreeMap;

use super::Context;
use crate::compose::error::Fault;
use crate::compose::field::{Field, list};
use crate::compose::service::{Condition, Dependency, Healthcheck};
use crate::compose::yaml::Value;

pub(super) fn check(field: &Field<'_>) -> Result<Healthcheck, Fault> {
    field.only(&["test", "interval", "timeout", "retries", "start_period", "start_interval", "disable"])?;
    let disabled = field.or_default("disable", Field::flag)?;
    let test = if disabled { Some(vec!["NONE".to_owned()]) } else { field.optional("test", test)? };
    Ok(Healthcheck {
        test,
        interval: field.optional("interval", Field::duration)?,
        timeout: field.optional("timeout", Field::duration)?,
        retries: field.optional("retries", Field::whole)?,
        start_period: field.optional("start_period", Field::duration)?,
        start_interval: field.optional("start_interval", Field::duration)?,
    })
}

/// The test as the engine takes it; a line is one for the shell.
fn test(field: &Field<'_>) -> Result<Vec<String>, Fault> {
    if !field.is_list() {
        return Ok(vec!["CMD-SHELL".to_owned(), field.text()?]);
    }
    let words = field.texts()?;
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["NONE"] | ["CMD", _, ..] | ["CMD-SHELL", _] => Ok(words),
        _ => Err(field.fault(
            "a test is one line, `[NONE]`, `[CMD, program, argument, ...]` or `[CMD-SHELL, one line]`",
        )),
    }
}

/// What `field` depends on; a required service must be in the compose file.
pub(super) fn depends_on(
    service: &Field<'_>,
    context: &Context<'_>,
) -> Result<BTreeMap<String, Dependency>, Fault> {
    let Some(field) = service.get("depends_on") else { return Ok(BTreeMap::new()) };
    let dependencies: Vec<(String, Field<'_>, Dependency)> = if field.is_list() {
        let started = Dependency { condition: Condition::Started, required: true };
        field.items()?.into_iter().map(|item| Ok((item.text()?, item, started))).collect::<Result<_, _>>()?
    } else {
        let read = |(name, item): (&str, _)| {
            let dependency = dependency(&item)?;
            Ok((name.to_owned(), item, dependency))
        };
        field.fields()?.into_iter().map(read).collect::<Result<_, _>>()?
    };
    for (name, item, dependency) in &dependencies {
        if dependency.required && !context.project.services.contains(name) {
            let known = list(&context.project.services);
            return Err(item.fault(format!("there is no service `{name}`; the file defines {known}")));
        }
    }
    Ok(dependencies.into_iter().map(|(name, _, dependency)| (name, dependency)).collect())
}

fn dependency(item: &Field<'_>) -> Result<Dependency, Fault> {
    if item.node().value == Value::Null {
        return Ok(Dependency { condition: Condition::Started, required: true });
    }
    item.only(&["condition", "required", "restart"])?;
    let condition = item.optional("condition", |field| match field.text()?.as_str() {
        "service_started" => Ok(Condition::Started),
        "service_healthy" => Ok(Condition::Healthy),
        "service_completed_successfully" => Ok(Condition::CompletedSuccessfully),
        other => Err(field.fault(format!(
            "`{other}` is no condition; write `service_started`, `service_healthy` or `service_completed_successfully`"
        ))),
    })?;
    Ok(Dependency {
        condition: condition.unwrap_or(Condition::Started),
        required: item.optional("required", Field::flag)?.unwrap_or(true),
    })
}
