//! A gate between the functions and the local AWS: it counts what they ask for, and lets nothing through on request.
//!
//! Start at [`Gate::open`]. Everything passes as it is but for what [`Gate::obstruct`] names.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri, header};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

/// Messages and items are smaller; what is larger is no request of ours.
const MOST_BYTES: usize = 1 << 22;

/// What becomes of one kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// The table says that it is asked for too much.
    Throttled,
    /// No answer comes, and the request does not arrive.
    Silence,
}

/// A request that passed: its operation and its body.
pub(crate) type Request = (String, Bytes);

#[derive(Debug, Default)]
struct Traffic {
    /// Requests by operation, since they were last counted.
    passed: BTreeMap<String, u64>,
    /// Operations that do not pass, such as `UpdateItem`.
    obstacles: BTreeMap<&'static str, Obstacle>,
    /// What passed, while somebody listens.
    heard: Option<Vec<Request>>,
}

#[derive(Debug, Clone)]
struct Shared {
    traffic: Arc<Mutex<Traffic>>,
    stopped: watch::Sender<u64>,
    client: reqwest::Client,
    behind: watch::Receiver<Option<String>>,
}

/// The gate; it closes when dropped.
#[derive(Debug)]
pub(crate) struct Gate {
    url: String,
    shared: Shared,
    behind: watch::Sender<Option<String>>,
    stopped: watch::Receiver<u64>,
    _serving: JoinSet<()>,
}

impl Gate {
    /// Opens it on 127.0.0.1. Nothing passes before [`Self::lead_to`] says where to.
    pub(crate) async fn open() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (behind, leads_to) = watch::channel(None);
        let (tell, stopped) = watch::channel(0);
        let shared = Shared {
            traffic: Arc::default(),
            stopped: tell,
            client: reqwest::Client::builder().no_proxy().build()?,
            behind: leads_to,
        };
        let router = Router::new()
            .fallback(pass)
            .layer(DefaultBodyLimit::max(MOST_BYTES))
            .with_state(shared.clone());
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            // It ends with the set; an error of one connection is that connection's.
            drop(axum::serve(listener, router).await);
        });
        Ok(Self {
            url,
            shared,
            behind,
            stopped,
            _serving: serving,
        })
    }

    /// Its address.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Says where it leads to.
    pub(crate) fn lead_to(&self, url: String) {
        self.behind.send_replace(Some(url));
    }

    /// From now on this operation does not pass.
    pub(crate) async fn obstruct(&self, operation: &'static str, obstacle: Obstacle) {
        let mut traffic = self.shared.traffic.lock().await;
        traffic.obstacles.insert(operation, obstacle);
    }

    /// From now on everything passes again.
    pub(crate) async fn clear(&self) {
        self.shared.traffic.lock().await.obstacles.clear();
    }

    /// How many requests did not pass so far.
    pub(crate) fn stopped(&self) -> u64 {
        *self.stopped.borrow()
    }

    /// Waits until so many did not.
    pub(crate) async fn until_stopped(&self, times: u64) -> anyhow::Result<()> {
        let mut stopped = self.stopped.clone();
        let reached = stopped.wait_for(|so_far| *so_far >= times);
        tokio::time::timeout(super::cases::PATIENCE, reached)
            .await
            .context("the functions ask for nothing that does not pass")??;
        Ok(())
    }

    /// What passed by operation since the last time.
    pub(crate) async fn count(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut self.shared.traffic.lock().await.passed)
    }

    /// From now on what passes is kept for [`Self::heard`].
    pub(crate) async fn listen(&self) {
        self.shared.traffic.lock().await.heard = Some(Vec::new());
    }

    /// What has passed since [`Self::listen`], in its order.
    pub(crate) async fn heard(&self) -> Vec<Request> {
        let heard = self.shared.traffic.lock().await.heard.take();
        heard.unwrap_or_default()
    }
}

/// The operation of a request in JSON, by its header (`DynamoDB_20120810.UpdateItem`); of another none.
fn operation(headers: &HeaderMap) -> Option<&str> {
    let target = headers.get("x-amz-target")?.to_str().ok()?;
    target.rsplit('.').next()
}

async fn pass(
    State(shared): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    if let Some(name) = operation(&headers) {
        let mut traffic = shared.traffic.lock().await;
        let obstacle = traffic.obstacles.get(name).copied();
        if obstacle.is_none() {
            *traffic.passed.entry(name.to_owned()).or_default() += 1;
            if let Some(heard) = &mut traffic.heard {
                heard.push((name.to_owned(), body.clone()));
            }
        }
        drop(traffic);
        if let Some(obstacle) = obstacle {
            shared.stopped.send_modify(|stopped| *stopped += 1);
            match obstacle {
                Obstacle::Throttled => return throttled(),
                Obstacle::Silence => return std::future::pending().await,
            }
        }
    }
    match forward(&shared, method, &uri, headers, body).await {
        Ok(reply) => reply,
        Err(error) => plain(StatusCode::BAD_GATEWAY, format!("{error:#}").into()),
    }
}

/// What DynamoDB says then (API Reference, "Common errors").
fn throttled() -> Response<Body> {
    let text = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"asked for too much"}"#;
    let mut reply = plain(StatusCode::BAD_REQUEST, text.into());
    let json = header::HeaderValue::from_static("application/x-amz-json-1.0");
    reply.headers_mut().insert(header::CONTENT_TYPE, json);
    reply
}

fn plain(status: StatusCode, body: Body) -> Response<Body> {
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    reply
}

async fn forward(
    shared: &Shared,
    method: Method,
    uri: &Uri,
    mut headers: HeaderMap,
    body: Bytes,
) -> anyhow::Result<Response<Body>> {
    let behind = shared.behind.borrow().clone();
    let behind = behind.context("it leads nowhere yet")?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    // Both belong to one connection, and this is another.
    headers.remove(header::HOST);
    headers.remove(header::CONNECTION);
    let request = shared.client.request(method, format!("{behind}{path}"));
    let answer = request.headers(headers).body(body).send().await?;
    let mut reply = plain(answer.status(), Body::empty());
    for (name, value) in answer.headers() {
        if name != header::TRANSFER_ENCODING && name != header::CONNECTION {
            reply.headers_mut().insert(name, value.clone());
        }
    }
    *reply.body_mut() = answer.bytes().await?.into();
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(gate: &Gate, target: &str) -> reqwest::Result<(u16, String)> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let request = client.post(format!("{}/a?b=c", gate.url()));
        let sent = request.header("x-amz-target", target).body("words").send();
        let reply = sent.await?;
        Ok((reply.status().as_u16(), reply.text().await?))
    }

    /// A service that repeats what it was asked.
    async fn echo() -> (String, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let say = |method: Method, uri: Uri, body: String| async move {
            format!("{method} {uri} {body}")
        };
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            axum::serve(listener, Router::new().fallback(say))
                .await
                .unwrap();
        });
        (url, serving)
    }

    #[tokio::test]
    async fn passes_counts_and_stops_by_operation() {
        let (url, _serving) = echo().await;
        let gate = Gate::open().await.unwrap();
        assert_eq!(ask(&gate, "T.PutItem").await.unwrap().0, 502);
        gate.lead_to(url);
        gate.count().await;
        let passed = (200, "POST /a?b=c words".to_owned());
        gate.listen().await;
        assert_eq!(ask(&gate, "T.PutItem").await.unwrap(), passed);
        let request = ("PutItem".to_owned(), Bytes::from("words"));
        assert_eq!(gate.heard().await, [request]);
        gate.obstruct("UpdateItem", Obstacle::Throttled).await;
        let (status, text) = ask(&gate, "T.UpdateItem").await.unwrap();
        assert_eq!(status, 400);
        assert!(text.contains("ThroughputExceeded"), "{text}");
        assert_eq!(ask(&gate, "T.PutItem").await.unwrap(), passed);
        assert_eq!(gate.stopped(), 1);
        assert_eq!(
            gate.count().await,
            BTreeMap::from([("PutItem".to_owned(), 2)])
        );
        gate.clear().await;
        assert_eq!(ask(&gate, "T.UpdateItem").await.unwrap(), passed);
        assert_eq!(gate.heard().await, []);
    }
}
