//! `exchangeInfo` in the form of rest-api.md, with filters and words of other versions.

use super::*;

const INFO: &str = r#"{"timezone":"UTC","serverTime":1565246363776,"rateLimits":[{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":6000},{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":100},{"rateLimitType":"ORDERS","interval":"DAY","intervalNum":1,"limit":200000},{"rateLimitType":"ORDERS","interval":"FORTNIGHT","intervalNum":1,"limit":5},{"rateLimitType":"RAW_REQUESTS","interval":"MINUTE","intervalNum":5,"limit":300000}],"exchangeFilters":[],"symbols":[{"symbol":"XRPETH","status":"TRADING","baseAsset":"XRP","baseAssetPrecision":8,"quoteAsset":"ETH","quotePrecision":8,"quoteAssetPrecision":8,"orderTypes":["LIMIT","LIMIT_MAKER","MARKET"],"icebergAllowed":true,"isSpotTradingAllowed":true,"isMarginTradingAllowed":false,"filters":[{"filterType":"PRICE_FILTER","minPrice":"0.00010000","maxPrice":"1000.00000000","tickSize":"0.00010000"},{"filterType":"LOT_SIZE","minQty":"0.10000000","maxQty":"92141578.00000000","stepSize":"0.10000000"},{"filterType":"ICEBERG_PARTS","limit":100},{"filterType":"NOTIONAL","minNotional":"0.00500000","applyMinToMarket":true,"maxNotional":"9000000.00000000","applyMaxToMarket":false,"avgPriceMins":5},{"filterType":"PERCENT_PRICE_BY_SIDE","bidMultiplierUp":"5","bidMultiplierDown":"0.2","askMultiplierUp":"4","askMultiplierDown":"0.25","avgPriceMins":5},{"filterType":"MAX_NUM_ORDERS","maxNumOrders":200},{"filterType":"SOMETHING_NEW","limits":[1,{"a":null}]}],"permissions":[],"permissionSets":[],"defaultSelfTradePreventionMode":"EXPIRE_MAKER","allowedSelfTradePreventionModes":["EXPIRE_TAKER","EXPIRE_MAKER"]}],"sors":[]}"#;

fn symbol() -> Symbol {
    "XRPETH".parse().unwrap()
}

fn rules(body: &str) -> SymbolRules {
    read_exchange_info(body.as_bytes())
        .unwrap()
        .rules_of(&symbol())
        .unwrap()
}

#[test]
fn reads_the_rules_of_a_symbol() {
    let rules = rules(INFO);
    assert_eq!((rules.base.as_str(), rules.quote.as_str()), ("XRP", "ETH"));
    assert_eq!(rules.status, SymbolStatus::Trading);
    assert_eq!(rules.price.unwrap().tick.to_string(), "0.0001");
    assert_eq!(rules.price.unwrap().max.to_string(), "1000");
    assert_eq!(rules.lot.unwrap().min, "0.1".parse().unwrap());
    assert_eq!(rules.lot.unwrap().step.to_string(), "0.1");
    assert_eq!(rules.notional.unwrap().min, "0.005".parse().unwrap());
    assert_eq!(
        rules.notional.unwrap().max,
        Some("9000000".parse().unwrap())
    );
    let band = rules.band.unwrap();
    let band = [band.bid_up, band.bid_down, band.ask_up, band.ask_down].map(|m| m.to_string());
    assert_eq!(band, ["5", "0.2", "4", "0.25"]);
    assert_eq!(rules.max_open_orders, Some(200));
    assert!(rules.post_only_allowed && rules.expire_taker_allowed);
}

#[test]
fn reads_the_older_filters_and_keeps_the_narrower_bounds() {
    let older = INFO
        .replace(
            r#"{"filterType":"ICEBERG_PARTS","limit":100}"#,
            r#"{"filterType":"MIN_NOTIONAL","minNotional":"0.01","applyToMarket":true,"avgPriceMins":5},{"filterType":"PERCENT_PRICE","multiplierUp":"4.5","multiplierDown":"0.1","avgPriceMins":5}"#,
        )
        .replace("\"LIMIT_MAKER\",", "")
        .replace("\"EXPIRE_TAKER\",", "");
    let rules = rules(&older);
    assert_eq!(rules.notional.unwrap().min, "0.01".parse().unwrap());
    assert!(rules.notional.unwrap().max.is_some());
    let band = rules.band.unwrap();
    let band = [band.bid_up, band.bid_down, band.ask_up, band.ask_down].map(|m| m.to_string());
    assert_eq!(band, ["4.5", "0.2", "4", "0.25"]);
    assert!(!rules.post_only_allowed && !rules.expire_taker_allowed);
}

#[test]
fn a_symbol_without_filters_has_no_rules_of_them() {
    let (head, _) = INFO.split_once("\"filters\":").unwrap();
    let (_, tail) = INFO.split_once(",\"permissions\":[]").unwrap();
    let rules = rules(&format!("{head}\"filters\":[]{tail}"));
    assert_eq!(rules.price, None);
    assert_eq!(rules.lot, None);
    assert_eq!(rules.notional, None);
    assert_eq!(rules.band, None);
    assert_eq!(rules.max_open_orders, None);
}

#[test]
fn every_status_word_has_a_meaning() {
    for (word, expected) in [
        ("TRADING", SymbolStatus::Trading),
        ("CANCEL_ONLY", SymbolStatus::CancelOnly),
        ("HALT", SymbolStatus::Halted),
        ("BREAK", SymbolStatus::Halted),
        ("END_OF_DAY", SymbolStatus::Halted),
        ("OF_A_LATER_VERSION", SymbolStatus::Unrecognized),
    ] {
        let body = INFO.replace("\"status\":\"TRADING\"", &format!("\"status\":\"{word}\""));
        assert_eq!(rules(&body).status, expected, "{word}");
    }
    let margin_only = INFO.replace(
        "\"isSpotTradingAllowed\":true",
        "\"isSpotTradingAllowed\":false",
    );
    assert_eq!(rules(&margin_only).status, SymbolStatus::Halted);
}

#[test]
fn a_known_filter_that_is_malformed_is_an_error() {
    for (from, to, word) in [
        (",\"tickSize\":\"0.00010000\"", "", "tickSize"),
        (
            "\"stepSize\":\"0.10000000\"",
            "\"stepSize\":\"tiny\"",
            "tiny",
        ),
        ("\"maxNumOrders\":200", "\"maxNumOrders\":-1", "-1"),
        ("\"baseAsset\":\"XRP\",", "", "baseAsset"),
    ] {
        let body = INFO.replace(from, to);
        assert_ne!(body, INFO);
        let error = read_exchange_info(body.as_bytes())
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("rules") && error.contains(word), "{error}");
    }
}

#[test]
fn a_symbol_that_is_not_listed_is_unknown() {
    let info = read_exchange_info(INFO.as_bytes()).unwrap();
    let other: Symbol = "XRPBTC".parse().unwrap();
    assert_eq!(
        info.rules_of(&other),
        Err(ExchangeError::UnknownSymbol(other))
    );
}

#[test]
fn reads_the_limits_stated_with_the_rules() {
    let info = read_exchange_info(INFO.as_bytes()).unwrap();
    assert_eq!(info.weight_per_minute(), Some(6_000));
    assert_eq!(
        info.order_limits(),
        [
            (Duration::from_secs(10), 100),
            (Duration::from_secs(86_400), 200_000)
        ]
    );
    let none = read_exchange_info(br#"{"symbols":[]}"#).unwrap();
    assert_eq!(none.weight_per_minute(), None);
    assert!(none.order_limits().is_empty());
}

#[test]
fn reads_the_best_prices_or_says_why_there_are_none() {
    let body = r#"{"symbol":"XRPETH","bidPrice":"3.10640000","bidQty":"431.0","askPrice":"3.10650000","askQty":"9.0"}"#;
    let read = |body: &str| read_best_prices(body.as_bytes(), &symbol());
    let best = read(body).unwrap();
    assert_eq!(best.bid, "3.1064".parse().unwrap());
    assert_eq!(best.ask, "3.1065".parse().unwrap());
    for (from, to, word) in [
        ("3.10640000", "0.00000000", "nobody"),
        ("3.10650000", "0.00000000", "nobody"),
        ("XRPETH", "XRPBTC", "XRPBTC"),
        ("\"bidPrice\":\"3.10640000\",", "", "bidPrice"),
    ] {
        let error = read(&body.replace(from, to)).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}
