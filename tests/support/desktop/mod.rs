//! The window, driven as a person would: the real program under Xvfb, through tauri-driver and WebKitWebDriver; native
//! dialogs through xdotool.

mod app;
mod bus;
pub mod dialogs;
mod stage;

pub use app::App;
pub use stage::{Stage, artifacts};
