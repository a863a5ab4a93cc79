//! A plan in words, for somebody who has never seen one.

use std::io::{self, Write};

use domain::{Asset, Entry, Ladder, LevelFigures, PlanSummary, QuoteAmount, Sizing, Spacing};
use rust_decimal::Decimal;

use super::super::account::place;
use super::plan::Planned;
use crate::table::{Align, Table, amount};

/// A longer ladder is shown without its middle.
const MOST_ROWS: usize = 60;

/// Writes a plan: what it is, its ladder, what it costs, what it earns, what stands against it.
pub(super) fn write(planned: &Planned, out: &mut dyn Write) -> io::Result<()> {
    write_head(planned, out)?;
    let sized = |ladder: &&Ladder| {
        let mut levels = ladder.summary.levels.iter();
        levels.any(|level| !level.rung.quantity.is_zero())
    };
    if let Some(ladder) = planned.draft.ladder.as_ref().filter(sized) {
        writeln!(out)?;
        write_ladder(planned, ladder, out)?;
        writeln!(out)?;
        write_figures(planned, &ladder.summary, out)?;
        if !ladder.summary.warnings.is_empty() {
            writeln!(out, "\nGood to know")?;
        }
        for warning in &ladder.summary.warnings {
            writeln!(out, "  - {warning}")?;
        }
    }
    writeln!(out)?;
    let problems = &planned.draft.problems;
    if problems.is_empty() {
        let missing = planned.quote_missing();
        if missing.is_zero() {
            write!(out, "This plan breaks no rule.")?;
        } else {
            let quote = &planned.rules.quote;
            writeln!(
                out,
                "This plan breaks no rule, but the account has {missing} {quote} too little for it: levels will wait until you deposit that."
            )?;
        }
        writeln!(
            out,
            " Nothing was written; `gridkeeper bot create` with the same words makes it a bot."
        )?;
        return Ok(());
    }
    writeln!(out, "This plan cannot be carried out:")?;
    for problem in problems {
        writeln!(out, "  - {problem}")?;
    }
    Ok(())
}

fn write_head(planned: &Planned, out: &mut dyn Write) -> io::Result<()> {
    let (plan, rules) = (&planned.plan, &planned.rules);
    let (base, quote) = (&rules.base, &rules.quote);
    writeln!(
        out,
        "Grid on {} for account {} ({})",
        rules.symbol,
        planned.account,
        place(planned.environment)
    )?;
    writeln!(out, "  lines       {}", lines_words(planned))?;
    let size = match plan.sizing {
        Sizing::BasePerLevel { quantity } => format!("{quantity} {base} at each level"),
        Sizing::Investment { total } => format!("{total} {quote} for all levels together"),
    };
    writeln!(out, "  buys        {size}")?;
    let source = |given| if given { "as given" } else { "the account's" };
    writeln!(
        out,
        "  fees        {} for an order that rests ({}), {} for one that trades at once ({})",
        plan.maker_fee,
        source(planned.fees_given.maker),
        plan.taker_fee,
        source(planned.fees_given.taker)
    )?;
    match planned.prices {
        Some(prices) => writeln!(
            out,
            "  market      highest bid {}, lowest ask {} {quote}",
            prices.bid, prices.ask
        ),
        None => writeln!(out, "  market      no prices now"),
    }?;
    let kind = if plan.post_only {
        "only orders that rest (post-only), but for first BUYs, which may trade at once"
    } else {
        "limit orders"
    };
    let profit = if plan.compounding {
        "reinvested in its level"
    } else {
        "kept apart"
    };
    writeln!(out, "  orders      {kind}; profit is {profit}")
}

fn lines_words(planned: &Planned) -> String {
    let (plan, quote) = (&planned.plan, &planned.rules.quote);
    let whole = format!("from {} to {} {quote}", plan.lower, plan.upper);
    match plan.spacing {
        Spacing::Arithmetic { levels } => {
            format!("{whole}, {} of the same height", count(levels, "level"))
        }
        Spacing::Geometric { levels } => {
            format!("{whole}, {} of the same percentage", count(levels, "level"))
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

fn count(number: u32, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

fn write_ladder(planned: &Planned, ladder: &Ladder, out: &mut dyn Write) -> io::Result<()> {
    let (base, quote) = (&planned.rules.base, &planned.rules.quote);
    writeln!(
        out,
        "Ladder: each level buys at its lower line and sells at its upper one (prices and profit in {quote}, quantity in {base})"
    )?;
    let mut table = Table::new(&[
        ("level", Align::Right),
        ("buys at", Align::Right),
        ("sells at", Align::Right),
        ("quantity", Align::Right),
        ("profit after fees", Align::Right),
        ("%", Align::Right),
        ("starts with", Align::Left),
    ]);
    // Highest prices first, as an order book is read.
    let levels = &ladder.summary.levels;
    let left_out = levels.len().saturating_sub(MOST_ROWS);
    for (row, level) in levels.iter().rev().enumerate() {
        let from = MOST_ROWS / 2;
        if left_out > 0 && row == from {
            table.row(vec!["...".to_owned()]);
        }
        if left_out > 0 && (from..from.saturating_add(left_out)).contains(&row) {
            continue;
        }
        table.row(vec![
            level.index.to_string(),
            level.rung.buy_price.to_string(),
            level.rung.sell_price.to_string(),
            level.rung.quantity.to_string(),
            short(level.net_profit.decimal()),
            percent(level.net_percent),
            entry_words(level.entry),
        ]);
    }
    table.write(out, 2)?;
    if left_out > 0 {
        writeln!(
            out,
            "  {left_out} levels between are left out; --json has them all"
        )?;
    }
    Ok(())
}

fn entry_words(entry: Entry) -> String {
    match entry {
        Entry::RestingBuy => "a BUY that rests".to_owned(),
        Entry::MarketBuy { price } => format!("a first BUY at {price} or less, then its SELL"),
        Entry::FromBalance { .. } => "its SELL, from the balance".to_owned(),
    }
}

fn write_figures(planned: &Planned, summary: &PlanSummary, out: &mut dyn Write) -> io::Result<()> {
    let (base, quote) = (&planned.rules.base, &planned.rules.quote);
    let funds = planned.funds;
    writeln!(out, "Capital needed")?;
    let resting = amount(summary.resting_buys.decimal());
    writeln!(out, "  {resting} {quote} for BUYs that rest")?;
    if !summary.first_inventory.is_zero() {
        writeln!(
            out,
            "  {} {quote} at most for first BUYs, up to 0.5% above the ask",
            amount(summary.first_inventory.decimal())
        )?;
    }
    writeln!(
        out,
        "  {} {quote} in all; the account has {} {quote} free",
        amount(summary.capital.decimal()),
        funds.quote_free
    )?;
    if let Sizing::Investment { total } = planned.plan.sizing
        && let Some(rest) = left_of(total, summary)
    {
        writeln!(
            out,
            "  {} {quote} of the {total} stay unused: one more step of {base} at each level would cost more",
            amount(rest)
        )?;
    }
    if !summary.base_needed.is_zero() {
        writeln!(
            out,
            "  {} {base} from the balance (worth {} {quote} now); the account has {} {base} free that no bot holds",
            summary.base_needed,
            amount(summary.base_value.decimal()),
            funds.base_unclaimed(),
        )?;
    }
    writeln!(out, "Profit after fees")?;
    writeln!(
        out,
        "  {} {quote} when every level completes one round trip (a BUY at its lower line, a SELL at its upper one)",
        short(summary.net_profit.decimal())
    )?;
    let of = |index| summary.levels.iter().find(|level| level.index == index);
    let (Some(best), Some(worst)) = (of(summary.best), of(summary.worst)) else {
        return Ok(());
    };
    if percent(best.net_percent) != percent(worst.net_percent) {
        for (word, level) in [("most", best), ("least", worst)] {
            let words = profit_words(level, quote);
            writeln!(out, "  level {} brings the {word}: {words}", level.index)?;
        }
        return Ok(());
    }
    // The same percentage up to the tick's rounding: only the amounts differ from level to level.
    let amounts = summary
        .levels
        .iter()
        .map(|level| level.net_profit.decimal());
    let (Some(least), Some(most)) = (amounts.clone().min(), amounts.max()) else {
        return Ok(());
    };
    writeln!(
        out,
        "  each level brings {} % of what it buys: {} to {} {quote}",
        percent(best.net_percent),
        short(least),
        short(most)
    )
}

fn profit_words(level: &LevelFigures, quote: &Asset) -> String {
    format!(
        "{} % of what it buys, {} {quote}, after {} {quote} of fees",
        percent(level.net_percent),
        short(level.net_profit.decimal()),
        short(level.fees.decimal())
    )
}

/// What of an investment no level can use.
fn left_of(total: QuoteAmount, summary: &PlanSummary) -> Option<Decimal> {
    let used = summary.capital.checked_add(summary.base_value)?;
    let rest = total.checked_sub(used)?.decimal();
    (rest > Decimal::ZERO).then_some(rest)
}

/// A forecast as people read one: four decimals, or the exchange's own eight for small amounts.
fn short(amount: Decimal) -> String {
    let cent = Decimal::new(1, 2);
    let scale = if amount.abs() >= cent { 4 } else { 8 };
    let mut rounded = amount.round_dp(scale);
    rounded.rescale(scale);
    rounded.to_string()
}

fn percent(value: Decimal) -> String {
    format!("{:.2}", value.round_dp(2))
}

/// Writes what a new bot needs and earns, in two lines, with what to know.
pub(super) fn write_short(planned: &Planned, out: &mut dyn Write) -> io::Result<()> {
    let Some(ladder) = &planned.draft.ladder else {
        return Ok(());
    };
    let (summary, quote) = (&ladder.summary, &planned.rules.quote);
    writeln!(
        out,
        "needs {} {quote}, {} free now",
        amount(summary.capital.decimal()),
        planned.funds.quote_free
    )?;
    let missing = planned.quote_missing();
    if !missing.is_zero() {
        writeln!(
            out,
            "{missing} {quote} too little: levels will wait until you deposit that"
        )?;
    }
    for warning in &summary.warnings {
        writeln!(out, "good to know: {warning}")?;
    }
    Ok(())
}
