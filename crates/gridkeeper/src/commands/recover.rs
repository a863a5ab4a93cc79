//! `gridkeeper recover`: comparing bots with the exchange now.
//!
//! Where `up` runs, it is asked to look at once. Where it does not, this command does what `up` would
//! do for one look: it books what was missed and places what is owed, through the same use cases.

use std::time::Duration;

use bridge::LocalQueue;
use domain::{Bot, BotId};
use serde::Serialize;
use trading::{
    Answer, BotStore as _, LevelStore as _, Message, Ports, Recovered, VISIBILITY, handle_fill,
    recover_bot,
};

use super::{Desk, Session};
use crate::cli::RecoverArgs;
use crate::failure::{Failure, Outcome};
use crate::progress::Progress;
use crate::table::{count, count_of};

/// How many messages one look may bring; a grid's own fills are far fewer.
const QUEUE_CAPACITY: usize = 50_000;

/// How long to wait for a message that is to come at once.
const SOON: Duration = Duration::from_millis(50);

#[derive(Serialize)]
struct Looked {
    bot: BotId,
    observed: domain::ObservedStatus,
    actions: std::collections::BTreeMap<&'static str, u32>,
    levels_caught_up: u32,
    orders_placed: u64,
    problems: Vec<String>,
}

pub(super) async fn recover(session: &mut Session<'_>, args: &RecoverArgs) -> Outcome {
    let (bots, mut failures) = match &args.bot {
        Some(id) => (vec![session.find_bot(id).await?], Vec::new()),
        None => session.bots().await?,
    };
    if !session.home.is_unattended() {
        let asked = ask_keeper(session, &bots, &mut failures).await?;
        if session.json {
            let due: Vec<&BotId> = bots.iter().map(|bot| &bot.id).collect();
            session.write_json(&serde_json::json!({ "asked": due }))?;
        } else {
            for line in asked {
                writeln!(session.out, "{line}")?;
            }
        }
        return session.pass_on(failures);
    }
    let progress = Progress::of("comparing with the exchange", "bots", bots.len());
    let looked = look_at(session, &bots, (&mut failures, &progress)).await?;
    drop(progress);
    if session.json {
        session.write_json(&looked)?;
    } else if !looked.is_empty() || failures.is_empty() {
        for line in told(&looked) {
            writeln!(session.out, "{line}")?;
        }
    }
    session.pass_on(failures)
}

/// Has one bot compared with the exchange now: by whoever looks after it, or here where nobody does. Gives
/// what is to be said of it, line by line.
///
/// # Errors
/// [`Failure`] when there is no such bot, or it cannot be compared.
pub(crate) async fn recover_now(desk: &Desk<'_>, id: &BotId) -> Result<Vec<String>, Failure> {
    let bots = [desk.find_bot(id).await?];
    let mut failures = Vec::new();
    let said = if desk.home.is_unattended() {
        told(&look_at(desk, &bots, (&mut failures, &Progress::unseen())).await?)
    } else {
        ask_keeper(desk, &bots, &mut failures).await?
    };
    failures.into_iter().next().map_or(Ok(said), Err)
}

/// Makes bots due for whoever looks after them.
async fn ask_keeper(
    desk: &Desk<'_>,
    bots: &[Bot],
    failures: &mut Vec<Failure>,
) -> Result<Vec<String>, Failure> {
    let mut said = Vec::new();
    for bot in bots {
        match desk.home.store().make_due(&bot.id, desk.now()).await {
            Ok(()) => {
                let hindered = desk.ask_to_look(bot).await;
                said.extend(hindered.map(|failure| failure.to_string()));
            }
            Err(error) => failures.push(Failure::from(error).at(format!("bot {}", bot.id))),
        }
    }
    said.push(format!(
        "{} was asked to look at {} now; `gridkeeper bot show {}` says when that was done",
        desk.home.keeper().name(),
        count_of(bots.len(), "bot"),
        bots.first().map_or("BOT", |bot| bot.id.as_str())
    ));
    Ok(said)
}

/// One look at each of these bots, where nobody else looks.
async fn look_at(
    desk: &Desk<'_>,
    bots: &[Bot],
    (failures, progress): (&mut Vec<Failure>, &Progress),
) -> Result<Vec<Looked>, Failure> {
    desk.home.must_be_original().await?;
    let mut looked = Vec::new();
    for bot in bots {
        match Box::pin(look(desk, bot)).await {
            Ok((recovered, orders_placed)) => looked.push(Looked {
                orders_placed,
                bot: bot.id.clone(),
                observed: recovered.observed,
                actions: recovered.actions,
                levels_caught_up: recovered.levels_caught_up,
                problems: recovered.problems,
            }),
            Err(failure) => failures.push(failure.at(format!("bot {}", bot.id))),
        }
        progress.one_more();
    }
    Ok(looked)
}

/// One look at one bot, and at everything its immediate fills bring.
async fn look(desk: &Desk<'_>, bot: &Bot) -> Result<(Recovered, u64), Failure> {
    let before = placed_so_far(desk, bot).await?;
    let exchanges = desk.home.exchanges();
    let queue = LocalQueue::new(QUEUE_CAPACITY, VISIBILITY);
    let ports = Ports {
        store: desk.home.store(),
        exchanges: &exchanges,
        queue: &queue,
        clock: &desk.clock,
    };
    let mut recovered = Box::pin(recover_bot(ports, &bot.id)).await?;
    while let Ok(received) = tokio::time::timeout(SOON, queue.receive()).await {
        let Message::Execution {
            execution,
            received_at,
        } = &received.message
        else {
            queue.delete(received.receipt);
            continue;
        };
        match Box::pin(handle_fill(ports, execution, *received_at)).await {
            Ok(handled) => {
                if let Answer::Again(_) = handled.answer {
                    recovered.problems.push(format!(
                        "{}: not settled yet; run `gridkeeper recover {}` again in a minute",
                        execution.client_order_id, bot.id
                    ));
                }
            }
            Err(error) => recovered.problems.push(error.to_string()),
        }
        queue.delete(received.receipt);
    }
    let after = placed_so_far(desk, bot).await?;
    Ok((recovered, after.saturating_sub(before)))
}

/// How many orders of a bot were placed so far: each number its levels have given out, but for a last one
/// that the exchange has not taken.
async fn placed_so_far(desk: &Desk<'_>, bot: &Bot) -> Result<u64, Failure> {
    let levels = desk.home.store().list_levels(&bot.id).await?.readable;
    let orders = levels.iter().filter_map(|level| level.order.as_ref());
    Ok(orders
        .map(|order| {
            let owed = u64::from(order.exchange_order_id.is_none());
            u64::from(order.no.0).saturating_sub(owed)
        })
        .sum())
}

/// What came of the looks, line by line.
fn told(looked: &[Looked]) -> Vec<String> {
    let mut lines = Vec::new();
    for bot in looked {
        lines.push(format!(
            "bot {}: {}, {} with fills that had been missed, {} placed",
            bot.bot,
            bot.observed,
            count(bot.levels_caught_up, "level"),
            count(bot.orders_placed, "order")
        ));
        lines.extend(bot.actions.iter().map(|(action, levels)| {
            let noun = if *levels == 1 { "level" } else { "levels" };
            format!("  {levels:>5} {noun}: {}", action_words(action))
        }));
        let problems = bot.problems.iter();
        lines.extend(problems.map(|problem| format!("  to know: {problem}")));
    }
    if looked.is_empty() {
        lines.push("no bots".to_owned());
    }
    lines.push("this was one look; a running `gridkeeper up` goes on looking".to_owned());
    lines
}

fn action_words(action: &str) -> &str {
    match action {
        "leave" => "as they should be",
        "leave_recent" => "changed just now, left alone",
        "leave_leased" => "their order is on its way",
        "wait" => "owed, not to be tried yet",
        "query" => "asked about their order",
        "lay" => "laid their first order",
        "place" => "placed their order",
        "find_out" => "found out what became of their order",
        "hold" => "held on purpose",
        "cancel" => "cancelled their order",
        "rest" => "at rest",
        "liquidate" => "sold what they held",
        "reexamine" => "quarantined, looked at again",
        "lay_down" => "quarantined, given up as the bot stops",
        other => other,
    }
}
