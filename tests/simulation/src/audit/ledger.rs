//! The ledger and the levels' holdings against the exchange's trades.

use std::collections::BTreeMap;

use domain::{BotId, Side};
use rust_decimal::Decimal;
use trading::FillRecord;

use super::{Finding, Past, PastOrder};
use crate::World;

/// Divisions of costs may differ in their last digits.
const TOLERANCE: Decimal = Decimal::from_parts(1, 0, 0, false, 15);

type TradeKey = (u16, u32, i64);

/// Where the ledger or the holdings differ from what was traded.
pub(super) fn differences(world: &World, bot: &BotId, past: &Past) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut entries: BTreeMap<TradeKey, FillRecord> = BTreeMap::new();
    for fill in world.store.ledger_now() {
        if fill.bot == *bot && !world.was_meddled_with(bot, fill.level) {
            entries.insert((fill.level.0, fill.no.0, fill.trade.id.0), fill);
        }
    }
    for order in past.levels.values().flatten() {
        found.extend(unlike(order, &mut entries));
    }
    found.extend(entries.values().map(|fill| {
        Finding::FillWithoutTrade(format!(
            "level {} no {} {:?}",
            fill.level, fill.no, fill.trade
        ))
    }));
    for orders in past.levels.values() {
        found.extend(holdings(world, bot, orders));
    }
    found
}

fn unlike(order: &PastOrder, entries: &mut BTreeMap<TradeKey, FillRecord>) -> Vec<Finding> {
    let mut found = Vec::new();
    for trade in &order.trades {
        let Some(fill) = entries.remove(&(order.level.0, order.no.0, trade.id)) else {
            found.push(Finding::LedgerDiffers(format!(
                "{order}: no entry for {trade:?}"
            )));
            continue;
        };
        let fee = fill.trade.fee.as_ref();
        let amount = fee.map_or(Decimal::ZERO, |fee| fee.amount.decimal());
        let asset = fee.map(|fee| fee.asset.to_string());
        let same_asset = amount.is_zero() || asset.as_ref() == Some(&trade.commission_asset);
        let same = fill.exchange_order_id.0 == order.exchange_order_id
            && (fill.side == Side::Sell) == order.is_sell
            && fill.trade.quantity.decimal() == trade.quantity
            && fill.trade.quote.decimal() == trade.quote
            && amount == trade.commission
            && same_asset;
        if !same {
            found.push(Finding::LedgerDiffers(format!(
                "{order}: {trade:?} is not {fill:?}"
            )));
        }
    }
    found
}

fn holdings(world: &World, bot: &BotId, orders: &[PastOrder]) -> Vec<Finding> {
    let Some(first) = orders.first() else {
        return Vec::new();
    };
    let level = world.store.level_now(bot, first.level.0);
    let base: Decimal = orders.iter().map(PastOrder::base_change).sum();
    let quote: Decimal = orders.iter().map(PastOrder::quote_change).sum();
    let mut fees: BTreeMap<String, Decimal> = BTreeMap::new();
    for trade in orders.iter().flat_map(|order| &order.trades) {
        let asset = fees.entry(trade.commission_asset.clone()).or_default();
        *asset += trade.commission;
    }
    fees.retain(|_, amount| !amount.is_zero());
    let booked: BTreeMap<String, Decimal> = level
        .fees
        .iter()
        .map(|(asset, amount)| (asset.to_string(), amount.decimal()))
        .collect();
    let cash = level.realized_profit.decimal() - level.cost.decimal();
    let mut found = Vec::new();
    let mut differ = |what: &str, booked: String, traded: String| {
        let text = format!("level {}: {what} is {booked}, traded {traded}", level.index);
        found.push(Finding::HoldingsDiffer(text));
    };
    if level.base.decimal() != base {
        differ("base", level.base.to_string(), base.to_string());
    }
    if (cash - quote).abs() > TOLERANCE {
        differ("quote", cash.to_string(), quote.to_string());
    }
    if booked != fees {
        differ("fees", format!("{booked:?}"), format!("{fees:?}"));
    }
    found
}
