//! The bridge as one function: what happened goes in, what is to be done comes out.
//!
//! Entry point: [`apply_event`]. Synchronous and total; all that depends on the outside (time,
//! dice, what arrived) is an argument, so the same inputs give the same effects.

use std::time::Duration;

use binance::stream::{Refusal, Report, StreamEvent};
use domain::{AccountId, ExchangeTime, LocalTime};
use trading::{Environment, StreamState};

use crate::account::{Recorded, Subscription};
use crate::backoff::random_part;
use crate::counters::count;
use crate::forward::{Verdict, bot_of, judge};
use crate::outbox::Room;
use crate::state::Turn;
use crate::{BridgeState, ConnectionId, Effect, Input, Moment};

/// How long nothing is asked when the exchange says "too much" without saying until when.
const QUIET: Duration = Duration::from_secs(120);

/// The longest ban of an address (rest-api.md, "IP Limits").
const QUIET_LONGEST: Duration = Duration::from_secs(3 * 24 * 3600);

/// Codes after which only another connection helps (errors.md): -2035 the exchange holds a
/// subscription that we do not know, -2042 the connection has used up its subscription ids.
const NEEDS_NEW_CONNECTION: [i64; 2] = [-2035, -2042];

/// How long a connection is too young for that.
const YOUNG: Duration = Duration::from_secs(60);

/// Takes in one thing that happened and says what is to be done.
pub fn apply_event(state: &mut BridgeState, now: Moment, input: Input) -> Vec<Effect> {
    let mut turn = Turn {
        now,
        effects: Vec::new(),
    };
    if state.take(input, &mut turn) == Upkeep::Due {
        state.upkeep(&mut turn);
    }
    if let Some(batch) = state.outbox.next_batch(now) {
        turn.push(Effect::Send(batch));
    }
    turn.effects
}

/// Whether more than the outbox has to be looked at. Reports, of which there are many, wait for
/// nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Upkeep {
    Due,
    NotDue,
}

impl BridgeState {
    fn take(&mut self, input: Input, turn: &mut Turn) -> Upkeep {
        match input {
            Input::Tick => {}
            Input::Opened { connection } => self.opened(connection, turn),
            Input::Lost {
                connection,
                why,
                retry_after,
            } => self.lost(connection, &why, retry_after, turn),
            Input::Stream { connection, event } => return self.heard(connection, event, turn),
            Input::KeyUnusable {
                connection,
                account,
                why,
            } => self.not_subscribed(connection, &account, &why, turn),
            Input::Accounts(Ok(records)) => self.accounts_listed(records, turn),
            Input::Accounts(Err(why)) => self.accounts_unreadable(why, turn),
            Input::Sent(outcomes) => {
                self.sent(&outcomes, turn);
                return Upkeep::NotDue;
            }
            Input::StreamWritten {
                account,
                state,
                outcome,
            } => {
                self.stream_written(&account, state, outcome, turn);
            }
            Input::HeartbeatWritten(outcome) => self.heartbeat_written(outcome, turn),
            Input::Stop => self.stop(turn),
        }
        Upkeep::Due
    }

    fn heard(&mut self, connection: ConnectionId, event: StreamEvent, turn: &mut Turn) -> Upkeep {
        match event {
            StreamEvent::Report { account, report } => {
                self.reported(&account, &report, turn);
                return Upkeep::NotDue;
            }
            StreamEvent::Other { account, .. } => {
                count(&mut self.counters.other_events);
                self.heard_from(&account, turn.now);
                return Upkeep::NotDue;
            }
            StreamEvent::Subscribed { account } => {
                self.subscribed(connection, &account, turn);
                return Upkeep::NotDue;
            }
            StreamEvent::Ignored { .. } => {
                count(&mut self.counters.ignored);
                return Upkeep::NotDue;
            }
            StreamEvent::Unreadable {
                account,
                ids,
                error,
            } => {
                self.unreadable(connection, account.as_ref(), ids.as_deref(), &error, turn);
            }
            StreamEvent::Refused { account, refusal } => {
                self.refused(connection, &account, &refusal, turn);
            }
            StreamEvent::Ended { account, why } => self.ended(connection, &account, why, turn),
            StreamEvent::ServerShutdown => {
                self.retire(connection, "the server is about to shut down", turn);
            }
            StreamEvent::RequestFailed(refusal) => {
                count(&mut self.counters.failed_requests);
                self.heed(connection, &refusal, turn);
            }
        }
        Upkeep::Due
    }

    fn reported(&mut self, account: &AccountId, report: &Report, turn: &Turn) {
        self.heard_from(account, turn.now);
        match judge(account, report) {
            Verdict::Forward(execution) => {
                match self.outbox.execution(execution, turn.now, &self.config) {
                    Room::Enough => count(&mut self.counters.forwarded),
                    Room::None => {
                        count(&mut self.counters.overflowed);
                        count(&mut self.counters.reconciles);
                    }
                }
            }
            Verdict::Reconcile(bot, why) => self.reconcile(account, Some(bot), why),
            Verdict::NoNews => count(&mut self.counters.no_news),
            Verdict::NotOurs => count(&mut self.counters.not_ours),
        }
    }

    /// Something may have been missed: of this account, or of any on the connection.
    fn unreadable(
        &mut self,
        connection: ConnectionId,
        account: Option<&AccountId>,
        ids: Option<&[String]>,
        error: &str,
        turn: &mut Turn,
    ) {
        count(&mut self.counters.unreadable);
        let named: Vec<&String> = ids
            .unwrap_or_default()
            .iter()
            .filter(|id| !id.is_empty())
            .collect();
        let foreign = !named.is_empty() && named.iter().all(|id| bot_of(id).is_none());
        if foreign {
            return;
        }
        let affected: Vec<AccountId> = match account {
            Some(account) => vec![account.clone()],
            None => self.subscribed_on(connection),
        };
        turn.push(Effect::Warn(format!("{connection}: {error}")));
        for account in affected {
            self.compare(
                &account,
                &format!("something on the stream could not be read: {error}"),
            );
        }
    }

    fn subscribed(&mut self, connection: ConnectionId, id: &AccountId, turn: &mut Turn) {
        count(&mut self.counters.subscribed);
        if !self.connections.contains_key(&connection) {
            return;
        }
        let Some(account) = self.accounts.get_mut(id) else {
            // Removed while the request was under way.
            turn.push(Effect::Unsubscribe {
                connection,
                account: id.clone(),
            });
            return;
        };
        let since = turn.now.elapsed;
        account
            .subscriptions
            .insert(connection, Subscription::Active { since });
        account.heard = since;
        if let Some(gap) = account.gap.take() {
            account.up_since = turn.now.wall;
            turn.push(Effect::Inform(format!("{id}: the stream is subscribed")));
            self.reconcile_twice(id, &format!("stream subscribed; before: {}", gap.why));
        }
    }

    fn refused(
        &mut self,
        connection: ConnectionId,
        id: &AccountId,
        refusal: &Refusal,
        turn: &mut Turn,
    ) {
        self.heed(connection, refusal, turn);
        // A young connection that is refused so has no history to blame, and its successor would
        // fare no better.
        let old = self.connections.get(&connection).is_some_and(|open| {
            open.open_since
                .is_some_and(|since| turn.now.elapsed.saturating_sub(since) >= YOUNG)
        });
        if old && NEEDS_NEW_CONNECTION.contains(&refusal.code) {
            self.retire(connection, &refusal.to_string(), turn);
        }
        let why = format!("the subscription was refused: {refusal}");
        self.not_subscribed(connection, id, &why, turn);
    }

    fn not_subscribed(
        &mut self,
        connection: ConnectionId,
        id: &AccountId,
        why: &str,
        turn: &mut Turn,
    ) {
        count(&mut self.counters.refused);
        let Some(account) = self.accounts.get_mut(id) else {
            return;
        };
        account.retry.fail(turn.now, &self.config);
        if account.drop_subscription(connection) {
            self.stream_down(id, why, turn);
        } else {
            turn.push(Effect::Warn(format!("{id}: on {connection} {why}")));
        }
    }

    fn ended(&mut self, connection: ConnectionId, id: &AccountId, why: &str, turn: &mut Turn) {
        count(&mut self.counters.ended);
        let Some(account) = self.accounts.get_mut(id) else {
            return;
        };
        let Some(Subscription::Active { since }) = account.subscriptions.get(&connection).copied()
        else {
            return; // Of an earlier subscription: known already.
        };
        account.retry.fail_after(since, turn.now, &self.config);
        if account.drop_subscription(connection) {
            self.stream_down(id, why, turn);
        }
    }

    fn opened(&mut self, id: ConnectionId, turn: &mut Turn) {
        count(&mut self.counters.opened);
        let now = turn.now;
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        connection.open_since = Some(now.elapsed);
        connection.check_at = now.elapsed.saturating_add(self.config.check_every);
        // Spread, so that connections opened together are not replaced together.
        let span = self.config.lifetime.checked_div(24).unwrap_or_default();
        let lifetime = self.config.lifetime.saturating_sub(random_part(span, now));
        connection.replace_at = now.elapsed.saturating_add(lifetime);
        turn.push(Effect::Inform(format!("{id} is open")));
    }

    pub(crate) fn lost(
        &mut self,
        id: ConnectionId,
        why: &str,
        retry_after: Option<Duration>,
        turn: &mut Turn,
    ) {
        let Some(connection) = self.connections.remove(&id) else {
            return; // Closed by us: no news.
        };
        count(&mut self.counters.lost);
        turn.push(Effect::Warn(format!("{id}: {why}")));
        let gate = self.gates.entry(connection.environment).or_default();
        match connection.open_since {
            Some(_) if connection.retiring => {}
            Some(since) => gate.fail_after(since, turn.now, &self.config),
            None => gate.fail(turn.now, &self.config),
        }
        if let Some(pause) = retry_after {
            self.be_quiet(connection.environment, pause, turn);
        }
        let affected: Vec<AccountId> = self
            .accounts
            .iter_mut()
            .filter(|(_, account)| {
                account.home == Some(id) || account.subscriptions.contains_key(&id)
            })
            .filter_map(|(name, account)| {
                account.home = account.home.filter(|home| *home != id);
                account.drop_subscription(id).then(|| name.clone())
            })
            .collect();
        for account in affected {
            self.stream_down(&account, why, turn);
        }
    }

    /// Lets a connection serve on until its accounts are subscribed elsewhere.
    pub(crate) fn retire(&mut self, id: ConnectionId, why: &str, turn: &mut Turn) {
        if let Some(connection) = self.connections.get_mut(&id)
            && !connection.retiring
        {
            connection.retiring = true;
            turn.push(Effect::Inform(format!("{id} is being replaced: {why}")));
        }
    }

    /// Obeys an order to be quiet.
    fn heed(&mut self, connection: ConnectionId, refusal: &Refusal, turn: &mut Turn) {
        let Some(environment) = self
            .connections
            .get(&connection)
            .map(|open| open.environment)
        else {
            return;
        };
        if refusal.retry_after.is_some() || matches!(refusal.status, 418 | 429) {
            let pause = refusal
                .retry_after
                .map_or(QUIET, |until| remaining(until, turn.now.wall));
            self.be_quiet(environment, pause, turn);
        }
    }

    fn be_quiet(&mut self, environment: Environment, pause: Duration, turn: &mut Turn) {
        let pause = pause.min(QUIET_LONGEST);
        let until = turn.now.elapsed.saturating_add(pause);
        let quiet = self.quiet.entry(environment).or_default();
        *quiet = (*quiet).max(until);
        turn.push(Effect::Warn(format!(
            "the exchange says that this address sends too much: nothing is asked for {} s",
            pause.as_secs()
        )));
    }

    fn heard_from(&mut self, account: &AccountId, now: Moment) {
        if let Some(account) = self.accounts.get_mut(account) {
            account.heard = now.elapsed;
        }
    }

    fn subscribed_on(&self, connection: ConnectionId) -> Vec<AccountId> {
        self.accounts
            .iter()
            .filter(|(_, account)| account.subscriptions.contains_key(&connection))
            .map(|(id, _)| id.clone())
            .collect()
    }

    fn sent(&mut self, outcomes: &[Result<(), trading::QueueError>], turn: &mut Turn) {
        let settled = self.outbox.settle(outcomes, turn.now, &self.config);
        let add = |counter: &mut u64, by: usize| {
            *counter = counter.saturating_add(u64::try_from(by).unwrap_or(u64::MAX));
        };
        add(&mut self.counters.sent, settled.taken);
        add(&mut self.counters.send_failures, settled.failed);
        if let Some(error) = outcomes.iter().find_map(|outcome| outcome.as_ref().err()) {
            turn.push(Effect::Warn(format!(
                "{} messages wait to be sent again: {error}",
                settled.failed
            )));
        }
    }

    fn stream_written(
        &mut self,
        id: &AccountId,
        written: StreamState,
        outcome: Result<(), String>,
        turn: &mut Turn,
    ) {
        self.writes = self.writes.saturating_sub(1);
        let Some(account) = self.accounts.get_mut(id) else {
            return;
        };
        match outcome {
            Ok(()) => {
                account.recorded = Recorded::Known(written);
                account.write.reset();
            }
            Err(why) => {
                count(&mut self.counters.store_failures);
                account.recorded = Recorded::Unknown;
                account.write.fail(turn.now, &self.config);
                turn.push(Effect::Warn(format!(
                    "{id}: the stream's state could not be written: {why}"
                )));
            }
        }
    }

    fn heartbeat_written(&mut self, outcome: Result<(), String>, turn: &mut Turn) {
        self.heartbeat_at = Some(turn.now.elapsed.saturating_add(self.config.heartbeat_every));
        if let Err(why) = outcome {
            count(&mut self.counters.store_failures);
            turn.push(Effect::Warn(format!("no heartbeat was written: {why}")));
        }
    }

    fn stop(&mut self, turn: &mut Turn) {
        self.stopping = true;
        let ids: Vec<AccountId> = self.accounts.keys().cloned().collect();
        for id in ids {
            self.stream_down(&id, "the bridge was stopped", turn);
        }
        for (connection, _) in std::mem::take(&mut self.connections) {
            turn.push(Effect::Close { connection });
        }
    }
}

/// How long it is until a time of the exchange's, as far as this machine's clock can tell.
fn remaining(until: ExchangeTime, now: LocalTime) -> Duration {
    until
        .since(ExchangeTime::from_millis(now.as_millis()))
        .max(Duration::from_secs(1))
}

#[cfg(test)]
mod tests;
