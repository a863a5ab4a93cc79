//! How much each level buys: what the plan says, or what its investment allows.
//!
//! The exchange takes a purchase's fee from the base it delivers (or in a third asset), never from
//! the quote: so a purchase needs price times quantity in quote, and leaves less base to sell.

use rust_decimal::Decimal;

use super::{Entry, GridPlan, PlanProblem, Sizing};
use crate::amount::{ceil_to_step, exact_product, floor_to_step};
use crate::{BestPrices, Price, Quantity, QuoteAmount, Rate, Rung, Side, SymbolRules};

impl GridPlan {
    /// The levels between the lines with their quantity, and how each starts. What stands against
    /// the investment is added to `problems`.
    pub(super) fn size(
        &self,
        lines: &[Price],
        rules: &SymbolRules,
        prices: Option<BestPrices>,
        problems: &mut Vec<PlanProblem>,
    ) -> (Vec<Rung>, Vec<Entry>) {
        let mut rungs: Vec<Rung> = lines
            .iter()
            .zip(lines.iter().skip(1))
            .map(|(buy, sell)| Rung {
                buy_price: *buy,
                sell_price: *sell,
                quantity: Quantity::ZERO,
            })
            .collect();
        let entries: Vec<Entry> = rungs
            .iter()
            .map(|rung| prices.map_or(Entry::RestingBuy, |prices| self.entry(rung, rules, prices)))
            .collect();
        let quantity = match self.sizing {
            Sizing::BasePerLevel { quantity } => quantity,
            Sizing::Investment { total } => {
                let (quantity, problem) = self.quantity_for(total, &rungs, &entries, rules);
                problems.extend(problem);
                quantity
            }
        };
        for rung in &mut rungs {
            rung.quantity = quantity;
        }
        (rungs, entries)
    }

    /// The largest quantity on step that the investment pays for at every level, and why it does
    /// not do if it does not.
    fn quantity_for(
        &self,
        total: QuoteAmount,
        rungs: &[Rung],
        entries: &[Entry],
        rules: &SymbolRules,
    ) -> (Quantity, Option<PlanProblem>) {
        if total <= QuoteAmount::ZERO {
            let problem = PlanProblem::InvestmentNotPositive { total };
            return (Quantity::ZERO, Some(problem));
        }
        let figures = || {
            let per_unit = worth_of_one_each(rungs, entries)?;
            let quantity = affordable(total, per_unit, rules.working_step())?;
            let least = self.least_quantity(rungs, entries, rules)?;
            let needed = exact_product(per_unit, least.decimal())?;
            Some((quantity, least, QuoteAmount::new(needed)))
        };
        let Some((quantity, least, needed)) = figures() else {
            return (Quantity::ZERO, Some(PlanProblem::Incalculable));
        };
        let levels = u32::try_from(rungs.len()).unwrap_or(u32::MAX);
        let problem = (quantity < least).then_some(PlanProblem::InvestmentTooSmall {
            total,
            needed,
            quantity: least,
            levels,
        });
        (quantity, problem)
    }

    /// The smallest quantity with which every level can buy, and sell what the fee leaves of it.
    fn least_quantity(
        &self,
        rungs: &[Rung],
        entries: &[Entry],
        rules: &SymbolRules,
    ) -> Option<Quantity> {
        let mut least = Quantity::ZERO;
        for (rung, entry) in rungs.iter().zip(entries) {
            if let Entry::MarketBuy { price } = entry {
                least = least.max(rules.min_quantity(Side::Buy, *price));
            }
            let to_sell = rules.min_quantity(Side::Sell, rung.sell_price);
            let fee = self.fee_of_purchase(*entry);
            least = least
                .max(rules.min_quantity(Side::Buy, rung.buy_price))
                .max(before_fee(to_sell, fee, rules)?);
        }
        Some(least)
    }
}

/// What is left to sell of a purchase after a fee in base, floored to step.
pub(super) fn after_fee(bought: Quantity, fee: Rate, rules: &SymbolRules) -> Option<Quantity> {
    let kept = bought.decimal().checked_mul(fee.rest())?;
    Quantity::new(floor_to_step(kept, rules.working_step())?).ok()
}

/// The smallest purchase on step of which a fee in base leaves at least `kept`.
pub(super) fn before_fee(kept: Quantity, fee: Rate, rules: &SymbolRules) -> Option<Quantity> {
    let step = rules.working_step();
    Quantity::new(ceil_to_step(kept.decimal().checked_div(fee.rest())?, step)?).ok()
}

/// What one unit of base at every level takes of the investment, in quote.
fn worth_of_one_each(rungs: &[Rung], entries: &[Entry]) -> Option<Decimal> {
    rungs
        .iter()
        .zip(entries)
        .try_fold(Decimal::ZERO, |sum, (rung, entry)| {
            let price = match entry {
                Entry::RestingBuy => rung.buy_price,
                Entry::MarketBuy { price } | Entry::FromBalance { price } => *price,
            };
            sum.checked_add(price.decimal())
        })
        .filter(|sum| !sum.is_zero())
}

fn affordable(total: QuoteAmount, per_unit: Decimal, step: Decimal) -> Option<Quantity> {
    let quotient = total.decimal().checked_div(per_unit)?;
    let quantity = floor_to_step(quotient, step)?;
    // The quotient is rounded in its last digit, so the product has the last word.
    if exact_product(per_unit, quantity)? <= total.decimal() {
        Quantity::new(quantity).ok()
    } else {
        Quantity::new(quantity.checked_sub(step)?).ok()
    }
}
