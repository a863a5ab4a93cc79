//! The journal, told as the story of each order of each level.
//!
//! Entry point: [`History::read`]. Rules are checked here, as each order is met under the rules of its time.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::LadderSlot;
use crate::model::{Fact, JournalEntry, OrderStatus, OrderType, Side, SymbolRules};

/// One order from acceptance to end. Places in the journal serve as times.
#[derive(Debug, Clone)]
pub(super) struct Story {
    pub(super) client_order_id: String,
    pub(super) side: Side,
    pub(super) order_type: OrderType,
    pub(super) price: Decimal,
    /// What it asks for now; an amend lowers it.
    pub(super) quantity: Decimal,
    /// What it asked for when it was placed.
    pub(super) asked: Decimal,
    pub(super) executed: Decimal,
    /// Base taken as commission.
    pub(super) base_fee: Decimal,
    pub(super) trades: u64,
    pub(super) placed_at: usize,
    pub(super) ended: Option<(usize, OrderStatus)>,
    /// What an order of this symbol must at least be worth to be sold.
    pub(super) smallest_sale: Decimal,
    /// Rules it broke.
    pub(super) breaches: Vec<String>,
}

impl Story {
    pub(super) fn live_at(&self, place: usize) -> bool {
        self.placed_at < place && self.ended.is_none_or(|(ended, _)| ended > place)
    }

    /// Whether it brought all that was asked of it. An order that was lowered from outside, or cut by self-trade
    /// prevention, may end FILLED with less: the rest is then still to be bought or sold.
    pub(super) fn completed(&self) -> bool {
        matches!(self.ended, Some((_, OrderStatus::Filled))) && self.executed >= self.asked
    }
}

/// One level's orders, in the order they were accepted, and its refused placements' numbers and reasons.
#[derive(Debug, Default)]
pub(super) struct SlotHistory {
    pub(super) orders: Vec<Story>,
    pub(super) refused: Vec<(usize, String)>,
}

/// Everything the audit needs.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) slots: BTreeMap<String, SlotHistory>,
    pub(super) unknown_slots: BTreeSet<String>,
    pub(super) balances_delta: BTreeMap<String, BTreeMap<String, Decimal>>,
    rules: BTreeMap<String, SymbolRules>,
    /// Where an order's story stands: its level and its place there; orders of nobody have none.
    index: BTreeMap<(String, u64), (Option<StoryPlace>, Side)>,
}

/// A level and a place among its stories.
type StoryPlace = (String, usize);

/// `gk-x-7` for `gk-x-7-12`; none for ids of another form.
fn level_of(client_order_id: &str) -> Option<&str> {
    let split = client_order_id.rfind('-')?;
    let (level, number) = client_order_id.split_at_checked(split)?;
    let number = number.strip_prefix('-')?;
    let counts = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
    (counts && level.contains('-')).then_some(level)
}

impl History {
    pub(super) fn read(journal: &[JournalEntry], ladder: &[LadderSlot]) -> Self {
        let known: BTreeMap<&str, &str> = ladder
            .iter()
            .map(|slot| (slot.slot.as_str(), slot.symbol.as_str()))
            .collect();
        let mut history = Self::default();
        for (place, entry) in journal.iter().enumerate() {
            history.take(place, entry, &known);
        }
        history
    }

    fn take(&mut self, place: usize, entry: &JournalEntry, known: &BTreeMap<&str, &str>) {
        match &entry.fact {
            Fact::Rules(rules) => {
                self.rules.insert(rules.symbol.clone(), (**rules).clone());
            }
            Fact::Placed {
                symbol,
                order_id,
                client_order_id,
                side,
                ..
            } => {
                let level =
                    level_of(client_order_id).filter(|level| self.belongs(level, symbol, known));
                let at = level.map(|level| {
                    let story = self.story(place, &entry.fact);
                    let orders = &mut self.slots.entry(level.to_owned()).or_default().orders;
                    orders.extend(story);
                    (level.to_owned(), orders.len() - 1)
                });
                self.index.insert((symbol.clone(), *order_id), (at, *side));
            }
            Fact::Refused { order, reject } => {
                let level = order.client_order_id.as_deref().and_then(level_of);
                if let Some(level) = level.filter(|level| known.contains_key(level)) {
                    let own = self.slots.entry(level.to_owned()).or_default();
                    own.refused.push((place, reject.message.clone()));
                }
            }
            Fact::Traded {
                symbol, order_id, ..
            } => self.traded(symbol, *order_id, entry),
            Fact::Amended {
                symbol,
                order_id,
                quantity,
            } => {
                if let Some(story) = self.story_of(symbol, *order_id) {
                    story.quantity = *quantity;
                }
            }
            Fact::Ended {
                symbol,
                order_id,
                status,
            } => {
                if let Some(story) = self.story_of(symbol, *order_id) {
                    story.ended = Some((place, *status));
                }
            }
            Fact::Moved { .. } => {}
        }
    }

    fn belongs(&mut self, level: &str, symbol: &str, known: &BTreeMap<&str, &str>) -> bool {
        let ours = known.get(level).is_some_and(|expected| *expected == symbol);
        if !ours {
            self.unknown_slots.insert(level.to_owned());
        }
        ours
    }

    fn story_of(&mut self, symbol: &str, order_id: u64) -> Option<&mut Story> {
        let (at, _) = self.index.get(&(symbol.to_owned(), order_id))?;
        let (level, place) = at.as_ref()?;
        self.slots.get_mut(level)?.orders.get_mut(*place)
    }

    fn story(&self, place: usize, fact: &Fact) -> Option<Story> {
        let Fact::Placed {
            symbol,
            client_order_id,
            side,
            order_type,
            price,
            quantity,
            ..
        } = fact
        else {
            return None;
        };
        let rules = self.rules.get(symbol);
        let smallest_sale = rules.map_or(Decimal::ZERO, |rules| {
            let worth = rules.min_notional.checked_div(*price).unwrap_or_default();
            worth.max(rules.min_quantity) + rules.step_size
        });
        Some(Story {
            client_order_id: client_order_id.to_string(),
            side: *side,
            order_type: *order_type,
            price: *price,
            quantity: *quantity,
            asked: *quantity,
            executed: Decimal::ZERO,
            base_fee: Decimal::ZERO,
            trades: 0,
            placed_at: place,
            ended: None,
            smallest_sale,
            breaches: rules
                .map(|rules| breaches(rules, *order_type, *price, *quantity))
                .unwrap_or_default(),
        })
    }

    fn traded(&mut self, symbol: &str, order_id: u64, entry: &JournalEntry) {
        let Fact::Traded {
            quantity,
            quote,
            commission,
            commission_asset,
            ..
        } = &entry.fact
        else {
            return;
        };
        let Some((_, side)) = self.index.get(&(symbol.to_owned(), order_id)) else {
            return;
        };
        let side = *side;
        let Some((base_asset, quote_asset)) = self
            .rules
            .get(symbol)
            .map(|rules| (rules.base_asset.clone(), rules.quote_asset.clone()))
        else {
            return;
        };
        let (base_delta, quote_delta) = match side {
            Side::Buy => (*quantity, -*quote),
            Side::Sell => (-*quantity, *quote),
        };
        let delta = self
            .balances_delta
            .entry(entry.account.clone())
            .or_default();
        *delta.entry(base_asset.clone()).or_default() += base_delta;
        *delta.entry(quote_asset).or_default() += quote_delta;
        *delta.entry(commission_asset.clone()).or_default() -= *commission;
        let in_base = *commission_asset == base_asset;
        let (quantity, commission) = (*quantity, *commission);
        if let Some(story) = self.story_of(symbol, order_id) {
            story.executed += quantity;
            story.trades += 1;
            if in_base {
                story.base_fee += commission;
            }
        }
    }
}

/// Which of the symbol's rules an accepted order breaks (invariant 5).
fn breaches(
    rules: &SymbolRules,
    order_type: OrderType,
    price: Decimal,
    quantity: Decimal,
) -> Vec<String> {
    let mut found = Vec::new();
    let off_grid =
        |value: Decimal, grid: Decimal| value.checked_rem(grid).is_some_and(|rest| !rest.is_zero());
    let outside = |value: Decimal, low: Decimal, high: Decimal| {
        value < low || (!high.is_zero() && value > high)
    };
    if off_grid(quantity, rules.step_size) {
        found.push(format!(
            "quantity {quantity} is not a multiple of the step {}",
            rules.step_size
        ));
    }
    if outside(quantity, rules.min_quantity, rules.max_quantity) {
        found.push(format!(
            "quantity {quantity} is outside {} to {}",
            rules.min_quantity, rules.max_quantity
        ));
    }
    if order_type == OrderType::Market {
        return found;
    }
    if off_grid(price, rules.tick_size) {
        found.push(format!(
            "price {price} is not a multiple of the tick {}",
            rules.tick_size
        ));
    }
    if outside(price, rules.min_price, rules.max_price) {
        found.push(format!(
            "price {price} is outside {} to {}",
            rules.min_price, rules.max_price
        ));
    }
    let notional = price.checked_mul(quantity).unwrap_or(Decimal::MAX);
    if outside(notional, rules.min_notional, rules.max_notional) {
        found.push(format!(
            "notional {notional} is outside {} to {}",
            rules.min_notional, rules.max_notional
        ));
    }
    found
}
