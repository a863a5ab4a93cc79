//! A grid's lines in words.

use domain::{Rung, Spacing};
use rust_decimal::Decimal;

use super::plan::Planned;
use crate::table::count;

/// From where to where, how many levels, and how far they lie apart.
pub(super) fn lines_words(planned: &Planned) -> String {
    let (plan, quote) = (&planned.plan, &planned.rules.quote);
    let whole = format!("from {} to {} {quote}", plan.lower, plan.upper);
    match plan.spacing {
        Spacing::Arithmetic { levels: 1 } | Spacing::Geometric { levels: 1 } => {
            format!("{whole}, 1 level")
        }
        Spacing::Arithmetic { levels } => {
            let apart = levels_apart(planned, |rung| {
                let height = rung
                    .sell_price
                    .decimal()
                    .checked_sub(rung.buy_price.decimal())?;
                Some(height.normalize())
            });
            let apart = apart.map_or_else(
                || " of the same height".to_owned(),
                |apart| format!(", {apart} {quote} apart"),
            );
            format!("{whole}, {}{apart}", count(levels, "level"))
        }
        Spacing::Geometric { levels } => {
            let apart = levels_apart(planned, |rung| {
                let ratio = rung
                    .sell_price
                    .decimal()
                    .checked_div(rung.buy_price.decimal())?;
                let share = ratio.checked_sub(Decimal::ONE)?;
                let percent = share.checked_mul(Decimal::ONE_HUNDRED)?;
                Some(percent.round_dp(3).normalize())
            });
            let apart = apart.map_or_else(
                || " of the same percentage".to_owned(),
                |apart| format!(", {apart} % apart"),
            );
            format!("{whole}, {}{apart}", count(levels, "level"))
        }
        Spacing::PercentStep { step } => {
            let each = format!("each line {step} below the one above it");
            let drawn = planned
                .draft
                .ladder
                .as_ref()
                .map(|ladder| &ladder.summary.levels);
            let Some((levels, lowest)) = drawn.and_then(|all| Some((all.len(), all.first()?)))
            else {
                return format!("{whole}, {each}");
            };
            let lowest = lowest.rung.buy_price;
            let mut words = format!(
                "from {lowest} to {} {quote}, {levels} levels, {each}",
                plan.upper
            );
            if lowest > plan.lower {
                words.push_str(&format!("; no whole step is left down to {}", plan.lower));
            }
            words
        }
    }
}

/// How far lines lie apart, as one figure or, where the tick rounds them, from the least to the most.
fn levels_apart(planned: &Planned, measure: fn(&Rung) -> Option<Decimal>) -> Option<String> {
    let levels = &planned.draft.ladder.as_ref()?.summary.levels;
    let all = levels.iter().map(|level| measure(&level.rung));
    let all = all.collect::<Option<Vec<Decimal>>>()?;
    let (least, most) = (all.iter().min()?, all.iter().max()?);
    Some(if least == most {
        least.to_string()
    } else {
        format!("{least} to {most}")
    })
}
