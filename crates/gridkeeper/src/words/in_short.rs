//! An order in one short line, as tables show it.

use domain::{HoldReason, Intent, LevelOrder, OrderState, Purpose, Side};

use super::{ended_words, quarantine, refusal_words};

/// Why an order is not placed, in short; of one that is or may be, its state.
pub(crate) fn why_not_placed(order: &LevelOrder) -> String {
    let state = state_in_short(order);
    let why = ["not placed: ", "held: "].into_iter();
    let mut why = why.filter_map(|before| state.strip_prefix(before));
    why.next().map_or_else(|| state.clone(), str::to_owned)
}

/// The state of an order in one short line.
#[must_use]
pub fn state_in_short(order: &LevelOrder) -> String {
    match &order.state {
        OrderState::Pending { lease } => {
            format!("possibly placed, no answer yet (attempt {})", lease.attempt)
        }
        OrderState::Open => format!("open{}", executed_so_far(order)),
        OrderState::Refused { why, detail, .. } => {
            format!("not placed: {}", refusal_words(*why, detail))
        }
        // Such an order is near the market: what is too far away is the line of its level.
        OrderState::Held {
            why: HoldReason::OutsideBand,
            ..
        } if order.intent.purpose == Purpose::FirstInventory => {
            "held: the level's lines are too far from the market".to_owned()
        }
        OrderState::Held { why, .. } => format!("held: {why}"),
        OrderState::Quarantined { why, .. } => {
            format!("quarantined: {}", quarantine::in_short(*why))
        }
        OrderState::Idle => format!("over: {}{}", ended_words(order), average(order)),
    }
}

/// What an order asks for, in short: side, quantity and price, with `or more` where it takes the market's.
pub(crate) fn asks_in_short(intent: &Intent) -> String {
    let limit = or_better(intent);
    let Intent {
        side,
        quantity,
        price,
        ..
    } = intent;
    format!("{side} {quantity} at {price}{limit}")
}

/// Whether an order takes the market's price where that is better than its own.
pub(crate) const fn or_better(intent: &Intent) -> &'static str {
    match (intent.purpose, intent.side) {
        (Purpose::Grid, _) => "",
        (Purpose::FirstInventory | Purpose::Liquidation, Side::Buy) => " or less",
        (Purpose::FirstInventory | Purpose::Liquidation, Side::Sell) => " or more",
    }
}

fn executed_so_far(order: &LevelOrder) -> String {
    let verb = match order.intent.side {
        Side::Buy => "bought",
        Side::Sell => "sold",
    };
    if order.executed.is_zero() {
        String::new()
    } else {
        format!(", {} of it {verb}", order.executed)
    }
}

/// What an order that is over traded at, which need not be its limit.
fn average(order: &LevelOrder) -> String {
    let price = order
        .executed_quote
        .decimal()
        .checked_div(order.executed.decimal());
    price.map_or_else(String::new, |price| {
        format!(
            "{} at {}",
            executed_so_far(order),
            price.round_dp(8).normalize()
        )
    })
}
