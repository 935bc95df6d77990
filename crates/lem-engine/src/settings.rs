//! `.lem-config.yaml` on disk: reading it, and changing one value of it.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use lem_spec::diagnostic::Diagnostic;
use lem_spec::settings::{self, FILE_NAME, Settings};
use serde::Serialize;

use crate::error::{Error, ErrorCode};
use crate::files;

/// The settings in force, and the file that they come from.
#[derive(Debug, Clone, Serialize)]
pub struct SettingsView {
    /// The file's path.
    pub path: String,
    /// Whether it exists.
    pub exists: bool,
    /// Its text as read: what a change is made against.
    pub text: String,
    /// The values in force with their sources.
    pub settings: Settings,
    /// What was found wrong with it.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads the settings of a project. A file that is missing, empty or invalid gives defaults; only one that cannot be
/// read at all is an error.
pub(crate) fn read(project: &Path) -> Result<SettingsView, Error> {
    let path = project.join(FILE_NAME);
    let text = text_of(&path)?;
    let (settings, diagnostics) = settings::read(FILE_NAME, text.as_deref().unwrap_or(""));
    Ok(SettingsView {
        path: path.display().to_string(),
        exists: text.is_some(),
        text: text.unwrap_or_default(),
        settings,
        diagnostics,
    })
}

/// Changes one value and nothing else in the file. `read` is the text that the change was decided on: when the file
/// holds another one by now, nothing is written.
pub(crate) fn set(project: &Path, read: &str, field: &str, value: &str) -> Result<(), Error> {
    let changed = settings::set(read, field, value)
        .map_err(|e| Error::new(ErrorCode::BadInput, format!("{FILE_NAME}: {e}")))?;
    let path = project.join(FILE_NAME);
    if text_of(&path)?.unwrap_or_default() != read {
        return Err(Error::new(
            ErrorCode::Conflict,
            format!(
                "{}: the file was changed by someone else since it was read; nothing was written",
                path.display()
            ),
        )
        .with_hint("read it again and repeat the change"));
    }
    files::replace(&path, changed.as_bytes()).map_err(|e| Error::file("written", &path, &e))
}

/// The settings without a word about them; `None` when the file cannot be read.
pub(crate) fn quietly(project: &Path) -> Option<Settings> {
    let text = text_of(&project.join(FILE_NAME)).ok()?.unwrap_or_default();
    Some(settings::read(FILE_NAME, &text).0)
}

fn text_of(path: &Path) -> Result<Option<String>, Error> {
    match fs::read(path) {
        Ok(bytes) => String::from_utf8(bytes).map(Some).map_err(|e| {
            let valid = &e.as_bytes()[..e.utf8_error().valid_up_to()];
            let line = String::from_utf8_lossy(valid).matches('\n').count() + 1;
            Error::new(ErrorCode::BadInput, format!("{}:{line}: the file is not UTF-8 text", path.display()))
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file("read", path, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_keeps_the_rest_of_the_file_and_takes_effect() {
        let project = tempfile::tempdir().expect("temporary folder");
        let text = "# mine\nthermal_gaps:\n  between_cycles: 30  # short\nextra: 1\n";
        fs::write(project.path().join(FILE_NAME), text).expect("writes");
        set(project.path(), text, "thermal_gaps.between_cycles", "45").expect("changes");
        let view = read(project.path()).expect("reads");
        assert_eq!(view.text, text.replace("30", "45"));
        assert!((view.settings.thermal_gaps.between_cycles.value - 45.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_file_that_someone_else_changed_meanwhile_is_not_overwritten() {
        let project = tempfile::tempdir().expect("temporary folder");
        let path = project.path().join(FILE_NAME);
        fs::write(&path, "results_dir: a\n").expect("writes");
        let read = read(project.path()).expect("reads").text;
        fs::write(&path, "results_dir: b\n").expect("writes");
        let error = set(project.path(), &read, "results_dir", "c").expect_err("refused");
        assert_eq!(error.code, ErrorCode::Conflict);
        assert_eq!(fs::read_to_string(&path).expect("reads"), "results_dir: b\n");
    }

    #[test]
    fn an_invalid_file_puts_defaults_in_force_and_stays_as_it_is() {
        let project = tempfile::tempdir().expect("temporary folder");
        let path = project.path().join(FILE_NAME);
        fs::write(&path, "thermal_gaps: [\n").expect("writes");
        let view = read(project.path()).expect("reads");
        assert_eq!(view.settings, Settings::default());
        assert!(view.diagnostics.iter().any(|d| d.at.is_some()), "{:?}", view.diagnostics);
        set(project.path(), &view.text, "results_dir", "c").expect_err("refused");
        assert_eq!(fs::read_to_string(&path).expect("reads"), "thermal_gaps: [\n");
    }
}
