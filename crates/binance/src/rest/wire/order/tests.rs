//! Replies as rest-api.md prints them, and what can be wrong with them.

use domain::{Intent, OrderKind, Purpose};
use proptest::prelude::*;

use super::*;

const PLACED: &str = r#"{"symbol":"XRPETH","orderId":28,"orderListId":-1,"clientOrderId":"gk-abcd-7-12","transactTime":1790000000700,"price":"3.10640000","origQty":"10.00000000","executedQty":"10.00000000","origQuoteOrderQty":"0.000000","cummulativeQuoteQty":"31.06000000","status":"FILLED","timeInForce":"GTC","type":"LIMIT","side":"BUY","workingTime":1790000000700,"selfTradePreventionMode":"EXPIRE_TAKER","fills":[{"price":"3.10640000","qty":"6.00000000","commission":"0.00600000","commissionAsset":"XRP","tradeId":57},{"price":"3.10540000","qty":"4.00000000","commission":"0.00010000","commissionAsset":"BNB","tradeId":56}]}"#;

const QUERIED: &str = r#"{"symbol":"XRPETH","orderId":1,"orderListId":-1,"clientOrderId":"gk-abcd-7-12","price":"0.10","origQty":"1.0","executedQty":"0.4","cummulativeQuoteQty":"-1.0","status":"PARTIALLY_FILLED","timeInForce":"GTC","type":"LIMIT","side":"BUY","stopPrice":"0.0","icebergQty":"0.0","time":1499827319559,"updateTime":1499827319999,"isWorking":true,"workingTime":1499827319559,"origQuoteOrderQty":"0.000000","selfTradePreventionMode":"NONE"}"#;

const CANCELED: &str = r#"{"symbol":"XRPETH","origClientOrderId":"gk-abcd-7-12","orderId":4,"orderListId":-1,"clientOrderId":"cancelMyOrder1","transactTime":1684804350068,"price":"2.00000000","origQty":"1.00000000","executedQty":"0.25000000","origQuoteOrderQty":"0.000000","cummulativeQuoteQty":"0.50000000","status":"CANCELED","timeInForce":"GTC","type":"LIMIT","side":"SELL","selfTradePreventionMode":"NONE"}"#;

fn asked() -> NewOrder {
    NewOrder {
        symbol: "XRPETH".parse().unwrap(),
        client_order_id: "gk-abcd-7-12".parse().unwrap(),
        intent: Intent {
            side: Side::Buy,
            price: "3.1064".parse().unwrap(),
            quantity: "10".parse().unwrap(),
            kind: OrderKind::Limit,
            purpose: Purpose::Grid,
        },
        expire_taker: true,
    }
}

fn placed(body: &str) -> Result<Execution, String> {
    read_placed(body.as_bytes(), &asked(), &"main".parse().unwrap())
}

#[test]
fn an_immediate_fill_shows_all_its_trades() {
    let execution = placed(PLACED).unwrap();
    assert_eq!(execution.exchange_order_id, ExchangeOrderId(28));
    assert_eq!(execution.status, OrderStatus::Filled);
    assert_eq!(execution.cumulative, "10".parse().unwrap());
    assert_eq!(execution.order_price, Some("3.1064".parse().unwrap()));
    assert_eq!(execution.source, Source::Reply);
    assert_eq!(
        execution.created_at,
        Some(ExchangeTime::from_millis(1_790_000_000_700))
    );
    let ids: Vec<_> = execution.trades.iter().map(|trade| trade.id.0).collect();
    assert_eq!(ids, [56, 57], "in the order of their ids");
    let first = execution.trades.first().unwrap();
    assert_eq!(first.quote, "12.4216".parse().unwrap());
    assert_eq!(first.fee.as_ref().unwrap().asset.as_str(), "BNB");
    assert!(!first.maker);
}

#[test]
fn a_resting_order_has_no_trades() {
    let body = PLACED
        .replace(
            "\"executedQty\":\"10.00000000\"",
            "\"executedQty\":\"0.00000000\"",
        )
        .replace("31.06000000", "0.00000000")
        .replace("FILLED", "NEW");
    let (head, _) = body.split_once(",\"fills\"").unwrap();
    for body in [format!("{head}}}"), format!("{head},\"fills\":[]}}")] {
        let execution = placed(&body).unwrap();
        assert_eq!(execution.status, OrderStatus::New);
        assert!(execution.trades.is_empty() && execution.cumulative.is_zero());
    }
}

/// The order is accepted, but its trades have to be fetched.
#[test]
fn trades_that_are_not_complete_are_left_out() {
    for (from, to) in [
        ("\"qty\":\"4.00000000\"", "\"qty\":\"3.00000000\""),
        ("31.06000000", "31.05000000"),
        ("\"commissionAsset\":\"XRP\",", ""),
        ("\"commissionAsset\":\"XRP\"", "\"commissionAsset\":null"),
        ("\"tradeId\":57", "\"tradeId\":-1"),
    ] {
        let body = PLACED.replace(from, to);
        assert_ne!(body, PLACED);
        let execution = placed(&body).unwrap();
        assert!(execution.trades.is_empty(), "{to}");
        assert_eq!(execution.cumulative, "10".parse().unwrap());
    }
    let nothing = r#""fills":[{"price":"3.1","qty":"0.0","commission":"0","tradeId":58},"#;
    let with_nothing = PLACED.replace("\"fills\":[", nothing);
    assert!(placed(&with_nothing).unwrap().trades.is_empty());
    let unavailable = PLACED.replace("\"31.06000000\"", "\"-1.00000000\"");
    assert_eq!(placed(&unavailable).unwrap().trades.len(), 2);
    let free = PLACED.replace(
        "\"0.00600000\",\"commissionAsset\":\"XRP\"",
        "\"0.00000000\"",
    );
    assert_ne!(free, PLACED);
    let trades = placed(&free).unwrap().trades;
    assert_eq!(trades.iter().filter(|trade| trade.fee.is_none()).count(), 1);
}

#[test]
fn a_reply_that_does_not_show_the_order_is_an_error() {
    for (from, to) in [
        ("\"symbol\":\"XRPETH\"", "\"symbol\":\"XRPBTC\""),
        ("gk-abcd-7-12", "gk-abcd-7-13"),
        ("\"side\":\"BUY\"", "\"side\":\"SELL\""),
        ("\"side\":\"BUY\"", "\"side\":\"LEND\""),
        ("\"orderId\":28,", ""),
        ("\"status\":\"FILLED\",", ""),
        ("\"executedQty\":\"10.00000000\",", ""),
        ("\"executedQty\":\"10.00000000\"", "\"executedQty\":\"1e1\""),
        ("\"executedQty\":\"10.00000000\"", "\"executedQty\":\"-1\""),
        ("\"orderId\":28", "\"orderId\":28.5"),
        ("1790000000700", "null"),
    ] {
        let body = PLACED.replace(from, to);
        assert_ne!(body, PLACED);
        assert!(placed(&body).is_err(), "{to}");
    }
    let acknowledged = r#"{"symbol":"XRPETH","orderId":28,"orderListId":-1,"clientOrderId":"gk-abcd-7-12","transactTime":1790000000700}"#;
    assert!(
        placed(acknowledged).is_err(),
        "it shows neither status nor what was executed"
    );
    assert!(placed(PLACED.get(..PLACED.len() - 20).unwrap()).is_err());
}

#[test]
fn a_query_shows_an_order_whatever_else_it_says() {
    let view = read_order(QUERIED.as_bytes()).unwrap();
    assert_eq!(view.exchange_order_id, ExchangeOrderId(1));
    assert_eq!(view.executed, "0.4".parse().unwrap());
    assert_eq!(view.status, OrderStatus::PartiallyFilled);
    assert_eq!(view.created_at.as_millis(), 1_499_827_319_559);
    assert_eq!(view.updated_at.as_millis(), 1_499_827_319_999);
    let market = QUERIED.replace("\"price\":\"0.10\"", "\"price\":\"0.00000000\"");
    assert_eq!(read_order(market.as_bytes()).unwrap().price, None);
    let strange = QUERIED.replace("PARTIALLY_FILLED", "SUSPENDED_BY_MOON");
    assert_eq!(
        read_order(strange.as_bytes()).unwrap().status,
        OrderStatus::Unrecognized
    );
}

#[test]
fn one_unreadable_row_fails_the_list() {
    let list = format!("[{QUERIED},{QUERIED}]");
    assert_eq!(read_orders(list.as_bytes()).unwrap().len(), 2);
    assert_eq!(read_orders(b"[]").unwrap(), []);
    let broken = format!(
        "[{QUERIED},{}]",
        QUERIED.replace("\"origQty\":\"1.0\",", "")
    );
    let error = read_orders(broken.as_bytes()).unwrap_err().to_string();
    assert!(
        error.contains("list of orders") && error.contains("origQty"),
        "{error}"
    );
    assert!(read_orders(QUERIED.as_bytes()).is_err());
}

#[test]
fn a_cancel_names_the_order_and_not_the_request() {
    let view = read_canceled(CANCELED.as_bytes()).unwrap();
    assert_eq!(view.client_order_id, "gk-abcd-7-12");
    assert_eq!(view.status, OrderStatus::Canceled);
    assert_eq!(view.executed, "0.25".parse().unwrap());
    assert_eq!(view.updated_at.as_millis(), 1_684_804_350_068);
}

#[test]
fn every_documented_status_is_known() {
    for (word, ends) in [
        ("NEW", false),
        ("PENDING_NEW", false),
        ("PARTIALLY_FILLED", false),
        ("FILLED", true),
        ("CANCELED", true),
        ("REJECTED", true),
        ("EXPIRED", true),
        ("EXPIRED_IN_MATCH", true),
    ] {
        assert_ne!(status(word), OrderStatus::Unrecognized, "{word}");
        assert_eq!(status(word).is_terminal(), ends, "{word}");
    }
    assert_eq!(status("PENDING_CANCEL"), OrderStatus::Unrecognized);
}

proptest! {
    /// A damaged reply is an error or shows an order; what it shows as trades adds up.
    #[test]
    fn a_damaged_reply_brings_nothing_down(
        at in 0..PLACED.len(),
        cut in 0..40_usize,
        patch in proptest::collection::vec(any::<u8>(), 0..6),
    ) {
        let mut body = PLACED.as_bytes().to_vec();
        body.splice(at..at.saturating_add(cut).min(PLACED.len()), patch);
        if let Ok(execution) = read_placed(&body, &asked(), &"main".parse().unwrap()) {
            let shown = execution.shown();
            prop_assert!(execution.trades.is_empty() || shown == Some(execution.cumulative));
        }
        // Neither may any other reader of orders panic.
        prop_assert!(read_orders(&body).is_err());
        let _view = read_order(&body);
        let _view = read_canceled(&body);
    }

    /// Digits changed anywhere in the amounts never lead to trades that do not add up.
    #[test]
    fn trades_shown_always_add_up(
        qty in "[0-9]{1,3}\\.[0-9]{1,8}",
        price in "[0-9]{1,3}\\.[0-9]{1,8}",
        executed in "[0-9]{1,3}\\.[0-9]{1,8}",
    ) {
        let body = PLACED
            .replace("\"qty\":\"4.00000000\"", &format!("\"qty\":\"{qty}\""))
            .replace("\"price\":\"3.10540000\"", &format!("\"price\":\"{price}\""))
            .replace("\"executedQty\":\"10.00000000\"", &format!("\"executedQty\":\"{executed}\""));
        if let Ok(execution) = read_placed(body.as_bytes(), &asked(), &"main".parse().unwrap()) {
            let shown = execution.shown();
            prop_assert!(execution.trades.is_empty() || shown == Some(execution.cumulative));
        }
    }
}
