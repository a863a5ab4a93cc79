//! Reaching the process that holds a data folder.

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use dynamo_store::{
    BindError, Durability, DynamoStore, EmbeddedDynamo, OpenError, OpenedStore, bind_unix,
    connect_unix, open_data_dir, serve_unix, socket_path,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use trading::{AccountStore, BotStore, LevelStore, StoreError};

use crate::fixture::{account, account_id, create, levels, store};

struct Running {
    stop: oneshot::Sender<()>,
    server: JoinSet<()>,
    database: EmbeddedDynamo,
}

impl Running {
    async fn stop(mut self) {
        self.stop.send(()).unwrap();
        self.server.join_next().await.unwrap().unwrap();
    }
}

/// What `up` does: open the folder, then answer on its socket.
async fn up(folder: &Path) -> Running {
    let opened = open_data_dir(folder, Durability::Process).await.unwrap();
    let OpenedStore::Owned(database) = opened else {
        panic!("somebody else holds the folder");
    };
    let listener = bind_unix(&socket_path(folder)).await.unwrap();
    let (stop, stopped) = oneshot::channel();
    let mut server = JoinSet::new();
    server.spawn(serve_unix(listener, database.clone(), async move {
        stopped.await.unwrap();
    }));
    Running {
        stop,
        server,
        database,
    }
}

#[tokio::test]
async fn a_command_uses_the_same_store_whether_the_folder_is_held_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let running = up(folder.path()).await;
    let there = DynamoStore::new(running.database.client(), "gridkeeper");
    there.create_table().await.unwrap();

    let opened = open_data_dir(folder.path(), Durability::Process)
        .await
        .unwrap();
    assert!(matches!(opened, OpenedStore::Remote(_)), "{opened:?}");
    let (bot, _) = create(&opened.store(), 700).await;
    assert_eq!(there.bot(&bot.id).await.unwrap().as_ref(), Some(&bot));
    assert_eq!(
        opened.store().levels(&bot.id).await.unwrap(),
        levels(&bot.id, 700)
    );

    running.stop().await;
    let gone = opened.store().account(&account_id()).await;
    assert!(matches!(gone, Err(StoreError::Unavailable(_))), "{gone:?}");
    drop(there);

    let opened = open_data_dir(folder.path(), Durability::Process)
        .await
        .unwrap();
    assert!(matches!(opened, OpenedStore::Owned(_)), "{opened:?}");
    assert_eq!(opened.store().bots(None).await.unwrap(), [bot]);
}

#[tokio::test]
async fn the_socket_is_private_and_the_folder_tidy() {
    let folder = tempfile::tempdir().unwrap();
    let running = up(folder.path()).await;
    let socket = fs::metadata(socket_path(folder.path())).unwrap();
    assert!(socket.file_type().is_socket());
    assert_eq!(socket.permissions().mode() & 0o777, 0o600);
    let hidden = fs::read_dir(folder.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().as_encoded_bytes()[0] == b'.')
        .count();
    assert_eq!(hidden, 0);
    running.stop().await;
}

#[tokio::test]
async fn a_socket_left_behind_is_replaced_and_a_live_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let socket = socket_path(folder.path());
    drop(bind_unix(&socket).await.unwrap());
    assert!(socket.exists(), "a killed process leaves it behind");
    let database = EmbeddedDynamo::memory().unwrap();
    let listener = bind_unix(&socket).await.unwrap();
    let mut server = JoinSet::new();
    server.spawn(serve_unix(listener, database, std::future::pending()));
    let refused = bind_unix(&socket).await.unwrap_err();
    assert!(matches!(refused, BindError::Live(_)), "{refused:?}");
    let records = store(connect_unix(&socket)).await;
    records
        .create_account(&account(&account_id()))
        .await
        .unwrap();
}

/// A process that was killed between binding and moving may have had the number that this one has.
#[tokio::test]
async fn what_was_left_half_bound_is_cleared_away() {
    let folder = tempfile::tempdir().unwrap();
    let closed = folder.path().join(format!(".s{}", std::process::id()));
    fs::create_dir(&closed).unwrap();
    fs::write(closed.join("s"), "").unwrap();
    let socket = socket_path(folder.path());
    let listener = bind_unix(&socket).await.unwrap();
    assert!(fs::metadata(&socket).unwrap().file_type().is_socket());
    assert!(!closed.exists());
    drop(listener);
}

#[tokio::test]
async fn a_socket_that_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let long = folder.path().join("a".repeat(120));
    let error = bind_unix(&long.join("s")).await.unwrap_err();
    assert!(matches!(error, BindError::Failed { .. }), "{error:?}");
    assert!(error.to_string().contains("100 bytes"), "{error}");
}

#[tokio::test]
async fn a_holder_that_does_not_answer_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let held = EmbeddedDynamo::open(folder.path(), Durability::Process).unwrap();
    let error = open_data_dir(folder.path(), Durability::Process)
        .await
        .unwrap_err();
    assert!(matches!(error, OpenError::Silent { .. }), "{error:?}");
    let told = error.to_string();
    assert!(
        told.contains(&format!("process {}", std::process::id())),
        "{told}"
    );
    assert!(told.contains("gridkeeper.sock"), "{told}");
    drop(held);
}

#[tokio::test]
async fn a_folder_let_go_meanwhile_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let held = EmbeddedDynamo::open(folder.path(), Durability::Process).unwrap();
    let waiting = open_data_dir(folder.path(), Durability::Process);
    let letting_go = async move {
        tokio::task::yield_now().await;
        drop(held);
    };
    let (opened, ()) = tokio::join!(waiting, letting_go);
    assert!(matches!(opened.unwrap(), OpenedStore::Owned(_)));
}

/// Whatever a client sends, the next one is answered.
#[tokio::test]
async fn rubbish_on_the_socket_harms_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let running = up(folder.path()).await;
    let socket = socket_path(folder.path());
    let put = "POST / HTTP/1.1\r\nx-amz-target: DynamoDB_20120810.PutItem\r\ncontent-length: ";
    let requests = [
        ("\0\u{1}\u{2} no HTTP\r\n\r\n".to_owned(), "400"),
        (
            format!("{put}9\r\n\r\n{{\"Item\": "),
            "SerializationException",
        ),
        (format!("{put}2\r\n\r\n{{}}"), "ValidationException"),
        (format!("{put}99999999\r\n\r\n{{}}"), "413"),
        (
            "POST / HTTP/1.1\r\nx-amz-target: Other.Drop\r\ncontent-length: 2\r\n\r\n{}".to_owned(),
            "UnknownOperationException",
        ),
        (
            "POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}".to_owned(),
            "400",
        ),
    ];
    for (request, expected) in requests {
        let mut stream = UnixStream::connect(&socket).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // The server may close before it has read all of it.
        let read = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(
            answer.contains(expected),
            "{request:?}: {read:?} {answer:?}"
        );
    }
    let records = store(connect_unix(&socket)).await;
    records
        .create_account(&account(&account_id()))
        .await
        .unwrap();
    assert_eq!(records.accounts().await.unwrap().len(), 1);
    running.stop().await;
}

/// A transaction may have 4 MB, and its JSON is somewhat longer: up to 8 MiB are read.
#[tokio::test]
async fn the_largest_request_is_read_and_a_larger_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let running = up(folder.path()).await;
    let most = 8 * 1024 * 1024;
    for (length, expected) in [(most, "SerializationException"), (most + 1, "413")] {
        let mut stream = UnixStream::connect(&socket_path(folder.path()))
            .await
            .unwrap();
        let head = format!(
            "POST / HTTP/1.1\r\nx-amz-target: DynamoDB_20120810.PutItem\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        if length == most {
            stream.write_all(&vec![b' '; most]).await.unwrap();
        }
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.contains(expected), "{length}: {answer:?}");
    }
    running.stop().await;
}

/// What an operator's own tools ask first.
#[tokio::test]
async fn the_tables_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let running = up(folder.path()).await;
    let client = connect_unix(&socket_path(folder.path()));
    DynamoStore::new(client.clone(), "gridkeeper")
        .create_table()
        .await
        .unwrap();
    let listed = client.list_tables().send().await.unwrap();
    assert_eq!(listed.table_names(), ["gridkeeper"]);
    running.stop().await;
}
