//! What a run came to, judged by the exchange's own history.

use std::collections::BTreeMap;

use domain::{Level, OrderState};
use exchange_simulator::audit::AuditReport;
use exchange_simulator::model::Fact;
use exchange_simulator::{RunningSimulator, Stats};
use rust_decimal::Decimal;
use serde::Serialize;
use trading::FillRecord;

use super::snapshot::Totals;
use crate::node::Tally;
use crate::words::state_in_short;

/// The result of a run: one JSON object, the same on every machine.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Fills in the ledger.
    pub fills: usize,
    /// Orders of levels that completed at the exchange.
    pub completed_orders: u64,
    /// Opposite orders that answered them.
    pub opposite_orders: u64,
    /// Completed orders without an opposite order and without a recorded reason.
    pub missing: u64,
    /// Completed orders with more than one opposite order.
    pub duplicates: u64,
    /// Completed buy-and-sell pairs.
    pub round_trips: u64,
    /// Realized profit, in the quote asset.
    pub realized_profit: String,
    /// The quote asset.
    pub quote_asset: String,
    /// Fees by asset.
    pub fees: BTreeMap<String, String>,
    /// Whether the ledger holds exactly the exchange's trades, fees included.
    pub ledger_equals_exchange: bool,
    /// Levels.
    pub levels: usize,
    /// Levels with an order at the exchange.
    pub levels_with_order: usize,
    /// Levels without one, each with a recorded reason.
    pub levels_with_reason: usize,
    /// Faults made by the exchange, by kind.
    pub faults: BTreeMap<String, u64>,
    /// From a completing report being written by the exchange to the opposite order being received
    /// by it.
    pub fill_to_order_ms: Latency,
    /// The seed.
    pub seed: u64,
    /// What the system did to come there: reports and placements by kind, and what could not be
    /// handled. No part of the JSON: how often a thing is seen twice hangs on who was quicker, and
    /// the figures of a run repeat.
    #[serde(skip)]
    pub node: Tally,
    /// Violations found by the exchange's audit, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<String>,
}

/// A distribution of times, in milliseconds with microseconds behind the point.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// Half of them are at most this.
    pub p50: Option<String>,
    /// 99 of 100 are at most this.
    pub p99: Option<String>,
    /// The longest.
    pub max: Option<String>,
}

impl Latency {
    /// The distribution of times given in microseconds.
    #[must_use]
    pub fn of(micros: &[u64]) -> Self {
        let mut sorted = micros.to_vec();
        sorted.sort_unstable();
        let at = |per_cent: usize| {
            let rank = sorted
                .len()
                .saturating_mul(per_cent)
                .div_ceil(100)
                .saturating_sub(1);
            sorted.get(rank).copied().map(in_millis)
        };
        Self {
            p50: at(50),
            p99: at(99),
            max: sorted.last().copied().map(in_millis),
        }
    }
}

fn in_millis(micros: u64) -> String {
    format!("{}.{:03}", micros / 1_000, micros % 1_000)
}

/// What the judgement rests on.
#[derive(Debug)]
pub(crate) struct Evidence<'a> {
    pub(crate) audit: &'a AuditReport,
    pub(crate) stats: &'a Stats,
    pub(crate) levels: &'a [Level],
    pub(crate) fills: &'a [FillRecord],
    pub(crate) ledger_equals_exchange: bool,
    pub(crate) quote_asset: String,
    pub(crate) seed: u64,
    pub(crate) node: Tally,
}

impl Report {
    /// Draws the result up.
    pub(crate) fn of(evidence: &Evidence<'_>) -> Self {
        let totals = Totals::of(evidence.levels, None);
        let reasons = evidence
            .levels
            .iter()
            .filter(|level| reason(level).is_some())
            .count();
        let audit = evidence.audit;
        Self {
            fills: evidence.fills.len(),
            completed_orders: audit.completed_orders,
            opposite_orders: audit.levels.iter().map(|level| level.opposite_orders).sum(),
            missing: audit.missing,
            duplicates: audit.duplicates,
            round_trips: totals.round_trips,
            realized_profit: totals.realized.to_string(),
            quote_asset: evidence.quote_asset.clone(),
            fees: totals
                .fees
                .iter()
                .map(|(asset, paid)| (asset.to_string(), paid.to_string()))
                .collect(),
            ledger_equals_exchange: evidence.ledger_equals_exchange,
            levels: totals.levels,
            levels_with_order: totals.open,
            levels_with_reason: reasons,
            faults: evidence
                .stats
                .faults
                .iter()
                .map(|(kind, count)| (fault_name(kind), *count))
                .collect(),
            fill_to_order_ms: Latency::of(&evidence.stats.reaction_us),
            seed: evidence.seed,
            node: evidence.node.clone(),
            violations: audit
                .violations
                .iter()
                .map(|violation| violation.text.clone())
                .collect(),
        }
    }

    /// Whether the promise held.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.missing == 0
            && self.duplicates == 0
            && self.violations.is_empty()
            && self.ledger_equals_exchange
            && self.levels
                == self
                    .levels_with_order
                    .saturating_add(self.levels_with_reason)
    }

    /// The result for people.
    #[must_use]
    pub fn text(&self) -> String {
        let fees: Vec<String> = self
            .fees
            .iter()
            .map(|(asset, paid)| format!("{paid} {asset}"))
            .collect();
        let faults: u64 = self.faults.values().sum();
        let latency = &self.fill_to_order_ms;
        let or_dash = |time: &Option<String>| time.clone().unwrap_or_else(|| "-".to_owned());
        let mut text = format!(
            "\nfills {}, completed orders {}, opposite orders {}, round trips {}\n\
             realized profit {} {}, fees {}\n\
             levels {}: {} with an order, {} with a stated reason\n\
             fill to opposite order: p50 {} ms, p99 {} ms, longest {} ms\n\
             faults made by the exchange: {faults}\n\
             audit by the exchange's own history: missing {}, duplicates {}, ledger {} the exchange\n\
             {}\n",
            self.fills,
            self.completed_orders,
            self.opposite_orders,
            self.round_trips,
            readable(&self.realized_profit),
            self.quote_asset,
            if fees.is_empty() {
                "none".to_owned()
            } else {
                fees.join(" + ")
            },
            self.levels,
            self.levels_with_order,
            self.levels_with_reason,
            or_dash(&latency.p50),
            or_dash(&latency.p99),
            or_dash(&latency.max),
            self.missing,
            self.duplicates,
            if self.ledger_equals_exchange {
                "equals"
            } else {
                "DIFFERS FROM"
            },
            self.node,
        );
        for violation in &self.violations {
            text.push_str("violation: ");
            text.push_str(violation);
            text.push('\n');
        }
        text
    }
}

fn fault_name(kind: &exchange_simulator::faults::FaultKind) -> String {
    serde_json::to_value(kind)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_else(|| format!("{kind:?}"))
}

/// Why a level has no order, where that is recorded.
pub(crate) fn reason(level: &Level) -> Option<String> {
    let order = level.order.as_ref()?;
    match &order.state {
        OrderState::Refused { why, detail, .. } => Some(format!("refused: {why}: {detail}")),
        OrderState::Held { .. } => Some(state_in_short(order)),
        OrderState::Quarantined { evidence, .. } => {
            Some(format!("{}: {evidence}", state_in_short(order)))
        }
        OrderState::Idle => Some("at rest".to_owned()),
        OrderState::Pending { .. } | OrderState::Open => None,
    }
}

/// One trade as both sides must have it: trade id, order id, base, quote, fee, asset.
type Entry = (u64, u64, Decimal, Decimal, Decimal, String);

/// Whether the ledger holds exactly the trades that the exchange has for our orders.
pub(crate) fn ledger_equals(simulator: &RunningSimulator, fills: &[FillRecord]) -> bool {
    let theirs = simulator.with_exchange(|exchange, _| {
        let journal = exchange.journal().iter();
        journal
            .filter_map(|entry| exchange_entry(&entry.fact))
            .collect()
    });
    same_entries(theirs, fills.iter().map(ledger_entry).collect())
}

fn same_entries(mut theirs: Vec<Entry>, mut ours: Vec<Entry>) -> bool {
    theirs.sort();
    ours.sort();
    ours == theirs
}

fn exchange_entry(fact: &Fact) -> Option<Entry> {
    let Fact::Traded {
        order_id,
        trade_id,
        quantity,
        quote,
        commission,
        commission_asset,
        ..
    } = fact
    else {
        return None;
    };
    let asset = if commission.is_zero() {
        String::new()
    } else {
        commission_asset.clone()
    };
    Some((
        *trade_id,
        *order_id,
        quantity.normalize(),
        quote.normalize(),
        commission.normalize(),
        asset,
    ))
}

fn ledger_entry(fill: &FillRecord) -> Entry {
    let trade = &fill.trade;
    let (fee, asset) = trade.fee.as_ref().map_or_else(
        || (Decimal::ZERO, String::new()),
        |fee| (fee.amount.decimal(), fee.asset.to_string()),
    );
    (
        u64::try_from(trade.id.0).unwrap_or(0),
        u64::try_from(fill.exchange_order_id.0).unwrap_or(0),
        trade.quantity.decimal(),
        trade.quote.decimal(),
        fee,
        asset,
    )
}

/// An exact amount as people read one.
fn readable(exact: &str) -> String {
    exact
        .parse()
        .map_or_else(|_no_decimal| exact.to_owned(), crate::table::amount)
}

#[cfg(test)]
mod tests;
