//! What a report about an order means for its level: pure, total, and blind to delivery order.
//!
//! The trades booked are always a prefix of the order's cumulative quantity. A report says up to
//! which cumulative quantity it reaches (`z`) and shows the last trades up to there; so it is a
//! duplicate (`z` is booked), the next piece, or proof that something is missing. What is missing
//! is fetched and goes through [`resolve_fill`], which books the difference to the ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::{
    Assets, Bot, ClientOrderId, ExchangeOrderId, ExchangeTime, Execution, GivenUp, Level,
    LevelOrder, OrderNumber, OrderState, OrderStatus, PassedOrder, Quantity, QuarantineReason,
    Side, Trade, TradeId, book_trade,
};

/// How much earlier than its first lease an order may have been created: the clocks of the exchange's
/// own parts may differ by so much.
pub const CREATED_TOLERANCE: Duration = Duration::from_secs(1);

/// Why a report does not concern the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotOurs {
    /// It came for another account: somebody typed one of our ids by hand.
    OtherAccount,
    /// It is about another symbol.
    OtherSymbol,
    /// It carries neither the level's id nor the exchange's id of its order.
    OtherId,
    /// Side or price are not those of the order: one without a limit price is never ours.
    OtherPrice,
    /// It asks for more than the order; an amend can only lower that.
    OtherQuantity,
    /// The order is older than the intent.
    TooOld,
}

/// What a report tells about the level's current order beside its trades.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct News {
    /// The exchange's id of the order.
    pub exchange_order_id: ExchangeOrderId,
    /// How far the order has executed.
    pub cumulative: Quantity,
    /// How it ended, if it did.
    pub terminal: Option<OrderStatus>,
}

/// What a report means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FillDecision {
    /// It does not concern this level.
    NotOurs(NotOurs),
    /// Everything it says is known.
    Duplicate,
    /// No new trade, but news: accepted, or ended.
    Noted(News),
    /// These trades come next.
    Book {
        /// The trades to book, in order.
        trades: Vec<Trade>,
        /// What else it tells.
        news: News,
    },
    /// Trades before this report are missing: fetch the order's trades, then [`resolve_fill`].
    Missing(News),
    /// It concerns an order that was passed: fetch its trades, then [`resolve_fill`].
    Passed(OrderNumber),
    /// It concerns a second exchange order under the current id: fetch its trades, then
    /// [`resolve_fill`].
    SecondOrder(OrderNumber),
    /// Trades that do not belong to the current order, to be booked beside it.
    BookAside {
        /// The number the trades belong to.
        no: OrderNumber,
        /// The trades, in order.
        trades: Vec<Trade>,
        /// Whether a second exchange order under one id executed them.
        second_order: bool,
    },
    /// Our records and the exchange disagree.
    Quarantine(QuarantineReason, String),
}

/// Decides what a report means for a level.
#[must_use]
pub fn decide_fill(bot: &Bot, level: &Level, execution: &Execution) -> FillDecision {
    let no = match owner_number(bot, level, execution) {
        Ok(no) => no,
        Err(why) => return FillDecision::NotOurs(why),
    };
    let Some(order) = level.order.as_ref().filter(|order| no <= order.no) else {
        return decide_ahead(level, execution, no);
    };
    if no < order.no {
        return decide_passed(level, execution, no);
    }
    let known = order.exchange_order_id;
    if known != Some(execution.exchange_order_id) {
        if let Some(why) = differs(order, execution) {
            return FillDecision::NotOurs(why);
        }
        if known.is_some() {
            return FillDecision::SecondOrder(no);
        }
    }
    decide_current(order, execution)
}

/// Which of the level's numbers a report is about.
fn owner_number(bot: &Bot, level: &Level, execution: &Execution) -> Result<OrderNumber, NotOurs> {
    if execution.account != bot.account {
        return Err(NotOurs::OtherAccount);
    }
    if execution.symbol != bot.rules.symbol {
        return Err(NotOurs::OtherSymbol);
    }
    match execution.client_order_id.parse::<ClientOrderId>() {
        Ok(id) if id.bot == level.bot && id.level == level.index => Ok(id.no),
        // An amend gives the order another client id; the exchange's own id still names it.
        Ok(_) | Err(_) => level
            .order
            .as_ref()
            .filter(|order| order.exchange_order_id == Some(execution.exchange_order_id))
            .map(|order| order.no)
            .ok_or(NotOurs::OtherId),
    }
}

fn differs(order: &LevelOrder, execution: &Execution) -> Option<NotOurs> {
    let other_price = execution.order_price != Some(order.intent.price);
    if execution.side != order.intent.side || other_price {
        return Some(NotOurs::OtherPrice);
    }
    if execution.order_quantity > order.intent.quantity {
        return Some(NotOurs::OtherQuantity);
    }
    is_older(execution, order.first_start()).then_some(NotOurs::TooOld)
}

/// Whether an order was created before the first attempt at a number, as far as both are known.
fn is_older(execution: &Execution, first_start: Option<ExchangeTime>) -> bool {
    let oldest = first_start.map(|start| start.before(CREATED_TOLERANCE));
    oldest
        .zip(execution.created_at)
        .is_some_and(|(oldest, created)| created < oldest)
}

fn decide_ahead(level: &Level, execution: &Execution, no: OrderNumber) -> FillDecision {
    if execution.order_price != Some(level.price(execution.side)) {
        return FillDecision::NotOurs(NotOurs::OtherPrice);
    }
    let current = level.order.as_ref().map_or(0, |order| order.no.0);
    FillDecision::Quarantine(
        QuarantineReason::NumberAhead,
        format!(
            "exchange order {} carries number {no}, this level has given out {current}",
            execution.exchange_order_id
        ),
    )
}

fn decide_passed(level: &Level, execution: &Execution, no: OrderNumber) -> FillDecision {
    let known = level.previous.is_some_and(|passed| {
        passed.no == no
            && passed.exchange_order_id == Some(execution.exchange_order_id)
            && execution.cumulative <= passed.executed
    });
    if known || execution.cumulative.is_zero() {
        return FillDecision::Duplicate;
    }
    FillDecision::Passed(no)
}

fn decide_current(order: &LevelOrder, execution: &Execution) -> FillDecision {
    let z = execution.cumulative;
    // A rejected order never was one: the reply to its placement says what to do about it. Once it
    // was adopted nobody waits for that reply any more, and it has ended like any other.
    let awaited = order.exchange_order_id.is_none();
    if execution.status == OrderStatus::Rejected && z.is_zero() && awaited {
        return FillDecision::Duplicate;
    }
    let news = News {
        exchange_order_id: execution.exchange_order_id,
        cumulative: z,
        terminal: execution.status.is_terminal().then_some(execution.status),
    };
    if z <= order.executed {
        if news.terminal.is_some() && z < order.executed {
            return FillDecision::Quarantine(
                QuarantineReason::TradesDisagree,
                format!(
                    "the order ended with {z} executed, but {} is booked",
                    order.executed
                ),
            );
        }
        let tells = (news.terminal.is_some() && order.terminal.is_none())
            || order.exchange_order_id.is_none()
            || proves_acceptance(order);
        return if tells {
            FillDecision::Noted(news)
        } else {
            FillDecision::Duplicate
        };
    }
    match next_trades(order.executed, execution) {
        Some(trades) => FillDecision::Book { trades, news },
        None => FillDecision::Missing(news),
    }
}

/// Whether the level does not yet know that its order was accepted.
fn proves_acceptance(order: &LevelOrder) -> bool {
    match order.state {
        OrderState::Pending { .. } | OrderState::Refused { .. } | OrderState::Held { .. } => true,
        OrderState::Open | OrderState::Quarantined { .. } | OrderState::Idle => false,
    }
}

/// The report's trades beyond `executed`, if they start exactly there.
fn next_trades(executed: Quantity, execution: &Execution) -> Option<Vec<Trade>> {
    let mut reached = execution.cumulative.checked_sub(execution.shown()?)?;
    let mut trades = execution.trades.iter();
    while reached < executed {
        reached = reached.checked_add(trades.next()?.quantity)?;
    }
    (reached == executed).then(|| trades.cloned().collect())
}

/// Decides again with all of the order's trades as the exchange shows them now, and the ledger's
/// entries of that order number: books what the ledger lacks.
///
/// For [`FillDecision::Missing`], [`FillDecision::Passed`] and [`FillDecision::SecondOrder`]. The last two come
/// back while the exchange does not show all that the report tells of: nobody else remembers that it is missing.
#[must_use]
pub fn resolve_fill(
    bot: &Bot,
    level: &Level,
    execution: &Execution,
    shown: &[Trade],
    recorded: &BTreeSet<TradeId>,
) -> FillDecision {
    let mut lacking: Vec<Trade> = shown
        .iter()
        .filter(|trade| !recorded.contains(&trade.id))
        .cloned()
        .collect();
    lacking.sort_by_key(|trade| trade.id);
    lacking.dedup_by_key(|trade| trade.id);
    match decide_fill(bot, level, execution) {
        FillDecision::Passed(no) if !recorded.is_empty() || was_ours(level, execution, no) => {
            if shows_all(shown, execution) {
                book_aside(no, lacking, false)
            } else {
                FillDecision::Passed(no)
            }
        }
        FillDecision::Passed(_) => FillDecision::NotOurs(NotOurs::OtherPrice),
        FillDecision::SecondOrder(no) if shows_all(shown, execution) => {
            book_aside(no, lacking, true)
        }
        FillDecision::SecondOrder(no) => FillDecision::SecondOrder(no),
        FillDecision::Missing(news) | FillDecision::Book { news, .. } => {
            resolve_current(level, news, lacking)
        }
        decided @ (FillDecision::NotOurs(_)
        | FillDecision::Duplicate
        | FillDecision::Noted(_)
        | FillDecision::BookAside { .. }
        | FillDecision::Quarantine(..)) => decided,
    }
}

fn resolve_current(level: &Level, mut news: News, lacking: Vec<Trade>) -> FillDecision {
    let Some(order) = &level.order else {
        return FillDecision::Duplicate;
    };
    let total = lacking
        .iter()
        .try_fold(order.executed, |sum, trade| sum.checked_add(trade.quantity));
    let Some(total) = total else {
        return FillDecision::Quarantine(
            QuarantineReason::TradesDisagree,
            "the trades of the order add up beyond any quantity".to_owned(),
        );
    };
    if news.terminal.is_some() && total > news.cumulative {
        return FillDecision::Quarantine(
            QuarantineReason::TradesDisagree,
            format!(
                "the order ended with {} executed, its trades make {total}",
                news.cumulative
            ),
        );
    }
    news.cumulative = news.cumulative.max(total);
    if lacking.is_empty() {
        FillDecision::Noted(news)
    } else {
        FillDecision::Book {
            trades: lacking,
            news,
        }
    }
}

/// Whether the exchange shows as much of an order as a report tells of. Look-ups lag.
fn shows_all(shown: &[Trade], execution: &Execution) -> bool {
    let by_id: BTreeMap<TradeId, Quantity> = shown
        .iter()
        .map(|trade| (trade.id, trade.quantity))
        .collect();
    let total = by_id
        .values()
        .try_fold(Quantity::ZERO, |sum, quantity| sum.checked_add(*quantity));
    total.is_none_or(|total| total >= execution.cumulative)
}

fn book_aside(no: OrderNumber, lacking: Vec<Trade>, second_order: bool) -> FillDecision {
    if lacking.is_empty() {
        return FillDecision::Duplicate;
    }
    FillDecision::BookAside {
        no,
        trades: lacking,
        second_order,
    }
}

/// Whether a passed order is one the level had given out: by the exchange's id where it is known, by
/// side, price and age otherwise. Those of an order before the previous one are the level's lines, unless it
/// is the one that was given up.
fn was_ours(level: &Level, execution: &Execution, no: OrderNumber) -> bool {
    let at = |price| execution.order_price == Some(price);
    if let Some(passed) = level.previous.filter(|passed| passed.no == no) {
        return passed.exchange_order_id == Some(execution.exchange_order_id)
            || (passed.side == execution.side
                && at(passed.price)
                && !is_older(execution, passed.first_start));
    }
    match level.given_up.filter(|given_up| given_up.no == no) {
        Some(given_up) => may_be_given_up(level, &given_up, execution),
        None => at(level.price(execution.side)),
    }
}

/// Whether an order may be the one that was given up. Its price is not kept: a first purchase is never
/// dearer than the level's own, a liquidation may be sold at any.
fn may_be_given_up(level: &Level, given_up: &GivenUp, execution: &Execution) -> bool {
    let Some(price) = execution.order_price else {
        return false;
    };
    let dearer = price > level.buy_price;
    let too_old = is_older(execution, Some(given_up.first_start));
    execution.side == given_up.side && !too_old && !(execution.side == Side::Buy && dearer)
}

/// The level after news and trades of its current order. `None` when an amount no longer fits.
#[must_use]
pub fn apply_news(
    level: &Level,
    news: &News,
    trades: &[Trade],
    assets: Assets<'_>,
) -> Option<Level> {
    let side = level.order.as_ref()?.intent.side;
    let mut after = book_all(level, side, trades, assets)?;
    let order = after.order.as_mut()?;
    for trade in trades {
        order.executed = order.executed.checked_add(trade.quantity)?;
        order.executed_quote = order.executed_quote.checked_add(trade.quote)?;
    }
    order.highest_seen = order.highest_seen.max(news.cumulative).max(order.executed);
    order.exchange_order_id = order.exchange_order_id.or(Some(news.exchange_order_id));
    if order.terminal.is_none() {
        order.terminal = news.terminal;
    }
    if proves_acceptance(order) {
        order.enter(OrderState::Open);
    }
    Some(after)
}

/// The level after trades that do not belong to its current order. `None` when an amount no longer
/// fits.
#[must_use]
pub fn apply_aside(
    level: &Level,
    (no, id): (OrderNumber, ExchangeOrderId),
    side: Side,
    trades: &[Trade],
    assets: Assets<'_>,
) -> Option<Level> {
    let mut after = book_all(level, side, trades, assets)?;
    if let Some(passed) = after.previous.as_mut().filter(|passed| passed.no == no) {
        passed.exchange_order_id = passed.exchange_order_id.or(Some(id));
        passed.first_start = None;
        for trade in trades {
            passed.executed = passed.executed.checked_add(trade.quantity)?;
        }
    }
    Some(after)
}

fn book_all(level: &Level, side: Side, trades: &[Trade], assets: Assets<'_>) -> Option<Level> {
    trades.iter().try_fold(level.clone(), |level, trade| {
        book_trade(&level, side, trade, assets)
    })
}

/// What is kept of an order once the next one takes its place.
#[must_use]
pub fn pass_order(order: &LevelOrder) -> PassedOrder {
    PassedOrder {
        no: order.no,
        exchange_order_id: order.exchange_order_id,
        side: order.intent.side,
        price: order.intent.price,
        executed: order.executed,
        by_recovery: order.by_recovery,
        first_start: order
            .first_start()
            .filter(|_| order.exchange_order_id.is_none()),
    }
}
