//! Prices of the market for whoever watches: one light question per symbol and few seconds, shared by all
//! pages, and none while nobody looks.
//!
//! A question costs two of the exchange's request weight (`ticker/bookTicker` of one symbol); at most one is
//! under way at a time, so that all of them cost at most two a second.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use binance::RestAddress;
use domain::{BestPrices, LocalTime, Price, Symbol};
use rust_decimal::Decimal;
use tokio::task::JoinSet;
use tokio::time::Instant;
use trading::Environment;

use super::rows::PriceRow;
use crate::home::Home;

/// How often the price of a watched bot's symbol is asked for.
const WATCHED_EVERY: Duration = Duration::from_secs(2);

/// The same where the exchange is simulated, on this machine.
const SIMULATED_EVERY: Duration = Duration::from_millis(500);

/// The same of a symbol that is only valued in the overview.
const VALUED_EVERY: Duration = Duration::from_secs(30);

/// Between two questions of any kind.
const BETWEEN: Duration = Duration::from_secs(1);

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a symbol trades.
pub(super) type Market = (Environment, Symbol);

/// What is known of prices.
#[derive(Debug, Default)]
pub(super) struct Prices {
    addresses: BTreeMap<Environment, Arc<RestAddress>>,
    known: BTreeMap<Market, PriceRow>,
    asked: BTreeMap<Market, Instant>,
    last_asked: Option<Instant>,
    asking: JoinSet<(Market, Option<BestPrices>)>,
}

impl Prices {
    /// The last known price of a market.
    pub(super) fn get(&self, market: &Market) -> Option<&PriceRow> {
        self.known.get(market)
    }

    /// Whether an answer is waited for.
    pub(super) fn is_asking(&self) -> bool {
        !self.asking.is_empty()
    }

    /// Takes note of a trade of our own. Says whether it is news.
    pub(super) fn traded(&mut self, market: &Market, at: i64, price: Price) -> bool {
        let newer = self.known.get(market).is_none_or(|known| known.at < at);
        if newer {
            let row = PriceRow {
                price,
                bid: None,
                ask: None,
                at,
                from: "fill",
            };
            self.known.insert(market.clone(), row);
        }
        newer
    }

    /// Takes what was answered meanwhile; gives the markets with news.
    pub(super) fn answered(&mut self, now: LocalTime) -> Vec<Market> {
        let mut news = Vec::new();
        while let Some(answer) = self.asking.try_join_next() {
            let Ok((market, Some(prices))) = answer else {
                continue;
            };
            let Some(price) = middle(prices) else {
                continue;
            };
            let row = PriceRow {
                price,
                bid: Some(prices.bid),
                ask: Some(prices.ask),
                at: now.as_millis(),
                from: "exchange",
            };
            let same = self.known.get(&market).is_some_and(|known| {
                (known.bid, known.ask, known.from) == (row.bid, row.ask, row.from)
            });
            self.known.insert(market.clone(), row);
            if !same {
                news.push(market);
            }
        }
        news
    }

    /// Asks for the price that is due the longest, if any is.
    pub(super) fn ask(&mut self, home: &Home, markets: &BTreeMap<Market, bool>) {
        let now = Instant::now();
        let simulated = markets
            .keys()
            .all(|(environment, _)| *environment == Environment::Simulated);
        let between = if simulated { SIMULATED_EVERY } else { BETWEEN };
        let rested = self
            .last_asked
            .is_none_or(|last| now.duration_since(last) >= between);
        if !rested || !self.asking.is_empty() {
            return;
        }
        let due = markets.iter().filter_map(|(market, watched)| {
            let every = match (watched, market.0) {
                (true, Environment::Simulated) => SIMULATED_EVERY,
                (true, _) => WATCHED_EVERY,
                (false, _) => VALUED_EVERY,
            };
            let Some(asked) = self.asked.get(market) else {
                return Some((Duration::MAX, market));
            };
            let late = now.duration_since(*asked).checked_sub(every)?;
            Some((late, market))
        });
        let Some((_, market)) = due.max_by_key(|(late, _)| *late) else {
            return;
        };
        let market = market.clone();
        self.last_asked = Some(now);
        self.asked.insert(market.clone(), now);
        let address = match self.addresses.get(&market.0) {
            Some(address) => Arc::clone(address),
            None => match home.exchanges().address(market.0) {
                Ok(address) => {
                    self.addresses.insert(market.0, Arc::clone(&address));
                    address
                }
                Err(error) => {
                    tracing::debug!(%error, "no price is asked for");
                    return;
                }
            },
        };
        self.asking.spawn(async move {
            let asked = tokio::time::timeout(PATIENCE, address.best_prices(&market.1));
            let answer = asked.await.ok().and_then(Result::ok);
            (market, answer)
        });
    }
}

fn middle(prices: BestPrices) -> Option<Price> {
    let sum = prices.bid.decimal().checked_add(prices.ask.decimal())?;
    Price::new(sum.checked_div(Decimal::TWO)?.round_dp(8)).ok()
}
