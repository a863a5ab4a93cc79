//! What trades add up to, in plain decimals: the audit's own arithmetic.

use std::collections::BTreeMap;

use domain::{Asset, Side, Trade};
use rust_decimal::Decimal;

/// What a set of trades moved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Holdings {
    /// Base bought less base sold, before fees.
    pub(super) base: Decimal,
    /// Quote received less quote paid, before fees.
    pub(super) quote: Decimal,
    /// Fees, by asset.
    pub(super) fees: BTreeMap<Asset, Decimal>,
    /// Whether a sum did not fit into a decimal: then nothing can be said.
    pub(super) lost: bool,
}

impl Holdings {
    pub(super) fn add(&mut self, side: Side, trade: &Trade) {
        let (base, quote) = (trade.quantity.decimal(), trade.quote.decimal());
        let sums = match side {
            Side::Buy => (self.base.checked_add(base), self.quote.checked_sub(quote)),
            Side::Sell => (self.base.checked_sub(base), self.quote.checked_add(quote)),
        };
        if let (Some(base), Some(quote)) = sums {
            (self.base, self.quote) = (base, quote);
        } else {
            self.lost = true;
        }
        if let Some(fee) = &trade.fee {
            let paid = self.fees.entry(fee.asset.clone()).or_default();
            match paid.checked_add(fee.amount.decimal()) {
                Some(sum) => *paid = sum,
                None => self.lost = true,
            }
        }
    }

    pub(super) fn fee(&self, asset: &Asset) -> Decimal {
        self.fees.get(asset).copied().unwrap_or_default()
    }

    /// Base that is left, fees in base taken off.
    pub(super) fn base_left(&self, base: &Asset) -> Option<Decimal> {
        self.base.checked_sub(self.fee(base))
    }

    /// Quote gained, fees in quote taken off.
    pub(super) fn quote_gained(&self, quote: &Asset) -> Option<Decimal> {
        self.quote.checked_sub(self.fee(quote))
    }
}
