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

#[cfg(test)]
pub(super) mod tests;
