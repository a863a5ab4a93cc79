//! What Binance's documents print of the WebSocket API and the user-data stream, through the client's frames.

use binance::stream::{Event, ExecutionKind, Frame, Report, SubscriptionId, WeightCount};
use domain::{ExchangeOrderId, Execution, OrderStatus, Quantity, Side};
use serde_json::{Value, json};

use crate::published::payload;

fn read(frame: &Value) -> Frame {
    Frame::read(frame.to_string().as_bytes()).unwrap()
}

fn report(frame: &Value) -> Report {
    let frame = read(frame);
    let Frame::Event {
        event: Event::Report(report),
        ..
    } = frame
    else {
        panic!("{frame:?}");
    };
    *report
}

/// The documented report with some fields changed.
fn changed(fields: Value) -> Value {
    let mut frame = payload("execution_report");
    let event = frame["event"].as_object_mut().unwrap();
    event.extend(fields.as_object().unwrap().clone());
    frame
}

fn execution(report: &Report) -> Option<Execution> {
    report.execution(&"main".parse().unwrap())
}

#[test]
fn a_new_order_is_read_and_tells_nothing_of_a_trade() {
    let report = report(&payload("execution_report"));
    assert_eq!(report.symbol.as_str(), "ETHBTC");
    assert_eq!(report.order_client_id(), "mUvoqJxFIILMdfAW5iGSOW");
    assert_eq!(
        (report.kind, report.status),
        (ExecutionKind::New, OrderStatus::New)
    );
    assert_eq!(report.order_id, ExchangeOrderId(4_293_153));
    assert_eq!(report.side, Side::Buy);
    assert_eq!(report.quantity, "1".parse().unwrap());
    assert_eq!(report.price, Some("0.1026441".parse().unwrap()));
    assert_eq!(report.cumulative, Quantity::ZERO);
    assert_eq!(report.event_time.unwrap().as_millis(), 1_499_405_658_658);
    assert_eq!(report.time.as_millis(), 1_499_405_658_657);
    assert_eq!(report.created_at.unwrap().as_millis(), 1_499_405_658_657);
    assert_eq!(report.trade, None);
    assert_eq!(execution(&report), None);
}

/// The whole sample of a market order: accepted, two trades, the rest expired, and the balances after it.
#[test]
fn the_life_of_a_market_order_is_read() {
    let events = payload("market_order_events");
    let (balances, reports) = events.as_array().unwrap().split_last().unwrap();
    let reports: Vec<Report> = reports
        .iter()
        .map(|event| report(&json!({ "subscriptionId": 0, "event": event })))
        .collect();
    let kinds: Vec<_> = reports.iter().map(|report| report.kind).collect();
    use ExecutionKind::{Expired, New, Trade};
    assert_eq!(kinds, [New, Trade, Trade, Expired]);
    let told: Vec<_> = reports.iter().filter_map(execution).collect();
    let lines: Vec<String> = told
        .iter()
        .map(|told| {
            let trades = told.trades.iter().map(|trade| {
                let fee = trade.fee.as_ref().unwrap();
                format!(
                    "{} {} at {} for {} fee {} {}",
                    trade.id, trade.quantity, trade.price, trade.quote, fee.amount, fee.asset
                )
            });
            let trades: Vec<String> = trades.collect();
            format!("{:?} {} {}", told.status, told.cumulative, trades.join(","))
        })
        .collect();
    assert_eq!(
        lines,
        [
            "PartiallyFilled 2 7 2 at 1 for 2 fee 0.001 BNB",
            "PartiallyFilled 4 8 2 at 1 for 2 fee 0.001 BNB",
            "Expired 4 ",
        ]
    );
    for told in &told {
        assert_eq!(told.order_quantity, "6".parse().unwrap());
        assert_eq!(told.order_price, None);
        assert!(told.trades.iter().all(|trade| !trade.maker));
    }
    let frame = read(&json!({ "subscriptionId": 0, "event": balances }));
    assert!(
        matches!(frame, Frame::Event { event: Event::Other { kind }, .. } if kind == "outboundAccountPosition")
    );
}

/// Execution types and order statuses of enums.md, as the documents spell them, each as it is read, and whether the
/// report then tells that an order traded or ended.
const KINDS: &str = "
    NEW              NEW              New             New             untold
    NEW              PENDING_NEW      New             PendingNew      untold
    CANCELED         CANCELED         Canceled        Canceled        told
    REPLACED         NEW              Replaced        New             untold
    REPLACED         PARTIALLY_FILLED Replaced        PartiallyFilled untold
    REJECTED         REJECTED         Rejected        Rejected        untold
    TRADE            PARTIALLY_FILLED Trade           PartiallyFilled told
    TRADE            FILLED           Trade           Filled          told
    EXPIRED          EXPIRED          Expired         Expired         told
    EXPIRED          EXPIRED_IN_MATCH Expired         ExpiredInMatch  told
    TRADE_PREVENTION EXPIRED_IN_MATCH TradePrevention ExpiredInMatch  told
    TRADE_PREVENTION NEW              TradePrevention New             untold
";

#[test]
fn every_kind_of_report_is_read() {
    for line in KINDS.trim().lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [x, status, kind, read, told] = words.try_into().unwrap();
        let report = report(&changed(json!({ "x": x, "X": status })));
        assert_eq!(format!("{:?}", report.kind), kind, "{line}");
        assert_eq!(format!("{:?}", report.status), read, "{line}");
        assert_eq!(execution(&report).is_some(), told == "told", "{line}");
    }
    for reason in [
        "INSUFFICIENT_BALANCES",
        "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY",
        "WOULD_MATCH_IMMEDIATELY",
        "OCO_BAD_PRICES",
    ] {
        let fields = json!({ "x": "REJECTED", "X": "REJECTED", "r": reason });
        let report = report(&changed(fields));
        assert_eq!(report.kind, ExecutionKind::Rejected);
    }
}

/// The documents say of `C`: the id of the order being cancelled.
#[test]
fn a_cancel_is_about_the_order_whose_id_comes_second() {
    let fields =
        json!({ "x": "CANCELED", "X": "CANCELED", "c": "cancelMyOrder1", "C": "myOrder1" });
    let report = report(&changed(fields));
    assert_eq!(report.order_client_id(), "myOrder1");
    assert_eq!(execution(&report).unwrap().client_order_id, "myOrder1");
}

/// Fields that appear under some condition change nothing of what is read, alone or all together.
#[test]
fn conditional_fields_of_a_report_are_passed_over() {
    let fields = payload("execution_report_conditional_fields");
    let fields = fields.as_object().unwrap();
    assert_eq!(fields.len(), 23);
    for (x, status) in [
        ("NEW", "NEW"),
        ("TRADE", "FILLED"),
        ("CANCELED", "CANCELED"),
        ("EXPIRED", "EXPIRED"),
        ("TRADE_PREVENTION", "EXPIRED_IN_MATCH"),
    ] {
        let sample = json!({
            "x": x, "X": status, "l": "1.00000000", "z": "1.00000000", "L": "0.10264410", "Y": "0.10264410",
            "Z": "0.10264410", "n": "0.00100000", "N": "ETH", "t": 7,
        });
        let plain = report(&changed(sample.clone()));
        assert_eq!(plain.trade.is_some(), x == "TRADE");
        let mut all = sample.clone();
        for (name, value) in fields {
            let mut one = sample.clone();
            one[name] = value.clone();
            assert_eq!(report(&changed(one)), plain, "{x} with {name}");
            all[name] = value.clone();
        }
        assert_eq!(report(&changed(all)), plain, "{x} with all");
    }
}

/// An allocation of smart order routing (faqs/sor_faq.md) has no trade id.
#[test]
fn an_allocation_is_told_without_a_trade() {
    let report = report(&changed(json!({
        "x": "TRADE", "X": "FILLED", "l": "1.00000000", "z": "1.00000000", "L": "0.10264410", "Y": "0.10264410",
        "t": -1, "b": "ONE_PARTY_TRADE_REPORT", "a": 1234, "k": "SOR", "uS": true,
    })));
    let told = execution(&report).unwrap();
    assert_eq!(told.cumulative, "1".parse().unwrap());
    assert_eq!(told.trades, []);
}

#[test]
fn other_events_of_an_account_are_known_by_name() {
    for (name, kind) in [
        ("outbound_account_position", "outboundAccountPosition"),
        ("balance_update", "balanceUpdate"),
        ("list_status", "listStatus"),
        ("external_lock_update", "externalLockUpdate"),
    ] {
        let expected = Frame::Event {
            subscription: SubscriptionId(0),
            event: Event::Other {
                kind: kind.to_owned(),
            },
        };
        assert_eq!(read(&payload(name)), expected, "{name}");
    }
}

#[test]
fn the_end_of_a_subscription_and_of_a_server_are_told_apart() {
    let subscription = SubscriptionId(0);
    assert_eq!(
        read(&payload("event_stream_terminated")),
        Frame::StreamTerminated { subscription }
    );
    assert_eq!(read(&payload("server_shutdown")), Frame::ServerShutdown);
}

#[test]
fn replies_are_read() {
    for (name, id, result) in [
        (
            "ws_subscribe_reply",
            "d3df8a22-98ea-4fe0-8f4e-0fcea5d418b7",
            json!({ "subscriptionId": 0 }),
        ),
        (
            "ws_unsubscribe_reply",
            "d3df8a21-98ea-4fe0-8f4e-0fcea5d418b7",
            json!({}),
        ),
        (
            "ws_subscriptions_reply",
            "d3df5a22-88ea-4fe0-9f4e-0fcea5d418b7",
            json!([{ "subscriptionId": 0 }, { "subscriptionId": 1 }]),
        ),
        (
            "ws_reply_with_limits",
            "7069b743-f477-4ae3-81db-db9b8df085d2",
            json!({ "serverTime": 1_656_400_526_260_i64 }),
        ),
    ] {
        let Frame::Reply(reply) = read(&payload(name)) else {
            panic!("{name}");
        };
        assert_eq!(
            (reply.id.as_deref(), reply.status),
            (Some(id), 200),
            "{name}"
        );
        assert_eq!((reply.result, reply.error), (result, None), "{name}");
        let weight = (name == "ws_reply_with_limits").then_some(WeightCount {
            used: 70,
            limit: 6_000,
        });
        assert_eq!(reply.weight, weight, "{name}");
    }
}

#[test]
fn refusals_are_read() {
    let Frame::Reply(banned) = read(&payload("ws_banned")) else {
        panic!("it is a reply");
    };
    assert_eq!(banned.status, 418);
    assert_eq!(
        banned.weight,
        Some(WeightCount {
            used: 2_411,
            limit: 1_200
        })
    );
    let error = banned.error.unwrap();
    assert_eq!(error.code, -1003);
    assert!(
        error
            .message
            .starts_with("Way too much request weight used; IP banned until 1659146400000.")
    );
    assert_eq!(error.retry_after.unwrap().as_millis(), 1_659_146_400_000);
    assert_eq!(error.server_time.unwrap().as_millis(), 1_659_142_907_531);
    let Frame::Reply(revoked) = read(&payload("ws_revoked")) else {
        panic!("it is a reply");
    };
    assert_eq!((revoked.id, revoked.status), (None, 401));
    assert_eq!(revoked.error.unwrap().code, -2015);
}
