//! The load itself: requests without a break from warm-up through the measurement window, and what of them is measured.
//!
//! The window opens with the event that ends warm-up, or with the request that finishes next after the engine's word where
//! warm-up is held, and closes when the last measured request finishes; both edges carry the stamp of that event. What a reader should know is said afterwards, so that it does not move an edge.

use std::time::Duration;

use lem_protocol::{Event, Experiment, Phase, TokenCounts};
use tokio::time::{Instant, timeout_at};

use crate::Api;
use crate::body::Template;
use crate::clock::{milliseconds, monotonic_ns, nanoseconds_of, until};
use crate::counting::Counting;
use crate::failure::Failure;
use crate::hold::Hold;
use crate::prompts::Prompts;
use crate::report::Report;
use crate::server::Server;
use crate::settings::Settings;
use crate::traffic::{Schedule, Timetable};
use crate::under_way::{News, Sent, UnderWay};
use crate::warmup::Warming;
use crate::window::{Finished, Window};

/// A request that is sent later than this after its arrival is worth a warning.
const LATE_NS: i64 = 50_000_000;

/// How long a server may take to tell the lengths of prompts after the measurement, all of them together.
const LEARN_TIMEOUT: Duration = Duration::from_secs(30);

/// What a load is made of.
pub(crate) struct Plan<'a> {
    pub(crate) experiment: &'a Experiment,
    pub(crate) settings: &'a Settings,
    pub(crate) server: &'a Server,
    pub(crate) api: Api,
    pub(crate) template: &'a Template,
    pub(crate) prompts: &'a Prompts,
}

/// What a load came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) window: Window,
    pub(crate) unfinished: TokenCounts,
    /// Requests that finished before the window.
    pub(crate) warmup_requests: u32,
    /// Those of them that finished while warm-up was held.
    pub(crate) held_requests: u32,
    pub(crate) converged: Option<bool>,
    /// Requests that were sent in all.
    pub(crate) sent: u64,
    /// Requests under way in the window, the most and the mean over time.
    pub(crate) concurrency: (usize, f64),
}

/// A load that is under way.
pub(crate) struct Load<'a> {
    plan: Plan<'a>,
    counting: &'a mut Counting,
    report: &'a mut Report,
    requests: UnderWay,
    warming: Warming,
    hold: Hold,
    window: Option<Window>,
    /// Requests that finished after the window opened, but before its edge.
    stragglers: u32,
    /// How many prompts of the sequence were asked.
    position: u64,
    worst_delay_ns: i64,
    warnings: Vec<String>,
}

impl<'a> Load<'a> {
    pub(crate) fn new(
        plan: Plan<'a>,
        schedule: &Schedule,
        hold: Hold,
        counting: &'a mut Counting,
        report: &'a mut Report,
    ) -> Self {
        let slots = match schedule {
            Schedule::Closed(slots) => Some(*slots),
            Schedule::Open(_) => None,
        };
        Self {
            requests: UnderWay::new(plan.server, plan.api),
            warming: Warming::new(&plan.experiment.warmup, slots),
            hold,
            window: None,
            stragglers: 0,
            position: 0,
            worst_delay_ns: 0,
            warnings: Vec::new(),
            plan,
            counting,
            report,
        }
    }

    /// Sends requests by `schedule` until as many as are wanted have finished in the window.
    pub(crate) async fn carry(mut self, schedule: Schedule) -> Result<Outcome, Failure> {
        let start_ns = monotonic_ns();
        if self.warming.is_a_phase() {
            self.report.begin(start_ns, Phase::Warmup)?;
        }
        if !self.warming.is_needed() {
            self.end_warmup(start_ns, false)?;
        }
        let deadline_ns = start_ns.saturating_add(nanoseconds_of(self.plan.settings.warmup_timeout));
        let end_ns = match schedule {
            Schedule::Closed(slots) => self.keep_under_way(slots, deadline_ns).await,
            Schedule::Open(arrivals) => self.follow(Timetable::new(arrivals, start_ns), deadline_ns).await,
        }?;
        self.close(end_ns).await
    }

    /// Closed traffic: whenever a request has finished, the next one is sent.
    async fn keep_under_way(&mut self, slots: u32, deadline_ns: i64) -> Result<i64, Failure> {
        for _ in 0..slots {
            self.send(None);
        }
        loop {
            let news = tokio::select! {
                news = self.requests.next() => news?,
                () = until(deadline_ns), if self.is_warming_up() => {
                    self.end_warmup(monotonic_ns(), true)?;
                    continue;
                }
                () = self.hold.said() => {
                    self.end_hold()?;
                    continue;
                }
            };
            let is_done = matches!(news, News::Done { .. });
            if let Some(end_ns) = self.take(news)? {
                return Ok(end_ns);
            }
            if is_done {
                self.send(None);
            }
        }
    }

    /// Open traffic: each request is sent when it arrives, whatever has become of the others.
    async fn follow(&mut self, mut timetable: Timetable, deadline_ns: i64) -> Result<i64, Failure> {
        loop {
            if self.hold.is_on() {
                timetable.wait();
            } else {
                timetable.go_on();
            }
            let due_ns = timetable.due_ns();
            tokio::select! {
                news = self.requests.next() => {
                    if let Some(end_ns) = self.take(news?)? {
                        return Ok(end_ns);
                    }
                    if due_ns.is_none() && self.requests.is_empty() {
                        return Err(self.exhausted());
                    }
                }
                () = until(due_ns.unwrap_or(i64::MAX)), if due_ns.is_some() => {
                    self.send(due_ns);
                    timetable.advance();
                }
                () = until(deadline_ns), if self.is_warming_up() => self.end_warmup(monotonic_ns(), true)?,
                () = self.hold.said() => self.end_hold()?,
            }
        }
    }

    /// All arrivals of a trace that cannot be repeated have been answered, and too few of them in the window: answers
    /// that end at the same time may be told after the one that opened it.
    fn exhausted(&self) -> Failure {
        let (done, total) = (
            self.window.as_ref().map_or(0, |window| window.requests),
            self.plan.experiment.workload.sample_size,
        );
        Failure::engine(format!(
            "the arrivals of the trace have ended, and {done} of {total} requests finished in the measurement; give a \
             longer trace, or no warm-up"
        ))
    }

    fn send(&mut self, due_ns: Option<i64>) {
        let prompt = self.next_prompt();
        let body = self.plan.template.body(self.plan.prompts.text(prompt));
        self.requests.send(prompt, body, due_ns);
        if let Some(due_ns) = due_ns {
            self.worst_delay_ns = self.worst_delay_ns.max(monotonic_ns() - due_ns);
        }
    }

    fn next_prompt(&mut self) -> usize {
        let position = if self.hold.is_on() {
            self.hold.position(self.position)
        } else if self.window.is_none() && self.warming.repeats_first_prompt() {
            0
        } else {
            self.position += 1;
            self.position - 1
        };
        self.plan.prompts.index(position)
    }

    /// Takes what happened; gives the end of the window when it was the last that was waited for.
    fn take(&mut self, news: News) -> Result<Option<i64>, Failure> {
        match news {
            News::Failed { number, failure } => {
                let phase = if self.window.is_some() { "the measurement" } else { "warm-up" };
                Err(failure
                    .of(&format!("request {number} (counted from 0 as they were sent) failed in {phase}")))
            }
            News::First { number, at_ns } => {
                self.warming.first(number);
                self.end_warmup_if_over(at_ns)?;
                Ok(None)
            }
            News::Done { number, at_ns } => match self.requests.take(number, at_ns) {
                Some(sent) => self.finish(number, &sent, at_ns),
                None => Ok(None),
            },
        }
    }

    fn finish(&mut self, number: u64, sent: &Sent, end_ns: i64) -> Result<Option<i64>, Failure> {
        let mut record = sent.record();
        if !self.counting.counts_output {
            record.usage.output = None;
        } else if record.usage.output.is_none() {
            return Err(two_ways_of_counting(number));
        }
        let input_tokens = self.counting.input(sent.prompt, record.usage);
        if input_tokens.is_none() && self.counting.counts_input {
            return Err(two_ways_of_counting(number));
        }
        let input_tokens = input_tokens.unwrap_or(0);
        let from_ns = sent.since_ns(&record);
        let Some(window) = &mut self.window else {
            let finished = (number, milliseconds(end_ns - from_ns));
            return self.finish_before_the_window(finished, end_ns).map(|()| None);
        };
        if end_ns <= window.begin_ns {
            // Told after the event that opened the window, although it happened before.
            self.stragglers += 1;
            return Ok(None);
        }
        let request = window.take(&Finished { record, from_ns, end_ns, input_tokens });
        let (done, total) = (window.requests, self.plan.experiment.workload.sample_size);
        self.report.say(end_ns, Event::Request(request))?;
        self.report.say(end_ns, Event::Progress { done, total: Some(total) })?;
        self.warn_of_length(input_tokens, done);
        if done < total { Ok(None) } else { self.report.end(end_ns, Phase::Measure).map(Some) }
    }

    /// Takes a request of this number and latency that belongs to warm-up.
    fn finish_before_the_window(&mut self, finished: (u64, f64), end_ns: i64) -> Result<(), Failure> {
        if self.hold.is_on() {
            self.warming.held();
            let (done, _) = self.warming.finished_in_all();
            self.report.say(end_ns, Event::Progress { done, total: None })?;
            return if self.hold.is_ending() { self.open(end_ns) } else { Ok(()) };
        }
        let (number, latency_ms) = finished;
        self.warming.finished(number, latency_ms);
        let most = self.warming.most();
        if most > 0 {
            let done = self.warming.requests().min(most);
            self.report.say(end_ns, Event::Progress { done, total: Some(most) })?;
        }
        self.end_warmup_if_over(end_ns)
    }

    fn warn_of_length(&mut self, input_tokens: u32, requests: u32) {
        let limit = self.plan.experiment.workload.max_input_tokens;
        let begins = "prompts are longer than max_input_tokens";
        if input_tokens > limit && !self.warnings.iter().any(|warning| warning.starts_with(begins)) {
            self.warnings.push(format!(
                "{begins} ({limit}) and were not cut, because the server holds the tokenizer: request {}, the first of them, \
                 has {input_tokens} tokens",
                requests - 1
            ));
        }
    }

    /// Whether warm-up has not come to its own end.
    fn is_warming_up(&self) -> bool {
        self.window.is_none() && !self.hold.is_on()
    }

    fn end_warmup_if_over(&mut self, at_ns: i64) -> Result<(), Failure> {
        if self.is_warming_up() && self.warming.is_over() {
            self.end_warmup(at_ns, false)?;
        }
        Ok(())
    }

    /// Warm-up has come to its own end: the window opens, unless the engine holds the load.
    fn end_warmup(&mut self, at_ns: i64, out_of_time: bool) -> Result<(), Failure> {
        self.warnings.extend(self.warming.warning(out_of_time));
        if self.hold.begin() { Ok(()) } else { self.open(at_ns) }
    }

    /// The engine has said to go on. The window opens when a request finishes, so that it cuts none where one is under way
    /// at a time; at once if there is none that could.
    fn end_hold(&mut self) -> Result<(), Failure> {
        if self.requests.is_empty() { self.open(monotonic_ns()) } else { Ok(()) }
    }

    /// Opens the window at `at_ns`.
    fn open(&mut self, at_ns: i64) -> Result<(), Failure> {
        self.hold.end();
        if self.warming.is_a_phase() {
            self.report.end(at_ns, Phase::Warmup)?;
        }
        let begin_ns = self.report.begin(at_ns, Phase::Measure)?;
        self.requests.gauge.start(begin_ns);
        self.window = Some(Window::new(begin_ns, self.plan.experiment.streaming));
        Ok(())
    }

    /// Ends what is still under way at the end of the window, and counts what came of it before.
    async fn close(mut self, end_ns: i64) -> Result<Outcome, Failure> {
        let concurrency = self.requests.gauge.read(end_ns);
        let left = self.requests.end().await;
        let window = self.window.take().ok_or_else(|| Failure::engine("the window was never opened"))?;
        let unfinished = self.unfinished(&window, &left, end_ns).await;
        self.warnings.extend(window.without_gaps.clone());
        let at_its_end = if window.estimates_unfinished() { unfinished.output_tokens } else { 0 };
        let estimated = window.estimated + at_its_end;
        if estimated > 0 {
            self.warnings.push(format!(
                "{estimated} of the output tokens are estimated: they belong to requests that crossed an edge of the window, \
                 and the server's chunks are not tokens"
            ));
        }
        if self.worst_delay_ns > LATE_NS {
            self.warnings.push(format!(
                "requests were sent later than they were due, at worst by {:.0} ms; this machine is too busy for this load",
                milliseconds(self.worst_delay_ns)
            ));
        }
        for warning in &self.warnings {
            self.report.warn(warning)?;
        }
        let (warmup_requests, held_requests) = self.warming.finished_in_all();
        Ok(Outcome {
            unfinished,
            warmup_requests: warmup_requests + self.stragglers,
            held_requests,
            converged: self.warming.converged(),
            sent: self.requests.sent,
            concurrency,
            window,
        })
    }

    async fn unfinished(&mut self, window: &Window, left: &[Sent], end_ns: i64) -> TokenCounts {
        let mut counts = TokenCounts::default();
        let mut unknown = 0;
        let deadline = Instant::now() + LEARN_TIMEOUT;
        for sent in left {
            let (output, has_input) = window.part_of(&sent.record(), end_ns);
            counts.output_tokens += output;
            if !has_input {
                continue;
            }
            let Plan { server, api, template, prompts, .. } = &self.plan;
            let learning = self.counting.learn(sent.prompt, server, *api, template, prompts);
            match timeout_at(deadline, learning).await.ok().flatten() {
                Some(tokens) => counts.input_tokens += u64::from(tokens),
                None => unknown += 1,
            }
        }
        if unknown > 0 && self.counting.counts_input {
            self.warnings.push(format!(
                "the input tokens of {unknown} requests that were under way when the window closed are not known and are \
                 left out"
            ));
        }
        counts
    }
}

fn two_ways_of_counting(number: u64) -> Failure {
    Failure::engine(format!(
        "the server reported token counts at first, and none for request {number}; a run with two ways of counting is no \
         measurement"
    ))
}
