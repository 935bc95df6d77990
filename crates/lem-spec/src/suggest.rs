//! The known word that a misspelt one probably means.

/// The nearest of `known` to `word`, if it is near enough to be meant: a third of the letters may differ, at least one,
/// at most three (insertions, deletions, changes and swaps of neighbours; capitals do not count). The first wins a tie.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        let distance = strsim::damerau_levenshtein(&word, &candidate.to_lowercase());
        if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    const KNOWN: [&str; 4] = ["verbosity", "results_dir", "docker", "on_failure"];

    #[test]
    fn a_slip_of_the_finger_finds_its_word() {
        for (typed, meant) in [
            ("verbosty", "verbosity"),
            ("result_dir", "results_dir"),
            ("dokcer", "docker"),
            ("Docker", "docker"),
        ] {
            assert_eq!(nearest(typed, KNOWN), Some(meant), "{typed}");
        }
    }

    #[test]
    fn a_word_that_means_something_else_finds_nothing() {
        for typed in ["theme", "x", "", "power"] {
            assert_eq!(nearest(typed, KNOWN), None, "{typed}");
        }
    }
}
