//! `.lem-config.yaml` changed on the settings screen, and what the builder makes of it.

use std::path::PathBuf;

use lem_tests::desktop::{App, Stage};

const COMMENTED: &str = "\
# Our lab's machine: it cools slowly.
thermal_gaps:
  between_experiments: 45   # measured in March
  between_cycles: 90
own_key: kept
";

/// The settings screen of a project whose file holds this text, and the file.
async fn settings_of(stage: &Stage, text: &str) -> (App, PathBuf) {
    let project = stage.folder("project");
    let file = project.join(".lem-config.yaml");
    std::fs::write(&file, text).expect("a temporary folder can be written to");
    let app = App::open(stage, Some(&project)).await;
    app.ready("bench").await;
    app.go("Settings").await;
    (app, file)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_that_is_changed_in_the_settings_keeps_its_comment_and_is_what_the_builder_says() {
    let Some(stage) = Stage::new().await else { return };
    let (app, file) = settings_of(&stage, COMMENTED).await;
    app.fill("thermal_gaps.between_experiments", "7.5").await;
    app.click("button", "Save …").await;
    app.see("+ between_experiments: 7.5 # measured in March").await;
    app.picture("settings-diff");
    app.click("button", "Save").await;
    app.see("Settings saved").await;
    let saved = std::fs::read_to_string(&file).expect("reads");
    assert_eq!(saved, COMMENTED.replace("45", "7.5"), "one value and nothing else");

    app.go("Campaigns").await;
    app.click("button", "New campaign").await;
    app.ready("new campaign").await;
    app.see("7.5 s in force").await;
    app.see(".lem-config.yaml, line 3").await;
    app.picture("builder-gap-from-settings");
    app.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_someone_else_changes_meanwhile_is_not_overwritten() {
    let Some(stage) = Stage::new().await else { return };
    let (app, file) = settings_of(&stage, COMMENTED).await;
    app.fill("thermal_gaps.between_cycles", "91").await;
    let theirs = COMMENTED.replace("kept", "theirs");
    std::fs::write(&file, &theirs).expect("writes");
    app.click("button", "Save …").await;
    app.click("button", "Save").await;
    app.see("The file was changed by someone else").await;
    assert_eq!(std::fs::read_to_string(&file).expect("reads"), theirs);
    app.click("button", "Take the file").await;
    app.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_file_at_the_start_is_shown_with_its_place_and_left_as_it_is() {
    let Some(stage) = Stage::new().await else { return };
    let broken = "thermal_gaps:\n  between_experiments: [1\nverbosity: quiet\n";
    let (app, file) = settings_of(&stage, broken).await;
    app.see("The file cannot be used as it is: built-in values are in force").await;
    app.see("line 3, column").await;
    let gap = app.find("textbox", "thermal_gaps.between_experiments").await;
    assert_eq!(gap.prop("value").await.expect("an input").as_deref(), Some("60"), "the built-in value");
    assert!(!app.is_enabled("textbox", "thermal_gaps.between_experiments").await);
    app.picture("settings-invalid");
    assert_eq!(std::fs::read_to_string(&file).expect("reads"), broken);
    app.kill().await;
}
