//! Levels, their ledger and their story.

use std::time::Duration;

use domain::{
    AccountId, BotId, ClientOrderId, Level, LevelIndex, LocalTime, OrderNumber, OrderState,
};
use trading::{
    Claim, CommitOutcome, EventRecord, FillCommit, FillRecord, LevelStore, Listing, Loaded,
    MAX_FILLS_PER_COMMIT, SettleOutcome, Settlement, StoreError,
};

use super::{FillKey, MemoryStore, Operation, Tables};
use crate::gate::Gate;
use crate::mistake::Mistake;
use crate::store::settle::{Wrongly, apply};

impl LevelStore for MemoryStore {
    async fn load(
        &self,
        account: &AccountId,
        bot: &BotId,
        level: LevelIndex,
    ) -> Result<Loaded, StoreError> {
        self.call("load", |tables| {
            let known = tables.bots.get(bot).cloned();
            let at = known.as_ref().map(|_| (bot.clone(), level));
            let loaded = Loaded {
                level: at
                    .and_then(|at| tables.levels.get(&at))
                    .map(|level| read(tables, level))
                    .transpose()?,
                bot: known,
                account: tables.accounts.get(account).cloned(),
            };
            let asked = (account.clone(), bot.clone(), level);
            tables.log(|| Operation::Load(asked, Box::new(loaded.clone())));
            Ok(loaded)
        })
        .await
    }

    async fn commit_fill(&self, commit: &FillCommit) -> Result<CommitOutcome, StoreError> {
        let gate = self.gate.clone();
        self.conditional("commit_fill", move |tables| {
            check(commit.expected_version, &commit.level)?;
            if commit.fills.len() > MAX_FILLS_PER_COMMIT {
                return Err(StoreError::Invalid("too many fills".to_owned()));
            }
            if gate.makes(Mistake::PlaceThenMark) && owes_an_order(&commit.level) {
                let key = (commit.level.bot.clone(), commit.level.index);
                tables.unmarked.insert(key, commit.clone());
                return Ok(CommitOutcome::Committed);
            }
            let outcome = commit_now(tables, &gate, commit)?;
            tables.log(|| Operation::Commit(Box::new(commit.clone()), outcome.clone()));
            Ok(outcome)
        })
        .await
    }

    async fn claim_intent(
        &self,
        expected_version: u64,
        level: &Level,
    ) -> Result<Claim, StoreError> {
        let gate = self.gate.clone();
        self.conditional("claim_intent", move |tables| {
            check(expected_version, level)?;
            let current = stored(tables, level)?.version == expected_version;
            let claim = if current { Claim::Won } else { Claim::Lost };
            if current {
                write(tables, &gate, level);
            }
            tables.log(|| Operation::ClaimIntent(expected_version, Box::new(level.clone()), claim));
            Ok(claim)
        })
        .await
    }

    async fn settle_intent(
        &self,
        bot: &BotId,
        level: LevelIndex,
        no: OrderNumber,
        settlement: &Settlement,
        now: LocalTime,
    ) -> Result<SettleOutcome, StoreError> {
        let gate = self.gate.clone();
        let settled = self
            .conditional("settle_intent", move |tables| {
                let key = (bot.clone(), level);
                if let Some(commit) = tables.unmarked.remove(&key) {
                    commit_now(tables, &gate, &commit)?;
                }
                let level = tables
                    .levels
                    .get_mut(&key)
                    .ok_or_else(|| StoreError::Invalid("there is no such level".to_owned()))?;
                let outcome = if apply(level, no, settlement, wrongly(&gate)) {
                    as_marked(level, &gate);
                    level.version += 1;
                    level.changed_at = now;
                    SettleOutcome::Settled
                } else {
                    SettleOutcome::MovedOn
                };
                let about = (key.0, key.1, no, now);
                tables.log(|| Operation::Settle(about, settlement.clone(), outcome));
                Ok(outcome)
            })
            .await;
        if self.gate.makes(Mistake::SettleBeforeQueue) {
            self.gate.pass("queue_send").await;
            let bot = bot.clone();
            let id = ClientOrderId { bot, level, no };
            self.gate.let_through(id.to_string());
        }
        settled
    }

    async fn list_levels(&self, bot: &BotId) -> Result<Listing<Level>, StoreError> {
        self.call("list_levels", |tables| {
            let of_bot = tables.levels.values().filter(|level| level.bot == *bot);
            let listing: Listing<Level> = of_bot.map(|level| read(tables, level)).collect();
            if listing.unreadable.is_empty() {
                let levels = listing.readable.clone();
                tables.log(|| Operation::Levels(bot.clone(), levels));
            }
            Ok(listing)
        })
        .await
    }

    async fn fills_of_order(
        &self,
        bot: &BotId,
        level: LevelIndex,
        no: OrderNumber,
    ) -> Result<Vec<FillRecord>, StoreError> {
        self.call("fills_of_order", |tables| {
            let of_order = tables
                .fills
                .values()
                .filter(|fill| fill.bot == *bot && fill.level == level && fill.no == no);
            let found: Vec<FillRecord> = of_order.cloned().collect();
            let asked = (bot.clone(), level, no);
            tables.log(|| Operation::FillsOfOrder(asked, found.clone()));
            Ok(found)
        })
        .await
    }

    async fn list_fills(
        &self,
        bot: &BotId,
        level: Option<LevelIndex>,
    ) -> Result<Listing<FillRecord>, StoreError> {
        self.call("list_fills", |tables| {
            let asked = tables
                .fills
                .values()
                .filter(|fill| fill.bot == *bot && level.is_none_or(|level| fill.level == level));
            Ok(asked.cloned().map(Ok).collect())
        })
        .await
    }

    async fn add_event(&self, event: &EventRecord) -> Result<(), StoreError> {
        self.call("add_event", |tables| {
            tables.events.push(event.clone());
            tables.log(|| Operation::AddEvent(event.clone()));
            Ok(())
        })
        .await
    }

    async fn list_events(
        &self,
        bot: &BotId,
        level: Option<LevelIndex>,
    ) -> Result<Listing<EventRecord>, StoreError> {
        self.call("list_events", |tables| {
            let asked = tables.events.iter().filter(|event| {
                event.bot == *bot && level.is_none_or(|level| event.level == Some(level))
            });
            Ok(asked.cloned().map(Ok).collect())
        })
        .await
    }
}

fn key(fill: &FillRecord) -> FillKey {
    (fill.bot.clone(), fill.level, fill.no, fill.trade.id)
}

/// A level as a reader finds it: one that was damaged is an error that names it.
fn read(tables: &Tables, level: &Level) -> Result<Level, StoreError> {
    if tables.damaged.contains(&(level.bot.clone(), level.index)) {
        return Err(StoreError::Corrupt {
            key: format!("BOT#{} / LEVEL#{:04}", level.bot, level.index.0),
            detail: "its attribute \"bp\" is missing; nothing was changed".to_owned(),
        });
    }
    Ok(level.clone())
}

fn stored<'a>(tables: &'a Tables, level: &Level) -> Result<&'a Level, StoreError> {
    tables
        .levels
        .get(&(level.bot.clone(), level.index))
        .ok_or_else(|| StoreError::Invalid("there is no such level".to_owned()))
}

fn commit_now(
    tables: &mut Tables,
    gate: &Gate,
    commit: &FillCommit,
) -> Result<CommitOutcome, StoreError> {
    let guarded = !gate.makes(Mistake::NoGuards);
    if guarded && stored(tables, &commit.level)?.version != commit.expected_version {
        return Ok(CommitOutcome::LevelChanged);
    }
    let by_trade_alone = gate.makes(Mistake::TradeIdAlone);
    let is_recorded = |fill: &FillRecord| {
        let same_trade = |known: &FillRecord| known.trade.id == fill.trade.id;
        tables.fills.contains_key(&key(fill))
            || by_trade_alone && tables.fills.values().any(same_trade)
    };
    let recorded: Vec<_> = commit
        .fills
        .iter()
        .filter(|fill| is_recorded(fill))
        .map(|fill| fill.trade.id)
        .collect();
    if guarded && !recorded.is_empty() {
        return Ok(CommitOutcome::AlreadyRecorded(recorded));
    }
    for fill in &commit.fills {
        if tables.fills.insert(key(fill), fill.clone()).is_some() && guarded {
            return Err(StoreError::Invalid(
                "one fill twice in one commit".to_owned(),
            ));
        }
    }
    write(tables, gate, &commit.level);
    Ok(CommitOutcome::Committed)
}

fn wrongly(gate: &Gate) -> Wrongly {
    if gate.makes(Mistake::LateRefusalSettles) {
        Wrongly::OfAnyAttempt
    } else if gate.makes(Mistake::MarkThenPlace) {
        Wrongly::MarkedBefore
    } else {
        Wrongly::Not
    }
}

fn owes_an_order(level: &Level) -> bool {
    let state = level.order.as_ref().map(|order| &order.state);
    matches!(state, Some(OrderState::Pending { .. }))
}

fn write(tables: &mut Tables, gate: &Gate, level: &Level) {
    let key = (level.bot.clone(), level.index);
    let mut level = level.clone();
    as_marked(&mut level, gate);
    tables.levels.insert(key, level);
}

/// A level as a mistaken handler writes it down: what others see of a pending order.
fn as_marked(level: &mut Level, gate: &Gate) {
    let Some(order) = &mut level.order else {
        return;
    };
    let OrderState::Pending { lease } = &mut order.state else {
        return;
    };
    if gate.makes(Mistake::NoLease) {
        lease.until = lease.start;
    }
    if gate.makes(Mistake::ShortLease) {
        lease.until = lease.start.after(Duration::from_secs(2));
    }
    if gate.makes(Mistake::MarkThenPlace) {
        order.state = OrderState::Open;
    }
}

fn check(expected: u64, level: &Level) -> Result<(), StoreError> {
    if level.version == expected + 1 {
        Ok(())
    } else {
        Err(StoreError::Invalid(format!(
            "level {} read at version {expected} must not become version {}",
            level.index, level.version
        )))
    }
}
