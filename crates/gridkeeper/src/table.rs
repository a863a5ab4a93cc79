//! Rows of text in aligned columns, and how times and durations are written for people.
//!
//! Start at [`Table`]. Writes to whatever it is given; never to the terminal by itself.

use std::fmt::Write as _;
use std::io;
use std::time::{Duration, UNIX_EPOCH};

use domain::{ExchangeTime, LocalTime};
use rust_decimal::Decimal;

/// How a column is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Rows of text under headings.
#[derive(Debug, Clone)]
pub struct Table {
    headings: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these columns.
    #[must_use]
    pub fn new(headings: &[(&'static str, Align)]) -> Self {
        Self {
            headings: headings.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; cells beyond the columns are dropped, missing ones are empty.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Writes the table, each line indented by `indent` spaces.
    ///
    /// # Errors
    /// When `out` does not take it.
    pub fn write(&self, out: &mut dyn io::Write, indent: usize) -> io::Result<()> {
        let headings: Vec<String> = self
            .headings
            .iter()
            .map(|(heading, _)| (*heading).to_owned())
            .collect();
        for row in std::iter::once(&headings).chain(&self.rows) {
            writeln!(out, "{}", self.line(row, indent))?;
        }
        Ok(())
    }

    fn line(&self, row: &[String], indent: usize) -> String {
        let mut line = " ".repeat(indent);
        for (column, (_, align)) in self.headings.iter().enumerate() {
            let cell = row.get(column).map_or("", String::as_str);
            let width = self.width(column);
            if column > 0 {
                line.push_str("  ");
            }
            // Writing into a text cannot fail.
            let written = match align {
                Align::Left => write!(line, "{cell:<width$}"),
                Align::Right => write!(line, "{cell:>width$}"),
            };
            debug_assert!(written.is_ok());
        }
        line.truncate(line.trim_end().len());
        line
    }

    fn width(&self, column: usize) -> usize {
        let heading = self
            .headings
            .get(column)
            .map_or(0, |(text, _)| text.chars().count());
        self.rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .fold(heading, usize::max)
    }
}

/// An instant as people read it, to the second: `2026-03-01 12:00:05 UTC`.
#[must_use]
pub fn when(time: LocalTime) -> String {
    date(time.as_millis())
}

/// The same for an instant on the exchange's clock.
#[must_use]
pub fn when_there(time: ExchangeTime) -> String {
    date(time.as_millis())
}

fn date(millis: i64) -> String {
    let text = u64::try_from(millis)
        .ok()
        .and_then(|millis| UNIX_EPOCH.checked_add(Duration::from_millis(millis)))
        // The last second of the year 9999: what comes after cannot be written as a date.
        .filter(|_| millis < 253_402_300_800_000)
        .map(|time| humantime::format_rfc3339_seconds(time).to_string());
    match text {
        Some(text) => text.replace('T', " ").replace('Z', " UTC"),
        None => format!("{millis} ms after 1970"),
    }
}

/// A duration as people say it, in its two largest units: `3 min 20 s`.
#[must_use]
pub fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (large, small) = match seconds {
        0 => return format!("{} ms", duration.as_millis()),
        1..60 => return format!("{seconds} s"),
        60..3_600 => ((seconds / 60, "min"), (seconds % 60, "s")),
        3_600..86_400 => ((seconds / 3_600, "h"), (seconds % 3_600 / 60, "min")),
        _ => ((seconds / 86_400, "d"), (seconds % 86_400 / 3_600, "h")),
    };
    if small.0 == 0 {
        format!("{} {}", large.0, large.1)
    } else {
        format!("{} {} {} {}", large.0, large.1, small.0, small.1)
    }
}

/// How long ago an instant was: `5 s ago`, or `in 5 s` when it is still to come.
#[must_use]
pub fn ago(time: LocalTime, now: LocalTime) -> String {
    if time > now {
        format!("in {}", span(time.since(now)))
    } else {
        format!("{} ago", span(now.since(time)))
    }
}

/// An amount as people read one: the exchange's own eight decimals at most. Records stay exact.
#[must_use]
pub fn amount(exact: Decimal) -> String {
    exact.round_dp(8).normalize().to_string()
}

/// A number of things: `1 bot`, `2 bots`.
#[must_use]
pub fn count(number: impl Into<u64>, what: &str) -> String {
    match number.into() {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    }
}

/// The same for what was counted in memory.
#[must_use]
pub fn count_of(number: usize, what: &str) -> String {
    count(u64::try_from(number).unwrap_or(u64::MAX), what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        for (number, text) in [(0, "0 bots"), (1, "1 bot"), (2, "2 bots")] {
            assert_eq!(count_of(number, "bot"), text);
        }
    }

    #[test]
    fn aligns_columns_by_their_widest_cell() {
        let mut table = Table::new(&[
            ("level", Align::Right),
            ("state", Align::Left),
            ("price", Align::Right),
        ]);
        table.row(vec![
            "7".to_owned(),
            "open".to_owned(),
            "61000.5".to_owned(),
        ]);
        table.row(vec!["12".to_owned(), "quarantined".to_owned()]);
        let mut text = Vec::new();
        table.write(&mut text, 2).unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "  level  state          price\n      7  open         61000.5\n     12  quarantined\n"
        );
    }

    #[test]
    fn writes_times_as_people_read_them() {
        assert_eq!(
            when(LocalTime::from_millis(1_790_000_000_123)),
            "2026-09-21 14:13:20 UTC"
        );
        assert_eq!(when(LocalTime::from_millis(-5)), "-5 ms after 1970");
        assert_eq!(
            when(LocalTime::from_millis(i64::MAX)),
            format!("{} ms after 1970", i64::MAX)
        );
        for (seconds, text) in [
            (5, "5 s"),
            (60, "1 min"),
            (200, "3 min 20 s"),
            (3_660, "1 h 1 min"),
            (90_000, "1 d 1 h"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
        assert_eq!(span(Duration::from_millis(40)), "40 ms");
        let now = LocalTime::from_millis(10_000);
        assert_eq!(ago(LocalTime::from_millis(4_000), now), "6 s ago");
        assert_eq!(ago(LocalTime::from_millis(12_000), now), "in 2 s");
    }
}
