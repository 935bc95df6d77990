//! A project whose workers run in compose services, and the containers that it has.

use std::path::Path;

use lem_tests::{Experiment, Finished, Project, Running, beside_the_tests, text};
use serde_json::{Map, Value, json};

use crate::rig::{EMPTY_IMAGE, Lease, docker_lines, is_ready, try_docker};

/// Both ways to use containers.
pub(crate) const STRATEGIES: [&str; 2] = ["ephemeral", "persistent"];

/// The scripted worker inside a container.
const WORKER: &str = "/lem-scripted-worker";

/// The label by which every container of a project is found.
const LABEL: &str = "lem-e2e.project";

/// A project whose workers run in compose services.
pub(crate) struct Stage {
    pub(crate) project: Project,
    services: Map<String, Value>,
    settings: Value,
    containers: Containers,
    // Last: it goes after the containers have gone.
    _lease: Option<Lease>,
}

/// The containers with one label; dropped, they are removed: after a test that failed, or one about containers that
/// stay.
struct Containers {
    filter: String,
}

impl Containers {
    fn list(&self) -> [&str; 6] {
        ["ps", "--all", "--quiet", "--no-trunc", "--filter", &self.filter]
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        // Where the engine does not answer, the test has failed already.
        let Ok(ids) = try_docker(&self.list(), b"") else { return };
        for container in ids.lines() {
            let _ = try_docker(&["rm", "--force", "--volumes", container], b"");
        }
    }
}

impl Stage {
    /// A project without services. `None`, which skips the test, where there is no engine.
    pub(crate) fn new(strategy: &str) -> Option<Self> {
        is_ready().then(|| Self::with(strategy, Some(Lease::shared())))
    }

    /// The same while no other test of this program uses the engine.
    pub(crate) fn alone(strategy: &str) -> Option<Self> {
        is_ready().then(|| Self::with(strategy, Some(Lease::alone())))
    }

    /// One of each strategy while no other test of this program uses the engine.
    pub(crate) fn alone_together() -> Option<[Self; 2]> {
        // The last holds the lease for both: it is dropped last.
        let [first, last] = STRATEGIES;
        is_ready().then(|| [Self::with(first, None), Self::with(last, Some(Lease::alone()))])
    }

    fn with(strategy: &str, lease: Option<Lease>) -> Self {
        let docker = json!({ "strategy": strategy, "warmup_delay": 0, "auto_teardown": true });
        let settings = json!({ "docker": docker });
        let project = Project::new();
        let containers = Containers { filter: format!("label={LABEL}={}", project.path().display()) };
        Self { project, services: Map::new(), settings, containers, _lease: lease }
    }

    /// With a change to its project.
    pub(crate) fn project(mut self, change: impl FnOnce(Project) -> Project) -> Self {
        self.project = change(self.project);
        self
    }

    /// With a key of the section `docker` of the settings.
    pub(crate) fn setting(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.settings["docker"][key] = value.into();
        self
    }

    /// With one more experiment, in a service of its own that runs a scripted worker.
    pub(crate) fn scripted(self, name: &str, behaviour: &str) -> Self {
        let words = std::iter::once(WORKER).chain(behaviour.split_whitespace());
        self.running(name, &words.collect::<Vec<_>>())
    }

    /// The same with a shell, in whose script `$0` is the scripted worker and `$1` its mark.
    pub(crate) fn shell(self, name: &str, script: &str) -> Self {
        self.running(name, &["sh", "-c", script, WORKER])
    }

    /// The same with any command.
    pub(crate) fn running(mut self, name: &str, command: &[&str]) -> Self {
        self.set_command(name, command);
        self.project(|project| project.experiment(Experiment::in_service(name)))
    }

    /// Gives a service this scripted worker, from the next command on.
    pub(crate) fn rescript(&mut self, name: &str, behaviour: &str) {
        let words = std::iter::once(WORKER).chain(behaviour.split_whitespace());
        self.set_command(name, &words.collect::<Vec<_>>());
    }

    fn set_command(&mut self, name: &str, command: &[&str]) {
        let mark = self.project.mark();
        let words: Vec<String> = command.iter().copied().chain([mark.as_str()]).map(quoted).collect();
        let mut service = self.services.remove(name).unwrap_or_else(|| self.bare_service());
        service["labels"]["lem.worker.command"] = words.join(" ").into();
        self.services.insert(name.to_owned(), service);
    }

    /// With one more service that no experiment names yet.
    pub(crate) fn service(mut self, name: &str) -> Self {
        self.services.insert(name.to_owned(), self.bare_service());
        self
    }

    /// With a key of a service.
    pub(crate) fn key(mut self, service: &str, key: &str, value: impl Into<Value>) -> Self {
        self.services[service][key] = value.into();
        self
    }

    /// With one more volume of a service, in the short form.
    pub(crate) fn volume(mut self, service: &str, volume: &str) -> Self {
        let volumes = self.services[service]["volumes"].as_array_mut().expect("every service has volumes");
        volumes.push(volume.into());
        self
    }

    /// An empty image into which this machine's programs are mounted.
    fn bare_service(&self) -> Value {
        let worker = beside_the_tests("lem-scripted-worker");
        let programs = ["/usr", "/bin", "/lib", "/lib64"].into_iter().filter(|path| Path::new(path).exists());
        let mut volumes: Vec<String> = programs.map(|path| format!("{path}:{path}:ro")).collect();
        volumes.push(format!("{}:{WORKER}:ro", worker.display()));
        json!({
            "image": EMPTY_IMAGE,
            "network_mode": "none",
            "volumes": volumes,
            "labels": { LABEL: self.project.path().display().to_string() },
        })
    }

    /// Writes the compose file, the settings and the campaign file.
    pub(crate) fn write(&self) {
        // JSON is YAML too.
        let compose = json!({ "services": self.services });
        self.project.write("docker-compose.yml", &format!("{compose:#}\n"));
        self.project.write(".lem-config.yaml", &format!("{:#}\n", self.settings));
        self.project.write_campaign();
    }

    /// Starts the campaign.
    #[track_caller]
    pub(crate) fn start_run(&self) -> Running {
        self.write();
        self.project.start_run()
    }

    /// Runs the campaign to its end.
    #[track_caller]
    #[must_use]
    pub(crate) fn run(&self) -> Finished {
        self.start_run().finish()
    }

    /// Goes on with the last campaign.
    #[track_caller]
    #[must_use]
    pub(crate) fn resume(&self) -> Finished {
        self.write();
        self.project.lem(&["run", "--resume", "latest", "--json"])
    }

    /// The ids of the containers of this project, those that have ended included.
    #[track_caller]
    pub(crate) fn containers(&self) -> Vec<String> {
        docker_lines(&self.containers.list())
    }

    /// Fails if a container or a worker of this project is left.
    #[track_caller]
    pub(crate) fn leaves_nothing(&self) {
        let left = self.containers();
        assert!(left.is_empty(), "containers are left: {left:#?}");
        self.project.leaves_no_worker();
    }

    /// What the only run of `experiment` must have come to: failed, with this kind of error and these words in its
    /// sentence.
    #[track_caller]
    pub(crate) fn failed(&self, experiment: &str, kind: &str, words: &str) {
        let row = self.project.result_of(experiment);
        assert_eq!((text(&row, "status"), text(&row, "error_kind")), ("failed", kind), "{row:#}");
        assert!(text(&row, "error").contains(words), "{words:?} should be in the error of {row:#}");
    }

    /// The only run of `experiment` must have been completed.
    #[track_caller]
    pub(crate) fn completed(&self, experiment: &str) {
        let row = self.project.result_of(experiment);
        assert_eq!(text(&row, "status"), "completed", "{row:#}");
    }
}

/// A word of a label: for a shell's rules, and for compose, to which a dollar sign begins a variable.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''").replace('$', "$$"))
}
