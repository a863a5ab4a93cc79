//! What is due: accounts that need a home, connections that need replacing, checks, heartbeats.
//!
//! Everything here compares what is wanted with what is, and asks for the difference. It may run
//! at any time and any number of times.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::{AccountId, LocalTime};
use trading::{AccountRecord, Heartbeat, StreamState};

use crate::account::{Account, Recorded, Subscription};
use crate::budget::{LIST, SUBSCRIBE, UNSUBSCRIBE};
use crate::counters::count;
use crate::state::Turn;
use crate::{BridgeState, ConnectionId, Effect};

/// How many stream states are written at once.
const MAX_WRITES: usize = 16;

/// How long a stream is left alone after it was subscribed, whatever recovery thinks of it.
const SETTLING: Duration = Duration::from_secs(60);

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

    fn list_accounts(&mut self, turn: &mut Turn) {
        if self.list_at.is_some_and(|at| turn.now.elapsed >= at) {
            self.list_at = None;
            turn.push(Effect::ListAccounts);
        }
    }

    pub(crate) fn accounts_unreadable(&mut self, why: String, turn: &mut Turn) {
        count(&mut self.counters.store_failures);
        self.list_at = Some(turn.now.elapsed.saturating_add(self.config.accounts_every));
        if self.list_error.as_ref() != Some(&why) {
            turn.push(Effect::Warn(format!(
                "the accounts cannot be read; the known ones go on: {why}"
            )));
            self.list_error = Some(why);
        }
    }

    pub(crate) fn accounts_listed(&mut self, records: Vec<AccountRecord>, turn: &mut Turn) {
        self.list_at = Some(turn.now.elapsed.saturating_add(self.config.accounts_every));
        self.list_error = None;
        if self.stopping {
            return;
        }
        let listed: BTreeMap<AccountId, AccountRecord> = records
            .into_iter()
            .map(|record| (record.id.clone(), record))
            .collect();
        let gone: Vec<AccountId> = self
            .accounts
            .iter()
            .filter(|(id, account)| {
                listed
                    .get(*id)
                    .is_none_or(|record| record.environment != account.environment)
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
    }

    fn account_listed(&mut self, id: AccountId, record: &AccountRecord, turn: &mut Turn) {
        let Some(account) = self.accounts.get_mut(&id) else {
            let account = Account::new(record, turn.now, &self.config);
            self.accounts.insert(id, account);
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
    /// bridge's claim is left alone.
    fn heed_record(&mut self, id: &AccountId, stored: &StreamState) {
        let name = &self.config.name;
        let Some(account) = self.accounts.get_mut(id) else {
            return;
        };
        let by_another = matches!(stored, StreamState::Subscribed { bridge, .. } if bridge != name);
        if let Recorded::Known(known) = &account.recorded
            && known != stored
            && !by_another
        {
            account.recorded = Recorded::Known(stored.clone());
        }
    }

    /// Recovery misses the stream.
    fn heed_want(&mut self, id: &AccountId, since: LocalTime, turn: &mut Turn) {
        let Some(account) = self.accounts.get_mut(id) else {
            return;
        };
        if !account.is_up() {
            return; // It is being tried already, as fast as is sound.
        }
        let settled = turn.now.wall.since(account.up_since) >= SETTLING;
        account.recorded = Recorded::Unknown;
        if since > account.up_since && settled {
            self.resubscribe(id, "recovery missed events of the stream", turn);
        }
        turn.push(Effect::ClearWant {
            account: id.clone(),
        });
    }

    /// Ends an account's subscriptions, so that it is subscribed anew. A short gap is the price.
    fn resubscribe(&mut self, id: &AccountId, why: &str, turn: &mut Turn) {
        self.unsubscribe(id, turn);
        self.stream_down(id, why, turn);
    }

    fn unsubscribe(&mut self, id: &AccountId, turn: &mut Turn) {
        let Some(account) = self.accounts.get_mut(id) else {
            return;
        };
        for connection in std::mem::take(&mut account.subscriptions).into_keys() {
            self.budget.spend(UNSUBSCRIBE, turn.now);
            turn.push(Effect::Unsubscribe {
                connection,
                account: id.clone(),
            });
        }
    }

    fn retire_old(&mut self, turn: &mut Turn) {
        let old: Vec<ConnectionId> = self
            .connections
            .iter()
            .filter(|(_, open)| turn.now.elapsed >= open.replace_at)
            .map(|(id, _)| *id)
            .collect();
        for connection in old {
            self.retire(connection, "it has reached its age", turn);
        }
    }

    /// Finds a connection for every account that has none, or whose own is being replaced.
    fn give_homes(&mut self, turn: &mut Turn) {
        let mut loads: BTreeMap<ConnectionId, usize> = self
            .connections
            .iter()
            .filter(|(_, connection)| !connection.retiring)
            .map(|(id, _)| (*id, 0))
            .collect();
        let mut homeless = Vec::new();
        for (id, account) in &self.accounts {
            match account.home.and_then(|home| loads.get_mut(&home)) {
                Some(load) => *load = load.saturating_add(1),
                None => homeless.push((id.clone(), account.environment)),
            }
        }
        for (id, environment) in homeless {
            let room = loads.iter().find(|(connection, load)| {
                **load < self.config.accounts_per_connection
                    && self
                        .connections
                        .get(connection)
                        .is_some_and(|open| open.environment == environment)
            });
            let home = match room {
                Some((connection, _)) => Some(*connection),
                None => self.connect(environment, turn),
            };
            if let Some(home) = home {
                let load = loads.entry(home).or_default();
                *load = load.saturating_add(1);
                if let Some(account) = self.accounts.get_mut(&id) {
                    account.home = Some(home);
                }
            } else if !self.config.endpoints.contains_key(&environment) {
                let why = format!("no address is set for the environment {environment:?}");
                self.stream_down(&id, &why, turn);
            }
        }
    }

    /// Closes connections whose accounts are all served elsewhere, and those without accounts.
    fn close_replaced(&mut self, turn: &mut Turn) {
        let staying: BTreeSet<ConnectionId> = self
            .connections
            .iter()
            .filter(|(_, connection)| !connection.retiring)
            .map(|(id, _)| *id)
            .collect();
        let mut needed = BTreeSet::new();
        for account in self.accounts.values() {
            let active = |(id, subscription): (&ConnectionId, &Subscription)| {
                matches!(subscription, Subscription::Active { .. }).then_some(*id)
            };
            let active: Vec<ConnectionId> =
                account.subscriptions.iter().filter_map(active).collect();
            if !active.iter().any(|id| staying.contains(id)) {
                needed.extend(active);
            }
            needed.extend(account.home.filter(|home| staying.contains(home)));
        }
        let done: Vec<ConnectionId> = self
            .connections
            .keys()
            .filter(|id| !needed.contains(id))
            .copied()
            .collect();
        for connection in done {
            self.connections.remove(&connection);
            for account in self.accounts.values_mut() {
                account.subscriptions.remove(&connection);
            }
            count(&mut self.counters.closed);
            turn.push(Effect::Close { connection });
        }
    }

    /// A request that is never answered means that the connection works one way only.
    fn give_up_sick(&mut self, turn: &mut Turn) {
        let limit = self.config.reply_timeout;
        let sick: BTreeSet<ConnectionId> = self
            .accounts
            .values()
            .flat_map(|account| &account.subscriptions)
            .filter(|(_, subscription)| {
                matches!(subscription, Subscription::Asked { since }
                    if turn.now.elapsed.saturating_sub(*since) >= limit)
            })
            .map(|(id, _)| *id)
            .collect();
        for connection in sick {
            turn.push(Effect::Close { connection });
            self.lost(connection, "a subscription was never answered", None, turn);
        }
    }

    fn subscribe(&mut self, turn: &mut Turn) {
        let now = turn.now;
        let second = Duration::from_secs(1);
        let interval = second
            .checked_div(self.config.subscriptions_per_second)
            .unwrap_or(second);
        self.paced_at = self.paced_at.max(now.elapsed.saturating_sub(second));
        let mut waiting: Vec<(u32, AccountId, ConnectionId)> = self
            .accounts
            .iter()
            .filter(|(_, account)| account.retry.ready(now))
            .filter_map(|(id, account)| {
                let home = account.home?;
                let connection = self.connections.get(&home)?;
                let ready = connection.open_since.is_some()
                    && !connection.retiring
                    && !account.subscriptions.contains_key(&home)
                    && self.may_ask(account.environment, now);
                ready.then(|| (account.retry.failures(), id.clone(), home))
            })
            .collect();
        // Accounts that keep failing must not use up the pace of those that would not.
        waiting.sort_unstable();
        for (_, id, connection) in waiting {
            let next = self.paced_at.saturating_add(interval);
            if next > now.elapsed || !self.budget.take(SUBSCRIBE, now) {
                return;
            }
            self.paced_at = next;
            let Some(account) = self.accounts.get_mut(&id) else {
                continue;
            };
            let since = now.elapsed;
            account
                .subscriptions
                .insert(connection, Subscription::Asked { since });
            turn.push(Effect::Subscribe {
                connection,
                account: id,
                key: account.key.clone(),
            });
        }
    }

    fn check_connections(&mut self, turn: &mut Turn) {
        let due: Vec<ConnectionId> = self
            .connections
            .iter()
            .filter(|(_, open)| turn.now.elapsed >= open.check_at)
            .filter(|(_, open)| self.may_ask(open.environment, turn.now))
            .map(|(id, _)| *id)
            .collect();
        for connection in due {
            if !self.budget.take(LIST, turn.now) {
                return;
            }
            if let Some(open) = self.connections.get_mut(&connection) {
                open.check_at = turn.now.elapsed.saturating_add(self.config.check_every);
            }
            turn.push(Effect::Check { connection });
        }
    }

    fn compare_due(&mut self, turn: &Turn) {
        let now = turn.now.elapsed;
        let next = now.saturating_add(self.config.poll_every);
        let mut due = Vec::new();
        for (id, account) in &mut self.accounts {
            if let Some(gap) = &mut account.gap {
                if now >= gap.poll_at {
                    gap.poll_at = next;
                    due.push((id.clone(), format!("the stream is down: {}", gap.why)));
                }
            } else if now.saturating_sub(account.heard) >= self.config.account_silence {
                account.heard = now;
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
        for (id, account) in &mut self.accounts {
            if self.writes >= MAX_WRITES {
                return;
            }
            let state = account.stream(&self.config.name);
            let due = match &account.recorded {
                Recorded::Known(known) => *known != state,
                Recorded::Unknown => true,
                Recorded::Writing => false,
            };
            if due && account.write.ready(turn.now) {
                account.recorded = Recorded::Writing;
                self.writes = self.writes.saturating_add(1);
                turn.push(Effect::WriteStream {
                    account: id.clone(),
                    state,
                });
            }
        }
    }
}
