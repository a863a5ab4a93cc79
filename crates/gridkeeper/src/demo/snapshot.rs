//! One look at a running demo, taken from the store and from the flow of happenings.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use domain::{Asset, Level, Price, Quantity, QuoteAmount, floating_profit};

use crate::node::Happening;

/// How many of the last happenings are kept.
const LAST: usize = 64;

/// How many of the last prices are kept for the chart.
const PRICES: usize = 600;

/// What the screen shows.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The symbol.
    pub symbol: String,
    /// Its quote asset.
    pub quote: String,
    /// How long the run has lasted.
    pub elapsed: Duration,
    /// The address of its dashboard.
    pub dashboard: Option<String>,
    /// What the run is doing, in words.
    pub phase: String,
    /// The last price.
    pub price: Option<Price>,
    /// The last prices, oldest first.
    pub prices: VecDeque<Price>,
    /// The first bot's levels, lowest first.
    pub levels: Vec<Level>,
    /// How many bots there are.
    pub bots: usize,
    /// Sums over all bots.
    pub totals: Totals,
    /// The last happenings, newest first.
    pub flow: VecDeque<Happening>,
    /// Faults made by the exchange so far.
    pub faults: u64,
    /// Milliseconds from a completing report to its opposite order: half of them are below this.
    pub reaction_p50_ms: Option<String>,
}

/// Sums over all levels of all bots.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// Levels.
    pub levels: usize,
    /// Levels with an order at the exchange.
    pub open: usize,
    /// Fills booked.
    pub booked: u64,
    /// Completed buy-and-sell pairs.
    pub round_trips: u64,
    /// Realized profit.
    pub realized: QuoteAmount,
    /// Floating profit at the last price.
    pub floating: QuoteAmount,
    /// Fees by asset.
    pub fees: BTreeMap<Asset, Quantity>,
}

impl Totals {
    /// Adds up levels, valuing what they hold at `price`.
    #[must_use]
    pub fn of<'a>(levels: impl IntoIterator<Item = &'a Level>, price: Option<Price>) -> Self {
        let mut totals = Self::default();
        for level in levels {
            totals.levels = totals.levels.saturating_add(1);
            let open = level
                .order
                .as_ref()
                .is_some_and(|order| order.state == domain::OrderState::Open);
            totals.open = totals.open.saturating_add(usize::from(open));
            totals.round_trips = totals
                .round_trips
                .saturating_add(u64::from(level.round_trips));
            let realized = totals.realized.checked_add(level.realized_profit);
            totals.realized = realized.unwrap_or(totals.realized);
            let floating = price
                .and_then(|price| floating_profit(level, price))
                .and_then(|floating| totals.floating.checked_add(floating));
            totals.floating = floating.unwrap_or(totals.floating);
            for (asset, paid) in &level.fees {
                let sum = totals.fees.entry(asset.clone()).or_insert(Quantity::ZERO);
                *sum = sum.checked_add(*paid).unwrap_or(*sum);
            }
        }
        totals
    }
}

impl Snapshot {
    /// Takes note of something that happened.
    pub fn push(&mut self, happening: Happening) {
        self.flow.push_front(happening);
        self.flow.truncate(LAST);
    }

    /// Takes note of a price.
    pub fn push_price(&mut self, price: Price) {
        self.price = Some(price);
        self.prices.push_back(price);
        if self.prices.len() > PRICES {
            self.prices.pop_front();
        }
    }
}
