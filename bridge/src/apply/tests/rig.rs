//! A bridge without an outside: answers what it asks for, keeps what it says, moves its clock.

use std::time::Duration;

use binance::stream::{Event, Frame, Refusal, Report, StreamEvent};
use domain::{AccountId, LocalTime};
use trading::{
    AccountRecord, Breaker, Environment, Heartbeat, Message, QueueError, SealedKey, StreamState,
};

use crate::{
    AccountsRead, BridgeState, Config, ConnectionId, Effect, Input, Moment, Outgoing, apply_event,
};

pub(super) fn id(name: &str) -> AccountId {
    name.parse().unwrap()
}

pub(super) fn account(name: &str) -> AccountRecord {
    AccountRecord {
        id: id(name),
        environment: Environment::Simulated,
        stream_key: key("first"),
        breaker: Breaker::Closed,
        stream: StreamState::Never,
        stream_wanted_since: None,
        created_at: LocalTime::from_millis(0),
        version: 1,
    }
}

pub(super) fn key(sealed: &str) -> SealedKey {
    SealedKey {
        api_key: "api-key".to_owned(),
        kind: "hmac".to_owned(),
        sealed: sealed.to_owned(),
    }
}

/// The documented partial fill of order `gk-bot1-7-3`, with texts replaced.
pub(super) fn report(replaced: &[(&str, &str)]) -> Report {
    let mut text = include_str!("../../../testdata/execution_report.json").to_owned();
    for (from, to) in replaced {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let Frame::Event {
        event: Event::Report(report),
        ..
    } = Frame::read(text.trim().as_bytes()).unwrap()
    else {
        panic!("no report: {text}")
    };
    *report
}

pub(super) fn refusal(status: u16, code: i64) -> Refusal {
    Refusal {
        status,
        code,
        message: "no".to_owned(),
        retry_after: None,
    }
}

pub(super) struct Rig {
    pub(super) state: BridgeState,
    pub(super) now: Duration,
    pub(super) jitter: u32,
    /// What the store lists.
    pub(super) accounts: Vec<AccountRecord>,
    /// The accounts whose records are damaged.
    pub(super) unreadable: Vec<&'static str>,
    pub(super) store_up: bool,
    /// The heartbeats in the table, or why they cannot be read.
    pub(super) table: Result<Vec<Heartbeat>, String>,
    /// How far this machine's clock is ahead, in milliseconds.
    pub(super) ahead: i64,
    pub(super) queue: Answer,
    /// Whether connections open at once when asked for.
    pub(super) network_up: bool,
    /// Accounts whose subscriptions are refused.
    pub(super) refused: Vec<(&'static str, Refusal)>,
    /// Whether subscriptions are answered at all.
    pub(super) answering: bool,
    /// The messages the queue took, and when.
    pub(super) sent: Vec<Outgoing>,
    pub(super) sent_at: Vec<LocalTime>,
    /// The stream states written, in order.
    pub(super) streams: Vec<(AccountId, StreamState)>,
    pub(super) heartbeats: Vec<Heartbeat>,
    /// Everything else that was to be done.
    pub(super) effects: Vec<Effect>,
}

/// What the queue does.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Answer {
    Takes,
    Refuses,
    /// Takes all but the first of a batch.
    RefusesFirst,
    Hangs,
}

impl Rig {
    pub(super) fn new(names: &[&str]) -> Self {
        Self::with(names, |_| {})
    }

    pub(super) fn with(names: &[&str], set: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new("bridge-1", 7).with_address("ws://simulated");
        set(&mut config);
        Self {
            state: BridgeState::new(config),
            now: Duration::ZERO,
            jitter: 0,
            accounts: names.iter().map(|name| account(name)).collect(),
            unreadable: Vec::new(),
            store_up: true,
            table: Ok(Vec::new()),
            ahead: 0,
            queue: Answer::Takes,
            network_up: true,
            refused: Vec::new(),
            answering: true,
            sent: Vec::new(),
            sent_at: Vec::new(),
            streams: Vec::new(),
            heartbeats: Vec::new(),
            effects: Vec::new(),
        }
    }

    /// A rig whose accounts are subscribed and have been compared for that.
    pub(super) fn up(names: &[&str]) -> Self {
        let mut rig = Self::new(names);
        rig.pass(2_000);
        assert!(rig.down().is_empty(), "{:?}", rig.down());
        rig.forget();
        rig
    }

    pub(super) fn forget(&mut self) {
        self.sent.clear();
        self.sent_at.clear();
        self.streams.clear();
        self.effects.clear();
        self.heartbeats.clear();
    }

    pub(super) fn wall(&self) -> LocalTime {
        LocalTime::from_millis(1_790_000_000_000 + self.ahead).after(self.now)
    }

    /// Lets something happen, and everything that follows from it at once.
    pub(super) fn step(&mut self, input: Input) {
        let moment = Moment {
            wall: self.wall(),
            elapsed: self.now,
            jitter: self.jitter,
        };
        let effects = apply_event(&mut self.state, moment, input);
        for effect in effects {
            if let Some(answer) = self.answer(effect) {
                self.step(answer);
            }
        }
    }

    /// Lets time go by in ticks.
    pub(super) fn pass(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        while self.now < end {
            self.now += Duration::from_millis(100);
            self.step(Input::Tick);
        }
    }

    pub(super) fn report(&mut self, name: &str, report: Report) {
        let connection = ConnectionId(1);
        self.stream(
            connection.0,
            StreamEvent::Report {
                account: id(name),
                report: Box::new(report),
            },
        );
    }

    pub(super) fn stream(&mut self, connection: u64, event: StreamEvent) {
        self.step(Input::Stream {
            connection: ConnectionId(connection),
            event,
        });
    }

    pub(super) fn lose(&mut self, connection: u64, why: &str) {
        self.step(Input::Lost {
            connection: ConnectionId(connection),
            why: why.to_owned(),
            retry_after: None,
        });
    }

    /// The reconciliations sent: account, bot, delay in seconds.
    pub(super) fn reconciled(&self) -> Vec<(String, Option<String>, u64)> {
        self.sent
            .iter()
            .filter_map(|outgoing| match &outgoing.message {
                Message::Reconcile { account, bot, .. } => Some((
                    account.to_string(),
                    bot.as_ref().map(ToString::to_string),
                    outgoing.delay.as_secs(),
                )),
                Message::Execution { .. } => None,
            })
            .collect()
    }

    pub(super) fn executions(&self) -> usize {
        self.sent.len() - self.reconciled().len()
    }

    /// The accounts whose streams are down, with the reasons.
    pub(super) fn down(&self) -> Vec<(String, String)> {
        self.state
            .status()
            .accounts
            .into_iter()
            .filter_map(|(id, status)| match status.stream {
                StreamState::Down { why, .. } => Some((id.to_string(), why)),
                StreamState::Never | StreamState::Subscribed { .. } => None,
            })
            .collect()
    }

    pub(super) fn opened(&self) -> Vec<u64> {
        self.effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Open { connection, .. } => Some(connection.0),
                _ => None,
            })
            .collect()
    }

    pub(super) fn closed(&self) -> Vec<u64> {
        self.effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Close { connection } => Some(connection.0),
                _ => None,
            })
            .collect()
    }

    /// The subscriptions asked for: connection, account, sealed key.
    pub(super) fn asked(&self) -> Vec<(u64, String, String)> {
        self.effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Subscribe {
                    connection,
                    account,
                    key,
                } => Some((connection.0, account.to_string(), key.sealed.clone())),
                _ => None,
            })
            .collect()
    }

    fn answer(&mut self, effect: Effect) -> Option<Input> {
        let store = |up: bool| {
            if up {
                Ok(())
            } else {
                Err("store down".to_owned())
            }
        };
        match &effect {
            Effect::Send(batch) => return self.take_batch(batch),
            Effect::WriteStream { account, state } => {
                let outcome = store(self.store_up);
                if self.store_up {
                    self.streams.push((account.clone(), state.clone()));
                    for record in &mut self.accounts {
                        if record.id == *account {
                            record.stream = state.clone();
                        }
                    }
                }
                return Some(Input::StreamWritten {
                    account: account.clone(),
                    state: state.clone(),
                    outcome,
                });
            }
            Effect::WriteHeartbeat(heartbeat) => {
                self.heartbeats.push(heartbeat.clone());
                return Some(Input::HeartbeatWritten(store(self.store_up)));
            }
            Effect::ListAccounts => {
                let damaged =
                    |record: &&AccountRecord| self.unreadable.contains(&record.id.as_str());
                let read = AccountsRead {
                    readable: self
                        .accounts
                        .iter()
                        .filter(|record| !damaged(record))
                        .cloned()
                        .collect(),
                    unreadable: self
                        .unreadable
                        .iter()
                        .map(|name| format!("ACCOUNT#{name}: damaged"))
                        .collect(),
                    heartbeats: self.table.clone(),
                };
                return Some(Input::Accounts(store(self.store_up).map(|()| read)));
            }
            Effect::ClearWant { account } => {
                for record in &mut self.accounts {
                    if record.id == *account {
                        record.stream_wanted_since = None;
                    }
                }
            }
            _ => {}
        }
        let answer = self.answer_link(&effect);
        self.effects.push(effect);
        answer
    }

    fn answer_link(&self, effect: &Effect) -> Option<Input> {
        match effect {
            Effect::Open { connection, .. } if self.network_up => Some(Input::Opened {
                connection: *connection,
            }),
            Effect::Open { connection, .. } => Some(Input::Lost {
                connection: *connection,
                why: "no network".to_owned(),
                retry_after: None,
            }),
            Effect::Subscribe {
                connection,
                account,
                ..
            } if self.answering => {
                let refusal = self.refused.iter().find(|(name, _)| id(name) == *account);
                Some(Input::Stream {
                    connection: *connection,
                    event: match refusal {
                        None => StreamEvent::Subscribed {
                            account: account.clone(),
                        },
                        Some((_, refusal)) => StreamEvent::Refused {
                            account: account.clone(),
                            refusal: refusal.clone(),
                        },
                    },
                })
            }
            _ => None,
        }
    }

    fn take_batch(&mut self, batch: &[Outgoing]) -> Option<Input> {
        assert!((1..=crate::MAX_BATCH).contains(&batch.len()));
        let refused = match self.queue {
            Answer::Takes => 0,
            Answer::Refuses => batch.len(),
            Answer::RefusesFirst => 1,
            Answer::Hangs => {
                self.effects.push(Effect::Send(batch.to_vec()));
                return None;
            }
        };
        self.sent.extend_from_slice(&batch[refused..]);
        self.sent_at.resize(self.sent.len(), self.wall());
        let error = || QueueError::Unavailable("queue down".to_owned());
        Some(Input::Sent(
            (0..batch.len())
                .map(|at| if at < refused { Err(error()) } else { Ok(()) })
                .collect(),
        ))
    }
}
