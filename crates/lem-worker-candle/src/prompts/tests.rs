//! Rules for prompts: repeatable, cut, bounded; and files with their mistakes.

use std::path::PathBuf;

use super::*;
use tempfile::TempDir;

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

fn file(name: &str, text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn read(name: &str, text: &str, column: Option<&str>) -> Result<Vec<String>, String> {
    let (folder, path) = file(name, text);
    file::read(path.to_str().unwrap(), column)
        .map_err(|failure| failure.message.replace(folder.path().to_str().unwrap(), "FOLDER"))
}

#[test]
fn a_text_file_has_a_prompt_a_line() {
    let prompts = read("p.txt", "\u{feff}One?\r\n\n  \nTwo, \"three\"\n", None).unwrap();
    assert_eq!(prompts, ["One?", "Two, \"three\""]);
}

#[test]
fn fields_are_found_by_their_usual_names_or_named() {
    let jsonl = "{\"id\": 1, \"input\": \"a\", \"instruction\": \"b\"}\n{\"instruction\": \"c\"}\n";
    assert_eq!(read("p.jsonl", jsonl, None).unwrap(), ["b", "c"], "instruction comes before input");
    let csv = "id,Text,other\n1,\"two\nlines\",x\n2,one,y\n";
    assert_eq!(read("p.csv", csv, None).unwrap(), ["two\nlines", "one"]);
    assert_eq!(read("p.csv", csv, Some("other")).unwrap(), ["x", "y"]);
}

#[test]
fn every_mistake_in_a_file_is_named_with_its_line() {
    let mistakes = [
        read("p.md", "hello", None),
        read("p.jsonl", "{\"text\": \"a\"}\n\nnot json\n", None),
        read("p.jsonl", "[1]\n", None),
        read("p.jsonl", "{\"id\": 1, \"label\": \"x\"}\n", None),
        read("p.jsonl", "{\"text\": \"a\"}\n{\"text\": \" \"}\n", None),
        read("p.jsonl", "{\"text\": 5}\n", None),
        read("p.csv", "a,b\n1,2\n", None),
        read("p.csv", "a,b\n1,2\n", Some("c")),
        read("p.csv", "a,text\n1,\n", None),
        read("p.csv", "a,text\n1,2,3\n", None),
    ];
    let messages: Vec<String> = mistakes.into_iter().map(Result::unwrap_err).collect();
    insta::assert_snapshot!(messages.join("\n"));
}
