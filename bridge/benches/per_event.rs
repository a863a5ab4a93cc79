//! How much processor time one report costs, from the bytes of its frame to the batch for the
//! queue. Ends with an error when it is more than the goal.
//!
//! Run with `cargo bench -p bridge`.

use std::time::Duration;

use binance::Credentials;
use binance::stream::Subscriptions;
use bridge::{AccountsRead, BridgeState, Config, ConnectionId, Effect, Input, Moment, apply_event};
use domain::{AccountId, LocalTime};
use trading::{AccountRecord, Breaker, Environment, SealedKey, StreamState};

/// What one report may cost.
const GOAL: Duration = Duration::from_micros(100);

const ACCOUNTS: usize = 1_000;
const ROUNDS: usize = 20;
const EVENTS: usize = 10_000;

fn main() -> Result<(), String> {
    let ours = include_str!("../testdata/execution_report.json").trim();
    let foreign = ours.replace("gk-bot1-7-3", "web_0123456789abcdef");
    let ours = measure("a fill of one of our orders", ours)?;
    let foreign = measure("a fill of somebody else's", &foreign)?;
    if ours.max(foreign) > GOAL {
        return Err(format!("slower than the goal of {GOAL:?}"));
    }
    Ok(())
}

/// The median over several rounds of the time per event.
fn measure(what: &str, frame: &str) -> Result<Duration, String> {
    let mut subscriptions = subscribed()?;
    let mut bridge = running()?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let started = tokio::time::Instant::now();
        for _ in 0..EVENTS {
            take(&mut subscriptions, &mut bridge, frame);
        }
        let events = u32::try_from(EVENTS).map_err(|error| error.to_string())?;
        rounds.push(started.elapsed().checked_div(events).unwrap_or_default());
    }
    rounds.sort_unstable();
    let median = rounds
        .get(ROUNDS / 2)
        .copied()
        .ok_or("nothing was measured")?;
    let counters = bridge.counters();
    let seen = counters.forwarded.saturating_add(counters.not_ours);
    if seen != u64::try_from(ROUNDS.saturating_mul(EVENTS)).unwrap_or_default() {
        return Err(format!("only {seen} events were taken: {counters:?}"));
    }
    report(&format!(
        "{what}: {median:?} (goal {GOAL:?}, {ACCOUNTS} accounts)"
    ));
    Ok(median)
}

fn take(subscriptions: &mut Subscriptions, bridge: &mut BridgeState, frame: &str) {
    for event in subscriptions.take(frame.as_bytes(), LocalTime::from_millis(0)) {
        let connection = ConnectionId(1);
        step(bridge, Input::Stream { connection, event });
    }
}

/// Applies an input and everything that an outside that always works would answer.
fn step(bridge: &mut BridgeState, input: Input) {
    let now = Moment {
        wall: LocalTime::from_millis(1_790_000_000_000),
        elapsed: Duration::from_secs(1),
        jitter: 0,
    };
    for effect in apply_event(bridge, now, input) {
        if let Effect::Send(batch) = effect {
            let outcomes = vec![Ok(()); batch.len()];
            let follow = apply_event(bridge, now, Input::Sent(outcomes));
            std::hint::black_box(follow);
        }
    }
}

/// A connection with one confirmed subscription, number 3.
fn subscribed() -> Result<Subscriptions, String> {
    let key = Credentials::hmac("key", "secret").map_err(|error| error.to_string())?;
    let mut subscriptions = Subscriptions::default();
    subscriptions.subscribe(&account(0)?, &key, LocalTime::from_millis(0));
    let confirmed = br#"{"id":"r1","status":200,"result":{"subscriptionId":3}}"#;
    subscriptions.take(confirmed, LocalTime::from_millis(0));
    Ok(subscriptions)
}

fn running() -> Result<BridgeState, String> {
    let mut bridge = BridgeState::new(Config::new("bench", 0).with_address("ws://bench"));
    let records = AccountsRead {
        readable: (0..ACCOUNTS).map(record).collect::<Result<_, _>>()?,
        unreadable: Vec::new(),
        heartbeats: Ok(Vec::new()),
    };
    step(&mut bridge, Input::Accounts(Ok(records)));
    Ok(bridge)
}

fn account(number: usize) -> Result<AccountId, String> {
    format!("account-{number}")
        .parse()
        .map_err(|error: domain::IdError| error.to_string())
}

fn record(number: usize) -> Result<AccountRecord, String> {
    Ok(AccountRecord {
        id: account(number)?,
        environment: Environment::Simulated,
        stream_key: SealedKey {
            api_key: "key".to_owned(),
            kind: "hmac".to_owned(),
            sealed: "sealed".to_owned(),
        },
        breaker: Breaker::Closed,
        stream: StreamState::Never,
        stream_wanted_since: None,
        created_at: LocalTime::from_millis(0),
        version: 1,
    })
}

#[expect(
    clippy::print_stdout,
    reason = "a benchmark's result is what it prints"
)]
fn report(line: &str) {
    println!("{line}");
}
