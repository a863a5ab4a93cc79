//! The memory of one connection, without its socket: requests under way, whose each subscription is.
//!
//! Entry points: the request makers ([`Subscriptions::subscribe`] and its like) return the text to
//! send; [`Subscriptions::take`] turns a received frame into [`StreamEvent`]s. The exchange never
//! says which account a subscription id belongs to (web-socket-api.md, "User Data Stream
//! requests"), so this map is the only place that knows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::{AccountId, ExchangeTime, LocalTime};
use serde_json::{Value, json};

use super::frame::{Event, Frame, Reply, ReplyError, SubscriptionId, WeightCount, quoted};
use super::report::Report;
use crate::{Credentials, ws_signature};

/// How old a subscription request may be when it is checked (`recvWindow`, in milliseconds).
const RECV_WINDOW_MS: u64 = 5_000;

/// "Timestamp for this request is outside of the recvWindow" (errors.md).
const INVALID_TIMESTAMP: i64 = -1021;

/// What a connection has to say.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamEvent {
    /// The account's events arrive from now on.
    Subscribed {
        /// The account.
        account: AccountId,
    },
    /// The account was not subscribed.
    Refused {
        /// The account.
        account: AccountId,
        /// Why.
        refusal: Refusal,
    },
    /// An order of the account's, ours or not, changed.
    Report {
        /// The account.
        account: AccountId,
        /// What is reported.
        report: Box<Report>,
    },
    /// Another event of the account's.
    Other {
        /// The account.
        account: AccountId,
        /// Its type.
        kind: String,
    },
    /// The account's events stopped while the socket stays open.
    Ended {
        /// The account.
        account: AccountId,
        /// How that was noticed.
        why: &'static str,
    },
    /// Something arrived that cannot be read.
    Unreadable {
        /// The account it was for; `None` when not even that can be told.
        account: Option<AccountId>,
        /// The client order ids in it, if it is an order's report.
        ids: Option<Vec<String>>,
        /// What is wrong.
        error: String,
    },
    /// The server is about to go away.
    ServerShutdown,
    /// How much request weight this address has used, told with a reply.
    Weight(WeightCount),
    /// A request that concerns no account failed.
    RequestFailed(Refusal),
    /// Well-formed, but nothing this system knows.
    Ignored {
        /// What it seems to be.
        kind: String,
    },
}

/// The exchange's no to a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (code {code}, status {status})")]
pub struct Refusal {
    /// The status, with the meanings of HTTP.
    pub status: u16,
    /// The exchange's code (errors.md), 0 when there was none.
    pub code: i64,
    /// The exchange's words.
    pub message: String,
    /// How long nothing more should be sent from this address.
    pub retry_after: Option<Duration>,
}

#[derive(Debug)]
enum Request {
    Subscribe { account: AccountId },
    Unsubscribe { subscription: SubscriptionId },
    List { expected: BTreeSet<SubscriptionId> },
    Time,
}

#[derive(Debug)]
struct Subscription {
    account: AccountId,
    /// Given up by us: its events still count, its end is no news.
    leaving: bool,
}

/// The requests and subscriptions of one connection.
#[derive(Debug, Default)]
pub struct Subscriptions {
    open: BTreeMap<SubscriptionId, Subscription>,
    requests: BTreeMap<String, Request>,
    last_request: u64,
    /// The exchange's clock less ours, in milliseconds.
    clock_offset_ms: i64,
    clock_suspect: bool,
}

impl Subscriptions {
    /// The text that subscribes an account with its key. Signed for the exchange's time as far as
    /// it is known.
    pub fn subscribe(
        &mut self,
        account: &AccountId,
        credentials: &Credentials,
        now: LocalTime,
    ) -> String {
        let timestamp = self.exchange_time(now).as_millis();
        let signed = BTreeMap::from([
            ("apiKey", credentials.api_key().to_owned()),
            ("recvWindow", RECV_WINDOW_MS.to_string()),
            ("timestamp", timestamp.to_string()),
        ]);
        let params = json!({
            "apiKey": credentials.api_key(),
            "recvWindow": RECV_WINDOW_MS,
            "timestamp": timestamp,
            "signature": ws_signature(credentials, &signed),
        });
        let request = Request::Subscribe {
            account: account.clone(),
        };
        self.request("userDataStream.subscribe.signature", params, request)
    }

    /// The texts that give an account's subscriptions up. None if it has none here.
    pub fn unsubscribe(&mut self, account: &AccountId) -> Vec<String> {
        let leaving: Vec<SubscriptionId> = self
            .open
            .iter_mut()
            .filter(|(_, open)| open.account == *account && !open.leaving)
            .map(|(id, open)| {
                open.leaving = true;
                *id
            })
            .collect();
        leaving
            .into_iter()
            .map(|subscription| {
                // Without an id the exchange would close every subscription of the socket.
                let params = json!({"subscriptionId": subscription.0});
                let request = Request::Unsubscribe { subscription };
                self.request("userDataStream.unsubscribe", params, request)
            })
            .collect()
    }

    /// The text that asks which subscriptions the exchange still serves, to find one that ended
    /// without a word.
    pub fn list(&mut self) -> String {
        let expected = self.open.keys().copied().collect();
        self.request(
            "session.subscriptions",
            Value::Null,
            Request::List { expected },
        )
    }

    /// The text that asks for the exchange's time.
    pub fn ask_time(&mut self) -> String {
        self.clock_suspect = false;
        self.request("time", Value::Null, Request::Time)
    }

    /// Whether a request was refused for its timestamp since the time was last asked for.
    #[must_use]
    pub const fn clock_suspect(&self) -> bool {
        self.clock_suspect
    }

    /// Takes one received frame.
    pub fn take(&mut self, bytes: &[u8], now: LocalTime) -> Vec<StreamEvent> {
        match Frame::read(bytes) {
            Ok(Frame::Reply(reply)) => {
                let weight = reply.weight.map(StreamEvent::Weight);
                let mut events = self.take_reply(reply, now);
                events.extend(weight);
                events
            }
            Ok(Frame::Event {
                subscription,
                event,
            }) => vec![self.take_event(subscription, event)],
            Ok(Frame::StreamTerminated { subscription }) => {
                vec![self.take_end(subscription)]
            }
            Ok(Frame::ServerShutdown) => vec![StreamEvent::ServerShutdown],
            Ok(Frame::Other { kind }) => vec![StreamEvent::Ignored { kind }],
            Err(error) => vec![StreamEvent::Unreadable {
                account: None,
                ids: None,
                error: error.to_string(),
            }],
        }
    }

    fn request(&mut self, method: &str, params: Value, request: Request) -> String {
        self.last_request = self.last_request.saturating_add(1);
        let id = format!("r{}", self.last_request);
        let mut frame = json!({"id": id, "method": method});
        if let (Value::Object(fields), false) = (&mut frame, params.is_null()) {
            fields.insert("params".to_owned(), params);
        }
        self.requests.insert(id, request);
        frame.to_string()
    }

    fn take_event(&self, subscription: SubscriptionId, event: Event) -> StreamEvent {
        let Some(account) = self
            .open
            .get(&subscription)
            .map(|open| open.account.clone())
        else {
            return self.take_ownerless(subscription, event);
        };
        match event {
            Event::Report(report) => StreamEvent::Report { account, report },
            Event::UnreadableReport { ids, error } => StreamEvent::Unreadable {
                account: Some(account),
                ids: Some(ids),
                error: error.to_string(),
            },
            Event::Other { kind } => StreamEvent::Other { account, kind },
        }
    }

    /// An event of a subscription that is not, or not yet, known. While a request is under way its
    /// confirmation may simply be late; whoever receives that has to look at what came before it
    /// anyway.
    fn take_ownerless(&self, subscription: SubscriptionId, event: Event) -> StreamEvent {
        let awaited = self
            .requests
            .values()
            .any(|request| matches!(request, Request::Subscribe { .. }));
        match event {
            Event::Report(_) | Event::UnreadableReport { .. } if !awaited => {
                StreamEvent::Unreadable {
                    account: None,
                    ids: None,
                    error: format!("a report of subscription {subscription}, which is not known"),
                }
            }
            Event::Report(_) | Event::UnreadableReport { .. } => StreamEvent::Ignored {
                kind: "report before its subscription was confirmed".to_owned(),
            },
            Event::Other { kind } => StreamEvent::Ignored { kind },
        }
    }

    fn take_end(&mut self, subscription: SubscriptionId) -> StreamEvent {
        match self.open.remove(&subscription) {
            Some(Subscription {
                account,
                leaving: false,
            }) => StreamEvent::Ended {
                account,
                why: "the exchange ended the stream",
            },
            Some(_) | None => StreamEvent::Ignored {
                kind: "end of a subscription given up".to_owned(),
            },
        }
    }

    fn take_reply(&mut self, reply: Reply, now: LocalTime) -> Vec<StreamEvent> {
        let request = reply.id.as_ref().and_then(|id| self.requests.remove(id));
        let failed = reply.status != 200 || reply.error.is_some();
        match request {
            None if failed => vec![StreamEvent::RequestFailed(self.refusal(reply, now))],
            None => vec![StreamEvent::Ignored {
                kind: "reply to no request".to_owned(),
            }],
            Some(Request::Subscribe { account }) => {
                vec![self.subscribed(account, reply, now)]
            }
            Some(Request::Unsubscribe { subscription }) => {
                self.open.remove(&subscription);
                Vec::new()
            }
            Some(_) if failed => vec![StreamEvent::RequestFailed(self.refusal(reply, now))],
            Some(Request::List { expected }) => self.compare(&expected, &reply.result),
            Some(Request::Time) => {
                self.set_clock(now, &reply.result);
                Vec::new()
            }
        }
    }

    fn subscribed(&mut self, account: AccountId, reply: Reply, now: LocalTime) -> StreamEvent {
        if reply.status != 200 || reply.error.is_some() {
            let refusal = self.refusal(reply, now);
            self.clock_suspect |= refusal.code == INVALID_TIMESTAMP;
            return StreamEvent::Refused { account, refusal };
        }
        let Some(id) = reply.result.get("subscriptionId").and_then(Value::as_i64) else {
            let refusal = Refusal {
                status: reply.status,
                code: 0,
                message: format!(
                    "the reply names no subscriptionId: {}",
                    quoted(&reply.result.to_string())
                ),
                retry_after: None,
            };
            return StreamEvent::Refused { account, refusal };
        };
        let subscription = Subscription {
            account: account.clone(),
            leaving: false,
        };
        self.open.insert(SubscriptionId(id), subscription);
        StreamEvent::Subscribed { account }
    }

    fn compare(&mut self, expected: &BTreeSet<SubscriptionId>, result: &Value) -> Vec<StreamEvent> {
        let Some(served) = result.as_array() else {
            return vec![StreamEvent::Ignored {
                kind: "list of subscriptions that is no list".to_owned(),
            }];
        };
        let served: BTreeSet<SubscriptionId> = served
            .iter()
            .filter_map(|entry| entry.get("subscriptionId")?.as_i64())
            .map(SubscriptionId)
            .collect();
        expected
            .difference(&served)
            .filter_map(|missing| self.open.remove(missing))
            .filter(|open| !open.leaving)
            .map(|open| StreamEvent::Ended {
                account: open.account,
                why: "the exchange no longer lists the stream",
            })
            .collect()
    }

    /// Measured at the moment of receipt, which errs towards a timestamp in the past: the window
    /// allows for that, while one in the future would be refused.
    fn set_clock(&mut self, received_at: LocalTime, result: &Value) {
        if let Some(server) = result.get("serverTime").and_then(Value::as_i64) {
            self.clock_offset_ms = server.saturating_sub(received_at.as_millis());
        }
    }

    fn exchange_time(&self, now: LocalTime) -> ExchangeTime {
        ExchangeTime::from_millis(now.as_millis().saturating_add(self.clock_offset_ms))
    }

    /// The exchange says until when to wait by its own clock. This machine's may be ahead, and a
    /// pause that ends too early ends in a ban: so it becomes a time to wait here, by the clock in
    /// the same reply where there is one.
    fn refusal(&self, reply: Reply, now: LocalTime) -> Refusal {
        let error = reply.error.unwrap_or(ReplyError {
            code: 0,
            message: "no reason given".to_owned(),
            retry_after: None,
            server_time: None,
        });
        let exchange_now = error.server_time.unwrap_or(self.exchange_time(now));
        Refusal {
            status: reply.status,
            code: error.code,
            message: error.message,
            retry_after: error.retry_after.map(|until| until.since(exchange_now)),
        }
    }
}

#[cfg(test)]
mod tests;
