//! A server that follows a script: as much of HTTP and of the OpenAI API as the load asks for, written by hand so that
//! it can also do what no good server does.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// What the server does.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(crate) models: Vec<&'static str>,
    /// Until so long after its start it answers 503.
    pub(crate) ready_after: Duration,
    /// Chunks with text in each answer, unless fewer tokens are asked for.
    pub(crate) chunks: usize,
    pub(crate) tokens_per_chunk: usize,
    pub(crate) first: Duration,
    pub(crate) gap: Duration,
    /// Input tokens that usage figures tell; `None` for a server without usage figures.
    pub(crate) usage: Option<usize>,
    pub(crate) pace: Pace,
    /// The answer ends with an end token, which is counted and has no text.
    pub(crate) end_token: bool,
    pub(crate) refuses_stream_options: bool,
    /// Lines end in `\r\n`, comments stand between events, and bytes come in pieces.
    pub(crate) difficult: bool,
    /// What a generation is answered with from the request of this number on, the probe being 0.
    pub(crate) fault: Option<(usize, Fault)>,
    /// What `POST /tokenize` counts; `None` if there is no such endpoint.
    pub(crate) tokenize: Option<usize>,
}

/// Whether gaps are as the script says.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    Even,
    /// Every second answer has twice the gaps, every third three times.
    Uneven,
    /// Answers to prompts with this text have fifty times the gaps.
    SlowAfter(&'static str),
}

/// What may go wrong with a generation.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    Status(u16, String),
    /// The connection closes after so many chunks.
    BreaksOff(usize),
    /// An error comes instead of the second chunk.
    GivesUp(&'static str),
    /// The same as llama.cpp has it: in a field called `error`, and then the answer ends as if it were complete.
    GivesUpInField(&'static str),
    /// The answer ends at once, and nothing is said of it.
    SaysNothing,
    /// The usage figures lack the input tokens.
    ForgetsInput,
    /// The answer is a JSON object.
    DoesNotStream,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            models: vec!["tiny"],
            ready_after: Duration::ZERO,
            chunks: 4,
            tokens_per_chunk: 1,
            first: Duration::from_millis(2),
            gap: Duration::from_millis(2),
            usage: Some(7),
            pace: Pace::Even,
            end_token: false,
            refuses_stream_options: false,
            difficult: false,
            fault: None,
            tokenize: None,
        }
    }
}

/// A server that runs until it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    journal: Arc<Journal>,
    _tasks: JoinSet<()>,
}

/// What happened to a server.
#[derive(Default)]
pub(crate) struct Journal {
    /// Bodies of generations, in order; the first is the probe's.
    pub(crate) asked: Mutex<Vec<Value>>,
    /// Headers of all requests.
    pub(crate) headers: Mutex<Vec<String>>,
    /// When tokens were sent, in nanoseconds of `CLOCK_MONOTONIC`, and how many.
    pub(crate) sent: Mutex<Vec<(i64, usize)>>,
    /// Generations that are under way.
    pub(crate) generating: AtomicUsize,
}

impl Server {
    pub(crate) async fn start(script: Script) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), script)
    }

    pub(crate) fn on(listener: TcpListener, script: Script) -> Self {
        let address = listener.local_addr().unwrap();
        let journal = Arc::new(Journal::default());
        let mut tasks = JoinSet::new();
        let (script, kept, start) = (Arc::new(script), Arc::clone(&journal), Instant::now());
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                // Else small writes wait for acknowledgements, 40 ms each.
                stream.set_nodelay(true).unwrap();
                let (script, journal) = (Arc::clone(&script), Arc::clone(&kept));
                connections.spawn(async move {
                    let ready_at = start + script.ready_after;
                    // A client that goes away is part of the test.
                    let _ = Connection { stream: BufReader::new(stream), script, journal, ready_at }
                        .serve()
                        .await;
                });
            }
        });
        Self { address, journal, _tasks: tasks }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Value> {
        self.journal.asked.lock().unwrap().clone()
    }

    pub(crate) fn headers(&self) -> String {
        self.journal.headers.lock().unwrap().join("\n")
    }

    pub(crate) fn generating(&self) -> usize {
        self.journal.generating.load(Ordering::SeqCst)
    }

    /// How many tokens were sent after `begin_ns` and up to `end_ns`.
    pub(crate) fn tokens_between(&self, begin_ns: i64, end_ns: i64) -> u64 {
        let sent = self.journal.sent.lock().unwrap();
        let within = sent.iter().filter(|(at_ns, _)| *at_ns > begin_ns && *at_ns <= end_ns);
        within.map(|(_, tokens)| *tokens as u64).sum()
    }
}

pub(crate) fn now_ns() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

struct Connection {
    stream: BufReader<TcpStream>,
    script: Arc<Script>,
    journal: Arc<Journal>,
    ready_at: Instant,
}

/// Counts a generation while it is under way, also when it is cut short.
struct Generating(Arc<Journal>);

impl Drop for Generating {
    fn drop(&mut self) {
        self.0.generating.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Connection {
    async fn serve(mut self) -> io::Result<()> {
        while let Some((line, body)) = self.request().await? {
            let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
            if Instant::now() < self.ready_at {
                self.answer(503, r#"{"error": {"message": "Loading model", "code": 503}}"#).await?;
                continue;
            }
            match path.as_str() {
                "/v1/models" => {
                    let models: Vec<Value> =
                        self.script.models.iter().map(|id| json!({ "id": id })).collect();
                    self.answer(200, &json!({ "object": "list", "data": models }).to_string()).await?;
                }
                "/version" => self.answer(200, r#"{"version": "0.99.1"}"#).await?,
                "/tokenize" if self.script.tokenize.is_some() => {
                    self.answer(200, &json!({ "count": self.script.tokenize }).to_string()).await?;
                }
                "/v1/chat/completions" | "/v1/completions" => {
                    let is_chat = path.contains("chat");
                    if !self.generation(&serde_json::from_slice(&body).unwrap(), is_chat).await? {
                        return Ok(());
                    }
                }
                _ => self.answer(404, &json!({ "detail": format!("Not Found: {path}") }).to_string()).await?,
            }
        }
        Ok(())
    }

    async fn request(&mut self) -> io::Result<Option<(String, Vec<u8>)>> {
        let mut head = String::new();
        loop {
            let before = head.len();
            if self.stream.read_line(&mut head).await? == 0 {
                return Ok(None);
            }
            if &head[before..] == "\r\n" {
                break;
            }
        }
        self.journal.headers.lock().unwrap().push(head.clone());
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
        });
        let mut body = vec![0; length.unwrap_or(0)];
        self.stream.read_exact(&mut body).await?;
        Ok(Some((head.lines().next().unwrap_or_default().to_owned(), body)))
    }

    async fn answer(&mut self, status: u16, body: &str) -> io::Result<()> {
        let head = format!(
            "HTTP/1.1 {status} Status\r\nServer: scripted\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.stream.write_all(head.as_bytes()).await?;
        self.stream.write_all(body.as_bytes()).await?;
        self.stream.flush().await
    }

    /// Answers a generation; `false` when the connection is to be closed.
    async fn generation(&mut self, body: &Value, is_chat: bool) -> io::Result<bool> {
        let number = {
            let mut asked = self.journal.asked.lock().unwrap();
            asked.push(body.clone());
            asked.len() - 1
        };
        if self.script.refuses_stream_options && body.get("stream_options").is_some() {
            let refusal = r#"{"error": {"message": "Unrecognized request argument: stream_options"}}"#;
            self.answer(400, refusal).await?;
            return Ok(true);
        }
        let fault = self.script.fault.clone().filter(|(from, _)| number >= *from).map(|(_, fault)| fault);
        match &fault {
            Some(Fault::Status(status, body)) => {
                self.answer(*status, body).await?;
                return Ok(true);
            }
            Some(Fault::DoesNotStream) => {
                self.answer(200, r#"{"choices": [{"message": {"content": "all"}}]}"#).await?;
                return Ok(true);
            }
            _ => {}
        }
        let gap = self.script.gap
            * match self.script.pace {
                Pace::Uneven => 1 + u32::try_from(number % 3).unwrap(),
                Pace::SlowAfter(text) if body["messages"][0]["content"] == text => 50,
                Pace::Even | Pace::SlowAfter(_) => 1,
            };
        self.journal.generating.fetch_add(1, Ordering::SeqCst);
        let _generating = Generating(Arc::clone(&self.journal));
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n";
        self.stream.write_all(head.as_bytes()).await?;
        self.stream_answer(body, is_chat, fault.as_ref(), gap).await
    }

    async fn stream_answer(
        &mut self,
        body: &Value,
        is_chat: bool,
        fault: Option<&Fault>,
        gap: Duration,
    ) -> io::Result<bool> {
        if is_chat {
            self.event(&json!({"choices": [{"delta": {"role": "assistant", "content": ""}}]}).to_string())
                .await?;
        }
        let most = body["max_tokens"].as_u64().map_or(usize::MAX, |most| usize::try_from(most).unwrap());
        let chunks = self.script.chunks.min(most.div_ceil(self.script.tokens_per_chunk));
        for position in 0..chunks {
            let wait = if position == 0 { self.script.first } else { gap };
            // Also notices a client that has gone away.
            tokio::select! {
                () = tokio::time::sleep_until(Instant::now() + wait) => {}
                left = self.stream.fill_buf() => if left?.is_empty() { return Ok(false) },
            }
            match fault {
                Some(Fault::BreaksOff(after)) if position >= *after => return Ok(false),
                Some(Fault::GivesUp(message)) if position == 1 => {
                    self.event(&json!({ "error": { "message": message } }).to_string()).await?;
                    return Ok(false);
                }
                Some(Fault::GivesUpInField(message)) if position == 1 => {
                    self.piece(format!("error: {}\n\n", json!({ "message": message })).as_bytes()).await?;
                    return self.done().await;
                }
                Some(Fault::SaysNothing) => return self.done().await,
                _ => {}
            }
            self.journal.sent.lock().unwrap().push((now_ns(), self.script.tokens_per_chunk));
            self.event(&chunk(is_chat, Some("wörd "), &Value::Null)).await?;
        }
        let reason = if self.script.end_token { "stop" } else { "length" };
        self.event(&chunk(is_chat, None, &reason.into())).await?;
        let wants_usage = body.pointer("/stream_options/include_usage").is_some();
        if let (Some(input), true) = (self.script.usage, wants_usage) {
            let output = chunks * self.script.tokens_per_chunk + usize::from(self.script.end_token);
            let mut usage = json!({ "prompt_tokens": input, "completion_tokens": output });
            if matches!(fault, Some(Fault::ForgetsInput)) {
                usage["prompt_tokens"] = Value::Null;
            }
            self.event(&json!({ "choices": [], "usage": usage }).to_string()).await?;
        }
        self.done().await
    }

    async fn done(&mut self) -> io::Result<bool> {
        self.event("[DONE]").await?;
        self.stream.write_all(b"0\r\n\r\n").await?;
        self.stream.flush().await?;
        Ok(true)
    }

    async fn event(&mut self, data: &str) -> io::Result<()> {
        if !self.script.difficult {
            return self.piece(format!("data: {data}\n\n").as_bytes()).await;
        }
        let event = format!(": ping\r\nid: 1\r\ndata: {data}\r\n\r\n");
        for piece in event.as_bytes().chunks(5) {
            self.piece(piece).await?;
        }
        Ok(())
    }

    /// A chunk of the transfer.
    async fn piece(&mut self, bytes: &[u8]) -> io::Result<()> {
        let piece = [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
        self.stream.write_all(&piece).await?;
        self.stream.flush().await
    }
}

fn chunk(is_chat: bool, text: Option<&str>, finish: &Value) -> String {
    let choice = match (is_chat, text) {
        (true, Some(text)) => json!({ "delta": { "content": text }, "finish_reason": finish }),
        (true, None) => json!({ "delta": {}, "finish_reason": finish }),
        (false, text) => json!({ "text": text.unwrap_or_default(), "finish_reason": finish }),
    };
    json!({ "object": "chunk", "choices": [choice] }).to_string()
}
