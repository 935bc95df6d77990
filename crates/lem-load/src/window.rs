//! The measurement window: which requests and which of their tokens are in it. Pure.

use lem_protocol::{Request, TokenCounts};

use crate::clock::milliseconds;
use crate::record::{Match, Record, apportion};
use lem_protocol::MAX_STREAMED_TOKENS;

/// A request that has finished.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) record: Record,
    /// When its latency begins.
    pub(crate) from_ns: i64,
    pub(crate) end_ns: i64,
    pub(crate) input_tokens: u32,
}

/// The window, from its opening on.
#[derive(Debug)]
pub(crate) struct Window {
    pub(crate) begin_ns: i64,
    /// Whether gaps between tokens are wanted.
    streaming: bool,
    /// Requests that finished inside.
    pub(crate) requests: u32,
    /// What fell into the window of those that finished.
    pub(crate) totals: TokenCounts,
    /// Tokens and chunks with text of all of them, for those that will not finish.
    tokens: u64,
    chunks: u64,
    matched: Match,
    /// Those of the output tokens in `totals` that the opening cut off by an estimate.
    pub(crate) estimated: u64,
    /// Why gaps are missing.
    pub(crate) without_gaps: Option<String>,
}

impl Window {
    pub(crate) fn new(begin_ns: i64, streaming: bool) -> Self {
        Self {
            begin_ns,
            streaming,
            requests: 0,
            totals: TokenCounts::default(),
            tokens: 0,
            chunks: 0,
            matched: Match::Texts,
            estimated: 0,
            without_gaps: None,
        }
    }

    /// Takes a request that finished inside the window: what is reported of it.
    pub(crate) fn take(&mut self, finished: &Finished) -> Request {
        let index = self.requests;
        let request = self.request(index, finished);
        let counted = request.in_window.unwrap_or(TokenCounts {
            input_tokens: request.input_tokens.into(),
            output_tokens: request.output_tokens.into(),
        });
        self.requests += 1;
        self.totals.input_tokens += counted.input_tokens;
        self.totals.output_tokens += counted.output_tokens;
        self.tokens += u64::from(request.output_tokens);
        self.chunks += finished.record.chunks() as u64;
        let matched = finished.record.matched();
        let is_cut = counted.output_tokens > 0 && counted.output_tokens < request.output_tokens.into();
        if is_cut && matched == Match::Apportioned {
            self.estimated += counted.output_tokens;
        }
        self.matched = match (self.matched, matched) {
            (Match::Apportioned, _) | (_, Match::Apportioned) => Match::Apportioned,
            (Match::All, _) | (_, Match::All) => Match::All,
            (Match::Texts, Match::Texts) => Match::Texts,
        };
        request
    }

    fn request(&mut self, index: u32, finished: &Finished) -> Request {
        let Finished { record, from_ns, end_ns, input_tokens } = finished;
        let first_ns = record.first_token_ns();
        // A timer may be a moment early; no request is sent before it has arrived.
        let sent_ns = record.sent_ns.max(*from_ns);
        Request {
            index,
            input_tokens: *input_tokens,
            output_tokens: record.tokens(),
            start_ns: Some(sent_ns),
            waited_ms: (sent_ns > *from_ns).then(|| milliseconds(sent_ns - from_ns)),
            ttft_ms: first_ns.map(|first_ns| milliseconds(first_ns - from_ns)),
            latency_ms: milliseconds(end_ns - from_ns),
            itl_ms: if self.streaming { self.gaps(index, record) } else { None },
            in_window: (*from_ns < self.begin_ns).then(|| TokenCounts {
                input_tokens: match first_ns {
                    Some(first_ns) if first_ns <= self.begin_ns => 0,
                    _ => u64::from(*input_tokens),
                },
                output_tokens: record.tokens_after(self.begin_ns).into(),
            }),
        }
    }

    fn gaps(&mut self, index: u32, record: &Record) -> Option<Vec<f64>> {
        let arrivals = record.arrivals().filter(|arrivals| arrivals.len() <= MAX_STREAMED_TOKENS as usize);
        let Some(arrivals) = arrivals else {
            let (tokens, chunks) = (record.tokens(), record.chunks());
            self.without_gaps.get_or_insert_with(|| {
                format!(
                    "inter-token gaps are left out where tokens and chunks do not correspond: request {index}, the first of \
                     them, has {tokens} tokens in {chunks} chunks with text"
                )
            });
            return None;
        };
        Some(arrivals.windows(2).map(|pair| milliseconds(pair[1] - pair[0])).collect())
    }

    /// What a request that was still under way at `end_ns` adds: its output, and whether its input belongs to it.
    pub(crate) fn part_of(&self, record: &Record, end_ns: i64) -> (u64, bool) {
        let chunks = record.chunks_between(self.begin_ns, end_ns, self.matched);
        let output = match self.matched {
            Match::Texts | Match::All => chunks,
            Match::Apportioned if self.chunks == 0 => 0,
            Match::Apportioned => {
                let (part, whole) = (usize::try_from(chunks), usize::try_from(self.chunks));
                apportion(self.tokens, part.unwrap_or(usize::MAX), whole.unwrap_or(usize::MAX))
            }
        };
        let began_inside = record.first_ns().is_some_and(|at_ns| at_ns > self.begin_ns && at_ns <= end_ns);
        (output, began_inside)
    }

    /// How the output of requests that did not finish is counted, for the record.
    pub(crate) fn counting_of_unfinished(&self) -> String {
        match self.matched {
            Match::Texts => "chunks with text, of which each is a token".into(),
            Match::All => "chunks, of which each is a token".into(),
            Match::Apportioned => format!(
                "estimated: {} tokens in {} chunks with text of the finished requests",
                self.tokens, self.chunks
            ),
        }
    }

    /// Whether the output of requests that did not finish is an estimate.
    pub(crate) fn estimates_unfinished(&self) -> bool {
        self.matched == Match::Apportioned
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{Chunk, Usage};

    /// An answer with text at these times, for which the server counts `output` tokens.
    fn answer(texts: &[i64], output: Option<u32>) -> Record {
        let mut record = Record::default();
        for (position, &at_ns) in texts.iter().enumerate() {
            let finish = (position + 1 == texts.len()).then(|| "length".to_owned());
            let usage = Usage { input: Some(9), output: output.filter(|_| finish.is_some()) };
            record.take(at_ns, &Chunk::Part { text: true, opening: false, finish, usage });
        }
        record
    }

    const MS: i64 = 1_000_000;

    fn finished(texts: &[i64], output: Option<u32>, from_ms: i64) -> Finished {
        let texts: Vec<i64> = texts.iter().map(|at| at * MS).collect();
        let end_ns = texts[texts.len() - 1];
        Finished { record: answer(&texts, output), from_ns: from_ms * MS, end_ns, input_tokens: 9 }
    }

    fn in_window(request: &Request) -> Option<(u64, u64)> {
        request.in_window.map(|counts| (counts.input_tokens, counts.output_tokens))
    }

    #[test]
    fn a_request_that_began_before_the_window_counts_from_its_opening_on() {
        let mut window = Window::new(100 * MS, true);
        let before = window.take(&finished(&[90, 100, 110, 120], Some(4), 80));
        assert_eq!(in_window(&before), Some((0, 2)), "its prompt was read before the window");
        let sent = window.take(&finished(&[110, 120], Some(2), 95));
        assert_eq!(in_window(&sent), Some((9, 2)), "only its sending was before");
        let inside = window.take(&finished(&[110, 120], Some(2), 100));
        assert_eq!(in_window(&inside), None);
        assert_eq!((inside.index, inside.ttft_ms, inside.latency_ms), (2, Some(10.0), 20.0));
        assert_eq!(inside.itl_ms, Some(vec![10.0]));
        assert_eq!((window.totals.input_tokens, window.totals.output_tokens), (18, 6));
    }

    #[test]
    fn gaps_are_left_out_where_a_chunk_has_several_tokens() {
        let mut window = Window::new(0, true);
        let request = window.take(&finished(&[10, 20], Some(6), 5));
        assert_eq!((request.output_tokens, request.itl_ms), (6, None));
        assert!(window.without_gaps.as_ref().unwrap().contains("6 tokens in 2 chunks"));
        let without_streaming = Window::new(0, false).take(&finished(&[10, 20], Some(2), 5));
        assert_eq!((without_streaming.itl_ms, without_streaming.ttft_ms), (None, Some(5.0)));
    }

    #[test]
    fn tokens_that_the_opening_cuts_off_by_an_estimate_are_known_as_such() {
        let mut window = Window::new(100 * MS, true);
        window.take(&finished(&[90, 110], Some(2), 80));
        assert_eq!(window.estimated, 0, "each chunk is a token");
        window.take(&finished(&[110, 120], Some(6), 80));
        assert_eq!(window.estimated, 0, "all of them came after the opening");
        let cut = window.take(&finished(&[90, 110], Some(6), 80));
        assert_eq!((in_window(&cut), window.estimated), (Some((0, 3)), 3));
    }

    #[test]
    fn what_does_not_finish_adds_what_came_of_it_in_the_window() {
        let mut window = Window::new(100, true);
        let under_way = answer(&[90, 110, 120, 130, 210], None);
        assert_eq!(window.part_of(&under_way, 200), (3, false));
        assert_eq!(window.part_of(&answer(&[110], None), 200), (1, true));
        assert_eq!(window.part_of(&answer(&[210], None), 200), (0, false));
        window.take(&finished(&[1, 2], Some(6), 1));
        assert_eq!(
            window.part_of(&under_way, 200),
            (9, false),
            "three tokens a chunk, as with those that finished"
        );
        assert!(window.estimates_unfinished());
    }
}
