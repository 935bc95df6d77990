//! `lem campaigns` and `lem campaign show`: what was run, and what can be resumed.

use lem_engine::{CampaignSummary, Engine, Error};

use super::results;
use crate::args::Global;
use crate::commands::block_on;
use crate::{Ended, output};

pub(crate) fn campaigns(engine: &Engine, global: &Global) -> Result<Ended, Error> {
    let campaigns = block_on(engine.campaigns())?;
    if global.json {
        output::json(&campaigns);
    } else if campaigns.is_empty() {
        output::line("There are no campaigns yet; `lem run FILE` runs one.");
    } else {
        output::table(&HEADINGS, &[3, 4, 5], campaigns.iter().map(cells).collect());
        if let Some(first) = campaigns.iter().find(|campaign| campaign.resumable) {
            output::line("");
            output::line(&format!("Go on with one that has runs left: lem run --resume {}", first.id));
        }
    }
    Ok(Ended::Well)
}

const HEADINGS: [&str; 7] = ["ID", "NAME", "STATUS", "DONE", "FAILED", "LEFT", ""];

fn cells(campaign: &CampaignSummary) -> Vec<String> {
    vec![
        campaign.id.clone(),
        campaign.name.clone(),
        campaign.status.name().to_owned(),
        format!("{} of {}", campaign.completed, campaign.planned),
        campaign.failed.to_string(),
        campaign.remaining.to_string(),
        match campaign.not_needed {
            _ if campaign.resumable => "can be resumed".to_owned(),
            0 => String::new(),
            spared => format!("{spared} not needed"),
        },
    ]
}

pub(crate) fn show(engine: &Engine, global: &Global, id: &str) -> Result<Ended, Error> {
    let view = block_on(engine.campaign(id))?;
    if global.json {
        output::json(&view);
        return Ok(Ended::Well);
    }
    output::table(&HEADINGS, &[3, 4, 5], vec![cells(&view.detail.summary)]);
    if let Some(message) = &view.detail.summary.message {
        output::line(message);
    }
    output::line("");
    results::show_table(&view.runs);
    results::show_groups(&view.runs);
    Ok(Ended::Well)
}
