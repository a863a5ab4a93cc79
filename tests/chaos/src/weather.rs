//! What goes wrong at the exchange by command, beside the faults it makes by itself.
//!
//! Start at [`trouble`].

use std::time::Duration;

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::exchange::Exchange;
use crate::market::SYMBOL;
use crate::tally::Tally;

/// The longest quiet, ms.
const QUIET_MS: u64 = 2_500;

/// How far the exchange's clock is off at most, ms. Twice that is the largest jump, and a lease bears one of 6 s: it
/// lasts 30 s and has to outlast 24.
const CLOCK_MS: i64 = 2_000;

/// Troubles the exchange until it is dropped, or until it does not answer.
pub(crate) async fn trouble(
    exchange: &Exchange,
    tally: &Tally,
    mut random: ChaCha8Rng,
) -> anyhow::Result<()> {
    loop {
        let quiet = random.random_range(100..QUIET_MS);
        sleep(Duration::from_millis(quiet)).await;
        let (name, what, command) = draw(&mut random);
        exchange.post(what, &command).await?;
        tally.count(name);
    }
}

fn draw(random: &mut ChaCha8Rng) -> (&'static str, &'static str, Value) {
    match random.random_range(0..8) {
        0 | 1 => {
            let offset = random.random_range(-CLOCK_MS..=CLOCK_MS);
            let command = json!({ "do": "clock", "offsetMs": offset });
            ("clock changes", "control", command)
        }
        2 => (
            "streams terminated",
            "control",
            json!({ "do": "terminateStreams" }),
        ),
        3 => ("streams dropped", "control", json!({ "do": "dropStreams" })),
        4 => {
            let command =
                json!({ "do": "freezeStreams", "forMs": random.random_range(200..4_000) });
            ("streams frozen", "control", command)
        }
        5 => {
            let command =
                json!({ "do": "silenceStreams", "forMs": random.random_range(200..4_000) });
            ("streams silenced", "control", command)
        }
        6 => {
            let command =
                json!({ "do": "shutDownStreams", "afterMs": random.random_range(100..2_000) });
            ("streams shut down", "control", command)
        }
        _ => {
            // From now on an order fills in trades of at most so much.
            let largest = format!("0.{:05}", random.random_range(20..150));
            let command = json!({
                "do": "outside", "symbol": SYMBOL, "spreadTicks": 1, "maxTradeQuantity": largest,
            });
            ("trades split", "market", command)
        }
    }
}
