//! An SDK client whose requests travel over a Unix socket.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use crate::embedded::config::config;
use crate::embedded::connector::{parts, response};
use crate::embedded::dispatch::{self, Answer, TARGET};

/// How long one request may take, connecting included.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A client of the process that answers on this socket. Connects with each request, so a restart of
/// that process goes unnoticed between two of them.
#[must_use]
pub fn connect_unix(socket: &Path) -> Client {
    Client::from_conf(config(SocketClient(socket.into())).build())
}

/// Whether anybody accepts connections on a socket.
pub(crate) async fn probe(socket: &Path) -> std::io::Result<()> {
    UnixStream::connect(socket).await.map(drop)
}

#[derive(Debug, Clone)]
struct SocketClient(Arc<Path>);

impl HttpClient for SocketClient {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for SocketClient {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let socket = self.0.to_path_buf();
        HttpConnectorFuture::new(async move {
            let (target, body) = parts(&request)?;
            tokio::time::timeout(TIMEOUT, exchange(socket, target, body))
                .await
                .unwrap_or_else(|late| Err(ConnectorError::timeout(late.into())))
        })
    }
}

async fn exchange(
    socket: PathBuf,
    target: String,
    body: Vec<u8>,
) -> Result<HttpResponse, ConnectorError> {
    let stream = UnixStream::connect(&socket).await.map_err(|error| {
        let told = format!("nobody answers on {}: {error}", socket.display());
        ConnectorError::io(told.into())
    })?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let request = hyper::Request::post("/")
        .header(HOST, "localhost")
        .header(CONTENT_TYPE, dispatch::CONTENT_TYPE)
        .header(TARGET, target)
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| ConnectorError::user(error.into()))?;
    let conversation = async move {
        let reply = sender.send_request(request).await.map_err(broken)?;
        let status = reply.status().as_u16();
        let body = reply.into_body().collect().await.map_err(broken)?;
        response(Answer {
            status,
            body: body.to_bytes().into(),
        })
    };
    // The connection ends once the sender is gone; its own errors show in the conversation.
    let (_closed, reply) = tokio::join!(connection, conversation);
    reply
}

fn broken(error: hyper::Error) -> ConnectorError {
    ConnectorError::io(error.into())
}
