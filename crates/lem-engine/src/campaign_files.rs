//! Campaign files of a project: listed, read, and written without overwriting what someone else wrote meanwhile.

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use lem_spec::campaign::Overrides;
use serde::Serialize;
use specta::Type;

use crate::Engine;
use crate::error::{Error, ErrorCode};
use crate::files;

/// Where new campaigns go, and the folders that are looked through.
const FOLDER: &str = "campaigns";
const LISTED: [&str; 3] = [FOLDER, "examples", "."];

/// Larger files are no campaigns.
const MAX_BYTES: u64 = 1 << 20;

/// A campaign file in the project.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct CampaignFile {
    /// Its path, relative to the project.
    pub path: String,
    /// The name that it gives; `None` where it cannot be read.
    pub name: Option<String>,
    /// When it was changed last, in milliseconds since 1970.
    pub modified_unix_ms: f64,
    /// How many experiments it makes.
    pub experiments: u32,
    /// How many of its problems are errors.
    pub problems: u32,
}

/// A campaign file that is being edited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
pub struct CampaignText {
    /// Its path, relative to the project; `None` until it is saved.
    pub path: Option<String>,
    /// Its text.
    pub text: String,
}

impl Engine {
    /// The campaign files of the project: all YAML files in `campaigns`, and those in `examples` and at the top that
    /// read as campaigns.
    pub fn campaign_files(&self) -> Result<Vec<CampaignFile>, Error> {
        let mut found = Vec::new();
        for folder in LISTED {
            for path in yaml_files(&self.project.join(folder)) {
                found.extend(self.campaign_file(&path, folder == FOLDER));
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// Reads a campaign file of the project.
    pub fn open_campaign(&self, path: &str) -> Result<CampaignText, Error> {
        let text = read(&self.inside(path)?)?;
        Ok(CampaignText { path: Some(path.to_owned()), text })
    }

    /// Reads a campaign file from anywhere as one that is not saved yet. Names in it that are relative to its folder
    /// are made absolute by nobody: the plan says which files it does not find.
    pub fn import_campaign(&self, path: &Path) -> Result<CampaignText, Error> {
        match self.relative(path) {
            Some(inside) => self.open_campaign(&inside),
            None => Ok(CampaignText { path: None, text: read(path)? }),
        }
    }

    /// A new campaign: commented, small, and ready to run with the embedded worker.
    pub fn new_campaign(&self) -> CampaignText {
        CampaignText { path: None, text: include_str!("starter/campaign.yaml").to_owned() }
    }

    /// Writes a campaign file. `read` is the text that was edited: when the file holds another one by now, nothing is
    /// written. Without a path the file gets a free name after the campaign's.
    pub fn save_campaign(
        &self,
        path: Option<&str>,
        read: Option<&str>,
        text: &str,
    ) -> Result<CampaignText, Error> {
        let relative = match path {
            Some(path) => path.to_owned(),
            None => self.free_path(text),
        };
        let file = self.inside(&relative)?;
        let there = fs::read_to_string(&file).ok();
        if there.is_some() && there.as_deref() != read && there.as_deref() != Some(text) {
            let message = format!(
                "{relative}: the file was changed by someone else since it was read; nothing was written"
            );
            return Err(Error::new(ErrorCode::Conflict, message)
                .with_hint("open it again, or save under another name"));
        }
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).map_err(|e| Error::file("created", folder, &e))?;
        }
        files::replace(&file, text.as_bytes()).map_err(|e| Error::file("written", &file, &e))?;
        Ok(CampaignText { path: Some(relative), text: text.to_owned() })
    }

    /// Writes a campaign file where a person said, which may be an existing one; it must be inside of the project, where
    /// its results will be.
    pub fn save_campaign_at(&self, file: &Path, text: &str) -> Result<CampaignText, Error> {
        let Some(relative) = self.relative(file) else {
            let message = format!("{}: campaigns are kept inside of the project folder", file.display());
            return Err(Error::new(ErrorCode::BadInput, message)
                .with_hint(format!("choose a name in {}", self.project.display())));
        };
        let there = fs::read_to_string(file).ok();
        self.save_campaign(Some(&relative), there.as_deref(), text)
    }

    /// The full path of a file of the project, for [`Engine::start`].
    pub fn campaign_path(&self, path: &str) -> Result<PathBuf, Error> {
        self.inside(path)
    }

    fn campaign_file(&self, path: &Path, always: bool) -> Option<CampaignFile> {
        let relative = self.relative(path)?;
        let modified = fs::metadata(path).and_then(|meta| meta.modified()).ok();
        let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        let text = read(path).unwrap_or_default();
        let plan = self.plan(path, &Overrides::default()).ok().map(|view| view.plan);
        let campaign = plan.as_ref().filter(|plan| !plan.experiments.is_empty());
        if !always && (campaign.is_none() || !reads_as_campaign(&text)) {
            return None;
        }
        let errors = |plan: &lem_campaign::plan::Plan| {
            plan.problems.iter().filter(|p| p.severity == lem_spec::diagnostic::Severity::Error).count()
        };
        let number = |count| u32::try_from(count).unwrap_or(u32::MAX);
        Some(CampaignFile {
            path: relative,
            name: campaign.map(|plan| plan.name.clone()),
            modified_unix_ms: (since.as_secs_f64() * 1e3).floor(),
            experiments: number(campaign.map_or(0, |plan| plan.experiments.len())),
            problems: number(plan.as_ref().map_or(1, errors)),
        })
    }

    /// The path of a file inside of the project. Names come from outside: nothing leads out of it, by `..` or by a link.
    fn inside(&self, path: &str) -> Result<PathBuf, Error> {
        let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        let joined = self.project.join(path);
        let folder = joined.ancestors().skip(1).find_map(|parent| parent.canonicalize().ok());
        let project = self.project.canonicalize().ok();
        let target = joined.canonicalize().ok();
        let stays = project.as_ref().is_some_and(|project| {
            folder.is_some_and(|folder| folder.starts_with(project))
                && target.is_none_or(|t| t.starts_with(project))
        });
        if path.is_empty() || !Path::new(path).components().all(plain) || !stays {
            return Err(Error::new(
                ErrorCode::BadInput,
                format!("{path}: not a file inside of the project folder"),
            ));
        }
        Ok(joined)
    }

    /// The path relative to the project, of a file inside of it.
    fn relative(&self, path: &Path) -> Option<String> {
        let project = self.project.canonicalize().ok()?;
        let folder = path.parent()?.canonicalize().ok()?;
        let relative = folder.join(path.file_name()?).strip_prefix(project).ok()?.to_owned();
        Some(relative.to_str()?.to_owned())
    }

    fn free_path(&self, text: &str) -> String {
        let name =
            lem_spec::campaign::read("", text, &|_| Err(String::new())).0.map(|campaign| campaign.name);
        let slug = slug(name.as_deref().unwrap_or("campaign"));
        let path = |number: u32| match number {
            1 => format!("{FOLDER}/{slug}.yaml"),
            number => format!("{FOLDER}/{slug}-{number}.yaml"),
        };
        // Whoever has a hundred thousand campaigns of one name is asked to give another.
        (1..100_000).map(path).find(|path| !self.project.join(path).exists()).unwrap_or_else(|| path(1))
    }
}

/// Lower-case letters, digits and dashes, at most 60.
fn slug(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug: String = words.collect::<Vec<_>>().join("-").chars().take(60).collect();
    if slug.is_empty() { "campaign".to_owned() } else { slug }
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let is_yaml = |path: &PathBuf| {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let ending = path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
        !hidden && ending && path.is_file()
    };
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.map(|entry| entry.path()).filter(is_yaml).collect()
}

/// Anything may lie at the top of a folder: compose files read as mappings too.
fn reads_as_campaign(text: &str) -> bool {
    let keys = ["campaign_name:", "grid:", "experiments:", "configs:"];
    text.lines().any(|line| keys.iter().any(|key| line.starts_with(key)))
}

fn read(path: &Path) -> Result<String, Error> {
    let meta = fs::metadata(path).map_err(|e| Error::file("read", path, &e))?;
    if meta.len() > MAX_BYTES {
        return Err(Error::new(
            ErrorCode::BadInput,
            format!("{}: larger than 1 MiB; this is no campaign", path.display()),
        ));
    }
    fs::read_to_string(path).map_err(|e| Error::file("read", path, &e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    fn project() -> (tempfile::TempDir, Engine) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let engine = Engine::open(folder.path(), Options::default()).expect("opens");
        (folder, engine)
    }

    #[test]
    fn a_new_campaign_is_saved_under_a_free_name_after_its_own() {
        let (_folder, engine) = project();
        let text = engine.new_campaign().text;
        let first = engine.save_campaign(None, None, &text).expect("saves");
        let second = engine.save_campaign(None, None, &text).expect("saves");
        assert_eq!(first.path.as_deref(), Some("campaigns/new-campaign.yaml"));
        assert_eq!(second.path.as_deref(), Some("campaigns/new-campaign-2.yaml"));
        let files = engine.campaign_files().expect("lists");
        assert!(files.iter().all(|file| file.problems == 0 && file.experiments > 0), "{files:?}");
    }

    #[test]
    fn what_someone_else_changed_meanwhile_is_not_overwritten() {
        let (folder, engine) = project();
        let saved = engine.save_campaign(None, None, "campaign_name: a\n").expect("saves");
        let path = saved.path.as_deref().expect("it has a name now");
        fs::write(folder.path().join(path), "campaign_name: b\n").expect("writes");
        let error =
            engine.save_campaign(Some(path), Some(&saved.text), "campaign_name: c\n").expect_err("refused");
        assert_eq!(error.code, ErrorCode::Conflict);
        assert_eq!(engine.open_campaign(path).expect("opens").text, "campaign_name: b\n");
    }

    #[test]
    fn no_name_leads_out_of_the_project() {
        let (folder, engine) = project();
        std::os::unix::fs::symlink("/etc", folder.path().join("link")).expect("links");
        for path in ["../x.yaml", "/etc/passwd", "link/passwd", "a/../../x", ""] {
            assert_eq!(engine.open_campaign(path).expect_err(path).code, ErrorCode::BadInput, "{path}");
            assert_eq!(
                engine.save_campaign(Some(path), None, "x").expect_err(path).code,
                ErrorCode::BadInput
            );
        }
    }
}
