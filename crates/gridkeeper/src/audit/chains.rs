//! Invariants 2, 3 and 7: the orders of one level, in the order of their numbers.
//!
//! Orders of one side that follow each other are a chain: each but the last ended early, by a cancel
//! or an expiry, and the next one replaces it. A filled order ends its chain; what follows must be
//! the opposite side.

use domain::{Level, LevelOrder, ObservedStatus, OrderState, OrderStatus, Price, Side};
use rust_decimal::Decimal;

use super::judge::{Findings, Seen, is_quarantined};
use super::ledger::taken_from_balance;
use super::report::Invariant;
use super::rules::smallest_sale;
use super::{Evidence, GRACE};
use crate::words::state_in_short as state_words;

/// What a level's orders come to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) completed: u32,
    pub(super) opposite: u32,
    pub(super) round_trips: u32,
}

/// Where a level stands after its last order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    AsItShould,
    UnderWay(String),
    Owing(String),
}

/// Invariant 3: no order was created while an earlier one of the level was still live.
pub(super) fn judge_lives(level: &Level, seen: &[Seen<'_>], findings: &mut Findings) {
    let mut by_age: Vec<&Seen<'_>> = seen.iter().collect();
    by_age.sort_by_key(|order| (order.view.created_at, order.id()));
    for (earlier, later) in by_age.iter().zip(by_age.iter().skip(1)) {
        let overlaps = earlier.is_live() || later.view.created_at < earlier.view.updated_at;
        if overlaps {
            let text = format!(
                "exchange order {} (number {}) was created while exchange order {} (number {}) was live",
                later.id(),
                later.no,
                earlier.id(),
                earlier.no
            );
            findings.break_promise(Invariant::OneLiveOrder, level.index, text);
        }
    }
}

/// Invariant 2 for all orders that others followed.
pub(super) fn judge_chains(
    evidence: &Evidence,
    level: &Level,
    seen: &[Seen<'_>],
    findings: &mut Findings,
) -> Counts {
    let mut counts = Counts::default();
    let mut walk = Walk::new(evidence, level, taken_from_balance(evidence, level, seen));
    let mut previous: Option<&Seen<'_>> = None;
    for order in seen {
        if let Some(previous) = previous {
            walk.judge_step(previous, order, findings);
            if previous.is_filled() && previous.view.side != order.view.side {
                counts.opposite += 1;
            }
        }
        walk.judge_order(order, findings);
        walk.take(order);
        if order.is_filled() {
            counts.completed += 1;
            if order.view.side == Side::Sell {
                counts.round_trips += 1;
            }
        }
        previous = Some(order);
    }
    counts
}

/// One pass over a level's orders, with what they have moved so far.
struct Walk<'a> {
    evidence: &'a Evidence,
    level: &'a Level,
    /// The base the level holds, fees in base taken off.
    held: Decimal,
    /// Whether anything was executed so far.
    touched: bool,
    bought_in_chain: Decimal,
}

impl<'a> Walk<'a> {
    fn new(evidence: &'a Evidence, level: &'a Level, held: Decimal) -> Self {
        Self {
            evidence,
            level,
            held,
            touched: false,
            bought_in_chain: Decimal::ZERO,
        }
    }

    fn take(&mut self, order: &Seen<'_>) {
        let executed = order.view.executed.decimal();
        self.touched |= !executed.is_zero();
        self.held = match order.view.side {
            Side::Buy => self.held.saturating_add(executed),
            Side::Sell => self.held.saturating_sub(executed),
        };
        let base = &self.evidence.bot.rules.base;
        for fee in order.trades.iter().filter_map(|trade| trade.fee.as_ref()) {
            if fee.asset == *base {
                self.held = self.held.saturating_sub(fee.amount.decimal());
            }
        }
    }

    /// Two orders that follow each other.
    fn judge_step(&mut self, before: &Seen<'_>, after: &Seen<'_>, findings: &mut Findings) {
        let index = self.level.index;
        if before.no == after.no {
            let (first, second) = (before.id(), after.id());
            let text = format!("orders {first} and {second} both carry number {}", after.no);
            findings.doubled(index, text);
        } else if before.is_filled()
            && before.view.side == Side::Buy
            && after.view.side == Side::Buy
        {
            let text = format!(
                "BUY {} (number {}) was filled and followed by BUY {} (number {}) instead of a SELL",
                before.id(),
                before.no,
                after.id(),
                after.no
            );
            findings.doubled(index, text);
        }
        if after.view.side == Side::Sell || before.view.side == Side::Sell {
            self.bought_in_chain = Decimal::ZERO;
        }
    }

    /// One order by itself: its price is the level's, and it asks for no more than is owed.
    fn judge_order(&mut self, order: &Seen<'_>, findings: &mut Findings) {
        let level = self.level;
        let index = level.index;
        let named = format!("{} {} (number {})", order.view.side, order.id(), order.no);
        let quantity = order.view.quantity.decimal();
        let executed = order.view.executed.decimal();
        match order.view.side {
            Side::Buy => {
                let price = order.view.price;
                // A level's first inventory is bought near the market, never dearer.
                let as_planned = price == Some(level.buy_price)
                    || (!self.touched && price.is_some_and(|price| price <= level.buy_price));
                if !as_planned {
                    let at = price_text(price);
                    let buys_at = level.buy_price;
                    findings.doubled(
                        index,
                        format!("{named} is at {at}, but the level buys at {buys_at}"),
                    );
                }
                self.bought_in_chain = self.bought_in_chain.saturating_add(executed);
                if self.evidence.bot.plan.compounding {
                    return;
                }
                let owed = level.quantity.decimal();
                let spare = smallest_sale(&self.evidence.bot.rules, level.sell_price.decimal());
                let asked = self.held.saturating_add(quantity);
                if self.bought_in_chain > owed || asked > owed.saturating_add(spare) {
                    findings.doubled(
                        index,
                        format!(
                            "{named} asks for {quantity} while the level holds {}: together more \
                             than the {owed} it may hold",
                            self.held
                        ),
                    );
                }
            }
            Side::Sell => {
                if order.view.price != Some(level.sell_price) {
                    let (at, sells_at) = (price_text(order.view.price), level.sell_price);
                    findings.note(format!(
                        "level {index}: {named} is at {at}, not at {sells_at}: a sale of a stopped bot"
                    ));
                }
                let more = quantity.saturating_sub(self.held);
                if more > Decimal::ZERO {
                    findings.doubled(
                        index,
                        format!("{named} asks for {more} more than the level had bought"),
                    );
                }
            }
        }
    }
}

fn price_text(price: Option<Price>) -> String {
    price.map_or_else(|| "no limit".to_owned(), |price| price.to_string())
}

/// Invariants 2 and 7 for a level's last order: it is live, followed, or has a recorded reason.
pub(super) fn judge_end(
    evidence: &Evidence,
    level: &Level,
    seen: &[Seen<'_>],
    findings: &mut Findings,
) -> Standing {
    let Some(order) = &level.order else {
        return judge_fresh(evidence, level, seen, findings);
    };
    if is_quarantined(level) {
        return Standing::Owing(state_words(order));
    }
    match seen.last() {
        Some(last) if last.no > order.no => {
            let (id, no, known) = (last.id(), last.no, order.no);
            let text =
                format!("exchange order {id} carries number {no}, but the records end at {known}");
            findings.doubled(level.index, text);
            Standing::AsItShould
        }
        Some(last) if last.no == order.no => judge_current(evidence, level, order, last, findings),
        Some(last) => {
            judge_passed(evidence, level, order, last, findings);
            judge_unseen(evidence, level, order, findings)
        }
        None => judge_unseen(evidence, level, order, findings),
    }
}

fn judge_fresh(
    evidence: &Evidence,
    level: &Level,
    seen: &[Seen<'_>],
    findings: &mut Findings,
) -> Standing {
    if let Some(order) = seen.last() {
        let text = format!("exchange order {} is nowhere in the records", order.id());
        findings.doubled(level.index, text);
    }
    match evidence.bot.observed {
        ObservedStatus::Running => Standing::Owing("its first order is not laid yet".to_owned()),
        ObservedStatus::Ready
        | ObservedStatus::Paused
        | ObservedStatus::Stopping
        | ObservedStatus::Stopped => Standing::AsItShould,
    }
}

/// The level's current order is at the exchange.
fn judge_current(
    evidence: &Evidence,
    level: &Level,
    order: &LevelOrder,
    last: &Seen<'_>,
    findings: &mut Findings,
) -> Standing {
    let index = level.index;
    let id = last.id();
    let young = last.view.updated_at > evidence.read_at.before(GRACE);
    match (&order.state, last.is_live()) {
        (OrderState::Open, true) => {
            if order.exchange_order_id.is_some_and(|known| known != id) {
                let text =
                    format!("exchange order {id} is live, the records know another of that number");
                findings.doubled(index, text);
            }
            Standing::AsItShould
        }
        (OrderState::Open | OrderState::Pending { .. }, _) if young => Standing::UnderWay(format!(
            "exchange order {id} has just changed at the exchange"
        )),
        (OrderState::Open, false) => {
            let (side, status) = (last.view.side, last.view.status);
            let text = format!(
                "{side} {id} (number {}) ended ({status:?}) and nothing followed",
                last.no
            );
            findings.missing(index, text);
            Standing::AsItShould
        }
        (OrderState::Pending { lease }, live) => {
            if lease.until > evidence.read_at.before(GRACE) {
                return Standing::UnderWay(state_words(order));
            }
            let what = if live { "is live" } else { "has ended" };
            let text = format!(
                "exchange order {id} {what} at the exchange, the records still call it pending"
            );
            findings.break_promise(Invariant::NothingForgotten, index, text);
            Standing::AsItShould
        }
        (OrderState::Idle, false) => Standing::AsItShould,
        (OrderState::Idle | OrderState::Refused { .. } | OrderState::Held { .. }, _) => {
            let text = format!(
                "the records say that number {} was not placed, but exchange order {id} is there",
                order.no
            );
            findings.doubled(index, text);
            Standing::AsItShould
        }
        (OrderState::Quarantined { .. }, _) => Standing::Owing(state_words(order)),
    }
}

/// The order before the current one: it must be over, and if it was filled, the current one must be
/// its opposite.
fn judge_passed(
    evidence: &Evidence,
    level: &Level,
    order: &LevelOrder,
    last: &Seen<'_>,
    findings: &mut Findings,
) {
    if last.is_live() && last.view.updated_at <= evidence.read_at.before(GRACE) {
        let text = format!(
            "exchange order {} (number {}) is still live, but the records are at number {}",
            last.id(),
            last.no,
            order.no
        );
        findings.break_promise(Invariant::OneLiveOrder, level.index, text);
    }
    if last.is_filled() && last.view.side == Side::Buy && order.intent.side == Side::Buy {
        let text = format!(
            "BUY {} (number {}) was filled, and another BUY is owed instead of a SELL",
            last.id(),
            last.no
        );
        findings.missing(level.index, text);
    }
}

/// The current order is not at the exchange: its state must say why.
fn judge_unseen(
    evidence: &Evidence,
    level: &Level,
    order: &LevelOrder,
    findings: &mut Findings,
) -> Standing {
    let index = level.index;
    let old = evidence.read_at.before(GRACE);
    let changed = domain::ExchangeTime::from_millis(level.changed_at.as_millis());
    match &order.state {
        OrderState::Open if changed > old => {
            Standing::UnderWay("its order was placed just now".to_owned())
        }
        OrderState::Open => {
            let text = format!(
                "order number {} is recorded as open, the exchange does not list it",
                order.no
            );
            findings.missing(index, text);
            Standing::AsItShould
        }
        OrderState::Pending { lease } if lease.until > old => {
            Standing::UnderWay(state_words(order))
        }
        OrderState::Pending { .. } if evidence.bot.observed != ObservedStatus::Running => {
            Standing::Owing(state_words(order))
        }
        OrderState::Pending { .. } => {
            let text = format!("number {} stays pending: {}", order.no, state_words(order));
            findings.break_promise(Invariant::NothingForgotten, index, text);
            Standing::AsItShould
        }
        OrderState::Refused { .. } | OrderState::Held { .. } | OrderState::Quarantined { .. } => {
            Standing::Owing(state_words(order))
        }
        OrderState::Idle
            if order.terminal == Some(OrderStatus::Filled)
                && evidence.bot.observed == ObservedStatus::Running =>
        {
            let text = format!(
                "number {} is over and nothing is owed although the bot runs",
                order.no
            );
            findings.missing(index, text);
            Standing::AsItShould
        }
        OrderState::Idle => Standing::AsItShould,
    }
}
