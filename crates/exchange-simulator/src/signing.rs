//! Who signed a request: HMAC-SHA256 and Ed25519, over the REST and the WebSocket form of the payload.
//!
//! Entry points: [`verify`], [`rest_payload`], [`websocket_payload`]. REST signs exactly the bytes sent, query
//! immediately followed by body (`rest-api.md`, signed endpoint security); the WebSocket API signs its parameters
//! sorted and unencoded (`web-socket-api.md`, signed request security). Never signs anything itself.

use std::collections::BTreeMap;

use base64::Engine as _;
use ed25519_dalek::{Signature, VerifyingKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::value::RawValue;
use sha2::Sha256;

use crate::model::KeySecret;

/// Whether `signature` (already percent-decoded) is this secret's signature of `payload`.
#[must_use]
pub fn verify(secret: &KeySecret, payload: &str, signature: &str) -> bool {
    match secret {
        KeySecret::Hmac(secret) => verify_hmac(secret, payload, signature).is_some(),
        KeySecret::Ed25519(public) => verify_ed25519(public, payload, signature).is_some(),
    }
}

fn verify_hmac(secret: &str, payload: &str, signature: &str) -> Option<()> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(payload.as_bytes());
    mac.verify_slice(&hex::decode(signature).ok()?).ok()
}

fn verify_ed25519(public: &str, payload: &str, signature: &str) -> Option<()> {
    let public: [u8; 32] = hex::decode(public).ok()?.try_into().ok()?;
    let key = VerifyingKey::from_bytes(&public).ok()?;
    let signature = base64::engine::general_purpose::STANDARD
        .decode(signature)
        .ok()?;
    key.verify_strict(payload.as_bytes(), &Signature::from_slice(&signature).ok()?)
        .ok()
}

/// The payload a REST request signs: query then body without a separator, each without its `signature`.
#[must_use]
pub fn rest_payload(query: &str, body: &str) -> String {
    let mut payload = without_signature(query);
    payload.push_str(&without_signature(body));
    payload
}

fn without_signature(form: &str) -> String {
    form.split('&')
        .filter(|pair| !pair.starts_with("signature="))
        .collect::<Vec<_>>()
        .join("&")
}

/// The payload a WebSocket request signs: parameters but `signature`, sorted by name, values as they appear.
#[must_use]
pub fn websocket_payload(params: &BTreeMap<String, Box<RawValue>>) -> String {
    let pairs: Vec<String> = params
        .iter()
        .filter(|(name, _)| name.as_str() != "signature")
        .map(|(name, value)| format!("{name}={}", plain(value)))
        .collect();
    pairs.join("&")
}

/// A JSON value as its text: strings without quotes, everything else as written.
pub(crate) fn plain(value: &RawValue) -> String {
    serde_json::from_str::<String>(value.get())
        .unwrap_or_else(|_not_a_string| value.get().to_owned())
}
