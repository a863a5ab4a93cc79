//! `gridkeeper restored`: records that were restored from a copy are brought to where the exchange is.

use bridge::LocalQueue;
use domain::BotId;
use serde::Serialize;
use trading::{BotStore as _, Ports, Replayed, VISIBILITY, replay_bot};

use super::Session;
use crate::cli::RestoredArgs;
use crate::failure::{Exit, Failure, Outcome};
use crate::table::{count, count_of};

/// Nothing is placed, so that no order can execute at once and queue a report.
const QUEUE_CAPACITY: usize = 1;

#[derive(Debug, Serialize)]
struct OfBot {
    bot: BotId,
    paused: bool,
    orders: u32,
    levels_caught_up: u32,
    problems: Vec<String>,
}

pub(super) async fn restored(session: &mut Session<'_>, args: &RestoredArgs) -> Outcome {
    if session
        .home
        .opened()
        .is_some_and(|opened| !opened.is_owned())
    {
        return Err(Failure::refused(
            "a running `gridkeeper up` works with these records, so they are no copy",
        )
        .at(session.home.place())
        .mend("stop it first if they are one all the same"));
    }
    if !args.anyway && !session.home.is_copy().await? {
        if session.json {
            session.write_json(&serde_json::json!({ "copy": false }))?;
        } else {
            writeln!(
                session.out,
                "these records are no copy: nothing to do. If a file was overwritten in place, --anyway goes on"
            )?;
        }
        return Ok(Exit::Yes);
    }
    let exchanges = session.home.exchanges();
    let queue = LocalQueue::new(QUEUE_CAPACITY, VISIBILITY);
    let (mut done, mut failures) = (Vec::new(), Vec::new());
    for bot in session.home.store().bot_ids(None).await? {
        let ports = Ports {
            store: session.home.store(),
            exchanges: &exchanges,
            queue: &queue,
            clock: &session.clock,
        };
        match Box::pin(replay_bot(ports, &bot)).await {
            Ok(replayed) => {
                tell(session, &bot, &replayed)?;
                done.push(OfBot {
                    bot,
                    paused: replayed.paused,
                    orders: replayed.orders,
                    levels_caught_up: replayed.levels_caught_up,
                    problems: replayed.problems,
                });
            }
            Err(error) => failures.push(Failure::from(error).at(format!("bot {bot}"))),
        }
    }
    if failures.is_empty() {
        session.home.is_original_now().await?;
    }
    if session.json {
        session.write_json(&serde_json::json!({ "copy": true, "bots": done }))?;
    } else if failures.is_empty() {
        let paused = done.iter().filter(|bot| bot.paused).count();
        writeln!(
            session.out,
            "done: {} brought to where the exchange is, {paused} of them paused. Look at each (`gridkeeper bot show BOT`, \
             `gridkeeper audit BOT`), then let it go on: `gridkeeper bot resume BOT`",
            count_of(done.len(), "bot")
        )?;
    } else {
        writeln!(
            session.out,
            "not done: these records stay a copy, and nothing works with them. Mend what is wrong and run this again"
        )?;
    }
    session.pass_on(failures)
}

fn tell(session: &mut Session<'_>, bot: &BotId, replayed: &Replayed) -> Result<(), Failure> {
    if session.json {
        return Ok(());
    }
    writeln!(
        session.out,
        "bot {bot}: {} of the exchange fed to its levels, fills booked at {}",
        count(replayed.orders, "order"),
        count(replayed.levels_caught_up, "level")
    )?;
    for problem in &replayed.problems {
        writeln!(session.out, "  to look at: {problem}")?;
    }
    Ok(())
}
