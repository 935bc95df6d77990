//! New inputs from old ones: bytes, words and lines changed, moved, multiplied and mixed.

use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;

/// Longer inputs are cut: time is better spent on many short ones.
const LONGEST: usize = 32 << 10;

/// One seed with up to six changes.
pub(crate) fn mutate(random: &mut ChaCha8Rng, seeds: &[Vec<u8>], words: &[&str]) -> Vec<u8> {
    let mut input = seeds.choose(random).cloned().unwrap_or_default();
    for _ in 0..random.random_range(1..=6) {
        change(random, &mut input, seeds, words);
    }
    input.truncate(LONGEST);
    input
}

fn change(random: &mut ChaCha8Rng, input: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[&str]) {
    match random.random_range(0..14) {
        0 => flip(random, input),
        1 => drop(input.drain(range(random, input.len(), 16))),
        2 => repeat(random, input, 64, 16),
        3 | 4 => insert_word(random, input, words),
        5 | 6 => replace_token(random, input, words),
        7 => drop(input.drain(lines(random, input))),
        8 => {
            let copied = lines(random, input);
            let (copy, at) = (input[copied].to_vec(), line_start(random, input));
            input.splice(at..at, copy);
        }
        9 => indent(random, input),
        10 => splice_lines(random, input, seeds),
        11 => cross(random, input, seeds),
        12 => deepen(random, input),
        _ => ends(random, input),
    }
}

fn place(random: &mut ChaCha8Rng, length: usize) -> usize {
    random.random_range(0..=length)
}

/// Some consecutive places, at most `most`.
fn range(random: &mut ChaCha8Rng, length: usize, most: usize) -> std::ops::Range<usize> {
    let start = place(random, length);
    start..(start + random.random_range(0..=most)).min(length)
}

fn flip(random: &mut ChaCha8Rng, input: &mut [u8]) {
    let at = place(random, input.len());
    if let Some(byte) = input.get_mut(at) {
        *byte = if random.random() { *byte ^ 1 << random.random_range(0..8) } else { random.random() };
    }
}

fn repeat(random: &mut ChaCha8Rng, input: &mut Vec<u8>, longest: usize, most: usize) {
    let part = range(random, input.len(), longest);
    let copies = input[part.clone()].repeat(random.random_range(1..=most));
    input.splice(part.end..part.end, copies);
}

fn insert_word(random: &mut ChaCha8Rng, input: &mut Vec<u8>, words: &[&str]) {
    let at = if random.random() { place(random, input.len()) } else { line_start(random, input) };
    let word = words.choose(random).copied().unwrap_or_default();
    input.splice(at..at, word.bytes());
}

/// Puts a word, or another token of the input, in the place of a token.
fn replace_token(random: &mut ChaCha8Rng, input: &mut Vec<u8>, words: &[&str]) {
    let other = token(random, input);
    let new = match words.choose(random) {
        Some(word) if random.random_bool(0.7) => word.as_bytes().to_vec(),
        _ => input[other].to_vec(),
    };
    let old = token(random, input);
    input.splice(old, new);
}

/// Letters, digits and what else belongs to names and numbers, around some place.
fn token(random: &mut ChaCha8Rng, input: &[u8]) -> std::ops::Range<usize> {
    let at = place(random, input.len());
    let part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b'+');
    let before = input[..at].iter().rev().take_while(part).count();
    at - before..at + input[at..].iter().take_while(part).count()
}

fn line_start(random: &mut ChaCha8Rng, input: &[u8]) -> usize {
    let at = place(random, input.len());
    input[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1)
}

/// One to four whole lines.
fn lines(random: &mut ChaCha8Rng, input: &[u8]) -> std::ops::Range<usize> {
    let start = line_start(random, input);
    let count = random.random_range(1..=4);
    let length: usize =
        input[start..].split_inclusive(|byte| *byte == b'\n').take(count).map(<[u8]>::len).sum();
    start..start + length
}

/// Moves some lines to the right or to the left.
fn indent(random: &mut ChaCha8Rng, input: &mut Vec<u8>) {
    let part = lines(random, input);
    let (more, width) = (random.random::<bool>(), random.random_range(1..=4));
    let mut moved = Vec::new();
    for line in input[part.clone()].split_inclusive(|byte| *byte == b'\n') {
        let spaces = line.iter().take_while(|byte| **byte == b' ').count().min(width);
        if more {
            moved.extend(std::iter::repeat_n(b' ', width));
        }
        moved.extend_from_slice(if more { line } else { &line[spaces..] });
    }
    input.splice(part, moved);
}

fn splice_lines(random: &mut ChaCha8Rng, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
    if let Some(other) = seeds.choose(random) {
        let (part, at) = (lines(random, other), line_start(random, input));
        input.splice(at..at, other[part].iter().copied());
    }
}

/// The beginning of this input and the end of another.
fn cross(random: &mut ChaCha8Rng, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
    if let Some(other) = seeds.choose(random) {
        input.truncate(line_start(random, input));
        input.extend_from_slice(&other[line_start(random, other)..]);
    }
}

/// What opens without being closed, very often: recursion shows here.
fn deepen(random: &mut ChaCha8Rng, input: &mut Vec<u8>) {
    const OPENERS: [&str; 10] = ["[", "{", "{a: ", "- ", "? ", "[[{\"a\":", "${A:-", "!!a ", "\"", "&a [*a,"];
    let opener = OPENERS.choose(random).copied().unwrap_or_default();
    let count = [3, 65, 200, 1000, 20_000].choose(random).copied().unwrap_or_default();
    let at = place(random, input.len());
    input.splice(at..at, opener.repeat(count).into_bytes());
}

/// Line endings, a byte order mark, no last line.
fn ends(random: &mut ChaCha8Rng, input: &mut Vec<u8>) {
    match random.random_range(0..4) {
        0 => *input = input.split(|byte| *byte == b'\n').collect::<Vec<_>>().join(&b"\r\n"[..]),
        1 => *input = input.split(|byte| *byte == b'\n').collect::<Vec<_>>().join(&b"\r"[..]),
        2 => drop(input.splice(0..0, "\u{feff}".bytes())),
        _ => input.truncate(place(random, input.len())),
    }
}
