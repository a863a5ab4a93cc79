//! A REST request as far as all endpoints share it: parameters, key, signature, time window.
//!
//! Entry points: [`Request`], [`authorize`], [`check_window`]. The order of checks is the exchange's: key, timestamp,
//! window, signature, permission. Never touches orders.

use std::collections::BTreeMap;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use rust_decimal::Decimal;

use crate::model::{ApiKey, Exchange, Reject};
use crate::number;
use crate::signing;

/// Default and largest `recvWindow`, in microseconds (`rest-api.md`, timing security).
const DEFAULT_WINDOW_US: i64 = 5_000_000;
const MAX_WINDOW_MS: i64 = 60_000;
/// A timestamp this far ahead is refused, in microseconds.
const AHEAD_US: i64 = 1_000_000;

/// One request, as sent.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) body: String,
    pub(crate) api_key: Option<String>,
    params: BTreeMap<String, String>,
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

fn parse_form(form: &str, into: &mut BTreeMap<String, String>) {
    for pair in form.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        // The query is read first: of a name sent twice, it wins.
        into.entry(decoded(name)).or_insert_with(|| decoded(value));
    }
}

impl Request {
    pub(crate) fn new(
        method: &str,
        path: &str,
        query: &str,
        body: &str,
        api_key: Option<&str>,
    ) -> Self {
        let mut params = BTreeMap::new();
        parse_form(query, &mut params);
        parse_form(body, &mut params);
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            body: body.to_owned(),
            api_key: api_key.map(str::to_owned),
            params,
        }
    }

    /// A parameter that was sent and is not empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.params
            .get(name)
            .map(String::as_str)
            .filter(|text| !text.is_empty())
    }

    pub(crate) fn mandatory(&self, name: &str) -> Result<&str, Reject> {
        self.text(name).ok_or_else(|| Reject::mandatory(name))
    }

    /// A plain decimal number: digits with an optional fraction (-1100 otherwise).
    pub(crate) fn decimal(&self, name: &str) -> Result<Option<Decimal>, Reject> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let legal = r"^([0-9]{1,20})(\.[0-9]{1,20})?$";
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| {
            (1..=20).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !digits(whole) || !digits(fraction) {
            return Err(Reject::illegal_characters(name, legal));
        }
        Decimal::from_str(text)
            .map(Some)
            .map_err(|_too_long| Reject::precision(name))
    }

    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, Reject> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        text.parse()
            .map(Some)
            .map_err(|_not_a_number| Reject::illegal_characters(name, "^[0-9]{1,20}$"))
    }

    pub(crate) fn id(&self, name: &str) -> Result<Option<u64>, Reject> {
        let id = self.integer(name)?;
        id.map(|id| u64::try_from(id).map_err(|_negative| Reject::invalid_parameter(name)))
            .transpose()
    }
}

/// What a key must be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    Reading,
    Trading,
}

/// A request whose signature holds.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    pub(crate) account: String,
    pub(crate) key: ApiKey,
    pub(crate) timestamp_us: i64,
    pub(crate) window_us: i64,
}

/// Checks the second condition of the window: not too old. The exchange checks it again just before the engine.
pub(crate) fn check_window(signed: &Signed, now_ms: i64) -> Result<(), Reject> {
    if now_ms
        .saturating_mul(1000)
        .saturating_sub(signed.timestamp_us)
        > signed.window_us
    {
        return Err(Reject::outside_window());
    }
    Ok(())
}

/// Timestamp (ms or microseconds) in microseconds.
pub(crate) fn timestamp_us(text: Option<&str>) -> Result<i64, Reject> {
    let value: i64 = text
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Reject::mandatory("timestamp"))?;
    let micros = if value >= 100_000_000_000_000 {
        value
    } else {
        value.saturating_mul(1000)
    };
    // Nothing was traded here before 2017.
    if micros < 1_483_228_800_000_000 {
        Err(Reject::invalid_parameter("timestamp"))
    } else {
        Ok(micros)
    }
}

/// `recvWindow`, in ms with up to three decimals, in microseconds.
pub(crate) fn window_us(text: Option<&str>) -> Result<i64, Reject> {
    let Some(text) = text else {
        return Ok(DEFAULT_WINDOW_US);
    };
    let invalid = || Reject::new(400, -1131, "recvWindow must be less than 60000.");
    let window = number::plain(text).ok_or_else(|| Reject::invalid_parameter("recvWindow"))?;
    if window.is_sign_negative()
        || window > Decimal::from(MAX_WINDOW_MS)
        || window.normalize().scale() > 3
    {
        return Err(invalid());
    }
    i64::try_from(window * Decimal::from(1000)).map_err(|_fraction| invalid())
}

/// What is signed, however it was sent.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    pub(crate) api_key: Option<&'a str>,
    pub(crate) timestamp: Option<&'a str>,
    pub(crate) window: Option<&'a str>,
    pub(crate) signature: Option<&'a str>,
    pub(crate) payload: String,
}

impl<'a> Claim<'a> {
    pub(crate) fn of(request: &'a Request) -> Self {
        Self {
            api_key: request.api_key.as_deref(),
            timestamp: request.text("timestamp"),
            window: request.text("recvWindow"),
            signature: request.text("signature"),
            payload: signing::rest_payload(&request.query, &request.body),
        }
    }
}

/// Proves who sent a request, when, and that they may.
pub(crate) fn authorize(
    exchange: &Exchange,
    claim: &Claim<'_>,
    permission: Permission,
    now_ms: i64,
) -> Result<Signed, Reject> {
    let api_key = claim.api_key.unwrap_or_default();
    let plausible = (1..=128).contains(&api_key.len())
        && api_key.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !plausible {
        return Err(Reject::key_format());
    }
    let (owner, key) = exchange.key(api_key).ok_or_else(Reject::key_permission)?;
    let signed = Signed {
        account: owner.name.clone(),
        key: key.clone(),
        timestamp_us: timestamp_us(claim.timestamp)?,
        window_us: window_us(claim.window)?,
    };
    if signed.timestamp_us >= now_ms.saturating_mul(1000).saturating_add(AHEAD_US) {
        return Err(Reject::ahead_of_server());
    }
    check_window(&signed, now_ms)?;
    let signature = claim
        .signature
        .ok_or_else(|| Reject::mandatory("signature"))?;
    if !signing::verify(&key.secret, &claim.payload, signature) {
        return Err(Reject::bad_signature());
    }
    let lapsed = key
        .trading_authority_expiration_ms
        .is_some_and(|expiration| now_ms >= expiration);
    let allowed = match permission {
        Permission::Reading => key.reading,
        Permission::Trading => key.trading && !lapsed,
    };
    if allowed {
        Ok(signed)
    } else {
        Err(Reject::key_permission())
    }
}
