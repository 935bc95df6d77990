//! Docker Compose 1.29 (Debian's `docker-compose`) as a second opinion: what `docker-compose config` makes of a file,
//! with everything put in, resolves to the same services as the file itself.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use lem_backend::compose::{self, Compose, Service};

use crate::fixtures;

/// Fixtures that Docker Compose 1.29 refuses: they use what came later.
const TOO_NEW: [&str; 7] = [
    "development",
    "environment_long",
    "gpus_short",
    "interpolation_v2",
    "namespaces",
    "optional_dependency",
    "volumes_long",
];

#[test]
fn docker_compose_reads_the_fixtures_as_we_do() {
    if Command::new("docker-compose").arg("--version").output().is_err() {
        skip("docker-compose is not installed (Debian: apt-get install docker-compose)");
        return;
    }
    let mut environment = fixtures::environment();
    environment.insert("COMPOSE_PROJECT_NAME".to_owned(), "reference".to_owned());
    for name in fixtures::names().iter().filter(|name| !TOO_NEW.contains(&name.as_str())) {
        let file = compose::find(&fixtures::folder().join(name)).expect("every fixture has a compose file");
        let ours = Compose::read(&file, &environment).expect("the fixture is read");
        let config = Command::new("docker-compose")
            .arg("--file")
            .arg(&file)
            .arg("config")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(&environment)
            .output()
            .expect("docker-compose runs");
        assert!(config.status.success(), "{name} is refused: {}", String::from_utf8_lossy(&config.stderr));
        let folder = tempfile::tempdir().expect("a folder");
        let resolved = folder.path().join("compose.yaml");
        fs::write(&resolved, &config.stdout).expect("written");
        let theirs = Compose::read(&resolved, &environment).expect("what docker-compose prints is read");
        for service in ours.service_names() {
            let read = |compose: &Compose| essence(compose.service(service).expect("the service resolves"));
            assert_eq!(read(&ours), read(&theirs), "{name}, service {service}");
        }
    }
}

/// A service without what a printed file has lost: the order of sets, notes, and which values were passed through.
fn essence(mut service: Service) -> (Service, BTreeMap<String, String>) {
    service.volumes.sort_by(|one, other| one.target.cmp(&other.target));
    service.cap_add.sort();
    service.notes.clear();
    service.environment.secrets.clear();
    let variables = service.environment.variables.clone();
    (service, variables)
}

#[expect(clippy::print_stderr, reason = "who runs the tests should see that one did not run")]
fn skip(reason: &str) {
    eprintln!("SKIPPED: {reason}; our reading of compose files was not compared with Docker Compose's");
}
