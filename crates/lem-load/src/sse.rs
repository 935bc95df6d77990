//! Server-sent events, as far as APIs of language models use them: the data of each event, from bytes in any pieces.
//!
//! Follows the WHATWG's grammar (`\n`, `\r` and `\r\n` end lines, `:` begins a comment, `data` of several lines is
//! joined), but for the end of the stream: an event that lacks its blank line is given out by [`Events::finish`],
//! because some servers close after `data: [DONE]`. llama.cpp tells an error in a field of that name, which becomes an
//! event whose data is an object with the error. Names, ids and retry times are passed over.

/// The longest line and the longest event, in bytes: a bound on what a server can claim.
const MAX_BYTES: usize = 8 << 20;

/// A stream of events that is being read.
#[derive(Debug, Default)]
pub(crate) struct Events {
    line: Vec<u8>,
    data: Option<Vec<u8>>,
    after_cr: bool,
    past_first_line: bool,
}

/// An event is longer than memory is given for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of the server is longer than {MAX_BYTES} bytes")]
pub(crate) struct TooLong;

impl Events {
    /// Takes the next bytes; the data of each event that they complete goes to `found`.
    pub(crate) fn push(&mut self, mut bytes: &[u8], found: &mut Vec<String>) -> Result<(), TooLong> {
        if self.after_cr && !bytes.is_empty() {
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
            self.after_cr = false;
        }
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n' || byte == b'\r') {
            self.line.extend_from_slice(&bytes[..end]);
            self.end_line(found)?;
            let was_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            if was_cr {
                self.after_cr = bytes.is_empty();
                bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
            }
        }
        self.line.extend_from_slice(bytes);
        self.check()
    }

    /// At the end of the stream: the event that was not ended, if there is one.
    pub(crate) fn finish(mut self) -> Result<Option<String>, TooLong> {
        let mut found = Vec::new();
        if !self.line.is_empty() {
            self.end_line(&mut found)?;
        }
        Ok(self.data.map(|data| text(&data)))
    }

    fn end_line(&mut self, found: &mut Vec<String>) -> Result<(), TooLong> {
        self.check()?;
        let line = std::mem::take(&mut self.line);
        let mut line = line.as_slice();
        if !self.past_first_line {
            self.past_first_line = true;
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            found.extend(self.data.take().map(|data| text(&data)));
            return Ok(());
        }
        if let Some(error) = line.strip_prefix(b"error:") {
            self.data = Some([b"{\"error\":", error, b"}"].concat());
            return Ok(());
        }
        let Some(value) = line.strip_prefix(b"data").filter(|rest| matches!(rest.first(), None | Some(b':')))
        else {
            return Ok(());
        };
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &mut self.data {
            Some(data) => {
                data.push(b'\n');
                data.extend_from_slice(value);
            }
            None => self.data = Some(value.to_vec()),
        }
        Ok(())
    }

    fn check(&self) -> Result<(), TooLong> {
        let held = self.line.len() + self.data.as_ref().map_or(0, Vec::len);
        if held > MAX_BYTES { Err(TooLong) } else { Ok(()) }
    }
}

fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a stream that arrives in `pieces` consists of.
    fn events(pieces: &[&[u8]]) -> Vec<String> {
        let mut stream = Events::default();
        let mut found = Vec::new();
        for piece in pieces {
            stream.push(piece, &mut found).unwrap();
        }
        found.extend(stream.finish().unwrap());
        found
    }

    const MIXED: &[u8] = "\u{feff}: hello\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\nevent: x\nid: 4\ndata:no space\n\n\
                          data\n\nretry: 5\n\n: ping\n\ndata:  two\rdata: ü€😀\r\rdatabase: no\n\ndata: [DONE]"
        .as_bytes();
    const MIXED_EVENTS: [&str; 5] = ["{\"a\":\n1}", "no space", "", " two\nü€😀", "[DONE]"];

    #[test]
    fn lines_end_in_three_ways_and_comments_and_other_fields_are_passed_over() {
        assert_eq!(events(&[MIXED]), MIXED_EVENTS);
    }

    #[test]
    fn the_pieces_in_which_a_stream_arrives_do_not_matter() {
        for at in 0..=MIXED.len() {
            let (first, second) = MIXED.split_at(at);
            assert_eq!(events(&[first, second]), MIXED_EVENTS, "split at byte {at}");
            assert_eq!(
                events(&[first, b"", second]),
                MIXED_EVENTS,
                "split at byte {at}, and nothing between"
            );
        }
        for size in 1..8 {
            let pieces: Vec<&[u8]> = MIXED.chunks(size).collect();
            assert_eq!(events(&pieces), MIXED_EVENTS, "in pieces of {size} bytes");
        }
    }

    #[test]
    fn an_error_in_a_field_of_that_name_is_an_event() {
        let stream = b"data: 1\n\nerror: {\"message\": \"no memory\"}\n\ndata: [DONE]\n\n";
        assert_eq!(events(&[stream]), ["1", r#"{"error": {"message": "no memory"}}"#, "[DONE]"]);
    }

    #[test]
    fn an_endless_line_is_refused_and_not_kept() {
        let mut stream = Events::default();
        let piece = vec![b'x'; 1 << 20];
        let refused = (0..9).find_map(|_| stream.push(&piece, &mut Vec::new()).err());
        assert_eq!(refused, Some(TooLong));
        let mut stream = Events::default();
        let line = [b"data: ".as_slice(), &piece, b"\n"].concat();
        let refused = (0..9).find_map(|_| stream.push(&line, &mut Vec::new()).err());
        assert_eq!(refused, Some(TooLong), "nor is an event of endless lines");
    }
}
