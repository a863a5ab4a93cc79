//! Operators who type commands all the while, whether `up` runs, starts, dies or has a full disk.
//!
//! Start at [`operate`]. A command may be refused, with words; it may not panic, hang or end without a word.

use std::time::Duration;

use anyhow::ensure;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use tokio::time::sleep;

use crate::process::FULL;
use crate::stage::{Ended, Stage};
use crate::tally::Tally;

/// The longest pause between two commands of one operator, ms.
const PAUSE_MS: u64 = 700;

/// Types commands until it is dropped, or until one does what no command may.
pub(crate) async fn operate(
    stage: &Stage,
    bots: &[String],
    tally: &Tally,
    mut random: ChaCha8Rng,
) -> anyhow::Result<()> {
    loop {
        let pause = random.random_range(0..PAUSE_MS);
        sleep(Duration::from_millis(pause)).await;
        let nth = random.random_range(0..bots.len());
        let bot = bots.get(nth).map(String::as_str).unwrap_or_default();
        let level = random.random_range(0..10_u32).to_string();
        let arguments: &[&str] = match random.random_range(0..12) {
            0 => &["bot", "pause", bot],
            // More often than paused, or they would all stand still.
            1..=4 => &["bot", "resume", bot],
            5 => &["explain", bot, &level],
            6 => &["explain", bot],
            7 => &["recover", bot],
            8 => &["recover"],
            9 => &["bot", "show", bot],
            10 => &["bot", "list"],
            _ => &["fills", bot, "--level", &level],
        };
        let ended = stage.run(arguments).await?;
        judge(stage, arguments, &ended, tally)?;
    }
}

/// Counts a command, and sees that one that was refused says why.
fn judge(stage: &Stage, arguments: &[&str], ended: &Ended, tally: &Tally) -> anyhow::Result<()> {
    if ended.code == Some(0) {
        tally.count("commands: done");
        return Ok(());
    }
    ensure!(
        matches!(ended.code, Some(1 | 2)) && ended.errors.contains("error: "),
        "{arguments:?} was refused without a word: {ended:?}"
    );
    tally.count(if ended.errors.contains(FULL) {
        "commands: refused for a full disk"
    } else {
        "commands: refused for another reason"
    });
    let first = ended
        .errors
        .lines()
        .find_map(|line| line.split_once("error: "));
    if let Some((_, words)) = first {
        let words = words.replace(stage.folder(), "DIR");
        let short: String = words.chars().take(60).collect();
        tally.count(&format!("refusal: {short}"));
    }
    Ok(())
}
