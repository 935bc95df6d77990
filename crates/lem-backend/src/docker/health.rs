//! Waiting until a service is healthy.
//!
//! The engine's own health check is switched off, because it would go on during measurements; the same command is run
//! here until it passes, and then once before each further run.

use std::time::Duration;

use bollard::errors::Error;
use bollard::models::{HealthConfig, ImageConfig};
use tokio::time::{Instant, interval};

use super::connect::Engine;
use super::exec;
use super::failure::{Attempt, ContainerError};
use crate::compose::{Healthcheck, Service};

/// A check that passes is seen after this long at most.
const TICK: Duration = Duration::from_secs(1);

/// The engine's own defaults (docs.docker.com, Dockerfile reference, HEALTHCHECK).
const INTERVAL: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(30);
const RETRIES: u32 = 3;

/// How a service says that it is healthy.
#[derive(Debug, PartialEq, Eq)]
struct Check {
    command: Vec<String>,
    tick: Duration,
    timeout: Duration,
    /// The longest that the engine would take to call it unhealthy.
    patience: Duration,
}

/// Waits until the health check of a service passes; at once where there is none.
pub(super) async fn healthy(
    engine: &Engine,
    service: &Service,
    image: &ImageConfig,
    container: &str,
    attempt: Attempt<'_>,
) -> Result<(), ContainerError> {
    let Some(check) = check(service.healthcheck.as_ref(), image) else { return Ok(()) };
    let begun = Instant::now();
    let mut tick = interval(check.tick);
    loop {
        tick.tick().await;
        let done = exec::run(engine, container, check.command.clone(), None, check.timeout).await;
        let done = done.map_err(|error| unless_ended(&error, attempt))?;
        if done.code == Some(0) {
            return Ok(());
        }
        if begun.elapsed() >= check.patience {
            let last = match done.code {
                Some(code) => format!("{} (exit code {code})", done.last),
                None => format!("nothing within {} s", check.timeout.as_secs()),
            };
            let (service, check) = (service.name.clone(), check.command.join(" "));
            return Err(ContainerError::NeverHealthy { service, check, waited: begun.elapsed(), last });
        }
    }
}

/// Whether the check passes, tried once; `None` where there is none or it could not be run.
pub(super) async fn passes(
    engine: &Engine,
    service: &Service,
    image: &ImageConfig,
    container: &str,
) -> Option<bool> {
    let check = check(service.healthcheck.as_ref(), image)?;
    let done = exec::run(engine, container, check.command, None, check.timeout).await.ok()?;
    Some(done.code == Some(0))
}

/// "Container … is not running".
fn unless_ended(error: &Error, attempt: Attempt<'_>) -> ContainerError {
    match error {
        Error::DockerResponseServerError { status_code: 409, .. } => ContainerError::Ended {
            service: attempt.service.into(),
            exit: "before it was healthy".into(),
            last: String::new(),
        },
        _ => attempt.failure(error),
    }
}

/// The service's check, each value that it leaves open taken from the image's.
fn check(service: Option<&Healthcheck>, image: &ImageConfig) -> Option<Check> {
    let default = Healthcheck::default();
    let own = service.unwrap_or(&default);
    let none = HealthConfig::default();
    let image_check = image.healthcheck.as_ref().unwrap_or(&none);
    let command = command(own.test.as_ref().or(image_check.test.as_ref())?, image)?;
    let length = |own: Option<Duration>, nanoseconds: Option<i64>, default: Duration| {
        let image = nanoseconds.and_then(|ns| u64::try_from(ns).ok()).filter(|ns| *ns > 0);
        own.or(image.map(Duration::from_nanos)).unwrap_or(default)
    };
    let interval = length(own.interval, image_check.interval, INTERVAL);
    let timeout = length(own.timeout, image_check.timeout, TIMEOUT);
    let start_period = length(own.start_period, image_check.start_period, Duration::ZERO);
    let image_retries = image_check.retries.and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
    let retries = own.retries.or(image_retries).unwrap_or(RETRIES);
    Some(Check {
        command,
        tick: interval.clamp(Duration::from_millis(10), TICK),
        timeout,
        patience: start_period.saturating_add((interval.saturating_add(timeout)).saturating_mul(retries)),
    })
}

fn command(test: &[String], image: &ImageConfig) -> Option<Vec<String>> {
    let (kind, words) = test.split_first()?;
    match kind.as_str() {
        "CMD" if !words.is_empty() => Some(words.to_vec()),
        "CMD-SHELL" => {
            let shell = image.shell.clone().unwrap_or_else(|| vec!["/bin/sh".into(), "-c".into()]);
            Some(shell.into_iter().chain([words.join(" ")]).collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn image(test: &[&str]) -> ImageConfig {
        let healthcheck = HealthConfig {
            test: Some(words(test)),
            interval: Some(5_000_000_000),
            retries: Some(2),
            ..HealthConfig::default()
        };
        ImageConfig { healthcheck: Some(healthcheck), ..ImageConfig::default() }
    }

    #[test]
    fn no_check_anywhere_means_nothing_to_wait_for() {
        assert_eq!(check(None, &ImageConfig::default()), None);
        assert_eq!(check(None, &image(&["NONE"])), None);
        let disabled = Healthcheck { test: Some(words(&["NONE"])), ..Healthcheck::default() };
        assert_eq!(check(Some(&disabled), &image(&["CMD", "true"])), None);
    }

    #[test]
    fn the_service_overrides_the_image_value_by_value() {
        let own = Healthcheck { timeout: Some(Duration::from_secs(1)), ..Healthcheck::default() };
        let check = check(Some(&own), &image(&["CMD-SHELL", "curl -f localhost"])).expect("a check");
        assert_eq!(check.command, words(&["/bin/sh", "-c", "curl -f localhost"]));
        assert_eq!(check.timeout, Duration::from_secs(1));
        assert_eq!(check.patience, Duration::from_secs(12), "2 retries of 5 s and a check of 1 s");
    }

    #[test]
    fn the_engines_defaults_fill_the_rest() {
        let own = Healthcheck { test: Some(words(&["CMD", "true"])), ..Healthcheck::default() };
        let check = check(Some(&own), &ImageConfig::default()).expect("a check");
        assert_eq!(check.patience, 3 * (INTERVAL + TIMEOUT));
        assert_eq!(check.tick, TICK);
    }
}
