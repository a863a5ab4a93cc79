//! What the exchange says about a symbol: its rules, its best prices, and the limits stated with
//! them (rest-api.md, filters.md, enums.md).

use std::time::Duration;

use domain::{
    Asset, BandRule, BestPrices, LotRule, NotionalRule, Price, PriceRule, Quantity, QuoteAmount,
    Symbol, SymbolRules, SymbolStatus,
};
use serde::Deserialize;
use trading::ExchangeError;

/// `GET /api/v3/exchangeInfo`, as far as it is used.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExchangeInfo {
    #[serde(default)]
    rate_limits: Vec<RateLimit>,
    symbols: Vec<SymbolInfo>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RateLimit {
    rate_limit_type: String,
    interval: String,
    interval_num: u32,
    limit: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SymbolInfo {
    symbol: Symbol,
    status: String,
    base_asset: Asset,
    quote_asset: Asset,
    order_types: Vec<String>,
    filters: Vec<Filter>,
    is_spot_trading_allowed: Option<bool>,
    #[serde(default)]
    allowed_self_trade_prevention_modes: Vec<String>,
}

/// The filters a grid has to obey. All others are the exchange's to enforce.
#[derive(Deserialize)]
#[serde(tag = "filterType", rename_all_fields = "camelCase")]
enum Filter {
    #[serde(rename = "PRICE_FILTER")]
    Price {
        min_price: Quantity,
        max_price: Quantity,
        tick_size: Quantity,
    },
    #[serde(rename = "LOT_SIZE")]
    Lot {
        min_qty: Quantity,
        max_qty: Quantity,
        step_size: Quantity,
    },
    #[serde(rename = "MIN_NOTIONAL")]
    MinNotional { min_notional: QuoteAmount },
    #[serde(rename = "NOTIONAL")]
    Notional {
        min_notional: QuoteAmount,
        max_notional: Option<QuoteAmount>,
    },
    #[serde(rename = "PERCENT_PRICE")]
    Band {
        multiplier_up: Quantity,
        multiplier_down: Quantity,
    },
    #[serde(rename = "PERCENT_PRICE_BY_SIDE")]
    BandBySide {
        bid_multiplier_up: Quantity,
        bid_multiplier_down: Quantity,
        ask_multiplier_up: Quantity,
        ask_multiplier_down: Quantity,
    },
    #[serde(rename = "MAX_NUM_ORDERS")]
    MaxOrders { max_num_orders: u32 },
    #[serde(other)]
    Other,
}

/// Reads `exchangeInfo`.
pub(crate) fn read_exchange_info(body: &[u8]) -> Result<ExchangeInfo, ExchangeError> {
    super::read("the symbol's rules", body)
}

impl RateLimit {
    fn interval(&self) -> Option<Duration> {
        let seconds = match self.interval.as_str() {
            "SECOND" => 1,
            "MINUTE" => 60,
            "HOUR" => 3_600,
            "DAY" => 86_400,
            _ => return None,
        };
        let interval = Duration::from_secs(seconds).checked_mul(self.interval_num)?;
        (!interval.is_zero()).then_some(interval)
    }
}

impl ExchangeInfo {
    /// The request weight an address may use in a minute.
    pub(crate) fn weight_per_minute(&self) -> Option<u32> {
        self.rate_limits
            .iter()
            .find(|limit| {
                limit.rate_limit_type == "REQUEST_WEIGHT"
                    && limit.interval() == Some(Duration::from_secs(60))
            })
            .map(|limit| limit.limit)
            .filter(|limit| *limit > 0)
    }

    /// How many new orders an account may send per interval.
    pub(crate) fn order_limits(&self) -> Vec<(Duration, u32)> {
        self.rate_limits
            .iter()
            .filter(|limit| limit.rate_limit_type == "ORDERS" && limit.limit > 0)
            .filter_map(|limit| Some((limit.interval()?, limit.limit)))
            .collect()
    }

    /// The rules of one symbol.
    pub(crate) fn rules_of(self, symbol: &Symbol) -> Result<SymbolRules, ExchangeError> {
        self.symbols
            .into_iter()
            .find(|info| info.symbol == *symbol)
            .map(SymbolInfo::into_rules)
            .ok_or_else(|| ExchangeError::UnknownSymbol(symbol.clone()))
    }
}

impl SymbolInfo {
    fn into_rules(self) -> SymbolRules {
        let has = |list: &[String], word: &str| list.iter().any(|item| item == word);
        let mut rules = SymbolRules {
            symbol: self.symbol,
            base: self.base_asset,
            quote: self.quote_asset,
            status: match self.is_spot_trading_allowed {
                Some(false) => SymbolStatus::Halted,
                Some(true) | None => status(&self.status),
            },
            price: None,
            lot: None,
            notional: None,
            band: None,
            max_open_orders: None,
            post_only_allowed: has(&self.order_types, "LIMIT_MAKER"),
            expire_taker_allowed: has(&self.allowed_self_trade_prevention_modes, "EXPIRE_TAKER"),
        };
        for filter in self.filters {
            filter.add_to(&mut rules);
        }
        rules
    }
}

impl Filter {
    /// Two filters about one thing both hold, so the narrower bounds stay.
    fn add_to(self, rules: &mut SymbolRules) {
        match self {
            Self::Price {
                min_price,
                max_price,
                tick_size,
            } => {
                rules.price = Some(PriceRule {
                    min: min_price.decimal(),
                    max: max_price.decimal(),
                    tick: tick_size.decimal(),
                });
            }
            Self::Lot {
                min_qty,
                max_qty,
                step_size,
            } => {
                rules.lot = Some(LotRule {
                    min: min_qty,
                    max: max_qty,
                    step: step_size.decimal(),
                });
            }
            Self::MinNotional { min_notional } => add_notional(rules, min_notional, None),
            Self::Notional {
                min_notional,
                max_notional,
            } => add_notional(rules, min_notional, max_notional),
            Self::Band {
                multiplier_up,
                multiplier_down,
            } => add_band(
                rules,
                [
                    multiplier_up,
                    multiplier_down,
                    multiplier_up,
                    multiplier_down,
                ],
            ),
            Self::BandBySide {
                bid_multiplier_up,
                bid_multiplier_down,
                ask_multiplier_up,
                ask_multiplier_down,
            } => add_band(
                rules,
                [
                    bid_multiplier_up,
                    bid_multiplier_down,
                    ask_multiplier_up,
                    ask_multiplier_down,
                ],
            ),
            Self::MaxOrders { max_num_orders } => rules.max_open_orders = Some(max_num_orders),
            Self::Other => {}
        }
    }
}

fn add_notional(rules: &mut SymbolRules, min: QuoteAmount, max: Option<QuoteAmount>) {
    let known = rules.notional;
    rules.notional = Some(NotionalRule {
        min: known.map_or(min, |known| known.min.max(min)),
        max: [known.and_then(|known| known.max), max]
            .into_iter()
            .flatten()
            .min(),
    });
}

fn add_band(rules: &mut SymbolRules, multipliers: [Quantity; 4]) {
    let [bid_up, bid_down, ask_up, ask_down] = multipliers.map(Quantity::decimal);
    let band = BandRule {
        bid_up,
        bid_down,
        ask_up,
        ask_down,
    };
    rules.band = Some(rules.band.map_or(band, |known| BandRule {
        bid_up: known.bid_up.min(bid_up),
        bid_down: known.bid_down.max(bid_down),
        ask_up: known.ask_up.min(ask_up),
        ask_down: known.ask_down.max(ask_down),
    }));
}

/// The status a word of the exchange means (enums.md; the words beyond its present list are those
/// of earlier versions).
fn status(word: &str) -> SymbolStatus {
    match word {
        "TRADING" => SymbolStatus::Trading,
        "CANCEL_ONLY" => SymbolStatus::CancelOnly,
        "END_OF_DAY" | "HALT" | "BREAK" | "PRE_TRADING" | "POST_TRADING" | "AUCTION_MATCH" => {
            SymbolStatus::Halted
        }
        _ => SymbolStatus::Unrecognized,
    }
}

/// `GET /api/v3/ticker/bookTicker`. A side of the book that is empty has price zero.
pub(crate) fn read_best_prices(body: &[u8], symbol: &Symbol) -> Result<BestPrices, ExchangeError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct BookTicker {
        symbol: Symbol,
        bid_price: Quantity,
        ask_price: Quantity,
    }
    let ticker: BookTicker = super::read("the best prices", body)?;
    let price = |amount: Quantity| Price::new(amount.decimal()).ok();
    match (price(ticker.bid_price), price(ticker.ask_price)) {
        (Some(bid), Some(ask)) if ticker.symbol == *symbol => Ok(BestPrices { bid, ask }),
        (_, _) if ticker.symbol != *symbol => Err(ExchangeError::Unavailable(format!(
            "the best prices are those of {}, not of {symbol}",
            ticker.symbol
        ))),
        (_, _) => Err(ExchangeError::Unavailable(format!(
            "nobody buys or nobody sells {symbol} now"
        ))),
    }
}

#[cfg(test)]
mod tests;
