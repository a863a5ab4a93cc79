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

use super::Session;
use crate::cli::BotCommand;
use crate::failure::Outcome;

pub(super) async fn bot(session: &mut Session<'_>, command: BotCommand) -> Outcome {
    match command {
        BotCommand::Plan(args) => plan::plan(session, &args).await,
        BotCommand::Create(args) => create::create(session, &args).await,
        BotCommand::Start(name) => wishes::start(session, &name.bot).await,
        BotCommand::Pause(name) => wishes::pause(session, &name.bot).await,
        BotCommand::Resume(name) => wishes::resume(session, &name.bot).await,
        BotCommand::Stop(args) => wishes::stop(session, &args.bot, args.sell).await,
        BotCommand::Release(args) => release::release(session, &args.bot, args.level).await,
        BotCommand::Remove(name) => wishes::remove(session, &name.bot).await,
        BotCommand::List => show::list(session).await,
        BotCommand::Show(name) => show::show(session, &name.bot).await,
    }
}
