//! Invariants 1 and 4: the ledger against the exchange's trades, trade by trade and in sum.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Asset, ExchangeOrderId, FirstInventory, Level, LevelIndex, Quantity, Trade, TradeId};
use rust_decimal::Decimal;
use trading::FillRecord;

use super::holdings::Holdings;
use super::judge::{Findings, Seen, is_quarantined};
use super::report::{Invariant, Violation};
use super::{Evidence, GRACE};

/// How far sums may differ: average costs are divided, and a division is cut at its 28th digit.
const ROUNDING: Decimal = Decimal::from_parts(1, 0, 0, false, 12);

/// Invariant 1: each trade has one ledger entry, each entry one trade, and they say the same.
pub(super) fn judge_fills(
    evidence: &Evidence,
    level: &Level,
    seen: &[Seen<'_>],
    findings: &mut Findings,
) {
    let mut booked: BTreeMap<(ExchangeOrderId, TradeId), Vec<&FillRecord>> = BTreeMap::new();
    for fill in evidence
        .fills
        .iter()
        .filter(|fill| fill.level == level.index)
    {
        booked
            .entry((fill.exchange_order_id, fill.trade.id))
            .or_default()
            .push(fill);
    }
    let young = evidence.read_at.before(GRACE);
    for order in seen {
        for trade in order.trades {
            match booked.remove(&(order.id(), trade.id)).as_deref() {
                Some([fill]) => compare(level.index, order, trade, fill, findings),
                Some(fills) => {
                    let text = format!(
                        "trade {} of exchange order {} is booked {} times",
                        trade.id,
                        order.id(),
                        fills.len()
                    );
                    findings.break_promise(Invariant::LedgerComplete, level.index, text);
                }
                // Younger than two recovery runs: it may be under way to the ledger.
                None if trade.time > young => {}
                None => {
                    let (id, quantity) = (trade.id, trade.quantity);
                    let text = format!(
                        "trade {id} of exchange order {} ({quantity}) is not booked",
                        order.id()
                    );
                    findings.break_promise(Invariant::LedgerComplete, level.index, text);
                }
            }
        }
    }
    for ((order, trade), fills) in booked {
        // Queries lag behind the stream that brought it.
        if fills.iter().all(|fill| fill.trade.time > young) {
            continue;
        }
        let text = format!("trade {trade} of order {order} is booked, but the exchange has none");
        findings.break_promise(Invariant::LedgerComplete, level.index, text);
    }
}

fn compare(
    level: LevelIndex,
    order: &Seen<'_>,
    trade: &Trade,
    fill: &FillRecord,
    findings: &mut Findings,
) {
    let same = fill.trade.price == trade.price
        && fill.trade.quantity == trade.quantity
        && fill.trade.quote == trade.quote
        && fill.trade.fee == trade.fee
        && fill.side == order.view.side;
    if !same {
        let text = format!(
            "trade {} of exchange order {} is booked as {} {} for {} (fee {}), the exchange says {} {} for {} (fee {})",
            trade.id,
            order.id(),
            fill.side,
            fill.trade.quantity,
            fill.trade.quote,
            fee(&fill.trade),
            order.view.side,
            trade.quantity,
            trade.quote,
            fee(trade),
        );
        findings.break_promise(Invariant::AmountsEqual, level, text);
    }
}

fn fee(trade: &Trade) -> String {
    trade.fee.as_ref().map_or_else(
        || "none".to_owned(),
        |fee| format!("{} {}", fee.amount, fee.asset),
    )
}

/// Invariant 4: what the level says it holds, has paid and has earned equals the sums of the trades
/// at the exchange, as far as the ledger has them.
pub(super) fn judge_amounts(
    evidence: &Evidence,
    level: &Level,
    seen: &[Seen<'_>],
    findings: &mut Findings,
) {
    let sums = booked_sums(evidence, level, seen);
    let rules = &evidence.bot.rules;
    let left = sums
        .base_left(&rules.base)
        .zip(sums.quote_gained(&rules.quote));
    let Some((base, quote)) = left.filter(|_| !sums.lost) else {
        findings.note(format!(
            "level {}: amounts too large to add up",
            level.index
        ));
        return;
    };
    // What the level holds without having bought it: its first inventory, taken from the balance.
    let taken = level.base.decimal().saturating_sub(base);
    let from_balance = evidence.bot.plan.first_inventory == FirstInventory::FromBalance
        && taken == level.quantity.decimal();
    if !taken.is_zero() && !from_balance {
        let text = format!(
            "the level holds {} {}, the exchange's trades leave {base}",
            level.base, rules.base
        );
        findings.break_promise(Invariant::AmountsEqual, level.index, text);
    }
    // Each sale moves its share of the cost into the profit, so profit less cost is what the trades
    // gained, less what inventory from the balance was counted as.
    let gained = level
        .realized_profit
        .decimal()
        .saturating_sub(level.cost.decimal());
    let counted = quote.saturating_sub(gained);
    let plausible = if from_balance {
        counted > Decimal::ZERO
    } else {
        counted.abs() <= ROUNDING
    };
    if !plausible {
        let text = format!(
            "profit less cost is {gained} {}, the exchange's trades come to {quote}",
            rules.quote
        );
        findings.break_promise(Invariant::AmountsEqual, level.index, text);
    }
    judge_fees(level, &sums, findings);
}

/// What the trades of the exchange add up to that the ledger has.
fn booked_sums(evidence: &Evidence, level: &Level, seen: &[Seen<'_>]) -> Holdings {
    let booked: BTreeSet<(ExchangeOrderId, TradeId)> = evidence
        .fills
        .iter()
        .filter(|fill| fill.level == level.index)
        .map(|fill| (fill.exchange_order_id, fill.trade.id))
        .collect();
    let mut sums = Holdings::default();
    for order in seen {
        for trade in order
            .trades
            .iter()
            .filter(|trade| booked.contains(&(order.id(), trade.id)))
        {
            sums.add(order.view.side, trade);
        }
    }
    sums
}

/// Base that the level holds without having bought it, if its plan is to take it from the balance.
pub(super) fn taken_from_balance(evidence: &Evidence, level: &Level, seen: &[Seen<'_>]) -> Decimal {
    if evidence.bot.plan.first_inventory != FirstInventory::FromBalance {
        return Decimal::ZERO;
    }
    let left = booked_sums(evidence, level, seen).base_left(&evidence.bot.rules.base);
    left.map_or(Decimal::ZERO, |left| {
        level.base.decimal().saturating_sub(left).max(Decimal::ZERO)
    })
}

fn judge_fees(level: &Level, sums: &Holdings, findings: &mut Findings) {
    let assets: BTreeSet<&Asset> = sums.fees.keys().chain(level.fees.keys()).collect();
    for asset in assets {
        let taken = sums.fee(asset);
        let recorded = level
            .fees
            .get(asset)
            .map_or(Decimal::ZERO, |fee| fee.decimal());
        if recorded != taken {
            let text =
                format!("fees of {recorded} {asset} are recorded, the exchange took {taken}");
            findings.break_promise(Invariant::AmountsEqual, level.index, text);
        }
    }
}

/// Ledger entries of levels the bot does not have.
pub(super) fn judge_strangers(evidence: &Evidence, findings: &mut Findings) {
    let known: BTreeSet<LevelIndex> = evidence.levels.iter().map(|level| level.index).collect();
    for fill in evidence
        .fills
        .iter()
        // A level of the bot that is not known is one that cannot be read, and named as such.
        .filter(|fill| !known.contains(&fill.level) && fill.level.0 >= evidence.bot.levels)
    {
        findings.violations.push(Violation {
            invariant: Invariant::LedgerComplete,
            level: Some(fill.level),
            text: format!(
                "trade {} is booked for a level that does not exist",
                fill.trade.id
            ),
        });
    }
}

/// Invariant 4 for the account: it has the base that its bots' levels hold together.
pub(super) fn judge_balance(evidence: &Evidence, findings: &mut Findings) {
    let base = &evidence.bot.rules.base;
    let balance = evidence.balances.get(base);
    let has = balance.map_or(Decimal::ZERO, |balance| {
        let (free, locked) = (balance.free.decimal(), balance.locked.decimal());
        free.saturating_add(locked)
    });
    let Some(held) = evidence.base_of_all_bots.map(Quantity::decimal) else {
        findings.note("the account's balance was not compared: another of its bots cannot be read");
        return;
    };
    // A fill between the two readings moves base into the account or out of it.
    let moving = evidence.levels.iter().any(|level| {
        let age = evidence
            .read_at
            .as_millis()
            .saturating_sub(level.changed_at.as_millis());
        age < i64::try_from(GRACE.as_millis()).unwrap_or(i64::MAX)
    });
    if has >= held || moving {
        return;
    }
    let lacking = held.saturating_sub(has);
    let quarantined = evidence.levels.iter().any(is_quarantined);
    let text = format!(
        "the levels of the account's bots hold {held} {base} together, but the account has {has}: \
         {lacking} is missing; was some of it sold or moved by hand?"
    );
    if quarantined {
        findings.note(text);
    } else {
        findings.violations.push(Violation {
            invariant: Invariant::AmountsEqual,
            level: None,
            text,
        });
    }
}
