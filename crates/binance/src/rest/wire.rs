//! The exchange's JSON, read into the project's own values.
//!
//! Unknown fields are passed over, because new ones come without notice. A known field that is
//! missing or malformed is an error and never a default.

use domain::ExchangeTime;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use trading::{ExchangeError, excerpt};

pub(crate) mod account;
pub(crate) mod order;
pub(crate) mod symbol;
pub(crate) mod trade;

/// Reads a whole reply; `what` names it in the error.
pub(crate) fn read<T: DeserializeOwned>(what: &str, body: &[u8]) -> Result<T, ExchangeError> {
    serde_json::from_slice(body).map_err(|error| {
        let detail = excerpt(&error.to_string());
        ExchangeError::Unavailable(format!("{what} cannot be read: {detail}"))
    })
}

/// `GET /api/v3/time`.
pub(crate) fn read_server_time(body: &[u8]) -> Result<ExchangeTime, ExchangeError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ServerTime {
        server_time: i64,
    }
    let time: ServerTime = read("the exchange's time", body)?;
    if time.server_time <= 0 {
        let detail = format!("the exchange's time is {}", time.server_time);
        return Err(ExchangeError::Unavailable(detail));
    }
    Ok(ExchangeTime::from_millis(time.server_time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_repeats_little_of_a_reply() {
        let body = r#"{"serverTime":"1"}"#.replace('1', &"x".repeat(100_000));
        let told = read_server_time(body.as_bytes()).unwrap_err().to_string();
        assert!(told.len() < 400 && told.contains("column"), "{told}");
    }

    #[test]
    fn reads_the_time_or_says_what_is_wrong() {
        let time = read_server_time(br#"{"serverTime":1790000000000,"new":1}"#).unwrap();
        assert_eq!(time.as_millis(), 1_790_000_000_000);
        for body in [
            "",
            "{}",
            "null",
            r#"{"serverTime":"1"}"#,
            r#"{"serverTime":0}"#,
            "\u{ff}",
        ] {
            let error = read_server_time(body.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("time"), "{error}");
        }
    }
}
