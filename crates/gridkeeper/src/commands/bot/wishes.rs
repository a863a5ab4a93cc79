//! `gridkeeper bot start | pause | resume | stop | remove`: writing what is wanted of a bot.

use domain::{Bot, BotId, DesiredStatus, ObservedStatus};
use trading::{BotStore as _, Claim, EventKind, EventRecord, LevelStore as _};

use super::super::{Desk, Session};
use crate::failure::{Exit, Failure, Outcome};

/// How often a wish is written again after somebody else changed the bot meanwhile.
const TRIES: u32 = 8;

/// What an operator may wish of a bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// That it trades.
    Start,
    /// That it sends nothing new.
    Pause,
    /// That it goes on after a pause.
    Resume,
    /// That it ends and keeps what it holds.
    Stop,
    /// That it ends and sells what it holds.
    StopAndSell,
}

impl Wish {
    /// What the bot is to be.
    const fn desired(self) -> DesiredStatus {
        match self {
            Self::Start | Self::Resume => DesiredStatus::Running,
            Self::Pause => DesiredStatus::Paused,
            Self::Stop => DesiredStatus::Stopped,
            Self::StopAndSell => DesiredStatus::StoppedAndSold,
        }
    }

    /// Whether it makes sense for a bot that is to be as this one is.
    pub(crate) const fn suits(self, bot: &Bot) -> bool {
        match self {
            Self::Start | Self::Stop | Self::StopAndSell => true,
            Self::Pause | Self::Resume => match bot.desired {
                DesiredStatus::Running | DesiredStatus::Paused => true,
                DesiredStatus::Ready | DesiredStatus::Stopped | DesiredStatus::StoppedAndSold => {
                    false
                }
            },
        }
    }
}

/// Writes a wish and says what came of it.
pub(super) async fn carry(session: &mut Session<'_>, id: &BotId, wish: Wish) -> Outcome {
    let said = make_wish(session, id, wish).await?;
    for line in said {
        writeln!(session.out, "{line}")?;
    }
    Ok(Exit::Yes)
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

/// Writes what is wanted, and makes the bot due so that it is looked at now. Gives what is to be said of
/// it, line by line.
///
/// # Errors
/// [`Failure`] when there is no such bot, the wish does not suit it, or the store does not take it.
pub(crate) async fn make_wish(
    desk: &Desk<'_>,
    id: &BotId,
    wish: Wish,
) -> Result<Vec<String>, Failure> {
    let desired = wish.desired();
    for _ in 0..TRIES {
        let bot = desk.find_bot(id).await?;
        if desk.is_removed(id).await? {
            return Err(removed(id));
        }
        if !wish.suits(&bot) {
            return Err(not_trading(&bot));
        }
        let mut after = bot.clone();
        after.desired = desired;
        after.version = bot.version.saturating_add(1);
        let store = desk.home.store();
        if bot.desired != desired && store.update_bot(bot.version, &after).await? == Claim::Lost {
            continue;
        }
        store.make_due(id, desk.now()).await?;
        if bot.desired != desired {
            tell(desk, &bot, desired).await?;
        }
        return answer(desk, &bot, desired).await;
    }
    Err(Failure::refused(format!("bot {id} kept changing"))
        .at("store")
        .mend("run the command again"))
}

async fn tell(desk: &Desk<'_>, bot: &Bot, desired: DesiredStatus) -> Result<(), Failure> {
    let event = EventRecord {
        bot: bot.id.clone(),
        level: None,
        no: None,
        order: None,
        at: desk.now(),
        kind: EventKind::Operator,
        text: wish_words(bot.desired, desired).to_owned(),
    };
    Ok(desk.home.store().add_event(&event).await?)
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

async fn answer(
    desk: &Desk<'_>,
    bot: &Bot,
    desired: DesiredStatus,
) -> Result<Vec<String>, Failure> {
    let id = &bot.id;
    let mut said = vec![if bot.desired == desired {
        format!("bot {id} was to be {desired} already; it is looked at now")
    } else {
        format!("bot {id} is to be {desired}")
    }];
    let hindered = desk.ask_to_look(bot).await;
    said.extend(hindered.map(|failure| failure.to_string()));
    let held = desk.holding(bot).await?;
    match (held, desired) {
        (Some(held), DesiredStatus::Stopped) => said.push(format!(
            "it holds {held} by its records, which stay in your account; `gridkeeper bot stop {id} --sell` sells them"
        )),
        (Some(held), DesiredStatus::StoppedAndSold) => said.push(format!(
            "the {held} it holds by its records are sold near the market's price"
        )),
        _ => {}
    }
    let reminder = desk.reminder_of_up();
    said.push(
        reminder.unwrap_or_else(|| format!("`gridkeeper bot show {id}` shows when it is so")),
    );
    Ok(said)
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
