//! A disk that is full: said in words that tell what to do, nothing acknowledged is lost, nothing refused is there.
//!
//! The process whose disk is full is this test binary itself, started anew under a limit on the size of files, which
//! is how a full disk looks to whoever may not mount one.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use domain::OrderState;
use dynamo_store::{Durability, EmbeddedDynamo};
use trading::{BotStore, CommitOutcome, FillCommit, LevelStore, StoreError};

use crate::fixture::{bot_id, create, direct, fill, next};

const FOLDER: &str = "GRIDKEEPER_TEST_FULL_FOLDER";
const LEVELS: u16 = 3;

/// How often the process tries again after it was refused.
const TRIES: u32 = 3;

/// The process under a limit. Without a folder in its environment it is an ordinary test of writing.
#[tokio::test]
async fn child_writes_until_its_disk_is_full() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        let folder = tempfile::tempdir().unwrap();
        let database = EmbeddedDynamo::open(folder.path(), Durability::PowerLoss).unwrap();
        create(&direct(&database).await, LEVELS).await;
        return;
    };
    let database = match EmbeddedDynamo::open(Path::new(&folder), Durability::PowerLoss) {
        Ok(database) => database,
        Err(error) => return println!("\nclosed {error}"),
    };
    let records = direct(&database).await;
    let mut refusals = 0;
    while refusals < TRIES {
        for level in records.levels(&bot_id()).await.unwrap() {
            let no = u32::try_from(level.version).unwrap() + 1;
            let after = next(&level, no, OrderState::Open);
            let commit = FillCommit {
                expected_version: level.version,
                fills: vec![fill(&after, no, i64::from(no))],
                level: after.clone(),
            };
            match records.commit_fill(&commit).await {
                Ok(outcome) => {
                    assert_eq!(outcome, CommitOutcome::Committed);
                    println!("\nack {} {}", after.index, after.version);
                }
                Err(StoreError::Unavailable(text)) => {
                    println!("\nfull {text}");
                    refusals += 1;
                }
                Err(error) => panic!("{error:?}"),
            }
        }
    }
}

/// Runs the process under a limit of so many blocks of 512 bytes. It is to live on where a write beyond it would be
/// its end (SIGXFSZ), as the command does by itself.
fn under_limit(folder: &Path, blocks: u32) -> String {
    let script = format!(r#"trap '' XFSZ; ulimit -S -f {blocks}; exec "$0" "$@""#);
    let Output { status, stdout, .. } = Command::new("/bin/sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .args([
            "full_disk::child_writes_until_its_disk_is_full",
            "--exact",
            "--nocapture",
        ])
        .env(FOLDER, folder)
        .output()
        .unwrap();
    let said = String::from_utf8(stdout).unwrap();
    assert!(status.success(), "{status}: {said}");
    said
}

fn says_what_to_do(text: &str, folder: &Path) {
    let cannot = format!("the data folder {} cannot be written: ", folder.display());
    assert!(text.contains(&cannot), "{text}");
    assert!(text.contains("make room on its disk"), "{text}");
}

#[tokio::test]
async fn a_full_disk_loses_nothing_acknowledged_and_keeps_nothing_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let database = EmbeddedDynamo::open(path, Durability::Process).unwrap();
    create(&direct(&database).await, LEVELS).await;
    drop(database);
    let mut acknowledged: BTreeMap<u16, u64> = BTreeMap::new();
    for blocks in [200, 500, 1_500] {
        let path = path.to_owned();
        let of_child = path.clone();
        let said = tokio::task::spawn_blocking(move || under_limit(&of_child, blocks));
        let said = said.await.unwrap();
        let mut refused = 0;
        for line in said.lines() {
            if let Some(ack) = line.strip_prefix("ack ") {
                let (level, version) = ack.split_once(' ').unwrap();
                acknowledged.insert(level.parse().unwrap(), version.parse().unwrap());
            } else if let Some(text) = line.strip_prefix("full ") {
                says_what_to_do(text, &path);
                refused += 1;
            }
        }
        assert!(refused >= TRIES, "{said}");
        let database = EmbeddedDynamo::open(&path, Durability::Process).unwrap();
        let records = direct(&database).await;
        for level in records.levels(&bot_id()).await.unwrap() {
            let acknowledged = acknowledged.get(&level.index.0).copied().unwrap_or(0);
            assert_eq!(level.version, acknowledged, "level {}", level.index);
            let fills = records.fills(&bot_id(), Some(level.index)).await.unwrap();
            let numbers: Vec<u64> = fills.iter().map(|fill| u64::from(fill.no.0)).collect();
            let expected: Vec<u64> = (1..=level.version).collect();
            assert_eq!(numbers, expected, "level and ledger agree");
        }
    }
    assert!(acknowledged.values().any(|version| *version > 10));
}

#[tokio::test]
async fn a_folder_on_a_full_disk_cannot_be_opened_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let database = EmbeddedDynamo::open(path, Durability::Process).unwrap();
    let (bot, _) = create(&direct(&database).await, LEVELS).await;
    drop(database);
    for blocks in [0, 8] {
        let of_child = path.to_owned();
        let said = tokio::task::spawn_blocking(move || under_limit(&of_child, blocks));
        let said = said.await.unwrap();
        let closed = said.lines().find(|line| line.starts_with("closed "));
        says_what_to_do(closed.unwrap_or(&said), path);
    }
    let database = EmbeddedDynamo::open(path, Durability::Process).unwrap();
    let bots = direct(&database).await.bots(None).await.unwrap();
    assert_eq!(bots, [bot]);
}
