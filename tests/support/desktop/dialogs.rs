//! Native dialogs and the window's frame, answered with the keyboard as a person would.

use std::path::Path;

use super::stage::Stage;
use crate::eventually;

/// Answers the dialog with this title with a path.
#[track_caller]
pub fn answer(stage: &Stage, title: &str, path: &Path) {
    let window = eventually(&format!("the dialog {title:?}"), || window(stage, title));
    xdotool(stage, &["windowactivate", "--sync", &window]);
    // GTK's location entry takes a whole path in every kind of file dialog.
    xdotool(stage, &["key", "ctrl+l"]);
    crate::pause(200);
    xdotool(stage, &["key", "ctrl+a"]);
    xdotool(stage, &["type", "--delay", "8", &path.display().to_string()]);
    xdotool(stage, &["key", "Return"]);
    eventually(&format!("the end of the dialog {title:?}"), || {
        self::window(stage, title).is_none().then_some(())
    });
}

/// Closes the app's window by its frame.
#[track_caller]
pub fn close_window(stage: &Stage) {
    let window = eventually("the app's window", || window(stage, "LEM Desktop"));
    xdotool(stage, &["windowactivate", "--sync", &window]);
    xdotool(stage, &["key", "alt+F4"]);
}

/// Whether the app's window can be seen.
pub fn window_is_visible(stage: &Stage) -> bool {
    window(stage, "LEM Desktop").is_some()
}

/// The window that is mapped and has this title.
fn window(stage: &Stage, title: &str) -> Option<String> {
    let pattern = format!("^{title}$");
    let output = stage.command("xdotool").args(["search", "--onlyvisible", "--name", &pattern]).output();
    let ids = String::from_utf8(output.expect("xdotool starts").stdout).expect("ids are digits");
    ids.lines().next().map(str::to_owned)
}

#[track_caller]
fn xdotool(stage: &Stage, arguments: &[&str]) {
    let status = stage.command("xdotool").args(arguments).status().expect("xdotool starts");
    assert!(status.success(), "xdotool {arguments:?}");
}
