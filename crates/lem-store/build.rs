//! A changed migration changes the program: `migrate!` reads the folder while compiling, unseen by cargo.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
