//! The requests that are under way: each in a task of its own, so that the stamps of one do not wait for another.
//!
//! Dropping this ends the tasks, and with them the connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::Api;
use crate::ask::{ask, lock};
use crate::clock::monotonic_ns;
use crate::failure::Failure;
use crate::record::Record;
use crate::server::Server;

/// What happened to the request of this number, counted from 0 in the order of sending.
#[derive(Debug)]
pub(crate) enum News {
    /// Its first text was there.
    First { number: u64, at_ns: i64 },
    /// Its answer is complete.
    Done { number: u64, at_ns: i64 },
    /// There will be no answer.
    Failed { number: u64, failure: Failure },
}

/// A request that was sent.
#[derive(Debug)]
pub(crate) struct Sent {
    /// Which prompt it asks with.
    pub(crate) prompt: usize,
    /// When it arrived, by the schedule of open traffic.
    due_ns: Option<i64>,
    record: Arc<Mutex<Record>>,
}

impl Sent {
    /// What has arrived of the answer up to now.
    pub(crate) fn record(&self) -> Record {
        lock(&self.record).clone()
    }

    /// When its latency begins: at its arrival with open traffic, when it was sent otherwise.
    pub(crate) fn since_ns(&self, record: &Record) -> i64 {
        self.due_ns.unwrap_or(record.sent_ns)
    }
}

/// All requests under way.
#[derive(Debug)]
pub(crate) struct UnderWay {
    server: Server,
    api: Api,
    tasks: JoinSet<()>,
    sender: UnboundedSender<News>,
    news: UnboundedReceiver<News>,
    requests: HashMap<u64, Sent>,
    /// How many were sent.
    pub(crate) sent: u64,
    pub(crate) gauge: Gauge,
}

impl UnderWay {
    pub(crate) fn new(server: &Server, api: Api) -> Self {
        let (sender, news) = unbounded_channel();
        Self {
            server: server.clone(),
            api,
            tasks: JoinSet::new(),
            sender,
            news,
            requests: HashMap::new(),
            sent: 0,
            gauge: Gauge::default(),
        }
    }

    /// Whether no request is under way.
    pub(crate) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// Sends `body`, which asks with the prompt `prompt`.
    pub(crate) fn send(&mut self, prompt: usize, body: Vec<u8>, due_ns: Option<i64>) {
        let number = self.sent;
        self.sent += 1;
        let record = Arc::new(Mutex::new(Record::default()));
        self.requests.insert(number, Sent { prompt, due_ns, record: Arc::clone(&record) });
        self.gauge.change(monotonic_ns(), self.requests.len());
        let (server, api, sender) = (self.server.clone(), self.api, self.sender.clone());
        self.tasks.spawn(async move {
            // Nobody listens any more when the load has ended, which also ends this task.
            let first = |at_ns| drop(sender.send(News::First { number, at_ns }));
            match ask(&server, api, body, &record, first).await {
                Ok(answered) => {
                    let _ = sender.send(News::Done { number, at_ns: answered.end_ns });
                    answered.read_rest().await;
                }
                Err(refusal) => {
                    let _ = sender.send(News::Failed { number, failure: refusal.failure() });
                }
            }
        });
    }

    /// The next thing that happens. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<News, Failure> {
        loop {
            tokio::select! {
                biased;
                Some(news) = self.news.recv() => return Ok(news),
                Some(ended) = self.tasks.join_next() => {
                    if let Err(error) = ended {
                        return Err(Failure::engine(format!("a request ended in a panic of this program: {error}")));
                    }
                }
            }
        }
    }

    /// Takes out a request that is complete; it is no longer under way since `at_ns`.
    pub(crate) fn take(&mut self, number: u64, at_ns: i64) -> Option<Sent> {
        let sent = self.requests.remove(&number);
        self.gauge.change(at_ns, self.requests.len());
        sent
    }

    /// Ends all requests and gives what was sent and is not complete.
    pub(crate) async fn end(&mut self) -> Vec<Sent> {
        self.tasks.shutdown().await;
        self.requests.drain().map(|(_, sent)| sent).collect()
    }
}

/// How many requests are under way, over the time since it was started.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    started_ns: Option<i64>,
    since_ns: i64,
    level: usize,
    most: usize,
    /// Requests times nanoseconds.
    area: f64,
}

impl Gauge {
    /// Begins to measure at `at_ns`.
    pub(crate) fn start(&mut self, at_ns: i64) {
        (self.started_ns, self.since_ns, self.most, self.area) = (Some(at_ns), at_ns, self.level, 0.0);
    }

    /// There are `level` requests since `at_ns`.
    pub(crate) fn change(&mut self, at_ns: i64, level: usize) {
        self.pass(at_ns);
        self.level = level;
        self.most = self.most.max(level);
    }

    /// The greatest number, and the mean over time, from the start to `at_ns`.
    pub(crate) fn read(&mut self, at_ns: i64) -> (usize, f64) {
        self.pass(at_ns);
        let length = self.started_ns.map_or(0.0, |started_ns| float(at_ns - started_ns));
        (self.most, if length > 0.0 { self.area / length } else { 0.0 })
    }

    fn pass(&mut self, at_ns: i64) {
        // Stamps come from several tasks and may be a moment out of order.
        let passed_ns = (at_ns - self.since_ns).max(0);
        self.area += float(passed_ns) * float(i64::try_from(self.level).unwrap_or(i64::MAX));
        self.since_ns = self.since_ns.max(at_ns);
    }
}

#[expect(clippy::cast_precision_loss, reason = "2^53 ns are 104 days")]
fn float(nanoseconds: i64) -> f64 {
    nanoseconds as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_number_of_requests_is_over_time_and_from_the_start() {
        let mut gauge = Gauge::default();
        gauge.change(50, 9);
        gauge.change(90, 2);
        gauge.start(100);
        gauge.change(110, 3);
        gauge.change(130, 1);
        assert_eq!(gauge.read(140), (3, 2.25), "2 for 10, 3 for 20 and 1 for 10");
    }
}
