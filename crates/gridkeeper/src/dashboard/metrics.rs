//! `GET /metrics`: how bots, accounts and this process stand, as text that Prometheus reads.
//!
//! Entry points: [`metrics`] for the server, [`text`] for what it says. A process that trades tells of its bridge
//! under the same names as the bridge's own process. Amounts of money are written as the exact decimals they are.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bridge::metrics::{BridgeMetrics, CONTENT_TYPE, encode_delays};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use super::api::{refuse, wait_for};
use super::hub::{Shown, StateShown};
use super::rows::{BotRow, LevelCounts};
use super::server::Shared;
use crate::failure::Failure;
use crate::node::Doings;

/// What every name begins with.
const PREFIX: &str = "gridkeeper";

/// `GET /metrics`.
pub(super) async fn metrics(State(shared): State<Shared>) -> Response {
    let visit = shared.hub.visit(None);
    let doings = shared.doings.as_ref();
    let found = wait_for(&visit, |shown| {
        let state = shown.state.as_ref()?;
        Some(text(state, shown, doings))
    });
    match found.await {
        Ok(Ok(text)) => {
            let kind = [(header::CONTENT_TYPE, CONTENT_TYPE)];
            (StatusCode::OK, kind, text).into_response()
        }
        Ok(Err(error)) => {
            let failure = Failure::refused(error).at("the metrics");
            refuse(StatusCode::INTERNAL_SERVER_ERROR, &failure)
        }
        Err(refusal) => *refusal,
    }
}

/// What is shown, as Prometheus reads it. `doings` are those of the process that trades, if this is it.
///
/// # Errors
/// None that a text in memory could cause.
fn text(state: &StateShown, shown: &Shown, doings: Option<&Doings>) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix(PREFIX);
    registry.register_collector(Box::new(Standing {
        state: state.clone(),
        bots: shown.bots.values().cloned().collect(),
        doings: doings.cloned(),
    }));
    if let Some(doings) = doings {
        let status = doings.bridge.status();
        let bridge = BridgeMetrics::new(&doings.name, Some((status, None)));
        registry
            .sub_registry_with_prefix("bridge")
            .register_collector(Box::new(bridge));
    }
    let mut text = String::new();
    encode_registry(&mut text, &registry)?;
    money(&mut text, &shown.bots.values().collect::<Vec<_>>())?;
    encode_eof(&mut text)?;
    Ok(text)
}

/// Everything that is a number of things or a time.
#[derive(Debug)]
struct Standing {
    state: StateShown,
    bots: Vec<BotRow>,
    doings: Option<Doings>,
}

impl Collector for Standing {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.levels(&mut encoder)?;
        self.bots(&mut encoder)?;
        self.accounts(&mut encoder)?;
        self.doings
            .as_ref()
            .map_or(Ok(()), |doings| happened(doings, &mut encoder))
    }
}

impl Standing {
    fn levels(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Levels by the state of their order";
        let mut family = encoder.encode_descriptor("levels", help, None, MetricType::Gauge)?;
        for row in &self.bots {
            for (state, count) in states(&row.levels) {
                let labels = [
                    ("bot", row.bot.as_str()),
                    ("symbol", row.symbol.as_str()),
                    ("state", state),
                ];
                let count = u64::try_from(count).unwrap_or(u64::MAX);
                ConstGauge::new(count).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }

    fn bots(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        type Figure = fn(&BotRow) -> Option<u64>;
        let figures: [(&str, &str, MetricType, Figure); 4] = [
            (
                "owed_orders",
                "Orders that are owed and not known to be at the exchange",
                MetricType::Gauge,
                |row| Some(u64::from(row.owed)),
            ),
            (
                "round_trips",
                "Purchases that were sold again",
                MetricType::Counter,
                |row| Some(row.round_trips),
            ),
            (
                "fills_today",
                "Fills since 00:00 UTC",
                MetricType::Gauge,
                |row| row.fills_today,
            ),
            (
                "bot_stale",
                "Whether the records may be behind the exchange: 1 if so",
                MetricType::Gauge,
                |row| Some(u64::from(row.stale)),
            ),
        ];
        for (name, help, kind, figure) in figures {
            let mut family = encoder.encode_descriptor(name, help, None, kind)?;
            for row in &self.bots {
                let Some(number) = figure(row) else { continue };
                let labels = [("bot", row.bot.as_str()), ("symbol", row.symbol.as_str())];
                let metric = family.encode_family(&labels)?;
                if matches!(kind, MetricType::Counter) {
                    ConstCounter::new(number).encode(metric)?;
                } else {
                    ConstGauge::new(number).encode(metric)?;
                }
            }
        }
        let help = "When the bot was last compared with the exchange, since 1970";
        let name = "recovered_timestamp";
        let mut family =
            encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)?;
        for row in &self.bots {
            let Some(at) = row.recovered_at else { continue };
            let labels = [("bot", row.bot.as_str()), ("symbol", row.symbol.as_str())];
            seconds(at.as_millis()).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn accounts(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let kind = MetricType::Gauge;
        let help = "Whether the account's user-data stream is subscribed: 1 if so";
        let mut family = encoder.encode_descriptor("stream_connected", help, None, kind)?;
        for row in &self.state.accounts {
            let labels = [("account", row.account.as_str())];
            let up = u64::from(row.is_subscribed());
            ConstGauge::new(up).encode(family.encode_family(&labels)?)?;
        }
        let help = "Whether the account may send no orders now: 1 if so";
        let mut family = encoder.encode_descriptor("account_stopped", help, None, kind)?;
        for row in &self.state.accounts {
            let labels = [("account", row.account.as_str())];
            let stopped = u64::from(row.is_stopped());
            ConstGauge::new(stopped).encode(family.encode_family(&labels)?)?;
        }
        let (name, help) = (
            "heartbeat_timestamp",
            "When a bridge last gave a sign of life, since 1970",
        );
        let mut family = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), kind)?;
        for row in &self.state.bridges {
            let labels = [("bridge", row.bridge.as_str())];
            seconds(row.at.as_millis()).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// What the process that trades has done since its start.
fn happened(doings: &Doings, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "What this process has handled since its start, by what it turned out to be";
    let mut family = encoder.encode_descriptor("handled", help, None, MetricType::Counter)?;
    for (kind, count) in doings.flow.counts() {
        ConstCounter::new(count).encode(family.encode_family(&[("outcome", kind)])?)?;
    }
    let help =
        "From receiving the report that completes an order until the opposite order is accepted";
    let reactions = doings.flow.changes().reaction_times();
    encode_delays(&reactions, "fill_to_order", help, encoder)
}

/// Amounts, which are decimals: the library's numbers are binary fractions. To be written after the others.
fn money(text: &mut String, rows: &[&BotRow]) -> fmt::Result {
    gauge(
        text,
        "realized_profit",
        "Profit of what was bought and sold again, after fees in the quote asset",
    )?;
    for row in rows {
        sample(
            text,
            "realized_profit",
            row,
            row.quote.as_str(),
            &row.realized,
        )?;
    }
    gauge(
        text,
        "floating_profit",
        "What selling everything held at the last price would bring beyond its cost",
    )?;
    for row in rows {
        let Some(floating) = &row.floating else {
            continue;
        };
        sample(text, "floating_profit", row, row.quote.as_str(), floating)?;
    }
    gauge(
        text,
        "fees_paid",
        "Fees of all fills, by the asset they were paid in",
    )?;
    for row in rows {
        for (asset, fee) in &row.fees {
            sample(text, "fees_paid", row, asset.as_str(), &fee.to_string())?;
        }
    }
    Ok(())
}

fn gauge(text: &mut String, name: &str, help: &str) -> fmt::Result {
    writeln!(text, "# HELP {PREFIX}_{name} {help}")?;
    writeln!(text, "# TYPE {PREFIX}_{name} gauge")
}

/// One sample. Ids, symbols and assets are letters and digits: nothing in them needs escaping.
fn sample(text: &mut String, name: &str, row: &BotRow, asset: &str, amount: &str) -> fmt::Result {
    let (bot, symbol) = (&row.bot, &row.symbol);
    writeln!(
        text,
        "{PREFIX}_{name}{{bot=\"{bot}\",symbol=\"{symbol}\",asset=\"{asset}\"}} {amount}"
    )
}

fn seconds(millis: i64) -> ConstGauge<i64> {
    ConstGauge::new(millis.div_euclid(1_000))
}

fn states(levels: &LevelCounts) -> BTreeMap<&'static str, usize> {
    BTreeMap::from([
        ("open", levels.open),
        ("pending", levels.pending),
        ("refused", levels.refused),
        ("held", levels.held),
        ("quarantined", levels.quarantined),
        ("idle", levels.idle),
        ("none", levels.none),
    ])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bridge::{BridgeHandle, BridgeStatus};
    use tokio::sync::watch;

    use super::*;
    use crate::dashboard::sample;
    use crate::node::Flow;

    fn doings() -> Doings {
        let flow = Flow::default();
        flow.count("booked");
        let (_, status) = watch::channel(BridgeStatus::default());
        Doings {
            name: "node-1".to_owned(),
            flow: Arc::new(flow),
            bridge: BridgeHandle::new(status),
        }
    }

    fn told(doings: Option<&Doings>) -> String {
        let shown = sample::shown(true);
        text(shown.state.as_ref().unwrap(), &shown, doings).unwrap()
    }

    #[test]
    fn says_how_everything_stands_in_the_format_of_prometheus() {
        insta::assert_snapshot!(told(None));
    }

    #[test]
    fn a_process_that_trades_tells_of_its_bridge_and_what_it_handled() {
        let told = told(Some(&doings()));
        for line in [
            "gridkeeper_handled_total{outcome=\"booked\"} 1",
            "gridkeeper_fill_to_order_seconds_count 0",
            "gridkeeper_bridge_streams{state=\"up\"} 0",
            "gridkeeper_bridge_events_forwarded_total 0",
        ] {
            assert!(told.contains(line), "{line} is not in\n{told}");
        }
        assert!(told.ends_with("# EOF\n"), "{told}");
        assert_eq!(told.matches("# EOF").count(), 1);
    }

    #[test]
    fn the_grafana_dashboard_asks_for_what_there_is() {
        let file = include_str!("../../../../infra/grafana/gridkeeper.json");
        let board: serde_json::Value = serde_json::from_str(file).unwrap();
        let told = told(Some(&doings()));
        let panels = board["panels"].as_array().unwrap();
        let targets = panels
            .iter()
            .filter_map(|panel| panel["targets"].as_array())
            .flatten();
        let mut names = 0;
        for target in targets {
            let expr = target["expr"].as_str().unwrap();
            let words = expr.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            for name in words.filter(|word| word.starts_with("gridkeeper_")) {
                names += 1;
                // A histogram's parts are samples of the name that its type states.
                let sample = told.lines().any(|line| {
                    line.strip_prefix(name)
                        .is_some_and(|rest| rest.starts_with(['{', ' ']))
                });
                assert!(sample, "{name} of {expr} is not in\n{told}");
            }
        }
        assert!(names >= panels.len() / 2, "{names}");
    }
}
