//! What the states of a level mean, in words for somebody who has never seen them: why it is so,
//! what will be tried next and when, and what the operator can do.
//!
//! Start at [`state_words`]. Every reason of the domain has its words here; a new one does not
//! compile without them.

mod band;
pub(crate) mod funds;
pub(crate) mod in_short;
pub(crate) mod owing;
pub(crate) mod quarantine;

use domain::{
    Bot, DesiredStatus, HoldReason, LIQUIDATION_SLACK, Level, LevelOrder, LocalTime,
    ObservedStatus, OrderState, OrderStatus, Purpose, Quantity, RefusalReason, Side, is_sellable,
};

use rust_decimal::Decimal;

use band::outside_band;
pub use in_short::state_in_short;
pub(crate) use in_short::why_not_placed;

use crate::table::{ago, amount, when, when_there};

/// What a state means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateWords {
    /// Why it is so.
    pub why: String,
    /// What will be tried next, and when.
    pub next: String,
    /// What the operator can do, where they have to.
    pub remedy: Option<String>,
}

/// What the state of a level's order means. `order` is the level's own.
#[must_use]
pub fn state_words(bot: &Bot, level: &Level, order: &LevelOrder, now: LocalTime) -> StateWords {
    match &order.state {
        OrderState::Pending { lease } => StateWords {
            why: format!(
                "no answer has come yet (attempt {}, begun {}): the order may be at the exchange, so that it is not sent \
                 a second time, nor should you place it by hand",
                lease.attempt,
                when_there(lease.start)
            ),
            next: format!(
                "the answer, or its report on the stream; without either it is looked for at the \
                 exchange after {}, and sent again only if it is not there",
                when_there(lease.until)
            ),
            remedy: None,
        },
        OrderState::Open => StateWords {
            why: why_open(bot, level, order),
            next: next_of_open(bot, level, order),
            remedy: None,
        },
        OrderState::Refused {
            why,
            detail,
            retry_at,
            ..
        } => StateWords {
            why: match whole_words(detail, KEPT_OF_DETAIL) {
                nothing if nothing.is_empty() => {
                    format!("it was not placed: {}", refusal_words(*why, ""))
                }
                detail => format!(
                    "it was not placed: {} ({detail})",
                    refusal_words(*why, &detail)
                ),
            },
            next: next_try(*retry_at, now),
            remedy: refusal_remedy(*why, order, bot),
        },
        OrderState::Held { why, .. } => held(why, bot, level, order),
        OrderState::Quarantined { why, evidence } => StateWords {
            why: format!(
                "{}: {}",
                quarantine::meaning(*why),
                whole_words(evidence, KEPT_OF_EVIDENCE)
            ),
            next: quarantine::next(*why).to_owned(),
            remedy: quarantine::remedy(*why, &bot.id, level.index),
        },
        OrderState::Idle => at_rest(bot, level, order),
    }
}

/// Whether a level at rest still has something that its bot, which is to end, sells.
#[must_use]
pub fn is_still_to_be_sold(bot: &Bot, level: &Level) -> bool {
    let state = level.order.as_ref().map(|order| &order.state);
    bot.desired == DesiredStatus::StoppedAndSold
        && bot.observed != ObservedStatus::Stopped
        && matches!(state, Some(OrderState::Idle))
        && is_sellable(bot, level, None)
}

fn at_rest(bot: &Bot, level: &Level, order: &LevelOrder) -> StateWords {
    if is_still_to_be_sold(bot, level) {
        return StateWords {
            why: format!(
                "the bot is to end, and the {} {} the level holds are still to be sold; its last order is over ({})",
                level.base,
                bot.rules.base,
                ended_words(order)
            ),
            next: format!(
                "a SELL at the highest bid less {} % at worst, with the next look at the exchange",
                LIQUIDATION_SLACK
                    .saturating_mul(Decimal::ONE_HUNDRED)
                    .normalize()
            ),
            remedy: (order.terminal == Some(OrderStatus::ExpiredInMatch)).then(|| met_own(bot)),
        };
    }
    if is_end_unknown(order) {
        return StateWords {
            why: "the bot is stopped, and how this level's last order ended could not be learnt; the exchange \
                  shows it as open no more, so that nothing of it is live there, unless the account's keys are of \
                  another account now"
                .to_owned(),
            next: "nothing, until the bot is started".to_owned(),
            remedy: Some(format!(
                "the {} {} the level holds by its records are in your account, unless that order executed \
                 unseen: `gridkeeper audit {}` compares, and `gridkeeper bot stop {} --sell` sells what you do not \
                 want to keep",
                level.base, bot.rules.base, bot.id, bot.id
            )),
        };
    }
    StateWords {
        why: format!(
            "its last order{} is over ({}) and nothing follows, as the bot is stopped",
            if order.intent.purpose == Purpose::Liquidation {
                ", the sale of what it held when the bot was stopped,"
            } else {
                ""
            },
            ended_words(order)
        ),
        next: "nothing, until the bot is started".to_owned(),
        remedy: None,
    }
}

fn next_of_open(bot: &Bot, level: &Level, order: &LevelOrder) -> String {
    let quote = &bot.rules.quote;
    match (bot.desired, order.intent.side) {
        (DesiredStatus::Stopped | DesiredStatus::StoppedAndSold, _) => {
            "it is cancelled, as the bot is to stop".to_owned()
        }
        (DesiredStatus::Paused | DesiredStatus::Ready, Side::Buy) => {
            "once all of it is bought, its SELL waits until the bot is resumed".to_owned()
        }
        (DesiredStatus::Paused | DesiredStatus::Ready, Side::Sell) => {
            "once all of it is sold, the next BUY waits until the bot is resumed".to_owned()
        }
        (DesiredStatus::Running, Side::Buy) => format!(
            "once all of it is bought, a SELL of what it brings at {} {quote}",
            level.sell_price
        ),
        (DesiredStatus::Running, Side::Sell) => match left_to_sell(bot, level, order) {
            Some(left) => format!(
                "once all of it is sold, a SELL of what is left then, {left} {}",
                bot.rules.base
            ),
            None => format!(
                "once all of it is sold, a BUY at {} {quote}",
                level.buy_price
            ),
        },
    }
}

/// What a level still holds once its SELL is filled, where that makes another SELL: it asks for less than
/// the level holds, because somebody changed it at the exchange or more was bought meanwhile.
fn left_to_sell(bot: &Bot, level: &Level, order: &LevelOrder) -> Option<Quantity> {
    let open = order.intent.quantity.checked_sub(order.executed)?;
    let left = level.base.held().checked_sub(open)?;
    let least = bot.rules.min_quantity(Side::Sell, level.sell_price);
    (!left.is_zero() && left >= least).then_some(left)
}

fn next_try(retry_at: LocalTime, now: LocalTime) -> String {
    if retry_at > now {
        let at = when(retry_at);
        return format!(
            "it is tried again with the first look at the exchange after {at} ({})",
            ago(retry_at, now)
        );
    }
    "its wait is over: it is tried again with the next look at the exchange".to_owned()
}

/// Why an order was not placed, in words. What could not be found did not end before our eyes.
#[must_use]
pub fn refusal_words(why: RefusalReason, detail: &str) -> String {
    if why == RefusalReason::Backoff && detail.ends_with(trading::NOT_FOUND) {
        return "the order before this one vanished".to_owned();
    }
    why.to_string()
}

/// How much of a refusal's words a level's record keeps, in bytes; its story has them whole.
const KEPT_OF_DETAIL: usize = dynamo_store::DETAIL_BYTES;

/// The same of a quarantine's evidence.
const KEPT_OF_EVIDENCE: usize = 96;

/// Words of a record that keeps so many bytes of them, without a last one that was broken.
fn whole_words(kept: &str, most: usize) -> String {
    // A character of up to four bytes may have been left out at the cut.
    let cut = kept.len() <= most && kept.len().saturating_add(4) > most;
    match kept.rsplit_once(' ') {
        Some((whole, _)) if cut && !kept.ends_with('.') => format!("{whole} ..."),
        _ => kept.to_owned(),
    }
}

/// Whether a level rests though its order's end could not be learnt: it was not to be found, or its
/// symbol is gone.
#[must_use]
pub fn is_end_unknown(order: &LevelOrder) -> bool {
    order.state == OrderState::Idle && order.terminal.is_none() && order.exchange_order_id.is_some()
}

/// How an order that nothing follows ended.
pub(crate) fn ended_words(order: &LevelOrder) -> &'static str {
    match order.terminal {
        None if order.exchange_order_id.is_some() => "gone from the exchange, its end unknown",
        None
        | Some(
            OrderStatus::New
            | OrderStatus::PendingNew
            | OrderStatus::PartiallyFilled
            | OrderStatus::Unrecognized,
        ) => "never placed",
        Some(OrderStatus::Filled) => "filled",
        Some(OrderStatus::Canceled) => "cancelled",
        Some(OrderStatus::Rejected) => "rejected",
        Some(OrderStatus::Expired) => "expired",
        Some(OrderStatus::ExpiredInMatch) => "ended by self-trade prevention",
    }
}

fn why_open(bot: &Bot, level: &Level, order: &LevelOrder) -> String {
    match order.intent.purpose {
        Purpose::Grid => match order.intent.side {
            Side::Buy => why_buys(bot, level, order),
            Side::Sell => {
                let less = left_to_sell(bot, level, order).map_or("", |_| {
                    "; the order is for less than it holds, as it was changed at the exchange or more was bought \
                     meanwhile: the story says which"
                });
                format!("the level holds something to sell, so it sells at its upper line{less}")
            }
        },
        Purpose::FirstInventory => {
            "the level lay above the market when this order was laid, so it buys what it will sell first near the \
             market's price of then; if the market has risen since, it waits until the price is back there"
                .to_owned()
        }
        Purpose::Liquidation => "the bot is stopped and sells what it still holds".to_owned(),
    }
}

/// Why a level buys although it may hold something: too little of it to sell.
fn why_buys(bot: &Bot, level: &Level, order: &LevelOrder) -> String {
    let (rules, held) = (&bot.rules, level.base.held());
    let base = &rules.base;
    if !order.executed.is_zero() {
        return format!(
            "the level buys at its lower line; {} of {} {base} are bought already",
            order.executed, order.intent.quantity
        );
    }
    if held.is_zero() {
        return "the level holds nothing to sell, so it buys at its lower line".to_owned();
    }
    let step = rules.working_step();
    let less_than = if held.decimal() < step {
        format!("one step ({step} {base})")
    } else {
        let least: Quantity = rules.min_quantity(Side::Sell, level.sell_price);
        format!("the smallest order ({least} {base})")
    };
    format!(
        "the {held} {base} it holds are less than {less_than}, too little to sell, so it buys at its lower \
         line; they are sold with what it buys next"
    )
}

fn held(why: &HoldReason, bot: &Bot, level: &Level, order: &LevelOrder) -> StateWords {
    let words = |why: &str, next: &str, remedy: Option<String>| StateWords {
        why: why.to_owned(),
        next: next.to_owned(),
        remedy,
    };
    match why {
        HoldReason::Paused => words(
            "it is owed, but the bot is paused",
            "it is tried when the bot is resumed",
            Some(format!("gridkeeper bot resume {}", bot.id)),
        ),
        HoldReason::Stopped => words(
            "it was owed when the bot was stopped",
            "nothing, until the bot is started",
            Some(format!("gridkeeper bot start {}", bot.id)),
        ),
        HoldReason::OutsideBand => outside_band(bot, level, order),
        HoldReason::TooManyOrders => words(
            "the symbol allows no more open orders on this account (MAX_NUM_ORDERS); levels nearer to the market come first",
            "it is placed when the market comes nearer or other orders end",
            Some(
                "cancel orders of your own on this symbol, or use a grid of fewer levels"
                    .to_owned(),
            ),
        ),
        HoldReason::AccountStopped => words(
            "the account may not send orders now: its key, address, region or a ban",
            "it is placed once the account is let through again",
            Some(format!(
                "gridkeeper account check {} says why and how to mend it",
                bot.account
            )),
        ),
        HoldReason::MarketClosed => words(
            "the symbol does not trade now",
            "it is placed when the symbol trades again; its status is read with every look",
            None,
        ),
        HoldReason::BelowMinimum { value, missing } => words(
            &format!(
                "it would be worth {value} {quote}, which is {missing} {quote} less than the exchange takes",
                quote = bot.rules.quote
            ),
            "it is placed once the level holds enough, or the symbol's minimum is lowered",
            None,
        ),
        HoldReason::Unsizable => words(
            "its amount cannot be calculated exactly, so nothing is guessed",
            "nothing by itself",
            Some(
                "look at the level's story below, and stop the bot if it does not mend".to_owned(),
            ),
        ),
    }
}

fn refusal_remedy(why: RefusalReason, order: &LevelOrder, bot: &Bot) -> Option<String> {
    match why {
        RefusalReason::InsufficientBalance => Some(format!(
            "deposit what is missing, or cancel orders of your own that hold it: {}",
            needs_words(order, bot)
        )),
        RefusalReason::AccountStopped => Some(format!(
            "gridkeeper account check {} says why and how to mend it",
            bot.account
        )),
        RefusalReason::BadRequest => Some(
            "this may be a fault of this program: keep these words and report them; the other levels go on"
                .to_owned(),
        ),
        RefusalReason::WindowExpired => Some(
            "set this machine's clock (`timedatectl set-ntp true`) and look at its connection: `gridkeeper doctor` measures both"
                .to_owned(),
        ),
        RefusalReason::Filter => Some(
            "the symbol's rules are read anew by themselves; if it stays, plan the grid again".to_owned(),
        ),
        RefusalReason::Backoff => backoff_remedy(order, bot),
        RefusalReason::WouldTake
        | RefusalReason::MarketClosed
        | RefusalReason::RateLimited
        | RefusalReason::Overloaded => None,
    }
}

/// What to do about an order that somebody else ended.
fn backoff_remedy(order: &LevelOrder, bot: &Bot) -> Option<String> {
    let OrderState::Refused { detail, .. } = &order.state else {
        return None;
    };
    if detail.contains("self-trade prevention") {
        return Some(met_own(bot));
    }
    detail.contains(OrderStatus::Canceled.in_words()).then(|| {
        format!(
            "leave it: it was cancelled at the exchange, by hand or by another program, and is placed anew \
             by itself; to keep the bot from trading, `gridkeeper bot pause {}`",
            bot.id
        )
    })
}

/// What to do where an order met another one of the same account.
fn met_own(bot: &Bot) -> String {
    format!(
        "leave it: it met another order of account {} on {}, of another bot or your own, and the exchange lets no \
         account trade with itself. It is placed once that order is gone or the market has moved; if this goes \
         on, stop the other bot (`gridkeeper bot list` shows all), or cancel your own order. A pause would not do: \
         it leaves orders where they are",
        bot.account, bot.rules.symbol
    )
}

/// What the order takes in all: a BUY quote, a SELL base. How much of it is free only the exchange
/// knows, and it is not asked here.
fn needs_words(order: &LevelOrder, bot: &Bot) -> String {
    let intent = &order.intent;
    match (intent.side, intent.price.times(intent.quantity)) {
        (Side::Buy, Some(value)) => format!(
            "this order needs {} {} in all",
            amount(value.decimal()),
            bot.rules.quote
        ),
        (Side::Buy, None) => format!("this order needs {}", bot.rules.quote),
        (Side::Sell, _) => format!(
            "this order needs {} {} in all",
            intent.quantity, bot.rules.base
        ),
    }
}

#[cfg(test)]
pub(crate) mod tests;
