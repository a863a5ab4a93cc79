//! Measures how long a commit takes on the embedded database: one after another, and 500 at once.
//!
//! `cargo run --release -p dynamo-store --example commit_latency`

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "this process measures with its own clock and prints what it found"
)]

use std::error::Error;
use std::time::{Duration, Instant};

use domain::{
    ExchangeOrderId, ExchangeTime, Level, LevelIndex, LocalTime, OrderNumber, Rung, Side, Source,
    Trade, TradeId,
};
use dynamo_store::{Durability, DynamoStore, EmbeddedDynamo};
use tokio::task::JoinSet;
use trading::{BookedAs, CommitOutcome, FillCommit, FillRecord, LevelStore};

type Failure = Box<dyn Error + Send + Sync>;

const COMMITS: u16 = 500;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    println!("{COMMITS} commits of a level and one fill; the burst has them all under way at once");
    measure("in memory", &EmbeddedDynamo::memory()?).await?;
    for (name, durability) in [
        ("on a file, safe from kill -9", Durability::Process),
        ("on a file, safe from power loss", Durability::PowerLoss),
    ] {
        let folder = tempfile::tempdir_in(".")?;
        measure(name, &EmbeddedDynamo::open(folder.path(), durability)?).await?;
    }
    Ok(())
}

async fn measure(name: &str, database: &EmbeddedDynamo) -> Result<(), Failure> {
    let store = DynamoStore::new(database.client(), "latency");
    store.create_table().await?;
    let levels = (0..COMMITS).map(level).collect::<Result<Vec<_>, _>>()?;
    for level in &levels {
        // A level exists before the first fill; the store has no other way to lay one alone.
        lay(&store, database, level).await?;
    }
    let mut took = Vec::new();
    for level in &levels {
        let started = Instant::now();
        commit(&store, level, 1).await?;
        took.push(started.elapsed());
    }
    took.sort();
    let at = |percent: usize| {
        let index = took.len().saturating_mul(percent).checked_div(100);
        index
            .and_then(|index| took.get(index))
            .copied()
            .unwrap_or_default()
    };
    let mut burst = JoinSet::new();
    let started = Instant::now();
    for mut level in levels {
        level.version = 2;
        let store = store.clone();
        burst.spawn(async move { commit(&store, &level, 2).await });
    }
    while let Some(ended) = burst.join_next().await {
        ended??;
    }
    let burst = started.elapsed();
    println!(
        "{name}: median {:?}, 99 % within {:?}; burst {:?}, {} a second",
        at(50),
        at(99),
        burst,
        per_second(burst)
    );
    Ok(())
}

fn per_second(burst: Duration) -> u128 {
    let commits = u128::from(COMMITS).saturating_mul(1_000_000);
    commits.checked_div(burst.as_micros()).unwrap_or_default()
}

fn level(index: u16) -> Result<Level, Failure> {
    let rung = Rung {
        buy_price: "3.1064".parse()?,
        sell_price: "3.1537".parse()?,
        quantity: "100".parse()?,
    };
    let bot = "latency".parse()?;
    let mut level = Level::new(bot, LevelIndex(index), &rung, LocalTime::from_millis(0));
    level.version = 1;
    Ok(level)
}

/// Puts a bare item that a level can be claimed over.
async fn lay(store: &DynamoStore, database: &EmbeddedDynamo, level: &Level) -> Result<(), Failure> {
    use aws_sdk_dynamodb::types::AttributeValue::{N, S};
    database
        .client()
        .put_item()
        .table_name("latency")
        .item("pk", S(format!("BOT#{}", level.bot)))
        .item("sk", S(format!("LEVEL#{:04}", level.index.0)))
        .item("fv", N("1".to_owned()))
        .item("v", N("0".to_owned()))
        .send()
        .await?;
    store.claim_intent(0, level).await?;
    Ok(())
}

async fn commit(store: &DynamoStore, level: &Level, no: u32) -> Result<(), Failure> {
    let mut after = level.clone();
    after.version = level.version.saturating_add(1);
    let fill = FillRecord {
        bot: level.bot.clone(),
        level: level.index,
        no: OrderNumber(no),
        side: Side::Buy,
        exchange_order_id: ExchangeOrderId(1),
        trade: Trade {
            id: TradeId(i64::from(no)),
            price: level.buy_price,
            quantity: level.quantity,
            quote: "310.64".parse()?,
            fee: None,
            maker: true,
            time: ExchangeTime::from_millis(0),
        },
        source: Source::Stream,
        booked_as: BookedAs::Next,
        by_recovery: false,
        caused: None,
        caused_order: None,
        received_at: LocalTime::from_millis(0),
        committed_at: LocalTime::from_millis(0),
    };
    let commit = FillCommit {
        expected_version: level.version,
        level: after,
        fills: vec![fill],
    };
    match store.commit_fill(&commit).await? {
        CommitOutcome::Committed => Ok(()),
        other @ (CommitOutcome::LevelChanged | CommitOutcome::AlreadyRecorded(_)) => {
            Err(format!("{other:?}").into())
        }
    }
}
