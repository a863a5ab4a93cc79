//! `gridkeeper export`: fills and round trips as tables for others to read: spreadsheets and tax tools.
//!
//! Start at [`Exported`], which the dashboard's downloads use too. The columns of fills begin with those that tax
//! tools read as a general list of trades (`Date`, `Sent Amount`, ...); times are UTC in ISO 8601, amounts exact
//! decimals. Round trips come from the ledger, booked again by the code that booked it ([`crate::ledger`]).

use std::io::Write;

use domain::{Bot, BotId, ExchangeTime, Side};
use serde_json::{Value, json};
use trading::{FillRecord, LevelStore as _};

use super::fills::source_words;
use super::{Desk, Session};
use crate::cli::{Day, ExportArgs, ExportForm, ExportWhat};
use crate::failure::{Exit, Failure, Outcome};
use crate::ledger::{Replay, RoundTrip, in_order_of_booking};
use crate::progress::Progress;

/// What is to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Fills or round trips.
    pub(crate) what: ExportWhat,
    /// Of one bot, or of all.
    pub(crate) bot: Option<&'a BotId>,
    /// From the beginning of this day.
    pub(crate) from: Option<Day>,
    /// To the end of this day.
    pub(crate) to: Option<Day>,
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Exported {
    columns: &'static [&'static str],
    rows: Vec<(ExchangeTime, Vec<String>)>,
    /// Why some records are not among it.
    pub(crate) unreadable: Vec<Failure>,
}

const FILL_COLUMNS: [&str; 22] = [
    "Date",
    "Sent Amount",
    "Sent Currency",
    "Received Amount",
    "Received Currency",
    "Fee Amount",
    "Fee Currency",
    "Label",
    "Description",
    "TxHash",
    "account",
    "bot",
    "symbol",
    "level",
    "side",
    "price",
    "quantity",
    "value",
    "liquidity",
    "trade_id",
    "order_id",
    "learnt_from",
];

const TRIP_COLUMNS: [&str; 15] = [
    "opened_at",
    "closed_at",
    "account",
    "bot",
    "symbol",
    "level",
    "bought",
    "paid",
    "sold",
    "received",
    "base",
    "quote",
    "profit",
    "fees",
    "order_no",
];

pub(super) async fn export(session: &mut Session<'_>, args: &ExportArgs) -> Outcome {
    let wanted = Wanted {
        what: args.what,
        bot: args.bot.as_ref(),
        from: args.from,
        to: args.to,
    };
    let show = |bots| Progress::of("reading the ledgers", "bots", bots);
    let mut exported = Exported::read(session, wanted, show).await?;
    let as_json = session.json || args.format == ExportForm::Json;
    if as_json {
        exported.write_json(session.out)?;
    } else {
        exported.write_csv(session.out)?;
    }
    // The output holds nothing but the table: one record that is not in it is named beside it.
    let first = exported.unreadable.drain(..).next();
    first.map_or(Ok(Exit::Yes), Err)
}

impl Exported {
    /// Reads the ledgers. `show` is given how many bots there are, to show how far it has come.
    ///
    /// # Errors
    /// [`Failure`] when there is no such bot, the days are the wrong way round, or the store does not answer.
    pub(crate) async fn read(
        desk: &Desk<'_>,
        wanted: Wanted<'_>,
        show: impl FnOnce(usize) -> Progress,
    ) -> Result<Self, Failure> {
        if let (Some(from), Some(to)) = (wanted.from, wanted.to)
            && from > to
        {
            return Err(Failure::bad_input(format!("{from} is after {to}"))
                .at("--from and --to")
                .mend("name the earlier day with --from"));
        }
        let (bots, mut unreadable) = match wanted.bot {
            Some(id) => (vec![desk.find_bot(id).await?], Vec::new()),
            None => desk.bots().await?,
        };
        let mut rows = Vec::new();
        let progress = show(bots.len());
        for bot in &bots {
            let ledger = desk.home.store().list_fills(&bot.id, None).await?;
            unreadable.extend(ledger.unreadable.into_iter().map(Failure::from));
            let mut fills = ledger.readable;
            match wanted.what {
                ExportWhat::Fills => {
                    fills.sort_by_key(|fill| (fill.trade.time, fill.trade.id));
                    rows.extend(
                        fills
                            .iter()
                            .map(|fill| (fill.trade.time, fill_row(bot, fill))),
                    );
                }
                ExportWhat::RoundTrips => {
                    let trips = round_trips(desk, bot, fills).await?;
                    rows.extend(
                        trips
                            .iter()
                            .map(|trip| (trip.closed_at, trip_row(bot, trip))),
                    );
                }
            }
            progress.one_more();
        }
        drop(progress);
        let is_wanted = |at: ExchangeTime| {
            let at = at.as_millis();
            wanted.from.is_none_or(|day| at >= day.begins())
                && wanted.to.is_none_or(|day| at < day.ends())
        };
        rows.retain(|(at, _)| is_wanted(*at));
        rows.sort_by_key(|(at, _)| *at);
        Ok(Self {
            columns: match wanted.what {
                ExportWhat::Fills => &FILL_COLUMNS,
                ExportWhat::RoundTrips => &TRIP_COLUMNS,
            },
            rows,
            unreadable,
        })
    }

    /// Writes a heading and a line for each.
    ///
    /// # Errors
    /// [`Failure`] when `out` does not take it.
    pub(crate) fn write_csv(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let unwritable = |error: csv::Error| Failure::from(std::io::Error::from(error));
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(self.columns).map_err(unwritable)?;
        for (_, row) in &self.rows {
            writer.write_record(row).map_err(unwritable)?;
        }
        writer.flush().map_err(Failure::from)
    }

    /// Writes a list of objects whose fields are the columns.
    ///
    /// # Errors
    /// [`Failure`] when `out` does not take it.
    pub(crate) fn write_json(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let object = |row: &Vec<String>| -> Value {
            let fields = self.columns.iter().zip(row);
            let fields = fields.map(|(column, value)| ((*column).to_owned(), json!(value)));
            Value::Object(fields.collect())
        };
        let rows: Vec<Value> = self.rows.iter().map(|(_, row)| object(row)).collect();
        super::write_json(&rows, out)
    }
}

/// The round trips of a bot, by the ledger.
async fn round_trips(
    desk: &Desk<'_>,
    bot: &Bot,
    mut fills: Vec<FillRecord>,
) -> Result<Vec<RoundTrip>, Failure> {
    in_order_of_booking(&mut fills);
    let levels = desk.home.store().list_levels(&bot.id).await?.readable;
    let mut trips = Vec::new();
    for level in &levels {
        let from = fills.partition_point(|fill| fill.level < level.index);
        let to = fills.partition_point(|fill| fill.level <= level.index);
        let of_level = fills.get(from..to).unwrap_or_default();
        trips.extend(Replay::trips_of(bot, level, of_level));
    }
    Ok(trips)
}

fn iso(at: ExchangeTime) -> String {
    let since_1970 = u64::try_from(at.as_millis()).unwrap_or(0);
    let at = std::time::UNIX_EPOCH.checked_add(std::time::Duration::from_millis(since_1970));
    at.map_or_else(String::new, |at| {
        humantime::format_rfc3339_millis(at).to_string()
    })
}

fn fill_row(bot: &Bot, fill: &FillRecord) -> Vec<String> {
    let trade = &fill.trade;
    let base = (trade.quantity.to_string(), bot.rules.base.to_string());
    let quote = (trade.quote.to_string(), bot.rules.quote.to_string());
    let (sent, received) = match fill.side {
        Side::Buy => (quote, base),
        Side::Sell => (base, quote),
    };
    let fee = trade.fee.as_ref().filter(|fee| !fee.amount.is_zero());
    vec![
        iso(trade.time),
        sent.0,
        sent.1,
        received.0,
        received.1,
        fee.map_or_else(String::new, |fee| fee.amount.to_string()),
        fee.map_or_else(String::new, |fee| fee.asset.to_string()),
        String::new(),
        format!("{} of bot {}, level {}", fill.side, bot.id, fill.level),
        trade.id.to_string(),
        bot.account.to_string(),
        bot.id.to_string(),
        bot.rules.symbol.to_string(),
        fill.level.to_string(),
        fill.side.to_string(),
        trade.price.to_string(),
        trade.quantity.to_string(),
        trade.quote.to_string(),
        if trade.maker { "maker" } else { "taker" }.to_owned(),
        trade.id.to_string(),
        fill.exchange_order_id.to_string(),
        source_words(fill.source).to_owned(),
    ]
}

fn trip_row(bot: &Bot, trip: &RoundTrip) -> Vec<String> {
    let fees: Vec<String> = trip
        .fees
        .iter()
        .map(|(asset, fee)| format!("{fee} {asset}"))
        .collect();
    vec![
        trip.opened_at.map_or_else(String::new, iso),
        iso(trip.closed_at),
        bot.account.to_string(),
        bot.id.to_string(),
        bot.rules.symbol.to_string(),
        trip.level.to_string(),
        trip.bought.to_string(),
        trip.bought_for.to_string(),
        trip.sold.to_string(),
        trip.sold_for.to_string(),
        bot.rules.base.to_string(),
        bot.rules.quote.to_string(),
        trip.profit.to_string(),
        fees.join(" + "),
        trip.no.to_string(),
    ]
}
