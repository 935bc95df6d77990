//! The load itself: requests without a break from warm-up through the measurement window, and what of them is measured.
//!
//! The window opens with the event that ends warm-up and closes when the last measured request finishes; both edges
//! carry the stamp of that event. What a reader should know is said afterwards, so that it does not move an edge.

use lem_protocol::{Event, Experiment, Phase, TokenCounts};

use crate::Api;
use crate::body::Template;
use crate::clock::{milliseconds, monotonic_ns, nanoseconds_of, until};
use crate::counting::Counting;
use crate::failure::Failure;
use crate::prompts::Prompts;
use crate::report::Report;
use crate::server::Server;
use crate::settings::Settings;
use crate::traffic::{Arrivals, Schedule};
use crate::under_way::{News, Sent, UnderWay};
use crate::warmup::Warming;
use crate::window::{Finished, Window};

/// A request that is sent later than this after its arrival is worth a warning.
const LATE_NS: i64 = 50_000_000;

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
        if self.warming.is_needed() {
            self.report.begin(start_ns, Phase::Warmup)?;
        } else {
            self.open(start_ns, false)?;
        }
        let deadline_ns = start_ns.saturating_add(nanoseconds_of(self.plan.settings.warmup_timeout));
        let end_ns = match schedule {
            Schedule::Closed(slots) => self.keep_under_way(slots, deadline_ns).await,
            Schedule::Open(arrivals) => self.follow(arrivals, start_ns, deadline_ns).await,
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
                () = until(deadline_ns), if self.window.is_none() => {
                    self.open(monotonic_ns(), true)?;
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
    async fn follow(
        &mut self,
        mut arrivals: Box<Arrivals>,
        start_ns: i64,
        deadline_ns: i64,
    ) -> Result<i64, Failure> {
        let mut next = move || arrivals.next().map(|after_ns| start_ns.saturating_add(after_ns));
        let mut due_ns = next();
        loop {
            tokio::select! {
                news = self.requests.next() => {
                    if let Some(end_ns) = self.take(news?)? {
                        return Ok(end_ns);
                    }
                }
                () = until(due_ns.unwrap_or(i64::MAX)), if due_ns.is_some() => {
                    self.send(due_ns);
                    due_ns = next();
                }
                () = until(deadline_ns), if self.window.is_none() => self.open(monotonic_ns(), true)?,
            }
        }
    }

    fn send(&mut self, due_ns: Option<i64>) {
        let repeats = self.window.is_none() && self.warming.repeats_first_prompt();
        let prompt = self.plan.prompts.index(if repeats { 0 } else { self.position });
        self.position += u64::from(!repeats);
        let body = self.plan.template.body(self.plan.prompts.text(prompt));
        self.requests.send(prompt, body, due_ns);
        if let Some(due_ns) = due_ns {
            self.worst_delay_ns = self.worst_delay_ns.max(monotonic_ns() - due_ns);
        }
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
                self.open_if_warm(at_ns)?;
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
            return Err(Failure::engine(format!(
                "the server reported token counts at first, and none for request {number}; a run with two ways of \
                 counting is no measurement"
            )));
        }
        let input_tokens = self.counting.input(sent.prompt, record.usage).unwrap_or(0);
        let from_ns = sent.since_ns(&record);
        let Some(window) = &mut self.window else {
            self.warming.finished(number, milliseconds(end_ns - from_ns));
            let most = self.warming.most();
            if most > 0 {
                let done = self.warming.requests().min(most);
                self.report.say(end_ns, Event::Progress { done, total: Some(most) })?;
            }
            self.open_if_warm(end_ns)?;
            return Ok(None);
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

    fn open_if_warm(&mut self, at_ns: i64) -> Result<(), Failure> {
        if self.window.is_none() && self.warming.is_over() {
            self.open(at_ns, false)?;
        }
        Ok(())
    }

    /// Opens the window at `at_ns`.
    fn open(&mut self, at_ns: i64, out_of_time: bool) -> Result<(), Failure> {
        if self.warming.is_needed() {
            self.report.end(at_ns, Phase::Warmup)?;
        }
        let begin_ns = self.report.begin(at_ns, Phase::Measure)?;
        self.requests.gauge.start(begin_ns);
        self.window = Some(Window::new(begin_ns, self.plan.experiment.streaming));
        self.warnings.extend(self.warming.warning(out_of_time));
        Ok(())
    }

    /// Ends what is still under way at the end of the window, and counts what came of it before.
    async fn close(mut self, end_ns: i64) -> Result<Outcome, Failure> {
        let concurrency = self.requests.gauge.read(end_ns);
        let left = self.requests.end().await;
        let window = self.window.take().ok_or_else(|| Failure::engine("the window was never opened"))?;
        let unfinished = self.unfinished(&window, &left, end_ns).await;
        self.warnings.extend(window.without_gaps.clone());
        if window.estimates_unfinished() && unfinished.output_tokens > 0 {
            self.warnings.push(format!(
                "{} of the output tokens are estimated: they belong to requests that were under way when the window closed, \
                 and the server's chunks are not tokens",
                unfinished.output_tokens
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
        Ok(Outcome {
            unfinished,
            warmup_requests: self.warming.requests() + self.stragglers,
            converged: self.warming.converged(),
            sent: self.requests.sent,
            concurrency,
            window,
        })
    }

    async fn unfinished(&mut self, window: &Window, left: &[Sent], end_ns: i64) -> TokenCounts {
        let mut counts = TokenCounts::default();
        let mut unknown = 0;
        for sent in left {
            let (output, has_input) = window.part_of(&sent.record(), end_ns);
            counts.output_tokens += output;
            if !has_input {
                continue;
            }
            let Plan { server, api, template, prompts, .. } = &self.plan;
            match self.counting.learn(sent.prompt, server, *api, template, prompts).await {
                Some(tokens) => counts.input_tokens += u64::from(tokens),
                None => unknown += 1,
            }
        }
        if unknown > 0 && self.counting.warning().is_none() {
            self.warnings.push(format!(
                "the input tokens of {unknown} requests that were under way when the window closed are not known and are \
                 left out"
            ));
        }
        counts
    }
}
