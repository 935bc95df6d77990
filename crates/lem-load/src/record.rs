//! What arrived of one answer, and which of its tokens arrived when. Pure: stamps come from the caller.
//!
//! Servers count tokens and send chunks, and the two need not agree: a chunk may hold several tokens, an end token has
//! no text, and half of a character waits for its other half. Where each token can be given a chunk, its time is known;
//! otherwise tokens are spread over the chunks.

use crate::answer::{Chunk, Usage};

/// What arrived of one answer, stamped with `CLOCK_MONOTONIC` in nanoseconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record {
    /// When the request was sent.
    pub(crate) sent_ns: i64,
    /// Chunks with text.
    texts: Vec<i64>,
    /// Chunks without text that may stand for a token nevertheless.
    silent: Vec<i64>,
    /// The answer ended by itself and the chunk that said so had no text: it may stand for an end token.
    stopped: bool,
    /// A chunk said why the answer ends.
    pub(crate) finished: bool,
    pub(crate) usage: Usage,
}

/// How the tokens of an answer correspond to its chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Match {
    /// Each chunk with text is a token; an end token without text may follow.
    Texts,
    /// Each chunk is a token.
    All,
    /// Neither.
    Apportioned,
}

impl Record {
    /// Takes a chunk that arrived at `at_ns`; `true` when it was the first with text.
    pub(crate) fn take(&mut self, at_ns: i64, chunk: &Chunk) -> bool {
        let (text, opening, finish, usage) = match chunk {
            Chunk::Part { text, opening, finish, usage } => (*text, *opening, finish.as_deref(), *usage),
            Chunk::Figures(usage) => (false, true, None, *usage),
            Chunk::Error(_) => return false,
        };
        self.usage = usage.or(self.usage);
        self.finished |= finish.is_some();
        self.stopped |= finish == Some("stop") && !text;
        if text {
            self.texts.push(at_ns);
        } else if !opening {
            self.silent.push(at_ns);
        }
        text && self.texts.len() == 1
    }

    /// When the first text was there; the first chunk of an answer that has none.
    pub(crate) fn first_ns(&self) -> Option<i64> {
        self.texts.first().or(self.silent.first()).copied()
    }

    /// When the first token of the finished answer was there: as its arrivals say, where they are known.
    pub(crate) fn first_token_ns(&self) -> Option<i64> {
        self.arrivals().and_then(|arrivals| arrivals.first().copied()).or_else(|| self.first_ns())
    }

    /// Whether nothing of an answer has come, not even that it ends.
    pub(crate) fn is_empty(&self) -> bool {
        self.first_ns().is_none() && !self.finished
    }

    /// How many chunks had text.
    pub(crate) fn chunks(&self) -> usize {
        self.texts.len()
    }

    /// Tokens of the finished answer: as the server counted them, else its chunks with text.
    pub(crate) fn tokens(&self) -> u32 {
        self.usage.output.unwrap_or_else(|| u32::try_from(self.texts.len()).unwrap_or(u32::MAX))
    }

    /// How the tokens of the finished answer correspond to its chunks.
    pub(crate) fn matched(&self) -> Match {
        let tokens = self.tokens() as usize;
        let (texts, silent) = (self.texts.len(), self.silent.len());
        if tokens == texts || (tokens == texts + 1 && self.stopped && silent > 0) {
            Match::Texts
        } else if tokens == texts + silent {
            Match::All
        } else {
            Match::Apportioned
        }
    }

    /// When each token of the finished answer arrived, in order; `None` where that is not known.
    pub(crate) fn arrivals(&self) -> Option<Vec<i64>> {
        match self.matched() {
            Match::Texts => {
                let mut arrivals = self.texts.clone();
                if arrivals.len() < self.tokens() as usize {
                    arrivals.extend(self.silent.last());
                }
                Some(arrivals)
            }
            Match::All => Some(self.every_chunk()),
            Match::Apportioned => None,
        }
    }

    /// How many tokens of the finished answer came after `edge_ns`. Where arrivals are not known it is an estimate.
    pub(crate) fn tokens_after(&self, edge_ns: i64) -> u32 {
        let total = self.tokens();
        let arrivals = self.arrivals();
        let exact = arrivals.is_some();
        let arrivals = arrivals.unwrap_or_else(|| self.carriers());
        let early = arrivals.partition_point(|&at_ns| at_ns <= edge_ns);
        if exact {
            return total.saturating_sub(u32::try_from(early).unwrap_or(u32::MAX));
        }
        let share = if arrivals.is_empty() { 0 } else { apportion(total.into(), early, arrivals.len()) };
        total.saturating_sub(u32::try_from(share).unwrap_or(u32::MAX))
    }

    /// How many chunks came after `begin_ns` and up to `end_ns`: those with text, or all of them.
    pub(crate) fn chunks_between(&self, begin_ns: i64, end_ns: i64, counted: Match) -> u64 {
        let within =
            |stamps: &[i64]| stamps.iter().filter(|&&at_ns| at_ns > begin_ns && at_ns <= end_ns).count();
        let silent = if counted == Match::All { within(&self.silent) } else { 0 };
        (within(&self.texts) + silent) as u64
    }

    /// The chunks over which tokens are spread: those with text, so that an end without text gets no share.
    fn carriers(&self) -> Vec<i64> {
        if self.texts.is_empty() { self.silent.clone() } else { self.texts.clone() }
    }

    fn every_chunk(&self) -> Vec<i64> {
        let mut every = [self.texts.as_slice(), self.silent.as_slice()].concat();
        every.sort_unstable();
        every
    }
}

/// The share of `part` out of `whole` in `total`, rounded; `whole` is not 0.
pub(crate) fn apportion(total: u64, part: usize, whole: usize) -> u64 {
    let (part, whole) = (part as u128, whole as u128);
    u64::try_from((u128::from(total) * part + whole / 2) / whole).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(text: bool, finish: Option<&str>, output: Option<u32>) -> Chunk {
        let usage = Usage { input: None, output };
        Chunk::Part { text, opening: false, finish: finish.map(str::to_owned), usage }
    }

    /// Texts at 10, 20, ... and then an end of the answer, for which the server counts `output` tokens.
    fn answer(texts: i64, finish: &str, output: Option<u32>) -> Record {
        let mut record = Record::default();
        for at in 1..=texts {
            assert_eq!(record.take(at * 10, &part(true, None, None)), at == 1);
        }
        record.take(texts * 10 + 10, &part(false, Some(finish), output));
        record
    }

    #[test]
    fn an_end_token_arrives_with_the_end_of_the_answer() {
        let arrivals = |record: &Record| (record.matched(), record.arrivals());
        assert_eq!(arrivals(&answer(2, "length", Some(2))), (Match::Texts, Some(vec![10, 20])));
        assert_eq!(arrivals(&answer(2, "stop", Some(3))), (Match::Texts, Some(vec![10, 20, 30])));
        assert_eq!(
            arrivals(&answer(2, "stop", None)),
            (Match::Texts, Some(vec![10, 20])),
            "chunks are counted"
        );
        assert_eq!(arrivals(&answer(2, "stop", Some(9))), (Match::Apportioned, None));
    }

    #[test]
    fn a_token_that_is_half_a_character_arrives_without_text() {
        let mut record = Record::default();
        for (at_ns, text) in [(10, true), (20, false), (30, true)] {
            record.take(at_ns, &part(text, None, None));
        }
        record.take(40, &part(true, Some("length"), Some(4)));
        assert_eq!((record.matched(), record.arrivals()), (Match::All, Some(vec![10, 20, 30, 40])));
        assert_eq!(record.tokens_after(20), 2);
    }

    #[test]
    fn arrivals_are_in_order_although_the_end_has_text() {
        let mut record = Record::default();
        record.take(10, &part(true, None, None));
        record.take(20, &part(false, None, None));
        record.take(30, &part(true, Some("stop"), Some(3)));
        assert_eq!(record.arrivals(), Some(vec![10, 20, 30]), "the half of a character came before the end");
    }

    #[test]
    fn a_first_token_without_text_is_the_first_token() {
        let mut record = Record::default();
        record.take(10, &part(false, None, None));
        record.take(20, &part(true, Some("length"), Some(2)));
        assert_eq!((record.first_token_ns(), record.arrivals()), (Some(10), Some(vec![10, 20])));
        record.take(30, &part(false, None, Some(9)));
        assert_eq!(record.first_token_ns(), Some(20), "where tokens are not known, the first text");
    }

    #[test]
    fn an_edge_cuts_between_tokens_and_what_came_with_it_came_before() {
        let record = answer(4, "length", Some(4));
        let after = [5, 10, 15, 40, 90].map(|edge_ns| record.tokens_after(edge_ns));
        assert_eq!(after, [4, 3, 3, 0, 0]);
        assert_eq!(record.chunks_between(10, 30, Match::Texts), 2);
    }

    #[test]
    fn tokens_are_spread_over_chunks_and_none_is_lost() {
        let record = answer(3, "length", Some(10));
        let before = |edge_ns: i64| 10 - record.tokens_after(edge_ns);
        // Ten tokens in three chunks with text; the end without text carries none.
        assert_eq!([5, 10, 20, 30, 40].map(before), [0, 3, 7, 10, 10]);
    }

    #[test]
    fn an_answer_without_text_has_the_tokens_that_the_server_counted() {
        let record = answer(0, "stop", Some(1));
        assert_eq!((record.tokens(), record.first_ns()), (1, Some(10)));
        assert_eq!((record.tokens_after(5), record.tokens_after(10)), (1, 0));
        let nothing = Record::default();
        assert_eq!((nothing.tokens(), nothing.first_ns(), nothing.tokens_after(5)), (0, None, 0));
    }
}
