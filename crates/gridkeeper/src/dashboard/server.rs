//! The listener: 127.0.0.1 only, every request checked before it is looked at, every answer protected.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::files::{FILES, INDEX};
use super::guard::{Refusal, admit, protect};
use super::hub::Hub;
use super::source::Source;
use super::token::Token;
use super::{api, download, metrics};
use crate::failure::Failure;
use crate::node::Doings;

/// Largest request body, bytes: an action is a few words.
const MAX_BODY: usize = 4_096;

/// What the handlers share.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) hub: Arc<Hub>,
    pub(super) source: Arc<Source>,
    /// What the process that trades does, if this is it.
    pub(super) doings: Option<Doings>,
    pub(super) stop: CancellationToken,
    pub(super) address: SocketAddr,
    pub(super) token: Token,
}

/// Serves until stopped.
///
/// # Errors
/// When the listener breaks.
pub(super) async fn serve(listener: TcpListener, shared: Shared) -> std::io::Result<()> {
    let stop = shared.stop.clone();
    axum::serve(listener, router(shared))
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
}

fn router(shared: Shared) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/assets/{name}", get(file))
        .route("/metrics", get(metrics::metrics))
        .route("/api/overview", get(api::overview))
        .route("/api/events", get(api::events))
        .route("/api/bots/{bot}", get(api::bot))
        .route("/api/bots/{bot}/levels/{level}", get(api::level))
        .route("/api/bots/{bot}/actions", post(api::act))
        .route("/api/export/{name}", get(download::export))
        .fallback(|| async { api::no_such("there is nothing at this address") })
        .method_not_allowed_fallback(|| async {
            let failure = Failure::bad_input("this address does not take such a request");
            api::refuse(StatusCode::METHOD_NOT_ALLOWED, &failure)
        })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(shared.clone(), guarded))
        .with_state(shared)
}

/// Lets nobody through who may not ask, and protects what is answered.
async fn guarded(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let asked = (request.method(), request.uri(), request.headers());
    let mut response = match admit(shared.address, &shared.token, asked) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refused(refusal, request.uri().path()),
    };
    protect(response.headers_mut());
    response
}

/// A person who opens the page reads text, the page itself JSON.
fn refused(refusal: Refusal, path: &str) -> Response {
    let failure = Failure::bad_input(refusal.words()).mend(refusal.mend());
    if path == "/" {
        let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
        return (StatusCode::FORBIDDEN, kind, format!("{failure}\n")).into_response();
    }
    api::refuse(StatusCode::FORBIDDEN, &failure)
}

async fn page() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (kind, INDEX).into_response()
}

async fn file(Path(name): Path<String>) -> Response {
    let Some(file) = FILES.iter().find(|file| file.name == name) else {
        return api::no_such("the page has no such file");
    };
    ([(header::CONTENT_TYPE, file.kind)], file.bytes).into_response()
}
