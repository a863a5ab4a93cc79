//! How a level that starts above the market gets what it is to sell.
//!
//! Entry point: [`first_inventory_price`]. Planning and recovery ask the same function, so the
//! capital a plan names is what its first orders are sent with. Never looks at balances.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::amount::{ceil_to_step, floor_to_step};
use crate::{BestPrices, FirstInventory, GridPlan, Price, Rate, Rung, Side, SymbolRules};

/// How far above the best ask a first purchase may reach, as a share of it: 0.5 %.
///
/// Enough for the ask to move while the order is under way, so that the purchase trades at once;
/// little enough that a thin book cannot make the inventory noticeably dearer than the market.
pub const FIRST_BUY_SLACK: Decimal = Decimal::from_parts(5, 0, 0, false, 3);

/// How a level starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Entry {
    /// With a BUY resting at its buy price.
    RestingBuy,
    /// With a BUY that trades at once, then its SELL.
    MarketBuy {
        /// The limit of that BUY.
        price: Price,
    },
    /// With its SELL, of base the account already has.
    FromBalance {
        /// What a unit of that base is worth now: the best bid.
        price: Price,
    },
}

/// The limit of a level's first purchase when the level is above the market: its buy price is not
/// below the best ask, so a BUY resting there would cross. `None` for a level that is not.
///
/// The limit is the ask plus [`FIRST_BUY_SLACK`], rounded up to the tick, but never dearer than
/// the level's own buy price, nor than what its sell price leaves after the taker fee of this
/// purchase and the maker fee of that sale, nor above the exchange's band around the ask. With
/// fees beyond the level's spread it can lie below the ask: the order then rests.
#[must_use]
pub fn first_inventory_price(
    rung: &Rung,
    rules: &SymbolRules,
    prices: BestPrices,
    taker_fee: Rate,
    maker_fee: Rate,
) -> Option<Price> {
    if rung.buy_price < prices.ask {
        return None;
    }
    let tick = rules.working_tick();
    let reach = Decimal::ONE.checked_add(FIRST_BUY_SLACK)?;
    let eager = ceil_to_step(prices.ask.decimal().checked_mul(reach)?, tick)?;
    let after_fees = rung
        .sell_price
        .decimal()
        .checked_mul(maker_fee.rest())?
        .checked_mul(taker_fee.rest())?;
    let mut price = eager
        .min(rung.buy_price.decimal())
        .min(floor_to_step(after_fees, tick)?);
    if let Some((_, high)) = rules.band(Side::Buy, prices.ask) {
        price = price.min(floor_to_step(high, tick)?);
    }
    Price::new(price).ok()
}

impl GridPlan {
    /// How a level starts with the market at `prices`.
    pub(super) fn entry(&self, rung: &Rung, rules: &SymbolRules, prices: BestPrices) -> Entry {
        let first = first_inventory_price(rung, rules, prices, self.taker_fee, self.maker_fee);
        match (first, self.first_inventory) {
            (None, _) => Entry::RestingBuy,
            (Some(price), FirstInventory::Buy) => Entry::MarketBuy { price },
            (Some(_), FirstInventory::FromBalance) => Entry::FromBalance { price: prices.bid },
        }
    }

    /// The larger of the fees in base that a purchase of this level can cost.
    pub(super) fn fee_of_purchase(&self, entry: Entry) -> Rate {
        match entry {
            Entry::MarketBuy { .. } => self.maker_fee.max(self.taker_fee),
            Entry::RestingBuy | Entry::FromBalance { .. } => self.maker_fee,
        }
    }
}
