//! `gridkeeper bot create`: a plan that breaks nothing becomes a bot.

use domain::{
    BaseAmount, Bot, BotId, DesiredStatus, Entry, Level, LocalTime, ObservedStatus, PlanSummary,
    Price, Quantity, QuoteAmount,
};
use rand::TryRngCore;
use rand::rngs::OsRng;
use serde::Serialize;
use trading::{BotStore as _, EventKind, EventRecord, LevelStore as _};

use super::super::Session;
use super::plan::{Planned, draw};
use super::plan_text;
use crate::cli::BotCreateArgs;
use crate::failure::{Exit, Failure, Outcome};
use crate::table::count;

/// The letters of a bot's id, and how many it has: 36^10 ids, so two bots never share one.
const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const ID_LENGTH: usize = 10;

#[derive(Serialize)]
struct Created<'a> {
    bot: &'a BotId,
    levels: u16,
    desired: DesiredStatus,
}

pub(super) async fn create(session: &mut Session<'_>, args: &BotCreateArgs) -> Outcome {
    let planned = draw(session, &args.plan).await?;
    let Some(ladder) = planned
        .draft
        .ladder
        .as_ref()
        .filter(|_| planned.draft.problems.is_empty())
    else {
        return Err(refuse(&planned));
    };
    let now = session.now();
    let id = draw_bot_id(&mut OsRng)?;
    let levels = levels(&id, &ladder.summary, now)?;
    let bot = Bot {
        id: id.clone(),
        account: planned.account.clone(),
        plan: planned.plan.clone(),
        rules: planned.rules.clone(),
        rules_read_at: Some(now),
        rules_doubted: false,
        sold_out: false,
        levels: u16::try_from(levels.len())
            .map_err(|_too_many| Failure::bad_input("the plan has too many levels"))?,
        desired: if args.start {
            DesiredStatus::Running
        } else {
            DesiredStatus::Ready
        },
        observed: ObservedStatus::Ready,
        created_at: now,
        recovered_at: None,
        version: 0,
    };
    session.home.store().create_bot(&bot, &levels).await?;
    if args.start {
        session.see_to(&bot).await?;
    }
    tell_of_inventory(session, &planned, &bot, &ladder.summary).await?;
    if session.json {
        let created = Created {
            bot: &id,
            levels: bot.levels,
            desired: bot.desired,
        };
        session.write_json(&created)?;
        return Ok(Exit::Yes);
    }
    plan_text::write_short(&planned, session.out)?;
    let levels = count(bot.levels, "level");
    writeln!(session.out, "bot {id} created, {levels}")?;
    if args.start {
        writeln!(session.out, "it is to trade at once")?;
        session.remind_of_up()?;
    } else {
        writeln!(
            session.out,
            "it does not trade yet; start it with: gridkeeper bot start {id}"
        )?;
    }
    Ok(Exit::Yes)
}

fn refuse(planned: &Planned) -> Failure {
    let problems = &planned.draft.problems;
    let mut what = "the plan cannot be carried out:".to_owned();
    for problem in problems {
        what.push_str("\n  - ");
        what.push_str(&problem.to_string());
    }
    Failure::bad_input(what)
        .at(format!("grid on {}", planned.rules.symbol))
        .mend("each line says how; `gridkeeper bot plan` with the same words shows the whole ladder. Nothing was written")
}

/// The levels of a plan; those that start from the balance hold their inventory already, at the
/// price of this moment.
fn levels(id: &BotId, summary: &PlanSummary, now: LocalTime) -> Result<Vec<Level>, Failure> {
    summary
        .levels
        .iter()
        .map(|figures| {
            let mut level = Level::new(id.clone(), figures.index, &figures.rung, now);
            if let Entry::FromBalance { price } = figures.entry {
                level.base = BaseAmount::from(level.quantity);
                level.cost = worth(price, level.quantity)?;
            }
            Ok(level)
        })
        .collect()
}

fn worth(price: Price, quantity: Quantity) -> Result<QuoteAmount, Failure> {
    price.times(quantity).ok_or_else(|| {
        Failure::bad_input("the figures are too large or too fine to calculate exactly")
            .mend("use fewer digits")
    })
}

/// Writes into the levels' stories what was taken from the balance, for no trade tells of it.
async fn tell_of_inventory(
    session: &Session<'_>,
    planned: &Planned,
    bot: &Bot,
    summary: &PlanSummary,
) -> Result<(), Failure> {
    for figures in &summary.levels {
        let Entry::FromBalance { price } = figures.entry else {
            continue;
        };
        let (base, quote) = (&planned.rules.base, &planned.rules.quote);
        let event = EventRecord {
            bot: bot.id.clone(),
            level: Some(figures.index),
            no: None,
            order: None,
            at: bot.created_at,
            kind: EventKind::Operator,
            text: format!(
                "took {} {base} from the balance, counted at {price} {quote} each",
                figures.rung.quantity
            ),
        };
        session.home.store().add_event(&event).await?;
    }
    Ok(())
}

/// Draws the id of a new bot.
fn draw_bot_id<R: TryRngCore>(random: &mut R) -> Result<BotId, Failure> {
    let no_bytes =
        |error: R::Error| Failure::refused(format!("the system gives no random bytes: {error}"));
    let mut text = String::with_capacity(ID_LENGTH);
    while text.len() < ID_LENGTH {
        let mut byte = [0_u8; 1];
        random.try_fill_bytes(&mut byte).map_err(no_bytes)?;
        let [byte] = byte;
        // 252 is the largest multiple of 36 in a byte; what lies beyond would favour some letters.
        if byte < 252
            && let Some(letter) = LETTERS.get(usize::from(byte % 36))
        {
            text.push(char::from(*letter));
        }
    }
    text.parse()
        .map_err(|error: domain::IdError| Failure::refused(error))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::rngs::SmallRng;

    use super::*;

    #[test]
    fn ids_use_all_letters_and_repeat_with_the_seed_only() {
        let mut random = SmallRng::seed_from_u64(7);
        let ids: Vec<BotId> = (0..300)
            .map(|_| draw_bot_id(&mut random).unwrap())
            .collect();
        let mut letters: Vec<u8> = ids.iter().flat_map(|id| id.as_str().bytes()).collect();
        letters.sort_unstable();
        letters.dedup();
        assert_eq!(letters.len(), 36);
        assert!(ids.iter().all(|id| id.as_str().len() == ID_LENGTH));
        let mut distinct = ids.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), ids.len());
        assert_eq!(
            draw_bot_id(&mut SmallRng::seed_from_u64(7)).unwrap(),
            ids[0]
        );
    }
}
