//! Booking trades: what a level holds, what it has cost, what it has earned.
//!
//! Average cost: a sale takes its share of the cost of everything held. Fees in quote add to the
//! cost of a purchase and reduce the proceeds of a sale; fees in base reduce what is held; fees in
//! a third asset are only counted.

use rust_decimal::Decimal;

use crate::{Asset, BaseAmount, Level, Quantity, QuoteAmount, Side, Trade};

/// The two assets of a symbol.
#[derive(Debug, Clone, Copy)]
pub struct Assets<'a> {
    /// What is bought and sold.
    pub base: &'a Asset,
    /// What it is paid with.
    pub quote: &'a Asset,
}

/// Books one trade into what the level holds. `None` when an amount no longer fits into an exact
/// decimal; the level given is never changed.
#[must_use]
pub fn book_trade(level: &Level, side: Side, trade: &Trade, assets: Assets<'_>) -> Option<Level> {
    let mut booked = level.clone();
    let fee = trade.fee.as_ref().filter(|fee| !fee.amount.is_zero());
    let fee_in = |asset: &Asset| match fee {
        Some(fee) if fee.asset == *asset => fee.amount,
        Some(_) | None => Quantity::ZERO,
    };
    let base_fee = BaseAmount::from(fee_in(assets.base));
    let quote_fee = QuoteAmount::new(fee_in(assets.quote).decimal());
    let quantity = BaseAmount::from(trade.quantity);
    match side {
        Side::Buy => {
            booked.base = level.base.checked_add(quantity)?.checked_sub(base_fee)?;
            booked.cost = level
                .cost
                .checked_add(trade.quote)?
                .checked_add(quote_fee)?;
        }
        Side::Sell => {
            let cost_of_sale = cost_share(level, trade.quantity)?;
            let earned = trade
                .quote
                .checked_sub(quote_fee)?
                .checked_sub(cost_of_sale)?;
            booked.base = level.base.checked_sub(quantity)?.checked_sub(base_fee)?;
            booked.cost = level.cost.checked_sub(cost_of_sale)?;
            booked.realized_profit = level.realized_profit.checked_add(earned)?;
        }
    }
    if let Some(fee) = fee {
        let paid = booked
            .fees
            .entry(fee.asset.clone())
            .or_insert(Quantity::ZERO);
        *paid = paid.checked_add(fee.amount)?;
    }
    Some(booked)
}

/// The part of the level's cost that belongs to `sold`: all of it once everything is sold.
fn cost_share(level: &Level, sold: Quantity) -> Option<QuoteAmount> {
    let held = level.base.decimal();
    if held <= Decimal::ZERO || sold.decimal() >= held {
        return Some(level.cost);
    }
    let share = level
        .cost
        .decimal()
        .checked_mul(sold.decimal())?
        .checked_div(held)?;
    Some(QuoteAmount::new(share))
}

/// What the base held would bring at `price` beyond its cost, before fees: the floating profit.
#[must_use]
pub fn floating_profit(level: &Level, price: crate::Price) -> Option<QuoteAmount> {
    let value = level.base.decimal().checked_mul(price.decimal())?;
    QuoteAmount::new(value).checked_sub(level.cost)
}
