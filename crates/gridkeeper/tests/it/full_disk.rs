//! A disk that takes nothing more: what `up` and the commands beside it say, and that all is well once there is room.
//!
//! The disk is a limit on the size of files (`ulimit -f`), which needs no rights and leaves other files alone.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::running::Running;
use super::together::all_open;
use super::world::World;

/// `ulimit -f` counts in these, bytes.
const BLOCK: u64 = 512;

/// How long anything may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// `up`, whose files may have so many bytes.
fn up_under_limit(world: &World, bytes: u64) -> Command {
    let up = world.command();
    let mut shell = Command::new("/bin/sh");
    shell
        .env_clear()
        .args(["-c", r#"ulimit -S -f "$0" && exec "$@""#])
        .arg((bytes / BLOCK).to_string())
        .arg(up.get_program())
        .arg("up")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for (name, value) in up.get_envs() {
        if let Some(value) = value {
            shell.env(name, value);
        }
    }
    shell
}

fn size(path: &Path) -> u64 {
    path.metadata().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn up_on_a_full_disk_says_what_where_and_how_to_mend_it_and_ends_with_1() {
    let world = World::with_account().await;
    let folder = world.folder().display().to_string();
    for bytes in [0, 8 * BLOCK] {
        let mut up = up_under_limit(&world, bytes);
        let output = tokio::task::block_in_place(|| up.output().unwrap());
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{}: {told}", output.status);
        for words in [
            "error: the data folder",
            &folder,
            "cannot be written",
            "to mend it: make room on its disk",
        ] {
            assert!(told.contains(words), "{words:?} in {told}");
        }
    }
    world.run(&["account", "list"]).yes().says(&["main"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_is_told_and_nothing_is_lost() {
    let world = World::with_account().await;
    let bot = world.create(&["--start"]);
    // Enough for the first grid's first steps, not for all of it.
    let room = size(&world.folder().join("gridkeeper.db")) + 64 * 1024;
    let mut child = up_under_limit(&world, room).spawn().unwrap();
    let (tell, told) = mpsc::channel();
    let errors = BufReader::new(child.stderr.take().unwrap());
    let listening = std::thread::spawn(move || {
        for line in errors.lines().map_while(Result::ok) {
            if line.contains("cannot be written: ") && line.contains("make room") {
                // The test may have heard enough.
                drop(tell.send(line));
            }
        }
    });
    let heard = tokio::task::block_in_place(|| told.recv_timeout(PATIENCE).unwrap());
    let folder = world.folder().display().to_string();
    assert!(heard.contains(&folder), "{heard}");
    // It lives on, and whoever asks it to write something is told the same.
    world
        .run(&["bot", "pause", &bot])
        .ends(1)
        .says(&["cannot be written", "to mend it: make room on its disk"]);
    world.run(&["bot", "list"]).yes();
    child.kill().unwrap();
    child.wait().unwrap();
    listening.join().unwrap();

    let _up = world.up();
    let show = ["bot", "show", bot.as_str(), "--json"];
    world.until(&show, all_open);
    world.trade_at(57_000);
    world.until(&show, |shown| {
        shown["sums"]["base"] == "0.003996" && all_open(shown)
    });
    world.run(&["audit", &bot]).yes().says(&["clean"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_ends_nothing() {
    const LOG: u64 = 4 * 1024 * 1024;
    let world = World::with_account().await;
    let bot = world.create(&["--start"]);
    let path = world.path().join("log");
    let log = std::fs::File::create(&path).unwrap();
    log.set_len(LOG).unwrap();
    let log = std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap();
    let mut up = up_under_limit(&world, LOG);
    up.env("GRIDKEEPER_LOG", "debug").stderr(log);
    let up = Running::with_errors(up);
    let show = ["bot", "show", bot.as_str(), "--json"];
    world.until(&show, all_open);
    let (code, rest) = up.end();
    assert_eq!(code, Some(0), "{rest}");
    assert_eq!(size(&path), LOG, "the log was full all the time");
}
