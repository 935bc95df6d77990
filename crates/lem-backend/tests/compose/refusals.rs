//! Every refusal, as the user reads it.

use std::fs;
use std::path::Path;

use lem_backend::compose::{Compose, ComposeError};

use crate::fixtures;

/// What reading the file and resolving its service `s` says.
fn refusal(folder: &Path, text: &str) -> String {
    let file = folder.join("docker-compose.yml");
    fs::write(&file, text).expect("written");
    let error = Compose::read(&file, &fixtures::environment())
        .and_then(|compose| compose.service("s"))
        .expect_err(text);
    error.to_string().replace(&folder.display().to_string(), "PROJECT")
}

fn refusals(texts: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = |text: &&str| {
        let indented = indented(text);
        format!("{indented}=> {}\n", refusal(folder.path(), text))
    };
    texts.iter().map(refused).collect::<Vec<_>>().join("\n")
}

/// A service `s` with an image and these lines.
fn with(lines: &str) -> String {
    format!("services:\n  s:\n    image: i\n{}", indented(lines))
}

fn indented(lines: &str) -> String {
    lines.lines().flat_map(|line| ["    ", line, "\n"]).collect()
}

fn refusals_of_service(lines: &[&str]) -> String {
    let texts: Vec<String> = lines.iter().map(|lines| with(lines)).collect();
    refusals(&texts.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn files_that_are_no_compose_files() {
    insta::assert_snapshot!(refusals(&[
        "",
        "- a\n- b\n",
        "web:\n  image: old\n",
        "services: [a]\n",
        "services:\n  s: text\n",
        "services: {}\n",
        "services:\n  s: {image: a}\n  s: {image: b}\n",
        "services:\n\ts:\n",
        "services:\n  s: {image: a\n",
        "services:\n  s: &s {image: a, x: *s}\n",
        "services:\n  s: {image: a}\n---\nservices: {}\n",
        "services:\n  s: {image: a, ports: !reset []}\n",
        "services:\n  s: {<<: text}\n",
        "services:\n  s:\n",
        "services:\n  vllm: {image: a}\n  pytorch: {image: b}\n",
        "services:\n  S: {image: a}\n",
    ]));
}

#[test]
fn variables() {
    insta::assert_snapshot!(refusals(&[
        "services:\n  s:\n    image: ${TAG:?set the tag of the image}\n",
        "services:\n  s:\n    image: a\n    user: ${UNCLOSED\n",
        "services:\n  s:\n    image: a\n    command: [sh, -c, \"echo $1\"]\n",
        "services:\n  s:\n    image: a\n    environment: {A: \"${B!}\"}\n",
        "services:\n  b: {image: \"${X?}\"}\n  s: {extends: b, image: own}\n",
        "services:\n  s: {image: i, volumes: [v:/v]}\nvolumes:\n  v: {name: \"${NAME:?which}\"}\n",
    ]));
}

#[test]
fn extends() {
    insta::assert_snapshot!(refusals(&[
        "services:\n  s: {extends: nobody}\n",
        "services:\n  s: {extends: s}\n",
        "services:\n  s: {extends: a}\n  a: {extends: {service: b}}\n  b: {extends: s}\n",
        "services:\n  s: {extends: {file: other.yml, service: a}}\n",
        "services:\n  s: {extends: {file: docker-compose.yml, service: s}}\n",
        "services:\n  s: {extends: {file: .}}\n",
        "services:\n  s: {extends: {service: a, from: b}}\n  a: {image: i}\n",
        "services:\n  s: {extends: [a]}\n  a: {image: i}\n",
        "services:\n  s: {extends: a, deploy: [x]}\n  a: {image: i, deploy: {mode: global}}\n",
        "services:\n  s: {extends: a, environment: [B=1]}\n  a: {image: i, environment: [[A]]}\n",
    ]));
}

#[test]
fn environment() {
    insta::assert_snapshot!(refusals_of_service(&[
        "environment: text",
        "environment: {A: [1]}",
        "environment: [\"=x\"]",
        "env_file: missing.env",
        "env_file: [{required: false}]",
        "env_file: [{path: a, format: json}]",
        "env_file: docker-compose.yml",
    ]));
}

#[test]
fn volumes_and_devices() {
    insta::assert_snapshot!(refusals_of_service(&[
        "volumes: [\"data:/data\"]",
        "volumes: [\"data/sub:/data\"]",
        "volumes: [\"./a:relative\"]",
        "volumes: [\"./a:/a:rx\"]",
        "volumes: [\"a:b:c:d\"]",
        "volumes: [\":/a\"]",
        "volumes: [\"~root/a:/a\"]",
        "volumes: {a: /b}",
        "volumes: [{source: ./a, target: /a}]",
        "volumes: [{type: bind, target: /a}]",
        "volumes: [{type: bind, source: ./a}]",
        "volumes: [{type: npipe, source: a, target: /a}]",
        "volumes: [{type: bind, source: ./a, target: /a, readonly: true}]",
        "volumes: [{type: tmpfs, target: /a, tmpfs: {size: big}}]",
        "tmpfs: \"/tmp:uid=5\"",
        "tmpfs: \"/tmp:mode=9\"",
        "devices: [\"nvidia.com/gpu=0\"]",
        "devices: [\"/dev/a:/dev/b:x\"]",
        "devices: [{target: /dev/a}]",
    ]));
}

#[test]
fn gpus() {
    insta::assert_snapshot!(refusals_of_service(&[
        "gpus: 1",
        "gpus: [{count: 0}]",
        "gpus: [{count: many}]",
        "gpus: [{count: 1, device_ids: [\"0\"]}]",
        "gpus: [{device_ids: []}]",
        "gpus: [{count: 1}, {count: 2}]",
        "deploy: {resources: {reservations: {devices: [{count: 1}]}}}",
        "deploy: {resources: {reservations: {devices: [{capabilities: [tpu]}]}}}",
        "deploy: {resources: {reservations: {devices: [{capabilities: [gpu], ids: [\"0\"]}]}}}",
        "deploy: {resources: {reservations: {generic_resources: [{discrete_resource_spec: {kind: gpu, value: 2}}]}}}",
        "gpus: all\ndeploy: {resources: {reservations: {devices: [{capabilities: [gpu], count: 1}]}}}",
    ]));
}

#[test]
fn limits_and_flags() {
    insta::assert_snapshot!(refusals_of_service(&[
        "shm_size: 12q",
        "mem_limit: lots",
        "mem_limit: 1g\ndeploy: {resources: {limits: {memory: 2g}}}",
        "mem_swappiness: 101",
        "cpus: 0",
        "cpus: [1]",
        "pids_limit: 1.5",
        "ulimits: {nofile: many}",
        "ulimits: {nofile: {soft: 1}}",
        "privileged: maybe",
        "stop_grace_period: 30",
        "command: \"sh -c 'open\"",
        "labels: {lem.worker.command: \"\"}",
        "labels: {lem.worker.command: \"python 'open\"}",
        "image: [a]",
    ]));
}

#[test]
fn networks_and_health() {
    insta::assert_snapshot!(refusals_of_service(&[
        "network_mode: host\nnetworks: [default]",
        "network_mode: service:other",
        "ipc: service:other",
        "networks: [inner]",
        "ports: [\"8000:x\"]",
        "ports: [\"0\"]",
        "ports: [\"1-2:1-3\"]",
        "ports: [\"1:1/icmp\"]",
        "ports: [\"there:1:1\"]",
        "ports: [{published: 1}]",
        "extra_hosts: [name]",
        "healthcheck: {test: [curl, localhost]}",
        "healthcheck: {test: []}",
        "healthcheck: {test: x, interval: 30}",
        "healthcheck: {tests: x}",
        "depends_on: [nobody]",
        "depends_on: {s: {condition: ready}}",
    ]));
}

#[test]
fn keys_that_lem_does_not_do_or_nobody_knows() {
    insta::assert_snapshot!(refusals_of_service(&[
        "secrets: [token]",
        "configs: [c]",
        "volumes_from: [other]",
        "links: [db]",
        "device_cgroup_rules: [\"c 1:3 mr\"]",
        "blkio_config: {weight: 300}",
        "storage_opt: {size: 1G}",
        "post_start: [{command: x}]",
        "enviroment: {A: 1}",
        "deploy: {resource: {}}",
        "deploy: {resources: {limits: {gpus: 1}}}",
    ]));
}

#[test]
fn files_that_cannot_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let say =
        |error: ComposeError| error.to_string().replace(&folder.path().display().to_string(), "PROJECT");
    let missing =
        Compose::read(&folder.path().join("none.yml"), &fixtures::environment()).expect_err("missing");
    let is_folder = Compose::read(folder.path(), &fixtures::environment()).expect_err("a folder");
    fs::write(folder.path().join("bytes.yml"), [0xff, 0xfe, 0x00]).expect("written");
    let bytes =
        Compose::read(&folder.path().join("bytes.yml"), &fixtures::environment()).expect_err("no text");
    fs::write(folder.path().join(".env"), "A=1\nB='open\n").expect("written");
    fs::write(folder.path().join("compose.yml"), "services: {}\n").expect("written");
    let dotenv =
        Compose::read(&folder.path().join("compose.yml"), &fixtures::environment()).expect_err("dotenv");
    insta::assert_snapshot!([missing, is_folder, bytes, dotenv].map(say).join("\n"));
}
