//! A seeded price walk, for runs without a tape.
//!
//! Entry point: [`Walk::new`]. The same seed gives the same prints. Steps are whole ticks and the price stays between
//! half and twice its start. Never ends by itself.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::model::SymbolRules;
use crate::tape::Print;

/// An endless sequence of prints.
#[derive(Debug)]
pub struct Walk {
    random: ChaCha8Rng,
    rules: SymbolRules,
    ticks: i64,
    start_ticks: i64,
    time_ms: i64,
    interval_ms: i64,
    /// Largest step, in ticks.
    stride: i64,
    /// Largest print, in quantity steps.
    largest: i64,
}

impl Walk {
    /// A walk from `start_price`, one print each `interval_ms`, each moving at most 0.1 % (at least one tick).
    #[must_use]
    pub fn new(seed: u64, rules: &SymbolRules, start_price: Decimal, interval_ms: u32) -> Self {
        let whole =
            |value: Option<Decimal>| value.and_then(|value| value.to_i64()).unwrap_or(1).max(1);
        let start_ticks = whole(start_price.checked_div(rules.tick_size));
        // A print is worth up to twenty times the smallest order, so that orders fill in one or in several.
        let smallest = rules
            .min_notional
            .checked_div(start_price)
            .unwrap_or(rules.min_quantity);
        let smallest = whole(
            smallest
                .max(rules.min_quantity)
                .checked_div(rules.step_size),
        );
        Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            rules: rules.clone(),
            ticks: start_ticks,
            start_ticks,
            time_ms: 0,
            interval_ms: i64::from(interval_ms),
            stride: (start_ticks / 1000).max(1),
            largest: smallest.saturating_mul(20),
        }
    }
}

impl Iterator for Walk {
    type Item = Print;

    fn next(&mut self) -> Option<Print> {
        let step = self.random.random_range(-self.stride..=self.stride);
        self.ticks = (self.ticks + step).clamp(
            (self.start_ticks / 2).max(1),
            self.start_ticks.saturating_mul(2),
        );
        let quantity = self.random.random_range(1..=self.largest);
        self.time_ms = self.time_ms.saturating_add(self.interval_ms);
        Some(Print {
            time_ms: self.time_ms,
            price: Decimal::from(self.ticks) * self.rules.tick_size,
            quantity: Decimal::from(quantity) * self.rules.step_size,
        })
    }
}
