//! A server that speaks as much of the `OpenAI` API as a client under test needs: it knows one model and answers every
//! prompt with so many tokens, one after each pause.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::script::{Script, wait};

/// What it does to each request.
#[derive(Clone)]
struct Manners {
    tokens: u64,
    token: Duration,
    ready_after: Duration,
    begun: Instant,
    key: String,
}

/// `serve port=N [tokens=N] [token_ms=N] [ready_ms=N] [key=TEXT]`, until someone ends it.
pub(crate) fn serve(script: &Script) -> ExitCode {
    let port = u16::try_from(script.number("port", 0)).expect("a port");
    let listener = TcpListener::bind(("0.0.0.0", port)).expect("the port is free");
    let address = listener.local_addr().expect("it is bound");
    writeln!(std::io::stderr(), "serving on {address}").expect("standard error is open");
    let manners = Manners {
        tokens: script.number("tokens", 8),
        token: script.milliseconds("token_ms", 2),
        ready_after: script.milliseconds("ready_ms", 0),
        begun: Instant::now(),
        key: script.text("key", "").to_owned(),
    };
    for stream in listener.incoming().flatten() {
        let manners = manners.clone();
        // A client that goes away ends its thread.
        std::thread::spawn(move || answer(&stream, &manners).ok());
    }
    ExitCode::SUCCESS
}

/// One request; the connection is closed after it.
fn answer(stream: &TcpStream, manners: &Manners) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let (mut length, mut key) = (0, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap_or(0),
            "authorization" => value.clone_into(&mut key),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let asked = first.split(' ').nth(1).unwrap_or_default();
    if !manners.key.is_empty() && key != format!("Bearer {}", manners.key) {
        return say(stream, "401 Unauthorized", &json!({ "error": { "message": "wrong key" } }));
    }
    match asked {
        "/v1/models" if manners.begun.elapsed() < manners.ready_after => {
            say(stream, "503 Service Unavailable", &json!({ "error": { "message": "loading" } }))
        }
        "/v1/models" => say(stream, "200 OK", &json!({ "object": "list", "data": [{ "id": "scripted" }] })),
        "/v1/chat/completions" | "/v1/completions" => {
            stream_tokens(stream, asked.contains("chat"), &serde_json::from_slice(&body)?, manners)
        }
        _ => say(stream, "404 Not Found", &json!({ "error": { "message": "no such path" } })),
    }
}

fn say(mut stream: &TcpStream, status: &str, body: &Value) -> std::io::Result<()> {
    let body = body.to_string();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn stream_tokens(
    mut stream: &TcpStream,
    chat: bool,
    asked: &Value,
    manners: &Manners,
) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")?;
    let tokens = asked["max_tokens"].as_u64().map_or(manners.tokens, |most| most.min(manners.tokens));
    for number in 0..tokens {
        wait(manners.token);
        let text = format!(" word{number}");
        let choice = if chat { json!({ "delta": { "content": text } }) } else { json!({ "text": text }) };
        write!(stream, "data: {}\n\n", json!({ "choices": [choice] }))?;
    }
    if asked["stream_options"]["include_usage"] == true {
        let usage = json!({ "prompt_tokens": 7, "completion_tokens": tokens });
        write!(stream, "data: {}\n\n", json!({ "choices": [], "usage": usage }))?;
    }
    stream.write_all(b"data: [DONE]\n\n")
}
