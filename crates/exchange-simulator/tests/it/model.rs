//! The matching model, by tables: every order type, time in force and situation; self-trade prevention; fees.

use exchange_simulator::model::{
    Account, Balance, CommissionRates, EventBody, Exchange, ExecutionType, ListQuery, NewOrder,
    OrderKey, OrderStatus, OrderType, OutsideMarket, Side, StpMode, SymbolRules, TimeInForce,
};
use rust_decimal::Decimal;

pub(crate) const SYMBOL: &str = "BTCUSDT";

pub(crate) fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn account(name: &str) -> Account {
    let mut account = Account::named(name);
    for (asset, free) in [("BTC", "10"), ("USDT", "1000000")] {
        account.balances.insert(
            asset.to_owned(),
            Balance {
                free: dec(free),
                locked: Decimal::ZERO,
            },
        );
    }
    account
}

/// `BTCUSDT` at 60,000 (outside bid 59,999.99, ask 60,000.01) and two accounts.
pub(crate) fn exchange() -> Exchange {
    let mut exchange = Exchange::new();
    exchange.add_symbol(
        0,
        SymbolRules::suited_to(SYMBOL, (2, 5)),
        dec("60000"),
        OutsideMarket::default(),
    );
    exchange.add_account(0, account("a"));
    exchange.add_account(0, account("b"));
    exchange
}

pub(crate) fn limit(id: &str, side: Side, price: &str, quantity: &str) -> NewOrder {
    NewOrder::limit(SYMBOL, side, dec(price), dec(quantity), id)
}

fn new_order(
    order_type: OrderType,
    tif: Option<TimeInForce>,
    side: Side,
    price: Option<&str>,
) -> NewOrder {
    NewOrder {
        order_type,
        time_in_force: tif,
        price: price.map(dec),
        ..limit("x-1", side, "1", "0.002")
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table, read from top to bottom")]
fn every_type_and_time_in_force_meets_every_situation() {
    use OrderStatus::{Expired, Filled, New, PartiallyFilled};
    use OrderType::{Limit, LimitMaker, Market};
    let (gtc, ioc, fok) = (
        Some(TimeInForce::Gtc),
        Some(TimeInForce::Ioc),
        Some(TimeInForce::Fok),
    );
    // Away from the market, crossing it, crossing it while only half the quantity is there.
    let table = [
        (
            Limit,
            gtc,
            Some((New, "0")),
            Some((Filled, "0.002")),
            Some((PartiallyFilled, "0.001")),
        ),
        (
            Limit,
            ioc,
            Some((Expired, "0")),
            Some((Filled, "0.002")),
            Some((Expired, "0.001")),
        ),
        (
            Limit,
            fok,
            Some((Expired, "0")),
            Some((Filled, "0.002")),
            Some((Expired, "0")),
        ),
        (LimitMaker, None, Some((New, "0")), None, None),
        (
            Market,
            None,
            Some((Filled, "0.002")),
            Some((Filled, "0.002")),
            Some((Expired, "0.001")),
        ),
    ];
    for (order_type, tif, away, crossing, short) in table {
        for side in [Side::Buy, Side::Sell] {
            let (far, near) = if side == Side::Buy {
                ("59000", "61000")
            } else {
                ("61000", "59000")
            };
            let taken_at = if side == Side::Buy {
                "60000.01"
            } else {
                "59999.99"
            };
            for (price, depth, expected) in [
                (far, None, away),
                (near, None, crossing),
                (near, Some(dec("0.001")), short),
            ] {
                let case = format!("{order_type:?} {tif:?} {side:?} at {price}, depth {depth:?}");
                let mut exchange = exchange();
                exchange
                    .set_outside(
                        SYMBOL,
                        OutsideMarket {
                            depth,
                            ..OutsideMarket::default()
                        },
                    )
                    .unwrap();
                let price = (order_type != Market).then_some(price);
                let placed = exchange.place(1, "a", new_order(order_type, tif, side, price));
                let Some((status, executed)) = expected else {
                    let reject = placed.unwrap_err();
                    assert_eq!(
                        (reject.code, reject.message.as_str()),
                        (-2010, "Order would immediately match and take."),
                        "{case}"
                    );
                    continue;
                };
                let report = placed.unwrap();
                assert_eq!(
                    (report.order.state.status, report.order.state.executed),
                    (status, dec(executed)),
                    "{case}"
                );
                assert!(
                    report
                        .fills
                        .iter()
                        .all(|fill| fill.price == dec(taken_at) && !fill.is_maker),
                    "{case}"
                );
                let live = exchange.open_order_ids(SYMBOL).len();
                assert_eq!(live, usize::from(status.is_live()), "{case}");
                let owner = exchange.account("a").unwrap();
                let locked = owner.balance("BTC").locked + owner.balance("USDT").locked;
                assert_eq!(
                    locked > Decimal::ZERO,
                    status.is_live(),
                    "{case}: what ended must lock nothing"
                );
            }
        }
    }
}

#[test]
fn a_market_order_by_quote_spends_no_more_than_that() {
    let mut exchange = exchange();
    let order = NewOrder {
        quantity: None,
        quote_order_quantity: Some(dec("100")),
        ..new_order(OrderType::Market, None, Side::Buy, None)
    };
    let report = exchange.place(1, "a", order).unwrap();
    assert_eq!(report.order.state.status, OrderStatus::Filled);
    assert_eq!(report.order.state.executed, dec("0.00166"));
    assert!(report.order.state.quote <= dec("100"));
}

#[test]
fn a_client_order_id_is_unique_among_open_orders_only() {
    let mut exchange = exchange();
    let first = exchange
        .place(1, "a", limit("gk-1", Side::Buy, "59000", "0.001"))
        .unwrap()
        .order
        .order_id;
    assert_eq!(
        exchange
            .place(2, "a", limit("gk-1", Side::Buy, "59000", "0.001"))
            .unwrap_err()
            .code,
        -2010
    );
    exchange
        .place(3, "b", limit("gk-1", Side::Buy, "59000", "0.001"))
        .expect("another account's ids are its own");
    exchange.fill_order(4, (SYMBOL, first), 1, None).unwrap();
    let again = exchange
        .place(5, "a", limit("gk-1", Side::Buy, "59000", "0.001"))
        .unwrap()
        .order
        .order_id;
    assert_ne!(
        first, again,
        "after a fill the same id makes a second order"
    );
    let found = exchange
        .query(i64::MAX, "a", (SYMBOL, &OrderKey::client("gk-1")))
        .unwrap();
    assert_eq!(found.order_id, again, "the newest is found");
    exchange
        .cancel(6, "a", (SYMBOL, &OrderKey::id(again)), None, None)
        .unwrap();
    exchange
        .place(7, "a", limit("gk-1", Side::Buy, "59000", "0.001"))
        .expect("and so after a cancel");
}

#[test]
fn self_trade_prevention_follows_the_taker() {
    use OrderStatus::{ExpiredInMatch, Filled, New};
    // Mode, then status and executed quantity of maker (0.001) and taker (0.002).
    let table = [
        (StpMode::None, (Filled, "0.001"), (Filled, "0.002")),
        (
            StpMode::ExpireMaker,
            (ExpiredInMatch, "0"),
            (Filled, "0.002"),
        ),
        (StpMode::ExpireTaker, (New, "0"), (ExpiredInMatch, "0")),
        (
            StpMode::ExpireBoth,
            (ExpiredInMatch, "0"),
            (ExpiredInMatch, "0"),
        ),
        (StpMode::Decrement, (ExpiredInMatch, "0"), (Filled, "0.001")),
        (StpMode::Transfer, (ExpiredInMatch, "0"), (Filled, "0.001")),
    ];
    for (mode, maker_expected, taker_expected) in table {
        let mut exchange = exchange();
        let maker = exchange
            .place(1, "a", limit("m-1", Side::Buy, "60000", "0.001"))
            .unwrap()
            .order
            .order_id;
        let order = NewOrder {
            stp: Some(mode),
            ..limit("t-1", Side::Sell, "59999.99", "0.002")
        };
        let taker = exchange.place(2, "a", order).unwrap().order;
        let prevented = exchange.drain_events().into_iter().filter(|event| {
            matches!(&event.body, EventBody::Execution(report)
                if report.execution == ExecutionType::TradePrevention)
        });
        assert_eq!(
            prevented.count() > 0,
            mode != StpMode::None,
            "{mode:?} is told"
        );
        let maker = exchange.order_state(SYMBOL, maker).unwrap();
        assert_eq!(
            (maker.status, maker.executed),
            (maker_expected.0, dec(maker_expected.1)),
            "{mode:?} maker"
        );
        assert_eq!(
            (taker.state.status, taker.state.executed),
            (taker_expected.0, dec(taker_expected.1)),
            "{mode:?} taker"
        );
    }
}

#[test]
fn without_prevention_both_sides_share_the_trade_id() {
    let mut exchange = exchange();
    exchange
        .place(1, "a", limit("m-1", Side::Buy, "60000", "0.001"))
        .unwrap();
    let order = NewOrder {
        stp: Some(StpMode::None),
        ..limit("t-1", Side::Sell, "60000", "0.001")
    };
    exchange.place(2, "a", order).unwrap();
    let trades = exchange
        .my_trades(i64::MAX, "a", (SYMBOL, ListQuery::default()))
        .unwrap();
    assert_eq!(trades.len(), 2);
    assert_eq!(trades[0].id, trades[1].id);
    assert_ne!(trades[0].is_maker, trades[1].is_maker);
}

#[test]
fn accounts_trade_with_each_other_at_the_makers_price() {
    let mut exchange = exchange();
    exchange
        .place(1, "b", limit("m-1", Side::Buy, "60000", "0.001"))
        .unwrap();
    let report = exchange
        .place(2, "a", limit("t-1", Side::Sell, "59000", "0.003"))
        .unwrap();
    let prices: Vec<String> = report
        .fills
        .iter()
        .map(|fill| fill.price.normalize().to_string())
        .collect();
    assert_eq!(
        prices,
        ["60000", "59999.99"],
        "our better bid first, then the outside market"
    );
    assert_eq!(
        exchange.account("b").unwrap().balance("BTC").free,
        dec("10.000999")
    );
}

#[test]
fn prints_fill_by_price_then_time_and_never_more_than_was_printed() {
    let mut exchange = exchange();
    let mut place = |now, id, price| {
        exchange
            .place(now, "a", limit(id, Side::Buy, price, "0.002"))
            .unwrap()
            .order
            .order_id
    };
    let older = place(1, "x-1", "59000");
    let better = place(2, "x-2", "59100");
    let newer = place(3, "x-3", "59000");
    let untouched = place(4, "x-4", "58000");
    let filled = exchange
        .print(5, SYMBOL, (dec("59000"), dec("0.003")))
        .unwrap();
    assert_eq!(filled, dec("0.003"));
    let executed = |exchange: &Exchange, id| exchange.order_state(SYMBOL, id).unwrap().executed;
    assert_eq!(executed(&exchange, better), dec("0.002"));
    assert_eq!(executed(&exchange, older), dec("0.001"));
    assert_eq!(executed(&exchange, newer), dec("0"));
    exchange
        .print(6, SYMBOL, (dec("59000"), dec("10")))
        .unwrap();
    assert_eq!(executed(&exchange, newer), dec("0.002"));
    assert_eq!(executed(&exchange, untouched), dec("0"));
    let trades = exchange
        .my_trades(i64::MAX, "a", (SYMBOL, ListQuery::default()))
        .unwrap();
    assert!(
        trades
            .iter()
            .all(|trade| trade.is_maker && trade.price >= dec("59000"))
    );
}

#[test]
fn large_fills_are_split_where_the_market_splits() {
    let mut exchange = exchange();
    let outside = OutsideMarket {
        max_trade_quantity: Some(dec("0.0007")),
        ..OutsideMarket::default()
    };
    exchange.set_outside(SYMBOL, outside).unwrap();
    let report = exchange
        .place(1, "a", limit("x-1", Side::Buy, "61000", "0.002"))
        .unwrap();
    let sizes: Vec<Decimal> = report.fills.iter().map(|fill| fill.quantity).collect();
    assert_eq!(sizes, [dec("0.0007"), dec("0.0007"), dec("0.0006")]);
    let resting = exchange
        .place(2, "a", limit("x-2", Side::Buy, "59000", "0.01"))
        .unwrap()
        .order
        .order_id;
    exchange
        .fill_order(3, (SYMBOL, resting), 1_000, None)
        .unwrap();
    let query = ListQuery {
        order_id: Some(resting),
        limit: Some(1000),
        ..ListQuery::default()
    };
    assert_eq!(
        exchange
            .my_trades(i64::MAX, "a", (SYMBOL, query))
            .unwrap()
            .len(),
        1_000
    );
    assert_eq!(
        exchange.order_state(SYMBOL, resting).unwrap().status,
        OrderStatus::Filled
    );
}

#[test]
fn commission_may_switch_asset_within_one_order() {
    let mut exchange = exchange();
    exchange.set_bnb_price("USDT", dec("600"));
    assert!(exchange.set_commission(
        "a",
        CommissionRates {
            pay_in_bnb: true,
            ..CommissionRates::default()
        }
    ));
    // Each half of the order costs 0.06 USDT x 0.75 = 0.000075 BNB: enough for one.
    assert!(exchange.move_funds(1, "a", "BNB", dec("0.0001")));
    let order = exchange
        .place(2, "a", limit("x-1", Side::Buy, "60000", "0.002"))
        .unwrap()
        .order
        .order_id;
    exchange.fill_order(3, (SYMBOL, order), 2, None).unwrap();
    let trades = exchange
        .my_trades(i64::MAX, "a", (SYMBOL, ListQuery::default()))
        .unwrap();
    let paid: Vec<(Decimal, &str)> = trades
        .iter()
        .map(|trade| (trade.commission, trade.commission_asset.as_str()))
        .collect();
    assert_eq!(paid, [(dec("0.000075"), "BNB"), (dec("0.000001"), "BTC")]);
    assert_eq!(
        exchange.account("a").unwrap().balance("BTC").free,
        dec("10.001999")
    );
}

#[test]
fn makers_and_takers_pay_their_own_rates() {
    for resting in [Side::Buy, Side::Sell] {
        let mut exchange = exchange();
        for (account, maker, taker) in [("a", "0.0002", "0.0004"), ("b", "0.0007", "0.0009")] {
            let rates = CommissionRates {
                maker: dec(maker),
                taker: dec(taker),
                ..CommissionRates::default()
            };
            assert!(exchange.set_commission(account, rates));
        }
        let taking = if resting == Side::Buy {
            Side::Sell
        } else {
            Side::Buy
        };
        exchange
            .place(1, "a", limit("m-1", resting, "60000", "0.001"))
            .unwrap();
        exchange
            .place(2, "b", limit("t-1", taking, "60000", "0.001"))
            .unwrap();
        let paid = |account: &str| {
            let trades = exchange
                .my_trades(i64::MAX, account, (SYMBOL, ListQuery::default()))
                .unwrap();
            let trade = &trades[0];
            (trade.commission.normalize(), trade.commission_asset.clone())
        };
        // 0.001 BTC are bought for 60 USDT; each pays with what it receives.
        let (maker, taker) = match resting {
            Side::Buy => (("0.0000002", "BTC"), ("0.054", "USDT")),
            Side::Sell => (("0.012", "USDT"), ("0.0000009", "BTC")),
        };
        for (account, (amount, asset)) in [("a", maker), ("b", taker)] {
            assert_eq!(paid(account), (dec(amount), asset.to_owned()), "{account}");
        }
    }
}
