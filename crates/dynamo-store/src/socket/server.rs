//! Answering other processes over a Unix socket.

use std::convert::Infallible;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

use crate::embedded::EmbeddedDynamo;
use crate::embedded::dispatch::{self, TARGET};

/// The largest request taken, in bytes: the limit of a DynamoDB transaction is 4 MB, and its JSON is
/// somewhat longer.
const MAX_REQUEST: u64 = 8 * 1024 * 1024;

/// How many connections are answered at once; more wait.
const MAX_CONNECTIONS: usize = 64;

/// How long one connection may take from its first byte to its last: a client that connects and says
/// nothing must not keep others out.
const CONVERSATION: Duration = Duration::from_secs(30);

/// Why a socket cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another process answers on it.
    #[error("another process answers on {} already; stop it first", .0.display())]
    Live(PathBuf),
    /// It cannot be created.
    #[error(
        "the socket {} cannot be opened: {source}. A socket's path may have about 100 bytes; \
         choose a data folder with a shorter one if that is why", path.display()
    )]
    Failed {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Opens a socket with mode 0600. One left behind by a process that is gone is replaced; one that is
/// answered on is not touched.
///
/// # Errors
/// [`BindError`].
pub async fn bind_unix(socket: &Path) -> Result<UnixListener, BindError> {
    if UnixStream::connect(socket).await.is_ok() {
        return Err(BindError::Live(socket.to_owned()));
    }
    bind_private(socket).map_err(|source| BindError::Failed {
        path: socket.to_owned(),
        source,
    })
}

/// A socket takes its mode only after it is bound, so it is bound where nobody else can reach it and
/// then moved to its place, which also replaces what was there.
fn bind_private(socket: &Path) -> io::Result<UnixListener> {
    let folder = socket.parent().unwrap_or(Path::new("."));
    let closed = folder.join(format!(".s{}", std::process::id()));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&closed)?;
    let bound = closed.join("s");
    let opened = remove_if_there(&bound)
        .and_then(|()| UnixListener::bind(&bound))
        .and_then(|listener| {
            fs::set_permissions(&bound, Permissions::from_mode(0o600))?;
            fs::rename(&bound, socket)?;
            Ok(listener)
        });
    let removed = fs::remove_dir_all(&closed);
    let listener = opened?;
    removed.map(|()| listener)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Answers requests on a socket until `shutdown` completes; then finishes those under way and
/// returns. The caller removes the socket's file, or leaves it to be replaced.
pub async fn serve_unix(
    listener: UnixListener,
    database: EmbeddedDynamo,
    shutdown: impl Future<Output = ()> + Send,
) {
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => {
                match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(converse(stream, database.clone()));
                    }
                    Err(error) => tracing::warn!(%error, "a connection to the socket failed"),
                }
            }
            Some(ended) = connections.join_next() => report(ended),
        }
    }
    drop(listener);
    while let Some(ended) = connections.join_next().await {
        report(ended);
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "answering on the socket failed");
    }
}

/// Answers one request; the client connects anew for the next.
async fn converse(stream: UnixStream, database: EmbeddedDynamo) {
    let service = service_fn(move |request| reply(request, database.clone()));
    let served = http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    match tokio::time::timeout(CONVERSATION, served).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a client of the socket left early"),
        Err(late) => tracing::debug!(%late, "a client of the socket took too long"),
    }
}

async fn reply(
    request: Request<Incoming>,
    database: EmbeddedDynamo,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let target = request
        .headers()
        .get(TARGET)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    if request.body().size_hint().lower() > MAX_REQUEST {
        let told = format!("a request may have at most {MAX_REQUEST} bytes");
        return Ok(response(StatusCode::PAYLOAD_TOO_LARGE, told.into_bytes()));
    }
    let body = Limited::new(
        request.into_body(),
        usize::try_from(MAX_REQUEST).unwrap_or(usize::MAX),
    )
    .collect()
    .await;
    Ok(match body {
        Ok(body) => {
            let answer = database.call(target, body.to_bytes().into()).await;
            let status =
                StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            response(status, answer.body)
        }
        Err(error) => response(StatusCode::BAD_REQUEST, error.to_string().into_bytes()),
    })
}

fn response(status: StatusCode, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let kind = hyper::header::HeaderValue::from_static(dispatch::CONTENT_TYPE);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
