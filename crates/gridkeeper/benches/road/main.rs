//! How long the road takes: from the exchange writing a fill to its stream until the opposite order reaches it.
//!
//! Run with `cargo bench -p gridkeeper`. Everything runs as its own process on this machine: the simulated exchange
//! (this program again, with `exchange` as its argument), and one `gridkeeper up` for each durability. The bare client,
//! which keeps no record and only answers each fill with an order, is in this process. The exchange measures all of
//! them alike, one fill at a time and in turn, so that whatever else the machine does befalls all of them.
//!
//! It prints what it measured beside the aims and never fails for a slow machine.
#![expect(
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a bench prints what it found, its sums are of counts and microseconds, and JSON without a member reads as null"
)]

mod bare;
mod contestant;
mod exchange;
mod figures;

use std::error::Error;
use std::time::Duration;

use contestant::Up;
use exchange::Exchange;
use figures::{line, ratio};

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Fills measured for each contestant; the first few warm up and do not count.
const FILLS: usize = 300;
const WARM_UP: usize = 20;

/// Accounts of the burst, one bot of 50 levels each.
const ACCOUNTS: usize = 10;
const LEVELS: usize = 50;
const BURSTS: usize = 5;

/// Between two fills: the last one is settled by then.
const PAUSE: Duration = Duration::from_millis(12);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    if std::env::args().any(|argument| argument == "exchange") {
        return exchange::serve().await;
    }
    println!("load of the machine: {}", figures::load());
    latency(&Exchange::start().await?).await?;
    burst().await
}

/// One fill at a time, the contestants in turn.
async fn latency(exchange: &Exchange) -> Result<(), Failure> {
    let bare = bare::start(exchange).await?;
    let process = Up::start(exchange, "process", (1, &["PROUSDT"])).await?;
    let power_loss = Up::start(exchange, "power-loss", (2, &["POWUSDT"])).await?;
    let symbols = ["BARUSDT", "PROUSDT", "POWUSDT"];
    let mut samples = symbols.map(|_| Vec::new());
    for nth in 0..FILLS {
        for (symbol, samples) in symbols.iter().zip(&mut samples) {
            tokio::time::sleep(PAUSE).await;
            let took = exchange.one_fill(symbol, nth % 2 == 0).await?;
            if nth >= WARM_UP {
                samples.push(took);
            }
        }
    }
    bare.abort();
    let [bare, process_us, power_us] = samples;
    println!(
        "\nfill written by the exchange to opposite order received, {} each",
        FILLS - WARM_UP
    );
    println!("{}", line("bare client, no store", &bare));
    println!("{}", line("up, safe from kill -9", &process_us));
    println!("{}", line("up, safe from power loss", &power_us));
    println!("times the bare client (aim: median 5, p99 10)");
    println!("  safe from kill -9:     {}", ratio(&process_us, &bare));
    println!("  safe from power loss:  {}", ratio(&power_us, &bare));
    for (name, up) in [("kill -9", &process), ("power loss", &power_loss)] {
        println!(
            "  processor time of `up`, safe from {name}: {}",
            up.per_fill(FILLS)?
        );
    }
    Ok(())
}

/// Every level of every account at once.
async fn burst() -> Result<(), Failure> {
    let fills = ACCOUNTS * LEVELS;
    println!(
        "\nburst of {fills} fills, {ACCOUNTS} accounts of {LEVELS} levels (aim: 400 orders a second)"
    );
    for durability in ["process", "power-loss"] {
        // Each with an exchange of its own: request weight counts for a minute.
        let exchange = Exchange::start().await?;
        let symbol = "BTCUSDT";
        let up = Up::start(&exchange, durability, (0, &[symbol; ACCOUNTS])).await?;
        let mut rates = Vec::new();
        for nth in 0..BURSTS {
            let took = exchange.all_fills(symbol, nth % 2 == 0, fills).await?;
            rates.push(u64::try_from(fills)? * 1_000_000 / took.max(1));
        }
        println!(
            "  {durability}: {rates:?} orders a second; {}",
            up.per_fill(fills * BURSTS)?
        );
        println!("  memory at most {} (aim: 80 MB)", up.memory()?);
    }
    Ok(())
}
