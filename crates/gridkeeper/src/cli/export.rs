//! The words for exports, and days.

use std::fmt;
use std::str::FromStr;
use std::time::UNIX_EPOCH;

use clap::{Args, ValueEnum};
use domain::BotId;

/// Exporting.
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// What to write: each trade, or each purchase with its sale.
    #[arg(value_enum)]
    pub what: ExportWhat,
    /// Only this bot's; without it, of all bots.
    #[arg(long, value_name = "BOT")]
    pub bot: Option<BotId>,
    /// From this day on (UTC), such as 2026-01-01.
    #[arg(long, value_name = "DAY")]
    pub from: Option<Day>,
    /// To this day (UTC), which is included.
    #[arg(long, value_name = "DAY")]
    pub to: Option<Day>,
    /// How it is written.
    #[arg(long, value_enum, default_value = "csv", value_name = "FORM")]
    pub format: ExportForm,
}

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportWhat {
    /// Each trade.
    Fills,
    /// Each purchase with its sale, and what they earned.
    RoundTrips,
}

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportForm {
    /// Comma-separated values under a heading.
    Csv,
    /// A list of objects.
    Json,
}

/// A day in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(i64);

impl Day {
    /// Its first millisecond since 1970.
    #[must_use]
    pub const fn begins(self) -> i64 {
        self.0
    }

    /// The first millisecond after it.
    #[must_use]
    pub const fn ends(self) -> i64 {
        self.0.saturating_add(24 * 60 * 60 * 1_000)
    }
}

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let no_day = || format!("{text:?} is no day: write it as 2026-01-31");
        if text.len() != 10 {
            return Err(no_day());
        }
        let midnight = humantime::parse_rfc3339(&format!("{text}T00:00:00Z"));
        let since = midnight
            .ok()
            .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let millis = since.and_then(|since| i64::try_from(since.as_millis()).ok());
        millis.map(Self).ok_or_else(no_day)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = domain::LocalTime::from_millis(self.0);
        f.write_str(
            crate::table::when(text)
                .split(' ')
                .next()
                .unwrap_or_default(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_and_ends_at_midnight_in_utc() {
        let day: Day = "1970-01-02".parse().unwrap();
        assert_eq!((day.begins(), day.ends()), (86_400_000, 2 * 86_400_000));
        assert_eq!(day.to_string(), "1970-01-02");
        for text in [
            "",
            "2026-02-30",
            "2026-1-1",
            "01.02.2026",
            "2026-01-01T00:00:00Z",
            "1969-12-31",
        ] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }
}
