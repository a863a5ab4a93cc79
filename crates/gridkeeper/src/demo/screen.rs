//! The demo's screen: price, ladder, level: last fills -> what followed them, profit.
//!
//! [`draw`] is a function of a [`Snapshot`]; nothing here reads the store or a clock.

use domain::{Level, OrderState, Price};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph};
use rust_decimal::Decimal;

use super::snapshot::Snapshot;
use crate::node::Happening;
use crate::table::count_of;
use crate::tui::{self, LadderRow, colour, dim, draw_chart, fees_line, strong, window};

/// Draws one look at the run.
pub fn draw(frame: &mut Frame<'_>, snapshot: &Snapshot) {
    let [head, chart, body, foot] = Layout::vertical([
        Constraint::Length(5),
        Constraint::Length(5),
        Constraint::Min(6),
        Constraint::Length(if snapshot.dashboard.is_some() { 2 } else { 1 }),
    ])
    .areas(frame.area());
    let [ladder, flow] =
        Layout::horizontal([Constraint::Percentage(53), Constraint::Percentage(47)]).areas(body);
    draw_head(frame, head, snapshot);
    draw_chart(frame, chart, snapshot.prices.iter());
    draw_ladder(frame, ladder, snapshot);
    draw_flow(frame, flow, snapshot);
    let dashboard = snapshot.dashboard.iter();
    let mut lines: Vec<Line<'_>> = dashboard.map(|url| Line::from(format!(" {url}"))).collect();
    lines.push(Line::from(" q ends the run and shows the audit").style(dim()));
    frame.render_widget(Paragraph::new(lines), foot);
}

fn draw_head(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot) {
    let totals = &snapshot.totals;
    let price = snapshot
        .price
        .map_or_else(|| "-".to_owned(), |price| price.to_string());
    let fees = fees_line(totals.fees.iter());
    let seconds = snapshot.elapsed.as_secs();
    let lines = vec![
        Line::from(vec![
            strong(format!("{} ", snapshot.symbol)),
            strong(price),
            Span::raw(format!("   {}   {seconds} s", snapshot.phase)),
        ]),
        Line::from(format!(
            "profit  realized {} {quote}   floating {} {quote}   fees {fees}",
            short(totals.realized.decimal()),
            short(totals.floating.decimal()),
            quote = snapshot.quote,
        )),
        Line::from(format!(
            "{}, {}/{} levels with an order   fills {}   round trips {}   faults {}   fill to order p50 {}",
            count_of(snapshot.bots, "bot"),
            totals.open,
            totals.levels,
            totals.booked,
            totals.round_trips,
            snapshot.faults,
            snapshot
                .reaction_p50_ms
                .as_deref()
                .map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms")),
        )),
    ];
    frame.render_widget(
        Paragraph::new(lines).block(Block::bordered().title(" gridkeeper demo ")),
        area,
    );
}

/// Eight significant decimals at most, enough for every quote asset.
fn short(amount: Decimal) -> String {
    amount.round_dp(8).normalize().to_string()
}

fn draw_ladder(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot) {
    let levels = &snapshot.levels;
    let market = snapshot.price.map_or(levels.len() / 2, |price| {
        levels.partition_point(|level| level.buy_price < price)
    });
    let shown = levels.get(window(levels.len(), market, tui::ladder_height(area)));
    let shown = shown.unwrap_or_default().iter().rev();
    let rows = shown.map(|level| ladder_row(level, snapshot.price));
    tui::draw_ladder(frame, area, rows);
}

fn ladder_row(level: &Level, price: Option<Price>) -> LadderRow {
    let around = price.is_some_and(|price| level.buy_price <= price && price < level.sell_price);
    LadderRow {
        level: level.index,
        buys_at: level.buy_price,
        sells_at: level.sell_price,
        order: order_text(level),
        side: level.order.as_ref().map(|order| order.intent.side),
        trips: level.round_trips,
        is_around: around,
    }
}

fn order_text(level: &Level) -> String {
    let Some(order) = &level.order else {
        return "nothing yet".to_owned();
    };
    let side = order.intent.side;
    let state = match &order.state {
        OrderState::Open if order.executed.is_zero() => "open".to_owned(),
        OrderState::Open => format!("open, {} done", order.executed),
        OrderState::Pending { lease } => format!("being placed, attempt {}", lease.attempt),
        OrderState::Refused { why, .. } => format!("refused: {why}"),
        OrderState::Held { why, .. } => format!("held: {why:?}"),
        OrderState::Quarantined { why, .. } => format!("quarantined: {why:?}"),
        OrderState::Idle => "at rest".to_owned(),
    };
    format!("{side} {} {state}", order.intent.quantity)
}

fn draw_flow(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot) {
    let lines: Vec<Line<'_>> = snapshot
        .flow
        .iter()
        .filter(|happening| happening.outcome != "duplicate")
        .take(usize::from(area.height.saturating_sub(2)))
        .map(flow_line)
        .collect();
    let block = Block::bordered().title(" level: last fills -> what followed ");
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn flow_line(happening: &Happening) -> Line<'static> {
    let price = happening
        .price
        .map_or_else(String::new, |price| format!(" @ {price}"));
    let next = happening.side.opposite();
    let followed = match happening.placing {
        Some("accepted") => format!(" -> {next}"),
        Some(other) => format!(" -> {next} {other}"),
        None => String::new(),
    };
    Line::from(vec![
        Span::raw(format!("{:>3} ", happening.order.level)),
        Span::styled(
            format!("{} {}{price}", happening.side, happening.executed),
            Style::new().fg(colour(happening.side)),
        ),
        Span::raw(followed),
        Span::styled(format!(" {} ms", happening.took_ms), dim()),
    ])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::{Intent, LevelIndex, LocalTime, OrderKind, OrderNumber, Purpose, Rung, Side};
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::super::Totals;
    use super::*;

    fn level(index: u16, buy: &str, sell: &str, state: OrderState) -> Level {
        let rung = Rung {
            buy_price: buy.parse().unwrap(),
            sell_price: sell.parse().unwrap(),
            quantity: "100".parse().unwrap(),
        };
        let bot = "testbot1".parse().unwrap();
        let now = LocalTime::from_millis(0);
        let level = Level::new(bot, LevelIndex(index), &rung, now);
        let intent = Intent {
            side: Side::Buy,
            price: level.buy_price,
            quantity: level.quantity,
            kind: OrderKind::Limit,
            purpose: Purpose::Grid,
        };
        domain::owe(&level, intent, state, false)
    }

    fn shown(snapshot: &Snapshot, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, snapshot)).unwrap();
        terminal.backend().to_string()
    }

    fn snapshot() -> Snapshot {
        let held = OrderState::Held {
            why: domain::HoldReason::Paused,
            lease: None,
        };
        let mut snapshot = Snapshot {
            symbol: "XRPETH".to_owned(),
            quote: "ETH".to_owned(),
            elapsed: Duration::from_secs(12),
            phase: "faults some".to_owned(),
            levels: vec![
                level(0, "0.0014", "0.0015", OrderState::Open),
                level(1, "0.0015", "0.0016", held),
            ],
            bots: 1,
            ..Snapshot::default()
        };
        for price in ["0.0014", "0.00145"] {
            snapshot.push_price(price.parse().unwrap());
        }
        snapshot.totals = Totals::of(&snapshot.levels, snapshot.price);
        snapshot.push(Happening {
            at: LocalTime::from_millis(0),
            order: domain::ClientOrderId {
                bot: "testbot1".parse().unwrap(),
                level: LevelIndex(1),
                no: OrderNumber(3),
            },
            side: Side::Sell,
            price: Some("0.0016".parse().unwrap()),
            executed: "99".parse().unwrap(),
            outcome: "booked",
            placing: Some("accepted"),
            took_ms: 4,
        });
        snapshot
    }

    #[test]
    fn shows_price_ladder_fills_and_what_followed() {
        let mut snapshot = snapshot();
        snapshot.dashboard = Some("http://127.0.0.1:9460/?token=abc".to_owned());
        insta::assert_snapshot!(shown(&snapshot, 110, 22));
    }

    #[test]
    fn fits_into_any_terminal() {
        for (width, height) in [(1, 1), (20, 5), (80, 24), (300, 100)] {
            assert!(!shown(&snapshot(), width, height).is_empty());
        }
        assert!(!shown(&Snapshot::default(), 80, 24).is_empty());
    }
}
