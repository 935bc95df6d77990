//! Rules for prompts: repeatable, in their order, read from files.

use super::*;

/// The texts of a workload of `sample_size` prompts of a file.
fn texts(name: &str, text: &str, sample_size: u32, order: PromptOrder, seed: u64) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let mut workload = crate::settings::tests::experiment().workload;
    workload.prompts = PromptSource::File { path: path.to_str().unwrap().into(), column: None };
    (workload.sample_size, workload.order) = (sample_size, order);
    Prompts::read(&workload, seed).unwrap().texts
}

#[test]
fn the_builtin_prompts_are_those_of_every_worker() {
    let workload = crate::settings::tests::experiment().workload;
    let prompts = Prompts::read(&workload, 0).unwrap();
    assert_eq!((prompts.len(), prompts.index(5)), (1, 0), "as many as there are requests");
    assert_eq!(prompts.facts["file_sha256"], hex(&Sha256::digest(BUILTIN)));
}

#[test]
fn the_hash_is_that_of_the_python_workers() {
    // python3: h = hashlib.sha256(); for t in ("a", "ü"): b = t.encode(); h.update(len(b).to_bytes(8, "little") + b)
    let texts = ["a".to_owned(), "ü".to_owned()];
    assert_eq!(sha256_of(&texts), "430c9a628a98517673453ffe76bb67c6551ce3576e42c42440a46bbba24c54fc");
}

#[test]
fn groups_stay_together_in_the_order_of_their_names() {
    let csv = "text,source\n1,b\n2,a\n3,b\n4,a\n5,c\n";
    assert_eq!(texts("p.csv", csv, 4, PromptOrder::Grouped, 0), ["2", "4", "1", "3"]);
    assert_eq!(texts("p.csv", csv, 9, PromptOrder::Interleaved, 0), ["1", "2", "3", "4", "5"]);
}

#[test]
fn shuffling_repeats_with_its_seed_and_keeps_the_prompts() {
    let lines = (0..50).map(|number| format!("prompt {number}")).collect::<Vec<_>>().join("\n");
    let shuffled = |seed| texts("p.txt", &lines, 40, PromptOrder::Shuffled, seed);
    let (first, again, other) = (shuffled(3), shuffled(3), shuffled(4));
    assert_eq!(first, again);
    assert_ne!(first, other);
    let sorted = |mut texts: Vec<String>| {
        texts.sort();
        texts
    };
    assert_eq!(sorted(first), sorted(other), "the same prompts in another order");
}

#[test]
fn a_missing_file_is_named() {
    let mut workload = crate::settings::tests::experiment().workload;
    workload.prompts = PromptSource::File { path: "nowhere.txt".into(), column: None };
    let message = Prompts::read(&workload, 0).unwrap_err().message;
    assert!(message.starts_with("the prompts file nowhere.txt cannot be read"), "{message}");
}
