//! The screen: all bots, or one with its chart, ladder, flow and health.
//!
//! [`draw`] is a function of what is shown and of the view.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Cell, Paragraph, Row, Table, Wrap};

use super::View;
use crate::dashboard::flow::FlowRow;
use crate::dashboard::hub::{Page, Shown};
use crate::dashboard::rows::{BotRow, HealthState, LevelRow};
use crate::table::count;
use crate::tui::{self, LadderRow, colour, dim, draw_chart, fees_line, strong, window};

/// How many lines of what is wrong are shown at most.
const WRONG: usize = 4;

/// Draws one look.
pub(super) fn draw(frame: &mut Frame<'_>, shown: &Shown, view: &View) {
    let lines = health_lines(shown);
    let inside = usize::from(frame.area().width.saturating_sub(2)).max(1);
    let rows = lines
        .iter()
        .map(|line| line.width().div_ceil(inside).max(1));
    let height = u16::try_from(rows.sum::<usize>()).unwrap_or(u16::MAX);
    let [head, body, foot] = Layout::vertical([
        Constraint::Length(height.saturating_add(2)),
        Constraint::Min(4),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let health = Paragraph::new(lines)
        .wrap(Wrap { trim: false })
        .block(Block::bordered().title(" gridkeeper "));
    frame.render_widget(health, head);
    let keys = match &view.bot {
        None => {
            draw_bots(frame, body, shown, view.row);
            " ↑ ↓ choose   Enter opens   q ends"
        }
        Some(bot) => {
            match shown.pages.get(bot) {
                Some(page) => draw_bot(frame, body, page, view.moved),
                None => {
                    let words = if shown.gone.contains(bot) {
                        "this bot is no longer there"
                    } else {
                        "its records are being read"
                    };
                    let block = Block::bordered().title(format!(" {bot} "));
                    frame.render_widget(Paragraph::new(words).block(block), body);
                }
            }
            " ↑ ↓ move along the ladder   Home to the market   Esc all bots   q ends"
        }
    };
    frame.render_widget(Line::from(keys).style(dim()), foot);
}

const fn sign(state: HealthState) -> (&'static str, Color) {
    match state {
        HealthState::Well => ("✓", Color::LightCyan),
        HealthState::Owing => ("!", Color::Yellow),
        HealthState::Trouble => ("⚠", Color::LightMagenta),
    }
}

/// Whether anything is owed or wrong, in words.
fn health_lines(shown: &Shown) -> Vec<Line<'_>> {
    let health = match (&shown.trouble, &shown.state) {
        (Some(failure), _) => return vec![Line::from(format!("cannot be read now: {failure}"))],
        (None, None) => return vec![Line::from("the records are being read")],
        (None, Some(state)) => &state.health,
    };
    let (sign, colour) = sign(health.state);
    let style = Style::new().fg(colour).add_modifier(Modifier::BOLD);
    let first = Line::from(vec![
        Span::styled(format!("{sign} "), style),
        strong(health.line.as_str()),
    ]);
    let wrong = health.lines.iter().take(WRONG);
    std::iter::once(first)
        .chain(wrong.map(|line| Line::from(format!("  {line}"))))
        .collect()
}

fn draw_bots(frame: &mut Frame<'_>, area: Rect, shown: &Shown, chosen: usize) {
    let height = usize::from(area.height.saturating_sub(3)).max(1);
    let visible = window(shown.bots.len(), chosen, height);
    let rows = shown.bots.values().enumerate();
    let rows = rows
        .filter(|(at, _)| visible.contains(at))
        .map(|(at, row)| bots_row(row, at == chosen));
    let widths = [
        Constraint::Length(2),
        Constraint::Length(11),
        Constraint::Length(10),
        Constraint::Min(12),
        Constraint::Length(20),
        Constraint::Length(6),
        Constraint::Length(9),
        Constraint::Length(5),
        Constraint::Length(12),
    ];
    let header = Row::new([
        "", "bot", "symbol", "status", "realized", "trips", "open", "owed", "stream",
    ])
    .style(dim());
    let table = Table::new(rows, widths)
        .header(header)
        .block(Block::bordered().title(" bots "));
    frame.render_widget(table, area);
}

fn bots_row(row: &BotRow, chosen: bool) -> Row<'_> {
    let (sign, colour) = sign(row.health.state);
    let style = if chosen {
        Style::new().add_modifier(Modifier::REVERSED)
    } else {
        Style::new()
    };
    Row::new([
        Cell::from(sign).style(Style::new().fg(colour)),
        Cell::from(row.bot.as_str()),
        Cell::from(row.symbol.as_str()),
        Cell::from(row.status.as_str()),
        Cell::from(format!("{} {}", row.realized, row.quote)),
        Cell::from(row.round_trips.to_string()),
        Cell::from(format!("{}/{}", row.levels.open, row.levels.all)),
        Cell::from(row.owed.to_string()),
        Cell::from(row.stream.state),
    ])
    .style(style)
}

fn draw_bot(frame: &mut Frame<'_>, area: Rect, page: &Page, moved: i32) {
    let [head, chart, body] = Layout::vertical([
        Constraint::Length(5),
        Constraint::Length(5),
        Constraint::Min(4),
    ])
    .areas(area);
    let [ladder, flow] =
        Layout::horizontal([Constraint::Percentage(55), Constraint::Percentage(45)]).areas(body);
    draw_head(frame, head, page);
    draw_chart(frame, chart, page.prices.iter().map(|point| &point.price));
    draw_ladder(frame, ladder, page, moved);
    draw_flow(frame, flow, page);
}

fn draw_head(frame: &mut Frame<'_>, area: Rect, page: &Page) {
    let row = &page.bot;
    let price = row
        .price
        .map_or_else(|| "price unknown".to_owned(), |price| price.to_string());
    let floating = row.floating.as_deref().unwrap_or("unknown");
    let fees = fees_line(row.fees.iter());
    let fills = row
        .fills_today
        .map_or_else(|| "-".to_owned(), |fills| fills.to_string());
    let lines = vec![
        Line::from(vec![
            strong(format!("{} {price}", row.symbol)),
            Span::raw(format!("   {}   {}", row.status, row.stream.words)),
        ]),
        Line::from(format!(
            "profit  realized {} {quote}   floating {floating} {quote}   fees {fees}",
            row.realized,
            quote = row.quote,
        )),
        Line::from(format!(
            "{}/{} levels with an order   owed {}   {}   fills today {fills}",
            row.levels.open,
            row.levels.all,
            row.owed,
            count(row.round_trips, "round trip"),
        )),
    ];
    let title = format!(" {} on {} ", row.bot, row.account);
    let head = Paragraph::new(lines)
        .wrap(Wrap { trim: false })
        .block(Block::bordered().title(title));
    frame.render_widget(head, area);
}

fn draw_ladder(frame: &mut Frame<'_>, area: Rect, page: &Page, moved: i32) {
    let levels: Vec<&LevelRow> = page.levels.values().collect();
    let price = page.price.as_ref().map(|price| price.price);
    let market = price.map_or(levels.len() / 2, |price| {
        levels.partition_point(|level| level.buy < price)
    });
    let up = usize::try_from(moved).unwrap_or(0);
    let down = usize::try_from(moved.saturating_neg()).unwrap_or(0);
    let around = market.saturating_add(up).saturating_sub(down);
    let shown = levels.get(window(levels.len(), around, tui::ladder_height(area)));
    let shown = shown.unwrap_or_default().iter().rev();
    let rows = shown.map(|level| LadderRow {
        level: level.level,
        buys_at: level.buy,
        sells_at: level.sell,
        order: level.in_short(),
        side: level.side(),
        trips: level.round_trips,
        is_around: price.is_some_and(|price| level.is_around(price)),
    });
    tui::draw_ladder(frame, area, rows);
}

fn draw_flow(frame: &mut Frame<'_>, area: Rect, page: &Page) {
    let fits = usize::from(area.height.saturating_sub(2));
    let rows = page.flow.iter().rev().take(fits);
    let lines: Vec<Line<'_>> = rows.map(flow_line).collect();
    let block = Block::bordered().title(" level: fill -> what followed ");
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn flow_line(row: &FlowRow) -> Line<'_> {
    let followed = match (row.caused, row.caused_order) {
        (None, _) => String::new(),
        (Some(_), Some(order)) => format!(" -> {} @ {}", order.side, order.price),
        (Some(no), None) => format!(" -> order {no}"),
    };
    let took = row.reaction_ms().map(|ms| format!(" {ms} ms"));
    Line::from(vec![
        Span::raw(format!("{:>3} ", row.level)),
        Span::styled(
            format!("{} {} @ {}", row.side, row.quantity, row.price),
            Style::new().fg(colour(row.side)),
        ),
        Span::raw(followed),
        Span::styled(took.unwrap_or_default(), dim()),
    ])
}
