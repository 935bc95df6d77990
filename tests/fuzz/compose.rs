//! Compose files with all that they name: files that they extend, env files, `.env`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use lem_backend::compose::{Compose, ComposeError, Service};

use crate::corpus::{contents, files, shape, text};
use crate::hunt::{Target, hunt};

const FIXTURES: &str = "crates/lem-backend/tests/fixtures/compose";

/// Stands in the user's environment, for variables that are passed through.
const SECRET: &str = "hf_0f1e2d3c4b";

const WORDS: &[&str] = &[
    "services:\n",
    "  a:\n    image: b\n",
    "    extends: a\n",
    "    extends: {service: a, file: other.yaml}\n",
    "    extends: {service: vllm, file: compose.yaml}\n",
    "    env_file: fuzzed.env\n",
    "    env_file: [{path: missing.env, required: false}]\n",
    "    environment: [HF_TOKEN, A=1, A]\n",
    "    environment: {HF_TOKEN: , A: 1}\n",
    "    volumes: [./a:/b:ro, c:/d, /e, ~/f:/g]\n",
    "    volumes: [{type: bind, source: ., target: /x, read_only: true}]\n",
    "    gpus: all\n",
    "    gpus: [{count: -1}]\n",
    "    deploy: {resources: {reservations: {devices: [{capabilities: [gpu], count: all}]}}}\n",
    "    ipc: host\n",
    "    shm_size: 99999999999999999999g\n",
    "    shm_size: 0.5k\n",
    "    healthcheck: {test: [CMD-SHELL, a], interval: 1h1m1s}\n",
    "    healthcheck: {disable: true}\n",
    "    ulimits: {nofile: {soft: 1, hard: 2}}\n",
    "    ports: [\"1-3:4-6/udp\", 80]\n",
    "    depends_on: {a: {condition: service_healthy}}\n",
    "    networks: [a, b]\n",
    "    network_mode: \"service:a\"\n",
    "    profiles: [x]\n",
    "    labels: {lem.worker.command: \"a 'b c' d\"}\n",
    "    command: \"a \\\"b\"\n",
    "    cpus: 1e308\n",
    "    mem_limit: -1\n",
    "    stop_grace_period: 1e9h\n",
    "    tmpfs: /a:size=1g,mode=1777\n",
    "x-a: &a\n",
    "<<: *a\n",
    "<<: [*a, *b]\n",
    "*a",
    "&a ",
    "!!binary ",
    "!reset null",
    "!override ",
    "$X",
    "${X}",
    "${X:-",
    "${X-d}",
    "${X:?m}",
    "${X?}",
    "${X:+a}",
    "${X+a}",
    "${HF_TOKEN}",
    "$$",
    "$",
    "${",
    "}",
    "${}",
    "${X:-${Y:-${Z}}}",
    "${X!}",
    "'",
    "\"",
    "null",
    "~",
    "[]",
    "{}",
    "- ",
    "true",
    "0",
    "-1",
    "1e309",
    ".nan",
    "0x10",
    "\u{0}",
    "\u{feff}",
    "\r\n",
    "🦀",
    "../..",
    "/",
    "",
];

#[test]
fn any_text_is_a_compose_file_or_is_refused_with_a_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = laid_out(folder.path());
    let environment = BTreeMap::from([("HF_TOKEN", SECRET), ("HOME", "/home/ana"), ("X", ""), ("Y", "y")]);
    let environment =
        environment.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let seeds = contents(FIXTURES, &[".yml", ".yaml", ".env"]);
    hunt(Target { name: "compose", seeds, words: WORDS }, |input| {
        fs::write(&file, input).expect("the folder is ours");
        let text = text(input);
        let compose = match Compose::read(&file, &environment) {
            Ok(compose) => compose,
            Err(refused) => return sound(&refused, &file, &text),
        };
        let names = compose.service_names().iter().take(8);
        let told = names.map(|name| match compose.service(name) {
            Ok(service) => {
                assert_eq!(
                    compose.service(name).as_ref(),
                    Ok(&service),
                    "asked twice, it answers twice the same"
                );
                resolved(&service, name, &text)
            }
            Err(refused) => sound(&refused, &file, &text),
        });
        told.collect::<Vec<_>>().join("; ")
    });
}

/// The compose file in a folder with everything that the fixtures name. `other.yaml` and `fuzzed.env` are the compose
/// file itself.
fn laid_out(folder: &Path) -> PathBuf {
    let file = folder.join("compose.yaml");
    for from in files(FIXTURES) {
        let path = from.strip_prefix(lem_tests::repository().join(FIXTURES)).expect("it lies beneath");
        let beside: PathBuf = path.components().skip(1).collect();
        let to = folder.join(beside);
        fs::create_dir_all(to.parent().expect("in the folder")).expect("the folder is ours");
        fs::copy(from, to).expect("a fixture can be copied");
    }
    fs::write(&file, "").expect("the folder is ours");
    for name in ["other.yaml", "fuzzed.env"] {
        std::os::unix::fs::symlink(&file, folder.join(name)).expect("the folder is ours");
    }
    file
}

/// A message says where, and repeats a path at the most once: that may be as long as the file.
fn sound(refused: &ComposeError, file: &Path, text: &str) -> String {
    let message = refused.to_string();
    assert!(message.starts_with('/') && message.len() < 4096 + text.len(), "where is that? {message}");
    let place = match refused {
        ComposeError::Unreadable { place, .. }
        | ComposeError::Syntax { place, .. }
        | ComposeError::Value { place, .. }
        | ComposeError::Variable { place, .. }
        | ComposeError::Unsupported { place, .. } => place,
        ComposeError::NoService { wanted, .. } => panic!("the file's own service {wanted} does not exist"),
    };
    if let Some(line) = place.line.filter(|_| place.file == file) {
        let lines = text.split(['\n', '\r']).count();
        assert!((1..=lines + 1).contains(&(line as usize)), "{message} is beyond the {lines} lines");
    }
    shape(message.rsplit_once(".yaml:").map_or(&message, |(_, said)| said))
}

fn resolved(service: &Service, name: &str, text: &str) -> String {
    assert_eq!(service.name, name);
    let shown = format!("{service:?}");
    assert!(
        text.contains('$') || !shown.contains(SECRET),
        "a secret that is passed through is shown: {shown}"
    );
    if let Some(cpus) = service.limits.cpus {
        assert!(cpus.is_finite() && cpus >= 0.0, "{cpus} processors");
    }
    let written = serde_json::to_value(service).expect("a service can be recorded");
    let keys = written.as_object().expect("a mapping of keys");
    let empty = serde_json::json!([null, [], {}, false]);
    let set = keys.iter().filter(|(_, value)| !empty.as_array().is_some_and(|list| list.contains(value)));
    let notes = service.notes.iter().map(|note| shape(&note.message));
    set.map(|(key, _)| key.clone()).chain(notes).collect()
}
