//! Replays: in step, in order, to the end; and how quick the whole is.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use exchange_simulator::audit::LadderSlot;
use exchange_simulator::faults::{FaultKind, FaultPlan};
use exchange_simulator::{
    Control, LimitsConfig, PriceSource, RunPhase, Simulator, SimulatorConfig, SimulatorError,
    Speed, StartWhen, Timing,
};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::client::{Client, Stream, manual, started};
use crate::model::dec;

#[expect(clippy::disallowed_methods, reason = "a test owns its process's clock")]
fn now() -> Instant {
    Instant::now()
}

fn tape(folder: &tempfile::TempDir, prices: &[&str]) -> PathBuf {
    let path = folder.path().join("BTCUSDT-aggTrades.csv");
    let lines: Vec<String> = prices
        .iter()
        .enumerate()
        .map(|(index, price)| {
            format!(
                "{index},{price},5.00001,1,1,{},True,True",
                1_570_752_000_000_u64 + index as u64 * 1_000
            )
        })
        .collect();
    std::fs::write(&path, lines.join("\n")).unwrap();
    path
}

fn config(path: &Path) -> SimulatorConfig {
    SimulatorConfig {
        speed: Speed::Max,
        start: StartWhen::OnCommand,
        timing: Timing {
            drain_quiet_ms: 200,
            drain_limit_ms: 600,
            ..Timing::default()
        },
        limits: LimitsConfig {
            lifted: true,
            ..LimitsConfig::default()
        },
        ..SimulatorConfig::tape(path)
    }
}

/// A bot of one level: answers each completed order with its opposite, until it has been told of `last` completions.
async fn one_level(client: &Client, stream: &mut Stream, last: usize) {
    client.limit("gk-t-1-1", "BUY", "100", "0.5").await;
    for _ in 0..last {
        let report = loop {
            let report = stream.report("TRADE").await;
            if report["X"] == "FILLED" {
                break report;
            }
        };
        let number: u64 = report["c"]
            .as_str()
            .unwrap()
            .rsplit_once('-')
            .unwrap()
            .1
            .parse()
            .unwrap();
        // What was bought, less the fee: a level must not sell more than it holds.
        let (side, price, quantity) = if report["S"] == "BUY" {
            ("SELL", "110", "0.4995")
        } else {
            ("BUY", "100", "0.5")
        };
        let id = format!("gk-t-1-{}", number + 1);
        let (status, body) = client.limit(&id, side, price, quantity).await;
        assert_eq!(status, 200, "{body}");
    }
}

fn ladder() -> Vec<LadderSlot> {
    vec![LadderSlot {
        slot: "gk-t-1".into(),
        symbol: "BTCUSDT".into(),
        buy_price: dec("100"),
        sell_price: dec("110"),
        quantity: dec("0.5"),
        held_reason: None,
        sold_off: false,
    }]
}

#[tokio::test]
async fn in_step_no_completed_order_is_overtaken() {
    let folder = tempfile::tempdir().unwrap();
    // Every print completes the order that the one before asked for: any print too early would break the chain.
    let prices: Vec<&str> = ["105"]
        .into_iter()
        .chain(["99", "111"].into_iter().cycle().take(40))
        .collect();
    let (simulator, client) = started(config(&tape(&folder, &prices))).await;
    let mut stream = client.subscribed().await;
    let bot = async {
        one_level(&client, &mut stream, 40).await;
    };
    let run = async {
        while simulator.stats().counts.placed == 0 {
            tokio::task::yield_now().await;
        }
        simulator.start_prices();
        simulator.wait_finished().await.unwrap();
    };
    tokio::join!(bot, run);
    let report = simulator.audit(&ladder());
    assert!(report.is_clean(), "{report:?}");
    assert_eq!((report.completed_orders, report.round_trips), (40, 20));
    let stats = simulator.stats();
    assert_eq!((stats.overdue, stats.prints), (0, 41));
    assert_eq!(
        stats.reaction_us.len(),
        40,
        "one sample for each completion that was answered"
    );
    assert!(stats.finished && !stats.reaction_us.iter().any(|us| *us > 5_000_000));
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_silent_system_is_waited_for_once_and_audited_as_missing() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(&tape(&folder, &["105", "99", "98", "97"]));
    config.timing.step_wait_ms = 300;
    let (simulator, client) = started(config).await;
    client.limit("gk-t-1-1", "BUY", "100", "0.5").await;
    let begun = now();
    simulator.start_prices();
    simulator.wait_finished().await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(300));
    let stats = simulator.stats();
    assert_eq!((stats.overdue, stats.owing), (1, vec!["gk-t-1".to_owned()]));
    assert_eq!(simulator.audit(&ladder()).missing, 1);
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_refused_order_ends_the_wait() {
    let folder = tempfile::tempdir().unwrap();
    let (simulator, client) = started(config(&tape(&folder, &["105", "99", "98", "97"]))).await;
    let mut stream = client.subscribed().await;
    client.limit("gk-t-1-1", "BUY", "100", "0.5").await;
    simulator.start_prices();
    assert_eq!(stream.report("TRADE").await["X"], "FILLED");
    let (status, _) = client
        .limit("gk-t-1-2", "SELL", "110.000000001", "0.499")
        .await;
    assert_eq!(status, 400);
    simulator.wait_finished().await.unwrap();
    let overdue = simulator.stats().overdue;
    assert_eq!(overdue, 0, "nobody waits for a refused level");
    simulator.shutdown().await;
}

#[tokio::test]
async fn faults_end_with_the_tape() {
    let folder = tempfile::tempdir().unwrap();
    let config = SimulatorConfig {
        faults: FaultPlan::none().rate(FaultKind::ServerErrorBefore, 1_000_000),
        ..config(&tape(&folder, &["105", "104"]))
    };
    let (simulator, client) = started(config).await;
    assert_eq!(client.limit("x-1", "BUY", "100", "0.5").await.0, 502);
    simulator.start_prices();
    simulator.wait_finished().await.unwrap();
    assert_eq!(client.limit("x-1", "BUY", "100", "0.5").await.0, 200);
    assert_eq!(simulator.stats().phase, RunPhase::Finished);
    simulator.shutdown().await;
}

#[tokio::test]
async fn prices_keep_their_pace_and_their_start() {
    let folder = tempfile::tempdir().unwrap();
    let config = SimulatorConfig {
        speed: "10".parse().unwrap(),
        start: StartWhen::AfterFirstOrders,
        timing: Timing {
            start_quiet_ms: 50,
            drain_quiet_ms: 50,
            ..Timing::default()
        },
        ..config(&tape(&folder, &["105", "104", "103", "102"]))
    };
    let (simulator, client) = started(config).await;
    assert_eq!(simulator.stats().phase, RunPhase::Waiting);
    let begun = now();
    client.limit("x-1", "BUY", "100", "0.5").await;
    simulator.wait_finished().await.unwrap();
    // Three seconds of tape, ten times as fast.
    assert!(
        begun.elapsed() >= Duration::from_millis(300),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(simulator.stats().prints, 4);
    simulator.shutdown().await;
}

#[tokio::test]
async fn the_same_seed_gives_the_same_walk() {
    let mut runs = Vec::new();
    for seed in [5, 5, 6] {
        let prices = PriceSource::Walk {
            seed,
            start_price: dec("60000"),
            interval_ms: 100,
            prints: Some(500),
        };
        let config = SimulatorConfig {
            prices,
            ..config(Path::new("unused"))
        };
        let (simulator, _) = started(config).await;
        simulator.start_prices();
        simulator.wait_finished().await.unwrap();
        runs.push(simulator.stats().last_price);
        simulator.shutdown().await;
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test]
async fn a_bad_start_says_why() {
    let (simulator, _) = manual().await;
    let again = SimulatorConfig {
        listen: simulator.address(),
        ..SimulatorConfig::default()
    };
    let error = Simulator::start(again).await.unwrap_err();
    assert!(matches!(error, SimulatorError::Listen { .. }), "{error}");
    assert!(
        error.to_string().contains(&simulator.address().to_string()),
        "{error}"
    );
    simulator.shutdown().await;
    let open = SimulatorConfig {
        listen: "0.0.0.0:0".parse().unwrap(),
        ..SimulatorConfig::default()
    };
    assert!(matches!(
        Simulator::start(open).await,
        Err(SimulatorError::NotLoopback(_))
    ));
    let folder = tempfile::tempdir().unwrap();
    let path = tape(&folder, &["105", "abc"]);
    let error = Simulator::start(SimulatorConfig::tape(&path))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("BTCUSDT-aggTrades.csv, line 2") && error.contains("'abc'"),
        "{error}"
    );
    for bad in ["fast", "0", "-1", "+1", "1_0", "1e3"] {
        assert!(bad.parse::<Speed>().unwrap_err().contains(bad));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_of_many_senders_at_once_are_all_taken() {
    let limits = LimitsConfig {
        lifted: true,
        ..LimitsConfig::default()
    };
    let (simulator, client) = started(SimulatorConfig {
        limits,
        ..SimulatorConfig::default()
    })
    .await;
    let mut senders = tokio::task::JoinSet::new();
    for sender in 0..8 {
        let client = client.clone();
        senders.spawn(async move {
            for number in 0..125 {
                let (status, body) = client
                    .limit(&format!("gk-{sender}-{number}-1"), "BUY", "61000", "0.001")
                    .await;
                assert_eq!(
                    (status, &body["status"]),
                    (200, &Value::from("FILLED")),
                    "{body}"
                );
            }
        });
    }
    while let Some(sent) = senders.join_next().await {
        sent.unwrap();
    }
    let counts = simulator.stats().counts;
    assert_eq!((counts.filled, counts.refused), (1_000, 0));
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_long_tape_on_which_nothing_fills_waits_for_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let prices: Vec<&str> = ["105", "106"].into_iter().cycle().take(12_000).collect();
    let (simulator, client) = started(config(&tape(&folder, &prices))).await;
    client.limit("gk-t-1-1", "BUY", "100", "0.5").await;
    simulator.start_prices();
    simulator.wait_finished().await.unwrap();
    let stats = simulator.stats();
    assert_eq!((stats.overdue, stats.prints), (0, 12_000));
    assert_eq!(stats.last_price, Some(Decimal::from(106)));
    simulator.shutdown().await;
}

#[tokio::test]
async fn an_endless_walk_ends_when_asked() {
    let walk = SimulatorConfig {
        start: StartWhen::Immediately,
        timing: Timing {
            drain_quiet_ms: 50,
            ..Timing::default()
        },
        ..SimulatorConfig::seeded(7)
    };
    let simulator = Simulator::start(walk).await.unwrap();
    simulator.control(Control::Finish).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(20), simulator.wait_finished()).await;
    ended.expect("the walk goes on").unwrap();
    simulator.shutdown().await;
}
