//! A rig without an outside: virtual time, a journal in memory, workers that are tasks. Only the meter is real: the
//! simulated one, on the sampler's real thread.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use lem_backend::{Control as Life, Exit, Session, StartError};
use lem_campaign::plan::{self, Plan, PlannedRun, worker_experiment};
use lem_campaign::run::{
    Campaign, CampaignEvent, Clock, Control, CpuTime, Journal, JournalError, Limits, Look, Meters,
    MetersError, Owner, Rig, RunError, Summary, Surroundings, Workers, run,
};
use lem_measure::Sample;
use lem_power::{Meter, MeterChoice, Xids};
use lem_protocol::Experiment;
use lem_spec::campaign::{Overrides, read, resolve};
use lem_spec::settings::Settings;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

/// Tokio's paused clock: it moves on by itself when every task waits.
#[derive(Clone, Copy)]
pub(crate) struct VirtualClock {
    start: Instant,
    start_ns: i64,
}

impl VirtualClock {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), start_ns: lem_power::now_ns() }
    }
}

impl Clock for VirtualClock {
    fn now_ns(&self) -> i64 {
        self.start_ns + i64::try_from(self.start.elapsed().as_nanos()).expect("short")
    }

    fn unix_ns(&self) -> i64 {
        1_800_000_000_000_000_000 + self.now_ns()
    }

    fn sleep_until(&self, t_ns: i64) -> BoxFuture<'static, ()> {
        let left = u64::try_from(t_ns - self.now_ns()).unwrap_or(0);
        #[expect(clippy::disallowed_methods, reason = "virtual time")]
        tokio::time::sleep(Duration::from_nanos(left)).boxed()
    }
}

/// What a scripted worker does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Script {
    /// Answers every request, taking this many seconds.
    Honest(u64),
    /// Says who it is, and then nothing.
    Silent,
    /// Ends without a result.
    Dies,
    /// Cannot be started.
    Absent,
}

/// What happened, in order: `journal NAME` and `show NAME`.
pub(crate) type Log = Arc<Mutex<Vec<String>>>;

/// A test of one campaign.
pub(crate) struct CampaignTest {
    pub(crate) yaml: String,
    pub(crate) scripts: Vec<Script>,
    pub(crate) last_run_ended_ago_s: Option<f64>,
    pub(crate) journal_fails_at: Option<&'static str>,
    pub(crate) events: Arc<Mutex<Vec<CampaignEvent>>>,
    pub(crate) log: Log,
    pub(crate) limits: Limits,
}

impl CampaignTest {
    /// A campaign of two experiments and two cycles with the usual gaps, whose workers do as `scripts` say, in turn.
    pub(crate) fn new(scripts: &[Script]) -> Self {
        let yaml = "campaign_name: test\nrunner: process\ngrid:\n  backends: candle\n  models: m\n  shared:\n    \
                    max_output_tokens: [1, 2]\nexecution:\n  cycles: 2\n";
        Self {
            yaml: yaml.into(),
            scripts: scripts.to_vec(),
            last_run_ended_ago_s: None,
            journal_fails_at: None,
            events: Arc::default(),
            log: Log::default(),
            limits: Limits { run_timeout_s: None, silence_timeout_s: 600.0, max_consecutive_failures: 10 },
        }
    }

    pub(crate) fn plan(&self) -> Plan {
        let (campaign, problems) = read("test.yaml", &self.yaml, &|path| Err(format!("no {path}")));
        let campaign = campaign.unwrap_or_else(|| panic!("{problems:?}"));
        plan::plan(&resolve(campaign, &Overrides::default(), &Settings::default()), 7)
    }

    pub(crate) async fn run(&self, control: &Control) -> Result<Summary, RunError> {
        let plan = self.plan();
        let clock = VirtualClock::new();
        let journal = MemoryJournal { log: Arc::clone(&self.log), fails_at: self.journal_fails_at };
        let workers = Scripted { plan: &plan, scripts: &self.scripts, clock };
        let show = |event: &CampaignEvent| {
            if let Some(name) = name(event) {
                self.log.lock().expect("no panic").push(format!("show {name}"));
            }
            self.events.lock().expect("no panic").push(event.clone());
        };
        let ids = Mutex::new(0);
        let new_id = || {
            let mut ids = ids.lock().expect("no panic");
            *ids += 1;
            format!("run-{ids}")
        };
        let rig = Rig {
            clock: &clock,
            journal: &journal,
            show: &show,
            workers: &workers,
            meters: &Simulated,
            new_id: &new_id,
            interval_ms: 50,
            surroundings: &Nowhere,
            limits: self.limits,
        };
        let ago_ns =
            |s: f64| clock.now_ns() - i64::try_from(Duration::from_secs_f64(s).as_nanos()).expect("short");
        let campaign = Campaign {
            id: "campaign".into(),
            todo: (0..plan.runs.len()).collect(),
            plan: &plan,
            last_run_ended_ns: self.last_run_ended_ago_s.map(ago_ns),
            known: Vec::new(),
        };
        run(&campaign, &rig, control).await
    }

    /// What `pick` finds in the events, in order.
    pub(crate) fn pick<T>(&self, pick: impl Fn(&CampaignEvent) -> Option<T>) -> Vec<T> {
        self.events.lock().expect("no panic").iter().filter_map(pick).collect()
    }
}

/// The word of an event that is journalled; samples and the like come as they come.
fn name(event: &CampaignEvent) -> Option<String> {
    let json = serde_json::to_value(event).expect("plain data");
    let name = json["event"].as_str().expect("tagged").to_owned();
    (!matches!(name.as_str(), "samples" | "progress" | "log")).then_some(name)
}

struct Simulated;

impl Meters for Simulated {
    fn open(&self) -> Result<Vec<Box<dyn Meter>>, MetersError> {
        let choice = MeterChoice::parse("simulated").expect("known");
        Ok(lem_power::open(&choice).unwrap_or_else(|e| panic!("{e}")).meters)
    }
}

/// Surroundings of which nothing can be found out.
struct Nowhere;

impl Surroundings for Nowhere {
    fn look<'a>(&'a self, _run: &'a PlannedRun, _owner: Owner) -> BoxFuture<'a, Look> {
        async { Look::default() }.boxed()
    }

    fn listen(&self) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }

    fn heard(&self) -> BTreeMap<String, Xids> {
        BTreeMap::new()
    }

    fn cpu_time(&self, _: &PlannedRun, _: &Owner, _: Option<&CpuTime>) -> Result<CpuTime, String> {
        Err("this is nowhere".into())
    }
}

struct MemoryJournal {
    log: Log,
    fails_at: Option<&'static str>,
}

impl Journal for MemoryJournal {
    fn record<'a>(&'a self, event: &'a CampaignEvent) -> BoxFuture<'a, Result<(), JournalError>> {
        async move {
            let name = name(event).unwrap_or_default();
            if self.fails_at == Some(name.as_str()) {
                return Err(JournalError { message: "the disk is full".into(), hint: None });
            }
            self.log.lock().expect("no panic").push(format!("journal {name}"));
            Ok(())
        }
        .boxed()
    }

    fn samples<'a>(
        &'a self,
        _run_id: &'a str,
        _device_id: &'a str,
        _samples: &'a [Sample],
    ) -> BoxFuture<'a, Result<(), JournalError>> {
        async { Ok(()) }.boxed()
    }
}

struct Scripted<'a> {
    plan: &'a Plan,
    scripts: &'a [Script],
    clock: VirtualClock,
}

impl Workers for Scripted<'_> {
    fn start<'a>(
        &'a self,
        run: &'a PlannedRun,
        _run_id: &'a str,
    ) -> BoxFuture<'a, Result<Session, StartError>> {
        let script = self.scripts[run.index % self.scripts.len()];
        let clock = self.clock;
        async move {
            if let Script::Absent = script {
                return Err(StartError::NotFound("scripted".into()));
            }
            let (stdin, _their_stdin) = tokio::io::duplex(1 << 16);
            let (stdout, theirs) = tokio::io::duplex(1 << 16);
            let task = tokio::spawn(play(script, theirs, clock));
            let (stderr, _) = tokio::io::duplex(64);
            let control = Box::new(TaskLife(task));
            Ok(Session {
                stdin: Box::new(stdin),
                stdout: Box::new(stdout),
                stderr: Box::new(stderr),
                control,
            })
        }
        .boxed()
    }

    fn message(&self, run: &PlannedRun, run_id: &str) -> Experiment {
        let experiment = worker_experiment(&self.plan.experiments[run.experiment].spec, run_id, 0);
        Experiment {
            workload: lem_protocol::Workload { sample_size: 1, ..experiment.workload.clone() },
            ..experiment
        }
    }
}

async fn play(script: Script, mut out: tokio::io::DuplexStream, clock: VirtualClock) {
    let mut say = async |event: serde_json::Value| {
        let mut event = event;
        event["t_ns"] = clock.now_ns().into();
        out.write_all(format!("{event}\n").as_bytes()).await.expect("the engine reads");
    };
    say(serde_json::json!({ "event": "hello", "protocol": 1, "engine": "scripted", "versions": {} })).await;
    match script {
        Script::Honest(seconds) => {
            say(serde_json::json!({ "event": "phase", "phase": "measure", "edge": "begin" })).await;
            clock.sleep_until(clock.now_ns() + i64::try_from(seconds).expect("short") * 1_000_000_000).await;
            say(serde_json::json!({ "event": "request", "index": 0, "input_tokens": 3, "output_tokens": 5,
                "latency_ms": 500.0 }))
            .await;
            say(serde_json::json!({ "event": "phase", "phase": "measure", "edge": "end" })).await;
            say(serde_json::json!({ "event": "result", "requests": 1, "input_tokens": 3, "output_tokens": 5 })).await;
        }
        Script::Silent => std::future::pending().await,
        Script::Dies | Script::Absent => {}
    }
}

struct TaskLife(tokio::task::JoinHandle<()>);

impl Life for TaskLife {
    fn pids(&self) -> Vec<u32> {
        Vec::new()
    }

    fn wait(&mut self) -> BoxFuture<'_, std::io::Result<Exit>> {
        async {
            if !self.0.is_finished() {
                let _ = (&mut self.0).await;
            }
            Ok(Exit::Code(0))
        }
        .boxed()
    }

    fn stop(&mut self, _grace: Duration) -> BoxFuture<'_, std::io::Result<Exit>> {
        self.0.abort();
        async { Ok(Exit::Signal(15)) }.boxed()
    }
}
