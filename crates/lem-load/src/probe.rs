//! One small request before anything is measured: whether the server takes the parameters, and whether it counts tokens.

use std::sync::Mutex;

use reqwest::StatusCode;

use crate::ask::{ask, lock};
use crate::body::Template;
use crate::failure::Failure;
use crate::ready::Patience;
use crate::record::Record;
use crate::report::Report;
use crate::server::{Refusal, Server};
use crate::{Api, answer::Usage};

/// Not one of the workload's: a server may keep the beginnings of prompts that it has seen.
const PROMPT: &str = "Hello.";

/// Tokens that the probe asks for at most.
const TOKENS: u32 = 4;

/// What the probe found.
#[derive(Debug)]
pub(crate) struct Probed {
    /// The template that the server accepts.
    pub(crate) template: Template,
    /// The figures that it reported.
    pub(crate) usage: Usage,
}

/// Asks until the server answers; a server that lists its model may still be loading it.
pub(crate) async fn probe(
    server: &Server,
    api: Api,
    template: Template,
    patience: &mut Patience,
    report: &Report,
) -> Result<Probed, Failure> {
    let mut template = template;
    let mut asks_for_usage = true;
    loop {
        match small(server, api, &template, PROMPT).await {
            Ok(usage) => return Ok(Probed { template, usage }),
            Err(refusal) if asks_for_usage && is_about_usage(&refusal) => {
                asks_for_usage = false;
                template = template.without_stream_options();
            }
            Err(refusal @ Refusal::Status(StatusCode::SERVICE_UNAVAILABLE, _)) => {
                patience.after(&refusal, server, report).await?;
            }
            Err(refusal) => return Err(refusal.failure().of("a first small request")),
        }
    }
}

/// The usage figures for a few tokens after `prompt`.
pub(crate) async fn small(
    server: &Server,
    api: Api,
    template: &Template,
    prompt: &str,
) -> Result<Usage, Refusal> {
    let record = Mutex::new(Record::default());
    let body = template.limited_to(TOKENS).body(prompt);
    ask(server, api, body, &record, |_| ()).await?.read_rest().await;
    Ok(lock(&record).usage)
}

fn is_about_usage(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::Status(status, message) => {
            matches!(*status, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY)
                && ["stream_options", "include_usage"].into_iter().any(|name| message.contains(name))
        }
        Refusal::Broken(_) => false,
    }
}
