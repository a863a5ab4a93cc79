//! One `executionReport` of the user-data stream (user-data-stream.md), and what it means.
//!
//! Entry points: [`Report::read`] and [`Report::execution`]. Unknown fields are ignored. What says
//! *how far* an order has come must be there; what describes *one trade* may be missing: then the
//! report carries no trade, and whoever handles it fetches the trade. Never fills a gap with the
//! order's limit price.

use std::str::FromStr;

use domain::{
    AccountId, Asset, ExchangeOrderId, ExchangeTime, Execution, Fee, OrderStatus, Price, Quantity,
    QuoteAmount, Side, Source, Symbol, Trade, TradeId,
};
use serde_json::{Map, Value};

use super::frame::quoted;

/// What caused a report, the field `x` (enums.md, "Execution types").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecutionKind {
    /// The order was accepted.
    New,
    /// The order was cancelled by its owner.
    Canceled,
    /// The order was amended.
    Replaced,
    /// The order was refused.
    Rejected,
    /// Part or all of the order traded.
    Trade,
    /// The order was ended by its own rules or by the exchange.
    Expired,
    /// Self-trade prevention kept the order from trading.
    TradePrevention,
    /// Any other word.
    Unrecognized,
}

/// Why an `executionReport` cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// A field that every report has is not there.
    #[error("the executionReport has no \"{0}\"")]
    Missing(&'static str),
    /// A field has a value it cannot have.
    #[error("the executionReport's \"{field}\" cannot be {found}: {problem}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What it holds, cut to a readable length.
        found: String,
        /// What it should hold.
        problem: String,
    },
}

/// One `executionReport`, as far as this system needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// When the exchange sent it (`E`).
    pub event_time: Option<ExchangeTime>,
    /// The symbol (`s`).
    pub symbol: Symbol,
    /// The client order id of the request that caused the report (`c`).
    pub client_order_id: String,
    /// On a cancel the client order id of the order being cancelled, else empty (`C`).
    pub original_client_order_id: String,
    /// Buy or sell (`S`).
    pub side: Side,
    /// The order's quantity (`q`), which an amend changes.
    pub quantity: Quantity,
    /// The limit price (`p`); `None` for an order without one.
    pub price: Option<Price>,
    /// What caused the report (`x`).
    pub kind: ExecutionKind,
    /// The order's status after it (`X`).
    pub status: OrderStatus,
    /// The exchange's id of the order (`i`), unique per symbol.
    pub order_id: ExchangeOrderId,
    /// The base quantity executed so far (`z`).
    pub cumulative: Quantity,
    /// When the exchange created the order (`O`).
    pub created_at: Option<ExchangeTime>,
    /// When it happened in the matching engine (`T`), else when it was sent.
    pub time: ExchangeTime,
    /// The trade, if the report is of one and shows all of it.
    pub trade: Option<Trade>,
}

impl Report {
    /// Reads the inner object of an `executionReport` event.
    ///
    /// # Errors
    /// [`ReportError`] names the field.
    pub fn read(event: &Map<String, Value>) -> Result<Self, ReportError> {
        let fields = Fields(event);
        let event_time = fields.time("E");
        let kind = kind_of(fields.text("x")?);
        let time = fields
            .time("T")
            .or(event_time)
            .ok_or(ReportError::Missing("T"))?;
        let cumulative = fields.parsed("z")?;
        Ok(Self {
            event_time,
            symbol: fields.parsed("s")?,
            client_order_id: fields.text("c")?.to_owned(),
            original_client_order_id: fields.optional_text("C").unwrap_or_default().to_owned(),
            side: side_of(fields.text("S")?)?,
            quantity: fields.parsed("q")?,
            price: fields.optional("p"),
            kind,
            status: status_of(fields.text("X")?),
            order_id: ExchangeOrderId(fields.integer("i").ok_or(ReportError::Missing("i"))?),
            cumulative,
            created_at: fields.time("O"),
            time,
            trade: (kind == ExecutionKind::Trade)
                .then(|| fields.trade(time))
                .flatten()
                .filter(|trade| trade.quantity <= cumulative),
        })
    }

    /// The client order id of the order that the report is about. On a cancel `c` is the cancel
    /// request's own id and `C` the order's; everywhere else `c` is the order's.
    #[must_use]
    pub fn order_client_id(&self) -> &str {
        if self.kind == ExecutionKind::Canceled && !self.original_client_order_id.is_empty() {
            &self.original_client_order_id
        } else {
            &self.client_order_id
        }
    }

    /// What the report says about its order, if that has traded or ended. A refusal is neither: it
    /// never was an order, and the reply to its placement says so too.
    #[must_use]
    pub fn execution(&self, account: &AccountId) -> Option<Execution> {
        let tells = match self.kind {
            ExecutionKind::Trade | ExecutionKind::Canceled | ExecutionKind::Expired => true,
            ExecutionKind::TradePrevention | ExecutionKind::Unrecognized => {
                self.status.is_terminal()
            }
            ExecutionKind::New | ExecutionKind::Rejected | ExecutionKind::Replaced => false,
        };
        tells.then(|| Execution {
            account: account.clone(),
            symbol: self.symbol.clone(),
            client_order_id: self.order_client_id().to_owned(),
            exchange_order_id: self.order_id,
            side: self.side,
            order_price: self.price,
            order_quantity: self.quantity,
            cumulative: self.cumulative,
            status: self.status,
            trades: self.trade.iter().cloned().collect(),
            created_at: self.created_at,
            time: self.time,
            source: Source::Stream,
        })
    }
}

struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    fn optional_text(&self, key: &str) -> Option<&'a str> {
        self.0.get(key)?.as_str()
    }

    fn text(&self, key: &'static str) -> Result<&'a str, ReportError> {
        match self.0.get(key) {
            None | Some(Value::Null) => Err(ReportError::Missing(key)),
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(invalid(key, &other.to_string(), "it must be a text")),
        }
    }

    fn parsed<T: FromStr<Err: std::fmt::Display>>(
        &self,
        key: &'static str,
    ) -> Result<T, ReportError> {
        let text = self.text(key)?;
        text.parse()
            .map_err(|error: T::Err| invalid(key, text, &error.to_string()))
    }

    fn optional<T: FromStr>(&self, key: &str) -> Option<T> {
        self.optional_text(key)?.parse().ok()
    }

    fn integer(&self, key: &str) -> Option<i64> {
        self.0.get(key)?.as_i64()
    }

    /// A time in milliseconds; `-1` stands for none (user-data-stream.md).
    fn time(&self, key: &str) -> Option<ExchangeTime> {
        self.integer(key)
            .filter(|millis| *millis > 0)
            .map(ExchangeTime::from_millis)
    }

    /// The trade, complete or not at all. `t` is -1 on a smart-order-routing allocation
    /// (faqs/sor_faq.md), which has no trade id to be booked under.
    fn trade(&self, time: ExchangeTime) -> Option<Trade> {
        let quantity: Quantity = self.optional("l")?;
        let quote: QuoteAmount = self.optional("Y")?;
        let id = TradeId(self.integer("t")?);
        let complete = id.0 >= 0 && !quantity.is_zero() && quote > QuoteAmount::ZERO;
        complete.then_some(())?;
        Some(Trade {
            id,
            price: self.optional("L")?,
            quantity,
            quote,
            fee: self.fee()?,
            maker: self.0.get("m")?.as_bool()?,
            time,
        })
    }

    /// The fee: `Some(None)` when none was taken, `None` when the report does not say.
    #[expect(
        clippy::option_option,
        reason = "no fee and an unknown fee are different answers, for this one caller only"
    )]
    fn fee(&self) -> Option<Option<Fee>> {
        let amount: Quantity = self.optional("n")?;
        if amount.is_zero() {
            return Some(None);
        }
        let asset: Asset = self.optional("N")?;
        Some(Some(Fee { amount, asset }))
    }
}

fn invalid(field: &'static str, found: &str, problem: &str) -> ReportError {
    ReportError::Invalid {
        field,
        found: quoted(found),
        problem: problem.to_owned(),
    }
}

fn side_of(text: &str) -> Result<Side, ReportError> {
    match text {
        "BUY" => Ok(Side::Buy),
        "SELL" => Ok(Side::Sell),
        other => Err(invalid("S", other, "it must be BUY or SELL")),
    }
}

fn kind_of(text: &str) -> ExecutionKind {
    match text {
        "NEW" => ExecutionKind::New,
        "CANCELED" => ExecutionKind::Canceled,
        "REPLACED" => ExecutionKind::Replaced,
        "REJECTED" => ExecutionKind::Rejected,
        "TRADE" => ExecutionKind::Trade,
        "EXPIRED" => ExecutionKind::Expired,
        "TRADE_PREVENTION" => ExecutionKind::TradePrevention,
        _ => ExecutionKind::Unrecognized,
    }
}

fn status_of(text: &str) -> OrderStatus {
    match text {
        "NEW" => OrderStatus::New,
        "PENDING_NEW" => OrderStatus::PendingNew,
        "PARTIALLY_FILLED" => OrderStatus::PartiallyFilled,
        "FILLED" => OrderStatus::Filled,
        "CANCELED" => OrderStatus::Canceled,
        "REJECTED" => OrderStatus::Rejected,
        "EXPIRED" => OrderStatus::Expired,
        "EXPIRED_IN_MATCH" => OrderStatus::ExpiredInMatch,
        _ => OrderStatus::Unrecognized,
    }
}

/// A frame with a maker's partial fill, its fee in base (the documented example with an id of
/// ours), with some of the event's fields replaced: `"z":"0.2","N":null`. A field replaced by
/// `"-"` is left out.
#[cfg(test)]
pub(super) fn fixture(replaced: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::super::frame::{Event, Frame};
    use super::*;

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

    /// `c` and `C` by kind of report, and whether the report says that an order traded or ended.
    #[test]
    fn the_orders_own_id_and_what_is_told() {
        for (x, status, c, original, id, told) in [
            ("NEW", "NEW", "gk-bot1-7-3", "", "gk-bot1-7-3", false),
            (
                "TRADE",
                "PARTIALLY_FILLED",
                "gk-bot1-7-3",
                "",
                "gk-bot1-7-3",
                true,
            ),
            ("TRADE", "FILLED", "gk-bot1-7-3", "", "gk-bot1-7-3", true),
            (
                "CANCELED",
                "CANCELED",
                "kQ1wZp8Yc0T4",
                "gk-bot1-7-3",
                "gk-bot1-7-3",
                true,
            ),
            (
                "CANCELED",
                "CANCELED",
                "gk-bot1-7-3",
                "",
                "gk-bot1-7-3",
                true,
            ),
            (
                "CANCELED",
                "CANCELED",
                "gk-bot1-7-3",
                "web_9",
                "web_9",
                true,
            ),
            ("EXPIRED", "EXPIRED", "gk-bot1-7-3", "", "gk-bot1-7-3", true),
            (
                "EXPIRED",
                "EXPIRED",
                "gk-bot1-7-3",
                "web_9",
                "gk-bot1-7-3",
                true,
            ),
            (
                "EXPIRED",
                "EXPIRED_IN_MATCH",
                "gk-bot1-7-3",
                "",
                "gk-bot1-7-3",
                true,
            ),
            (
                "TRADE_PREVENTION",
                "EXPIRED_IN_MATCH",
                "gk-bot1-7-3",
                "",
                "gk-bot1-7-3",
                true,
            ),
            (
                "TRADE_PREVENTION",
                "FILLED",
                "gk-bot1-7-3",
                "",
                "gk-bot1-7-3",
                true,
            ),
            (
                "TRADE_PREVENTION",
                "PARTIALLY_FILLED",
                "gk-bot1-7-3",
                "",
                "gk-bot1-7-3",
                false,
            ),
            (
                "REPLACED",
                "PARTIALLY_FILLED",
                "xyz",
                "gk-bot1-7-3",
                "xyz",
                false,
            ),
            (
                "REJECTED",
                "REJECTED",
                "gk-bot1-7-3",
                "",
                "gk-bot1-7-3",
                false,
            ),
            (
                "SOMETHING_NEW",
                "CANCELED",
                "gk-bot1-7-3",
                "",
                "gk-bot1-7-3",
                true,
            ),
            (
                "SOMETHING_NEW",
                "NEW",
                "gk-bot1-7-3",
                "",
                "gk-bot1-7-3",
                false,
            ),
        ] {
            let replaced = format!(
                r#""x":"{x}","X":"{status}","c":"{c}","C":"{original}","l":"0.00000000","L":"0.00000000","t":-1,"Y":"0.00000000""#
            );
            let report = report(&replaced);
            assert_eq!(report.order_client_id(), id, "{replaced}");
            let execution = report.execution(&"main".parse().unwrap());
            assert_eq!(execution.is_some(), told, "{replaced}");
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
}
