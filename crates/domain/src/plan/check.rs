//! What forbids a plan. Every check runs, so that the operator mends everything at once.
//!
//! Problems that repeat from level to level are reported once, for the level where they are worst,
//! with how many others have them too.

use std::mem::discriminant;

use rust_decimal::Decimal;

use super::sizing::{after_fee, before_fee};
use super::{
    Entry, GridPlan, LevelLoss, MAX_LEVELS, MIN_LEVELS, PlanProblem, PlannedOrder, Sizing, Spacing,
};
use crate::amount::ceil_to_step;
use crate::{LevelIndex, Price, Quantity, QuoteAmount, Rate, RuleBreach, Rung, Side, SymbolRules};

impl GridPlan {
    /// What can be said of the operator's wishes before any line is drawn.
    pub(super) fn check_wishes(&self, rules: &SymbolRules) -> Vec<PlanProblem> {
        let mut problems = Vec::new();
        if !rules.trades() {
            problems.push(PlanProblem::NotTrading {
                status: rules.status,
            });
        }
        if self.post_only && !rules.post_only_allowed {
            problems.push(PlanProblem::PostOnlyNotAllowed);
        }
        let breaches_of_lower = rules.check_price(self.lower);
        problems.extend(
            breaches_of_lower
                .into_iter()
                .map(|breach| PlanProblem::Lower { breach }),
        );
        let breaches_of_upper = rules.check_price(self.upper);
        problems.extend(
            breaches_of_upper
                .into_iter()
                .map(|breach| PlanProblem::Upper { breach }),
        );
        if self.upper <= self.lower {
            problems.push(PlanProblem::UpperNotAboveLower {
                lower: self.lower,
                upper: self.upper,
            });
        }
        problems.extend(match self.spacing {
            Spacing::Arithmetic { levels } | Spacing::Geometric { levels } => count(levels),
            Spacing::PercentStep { step } => {
                step.decimal().is_zero().then_some(PlanProblem::StepZero)
            }
        });
        problems
    }

    /// What can be said of the sizing when there are no lines to measure it against.
    pub(super) fn check_sizing_alone(&self, rules: &SymbolRules) -> Vec<PlanProblem> {
        match self.sizing {
            Sizing::BasePerLevel { quantity } => rules
                .check_quantity(quantity)
                .into_iter()
                .map(|breach| PlanProblem::Quantity { breach })
                .collect(),
            Sizing::Investment { total } if total <= QuoteAmount::ZERO => {
                vec![PlanProblem::InvestmentNotPositive { total }]
            }
            Sizing::Investment { .. } => Vec::new(),
        }
    }

    /// What the levels' orders would break, and which levels would lose money.
    ///
    /// `too_little_is_known`: the investment was found too small, and what quantity would do was
    /// said with it; that levels get too little then needs no saying again.
    pub(super) fn check_rungs(
        &self,
        rungs: &[Rung],
        entries: &[Entry],
        rules: &SymbolRules,
        too_little_is_known: bool,
    ) -> Vec<PlanProblem> {
        let news = |breach: &RuleBreach| !(too_little_is_known && is_too_little(breach));
        let mut problems = Vec::new();
        if let Some(rung) = rungs.first() {
            let breaches = rules.check_quantity(rung.quantity).into_iter().filter(news);
            problems.extend(breaches.map(|breach| PlanProblem::Quantity { breach }));
        }
        let mut worst_loss = None;
        let levels = u32::try_from(rungs.len()).unwrap_or(u32::MAX);
        for ((rung, entry), index) in rungs.iter().zip(entries).zip(0..) {
            let level = LevelIndex(index);
            for (order, breach) in self.breaches(rung, *entry, rules) {
                if news(&breach) {
                    record_breach(&mut problems, level, order, breach);
                }
            }
            if let Some(loss) = self.loss(level, rung, rules) {
                worst_loss = Some(worse_of(worst_loss, LevelLoss { levels, ..loss }));
            }
        }
        problems.extend(worst_loss.map(PlanProblem::LosesMoney));
        problems
    }

    /// What the orders of one level break, beyond what its quantity breaks by itself.
    fn breaches(
        &self,
        rung: &Rung,
        entry: Entry,
        rules: &SymbolRules,
    ) -> Vec<(PlannedOrder, RuleBreach)> {
        let bought = rung.quantity;
        let mut found = Vec::new();
        if bought.is_zero() {
            return found;
        }
        let purchase = |price| {
            let breach = rules.check_value(price, bought)?;
            Some(self.enough_to_sell_too(breach, rung, entry, rules))
        };
        let price = rung.buy_price;
        found.extend(purchase(price).map(|breach| (PlannedOrder::Buy { price }, breach)));
        if let Entry::MarketBuy { price } = entry {
            let breach = purchase(price);
            found.extend(breach.map(|breach| (PlannedOrder::FirstBuy { price }, breach)));
        }
        // Where the purchase is at fault, mending it comes first and may mend the sale as well.
        if found.is_empty() && rules.check_quantity(bought).is_empty() {
            let fee = self.fee_of_purchase(entry);
            let price = rung.sell_price;
            let sell = PlannedOrder::Sell { price, bought, fee };
            found.extend(sale_breaches(price, bought, fee, rules).map(|breach| (sell, breach)));
        }
        found
    }

    /// Raises the quantity that would do to what leaves enough for the sale as well, so that one
    /// change mends both.
    fn enough_to_sell_too(
        &self,
        breach: RuleBreach,
        rung: &Rung,
        entry: Entry,
        rules: &SymbolRules,
    ) -> RuleBreach {
        let to_sell = rules.min_quantity(Side::Sell, rung.sell_price);
        match (
            breach,
            before_fee(to_sell, self.fee_of_purchase(entry), rules),
        ) {
            (RuleBreach::ValueTooSmall { value, min, enough }, Some(for_sale)) => {
                RuleBreach::ValueTooSmall {
                    value,
                    min,
                    enough: enough.max(for_sale),
                }
            }
            (breach, _) => breach,
        }
    }

    fn loss(&self, level: LevelIndex, rung: &Rung, rules: &SymbolRules) -> Option<LevelLoss> {
        let net = self.net_per_unit(rung)?;
        if net > Decimal::ZERO {
            return None;
        }
        let kept = self.maker_fee.rest().checked_mul(self.maker_fee.rest())?;
        let even = rung.buy_price.decimal().checked_div(kept)?;
        let tick = rules.working_tick();
        let mut break_even = ceil_to_step(even, tick)?;
        if break_even == even {
            break_even = even.checked_add(tick)?;
        }
        Some(LevelLoss {
            level,
            buy_price: rung.buy_price,
            sell_price: rung.sell_price,
            fee: self.maker_fee,
            net: QuoteAmount::new(net),
            earns_from: Price::new(break_even).ok()?,
            others: 0,
            levels: 1,
            base: rules.base.clone(),
            quote: rules.quote.clone(),
        })
    }

    /// What one unit bought at this level earns when it is sold, after both maker fees, in quote.
    pub(super) fn net_per_unit(&self, rung: &Rung) -> Option<Decimal> {
        let kept = self.maker_fee.rest().checked_mul(self.maker_fee.rest())?;
        let proceeds = rung.sell_price.decimal().checked_mul(kept)?;
        proceeds.checked_sub(rung.buy_price.decimal())
    }
}

/// What the sale of a purchase breaks once the fee in base is taken off and the rest floored.
fn sale_breaches(
    price: Price,
    bought: Quantity,
    fee: Rate,
    rules: &SymbolRules,
) -> impl Iterator<Item = RuleBreach> {
    let kept = after_fee(bought, fee, rules);
    let by_quantity = kept.map(|kept| rules.check_quantity(kept));
    let by_value = match kept {
        Some(kept) if kept.is_zero() => None,
        Some(kept) => rules.check_value(price, kept),
        None => Some(RuleBreach::Incalculable {
            price,
            quantity: bought,
        }),
    };
    let breaches = by_quantity.into_iter().flatten().chain(by_value);
    breaches.map(move |breach| in_terms_of_purchase(breach, fee, rules))
}

/// Names the quantity that would do as what has to be bought, for that is what a plan asks for.
fn in_terms_of_purchase(breach: RuleBreach, fee: Rate, rules: &SymbolRules) -> RuleBreach {
    match breach {
        RuleBreach::ValueTooSmall { value, min, enough } => RuleBreach::ValueTooSmall {
            value,
            min,
            enough: before_fee(enough, fee, rules).unwrap_or(Quantity::MAX),
        },
        RuleBreach::PriceTooLow { .. }
        | RuleBreach::PriceTooHigh { .. }
        | RuleBreach::PriceOffTick { .. }
        | RuleBreach::QuantityZero
        | RuleBreach::QuantityTooSmall { .. }
        | RuleBreach::QuantityTooLarge { .. }
        | RuleBreach::QuantityOffStep { .. }
        | RuleBreach::ValueTooLarge { .. }
        | RuleBreach::Incalculable { .. } => breach,
    }
}

fn count(levels: u32) -> Option<PlanProblem> {
    if levels < MIN_LEVELS {
        Some(PlanProblem::TooFewLevels {
            levels,
            min: MIN_LEVELS,
        })
    } else if levels > MAX_LEVELS {
        Some(PlanProblem::TooManyLevels {
            levels: Some(levels),
            max: MAX_LEVELS,
        })
    } else {
        None
    }
}

const fn is_too_little(breach: &RuleBreach) -> bool {
    matches!(
        breach,
        RuleBreach::QuantityZero
            | RuleBreach::QuantityTooSmall { .. }
            | RuleBreach::ValueTooSmall { .. }
    )
}

/// Adds an order's problem, or counts it with the same one of another level, keeping the worse.
fn record_breach(
    problems: &mut Vec<PlanProblem>,
    level: LevelIndex,
    order: PlannedOrder,
    breach: RuleBreach,
) {
    for problem in problems.iter_mut() {
        if let PlanProblem::Order {
            level: known_level,
            order: known_order,
            breach: known_breach,
            others,
        } = problem
            && discriminant(known_order) == discriminant(&order)
            && discriminant(known_breach) == discriminant(&breach)
        {
            *others = others.saturating_add(1);
            // Levels come lowest first, so too small a value is worst where it was met first.
            if matches!(breach, RuleBreach::ValueTooLarge { .. }) {
                (*known_level, *known_order, *known_breach) = (level, order, breach);
            }
            return;
        }
    }
    problems.push(PlanProblem::Order {
        level,
        order,
        breach,
        others: 0,
    });
}

/// Keeps the worse of two losses, and counts them.
fn worse_of(known: Option<LevelLoss>, loss: LevelLoss) -> LevelLoss {
    let Some(known) = known else {
        return loss;
    };
    let others = known.others.saturating_add(1);
    let worse = if loss.net < known.net { loss } else { known };
    LevelLoss { others, ..worse }
}
