//! `/health` and `/metrics` over HTTP, for whoever watches this machine.
//!
//! Entry point: [`serve`]. Answers at once whatever the bridge does, for it asks nobody: it shows what the loop last
//! said. Never changes anything.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bridge::metrics;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{Pulse, health};

/// How many connections are served at once; further ones wait.
const CONNECTIONS: usize = 32;

/// How long a connection may take for a request, and how long it may last. Who watches comes again.
const PATIENCE: Duration = Duration::from_secs(5);
const LIFETIME: Duration = Duration::from_secs(60);

/// The pause after a connection that could not be accepted, for want of file handles perhaps.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves whoever asks how the bridge of this name is. Ends only by being dropped.
pub(crate) async fn serve(listener: TcpListener, name: String, pulse: Arc<Pulse>) {
    let name: Arc<str> = name.into();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(converse(
                    stream,
                    place,
                    Arc::clone(&name),
                    Arc::clone(&pulse),
                ));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection to the metrics could not be accepted");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn converse(
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
    name: Arc<str>,
    pulse: Arc<Pulse>,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let response = respond(request.method(), request.uri().path(), &name, &pulse);
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service);
    match timeout(LIFETIME, connection).await {
        Ok(Ok(())) | Err(_) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection to the metrics ended early"),
    }
}

fn respond(method: &Method, path: &str, name: &str, pulse: &Pulse) -> Response<Full<Bytes>> {
    const TEXT: &str = "text/plain; charset=utf-8";
    if !matches!(path, "/health" | "/metrics") {
        let words = "there are /health and /metrics here\n".to_owned();
        return response(StatusCode::NOT_FOUND, TEXT, words);
    }
    if !matches!(*method, Method::GET | Method::HEAD) {
        let words = format!("{path} is only read: GET {path}\n");
        let mut response = response(StatusCode::METHOD_NOT_ALLOWED, TEXT, words);
        let fields = response.headers_mut();
        fields.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let status = pulse.status();
    if path == "/health" {
        let health = health::judge(status.as_ref().map(|(status, ago)| (status, *ago)));
        let code = if health.is_well() {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        return response(
            code,
            "application/json",
            format!("{:#}\n", health.to_json(name)),
        );
    }
    match metrics::text(name, status) {
        Ok(text) => response(StatusCode::OK, metrics::CONTENT_TYPE, text),
        Err(error) => response(
            StatusCode::INTERNAL_SERVER_ERROR,
            TEXT,
            format!("{error}\n"),
        ),
    }
}

fn response(code: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = code;
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
