//! An independent verdict, from the exchange's own history: was every fill answered exactly once?
//!
//! Entry points: [`World::assert_sound`] for a system at rest, [`findings`] for what is wrong. It
//! reads the model's journal and the final records, reckons everything anew and shares no code with
//! the use cases.

mod history;
mod ledger;
mod rules;

use std::collections::BTreeMap;

use domain::{BotId, DesiredStatus, Level, LevelIndex, OrderNumber, OrderState};
use rust_decimal::Decimal;

use crate::World;
pub use history::{Past, PastOrder};

/// Something that must never be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// Two exchange orders under one id.
    TwoOrdersUnderOneId(String),
    /// Two orders of one level were live at once.
    TwoLiveOrders(String),
    /// An order is not the one that the level's holdings called for.
    WrongOrder(String),
    /// A level has bought more than it owed.
    BoughtTooMuch(String),
    /// A trade without its ledger entry, or an entry that differs.
    LedgerDiffers(String),
    /// A ledger entry without its trade.
    FillWithoutTrade(String),
    /// What a level holds is not what its trades say.
    HoldingsDiffer(String),
    /// A level stands still without a recorded reason.
    Stuck(String),
    /// A stopped bot has live orders.
    LiveThoughStopped(String),
    /// An order came to be for a bot that was observed paused or stopped.
    SentThoughPaused(String),
    /// A level counts an order as its own that is not what it asked for.
    NotOurs(String),
    /// An order broke a rule of its symbol, although no rule had changed.
    BrokeRule(String),
    /// Two runs of recovery after the faults ended, an order is still owed whose fate is unknown.
    StillPending(String),
    /// Two runs of recovery after the faults ended, a fill is still unseen.
    StillUnseen(String),
}

impl Finding {
    /// The number of the invariant that is broken (`docs/guarantees.md`).
    #[must_use]
    pub const fn invariant(&self) -> u32 {
        match self {
            Self::LedgerDiffers(_) | Self::FillWithoutTrade(_) => 1,
            Self::WrongOrder(_) | Self::BoughtTooMuch(_) | Self::NotOurs(_) | Self::Stuck(_) => 2,
            Self::TwoOrdersUnderOneId(_) | Self::TwoLiveOrders(_) => 3,
            Self::HoldingsDiffer(_) => 4,
            Self::BrokeRule(_) => 5,
            Self::LiveThoughStopped(_) | Self::SentThoughPaused(_) => 6,
            Self::StillPending(_) | Self::StillUnseen(_) => 7,
        }
    }
}

/// What the symbol's rules make of a holding: what could be sold of it.
#[derive(Debug, Clone, Copy)]
struct Minimum {
    step: Decimal,
    quantity: Decimal,
    notional: Decimal,
}

impl Minimum {
    fn sellable(self, held: Decimal, price: Decimal) -> Option<Decimal> {
        let whole = held.max(Decimal::ZERO);
        let whole = whole - whole % self.step;
        (whole >= self.quantity && !whole.is_zero() && whole * price >= self.notional)
            .then_some(whole)
    }
}

/// Everything that is wrong with a bot, now that the system is at rest.
#[must_use]
pub fn findings(world: &World, bot: &BotId) -> Vec<Finding> {
    let mut found = safety_findings(world, bot);
    found.extend(settled_findings(world, bot));
    found
}

/// Everything that is wrong with a bot's past once all fills should be seen: orders, ledger, holdings.
#[must_use]
pub fn safety_findings(world: &World, bot: &BotId) -> Vec<Finding> {
    let past = Past::of_bot(world, bot);
    let mut found = order_findings(world, bot);
    found.extend(ledger::differences(world, bot, &past));
    found
}

/// Everything that is wrong with a bot's orders, while their fills may not have been seen yet.
#[must_use]
pub fn order_findings(world: &World, bot: &BotId) -> Vec<Finding> {
    let past = Past::of_bot(world, bot);
    let mut found = Vec::new();
    for orders in past.levels.values() {
        found.extend(one_at_a_time(orders));
        found.extend(what_holdings_call_for(world, bot, orders));
    }
    found.extend(rules::not_ours(world, bot));
    found.extend(rules::broken(world, bot));
    found.extend(rules::sent_though_paused(world, bot));
    found
}

/// No id twice, no two orders of a level at once.
fn one_at_a_time(orders: &[PastOrder]) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut by_number: BTreeMap<OrderNumber, u32> = BTreeMap::new();
    for order in orders {
        *by_number.entry(order.no).or_insert(0) += 1;
    }
    for order in orders.iter().filter(|order| by_number[&order.no] > 1) {
        found.push(Finding::TwoOrdersUnderOneId(order.to_string()));
    }
    for (at, order) in orders.iter().enumerate() {
        let overlapping = orders[..at]
            .iter()
            .find(|earlier| earlier.ended.is_none_or(|(end, _)| end > order.placed));
        if let Some(earlier) = overlapping {
            found.push(Finding::TwoLiveOrders(format!("{earlier} and {order}")));
        }
    }
    found
}

/// Each order is the one that what the level held just then called for.
fn what_holdings_call_for(world: &World, bot: &BotId, orders: &[PastOrder]) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut held = Decimal::ZERO;
    let mut bought = Decimal::ZERO;
    let mut earned = Earned::default();
    let Some(first) = orders.first() else {
        return found;
    };
    let level = world.store.level_now(bot, first.level.0);
    for order in orders {
        // What is sold for a bot that stops is worth what the market pays, above the level's line or below.
        let price = if order.is_sell {
            order.price
        } else {
            level.sell_price.decimal()
        };
        // Rules that change are known here up to ten minutes later.
        let mut sellable = order
            .minimums
            .iter()
            .map(|minimum| minimum.sellable(held, price));
        if order.is_sell {
            if !sellable.any(|sellable| sellable == Some(order.asked)) {
                found.push(Finding::WrongOrder(format!(
                    "{order}, but {held} was held, to sell by {:?}",
                    order.minimums
                )));
            }
            bought = Decimal::ZERO;
        } else {
            if sellable.all(|sellable| sellable.is_some()) {
                found.push(Finding::WrongOrder(format!("{order}, but {held} was held")));
            }
            bought += order.executed();
            if bought > may_buy(world, bot, &level, &earned) {
                found.push(Finding::BoughtTooMuch(format!(
                    "{order}: {bought} in a row"
                )));
            }
        }
        earned.take(order, held);
        held += order.base_change();
    }
    found
}

/// What a level has earned by average cost, reckoned from its orders.
#[derive(Debug, Default)]
struct Earned {
    cost: Decimal,
    profit: Decimal,
}

impl Earned {
    /// Takes an order that found `held` of the base in the level.
    fn take(&mut self, order: &PastOrder, held: Decimal) {
        if !order.is_sell {
            self.cost -= order.quote_change();
            return;
        }
        let sold = order.executed();
        let share = if sold >= held {
            self.cost
        } else {
            self.cost * sold / held
        };
        self.cost -= share;
        self.profit += order.quote_change() - share;
    }
}

/// How much a level may buy in a row: its quantity, and what it has earned if it reinvests that.
fn may_buy(world: &World, bot: &BotId, level: &Level, earned: &Earned) -> Decimal {
    let planned = level.quantity.decimal();
    if world.store.bot_now(bot).plan.compounding {
        planned + earned.profit.max(Decimal::ZERO) / level.buy_price.decimal()
    } else {
        planned
    }
}

/// What a system that has had two runs of recovery without faults must not show any more: orders
/// owed whose fate is unknown, fills that nobody has seen.
#[must_use]
pub fn unsettled_findings(world: &World, bot: &BotId) -> Vec<Finding> {
    let record = world.store.bot_now(bot);
    let mut found = Vec::new();
    for index in (0..record.levels).filter(|index| !world.was_meddled_with(bot, LevelIndex(*index)))
    {
        let level = world.level(bot, index);
        let pending = level.order.as_ref().map(|order| &order.state);
        if let Some(OrderState::Pending { lease }) = pending {
            let text = format!("level {index}, attempt {}", lease.attempt);
            found.push(Finding::StillPending(text));
        }
    }
    let past = Past::of_bot(world, bot);
    for (index, orders) in &past.levels {
        let level = world.level(bot, index.0);
        let open = level.order.filter(|order| order.state == OrderState::Open);
        let Some(id) = open.and_then(|order| order.exchange_order_id) else {
            continue;
        };
        let ended = |order: &&PastOrder| order.exchange_order_id == id.0 && order.ended.is_some();
        if let Some(order) = orders.iter().find(ended) {
            found.push(Finding::StillUnseen(format!("the end of {order}")));
        }
    }
    let unseen = ledger::differences(world, bot, &past);
    found.extend(
        unseen
            .into_iter()
            .map(|unseen| Finding::StillUnseen(format!("{unseen:?}"))),
    );
    found
}

/// A level at rest has one live order, or says why not.
#[must_use]
pub fn settled_findings(world: &World, bot: &BotId) -> Vec<Finding> {
    let past = Past::of_bot(world, bot);
    let record = world.store.bot_now(bot);
    let mut found = Vec::new();
    for index in (0..record.levels).filter(|index| !world.was_meddled_with(bot, LevelIndex(*index)))
    {
        let level = world.level(bot, index);
        let orders = past.levels.get(&LevelIndex(index));
        let live: Vec<&PastOrder> = orders
            .into_iter()
            .flatten()
            .filter(|order| order.ended.is_none())
            .collect();
        let Some(order) = &level.order else {
            if record.desired == DesiredStatus::Running {
                found.push(Finding::Stuck(format!("level {index} owes nothing yet")));
            }
            continue;
        };
        let stopped = matches!(
            record.desired,
            DesiredStatus::Stopped | DesiredStatus::StoppedAndSold
        );
        if stopped && !live.is_empty() {
            found.push(Finding::LiveThoughStopped(live[0].to_string()));
        }
        let fine = match &order.state {
            OrderState::Open => {
                live.len() == 1
                    && order.exchange_order_id.map(|id| id.0) == Some(live[0].exchange_order_id)
                    && order.executed.decimal() == live[0].executed()
                    && order.no == live[0].no
            }
            OrderState::Refused { .. } | OrderState::Held { .. } => live.is_empty(),
            OrderState::Idle => live.is_empty() && record.desired != DesiredStatus::Running,
            OrderState::Pending { .. } | OrderState::Quarantined { .. } => false,
        };
        if !fine {
            found.push(Finding::Stuck(format!(
                "level {index} is {:?} with {} live orders",
                order.state,
                live.len()
            )));
        }
    }
    found
}

impl World {
    /// Panics unless everything about a bot is as it must be, with the whole story.
    pub fn assert_sound(&self, bot: &BotId) {
        let found = findings(self, bot);
        assert!(found.is_empty(), "{}", self.tell(bot, &found));
    }

    /// The findings with everything that led to them.
    #[must_use]
    pub fn tell(&self, bot: &BotId, found: &[Finding]) -> String {
        let mut text = String::new();
        for finding in found {
            text += &format!("\n* {finding:?}");
        }
        text += "\norders:";
        for order in Past::of_bot(self, bot).levels.values().flatten() {
            text += &format!("\n  {order}");
        }
        text += "\nstory:";
        let story = self.store.story_now();
        for event in story.into_iter().filter(|event| event.bot == *bot) {
            let (level, no) = (event.level, event.no);
            text += &format!(
                "\n  {} {level:?} {no:?} {:?}: {}",
                event.at, event.kind, event.text
            );
        }
        text
    }
}
