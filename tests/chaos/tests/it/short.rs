//! A few seconds in which everything goes wrong, and what both audits say of it.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// Kills at least, and orders completed at least.
const KILLS: u64 = 6;
const ORDERS: u64 = 80;

/// Repeats the choices.
const SEED: &str = "20260721";

#[test]
fn killed_cut_off_and_without_disk_each_completed_order_has_one_opposite_order() {
    let gridkeeper = chaos::binary::gridkeeper().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_chaos"))
        .args(["--json", "--for", "8s", "--seed", SEED])
        .args(["--kills", &KILLS.to_string(), "--gridkeeper"])
        .arg(gridkeeper)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let report: Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert!(output.status.success(), "{report:#}");
    for what in report["not_possible"].as_array().unwrap() {
        eprintln!("not possible here: {what}");
    }

    assert!(report["kills"].as_u64().unwrap() >= KILLS, "{report:#}");
    assert!(sum(&report["cuts"]) > 0, "{report:#}");
    assert!(sum(&report["faults"]) > 0, "{report:#}");
    assert!(report["clock_changes"].as_u64() > Some(0), "{report:#}");
    assert!(report["restarts"].as_u64() > Some(0), "{report:#}");
    assert!(report["disk_full"]["file size limited"] == 1, "{report:#}");
    assert!(report["refused_writes"].as_u64() > Some(0), "{report:#}");
    assert!(report["commands"]["done"].as_u64() > Some(0), "{report:#}");

    let verdict = &report["verdict"];
    assert_eq!(verdict["findings"], json!([]), "{report:#}");
    assert_eq!(verdict["missing"], 0, "{report:#}");
    assert_eq!(verdict["duplicates"], 0, "{report:#}");
    assert_eq!(verdict["fills"], verdict["ledger_entries"], "{report:#}");
    let completed = verdict["completed_orders"].as_u64().unwrap();
    assert!(
        completed >= ORDERS,
        "only {completed} orders were completed"
    );
    for source in ["stream", "recovery"] {
        let learnt = verdict["learnt_from"][source].as_u64();
        assert!(
            learnt > Some(0),
            "no fill was learnt from {source}: {report:#}"
        );
    }
}

fn sum(counts: &Value) -> u64 {
    let counts = counts.as_object().unwrap();
    counts.values().filter_map(Value::as_u64).sum()
}
