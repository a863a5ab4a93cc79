//! What a call has done, as figures that CloudWatch makes metrics of.
//!
//! One line of the log in the embedded metric format (Amazon CloudWatch User Guide, "Embedding metrics
//! within logs"): no request, no cost on the road of a fill.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use domain::LocalTime;
use serde_json::{Map, Value, json};

/// The metrics' namespace.
const NAMESPACE: &str = "Gridkeeper";

/// The most values of one metric in a line.
const MOST_VALUES: usize = 100;

/// What can be counted or timed; the names are those of the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Figure {
    /// Reports that led to fills being booked.
    Fills,
    /// Reports of which everything was known.
    Duplicates,
    /// Placements after a report that were refused for more than a wait, levels a comparison left with one, and
    /// comparisons of an account that is refused altogether, or whose key cannot be opened.
    Refused,
    /// Placements after a report whose fate is not known, and levels a comparison found with one.
    Unknown,
    /// Reports or placements that disagreed with the records, and levels a comparison left standing
    /// still.
    Quarantined,
    /// Messages that could not be handled now, or never.
    NotHandled,
    /// Levels at which a comparison booked fills that no report had brought.
    CaughtUp,
    /// Orders that a comparison laid, placed or found out about.
    Recovered,
    /// Comparisons that came to their end.
    Compared,
    /// Comparisons that did not, of bots at work that were not compared for ten minutes.
    NotCompared,
    /// Bridges that were heard of lately.
    BridgesAlive,
    /// Accounts that such bridges hold.
    ConnectedAccounts,
    /// Request weight the exchange has counted for this address in the minute.
    WeightUsed,
    /// From a bridge's receipt of a report to the acceptance of the order it led to.
    FillToOrderMilliseconds,
    /// From a bridge's receipt of a report to the beginning of its handling.
    QueueAgeMilliseconds,
}

impl Figure {
    const fn unit(self) -> &'static str {
        match self {
            Self::FillToOrderMilliseconds | Self::QueueAgeMilliseconds => "Milliseconds",
            Self::Fills
            | Self::Duplicates
            | Self::Refused
            | Self::Unknown
            | Self::Quarantined
            | Self::NotHandled
            | Self::CaughtUp
            | Self::Recovered
            | Self::Compared
            | Self::NotCompared
            | Self::BridgesAlive
            | Self::ConnectedAccounts
            | Self::WeightUsed => "Count",
        }
    }
}

/// The figures of one call.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures(BTreeMap<Figure, Vec<u64>>);

impl Figures {
    /// Adds one to a count.
    pub(crate) fn count(&mut self, figure: Figure) {
        self.add(figure, 1);
    }

    /// Adds to a count.
    pub(crate) fn add(&mut self, figure: Figure, more: u64) {
        let values = self.0.entry(figure).or_default();
        match values.first_mut() {
            Some(value) => *value = value.saturating_add(more),
            None => values.push(more),
        }
    }

    /// Notes how long something took.
    pub(crate) fn time(&mut self, figure: Figure, took: Duration) {
        let values = self.0.entry(figure).or_default();
        if values.len() < MOST_VALUES {
            values.push(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        }
    }

    /// Takes in those of another part of the call.
    pub(crate) fn merge(&mut self, other: Self) {
        for (figure, values) in other.0 {
            for value in values {
                match figure.unit() {
                    "Count" => self.add(figure, value),
                    _ => self.time(figure, Duration::from_millis(value)),
                }
            }
        }
    }

    /// Writes the line, if there is anything to tell and a stack to tell it of.
    pub(crate) fn tell(&self, stack: Option<&str>, now: LocalTime) {
        if let Some(line) = stack.and_then(|stack| self.line(stack, now)) {
            let written = writeln!(std::io::stdout().lock(), "{line}");
            if let Err(error) = written {
                tracing::warn!(%error, "figures not written");
            }
        }
    }

    fn line(&self, stack: &str, now: LocalTime) -> Option<Value> {
        if self.0.is_empty() {
            return None;
        }
        let metrics: Vec<Value> = self
            .0
            .keys()
            .map(|figure| json!({"Name": format!("{figure:?}"), "Unit": figure.unit()}))
            .collect();
        let about = json!({
            "Timestamp": now.as_millis(),
            "CloudWatchMetrics": [
                {"Namespace": NAMESPACE, "Dimensions": [["Stack"]], "Metrics": metrics}
            ],
        });
        let mut line = Map::new();
        line.insert("_aws".to_owned(), about);
        line.insert("Stack".to_owned(), json!(stack));
        for (figure, values) in &self.0 {
            let value = match values.as_slice() {
                [one] => json!(one),
                several => json!(several),
            };
            line.insert(format!("{figure:?}"), value);
        }
        Some(Value::Object(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_cloudwatch_documents() {
        let mut figures = Figures::default();
        figures.count(Figure::Fills);
        figures.count(Figure::Fills);
        figures.time(
            Figure::FillToOrderMilliseconds,
            Duration::from_micros(41_900),
        );
        figures.time(Figure::FillToOrderMilliseconds, Duration::from_millis(55));
        let line = figures.line("grids", LocalTime::from_millis(1_790_000_000_000));
        let expected = json!({
            "_aws": {
                "Timestamp": 1_790_000_000_000_i64,
                "CloudWatchMetrics": [{
                    "Namespace": "Gridkeeper",
                    "Dimensions": [["Stack"]],
                    "Metrics": [
                        {"Name": "Fills", "Unit": "Count"},
                        {"Name": "FillToOrderMilliseconds", "Unit": "Milliseconds"},
                    ],
                }],
            },
            "Stack": "grids",
            "Fills": 2,
            "FillToOrderMilliseconds": [41, 55],
        });
        assert_eq!(line, Some(expected));
    }

    #[test]
    fn nothing_done_is_no_line_and_no_metric_takes_more_than_its_values() {
        let now = LocalTime::from_millis(1);
        assert_eq!(Figures::default().line("grids", now), None);
        let mut figures = Figures::default();
        for _ in 0..=MOST_VALUES {
            figures.time(Figure::QueueAgeMilliseconds, Duration::from_millis(1));
        }
        let line = figures.line("grids", now).unwrap();
        let values = line["QueueAgeMilliseconds"].as_array().unwrap();
        assert_eq!(values.len(), MOST_VALUES);
    }
}
