//! The audit's own reading of a symbol's rules (Binance filters.md): what an order may not be.

use domain::SymbolRules;
use rust_decimal::Decimal;
use trading::OrderView;

/// What an order breaks, in words; empty for one that obeys.
pub(super) fn breaches(order: &OrderView, rules: &SymbolRules) -> Vec<String> {
    let mut found = Vec::new();
    let quantity = order.quantity.decimal();
    if let Some(lot) = rules.lot {
        if quantity < lot.min.decimal() || quantity > lot.max.decimal() {
            let (min, max) = (lot.min, lot.max);
            found.push(format!("its quantity {quantity} is outside {min} to {max}"));
        }
        if !is_multiple(quantity, lot.step) {
            let step = lot.step;
            found.push(format!(
                "its quantity {quantity} is no multiple of the step {step}"
            ));
        }
    }
    let Some(price) = order.price.map(domain::Price::decimal) else {
        found.push("it has no limit price".to_owned());
        return found;
    };
    if let Some(rule) = rules.price {
        let low = !rule.min.is_zero() && price < rule.min;
        let high = !rule.max.is_zero() && price > rule.max;
        if low || high {
            let (min, max) = (rule.min, rule.max);
            found.push(format!("its price {price} is outside {min} to {max}"));
        }
        if !is_multiple(price, rule.tick) {
            let tick = rule.tick;
            found.push(format!(
                "its price {price} is no multiple of the tick {tick}"
            ));
        }
    }
    if let (Some(rule), Some(value)) = (rules.notional, price.checked_mul(quantity)) {
        let most = rule.max.map(domain::QuoteAmount::decimal);
        if value < rule.min.decimal() || most.is_some_and(|most| value > most) {
            found.push(format!("its value {value} is outside the symbol's limits"));
        }
    }
    found
}

/// The smallest base quantity that can be sold at `price`.
pub(super) fn smallest_sale(rules: &SymbolRules, price: Decimal) -> Decimal {
    let (least, step) = rules
        .lot
        .map_or_else(Default::default, |lot| (lot.min.decimal(), lot.step));
    let by_value = rules
        .notional
        .and_then(|rule| rule.min.decimal().checked_div(price))
        .unwrap_or_default();
    // A step more than both, for the quotient may have been cut.
    least.max(by_value).saturating_add(step)
}

fn is_multiple(value: Decimal, step: Decimal) -> bool {
    step.is_zero() || value.checked_rem(step).is_some_and(|rest| rest.is_zero())
}
