//! Several bridges over one table, each with a rig and a life of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use trading::{AccountRecord, Heartbeat, StreamState};

use super::rig::{Rig, account};
use crate::{Effect, Input};

pub(super) struct Fleet {
    pub(super) bridges: BTreeMap<String, Rig>,
    /// The table.
    pub(super) accounts: Vec<AccountRecord>,
    pub(super) heartbeats: BTreeMap<String, Heartbeat>,
    pub(super) now: Duration,
    /// Every stream state written: when, by whom, of which account.
    pub(super) written: Vec<(Duration, String, String, StreamState)>,
}

impl Fleet {
    pub(super) fn new(accounts: usize) -> Self {
        Self {
            bridges: BTreeMap::new(),
            accounts: (0..accounts)
                .map(|number| account(&format!("account-{number:02}")))
                .collect(),
            heartbeats: BTreeMap::new(),
            now: Duration::ZERO,
            written: Vec::new(),
        }
    }

    /// A fleet of these bridges, all settled.
    pub(super) fn of(bridges: &[&str], accounts: usize) -> Self {
        let mut fleet = Self::new(accounts);
        for bridge in bridges {
            fleet.join(bridge, 0);
        }
        fleet.pass(60_000);
        fleet
    }

    /// Starts a bridge whose clock is ahead by so many milliseconds.
    pub(super) fn join(&mut self, name: &str, ahead: i64) {
        let mut rig = Rig::with(&[], |config| {
            name.clone_into(&mut config.name);
            *config = config.clone().sharing_accounts();
        });
        rig.ahead = ahead + i64::try_from(self.now.as_millis()).unwrap();
        self.bridges.insert(name.to_owned(), rig);
    }

    pub(super) fn die(&mut self, name: &str) {
        self.bridges.remove(name).unwrap();
    }

    pub(super) fn rig(&mut self, name: &str) -> &mut Rig {
        self.bridges.get_mut(name).unwrap()
    }

    pub(super) fn pass(&mut self, millis: u64) {
        self.pass_and(millis, |_| {});
    }

    /// Lets time go by, and looks after each tick.
    pub(super) fn pass_and(&mut self, millis: u64, mut look: impl FnMut(&Self)) {
        for _ in 0..millis / 100 {
            self.now += Duration::from_millis(100);
            let names: Vec<String> = self.bridges.keys().cloned().collect();
            for name in names {
                self.tick(&name);
            }
            look(self);
        }
    }

    /// Asks a bridge to stop, and ends it when it has done what it had to.
    pub(super) fn stop(&mut self, name: &str) {
        self.act(name, |rig| rig.step(Input::Stop));
        assert!(self.bridges[name].state.is_drained());
        self.die(name);
    }

    fn tick(&mut self, name: &str) {
        self.act(name, |rig| rig.pass(100));
    }

    /// Lets a bridge do something over the table.
    fn act(&mut self, name: &str, act: impl FnOnce(&mut Rig)) {
        let rig = self.bridges.get_mut(name).unwrap();
        rig.accounts.clone_from(&self.accounts);
        if rig.table.is_ok() {
            rig.table = Ok(self.heartbeats.values().cloned().collect());
        }
        act(rig);
        self.accounts.clone_from(&rig.accounts);
        for (account, state) in rig.streams.drain(..) {
            self.written
                .push((self.now, name.to_owned(), account.to_string(), state));
        }
        let mut beats = rig.heartbeats.drain(..);
        if let Some(beat) = beats.next_back().filter(|_| rig.store_up) {
            self.heartbeats.insert(name.to_owned(), beat);
        }
    }

    /// The bridges that hold each account now.
    pub(super) fn holders(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut holders: BTreeMap<String, BTreeSet<String>> = self
            .accounts
            .iter()
            .map(|record| (record.id.to_string(), BTreeSet::new()))
            .collect();
        for (name, rig) in &self.bridges {
            for (id, account) in &rig.state.accounts {
                if account.is_up() {
                    let holders = holders.entry(id.to_string()).or_default();
                    holders.insert(name.clone());
                }
            }
        }
        holders
    }

    /// The accounts that a bridge holds.
    pub(super) fn held_by(&self, name: &str) -> BTreeSet<String> {
        let holders = self.holders().into_iter();
        let held = holders.filter(|(_, names)| names.contains(name));
        held.map(|(account, _)| account).collect()
    }

    /// How many accounts have how many holders.
    pub(super) fn spread(&self) -> BTreeMap<usize, usize> {
        let mut spread = BTreeMap::new();
        for names in self.holders().values() {
            *spread.entry(names.len()).or_default() += 1;
        }
        spread
    }

    /// Everything a bridge asked the exchange to end.
    pub(super) fn unsubscribed(&self, name: &str) -> BTreeSet<String> {
        let effects = self.bridges[name].effects.iter();
        effects
            .filter_map(|effect| match effect {
                Effect::Unsubscribe { account, .. } => Some(account.to_string()),
                _ => None,
            })
            .collect()
    }

    /// Fails unless every stream is recorded as subscribed by a bridge that holds it.
    pub(super) fn records_are_true(&self) {
        let holders = self.holders();
        for record in &self.accounts {
            let StreamState::Subscribed { bridge, .. } = &record.stream else {
                panic!("{}: {:?}", record.id, record.stream)
            };
            let names = &holders[record.id.as_str()];
            assert!(
                names.contains(bridge),
                "{}: {bridge}, not {names:?}",
                record.id
            );
        }
    }
}
