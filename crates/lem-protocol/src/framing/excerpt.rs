//! What is quoted of bytes that came from outside: short, on one line, and harmless to a terminal.

/// The longest excerpt, in characters.
pub const EXCERPT_CHARS: usize = 200;

/// The beginning of `bytes` as printable text of at most [`EXCERPT_CHARS`] characters. What is not UTF-8, control
/// characters, and characters that hide or reorder text are shown as U+FFFD; `…` says that something was left out.
pub fn excerpt(bytes: &[u8]) -> String {
    // No character has more than four bytes: this prefix is enough, and a megabyte need not be decoded.
    let prefix = &bytes[..bytes.len().min(4 * (EXCERPT_CHARS + 1))];
    let text = String::from_utf8_lossy(prefix);
    let mut characters = text.trim_ascii_end().chars().map(printable);
    let mut result: String = characters.by_ref().take(EXCERPT_CHARS).collect();
    if characters.next().is_some() {
        result.pop();
        result.push('…');
    }
    result
}

fn printable(character: char) -> char {
    let hides = matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    if character == '\t' {
        ' '
    } else if character.is_control() || hides {
        char::REPLACEMENT_CHARACTER
    } else {
        character
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escape_sequences_do_not_reach_a_terminal() {
        assert_eq!(excerpt(b"\x1b[2Jgone\x07"), "\u{fffd}[2Jgone\u{fffd}");
        assert_eq!(excerpt("a\u{202e}b".as_bytes()), "a\u{fffd}b");
    }

    #[test]
    fn a_long_text_ends_with_an_ellipsis_within_the_limit() {
        let shown = excerpt("é".repeat(5000).as_bytes());
        assert_eq!(shown.chars().count(), EXCERPT_CHARS);
        assert!(shown.ends_with('…'));
        assert_eq!(excerpt("é".repeat(EXCERPT_CHARS).as_bytes()), "é".repeat(EXCERPT_CHARS));
    }

    proptest! {
        #[test]
        fn an_excerpt_is_short_and_printable(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let shown = excerpt(&bytes);
            prop_assert!(shown.chars().count() <= EXCERPT_CHARS);
            prop_assert!(!shown.chars().any(char::is_control));
        }
    }
}
