//! Placing an order: every check in the exchange's order, then matching, then resting or ending.
//!
//! Entry points: [`Exchange::place`], [`Exchange::check_order`]. Every refusal is written into the journal. The
//! duplicate rule is the exchange's: a client order id is unique only among an account's open orders of a symbol.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::desk::{Desk, Ending};
use super::events::ExecutionType;
use super::exchange::{Exchange, Market, ReportDetail};
use super::filters::{self, Candidate};
use super::journal::Fact;
use super::order::{
    NewOrder, Order, OrderReport, OrderState, OrderStatus, OrderType, Side, StpMode, TimeInForce,
};
use super::plan::{Incoming, Plan, Size, plan, quote_amount};
use super::reject::Reject;
use super::symbol::SymbolStatus;

/// A new order whose parameters fit together.
struct Checked {
    side: Side,
    order_type: OrderType,
    time_in_force: TimeInForce,
    price: Option<Decimal>,
    size: Size,
    stp: StpMode,
    client_order_id: Option<Arc<str>>,
}

/// New orders need an open market (`enums.md`, symbol status).
fn check_phase(status: SymbolStatus) -> Result<(), Reject> {
    match status {
        SymbolStatus::Trading => Ok(()),
        SymbolStatus::CancelOnly => Err(Reject::trading_phase()),
        SymbolStatus::EndOfDay | SymbolStatus::Halt | SymbolStatus::Break => {
            Err(Reject::market_closed())
        }
    }
}

/// What the filters look at.
fn candidate(
    market: &Market,
    account: &str,
    checked: &Checked,
    (quantity, held): (Decimal, Decimal),
) -> Candidate {
    let mut open_orders = 0;
    let mut position = held;
    for order in market.open_orders_of(account) {
        open_orders += 1;
        if order.side == Side::Buy {
            position += order.remaining();
        }
    }
    let (bid, ask) = market.outside_quote();
    let seen_first = if checked.side == Side::Buy { ask } else { bid };
    Candidate {
        side: checked.side,
        order_type: checked.order_type,
        price: checked.price.unwrap_or(seen_first),
        quantity,
        last_price: market.last_price,
        open_orders,
        position,
    }
}

/// What acceptance needs to know.
struct Accepted {
    plan: Plan,
    quantity: Decimal,
    lock: Decimal,
}

impl Exchange {
    /// Places an order, matches it and reports what happened at once.
    ///
    /// # Errors
    /// The exchange's refusal; nothing has changed then, except the journal.
    pub fn place(
        &mut self,
        now_ms: i64,
        account: &str,
        new: NewOrder,
    ) -> Result<OrderReport, Reject> {
        let judged = self.judge(account, &new);
        match judged {
            Ok((checked, accepted)) => {
                Ok(self.accept(now_ms, account, (&new.symbol, checked), accepted))
            }
            Err(reject) => {
                let fact = Fact::Refused {
                    order: Box::new(new),
                    reject: reject.clone(),
                };
                self.ledger.note(now_ms, account, fact);
                Err(reject)
            }
        }
    }

    /// Judges an order without sending it to the engine (`POST /api/v3/order/test`).
    ///
    /// # Errors
    /// The refusal a real placement would get now.
    pub fn check_order(&self, account: &str, new: &NewOrder) -> Result<(), Reject> {
        self.judge(account, new).map(|_| ())
    }

    fn judge(&self, account: &str, new: &NewOrder) -> Result<(Checked, Accepted), Reject> {
        let market = self
            .markets
            .get(&new.symbol)
            .ok_or_else(Reject::invalid_symbol)?;
        let owner = self
            .ledger
            .accounts
            .get(account)
            .ok_or_else(Reject::key_permission)?;
        let checked = check_parameters(market, new)?;
        check_phase(market.rules.status)?;
        let incoming = Incoming {
            account,
            side: checked.side,
            limit: checked.price,
            size: checked.size,
            stp: checked.stp,
        };
        let plan = plan(market, incoming);
        let quantity = match checked.size {
            Size::Base(quantity) => quantity,
            Size::Quote(_) => plan.executed + plan.prevented,
        };
        let (base, quote) = (&market.rules.base_asset, &market.rules.quote_asset);
        let held = owner.balance(base);
        let candidate = candidate(
            market,
            account,
            &checked,
            (quantity, held.free + held.locked),
        );
        filters::check(&market.rules, candidate)?;
        let id = checked.client_order_id.clone();
        if id.is_some_and(|id| market.open_ids.contains_key(&(account.to_owned(), id))) {
            return Err(Reject::duplicate_order());
        }
        let crosses = !plan.steps.is_empty() || plan.taker_expires;
        if checked.order_type == OrderType::LimitMaker && crosses {
            return Err(Reject::would_match());
        }
        let (asset, lock) = match (checked.side, checked.price) {
            (Side::Sell, _) => (base, quantity),
            (Side::Buy, Some(price)) => (quote, quote_amount(price, quantity).max(plan.quote)),
            (Side::Buy, None) => (quote, plan.quote),
        };
        if owner.balance(asset).free < lock {
            return Err(Reject::insufficient_balance());
        }
        Ok((
            checked,
            Accepted {
                plan,
                quantity,
                lock,
            },
        ))
    }

    fn accept(
        &mut self,
        now_ms: i64,
        account: &str,
        (symbol, checked): (&str, Checked),
        accepted: Accepted,
    ) -> OrderReport {
        let Self { markets, ledger } = self;
        let told_before = ledger.outbox.len();
        // Judged a moment ago under the same lock: the market is there.
        let Some(market) = markets.get_mut(symbol) else {
            return OrderReport {
                order: new_order(0, now_ms, (account, symbol), &checked, &accepted),
                fills: Vec::new(),
            };
        };
        let order_id = market.next_order_id;
        market.next_order_id += 1;
        let order = new_order(order_id, now_ms, (account, symbol), &checked, &accepted);
        let asset = match order.side {
            Side::Buy => &market.rules.quote_asset,
            Side::Sell => &market.rules.base_asset,
        };
        if let Some(owner) = ledger.accounts.get_mut(account) {
            owner.lock(asset, accepted.lock);
        }
        let fact = Fact::Placed {
            symbol: symbol.to_owned(),
            order_id,
            client_order_id: order.state.client_order_id.clone(),
            side: order.side,
            order_type: order.order_type,
            price: order.price,
            quantity: accepted.quantity,
        };
        ledger.note(now_ms, account, fact);
        ledger.report(&order, ExecutionType::New, ReportDetail::default());
        let key = (account.to_owned(), order.state.client_order_id.clone());
        market.open_ids.insert(key.clone(), order_id);
        market.by_client_id.entry(key).or_default().push(order_id);
        market
            .by_account
            .entry(account.to_owned())
            .or_default()
            .push(order_id);
        market.orders.insert(order_id, order);
        let mut desk = Desk {
            market,
            ledger,
            now_ms,
        };
        let fills = settle(&mut desk, order_id, &checked, &accepted);
        desk.ledger.gather_positions(now_ms, told_before);
        let order = desk.market.orders.get(&order_id).map(Order::without_past);
        let order = order
            .unwrap_or_else(|| new_order(order_id, now_ms, (account, symbol), &checked, &accepted));
        OrderReport { order, fills }
    }
}

/// Carries out an accepted order's plan and decides what becomes of the rest.
fn settle(
    desk: &mut Desk<'_>,
    order_id: u64,
    checked: &Checked,
    accepted: &Accepted,
) -> Vec<super::order::Trade> {
    let plan = &accepted.plan;
    let short = plan.executed + plan.prevented < accepted.quantity;
    if checked.time_in_force == TimeInForce::Fok && short {
        let ending = Ending {
            reason: Some("UNFILLED_FOK_ORDER_EXPIRED"),
            cancel_id: None,
        };
        desk.end(order_id, OrderStatus::Expired, ending);
        return Vec::new();
    }
    let fills = desk.carry_out(order_id, &plan.steps);
    let live = desk
        .market
        .orders
        .get(&order_id)
        .is_some_and(|order| order.state.status.is_live());
    if !live {
        return fills;
    }
    if plan.taker_expires {
        desk.end(order_id, OrderStatus::ExpiredInMatch, Ending::default());
    } else if checked.order_type == OrderType::Market {
        let ending = Ending {
            reason: Some("INSUFFICIENT_LIQUIDITY"),
            cancel_id: None,
        };
        desk.end(order_id, OrderStatus::Expired, ending);
    } else if checked.time_in_force == TimeInForce::Ioc {
        let ending = Ending {
            reason: Some("UNFILLED_IOC_QUANTITY_EXPIRED"),
            cancel_id: None,
        };
        desk.end(order_id, OrderStatus::Expired, ending);
    } else {
        let price = checked.price.unwrap_or_default();
        desk.market.rest(order_id, checked.side, price);
        desk.trim_lock(order_id);
        if !fills.is_empty() {
            return fills;
        }
        let now_ms = desk.now_ms;
        let Some(order) = desk.market.orders.get(&order_id) else {
            return fills;
        };
        let asset = match order.side {
            Side::Buy => desk.market.rules.quote_asset.clone(),
            Side::Sell => desk.market.rules.base_asset.clone(),
        };
        let account = order.account.clone();
        desk.ledger.report_position(now_ms, &account, &[&asset]);
    }
    fills
}

fn new_order(
    order_id: u64,
    now_ms: i64,
    (account, symbol): (&str, &str),
    checked: &Checked,
    accepted: &Accepted,
) -> Order {
    let made_up = || Arc::from(format!("simulated{order_id:013}"));
    let client_order_id: Arc<str> = checked.client_order_id.clone().unwrap_or_else(made_up);
    Order {
        order_id,
        placed_as: client_order_id.clone(),
        account: account.to_owned(),
        symbol: symbol.to_owned(),
        side: checked.side,
        order_type: checked.order_type,
        time_in_force: checked.time_in_force,
        price: checked.price.unwrap_or_default(),
        quote_order_quantity: match checked.size {
            Size::Base(_) => Decimal::ZERO,
            Size::Quote(amount) => amount,
        },
        stp: checked.stp,
        time_ms: now_ms,
        working_ms: now_ms,
        state: OrderState {
            client_order_id,
            quantity: accepted.quantity,
            executed: Decimal::ZERO,
            quote: Decimal::ZERO,
            prevented: Decimal::ZERO,
            status: OrderStatus::New,
            update_ms: now_ms,
            expiry_reason: None,
        },
        past: Vec::new(),
        locked: accepted.lock,
        amendments: 0,
    }
}

/// Checks that a new order's parameters are there, well formed and fit its type (`rest-api.md`, order types).
fn check_parameters(market: &Market, new: &NewOrder) -> Result<Checked, Reject> {
    let time_in_force = match (new.order_type, new.time_in_force) {
        (OrderType::Limit, Some(time_in_force)) => time_in_force,
        (OrderType::Limit, None) => return Err(Reject::mandatory("timeInForce")),
        (_, Some(_)) => return Err(Reject::not_required("timeInForce")),
        (OrderType::LimitMaker | OrderType::Market, None) => TimeInForce::Gtc,
    };
    let price = match (new.order_type, new.price) {
        (OrderType::Market, None) => None,
        (OrderType::Market, Some(_)) => return Err(Reject::not_required("price")),
        (_, None) => return Err(Reject::mandatory("price")),
        (_, Some(price)) => {
            filters::check_number("price", price)?;
            Some(price)
        }
    };
    let size = match (new.quantity, new.quote_order_quantity) {
        (Some(quantity), None) => {
            filters::check_number("quantity", quantity)?;
            Size::Base(quantity)
        }
        (None, Some(amount)) if new.order_type == OrderType::Market => {
            filters::check_number("quoteOrderQty", amount)?;
            Size::Quote(amount)
        }
        (None, None) => return Err(Reject::mandatory("quantity")),
        (Some(_), Some(_)) => return Err(Reject::combination()),
        (None, Some(_)) => return Err(Reject::not_required("quoteOrderQty")),
    };
    let stp = new.stp.unwrap_or(market.rules.default_stp);
    if new.stp.is_some() && !market.rules.allowed_stp.contains(&stp) {
        return Err(Reject::stp_mode());
    }
    let client_order_id = new
        .client_order_id
        .as_deref()
        .map(check_client_order_id)
        .transpose()?;
    Ok(Checked {
        side: new.side,
        order_type: new.order_type,
        time_in_force,
        price,
        size,
        stp,
        client_order_id,
    })
}

/// Client order ids are 1 to 36 of letters, digits, `-` and `_` (`fix-api.md`).
pub(crate) fn check_client_order_id(id: &str) -> Result<Arc<str>, Reject> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if id.is_empty() || id.len() > 36 || !id.bytes().all(legal) {
        return Err(Reject::illegal_characters(
            "newClientOrderId",
            "^[a-zA-Z0-9-_]{1,36}$",
        ));
    }
    Ok(Arc::from(id))
}
