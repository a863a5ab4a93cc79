//! The streams of accounts: asked for at a pace, up, refused, ended, down.

use std::time::Duration;

use binance::stream::Refusal;
use domain::AccountId;

use crate::account::{Gap, Subscription};
use crate::budget::{SUBSCRIBE, UNSUBSCRIBE};
use crate::counters::count;
use crate::state::Turn;
use crate::{BridgeState, ConnectionId, Effect, Reconnect};

/// Codes after which only another connection helps (errors.md): -2035 the exchange holds a
/// subscription that we do not know, -2042 the connection has used up its subscription ids.
const NEEDS_NEW_CONNECTION: [i64; 2] = [-2035, -2042];

/// Codes that speak of the key alone (errors.md): -1002 and -2015 it may not, -1022 its signature is wrong,
/// -2014 it is none.
const ABOUT_THE_KEY: [i64; 4] = [-1002, -1022, -2014, -2015];

impl BridgeState {
    pub(crate) fn subscribed(&mut self, connection: ConnectionId, id: &AccountId, turn: &mut Turn) {
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

    pub(crate) fn refused(
        &mut self,
        connection: ConnectionId,
        id: &AccountId,
        refusal: &Refusal,
        turn: &mut Turn,
    ) {
        self.heed(connection, refusal, turn);
        // A young connection that is refused so has no history to blame, and its successor would
        // fare no better.
        let old = self
            .connections
            .get(&connection)
            .is_some_and(|open| !open.is_young(turn.now));
        if old && NEEDS_NEW_CONNECTION.contains(&refusal.code) {
            self.retire(connection, Reconnect::Refused, &refusal.to_string(), turn);
        }
        let why = format!("the subscription was refused: {refusal}");
        self.not_subscribed(connection, id, &why, turn);
        if ABOUT_THE_KEY.contains(&refusal.code) {
            self.blame_key(id);
        }
    }

    /// Notes that an account's stream is down for its key's sake, unless it is up after all.
    pub(crate) fn blame_key(&mut self, id: &AccountId) {
        if let Some(gap) = self
            .accounts
            .get_mut(id)
            .and_then(|account| account.gap.as_mut())
        {
            gap.key_refused = true;
        }
    }

    pub(crate) fn not_subscribed(
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

    pub(crate) fn ended(
        &mut self,
        connection: ConnectionId,
        id: &AccountId,
        why: &str,
        turn: &mut Turn,
    ) {
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
        } else {
            self.lost_beside(id, why);
        }
    }

    pub(crate) fn subscribe(&mut self, turn: &mut Turn) {
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

    /// Ends an account's subscriptions, so that it is subscribed anew. A short gap is the price.
    pub(crate) fn resubscribe(&mut self, id: &AccountId, why: &str, turn: &mut Turn) {
        self.unsubscribe(id, turn);
        self.stream_down(id, why, turn);
    }

    pub(crate) fn unsubscribe(&mut self, id: &AccountId, turn: &mut Turn) {
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

    /// Notes that nothing brings an account's events, or why that is still so.
    pub(crate) fn stream_down(&mut self, id: &AccountId, why: &str, turn: &mut Turn) {
        let Some(account) = self.accounts.get_mut(id) else {
            return;
        };
        if let Some(gap) = &mut account.gap {
            gap.key_refused = false;
            if gap.why != why {
                why.clone_into(&mut gap.why);
                turn.push(Effect::Warn(format!("{id}: still no stream: {why}")));
            }
            return;
        }
        account.gap = Some(Gap {
            since: turn.now.wall,
            why: why.to_owned(),
            key_refused: false,
            poll_at: turn.now.elapsed.saturating_add(self.config.poll_every),
        });
        count(&mut self.counters.gaps);
        let text = format!("{id}: the stream is down: {why}");
        turn.push(if self.stopping {
            Effect::Inform(text)
        } else {
            Effect::Warn(text)
        });
    }
}
