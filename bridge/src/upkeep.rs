//! What is due: every part of the bridge in its order, comparisons, heartbeats, stream states.
//!
//! Everything here compares what is wanted with what is, and asks for the difference. It may run
//! at any time and any number of times.

use domain::AccountId;
use trading::{Heartbeat, QueueError, StreamState};

use crate::account::{Account, Recorded};
use crate::counters::count;
use crate::sharing::Peers;
use crate::state::Turn;
use crate::{BridgeState, Effect};

/// How many stream states are written at once.
const MAX_WRITES: usize = 16;

impl BridgeState {
    pub(crate) fn upkeep(&mut self, turn: &mut Turn) {
        if !self.stopping {
            self.list_accounts(turn);
            self.retire_old(turn);
            self.give_homes(turn);
            self.close_replaced(turn);
            self.give_up_sick(turn);
            self.subscribe(turn);
            self.check_connections(turn);
            self.compare_due(turn);
            self.heartbeat(turn);
        }
        self.write_streams(turn);
    }

    fn compare_due(&mut self, turn: &Turn) {
        let now = turn.now.elapsed;
        let next = now.saturating_add(self.config.poll_every);
        let mut due = Vec::new();
        for (id, account) in &mut self.accounts {
            if let Some(gap) = &mut account.gap {
                if now >= gap.poll_at {
                    gap.poll_at = next;
                    let held = |peers: &Peers| peers.listed_by_another(id);
                    if !self.peers.as_ref().is_some_and(held) {
                        due.push((id.clone(), format!("the stream is down: {}", gap.why)));
                    }
                }
            } else if now.saturating_sub(account.heard.max(account.silence_told))
                >= self.config.account_silence
            {
                account.silence_told = now;
                due.push((
                    id.clone(),
                    "nothing was heard of the account for long".to_owned(),
                ));
            }
            if now >= account.compare_at
                && let Some(why) = account.compare.take()
            {
                account.compare_at = next;
                due.push((id.clone(), why));
            }
        }
        for (id, why) in due {
            self.reconcile(&id, None, &why);
        }
    }

    fn heartbeat(&mut self, turn: &mut Turn) {
        if self.heartbeat_at.is_none_or(|at| turn.now.elapsed < at) {
            return;
        }
        self.heartbeat_at = None;
        let held = self.accounts.iter().filter(|(_, account)| account.is_up());
        turn.push(Effect::WriteHeartbeat(Heartbeat {
            bridge: self.config.name.clone(),
            at: turn.now.wall,
            connections: u32::try_from(self.open_connections()).unwrap_or(u32::MAX),
            accounts: held.map(|(id, _)| id.clone()).collect(),
        }));
    }

    fn write_streams(&mut self, turn: &mut Turn) {
        let room = MAX_WRITES.saturating_sub(self.writes);
        let due: Vec<(AccountId, StreamState)> = self
            .accounts
            .iter()
            .filter(|(_, account)| account.write.ready(turn.now))
            .filter_map(|(id, account)| Some((id.clone(), self.to_write(id, account)?)))
            .take(room)
            .collect();
        for (id, state) in due {
            let Some(account) = self.accounts.get_mut(&id) else {
                continue;
            };
            account.recorded = Recorded::Writing;
            self.writes = self.writes.saturating_add(1);
            turn.push(Effect::WriteStream { account: id, state });
        }
    }

    /// The stream state that the store should hold of an account and does not, unless it is being
    /// written or another bridge's to write.
    pub(crate) fn to_write(&self, id: &AccountId, account: &Account) -> Option<StreamState> {
        let own = account.stream(&self.config.name);
        let due = match (&account.recorded, &self.peers) {
            (Recorded::Writing, _) => false,
            (Recorded::Known(known), _) if *known == own => false,
            (Recorded::Known(known), Some(peers)) => peers.may_write(id, &own, known),
            // The next list of accounts tells what became of it.
            (Recorded::Unknown, Some(peers)) => !peers.listed_by_another(id),
            (Recorded::Known(_) | Recorded::Unknown, None) => true,
        };
        due.then_some(own)
    }

    pub(crate) fn heartbeat_written(&mut self, outcome: Result<(), String>, turn: &mut Turn) {
        self.heartbeat_at = Some(turn.now.elapsed.saturating_add(self.config.heartbeat_every));
        match outcome {
            Ok(()) => self.heartbeat_written = Some(turn.now.elapsed),
            Err(why) => {
                count(&mut self.counters.store_failures);
                turn.push(Effect::Warn(format!("no heartbeat was written: {why}")));
            }
        }
    }

    pub(crate) fn stream_written(
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

    pub(crate) fn sent(&mut self, outcomes: &[Result<(), QueueError>], turn: &mut Turn) {
        let settled = self.outbox.settle(outcomes, turn.now, &self.config);
        let add = |counter: &mut u64, by: usize| {
            *counter = counter.saturating_add(u64::try_from(by).unwrap_or(u64::MAX));
        };
        add(&mut self.counters.sent, settled.taken);
        add(&mut self.counters.send_failures, settled.failed);
        for delay in &settled.delays {
            self.counters.delays.note(*delay);
        }
        let error = outcomes.iter().find_map(|outcome| outcome.as_ref().err());
        self.queue_error = error.map(ToString::to_string);
        if let Some(error) = error {
            turn.push(Effect::Warn(format!(
                "{} messages wait to be sent again: {error}",
                settled.failed
            )));
        }
    }
}
