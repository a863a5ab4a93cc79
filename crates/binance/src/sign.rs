//! What exactly is signed: REST and the WebSocket API each have their own rule.
//!
//! * [`signed_query`] for REST: every value is percent-encoded first and the encoded text is signed,
//!   in the order in which it is sent (rest-api.md, "SIGNED Endpoint security"; the exchange has
//!   refused the other order with -1022 since January 2026, CHANGELOG.md 2025-12-17).
//! * [`ws_signature`] for the WebSocket API: sorted by name and not encoded at all
//!   (web-socket-api.md, "SIGNED request security").
//!
//! Adds no parameter of its own besides the signature, and reads no clock.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::Credentials;

/// Everything but the characters RFC 3986 calls unreserved, so that no URL library on the way has a
/// reason to change a byte after it was signed.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The name under which a signature travels; never part of what is signed.
const SIGNATURE: &str = "signature";

/// The query string of a request without a signature: values percent-encoded, in the given order.
#[must_use]
pub fn query(params: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (name, value) in params {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        text.extend(utf8_percent_encode(value, ENCODED));
    }
    text
}

/// The query string of a signed request: values percent-encoded, in the given order, followed by
/// the signature of exactly those bytes.
#[must_use]
pub fn signed_query(credentials: &Credentials, params: &[(&str, String)]) -> String {
    let mut text = query(params);
    let signature = credentials.sign(text.as_bytes());
    text.push_str("&signature=");
    text.extend(utf8_percent_encode(&signature, ENCODED));
    text
}

/// The signature of a WebSocket API request: its parameters (`apiKey` among them) sorted by name,
/// joined as they are, in UTF-8. A parameter called `signature` is left out.
#[must_use]
pub fn ws_signature(credentials: &Credentials, params: &BTreeMap<&str, String>) -> String {
    let mut text = String::new();
    for (name, value) in params.iter().filter(|(name, _)| **name != SIGNATURE) {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        text.push_str(value);
    }
    credentials.sign(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sample key and secret of Binance's rest-api.md and web-socket-api.md.
    const API_KEY: &str = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A";
    const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
    /// The private key printed in Binance's fix-api.md.
    const ED25519: &str = "MC4CAQAwBQYDK2VwBCIEIIJEYWtGBrhACmb9Dvy+qa8WEf0lQOl1s4CLIAB9m89u";

    type Params = &'static [(&'static str, &'static str)];

    fn hmac() -> Credentials {
        Credentials::hmac(API_KEY, SECRET).unwrap()
    }

    fn ed25519() -> Credentials {
        Credentials::ed25519_pem(API_KEY, ED25519).unwrap()
    }

    const R1: Params = &[
        ("symbol", "LTCBTC"),
        ("side", "BUY"),
        ("type", "LIMIT"),
        ("timeInForce", "GTC"),
        ("quantity", "1"),
        ("price", "0.1"),
        ("recvWindow", "5000"),
        ("timestamp", "1499827319559"),
    ];
    const R2: Params = &[
        ("symbol", "１２３４５６"),
        ("side", "BUY"),
        ("type", "LIMIT"),
        ("timeInForce", "GTC"),
        ("quantity", "1"),
        ("price", "0.1"),
        ("recvWindow", "5000"),
        ("timestamp", "1499827319559"),
    ];
    const R4: Params = &[
        ("symbols", "[\"BTCUSDT\",\"ETHUSDT\"]"),
        ("timestamp", "1499827319559"),
    ];
    const SELL: Params = &[
        ("symbol", "BTCUSDT"),
        ("side", "SELL"),
        ("type", "LIMIT"),
        ("timeInForce", "GTC"),
        ("quantity", "1"),
        ("price", "0.2"),
        ("timestamp", "1668481559918"),
        ("recvWindow", "5000"),
    ];

    fn rest(credentials: &Credentials, params: Params) -> String {
        let params: Vec<_> = params.iter().map(|(k, v)| (*k, (*v).to_owned())).collect();
        signed_query(credentials, &params)
    }

    #[test]
    fn rest_encodes_and_then_signs_in_the_given_order() {
        for (credentials, params, expected) in [
            (
                hmac(),
                R1,
                "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559&signature=c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
            ),
            (
                hmac(),
                R2,
                "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559&signature=e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
            ),
            (
                hmac(),
                R4,
                "symbols=%5B%22BTCUSDT%22%2C%22ETHUSDT%22%5D&timestamp=1499827319559&signature=f13b458a4cd676c66249af2d6829d03d15ee04b096a4863d64a09bc9551d62eb",
            ),
            (
                ed25519(),
                SELL,
                "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2&timestamp=1668481559918&recvWindow=5000&signature=inDT086KVIP8vgUfw5sV3VTkescWztiAGlf4x8FLKHM4NInsn0c1kYVLoGMO8cyjfR6vmTku2YQE0gtfVVlfCw%3D%3D",
            ),
            (
                ed25519(),
                R2,
                "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559&signature=k5QNXt6rcJ68tOWoxhnl2ay2jkxe0%2FmK3Ci17szQxF6xGy9ZYcE6dXRSSlUWK%2FLXDPU0%2FbqWoOu98pxYZbXHAA%3D%3D",
            ),
        ] {
            assert_eq!(rest(&credentials, params), expected);
        }
    }

    /// A request split over query and body is signed as both joined without a separator.
    #[test]
    fn signs_query_and_body_without_a_separator() {
        let text = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTCquantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559";
        assert_eq!(
            hmac().sign(text.as_bytes()),
            "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77"
        );
    }

    #[test]
    fn the_web_socket_api_sorts_and_does_not_encode() {
        let order = |symbol: &'static str, side, price, quantity, window| {
            vec![
                ("type", "LIMIT"),
                ("symbol", symbol),
                ("side", side),
                ("timeInForce", "GTC"),
                ("quantity", quantity),
                ("price", price),
                ("recvWindow", window),
                ("timestamp", "1645423376532"),
                ("apiKey", API_KEY),
            ]
        };
        let cases = [
            (
                hmac(),
                order("BTCUSDT", "SELL", "52000.00", "0.01000000", "100"),
                "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24",
            ),
            (
                hmac(),
                order("１２３４５６", "BUY", "0.10000000", "1.00000000", "5000"),
                "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd",
            ),
            (
                hmac(),
                vec![
                    ("timestamp", "1747385641636"),
                    ("apiKey", API_KEY),
                    ("signature", "of an earlier attempt"),
                ],
                "681110a6057ad58657af22f5640fab9dd17418834cdfccdc81be8b0f7b2cde3e",
            ),
            (
                ed25519(),
                vec![
                    ("timestamp", "1747385641636"),
                    ("recvWindow", "5000"),
                    (
                        "apiKey",
                        "4yNzx3yWC5bS6YTwEkSRaC0nRmSQIIStAUOh1b6kqaBrTLIhjCpI5lJH8q8R8WNO",
                    ),
                ],
                "nhXvwfhb/TtbuKIVdlBigxvl2Oh21EHd8+miwn2zr3tKHMDedzQ99lazEojhyfoXXyWFtDQV6naK/l4Qx7D9DQ==",
            ),
        ];
        for (credentials, params, expected) in cases {
            let params: BTreeMap<_, _> =
                params.into_iter().map(|(k, v)| (k, v.to_owned())).collect();
            assert_eq!(ws_signature(&credentials, &params), expected);
        }
    }
}
