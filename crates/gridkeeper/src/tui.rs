//! What screens on a terminal share: the terminal itself, colours, the price chart, and the ladder.
//!
//! Drawing is of values; nothing here reads a store or a clock.

use std::fmt::Display;
use std::io::IsTerminal as _;
use std::time::Duration;

use domain::{LevelIndex, Price, Side};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;
use ratatui::widgets::{Block, Cell, Row, Sparkline, Table};
use ratatui::{DefaultTerminal, Frame};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use crate::failure::Failure;

/// Colours that colour-blind people can tell apart.
const BUY: Color = Color::LightBlue;
const SELL: Color = Color::Rgb(230, 159, 0);

/// The colour of a side.
pub(crate) const fn colour(side: Side) -> Color {
    match side {
        Side::Buy => BUY,
        Side::Sell => SELL,
    }
}

pub(crate) fn dim() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

pub(crate) fn strong(text: impl Into<String>) -> Span<'static> {
    Span::styled(text.into(), Style::new().add_modifier(Modifier::BOLD))
}

/// The terminal while a screen is on it; given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Screen(DefaultTerminal);

impl Screen {
    /// Takes the terminal, where standard output is one.
    pub(crate) fn open() -> Option<Self> {
        let on_screen = std::io::stdout().is_terminal();
        let terminal = on_screen.then(ratatui::try_init).and_then(Result::ok);
        terminal.map(Self)
    }

    /// Draws one look.
    ///
    /// # Errors
    /// [`Failure`] when the terminal cannot be written to.
    pub(crate) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> Result<(), Failure> {
        self.0.draw(draw).map(drop).map_err(in_terminal)
    }

    /// The keys that were pressed since this was asked last.
    ///
    /// # Errors
    /// [`Failure`] when the terminal cannot be read.
    pub(crate) fn keys(&self) -> Result<Vec<KeyEvent>, Failure> {
        let mut keys = Vec::new();
        while event::poll(Duration::ZERO).map_err(in_terminal)? {
            if let Event::Key(key) = event::read().map_err(in_terminal)? {
                keys.push(key);
            }
        }
        Ok(keys)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

fn in_terminal(error: std::io::Error) -> Failure {
    Failure::refused(error)
        .at("the terminal")
        .mend("send the output through `| cat` to have plain lines")
}

/// Whether a key asks for the end.
pub(crate) fn ends(key: &KeyEvent) -> bool {
    let interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    interrupt || key.code == KeyCode::Char('q')
}

/// The last of these prices, as many as fit, oldest first.
pub(crate) fn draw_chart<'a>(
    frame: &mut Frame<'_>,
    area: Rect,
    prices: impl DoubleEndedIterator<Item = &'a Price>,
) {
    let width = usize::from(area.width.saturating_sub(2)).max(1);
    let mut shown: Vec<Price> = prices.rev().take(width).copied().collect();
    shown.reverse();
    let heights = scale(&shown);
    let title = match (shown.iter().min(), shown.iter().max()) {
        (Some(low), Some(high)) => format!(" price, {low} to {high} "),
        _ => " price ".to_owned(),
    };
    let chart = Sparkline::default()
        .data(&heights)
        .max(100)
        .style(Style::new().fg(Color::Gray))
        .block(Block::bordered().title(title));
    frame.render_widget(chart, area);
}

/// Heights from 1 to 100 between the lowest and the highest price shown.
fn scale(prices: &[Price]) -> Vec<u64> {
    let (Some(low), Some(high)) = (prices.iter().min(), prices.iter().max()) else {
        return Vec::new();
    };
    let range = (high.decimal() - low.decimal()).max(Decimal::new(1, 18));
    prices
        .iter()
        .map(|price| {
            let share = (price.decimal() - low.decimal()) * Decimal::from(99) / range;
            share.to_u64().unwrap_or(0).saturating_add(1)
        })
        .collect()
}

/// One level in the ladder.
#[derive(Debug)]
pub(crate) struct LadderRow {
    pub(crate) level: LevelIndex,
    pub(crate) buys_at: Price,
    pub(crate) sells_at: Price,
    /// Its order in short.
    pub(crate) order: String,
    /// The order's side; none for no order.
    pub(crate) side: Option<Side>,
    pub(crate) trips: u32,
    /// Whether the market is between its lines.
    pub(crate) is_around: bool,
}

impl LadderRow {
    fn cells(self) -> Row<'static> {
        let order = self.side.map_or(Color::DarkGray, colour);
        let row = Row::new([
            Cell::from(self.level.to_string()),
            Cell::from(self.buys_at.to_string()),
            Cell::from(self.sells_at.to_string()),
            Cell::from(self.order).style(Style::new().fg(order)),
            Cell::from(self.trips.to_string()),
        ]);
        if self.is_around {
            row.style(Style::new().add_modifier(Modifier::REVERSED))
        } else {
            row
        }
    }
}

/// How many levels of a ladder fit.
pub(crate) fn ladder_height(area: Rect) -> usize {
    usize::from(area.height.saturating_sub(3)).max(1)
}

/// These levels, highest first.
pub(crate) fn draw_ladder(
    frame: &mut Frame<'_>,
    area: Rect,
    highest_first: impl Iterator<Item = LadderRow>,
) {
    let widths = [
        Constraint::Length(5),
        Constraint::Length(11),
        Constraint::Length(11),
        Constraint::Min(18),
        Constraint::Length(5),
    ];
    let header = Row::new(["level", "buys at", "sells at", "order", "trips"]).style(dim());
    let table = Table::new(highest_first.map(LadderRow::cells), widths)
        .header(header)
        .block(Block::bordered().title(" ladder, highest first "));
    frame.render_widget(table, area);
}

/// Fees by asset in one line.
pub(crate) fn fees_line<A: Display, F: Display>(fees: impl Iterator<Item = (A, F)>) -> String {
    let fees: Vec<String> = fees
        .map(|(asset, paid)| format!("{paid} {asset}"))
        .collect();
    if fees.is_empty() {
        return "0".to_owned();
    }
    fees.join(" + ")
}

/// Which rows of a list to show, when so many fit: those around one of them.
pub(crate) fn window(rows: usize, around: usize, height: usize) -> std::ops::Range<usize> {
    let last = rows.saturating_sub(height);
    let start = around.saturating_sub(height / 2).min(last);
    start..start.saturating_add(height).min(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_lies_around_its_row_and_inside_the_list() {
        assert_eq!(window(100, 50, 10), 45..55);
        assert_eq!(window(100, 2, 10), 0..10);
        assert_eq!(window(100, 99, 10), 90..100);
        assert_eq!(window(4, 3, 10), 0..4);
        assert_eq!(window(0, 0, 10), 0..0);
    }

    #[test]
    fn heights_span_the_prices_shown() {
        let prices = ["1", "2", "3"].map(|price| price.parse().unwrap());
        assert_eq!(scale(&prices), [1, 50, 100]);
        let one: Price = "7".parse().unwrap();
        assert_eq!(scale(&[one, one]), [1, 1]);
    }
}
