//! Rules for prompts: repeatable, cut, bounded, read from files.

use super::*;

#[test]
fn seeded_prompts_repeat_and_do_not_depend_on_their_number() {
    let four = seeded::prompts(7, 4, 32_000);
    assert_eq!(four, seeded::prompts(7, 4, 32_000));
    assert_eq!(four[..2], seeded::prompts(7, 2, 32_000)[..]);
    assert_ne!(four, seeded::prompts(8, 4, 32_000));
}

#[test]
fn seeded_prompts_vary_in_length_and_stay_in_the_vocabulary() {
    let prompts = seeded::prompts(0, 200, 100);
    assert!(prompts.iter().all(|prompt| (16..=128).contains(&prompt.len())));
    assert!(
        prompts.iter().any(|prompt| prompt.len() < 40) && prompts.iter().any(|prompt| prompt.len() > 100)
    );
    assert!(prompts.iter().flatten().all(|token| (3..100).contains(token)));
}

#[test]
fn there_are_a_few_dozen_different_builtin_prompts() {
    let lines: std::collections::HashSet<&str> = BUILTIN.lines().collect();
    assert!(lines.len() >= 36 && !lines.contains(""));
    assert_eq!(lines.len(), BUILTIN.lines().count(), "none twice");
}

#[test]
fn a_file_is_read_and_a_missing_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.jsonl");
    std::fs::write(&path, "{\"question\": \"Why?\"}\n").unwrap();
    assert_eq!(read(path.to_str().unwrap(), None).unwrap(), ["Why?"]);
    let missing = read("nowhere.txt", None).unwrap_err().message;
    assert!(missing.starts_with("the prompts file nowhere.txt cannot be read"), "{missing}");
}
