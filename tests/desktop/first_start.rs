//! From the first start to the first honest joules per token, and out again as a file.

use std::time::Duration;

use lem_tests::desktop::{App, Stage, dialogs};

/// Whether the first chart of the page has drawn a line: some of its pixels are opaque.
const HAS_DRAWN: &str = "
    const canvas = document.querySelector('main canvas');
    if (canvas === null || canvas.width === 0) return false;
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let blue = 0;
    for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 127 && data[i + 2] > data[i] + 60) blue += 1;
    return blue > 300;
";

#[tokio::test(flavor = "multi_thread")]
async fn three_clicks_lead_from_the_first_start_to_joules_per_token_and_a_file_of_them() {
    let Some(stage) = Stage::new().await else { return };
    let project = stage.folder("my first project");
    let app = App::open(&stage, None).await;
    app.see("What does inference cost in energy?").await;
    app.picture("first-start");
    app.click("button", "Create a project").await;
    dialogs::answer(&stage, "Choose or make a folder for the project", &project);
    app.ready("bench").await;
    for file in [".lem-config.yaml", "docker-compose.yml", "campaigns/quickstart.yaml"] {
        let text = std::fs::read_to_string(project.join(file)).expect(file);
        assert!(text.starts_with('#'), "{file} explains itself: {text}");
    }

    app.click("button", "Quick start").await;
    app.ready("live").await;
    app.until("a drawn line", Duration::from_secs(30), HAS_DRAWN).await;
    app.see_within("The campaign is complete", Duration::from_mins(3)).await;
    app.picture("live-complete");
    app.click("link", "Show the results").await;
    app.ready("results").await;
    app.see("4 runs").await;
    app.until(
        "rows",
        Duration::from_secs(10),
        "return document.querySelectorAll('[role=row]:not([aria-busy])').length === 5",
    )
    .await;
    let rows = app.rows().await;
    for row in &rows {
        let energy = row["Energy, J"].as_str().expect("text");
        let (number, mark) = energy.split_once(' ').unwrap_or((energy, ""));
        assert!(number.parse::<f64>().is_ok_and(|joules| joules > 0.0), "{row:?}");
        // What this machine cannot measure is marked beside the number; with a sensor there is no mark.
        assert!(mark.is_empty() || mark == "estimated", "{row:?}");
    }
    app.picture("results-of-the-quick-start");

    for (choice, format) in [("CSV", "csv"), ("JSON", "json"), ("JSON Lines", "jsonl")] {
        let file = project.join(format!("exported.{format}"));
        app.click("button", "Export").await;
        app.click("menuitem", choice).await;
        dialogs::answer(&stage, "Export the results", &file);
        app.see(&format!("exported.{format}")).await;
        let theirs = stage.lem(&project, &["export", "--format", format]);
        let ours = std::fs::read(&file).expect("it was written before it was said");
        assert_eq!(String::from_utf8_lossy(&ours), String::from_utf8_lossy(&theirs), "{format}");
    }
    assert!(!stage.log().contains("the page failed"), "{}", stage.log());
    app.kill().await;
}
