//! From a compose service to a container of the engine.
//!
//! Deliberately absent: the service's health check, whose probes would run during measurements (see `health`).

use std::collections::{BTreeMap, HashMap};

use bollard::models::{
    ContainerCreateBody, DeviceMapping, DeviceRequest, HealthConfig, HostConfig, HostConfigLogConfig,
    ImageConfig, PortBinding, ResourcesUlimits,
};
use bollard::query_parameters::CreateContainerOptionsBuilder;

use super::connect::Engine;
use super::failure::ContainerError;
use super::image::{self, Image};
use super::labels::{self, Owner};
use super::remove::Removal;
use super::{mounts, networks};
use crate::compose::{GpuRequest, GpuSelection, Limits, Port, Service};

/// What a container is made from.
#[derive(Clone, Copy)]
pub(super) struct Recipe<'a> {
    pub(super) service: &'a Service,
    pub(super) image: &'a Image,
    /// The whole command line; entry points of image and service do not come before it.
    pub(super) command: &'a [String],
    /// Variables on top of the service's.
    pub(super) environment: &'a [(String, String)],
    pub(super) folder: Option<&'a str>,
    /// UUIDs to replace what the service asks for; `None` leaves it as it is.
    pub(super) gpus: Option<&'a [String]>,
    pub(super) owner: &'a Owner,
    pub(super) life: Life,
}

/// How long a container lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// For one worker, whose streams are attached.
    OneRun,
    /// For several, each executed in it.
    Campaign {
        /// Whether it stays afterwards.
        kept: bool,
    },
}

/// The command line of the worker: the label's, else the caller's, else what the container would run by itself.
fn command_line(service: &Service, image: &ImageConfig, caller: &[String]) -> Option<Vec<String>> {
    let own = || {
        let (entrypoint, default) = match &service.entrypoint {
            // An entry point of one's own takes the image's command away (the engine's rule).
            Some(entrypoint) => (Some(entrypoint), None),
            None => (image.entrypoint.as_ref(), image.cmd.as_ref()),
        };
        let command = service.command.as_ref().or(default);
        entrypoint.into_iter().chain(command).flatten().cloned().collect()
    };
    let caller = (!caller.is_empty()).then(|| caller.to_vec());
    let line: Vec<String> = service.worker_command.clone().or(caller).unwrap_or_else(own);
    (!line.is_empty()).then_some(line)
}

/// The same, or the error that there is none.
pub(super) fn worker_command(
    service: &Service,
    image: &Image,
    caller: &[String],
) -> Result<Vec<String>, ContainerError> {
    command_line(service, &image.config, caller).ok_or_else(|| ContainerError::NoCommand {
        service: service.name.clone(),
        image: image.facts.reference.clone(),
    })
}

/// Makes a container, and what has to exist for it. It is removed again unless the caller keeps it.
pub(super) async fn create(engine: &Engine, recipe: &Recipe<'_>) -> Result<Removal, ContainerError> {
    let Recipe { service, image, .. } = recipe;
    let attempt = image::attempt(engine, service, &image.facts.reference);
    mounts::ensure_volumes(engine, service, attempt).await?;
    networks::ensure_networks(engine, service, attempt).await?;
    networks::check_dependencies(engine, service, attempt).await?;
    let mut options = CreateContainerOptionsBuilder::default();
    if let Some(platform) = &service.platform {
        options = options.platform(platform);
    }
    let created = engine.docker.create_container(Some(options.build()), body(recipe)).await;
    let removal = Removal::new(engine, created.map_err(|error| attempt.failure(&error))?.id);
    match networks::connect_more(engine, service, removal.id(), attempt).await {
        Ok(()) => Ok(removal),
        Err(failure) => {
            removal.now().await;
            Err(failure)
        }
    }
}

fn body(recipe: &Recipe<'_>) -> ContainerCreateBody {
    let Recipe { service, image, owner, life, .. } = recipe;
    let one_run = *life == Life::OneRun;
    let kept = *life == Life::Campaign { kept: true };
    let mut host = host_config(service, *life);
    mounts::write(service, &mut host);
    let networking_config = networks::write(service, &mut host);
    let mut environment = environment(service, recipe.environment);
    grant_gpus(service, recipe.gpus, &mut host, &mut environment);
    let (ports, bindings) = ports(&service.ports);
    host.port_bindings = bindings;
    ContainerCreateBody {
        image: Some(image.facts.id.clone()),
        entrypoint: Some(recipe.command.to_vec()),
        env: Some(environment.into_iter().map(|(name, value)| format!("{name}={value}")).collect()),
        working_dir: recipe.folder.map(str::to_owned).or_else(|| service.working_dir.clone()),
        user: service.user.clone(),
        hostname: service.hostname.clone(),
        domainname: service.domainname.clone(),
        labels: Some(labels::of_container(service, owner, kept)),
        stop_signal: service.stop_signal.clone(),
        exposed_ports: ports,
        healthcheck: Some(HealthConfig { test: Some(vec!["NONE".into()]), ..HealthConfig::default() }),
        tty: Some(false),
        // Held open in a container for several: its own process may be a worker that waits for a first line.
        open_stdin: Some(true),
        stdin_once: Some(one_run),
        attach_stdin: Some(one_run),
        attach_stdout: Some(one_run),
        attach_stderr: Some(one_run),
        host_config: Some(host),
        networking_config,
        ..ContainerCreateBody::default()
    }
}

fn environment(service: &Service, more: &[(String, String)]) -> BTreeMap<String, String> {
    let mut variables = service.environment.variables.clone();
    variables.extend(more.iter().cloned());
    variables
}

fn host_config(service: &Service, life: Life) -> HostConfig {
    let some = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
    // A worker as process 1 would not notice a SIGTERM that it does not handle, so it gets a parent. What is executed
    // in a container for several is not process 1.
    let init = service.init.unwrap_or(life == Life::OneRun);
    let mut host = HostConfig {
        init: Some(init),
        auto_remove: Some(false),
        // The streams of a worker are attached; a copy on the engine's disk would cost energy in the window.
        log_config: (life == Life::OneRun)
            .then(|| HostConfigLogConfig { typ: Some("none".into()), config: None }),
        privileged: Some(service.privileged),
        readonly_rootfs: Some(service.read_only),
        runtime: service.runtime.clone(),
        ipc_mode: service.ipc.clone(),
        pid_mode: service.pid.clone(),
        uts_mode: service.uts.clone(),
        userns_mode: service.userns_mode.clone(),
        cgroupns_mode: service.cgroup.as_deref().and_then(|mode| mode.parse().ok()),
        cgroup_parent: service.cgroup_parent.clone(),
        shm_size: service.shm_size.map(signed),
        cap_add: some(&service.cap_add),
        cap_drop: some(&service.cap_drop),
        security_opt: some(&service.security_opt),
        group_add: some(&service.group_add),
        extra_hosts: some(&service.extra_hosts),
        dns: some(&service.dns),
        dns_search: some(&service.dns_search),
        dns_options: some(&service.dns_opt),
        sysctls: (!service.sysctls.is_empty()).then(|| service.sysctls.clone().into_iter().collect()),
        devices: devices(service),
        ulimits: ulimits(service),
        ..HostConfig::default()
    };
    limit(&service.limits, &mut host);
    host
}

fn devices(service: &Service) -> Option<Vec<DeviceMapping>> {
    let each = service.devices.iter().map(|device| DeviceMapping {
        path_on_host: Some(device.host.clone()),
        path_in_container: Some(device.container.clone()),
        cgroup_permissions: Some(device.permissions.clone()),
    });
    (!service.devices.is_empty()).then(|| each.collect())
}

fn ulimits(service: &Service) -> Option<Vec<ResourcesUlimits>> {
    let each = service.ulimits.iter().map(|(name, limit)| ResourcesUlimits {
        name: Some(name.clone()),
        soft: Some(limit.soft),
        hard: Some(limit.hard),
    });
    (!service.ulimits.is_empty()).then(|| each.collect())
}

fn limit(limits: &Limits, host: &mut HostConfig) {
    host.memory = limits.memory.map(signed);
    host.memory_swap = limits.memory_and_swap;
    host.memory_reservation = limits.memory_reservation.map(signed);
    host.memory_swappiness = limits.swappiness.map(i64::from);
    host.nano_cpus = limits.cpus.map(nano_cpus);
    host.cpu_shares = limits.cpu_shares;
    host.cpu_quota = limits.cpu_quota;
    host.cpu_period = limits.cpu_period;
    host.cpuset_cpus.clone_from(&limits.cpuset);
    host.pids_limit = limits.pids;
    host.oom_score_adj = limits.oom_score_adj;
    host.oom_kill_disable = limits.oom_kill_disable.then_some(true);
}

#[expect(clippy::cast_possible_truncation, reason = "a machine has far fewer than 9e9 processors")]
fn nano_cpus(cpus: f64) -> i64 {
    (cpus * 1e9).round() as i64
}

/// The API counts bytes in signed numbers; nothing real is larger.
pub(super) fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// Gives the plan's GPUs to a service that asks for GPUs, in the way that it asks.
fn grant_gpus(
    service: &Service,
    gpus: Option<&[String]>,
    host: &mut HostConfig,
    environment: &mut BTreeMap<String, String>,
) {
    if let Some(request) = &service.gpus {
        host.device_requests = Some(vec![device_request(request, gpus)]);
    } else if let (true, Some(gpus)) = (service.wants_gpus(), gpus) {
        // NVIDIA's runtime takes them from this variable.
        environment.insert("NVIDIA_VISIBLE_DEVICES".into(), gpus.join(","));
    }
}

fn device_request(request: &GpuRequest, gpus: Option<&[String]>) -> DeviceRequest {
    let (count, device_ids) = match (gpus, &request.selection) {
        (Some(gpus), _) => (None, Some(gpus.to_vec())),
        (None, GpuSelection::All) => (Some(-1), None),
        (None, GpuSelection::Count(count)) => (Some(i64::from(*count)), None),
        (None, GpuSelection::Ids(ids)) => (None, Some(ids.clone())),
    };
    DeviceRequest {
        driver: request.driver.clone(),
        count,
        device_ids,
        capabilities: Some(vec![request.capabilities.clone()]),
        options: Some(request.options.clone().into_iter().collect()),
    }
}

type Bindings = HashMap<String, Option<Vec<PortBinding>>>;

fn ports(ports: &[Port]) -> (Option<Vec<String>>, Option<Bindings>) {
    if ports.is_empty() {
        return (None, None);
    }
    let mut bindings = Bindings::new();
    for port in ports {
        let bound =
            bindings.entry(format!("{}/{}", port.container, port.protocol)).or_insert_with(|| Some(vec![]));
        bound.get_or_insert_default().push(PortBinding {
            host_ip: port.host_ip.clone(),
            host_port: port.host.map(|port| port.to_string()),
        });
    }
    (Some(bindings.keys().cloned().collect()), Some(bindings))
}

#[cfg(test)]
mod tests {
    use super::super::facts::ImageFacts;
    use super::*;
    use crate::compose::Compose;

    const UUID: &str = "GPU-8f6d3c1e-0000-0000-0000-000000000000";

    fn service(keys: &str) -> Service {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("compose.yaml");
        let top = "name: lab\nvolumes: {models: {}}\nnetworks: {front: {}, back: {}}\nservices:\n  vllm:\n    image: v\n";
        std::fs::write(&file, format!("{top}{keys}")).expect("written");
        let compose = Compose::read(&file, &BTreeMap::new()).expect("a compose file");
        compose.service("vllm").expect("a service")
    }

    fn image(entrypoint: &[&str], command: &[&str]) -> Image {
        let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
        let config =
            ImageConfig { entrypoint: words(entrypoint), cmd: words(command), ..ImageConfig::default() };
        let facts = ImageFacts {
            reference: "v".into(),
            id: "sha256:abc".into(),
            digests: Vec::new(),
            created: None,
            architecture: None,
            size: None,
        };
        Image { facts, config }
    }

    fn made(keys: &str, gpus: Option<&[String]>, life: Life) -> ContainerCreateBody {
        let owner = Owner { campaign: "c1".into(), run: Some("r1".into()), holder: None };
        let (service, image) = (service(keys), image(&[], &[]));
        body(&Recipe {
            service: &service,
            image: &image,
            command: &["python".into(), "-m".into(), "lem_worker".into()],
            environment: &[("CUDA_VISIBLE_DEVICES".into(), UUID.into())],
            folder: None,
            gpus,
            owner: &owner,
            life,
        })
    }

    fn host(keys: &str, gpus: Option<&[String]>) -> HostConfig {
        made(keys, gpus, Life::OneRun).host_config.expect("always given")
    }

    fn line(keys: &str, image: &Image, caller: &[&str]) -> Option<String> {
        let caller: Vec<String> = caller.iter().map(|word| (*word).to_owned()).collect();
        command_line(&service(keys), &image.config, &caller).map(|line| line.join(" "))
    }

    #[test]
    fn what_a_service_says_reaches_the_engine() {
        let keys = r#"
    user: "1000:1000"
    working_dir: /app
    environment: {HF_HOME: /models}
    volumes:
      - /data/configs:/configs:ro
      - models:/models
      - {type: tmpfs, target: /scratch, tmpfs: {size: 64m}}
    networks: [front, back]
    ports: ["127.0.0.1:8000:80", "9000/udp"]
    devices: [/dev/fuse]
    ipc: host
    shm_size: 8gb
    ulimits: {memlock: -1, stack: {soft: 1, hard: 2}}
    mem_limit: 1g
    cpus: 1.5
    healthcheck: {test: [CMD, true]}
    labels: {own: label}
"#;
        let mut body = made(keys, None, Life::OneRun);
        body.exposed_ports.as_mut().expect("published").sort();
        insta::with_settings!({ sort_maps => true }, { insta::assert_json_snapshot!(body) });
    }

    #[test]
    fn the_plans_gpus_replace_those_that_the_service_asks_for() {
        let gpus = [UUID.to_owned()];
        let keys = "    gpus: all\n";
        let request =
            |gpus: Option<&[String]>| host(keys, gpus).device_requests.expect("asked for").remove(0);
        assert_eq!(request(None).count, Some(-1));
        assert_eq!(request(Some(&gpus)).count, None);
        assert_eq!(request(Some(&gpus)).device_ids, Some(gpus.to_vec()));
        assert_eq!(host("", Some(&gpus)).device_requests, None, "a service that asks for none gets none");
    }

    #[test]
    fn nvidias_runtime_is_told_the_gpus_by_its_variable() {
        let gpus = [UUID.to_owned()];
        let body = made("    runtime: nvidia\n", Some(&gpus), Life::OneRun);
        assert!(body.env.expect("given").contains(&format!("NVIDIA_VISIBLE_DEVICES={UUID}")));
    }

    #[test]
    fn only_a_container_for_one_run_closes_its_input_and_needs_an_init_process() {
        let one = made("", None, Life::OneRun);
        assert_eq!((one.stdin_once, one.host_config.expect("given").init), (Some(true), Some(true)));
        let several = made("", None, Life::Campaign { kept: true });
        assert_eq!((several.stdin_once, several.open_stdin), (Some(false), Some(true)));
        assert_eq!(several.labels.expect("given").get(labels::KEPT).map(String::as_str), Some("true"));
    }

    #[test]
    fn the_worker_is_the_labels_then_the_callers_then_the_containers_own() {
        let own = image(&["/worker"], &["--stdio"]);
        let label = "    labels: {lem.worker.command: run it}\n";
        assert_eq!(line(label, &own, &["caller"]).as_deref(), Some("run it"));
        assert_eq!(line("    entrypoint: /e\n", &own, &["caller"]).as_deref(), Some("caller"));
        assert_eq!(line("", &own, &[]).as_deref(), Some("/worker --stdio"));
        assert_eq!(line("    command: --other\n", &own, &[]).as_deref(), Some("/worker --other"));
        assert_eq!(line("    entrypoint: /e\n", &own, &[]).as_deref(), Some("/e"));
        assert_eq!(line("", &image(&[], &[]), &[]), None);
    }
}
