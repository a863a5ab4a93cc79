//! The model's look-ups, cancels and amends.

use exchange_simulator::model::{Balance, EventBody, ListQuery, OrderKey, OrderStatus, Side};
use rust_decimal::Decimal;

use crate::model::{SYMBOL, dec, exchange, limit};

#[test]
fn look_ups_answer_as_of_their_moment() {
    let mut exchange = exchange();
    let order = exchange
        .place(100, "a", limit("x-1", Side::Buy, "59000", "0.002"))
        .unwrap()
        .order
        .order_id;
    exchange
        .fill_order(200, (SYMBOL, order), 1, Some(dec("0.001")))
        .unwrap();
    exchange.fill_order(300, (SYMBOL, order), 1, None).unwrap();
    let status = |as_of| {
        exchange
            .query(as_of, "a", (SYMBOL, &OrderKey::id(order)))
            .map(|order| order.state.status)
    };
    assert_eq!(status(99).unwrap_err().code, -2013);
    assert_eq!(status(100).unwrap(), OrderStatus::New);
    assert_eq!(status(299).unwrap(), OrderStatus::PartiallyFilled);
    assert_eq!(status(300).unwrap(), OrderStatus::Filled);
    assert_eq!(
        exchange.open_orders(299, "a", Some(SYMBOL)).unwrap().len(),
        1
    );
    assert_eq!(exchange.open_orders(300, "a", None).unwrap().len(), 0);
    assert_eq!(
        exchange
            .my_trades(250, "a", (SYMBOL, ListQuery::default()))
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        exchange
            .all_orders(99, "a", (SYMBOL, ListQuery::default()))
            .unwrap()
            .len(),
        0
    );
}

#[test]
fn ids_that_disagree_and_ids_that_lack_are_told_apart() {
    let mut exchange = exchange();
    let order = exchange
        .place(1, "a", limit("x-1", Side::Buy, "59000", "0.002"))
        .unwrap()
        .order
        .order_id;
    let code = |key: OrderKey| {
        exchange
            .query(i64::MAX, "a", (SYMBOL, &key))
            .unwrap_err()
            .code
    };
    assert_eq!(code(OrderKey::default()), -1102);
    assert_eq!(
        code(OrderKey {
            order_id: Some(order),
            client_order_id: Some("x-2".into())
        }),
        -2039
    );
    assert_eq!(code(OrderKey::client("x-2")), -2013);
    assert_eq!(
        exchange
            .query(i64::MAX, "b", (SYMBOL, &OrderKey::id(order)))
            .unwrap_err()
            .code,
        -2013
    );
}

#[test]
fn an_amend_lowers_the_quantity_frees_the_rest_and_renames() {
    let mut exchange = exchange();
    let order = exchange
        .place(1, "a", limit("x-1", Side::Buy, "60000", "0.002"))
        .unwrap()
        .order
        .order_id;
    exchange
        .fill_order(2, (SYMBOL, order), 1, Some(dec("0.001")))
        .unwrap();
    assert_eq!(
        exchange
            .amend(3, (SYMBOL, order), dec("0.002"), None)
            .unwrap_err()
            .code,
        -2038
    );
    assert_eq!(
        exchange
            .amend(3, (SYMBOL, order), dec("0.0009"), None)
            .unwrap_err()
            .code,
        -2038
    );
    let (amended, execution_id) = exchange
        .amend(3, (SYMBOL, order), dec("0.0015"), None)
        .unwrap();
    assert_ne!(&*amended.state.client_order_id, "x-1");
    assert_eq!(
        exchange.account("a").unwrap().balance("USDT").locked,
        dec("30")
    );
    let last = exchange
        .drain_events()
        .into_iter()
        .rev()
        .find_map(|event| match event.body {
            EventBody::Execution(report) => Some(report),
            EventBody::Position { .. } | EventBody::BalanceUpdate { .. } => None,
        });
    let report = last.unwrap();
    assert_eq!(
        (report.execution.as_str(), &*report.original_client_order_id),
        ("REPLACED", "x-1")
    );
    assert_eq!(report.execution_id, execution_id);
}

#[test]
fn a_cancel_carries_its_own_id_and_the_orders() {
    let mut exchange = exchange();
    exchange
        .place(1, "a", limit("x-1", Side::Buy, "59000", "0.002"))
        .unwrap();
    exchange.drain_events();
    exchange
        .cancel(
            2,
            "a",
            (SYMBOL, &OrderKey::client("x-1")),
            Some("my-cancel"),
            None,
        )
        .unwrap();
    let first = exchange.drain_events().into_iter().next().unwrap();
    let EventBody::Execution(report) = first.body else {
        panic!("a report first")
    };
    assert_eq!(
        (
            &*report.request_client_order_id,
            &*report.original_client_order_id
        ),
        ("my-cancel", "x-1")
    );
    let again = exchange
        .cancel(3, "a", (SYMBOL, &OrderKey::client("x-1")), None, None)
        .unwrap_err();
    assert_eq!(
        (again.code, again.message.as_str()),
        (-2011, "Unknown order sent.")
    );
}

#[test]
fn trade_lists_take_documented_combinations_only() {
    let exchange = exchange();
    let code = |query| {
        exchange
            .my_trades(0, "a", (SYMBOL, query))
            .map(|_| 0)
            .unwrap_or_else(|reject| reject.code)
    };
    let all = ListQuery::default();
    assert_eq!(
        code(ListQuery {
            order_id: Some(1),
            from_id: Some(1),
            ..all
        }),
        0
    );
    assert_eq!(
        code(ListQuery {
            start_ms: Some(0),
            end_ms: Some(1),
            ..all
        }),
        0
    );
    assert_eq!(
        code(ListQuery {
            order_id: Some(1),
            start_ms: Some(1),
            ..all
        }),
        -1128
    );
    assert_eq!(
        code(ListQuery {
            from_id: Some(1),
            end_ms: Some(1),
            ..all
        }),
        -1128
    );
    assert_eq!(
        code(ListQuery {
            start_ms: Some(0),
            end_ms: Some(86_400_001),
            ..all
        }),
        -1127
    );
}

#[test]
fn a_delisted_symbol_expires_its_orders_first() {
    let mut exchange = exchange();
    exchange
        .place(1, "a", limit("x-1", Side::Sell, "61000", "1"))
        .unwrap();
    exchange.delist(2, SYMBOL).unwrap();
    assert_eq!(
        exchange.account("a").unwrap().balance("BTC"),
        Balance {
            free: dec("10"),
            locked: Decimal::ZERO
        }
    );
    assert_eq!(
        exchange
            .place(3, "a", limit("x-2", Side::Sell, "61000", "1"))
            .unwrap_err()
            .code,
        -1121
    );
}
