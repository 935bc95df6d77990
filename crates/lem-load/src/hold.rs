//! A warm-up that goes on after its own end, until the engine says to go on.
//!
//! Guaranteed of the prompts: a hold takes none of the sequence. Its requests ask those prompts again that warm-up has
//! asked, one after the other, so that a server that keeps prompts in a cache finds no more of those to come than it would
//! without a hold. So every request that is sent in the window asks what it would ask without a hold, in the same order.
//! What differs are the requests that cross the opening of the window: there are none with one request at a time, and
//! otherwise they are of the hold. Of arrivals see `traffic::timetable`.

use std::future::pending;

use crate::proceed::Proceed;

/// Whether warm-up is held, and by what.
#[derive(Debug)]
pub(crate) struct Hold {
    /// The word that is waited for; absent when none is, or when it was said.
    proceed: Option<Proceed>,
    on: bool,
    sent: u64,
}

impl Hold {
    /// A hold until `proceed`; without it there is none.
    pub(crate) fn new(proceed: Option<Proceed>) -> Self {
        Self { proceed, on: false, sent: 0 }
    }

    /// Begins, unless the word was said already; whether it did.
    pub(crate) fn begin(&mut self) -> bool {
        self.on = self.proceed.as_ref().is_some_and(|proceed| !proceed.is_said());
        self.on
    }

    /// Whether warm-up is held at the moment.
    pub(crate) fn is_on(&self) -> bool {
        self.on
    }

    /// Whether the word was said, and warm-up is held no longer than until a request has finished.
    pub(crate) fn is_ending(&self) -> bool {
        self.on && self.proceed.is_none()
    }

    /// Returns when the word is said during a hold, and then never again. Cancel safe.
    pub(crate) async fn said(&mut self) {
        match &mut self.proceed {
            Some(proceed) if self.on => proceed.said().await,
            _ => pending().await,
        }
        self.proceed = None;
    }

    /// Which position of the sequence the next request of a hold asks, when `asked` of them were asked before it.
    pub(crate) fn position(&mut self, asked: u64) -> u64 {
        let position = self.sent % asked.max(1);
        self.sent += 1;
        position
    }

    /// The window has opened.
    pub(crate) fn end(&mut self) {
        self.on = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proceed::proceed;

    #[test]
    fn the_prompts_of_warm_up_are_asked_again_and_without_any_the_first() {
        let mut hold = Hold::new(None);
        assert_eq!([3; 5].map(|asked| hold.position(asked)), [0, 1, 2, 0, 1]);
        let mut alone = Hold::new(None);
        assert_eq!([0; 3].map(|asked| alone.position(asked)), [0, 0, 0]);
    }

    #[tokio::test]
    async fn a_word_that_was_said_before_leaves_nothing_to_hold() {
        let (listening, word) = proceed();
        listening.to(&mut &b"{}\n"[..]).await;
        let mut hold = Hold::new(Some(word));
        assert!(!hold.begin() && !hold.is_on());
    }

    #[tokio::test]
    async fn a_hold_ends_when_the_word_is_said_and_the_window_opens() {
        let (listening, word) = proceed();
        let mut hold = Hold::new(Some(word));
        assert!(hold.begin() && !hold.is_ending());
        let mut line = &b"{}\n"[..];
        tokio::join!(listening.to(&mut line), hold.said());
        assert!(hold.is_on() && hold.is_ending());
        hold.end();
        assert!(!hold.is_on() && !hold.is_ending());
    }
}
