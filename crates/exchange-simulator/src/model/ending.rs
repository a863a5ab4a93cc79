//! Everything that happens to resting orders: prints, cancels, expiries, amends.
//!
//! Entry points: [`Exchange::print`], [`Exchange::cancel`], [`Exchange::expire`], [`Exchange::amend`],
//! [`Exchange::fill_order`]. A print fills by price, then time, in total at most its quantity.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::desk::{Desk, Ending};
use super::events::ExecutionType;
use super::exchange::{Exchange, Market, ReportDetail};
use super::filters::check_number;
use super::journal::Fact;
use super::order::{Order, OrderStatus, Side};
use super::placing::check_client_order_id;
use super::reject::Reject;
use super::symbol::SymbolStatus;

/// Amends an order may take (`filters.md`, MAX_NUM_ORDER_AMENDS).
const MAX_AMENDS: u32 = 10;

/// How the client order id of a cancel by somebody else begins.
pub(crate) const OUTSIDE_CANCEL: &str = "outside";

/// Which order a request means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderKey {
    /// Exchange order id.
    pub order_id: Option<u64>,
    /// Client order id.
    pub client_order_id: Option<String>,
}

impl OrderKey {
    /// By exchange order id.
    #[must_use]
    pub const fn id(order_id: u64) -> Self {
        Self {
            order_id: Some(order_id),
            client_order_id: None,
        }
    }

    /// By client order id.
    #[must_use]
    pub fn client(client_order_id: &str) -> Self {
        Self {
            order_id: None,
            client_order_id: Some(client_order_id.to_owned()),
        }
    }
}

/// When a cancel should not happen (`cancelRestrictions`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelRestriction {
    /// Only an order without executions.
    OnlyNew,
    /// Only an order with some.
    OnlyPartiallyFilled,
}

impl Exchange {
    fn desk(&mut self, now_ms: i64, symbol: &str) -> Result<Desk<'_>, Reject> {
        let Self { markets, ledger } = self;
        let market = markets.get_mut(symbol).ok_or_else(Reject::invalid_symbol)?;
        Ok(Desk {
            market,
            ledger,
            now_ms,
        })
    }

    /// A trade in the outside market: the last price moves, and resting orders it touches or crosses fill at their own
    /// price, best price first, then oldest, in total at most `quantity`. Returns the base that was filled.
    ///
    /// # Errors
    /// -1121 if the symbol is not listed, -1130 or -1111 for numbers no trade can have.
    pub fn print(
        &mut self,
        now_ms: i64,
        symbol: &str,
        (price, quantity): (Decimal, Decimal),
    ) -> Result<Decimal, Reject> {
        check_number("price", price)?;
        check_number("quantity", quantity)?;
        let mut desk = self.desk(now_ms, symbol)?;
        desk.market.last_price = price;
        if desk.market.rules.status != SymbolStatus::Trading {
            return Ok(Decimal::ZERO);
        }
        let mut left = quantity;
        for side in [Side::Buy, Side::Sell] {
            while left > Decimal::ZERO {
                let touched = |own: Decimal| {
                    if side == Side::Buy {
                        own >= price
                    } else {
                        own <= price
                    }
                };
                let first = desk
                    .market
                    .resting(side)
                    .next()
                    .filter(|(own, _)| touched(*own));
                let Some((own, order_id)) = first else { break };
                let Some(order) = desk.market.orders.get(&order_id) else {
                    break;
                };
                let filled = order.remaining().min(left);
                desk.fill_resting(order_id, own, filled);
                left -= filled;
            }
        }
        Ok(quantity - left)
    }

    /// Fills a resting order at its own price in `trades` trades; all of it, or `quantity`.
    ///
    /// # Errors
    /// -2011 if it is not open; -1130 if the quantity cannot be split so often.
    pub fn fill_order(
        &mut self,
        now_ms: i64,
        (symbol, order_id): (&str, u64),
        trades: u32,
        quantity: Option<Decimal>,
    ) -> Result<(), Reject> {
        let mut desk = self.desk(now_ms, symbol)?;
        let order = live(desk.market, order_id)?;
        let (price, remaining) = (order.price, order.remaining());
        let wanted = quantity.unwrap_or(remaining);
        if wanted <= Decimal::ZERO || wanted > remaining || trades == 0 {
            return Err(Reject::invalid_parameter("quantity"));
        }
        let step = desk.market.rules.step_size;
        let part = wanted / Decimal::from(trades);
        let part = part - part % step;
        if part <= Decimal::ZERO {
            return Err(Reject::invalid_parameter("trades"));
        }
        let mut left = wanted;
        for _ in 1..trades {
            let fill = desk.next_fill(order_id, price, part, true);
            desk.fill(fill);
            left -= part;
        }
        let fill = desk.next_fill(order_id, price, left, true);
        desk.fill(fill);
        Ok(())
    }

    /// Cancels an account's open order; returns it as it ended. `cancel_id` is the cancel's own client order id.
    ///
    /// # Errors
    /// -2011 if no such order is open, or the restriction does not hold.
    pub fn cancel(
        &mut self,
        now_ms: i64,
        account: &str,
        (symbol, key): (&str, &OrderKey),
        cancel_id: Option<&str>,
        restriction: Option<CancelRestriction>,
    ) -> Result<Order, Reject> {
        let cancel_id = cancel_id.map(check_client_order_id).transpose()?;
        let mut desk = self.desk(now_ms, symbol)?;
        let order_id = open_order(desk.market, account, key)?;
        let order = live(desk.market, order_id)?;
        let allowed = match restriction {
            None => true,
            Some(CancelRestriction::OnlyNew) => order.state.status == OrderStatus::New,
            Some(CancelRestriction::OnlyPartiallyFilled) => {
                order.state.status == OrderStatus::PartiallyFilled
            }
        };
        if !allowed {
            return Err(Reject::new(
                400,
                -2011,
                "Order was not canceled due to cancel restrictions.",
            ));
        }
        let cancel_id = cancel_id.unwrap_or_else(|| Arc::from(format!("cancel{order_id:016}")));
        desk.end(
            order_id,
            OrderStatus::Canceled,
            Ending {
                reason: None,
                cancel_id: Some(cancel_id),
            },
        );
        desk.market
            .orders
            .get(&order_id)
            .map(Order::without_past)
            .ok_or_else(Reject::unknown_order)
    }

    /// Somebody else cancels an open order, by hand or by the exchange.
    ///
    /// # Errors
    /// -2011 if it is not open.
    pub fn cancel_from_outside(
        &mut self,
        now_ms: i64,
        symbol: &str,
        order_id: u64,
    ) -> Result<(), Reject> {
        let mut desk = self.desk(now_ms, symbol)?;
        live(desk.market, order_id)?;
        let cancel_id = Some(Arc::from(format!("{OUTSIDE_CANCEL}{order_id:015}")));
        desk.end(
            order_id,
            OrderStatus::Canceled,
            Ending {
                reason: None,
                cancel_id,
            },
        );
        Ok(())
    }

    /// The exchange expires an open order.
    ///
    /// # Errors
    /// -2011 if it is not open.
    pub fn expire(&mut self, now_ms: i64, symbol: &str, order_id: u64) -> Result<(), Reject> {
        let mut desk = self.desk(now_ms, symbol)?;
        live(desk.market, order_id)?;
        let ending = Ending {
            reason: Some("EXCHANGE_CANCELED"),
            cancel_id: None,
        };
        desk.end(order_id, OrderStatus::Expired, ending);
        Ok(())
    }

    /// Lowers an open order's quantity, keeping its place in the queue. Without `client_order_id` the order gets a new
    /// one, as on the exchange. An amend down to what is executed ends the order. Returns the order and the execution's id.
    ///
    /// # Errors
    /// -2011 if it is not open, -2038 if the new quantity is not lower or the order was amended too often, -1013 for a
    /// quantity off the step.
    pub fn amend(
        &mut self,
        now_ms: i64,
        (symbol, order_id): (&str, u64),
        quantity: Decimal,
        client_order_id: Option<&str>,
    ) -> Result<(Order, u64), Reject> {
        let chosen = client_order_id.map(check_client_order_id).transpose()?;
        let mut desk = self.desk(now_ms, symbol)?;
        let order = live(desk.market, order_id)?;
        let step = desk.market.rules.step_size;
        if quantity <= Decimal::ZERO || !(quantity % step).is_zero() {
            return Err(Reject::filter("LOT_SIZE"));
        }
        let too_often = order.amendments >= MAX_AMENDS;
        if quantity >= order.state.quantity
            || quantity < order.state.executed + order.state.prevented
            || too_often
        {
            return Err(Reject::new(
                400,
                -2038,
                "The requested action would change no state; rejecting.",
            ));
        }
        let account = order.account.clone();
        let id = chosen
            .unwrap_or_else(|| Arc::from(format!("amend{order_id:010}x{}", order.amendments)));
        let old_id = order.state.client_order_id.clone();
        let clash = desk
            .market
            .open_ids
            .get(&(account.clone(), id.clone()))
            .is_some_and(|other| *other != order_id);
        if clash {
            return Err(Reject::duplicate_order());
        }
        desk.replace(order_id, quantity, &id);
        let fact = Fact::Amended {
            symbol: symbol.to_owned(),
            order_id,
            quantity,
        };
        desk.ledger.note(now_ms, &account, fact);
        let Some(order) = desk.market.orders.get(&order_id) else {
            return Err(Reject::unknown_order());
        };
        let detail = ReportDetail {
            original_id: Some(old_id),
            ..ReportDetail::default()
        };
        let execution_id = desk.ledger.report(order, ExecutionType::Replaced, detail);
        if order.remaining().is_zero() {
            desk.end(order_id, OrderStatus::Expired, Ending::default());
        }
        desk.market
            .orders
            .get(&order_id)
            .map(|order| (order.without_past(), execution_id))
            .ok_or_else(Reject::unknown_order)
    }
}

impl Desk<'_> {
    /// Gives an open order a lower quantity and perhaps another id, and frees what it locked for the difference.
    fn replace(&mut self, order_id: u64, quantity: Decimal, id: &Arc<str>) {
        let Some(order) = self.market.orders.get_mut(&order_id) else {
            return;
        };
        order.amendments += 1;
        let old = (order.account.clone(), order.state.client_order_id.clone());
        let new = (order.account.clone(), id.clone());
        order.change(self.now_ms, |state| {
            state.quantity = quantity;
            state.client_order_id = id.clone();
        });
        self.market.open_ids.remove(&old);
        self.market.open_ids.insert(new.clone(), order_id);
        let named = self.market.by_client_id.entry(new).or_default();
        if !named.contains(&order_id) {
            named.push(order_id);
        }
        self.trim_lock(order_id);
    }
}

fn live(market: &Market, order_id: u64) -> Result<&Order, Reject> {
    market
        .orders
        .get(&order_id)
        .filter(|order| order.state.status.is_live())
        .ok_or_else(Reject::unknown_order)
}

/// Finds the open order a cancel means; with both ids, they must agree (`rest-api.md`, cancel order).
fn open_order(market: &Market, account: &str, key: &OrderKey) -> Result<u64, Reject> {
    let by_client = |id: &String| {
        market
            .open_ids
            .get(&(account.to_owned(), Arc::from(id.as_str())))
            .copied()
            .ok_or_else(Reject::unknown_order)
    };
    let Some(order_id) = key.order_id else {
        return by_client(
            key.client_order_id
                .as_ref()
                .ok_or_else(|| Reject::mandatory("orderId"))?,
        );
    };
    let order = live(market, order_id)?;
    if order.account != account {
        return Err(Reject::unknown_order());
    }
    if key
        .client_order_id
        .as_ref()
        .is_some_and(|id| id.as_str() != &*order.state.client_order_id)
    {
        return Err(Reject::id_mismatch());
    }
    Ok(order_id)
}
