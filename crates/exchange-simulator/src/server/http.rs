//! The listening socket: REST, WebSocket API and control on one port.
//!
//! Entry point: [`accept`]. Each connection is served by its own task; a reply that must be lost ends its connection
//! without a byte. Never interprets a request.

use std::io;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderValue, Method, Request as HttpRequest, Response, StatusCode, Uri, header};
use axum::response::IntoResponse;
use axum::routing::any;
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};

use super::core::Shared;
use super::request::Request;
use super::rest::{self, Reply};
use super::{control, ws};

/// Marks a response that must never be sent.
#[derive(Debug, Clone, Copy)]
struct Broken;

/// Largest request body, bytes.
const MAX_BODY: usize = 1 << 20;

/// Accepts connections until told to stop.
pub(crate) async fn accept(shared: Shared, listener: TcpListener) {
    let router = Router::new()
        .route("/ws-api/v3", any(upgrade))
        .nest("/sim", control::router())
        .fallback(any(answer))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(shared.clone());
    loop {
        let accepted = tokio::select! {
            () = shared.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                shared
                    .tasks
                    .spawn(serve(shared.clone(), router.clone(), stream));
            }
            Err(error) => tracing::warn!(%error, "a connection could not be accepted"),
        }
    }
}

async fn serve(shared: Shared, router: Router, stream: TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: HttpRequest<Incoming>| {
        let router = router.clone();
        async move { respond(router, request).await }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::select! {
        served = connection => {
            if let Err(error) = served {
                tracing::trace!(%error, "a connection ended early");
            }
        }
        () = shared.stop.cancelled() => {}
    }
}

/// Passes a request on; an error makes hyper end the connection without a reply.
async fn respond(
    router: TowerToHyperService<Router>,
    request: HttpRequest<Incoming>,
) -> Result<Response<Body>, io::Error> {
    let Ok(response) = router.call(request).await;
    if response.extensions().get::<Broken>().is_some() {
        return Err(io::Error::new(
            io::ErrorKind::ConnectionAborted,
            "the reply is lost on purpose",
        ));
    }
    Ok(response)
}

async fn upgrade(State(shared): State<Shared>, upgrade: WebSocketUpgrade) -> Response<Body> {
    let admitted = {
        let mut core = shared.look();
        let now_ms = core.now_ms();
        core.limits.connect(now_ms)
    };
    match admitted {
        Ok(()) => upgrade.on_upgrade(move |socket| ws::run(shared, socket)),
        Err(reject) => respond_with(Reply::refused(&reject)),
    }
}

async fn answer(
    State(shared): State<Shared>,
    method: Method,
    uri: Uri,
    headers: axum::http::HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let api_key = headers
        .get("x-mbx-apikey")
        .and_then(|value| value.to_str().ok());
    let Ok(body) = std::str::from_utf8(&body) else {
        return (StatusCode::BAD_REQUEST, "the body is not UTF-8").into_response();
    };
    let query = uri.query().unwrap_or_default();
    let request = Request::new(method.as_str(), uri.path(), query, body, api_key);
    respond_with(rest::serve(&shared, request).await)
}

fn respond_with(reply: Reply) -> Response<Body> {
    match reply {
        Reply::Broken => {
            let mut response = Response::new(Body::empty());
            response.extensions_mut().insert(Broken);
            response
        }
        Reply::Json {
            status,
            body,
            headers,
        } => {
            let mut response = Response::new(Body::from(body.to_string()));
            *response.status_mut() =
                StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let fields = response.headers_mut();
            fields.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json;charset=UTF-8"),
            );
            for (name, value) in headers {
                if let Ok(value) = HeaderValue::from_str(&value) {
                    fields.insert(name, value);
                }
            }
            response
        }
    }
}
