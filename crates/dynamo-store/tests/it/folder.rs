//! Data folders: who may use them, what is in them, and what is wrong with them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use dynamo_store::{Durability, EmbeddedDynamo, OpenError, folder_identity};
use trading::BotStore;

use crate::fixture::{create, direct};

fn open(folder: &Path) -> Result<EmbeddedDynamo, OpenError> {
    EmbeddedDynamo::open(folder, Durability::PowerLoss)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_copied_file_is_told_from_the_one_it_was_copied_from() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, copy) = (parent.path().join("data"), parent.path().join("copy"));
    create(&direct(&open(&folder).unwrap()).await, 1).await;
    let identity = folder_identity(&folder).unwrap();
    assert_eq!(folder_identity(&folder).unwrap(), identity);
    fs::create_dir(&copy).unwrap();
    fs::copy(folder.join("gridkeeper.db"), copy.join("gridkeeper.db")).unwrap();
    assert_ne!(folder_identity(&copy).unwrap(), identity);
    assert!(folder_identity(parent.path()).is_err(), "there is no file");
}

#[tokio::test]
async fn a_folder_is_created_for_its_owner_alone() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("deep").join("data");
    let database = open(&folder).unwrap();
    create(&direct(&database).await, 1).await;
    assert_eq!(mode(&folder), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path.file_name().unwrap().to_owned());
    }
    names.sort();
    let expected = [
        "gridkeeper.db",
        "gridkeeper.db-shm",
        "gridkeeper.db-wal",
        "gridkeeper.lock",
    ];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn a_folder_is_held_until_the_last_client_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path()).unwrap();
    let records = direct(&database).await;
    let (bot, _) = create(&records, 1).await;
    drop(database);
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }), "{error:?}");
    let told = error.to_string();
    let own = format!("process {}", std::process::id());
    assert!(told.contains(&own), "{told}");
    assert!(told.contains(folder.path().to_str().unwrap()), "{told}");
    drop(records);
    let again = direct(&open(folder.path()).unwrap()).await;
    assert_eq!(again.bots(None).await.unwrap(), [bot]);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "not a folder").unwrap();
    let below = file.join("data");
    let occupied = parent.path().join("occupied");
    fs::create_dir_all(occupied.join("gridkeeper.db")).unwrap();
    for folder in [below, occupied] {
        let error = open(&folder).unwrap_err();
        assert!(matches!(error, OpenError::NotWritable { .. }), "{error:?}");
        let told = error.to_string();
        assert!(told.contains(folder.to_str().unwrap()), "{told}");
        assert!(told.contains("choose another folder"), "{told}");
    }
    assert_eq!(fs::read(&file).unwrap(), b"not a folder");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gridkeeper.db");
    let content = "the operator's notes\n".repeat(500);
    fs::write(&file, &content).unwrap();
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Database { .. }), "{error:?}");
    let told = error.to_string();
    assert!(told.contains("gridkeeper.db"), "{told}");
    assert_eq!(fs::read_to_string(&file).unwrap(), content);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    create(&direct(&open(folder.path()).unwrap()).await, 1).await;
    let file = folder.path().join("gridkeeper.db");
    let raw = rusqlite::Connection::open(&file).unwrap();
    let raised = raw
        .execute(
            "UPDATE _config SET value = '9999' WHERE key = 'schema_version'",
            [],
        )
        .unwrap();
    assert_eq!(raised, 1);
    drop(raw);
    let before = fs::read(&file).unwrap();
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Database { .. }), "{error:?}");
    assert_eq!(fs::read(&file).unwrap(), before);
}

/// [`Durability::PowerLoss`] rests on what a fresh connection of the linked SQLite does by default,
/// because the embedded database sets only its journal.
#[tokio::test]
async fn the_linked_sqlite_syncs_each_commit_by_default() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    let raw = rusqlite::Connection::open(folder.path().join("gridkeeper.db")).unwrap();
    let text = |pragma: &str| -> String {
        raw.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0))
            .unwrap()
    };
    let synchronous: i64 = raw
        .query_row("PRAGMA synchronous", [], |row| row.get(0))
        .unwrap();
    assert_eq!(synchronous, 2, "2 is FULL");
    assert_eq!(text("journal_mode"), "wal");
    let options: Vec<String> = raw
        .prepare("PRAGMA compile_options")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let wal = options
        .iter()
        .find(|option| option.starts_with("DEFAULT_WAL_SYNCHRONOUS"));
    assert!(wal.is_none_or(|wal| wal.ends_with("=2")), "{options:?}");
}
