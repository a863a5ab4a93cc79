//! The headers by which the exchange tells about its limits (rest-api.md, "LIMITS").

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};

/// What a reply's headers say about limits. What is absent or unreadable says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LimitHeaders {
    /// `Retry-After`, which counts seconds on 429 and 418.
    pub(crate) retry_after: Option<Duration>,
    /// `X-MBX-USED-WEIGHT-1M`: request weight this address used in the current minute.
    pub(crate) used_weight: Option<u32>,
    /// `X-MBX-ORDER-COUNT-(number)(letter)`: unfilled new orders of the account per interval.
    pub(crate) order_counts: Vec<(Duration, u32)>,
}

impl LimitHeaders {
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse().ok();
        let mut order_counts: Vec<_> = headers
            .keys()
            .filter_map(|name| {
                let interval = interval(name.as_str().strip_prefix("x-mbx-order-count-")?)?;
                Some((interval, number(name.as_str())?))
            })
            .collect();
        order_counts.sort_unstable();
        Self {
            retry_after: headers
                .get(RETRY_AFTER)
                .and_then(|value| value.to_str().ok()?.trim().parse().ok())
                .map(Duration::from_secs),
            used_weight: number("x-mbx-used-weight-1m"),
            order_counts,
        }
    }
}

/// An interval as the exchange writes it in header names: a number and one of S, M, H, D.
fn interval(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let seconds = match unit.to_ascii_lowercase() {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    let interval = number.checked_mul(seconds).map(Duration::from_secs)?;
    (!interval.is_zero()).then_some(interval)
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> LimitHeaders {
        let map: HeaderMap = pairs
            .iter()
            .map(|(name, value)| {
                (
                    name.parse::<HeaderName>().unwrap(),
                    HeaderValue::from_bytes(value.as_bytes()).unwrap(),
                )
            })
            .collect();
        LimitHeaders::read(&map)
    }

    #[test]
    fn reads_what_the_exchange_sends() {
        let read = headers(&[
            ("X-MBX-USED-WEIGHT", "99"),
            ("X-MBX-USED-WEIGHT-1M", "812"),
            ("X-MBX-ORDER-COUNT-10S", "12"),
            ("X-MBX-ORDER-COUNT-1D", "4043"),
            ("Retry-After", "27"),
        ]);
        assert_eq!(read.retry_after, Some(Duration::from_secs(27)));
        assert_eq!(read.used_weight, Some(812));
        assert_eq!(
            read.order_counts,
            [
                (Duration::from_secs(10), 12),
                (Duration::from_secs(86_400), 4043)
            ]
        );
    }

    #[test]
    fn what_cannot_be_read_says_nothing() {
        let read = headers(&[
            ("X-MBX-USED-WEIGHT-1M", "many"),
            ("X-MBX-ORDER-COUNT-10S", "-1"),
            ("X-MBX-ORDER-COUNT-0S", "1"),
            ("X-MBX-ORDER-COUNT-", "1"),
            ("X-MBX-ORDER-COUNT-5X", "1"),
            ("X-MBX-ORDER-COUNT-99999999999999999999D", "1"),
            ("X-MBX-ORDER-COUNT-9999999999999999999D", "1"),
            ("Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT"),
        ]);
        assert_eq!(read, LimitHeaders::default());
        assert_eq!(
            headers(&[("Retry-After", "\u{ff}")]),
            LimitHeaders::default()
        );
    }
}
