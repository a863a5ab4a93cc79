//! A symbol's rules: status, precision and filters (`filters.md`).
//!
//! Entry points: [`SymbolRules`], [`SymbolRules::suited_to`]. Rules are plain data, replaceable while running. Never
//! judges an order: that is `filters`.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::order::StpMode;

/// Whether a symbol trades (`enums.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SymbolStatus {
    /// Orders are accepted and trade.
    Trading,
    /// Day over.
    EndOfDay,
    /// Halted.
    Halt,
    /// Paused.
    Break,
    /// Only cancels and amends.
    CancelOnly,
}

impl SymbolStatus {
    /// The exchange's spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trading => "TRADING",
            Self::EndOfDay => "END_OF_DAY",
            Self::Halt => "HALT",
            Self::Break => "BREAK",
            Self::CancelOnly => "CANCEL_ONLY",
        }
    }
}

/// Allowed prices relative to the last price, per side (`PERCENT_PRICE_BY_SIDE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PriceBand {
    /// Highest BUY price as a multiple of the last price.
    pub bid_up: Decimal,
    /// Lowest BUY price as a multiple of the last price.
    pub bid_down: Decimal,
    /// Highest SELL price as a multiple of the last price.
    pub ask_up: Decimal,
    /// Lowest SELL price as a multiple of the last price.
    pub ask_down: Decimal,
}

/// The rules of one symbol. A zero bound switches that bound off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SymbolRules {
    /// Symbol, such as `BTCUSDT`.
    pub symbol: String,
    /// Base asset.
    pub base_asset: String,
    /// Quote asset.
    pub quote_asset: String,
    /// Status.
    pub status: SymbolStatus,
    /// PRICE_FILTER tick size.
    pub tick_size: Decimal,
    /// PRICE_FILTER lowest price.
    pub min_price: Decimal,
    /// PRICE_FILTER highest price.
    pub max_price: Decimal,
    /// LOT_SIZE step size.
    pub step_size: Decimal,
    /// LOT_SIZE lowest quantity.
    pub min_quantity: Decimal,
    /// LOT_SIZE highest quantity.
    pub max_quantity: Decimal,
    /// MARKET_LOT_SIZE highest quantity.
    pub max_market_quantity: Decimal,
    /// Lowest notional, for both MIN_NOTIONAL and NOTIONAL.
    pub min_notional: Decimal,
    /// Highest notional (NOTIONAL).
    pub max_notional: Decimal,
    /// Whether the minimum is told as the older MIN_NOTIONAL filter instead of NOTIONAL.
    #[serde(default)]
    pub old_notional_filter: bool,
    /// PERCENT_PRICE_BY_SIDE, if any.
    #[serde(default)]
    pub price_band: Option<PriceBand>,
    /// MAX_NUM_ORDERS: open orders of an account on this symbol.
    pub max_num_orders: u32,
    /// MAX_POSITION of the base asset, if any.
    #[serde(default)]
    pub max_position: Option<Decimal>,
    /// Allowed self-trade prevention modes.
    pub allowed_stp: Vec<StpMode>,
    /// Mode of an order that names none.
    pub default_stp: StpMode,
}

/// Quote assets by which a symbol is split, longest first where one ends another.
const QUOTE_ASSETS: [&str; 14] = [
    "FDUSD", "USDT", "USDC", "TUSD", "BUSD", "BTC", "ETH", "BNB", "EUR", "TRY", "BRL", "JPY",
    "DAI", "USD",
];

impl SymbolRules {
    /// Whether the rules can be reckoned with: a grid for prices and one for quantities.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let grid = |size: Decimal| size > Decimal::ZERO && size.normalize().scale() <= 8;
        grid(self.tick_size) && grid(self.step_size)
    }

    /// Rules that suit a price and the number of decimals its prices and quantities use.
    ///
    /// `decimals` are (price, quantity), each at most 8.
    #[must_use]
    pub fn suited_to(symbol: &str, decimals: (u32, u32)) -> Self {
        let quote = QUOTE_ASSETS
            .iter()
            .find(|quote| symbol.len() > quote.len() && symbol.ends_with(**quote))
            .copied()
            .unwrap_or("USDT");
        let base = symbol.strip_suffix(quote).unwrap_or(symbol);
        let min_notional = match quote {
            "BTC" => Decimal::new(1, 4),
            "ETH" => Decimal::new(5, 3),
            "BNB" => Decimal::new(5, 2),
            _ => Decimal::from(5),
        };
        let tick_size = Decimal::new(1, decimals.0.min(8));
        let step_size = Decimal::new(1, decimals.1.min(8));
        Self {
            symbol: symbol.to_owned(),
            base_asset: base.to_owned(),
            quote_asset: quote.to_owned(),
            status: SymbolStatus::Trading,
            tick_size,
            min_price: tick_size,
            max_price: Decimal::from(1_000_000),
            step_size,
            min_quantity: step_size,
            max_quantity: Decimal::from(90_000_000),
            max_market_quantity: Decimal::from(9_000_000),
            min_notional,
            max_notional: Decimal::from(9_000_000),
            old_notional_filter: false,
            price_band: Some(PriceBand {
                bid_up: Decimal::from(5),
                bid_down: Decimal::new(2, 1),
                ask_up: Decimal::from(5),
                ask_down: Decimal::new(2, 1),
            }),
            max_num_orders: 200,
            max_position: None,
            allowed_stp: StpMode::ALL.to_vec(),
            default_stp: StpMode::ExpireMaker,
        }
    }
}
