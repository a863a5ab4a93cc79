//! `up` killed ten times while it trades, and what both audits say of it afterwards.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::market::swing;
use super::stage::{SYMBOL, Stage, trades};

const KILLS: u32 = 10;

/// Repeats the moments of the kills, counted in trades, and the sizes of the market's trades.
const SEED: u64 = 20_260_721;

const LEVELS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn killed_ten_times_while_trading_each_completed_order_has_one_opposite_order() {
    let stage = Stage::set().await;
    let bot = create(&stage);
    let show = ["bot", "show", bot.as_str()];
    let mut up = stage.up();
    stage.yes(&["bot", "start", &bot]);
    stage.until(&show, all_open).await;

    let (stop, stopped) = watch::channel(false);
    let market = tokio::spawn(swing(stage.exchange.clone(), SEED, stopped));
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    for nth in 1..=KILLS {
        let before = trades(&stage.exchange.stats().await);
        let wanted = before + random.random_range(10..50);
        let enough = |stats: &Value| trades(stats) >= wanted;
        stage.exchange.until("progress", enough).await;
        operate(&stage, &bot, nth).await;
        up.kill();
        miss_something(&stage).await;
        up = stage.up();
        if nth == PAUSED_AT {
            stage.yes(&["bot", "resume", &bot]);
        }
    }
    stop.send(true).unwrap();
    market.await.unwrap();

    come_to_rest(&stage, &show).await;
    judge(&stage, &bot).await;
    // The promise does not hang on a kill: asked to end, it ends well, and the ledger stands without it.
    let ended = tokio::task::block_in_place(|| up.end());
    assert!(ended.success(), "{ended}");
    stage.yes(&["audit", &bot]);
    assert!(!stage.exchange_log().contains("panicked"));
}

/// Creates a bot whose grid the market swings through.
fn create(stage: &Stage) -> String {
    let spacing = format!("arithmetic:{LEVELS}");
    let grid = [
        ["--account", "main"],
        ["--symbol", SYMBOL],
        ["--lower", "58000"],
        ["--upper", "62000"],
        ["--spacing", &spacing],
        ["--size", "base:0.001"],
    ];
    let created = stage.json(&[&["bot", "create"], grid.as_flattened()].concat());
    created["bot"].as_str().unwrap().to_owned()
}

/// The round in which the bot is paused when the kill comes. The first: later ones begin with leases of the dead, and a
/// bot is paused only when those have ended.
const PAUSED_AT: u32 = 1;

/// What an operator does while it runs.
async fn operate(stage: &Stage, bot: &str, nth: u32) {
    match nth {
        2 => {
            let listed = stage.json(&["bot", "list"]);
            assert_eq!(listed[0]["bot"], bot);
            assert_eq!(listed[0]["levels"], LEVELS);
        }
        4 => {
            let explained = stage.yes(&["explain", bot, "7"]);
            assert!(explained.contains("bought"), "{explained}");
        }
        PAUSED_AT => {
            stage.yes(&["bot", "pause", bot]);
            let paused = |shown: &Value| shown["bot"]["observed"] == "paused";
            stage.until(&["bot", "show", bot], paused).await;
        }
        7 => {
            stage.yes(&["bot", "pause", bot]);
            stage.yes(&["bot", "resume", bot]);
        }
        9 => {
            let asked = stage.yes(&["recover", bot]);
            assert!(asked.contains("was asked to look"), "{asked}");
        }
        _ => {}
    }
}

/// Lets the market trade with what the dead left resting, if anything rests.
async fn miss_something(stage: &Stage) {
    let before = trades(&stage.exchange.stats().await);
    let missed = |stats: &Value| trades(stats) > before || stats["openOrders"] == 0;
    stage.exchange.until("trade without us", missed).await;
}

/// Once the exchange waits for no order any more, two runs of recovery find nothing owed and nothing to add.
async fn come_to_rest(stage: &Stage, show: &[&str]) {
    let bot = show.last().unwrap();
    let owes_nothing = |stats: &Value| stats["owing"] == json!([]);
    stage.exchange.until("rest", owes_nothing).await;
    stage.until(show, all_open).await;
    for _ in 0..2 {
        let recovered = |shown: &Value| shown["bot"]["recovered_at"].as_i64();
        let before = recovered(&stage.json(show));
        stage.yes(&["recover", bot]);
        stage.until(show, |shown| recovered(shown) > before).await;
    }
    let stats = stage.exchange.stats().await;
    let owing = &stats["owing"];
    let levels = || stage.yes(&["explain", bot]);
    assert_eq!(
        *owing,
        json!([]),
        "after two runs of recovery\n{}",
        levels()
    );
    assert!(all_open(&stage.json(show)), "{}", levels());
}

/// Our own audit, the exchange's, and that the run was worth judging.
async fn judge(stage: &Stage, bot: &str) {
    let audit = stage.json(&["audit", bot]);
    assert_eq!(audit[0]["clean"], true, "{audit:#}");
    let levels = stage.json(&["bot", "show", bot])["levels"].take();
    let ladder = levels.as_array().unwrap().iter().map(|level| {
        json!({
            "slot": format!("gk-{bot}-{}", level["index"]),
            "symbol": SYMBOL,
            "buyPrice": level["buy_price"],
            "sellPrice": level["sell_price"],
            "quantity": level["quantity"],
        })
    });
    let report = stage.exchange.post("audit", &ladder.collect()).await;
    assert_eq!(report["missing"], 0, "{report:#}");
    assert_eq!(report["duplicates"], 0, "{report:#}");
    assert_eq!(report["violations"], json!([]), "{report:#}");
    assert_eq!(report["unknownSlots"], json!([]), "{report:#}");
    assert_eq!(report["awaiting"], 0, "{report:#}");

    let fills = stage.json(&["fills", bot]);
    let fills = fills.as_array().unwrap();
    assert_eq!(report["fills"], fills.len());
    let completed = report["completedOrders"].as_u64().unwrap();
    assert!(completed >= 80, "only {completed} orders were completed");
    for source in ["stream", "recovery"] {
        let learnt = fills.iter().any(|fill| fill["source"] == source);
        assert!(learnt, "no fill was learnt from {source}");
    }
}

fn all_open(shown: &Value) -> bool {
    let levels = shown["levels"].as_array().unwrap();
    shown["bot"]["observed"] == "running"
        && levels
            .iter()
            .all(|level| level["order"]["state"]["state"] == "open")
}
