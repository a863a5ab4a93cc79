//! What a bridge has done and how it stands, as metrics in the text format of OpenMetrics, which Prometheus reads.
//!
//! Entry points: [`text`] for a bridge alone, [`BridgeMetrics`] for a process that tells of more, [`CONTENT_TYPE`].
//! Pure.

use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use trading::StreamState;

use crate::{BridgeStatus, Delays, Reconnect};

/// The kind of text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics of a bridge, by how it stands and how long ago it said so; `None` before its first turn, of which there
/// is nothing to count.
///
/// # Errors
/// None that a text in memory could cause.
pub fn text(name: &str, status: Option<(BridgeStatus, Duration)>) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("gridkeeper_bridge");
    let status = status.map(|(status, ago)| (status, Some(ago)));
    registry.register_collector(Box::new(BridgeMetrics::new(name, status)));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry)?;
    Ok(text)
}

/// The metrics of a bridge, to be registered under the prefix `gridkeeper_bridge`.
#[derive(Debug)]
pub struct BridgeMetrics {
    name: String,
    status: Option<(BridgeStatus, Option<Duration>)>,
}

impl BridgeMetrics {
    /// Those of the bridge of this name: how it stands, and how long ago it said so, where that is known.
    #[must_use]
    pub fn new(name: &str, status: Option<(BridgeStatus, Option<Duration>)>) -> Self {
        Self {
            name: name.to_owned(),
            status,
        }
    }
}

impl Collector for BridgeMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let labels = [
            ("bridge", self.name.as_str()),
            ("version", env!("CARGO_PKG_VERSION")),
        ];
        encoder
            .encode_descriptor("build", "Its name and version", None, MetricType::Info)?
            .encode_info(&labels)?;
        let Some((status, ago)) = &self.status else {
            return Ok(());
        };
        standing(status, *ago, &mut encoder)?;
        counts(status, &mut encoder)?;
        reconnects(status, &mut encoder)?;
        let help = "Time from a report's arrival to its place on the queue";
        encode_delays(
            &status.counters.delays,
            "event_to_queue",
            help,
            &mut encoder,
        )
    }
}

/// How it stands: what may go up and down.
fn standing(
    status: &BridgeStatus,
    ago: Option<Duration>,
    encoder: &mut DescriptorEncoder,
) -> fmt::Result {
    let up = status
        .accounts
        .values()
        .filter(|account| matches!(account.stream, StreamState::Subscribed { .. }))
        .count();
    let refused = status
        .accounts
        .values()
        .filter(|account| account.key_refused)
        .count();
    let all = status.accounts.len();
    let down = all.saturating_sub(up).saturating_sub(refused);
    let help = "Streams by state: up, down, or down because the account's key is refused";
    let mut streams = encoder.encode_descriptor("streams", help, None, MetricType::Gauge)?;
    for (state, number) in [("up", up), ("down", down), ("key_refused", refused)] {
        let labels = [("state", state)];
        ConstGauge::new(wide(number)).encode(streams.encode_family(&labels)?)?;
    }
    for (name, help, number) in [
        ("accounts", "Accounts it holds", all),
        (
            "connections",
            "Open connections to the exchange",
            status.connections,
        ),
        (
            "buffered_messages",
            "Messages that wait to be sent",
            status.buffered,
        ),
    ] {
        let gauge = ConstGauge::new(wide(number));
        gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
    }
    let mut age = |name: &str, help: &str, age: Duration| {
        let gauge = ConstGauge::new(age.as_secs_f64());
        let unit = Some(&Unit::Seconds);
        gauge.encode(encoder.encode_descriptor(name, help, unit, gauge.metric_type())?)
    };
    if let Some(ago) = ago {
        age("loop_age", "Time since its loop last turned", ago)?;
    }
    status.heartbeat_age.map_or(Ok(()), |since| {
        let since = since.saturating_add(ago.unwrap_or_default());
        age(
            "heartbeat_age",
            "Time since it last wrote a sign of life",
            since,
        )
    })
}

/// What it has done since it started.
fn counts(status: &BridgeStatus, encoder: &mut DescriptorEncoder) -> fmt::Result {
    let counters = &status.counters;
    for (name, help, number) in [
        (
            "events_forwarded",
            "Reports of our orders taken up for the queue",
            counters.forwarded,
        ),
        (
            "events_not_ours",
            "Reports of orders that are not ours",
            counters.not_ours,
        ),
        (
            "events_without_news",
            "Reports that neither traded nor ended our order",
            counters.no_news,
        ),
        (
            "frames_unreadable",
            "Frames and reports that could not be read",
            counters.unreadable,
        ),
        (
            "overflow",
            "Reports that did not fit into the buffer",
            counters.overflowed,
        ),
        ("reconciles", "Comparisons asked for", counters.reconciles),
        ("messages_sent", "Messages the queue took", counters.sent),
        (
            "send_failures",
            "Messages the queue did not take at some try",
            counters.send_failures,
        ),
        (
            "stream_gaps",
            "Times a stream went down unplanned",
            counters.gaps,
        ),
        (
            "subscriptions",
            "Subscriptions confirmed",
            counters.subscribed,
        ),
        (
            "subscriptions_refused",
            "Subscriptions refused, or without a usable key",
            counters.refused,
        ),
        ("connections_opened", "Connections opened", counters.opened),
        (
            "accounts_handed_over",
            "Accounts given up to other bridges",
            counters.handed_over,
        ),
        (
            "store_failures",
            "Reads and writes of the table that failed",
            counters.store_failures,
        ),
    ] {
        let counter = ConstCounter::new(number);
        counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
    }
    Ok(())
}

fn reconnects(status: &BridgeStatus, encoder: &mut DescriptorEncoder) -> fmt::Result {
    let help = "Connections that had to be made anew";
    let mut family = encoder.encode_descriptor("reconnects", help, None, MetricType::Counter)?;
    for cause in Reconnect::ALL {
        let reason = match cause {
            Reconnect::NotOpened => "not_opened",
            Reconnect::Lost => "lost",
            Reconnect::Unanswered => "unanswered",
            Reconnect::Age => "age",
            Reconnect::ServerShutdown => "server_shutdown",
            Reconnect::Refused => "refused",
        };
        let times = status.counters.reconnects.get(&cause).copied();
        let labels = [("reason", reason)];
        ConstCounter::new(times.unwrap_or_default()).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

/// Times as a histogram of seconds.
///
/// # Errors
/// None that a text in memory could cause.
pub fn encode_delays(
    delays: &Delays,
    name: &str,
    help: &str,
    encoder: &mut DescriptorEncoder<'_>,
) -> fmt::Result {
    let buckets: Vec<(f64, u64)> = delays
        .counts()
        .map(|(bound, count)| {
            (
                bound.map_or(f64::INFINITY, |bound| bound.as_secs_f64()),
                count,
            )
        })
        .collect();
    encoder
        .encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?
        .encode_histogram::<NoLabelSet>(delays.sum().as_secs_f64(), delays.count(), &buckets, None)
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
