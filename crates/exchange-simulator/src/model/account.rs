//! Accounts: balances with their locks, commission rates, and API keys.
//!
//! Entry points: [`Account`], [`ApiKey`]. Amounts move only through the methods here, each checked, so that free plus
//! locked is conserved. Never decides whether an order is acceptable.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// One asset of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// Free to use.
    pub free: Decimal,
    /// Locked by open orders.
    pub locked: Decimal,
}

/// How a key signs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KeySecret {
    /// HMAC-SHA256 with this shared secret.
    Hmac(String),
    /// Ed25519; the raw public key as 64 hex digits.
    Ed25519(String),
}

impl std::fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hmac(_) => f.write_str("Hmac(..)"),
            Self::Ed25519(public) => write!(f, "Ed25519({public})"),
        }
    }
}

/// An API key and what it may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    /// The key as sent in `X-MBX-APIKEY`.
    pub key: String,
    /// How requests under it are signed.
    pub secret: KeySecret,
    /// May read account data and streams.
    #[serde(default = "yes")]
    pub reading: bool,
    /// May place and cancel orders.
    #[serde(default = "yes")]
    pub trading: bool,
    /// May withdraw (a grid bot should refuse such a key).
    #[serde(default)]
    pub withdrawals: bool,
    /// Whether it is bound to addresses.
    #[serde(default)]
    pub ip_restrict: bool,
    /// When its trading permission lapses, ms.
    #[serde(default)]
    pub trading_authority_expiration_ms: Option<i64>,
}

const fn yes() -> bool {
    true
}

impl ApiKey {
    /// A key signing by HMAC that may read and trade.
    #[must_use]
    pub fn hmac(key: &str, secret: &str) -> Self {
        Self {
            key: key.to_owned(),
            secret: KeySecret::Hmac(secret.to_owned()),
            reading: true,
            trading: true,
            withdrawals: false,
            ip_restrict: false,
            trading_authority_expiration_ms: None,
        }
    }
}

/// Commission rates of an account, as fractions of the received amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommissionRates {
    /// For resting orders.
    pub maker: Decimal,
    /// For taking orders.
    pub taker: Decimal,
    /// Whether commission is taken in BNB while there is enough of it.
    pub pay_in_bnb: bool,
    /// Share of the commission that is due when paid in BNB.
    pub bnb_factor: Decimal,
}

impl Default for CommissionRates {
    fn default() -> Self {
        Self {
            maker: Decimal::new(1, 3),
            taker: Decimal::new(1, 3),
            pay_in_bnb: false,
            bnb_factor: Decimal::new(75, 2),
        }
    }
}

/// One account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Name, used in control calls only.
    pub name: String,
    /// Keys; may change while running.
    pub keys: Vec<ApiKey>,
    /// Balances by asset.
    pub balances: BTreeMap<String, Balance>,
    /// Commission.
    #[serde(default)]
    pub commission: CommissionRates,
}

impl Account {
    /// An account without keys or balances.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// The balance of an asset; zero if never held.
    #[must_use]
    pub fn balance(&self, asset: &str) -> Balance {
        self.balances.get(asset).copied().unwrap_or_default()
    }

    fn entry(&mut self, asset: &str) -> &mut Balance {
        self.balances.entry(asset.to_owned()).or_default()
    }

    /// Adds a signed amount to what is free. Returns false, changing nothing, if it would fall below zero.
    pub fn credit(&mut self, asset: &str, amount: Decimal) -> bool {
        let balance = self.entry(asset);
        match balance.free.checked_add(amount) {
            Some(free) if free >= Decimal::ZERO => {
                balance.free = free;
                true
            }
            _ => false,
        }
    }

    /// Moves free to locked. Returns false, changing nothing, if there is not enough.
    pub(crate) fn lock(&mut self, asset: &str, amount: Decimal) -> bool {
        let balance = self.entry(asset);
        if balance.free < amount {
            return false;
        }
        balance.free -= amount;
        balance.locked += amount;
        true
    }

    /// Moves locked back to free.
    pub(crate) fn unlock(&mut self, asset: &str, amount: Decimal) {
        let balance = self.entry(asset);
        balance.locked -= amount;
        balance.free += amount;
    }

    /// Takes a locked amount away: it has been traded.
    pub(crate) fn spend_locked(&mut self, asset: &str, amount: Decimal) {
        self.entry(asset).locked -= amount;
    }
}
