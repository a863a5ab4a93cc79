//! The outside market: prices that swing through the whole grid and back, until told to stop.
//!
//! Start at [`swing`]. It goes on while nobody trades: what is missed then is what recovery is for.

use std::time::Duration;

use rand::Rng as _;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use tokio::sync::watch;

use super::stage::{Exchange, SYMBOL};

/// Below the lowest and above the highest line.
pub(crate) const TURNING_POINTS: (i64, i64) = (57_900, 62_100);

/// Here it starts and ends: between two lines. On a line the grid's own order would be the best offer, and whoever
/// asks for more than it has would trade with himself.
pub(crate) const MIDDLE: i64 = 60_100;

/// Between two trades: about a third of the distance of two lines.
const STEP: i64 = 70;

/// The pace of the market. Nothing waits for it.
const BETWEEN: Duration = Duration::from_millis(20);

/// Trades until `stop`, then once more in the middle.
pub(crate) async fn swing(exchange: Exchange, seed: u64, mut stop: watch::Receiver<bool>) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut pace = tokio::time::interval(BETWEEN);
    let (mut price, mut step) = (MIDDLE, -STEP);
    loop {
        tokio::select! {
            stopped = stop.wait_for(|stop| *stop) => {
                stopped.unwrap();
                break;
            }
            _ = pace.tick() => {}
        }
        price += step;
        if price <= TURNING_POINTS.0 || price >= TURNING_POINTS.1 {
            step = -step;
        }
        if random.random_ratio(1, 10) {
            split(&exchange, random.random_range(20..150)).await;
        }
        print(&exchange, price).await;
    }
    print(&exchange, MIDDLE).await;
}

/// From now on an order fills in trades of at most so many steps of quantity.
async fn split(exchange: &Exchange, steps: u32) {
    let largest = format!("0.{steps:05}");
    let outside = json!({
        "do": "outside", "symbol": SYMBOL, "spreadTicks": 1, "maxTradeQuantity": largest,
    });
    exchange.post("market", &outside).await;
}

/// A trade large enough to fill whatever it crosses: no market passes by a better price that rests.
async fn print(exchange: &Exchange, price: i64) {
    let trade = json!({
        "do": "print", "symbol": SYMBOL, "price": price.to_string(), "quantity": "10",
    });
    exchange.post("market", &trade).await;
}
