//! A refused plan's reasons in words: what is wrong, with which figures, and how to mend it.

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};

use super::{LevelLoss, PlanError, PlanProblem, PlannedOrder, Spacing};
use crate::{Price, RuleBreach};

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the plan cannot be carried out:")?;
        for problem in &self.problems {
            write!(f, "\n- {problem}")?;
        }
        Ok(())
    }
}

impl fmt::Display for PlannedOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Buy { price } => write!(f, "the BUY at {price}"),
            Self::FirstBuy { price } => write!(f, "the first BUY at {price}"),
            Self::Sell { price, bought, fee } => {
                write!(
                    f,
                    "the SELL at {price} of what a fee of {fee} leaves of {bought}"
                )
            }
        }
    }
}

impl fmt::Display for PlanProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTrading { status } => {
                write!(
                    f,
                    "the symbol takes no orders now, it is {status}: wait until it trades"
                )
            }
            Self::PostOnlyNotAllowed => {
                f.write_str("the symbol has no post-only orders (LIMIT_MAKER): plan without them")
            }
            Self::Lower { breach } => write!(f, "lowest line: {breach}"),
            Self::Upper { breach } => write!(f, "highest line: {breach}"),
            Self::UpperNotAboveLower { lower, upper } => write!(
                f,
                "the highest line {upper} is not above the lowest line {lower}: \
                 raise the one or lower the other"
            ),
            Self::StepTooLarge { step, lower, upper } => write!(
                f,
                "a grid has two levels or more, but two steps of {step} do not fit between {lower} and {upper}: \
                 use a smaller step or a wider range"
            ),
            Self::TooFewLevels { levels, min } => write!(
                f,
                "levels: {levels}, but a grid has {min} or more: ask for more"
            ),
            Self::TooManyLevels { levels, max } => match levels {
                Some(levels) => write!(
                    f,
                    "levels: {levels}, but a bot has at most {max}: ask for fewer"
                ),
                None => write!(
                    f,
                    "the step makes more than {max} levels, the most a bot has: \
                     use a larger step or a narrower range"
                ),
            },
            Self::StepZero => f.write_str("the step is 0%: use a step such as 1.5%"),
            Self::StepFinerThanTick { price, tick, fits } => {
                write!(
                    f,
                    "two neighbouring lines fall on {price}, as the step there is finer than the tick {tick}: "
                )?;
                finer_than_tick_remedy(f, *fits)
            }
            Self::Quantity { breach } => write!(f, "each level: {breach}"),
            Self::Order {
                level,
                order,
                breach,
                others,
            } => {
                write!(f, "level {level}{}, {order}: {breach}", Others(*others))?;
                f.write_str(about_fees(order, breach))
            }
            Self::LosesMoney(loss) => loss.fmt(f),
            Self::InvestmentNotPositive { .. }
            | Self::InvestmentTooSmall { .. }
            | Self::InventoryMissing { .. } => self.about_funds(f),
            Self::Incalculable => f.write_str(
                "the figures are too large or too fine to calculate exactly: use fewer digits",
            ),
        }
    }
}

impl PlanProblem {
    fn about_funds(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::InvestmentNotPositive { total } = self {
            write!(f, "the investment is {total}: invest more than 0")?;
        }
        if let Self::InvestmentTooSmall {
            total,
            needed,
            quantity,
            levels,
        } = self
        {
            write!(
                f,
                "the investment of {total} is too small: {levels} levels of the smallest possible \
                 quantity, {quantity}, need {needed}: invest more or ask for fewer levels"
            )?;
        }
        if let Self::InventoryMissing {
            asset,
            needed,
            free,
            missing,
        } = self
        {
            write!(
                f,
                "the balance has too little {asset}: {needed} are needed, {free} are free and held by no bot: \
                 deposit {missing}, ask for less, or leave --from-balance out and let the levels buy"
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for LevelLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = self.level;
        let (loses, each) = if self.net.decimal().is_zero() {
            ("earn nothing", "brings 0".to_owned())
        } else {
            let lost = self.net.decimal().abs();
            ("lose money", format!("loses {lost}"))
        };
        match (self.others.saturating_add(1), self.levels) {
            (1, _) => write!(f, "level {level} would {loses}: ")?,
            (2, 2) => write!(f, "both levels would {loses}, level {level} the most: ")?,
            (all, levels) if all == levels => {
                write!(
                    f,
                    "all {all} levels would {loses}, level {level} the most: "
                )?;
            }
            (some, all) => write!(
                f,
                "{some} of {all} levels would {loses}, level {level} the most: "
            )?,
        }
        write!(
            f,
            "bought at {} and sold at {}, with a fee of {} each time, each {} {each} {}; it would have to sell \
             at {} or more{}: use a larger step, that is fewer levels or a wider range",
            self.buy_price,
            self.sell_price,
            self.fee,
            self.base,
            self.quote,
            self.earns_from,
            HigherThan(self.earns_from, self.buy_price)
        )
    }
}

/// `, 1.5 % higher than it buys`, rounded up; nothing where that cannot be said exactly.
struct HigherThan(Price, Price);

impl fmt::Display for HigherThan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(sells, buys) = self;
        let ratio = sells.decimal().checked_div(buys.decimal());
        let percent = ratio
            .and_then(|ratio| ratio.checked_sub(Decimal::ONE))
            .and_then(|share| share.checked_mul(Decimal::ONE_HUNDRED));
        percent.map_or(Ok(()), |percent| {
            let up = RoundingStrategy::ToPositiveInfinity;
            let percent = percent.round_dp_with_strategy(3, up).normalize();
            write!(f, ", {percent} % higher than it buys")
        })
    }
}

fn finer_than_tick_remedy(f: &mut fmt::Formatter<'_>, fits: Option<Spacing>) -> fmt::Result {
    match fits {
        Some(Spacing::Arithmetic { levels } | Spacing::Geometric { levels }) => {
            write!(f, "use at most {levels} levels, or a wider range")
        }
        Some(Spacing::PercentStep { step }) => write!(f, "use a step of {step} or more"),
        None => f.write_str("use a wider range"),
    }
}

/// What a quantity that would do already takes into account, where that is not obvious.
const fn about_fees(order: &PlannedOrder, breach: &RuleBreach) -> &'static str {
    match (order, breach) {
        (
            PlannedOrder::Buy { .. } | PlannedOrder::FirstBuy { .. },
            RuleBreach::ValueTooSmall { .. },
        ) => ", which also leaves enough to sell after the fee",
        (PlannedOrder::Sell { .. }, RuleBreach::ValueTooSmall { .. }) => ", counted before the fee",
        _ => "",
    }
}

/// ` (4 other levels too)`, or nothing.
struct Others(u32);

impl fmt::Display for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            1 => f.write_str(" (1 other level too)"),
            others => write!(f, " ({others} other levels too)"),
        }
    }
}
