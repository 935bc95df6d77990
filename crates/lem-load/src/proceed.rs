//! Waiting for the engine's word to end a warm-up that is held.

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};
use tokio::sync::watch;

/// Whether the engine has said to go on.
#[derive(Debug)]
pub(crate) struct Proceed(watch::Receiver<bool>);

/// The other end of [`Proceed`].
#[derive(Debug)]
pub(crate) struct Listening(watch::Sender<bool>);

/// A word that is not said yet, and the ear for it.
pub(crate) fn proceed() -> (Listening, Proceed) {
    let (sender, receiver) = watch::channel(false);
    (Listening(sender), Proceed(receiver))
}

impl Proceed {
    /// Whether it was said.
    pub(crate) fn is_said(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when it was said. Cancel safe.
    pub(crate) async fn said(&mut self) {
        // Nobody is left to say it when the other end is gone.
        let _ = self.0.wait_for(|said| *said).await;
    }
}

impl Listening {
    /// Returns when another line has come over `input`. An input that ends, or that can be read no more, says the same:
    /// nobody is left to say it. Nothing of the line is kept, however long it is.
    pub(crate) async fn to(&self, input: &mut (impl AsyncBufRead + Unpin)) {
        while let Ok(bytes) = input.fill_buf().await {
            let end = bytes.iter().position(|&byte| byte == b'\n');
            let taken = end.map_or(bytes.len(), |position| position + 1);
            input.consume(taken);
            if taken == 0 || end.is_some() {
                break;
            }
        }
        self.0.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::{AsyncWriteExt as _, BufReader, duplex};
    use tokio::time::timeout;

    /// Whether it is said soon.
    async fn is_said_soon(proceed: &mut Proceed) -> bool {
        timeout(Duration::from_millis(100), proceed.said()).await.is_ok()
    }

    #[tokio::test]
    async fn a_whole_line_says_it_and_a_part_of_one_does_not() {
        let (mut engine, input) = duplex(16);
        let (listening, mut said) = proceed();
        let ear = tokio::spawn(async move { listening.to(&mut BufReader::new(input)).await });
        engine.write_all(&[b' '; 100]).await.unwrap();
        assert!(!is_said_soon(&mut said).await && !said.is_said());
        engine.write_all(b"\n").await.unwrap();
        assert!(is_said_soon(&mut said).await && said.is_said());
        ear.await.unwrap();
    }

    #[tokio::test]
    async fn an_input_that_ends_says_it() {
        let (listening, mut said) = proceed();
        listening.to(&mut BufReader::new(&b"half a li"[..])).await;
        assert!(said.is_said() && is_said_soon(&mut said).await);
    }
}
