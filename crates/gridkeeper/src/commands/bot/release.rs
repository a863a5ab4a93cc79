//! `gridkeeper bot release`: what the exchange shows counts for a quarantined level.

use domain::{BotId, LevelIndex};
use trading::{LevelRelease, release_level};

use super::super::Session;
use crate::failure::{Exit, Failure, Outcome};

pub(super) async fn release(session: &mut Session<'_>, id: &BotId, level: LevelIndex) -> Outcome {
    let bot = session.find_bot(id).await?;
    let (store, now) = (session.home.store(), session.now());
    let said = match release_level(store, &bot.account, id, level, now).await? {
        LevelRelease::Asked => format!(
            "level {level} of bot {id} is released: its order is looked for once more. If the exchange shows it, \
             it is cancelled and what it executed is booked; if not, nothing more of it is booked. Then the level \
             goes on under a new number"
        ),
        LevelRelease::AskedBefore => {
            format!("level {level} of bot {id} was released already; it is looked at now")
        }
        LevelRelease::NotQuarantined => {
            return Err(Failure::bad_input(format!(
                "level {level} of bot {id} is not quarantined, so there is nothing to release"
            ))
            .mend(format!(
                "`gridkeeper explain {id} {level}` says how it stands"
            )));
        }
        LevelRelease::NoSuchLevel => {
            return Err(Failure::bad_input(format!("bot {id} has no level {level}"))
                .mend(format!("`gridkeeper explain {id}` shows all levels")));
        }
    };
    writeln!(session.out, "{said}")?;
    session.see_to(&bot).await?;
    if session.home.is_unattended() {
        session.remind_of_up()?;
    } else {
        writeln!(
            session.out,
            "`gridkeeper explain {id} {level}` shows when it is so"
        )?;
    }
    Ok(Exit::Yes)
}
