//! What the levels of a bot come to, in a few sentences: what is owed, what waits, what is still held.

use domain::{Bot, Level, LevelIndex, LevelNames, OrderState};

use super::super::market::free_for;
use super::super::seen::Seen;
use super::super::{Desk, holding};
use crate::table::count_of;
use crate::words::funds::lacking;
use crate::words::owing::Owing;
use crate::words::quarantine::{all_vanished, forgotten};
use crate::words::{is_end_unknown, is_still_to_be_sold, why_not_placed};

/// Whether anything is owed and not placed, in a sentence or two.
pub(crate) fn summary(bot: &Bot, levels: &[Level], seen: &Seen) -> String {
    let of = |wanted: Owing| -> Vec<LevelIndex> {
        let wanted = levels.iter().filter(|level| Owing::of(level) == wanted);
        wanted.map(|level| level.index).collect()
    };
    let all = levels.len();
    let (quarantined, owed) = (of(Owing::Quarantined), of(Owing::NotPlaced));
    let mut sentences = Vec::new();
    if all_vanished(levels) {
        sentences.push(format!(
            "Quarantined: {} of {all} levels ({}). What to do: {}.",
            quarantined.len(),
            LevelNames(&quarantined),
            forgotten(&bot.id)
        ));
    } else if let Some(first) = quarantined.first() {
        sentences.push(format!(
            "Quarantined: {} of {all} levels ({}): records and exchange disagree, and nothing is sent for them. \
             `gridkeeper explain {} {first}` shows the evidence and what you can do.",
            quarantined.len(),
            LevelNames(&quarantined),
            bot.id
        ));
    }
    let unknown = of(Owing::PossiblyPlaced);
    if let Some(first) = unknown.first() {
        sentences.push(format!(
            "Possibly placed: {} of {all} levels ({}). No answer has come yet, so their orders may be at the exchange: \
             do not place them by hand. `gridkeeper explain {} {first}` tells when they are looked for.",
            unknown.len(),
            LevelNames(&unknown),
            bot.id
        ));
    }
    if let Some(first) = owed.first() {
        sentences.push(format!(
            "Owed and not placed: {} of {all} levels ({}): {}. `gridkeeper explain {} {first}` tells more.",
            owed.len(),
            LevelNames(&owed),
            reasons(levels, &owed),
            bot.id
        ));
    }
    sentences.extend(fresh_words(bot, levels));
    let at_rest = |level: &Level| {
        let state = level.order.as_ref().map(|order| &order.state);
        matches!(state, Some(OrderState::Idle))
    };
    if let Some(to_sell) = still_to_be_sold(bot, levels, seen) {
        sentences.push(to_sell);
    } else if sentences.is_empty() && levels.iter().all(at_rest) {
        sentences.push(format!("No order is owed: the bot is {}.", bot.observed));
    }
    sentences.extend(unknown_ends(bot, levels));
    if sentences.is_empty() {
        let as_of = if seen.stale {
            ", as of the last look"
        } else {
            ""
        };
        sentences.push(format!(
            "Every order that is owed is at the exchange{as_of}."
        ));
    }
    sentences.extend(still_held(bot, levels, seen));
    sentences.join("\n")
}

/// So many reasons are said; the levels say theirs.
const REASONS: usize = 2;

/// Why nothing is placed for these levels, in short.
fn reasons(levels: &[Level], owed: &[LevelIndex]) -> String {
    let mut reasons: Vec<String> = Vec::new();
    let owed = levels.iter().filter(|level| owed.contains(&level.index));
    for order in owed.filter_map(|level| level.order.as_ref()) {
        let reason = why_not_placed(order);
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    let more = if reasons.len() > REASONS {
        "; and more"
    } else {
        ""
    };
    reasons.truncate(REASONS);
    format!("{}{more}", reasons.join("; "))
}

/// What a bot that is to end has not sold yet.
fn still_to_be_sold(bot: &Bot, levels: &[Level], seen: &Seen) -> Option<String> {
    let to_sell = levels
        .iter()
        .filter(|level| is_still_to_be_sold(bot, level));
    let to_sell: Vec<LevelIndex> = to_sell.map(|level| level.index).collect();
    let first = to_sell.first()?;
    let hold = if to_sell.len() == 1 { "holds" } else { "hold" };
    let when = if seen.nobody_runs {
        " of `gridkeeper up`, once that is started"
    } else {
        ""
    };
    Some(format!(
        "Still to be sold: what {} {hold}. It is tried with each look{when}; `gridkeeper explain {} {first}` tells what \
         came of it so far.",
        LevelNames(&to_sell),
        bot.id
    ))
}

/// How many levels have had no order yet, and why.
fn fresh_words(bot: &Bot, levels: &[Level]) -> Option<String> {
    let fresh = levels.iter().filter(|level| level.order.is_none()).count();
    let nothing_yet = match bot.desired {
        domain::DesiredStatus::Running => "its first orders are still to be placed",
        domain::DesiredStatus::Ready
        | domain::DesiredStatus::Paused
        | domain::DesiredStatus::Stopped
        | domain::DesiredStatus::StoppedAndSold => "the bot does not trade",
    };
    let all = levels.len();
    if fresh == all {
        return Some(format!(
            "No order is owed: no level has an order yet, {nothing_yet}."
        ));
    }
    (fresh > 0).then(|| format!("{fresh} of {all} levels have no order yet: {nothing_yet}."))
}

/// That nobody knows how the last orders of a stopped bot ended, and whether one may be live.
fn unknown_ends(bot: &Bot, levels: &[Level]) -> Option<String> {
    let unknown: Vec<LevelIndex> = levels
        .iter()
        .filter(|level| level.order.as_ref().is_some_and(is_end_unknown))
        .map(|level| level.index)
        .collect();
    (!unknown.is_empty()).then(|| {
        format!(
            "How the last order of {} ended could not be learnt ({}): the exchange shows none of them open, so \
             that nothing is live there, unless the keys are of another account now; but one may have executed \
             unseen. `gridkeeper audit {}` compares.",
            count_of(unknown.len(), "level"),
            LevelNames(&unknown),
            bot.id
        )
    })
}

/// What a bot that is to stop, or has, leaves in the account.
fn still_held(bot: &Bot, levels: &[Level], seen: &Seen) -> Option<String> {
    let stops = matches!(
        bot.desired,
        domain::DesiredStatus::Stopped | domain::DesiredStatus::StoppedAndSold
    );
    let held = holding(bot, levels).filter(|_| stops)?;
    let then = if seen.removed {
        "no bot sells them now".to_owned()
    } else if bot.desired == domain::DesiredStatus::StoppedAndSold {
        if bot.observed == domain::ObservedStatus::Stopped {
            "the sale is over: what is left is too little at each level for an order".to_owned()
        } else {
            "each level's share is sold near the market's price, but for a rest too little for an order"
                .to_owned()
        }
    } else {
        format!("`gridkeeper bot stop {} --sell` sells them", bot.id)
    };
    Some(format!(
        "It still holds {held} by its records, in your account; {then}."
    ))
}

/// What the levels that the account has too little for need in all, and what it has: a line for each asset.
pub(super) async fn funds_lines(desk: &Desk<'_>, bot: &Bot, levels: &[Level]) -> Vec<String> {
    let mut lines = Vec::new();
    for lacking in lacking(bot, levels) {
        let free = free_for(desk, bot, lacking.side).await;
        let free = free.map_or_else(String::new, |free| format!("; {free}"));
        lines.push(format!("Too little money: {lacking}{free}."));
    }
    lines
}

#[cfg(test)]
mod tests {
    use domain::{
        HoldReason, Intent, LocalTime, OrderKind, Purpose, RefusalReason, Rung, Side, owe,
    };

    use super::*;

    fn owing(index: u16, state: OrderState) -> Level {
        let rung = Rung {
            buy_price: "10".parse().unwrap(),
            sell_price: "11".parse().unwrap(),
            quantity: "1".parse().unwrap(),
        };
        let bot = "testbot1".parse().unwrap();
        let level = Level::new(bot, LevelIndex(index), &rung, LocalTime::from_millis(0));
        let intent = Intent {
            side: Side::Buy,
            price: level.buy_price,
            quantity: level.quantity,
            kind: OrderKind::Limit,
            purpose: Purpose::Grid,
        };
        owe(&level, intent, state, false)
    }

    fn refused(why: RefusalReason) -> OrderState {
        OrderState::Refused {
            why,
            detail: String::new(),
            retry_at: LocalTime::from_millis(1),
            lease: None,
        }
    }

    #[test]
    fn the_first_two_reasons_are_said_and_that_there_are_more() {
        let paused = OrderState::Held {
            why: HoldReason::Paused,
            lease: None,
        };
        let levels = [
            owing(0, refused(RefusalReason::InsufficientBalance)),
            owing(1, refused(RefusalReason::InsufficientBalance)),
            owing(2, paused),
            owing(3, refused(RefusalReason::MarketClosed)),
        ];
        let of = |indices: &[u16]| {
            let owed: Vec<LevelIndex> = indices.iter().copied().map(LevelIndex).collect();
            reasons(&levels, &owed)
        };
        let poor = "the account's balance is too small";
        assert_eq!(of(&[0, 1]), poor);
        assert_eq!(of(&[0, 1, 2]), format!("{poor}; the bot is paused"));
        assert_eq!(
            of(&[0, 1, 2, 3]),
            format!("{poor}; the bot is paused; and more")
        );
        assert_eq!(of(&[2]), "the bot is paused");
    }
}
