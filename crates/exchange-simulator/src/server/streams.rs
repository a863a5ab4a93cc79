//! Stream connections, their subscriptions, and the way events take to them, faults included.
//!
//! Entry points: [`Streams::open`], [`Streams::subscribe`], [`Streams::route`]. Routing is synchronous: what has to wait
//! is handed back as a [`Delivery`] with a delay. Never writes to a socket.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::sync::mpsc;

use super::wire;
use crate::faults::{EventFault, FaultInjector};
use crate::model::{AccountEvent, EventBody, ExecutionType, OrderStatus, Reject};

/// Subscriptions one connection may hold at a time (`web-socket-api.md`).
const MAX_SUBSCRIPTIONS: usize = 1_000;
/// Subscriptions over a connection's life.
const MAX_SUBSCRIPTION_IDS: u32 = 65_535;

/// What a connection's writer is told.
#[derive(Debug, Clone)]
pub(crate) enum Outgoing {
    /// Send this text. With the client order id of an order whose completion it reports, if it does.
    Text(String, Option<String>),
    /// Close in good order.
    Close,
    /// Break off without a word.
    Break,
    /// Neither read nor write for so many ms.
    Freeze(u64),
}

/// Something for a connection, perhaps later.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) to: mpsc::UnboundedSender<Outgoing>,
    pub(crate) what: Outgoing,
    pub(crate) delay_ms: u64,
}

#[derive(Debug)]
struct Subscription {
    account: String,
    silent_until_ms: i64,
}

#[derive(Debug)]
struct Connection {
    sender: mpsc::UnboundedSender<Outgoing>,
    next_subscription: u32,
    subscriptions: BTreeMap<u32, Subscription>,
}

/// All stream connections.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    next_connection: u64,
    connections: BTreeMap<u64, Connection>,
}

impl Streams {
    /// Takes a new connection in.
    pub(crate) fn open(&mut self) -> (u64, mpsc::UnboundedReceiver<Outgoing>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let id = self.next_connection;
        self.next_connection += 1;
        self.connections.insert(
            id,
            Connection {
                sender,
                next_subscription: 0,
                subscriptions: BTreeMap::new(),
            },
        );
        (id, receiver)
    }

    /// Forgets a connection.
    pub(crate) fn close(&mut self, connection: u64) {
        self.connections.remove(&connection);
    }

    /// Open connections and subscriptions over all of them.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let subscriptions = self
            .connections
            .values()
            .map(|connection| connection.subscriptions.len())
            .sum();
        (self.connections.len(), subscriptions)
    }

    /// Subscribes an account on a connection.
    pub(crate) fn subscribe(&mut self, connection: u64, account: &str) -> Result<u32, Reject> {
        let gone = || Reject::new(400, -1000, "The connection is closed.");
        let connection = self.connections.get_mut(&connection).ok_or_else(gone)?;
        if connection
            .subscriptions
            .values()
            .any(|subscription| subscription.account == account)
        {
            return Err(Reject::new(
                400,
                -2035,
                "User Data Stream subscription is already active.",
            ));
        }
        let exhausted = connection.next_subscription >= MAX_SUBSCRIPTION_IDS;
        if exhausted || connection.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            return Err(Reject::new(
                400,
                -2042,
                "Too many subscriptions on this connection.",
            ));
        }
        let id = connection.next_subscription;
        connection.next_subscription += 1;
        let subscription = Subscription {
            account: account.to_owned(),
            silent_until_ms: i64::MIN,
        };
        connection.subscriptions.insert(id, subscription);
        Ok(id)
    }

    /// Ends one subscription, or all of a connection; each is told so.
    pub(crate) fn unsubscribe(
        &mut self,
        connection: u64,
        subscription: Option<u32>,
        now_ms: i64,
    ) -> Result<(), Reject> {
        let inactive = || Reject::new(400, -2036, "User Data Stream subscription is not active.");
        let connection = self.connections.get_mut(&connection).ok_or_else(inactive)?;
        let ended: Vec<u32> = match subscription {
            Some(id) if connection.subscriptions.contains_key(&id) => vec![id],
            Some(_) => return Err(inactive()),
            None => connection.subscriptions.keys().copied().collect(),
        };
        for id in ended {
            connection.terminate(id, now_ms);
        }
        Ok(())
    }

    /// Ids of a connection's subscriptions.
    pub(crate) fn subscriptions(&self, connection: u64) -> Vec<u32> {
        self.connections
            .get(&connection)
            .map(|connection| connection.subscriptions.keys().copied().collect())
            .unwrap_or_default()
    }

    /// Tells every connection something.
    pub(crate) fn broadcast(&self, what: &Outgoing) {
        for connection in self.connections.values() {
            hand(&connection.sender, what.clone());
        }
    }

    /// Tells every connection that the server goes down, and ends it after a while.
    pub(crate) fn shut_down(&self, now_ms: i64, after_ms: u64) -> Vec<Delivery> {
        self.broadcast(&Outgoing::Text(wire::server_shutdown(now_ms), None));
        let close = |connection: &Connection| Delivery {
            to: connection.sender.clone(),
            what: Outgoing::Close,
            delay_ms: after_ms,
        };
        self.connections.values().map(close).collect()
    }

    /// Ends every subscription (of one account, or of all) while connections stay.
    pub(crate) fn terminate_all(&mut self, account: Option<&str>, now_ms: i64) {
        for connection in self.connections.values_mut() {
            let fits = |subscription: &Subscription| {
                account.is_none_or(|account| subscription.account == account)
            };
            let ended: Vec<u32> = connection
                .subscriptions
                .iter()
                .filter(|(_, subscription)| fits(subscription))
                .map(|(id, _)| *id)
                .collect();
            for id in ended {
                connection.terminate(id, now_ms);
            }
        }
    }

    /// Lets every subscription (of one account, or all) fall silent until a moment.
    pub(crate) fn silence(&mut self, account: Option<&str>, until_ms: i64) {
        let all = self
            .connections
            .values_mut()
            .flat_map(|connection| connection.subscriptions.values_mut());
        for subscription in all {
            if account.is_none_or(|account| subscription.account == account) {
                subscription.silent_until_ms = until_ms;
            }
        }
    }

    /// Sends an event to every subscription of its account. What has to wait is returned.
    pub(crate) fn route(
        &mut self,
        event: &AccountEvent,
        faults: &mut FaultInjector,
        now_ms: i64,
    ) -> Vec<Delivery> {
        let mut later = Vec::new();
        let mut payload: Option<Value> = None;
        for connection in self.connections.values_mut() {
            let subscribed = connection
                .subscriptions
                .iter()
                .find(|(_, subscription)| subscription.account == event.account)
                .map(|(id, subscription)| (*id, subscription.silent_until_ms));
            let Some((id, silent_until_ms)) = subscribed else {
                continue;
            };
            if now_ms < silent_until_ms {
                continue;
            }
            let payload = payload.get_or_insert_with(|| wire::event(&event.body, now_ms));
            let text = wire::event_frame(id, payload);
            let what = Outgoing::Text(text, completes(&event.body));
            let fault = if matters(&event.body) {
                faults.on_event()
            } else {
                None
            };
            later.extend(connection.deliver(id, what, fault, now_ms));
        }
        later
    }
}

impl Connection {
    fn terminate(&mut self, id: u32, now_ms: i64) {
        self.subscriptions.remove(&id);
        let notice = wire::terminated(id, now_ms);
        hand(&self.sender, Outgoing::Text(notice, None));
    }

    fn deliver(
        &mut self,
        id: u32,
        what: Outgoing,
        fault: Option<EventFault>,
        now_ms: i64,
    ) -> Option<Delivery> {
        let after = |what, delay_ms| {
            Some(Delivery {
                to: self.sender.clone(),
                what,
                delay_ms,
            })
        };
        match fault {
            None => hand(&self.sender, what),
            Some(EventFault::Lost) => {}
            Some(EventFault::Repeated) => {
                hand(&self.sender, what.clone());
                hand(&self.sender, what);
            }
            Some(EventFault::Reordered(delay_ms) | EventFault::Late(delay_ms)) => {
                return after(what, delay_ms);
            }
            Some(EventFault::StreamDropped) => hand(&self.sender, Outgoing::Break),
            Some(EventFault::StreamSilent(for_ms)) => {
                let until_ms = now_ms.saturating_add(i64::try_from(for_ms).unwrap_or(i64::MAX));
                if let Some(subscription) = self.subscriptions.get_mut(&id) {
                    subscription.silent_until_ms = until_ms;
                }
            }
            Some(EventFault::StreamTerminated) => self.terminate(id, now_ms),
            Some(EventFault::ServerShutdown(after_ms)) => {
                hand(&self.sender, what);
                hand(
                    &self.sender,
                    Outgoing::Text(wire::server_shutdown(now_ms), None),
                );
                return after(Outgoing::Close, after_ms);
            }
        }
        None
    }
}

/// Hands something to a writer; one that is gone needs nothing more.
fn hand(sender: &mpsc::UnboundedSender<Outgoing>, what: Outgoing) {
    if sender.send(what).is_err() {
        tracing::trace!("a stream's writer has ended");
    }
}

/// Faults hit only what a bot lives on: reports of trades and endings.
fn matters(body: &EventBody) -> bool {
    matches!(body, EventBody::Execution(report) if report.execution != ExecutionType::New)
}

/// The client order id of the order whose completion an event reports.
fn completes(body: &EventBody) -> Option<String> {
    match body {
        EventBody::Execution(report) if report.order.state.status == OrderStatus::Filled => {
            Some(report.order.placed_as.to_string())
        }
        EventBody::Execution(_) | EventBody::Position { .. } | EventBody::BalanceUpdate { .. } => {
            None
        }
    }
}
