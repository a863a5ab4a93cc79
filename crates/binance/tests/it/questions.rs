//! Queries, lists and cancels: complete, or an error that says what is wrong.

use std::time::Duration;

use domain::{ExchangeOrderId, ExchangeTime, OrderStatus, Symbol, TradeId};
use trading::{AccountStop, CancelOutcome, Exchange as _, ExchangeError, FoundOrder};

use crate::server::{Answer, Request, START, Server, TestClock, no, ok, server_time};

fn symbol() -> Symbol {
    "XRPETH".parse().unwrap()
}

fn shown(id: i64, created: i64) -> String {
    format!(
        r#"{{"symbol":"XRPETH","orderId":{id},"orderListId":-1,"clientOrderId":"gk-abcd-7-12","price":"3.1064","origQty":"10","executedQty":"4","cummulativeQuoteQty":"12.4256","status":"PARTIALLY_FILLED","timeInForce":"GTC","type":"LIMIT","side":"BUY","stopPrice":"0","icebergQty":"0","time":{created},"updateTime":{created},"isWorking":true,"workingTime":{created},"origQuoteOrderQty":"0","selfTradePreventionMode":"NONE"}}"#
    )
}

fn trade(id: i64) -> String {
    format!(
        r#"{{"symbol":"XRPETH","id":{id},"orderId":5,"orderListId":-1,"price":"3","qty":"0.1","quoteQty":"0.3","commission":"0","commissionAsset":"BNB","time":{START},"isBuyer":true,"isMaker":true,"isBestMatch":true}}"#
    )
}

fn list(rows: impl Iterator<Item = String>) -> Answer {
    ok(&format!("[{}]", rows.collect::<Vec<_>>().join(",")))
}

fn number(request: &Request, name: &str) -> Option<i64> {
    request.param(name).map(|value| value.parse().unwrap())
}

#[tokio::test]
async fn an_order_is_found_by_either_id_or_not_at_all() {
    let server = Server::start(|request| {
        match (request.param("origClientOrderId"), request.param("orderId")) {
            (Some("gk-abcd-7-12"), None) | (None, Some("28")) => ok(&shown(28, START)),
            (Some("gk-abcd-7-11"), None) | (None, Some("27")) => no(
                400,
                r#"{"code":-2026,"msg":"Order was canceled or expired with no executed qty over 90 days ago and has been archived."}"#,
            ),
            _ => no(400, r#"{"code":-2013,"msg":"Order does not exist."}"#),
        }
    })
    .await;
    let client = server.client(&TestClock::new());
    let id = "gk-abcd-7-12".parse().unwrap();
    let view = client.find_order(&symbol(), &id).await.unwrap().unwrap();
    assert_eq!(view.exchange_order_id, ExchangeOrderId(28));
    assert_eq!(view.status, OrderStatus::PartiallyFilled);
    let same = client.order(&symbol(), ExchangeOrderId(28)).await;
    assert_eq!(same, Ok(FoundOrder::Shown(view)));
    for (id, answer) in [(29, FoundOrder::NotFound), (27, FoundOrder::Archived)] {
        let found = client.order(&symbol(), ExchangeOrderId(id)).await;
        assert_eq!(found, Ok(answer));
    }
    for id in ["gk-abcd-7-13", "gk-abcd-7-11"] {
        let found = client.find_order(&symbol(), &id.parse().unwrap()).await;
        assert_eq!(found, Ok(None), "{id}");
    }
    for request in server.seen() {
        assert!(
            request
                .query
                .contains("&recvWindow=3000&timestamp=1790000040000&signature=")
        );
    }
}

#[tokio::test]
async fn what_is_no_answer_is_never_an_absent_order() {
    for (answer, expected) in [
        (no(500, ""), "HTTP 500"),
        (no(404, "<html>Not Found</html>"), "HTTP 404"),
        (ok("{}"), "missing field"),
        (ok("null"), "null"),
        (ok(""), "EOF"),
        (ok(&shown(1, START).replace("XRPETH", "XRPBTC")), "XRPBTC"),
        (Answer::SendAndClose(Vec::new()), ""),
    ] {
        let server = Server::start(move |_| answer.clone()).await;
        let client = server.client(&TestClock::new());
        let error = client
            .order(&symbol(), ExchangeOrderId(1))
            .await
            .unwrap_err();
        let ExchangeError::Unavailable(detail) = error else {
            panic!("{error}");
        };
        assert!(detail.contains(expected), "{detail}");
        assert!(!detail.contains("signature"), "{detail}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn silence_is_no_answer() {
    let server = Server::start(|_| Answer::FallSilent(Vec::new())).await;
    let client = server.impatient_client(&TestClock::new());
    let error = client
        .order(&symbol(), ExchangeOrderId(1))
        .await
        .unwrap_err();
    assert!(matches!(error, ExchangeError::Unavailable(_)), "{error}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_question_outside_its_window_is_asked_again_by_the_right_clock() {
    let mut asked = 0;
    let server = Server::start(move |request| match request.path.as_str() {
        "/api/v3/time" => server_time(START + 50_000),
        _ => {
            asked += 1;
            match asked {
                1 => no(400, r#"{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}"#),
                _ => ok("[]"),
            }
        }
    })
    .await;
    let client = server.client(&TestClock::new());
    assert_eq!(client.open_orders(&symbol()).await, Ok(Vec::new()));
    let times: Vec<_> = server
        .seen()
        .iter()
        .filter_map(|request| number(request, "timestamp"))
        .collect();
    assert_eq!(times, [START, START + 50_000]);
}

#[tokio::test]
async fn a_question_that_stays_outside_its_window_ends() {
    let server = Server::start(|request| match request.path.as_str() {
        "/api/v3/time" => server_time(START),
        _ => no(
            400,
            r#"{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}"#,
        ),
    })
    .await;
    let client = server.client(&TestClock::new());
    let error = client.open_orders(&symbol()).await.unwrap_err();
    assert!(matches!(error, ExchangeError::Unavailable(_)), "{error}");
    assert_eq!(server.count("GET", "/api/v3/openOrders"), 2);
}

#[tokio::test]
async fn causes_that_concern_the_account_or_the_symbol_are_told() {
    let server = Server::start(|request| match request.path.as_str() {
        "/api/v3/openOrders" => no(401, r#"{"code":-2014,"msg":"API-key format invalid."}"#),
        _ => no(400, r#"{"code":-1121,"msg":"Invalid symbol."}"#),
    })
    .await;
    let client = server.client(&TestClock::new());
    let error = client.open_orders(&symbol()).await.unwrap_err();
    assert!(
        matches!(
            error,
            ExchangeError::Stopped {
                stop: AccountStop::Key,
                ..
            }
        ),
        "{error}"
    );
    let unknown = ExchangeError::UnknownSymbol(symbol());
    assert_eq!(client.rules(&symbol()).await, Err(unknown.clone()));
    assert_eq!(client.best_prices(&symbol()).await, Err(unknown));
}

/// An exchange that keeps `orders` orders, one a second, and shows the latest thousand of a span.
async fn listing(orders: i64, spacing: i64) -> (Server, TestClock) {
    let first = START - orders * spacing;
    let server = Server::start(move |request| {
        let start = number(request, "startTime").unwrap();
        let end = number(request, "endTime").unwrap_or(i64::MAX);
        assert!(
            end == i64::MAX || end - start < 86_400_000,
            "a span of over a day"
        );
        let within: Vec<_> = (0..orders)
            .map(|id| (id, first + id * spacing))
            .filter(|(_, created)| (start..=end).contains(created))
            .collect();
        let latest = within.len().saturating_sub(1_000);
        list(
            within
                .into_iter()
                .skip(latest)
                .map(|(id, created)| shown(id, created)),
        )
    })
    .await;
    (server, TestClock::new())
}

#[tokio::test]
async fn all_orders_since_an_instant_are_listed_whatever_page_they_are_on() {
    let (server, clock) = listing(3_500, 1_000).await;
    let client = server.client(&clock);
    let since = ExchangeTime::from_millis(START - 3_200_000);
    let orders = client.orders_since(&symbol(), since).await.unwrap();
    let ids: Vec<_> = orders
        .iter()
        .map(|order| order.exchange_order_id.0)
        .collect();
    assert_eq!(ids, (300..3_500).collect::<Vec<_>>());
}

#[tokio::test]
async fn orders_of_several_days_are_listed_span_by_span() {
    let hour = 3_600_000;
    let (server, clock) = listing(100, hour).await;
    let client = server.client(&clock);
    let since = ExchangeTime::from_millis(START - 80 * hour);
    let orders = client.orders_since(&symbol(), since).await.unwrap();
    let ids: Vec<_> = orders
        .iter()
        .map(|order| order.exchange_order_id.0)
        .collect();
    assert_eq!(ids, (20..100).collect::<Vec<_>>());
    assert_eq!(server.seen().len(), 4);
    let open_ended = server
        .seen()
        .iter()
        .filter(|seen| seen.param("endTime").is_none())
        .count();
    assert_eq!(open_ended, 1, "the last span reaches to now");
}

#[tokio::test]
async fn orders_that_cannot_be_listed_completely_are_an_error() {
    let (server, clock) = listing(1_500, 0).await;
    let client = server.client(&clock);
    let since = ExchangeTime::from_millis(START - 1_000);
    let error = client.orders_since(&symbol(), since).await.unwrap_err();
    assert!(error.to_string().contains("more orders"), "{error}");
    let long_ago = ExchangeTime::from_millis(0);
    let asked = server.seen().len();
    let error = client.orders_since(&symbol(), long_ago).await.unwrap_err();
    assert!(error.to_string().contains("too long ago"), "{error}");
    assert_eq!(server.seen().len(), asked);
}

/// Without a first id the exchange shows the latest trades, so the first page may be the last one.
#[tokio::test]
async fn all_trades_of_an_order_are_read_in_the_order_of_their_ids() {
    for total in [0, 1, 999, 1_000, 1_001, 2_000, 3_456] {
        let server = Server::start(move |request| {
            assert_eq!(request.param("orderId"), Some("5"));
            assert_eq!(request.param("limit"), Some("1000"));
            let ids: Vec<_> = (0..total).map(|id| id * 3).collect();
            match number(request, "fromId") {
                Some(from) => list(
                    ids.into_iter()
                        .filter(|id| *id >= from)
                        .take(1_000)
                        .map(trade),
                ),
                None => {
                    let latest = ids.len().saturating_sub(1_000);
                    list(ids.into_iter().skip(latest).map(trade))
                }
            }
        })
        .await;
        let client = server.client(&TestClock::new());
        let trades = client.trades(&symbol(), ExchangeOrderId(5)).await.unwrap();
        let ids: Vec<_> = trades.iter().map(|trade| trade.id).collect();
        let expected: Vec<_> = (0..total).map(|id| TradeId(id * 3)).collect();
        assert_eq!(ids, expected, "{total}");
    }
}

#[tokio::test]
async fn pages_that_do_not_go_on_are_an_error() {
    let server = Server::start(|_| list((0..1_000).map(trade))).await;
    let client = server.client(&TestClock::new());
    let error = client
        .trades(&symbol(), ExchangeOrderId(5))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("do not go on"), "{error}");
}

#[tokio::test]
async fn a_cancel_shows_the_order_or_says_that_it_is_not_open() {
    let canceled = format!(
        r#"{{"symbol":"XRPETH","origClientOrderId":"gk-abcd-7-12","orderId":28,"orderListId":-1,"clientOrderId":"random","transactTime":{START},"price":"3.1064","origQty":"10","executedQty":"4","cummulativeQuoteQty":"12.4256","status":"CANCELED","timeInForce":"GTC","type":"LIMIT","side":"BUY","selfTradePreventionMode":"NONE"}}"#
    );
    let server = Server::start(move |request| {
        assert_eq!(request.method, "DELETE");
        match request.param("orderId") {
            Some("28") => ok(&canceled),
            Some("29") => no(400, r#"{"code":-2011,"msg":"Unknown order sent."}"#),
            Some("30") => no(
                400,
                r#"{"code":-2011,"msg":"This account may not place or cancel orders."}"#,
            ),
            _ => Answer::SendAndClose(Vec::new()),
        }
    })
    .await;
    let client = server.client(&TestClock::new());
    let cancel = async |id| client.cancel(&symbol(), ExchangeOrderId(id)).await;
    let Ok(CancelOutcome::Canceled(view)) = cancel(28).await else {
        panic!("not cancelled");
    };
    assert_eq!(view.client_order_id, "gk-abcd-7-12");
    assert_eq!(view.executed, "4".parse().unwrap());
    assert_eq!(cancel(29).await, Ok(CancelOutcome::NotOpen));
    let error = cancel(30).await.unwrap_err();
    assert!(
        matches!(
            error,
            ExchangeError::Stopped {
                stop: AccountStop::Restricted,
                ..
            }
        ),
        "{error}"
    );
    assert!(matches!(
        cancel(31).await,
        Err(ExchangeError::Unavailable(_))
    ));
    assert_eq!(server.seen().len(), 4, "each was sent once");
}

#[tokio::test]
async fn a_key_is_described_where_the_exchange_can() {
    let body = r#"{"ipRestrict":true,"enableReading":true,"enableSpotAndMarginTrading":true,"enableWithdrawals":true}"#;
    let server = Server::start(move |_| ok(body)).await;
    let client = server.client(&TestClock::new());
    let permissions = client.key_permissions().await.unwrap().unwrap();
    assert!(permissions.withdrawals && permissions.trading && permissions.ip_restricted);
    assert_eq!(server.count("GET", "/sapi/v1/account/apiRestrictions"), 1);
    let server = Server::start(|_| no(404, "<html>Not Found</html>")).await;
    let client = server.client(&TestClock::new());
    assert_eq!(client.key_permissions().await, Ok(None));
    let server = Server::start(|_| no(500, "")).await;
    let client = server.client(&TestClock::new());
    assert!(client.key_permissions().await.is_err());
}

#[tokio::test]
async fn the_account_is_asked_about_with_signed_requests() {
    let server = Server::start(|request| match request.path.as_str() {
        "/api/v3/account" => ok(r#"{"balances":[{"asset":"ETH","free":"1.5","locked":"0.5"}]}"#),
        _ => ok(
            r#"{"standardCommission":{"maker":"0.001","taker":"0.002","buyer":"0","seller":"0"}}"#,
        ),
    })
    .await;
    let client = server.client(&TestClock::new());
    let balances = client.balances().await.unwrap();
    assert_eq!(balances.len(), 1);
    let rates = client.commission(&symbol()).await.unwrap();
    assert_eq!(rates.maker.decimal().to_string(), "0.001");
    for request in server.seen() {
        assert!(request.query.contains("&signature="), "{}", request.query);
    }
}

#[tokio::test]
async fn the_exchanges_time_is_asked_each_time() {
    let clock = TestClock::new();
    let server = Server::start(|_| server_time(START + 400)).await;
    let client = server.client(&clock);
    assert_eq!(client.estimated_time().as_millis(), START);
    let told = client.server_time().await.unwrap();
    assert_eq!(told.as_millis(), START + 400);
    clock.advance(1_000);
    assert_eq!(client.estimated_time(), told.after(Duration::from_secs(1)));
    client.server_time().await.unwrap();
    assert_eq!(server.seen().len(), 2);
    let request = server.seen().pop().unwrap();
    assert!(
        request.query.is_empty() && !request.head.to_ascii_lowercase().contains("x-mbx-apikey")
    );
}
