//! One WebSocket to the exchange.
//!
//! Entry points: [`Connection::open`], then [`Connection::next`] in a loop. Requests are sent by
//! [`Connection::subscribe`] and its like; their answers come as events. An error is final: the
//! connection is then of no more use. Never reconnects, never waits longer than its limits.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use domain::{AccountId, LocalTime};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};

use super::frame::{MAX_FRAME_BYTES, quoted};
use super::subscriptions::{StreamEvent, Subscriptions};
use crate::Credentials;

/// The longest frame the socket takes at all, in bytes. Above [`MAX_FRAME_BYTES`] a frame is
/// skipped with an error; above this one the connection is given up, as reading on would cost
/// memory without limit.
const MAX_SOCKET_BYTES: usize = 32 * MAX_FRAME_BYTES;

/// Small, because a process may hold several connections and frames are short.
const READ_BUFFER_BYTES: usize = 16 * 1024;

/// How long closing may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Where and how to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionConfig {
    /// The address, such as `wss://ws-api.binance.com:443/ws-api/v3`.
    pub url: String,
    /// How long connecting, or sending one request, may take.
    pub timeout: Duration,
    /// How long no frame at all may arrive before the connection counts as dead. The exchange
    /// sends a ping every 20 s (web-socket-api.md, "General API Information").
    pub silence: Duration,
}

/// Why a connection could not be opened, or ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// Opening took too long.
    #[error("{url} did not answer within {after:?}; check the network and the address")]
    Timeout {
        /// The address.
        url: String,
        /// How long was waited.
        after: Duration,
    },
    /// The server refused the connection.
    #[error("{url} refused the connection with HTTP status {status}: {body}")]
    Refused {
        /// The address.
        url: String,
        /// The HTTP status: 429 and 418 mean that this address sends too much.
        status: u16,
        /// How long to wait, from the `Retry-After` header.
        retry_after: Option<Duration>,
        /// How the answer starts.
        body: String,
    },
    /// No connection came about.
    #[error("cannot connect to {url}: {detail}")]
    Connect {
        /// The address.
        url: String,
        /// The cause.
        detail: String,
    },
    /// Nothing arrived for too long.
    #[error("nothing arrived for {0:?}, not even a ping")]
    Silent(Duration),
    /// The server closed the connection.
    #[error("the server closed the connection: {0}")]
    Closed(String),
    /// The connection broke, or carried something that no WebSocket may carry.
    #[error("the connection broke: {0}")]
    Broken(String),
}

/// One open WebSocket with its subscriptions.
pub struct Connection {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    subscriptions: Subscriptions,
    ready: VecDeque<StreamEvent>,
    config: ConnectionConfig,
    heard: Instant,
    clock: Box<dyn Fn() -> LocalTime + Send + Sync>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("config", &self.config)
            .field("subscriptions", &self.subscriptions)
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// Connects, and asks for the exchange's time. `clock` tells this machine's time.
    ///
    /// # Errors
    /// [`StreamError`] says why there is no connection.
    pub async fn open(
        config: ConnectionConfig,
        clock: impl Fn() -> LocalTime + Send + Sync + 'static,
    ) -> Result<Self, StreamError> {
        let limits = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .max_message_size(Some(MAX_SOCKET_BYTES))
            .max_frame_size(Some(MAX_SOCKET_BYTES));
        // Requests and pongs are small and wanted at once, so Nagle's algorithm is off.
        let connecting =
            connect_async_tls_with_config(config.url.as_str(), Some(limits), true, None);
        let (socket, _response) = timeout(config.timeout, connecting)
            .await
            .map_err(|_elapsed| StreamError::Timeout {
                url: config.url.clone(),
                after: config.timeout,
            })?
            .map_err(|error| refused(&config.url, error))?;
        let mut connection = Self {
            socket,
            subscriptions: Subscriptions::default(),
            ready: VecDeque::new(),
            config,
            heard: Instant::now(),
            clock: Box::new(clock),
        };
        connection.ask_time().await?;
        Ok(connection)
    }

    /// Asks for an account's events. The answer comes as [`StreamEvent::Subscribed`] or
    /// [`StreamEvent::Refused`].
    ///
    /// # Errors
    /// [`StreamError`] when the connection is lost.
    pub async fn subscribe(
        &mut self,
        account: &AccountId,
        credentials: &Credentials,
    ) -> Result<(), StreamError> {
        let text = self
            .subscriptions
            .subscribe(account, credentials, (self.clock)());
        self.send(text).await
    }

    /// Gives an account's events up. What still arrives of them is still told.
    ///
    /// # Errors
    /// [`StreamError`] when the connection is lost.
    pub async fn unsubscribe(&mut self, account: &AccountId) -> Result<(), StreamError> {
        for text in self.subscriptions.unsubscribe(account) {
            self.send(text).await?;
        }
        Ok(())
    }

    /// Asks the exchange which subscriptions it still serves; one that is missing comes as
    /// [`StreamEvent::Ended`].
    ///
    /// # Errors
    /// [`StreamError`] when the connection is lost.
    pub async fn check(&mut self) -> Result<(), StreamError> {
        let text = self.subscriptions.list();
        self.send(text).await
    }

    /// The next thing the exchange has to say. May be dropped and called again without losing any.
    ///
    /// # Errors
    /// [`StreamError`] when the connection is lost.
    pub async fn next(&mut self) -> Result<StreamEvent, StreamError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            if self.subscriptions.clock_suspect() {
                self.ask_time().await?;
            }
            let message = self.receive().await?;
            let bytes = match &message {
                Message::Text(text) => text.as_bytes(),
                Message::Binary(bytes) => bytes,
                Message::Ping(_) => {
                    // The pong is queued already; it must not wait for the next frame.
                    self.flush().await?;
                    continue;
                }
                Message::Pong(_) | Message::Frame(_) => continue,
                Message::Close(frame) => {
                    let why = frame.as_ref().map_or_else(
                        || "no reason given".to_owned(),
                        |frame| quoted(&frame.to_string()),
                    );
                    return Err(StreamError::Closed(why));
                }
            };
            self.ready
                .extend(self.subscriptions.take(bytes, (self.clock)()));
        }
    }

    /// Closes the connection in good order, or drops it when that takes too long.
    pub async fn close(mut self) {
        if let Ok(Err(error)) = timeout(CLOSE_TIMEOUT, self.socket.close(None)).await {
            tracing::debug!(%error, "the connection was gone before it was closed");
        }
    }

    async fn receive(&mut self) -> Result<Message, StreamError> {
        let patience = self.config.silence.saturating_sub(self.heard.elapsed());
        let message = timeout(patience, self.socket.next())
            .await
            .map_err(|_elapsed| StreamError::Silent(self.config.silence))?
            .ok_or_else(|| StreamError::Closed("the stream ended".to_owned()))?
            .map_err(broken)?;
        self.heard = Instant::now();
        Ok(message)
    }

    async fn ask_time(&mut self) -> Result<(), StreamError> {
        let text = self.subscriptions.ask_time();
        self.send(text).await
    }

    async fn send(&mut self, text: String) -> Result<(), StreamError> {
        timeout(self.config.timeout, self.socket.send(Message::text(text)))
            .await
            .map_err(|_elapsed| StreamError::Broken("a request could not be sent".to_owned()))?
            .map_err(broken)
    }

    async fn flush(&mut self) -> Result<(), StreamError> {
        timeout(self.config.timeout, self.socket.flush())
            .await
            .map_err(|_elapsed| StreamError::Broken("a pong could not be sent".to_owned()))?
            .map_err(broken)
    }
}

fn broken(error: SocketError) -> StreamError {
    if matches!(
        error,
        SocketError::ConnectionClosed | SocketError::AlreadyClosed
    ) {
        StreamError::Closed("no reason given".to_owned())
    } else {
        StreamError::Broken(quoted(&error.to_string()))
    }
}

fn refused(url: &str, error: SocketError) -> StreamError {
    let url = url.to_owned();
    let SocketError::Http(response) = error else {
        return StreamError::Connect {
            url,
            detail: quoted(&error.to_string()),
        };
    };
    let retry_after = response
        .headers()
        .get("retry-after")
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map(Duration::from_secs);
    let body = response.body().as_deref().unwrap_or_default();
    StreamError::Refused {
        url,
        status: response.status().as_u16(),
        retry_after,
        body: quoted(&String::from_utf8_lossy(body)),
    }
}

#[cfg(test)]
mod tests;
