//! The demo as people run it: the built command on a small tape.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::world::Ran;

/// The last price of a swing up, from 58,000 in steps of 100.
const HIGHEST: u32 = 62_000;
const LOWEST: u32 = 58_000;

/// A tape that goes up and down over the whole grid, four times.
fn tape(dir: &Path) -> PathBuf {
    let up = (LOWEST..HIGHEST).step_by(100);
    let down = (LOWEST..HIGHEST)
        .step_by(100)
        .map(|price| LOWEST + HIGHEST - price);
    let swing = up.chain(down);
    let prices = std::iter::repeat_n(swing, 4).flatten().chain([LOWEST]);
    let mut text = String::new();
    for (at, price) in prices.enumerate() {
        let time = 1_790_000_000_000_i64 + i64::try_from(at).unwrap() * 250;
        writeln!(text, "{at},{price}.00,1.00001,{at},{at},{time},True,True").unwrap();
    }
    let path = dir.join("BTCUSDT-aggTrades-swing.csv");
    std::fs::write(&path, text).unwrap();
    path
}

fn demo(dir: &Path, tape: &Path, more: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gridkeeper"));
    command
        .env_clear()
        .env("TMPDIR", dir)
        .args([
            "demo",
            "--speed",
            "max",
            "--quantity",
            "0.001",
            "--headless",
        ])
        .args(["--report", "json", "--tape"])
        .arg(tape)
        .args(more)
        .stdin(Stdio::null());
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The report on the last line of a run that ended well.
fn report(ran: &Ran) -> Value {
    let last = ran.out.lines().last().unwrap_or_default();
    let report: Value = serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {ran}"));
    assert!(report.is_object(), "{ran}");
    assert_eq!(report["missing"], 0, "{ran}");
    assert_eq!(report["duplicates"], 0, "{ran}");
    assert_eq!(report["ledger_equals_exchange"], true, "{ran}");
    report
}

fn number(report: &Value, field: &str) -> u64 {
    report[field]
        .as_u64()
        .unwrap_or_else(|| panic!("{field}: {report}"))
}

/// Every field that people build on.
const FIELDS: [&str; 16] = [
    "fills",
    "completed_orders",
    "opposite_orders",
    "missing",
    "duplicates",
    "round_trips",
    "realized_profit",
    "quote_asset",
    "fees",
    "ledger_equals_exchange",
    "levels",
    "levels_with_order",
    "levels_with_reason",
    "faults",
    "fill_to_order_ms",
    "seed",
];

#[test]
fn a_tape_gives_the_same_figures_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let tape = tape(dir.path());
    let run = || demo(dir.path(), &tape, &["--levels", "8"]).yes();
    let (ran, again) = (run(), run());
    let (first, mut second) = (report(&ran), report(&again));
    for field in FIELDS {
        assert!(!first[field].is_null(), "{field}: {first}");
    }
    // Nothing but the times differs.
    second["fill_to_order_ms"] = first["fill_to_order_ms"].clone();
    assert_eq!(first, second);
    let first = &first;
    for at in ["p50", "p99", "max"] {
        assert!(first["fill_to_order_ms"][at].is_string(), "{first}");
    }
    assert_eq!(number(first, "levels"), 8);
    assert!(number(first, "completed_orders") > 30, "{first}");
    assert!(number(first, "round_trips") > 10, "{first}");
    assert_eq!(first["quote_asset"], "USDT");
    assert_eq!(first["faults"], serde_json::json!({}));
    ran.says(&["handled: accepted", "dead letters: 0"]);
    // A temporary folder leaves nothing behind but the tape.
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn faults_are_counted_by_kind_and_break_no_promise() {
    let dir = tempfile::tempdir().unwrap();
    let tape = tape(dir.path());
    let ran = demo(
        dir.path(),
        &tape,
        &["--levels", "8", "--faults", "some", "--seed", "3"],
    )
    .yes();
    let report = report(&ran);
    let faults = report["faults"].as_object().unwrap();
    assert!(!faults.is_empty(), "{ran}");
    assert!(
        faults.values().all(|times| times.as_u64() > Some(0)),
        "{ran}"
    );
    assert_eq!(number(&report, "seed"), 3);
}

#[test]
fn each_bot_has_its_levels() {
    let dir = tempfile::tempdir().unwrap();
    let tape = tape(dir.path());
    let ran = demo(dir.path(), &tape, &["--levels", "4", "--bots", "2"]).yes();
    let report = report(&ran);
    assert_eq!(number(&report, "levels"), 8);
    assert_eq!(number(&report, "levels_with_order"), 8);
}

#[test]
fn what_cannot_be_played_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = tape(dir.path());
    demo(dir.path(), &path, &["--levels", "1"])
        .ends(2)
        .says(&["--levels"]);
    let good = std::fs::read_to_string(&path).unwrap();
    let first = good.lines().next().unwrap();
    std::fs::write(
        &path,
        format!("{first}\n2,nothing,1,2,2,1790000000001,True,True\n"),
    )
    .unwrap();
    demo(dir.path(), &path, &[])
        .ends(2)
        .says(&["BTCUSDT-aggTrades-swing.csv", "line 2"]);
    demo(dir.path(), &dir.path().join("none.csv"), &[])
        .ends(2)
        .says(&["none.csv"]);
}
