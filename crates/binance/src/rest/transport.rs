//! One HTTP request out, at most one reply back: never redirected, never repeated.
//!
//! Knows nothing of what is asked. A reply's body is read up to a bound; what got lost on the way
//! is told by its cause.

use std::error::Error as _;
use std::time::Duration;

use reqwest::{Client, Method, Response};
use trading::UnknownCause;

use super::headers::LimitHeaders;

/// The longest body read. The largest the adapter asks for, a page of 1,000 orders, has below 1 MiB.
/// Reading one may take many times its length (`tests/hostile`).
const MAX_BODY: usize = 2 * 1024 * 1024;

/// For how long an idle connection is kept. The exchange closes it earlier as a rule; then the next
/// question, never the next order, finds out (see [`super::RestAddress::keep_warm`]).
const KEEP_IDLE: Duration = Duration::from_secs(300);

/// A request ready to be sent.
#[derive(Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    /// Encoded and signed already; sent byte for byte.
    pub(crate) query: String,
    pub(crate) api_key: Option<&'a str>,
    pub(crate) timeout: Duration,
}

/// A reply. Its body may have got lost although its head arrived.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) status: u16,
    pub(crate) limits: LimitHeaders,
    pub(crate) body: Result<Vec<u8>, Lost>,
}

/// There is no reply, or not all of it. The request may have reached the exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lost {
    pub(crate) cause: UnknownCause,
    pub(crate) detail: String,
}

/// The HTTP client of one address.
pub(crate) fn client(connect_timeout: Duration) -> Result<Client, reqwest::Error> {
    Client::builder()
        .user_agent(concat!("gridkeeper/", env!("CARGO_PKG_VERSION")))
        // A redirected or repeated POST is a second order.
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        // A proxy could repeat a request too, and the exchange would see its address.
        .no_proxy()
        .referer(false)
        .http1_only()
        .connect_timeout(connect_timeout)
        .tcp_nodelay(true)
        .tcp_keepalive(Duration::from_secs(15))
        .pool_idle_timeout(KEEP_IDLE)
        .build()
}

/// Sends a request once and reads its reply.
pub(crate) async fn send(
    client: &Client,
    base_url: &str,
    outgoing: Outgoing<'_>,
) -> Result<Incoming, Lost> {
    let mut url = format!("{base_url}{}", outgoing.path);
    if !outgoing.query.is_empty() {
        url.push('?');
        url.push_str(&outgoing.query);
    }
    let mut request = client
        .request(outgoing.method, url)
        .timeout(outgoing.timeout);
    if let Some(api_key) = outgoing.api_key {
        request = request.header("X-MBX-APIKEY", api_key);
    }
    let response = request.send().await.map_err(lost)?;
    Ok(Incoming {
        status: response.status().as_u16(),
        limits: LimitHeaders::read(response.headers()),
        body: read_body(response).await,
    })
}

async fn read_body(mut response: Response) -> Result<Vec<u8>, Lost> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(lost)? {
        if body.len().saturating_add(chunk.len()) > MAX_BODY {
            return Err(Lost {
                cause: UnknownCause::Unreadable,
                detail: format!("the reply is longer than {MAX_BODY} bytes"),
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The URL is left out: it carries a signature.
fn lost(error: reqwest::Error) -> Lost {
    let cause = if error.is_timeout() {
        UnknownCause::Timeout
    } else {
        UnknownCause::Connection
    };
    let error = error.without_url();
    let mut detail = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        detail.push_str(": ");
        detail.push_str(&inner.to_string());
        source = inner.source();
    }
    Lost { cause, detail }
}
