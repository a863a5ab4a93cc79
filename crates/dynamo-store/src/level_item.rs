//! A level as one item of at most 1 KB, the unit DynamoDB bills a write by.
//!
//! Names are short for that reason; [`crate::DynamoStore::dump`] shows levels with their long ones:
//!
//! | attributes | meaning |
//! |---|---|
//! | `v` `ca` `w` | version, changed at, mark of the last write |
//! | `bp` `sp` `qt` | buy price, sell price, quantity |
//! | `ba` `co` `rp` `rt` `fe` | base held, its cost, realized profit, round trips, fees by asset |
//! | `no` `si` `pr` `oq` `ki` `pu` | the order: number, side, price, quantity, kind, purpose |
//! | `xi` `ex` `eq` `hs` `te` | exchange's id, executed base and quote, highest seen, terminal status |
//! | `ow` `eb` `fr` `br` | owed by the chain, executed before, fruitless, by recovery |
//! | `st` | state of the order: pending, open, refused, held, quarantined or idle |
//! | `la` `lf` `ls` `lu` `lk` | the lease: attempt, first start, start, until, fate unknown; `lu` stays when it is over |
//! | `wy` `dt` `ra` `hv` `hm` | reason, detail or evidence, retry at, held value and what is missing |
//! | `gn` `gs` `gf` `gu` | the number given up: number, side, first start, end of the last lease |
//! | `sn` | the highest number seen at the exchange and never given out |
//! | `pn` `px` `ps` `pp` `pe` `pb` | the passed order: number, exchange's id, side, price, executed, by recovery |
//!
//! The parts of the state are attributes of their own, so that settling a placement changes them
//! without reading the item. `no`, `xi`, `te`, `gn`, `sn`, `pn`, `px` are null when there is none: an attribute
//! that is missing altogether is damage.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{HoldReason, Lease, Level, LevelOrder, OrderState};
use serde::Serialize;
use trading::StoreError;

use crate::item::{Attributes, cut, keyed, number, text};
use crate::key::Key;
use crate::mark::Mark;

/// The longest detail of a refusal kept in a level, in bytes; the story of events has the rest.
pub const DETAIL_BYTES: usize = 60;

/// The longest evidence of a quarantine kept in a level, in bytes: it has no lease beside it.
pub(crate) const EVIDENCE_BYTES: usize = 96;

pub(crate) const VERSION: &str = "v";
pub(crate) const CHANGED_AT: &str = "ca";
pub(crate) const MARK: &str = "w";
pub(crate) const NUMBER: &str = "no";
pub(crate) const STATE: &str = "st";
pub(crate) const EXCHANGE_ORDER_ID: &str = "xi";
pub(crate) const ATTEMPT: &str = "la";
/// What is left of leases once they are over.
pub(crate) const LEASE_START: &str = "lf";
pub(crate) const LEASE_END: &str = "lu";
/// What is not.
pub(crate) const LEASE: [&str; 3] = [ATTEMPT, "ls", "lk"];
pub(crate) const WHY: &str = "wy";
pub(crate) const DETAIL: &str = "dt";
pub(crate) const RETRY_AT: &str = "ra";
pub(crate) const HELD_VALUE: &str = "hv";
pub(crate) const HELD_MISSING: &str = "hm";

pub(crate) const PENDING: &str = "pending";
pub(crate) const OPEN: &str = "open";
pub(crate) const REFUSED: &str = "refused";
pub(crate) const HELD: &str = "held";
pub(crate) const QUARANTINED: &str = "quarantined";
pub(crate) const IDLE: &str = "idle";

/// A level as an item, bearing the mark of the write that puts it there.
pub(crate) fn to_item(level: &Level, mark: &Mark) -> Result<Attributes, StoreError> {
    let key = Key::level(&level.bot, level.index);
    let mut item = Attributes::new();
    let mut set = |name: &str, value| item.insert(name.to_owned(), value);
    set(VERSION, number(level.version));
    set(CHANGED_AT, number(level.changed_at));
    set(MARK, text(mark.as_str()));
    set("bp", text(level.buy_price.to_string()));
    set("sp", text(level.sell_price.to_string()));
    set("qt", text(level.quantity.to_string()));
    set("ba", text(level.base.to_string()));
    set("co", text(level.cost.to_string()));
    set("rp", text(level.realized_profit.to_string()));
    set("rt", number(level.round_trips));
    let fees = level.fees.iter();
    let fees = fees.map(|(asset, paid)| (asset.to_string(), text(paid.to_string())));
    set("fe", AttributeValue::M(fees.collect()));
    set("sn", optional(level.seen_no));
    let given_up = level.given_up.as_ref();
    set("gn", optional(given_up.map(|given_up| given_up.no)));
    if let Some(given_up) = given_up {
        set("gs", text(word(&given_up.side)?));
        set("gf", number(given_up.first_start));
        set("gu", number(given_up.until));
    }
    let passed = level.previous.as_ref();
    set("pn", optional(passed.map(|passed| passed.no)));
    if let Some(passed) = passed {
        set("px", optional(passed.exchange_order_id));
        set("ps", text(word(&passed.side)?));
        set("pp", text(passed.price.to_string()));
        set("pe", text(passed.executed.to_string()));
        set("pb", AttributeValue::Bool(passed.by_recovery));
        if let Some(start) = passed.first_start {
            set("pf", number(start));
        }
    }
    set(NUMBER, optional(level.order.as_ref().map(|order| order.no)));
    if let Some(order) = &level.order {
        item.extend(order_attributes(order)?);
    }
    Ok(keyed(&key, item))
}

fn order_attributes(order: &LevelOrder) -> Result<Attributes, StoreError> {
    let intent = &order.intent;
    let terminal = order.terminal.as_ref().map(word).transpose()?;
    let mut attributes = state_attributes(&order.state)?;
    attributes.extend(
        [
            ("si", text(word(&intent.side)?)),
            ("pr", text(intent.price.to_string())),
            ("oq", text(intent.quantity.to_string())),
            ("ki", text(word(&intent.kind)?)),
            ("pu", text(word(&intent.purpose)?)),
            (EXCHANGE_ORDER_ID, optional(order.exchange_order_id)),
            ("ex", text(order.executed.to_string())),
            ("eq", text(order.executed_quote.to_string())),
            ("hs", text(order.highest_seen.to_string())),
            ("te", terminal.map_or(AttributeValue::Null(true), text)),
            ("ow", text(order.owed.to_string())),
            ("eb", text(order.executed_before.to_string())),
            ("fr", number(order.fruitless)),
            ("br", AttributeValue::Bool(order.by_recovery)),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    if !has_lease(&order.state) {
        for (name, at) in [
            (LEASE_START, order.sent_since),
            (LEASE_END, order.sent_until),
        ] {
            if let Some(at) = at {
                attributes.insert(name.to_owned(), number(at));
            }
        }
    }
    Ok(attributes)
}

/// Whether a lease belongs to the state, be there one or not.
const fn has_lease(state: &OrderState) -> bool {
    match state {
        OrderState::Pending { .. } | OrderState::Refused { .. } | OrderState::Held { .. } => true,
        OrderState::Open | OrderState::Quarantined { .. } | OrderState::Idle => false,
    }
}

fn state_attributes(state: &OrderState) -> Result<Attributes, StoreError> {
    let mut attributes = Attributes::new();
    let mut set = |name: &str, value| attributes.insert(name.to_owned(), value);
    let (name, lease) = match state {
        OrderState::Pending { lease } => (PENDING, Some(Some(lease))),
        OrderState::Open => (OPEN, None),
        OrderState::Refused {
            why,
            detail,
            retry_at,
            lease,
        } => {
            set(WHY, text(word(why)?));
            set(DETAIL, text(cut(detail, DETAIL_BYTES)));
            set(RETRY_AT, number(retry_at));
            (REFUSED, Some(lease.as_ref()))
        }
        OrderState::Held { why, lease } => {
            for (name, value) in hold_attributes(why)? {
                set(name, value);
            }
            (HELD, Some(lease.as_ref()))
        }
        OrderState::Quarantined { why, evidence } => {
            set(WHY, text(word(why)?));
            set(DETAIL, text(cut(evidence, EVIDENCE_BYTES)));
            (QUARANTINED, None)
        }
        OrderState::Idle => (IDLE, None),
    };
    set(STATE, text(name));
    match lease {
        Some(Some(lease)) => {
            attributes
                .extend(lease_attributes(lease).map(|(name, value)| (name.to_owned(), value)));
        }
        Some(None) => {
            attributes.insert(ATTEMPT.to_owned(), AttributeValue::Null(true));
        }
        None => {}
    }
    Ok(attributes)
}

/// The attributes of a lease.
pub(crate) fn lease_attributes(lease: &Lease) -> [(&'static str, AttributeValue); 5] {
    [
        (ATTEMPT, number(lease.attempt)),
        (LEASE_START, number(lease.first_start)),
        ("ls", number(lease.start)),
        (LEASE_END, number(lease.until)),
        ("lk", AttributeValue::Bool(lease.unknown)),
    ]
}

/// The attributes of a reason to hold an order.
pub(crate) fn hold_attributes(
    why: &HoldReason,
) -> Result<Vec<(&'static str, AttributeValue)>, StoreError> {
    let fields = serde_json::to_value(why).map_err(unspeakable)?;
    Ok([
        (WHY, "reason"),
        (HELD_VALUE, "value"),
        (HELD_MISSING, "missing"),
    ]
    .into_iter()
    .filter_map(|(name, field)| Some((name, text(fields.get(field)?.as_str()?))))
    .collect())
}

/// The word by which a plain enumeration is written.
pub(crate) fn word<T: Serialize>(value: &T) -> Result<String, StoreError> {
    let value = serde_json::to_value(value).map_err(unspeakable)?;
    let word = value.as_str().map(str::to_owned);
    word.ok_or_else(|| unspeakable("it is no plain word"))
}

fn unspeakable(error: impl std::fmt::Display) -> StoreError {
    crate::error::unwritable("a level", &error)
}

fn optional<T: ToString>(value: Option<T>) -> AttributeValue {
    value.map_or(AttributeValue::Null(true), number)
}
