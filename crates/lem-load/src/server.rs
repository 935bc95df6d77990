//! The server at the other end: its addresses, how one identifies oneself, and plain requests that are not measured.
//!
//! Redirects are not followed, and what identifies the caller is in no message.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, InvalidHeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use serde_json::Value;

use crate::Target;
use crate::answer::message;
use crate::failure::Failure;
use crate::tls;

/// How long the server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections are not used again after this time. Servers close theirs after 5 s (uvicorn, llama.cpp), and a request
/// that meets the close would fail.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the server may take to answer what costs it nothing.
pub(crate) const SHORT_TIMEOUT: Duration = Duration::from_secs(5);

/// As much as is read of an answer that is not a generation, in bytes.
pub(crate) const MAX_BODY: usize = 8 << 20;

/// As much as is read of an error, in bytes.
const MAX_ERROR_BODY: usize = 64 << 10;

/// A server, and the way to it.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    client: Client,
    base: Url,
}

/// Why something was not answered with success.
#[derive(Debug, Clone)]
pub(crate) enum Refusal {
    /// The server answered with another status than 200, and this message.
    Status(StatusCode, String),
    /// There was no answer, or it broke off.
    Broken(String),
}

impl Server {
    pub(crate) fn new(target: &Target) -> Result<Self, Failure> {
        let wrong = |why: &str| {
            Failure::unsupported(format!(
                "the address of the server {why}; it looks like http://127.0.0.1:8000/v1"
            ))
        };
        let mut base =
            Url::parse(&target.base_url).map_err(|error| wrong(&format!("is not a URL ({error})")))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(wrong("does not begin with http:// or https://"));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(wrong("holds a user or a password, for which there is the API key"));
        }
        let headers = identification(target).map_err(|_| {
            Failure::unsupported("the API key of the server has characters that no HTTP header can carry")
        })?;
        base.set_fragment(None);
        let unusable = |error: String| Failure::engine(format!("the HTTP client cannot be set up: {error}"));
        let tls = tls::config(&base).map_err(|error| unusable(error.to_string()))?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .default_headers(headers)
            .user_agent(concat!("lem/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .tcp_nodelay(true);
        let client = if is_near(&base) { client.no_proxy() } else { client };
        let client = client.build().map_err(|error| unusable(reason(error)))?;
        Ok(Self { client, base })
    }

    /// The address as it may be shown: without its query, which may identify the caller.
    pub(crate) fn shown(&self) -> String {
        let mut shown = self.base.clone();
        shown.set_query(None);
        shown.as_str().trim_end_matches('/').to_owned()
    }

    /// A `POST` of JSON to `path` under the base.
    pub(crate) fn post(&self, path: &[&str], body: Vec<u8>) -> RequestBuilder {
        let json = HeaderValue::from_static("application/json");
        self.client.post(self.under_base(path)).header(CONTENT_TYPE, json).body(body)
    }

    /// A `POST` of JSON to `path` under the root: what is beside the OpenAI API, such as `/tokenize`.
    pub(crate) async fn post_to_root(&self, path: &[&str], body: &Value) -> Result<Value, Refusal> {
        let request = self.client.post(self.under_root(path)).timeout(CONNECT_TIMEOUT).json(body);
        let response = accepted(request.send().await).await?;
        let body = text(response, MAX_BODY).await.map_err(Refusal::Broken)?;
        serde_json::from_str(&body).map_err(|error| Refusal::Broken(error.to_string()))
    }

    /// A `GET` of `path` under the base.
    pub(crate) async fn get(&self, path: &[&str]) -> Result<Response, Refusal> {
        let request = self.client.get(self.under_base(path)).timeout(SHORT_TIMEOUT);
        accepted(request.send().await).await
    }

    /// A `GET` of `path` under the root.
    pub(crate) async fn get_from_root(&self, path: &[&str]) -> Result<Response, Refusal> {
        let request = self.client.get(self.under_root(path)).timeout(SHORT_TIMEOUT);
        accepted(request.send().await).await
    }

    fn under_base(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    fn under_root(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        let ends_in_v1 = url.path().trim_end_matches('/').ends_with("/v1");
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty();
            if ends_in_v1 {
                segments.pop();
            }
            segments.extend(path);
        }
        url
    }
}

/// The header that identifies the caller.
fn identification(target: &Target) -> Result<HeaderMap, InvalidHeaderValue> {
    let mut headers = HeaderMap::new();
    if let Some(key) = &target.api_key {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", key.reveal()))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

/// The response, if it says 200.
pub(crate) async fn accepted(sent: reqwest::Result<Response>) -> Result<Response, Refusal> {
    let response = sent.map_err(|error| Refusal::Broken(reason(error)))?;
    let status = response.status();
    if status == StatusCode::OK {
        return Ok(response);
    }
    let body = tokio::time::timeout(SHORT_TIMEOUT, text(response, MAX_ERROR_BODY)).await;
    let body = body.ok().and_then(Result::ok).unwrap_or_default();
    Err(Refusal::Status(status, message(&body)))
}

/// The body of `response`, cut after about `limit` bytes: a server may claim some memory, and no more.
pub(crate) async fn text(mut response: Response, limit: usize) -> Result<String, String> {
    let mut body = Vec::new();
    while body.len() < limit
        && let Some(piece) = response.chunk().await.map_err(reason)?
    {
        body.extend_from_slice(&piece);
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// What went wrong, without the address, whose query may identify the caller.
pub(crate) fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let (outer, inner) = (error.to_string(), innermost.to_string());
    if outer == inner { outer } else { format!("{outer} ({inner})") }
}

/// Whether the server is on this host or in a private network, as containers are: no proxy reaches it.
fn is_near(base: &Url) -> bool {
    let host = base.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host.parse().is_ok_and(|address| match address {
            IpAddr::V4(address) => address.is_loopback() || address.is_private(),
            IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_on_this_host_and_in_containers_are_asked_without_a_proxy() {
        let near = |base: &str| is_near(&Url::parse(base).unwrap());
        assert!(
            ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "172.18.0.2:8000", "[fd00::2]:8000"]
                .into_iter()
                .all(|host| near(&format!("http://{host}/v1")))
        );
        assert!(!near("https://api.example.org/v1") && !near("http://8.8.8.8/v1"));
    }
}
