//! A plan in words, for somebody who has never seen one.

use std::io::{self, Write};

use domain::{Asset, Entry, Ladder, LevelFigures, PlanSummary, Sizing, Spacing};
use rust_decimal::Decimal;

use super::super::account::place;
use super::plan::Planned;
use crate::table::{Align, Table};

/// Writes a plan: what it is, its ladder, what it costs, what it earns, what stands against it.
pub(super) fn write(planned: &Planned, out: &mut dyn Write) -> io::Result<()> {
    write_head(planned, out)?;
    if let Some(ladder) = &planned.draft.ladder {
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
        writeln!(
            out,
            "This plan breaks no rule. Nothing was written; `gridkeeper bot create` with the same words makes it a bot."
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
    writeln!(
        out,
        "  lines       from {} to {} {quote}, {}",
        plan.lower,
        plan.upper,
        spacing_words(plan.spacing)
    )?;
    let size = match plan.sizing {
        Sizing::BasePerLevel { quantity } => format!("{quantity} {base} at each level"),
        Sizing::Investment { total } => format!("{total} {quote} for all levels together"),
    };
    writeln!(out, "  buys        {size}")?;
    let source = if planned.fees_read {
        "the account's"
    } else {
        "as given"
    };
    writeln!(
        out,
        "  fees        {} for an order that rests, {} for one that trades at once ({source})",
        plan.maker_fee, plan.taker_fee
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
        "only orders that rest"
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

fn spacing_words(spacing: Spacing) -> String {
    match spacing {
        Spacing::Arithmetic { levels } => format!("{levels} levels of the same height"),
        Spacing::Geometric { levels } => format!("{levels} levels of the same percentage"),
        Spacing::PercentStep { step } => format!("each level {step} high, laid from the top"),
    }
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
    for level in ladder.summary.levels.iter().rev() {
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
    table.write(out, 2)
}

fn entry_words(entry: Entry) -> String {
    match entry {
        Entry::RestingBuy => "a BUY that rests".to_owned(),
        Entry::MarketBuy { price } => format!("a first BUY at {price} or less, then its SELL"),
        Entry::FromBalance { .. } => "its SELL, of base from the balance".to_owned(),
    }
}

fn write_figures(planned: &Planned, summary: &PlanSummary, out: &mut dyn Write) -> io::Result<()> {
    let (base, quote) = (&planned.rules.base, &planned.rules.quote);
    let funds = planned.funds;
    writeln!(out, "Capital needed")?;
    writeln!(out, "  {} {quote} for BUYs that rest", summary.resting_buys)?;
    writeln!(
        out,
        "  {} {quote} at most for first purchases near the market",
        summary.first_inventory
    )?;
    writeln!(
        out,
        "  {} {quote} in all; the account has {} {quote} free{}",
        summary.capital,
        funds.quote_free,
        lacking(funds.quote_free.decimal(), summary.capital.decimal())
    )?;
    if !summary.base_needed.is_zero() {
        writeln!(
            out,
            "  {} {base} from the balance (worth {} {quote} now); the account has {} {base} free that no bot holds{}",
            summary.base_needed,
            summary.base_value,
            funds.base_unclaimed(),
            lacking(
                funds.base_unclaimed().decimal(),
                summary.base_needed.decimal()
            )
        )?;
    }
    writeln!(out, "Profit")?;
    writeln!(
        out,
        "  {} {quote} after fees when every level completes one round trip (a BUY and its SELL)",
        short(summary.net_profit.decimal())
    )?;
    let of = |index| summary.levels.iter().find(|level| level.index == index);
    let (Some(best), Some(worst)) = (of(summary.best), of(summary.worst)) else {
        return Ok(());
    };
    if best.net_percent == worst.net_percent {
        return writeln!(out, "  every level earns {}", profit_words(best, quote));
    }
    for (word, level) in [("most", best), ("least", worst)] {
        let words = profit_words(level, quote);
        writeln!(out, "  level {} earns {word}: {words}", level.index)?;
    }
    Ok(())
}

fn profit_words(level: &LevelFigures, quote: &Asset) -> String {
    format!(
        "{} % of what it buys: {} {quote}, after {} {quote} of fees",
        percent(level.net_percent),
        short(level.net_profit.decimal()),
        short(level.fees.decimal())
    )
}

fn lacking(has: Decimal, needs: Decimal) -> String {
    if has >= needs {
        return String::new();
    }
    format!(
        ", {} too little: deposit it before the bot starts, or levels will wait",
        needs.saturating_sub(has)
    )
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
        "needs {} {quote}, {} free now{}",
        summary.capital,
        planned.funds.quote_free,
        lacking(
            planned.funds.quote_free.decimal(),
            summary.capital.decimal()
        )
    )?;
    for warning in &summary.warnings {
        writeln!(out, "good to know: {warning}")?;
    }
    Ok(())
}
