//! The webhook of `.lem-config.yaml`: one POST of JSON that says how a campaign ended.
//!
//! It is a courtesy: what goes wrong with it is logged and changes nothing about the campaign. The address is never
//! logged whole, because such addresses often carry a token. A campaign that a person stopped is not told.

use std::time::Duration;

use lem_campaign::run::{CampaignStatus, Clock, Summary};
use lem_spec::settings::Notifications;
use serde::Serialize;

use crate::Engine;
use crate::clock::SystemClock;
use crate::error::Error;

/// The longest that one attempt may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Waits before the second and the third attempt, in seconds.
const WAITS_S: [i64; 2] = [1, 4];

/// What is sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Post {
    event: &'static str,
    campaign_id: String,
    campaign_name: String,
    status: CampaignStatus,
    completed: usize,
    failed: usize,
    remaining: usize,
    message: Option<String>,
    /// One line for people: what chat programs show of a webhook.
    text: String,
}

/// Why an attempt failed, and whether another one could do better.
#[derive(Debug, PartialEq, Eq)]
struct Failure {
    message: String,
    is_final: bool,
}

impl Engine {
    /// Calls the webhook, where one is set and wants to hear of this end.
    pub(crate) async fn call_webhook(&self, campaign_id: &str, name: &str, ended: &Result<Summary, Error>) {
        let Ok(view) = self.settings() else { return };
        let notifications = view.settings.notifications;
        let Some(url) = notifications.webhook_url.value.clone() else { return };
        let message = message(campaign_id, name, ended);
        if !wants(&notifications, message.status) {
            return;
        }
        let post = |body: Vec<u8>| {
            let url = url.clone();
            async move {
                let posted = tokio::task::spawn_blocking(move || post(&url, &body)).await;
                posted.unwrap_or_else(|error| Err(Failure { message: error.to_string(), is_final: true }))
            }
        };
        match deliver(&SystemClock, &message, post).await {
            Ok(()) => tracing::info!("the webhook at {} was told", host(&url)),
            Err(Failure { message, .. }) => {
                tracing::warn!("the webhook at {} could not be told: {message}", host(&url));
            }
        }
    }
}

fn wants(notifications: &Notifications, status: CampaignStatus) -> bool {
    match status {
        CampaignStatus::Completed => notifications.on_complete.value,
        CampaignStatus::Failed => notifications.on_failure.value,
        CampaignStatus::Interrupted => false,
    }
}

fn message(campaign_id: &str, name: &str, ended: &Result<Summary, Error>) -> Post {
    let (status, [completed, failed, remaining], message) = match ended {
        Ok(summary) => {
            let counts = [summary.completed, summary.failed, summary.remaining];
            (summary.status, counts, summary.message.clone())
        }
        Err(error) => (CampaignStatus::Failed, [0; 3], Some(error.message.clone())),
    };
    let how = match status {
        CampaignStatus::Completed => "is complete",
        CampaignStatus::Failed => "failed",
        CampaignStatus::Interrupted => "was stopped",
    };
    let why = message.as_ref().map_or_else(String::new, |message| format!(": {message}"));
    Post {
        event: "campaign_finished",
        campaign_id: campaign_id.to_owned(),
        campaign_name: name.to_owned(),
        status,
        completed,
        failed,
        remaining,
        text: format!("LEM: campaign {name} {how}{why} ({completed} runs completed, {failed} failed)"),
        message,
    }
}

/// Tries up to three times; an answer that another attempt would not change ends it.
async fn deliver<F>(clock: &dyn Clock, message: &Post, post: impl Fn(Vec<u8>) -> F) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let body = serde_json::to_vec(message)
        .map_err(|error| Failure { message: error.to_string(), is_final: true })?;
    let mut outcome = post(body.clone()).await;
    for wait_s in WAITS_S {
        match &outcome {
            Err(failure) if !failure.is_final => {}
            _ => break,
        }
        clock.sleep_until(clock.now_ns() + wait_s * 1_000_000_000).await;
        outcome = post(body.clone()).await;
    }
    outcome
}

/// One attempt. Redirects are not followed: what is posted goes where the settings say, or nowhere.
fn post(url: &str, body: &[u8]) -> Result<(), Failure> {
    use ureq::tls::{RootCerts, TlsConfig};
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .max_redirects(0)
        .http_status_as_error(false)
        .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
        .user_agent(concat!("lem/", env!("CARGO_PKG_VERSION")))
        .build();
    let sent = ureq::Agent::new_with_config(config).post(url).content_type("application/json").send(body);
    let status = match sent {
        Ok(answer) => answer.status().as_u16(),
        Err(error) => return Err(Failure { message: error.to_string(), is_final: false }),
    };
    if (200..300).contains(&status) {
        return Ok(());
    }
    // 408 and 429 ask for patience; the other answers of 3xx and 4xx stay what they are.
    let is_final = (300..500).contains(&status) && status != 408 && status != 429;
    Err(Failure { message: format!("it answered with status {status}"), is_final })
}

/// The part of an address that holds no token.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicI64, Ordering};

    use futures_util::FutureExt;
    use futures_util::future::BoxFuture;

    use super::*;
    use crate::error::ErrorCode;

    /// A clock that waits for nobody.
    #[derive(Default)]
    struct Virtual(AtomicI64);

    impl Clock for Virtual {
        fn now_ns(&self) -> i64 {
            self.0.load(Ordering::SeqCst)
        }
        fn unix_ns(&self) -> i64 {
            self.now_ns()
        }
        fn sleep_until(&self, t_ns: i64) -> BoxFuture<'static, ()> {
            self.0.store(t_ns, Ordering::SeqCst);
            std::future::ready(()).boxed()
        }
    }

    fn failed(is_final: bool) -> Result<(), Failure> {
        Err(Failure { message: "no".into(), is_final })
    }

    fn summary(status: CampaignStatus) -> Summary {
        Summary {
            campaign_id: "c".into(),
            status,
            completed: 3,
            failed: 1,
            not_needed: 0,
            remaining: 0,
            message: None,
        }
    }

    /// Delivers against a list of answers; returns the outcome, how many were used, and the seconds waited.
    async fn deliver_to(answers: Vec<Result<(), Failure>>) -> (Result<(), Failure>, usize, i64) {
        let clock = Virtual::default();
        let (answers, used) = (Mutex::new(answers.into_iter()), Mutex::new(0));
        let post = |_| {
            *used.lock().expect("not poisoned") += 1;
            let answer = answers.lock().expect("not poisoned").next().expect("no more than three attempts");
            std::future::ready(answer)
        };
        let message = message("c", "n", &Ok(summary(CampaignStatus::Completed)));
        let outcome = deliver(&clock, &message, post).await;
        (outcome, *used.lock().expect("not poisoned"), clock.now_ns() / 1_000_000_000)
    }

    #[tokio::test]
    async fn a_webhook_that_fails_is_called_two_more_times_with_growing_waits() {
        assert_eq!(deliver_to(vec![failed(false), failed(false), Ok(())]).await, (Ok(()), 3, 5));
        let never = vec![failed(false), failed(false), failed(false)];
        assert_eq!(deliver_to(never).await, (failed(false), 3, 5));
    }

    #[tokio::test]
    async fn an_answer_that_is_final_is_not_asked_for_again() {
        assert_eq!(deliver_to(vec![failed(true)]).await, (failed(true), 1, 0));
        assert_eq!(deliver_to(vec![Ok(())]).await, (Ok(()), 1, 0));
    }

    #[test]
    fn it_hears_of_the_ends_that_it_asked_for_and_never_of_a_stop_by_hand() {
        let mut notifications = lem_spec::settings::Settings::default().notifications;
        notifications.on_failure.value = false;
        assert!(wants(&notifications, CampaignStatus::Completed));
        assert!(!wants(&notifications, CampaignStatus::Failed));
        assert!(!wants(&notifications, CampaignStatus::Interrupted));
    }

    #[test]
    fn a_campaign_that_could_not_go_on_is_told_as_failed_with_its_reason() {
        let told = message("c", "sweep", &Err(Error::new(ErrorCode::Machine, "the disk is full")));
        assert_eq!(told.status, CampaignStatus::Failed);
        assert_eq!(told.text, "LEM: campaign sweep failed: the disk is full (0 runs completed, 0 failed)");
    }

    #[test]
    fn nothing_of_an_address_but_its_host_reaches_the_log() {
        assert_eq!(
            host("https://user:secret@hooks.example.org:8443/T0/secret?x=1"),
            "hooks.example.org:8443"
        );
    }
}
