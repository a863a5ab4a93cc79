//! Several bridges that share the accounts: who holds which, and who speaks for one in its record.
//!
//! Entry points: [`Peers::learn`] takes in what the heartbeats say, [`Peers::holds`] and
//! [`Peers::is_covered`] say what to take up and what to give up, [`Peers::may_write`] who writes.
//! Invariant: an account is given up only while two bridges that rank higher for it say that they
//! hold it, each in a heartbeat that was seen to come. Among those that say so, the two highest
//! therefore never give it up, and one death leaves one. Never sends anything to another bridge;
//! heartbeats in the table are all they share.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::{AccountId, LocalTime};
use trading::{HEARTBEAT_LASTS, Heartbeat, StreamState};

use crate::Moment;

/// How many bridges hold an account, if there are so many: one may die without any report waiting
/// for a subscription. Handlers take the second copy of a report for the duplicate that it is.
const HOLDERS: usize = 2;

/// How long may lie between two readings for what has come in between to be news. After a longer time it may
/// be the last word of a bridge that has died since.
const WATCHING: Duration = Duration::from_millis(7_500);

/// Another bridge, as its heartbeats tell.
#[derive(Debug)]
struct Peer {
    /// When it wrote its latest heartbeat, by its own clock.
    at: LocalTime,
    /// Until when it counts as alive, by the time since this bridge started: the clocks of two
    /// machines may differ by more than a heartbeat lasts.
    alive_until: Duration,
    alive: bool,
    /// Whether its heartbeats came while this bridge was watching. One that was there at first sight
    /// may be the last of a bridge long dead whose clock was ahead.
    came: bool,
    /// Until when it is too early to say that it is dead: at first sight its clock may be behind.
    judged_at: Duration,
    /// Whether that time is over, or one came.
    judged: bool,
    /// What it says it holds; nothing once it counts as dead.
    accounts: BTreeSet<AccountId>,
}

/// What a bridge knows of the others.
#[derive(Debug)]
pub(crate) struct Peers {
    name: String,
    known: BTreeMap<String, Peer>,
    /// When they were last read.
    learnt_at: Option<Duration>,
}

impl Peers {
    /// Those of the bridge of this name: none is known yet.
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            known: BTreeMap::new(),
            learnt_at: None,
        }
    }

    /// Takes in all heartbeats there are. Tells which bridges have come and gone.
    ///
    /// Nobody dies between two readings: while the heartbeats cannot be read, all stays as it is.
    pub(crate) fn learn(&mut self, heartbeats: Vec<Heartbeat>, now: Moment) -> Vec<String> {
        let mut before = std::mem::take(&mut self.known);
        let watched = self
            .learnt_at
            .replace(now.elapsed)
            .is_some_and(|at| now.elapsed.saturating_sub(at) <= WATCHING);
        let mut news = Vec::new();
        for beat in heartbeats {
            if beat.bridge == self.name {
                continue;
            }
            let old = before.remove(&beat.bridge);
            let mut peer = Peer::heard(beat.at, beat.accounts, old.as_ref(), now);
            peer.came &= watched;
            let was_alive = old.is_some_and(|old| old.alive);
            if peer.alive && !was_alive {
                news.push(format!("{} is alive and shares the accounts", beat.bridge));
            } else if was_alive && !peer.alive {
                news.push(format!("{} shows no sign of life any more", beat.bridge));
            }
            self.known.insert(beat.bridge, peer);
        }
        let removed = before.into_iter().filter(|(_, old)| old.alive);
        news.extend(removed.map(|(name, _)| format!("the heartbeat of {name} was removed")));
        news
    }

    /// Whether this bridge is one of those that are to hold an account.
    pub(crate) fn holds(&self, account: &AccountId) -> bool {
        self.holders(account).contains(&self.name.as_str())
    }

    /// Whether an account is the business of others, and all of them say that they hold it, in
    /// heartbeats that came.
    pub(crate) fn is_covered(&self, account: &AccountId) -> bool {
        let holders = self.holders(account);
        !holders.contains(&self.name.as_str())
            && holders.iter().all(|name| {
                let peer = self.known.get(*name);
                peer.is_some_and(|peer| peer.came && peer.accounts.contains(account))
            })
    }

    /// Whether another living bridge says that it holds an account.
    pub(crate) fn listed_by_another(&self, account: &AccountId) -> bool {
        self.live().any(|(_, peer)| peer.accounts.contains(account))
    }

    /// Whether a state that differs from what the store holds is to be written. Two bridges that
    /// hold an account must not write their two truths in turn: a claim that still stands is left
    /// alone, whoever is listed as up says so itself, and of several that are without a stream the first
    /// in rank says so.
    pub(crate) fn may_write(
        &self,
        account: &AccountId,
        own: &StreamState,
        stored: &StreamState,
    ) -> bool {
        let up = matches!(own, StreamState::Subscribed { .. });
        match stored {
            StreamState::Subscribed { bridge, .. } if *bridge == self.name => {
                // Down, but another has it: its own claim follows as soon as it sees that ours fell.
                up || !self.listed_by_another(account)
            }
            StreamState::Subscribed { since, bridge } if self.stands(account, bridge, *since) => {
                false
            }
            StreamState::Never | StreamState::Down { .. } | StreamState::Subscribed { .. } => {
                let first = || self.holders(account).first() == Some(&self.name.as_str());
                up || (first() && !self.listed_by_another(account))
            }
        }
    }

    /// Whether another bridge's word that it is subscribed still counts: it lives, and no later
    /// heartbeat of its own (by the same clock) leaves the account out; or nobody can say yet.
    fn stands(&self, account: &AccountId, bridge: &str, since: LocalTime) -> bool {
        let Some(peer) = self.known.get(bridge) else {
            return self.learnt_at.is_none();
        };
        let holds = peer.alive && (peer.at <= since || peer.accounts.contains(account));
        holds || !peer.judged
    }

    /// The bridges that are to hold an account, the first in rank first: the living with the highest
    /// weights for it. So each bridge finds the same by itself, and one that comes or goes moves
    /// only accounts that are or were its own.
    fn holders(&self, account: &AccountId) -> Vec<&str> {
        let others = self.live().map(|(name, _)| name);
        let mut ranked: Vec<(u64, &str)> = others
            .chain([self.name.as_str()])
            .map(|bridge| (weight(bridge, account), bridge))
            .collect();
        ranked.sort_unstable_by_key(|ranked| Reverse(*ranked));
        let names = ranked.into_iter().map(|(_, bridge)| bridge);
        names.take(HOLDERS).collect()
    }

    fn live(&self) -> impl Iterator<Item = (&str, &Peer)> {
        let known = self.known.iter();
        known
            .filter(|(_, peer)| peer.alive)
            .map(|(name, peer)| (name.as_str(), peer))
    }
}

impl Peer {
    fn heard(at: LocalTime, accounts: Vec<AccountId>, old: Option<&Self>, now: Moment) -> Self {
        let fresh = now.elapsed.saturating_add(HEARTBEAT_LASTS);
        let alive_until = match old {
            Some(old) if old.at == at => old.alive_until,
            Some(_) => fresh,
            // At first sight only the clocks tell how old it is.
            None => fresh.saturating_sub(now.wall.since(at)),
        };
        let alive = now.elapsed < alive_until;
        let came = old.is_some_and(|old| old.came || old.at != at);
        let judged_at = old.map_or(fresh, |old| old.judged_at);
        Self {
            at,
            alive_until,
            alive,
            came,
            judged_at,
            judged: came || now.elapsed >= judged_at,
            accounts: accounts.into_iter().filter(|_| alive).collect(),
        }
    }
}

/// How much a bridge weighs for an account: FNV-1a over both names. It must be the same in every
/// version of this program, for two versions run side by side while one replaces the other; a
/// library's hasher may change. FNV-1a alone would not do: the last letters hardly reach the high
/// bits, which decide, so that of 1,000 accounts numbered in a row one of three bridges held all and
/// another 200. The last three lines, the finalizer of MurmurHash3, carry every letter everywhere.
fn weight(bridge: &str, account: &AccountId) -> u64 {
    let names = bridge.bytes().chain([0xff]).chain(account.as_str().bytes());
    let hash = names.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests;
