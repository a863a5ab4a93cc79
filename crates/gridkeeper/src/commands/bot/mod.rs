//! `gridkeeper bot`: planning, creating and steering grid bots.
//!
//! Steering writes what is wanted; a running `up` makes it so. Nothing here sends an order.

mod create;
mod plan;
mod plan_lines;
mod plan_text;
mod release;
mod show;
mod wishes;

pub(crate) use show::{Sums, status_words};
pub(crate) use wishes::{Wish, make_wish};

use super::Session;
use crate::cli::BotCommand;
use crate::failure::Outcome;

pub(super) async fn bot(session: &mut Session<'_>, command: BotCommand) -> Outcome {
    match command {
        BotCommand::Plan(args) => plan::plan(session, &args).await,
        BotCommand::Create(args) => create::create(session, &args).await,
        BotCommand::Start(name) => wishes::carry(session, &name.bot, Wish::Start).await,
        BotCommand::Pause(name) => wishes::carry(session, &name.bot, Wish::Pause).await,
        BotCommand::Resume(name) => wishes::carry(session, &name.bot, Wish::Resume).await,
        BotCommand::Stop(args) => {
            let wish = if args.sell {
                Wish::StopAndSell
            } else {
                Wish::Stop
            };
            wishes::carry(session, &args.bot, wish).await
        }
        BotCommand::Release(args) => release::release(session, &args.bot, args.level).await,
        BotCommand::Remove(name) => wishes::remove(session, &name.bot).await,
        BotCommand::List => show::list(session).await,
        BotCommand::Show(name) => show::show(session, &name.bot).await,
    }
}
