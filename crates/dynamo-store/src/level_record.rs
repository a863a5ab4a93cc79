//! Reading a level out of its item, strictly: see [`crate::level_item`] for what is in it.

use std::collections::BTreeMap;

use domain::{
    Asset, BotId, ExchangeOrderId, ExchangeTime, GivenUp, HoldReason, Intent, Lease, Level,
    LevelIndex, LevelOrder, LocalTime, OrderNumber, OrderState, PassedOrder, Quantity,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use trading::StoreError;

use crate::item::Record;
use crate::key::{self, Key};
use crate::level_item::{
    ATTEMPT, CHANGED_AT, DETAIL, EXCHANGE_ORDER_ID, HELD, HELD_MISSING, HELD_VALUE, IDLE,
    LEASE_END, LEASE_START, NUMBER, OPEN, PENDING, QUARANTINED, REFUSED, RETRY_AT, STATE, VERSION,
    WHY,
};

/// Reads a level item. The bot and the index come from its keys.
pub(crate) fn from_record(
    record: &Record,
    bot: &BotId,
    index: LevelIndex,
) -> Result<Level, StoreError> {
    record.check_key(&Key::level(bot, index))?;
    record.check_format()?;
    Ok(Level {
        bot: bot.clone(),
        index,
        buy_price: record.parsed("bp")?,
        sell_price: record.parsed("sp")?,
        quantity: record.parsed("qt")?,
        order: maybe(record, NUMBER)?
            .map(|no| read_order(record, OrderNumber(no)))
            .transpose()?,
        previous: maybe(record, "pn")?
            .map(|no| read_passed(record, OrderNumber(no)))
            .transpose()?,
        given_up: maybe(record, "gn")?
            .map(|no| read_given_up(record, OrderNumber(no)))
            .transpose()?,
        seen_no: maybe(record, "sn")?.map(OrderNumber),
        base: record.parsed("ba")?,
        cost: record.parsed("co")?,
        realized_profit: record.parsed("rp")?,
        round_trips: record.number("rt")?,
        fees: record.decoded::<BTreeMap<Asset, Quantity>>("fe")?,
        version: record.number(VERSION)?,
        changed_at: LocalTime::from_millis(record.number(CHANGED_AT)?),
    })
}

/// Reads the index of a level out of its sort key.
pub(crate) fn index_of(record: &Record) -> Result<LevelIndex, StoreError> {
    record
        .key
        .sort
        .strip_prefix(key::LEVEL)
        .and_then(|digits| digits.parse().ok())
        .map(LevelIndex)
        .ok_or_else(|| record.corrupt("its sort key is not that of a level"))
}

fn read_given_up(record: &Record, no: OrderNumber) -> Result<GivenUp, StoreError> {
    let instant = |name| record.number(name).map(ExchangeTime::from_millis);
    Ok(GivenUp {
        no,
        side: record.decoded("gs")?,
        first_start: instant("gf")?,
        until: instant("gu")?,
    })
}

fn read_passed(record: &Record, no: OrderNumber) -> Result<PassedOrder, StoreError> {
    let instant = |name| record.number(name).map(ExchangeTime::from_millis);
    Ok(PassedOrder {
        no,
        exchange_order_id: maybe(record, "px")?.map(ExchangeOrderId),
        side: record.decoded("ps")?,
        price: record.parsed("pp")?,
        executed: record.parsed("pe")?,
        by_recovery: record.flag("pb")?,
        first_start: record.get("pf").map(|_| instant("pf")).transpose()?,
    })
}

fn read_order(record: &Record, no: OrderNumber) -> Result<LevelOrder, StoreError> {
    Ok(LevelOrder {
        no,
        intent: Intent {
            side: record.decoded("si")?,
            price: record.parsed("pr")?,
            quantity: record.parsed("oq")?,
            kind: record.decoded("ki")?,
            purpose: record.decoded("pu")?,
        },
        state: read_state(record)?,
        sent_since: read_sent(record, LEASE_START)?,
        sent_until: read_sent(record, LEASE_END)?,
        exchange_order_id: maybe(record, EXCHANGE_ORDER_ID)?.map(ExchangeOrderId),
        executed: record.parsed("ex")?,
        executed_quote: record.parsed("eq")?,
        highest_seen: record.parsed("hs")?,
        terminal: record.decoded("te")?,
        owed: record.parsed("ow")?,
        executed_before: record.parsed("eb")?,
        fruitless: record.number("fr")?,
        by_recovery: record.flag("br")?,
    })
}

fn read_state(record: &Record) -> Result<OrderState, StoreError> {
    Ok(match record.text(STATE)? {
        PENDING => OrderState::Pending {
            lease: read_lease(record)?
                .ok_or_else(|| record.corrupt("an order is pending without a lease"))?,
        },
        OPEN => OrderState::Open,
        REFUSED => OrderState::Refused {
            why: record.decoded(WHY)?,
            detail: record.text(DETAIL)?.to_owned(),
            retry_at: LocalTime::from_millis(record.number(RETRY_AT)?),
            lease: read_lease(record)?,
        },
        HELD => OrderState::Held {
            why: read_hold(record)?,
            lease: read_lease(record)?,
        },
        QUARANTINED => OrderState::Quarantined {
            why: record.decoded(WHY)?,
            evidence: record.text(DETAIL)?.to_owned(),
        },
        IDLE => OrderState::Idle,
        other => {
            return Err(record.corrupt(format_args!("its state \"{other}\" is not known")));
        }
    })
}

fn read_lease(record: &Record) -> Result<Option<Lease>, StoreError> {
    let Some(attempt) = maybe(record, ATTEMPT)? else {
        return Ok(None);
    };
    let instant = |name| record.number(name).map(ExchangeTime::from_millis);
    Ok(Some(Lease {
        attempt,
        first_start: instant(LEASE_START)?,
        start: instant("ls")?,
        until: instant(LEASE_END)?,
        unknown: record.flag("lk")?,
    }))
}

/// The beginning or the end of leases that are over, where the state has none.
fn read_sent(record: &Record, name: &str) -> Result<Option<ExchangeTime>, StoreError> {
    match record.text(STATE)? {
        OPEN | QUARANTINED | IDLE if record.get(name).is_some() => {
            Ok(Some(ExchangeTime::from_millis(record.number(name)?)))
        }
        _ => Ok(None),
    }
}

fn read_hold(record: &Record) -> Result<HoldReason, StoreError> {
    let mut fields = serde_json::Map::new();
    fields.insert("reason".to_owned(), record.text(WHY)?.into());
    for (name, field) in [(HELD_VALUE, "value"), (HELD_MISSING, "missing")] {
        if record.get(name).is_some() {
            fields.insert(field.to_owned(), record.text(name)?.into());
        }
    }
    serde_json::from_value(Value::Object(fields))
        .map_err(|error| record.corrupt(format_args!("its reason to hold: {error}")))
}

/// A number that may be null, but not missing.
fn maybe<T>(record: &Record, name: &str) -> Result<Option<T>, StoreError>
where
    T: DeserializeOwned,
{
    record.decoded(name)
}
