//! The symbol's filters (`filters.md`), judged on one order.
//!
//! Entry point: [`check`]. Order of checks: precision, PRICE_FILTER, LOT_SIZE, MARKET_LOT_SIZE, notional, price band,
//! MAX_NUM_ORDERS, MAX_POSITION. Never looks at balances.

use rust_decimal::Decimal;

use super::order::{OrderType, Side};
use super::reject::Reject;
use super::symbol::SymbolRules;

/// No amount above this enters the model: products of two such numbers still fit a `Decimal`.
const LARGEST: Decimal = Decimal::from_parts(1_316_134_912, 2_328, 0, false, 0);

/// Decimals of every asset here, as of nearly every asset on the exchange.
pub(crate) const ASSET_DECIMALS: u32 = 8;

/// What the filters need to know about an order and its surroundings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) side: Side,
    pub(crate) order_type: OrderType,
    /// Limit price, or the price a MARKET order would see first.
    pub(crate) price: Decimal,
    /// Base quantity.
    pub(crate) quantity: Decimal,
    /// Reference of the price band.
    pub(crate) last_price: Decimal,
    /// Open orders of the account on the symbol.
    pub(crate) open_orders: usize,
    /// Base held (free and locked) plus open BUY quantity.
    pub(crate) position: Decimal,
}

/// Refuses numbers that no asset can hold: zero, negative, too many decimals, or beyond all bounds.
pub(crate) fn check_number(name: &str, value: Decimal) -> Result<(), Reject> {
    if value.normalize().scale() > ASSET_DECIMALS {
        return Err(Reject::precision(name));
    }
    if value <= Decimal::ZERO || value > LARGEST {
        return Err(Reject::invalid_parameter(name));
    }
    Ok(())
}

/// Judges one order by the symbol's filters.
pub(crate) fn check(rules: &SymbolRules, order: Candidate) -> Result<(), Reject> {
    let limit = order.order_type != OrderType::Market;
    if limit
        && !passes(
            order.price,
            (rules.min_price, rules.max_price),
            rules.tick_size,
        )
    {
        return Err(Reject::filter("PRICE_FILTER"));
    }
    if !passes(
        order.quantity,
        (rules.min_quantity, rules.max_quantity),
        rules.step_size,
    ) {
        return Err(Reject::filter("LOT_SIZE"));
    }
    if !limit
        && !passes(
            order.quantity,
            (Decimal::ZERO, rules.max_market_quantity),
            Decimal::ZERO,
        )
    {
        return Err(Reject::filter("MARKET_LOT_SIZE"));
    }
    let name = if rules.old_notional_filter {
        "MIN_NOTIONAL"
    } else {
        "NOTIONAL"
    };
    let notional = order
        .price
        .checked_mul(order.quantity)
        .ok_or_else(|| Reject::filter(name))?;
    let too_large = !rules.max_notional.is_zero()
        && notional > rules.max_notional
        && !rules.old_notional_filter;
    if notional < rules.min_notional || too_large {
        return Err(Reject::filter(name));
    }
    if limit && !in_band(rules, order) {
        return Err(Reject::filter("PERCENT_PRICE_BY_SIDE"));
    }
    if order.open_orders >= usize::try_from(rules.max_num_orders).unwrap_or(usize::MAX) {
        return Err(Reject::filter("MAX_NUM_ORDERS"));
    }
    let over = rules
        .max_position
        .is_some_and(|max| order.position + order.quantity > max);
    if order.side == Side::Buy && over {
        return Err(Reject::filter("MAX_POSITION"));
    }
    Ok(())
}

fn passes(value: Decimal, (min, max): (Decimal, Decimal), grid: Decimal) -> bool {
    let fits = grid.is_zero() || (value % grid).is_zero();
    fits && value >= min && (max.is_zero() || value <= max)
}

fn in_band(rules: &SymbolRules, order: Candidate) -> bool {
    let Some(band) = rules.price_band else {
        return true;
    };
    let (up, down) = match order.side {
        Side::Buy => (band.bid_up, band.bid_down),
        Side::Sell => (band.ask_up, band.ask_down),
    };
    order.price <= order.last_price * up && order.price >= order.last_price * down
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_number_is_ten_to_the_thirteenth() {
        assert_eq!(LARGEST, Decimal::from(10_000_000_000_000_i64));
    }
}
