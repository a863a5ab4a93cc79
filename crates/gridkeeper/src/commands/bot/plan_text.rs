//! A plan in words, for somebody who has never seen one.

use std::io::{self, Write};

use domain::{
    Asset, Entry, FIRST_BUY_SLACK, Ladder, LevelFigures, LevelIndex, PlanProblem, PlanSummary,
    PlanWarning, Price, QuoteAmount, Sizing,
};
use rust_decimal::Decimal;

use super::super::account::place;
use super::plan::Planned;
use super::plan_lines::lines_words;
use crate::table::{Align, Table, amount, count_of};

/// A longer ladder is shown without its middle.
const MOST_ROWS: usize = 60;

/// Writes a plan: what it is, what stands against it, its ladder, what it costs, what it earns.
pub(super) fn write(planned: &Planned, out: &mut dyn Write) -> io::Result<()> {
    write_head(planned, out)?;
    let problems = &planned.draft.problems;
    if !problems.is_empty() {
        writeln!(out, "\nThis plan cannot be carried out:")?;
    }
    for problem in problems {
        writeln!(out, "  - {problem}")?;
    }
    let sized = |ladder: &&Ladder| {
        let mut levels = ladder.summary.levels.iter();
        levels.any(|level| !level.rung.quantity.is_zero())
    };
    // A grid of more than the investment buys is not the plan that was asked for.
    let unpaid = problems
        .iter()
        .any(|problem| matches!(problem, PlanProblem::InvestmentTooSmall { .. }));
    let ladder = planned.draft.ladder.as_ref().filter(sized);
    let ladder = ladder.filter(|_| !unpaid);
    if let Some(ladder) = ladder {
        writeln!(out)?;
        write_ladder(planned, ladder, out)?;
        writeln!(out)?;
        write_capital(planned, &ladder.summary, out)?;
        write_profit(planned, &ladder.summary, out)?;
        let mut warnings: Vec<String> = ladder
            .summary
            .warnings
            .iter()
            .map(ToString::to_string)
            .collect();
        warnings.extend(planned.too_many_orders());
        if !warnings.is_empty() {
            writeln!(out, "\nGood to know")?;
        }
        for warning in warnings {
            writeln!(out, "  - {warning}")?;
        }
    }
    writeln!(out)?;
    if problems.is_empty() {
        return write_verdict(planned, out);
    }
    let place = if ladder.is_some() {
        ", for what is said above the ladder"
    } else {
        ""
    };
    writeln!(
        out,
        "Nothing was written, and `gridkeeper bot create` would refuse this plan{place}."
    )
}

/// What a plan without problems comes to, in a sentence or two.
fn write_verdict(planned: &Planned, out: &mut dyn Write) -> io::Result<()> {
    let mut but = Vec::new();
    if let Some(ladder) = &planned.draft.ladder {
        but.extend(far_words(&ladder.summary));
    }
    but.extend(planned.too_many_orders());
    but.extend(too_little(planned).map(|words| format!("the account has {words}")));
    let verdict = "This plan breaks no rule";
    let then = "Nothing was written; `gridkeeper bot create` with the same words makes it a bot.";
    if but.is_empty() {
        return writeln!(out, "{verdict}. {then}");
    }
    writeln!(out, "{verdict}, but {}.\n{then}", but.join("; and "))
}

/// How much quote is missing, or who else waits for what is there.
fn too_little(planned: &Planned) -> Option<String> {
    let quote = &planned.rules.quote;
    let free = planned.funds.quote_free.decimal();
    let alone = planned.quote_needed().saturating_sub(free);
    if alone > Decimal::ZERO {
        return Some(format!(
            "{} {quote} too little for it: levels will wait until you deposit that",
            amount(alone)
        ));
    }
    let all = planned.all_missing();
    (all > Decimal::ZERO).then(|| {
        format!(
            "{} {quote}, enough for it alone, but other bots still wait for {} {quote}: whose orders come first get \
             it, and others wait until you deposit {} {quote}",
            amount(free),
            amount(planned.funds.quote_claimed.decimal()),
            amount(all)
        )
    })
}

/// That nothing trades for now, where the market is not within the grid, or that some levels do not.
fn far_words(summary: &PlanSummary) -> Option<String> {
    let all = count_of(summary.levels.len(), "level");
    summary.warnings.iter().find_map(|warning| match warning {
        PlanWarning::MarketAboveGrid { first_buy, .. } => Some(format!(
            "the market is above the whole grid: no order is near it, and all {all} wait until it falls to {first_buy}"
        )),
        PlanWarning::MarketBelowGrid { first_sell, .. } => Some(format!(
            "the market is below the whole grid: all {all} start with inventory, and none sells until it has \
             risen to {first_sell}"
        )),
        PlanWarning::MarketUnknown
        | PlanWarning::MoreLevelsThanOrders { .. }
        | PlanWarning::FirstBuysRest { .. }
        | PlanWarning::ThinMargin { .. }
        | PlanWarning::SalesInWholeSteps { .. } => None,
        PlanWarning::OutsideBand {
            buys,
            sells,
            waiting,
            ..
        } => {
            let outside: usize = [buys, sells, waiting].map(Vec::len).into_iter().sum();
            let verb = if outside == 1 { "waits" } else { "wait" };
            Some(format!(
                "{outside} of {all} {verb} until the market comes nearer"
            ))
        }
    })
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
    let (too_low, waiting) = outside_band(&ladder.summary);
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
            if waiting.contains(&level.index) {
                "nothing yet: its lines are too far from the market".to_owned()
            } else if too_low.contains(&level.index) {
                "nothing yet: its lower line is too far from the market".to_owned()
            } else {
                entry_words(level.entry)
            },
        ]);
    }
    table.write(out, 2)?;
    if left_out > 0 {
        writeln!(
            out,
            "  {left_out} levels between are left out; --json has them all"
        )?;
    }
    if first_buys(&ladder.summary).next().is_some() {
        writeln!(
            out,
            "Levels above the market first buy once, near the market's price and not at their own line, so that they\n\
             have something to sell. After that SELL they buy at their line like all others."
        )?;
    }
    Ok(())
}

/// The levels that the exchange's price band keeps from starting: whose BUY is too low, and whose lower
/// line is too high.
fn outside_band(summary: &PlanSummary) -> (&[LevelIndex], &[LevelIndex]) {
    let found = summary.warnings.iter().find_map(|warning| match warning {
        PlanWarning::OutsideBand { buys, waiting, .. } => {
            Some((buys.as_slice(), waiting.as_slice()))
        }
        PlanWarning::MarketUnknown
        | PlanWarning::MarketBelowGrid { .. }
        | PlanWarning::MarketAboveGrid { .. }
        | PlanWarning::MoreLevelsThanOrders { .. }
        | PlanWarning::FirstBuysRest { .. }
        | PlanWarning::ThinMargin { .. }
        | PlanWarning::SalesInWholeSteps { .. } => None,
    });
    found.unwrap_or_default()
}

/// The limits of the first BUYs.
fn first_buys(summary: &PlanSummary) -> impl Iterator<Item = Price> {
    let prices = summary.levels.iter().map(|level| match level.entry {
        Entry::MarketBuy { price } => Some(price),
        Entry::RestingBuy | Entry::FromBalance { .. } => None,
    });
    prices.flatten()
}

fn entry_words(entry: Entry) -> String {
    match entry {
        Entry::RestingBuy => "a BUY that rests".to_owned(),
        Entry::MarketBuy { price } => format!("a first BUY at {price} or less, then its SELL"),
        Entry::FromBalance { .. } => "its SELL, from the balance".to_owned(),
    }
}

fn write_capital(planned: &Planned, summary: &PlanSummary, out: &mut dyn Write) -> io::Result<()> {
    let (base, quote) = (&planned.rules.base, &planned.rules.quote);
    let funds = planned.funds;
    writeln!(out, "Capital needed")?;
    let resting = amount(summary.resting_buys.decimal());
    writeln!(out, "  {resting} {quote} for BUYs that rest")?;
    if let Some(dearest) = first_buys(summary).max() {
        writeln!(
            out,
            "  {} {quote} at most for first BUYs, at {dearest} or less: up to {} % above the lowest ask",
            amount(summary.first_inventory.decimal()),
            FIRST_BUY_SLACK
                .saturating_mul(Decimal::ONE_HUNDRED)
                .normalize()
        )?;
    }
    writeln!(
        out,
        "  {} {quote} in all; the account has {} {quote} free",
        amount(summary.capital.decimal()),
        amount(funds.quote_free.decimal())
    )?;
    if !funds.quote_claimed.is_zero() {
        writeln!(
            out,
            "  other bots of this account still need {} {quote} for BUYs they owe",
            amount(funds.quote_claimed.decimal())
        )?;
    }
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
    Ok(())
}

fn write_profit(planned: &Planned, summary: &PlanSummary, out: &mut dyn Write) -> io::Result<()> {
    let quote = &planned.rules.quote;
    writeln!(out, "Profit after fees")?;
    let total = summary.net_profit.decimal();
    writeln!(
        out,
        "  {} {quote} {}when every level completes one round trip (a BUY at its lower line, a SELL at its upper one)",
        short(total.abs()),
        if total < Decimal::ZERO {
            "are lost "
        } else {
            ""
        }
    )?;
    let of = |index| summary.levels.iter().find(|level| level.index == index);
    let (Some(best), Some(worst)) = (of(summary.best), of(summary.worst)) else {
        return Ok(());
    };
    if percent(best.net_percent) != percent(worst.net_percent) {
        for (word, opposite, level) in [("most", "least", best), ("least", "most", worst)] {
            let words = profit_words(level, quote);
            let index = level.index;
            if level.net_percent < Decimal::ZERO {
                writeln!(
                    out,
                    "  level {index} loses the {opposite} in percent: {words}"
                )?;
            } else {
                writeln!(out, "  level {index} brings the {word} in percent: {words}")?;
            }
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
    let (verb, from, to) = if best.net_percent < Decimal::ZERO {
        ("loses", most.abs(), least.abs())
    } else {
        ("brings", least, most)
    };
    writeln!(
        out,
        "  each level {verb} {} % of what it buys: {} to {} {quote}",
        percent(best.net_percent.abs()),
        short(from),
        short(to)
    )
}

/// What a round trip brings, or loses, without its sign.
fn profit_words(level: &LevelFigures, quote: &Asset) -> String {
    format!(
        "{} % of what it buys, {} {quote}, after {} {quote} of fees",
        percent(level.net_percent.abs()),
        short(level.net_profit.decimal().abs()),
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

/// Two decimals, or four of next to nothing.
fn percent(value: Decimal) -> String {
    if value.abs() < Decimal::new(1, 1) {
        return format!("{:.4}", value.round_dp(4));
    }
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
        amount(planned.funds.quote_free.decimal())
    )?;
    if let Some(words) = too_little(planned) {
        writeln!(out, "the account has {words}")?;
    }
    for warning in &summary.warnings {
        writeln!(out, "good to know: {warning}")?;
    }
    if let Some(warning) = planned.too_many_orders() {
        writeln!(out, "good to know: {warning}")?;
    }
    Ok(())
}
