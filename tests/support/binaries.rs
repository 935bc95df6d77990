//! Where the programs under test are: beside the test's own binary, where one build puts them all.

use std::path::{Path, PathBuf};

/// A program or library of the same build.
#[track_caller]
pub fn beside_the_tests(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a running program has a path");
    let folder = own.parent().expect("a program lies in a folder");
    // Tests are in TARGET/PROFILE/deps, programs one above.
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    let path = folder.join(name);
    assert!(
        path.is_file(),
        "{} is missing. These tests run the programs as they were built: run `cargo build --release --workspace` \
         first, then `cargo test --release -p lem-tests`, with the same target folder",
        path.display()
    );
    path
}

/// The root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the repository")
}
