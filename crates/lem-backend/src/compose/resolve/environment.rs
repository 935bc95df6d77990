//! The variables of a container: env files in their order, then `environment`; what is only named comes from the user's
//! environment. An unquoted number is passed as it is written.

use std::path::PathBuf;

use super::Context;
use crate::compose::dotenv::{Assignment, Format};
use crate::compose::error::{At, Fault, Remark};
use crate::compose::field::{Field, Pair};
use crate::compose::service::Environment;
use crate::compose::variables::{holds_credentials, sounds_secret};

/// A file of variables that a service names.
#[derive(Debug)]
pub(crate) struct EnvFile {
    pub(crate) path: PathBuf,
    pub(crate) format: Format,
    /// Whether it must exist.
    pub(crate) required: bool,
    pub(crate) at: At,
    pub(crate) field: String,
}

/// The env files of a service, the later ones winning.
pub(crate) fn env_files(service: &Field<'_>, context: &Context<'_>) -> Result<Vec<EnvFile>, Fault> {
    let Some(field) = service.get("env_file") else { return Ok(Vec::new()) };
    field.one_or_more()?.iter().map(|item| env_file(item, context)).collect()
}

fn env_file(item: &Field<'_>, context: &Context<'_>) -> Result<EnvFile, Fault> {
    let (written, required, format) = if item.is_mapping() {
        item.only(&["path", "required", "format"])?;
        let path = item.optional("path", Field::text)?.ok_or_else(|| item.fault("`path` is missing"))?;
        let format = item.optional("format", |format| match format.text()?.as_str() {
            "raw" => Ok(Format::Raw),
            other => Err(format.fault(format!("`{other}` is no format; write `raw`, or remove it"))),
        })?;
        let required = item.optional("required", Field::flag)?;
        (path, required.unwrap_or(true), format.unwrap_or(Format::Dotenv))
    } else {
        (item.text()?, true, Format::Dotenv)
    };
    let path = context.path(item.at(), &written).map_err(|problem| item.fault(problem))?;
    Ok(EnvFile { path, format, required, at: item.at(), field: item.path().to_owned() })
}

/// The variables of a service.
pub(super) fn environment(
    service: &Field<'_>,
    context: &Context<'_>,
    env_files: Vec<Assignment>,
    remarks: &mut Vec<Remark>,
) -> Result<Environment, Fault> {
    let mut environment = Environment::default();
    for Assignment { name, value, .. } in env_files {
        let passed = value.is_none();
        if let Some(value) = value.or_else(|| context.environment.get(&name).cloned()) {
            set(&mut environment, name, value, passed);
        }
    }
    let Some(field) = service.get("environment") else { return Ok(environment) };
    for pair in field.pairs()? {
        remarks.extend(number_remark(&pair, field.path()));
        let (passed, name) = (pair.value.is_none(), pair.name);
        if let Some(value) = pair.value.or_else(|| context.environment.get(&name).cloned()) {
            set(&mut environment, name, value, passed || pair.secret);
            continue;
        }
        environment.variables.remove(&name);
        environment.secrets.remove(&name);
        remarks.push(Remark {
            at: pair.at,
            field: field.path().to_owned(),
            message: format!("{name} is passed through, but is not set here; the container does not get it"),
        });
    }
    Ok(environment)
}

/// A remark on an unquoted whole number in a spelling that Docker Compose rewrites: `0x10` is `16` for it, `010` is `8`.
fn number_remark(pair: &Pair, field: &str) -> Option<Remark> {
    let value = pair.value.as_deref().filter(|_| pair.plain)?;
    let digits = value.trim_start_matches(['-', '+']);
    let is_number = digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, 'x' | 'o' | '_'));
    let is_rewritten = digits.len() > 1 && (digits.starts_with('0') || digits.contains('_'));
    (is_number && is_rewritten).then(|| Remark {
        at: pair.at,
        field: format!("{field}.{}", pair.name),
        message:
            "this number is passed as it is written, where Docker Compose would rewrite it; put it in quotes"
                .to_owned(),
    })
}

fn set(environment: &mut Environment, name: String, value: String, hidden: bool) {
    if hidden || sounds_secret(&name) || holds_credentials(&value) {
        environment.secrets.insert(name.clone());
    } else {
        environment.secrets.remove(&name);
    }
    environment.variables.insert(name, value);
}
