//! What changed, a line each: for logs, pipes and `--json`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use domain::BotId;
use serde::Serialize;

use crate::dashboard::flow::FlowRow;
use crate::dashboard::hub::{Health, Shown, json};
use crate::dashboard::rows::BotRow;
use crate::table::{count, count_of};

/// What was told before.
#[derive(Debug)]
pub(super) struct Lines {
    json: bool,
    health: Option<Health>,
    bots: BTreeMap<BotId, String>,
    fills: Option<BTreeSet<String>>,
    trouble: Option<String>,
}

/// One line in JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Line<'a> {
    Health(&'a Health),
    Bot(&'a BotRow),
    Fill { bot: &'a BotId, fill: &'a FlowRow },
    Trouble { error: &'a str },
}

impl Lines {
    /// Nothing was told yet.
    pub(super) const fn new(json: bool) -> Self {
        Self {
            json,
            health: None,
            bots: BTreeMap::new(),
            fills: None,
            trouble: None,
        }
    }

    /// What is new since this was asked last: of one bot, or of all.
    pub(super) fn news(&mut self, shown: &Shown, bot: Option<&BotId>) -> Vec<String> {
        let mut lines = Vec::new();
        let trouble = shown.trouble.as_ref().map(ToString::to_string);
        if let Some(error) = trouble.as_ref().filter(|_| trouble != self.trouble) {
            lines.push(self.write(&Line::Trouble { error }));
        }
        self.trouble = trouble;
        if let Some(state) = &shown.state
            && self.health.as_ref() != Some(&state.health)
        {
            lines.push(self.write(&Line::Health(&state.health)));
            self.health = Some(state.health.clone());
        }
        for row in shown.bots.values() {
            if bot.is_some_and(|bot| *bot != row.bot) {
                continue;
            }
            // What floats and what passes with time alone is no news.
            let told = Line::Bot(row).to_string();
            if self.bots.get(&row.bot) != Some(&told) {
                lines.push(self.write(&Line::Bot(row)));
                self.bots.insert(row.bot.clone(), told);
            }
        }
        if let Some((bot, page)) = bot.and_then(|bot| Some((bot, shown.pages.get(bot)?))) {
            let known = self.fills.take();
            for fill in &page.flow {
                // What was there at the first look is history.
                let new = known
                    .as_ref()
                    .is_some_and(|known| !known.contains(&fill.id));
                if new {
                    lines.push(self.write(&Line::Fill { bot, fill }));
                }
            }
            self.fills = Some(page.flow.iter().map(|fill| fill.id.clone()).collect());
        }
        lines
    }

    fn write(&self, line: &Line<'_>) -> String {
        if self.json {
            return json(line).to_string();
        }
        line.to_string()
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Health(health) => {
                f.write_str(&health.line)?;
                for line in &health.lines {
                    write!(f, "\n  {line}")?;
                }
                Ok(())
            }
            Self::Bot(row) => write!(
                f,
                "{} {} {}: realized {} {}, {}, {}/{} with an order, owed {}",
                row.bot,
                row.symbol,
                row.status,
                row.realized,
                row.quote,
                count(row.round_trips, "round trip"),
                row.levels.open,
                count_of(row.levels.all, "level"),
                row.owed,
            ),
            Self::Fill { bot, fill } => write!(f, "{bot} {}", fill.in_words()),
            Self::Trouble { error } => write!(f, "cannot be read now: {error}"),
        }
    }
}
