//! A bridge process of the simulation: the shipped bridge over sockets that are lists of texts.
//!
//! Entry point: [`BridgeProcess`]. What it decides is [`apply_event`]'s, what it reads the shipped
//! adapter's; here is only what a machine does for it: connections that open, break and fall silent,
//! frames in their order, the queue and the store.

use std::collections::BTreeMap;
use std::time::Duration;

use binance::Credentials;
use binance::stream::Subscriptions;
use bridge::{
    AccountsRead, BridgeState, Config, ConnectionId, Effect, Input, Moment, Outgoing, apply_event,
};
use domain::AccountId;
use exchange_simulator::faults::EventFault;
use exchange_simulator::model::{AccountEvent, EventBody, ExecutionType, Reject};
use exchange_simulator::written;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use trading::{AccountStore, QueueError};

use crate::World;
use crate::mistake::Mistake;

/// The stream key of every account.
const KEY: &str = "stream";
const SECRET: &str = "theSecretOfEverySimulatedStreamWorthNothing";

/// How readily what is neither event nor order goes wrong around a bridge, in a thousand.
#[derive(Debug, Clone, Copy, Default)]
pub struct Troubles {
    /// A connection that does not open.
    pub not_opened: u32,
    /// A subscription that is refused.
    pub not_subscribed: u32,
    /// A message that the queue refuses, or takes without saying so.
    pub not_sent: u32,
    /// A write to the store that fails.
    pub not_written: u32,
}

/// One account's events on one connection.
#[derive(Debug)]
struct Served {
    account: String,
    silent_until_ms: i64,
}

/// One connection, as its two ends know it.
#[derive(Debug, Default)]
struct Link {
    memory: Subscriptions,
    served: BTreeMap<u32, Served>,
    last_subscription: u32,
    /// When its last frame in order arrives.
    last_frame_ms: i64,
}

/// Something on its way to the bridge.
#[derive(Debug)]
enum Arrival {
    Input(Input),
    Frame(ConnectionId, String),
}

/// A running bridge.
#[derive(Debug)]
pub struct BridgeProcess {
    name: &'static str,
    state: BridgeState,
    started_ms: i64,
    links: BTreeMap<ConnectionId, Link>,
    /// By the instant of arrival, then in the order of sending.
    inbox: BTreeMap<(i64, u64), Arrival>,
    sent: u64,
    random: ChaCha8Rng,
    troubles: Troubles,
    credentials: Credentials,
    /// Whether it hears nothing of trades that follow from a placement at once: only the reply tells.
    makers_only: bool,
}

impl BridgeProcess {
    /// A bridge that has just been started.
    #[must_use]
    pub fn start(
        world: &World,
        name: &'static str,
        random: ChaCha8Rng,
        troubles: Troubles,
    ) -> Self {
        Self {
            name,
            state: fresh(name),
            started_ms: world.clock.millis(),
            links: BTreeMap::new(),
            inbox: BTreeMap::new(),
            sent: 0,
            random,
            troubles,
            credentials: Credentials::hmac(KEY, SECRET).unwrap(),
            makers_only: false,
        }
    }

    /// Makes the bridge deaf to what the replies to placements tell as well.
    pub(crate) fn hear_makers_only(&mut self) {
        self.makers_only = true;
    }

    /// The process dies and is started again: it remembers nothing.
    pub fn restart(&mut self, world: &World) {
        self.state = fresh(self.name);
        self.started_ms = world.clock.millis();
        self.links.clear();
        self.inbox.clear();
    }

    /// Nothing more goes wrong.
    pub fn heal(&mut self) {
        self.troubles = Troubles::default();
        for link in self.links.values_mut() {
            for served in link.served.values_mut() {
                served.silent_until_ms = 0;
            }
        }
    }

    /// Time has gone by: what has arrived is taken in, then what is due is done.
    pub fn tick(&mut self, world: &World) {
        self.take_arrivals(world);
        self.step(world, Input::Tick);
    }

    /// Takes in what has arrived.
    pub fn take_arrivals(&mut self, world: &World) {
        let now = world.clock.millis();
        while let Some(first) = self.inbox.first_entry() {
            if first.key().0 > now {
                return;
            }
            match first.remove() {
                Arrival::Input(input) => self.step(world, input),
                Arrival::Frame(id, text) => {
                    let Some(link) = self.links.get_mut(&id) else {
                        continue;
                    };
                    for event in link.memory.take(text.as_bytes(), world.now()) {
                        let connection = id;
                        self.step(world, Input::Stream { connection, event });
                    }
                }
            }
        }
    }

    /// An account is told something: on each connection that serves it, with the faults of that
    /// connection.
    pub fn tell(&mut self, world: &World, event: &AccountEvent) {
        let mut event = event.clone();
        let EventBody::Execution(report) = &mut event.body else {
            return;
        };
        if self.makers_only && report.trade.as_ref().is_some_and(|trade| !trade.is_maker) {
            return;
        }
        if report.execution == ExecutionType::Canceled && world.gate.makes(Mistake::CancelIdFromC) {
            let (c, of_order) = (
                &mut report.request_client_order_id,
                &mut report.original_client_order_id,
            );
            std::mem::swap(c, of_order);
        }
        let is_new = report.execution == ExecutionType::New;
        let now = world.clock.millis();
        let exchange_now = world.exchange.exchange_millis();
        let links: Vec<ConnectionId> = self.links.keys().copied().collect();
        for id in links {
            let served = self.links[&id].served.iter();
            let Some((subscription, _)) = served
                .filter(|(_, served)| served.account == event.account)
                .find(|(_, served)| served.silent_until_ms <= now)
            else {
                continue;
            };
            let subscription = *subscription;
            let text = written::event(subscription, &event, exchange_now);
            let fault = if is_new {
                None
            } else {
                world.exchange.state().injector.on_event()
            };
            self.carry(id, (subscription, text), fault, (now, exchange_now));
        }
    }

    fn carry(
        &mut self,
        id: ConnectionId,
        (subscription, text): (u32, String),
        fault: Option<EventFault>,
        (now, exchange_now): (i64, i64),
    ) {
        let after = |ms: u64| now + i64::try_from(ms).unwrap();
        match fault {
            None => self.frame(id, now, text),
            Some(EventFault::Lost) => {}
            Some(EventFault::Repeated) => {
                self.frame(id, now, text.clone());
                self.frame(id, now, text);
            }
            Some(EventFault::Late(ms) | EventFault::Reordered(ms)) => {
                self.arrives(after(ms), Arrival::Frame(id, text));
            }
            Some(EventFault::StreamDropped) => {
                self.links.get_mut(&id).unwrap().served.clear();
                self.break_off(id, now, "the connection broke");
            }
            Some(EventFault::StreamSilent(ms)) => {
                let link = self.links.get_mut(&id).unwrap();
                link.served.get_mut(&subscription).unwrap().silent_until_ms = after(ms);
            }
            Some(EventFault::StreamTerminated) => {
                self.links
                    .get_mut(&id)
                    .unwrap()
                    .served
                    .remove(&subscription);
                self.frame(id, now, written::terminated(subscription, exchange_now));
            }
            Some(EventFault::ServerShutdown(ms)) => {
                self.frame(id, now, text);
                self.frame(id, now, written::server_shutdown(exchange_now));
                self.break_off(id, after(ms), "the server went away");
            }
        }
    }

    /// The bridge learns then that a connection broke.
    fn break_off(&mut self, connection: ConnectionId, at_ms: i64, why: &str) {
        let lost = Input::Lost {
            connection,
            why: why.to_owned(),
            retry_after: None,
        };
        self.arrives(at_ms, Arrival::Input(lost));
    }

    /// A frame in its order on its connection.
    fn frame(&mut self, id: ConnectionId, at_ms: i64, text: String) {
        let link = self.links.get_mut(&id).unwrap();
        link.last_frame_ms = link.last_frame_ms.max(at_ms);
        let at_ms = link.last_frame_ms;
        self.arrives(at_ms, Arrival::Frame(id, text));
    }

    fn arrives(&mut self, at_ms: i64, what: Arrival) {
        self.sent += 1;
        self.inbox.insert((at_ms, self.sent), what);
    }

    fn chance(&mut self, per_thousand: u32) -> bool {
        self.random.random_range(0..1_000) < per_thousand
    }

    fn soon(&mut self, world: &World) -> i64 {
        world.clock.millis() + self.random.random_range(0..120)
    }

    fn step(&mut self, world: &World, input: Input) {
        if let Input::Lost { connection, .. } = &input {
            self.links.remove(connection);
        }
        let elapsed = world.clock.millis() - self.started_ms;
        let moment = Moment {
            wall: world.now(),
            elapsed: Duration::from_millis(u64::try_from(elapsed).unwrap()),
            jitter: self.random.random(),
        };
        for effect in apply_event(&mut self.state, moment, input) {
            self.perform(world, effect);
        }
    }

    fn perform(&mut self, world: &World, effect: Effect) {
        match effect {
            Effect::Open { connection, .. } => {
                let at = self.soon(world);
                let input = if self.chance(self.troubles.not_opened) {
                    Input::Lost {
                        connection,
                        why: "connection refused".to_owned(),
                        retry_after: None,
                    }
                } else {
                    self.links.insert(connection, Link::default());
                    Input::Opened { connection }
                };
                let opened = matches!(input, Input::Opened { .. });
                self.arrives(at, Arrival::Input(input));
                if opened {
                    self.ask_time(world, connection, at);
                }
            }
            Effect::Close { connection } => {
                self.links.remove(&connection);
            }
            Effect::Subscribe {
                connection,
                account,
                ..
            } => self.subscribe(world, connection, &account),
            Effect::Unsubscribe {
                connection,
                account,
            } => self.unsubscribe(world, connection, &account),
            Effect::Check { connection } => self.check(world, connection),
            Effect::Send(batch) => self.send(world, batch),
            Effect::WriteStream { .. }
            | Effect::ClearWant { .. }
            | Effect::WriteHeartbeat(_)
            | Effect::ListAccounts => self.use_store(world, effect),
            Effect::Inform(text) => world.note(|| format!("{}: {text}", self.name)),
            Effect::Warn(text) => world.note(|| format!("{} warns: {text}", self.name)),
        }
    }

    /// What a connection does first, and again when its clock is in doubt.
    fn ask_time(&mut self, world: &World, id: ConnectionId, at_ms: i64) {
        let link = self.links.get_mut(&id).unwrap();
        let request = link.memory.ask_time();
        let now = world.exchange.exchange_millis();
        self.frame(id, at_ms, written::time(&request_id(&request), now));
    }

    fn subscribe(&mut self, world: &World, id: ConnectionId, account: &AccountId) {
        let at = self.soon(world);
        let refused = self.chance(self.troubles.not_subscribed);
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        let request = link
            .memory
            .subscribe(account, &self.credentials, world.now());
        let reply = if refused {
            written::request_refused(&request_id(&request), &Reject::outside_window())
        } else {
            let subscription = link.last_subscription;
            link.last_subscription += 1;
            let account = account.to_string();
            link.served.insert(
                subscription,
                Served {
                    account,
                    silent_until_ms: 0,
                },
            );
            written::subscribed(&request_id(&request), subscription)
        };
        self.frame(id, at, reply);
    }

    fn unsubscribe(&mut self, world: &World, id: ConnectionId, account: &AccountId) {
        let at = self.soon(world);
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        link.served
            .retain(|_, served| served.account != account.as_str());
        let requests = link.memory.unsubscribe(account);
        for request in requests {
            self.frame(id, at, written::done(&request_id(&request)));
        }
    }

    fn check(&mut self, world: &World, id: ConnectionId) {
        let at = self.soon(world);
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        let served: Vec<u32> = link.served.keys().copied().collect();
        let request = link.memory.list();
        self.frame(
            id,
            at,
            written::subscriptions(&request_id(&request), &served),
        );
    }

    fn send(&mut self, world: &World, batch: Vec<Outgoing>) {
        let mut outcomes = Vec::new();
        for Outgoing { message, delay } in batch {
            let fails = self.chance(self.troubles.not_sent);
            if !fails || self.chance(500) {
                let delay = i64::try_from(delay.as_millis()).unwrap();
                world.queue.put_at(&message, world.clock.millis() + delay);
            }
            outcomes.push(if fails {
                Err(QueueError::Unavailable("no answer".to_owned()))
            } else {
                Ok(())
            });
        }
        let at = self.soon(world);
        self.arrives(at, Arrival::Input(Input::Sent(outcomes)));
    }

    fn use_store(&mut self, world: &World, effect: Effect) {
        let store = &world.store;
        let fails = self.chance(self.troubles.not_written);
        let outcome = |write: Result<(), trading::StoreError>| {
            let written = write.map_err(|error| error.to_string());
            if fails {
                Err("no answer".to_owned())
            } else {
                written
            }
        };
        let input = match effect {
            Effect::WriteStream { account, state } => Input::StreamWritten {
                outcome: outcome(world.run(store.set_stream(&account, &state))),
                account,
                state,
            },
            Effect::WriteHeartbeat(heartbeat) => {
                Input::HeartbeatWritten(outcome(world.run(store.put_heartbeat(&heartbeat))))
            }
            Effect::ListAccounts => {
                let read = world
                    .run(store.list_accounts())
                    .map(|listing| AccountsRead {
                        readable: listing.readable,
                        unreadable: Vec::new(),
                        heartbeats: Ok(Vec::new()),
                    });
                Input::Accounts(read.map_err(|error| error.to_string()))
            }
            Effect::ClearWant { account } => {
                drop(world.run(store.want_stream(&account, None)));
                return;
            }
            Effect::Open { .. }
            | Effect::Close { .. }
            | Effect::Subscribe { .. }
            | Effect::Unsubscribe { .. }
            | Effect::Check { .. }
            | Effect::Send(_)
            | Effect::Inform(_)
            | Effect::Warn(_) => return,
        };
        let at = self.soon(world);
        self.arrives(at, Arrival::Input(input));
    }
}

fn fresh(name: &str) -> BridgeState {
    // The dice are thrown here, one for each input.
    BridgeState::new(Config::new(name, 0).with_address("ws://simulated"))
}

fn request_id(request: &str) -> String {
    let request: serde_json::Value = serde_json::from_str(request).unwrap();
    request["id"].as_str().unwrap().to_owned()
}
