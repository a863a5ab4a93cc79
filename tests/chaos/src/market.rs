//! The outside market: a tape of prices that swing through every grid and back, for as long as things go wrong.
//!
//! Start at [`write_tape`]. It goes on while nobody trades: what is missed then is what recovery is for.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

/// The symbol everything is traded in.
pub const SYMBOL: &str = "BTCUSDT";

/// Below the lowest and above the highest line of any bot.
const TURNING_POINTS: (i64, i64) = (56_300, 63_200);

/// Here it ends: on no line. On a line a grid's own order would be the best offer, and whoever asks for more than it
/// has would trade with himself.
pub const MIDDLE: i64 = 60_100;

/// Between two trades.
const BETWEEN_MS: u64 = 25;

/// The farthest from one trade to the next: less than the distance of two lines of the narrowest grid.
const STEP: i64 = 140;

/// Turns around before a turning point once in so many trades.
const TURN: u32 = 80;

/// The first trade's time. Only differences count.
const START_MS: u64 = 1_760_000_000_000;

/// Long after everything: the market stays open while the system comes to rest.
const CLOSE_MS: u64 = START_MS + 24 * 3_600_000;

/// Writes the tape of a run; gives its number of trades but the last, after which prices stand still.
///
/// # Errors
/// When the file cannot be written.
pub fn write_tape(path: &Path, random: &mut ChaCha8Rng, length: Duration) -> anyhow::Result<u64> {
    let length_ms = u64::try_from(length.as_millis())?;
    let mut tape = String::new();
    let mut trades = 0;
    let mut trade = |at_ms: u64, price: &str, quantity: &str| {
        trades += 1;
        writeln!(
            tape,
            "{trades},{price},{quantity},{trades},{trades},{at_ms},False,True"
        )
    };
    // The first one also says how many decimals prices and quantities have.
    trade(START_MS, "60000.01", "0.00001")?;
    let (mut price, mut direction) = (MIDDLE, -1);
    for at_ms in (BETWEEN_MS..length_ms).step_by(usize::try_from(BETWEEN_MS)?) {
        price += direction * random.random_range(STEP / 7..=STEP);
        if price <= TURNING_POINTS.0 {
            direction = 1;
        } else if price >= TURNING_POINTS.1 {
            direction = -1;
        } else if random.random_ratio(1, TURN) {
            direction = -direction;
        }
        // Large enough to fill whatever it crosses: no market passes by a better price that rests.
        trade(START_MS + at_ms, &format!("{price}.00"), "10.00000")?;
    }
    let middle = format!("{MIDDLE}.00");
    trade(START_MS + length_ms, &middle, "10.00000")?;
    let before_the_end = trades;
    writeln!(
        tape,
        "{0},{middle},0.00001,{0},{0},{CLOSE_MS},False,True",
        before_the_end + 1
    )?;
    std::fs::write(path, tape).with_context(|| format!("{} not written", path.display()))?;
    Ok(before_the_end)
}
