//! An audit in words.

use std::io;

use super::report::{BotAudit, Verdict};
use crate::table::{Align, Table, when_there};

/// How many violations and notes are written out; the rest are counted.
const MOST_LINES: usize = 50;

impl BotAudit {
    /// Writes the audit for people: the answer first, then what is broken, then the levels.
    ///
    /// # Errors
    /// When `out` does not take it.
    pub fn write(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let answer = if self.clean { "clean" } else { "NOT CLEAN" };
        writeln!(
            out,
            "bot {} on {}: {answer} (as of {})",
            self.bot,
            self.symbol,
            when_there(self.read_at)
        )?;
        let owing = self.count(Verdict::Owing);
        writeln!(
            out,
            "  {} orders and {} trades at the exchange; missing opposite orders: {}; orders nobody owed: {}",
            self.orders, self.trades, self.missing, self.doubled
        )?;
        writeln!(
            out,
            "  levels: {} kept, {} under way, {owing} owing for a recorded reason, {} broken",
            self.count(Verdict::Kept),
            self.count(Verdict::UnderWay),
            self.count(Verdict::Broken)
        )?;
        for violation in self.violations.iter().take(MOST_LINES) {
            let level = violation
                .level
                .map_or_else(|| "bot".to_owned(), |level| format!("level {level}"));
            let number = violation.invariant.number();
            writeln!(
                out,
                "  BROKEN {number} ({}) {level}: {}",
                violation.invariant, violation.text
            )?;
        }
        write_rest(out, self.violations.len(), "broken promises")?;
        for record in self.unreadable.iter().take(MOST_LINES) {
            writeln!(out, "  CANNOT BE READ: {record}")?;
        }
        write_rest(out, self.unreadable.len(), "records that cannot be read")?;
        for note in self.notes.iter().take(MOST_LINES) {
            writeln!(out, "  note: {note}")?;
        }
        write_rest(out, self.notes.len(), "notes")?;
        let mut table = Table::new(&[
            ("level", Align::Right),
            ("verdict", Align::Left),
            ("filled", Align::Right),
            ("opposite", Align::Right),
            ("round trips", Align::Right),
            ("trades", Align::Right),
            ("live order", Align::Right),
            ("why", Align::Left),
        ]);
        for level in &self.levels {
            table.row(vec![
                level.level.to_string(),
                level.verdict.to_string(),
                level.completed_orders.to_string(),
                level.opposite_orders.to_string(),
                level.round_trips.to_string(),
                level.trades.to_string(),
                level
                    .live_order
                    .map_or_else(|| "-".to_owned(), |id| id.to_string()),
                level.why.clone().unwrap_or_default(),
            ]);
        }
        table.write(out, 2)
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.levels
            .iter()
            .filter(|level| level.verdict == verdict)
            .count()
    }
}

fn write_rest(out: &mut dyn io::Write, total: usize, what: &str) -> io::Result<()> {
    match total.checked_sub(MOST_LINES) {
        Some(rest) if rest > 0 => writeln!(out, "  and {rest} more {what}; --json shows all"),
        _ => Ok(()),
    }
}
