//! Whatever is wrong with a file, it is refused with a sentence: nothing panics.

use std::fs;

use lem_backend::compose::{self, Compose};
use proptest::prelude::*;

use crate::fixtures;

fn texts() -> Vec<String> {
    let file = |name: &String| compose::find(&fixtures::folder().join(name)).expect("a compose file");
    fixtures::names().iter().map(|name| fs::read_to_string(file(name)).expect("readable")).collect()
}

/// `text` with the characters from `start` on replaced.
fn damaged(text: &str, start: usize, length: usize, instead: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let start = start % characters.len();
    let end = (start + length).min(characters.len());
    characters[..start]
        .iter()
        .copied()
        .chain(instead.chars())
        .chain(characters[end..].iter().copied())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_damaged_compose_file_never_makes_it_panic(
        which in any::<prop::sample::Index>(),
        start in any::<usize>(),
        length in 0..20_usize,
        instead in "(\\$\\{[A-Z:?+-]{0,3}|[:{}\\[\\]\"'&*\\n -]|extends: |<<: |null|0|\\PC){0,4}",
    ) {
        let texts = texts();
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("compose.yml");
        fs::write(&file, damaged(&texts[which.index(texts.len())], start, length, &instead)).expect("written");
        if let Ok(compose) = Compose::read(&file, &fixtures::environment()) {
            for service in compose.service_names() {
                if let Err(error) = compose.service(service) {
                    prop_assert!(!error.to_string().is_empty());
                }
            }
        }
    }
}
