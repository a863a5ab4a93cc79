//! Operators who type commands all the while, whether `up` runs, starts, dies or has a full disk.
//!
//! Start at [`operate`]. A command may be refused, with words; it may not panic, hang or end without a word.

use std::time::Duration;

use anyhow::ensure;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use tokio::time::sleep;

use crate::bag::Bag;
use crate::keeper::REFUSED_WRITES;
use crate::process::FULL;
use crate::stage::{Ended, Stage};
use crate::tally::Tally;

/// The longest pause between two commands of one operator, ms.
const PAUSE_MS: u64 = 700;

/// What operators type of the bots that are to trade. Resumed and started more often than paused and stopped, or they
/// would all stand still.
pub(crate) const KINDS: [&str; 15] = [
    "pause",
    "resume",
    "resume",
    "resume",
    "stop",
    "start",
    "start",
    "start",
    "explain a level",
    "explain",
    "recover a bot",
    "recover",
    "show",
    "list",
    "fills",
];

/// Types commands until it is dropped, or until one does what no command may.
pub(crate) async fn operate(
    stage: &Stage,
    bots: &[String],
    tally: &Tally,
    mut random: ChaCha8Rng,
) -> anyhow::Result<()> {
    let mut kinds = Bag::of(KINDS);
    loop {
        let pause = random.random_range(0..PAUSE_MS);
        sleep(Duration::from_millis(pause)).await;
        let nth = random.random_range(0..bots.len());
        let bot = bots.get(nth).map(String::as_str).unwrap_or_default();
        let level = random.random_range(0..10_u32).to_string();
        let kind = kinds.draw(&mut random);
        let arguments: &[&str] = match kind {
            "pause" | "resume" | "stop" | "start" | "show" => &["bot", kind, bot],
            "explain a level" => &["explain", bot, &level],
            "explain" => &["explain", bot],
            "recover a bot" => &["recover", bot],
            "recover" => &["recover"],
            "list" => &["bot", "list"],
            _ => &["fills", bot, "--level", &level],
        };
        type_in(stage, tally, kind, arguments).await?;
    }
}

/// Types one command, counts it, and sees that it did nothing that no command may.
pub(crate) async fn type_in(
    stage: &Stage,
    tally: &Tally,
    kind: &str,
    arguments: &[&str],
) -> anyhow::Result<Ended> {
    let ended = stage.run(arguments).await?;
    judge(stage, arguments, &ended, tally)?;
    tally.count(&format!("typed: {kind}"));
    Ok(ended)
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
    let is_full = ended.errors.contains(FULL);
    tally.add(REFUSED_WRITES, u64::from(is_full));
    tally.count(if is_full {
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
