//! The list of accounts: new ones, removed ones, replaced keys, and what others noted about streams.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{AccountId, LocalTime};
use trading::{AccountRecord, Heartbeat, StreamState};

use crate::account::{Account, Recorded};
use crate::budget::UNSUBSCRIBE;
use crate::counters::count;
use crate::state::Turn;
use crate::{AccountsRead, BridgeState, Effect, Listing};

/// How long a stream is left alone after it was subscribed, whatever recovery thinks of it.
const SETTLING: Duration = Duration::from_secs(60);

impl BridgeState {
    pub(crate) fn list_accounts(&mut self, turn: &mut Turn) {
        if self.list_at.is_some_and(|at| turn.now.elapsed >= at) {
            self.list_at = None;
            turn.push(Effect::ListAccounts);
        }
    }

    pub(crate) fn accounts_unreadable(&mut self, why: String, turn: &mut Turn) {
        count(&mut self.counters.store_failures);
        self.list_at = Some(turn.now.elapsed.saturating_add(self.config.accounts_every));
        self.listing = Listing::Failed(why.clone());
        self.warn_once(why, turn);
    }

    fn warn_once(&mut self, why: String, turn: &mut Turn) {
        if self.list_error.as_ref() != Some(&why) {
            turn.push(Effect::Warn(format!(
                "the accounts cannot be read; the known ones go on: {why}"
            )));
            self.list_error = Some(why);
        }
    }

    pub(crate) fn accounts_listed(&mut self, read: AccountsRead, turn: &mut Turn) {
        self.list_at = Some(turn.now.elapsed.saturating_add(self.config.accounts_every));
        let whole = read.unreadable.is_empty();
        if whole {
            self.listing = Listing::Whole;
            self.list_error = None;
        } else {
            let why = read.unreadable.join("; ");
            self.listing = Listing::Partly(why.clone());
            self.warn_once(why, turn);
        }
        if self.stopping {
            return;
        }
        self.heartbeats_read(read.heartbeats, turn);
        let listed: BTreeMap<AccountId, AccountRecord> = read
            .readable
            .into_iter()
            .map(|record| (record.id.clone(), record))
            .collect();
        let gone: Vec<AccountId> = self
            .accounts
            .iter()
            .filter(|(id, account)| {
                // One that cannot be read was not removed, and nobody knows which of the known it is.
                listed
                    .get(*id)
                    .map_or(whole, |record| record.environment != account.environment)
            })
            .map(|(id, _)| id.clone())
            .collect();
        for id in gone {
            self.unsubscribe(&id, turn);
            self.accounts.remove(&id);
            turn.push(Effect::Inform(format!("{id}: no longer held")));
        }
        for (id, record) in listed {
            self.account_listed(id, &record, turn);
        }
        self.hand_over(turn);
    }

    fn heartbeats_read(&mut self, read: Result<Vec<Heartbeat>, String>, turn: &mut Turn) {
        let Some(peers) = &mut self.peers else {
            return;
        };
        match read {
            Ok(heartbeats) => {
                self.peers_error = None;
                let news = peers.learn(heartbeats, turn.now);
                turn.effects.extend(news.into_iter().map(Effect::Inform));
            }
            Err(why) => {
                count(&mut self.counters.store_failures);
                if self.peers_error.as_ref() != Some(&why) {
                    turn.push(Effect::Warn(format!(
                        "the heartbeats of other bridges cannot be read; the accounts stay shared as they are: {why}"
                    )));
                    self.peers_error = Some(why);
                }
            }
        }
    }

    /// Gives up accounts that others hold now. There is no hurry, so it keeps a pace, and leaves half of
    /// the weight to subscriptions: should a bridge die, they are in a hurry. Whoever cannot read what the others say now gives nothing
    /// up to them.
    fn hand_over(&mut self, turn: &mut Turn) {
        let readable = self.peers_error.is_none();
        let Some(peers) = self.peers.as_ref().filter(|_| readable) else {
            return;
        };
        let at_once = usize::try_from(self.config.subscriptions_per_second).unwrap_or(usize::MAX);
        let covered: Vec<AccountId> = self
            .accounts
            .iter()
            .filter(|(_, account)| self.may_ask(account.environment, turn.now))
            .filter(|(id, _)| peers.is_covered(id))
            .map(|(id, _)| id.clone())
            .take(at_once)
            .collect();
        let kept = self.config.weight_burst / 2;
        for id in covered {
            if !self
                .budget
                .holds(kept.saturating_add(UNSUBSCRIBE), turn.now)
            {
                return;
            }
            self.unsubscribe(&id, turn);
            self.accounts.remove(&id);
            count(&mut self.counters.handed_over);
            turn.push(Effect::Inform(format!(
                "{id}: handed over to other bridges"
            )));
        }
    }

    fn account_listed(&mut self, id: AccountId, record: &AccountRecord, turn: &mut Turn) {
        let Some(account) = self.accounts.get_mut(&id) else {
            if self.peers.as_ref().is_none_or(|peers| peers.holds(&id)) {
                let account = Account::new(record, turn.now, &self.config);
                self.accounts.insert(id, account);
            }
            return;
        };
        if account.key != record.stream_key {
            account.key = record.stream_key.clone();
            account.retry.reset();
            self.resubscribe(&id, "the key was replaced", turn);
        }
        self.heed_record(&id, &record.stream);
        if let Some(since) = record.stream_wanted_since {
            self.heed_want(&id, since, turn);
        }
    }

    /// Writes the stream's state again when somebody else's word stands in its place. Another
    /// bridge's claim is left alone, unless it is known to have fallen.
    fn heed_record(&mut self, id: &AccountId, stored: &StreamState) {
        let name = &self.config.name;
        let Some(account) = self.accounts.get_mut(id) else {
            return;
        };
        if self.peers.is_some() {
            if account.recorded != Recorded::Writing {
                account.recorded = Recorded::Known(stored.clone());
            }
            return;
        }
        let by_another = matches!(stored, StreamState::Subscribed { bridge, .. } if bridge != name);
        if let Recorded::Known(known) = &account.recorded
            && known != stored
            && !by_another
        {
            account.recorded = Recorded::Known(stored.clone());
        }
    }

    /// Recovery misses the stream, or an event it should have brought at `since`.
    fn heed_want(&mut self, id: &AccountId, since: LocalTime, turn: &mut Turn) {
        let Some(account) = self.accounts.get_mut(id) else {
            return;
        };
        if !account.is_up() {
            return; // It is being tried already, as fast as is sound.
        }
        let settled = turn.now.wall.since(account.up_since) >= SETTLING;
        if self.peers.is_none() {
            account.recorded = Recorded::Unknown;
        }
        // What has brought something since then works, whatever became of that one event.
        let silence = turn.now.elapsed.saturating_sub(account.heard);
        let heard = turn.now.wall.before(silence);
        if since > account.up_since.max(heard) && settled {
            self.resubscribe(id, "recovery missed events of the stream", turn);
        }
        turn.push(Effect::ClearWant {
            account: id.clone(),
        });
    }
}
