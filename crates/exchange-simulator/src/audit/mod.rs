//! The verdict on each level of a grid, from the exchange's own history.
//!
//! Entry point: [`audit`]. It reads the journal only and shares no decision with the model. Invariants by number:
//! 2 (each completed order has exactly one opposite order; replacements after a cancel or expiry form one chain),
//! 3 (a slot never had two live orders), 5 (each accepted order obeyed the symbol's rules as of its time).
//! Reasons why an order is owed come with the ladder; the audit knows none itself.

mod history;
mod judge;

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::model::JournalEntry;
use history::History;

/// One level of the grid: what the exchange should have seen of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LadderSlot {
    /// Client order ids of this level are `{slot}-{number}`.
    pub slot: String,
    /// Symbol.
    pub symbol: String,
    /// Price of its BUY orders. Before the first completed order any price up to `sell_price` will do.
    pub buy_price: Decimal,
    /// Price of its SELL orders.
    pub sell_price: Decimal,
    /// Base quantity of its BUY orders.
    pub quantity: Decimal,
    /// Why it has no order now, if the caller knows: held, refused, paused.
    #[serde(default)]
    pub held_reason: Option<String>,
    /// Whether it was told to sell what it holds at the market, for good: what it sells after its last BUY may go at any
    /// price.
    #[serde(default)]
    pub sold_off: bool,
}

/// How a level fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// Every completed order was followed by exactly one.
    Ok,
    /// It has no live order now, for a known reason: the caller's, or a refused placement.
    NoOrder,
    /// A completed order was not followed.
    Missing,
    /// A completed order was followed twice, or an order came that nothing asked for.
    Duplicate,
    /// Another invariant was broken.
    Violated,
}

/// One level's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LevelAudit {
    /// Level.
    pub slot: String,
    /// Verdict.
    pub verdict: Verdict,
    /// Orders that were completed.
    pub completed_orders: u64,
    /// Of these, how many were followed by an opposite order.
    pub opposite_orders: u64,
    /// Completed SELL orders.
    pub round_trips: u64,
    /// Completed orders not followed, without a reason.
    pub missing: u64,
    /// Orders too many.
    pub duplicates: u64,
    /// Client order id of its live order.
    pub live_order: Option<String>,
    /// Why it has none, if it has none.
    pub reason: Option<String>,
}

/// One broken invariant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Violation {
    /// Its number.
    pub invariant: u8,
    /// Level.
    pub slot: String,
    /// What happened.
    pub text: String,
}

/// The whole account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditReport {
    /// Completed orders not followed, without a reason.
    pub missing: u64,
    /// Orders too many.
    pub duplicates: u64,
    /// Levels without an order, for a reason.
    pub awaiting: u64,
    /// Broken invariants, 2 included.
    pub violations: Vec<Violation>,
    /// Each level of the ladder.
    pub levels: Vec<LevelAudit>,
    /// Trades of the ladder's orders.
    pub fills: u64,
    /// Completed orders.
    pub completed_orders: u64,
    /// Round trips.
    pub round_trips: u64,
    /// Refused placements of the ladder's levels.
    pub refused: u64,
    /// Levels that sent orders but are not in the ladder.
    pub unknown_slots: Vec<String>,
    /// What trading changed, by account and asset; deposits and withdrawals left out.
    pub balances_delta: BTreeMap<String, BTreeMap<String, Decimal>>,
}

impl AuditReport {
    /// Whether nothing is missing, doubled or broken.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.missing == 0 && self.duplicates == 0 && self.violations.is_empty()
    }
}

/// Audits a history against a ladder.
#[must_use]
pub fn audit(journal: &[JournalEntry], ladder: &[LadderSlot]) -> AuditReport {
    let history = History::read(journal, ladder);
    let mut report = AuditReport {
        unknown_slots: history.unknown_slots.into_iter().collect(),
        balances_delta: history.balances_delta,
        ..AuditReport::default()
    };
    for slot in ladder {
        let own = history.slots.get(&slot.slot);
        let orders = own.map(|own| own.orders.as_slice()).unwrap_or_default();
        let refused = own.map(|own| own.refused.as_slice()).unwrap_or_default();
        let (level, violations) = judge::level(slot, orders, refused);
        report.missing += level.missing;
        report.duplicates += level.duplicates;
        report.awaiting += u64::from(level.verdict == Verdict::NoOrder);
        report.fills += orders.iter().map(|order| order.trades).sum::<u64>();
        report.completed_orders += level.completed_orders;
        report.round_trips += level.round_trips;
        report.refused += u64::try_from(refused.len()).unwrap_or(u64::MAX);
        report.violations.extend(violations);
        report.levels.push(level);
    }
    report
}
