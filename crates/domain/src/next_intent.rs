//! Which order a level owes: one pure function of what it holds.
//!
//! It serves fills, cancels, expiries, resume and restart alike, so an order that ended early leads
//! to one intent, never to two. Sizes come from what was executed less fees in base, never from
//! what was asked.

use std::time::Duration;

use rust_decimal::Decimal;

use crate::{
    BestPrices, Bot, DesiredStatus, FirstInventory, HoldReason, Intent, Level, LevelOrder,
    LocalTime, ObservedStatus, OrderKind, OrderState, OrderStatus, Price, Purpose, Quantity,
    QuoteAmount, RefusalReason, Side, SymbolStatus, first_inventory_price, pass_order,
};

/// What a level owes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// This order.
    Place(Intent),
    /// This order, but it is on purpose not placed.
    Hold(Intent, HoldReason),
    /// Nothing: the bot is stopped, or the amounts cannot be calculated.
    Nothing,
}

/// How far below the best bid a liquidation may sell: 0.5 %, enough to trade at once in a moving
/// market and far inside every symbol's price band.
pub const LIQUIDATION_SLACK: Decimal = Decimal::from_parts(5, 0, 0, false, 3);

/// The longest pause after an order that self-trade prevention ended: one recovery run on one
/// machine. Its cause is an order of ours on the same line, which a fill of ours takes away; nobody
/// else has to change their mind.
pub const SELF_TRADE_PAUSE_LONGEST: Duration = Duration::from_secs(10);

/// Decides what a level owes, from its holdings, once it has no live order.
///
/// A purchase of first inventory of which nothing was executed is owed again as one, with the limit
/// it had: whoever sends it asks [`first_intent`] for one by the prices of that moment.
#[must_use]
pub fn next_intent(bot: &Bot, level: &Level) -> Next {
    let owed = owed_intent(bot, level);
    decide(bot, owed.map(|intent| as_first_inventory(level, intent)))
}

/// Decides whether an owed order may be placed.
fn decide(bot: &Bot, owed: Option<Intent>) -> Next {
    let Some(intent) = owed else {
        return Next::Nothing;
    };
    match bot.desired {
        DesiredStatus::Stopped | DesiredStatus::StoppedAndSold => Next::Nothing,
        DesiredStatus::Paused | DesiredStatus::Ready => Next::Hold(intent, HoldReason::Paused),
        // A resumed bot sends nothing before recovery has made it so.
        DesiredStatus::Running if bot.observed != ObservedStatus::Running => {
            Next::Hold(intent, HoldReason::Paused)
        }
        DesiredStatus::Running => checked(bot, intent),
    }
}

/// Whether what a stopped bot's level still holds could be sold at these prices. While there are none
/// it counts as sellable at the level's own price, unless the symbol is gone for good.
#[must_use]
pub fn is_sellable(bot: &Bot, level: &Level, prices: Option<&BestPrices>) -> bool {
    match prices {
        Some(prices) => liquidation_intent(bot, level, prices).is_some(),
        None => bot.rules.status != SymbolStatus::Delisted && sellable(bot, level).is_some(),
    }
}

/// Decides what a level that has never owed anything owes first.
#[must_use]
pub fn first_intent(bot: &Bot, level: &Level, prices: &BestPrices) -> Next {
    let above = first_inventory_price(
        &crate::Rung {
            buy_price: level.buy_price,
            sell_price: level.sell_price,
            quantity: level.quantity,
        },
        &bot.rules,
        *prices,
        bot.plan.taker_fee,
        bot.plan.maker_fee,
    );
    match (bot.plan.first_inventory, above) {
        (FirstInventory::Buy, Some(price)) if level.base.is_zero() => {
            let intent = Intent {
                side: Side::Buy,
                price,
                quantity: level.quantity,
                kind: OrderKind::Limit,
                purpose: Purpose::FirstInventory,
            };
            if (bot.desired, bot.observed) == (DesiredStatus::Running, ObservedStatus::Running) {
                checked(bot, intent)
            } else {
                Next::Nothing
            }
        }
        _ => decide(bot, owed_intent(bot, level)),
    }
}

/// The sale of what a stopped bot's level still holds, at a price that trades at once.
#[must_use]
pub fn liquidation_intent(bot: &Bot, level: &Level, prices: &BestPrices) -> Option<Intent> {
    let quantity = held_on_step(bot, level).filter(|quantity| !quantity.is_zero())?;
    let floor = prices
        .bid
        .decimal()
        .checked_mul(Decimal::ONE.checked_sub(LIQUIDATION_SLACK)?)?;
    let price = Price::new(floor).ok()?.ceil_to_tick(bot.rules.tick())?;
    let intent = Intent {
        side: Side::Sell,
        price,
        quantity,
        kind: OrderKind::Limit,
        purpose: Purpose::Liquidation,
    };
    bot.rules
        .check_order(Side::Sell, price, quantity)
        .is_empty()
        .then_some(intent)
}

fn owed_intent(bot: &Bot, level: &Level) -> Option<Intent> {
    let (side, quantity) = match sellable(bot, level) {
        Some(quantity) => (Side::Sell, quantity),
        // What was bought and cannot be sold waits: buying more would not be its opposite.
        None if unsold_purchase(level) => (Side::Sell, held_on_step(bot, level)?),
        None => match unfinished_purchase(level) {
            Some(rest) => (Side::Buy, rest),
            None => (Side::Buy, purchase_quantity(bot, level)?),
        },
    };
    Some(Intent {
        side,
        price: level.price(side),
        quantity,
        kind: bot.order_kind(),
        purpose: Purpose::Grid,
    })
}

/// The purchase that goes on with a first inventory of which nothing was executed: at the level's buy
/// price, above the market, it would be dearer than the first one was.
fn as_first_inventory(level: &Level, intent: Intent) -> Intent {
    let ended = level.order.as_ref().filter(|order| {
        order.intent.purpose == Purpose::FirstInventory
            && order.executed_before.is_zero()
            && order.executed.is_zero()
    });
    match ended {
        Some(ended) if intent.side == Side::Buy => Intent {
            price: ended.intent.price,
            kind: OrderKind::Limit,
            purpose: Purpose::FirstInventory,
            ..intent
        },
        Some(_) | None => intent,
    }
}

/// What of the base held can be sold at the level's sell price now, if it reaches the minimum.
fn sellable(bot: &Bot, level: &Level) -> Option<Quantity> {
    let quantity = held_on_step(bot, level)?;
    let price = level.sell_price;
    (!quantity.is_zero()
        && bot
            .rules
            .check_order(Side::Sell, price, quantity)
            .is_empty())
    .then_some(quantity)
}

fn held_on_step(bot: &Bot, level: &Level) -> Option<Quantity> {
    let most = bot
        .rules
        .lot
        .map_or(level.base.held(), |lot| lot.max.min(level.base.held()));
    most.floor_to_step(bot.rules.step())
}

/// What is left to buy of a purchase that ended early. `None` when the level's last order was no
/// purchase.
fn unfinished_purchase(level: &Level) -> Option<Quantity> {
    let order = level
        .order
        .as_ref()
        .filter(|order| order.intent.side == Side::Buy)?;
    let executed = order.executed_before.checked_add(order.executed)?;
    Some(order.owed.saturating_sub(executed))
}

/// Whether the level has bought what it owed and sold none of it yet.
fn unsold_purchase(level: &Level) -> bool {
    let Some(order) = &level.order else {
        return false;
    };
    let executed = order
        .executed_before
        .checked_add(order.executed)
        .unwrap_or(order.owed);
    match order.intent.side {
        Side::Buy => executed >= order.owed,
        Side::Sell => executed.is_zero() && !level.base.held().is_zero(),
    }
}

fn purchase_quantity(bot: &Bot, level: &Level) -> Option<Quantity> {
    if !bot.plan.compounding || level.realized_profit <= QuoteAmount::ZERO {
        return Some(level.quantity);
    }
    let more = level
        .realized_profit
        .decimal()
        .checked_div(level.buy_price.decimal())?;
    let grown = level
        .quantity
        .checked_add(Quantity::new(more.round_dp(18)).ok()?)?;
    let most = bot.rules.lot.map_or(grown, |lot| lot.max.min(grown));
    most.floor_to_step(bot.rules.step())
}

/// Holds an intent that the symbol's rules refuse anyway.
fn checked(bot: &Bot, intent: Intent) -> Next {
    if !bot.rules.trades() {
        return Next::Hold(intent, HoldReason::MarketClosed);
    }
    if bot
        .rules
        .check_order(intent.side, intent.price, intent.quantity)
        .is_empty()
    {
        return Next::Place(intent);
    }
    let value = intent.price.times(intent.quantity);
    let missing = bot.rules.missing_notional(intent.price, intent.quantity);
    match (value, missing) {
        (Some(value), Some(missing)) => {
            Next::Hold(intent, HoldReason::BelowMinimum { value, missing })
        }
        _ => Next::Hold(intent, HoldReason::Unsizable),
    }
}

/// The level with its next order in place of the ended one, in the given state.
///
/// An order of the same side as an ended one that it replaces continues that one's chain: what
/// they may execute together stays what the first one owed.
#[must_use]
pub fn owe(level: &Level, intent: Intent, state: OrderState, by_recovery: bool) -> Level {
    let chain = level
        .order
        .as_ref()
        .filter(|order| continues(order, &intent));
    let executed_before = chain
        .and_then(|order| order.executed_before.checked_add(order.executed))
        .unwrap_or(Quantity::ZERO);
    let needed = executed_before
        .checked_add(intent.quantity)
        .unwrap_or(intent.quantity);
    let next = LevelOrder {
        no: level.next_no(),
        owed: chain.map_or(needed, |order| order.owed.max(needed)),
        executed_before,
        fruitless: chain
            .filter(|order| order.executed.is_zero())
            .map_or(0, |order| order.fruitless.saturating_add(1)),
        intent,
        state,
        sent_since: None,
        sent_until: None,
        exchange_order_id: None,
        executed: Quantity::ZERO,
        executed_quote: QuoteAmount::ZERO,
        highest_seen: Quantity::ZERO,
        terminal: None,
        by_recovery,
    };
    let mut after = level.clone();
    after.given_up = level.last_given_up();
    after.previous = level.order.as_ref().map(pass_order);
    after.order = Some(next);
    after
}

/// Whether an order goes on with what the ended one left: same side, and not all of it executed. An
/// order lowered by hand may well be `FILLED` and leave something.
fn continues(ended: &LevelOrder, intent: &Intent) -> bool {
    let executed = ended.executed_before.checked_add(ended.executed);
    let fell_short = executed.is_some_and(|executed| executed < ended.owed);
    ended.intent.side == intent.side && (ended.terminal != Some(OrderStatus::Filled) || fell_short)
}

/// How long to wait before an order is placed again that somebody else ended, or `None` when the
/// order was filled: 1 s, doubled with each one in a row that executed nothing, at most 10 min, or
/// [`SELF_TRADE_PAUSE_LONGEST`] where it was self-trade prevention.
#[must_use]
pub fn pause_before_next(
    ended: &LevelOrder,
    first: Duration,
    longest: Duration,
) -> Option<Duration> {
    match ended.terminal {
        None | Some(OrderStatus::Filled) => None,
        Some(how) => {
            let longest = if how == OrderStatus::ExpiredInMatch {
                longest.min(SELF_TRADE_PAUSE_LONGEST)
            } else {
                longest
            };
            let doublings = ended.fruitless.min(20);
            Some(
                first
                    .saturating_mul(2_u32.saturating_pow(doublings))
                    .min(longest),
            )
        }
    }
}

/// The state of an order that waits after the one before it was ended by somebody else.
#[must_use]
pub fn waiting_state(ended: &LevelOrder, retry_at: LocalTime) -> OrderState {
    OrderState::Refused {
        why: RefusalReason::Backoff,
        detail: ended.terminal.map_or_else(String::new, |how| {
            // A level keeps the first 60 bytes.
            let (no, executed) = (ended.no, ended.executed);
            if how == OrderStatus::ExpiredInMatch {
                format!("self-trade prevention ended number {no}, {executed} executed")
            } else {
                format!(
                    "order number {no} {} with {executed} executed",
                    how.in_words()
                )
            }
        }),
        retry_at,
        lease: None,
    }
}
