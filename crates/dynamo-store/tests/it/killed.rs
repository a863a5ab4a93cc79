//! A process that writes is killed with `kill -9`; nothing it had acknowledged is missing.
//!
//! The process is this test binary itself, started anew with the data folder in its environment.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use domain::OrderState;
use dynamo_store::{Durability, EmbeddedDynamo};
use tokio::task::JoinSet;
use trading::{BotStore, CommitOutcome, FillCommit, LevelStore};

use crate::fixture::{bot_id, create, direct, fill, next};

const FOLDER: &str = "GRIDKEEPER_TEST_KILLED_FOLDER";
const DURABILITY: &str = "GRIDKEEPER_TEST_KILLED_DURABILITY";
const LEVELS: u16 = 4;

/// The killed process. Without a folder in its environment it is an ordinary test of writing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_writes_until_killed() {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, rounds) = match std::env::var_os(FOLDER) {
        Some(folder) => (folder.into(), u32::MAX),
        None => (temporary.path().to_owned(), 20),
    };
    let durability = match std::env::var_os(DURABILITY) {
        Some(name) if name == "power" => Durability::PowerLoss,
        _ => Durability::Process,
    };
    let database = open(&folder, durability).await;
    let records = direct(&database).await;
    if records.bots(None).await.unwrap().is_empty() {
        create(&records, LEVELS).await;
    }
    let mut writers = JoinSet::new();
    for mut level in records.levels(&bot_id()).await.unwrap() {
        let records = records.clone();
        writers.spawn(async move {
            for _ in 0..rounds {
                let no = u32::try_from(level.version).unwrap() + 1;
                let after = next(&level, no, OrderState::Open);
                let commit = FillCommit {
                    expected_version: level.version,
                    fills: vec![fill(&after, no, i64::from(no))],
                    level: after.clone(),
                };
                let outcome = records.commit_fill(&commit).await.unwrap();
                assert_eq!(outcome, CommitOutcome::Committed);
                // One write: a line is either wholly read by the parent or not at all.
                let line = format!("ack {} {}\n", after.index, after.version);
                std::io::stdout().write_all(line.as_bytes()).unwrap();
                level = after;
            }
            level.version
        });
    }
    for version in writers.join_all().await {
        assert_eq!(version, u64::from(rounds));
    }
}

/// How often the folder is tried while another process still holds it.
const TRIES: u32 = 500;

/// Opens the folder once nobody holds it. Another test may be starting a process at the moment at which the
/// parent lets go of the folder: until that process has begun its own program, it holds what the parent held.
async fn open(folder: &Path, durability: Durability) -> EmbeddedDynamo {
    for _ in 1..TRIES {
        match EmbeddedDynamo::open(folder, durability) {
            Err(error) if error.to_string().contains("in use by") => {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            opened => return opened.unwrap(),
        }
    }
    EmbeddedDynamo::open(folder, durability).unwrap()
}

fn start(folder: &Path, durability: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "killed::child_writes_until_killed",
            "--exact",
            "--nocapture",
        ])
        .env(FOLDER, folder)
        .env(DURABILITY, durability)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// Reads acknowledgements, kills the process after some of them, and returns the last of each level.
fn kill_after(mut child: Child, acks: usize) -> BTreeMap<u16, u64> {
    let mut last = BTreeMap::new();
    let mut seen = 0;
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        // The test harness writes its own words onto the first line.
        let Some((_, ack)) = line.split_once("ack ") else {
            continue;
        };
        let (level, version) = ack.split_once(' ').unwrap();
        last.insert(level.parse().unwrap(), version.parse().unwrap());
        seen += 1;
        if seen == acks {
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert!(seen >= acks, "{seen} acknowledgements, then {status}");
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&status),
        Some(9)
    );
    last
}

async fn nothing_acknowledged_is_missing(durability: &str, kills: &[usize]) {
    let folder = tempfile::tempdir().unwrap();
    for acks in kills {
        let child = start(folder.path(), durability);
        let acks = *acks;
        let last = tokio::task::spawn_blocking(move || kill_after(child, acks))
            .await
            .unwrap();
        let database = EmbeddedDynamo::open(folder.path(), Durability::Process).unwrap();
        let records = direct(&database).await;
        for level in records.levels(&bot_id()).await.unwrap() {
            let acknowledged = last.get(&level.index.0).copied().unwrap_or(0);
            assert!(
                level.version >= acknowledged,
                "level {}: {acknowledged} acknowledged, {} there",
                level.index,
                level.version
            );
            // At most the one commit under way when the process died was written unheard.
            assert!(acknowledged == 0 || level.version <= acknowledged + 1);
            let fills = records.fills(&bot_id(), Some(level.index)).await.unwrap();
            let numbers: Vec<u64> = fills.iter().map(|fill| u64::from(fill.no.0)).collect();
            let expected: Vec<u64> = (1..=level.version).collect();
            assert_eq!(numbers, expected, "level and ledger agree");
        }
        assert!(!last.is_empty());
    }
}

#[tokio::test]
async fn kill_9_loses_nothing_acknowledged_when_processes_may_die() {
    nothing_acknowledged_is_missing("process", &[40, 150, 7, 400]).await;
}

#[tokio::test]
async fn kill_9_loses_nothing_acknowledged_when_power_may_fail() {
    nothing_acknowledged_is_missing("power", &[40, 90, 12]).await;
}
