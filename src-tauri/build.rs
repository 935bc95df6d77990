//! Reads tauri.conf.json: window, content security policy and the page's permissions become part of the program.

fn main() {
    tauri_build::build();
}
