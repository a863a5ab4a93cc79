//! The network between `up` and the exchange: a proxy of ours on 127.0.0.1 that can be cut.
//!
//! Start at [`Network::to`]. REST and WebSocket go over a [`Link`] each. A link that was cut may refuse connections,
//! hold bytes back, lose them, break connections at once or in the middle of what is just going over. It reads nothing
//! of what it carries.

mod link;
mod pair;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;

pub(crate) use link::{Link, Mode, Way};

/// Both links.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) rest: Link,
    pub(crate) web_socket: Link,
}

impl Network {
    /// A whole network to an exchange.
    pub(crate) async fn to(exchange: SocketAddr) -> anyhow::Result<Self> {
        Ok(Self {
            rest: Link::to(exchange).await?,
            web_socket: Link::to(exchange).await?,
        })
    }

    /// Where REST is reached.
    pub(crate) fn rest_url(&self) -> String {
        format!("http://{}", self.rest.address())
    }

    /// Where the WebSocket API is reached.
    pub(crate) fn web_socket_url(&self) -> String {
        format!("ws://{}/ws-api/v3", self.web_socket.address())
    }

    /// Everything goes through again.
    pub(crate) fn heal(&self) {
        self.rest.set(Mode::Whole);
        self.web_socket.set(Mode::Whole);
    }
}
