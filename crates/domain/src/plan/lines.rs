//! Where the lines of a grid lie: spaced as the plan says, each on the nearest tick, ties down.
//!
//! No float and no logarithm: the ratio of a geometric grid is found by bisection in exact
//! decimals, to their last digit.

use rust_decimal::Decimal;

use super::{GridPlan, MAX_LEVELS, MIN_LEVELS, PlanProblem, Spacing};
use crate::amount::{floor_to_step, round_to_tick};
use crate::{Price, Rate, SymbolRules};

/// More halvings than an interval of decimals has different values.
const MOST_HALVINGS: u32 = 200;

impl GridPlan {
    /// The lines, lowest first, one more than levels.
    ///
    /// Arithmetic and geometric grids begin exactly at `lower` and end exactly at `upper`. A grid
    /// by percent step is laid from the top: `upper`, then each line its upper neighbour less the
    /// step, as long as it is not below `lower`.
    pub(super) fn lines(&self, rules: &SymbolRules) -> Result<Vec<Price>, Box<PlanProblem>> {
        let tick = rules.working_tick();
        let lines = match self.spacing {
            Spacing::Arithmetic { levels } => {
                self.arithmetic(levels, tick).ok_or_else(incalculable)?
            }
            Spacing::Geometric { levels } => {
                self.geometric(levels, tick).ok_or_else(incalculable)?
            }
            Spacing::PercentStep { step } => self.percent_step(step, tick)?,
        };
        for (line, next) in lines.iter().zip(lines.iter().skip(1)) {
            if line >= next {
                return Err(Box::new(self.step_finer_than_tick(*line, tick)));
            }
        }
        Ok(lines)
    }

    fn arithmetic(&self, levels: u32, tick: Decimal) -> Option<Vec<Price>> {
        let span = self.upper.decimal().checked_sub(self.lower.decimal())?;
        self.between(levels, |position| {
            let part = span
                .checked_mul(Decimal::from(position))?
                .checked_div(Decimal::from(levels))?;
            on_tick(self.lower.decimal().checked_add(part)?, tick)
        })
    }

    fn geometric(&self, levels: u32, tick: Decimal) -> Option<Vec<Price>> {
        let span = self.upper.decimal().checked_div(self.lower.decimal())?;
        let ratio = root(span, levels)?;
        let mut factor = Decimal::ONE;
        self.between(levels, |_| {
            factor = factor.checked_mul(ratio)?;
            on_tick(self.lower.decimal().checked_mul(factor)?, tick)
        })
    }

    /// The ends as they were given, and what `line` says for each position between them.
    fn between(
        &self,
        levels: u32,
        mut line: impl FnMut(u32) -> Option<Price>,
    ) -> Option<Vec<Price>> {
        let mut lines = vec![self.lower];
        for position in 1..levels {
            lines.push(line(position)?);
        }
        lines.push(self.upper);
        Some(lines)
    }

    fn percent_step(&self, step: Rate, tick: Decimal) -> Result<Vec<Price>, Box<PlanProblem>> {
        let mut lines = vec![self.upper];
        let mut sell = self.upper;
        for _level in 0..=MAX_LEVELS {
            let Some(buy) = sell
                .decimal()
                .checked_mul(step.rest())
                .and_then(|below| round_to_tick(below, tick))
            else {
                return Err(incalculable());
            };
            if buy < self.lower.decimal() {
                lines.reverse();
                return self.enough(lines, step);
            }
            let buy = Price::new(buy).map_err(|_out_of_range| incalculable())?;
            if buy >= sell {
                return Err(Box::new(self.step_finer_than_tick(buy, tick)));
            }
            lines.push(buy);
            sell = buy;
        }
        Err(Box::new(PlanProblem::TooManyLevels {
            levels: None,
            max: MAX_LEVELS,
        }))
    }

    fn enough(&self, lines: Vec<Price>, step: Rate) -> Result<Vec<Price>, Box<PlanProblem>> {
        let levels = u32::try_from(lines.len().saturating_sub(1)).unwrap_or(u32::MAX);
        if levels < MIN_LEVELS {
            return Err(Box::new(PlanProblem::StepTooLarge {
                step,
                lower: self.lower,
                upper: self.upper,
            }));
        }
        if levels > MAX_LEVELS {
            return Err(Box::new(PlanProblem::TooManyLevels {
                levels: None,
                max: MAX_LEVELS,
            }));
        }
        Ok(lines)
    }

    fn step_finer_than_tick(&self, price: Price, tick: Decimal) -> PlanProblem {
        PlanProblem::StepFinerThanTick {
            price,
            tick,
            fits: self.fitting_spacing(tick),
        }
    }

    /// The finest spacing of the same kind that surely keeps neighbouring lines apart.
    fn fitting_spacing(&self, tick: Decimal) -> Option<Spacing> {
        let (lower, upper) = (self.lower.decimal(), self.upper.decimal());
        match self.spacing {
            Spacing::Arithmetic { .. } => {
                let ticks = upper.checked_sub(lower)?.checked_div(tick)?.floor();
                let levels = u32::try_from(ticks).unwrap_or(MAX_LEVELS);
                (levels >= MIN_LEVELS).then_some(Spacing::Arithmetic { levels })
            }
            Spacing::Geometric { .. } => {
                // The lowest step is the narrowest; it has to be one tick at least.
                let ratio = Decimal::ONE.checked_add(tick.checked_div(lower)?)?;
                let span = upper.checked_div(lower)?;
                let mut levels = 0_u32;
                let mut factor = ratio;
                while factor <= span && levels < MAX_LEVELS {
                    levels = levels.saturating_add(1);
                    factor = factor.checked_mul(ratio)?;
                }
                (levels >= MIN_LEVELS).then_some(Spacing::Geometric { levels })
            }
            Spacing::PercentStep { .. } => {
                let finest = tick.checked_div(lower)?;
                let readable =
                    floor_to_step(finest, Decimal::new(1, 6))?.checked_add(Decimal::new(1, 6))?;
                let step = Rate::new(readable).ok()?;
                Some(Spacing::PercentStep { step })
            }
        }
    }
}

fn incalculable() -> Box<PlanProblem> {
    Box::new(PlanProblem::Incalculable)
}

fn on_tick(value: Decimal, tick: Decimal) -> Option<Price> {
    round_to_tick(value, tick).and_then(|line| Price::new(line).ok())
}

/// The largest decimal whose `degree`-th power is not above `value`, for a value of 1 or more.
fn root(value: Decimal, degree: u32) -> Option<Decimal> {
    let mut low = Decimal::ONE;
    let mut high = value;
    for _halving in 0..MOST_HALVINGS {
        let half = high.checked_sub(low)?.checked_div(Decimal::TWO)?;
        let middle = low.checked_add(half)?;
        if middle <= low || middle >= high {
            break;
        }
        // A power too large to calculate is above the value in any case.
        if power(middle, degree).is_some_and(|power| power <= value) {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(low)
}

fn power(base: Decimal, exponent: u32) -> Option<Decimal> {
    let mut result = Decimal::ONE;
    let mut square = base;
    let mut rest = exponent;
    loop {
        if rest % 2 == 1 {
            result = result.checked_mul(square)?;
        }
        rest /= 2;
        if rest == 0 {
            return Some(result);
        }
        square = square.checked_mul(square)?;
    }
}
