//! The meaning of reports, field by field.

use super::*;
use crate::stream::frame::{Event, Frame};

fn report(replaced: &str) -> Report {
    let frame = Frame::read(fixture(replaced).as_bytes()).unwrap();
    let Frame::Event {
        event: Event::Report(report),
        ..
    } = frame
    else {
        panic!("{frame:?}")
    };
    *report
}

fn execution(replaced: &str) -> Option<Execution> {
    report(replaced).execution(&"main".parse().unwrap())
}

#[test]
fn a_fill_becomes_an_execution_with_one_trade() {
    let time = ExchangeTime::from_millis(1_790_000_055_310);
    assert_eq!(
        execution(""),
        Some(Execution {
            account: "main".parse().unwrap(),
            symbol: "BTCUSDT".parse().unwrap(),
            client_order_id: "gk-bot1-7-3".to_owned(),
            exchange_order_id: ExchangeOrderId(55_012_345_678),
            side: Side::Buy,
            order_price: Some("61000".parse().unwrap()),
            order_quantity: "0.002".parse().unwrap(),
            cumulative: "0.0008".parse().unwrap(),
            status: OrderStatus::PartiallyFilled,
            trades: vec![Trade {
                id: TradeId(5_210_009_001),
                price: "61000".parse().unwrap(),
                quantity: "0.0008".parse().unwrap(),
                quote: "48.8".parse().unwrap(),
                fee: Some(Fee {
                    amount: "0.0000008".parse().unwrap(),
                    asset: "BTC".parse().unwrap(),
                }),
                maker: true,
                time,
            }],
            created_at: Some(ExchangeTime::from_millis(1_790_000_001_010)),
            time,
            source: Source::Stream,
        })
    );
}

#[test]
fn fees_are_taken_in_base_quote_a_third_asset_or_not_at_all() {
    for (replaced, fee) in [
        (r#""n":"0.00000080","N":"BTC""#, Some(("0.0000008", "BTC"))),
        (r#""n":"0.04880000","N":"USDT""#, Some(("0.0488", "USDT"))),
        (r#""n":"0.00009150","N":"BNB""#, Some(("0.0000915", "BNB"))),
        (r#""n":"0","N":null"#, None),
        (r#""n":"0.00000000","N":"BNB""#, None),
    ] {
        let expected = fee.map(|(amount, asset)| Fee {
            amount: amount.parse().unwrap(),
            asset: asset.parse().unwrap(),
        });
        let execution = execution(replaced).unwrap();
        assert_eq!(execution.trades.len(), 1, "{replaced}");
        assert_eq!(execution.trades[0].fee, expected, "{replaced}");
    }
}

#[test]
fn a_trade_that_is_not_complete_is_left_out_and_all_else_kept() {
    for replaced in [
        r#""L":"0.00000000""#,
        r#""L":"-""#,
        r#""L":null"#,
        r#""L":61000"#,
        r#""L":"1e5""#,
        r#""n":"-""#,
        r#""n":null"#,
        r#""n":"0.00000080","N":null"#,
        r#""n":"0.00000080","N":"-""#,
        r#""n":"0.00000080","N":"""#,
        r#""t":-1"#,
        r#""t":"-""#,
        r#""l":"0.00000000""#,
        r#""l":"-""#,
        r#""l":"0.00090000""#,
        r#""Y":"-""#,
        r#""Y":"0.00000000""#,
        r#""Y":"-48.80000000""#,
        r#""m":"-""#,
    ] {
        let execution = execution(replaced).unwrap_or_else(|| panic!("{replaced}"));
        assert_eq!(execution.trades, vec![], "{replaced}");
        assert_eq!(
            execution.cumulative,
            "0.0008".parse().unwrap(),
            "{replaced}"
        );
        assert_eq!(execution.status, OrderStatus::PartiallyFilled, "{replaced}");
    }
}

/// One line per case: `x`, `X`, `c`, `C` (`-` for empty), the order's own id, and whether the
/// report says that an order traded or ended.
const OWN_ID: &str = "
    NEW              NEW              gk-bot1-7-3  -            gk-bot1-7-3  untold
    TRADE            PARTIALLY_FILLED gk-bot1-7-3  -            gk-bot1-7-3  told
    TRADE            FILLED           gk-bot1-7-3  -            gk-bot1-7-3  told
    TRADE            SOMETHING_NEW    gk-bot1-7-3  -            gk-bot1-7-3  told
    CANCELED         CANCELED         kQ1wZp8Yc0T4 gk-bot1-7-3  gk-bot1-7-3  told
    CANCELED         CANCELED         gk-bot1-7-3  -            gk-bot1-7-3  told
    CANCELED         CANCELED         gk-bot1-7-3  web_9        web_9        told
    EXPIRED          EXPIRED          gk-bot1-7-3  -            gk-bot1-7-3  told
    EXPIRED          EXPIRED          gk-bot1-7-3  web_9        gk-bot1-7-3  told
    EXPIRED          EXPIRED_IN_MATCH gk-bot1-7-3  -            gk-bot1-7-3  told
    TRADE_PREVENTION EXPIRED_IN_MATCH gk-bot1-7-3  -            gk-bot1-7-3  told
    TRADE_PREVENTION FILLED           gk-bot1-7-3  -            gk-bot1-7-3  told
    TRADE_PREVENTION PARTIALLY_FILLED gk-bot1-7-3  -            gk-bot1-7-3  untold
    REPLACED         PARTIALLY_FILLED xyz          gk-bot1-7-3  xyz          untold
    REJECTED         REJECTED         gk-bot1-7-3  -            gk-bot1-7-3  untold
    SOMETHING_NEW    CANCELED         gk-bot1-7-3  -            gk-bot1-7-3  told
    SOMETHING_NEW    NEW              gk-bot1-7-3  -            gk-bot1-7-3  untold
";

#[test]
fn the_orders_own_id_and_what_is_told() {
    for line in OWN_ID.trim().lines() {
        let [x, status, c, original, id, told] = line
            .split_whitespace()
            .collect::<Vec<_>>()
            .try_into()
            .unwrap();
        let original = original.trim_matches('-');
        let replaced = format!(
            r#""x":"{x}","X":"{status}","c":"{c}","C":"{original}","l":"0.0","L":"0.0","t":-1,"Y":"0.0""#
        );
        let report = report(&replaced);
        assert_eq!(report.order_client_id(), id, "{line}");
        let execution = report.execution(&"main".parse().unwrap());
        assert_eq!(execution.is_some(), told == "told", "{line}");
        if let Some(execution) = execution {
            assert_eq!(execution.client_order_id, id);
            assert_eq!(execution.trades, vec![]);
            assert_eq!(execution.cumulative, "0.0008".parse().unwrap());
        }
    }
}

#[test]
fn only_a_trade_carries_a_trade() {
    let execution = execution(r#""x":"EXPIRED","X":"EXPIRED""#).unwrap();
    assert_eq!(execution.trades, vec![]);
}

#[test]
fn missing_optional_fields_and_unknown_words_are_tolerated() {
    let report = report(
        r#""C":"-","O":-1,"E":"-","p":"0.00000000","X":"SOMETHING_NEW","eR":"X","brandNew":{}"#,
    );
    assert_eq!(report.status, OrderStatus::Unrecognized);
    assert_eq!(report.price, None);
    assert_eq!(report.created_at, None);
    assert_eq!(report.event_time, None);
    assert_eq!(report.original_client_order_id, "");
    assert!(report.trade.is_some());
}

#[test]
fn a_symbol_may_be_any_utf8() {
    assert_eq!(
        report(r#""s":"币安人生USDT""#).symbol.as_str(),
        "币安人生USDT"
    );
}

#[test]
fn fields_that_every_report_has_are_named_when_they_are_wrong() {
    for (replaced, part) in [
        (r#""z":"-""#, "no \"z\""),
        (r#""z":null"#, "no \"z\""),
        (r#""z":"-1""#, "\"z\" cannot be -1"),
        (r#""z":"NaN""#, "not a decimal"),
        (r#""z":5"#, "must be a text"),
        (r#""q":"-""#, "no \"q\""),
        (r#""s":"two words""#, "\"s\" cannot be two words"),
        (r#""S":"HOLD""#, "BUY or SELL"),
        (r#""i":"55""#, "no \"i\""),
        (r#""c":7"#, "\"c\" cannot be 7"),
        (r#""X":"-""#, "no \"X\""),
        (r#""x":"-""#, "no \"x\""),
        (r#""T":"-","E":"-""#, "no \"T\""),
    ] {
        let frame = Frame::read(fixture(replaced).as_bytes()).unwrap();
        let Frame::Event {
            event: Event::UnreadableReport { error, .. },
            ..
        } = frame
        else {
            panic!("{replaced} was read")
        };
        assert!(error.to_string().contains(part), "{replaced}: {error}");
    }
}

/// A frame with a maker's partial fill, its fee in base (the documented example with an id of
/// ours), with some of the event's fields replaced: `"z":"0.2","N":null`. A field replaced by
/// `"-"` is left out.
pub(in crate::stream) fn fixture(replaced: &str) -> String {
    let mut event: Map<String, Value> = serde_json::from_str(concat!(
        r#"{"e":"executionReport","E":1790000055312,"s":"BTCUSDT","c":"gk-bot1-7-3","S":"BUY","#,
        r#""o":"LIMIT","f":"GTC","q":"0.00200000","p":"61000.00000000","P":"0.00000000","#,
        r#""F":"0.00000000","g":-1,"C":"","x":"TRADE","X":"PARTIALLY_FILLED","r":"NONE","#,
        r#""i":55012345678,"l":"0.00080000","z":"0.00080000","L":"61000.00000000","#,
        r#""n":"0.00000080","N":"BTC","T":1790000055310,"t":5210009001,"I":118220077310,"#,
        r#""w":true,"m":true,"M":true,"O":1790000001010,"Z":"48.80000000","Y":"48.80000000","#,
        r#""Q":"0.00000000","W":1790000001010,"V":"EXPIRE_MAKER"}"#
    ))
    .unwrap();
    let replaced: Map<String, Value> = serde_json::from_str(&format!("{{{replaced}}}")).unwrap();
    event.extend(replaced);
    event.retain(|_, value| value != "-");
    serde_json::json!({"subscriptionId": 3, "event": event}).to_string()
}
