//! The bridge as one function: what happened goes in, what is to be done comes out.
//!
//! Entry point: [`apply_event`]. Synchronous and total; all that depends on the outside (time,
//! dice, what arrived) is an argument, so the same inputs give the same effects.

use binance::stream::{Report, StreamEvent};
use domain::AccountId;

use crate::counters::count;
use crate::forward::{Verdict, bot_of, judge};
use crate::outbox::Room;
use crate::state::Turn;
use crate::{BridgeState, ConnectionId, Effect, Input, Moment};

/// Takes in one thing that happened and says what is to be done.
pub fn apply_event(state: &mut BridgeState, now: Moment, input: Input) -> Vec<Effect> {
    state.elapsed = now.elapsed;
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
            } => {
                self.not_subscribed(connection, &account, &why, turn);
                self.blame_key(&account);
            }
            Input::Accounts(Ok(read)) => self.accounts_listed(read, turn),
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
            StreamEvent::Weight(weight) => {
                self.weighed(connection, weight, turn);
                return Upkeep::NotDue;
            }
            StreamEvent::ServerShutdown => self.shutting_down(connection, turn),
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

    fn heard_from(&mut self, account: &AccountId, now: Moment) {
        if let Some(account) = self.accounts.get_mut(account) {
            account.heard = now.elapsed;
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

#[cfg(test)]
mod tests;
