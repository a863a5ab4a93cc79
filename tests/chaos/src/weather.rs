//! What goes wrong at the exchange by command, beside the faults it makes by itself.
//!
//! Start at [`trouble`].

use std::time::Duration;

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::bag::Bag;
use crate::exchange::Exchange;
use crate::market::SYMBOL;
use crate::tally::Tally;

/// The longest quiet, ms.
const QUIET_MS: u64 = 2_500;

/// How far the exchange's clock is off at most, ms. Twice that is the largest jump, and a lease bears one of 6 s: it
/// lasts 30 s and has to outlast 24.
const CLOCK_MS: i64 = 2_000;

/// A change of the exchange's clock.
const CLOCK: &str = "clock changes";

/// What it does, by the names it is counted under; clocks twice as often.
pub(crate) const KINDS: [&str; 8] = [
    CLOCK,
    CLOCK,
    "streams terminated",
    "streams dropped",
    "streams frozen",
    "streams silenced",
    "streams shut down",
    "trades split",
];

/// Troubles the exchange until it is dropped, or until it does not answer.
pub(crate) async fn trouble(
    exchange: &Exchange,
    tally: &Tally,
    mut random: ChaCha8Rng,
) -> anyhow::Result<()> {
    let mut kinds = Bag::of(KINDS);
    loop {
        let quiet = random.random_range(100..QUIET_MS);
        sleep(Duration::from_millis(quiet)).await;
        let kind = kinds.draw(&mut random);
        let (what, command) = command(kind, &mut random);
        exchange.post(what, &command).await?;
        tally.count(kind);
    }
}

/// The call and its body for one of [`KINDS`].
fn command(kind: &str, random: &mut ChaCha8Rng) -> (&'static str, Value) {
    let mut ms = |longest| random.random_range(200..longest);
    let command = match kind {
        CLOCK => {
            let offset = random.random_range(-CLOCK_MS..=CLOCK_MS);
            json!({ "do": "clock", "offsetMs": offset })
        }
        "streams terminated" => json!({ "do": "terminateStreams" }),
        "streams dropped" => json!({ "do": "dropStreams" }),
        "streams frozen" => json!({ "do": "freezeStreams", "forMs": ms(4_000) }),
        "streams silenced" => json!({ "do": "silenceStreams", "forMs": ms(4_000) }),
        "streams shut down" => json!({ "do": "shutDownStreams", "afterMs": ms(2_000) }),
        _ => {
            // From now on an order fills in trades of at most so much.
            let largest = format!("0.{:05}", random.random_range(20..150));
            let command = json!({
                "do": "outside", "symbol": SYMBOL, "spreadTicks": 1, "maxTradeQuantity": largest,
            });
            return ("market", command);
        }
    };
    ("control", command)
}
