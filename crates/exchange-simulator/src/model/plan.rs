//! Matching, planned: which steps an incoming order would take.
//!
//! Entry point: [`plan`]. Pure: nothing changes. Our orders match by price, then time; at equal prices before the outside
//! market. Never judges filters or balances.

use rust_decimal::{Decimal, RoundingStrategy};

use super::exchange::Market;
use super::filters::ASSET_DECIMALS;
use super::order::{Side, StpMode};

/// How much an incoming order wants.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Size {
    Base(Decimal),
    Quote(Decimal),
}

/// The incoming order as far as matching cares.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Incoming<'a> {
    pub(crate) account: &'a str,
    pub(crate) side: Side,
    /// Worst acceptable price; none for MARKET.
    pub(crate) limit: Option<Decimal>,
    pub(crate) size: Size,
    pub(crate) stp: StpMode,
}

/// One thing that happens while an order takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    TradeOutside {
        price: Decimal,
        quantity: Decimal,
    },
    TradeOwn {
        maker: u64,
        price: Decimal,
        quantity: Decimal,
    },
    ExpireMaker {
        maker: u64,
    },
    Decrement {
        maker: u64,
        quantity: Decimal,
    },
}

/// Everything an incoming order would do at once.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    pub(crate) executed: Decimal,
    pub(crate) quote: Decimal,
    pub(crate) prevented: Decimal,
    /// Self-trade prevention ends the incoming order.
    pub(crate) taker_expires: bool,
}

/// Rounds a quote amount to what the asset can hold, downwards.
pub(crate) fn quote_amount(price: Decimal, quantity: Decimal) -> Decimal {
    (price * quantity).round_dp_with_strategy(ASSET_DECIMALS, RoundingStrategy::ToZero)
}

fn floor_to(value: Decimal, grid: Decimal) -> Decimal {
    if grid.is_zero() {
        value
    } else {
        value - value % grid
    }
}

impl Plan {
    /// Base still wanted at `price`, on the symbol's step.
    fn wanted(&self, size: Size, price: Decimal, step: Decimal) -> Decimal {
        match size {
            Size::Base(quantity) => quantity - self.executed - self.prevented,
            Size::Quote(amount) => (amount - self.quote)
                .checked_div(price)
                .map_or(Decimal::ZERO, |base| {
                    floor_to(base.max(Decimal::ZERO), step)
                }),
        }
    }

    fn trade(&mut self, step: Step, price: Decimal, quantity: Decimal) {
        self.steps.push(step);
        self.executed += quantity;
        self.quote += quote_amount(price, quantity);
    }
}

/// Works out what an incoming order would do now, changing nothing.
pub(crate) fn plan(market: &Market, incoming: Incoming<'_>) -> Plan {
    let mut plan = Plan::default();
    let mut own = market.resting(incoming.side.opposite()).peekable();
    let (bid, ask) = market.outside_quote();
    let outside = if incoming.side == Side::Buy { ask } else { bid };
    let mut depth = market.outside.depth;
    let at_least_as_good = |a: Decimal, b: Decimal| match incoming.side {
        Side::Buy => a <= b,
        Side::Sell => a >= b,
    };
    loop {
        let outside_left = depth.is_none_or(|depth| depth > Decimal::ZERO);
        let resting = own
            .peek()
            .copied()
            .filter(|(price, _)| !outside_left || at_least_as_good(*price, outside));
        let Some(price) = resting
            .map(|(price, _)| price)
            .or(outside_left.then_some(outside))
        else {
            break;
        };
        let wanted = plan.wanted(incoming.size, price, market.rules.step_size);
        if wanted <= Decimal::ZERO
            || incoming
                .limit
                .is_some_and(|limit| !at_least_as_good(price, limit))
        {
            break;
        }
        if let Some((_, maker)) = resting {
            own.next();
            if meet_own(market, &mut plan, incoming, (maker, wanted)) {
                break;
            }
        } else {
            let quantity = depth.map_or(wanted, |depth| depth.min(wanted));
            depth = depth.map(|depth| depth - quantity);
            plan.trade(Step::TradeOutside { price, quantity }, price, quantity);
        }
    }
    plan
}

/// Meets a resting order of ours; returns whether the incoming order ends here.
fn meet_own(
    market: &Market,
    plan: &mut Plan,
    incoming: Incoming<'_>,
    (maker, wanted): (u64, Decimal),
) -> bool {
    let Some(order) = market.orders.get(&maker) else {
        return false;
    };
    let quantity = order.remaining().min(wanted);
    if order.account != incoming.account || incoming.stp == StpMode::None {
        plan.trade(
            Step::TradeOwn {
                maker,
                price: order.price,
                quantity,
            },
            order.price,
            quantity,
        );
        return false;
    }
    match incoming.stp {
        StpMode::None => {}
        StpMode::ExpireMaker => plan.steps.push(Step::ExpireMaker { maker }),
        StpMode::ExpireTaker => plan.taker_expires = true,
        StpMode::ExpireBoth => {
            plan.steps.push(Step::ExpireMaker { maker });
            plan.taker_expires = true;
        }
        StpMode::Decrement | StpMode::Transfer => {
            plan.steps.push(Step::Decrement { maker, quantity });
            plan.prevented += quantity;
        }
    }
    plan.taker_expires
}
