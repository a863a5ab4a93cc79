//! What the exchange says about an account: balances, fee rates, the permissions of a key.

use std::collections::BTreeMap;

use domain::{Asset, ExchangeTime, Quantity, Rate};
use serde::Deserialize;
use trading::{Balance, CommissionRates, ExchangeError};

/// What a key may do (`GET /sapi/v1/account/apiRestrictions`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPermissions {
    /// It may read orders and balances.
    pub reading: bool,
    /// It may trade on Spot.
    pub trading: bool,
    /// It may withdraw. Such a key is never needed here.
    pub withdrawals: bool,
    /// It works from listed addresses only.
    pub ip_restricted: bool,
    /// When the permission to trade lapses, as it does for a key without listed addresses.
    pub trading_expires_at: Option<ExchangeTime>,
}

#[derive(Deserialize)]
struct AccountBody {
    balances: Vec<BalanceRow>,
}

#[derive(Deserialize)]
struct BalanceRow {
    asset: String,
    free: Quantity,
    locked: Quantity,
}

/// `GET /api/v3/account`. An asset whose name this version cannot write is left out: no symbol it
/// can trade has it.
pub(crate) fn read_balances(body: &[u8]) -> Result<BTreeMap<Asset, Balance>, ExchangeError> {
    let account: AccountBody = super::read("the account's balances", body)?;
    let named = account.balances.into_iter().filter_map(|row| {
        let balance = Balance {
            free: row.free,
            locked: row.locked,
        };
        let empty = balance.free.is_zero() && balance.locked.is_zero();
        match row.asset.parse() {
            Ok(asset) => (!empty).then_some((asset, balance)),
            Err(error) => {
                tracing::warn!(%error, "balance of an asset left out");
                None
            }
        }
    });
    Ok(named.collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CommissionBody {
    standard_commission: CommissionPart,
    /// Exists since August 2025.
    special_commission: Option<CommissionPart>,
    tax_commission: Option<CommissionPart>,
}

#[derive(Deserialize)]
struct CommissionPart {
    maker: Quantity,
    taker: Quantity,
    buyer: Quantity,
    seller: Quantity,
}

/// `GET /api/v3/account/commission`: the sum of the parts, each the maker's or taker's rate plus
/// the buyer's or seller's (faqs/commission_faq.md), of which the larger is taken. Discounts are
/// left out, so the rates are never too low.
pub(crate) fn read_commission(body: &[u8]) -> Result<CommissionRates, ExchangeError> {
    let body: CommissionBody = super::read("the account's fee rates", body)?;
    let parts: Vec<_> = [
        Some(body.standard_commission),
        body.special_commission,
        body.tax_commission,
    ]
    .into_iter()
    .flatten()
    .collect();
    let total = |rate: fn(&CommissionPart) -> Quantity| {
        parts
            .iter()
            .try_fold(Quantity::ZERO, |sum, part| sum.checked_add(rate(part)))
    };
    let rates = || {
        let side = total(|part| part.buyer)?.max(total(|part| part.seller)?);
        let rate = |own: Quantity| Rate::new(own.checked_add(side)?.decimal()).ok();
        Some(CommissionRates {
            maker: rate(total(|part| part.maker)?)?,
            taker: rate(total(|part| part.taker)?)?,
        })
    };
    rates().ok_or_else(|| {
        ExchangeError::Unavailable("the account's fee rates add up to 1 or more".to_owned())
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RestrictionsBody {
    ip_restrict: bool,
    enable_reading: bool,
    enable_spot_and_margin_trading: bool,
    enable_withdrawals: bool,
    trading_authority_expiration_time: Option<i64>,
}

/// `GET /sapi/v1/account/apiRestrictions`.
pub(crate) fn read_permissions(body: &[u8]) -> Result<KeyPermissions, ExchangeError> {
    let body: RestrictionsBody = super::read("the key's permissions", body)?;
    Ok(KeyPermissions {
        reading: body.enable_reading,
        trading: body.enable_spot_and_margin_trading,
        withdrawals: body.enable_withdrawals,
        ip_restricted: body.ip_restrict,
        trading_expires_at: body
            .trading_authority_expiration_time
            .filter(|time| *time > 0)
            .map(ExchangeTime::from_millis),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_balances_without_those_of_zero() {
        let body = r#"{"makerCommission":15,"canTrade":true,"balances":[{"asset":"BTC","free":"4723846.89208129","locked":"0.00000000"},{"asset":"LTC","free":"0.00000000","locked":"0.5"},{"asset":"BNB","free":"0.0","locked":"0"},{"asset":"","free":"1","locked":"0"}]}"#;
        let balances = read_balances(body.as_bytes()).unwrap();
        let names: Vec<_> = balances.keys().map(Asset::as_str).collect();
        assert_eq!(names, ["BTC", "LTC"]);
        let ltc: Asset = "LTC".parse().unwrap();
        assert_eq!(balances.get(&ltc).unwrap().locked, "0.5".parse().unwrap());
        assert!(read_balances(b"{}").is_err());
        assert!(read_balances(br#"{"balances":[{"asset":"BTC","free":"1"}]}"#).is_err());
    }

    #[test]
    fn fee_rates_are_the_sum_of_all_parts_and_the_dearer_side() {
        let body = r#"{"symbol":"BTCUSDT","standardCommission":{"maker":"0.00100000","taker":"0.00200000","buyer":"0.00000000","seller":"0.00010000"},"specialCommission":{"maker":"0.01000000","taker":"0.02000000","buyer":"0.00030000","seller":"0.00000000"},"taxCommission":{"maker":"0.00000112","taker":"0.00000114","buyer":"0.00000118","seller":"0.00000116"},"discount":{"enabledForAccount":true,"enabledForSymbol":true,"discountAsset":"BNB","discount":"0.75000000"}}"#;
        let rates = read_commission(body.as_bytes()).unwrap();
        assert_eq!(rates.maker.decimal().to_string(), "0.0113023");
        assert_eq!(rates.taker.decimal().to_string(), "0.02230232");
        let old =
            r#"{"standardCommission":{"maker":"0.001","taker":"0.002","buyer":"0","seller":"0"}}"#;
        let rates = read_commission(old.as_bytes()).unwrap();
        assert_eq!(rates.taker.decimal().to_string(), "0.002");
        assert!(read_commission(old.replace("0.002", "1").as_bytes()).is_err());
        assert!(read_commission(old.replace("0.002", "-1").as_bytes()).is_err());
        assert!(read_commission(b"{}").is_err());
    }

    #[test]
    fn reads_what_a_key_may_do() {
        let body = r#"{"ipRestrict":false,"createTime":1698645219000,"enableReading":true,"enableSpotAndMarginTrading":false,"enableWithdrawals":false,"enableFutures":false,"tradingAuthorityExpirationTime":1790000000000}"#;
        let read = |body: &str| read_permissions(body.as_bytes());
        let permissions = read(body).unwrap();
        assert_eq!(
            permissions,
            KeyPermissions {
                reading: true,
                trading: false,
                withdrawals: false,
                ip_restricted: false,
                trading_expires_at: Some(ExchangeTime::from_millis(1_790_000_000_000)),
            }
        );
        let lasting = body.replace(",\"tradingAuthorityExpirationTime\":1790000000000", "");
        assert_eq!(read(&lasting).unwrap().trading_expires_at, None);
        for field in ["\"enableWithdrawals\":false,", "\"ipRestrict\":false,"] {
            let without = body.replace(field, "");
            assert!(
                read(&without).is_err(),
                "a permission not told is not assumed: {field}"
            );
        }
    }
}
