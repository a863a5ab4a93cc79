//! `gridkeeper watch`: what the page shows, on a terminal; elsewhere a line for each change.
//!
//! Start at [`watch`]. Reader and hub are the page's own, so that both say the same. Never writes anything.

mod lines;
mod screen;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use domain::BotId;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Kind;
use super::hub::{Hub, Shown, Visit};
use super::reader::Reader;
use super::source::Source;
use crate::failure::{Exit, Failure, Outcome};
use crate::tui::{Screen, ends};
use lines::Lines;
use screen::draw;

/// How often the screen is drawn and keys are looked for.
const FRAME: Duration = Duration::from_millis(100);

/// Shows what is kept at `source`, one bot or all, until `asked` or a key ends it.
///
/// # Errors
/// [`Failure`] when there is no such bot, the records cannot be read at all, or the terminal fails.
pub(crate) async fn watch(
    kind: Kind,
    source: Source,
    bot: Option<BotId>,
    (json, out): (bool, &mut dyn Write),
    asked: impl Future<Output = ()>,
) -> Outcome {
    let hub = Hub::new();
    let stop = CancellationToken::new();
    let reader = Reader::new(Arc::clone(&hub), Arc::new(source), None, kind.word());
    let mut tasks = JoinSet::new();
    tasks.spawn(reader.run(stop.clone()));
    let screen = (!json).then(Screen::open).flatten();
    let shown = Box::pin(show(&hub, bot, screen, (json, out)));
    let outcome = tokio::select! {
        outcome = shown => outcome,
        () = asked => Ok(()),
    };
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    outcome.map(|()| Exit::Yes)
}

async fn show(
    hub: &Arc<Hub>,
    bot: Option<BotId>,
    mut screen: Option<Screen>,
    (json, out): (bool, &mut dyn Write),
) -> Result<(), Failure> {
    let mut passes = hub.passes();
    let mut view = View::of(bot.clone());
    let mut visit = hub.visit(bot.clone());
    // The first look says whether there is anything to show.
    loop {
        if passes.changed().await.is_err() {
            return Err(Failure::refused("the records are no longer read"));
        }
        let shown = hub.shown();
        if let Some(failure) = &shown.trouble {
            return Err(failure.clone());
        }
        no_such_bot(&shown, bot.as_ref())?;
        let all_there = bot.as_ref().is_none_or(|bot| shown.pages.contains_key(bot));
        if shown.state.is_some() && all_there {
            break;
        }
    }
    let mut lines = Lines::new(json);
    let mut frames = tokio::time::interval(FRAME);
    loop {
        match &mut screen {
            None => {
                let told = {
                    let shown = hub.shown();
                    no_such_bot(&shown, bot.as_ref())?;
                    lines.news(&shown, bot.as_ref())
                };
                for line in told {
                    writeln!(out, "{line}")?;
                }
                out.flush()?;
                if passes.changed().await.is_err() {
                    return Ok(());
                }
            }
            Some(screen) => {
                frames.tick().await;
                for key in screen.keys()? {
                    if view.press(&key, &hub.shown()) {
                        return Ok(());
                    }
                }
                follow(&mut visit, view.bot.as_ref());
                screen.draw(|frame| draw(frame, &hub.shown(), &view))?;
            }
        }
    }
}

fn no_such_bot(shown: &Shown, bot: Option<&BotId>) -> Result<(), Failure> {
    match bot {
        Some(bot) if shown.gone.contains(bot) => {
            Err(Failure::bad_input(format!("there is no bot {bot}"))
                .at("BOT")
                .mend("`gridkeeper bot list` shows the bots"))
        }
        Some(_) | None => Ok(()),
    }
}

/// Has the bot on the screen kept up to date in place of the one before.
fn follow(visit: &mut Visit, bot: Option<&BotId>) {
    if visit.bot() != bot {
        *visit = visit.hub().visit(bot.cloned());
    }
}

/// What is on the screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct View {
    /// The bot that is shown; `None`: the list of all.
    bot: Option<BotId>,
    /// The row of the list that is chosen.
    row: usize,
    /// By how many levels the ladder is moved up from the market.
    moved: i32,
}

impl View {
    fn of(bot: Option<BotId>) -> Self {
        Self {
            bot,
            ..Self::default()
        }
    }

    /// Does what a key asks for. Gives whether it asks for the end.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "all other keys of a keyboard do nothing"
    )]
    fn press(&mut self, key: &KeyEvent, shown: &Shown) -> bool {
        let last = shown.bots.len().saturating_sub(1);
        let by = match key.code {
            KeyCode::Up | KeyCode::Char('k') => 1,
            KeyCode::Down | KeyCode::Char('j') => -1,
            KeyCode::PageUp => 10,
            KeyCode::PageDown => -10,
            _ => 0,
        };
        if self.bot.is_some() {
            self.moved = self.moved.saturating_add(by);
        } else {
            let down = usize::try_from(-by).unwrap_or(0);
            let up = usize::try_from(by).unwrap_or(0);
            self.row = self.row.saturating_add(down).saturating_sub(up).min(last);
        }
        match key.code {
            KeyCode::Enter if self.bot.is_none() => {
                self.bot = shown.bots.keys().nth(self.row).cloned();
                self.moved = 0;
            }
            KeyCode::Esc if self.bot.is_none() => return true,
            KeyCode::Esc => self.bot = None,
            KeyCode::Home => self.moved = 0,
            _ => {}
        }
        ends(key)
    }
}

#[cfg(test)]
mod tests;
