//! Servers under load: the engine is the client, and the results are those of any other run.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use lem_tests::{Experiment, Project, beside_the_tests, eventually, integer, number, text};
use serde_json::{Value, json};

/// A scripted server, ended when dropped.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(manners: &str) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("a free port").port();
        let child = Command::new(beside_the_tests("lem-scripted-worker"))
            .args(["serve", &format!("port={port}")])
            .args(manners.split_whitespace())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        eventually("the server listens", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
        Self { child, port }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn served(url: &str) -> Experiment {
    Experiment::in_service("served").runner(json!({ "kind": "openai", "url": url })).with("streaming", true)
}

#[track_caller]
fn completed(project: &Project) -> Value {
    let row = project.result_of("served");
    assert_eq!((text(&row, "status"), &row["error"]), ("completed", &Value::Null), "{row:#}");
    row
}

#[test]
fn a_server_that_runs_already_is_measured_like_a_worker() {
    let server = Server::start("tokens=20 token_ms=5");
    let project = Project::new().experiment(served(&server.url()).with("max_output_tokens", 20));
    let _ = project.run().exits(0);
    let row = completed(&project);
    assert_eq!((integer(&row, "requests"), integer(&row, "output_tokens")), (3, 60));
    assert_eq!((integer(&row, "input_tokens"), text(&row, "runner")), (21, "openai"));
    assert!(number(&row, "ttft_ms_p50") >= 5.0, "{row:#}");
    let (energy_j, window_s) = (number(&row, "energy_j"), number(&row, "window_s"));
    let uncertainty_j = number(&row, "energy_uncertainty_j").max(0.01 * energy_j);
    let difference_j = (energy_j - 200.0 * window_s).abs();
    assert!(difference_j <= uncertainty_j, "200 W over {window_s} s are not {energy_j} ± {uncertainty_j} J");
    let detail = project.detail(&row);
    let requests = detail["request_records"].as_array().expect("a list");
    assert!(requests.iter().all(|request| request["itl_ms"].as_array().is_some_and(|gaps| gaps.len() == 19)));
    // One request at a time is cut by no edge: of attention nothing is missing but what a server does not tell.
    let missing = detail["metrics"]["attention_flops"]["missing"].as_array().expect("a list").clone();
    assert!(missing.iter().all(|missing| missing["input"] == "attention_shape"), "{missing:#?}");
    assert!(text(&detail, "parts_withheld").contains("seen from its client"), "{detail:#}");
}

#[test]
fn under_concurrent_load_the_window_is_the_steady_state_and_counts_the_tokens_in_it() {
    let server = Server::start("tokens=40 token_ms=5");
    let traffic = json!({ "type": "closed", "concurrency": 4 });
    let experiment = served(&server.url()).with("traffic", traffic).with("num_input_prompts", 12);
    let project = Project::new().experiment(experiment.with("max_output_tokens", 40));
    let _ = project.run().exits(0);
    let row = completed(&project);
    // Four at a time, each a token in 5 ms or a little more: never more than 800 tokens a second.
    let rate = number(&row, "tokens_per_second");
    assert!((400.0..=810.0).contains(&rate), "{rate} tokens/s");
    assert_eq!(integer(&row, "requests"), 12);
    what_the_opening_cut_is_kept(&project, &row);
}

/// The records of requests tell which of their tokens fell into the window, and add up to its totals with what was under
/// way at its end.
#[track_caller]
fn what_the_opening_cut_is_kept(project: &Project, row: &Value) {
    let detail = project.detail(row);
    let records = detail["request_records"].as_array().expect("a list");
    let cut: Vec<&Value> = records.iter().filter(|record| record["in_window"].is_object()).collect();
    assert!(!cut.is_empty() && cut.len() <= 4, "those that were under way when it opened: {records:#?}");
    let inside = |record: &Value| match &record["in_window"] {
        Value::Null => integer(record, "output_tokens"),
        part => integer(part, "output_tokens"),
    };
    let unfinished = integer(&detail["result"]["result"]["unfinished"], "output_tokens");
    let sum: i64 = records.iter().map(inside).sum();
    assert_eq!(sum + unfinished, integer(row, "output_tokens"));
    let missing = detail["metrics"]["attention_flops"]["missing"].as_array().expect("a list");
    let contexts = missing.iter().any(|missing| missing["input"] == "contexts");
    assert_eq!(contexts, unfinished > 0, "{missing:#?}");
    let shown = project.lem(&["result", "show", text(row, "run_id")]).exits(0).stdout;
    assert!(shown.contains(&format!("{} began before the window", cut.len())), "{shown}");
}

#[test]
fn a_key_reaches_the_server_and_nothing_else() {
    let server = Server::start("key=sk-very-secret");
    let runner = json!({ "kind": "openai", "url": server.url(), "api_key_env": "SERVED_KEY" });
    let experiment = Experiment::in_service("served").runner(runner);
    let project = Project::new().experiment(experiment).variable("SERVED_KEY", "sk-very-secret");
    let said = project.run().exits(0);
    let row = completed(&project);
    let everything = format!("{}{}{}", said.stdout, said.stderr, project.detail(&row));
    assert!(!everything.contains("sk-very-secret"));
    let database = std::fs::read(project.file("results/lem.db")).expect("the database");
    assert!(!database.windows(14).any(|bytes| bytes == b"sk-very-secret"));
}

#[test]
fn a_server_that_refuses_the_key_or_lacks_the_model_fails_the_run_with_what_to_do() {
    let server = Server::start("key=right");
    let project = Project::new().experiment(served(&server.url()));
    let _ = project.run().exits(1);
    let row = project.result_of("served");
    assert!(text(&row, "error").contains("401"), "{row:#}");

    let missing = json!({ "kind": "openai", "url": server.url(), "api_key_env": "NOT_SET_ANYWHERE" });
    let project = Project::new().experiment(Experiment::in_service("served").runner(missing));
    let _ = project.run().exits(1);
    let row = project.result_of("served");
    assert!(text(&row, "error").contains("NOT_SET_ANYWHERE is not set"), "{row:#}");
}
