//! A picture of every screen, light and dark, large and as small as the window goes, for whoever changes one. What a
//! machine can see is checked: no screen is wider than the window, and the page reported no failure.

use lem_tests::desktop::{App, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn every_screen_fits_its_window_in_light_and_dark() {
    for theme in ["light", "dark"] {
        let Some(mut stage) = Stage::new().await else { return };
        stage.set("LEM_METER", "simulated:square:low=90,high=310,period=2");
        stage.set("GTK_THEME", if theme == "dark" { "Adwaita:dark" } else { "Adwaita" });
        let project = stage.folder("project");
        let quickstart = project.join("campaigns/quickstart.yaml");
        let app = App::open(&stage, Some(&project)).await;
        app.ready("bench").await;
        app.click("button", "Quick start").await;
        app.ready("live").await;
        assert!(quickstart.is_file());
        app.see("measuring").await;
        look(&app, &format!("{theme}-live")).await;
        app.see_within("The campaign is complete", std::time::Duration::from_mins(3)).await;
        tour(&app, theme).await;
        assert!(!stage.log().contains("the page failed"), "{}", stage.log());
        app.kill().await;
    }
}

async fn tour(app: &App, theme: &str) {
    for screen in ["Bench", "Campaigns", "Settings", "Results"] {
        app.go(screen).await;
        look(app, &format!("{theme}-{}", screen.to_lowercase())).await;
    }
    app.click("tab", "Groups").await;
    app.see("CV").await;
    look(app, &format!("{theme}-groups")).await;
    app.click("tab", "Runs").await;
    app.click("button", "candle-llama-15m-max_output_tokens64").await;
    app.see("Energy of the window").await;
    app.see("By integral").await;
    look(app, &format!("{theme}-run")).await;
}

/// Keeps a picture and checks that nothing is cut off at the right.
async fn look(app: &App, name: &str) {
    app.picture(name);
    let script = "const page = document.scrollingElement; return page.scrollWidth <= page.clientWidth";
    assert_eq!(app.script(script, Vec::new()).await, true, "{name} is wider than its window");
}
