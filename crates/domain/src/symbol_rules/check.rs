//! Orders against the rules of their symbol: what they break, and the smallest that breaks nothing.
//!
//! Entry points: [`SymbolRules::check_order`], [`SymbolRules::min_quantity`],
//! [`SymbolRules::price_in_band`]. Pure; never knows balances, open orders or the market by itself.

use rust_decimal::Decimal;

use super::{BandRule, RuleBreach, SymbolRules, SymbolStatus};
use crate::{Price, Quantity, QuoteAmount, Side};

/// The finest grid computed amounts are put on where a symbol has no tick or step of its own:
/// Binance keeps 8 decimals of every asset (rest-api.md, `baseAssetPrecision`).
const FINEST: Decimal = Decimal::from_parts(1, 0, 0, false, 8);

impl SymbolRules {
    /// Every rule an order would break, in the order price, quantity, value; empty when it obeys
    /// all. Both sides obey the same rules here; the band, which moves with the market, is
    /// [`price_in_band`](Self::price_in_band)'s.
    #[must_use]
    pub fn check_order(&self, _side: Side, price: Price, quantity: Quantity) -> Vec<RuleBreach> {
        let mut breaches = self.check_price(price);
        breaches.extend(self.check_quantity(quantity));
        if !quantity.is_zero() {
            breaches.extend(self.check_value(price, quantity));
        }
        breaches
    }

    /// Every part of `PRICE_FILTER` a price breaks.
    #[must_use]
    pub fn check_price(&self, price: Price) -> Vec<RuleBreach> {
        let mut breaches = Vec::new();
        let Some(rule) = self.price else {
            return breaches;
        };
        if !rule.min.is_zero() && price.decimal() < rule.min {
            breaches.push(RuleBreach::PriceTooLow {
                price,
                min: rule.min,
            });
        }
        if !rule.max.is_zero() && price.decimal() > rule.max {
            breaches.push(RuleBreach::PriceTooHigh {
                price,
                max: rule.max,
            });
        }
        let below = price.floor_to_tick(rule.tick);
        if below != Some(price) {
            breaches.push(RuleBreach::PriceOffTick {
                price,
                tick: rule.tick,
                below,
                above: price.ceil_to_tick(rule.tick),
            });
        }
        breaches
    }

    /// Every part of `LOT_SIZE` a quantity breaks.
    #[must_use]
    pub fn check_quantity(&self, quantity: Quantity) -> Vec<RuleBreach> {
        let mut breaches = Vec::new();
        if quantity.is_zero() {
            // A zero breaks most other rules as well; naming them all would hide the reason.
            breaches.push(RuleBreach::QuantityZero);
            return breaches;
        }
        let Some(rule) = self.lot else {
            return breaches;
        };
        if quantity < rule.min {
            breaches.push(RuleBreach::QuantityTooSmall {
                quantity,
                min: rule.min,
            });
        }
        if quantity > rule.max {
            breaches.push(RuleBreach::QuantityTooLarge {
                quantity,
                max: rule.max,
            });
        }
        let below = quantity.floor_to_step(rule.step);
        if below != Some(quantity) {
            breaches.push(RuleBreach::QuantityOffStep {
                quantity,
                step: rule.step,
                below: below.filter(|below| !below.is_zero()),
                above: quantity.ceil_to_step(rule.step),
            });
        }
        breaches
    }

    /// What `NOTIONAL` says to a value, or that the value cannot be calculated.
    pub(crate) fn check_value(&self, price: Price, quantity: Quantity) -> Option<RuleBreach> {
        let Some(value) = price.times(quantity) else {
            return Some(RuleBreach::Incalculable { price, quantity });
        };
        let rule = self.notional?;
        if value < rule.min {
            return Some(RuleBreach::ValueTooSmall {
                value,
                min: rule.min,
                enough: self.min_quantity(Side::Buy, price),
            });
        }
        rule.max
            .filter(|max| value > *max)
            .map(|max| RuleBreach::ValueTooLarge { value, max })
    }

    /// What prices are multiples of, in quote; 0 when any price will do.
    #[must_use]
    pub fn tick(&self) -> Decimal {
        self.price.map_or(Decimal::ZERO, |rule| rule.tick)
    }

    /// What quantities are multiples of, in base; 0 when any quantity will do.
    #[must_use]
    pub fn step(&self) -> Decimal {
        self.lot.map_or(Decimal::ZERO, |rule| rule.step)
    }

    /// The tick calculated prices are put on: the symbol's, or the finest the exchange keeps.
    pub(crate) fn working_tick(&self) -> Decimal {
        or_finest(self.tick())
    }

    /// The step calculated quantities are put on: the symbol's, or the finest the exchange keeps.
    #[must_use]
    pub fn working_step(&self) -> Decimal {
        or_finest(self.step())
    }

    /// Lowest and highest limit price the exchange takes for this side while the reference price
    /// is `reference` (filters.md, `PERCENT_PRICE_BY_SIDE`); `None` when the symbol has no such
    /// filter.
    #[must_use]
    pub fn band(&self, side: Side, reference: Price) -> Option<(Decimal, Decimal)> {
        let BandRule {
            bid_up,
            bid_down,
            ask_up,
            ask_down,
        } = self.band?;
        let (down, up) = match side {
            Side::Buy => (bid_down, bid_up),
            Side::Sell => (ask_down, ask_up),
        };
        // Saturation only widens a band that is beyond every price anyway.
        Some((
            reference.decimal().saturating_mul(down),
            reference.decimal().saturating_mul(up),
        ))
    }

    /// Whether the exchange takes a limit price for this side while the reference price is
    /// `reference`. True when the symbol has no such filter.
    #[must_use]
    pub fn price_in_band(&self, side: Side, price: Price, reference: Price) -> bool {
        self.band(side, reference)
            .is_none_or(|(low, high)| low <= price.decimal() && price.decimal() <= high)
    }

    /// The smallest quantity on step that passes `LOT_SIZE` and `NOTIONAL` at this price, never
    /// zero. Where no quantity does, the largest there is, so that a comparison with what is held
    /// fails on the safe side. Both sides obey the same minimum.
    #[must_use]
    pub fn min_quantity(&self, _side: Side, price: Price) -> Quantity {
        self.find_min_quantity(price).unwrap_or(Quantity::MAX)
    }

    fn find_min_quantity(&self, price: Price) -> Option<Quantity> {
        let step = self.working_step();
        let lot = self.lot.map_or(Quantity::ZERO, |rule| rule.min);
        let least = Quantity::new(step).ok()?.max(lot.ceil_to_step(step)?);
        let Some(rule) = self.notional else {
            return Some(least);
        };
        // The quotient may be rounded in its last digit: cut it, which can only make it smaller,
        // and let the exact product say whether one step more is needed.
        let quotient = rule
            .min
            .decimal()
            .checked_div(price.decimal())?
            .trunc_with_scale(18);
        let by_value = Quantity::new(quotient.max(Decimal::ZERO))
            .ok()?
            .ceil_to_step(step)?;
        let found = least.max(by_value);
        if price.times(found)? >= rule.min {
            Some(found)
        } else {
            found.checked_add(Quantity::new(step).ok()?)
        }
    }

    /// How much value an order lacks to the smallest the symbol takes, in quote; `None` when it
    /// lacks nothing, or cannot be calculated.
    #[must_use]
    pub fn missing_notional(&self, price: Price, quantity: Quantity) -> Option<QuoteAmount> {
        let min = self.notional?.min;
        let value = price.times(quantity)?;
        min.checked_sub(value)
            .filter(|missing| *missing > QuoteAmount::ZERO)
    }

    /// Whether new orders are accepted now (enums.md, symbol status).
    #[must_use]
    pub const fn trades(&self) -> bool {
        match self.status {
            SymbolStatus::Trading => true,
            SymbolStatus::CancelOnly
            | SymbolStatus::Halted
            | SymbolStatus::Delisted
            | SymbolStatus::Unrecognized => false,
        }
    }
}

fn or_finest(grid: Decimal) -> Decimal {
    if grid.is_zero() { FINEST } else { grid }
}
