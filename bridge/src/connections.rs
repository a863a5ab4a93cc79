//! Connections: opened when accounts need them, replaced before they die, given up when they are sick.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use binance::stream::{Refusal, WeightCount};
use domain::AccountId;
use trading::Environment;

use crate::account::Subscription;
use crate::backoff::random_part;
use crate::budget::{CONNECT, LIST, TIME};
use crate::counters::count;
use crate::state::{Connection, Turn};
use crate::{BridgeState, ConnectionId, Effect, Moment, Reconnect};

/// How long nothing is asked when the exchange says "too much" without saying until when.
const QUIET: Duration = Duration::from_secs(120);

/// The shortest pause that is kept when it says how long.
const QUIET_SHORTEST: Duration = Duration::from_secs(1);

/// How long nothing is asked when an address has used most of its weight. The count starts anew with
/// each minute, and the next reply tells it again.
const SPARED_FOR: Duration = Duration::from_secs(10);

/// The longest ban of an address (rest-api.md, "IP Limits").
const QUIET_LONGEST: Duration = Duration::from_secs(3 * 24 * 3600);

impl BridgeState {
    /// Asks for a connection to an environment, if one may be made now.
    pub(crate) fn connect(
        &mut self,
        environment: Environment,
        turn: &mut Turn,
    ) -> Option<ConnectionId> {
        let url = self.config.endpoints.get(&environment)?.clone();
        let ready = self.gates.entry(environment).or_default().ready(turn.now)
            && self.may_ask(environment, turn.now)
            && self.connects.ready(turn.now)
            && self.budget.take(CONNECT.saturating_add(TIME), turn.now);
        if !ready {
            return None;
        }
        self.connects.note(turn.now);
        self.last_connection = self.last_connection.saturating_add(1);
        let connection = ConnectionId(self.last_connection);
        self.connections.insert(
            connection,
            Connection {
                environment,
                open_since: None,
                replace_at: Duration::MAX,
                retiring: false,
                replaced_at: None,
                check_at: Duration::MAX,
            },
        );
        turn.push(Effect::Open { connection, url });
        Some(connection)
    }

    pub(crate) fn opened(&mut self, id: ConnectionId, turn: &mut Turn) {
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
        let opened = |connection: &Connection| connection.open_since.is_some();
        let cause = if self.connections.get(&id).is_some_and(opened) {
            Reconnect::Lost
        } else {
            Reconnect::NotOpened
        };
        self.gone(id, cause, why, retry_after, turn);
    }

    /// A connection is no more, for this cause.
    fn gone(
        &mut self,
        id: ConnectionId,
        cause: Reconnect,
        why: &str,
        retry_after: Option<Duration>,
        turn: &mut Turn,
    ) {
        let Some(connection) = self.connections.remove(&id) else {
            return; // Closed by us: no news.
        };
        count(&mut self.counters.lost);
        if !connection.retiring {
            self.counters.reconnect(cause);
        }
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
        let mut down = Vec::new();
        let mut doubted = Vec::new();
        for (name, account) in &mut self.accounts {
            if account.home != Some(id) && !account.subscriptions.contains_key(&id) {
                continue;
            }
            let was_active = account.active_on(id);
            account.home = account.home.filter(|home| *home != id);
            if account.drop_subscription(id) {
                down.push(name.clone());
            } else if was_active {
                doubted.push(name.clone());
            }
        }
        for account in down {
            self.stream_down(&account, why, turn);
        }
        for account in doubted {
            self.lost_beside(&account, why);
        }
    }

    /// A subscription ended that another had taken over from. What happened before that came over
    /// the old one alone, and it may not have been read to its end.
    pub(crate) fn lost_beside(&mut self, account: &AccountId, why: &str) {
        self.reconcile_later(account, &format!("a replaced stream broke off: {why}"));
    }

    /// Lets a connection serve on until its accounts are subscribed elsewhere.
    pub(crate) fn retire(
        &mut self,
        id: ConnectionId,
        cause: Reconnect,
        why: &str,
        turn: &mut Turn,
    ) {
        if let Some(connection) = self.connections.get_mut(&id)
            && !connection.retiring
        {
            connection.retiring = true;
            self.counters.reconnect(cause);
            turn.push(Effect::Inform(format!("{id} is being replaced: {why}")));
        }
    }

    /// A server is about to go away. One that has served is replaced at once; a young one was met
    /// in the middle of a restart, and so may its successor be.
    pub(crate) fn shutting_down(&mut self, id: ConnectionId, turn: &mut Turn) {
        let now = turn.now;
        if let Some(connection) = self.connections.get(&id)
            && !connection.retiring
            && connection.is_young(now)
        {
            let since = connection.open_since.unwrap_or(now.elapsed);
            let gate = self.gates.entry(connection.environment).or_default();
            gate.fail_after(since, now, &self.config);
        }
        let why = "the server is about to shut down";
        self.retire(id, Reconnect::ServerShutdown, why, turn);
    }

    /// Obeys an order to be quiet.
    pub(crate) fn heed(&mut self, connection: ConnectionId, refusal: &Refusal, turn: &mut Turn) {
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
                .map_or(QUIET, |pause| pause.max(QUIET_SHORTEST));
            self.be_quiet(environment, pause, turn);
        }
    }

    /// Leaves the rest of an address's weight to whatever else uses it, which is orders too.
    pub(crate) fn weighed(
        &mut self,
        connection: ConnectionId,
        weight: WeightCount,
        turn: &mut Turn,
    ) {
        let spared = weight.limit.saturating_sub(weight.limit / 5);
        let Some(open) = self.connections.get(&connection) else {
            return;
        };
        if weight.used < spared {
            return;
        }
        let until = turn.now.elapsed.saturating_add(SPARED_FOR);
        let quiet = self.quiet.entry(open.environment).or_default();
        *quiet = (*quiet).max(until);
        turn.push(Effect::Warn(format!(
            "{} of {} request weight is used from this address: nothing is asked for {} s",
            weight.used,
            weight.limit,
            SPARED_FOR.as_secs()
        )));
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

    /// Whether an environment may be asked for something.
    pub(crate) fn may_ask(&self, environment: Environment, now: Moment) -> bool {
        self.quiet
            .get(&environment)
            .is_none_or(|until| now.elapsed >= *until)
    }

    pub(crate) fn open_connections(&self) -> usize {
        self.connections
            .values()
            .filter(|connection| connection.open_since.is_some())
            .count()
    }

    pub(crate) fn subscribed_on(&self, connection: ConnectionId) -> Vec<AccountId> {
        self.accounts
            .iter()
            .filter(|(_, account)| account.subscriptions.contains_key(&connection))
            .map(|(id, _)| id.clone())
            .collect()
    }

    pub(crate) fn retire_old(&mut self, turn: &mut Turn) {
        let old: Vec<ConnectionId> = self
            .connections
            .iter()
            .filter(|(_, open)| turn.now.elapsed >= open.replace_at)
            .map(|(id, _)| *id)
            .collect();
        for connection in old {
            self.retire(connection, Reconnect::Age, "it has reached its age", turn);
        }
    }

    /// Finds a connection for every account that has none, or whose own is being replaced.
    pub(crate) fn give_homes(&mut self, turn: &mut Turn) {
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

    /// Closes connections without accounts, and those whose accounts have all been served
    /// elsewhere for long enough.
    pub(crate) fn close_replaced(&mut self, turn: &mut Turn) {
        let (needed, spare) = self.needed_and_spare();
        let now = turn.now.elapsed;
        let mut done = Vec::new();
        for (id, connection) in &mut self.connections {
            if needed.contains(id) {
                connection.replaced_at = None;
                continue;
            }
            let since = *connection.replaced_at.get_or_insert(now);
            if !spare.contains(id) || now.saturating_sub(since) >= self.config.read_out {
                done.push(*id);
            }
        }
        for connection in done {
            self.connections.remove(&connection);
            for account in self.accounts.values_mut() {
                account.subscriptions.remove(&connection);
            }
            count(&mut self.counters.closed);
            turn.push(Effect::Close { connection });
        }
    }

    /// The connections that some account cannot do without, and those that bring what another
    /// brings too.
    fn needed_and_spare(&self) -> (BTreeSet<ConnectionId>, BTreeSet<ConnectionId>) {
        let stays = |id: &ConnectionId| {
            self.connections
                .get(id)
                .is_some_and(|connection| !connection.retiring)
        };
        let (mut needed, mut spare) = (BTreeSet::new(), BTreeSet::new());
        for account in self.accounts.values() {
            let active = account.subscriptions.keys().copied();
            let active: Vec<_> = active.filter(|id| account.active_on(*id)).collect();
            if active.iter().any(stays) {
                spare.extend(active);
            } else {
                needed.extend(active);
            }
            needed.extend(account.home.filter(stays));
        }
        (needed, spare)
    }

    /// A request that is never answered means that the connection works one way only.
    pub(crate) fn give_up_sick(&mut self, turn: &mut Turn) {
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
            let why = "a subscription was never answered";
            self.gone(connection, Reconnect::Unanswered, why, None, turn);
        }
    }

    pub(crate) fn check_connections(&mut self, turn: &mut Turn) {
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
}
