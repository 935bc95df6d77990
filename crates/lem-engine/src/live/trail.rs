//! What grows while a campaign runs: stretches of time, and the log.

use super::cells::number;
use super::fold::{Fold, Moment};
use super::{LiveEvent, LogKind, LogLine, Span, SpanKind};

/// Lines of the log that a watcher who comes late is told.
const LOG_LINES: usize = 500;

/// `1 run`, `2 runs`.
pub(super) fn counted(runs: usize) -> String {
    format!("{runs} run{}", if runs == 1 { "" } else { "s" })
}

impl Fold {
    pub(super) fn open_span(&mut self, kind: SpanKind, label: String, start_s: f64) -> LiveEvent {
        let span = Span {
            id: number(self.campaign.spans.len()),
            kind,
            label,
            run_index: self.campaign.now.run_index.unwrap_or(0),
            start_s,
            end_s: None,
        };
        self.campaign.spans.push(span.clone());
        LiveEvent::Span { span }
    }

    pub(super) fn close_spans(&mut self, end_s: f64, which: impl Fn(&Span) -> bool) -> Vec<LiveEvent> {
        // Open spans are among the last few: a run, and within it a gap or a phase.
        let last = self.campaign.spans.iter_mut().rev().take(8);
        let open = last.filter(|span| span.end_s.is_none() && which(span));
        let close = |span: &mut Span| {
            span.end_s = Some(end_s.max(span.start_s));
            LiveEvent::Span { span: span.clone() }
        };
        open.map(close).collect()
    }

    pub(super) fn log(&mut self, kind: LogKind, text: String, at: &Moment) {
        let line = LogLine { t_s: at.now_s, run_index: self.campaign.now.run_index, kind, text };
        let log = &mut self.campaign.log;
        if log.len() >= LOG_LINES {
            log.drain(..=log.len() - LOG_LINES);
        }
        log.push(line.clone());
        if self.pending_log.len() >= LOG_LINES {
            self.pending_log.remove(0);
        }
        self.pending_log.push(line);
    }
}
