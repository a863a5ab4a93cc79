//! Signature vectors: the official ones that can be recomputed, and own ones.

use std::collections::BTreeMap;

use exchange_simulator::model::KeySecret;
use exchange_simulator::signing::{rest_payload, verify, websocket_payload};
use serde_json::value::RawValue;

const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
const KEY: &str = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A";
const PUBLIC: &str = "19420abfd752a565c15625e9da6eaf0086fc40c14960183214442c14996a800d";

fn hmac(payload: &str, signature: &str) -> bool {
    verify(&KeySecret::Hmac(SECRET.to_owned()), payload, signature)
}

#[test]
fn rest_payloads_sign_as_published() {
    let encoded = "%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96";
    let tail = "side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559";
    let table = [
        (
            format!("symbol=LTCBTC&{tail}"),
            String::new(),
            "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
        ),
        (
            format!("symbol={encoded}&{tail}"),
            String::new(),
            "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
        ),
        (
            "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC".to_owned(),
            "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559".to_owned(),
            "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77",
        ),
        (
            "symbols=%5B%22BTCUSDT%22%2C%22ETHUSDT%22%5D&timestamp=1499827319559".to_owned(),
            String::new(),
            "f13b458a4cd676c66249af2d6829d03d15ee04b096a4863d64a09bc9551d62eb",
        ),
    ];
    for (query, body, signature) in table {
        let signed_query = format!("{query}&signature={signature}");
        assert!(
            hmac(&rest_payload(&signed_query, &body), signature),
            "{query}|{body}"
        );
        let upper = signature.to_uppercase();
        assert!(
            hmac(&rest_payload(&query, &body), &upper),
            "hex is not case-sensitive"
        );
        if !body.is_empty() {
            let signed_body = format!("{body}&signature={signature}");
            assert!(
                hmac(&rest_payload(&query, &signed_body), signature),
                "the signature may be in the body"
            );
        }
        assert!(
            !hmac(&rest_payload(&query, &format!("{body}&x=1")), signature),
            "one byte more"
        );
    }
}

#[test]
fn websocket_payloads_are_sorted_and_unencoded() {
    let table = [
        (
            format!(
                r#"{{"symbol":"BTCUSDT","side":"SELL","type":"LIMIT","timeInForce":"GTC","quantity":"0.01000000","price":"52000.00","recvWindow":100,"timestamp":1645423376532,"apiKey":"{KEY}"}}"#
            ),
            "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24",
        ),
        (
            format!(
                r#"{{"symbol":"１２３４５６","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":"1.00000000","price":"0.10000000","recvWindow":5000,"timestamp":1645423376532,"apiKey":"{KEY}"}}"#
            ),
            "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd",
        ),
        (
            format!(r#"{{"timestamp":1747385641636,"apiKey":"{KEY}","signature":"ignored"}}"#),
            "681110a6057ad58657af22f5640fab9dd17418834cdfccdc81be8b0f7b2cde3e",
        ),
    ];
    for (params, signature) in table {
        let params: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&params).unwrap();
        assert!(hmac(&websocket_payload(&params), signature), "{params:?}");
    }
}

#[test]
fn numbers_are_signed_as_they_appear() {
    let params: BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(r#"{"b":5000.500,"a":1}"#).unwrap();
    assert_eq!(websocket_payload(&params), "a=1&b=5000.500");
}

#[test]
fn ed25519_signatures_verify() {
    let key = KeySecret::Ed25519(PUBLIC.to_owned());
    let table = [
        (
            "A\u{1}EXAMPLE\u{1}SPOT\u{1}1\u{1}20240627-11:17:25.223",
            "4MHXelVVcpkdwuLbl6n73HQUXUf1dse2PCgT1DYqW9w8AVZ1RACFGM+5UdlGPrQHrgtS3CvsRURC1oj73j8gCA==",
        ),
        (
            "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2&timestamp=1668481559918&recvWindow=5000",
            "inDT086KVIP8vgUfw5sV3VTkescWztiAGlf4x8FLKHM4NInsn0c1kYVLoGMO8cyjfR6vmTku2YQE0gtfVVlfCw==",
        ),
        (
            "apiKey=4yNzx3yWC5bS6YTwEkSRaC0nRmSQIIStAUOh1b6kqaBrTLIhjCpI5lJH8q8R8WNO&recvWindow=5000&timestamp=1747385641636",
            "nhXvwfhb/TtbuKIVdlBigxvl2Oh21EHd8+miwn2zr3tKHMDedzQ99lazEojhyfoXXyWFtDQV6naK/l4Qx7D9DQ==",
        ),
    ];
    for (payload, signature) in table {
        assert!(verify(&key, payload, signature), "{payload}");
        assert!(
            !verify(&key, &payload.to_lowercase(), signature),
            "{payload}"
        );
        assert!(
            !verify(&key, payload, &signature.to_lowercase()),
            "base64 is case-sensitive"
        );
    }
}
