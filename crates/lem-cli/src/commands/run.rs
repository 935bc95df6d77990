//! `lem run`: a campaign from its first run to its last, or the rest of one that was interrupted.

use std::path::Path;

use lem_engine::{CampaignStatus, Controller, Engine, EngineEvent, Error, ErrorCode, Summary};
use tokio::signal::unix::{SignalKind, signal};

use super::results;
use crate::args::{Global, OverrideArgs};
use crate::commands::{block_on, plan};
use crate::progress::{JsonLines, Progress};
use crate::{Ended, format, output};

pub(crate) fn run(
    engine: &Engine,
    global: &Global,
    file: Option<&Path>,
    resume: Option<&str>,
    args: &OverrideArgs,
) -> Result<Ended, Error> {
    let overrides = plan::overrides(args)?;
    let (controller, control) = Controller::new();
    let verbose = global.verbose;
    let progress = Progress::new(global.quiet, verbose);
    let lines = JsonLines::default();
    let json = global.json;
    let show = move |event: &EngineEvent| if json { lines.show(event) } else { progress.show(event) };
    let summary = block_on(async {
        let stopping = tokio::spawn(stop_on_signals(controller));
        let summary = match (resume, file) {
            (Some(id), _) => engine.resume(id, control, &show).await,
            (None, Some(file)) => engine.run(file, &overrides, control, &show).await,
            (None, None) => Err(Error::new(ErrorCode::BadInput, "name a campaign file, or --resume ID")),
        };
        stopping.abort();
        summary
    })?;
    drop(show);
    if !json {
        conclude(engine, &summary)?;
    }
    Ok(ended(&summary))
}

fn ended(summary: &Summary) -> Ended {
    match summary.status {
        CampaignStatus::Interrupted => Ended::Stopped,
        CampaignStatus::Completed if summary.failed == 0 => Ended::Well,
        CampaignStatus::Completed | CampaignStatus::Failed => Ended::RunFailed,
    }
}

fn conclude(engine: &Engine, summary: &Summary) -> Result<(), Error> {
    let rows = block_on(engine.results(Some(&summary.campaign_id)))?;
    output::line("");
    results::show_table(&rows);
    results::show_groups(&rows);
    output::line("");
    if let Some(message) = &summary.message {
        output::line(message);
    }
    let short = &summary.campaign_id;
    match summary.status {
        CampaignStatus::Interrupted | CampaignStatus::Failed if summary.remaining > 0 => {
            let left = format::counted(summary.remaining, "run");
            output::line(&format!("{left} left: lem run --resume {short}"));
        }
        _ => output::line(&format!("More: lem results --campaign {short}   lem export --campaign {short}")),
    }
    Ok(())
}

/// The first signal stops the campaign cleanly; a second one ends the program at once. What was written stays, and the
/// worker dies with this process.
async fn stop_on_signals(controller: Controller) {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) =
        (signal(kinds[0]), signal(kinds[1]), signal(kinds[2]))
    else {
        return;
    };
    for count in 0.. {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        if count > 0 {
            std::process::exit(130);
        }
        output::note(
            "stopping: the worker is asked to end; what was measured is kept (once more to end at once)",
        );
        controller.stop();
    }
}
