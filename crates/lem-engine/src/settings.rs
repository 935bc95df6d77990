//! `.lem-config.yaml` on disk: reading it, and changing one value of it.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use lem_spec::diagnostic::{Diagnostic, Severity};
use lem_spec::settings::{self, FILE_NAME, Settings};
use lem_spec::source::{Resolved, Source};
use serde::{Deserialize, Serialize};
use specta::Type;

use crate::Engine;
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

/// A setting as a form shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct SettingView {
    /// Dotted path.
    pub path: String,
    /// What it does.
    pub summary: String,
    /// The value that is built in, as it would be written.
    pub default: String,
    /// What values it takes.
    pub kind: settings::Kind,
    /// The same in words.
    pub range: String,
    /// The value in force, as it would be written.
    pub value: String,
    /// Who set it.
    pub source: Source,
    /// The same in words.
    pub source_text: String,
}

/// The settings file and what it means.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct SettingsPage {
    /// The file's path.
    pub path: String,
    /// Whether it exists.
    pub exists: bool,
    /// Its text.
    pub text: String,
    /// Every setting.
    pub fields: Vec<SettingView>,
    /// What was found wrong with it.
    pub diagnostics: Vec<Diagnostic>,
}

/// What a text of settings means that is not saved.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct SettingsDraft {
    /// The text.
    pub text: String,
    /// Every setting.
    pub fields: Vec<SettingView>,
    /// What was found wrong with it.
    pub diagnostics: Vec<Diagnostic>,
}

/// A change of one setting.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Type)]
pub struct SettingChange {
    /// Dotted path.
    pub field: String,
    /// The new value; `None` takes the setting out of the file, so that its default is in force.
    pub value: Option<String>,
}

impl Engine {
    /// The settings file of the project, for a screen.
    pub fn settings_page(&self) -> Result<SettingsPage, Error> {
        let SettingsView { path, exists, text, settings, diagnostics } = self.settings()?;
        Ok(SettingsPage { path, exists, text, fields: fields(&settings), diagnostics })
    }

    /// What a text of settings means.
    pub fn check_settings(&self, text: String) -> SettingsDraft {
        let (settings, diagnostics) = settings::read(FILE_NAME, &text);
        SettingsDraft { text, fields: fields(&settings), diagnostics }
    }

    /// What the settings file `read` would become by these changes; nothing is written.
    pub fn edit_settings(&self, read: &str, changes: &[SettingChange]) -> Result<SettingsDraft, Error> {
        let change = |text: String, change: &SettingChange| match &change.value {
            Some(value) => settings::set(&text, &change.field, value),
            None => settings::unset(&text, &change.field),
        };
        let edited = changes.iter().try_fold(read.to_owned(), change);
        let text = edited.map_err(|e| Error::new(ErrorCode::BadInput, format!("{FILE_NAME}: {e}")))?;
        Ok(self.check_settings(text))
    }

    /// Writes the settings file. `read` is the text that was edited: when the file holds another one by now, nothing is
    /// written; nor when the text is not valid.
    pub fn save_settings(&self, read: &str, text: &str) -> Result<SettingsPage, Error> {
        let (_, diagnostics) = settings::read(FILE_NAME, text);
        if let Some(problem) = diagnostics.iter().find(|problem| problem.severity == Severity::Error) {
            let error = Error::new(ErrorCode::BadInput, problem.to_string());
            return Err(error.with_hint("correct it; the file was not changed"));
        }
        replace(&self.project, read, text)?;
        self.settings_page()
    }
}

fn fields(settings: &Settings) -> Vec<SettingView> {
    let view = |field: &settings::Field| {
        let Resolved { value, source } = settings.get(field.path)?;
        Some(SettingView {
            path: field.path.to_owned(),
            summary: field.summary.to_owned(),
            default: field.default.to_owned(),
            kind: field.kind,
            range: field.range(),
            value: value.to_string(),
            source,
            source_text: source.to_string(),
        })
    };
    settings::fields().iter().filter_map(view).collect()
}

/// Changes one value and nothing else in the file. `read` is the text that the change was decided on: when the file
/// holds another one by now, nothing is written.
pub(crate) fn set(project: &Path, read: &str, field: &str, value: &str) -> Result<(), Error> {
    let changed = settings::set(read, field, value)
        .map_err(|e| Error::new(ErrorCode::BadInput, format!("{FILE_NAME}: {e}")))?;
    replace(project, read, &changed)
}

fn replace(project: &Path, read: &str, text: &str) -> Result<(), Error> {
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
    files::replace(&path, text.as_bytes()).map_err(|e| Error::file("written", &path, &e))
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
