//! What is started is ended, also when somebody interrupts.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How often is looked before the test gives up: for a minute at least.
const TRIES: u32 = 1_200;

/// Between two looks at something that tells nobody when it changes.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The commands of the processes that were started with this in a word of them. Linux alone shows them.
fn marked(mark: &str) -> Vec<Vec<String>> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let commands = processes.filter_map(|process| {
        let id = process.file_name().into_string().ok()?;
        let line = std::fs::read(process.path().join("cmdline")).ok()?;
        let words = String::from_utf8_lossy(&line);
        let words: Vec<String> = words.split('\0').map(str::to_owned).collect();
        let found = words.iter().any(|word| word.contains(mark));
        (found && id.bytes().all(|byte| byte.is_ascii_digit())).then_some(words)
    });
    commands.collect()
}

fn until(what: &str, reached: impl Fn() -> bool) {
    for _ in 0..TRIES {
        if reached() {
            return;
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    panic!("no {what}");
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_run_ends_what_it_started_and_keeps_what_it_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().display().to_string();
    let mut chaos = Command::new(env!("CARGO_BIN_EXE_chaos"))
        .args(["--for", "10m", "--gridkeeper"])
        .arg(chaos::binary::gridkeeper().unwrap())
        .env("TMPDIR", dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Counting them would not do: setting the stage starts short-lived ones that name the folder too.
    until("`up`", || {
        let commands = marked(&folder);
        commands.iter().flatten().any(|word| word == "up")
    });
    let id = chaos.id().to_string();
    let asked = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(asked.success());
    let mut told = String::new();
    chaos
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut told)
        .unwrap();
    let status = chaos.wait().unwrap();
    assert_eq!(status.code(), Some(1), "{told}");
    assert!(told.contains("it was interrupted"), "{told}");
    assert!(told.contains("logs and data are kept in"), "{told}");
    until("end of what was started", || marked(&folder).is_empty());
    let kept = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(kept, 1, "{told}");
}
