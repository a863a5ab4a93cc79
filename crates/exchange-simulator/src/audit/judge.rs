//! One level's orders, judged: what each completed order asked for, and who answered.
//!
//! Entry point: [`level`]. A completed order makes an obligation of the opposite side. The first order of that side takes
//! it; another may only follow once all before it ended incomplete (a chain of replacements). An order that ended with
//! something executed also allows, but does not ask for, the opposite side.

use rust_decimal::Decimal;

use super::history::Story;
use super::{LadderSlot, LevelAudit, Verdict, Violation};
use crate::model::{OrderType, Side};

/// What a completed (or partly executed) order asks for.
#[derive(Debug)]
struct Obligation {
    side: Side,
    since: usize,
    /// Whether it must be met.
    mandatory: bool,
    cause: String,
    takers: Vec<usize>,
}

/// Everything found out about a level so far.
struct Judgement<'a> {
    slot: &'a LadderSlot,
    orders: &'a [Story],
    obligations: Vec<Obligation>,
    openers: Vec<usize>,
    duplicates: u64,
    violations: Vec<Violation>,
}

/// Judges one level.
pub(super) fn level(
    slot: &LadderSlot,
    orders: &[Story],
    refused: &[(usize, String)],
) -> (LevelAudit, Vec<Violation>) {
    let mut judgement = Judgement {
        slot,
        orders,
        obligations: obligations(orders),
        openers: Vec::new(),
        duplicates: 0,
        violations: Vec::new(),
    };
    for (index, order) in orders.iter().enumerate() {
        judgement.assign(index, order);
        judgement.check_alone(index, order);
        judgement.check_terms(index, order);
    }
    judgement.check_amounts();
    judgement.conclude(refused)
}

/// What each ended order asks for, in the order of their ends.
fn obligations(orders: &[Story]) -> Vec<Obligation> {
    let mut found: Vec<Obligation> = orders
        .iter()
        .filter(|order| order.completed() || order.executed > Decimal::ZERO)
        .filter_map(|order| {
            let (since, _) = order.ended?;
            Some(Obligation {
                side: order.side.opposite(),
                since,
                mandatory: order.completed(),
                cause: order.client_order_id.clone(),
                takers: Vec::new(),
            })
        })
        .collect();
    found.sort_by_key(|obligation| obligation.since);
    found
}

impl Judgement<'_> {
    fn violate(&mut self, invariant: u8, text: String) {
        self.violations.push(Violation {
            invariant,
            slot: self.slot.slot.clone(),
            text,
        });
    }

    /// Finds out what an order answers to.
    fn assign(&mut self, index: usize, order: &Story) {
        let orders = self.orders;
        // Who came before must have ended, incomplete, for another to follow.
        let closed = |takers: &[usize]| {
            let open = |taker: &usize| {
                orders
                    .get(*taker)
                    .is_some_and(|taker| taker.completed() || taker.live_at(order.placed_at))
            };
            takers.iter().any(open)
        };
        let fits = |obligation: &&mut Obligation| {
            obligation.side == order.side && obligation.since < order.placed_at
        };
        // A completed order not followed yet comes before everything else.
        let waiting = self
            .obligations
            .iter_mut()
            .filter(fits)
            .filter(|obligation| obligation.mandatory && obligation.takers.is_empty());
        if let Some(obligation) = waiting.last() {
            obligation.takers.push(index);
            return;
        }
        if let Some(obligation) = self
            .obligations
            .iter_mut()
            .rfind(|obligation| fits(obligation))
        {
            if !closed(&obligation.takers) {
                obligation.takers.push(index);
                return;
            }
            let text = format!(
                "{} is one order too many: {} had already been followed",
                order.client_order_id, obligation.cause
            );
            self.duplicates += 1;
            return self.violate(2, text);
        }
        if closed(&self.openers) {
            self.duplicates += 1;
            return self.violate(2, format!("nothing asked for {}", order.client_order_id));
        }
        self.openers.push(index);
    }

    /// Invariant 3: nobody else may be live when an order is accepted.
    fn check_alone(&mut self, index: usize, order: &Story) {
        let earlier = self.orders.iter().take(index);
        let other = earlier
            .filter(|other| other.live_at(order.placed_at))
            .map(|other| &other.client_order_id)
            .next();
        if let Some(other) = other {
            let text = format!(
                "{} was accepted while {other} was live",
                order.client_order_id
            );
            self.violate(3, text);
        }
    }

    /// Price and rules of one order.
    fn check_terms(&mut self, index: usize, order: &Story) {
        for breach in &order.breaches {
            self.violate(5, format!("{}: {breach}", order.client_order_id));
        }
        let opening = self.openers.contains(&index);
        let right = match (order.order_type, order.side) {
            (OrderType::Market, _) => true,
            (OrderType::Limit | OrderType::LimitMaker, Side::Buy) if opening => {
                order.price <= self.slot.sell_price
            }
            (OrderType::Limit | OrderType::LimitMaker, Side::Buy) => {
                order.price == self.slot.buy_price
            }
            (OrderType::Limit | OrderType::LimitMaker, Side::Sell) => {
                order.price == self.slot.sell_price || self.is_sold_off(index)
            }
        };
        if !right {
            let text = format!(
                "{} {} at {}, but the level buys at {} and sells at {}",
                order.client_order_id,
                order.side.as_str(),
                order.price,
                self.slot.buy_price,
                self.slot.sell_price
            );
            self.violate(2, text);
        }
    }

    /// Whether an order may sell at any price: the level was to be sold off, and bought nothing any more.
    fn is_sold_off(&self, index: usize) -> bool {
        let mut later = self.orders.iter().skip(index);
        self.slot.sold_off && later.all(|order| order.side == Side::Sell)
    }

    /// What was executed must not exceed what was owed: no more sold than held, no more bought than the level's quantity
    /// (and what its own profit pays for), but for a remainder too small to sell.
    fn check_amounts(&mut self) {
        let mut held = Decimal::ZERO;
        let mut gained = Decimal::ZERO;
        let opens_by_selling = self.orders.first().filter(|order| order.side == Side::Sell);
        held += opens_by_selling.map_or(Decimal::ZERO, |order| order.quantity);
        let mut found = Vec::new();
        for order in self.orders {
            match order.side {
                Side::Sell => {
                    if order.executed > held {
                        found.push(format!(
                            "{} sold {}, but the level held {held}",
                            order.client_order_id, order.executed
                        ));
                    }
                    held -= order.executed + order.base_fee;
                    gained += order.executed * order.price;
                }
                Side::Buy => {
                    let profit = gained
                        .max(Decimal::ZERO)
                        .checked_div(order.price)
                        .unwrap_or_default();
                    let owed = self.slot.quantity + profit + order.smallest_sale;
                    held += order.executed - order.base_fee;
                    gained -= order.executed * order.price;
                    if held > owed {
                        found.push(format!(
                            "after {} the level held {held}, but its quantity is {}",
                            order.client_order_id, self.slot.quantity
                        ));
                    }
                }
            }
        }
        for text in found {
            self.violate(2, text);
        }
    }

    fn conclude(mut self, refused: &[(usize, String)]) -> (LevelAudit, Vec<Violation>) {
        let live = self.orders.iter().rev().find(|order| order.ended.is_none());
        let live_order = live.map(|order| order.client_order_id.clone());
        let reason = if live_order.is_some() {
            None
        } else {
            self.reason(refused)
        };
        let (met, unmet): (Vec<&Obligation>, Vec<&Obligation>) = self
            .obligations
            .iter()
            .filter(|obligation| obligation.mandatory)
            .partition(|met| self.is_met(met));
        let followed = count(met.len());
        let unmet: Vec<String> = unmet
            .into_iter()
            // The last thing owed may be owed for a reason; anything before it may not.
            .filter(|obligation| reason.is_none() || Some(obligation.since) != self.last_need())
            .map(|obligation| obligation.cause.clone())
            .collect();
        for cause in &unmet {
            self.violate(
                2,
                format!("{cause} was completed, but no opposite order followed"),
            );
        }
        let missing = count(unmet.len());
        let completed = self.orders.iter().filter(|order| order.completed());
        let round_trips = count(
            completed
                .clone()
                .filter(|order| order.side == Side::Sell)
                .count(),
        );
        let level = LevelAudit {
            slot: self.slot.slot.clone(),
            verdict: self.verdict(missing, live_order.is_some()),
            completed_orders: count(completed.count()),
            opposite_orders: followed,
            round_trips,
            missing,
            duplicates: self.duplicates,
            live_order,
            reason,
        };
        (level, self.violations)
    }

    /// Why the level has no order now: the caller's reason, or a placement refused since its last order ended.
    fn reason(&self, refused: &[(usize, String)]) -> Option<String> {
        let latest = self
            .orders
            .iter()
            .filter_map(|order| order.ended)
            .map(|(ended, _)| ended)
            .max();
        let refusal = refused
            .iter()
            .rev()
            .find(|(place, _)| latest.is_none_or(|latest| *place > latest));
        let given = self.slot.held_reason.clone();
        given.or_else(|| refusal.map(|(_, reason)| format!("refused: {reason}")))
    }

    /// Whether an order that answers is live, or has executed something.
    fn is_met(&self, obligation: &Obligation) -> bool {
        let answers = |order: &Story| order.ended.is_none() || order.executed > Decimal::ZERO;
        obligation
            .takers
            .iter()
            .any(|taker| self.orders.get(*taker).is_some_and(answers))
    }

    fn verdict(&self, missing: u64, has_order: bool) -> Verdict {
        let counted = missing > 0 || self.duplicates > 0;
        let other = self
            .violations
            .iter()
            .any(|violation| violation.invariant != 2);
        if other || (!self.violations.is_empty() && !counted) {
            Verdict::Violated
        } else if self.duplicates > 0 {
            Verdict::Duplicate
        } else if missing > 0 {
            Verdict::Missing
        } else if has_order {
            Verdict::Ok
        } else {
            Verdict::NoOrder
        }
    }

    /// When the last thing owed came up.
    fn last_need(&self) -> Option<usize> {
        self.obligations
            .iter()
            .filter(|obligation| obligation.mandatory)
            .map(|obligation| obligation.since)
            .max()
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
