//! The model's values as ours, and ours as the model's.

use domain::{
    AccountId, Asset, BandRule, ClientOrderId, ExchangeOrderId, ExchangeTime, Execution, Fee,
    LotRule, NotionalRule, OrderKind, OrderStatus, Price, PriceRule, Quantity, QuoteAmount, Side,
    Source, Symbol, SymbolRules, SymbolStatus, Trade, TradeId,
};
use exchange_simulator::model;
use trading::OrderView;

const fn side_of(side: model::Side) -> Side {
    match side {
        model::Side::Buy => Side::Buy,
        model::Side::Sell => Side::Sell,
    }
}

/// A symbol's name as ours.
pub(crate) fn symbol_of(name: &str) -> Symbol {
    name.parse().unwrap()
}

const fn status_of(status: model::OrderStatus) -> OrderStatus {
    match status {
        model::OrderStatus::New => OrderStatus::New,
        model::OrderStatus::PartiallyFilled => OrderStatus::PartiallyFilled,
        model::OrderStatus::Filled => OrderStatus::Filled,
        model::OrderStatus::Canceled => OrderStatus::Canceled,
        model::OrderStatus::Expired => OrderStatus::Expired,
        model::OrderStatus::ExpiredInMatch => OrderStatus::ExpiredInMatch,
    }
}

fn quantity(value: rust_decimal::Decimal) -> Quantity {
    Quantity::new(value).unwrap()
}

fn exchange_order_id(id: u64) -> ExchangeOrderId {
    ExchangeOrderId(i64::try_from(id).unwrap())
}

/// An order of ours as a request to the model.
pub(super) fn new_order(order: &trading::NewOrder) -> model::NewOrder {
    let side = match order.intent.side {
        Side::Buy => model::Side::Buy,
        Side::Sell => model::Side::Sell,
    };
    let id = order.client_order_id.to_string();
    let (price, quantity) = (
        order.intent.price.decimal(),
        order.intent.quantity.decimal(),
    );
    let plain = model::NewOrder::limit(order.symbol.as_str(), side, price, quantity, &id);
    let plain = match order.intent.kind {
        OrderKind::Limit => plain,
        OrderKind::PostOnly => model::NewOrder {
            order_type: model::OrderType::LimitMaker,
            time_in_force: None,
            ..plain
        },
    };
    model::NewOrder {
        stp: order.expire_taker.then_some(model::StpMode::ExpireTaker),
        ..plain
    }
}

/// A trade of the model as ours.
pub(super) fn trade(trade: &model::Trade) -> Trade {
    let fee = (!trade.commission.is_zero()).then(|| Fee {
        amount: quantity(trade.commission),
        asset: trade.commission_asset.parse::<Asset>().unwrap(),
    });
    Trade {
        id: TradeId(i64::try_from(trade.id).unwrap()),
        price: Price::new(trade.price).unwrap(),
        quantity: quantity(trade.quantity),
        quote: QuoteAmount::new(trade.quote),
        fee,
        maker: trade.is_maker,
        time: ExchangeTime::from_millis(trade.time_ms),
    }
}

fn execution(
    account: &AccountId,
    order: &model::Order,
    (client_order_id, source): (&str, Source),
    trades: Vec<Trade>,
) -> Execution {
    Execution {
        account: account.clone(),
        symbol: symbol_of(&order.symbol),
        client_order_id: client_order_id.to_owned(),
        exchange_order_id: exchange_order_id(order.order_id),
        side: side_of(order.side),
        order_price: Price::new(order.price).ok(),
        order_quantity: quantity(order.state.quantity),
        cumulative: quantity(order.state.executed),
        status: status_of(order.state.status),
        trades,
        created_at: Some(ExchangeTime::from_millis(order.time_ms)),
        time: ExchangeTime::from_millis(order.state.update_ms),
        source,
    }
}

/// A stream report as the bridge passes it on: one that traded or ended an order under an id of
/// ours. On a cancel the order's own id is the original one.
#[must_use]
pub fn execution_of_report(account: &str, report: &model::ExecutionReport) -> Option<Execution> {
    let id = match report.execution {
        model::ExecutionType::Trade | model::ExecutionType::Expired => {
            &report.request_client_order_id
        }
        model::ExecutionType::TradePrevention
            if status_of(report.order.state.status).is_terminal() =>
        {
            &report.request_client_order_id
        }
        model::ExecutionType::Canceled => &report.original_client_order_id,
        model::ExecutionType::New
        | model::ExecutionType::Replaced
        | model::ExecutionType::TradePrevention => return None,
    };
    if !ClientOrderId::looks_like_ours(id) {
        return None;
    }
    let account: AccountId = account.parse().ok()?;
    let trades = report.trade.iter().map(trade).collect();
    let origin = (id.as_ref(), Source::Stream);
    Some(execution(&account, &report.order, origin, trades))
}

/// An order as a query shows it.
pub(super) fn view(order: &model::Order) -> OrderView {
    OrderView {
        symbol: symbol_of(&order.symbol),
        exchange_order_id: exchange_order_id(order.order_id),
        client_order_id: order.state.client_order_id.to_string(),
        side: side_of(order.side),
        price: Price::new(order.price).ok(),
        quantity: quantity(order.state.quantity),
        executed: quantity(order.state.executed),
        status: status_of(order.state.status),
        created_at: ExchangeTime::from_millis(order.time_ms),
        updated_at: ExchangeTime::from_millis(order.state.update_ms),
    }
}

/// An order as the reply to its cancel shows it: that does not say when it was created.
pub(super) fn canceled(order: &model::Order) -> OrderView {
    let shown = view(order);
    OrderView {
        created_at: shown.updated_at,
        ..shown
    }
}

/// A symbol's rules as ours.
pub(crate) fn rules(rules: &model::SymbolRules) -> SymbolRules {
    SymbolRules {
        symbol: symbol_of(&rules.symbol),
        base: rules.base_asset.parse().unwrap(),
        quote: rules.quote_asset.parse().unwrap(),
        status: match rules.status {
            model::SymbolStatus::Trading => SymbolStatus::Trading,
            model::SymbolStatus::CancelOnly => SymbolStatus::CancelOnly,
            model::SymbolStatus::EndOfDay
            | model::SymbolStatus::Halt
            | model::SymbolStatus::Break => SymbolStatus::Halted,
        },
        price: Some(PriceRule {
            min: rules.min_price,
            max: rules.max_price,
            tick: rules.tick_size,
        }),
        lot: Some(LotRule {
            min: quantity(rules.min_quantity),
            max: quantity(rules.max_quantity),
            step: rules.step_size,
        }),
        notional: Some(NotionalRule {
            min: QuoteAmount::new(rules.min_notional),
            max: (!rules.max_notional.is_zero()).then(|| QuoteAmount::new(rules.max_notional)),
        }),
        band: rules.price_band.map(|band| BandRule {
            bid_up: band.bid_up,
            bid_down: band.bid_down,
            ask_up: band.ask_up,
            ask_down: band.ask_down,
        }),
        max_open_orders: Some(rules.max_num_orders),
        post_only_allowed: true,
        expire_taker_allowed: rules.allowed_stp.contains(&model::StpMode::ExpireTaker),
    }
}
