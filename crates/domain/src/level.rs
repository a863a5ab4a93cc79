//! The level: one buy price, one sell price, at most one order, and what it holds.
//!
//! A level is the unit of ordering, locking and accounting. Its record changes only as a whole:
//! by a committed fill, by the claim of an intent, or by settling what became of a placement.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    Asset, BaseAmount, BotId, ClientOrderId, ExchangeOrderId, ExchangeTime, Intent, LevelIndex,
    LocalTime, OrderNumber, OrderStatus, Price, Quantity, QuoteAmount, Side,
};

/// The hold of one placement attempt on an intent.
///
/// While it lasts, nobody else sends the intent. `start` is also the request's `timestamp`, so the
/// exchange refuses the request once `recvWindow` has passed after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Which attempt at this order number, from 1.
    pub attempt: u32,
    /// The earliest start of any attempt: an order created before it is not this intent's.
    pub first_start: ExchangeTime,
    /// When this attempt began, and the timestamp it signs with.
    pub start: ExchangeTime,
    /// Until when nobody else may touch the intent.
    pub until: ExchangeTime,
    /// Whether the fate of any attempt at this number was, or still is, unknown.
    pub unknown: bool,
}

/// Why an order was definitely not placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// The account lacks the funds.
    InsufficientBalance,
    /// A post-only order would have traded at once.
    WouldTake,
    /// The symbol does not trade now.
    MarketClosed,
    /// A symbol filter was broken; the rules may have changed.
    Filter,
    /// A rate or order-count limit of the exchange, or of our own pacing.
    RateLimited,
    /// The exchange is overloaded and said it did nothing.
    Overloaded,
    /// The key, its permissions, the address or the region is refused.
    AccountStopped,
    /// The request itself was malformed or not allowed.
    BadRequest,
    /// The request reached the exchange outside its time window, every time it was tried.
    WindowExpired,
    /// An earlier order of this chain was expired by the exchange; it is tried again after a pause.
    Backoff,
}

/// Why an owed order is on purpose not placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum HoldReason {
    /// The bot is paused.
    Paused,
    /// The bot is stopping or stopped.
    Stopped,
    /// The price lies outside the exchange's allowed band around the market.
    OutsideBand,
    /// The symbol allows no more open orders on this account.
    TooManyOrders,
    /// The account is stopped: key, permission, address, region or ban.
    AccountStopped,
    /// The symbol is halted, cancel-only or delisted.
    MarketClosed,
    /// The quantity is below the symbol's minimum.
    BelowMinimum {
        /// What the order would be worth, in quote.
        value: QuoteAmount,
        /// What is missing to the minimum, in quote.
        missing: QuoteAmount,
    },
    /// The amounts cannot be calculated exactly; the operator has to look.
    Unsizable,
}

/// Why our records and the exchange disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuarantineReason {
    /// A report carries a number this level has not given out yet.
    NumberAhead,
    /// An order under our id differs in symbol, side, price, quantity or time.
    ForeignOrder,
    /// The exchange's trades do not add up with those recorded.
    TradesDisagree,
    /// An order known to the level can no longer be found at the exchange.
    OrderVanished,
    /// The operator has released the level: what the exchange shows counts from now on.
    Released,
}

/// What is known of the level's current order number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum OrderState {
    /// Owed, not known accepted.
    Pending {
        /// The attempt that holds it.
        lease: Lease,
    },
    /// Accepted by the exchange.
    Open,
    /// Definitely not placed; tried again from `retry_at`.
    Refused {
        /// Why.
        why: RefusalReason,
        /// The exchange's own words.
        detail: String,
        /// When it is tried again, by this machine's clock.
        retry_at: LocalTime,
        /// The last attempt, if one was made under this number.
        lease: Option<Lease>,
    },
    /// Owed, on purpose not placed.
    Held {
        /// Why.
        why: HoldReason,
        /// The last attempt, if one was made under this number.
        lease: Option<Lease>,
    },
    /// Our records and the exchange disagree; nothing is sent until that is resolved.
    Quarantined {
        /// Why.
        why: QuarantineReason,
        /// What was seen.
        evidence: String,
    },
    /// Ended, and nothing follows: the bot is stopped.
    Idle,
}

/// The order a level owes or has at the exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelOrder {
    /// Its number within the level.
    pub no: OrderNumber,
    /// What is owed.
    pub intent: Intent,
    /// What is known of it; changed by [`LevelOrder::enter`].
    pub state: OrderState,
    /// Where the state has no lease: when the first attempt at this number began. `None` if none was made,
    /// or in a record older than this field.
    pub sent_since: Option<ExchangeTime>,
    /// Where the state has no lease: when the last one ended that it was sent under.
    pub sent_until: Option<ExchangeTime>,
    /// The exchange's id, once any report or reply named it.
    pub exchange_order_id: Option<ExchangeOrderId>,
    /// Base quantity booked so far: always a prefix of the exchange's cumulative quantity.
    pub executed: Quantity,
    /// Quote amount booked so far.
    pub executed_quote: QuoteAmount,
    /// The highest cumulative quantity any report showed.
    pub highest_seen: Quantity,
    /// The terminal status, once any report showed one.
    pub terminal: Option<OrderStatus>,
    /// What this order and the ended ones it replaces were to execute together.
    pub owed: Quantity,
    /// What the ended orders that this one replaces had executed.
    pub executed_before: Quantity,
    /// How often in a row orders of this chain ended without executing anything.
    pub fruitless: u32,
    /// Whether recovery placed it. A level's first order is nobody's answer to something missed: it
    /// does not count.
    pub by_recovery: bool,
}

impl LevelOrder {
    /// Whether nothing more will come from the exchange for this order and all of it is booked.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.terminal.is_some() && self.executed == self.highest_seen
    }

    /// Puts the order into another state. When its first attempt began and its last lease ends stays known.
    pub fn enter(&mut self, state: OrderState) {
        (self.sent_since, self.sent_until) = match &state {
            OrderState::Open | OrderState::Quarantined { .. } | OrderState::Idle => {
                (self.first_start(), self.shown_by())
            }
            OrderState::Pending { .. } | OrderState::Refused { .. } | OrderState::Held { .. } => {
                (None, None)
            }
        };
        self.state = state;
    }

    /// When the first attempt at this number began, by the exchange's clock: an order created before is
    /// not this one. `None` if none was ever made, or nobody knows.
    #[must_use]
    pub fn first_start(&self) -> Option<ExchangeTime> {
        let lease = self.last_lease().map(|lease| lease.first_start);
        lease.or(self.sent_since)
    }

    /// When, by the exchange's clock, a look-up shows the order if there is one: a lease lasts longer than
    /// its request may take to act and what it did to show. `None` if none was ever sent, or nobody
    /// knows.
    #[must_use]
    pub fn shown_by(&self) -> Option<ExchangeTime> {
        let lease = self.last_lease().map(|lease| lease.until);
        lease.or(self.sent_until)
    }

    /// Whether the exchange may have this order live now or soon.
    #[must_use]
    pub const fn may_be_live(&self) -> bool {
        match self.state {
            OrderState::Pending { .. } | OrderState::Open | OrderState::Quarantined { .. } => true,
            OrderState::Refused { .. } | OrderState::Held { .. } | OrderState::Idle => false,
        }
    }

    /// What to look for if this order is passed or laid to rest now: nobody knows whether the exchange
    /// has accepted it, and it was given up.
    #[must_use]
    pub fn given_up(&self) -> Option<GivenUp> {
        let lease = self.last_lease().filter(|lease| lease.unknown)?;
        self.exchange_order_id.is_none().then_some(GivenUp {
            no: self.no,
            side: self.intent.side,
            first_start: lease.first_start,
            until: lease.until,
        })
    }

    /// The last attempt made under this number, whatever became of it.
    #[must_use]
    pub const fn last_lease(&self) -> Option<&Lease> {
        match &self.state {
            OrderState::Pending { lease } => Some(lease),
            OrderState::Refused { lease, .. } | OrderState::Held { lease, .. } => lease.as_ref(),
            OrderState::Open | OrderState::Quarantined { .. } | OrderState::Idle => None,
        }
    }
}

/// The order before the current one, kept so that its repeated reports cost nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOrder {
    /// Its number.
    pub no: OrderNumber,
    /// The exchange's id, if it ever had one.
    pub exchange_order_id: Option<ExchangeOrderId>,
    /// Its side.
    pub side: Side,
    /// Its limit price, which need not be one of the level's lines.
    pub price: Price,
    /// What it executed in all.
    pub executed: Quantity,
    /// Whether recovery placed it.
    pub by_recovery: bool,
    /// When the first attempt at it began, as long as the exchange's id is not known.
    pub first_start: Option<ExchangeTime>,
}

/// An order number given up while nobody knew whether its order had been accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenUp {
    /// The number.
    pub no: OrderNumber,
    /// The side of its order.
    pub side: Side,
    /// The earliest start of any attempt: its order cannot be older.
    pub first_start: ExchangeTime,
    /// When the lease of its last attempt ended.
    pub until: ExchangeTime,
}

/// One buy price and one sell price of a bot, and what they hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// The bot it belongs to.
    pub bot: BotId,
    /// Its position, 0 at the lowest prices.
    pub index: LevelIndex,
    /// Where it buys.
    pub buy_price: Price,
    /// Where it sells.
    pub sell_price: Price,
    /// The base quantity it buys each time.
    pub quantity: Quantity,
    /// Its current order; `None` before the first.
    pub order: Option<LevelOrder>,
    /// The order before that.
    pub previous: Option<PassedOrder>,
    /// The last number that was given up while its order's fate was unknown, and passed or laid to rest.
    pub given_up: Option<GivenUp>,
    /// The highest number that the exchange has shown and this level had not given out: it is never
    /// given out either.
    pub seen_no: Option<OrderNumber>,
    /// Base held, fees in base already taken off.
    pub base: BaseAmount,
    /// What the base held has cost in quote, fees in quote included.
    pub cost: QuoteAmount,
    /// Quote earned by sales over the cost of what was sold.
    pub realized_profit: QuoteAmount,
    /// Completed buy-and-sell pairs.
    pub round_trips: u32,
    /// Fees paid, by asset.
    pub fees: BTreeMap<Asset, Quantity>,
    /// Grows by one with each change of the record.
    pub version: u64,
    /// When the record last changed.
    pub changed_at: LocalTime,
}

impl Level {
    /// A level that has not owed anything yet.
    #[must_use]
    pub fn new(bot: BotId, index: LevelIndex, rung: &Rung, now: LocalTime) -> Self {
        Self {
            bot,
            index,
            buy_price: rung.buy_price,
            sell_price: rung.sell_price,
            quantity: rung.quantity,
            order: None,
            previous: None,
            given_up: None,
            seen_no: None,
            base: BaseAmount::ZERO,
            cost: QuoteAmount::ZERO,
            realized_profit: QuoteAmount::ZERO,
            round_trips: 0,
            fees: BTreeMap::new(),
            version: 0,
            changed_at: now,
        }
    }

    /// The number its next intent will carry: above all it has given out, and all it has seen.
    #[must_use]
    pub fn next_no(&self) -> OrderNumber {
        let given_out = self.order.as_ref().map(|order| order.no);
        given_out
            .max(self.seen_no)
            .map_or(OrderNumber::FIRST, OrderNumber::next)
    }

    /// The last number given up while its order's fate was unknown: the current one first.
    #[must_use]
    pub fn last_given_up(&self) -> Option<GivenUp> {
        let current = self.order.as_ref().and_then(LevelOrder::given_up);
        current.or(self.given_up)
    }

    /// The number seen at the exchange that is still ahead of what this level has given out.
    #[must_use]
    pub fn number_ahead(&self) -> Option<OrderNumber> {
        let given_out = self.order.as_ref().map(|order| order.no);
        self.seen_no.filter(|seen| Some(*seen) > given_out)
    }

    /// The client order id of one of its numbers.
    #[must_use]
    pub fn client_order_id(&self, no: OrderNumber) -> ClientOrderId {
        ClientOrderId {
            bot: self.bot.clone(),
            level: self.index,
            no,
        }
    }

    /// Whether an order that the exchange shows under the id it gave this level's current one can be
    /// that one. An exchange that is reset gives its ids anew (Binance's test network is, about once a
    /// month). Amending an order by hand may change its client id, but neither side nor price, and never
    /// gives it the id of another order of ours.
    #[must_use]
    pub fn may_own(&self, side: Side, price: Option<Price>, client_order_id: &str) -> bool {
        let Some(order) = &self.order else {
            return false;
        };
        let own = self.client_order_id(order.no);
        let is_anothers =
            |id: Result<ClientOrderId, _>| id.is_ok_and(|id: ClientOrderId| id != own);
        side == order.intent.side
            && price == Some(order.intent.price)
            && !is_anothers(client_order_id.parse())
    }

    /// The grid price of a side.
    #[must_use]
    pub const fn price(&self, side: Side) -> Price {
        match side {
            Side::Buy => self.buy_price,
            Side::Sell => self.sell_price,
        }
    }
}

/// The prices and the quantity of one level as planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// Where the level buys.
    pub buy_price: Price,
    /// Where the level sells.
    pub sell_price: Price,
    /// The base quantity it buys each time.
    pub quantity: Quantity,
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InsufficientBalance => "the account's balance is too small",
            Self::WouldTake => "a post-only order would have traded at once",
            Self::MarketClosed => "the symbol does not trade now",
            Self::Filter => "a rule of the symbol was broken",
            Self::RateLimited => "a rate limit was reached",
            Self::Overloaded => "the exchange is overloaded",
            Self::AccountStopped => "the account's key, address or region was refused",
            Self::BadRequest => "the exchange refused the request itself",
            Self::WindowExpired => "the request arrived too late, every time",
            Self::Backoff => "the exchange ended the order before this one",
        })
    }
}

impl fmt::Display for HoldReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Paused => "the bot is paused",
            Self::Stopped => "the bot is stopped",
            Self::OutsideBand => "too far from the market",
            Self::TooManyOrders => "too many open orders",
            Self::AccountStopped => "the account is stopped",
            Self::MarketClosed => "the symbol does not trade",
            Self::BelowMinimum { missing, .. } => {
                return write!(f, "{missing} below the minimum value");
            }
            Self::Unsizable => "its amount cannot be calculated",
        })
    }
}
