//! The table itself: HTTP status first, then the code, then the message.

use domain::{ExchangeTime, RefusalReason};
use trading::{AccountStop, UnknownCause};

use super::Meaning;

/// What a reply of this status, code and message means.
pub(super) fn meaning(status: u16, code: Option<i64>, message: &str) -> Meaning {
    match status {
        403 => Meaning::Stopped(AccountStop::Banned),
        410 => Meaning::Refused(RefusalReason::BadRequest),
        409 => Meaning::Foreign,
        418 => Meaning::Stopped(AccountStop::Banned),
        429 => match code {
            Some(-1015) => Meaning::TooManyOrders,
            _ if ban_end(message).is_some() => Meaning::Stopped(AccountStop::Banned),
            _ => Meaning::Refused(RefusalReason::RateLimited),
        },
        451 => Meaning::Stopped(AccountStop::Region),
        400..=499 => code.map_or(Meaning::Unknown(UnknownCause::Unreadable), |code| {
            by_code(code, message)
        }),
        500..=599 => Meaning::Unknown(UnknownCause::Server),
        _ => Meaning::Unknown(UnknownCause::Unreadable),
    }
}

/// The table of codes of a 4xx reply (errors.md).
fn by_code(code: i64, message: &str) -> Meaning {
    use RefusalReason::{BadRequest, Filter, MarketClosed, Overloaded, RateLimited};
    if message.starts_with("Filter failure:") {
        return Meaning::Refused(Filter);
    }
    match code {
        -1000 | -1001 | -1006 | -1007 => Meaning::Unknown(UnknownCause::Server),
        -1002 | -2015 => Meaning::Stopped(AccountStop::Permission),
        -1003 if ban_end(message).is_some() => Meaning::Stopped(AccountStop::Banned),
        -1003 | -1034 => Meaning::Refused(RateLimited),
        -1008 => Meaning::Refused(Overloaded),
        -1013 => by_message(message).unwrap_or(Meaning::Refused(Filter)),
        -1015 => Meaning::TooManyOrders,
        -1021 => Meaning::WindowExpired,
        -1022 | -2014 => Meaning::Stopped(AccountStop::Key),
        -1010 | -2010 | -2011 | -2038 => {
            by_message(message).unwrap_or(Meaning::Refused(BadRequest))
        }
        -1014 | -1016 | -1020 => Meaning::Refused(BadRequest),
        // The rest of this range are troubles of the server or the network: unknown until
        // documented otherwise.
        -1099..=-1000 => Meaning::Unknown(UnknownCause::Server),
        -1111 => Meaning::Refused(Filter),
        -1121 => Meaning::UnknownSymbol,
        -1122 | -1220 => Meaning::Refused(MarketClosed),
        -2013 => Meaning::NoSuchOrder,
        -2022 => Meaning::Refused(BadRequest),
        -2026 => Meaning::Archived,
        -2021 | -2035 | -2036 | -2039 | -2042 | -2043 => Meaning::Foreign,
        // "4XX return codes are used for malformed requests; the issue is on the sender's side"
        // (rest-api.md), and from -1100 on the codes are about the request.
        ..=-1100 => Meaning::Refused(BadRequest),
        _ => Meaning::Unknown(UnknownCause::Unreadable),
    }
}

/// The list of messages that -1010, -2010, -2011 and -2038 share; -1013 uses some of them too.
fn by_message(message: &str) -> Option<Meaning> {
    use RefusalReason::{Filter, InsufficientBalance, MarketClosed, WouldTake};
    const RESTRICTED: Meaning = Meaning::Stopped(AccountStop::Restricted);
    const MESSAGES: [(&str, Meaning); 13] = [
        ("duplicate order sent", Meaning::AlreadyThere),
        ("unknown order sent", Meaning::NotOpen),
        (
            "insufficient balance",
            Meaning::Refused(InsufficientBalance),
        ),
        (
            "would immediately match and take",
            Meaning::Refused(WouldTake),
        ),
        ("market is closed", Meaning::Refused(MarketClosed)),
        (
            "not possible in this trading phase",
            Meaning::Refused(MarketClosed),
        ),
        ("price * qty is zero or less", Meaning::Refused(Filter)),
        ("action is disabled on this account", RESTRICTED),
        ("may not place or cancel orders", RESTRICTED),
        ("not permitted for this account", RESTRICTED),
        ("restricted for this account", RESTRICTED),
        ("api trading is not enabled", RESTRICTED),
        ("symbol is not permitted", RESTRICTED),
    ];
    let message = message.to_ascii_lowercase();
    MESSAGES
        .iter()
        .find(|(text, _)| message.contains(text))
        .map(|(_, meaning)| *meaning)
}

/// The instant a ban ends, as -1003 words it: "IP banned until 1790000000000."
pub(super) fn ban_end(message: &str) -> Option<ExchangeTime> {
    let (_, after) = message.split_once("banned until ")?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().map(ExchangeTime::from_millis)
}
