//! Values that compose files write as text: command lines, sizes, times. Pure.

use std::time::Duration;

/// Splits a command line into words as a POSIX shell does, without variables and comments.
pub(super) fn split(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                quoted(&mut characters, character, word).ok_or_else(|| unclosed(line, character))?;
            }
            '\\' => {
                let escaped =
                    characters.next().ok_or_else(|| format!("`{line}` ends with a backslash; remove it"))?;
                if escaped != '\n' {
                    word.get_or_insert_default().push(escaped);
                }
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

fn quoted(characters: &mut std::str::Chars<'_>, quote: char, word: &mut String) -> Option<()> {
    loop {
        match characters.next()? {
            end if end == quote => return Some(()),
            '\\' if quote == '"' => match characters.next()? {
                '\n' => {}
                escaped @ ('"' | '\\' | '$' | '`') => word.push(escaped),
                other => word.extend(['\\', other]),
            },
            other => word.push(other),
        }
    }
}

fn unclosed(line: &str, quote: char) -> String {
    format!("`{line}` has an open quote {quote}; close it, or write the command as a list")
}

/// Bytes, from `512m`, `1.5 GiB` or `67108864`: all units are powers of 1024, as Docker has them.
pub(super) fn bytes(written: &str) -> Result<u64, String> {
    let refuse = || format!("`{written}` is no size; write for example `512m`, `8g` or a number of bytes");
    let text = written.trim().to_ascii_lowercase();
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim_start();
    let power = match unit.strip_suffix("ib").or_else(|| unit.strip_suffix('b')).unwrap_or(unit) {
        "" if unit != "ib" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        _ => return Err(refuse()),
    };
    let scale = 1_u64 << (10 * power);
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(scale).filter(|bytes| i64::try_from(*bytes).is_ok()).ok_or_else(refuse);
    }
    fraction_of(number, scale).ok_or_else(refuse)
}

/// `1.5` of a unit, rounded down to bytes; exact, because a float could be off by some bytes.
fn fraction_of(number: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.')?;
    if fraction.is_empty() || fraction.len() > 12 || whole.is_empty() {
        return None;
    }
    let denominator = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let numerator = whole.parse::<u128>().ok()?.checked_mul(denominator)? + fraction.parse::<u128>().ok()?;
    let bytes = numerator.checked_mul(u128::from(scale))? / denominator;
    u64::try_from(bytes).ok().filter(|bytes| i64::try_from(*bytes).is_ok())
}

/// A time such as `1m30s`, `1.5h` or `100ms`, in Go's spelling as Compose takes it; negative times are refused.
pub(super) fn duration(written: &str) -> Result<Duration, String> {
    let refuse = || format!("`{written}` is no time; write for example `30s`, `1m30s` or `500ms`");
    let mut rest = written.trim();
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(refuse());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).ok_or_else(refuse)?;
        let (number, tail) = rest.split_at(digits);
        let unit_length = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_length);
        let nanoseconds = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "d" => 86_400_000_000_000,
            _ => return Err(refuse()),
        };
        let part = match number.parse::<u64>() {
            Ok(whole) => whole.checked_mul(nanoseconds),
            Err(_) => fraction_of(number, nanoseconds),
        };
        total = part.and_then(|part| total.checked_add(part)).ok_or_else(refuse)?;
        rest = tail;
    }
    Ok(Duration::from_nanos(total))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{bytes, duration, split};

    #[test]
    fn a_command_line_is_split_as_a_shell_does() {
        for (line, words) in [
            ("python -m lem_worker vllm", vec!["python", "-m", "lem_worker", "vllm"]),
            ("  a   b ", vec!["a", "b"]),
            ("sh -c 'echo \"hi\" && exit 1'", vec!["sh", "-c", "echo \"hi\" && exit 1"]),
            ("a\"b c\"d ''", vec!["ab cd", ""]),
            ("a\\ b \"\\\"\\n\"", vec!["a b", "\"\\n"]),
            ("a \\\n  b", vec!["a", "b"]),
            ("--name #1 $HOME", vec!["--name", "#1", "$HOME"]),
            ("", vec![]),
        ] {
            assert_eq!(split(line), Ok(words.into_iter().map(str::to_owned).collect()), "{line}");
        }
        assert!(split("a 'b").is_err());
        assert!(split("a \\").is_err());
    }

    #[test]
    fn sizes_are_powers_of_1024_in_every_spelling() {
        for (written, expected) in [
            ("67108864", 64 << 20),
            ("1b", 1),
            ("2k", 2 << 10),
            ("2kb", 2 << 10),
            ("512M", 512 << 20),
            ("16gb", 16 << 30),
            ("16 GiB", 16 << 30),
            ("1.5g", 3 << 29),
            ("0.1k", 102),
            ("0", 0),
            ("1t", 1 << 40),
        ] {
            assert_eq!(bytes(written), Ok(expected), "{written}");
        }
        for written in ["", "g", "12q", "-1", "1.g", ".5g", "1ib", "1e3", "99999999p", "1 2", "1.2.3m"] {
            assert!(bytes(written).is_err(), "{written}");
        }
    }

    #[test]
    fn times_have_units_and_add_up() {
        for (written, milliseconds) in [
            ("30s", 30_000),
            ("1m30s", 90_000),
            ("1h5m", 3_900_000),
            ("1.5s", 1_500),
            ("500ms", 500),
            ("0", 0),
            ("0s", 0),
            ("1d", 86_400_000),
        ] {
            assert_eq!(duration(written), Ok(Duration::from_millis(milliseconds)), "{written}");
        }
        assert_eq!(duration("3us"), Ok(Duration::from_micros(3)));
        for written in ["", "30", "s", "-1s", "1x", "1s2", "1..5s", "99999999999h"] {
            assert!(duration(written).is_err(), "{written}");
        }
    }

    proptest! {
        #[test]
        fn quoting_every_word_gives_the_words_back(words in proptest::collection::vec("[^']{0,10}", 0..5)) {
            let line = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(split(&line), Ok(words));
        }

        #[test]
        fn no_text_makes_them_panic(text in "([0-9.kmgtpbius\"'\\\\ ]|\\PC){0,30}") {
            let _ = (split(&text), bytes(&text), duration(&text));
        }

        #[test]
        fn a_number_of_bytes_is_itself(count in 0..=i64::MAX as u64) {
            prop_assert_eq!(bytes(&count.to_string()), Ok(count));
        }
    }
}
