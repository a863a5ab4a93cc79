//! What the page shows, row by row: records in the words of the commands, amounts as decimal text, times in
//! milliseconds.

use std::collections::BTreeMap;

use domain::{
    AccountId, Asset, Bot, BotId, DesiredStatus, Level, LevelIndex, LevelOrder, LocalTime,
    ObservedStatus, OrderNumber, OrderState, Price, Purpose, Quantity, Side, Source, Symbol,
};
use serde::Serialize;
use trading::{
    AccountRecord, BookedAs, Breaker, Environment, FillRecord, Heartbeat, OrderSummary, StreamState,
};

use crate::commands::account::{breaker_words, stream_words};
use crate::commands::explain::{Explained, explain_level};
use crate::commands::fills::placed_by;
use crate::commands::seen::Seen;
use crate::commands::story::sent_at;
use crate::ledger::RoundTrip;
use crate::table::amount;
use crate::words::in_short::{asks_in_short, or_better};
use crate::words::state_in_short;

/// What an account's stream is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct StreamRow {
    pub(super) state: &'static str,
    since: Option<LocalTime>,
    pub(super) words: String,
}

/// Whether an account may send orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct OrdersRow {
    stopped: bool,
    words: String,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct AccountRow {
    pub(super) account: AccountId,
    environment: Environment,
    stream: StreamRow,
    orders: OrdersRow,
    pub(super) bots: Vec<BotId>,
}

/// A bridge's last sign of life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct BridgeRow {
    pub(super) bridge: String,
    pub(super) at: LocalTime,
    connections: u32,
    pub(super) accounts: Vec<AccountId>,
    fresh: bool,
}

/// How a bot stands by what it owes, for the line that says so first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum HealthState {
    /// Every order that is owed is at the exchange.
    Well,
    /// Something is owed and not known to be placed.
    Owing,
    /// Something has to be looked at.
    Trouble,
}

/// How a bot stands, in the words of `explain`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct HealthRow {
    pub(super) state: HealthState,
    pub(super) lines: Vec<String>,
}

/// How many levels are in which state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct LevelCounts {
    pub(super) all: usize,
    pub(super) holding: usize,
    pub(super) open: usize,
    pub(super) pending: usize,
    pub(super) refused: usize,
    pub(super) held: usize,
    pub(super) quarantined: usize,
    pub(super) idle: usize,
    pub(super) none: usize,
}

/// A bot in the overview.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct BotRow {
    pub(super) bot: BotId,
    pub(super) account: AccountId,
    pub(super) environment: Option<Environment>,
    pub(super) symbol: Symbol,
    pub(super) base: Asset,
    pub(super) quote: Asset,
    pub(super) observed: ObservedStatus,
    pub(super) desired: DesiredStatus,
    pub(super) status: String,
    pub(super) removed: bool,
    pub(super) actions: Vec<&'static str>,
    pub(super) realized: String,
    pub(super) floating: Option<String>,
    pub(super) price: Option<Price>,
    pub(super) held: String,
    pub(super) cost: String,
    pub(super) fees: BTreeMap<Asset, Quantity>,
    pub(super) round_trips: u64,
    pub(super) fills_today: Option<u64>,
    pub(super) levels: LevelCounts,
    pub(super) owed: u32,
    pub(super) health: HealthRow,
    pub(super) stream: StreamRow,
    pub(super) orders: OrdersRow,
    pub(super) recovered_at: Option<LocalTime>,
    pub(super) seen: String,
    pub(super) heartbeat_at: Option<LocalTime>,
    pub(super) stale: bool,
    pub(super) changed_at: LocalTime,
}

/// The order of a level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct OrderRow {
    no: OrderNumber,
    client_order_id: String,
    exchange_order_id: Option<String>,
    side: Side,
    price: Price,
    or_better: &'static str,
    quantity: Quantity,
    executed: Quantity,
    executed_quote: String,
    purpose: Purpose,
    placed_by: &'static str,
    sent_at: Option<LocalTime>,
    retry_at: Option<LocalTime>,
    attempt: Option<u32>,
}

/// A level in the ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct LevelRow {
    pub(super) level: LevelIndex,
    pub(super) buy: Price,
    pub(super) sell: Price,
    quantity: Quantity,
    held: String,
    cost: String,
    realized: String,
    pub(super) round_trips: u32,
    fees: BTreeMap<Asset, Quantity>,
    state: &'static str,
    owed: bool,
    order: Option<OrderRow>,
    asks: String,
    words: String,
    why: String,
    next: String,
    remedy: Option<String>,
    version: u64,
    changed_at: LocalTime,
}

/// A fill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct FillRow {
    pub(super) id: String,
    pub(super) at: i64,
    level: LevelIndex,
    no: OrderNumber,
    side: Side,
    price: Price,
    quantity: Quantity,
    quote: String,
    fee: Option<Quantity>,
    fee_asset: Option<Asset>,
    maker: bool,
    trade: String,
    order: String,
    source: Source,
    booked_as: BookedAs,
    by_recovery: bool,
    received_at: LocalTime,
    committed_at: LocalTime,
    caused: Option<OrderNumber>,
    caused_order: Option<OrderSummary>,
}

/// A round trip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct TripRow {
    pub(super) id: String,
    level: LevelIndex,
    opened_at: Option<i64>,
    pub(super) closed_at: i64,
    bought: Quantity,
    bought_for: String,
    sold: Quantity,
    sold_for: String,
    fees: BTreeMap<Asset, Quantity>,
    profit: String,
}

/// A price and where it is known from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct PriceRow {
    pub(super) price: Price,
    pub(super) bid: Option<Price>,
    pub(super) ask: Option<Price>,
    pub(super) at: i64,
    pub(super) from: &'static str,
}

/// A price of some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct PricePoint {
    pub(super) at: i64,
    pub(super) price: Price,
}

/// Realized profit up to a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct ProfitPoint {
    pub(super) at: i64,
    pub(super) realized: String,
}

impl StreamRow {
    pub(super) fn of(account: Option<&AccountRecord>) -> Self {
        let Some(account) = account else {
            return Self {
                state: "never",
                since: None,
                words: "the account has no record".to_owned(),
            };
        };
        let (state, since) = match &account.stream {
            StreamState::Never => ("never", None),
            StreamState::Subscribed { since, .. } => ("subscribed", Some(*since)),
            StreamState::Down { since, .. } => ("down", Some(*since)),
        };
        Self {
            state,
            since,
            words: stream_words(&account.stream, account.stream_wanted_since),
        }
    }
}

impl OrdersRow {
    pub(super) fn of(account: Option<&AccountRecord>) -> Self {
        let breaker = account.map_or(&Breaker::Closed, |account| &account.breaker);
        Self {
            stopped: *breaker != Breaker::Closed,
            words: breaker_words(breaker),
        }
    }

    pub(super) const fn is_stopped(&self) -> bool {
        self.stopped
    }
}

impl AccountRow {
    pub(super) fn of(account: &AccountRecord, bots: Vec<BotId>) -> Self {
        Self {
            account: account.id.clone(),
            environment: account.environment,
            stream: StreamRow::of(Some(account)),
            orders: OrdersRow::of(Some(account)),
            bots,
        }
    }

    pub(super) fn is_subscribed(&self) -> bool {
        self.stream.state == "subscribed"
    }

    pub(super) const fn is_stopped(&self) -> bool {
        self.orders.stopped
    }
}

impl BridgeRow {
    pub(super) fn of(heartbeat: &Heartbeat, now: LocalTime) -> Self {
        Self {
            bridge: heartbeat.bridge.clone(),
            at: heartbeat.at,
            connections: heartbeat.connections,
            accounts: heartbeat.accounts.clone(),
            fresh: heartbeat.is_fresh(now),
        }
    }
}

impl LevelCounts {
    pub(super) fn of(levels: &[Level]) -> Self {
        let mut counts = Self {
            all: levels.len(),
            ..Self::default()
        };
        for level in levels {
            counts.holding += usize::from(!level.base.held().is_zero());
            let count = match level.order.as_ref().map(|order| &order.state) {
                None => &mut counts.none,
                Some(OrderState::Open) => &mut counts.open,
                Some(OrderState::Pending { .. }) => &mut counts.pending,
                Some(OrderState::Refused { .. }) => &mut counts.refused,
                Some(OrderState::Held { .. }) => &mut counts.held,
                Some(OrderState::Quarantined { .. }) => &mut counts.quarantined,
                Some(OrderState::Idle) => &mut counts.idle,
            };
            *count += 1;
        }
        counts
    }
}

/// The word for an order's state.
pub(super) const fn state_word(state: &OrderState) -> &'static str {
    match state {
        OrderState::Open => "open",
        OrderState::Pending { .. } => "pending",
        OrderState::Refused { .. } => "refused",
        OrderState::Held { .. } => "held",
        OrderState::Quarantined { .. } => "quarantined",
        OrderState::Idle => "idle",
    }
}

impl OrderRow {
    fn of(level: &Level, order: &LevelOrder) -> Self {
        let intent = &order.intent;
        let (retry_at, attempt) = match &order.state {
            OrderState::Refused { retry_at, .. } => (Some(*retry_at), None),
            OrderState::Pending { lease } => (None, Some(lease.attempt)),
            OrderState::Open
            | OrderState::Held { .. }
            | OrderState::Quarantined { .. }
            | OrderState::Idle => (None, None),
        };
        Self {
            no: order.no,
            client_order_id: level.client_order_id(order.no).to_string(),
            exchange_order_id: order.exchange_order_id.map(|id| id.to_string()),
            side: intent.side,
            price: intent.price,
            or_better: or_better(intent),
            quantity: intent.quantity,
            executed: order.executed,
            executed_quote: amount(order.executed_quote.decimal()),
            purpose: intent.purpose,
            placed_by: placed_by(order.no, order.by_recovery),
            sent_at: sent_at(order),
            retry_at,
            attempt,
        }
    }
}

impl LevelRow {
    pub(super) fn of(bot: &Bot, level: &Level, now: LocalTime, seen: &Seen) -> Self {
        let Explained {
            why,
            next,
            remedy,
            owed_not_placed,
            possibly_placed,
            ..
        } = explain_level(bot, level, now, seen);
        let order = level.order.as_ref();
        Self {
            level: level.index,
            buy: level.buy_price,
            sell: level.sell_price,
            quantity: level.quantity,
            held: level.base.to_string(),
            cost: amount(level.cost.decimal()),
            realized: amount(level.realized_profit.decimal()),
            round_trips: level.round_trips,
            fees: level.fees.clone(),
            state: order.map_or("none", |order| state_word(&order.state)),
            owed: owed_not_placed || possibly_placed,
            order: order.map(|order| OrderRow::of(level, order)),
            asks: order.map_or_else(String::new, |order| asks_in_short(&order.intent)),
            words: order.map_or_else(|| "nothing owed yet".to_owned(), state_in_short),
            why,
            next,
            remedy,
            version: level.version,
            changed_at: level.changed_at,
        }
    }
}

impl LevelRow {
    /// Whether a price lies between its lines.
    pub(super) fn is_around(&self, price: Price) -> bool {
        self.buy <= price && price < self.sell
    }

    /// The side of its order.
    pub(super) fn side(&self) -> Option<Side> {
        self.order.as_ref().map(|order| order.side)
    }

    /// Its order and how that stands, in short.
    pub(super) fn in_short(&self) -> String {
        match &self.order {
            Some(order) => format!("{} {} {}", order.side, order.quantity, self.words),
            None => self.words.clone(),
        }
    }
}

/// What names a fill on the page.
pub(super) fn fill_id(fill: &FillRecord) -> String {
    format!("{}-{}-{}", fill.level, fill.no, fill.trade.id)
}

impl FillRow {
    pub(super) fn of(fill: &FillRecord) -> Self {
        let fee = fill.trade.fee.as_ref();
        Self {
            id: fill_id(fill),
            at: fill.trade.time.as_millis(),
            level: fill.level,
            no: fill.no,
            side: fill.side,
            price: fill.trade.price,
            quantity: fill.trade.quantity,
            quote: amount(fill.trade.quote.decimal()),
            fee: fee.map(|fee| fee.amount),
            fee_asset: fee.map(|fee| fee.asset.clone()),
            maker: fill.trade.maker,
            trade: fill.trade.id.to_string(),
            order: fill.exchange_order_id.to_string(),
            source: fill.source,
            booked_as: fill.booked_as,
            by_recovery: fill.by_recovery,
            received_at: fill.received_at,
            committed_at: fill.committed_at,
            caused: fill.caused,
            caused_order: fill.caused_order,
        }
    }
}

impl From<&RoundTrip> for TripRow {
    fn from(trip: &RoundTrip) -> Self {
        Self {
            id: format!("{}-{}", trip.level, trip.no),
            level: trip.level,
            opened_at: trip.opened_at.map(|at| at.as_millis()),
            closed_at: trip.closed_at.as_millis(),
            bought: trip.bought,
            bought_for: amount(trip.bought_for.decimal()),
            sold: trip.sold,
            sold_for: amount(trip.sold_for.decimal()),
            fees: trip.fees.clone(),
            profit: amount(trip.profit.decimal()),
        }
    }
}
