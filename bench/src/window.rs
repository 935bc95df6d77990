//! What the window costs: from its start to the first screen, charts and tables with much in them, and whether the
//! sampler notices that it is open.
//!
//! The real program under Xvfb, driven through WebDriver; what happens in the page is timed in the page. There is no
//! GPU for drawing here: on a desk with one, frames cost less.

mod live;
mod probes;
mod processes;
mod seed;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use lem_tests::desktop::{App, Stage};
use serde_json::json;

use crate::Outcome;
use crate::report::{Figures, Section, say};
use processes::Family;

/// One row: a name, its figures with so many decimals, and the aim.
struct Row(&'static str, Figures, usize, &'static str);

pub(crate) fn measure(repeat: u32) -> Outcome<Section> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let rows = runtime.block_on(rows(repeat))?;
    let cells = |Row(name, figures, decimals, aim): Row| {
        vec![name.to_owned(), figures.show(decimals), aim.to_owned()]
    };
    Ok(Section {
        name: "window",
        title: "The window",
        notes: vec![
            format!("Median (least-most) of {repeat} rounds; frames over 4 s of each, loads over 10 s."),
            "Start: from the start of the process until the bench has its data and was painted, folders and caches warm. \
             Memory: proportional set size (PSS) of the app and its WebKit processes then, 5 s later."
                .into(),
            "First picture, first row: from the click's change of address in the page until the trace, or the first row \
             with its values, is there."
                .into(),
            "Moving: the chart is moved by a key in every frame. The limit is a page that does nothing in its frames."
                .into(),
            "Scrolling: 4 rows a frame is a wheel that is turned fast, 25 replace all that is in view and are what dragging \
             the bar does."
                .into(),
            "Live: a campaign that samples 8 GPUs (simulated behind the real NVML loader) at 20 Hz, on the live screen."
                .into(),
        ],
        columns: vec!["what", "figure", "aim"],
        rows: rows.into_iter().map(cells).collect(),
    })
}

async fn rows(repeat: u32) -> Outcome<Vec<Row>> {
    let stage = Stage::new().await.ok_or("the window cannot be driven here: run scripts/desktop.sh")?;
    let project = seed::project(&stage).await?;
    let mut figures: [Figures; 8] = Default::default();
    for round in 1..=repeat {
        say(&format!("round {round}: the start"));
        let (start_ms, memory_mib) = start(&stage, &project)?;
        figures[0].push(start_ms);
        figures[1].push(memory_mib);
        say(&format!("round {round}: long traces and tables"));
        let app = App::open(&stage, Some(&project)).await;
        app.ready("bench").await;
        for (figure, value) in figures[2..].iter_mut().zip(screens(&app).await?) {
            figure.push(value);
        }
        app.kill().await;
    }
    let names = [
        ("start to the bench, ms", 0, "1000"),
        ("memory of all its processes, MiB", 0, "-"),
        ("a run with 1,000,000 samples: first picture, ms", 0, "150"),
        ("8 devices x 24 h at 20 Hz (13.8 million samples): moving, frames/s", 1, "60"),
        ("limit: an idle page, frames/s", 1, "-"),
        ("100,000 runs: first row, ms", 0, "200"),
        ("100,000 runs: scrolling by 4 rows a frame, frames/s", 1, "60"),
        ("100,000 runs: scrolling by 25 rows a frame, frames/s", 1, "-"),
    ];
    let mut rows: Vec<Row> = names
        .into_iter()
        .zip(figures)
        .map(|((name, decimals, aim), figures)| Row(name, figures, decimals, aim))
        .collect();
    rows.extend(live::rows(stage, repeat).await?);
    Ok(rows)
}

/// Starts the app by itself, without a driver, and watches from outside.
fn start(stage: &Stage, project: &PathBuf) -> Outcome<(f64, f64)> {
    let lines = || stage.log().matches("the first screen is shown").count();
    let before = lines();
    let begun = Instant::now();
    let mut command = stage.command(lem_tests::beside_the_tests("lem-desktop"));
    let mut app = command.arg(project).spawn()?;
    let family = Family::of(app.id());
    while lines() == before {
        if begun.elapsed() > Duration::from_mins(1) {
            return Err("the app shows no screen within a minute".into());
        }
        lem_tests::pause(2);
    }
    let start_ms = begun.elapsed().as_secs_f64() * 1e3;
    lem_tests::pause(5000);
    let memory_mib = family.memory_mib();
    app.kill()?;
    app.wait()?;
    Ok((start_ms, memory_mib))
}

/// The figures of one open window, in the order of the table.
async fn screens(app: &App) -> Outcome<[f64; 6]> {
    let ask = async |script: &str, arguments: Vec<serde_json::Value>| {
        app.script_async(script, arguments).await.as_f64().ok_or("the page tells no number")
    };
    // The screen's own code is loaded by a run of another size.
    ask(probes::FIRST_PICTURE, vec![json!(seed::SMALL)]).await?;
    let picture_ms = ask(probes::FIRST_PICTURE, vec![json!(seed::MILLION)]).await?;
    ask(probes::FIRST_PICTURE, vec![json!(seed::DAY)]).await?;
    let moving = ask(probes::MOVING, Vec::new()).await?;
    let idle = ask(probes::IDLE, Vec::new()).await?;
    let row_ms = ask(probes::FIRST_ROW, Vec::new()).await?;
    let wheel = ask(probes::SCROLLING, vec![json!(4)]).await?;
    let bar = ask(probes::SCROLLING, vec![json!(25)]).await?;
    Ok([picture_ms, moving, idle, row_ms, wheel, bar])
}
