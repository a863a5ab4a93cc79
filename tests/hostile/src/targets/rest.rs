//! Replies about accounts and symbols, refusals, headers, and the address they come from.

use std::time::Duration;

use binance::{Meaning, ReplyHead, classify, readers};
use domain::{ExchangeTime, Symbol};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use rust_decimal::Decimal;
use trading::PlaceOutcome;

use super::{few, refused, text};
use crate::examine::Seen;

fn symbol() -> Symbol {
    "XRPETH".parse().unwrap()
}

/// `GET /api/v3/account`: an asset is there with something of it, or not at all.
pub(super) fn balances(input: &[u8]) -> Seen {
    readers::balances(input).map_or_else(refused, |balances| {
        for (asset, balance) in &balances {
            let empty = balance.free.is_zero() && balance.locked.is_zero();
            assert!(!empty, "nothing of {asset}");
        }
        Seen::Accepted(few(balances.len()).to_owned())
    })
}

/// `GET /api/v3/account/commission`: rates from 0 up to, but not including, 1.
pub(super) fn commission(input: &[u8]) -> Seen {
    readers::commission(input).map_or_else(refused, |rates| {
        for rate in [rates.maker, rates.taker] {
            assert!(
                (Decimal::ZERO..Decimal::ONE).contains(&rate.decimal()),
                "{rate}"
            );
            assert!(rate.rest() > Decimal::ZERO, "{rate}");
        }
        Seen::Accepted(format!("{}", rates.maker > rates.taker))
    })
}

/// `GET /sapi/v1/account/apiRestrictions`.
pub(super) fn permissions(input: &[u8]) -> Seen {
    readers::permissions(input).map_or_else(refused, |may| {
        assert!(may.trading_expires_at.is_none_or(|end| end.as_millis() > 0));
        Seen::Accepted(format!("{may:?}"))
    })
}

/// `GET /api/v3/exchangeInfo`.
pub(super) fn rules(input: &[u8]) -> Seen {
    let told = match readers::exchange_info(input, &symbol()) {
        Ok(told) => told,
        Err(error) => return refused(error),
    };
    assert_ne!(told.weight_per_minute, Some(0));
    for (interval, limit) in &told.order_limits {
        assert!(!interval.is_zero() && *limit > 0, "{interval:?} {limit}");
    }
    let rules = match told.rules {
        Ok(rules) => rules,
        Err(error) => return refused(error),
    };
    assert_eq!(rules.symbol, symbol());
    super::plan::judge_orders(&rules);
    Seen::Accepted(format!(
        "{:?} {} {} {} {} {:?} {}",
        rules.status,
        rules.price.is_some(),
        rules.lot.is_some(),
        rules.notional.is_some(),
        rules.band.is_some(),
        rules.max_open_orders.map(|most| most == 0),
        few(told.order_limits.len()),
    ))
}

/// `GET /api/v3/ticker/bookTicker`.
pub(super) fn best_prices(input: &[u8]) -> Seen {
    readers::best_prices(input, &symbol()).map_or_else(refused, |prices| {
        Seen::Accepted(format!("{:?}", prices.bid.cmp(&prices.ask)))
    })
}

/// `GET /api/v3/time`.
pub(super) fn server_time(input: &[u8]) -> Seen {
    readers::server_time(input).map_or_else(refused, |time| {
        assert!(time.as_millis() > 0);
        Seen::Accepted("a time".to_owned())
    })
}

/// A reply that is no success. Its first line is the status and, after a blank, `Retry-After`.
pub(super) fn refusal(input: &[u8]) -> Seen {
    const LONGEST_WAIT: Duration = Duration::from_secs(4 * 24 * 3600);
    let at = input.iter().position(|byte| *byte == b'\n');
    let (head, body) = input.split_at(at.unwrap_or(0));
    let mut head = head.split(|byte| *byte == b' ').map(|part| {
        let part = std::str::from_utf8(part).ok()?;
        part.parse::<u64>().ok()
    });
    let mut number = || head.next().flatten();
    let head = ReplyHead {
        status: number()
            .and_then(|status| status.try_into().ok())
            .unwrap_or(400),
        retry_after: number().map(Duration::from_secs),
        now: ExchangeTime::from_millis(1_790_000_000_000),
    };
    let verdict = classify(head, body.get(1..).unwrap_or_default());
    assert!(
        verdict.retry_after.is_none_or(|wait| wait <= LONGEST_WAIT),
        "{verdict:?}"
    );
    assert!(
        !verdict.detail.chars().any(char::is_control),
        "{:?}",
        verdict.detail
    );
    assert!(verdict.detail.len() <= 4_096, "{}", verdict.detail.len());
    // "A 5xx says nothing about an order" (rest-api.md), and neither does what is no refusal.
    let unsure = !(400..500).contains(&head.status);
    let outcome = verdict.clone().into_place_outcome();
    assert!(
        !unsure || matches!(outcome, PlaceOutcome::Unknown(_)),
        "{verdict:?}: {outcome:?}"
    );
    let known = matches!(verdict.meaning, Meaning::Unknown(_))
        == matches!(outcome, PlaceOutcome::Unknown(_));
    let told = format!(
        "{:?} {:?} {known}",
        verdict.meaning,
        verdict.retry_after.is_some()
    );
    let error = verdict.into_error(Some(&symbol())).to_string();
    let kind = error.split(':').next().unwrap_or_default();
    Seen::Accepted(format!("{told}\n{kind}"))
}

/// The headers of a reply, one to a line.
pub(super) fn headers(input: &[u8]) -> Seen {
    let mut headers = HeaderMap::new();
    for line in input.split(|byte| *byte == b'\n') {
        let at = line.iter().position(|byte| *byte == b':');
        let (name, value) = line.split_at(at.unwrap_or(line.len()));
        let value = value.get(1..).unwrap_or_default();
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
            && headers.try_append(name, value).is_err()
        {
            break;
        }
    }
    let told = readers::limit_headers(&headers);
    for (interval, _) in &told.order_counts {
        assert!(!interval.is_zero());
    }
    Seen::Accepted(format!(
        "{} {} {}",
        told.retry_after.is_some(),
        told.used_weight.is_some(),
        few(told.order_counts.len())
    ))
}

/// The base of the exchange's addresses, as the environment gives it.
pub(super) fn base_url(input: &[u8]) -> Seen {
    let text = match text(input) {
        Ok(text) => text,
        Err(refused) => return refused,
    };
    readers::base_url(text).map_or_else(
        |error| {
            refused(error);
            Seen::Refused("no base URL".to_owned())
        },
        |base| {
            assert!(
                base.starts_with("http://") || base.starts_with("https://"),
                "{base}"
            );
            assert!(!base.contains(['@', '?', '#']), "{base}");
            // Foreign letters make a host longer, maybe too long.
            match readers::base_url(&base) {
                Ok(again) => assert_eq!(again, base),
                Err(_) => assert!(base.len() > 1_024, "{base}"),
            }
            Seen::Accepted(if base.contains('[') { "v6" } else { "host" }.to_owned())
        },
    )
}
