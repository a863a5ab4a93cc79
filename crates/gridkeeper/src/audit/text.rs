//! An audit in words.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;

use rust_decimal::Decimal;

use super::report::{BotAudit, Invariant, Verdict, Violation};
use crate::table::{Align, Table, amount, count, count_of, when_there};

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
        if let Some(conclusion) = &self.conclusion {
            writeln!(out, "  in short: {conclusion}")?;
        }
        self.write_unattended(out)?;
        let owing = self.count(Verdict::Owing);
        writeln!(
            out,
            "  {} and {} at the exchange; missing opposite orders: {}; orders nobody owed: {}",
            count(self.orders, "order"),
            count(self.trades, "trade"),
            self.missing,
            self.doubled
        )?;
        writeln!(
            out,
            "  levels: {} kept, {} under way, {owing} owing for a recorded reason, {} broken",
            self.count(Verdict::Kept),
            self.count(Verdict::UnderWay),
            self.count(Verdict::Broken)
        )?;
        self.write_violations(out)?;
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

    /// That nobody runs the bot, which explains what is missing where something is.
    fn write_unattended(&self, out: &mut dyn io::Write) -> io::Result<()> {
        match (self.unattended, self.clean) {
            (true, false) => writeln!(
                out,
                "  in short: `gridkeeper up` is not running, so what fills waits unseen and the orders it leads to \
                 are missing; start `gridkeeper up`, or let `gridkeeper recover {}` look once, then audit again",
                self.bot
            ),
            (true, true) => writeln!(
                out,
                "  note: `gridkeeper up` is not running, so what fills from now on waits"
            ),
            (false, _) => Ok(()),
        }
    }

    /// What is broken, by promise; each case of it only where nothing explains them all.
    fn write_violations(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let mut by_promise: BTreeMap<Invariant, Vec<&Violation>> = BTreeMap::new();
        for violation in &self.violations {
            by_promise
                .entry(violation.invariant)
                .or_default()
                .push(violation);
        }
        let mut left = MOST_LINES;
        for (promise, violations) in by_promise {
            writeln!(
                out,
                "  BROKEN, {}: {promise} (promise {})",
                count_of(violations.len(), "time"),
                promise.number()
            )?;
            if self.conclusion.is_some() {
                continue;
            }
            let shown = violations.len().min(left);
            left = left.saturating_sub(shown);
            for violation in violations.iter().take(shown) {
                let level = violation
                    .level
                    .map_or_else(|| "bot".to_owned(), |level| format!("level {level}"));
                writeln!(out, "    {level}: {}", rounded(&violation.text))?;
            }
        }
        if self.conclusion.is_some() && !self.violations.is_empty() {
            return writeln!(out, "  --json shows each of them");
        }
        write_rest(out, self.violations.len(), "broken promises")
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

/// A text with its long numbers as people read them, unless two that differ would then look the same.
fn rounded(text: &str) -> Cow<'_, str> {
    let mut said: BTreeMap<String, Decimal> = BTreeMap::new();
    let mut words = Vec::new();
    for word in text.split(' ') {
        let number = word.trim_end_matches([',', ';', ':', ')']);
        let exact = number.trim_start_matches('(').parse::<Decimal>().ok();
        let Some(exact) = exact.filter(|exact| exact.scale() > 8) else {
            words.push(Cow::Borrowed(word));
            continue;
        };
        let short = amount(exact);
        let known = said.entry(short.clone()).or_insert(exact);
        if *known != exact {
            return Cow::Borrowed(text);
        }
        words.push(Cow::Owned(
            word.replace(number.trim_start_matches('('), &short),
        ));
    }
    Cow::Owned(words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn long_numbers_are_rounded_unless_that_hides_what_differs() {
        for (exact, says) in [
            (
                "profit less cost is -0.4113162400000000000000000000 USDT, the exchange's trades come to 0",
                "profit less cost is -0.41131624 USDT, the exchange's trades come to 0",
            ),
            (
                "1.1234567891 (fee 0.1234567891)",
                "1.12345679 (fee 0.12345679)",
            ),
            (
                "1.1234567891 and 1.1234567892",
                "1.1234567891 and 1.1234567892",
            ),
            (
                "trade 12345678901234 of order 1.5",
                "trade 12345678901234 of order 1.5",
            ),
        ] {
            assert_eq!(rounded(exact), says);
        }
    }
}
