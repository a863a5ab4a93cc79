//! `gridkeeper bot start | pause | resume | stop | remove`: writing what is wanted of a bot.

use domain::{Bot, BotId, DesiredStatus, ObservedStatus};
use trading::{BotStore as _, Claim, EventKind, EventRecord, LevelStore as _};

use super::super::Session;
use crate::failure::{Exit, Failure, Outcome};

/// How often a wish is written again after somebody else changed the bot meanwhile.
const TRIES: u32 = 8;

pub(super) async fn start(session: &mut Session<'_>, id: &BotId) -> Outcome {
    wish(session, id, DesiredStatus::Running, |_| Ok(())).await
}

pub(super) async fn pause(session: &mut Session<'_>, id: &BotId) -> Outcome {
    wish(session, id, DesiredStatus::Paused, |bot| {
        match bot.desired {
            DesiredStatus::Running | DesiredStatus::Paused => Ok(()),
            DesiredStatus::Ready | DesiredStatus::Stopped | DesiredStatus::StoppedAndSold => {
                Err(not_trading(bot))
            }
        }
    })
    .await
}

pub(super) async fn resume(session: &mut Session<'_>, id: &BotId) -> Outcome {
    wish(session, id, DesiredStatus::Running, |bot| {
        match bot.desired {
            DesiredStatus::Paused | DesiredStatus::Running => Ok(()),
            DesiredStatus::Ready | DesiredStatus::Stopped | DesiredStatus::StoppedAndSold => {
                Err(not_trading(bot))
            }
        }
    })
    .await
}

pub(super) async fn stop(session: &mut Session<'_>, id: &BotId, sell: bool) -> Outcome {
    let desired = if sell {
        DesiredStatus::StoppedAndSold
    } else {
        DesiredStatus::Stopped
    };
    wish(session, id, desired, |_| Ok(())).await
}

fn removed(id: &BotId) -> Failure {
    Failure::bad_input(format!(
        "bot {id} was removed, so nobody looks after it any more"
    ))
    .mend("create another with `gridkeeper bot create`; its ledger and story stay to be read")
}

fn not_trading(bot: &Bot) -> Failure {
    Failure::bad_input(format!(
        "bot {} is to be {}, so it neither pauses nor resumes",
        bot.id, bot.desired
    ))
    .mend(format!("start it with: gridkeeper bot start {}", bot.id))
}

/// Writes what is wanted, and makes the bot due so that it is looked at now.
async fn wish(
    session: &mut Session<'_>,
    id: &BotId,
    desired: DesiredStatus,
    allowed: impl Fn(&Bot) -> Result<(), Failure>,
) -> Outcome {
    for _ in 0..TRIES {
        let bot = session.find_bot(id).await?;
        if session.is_removed(id).await? {
            return Err(removed(id));
        }
        allowed(&bot)?;
        let mut after = bot.clone();
        after.desired = desired;
        after.version = bot.version.saturating_add(1);
        let store = session.home.store();
        if bot.desired != desired && store.update_bot(bot.version, &after).await? == Claim::Lost {
            continue;
        }
        store.make_due(id, session.now()).await?;
        if bot.desired != desired {
            tell(session, &bot, desired).await?;
        }
        return answer(session, &bot, desired).await;
    }
    Err(Failure::refused(format!("bot {id} kept changing"))
        .at("store")
        .mend("run the command again"))
}

async fn tell(session: &Session<'_>, bot: &Bot, desired: DesiredStatus) -> Result<(), Failure> {
    let event = EventRecord {
        bot: bot.id.clone(),
        level: None,
        no: None,
        order: None,
        at: session.now(),
        kind: EventKind::Operator,
        text: wish_words(bot.desired, desired).to_owned(),
    };
    Ok(session.home.store().add_event(&event).await?)
}

/// What the operator has asked for.
const fn wish_words(before: DesiredStatus, wanted: DesiredStatus) -> &'static str {
    match (before, wanted) {
        (DesiredStatus::Paused, DesiredStatus::Running) => "resumed the bot",
        (DesiredStatus::Stopped | DesiredStatus::StoppedAndSold, DesiredStatus::Running) => {
            "started the bot again"
        }
        (DesiredStatus::Ready | DesiredStatus::Running, DesiredStatus::Running) => {
            "started the bot"
        }
        (_, DesiredStatus::Paused) => "paused the bot",
        (_, DesiredStatus::Stopped) => "stopped the bot",
        (_, DesiredStatus::StoppedAndSold) => "stopped the bot and asked to sell what it holds",
        (_, DesiredStatus::Ready) => "set the bot back to not started",
    }
}

async fn answer(session: &mut Session<'_>, bot: &Bot, desired: DesiredStatus) -> Outcome {
    let id = &bot.id;
    let said = if bot.desired == desired {
        format!("bot {id} was to be {desired} already; it is looked at now")
    } else {
        format!("bot {id} is to be {desired}")
    };
    writeln!(session.out, "{said}")?;
    session.see_to(bot).await?;
    let held = session.holding(bot).await?;
    match (held, desired) {
        (Some(held), DesiredStatus::Stopped) => writeln!(
            session.out,
            "it holds {held} by its records, which stay in your account; `gridkeeper bot stop {id} --sell` sells them"
        )?,
        (Some(held), DesiredStatus::StoppedAndSold) => writeln!(
            session.out,
            "the {held} it holds by its records are sold near the market's price"
        )?,
        _ => {}
    }
    if session.home.is_owned() {
        session.remind_of_up()?;
    } else {
        writeln!(
            session.out,
            "`gridkeeper bot show {id}` shows when it is so"
        )?;
    }
    Ok(Exit::Yes)
}

pub(super) async fn remove(session: &mut Session<'_>, id: &BotId) -> Outcome {
    let bot = session.find_bot(id).await?;
    if session.is_removed(id).await? {
        writeln!(session.out, "bot {id} was removed already")?;
        return Ok(Exit::Yes);
    }
    let never_traded = bot.desired == DesiredStatus::Ready && bot.observed == ObservedStatus::Ready;
    let to_stop = matches!(
        bot.desired,
        DesiredStatus::Stopped | DesiredStatus::StoppedAndSold
    );
    let stopped = bot.observed == ObservedStatus::Stopped && to_stop;
    if !stopped && !never_traded {
        let stands = if to_stop {
            format!("is {}", bot.observed)
        } else {
            format!("is {} and is to be {}", bot.observed, bot.desired)
        };
        return Err(Failure::bad_input(format!(
            "bot {id} {stands}, and only a stopped bot can be removed; stop it first"
        ))
        .mend(format!(
            "stop it with `gridkeeper bot stop {id}` and wait until `gridkeeper bot show {id}` says stopped"
        )));
    }
    if never_traded {
        settle_unstarted(session, &bot).await?;
    }
    session.home.store().remove_bot(id).await?;
    writeln!(
        session.out,
        "bot {id} is removed from the listings; its ledger and story stay in the store"
    )?;
    if let Some(held) = session.holding(&bot).await? {
        writeln!(
            session.out,
            "the {held} it held by its records stay in your account: no bot sells them now"
        )?;
    }
    Ok(Exit::Yes)
}

/// A bot that never traded has nothing to take down: it is stopped by saying so.
async fn settle_unstarted(session: &Session<'_>, bot: &Bot) -> Result<(), Failure> {
    let mut after = bot.clone();
    after.desired = DesiredStatus::Stopped;
    after.observed = ObservedStatus::Stopped;
    after.version = bot.version.saturating_add(1);
    match session.home.store().update_bot(bot.version, &after).await? {
        Claim::Won => Ok(()),
        Claim::Lost => Err(Failure::refused(format!("bot {} has just changed", bot.id))
            .at("store")
            .mend("run the command again")),
    }
}
