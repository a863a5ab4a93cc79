//! `gridkeeper fills`: the ledger of a bot, trade by trade.

use domain::{OrderNumber, QuoteAmount, Source};
use trading::{BookedAs, FillRecord, LevelStore as _};

use super::Session;
use crate::cli::FillsArgs;
use crate::failure::{Failure, Outcome};
use crate::table::{Align, Table, count_of, when_there};

pub(super) async fn fills(session: &mut Session<'_>, args: &FillsArgs) -> Outcome {
    let bot = session.find_bot(&args.bot).await?;
    let listed = session.home.store().list_fills(&bot.id, args.level).await?;
    let unreadable: Vec<Failure> = listed.unreadable.into_iter().map(Failure::from).collect();
    let mut fills = listed.readable;
    fills.sort_by_key(|fill| (fill.trade.time, fill.trade.id, fill.level));
    if args.csv {
        write_csv(session, &fills)?;
        // The output holds nothing but lines of the table: one of them is named beside it.
        return session.pass_on(unreadable.into_iter().take(1).collect());
    }
    if session.json {
        session.write_json(&fills)?;
        return session.pass_on(unreadable);
    }
    if fills.is_empty() {
        if unreadable.is_empty() {
            writeln!(session.out, "no fills yet")?;
        }
        return session.pass_on(unreadable);
    }
    let mut table = Table::new(&[
        ("traded at", Align::Left),
        ("level", Align::Right),
        ("no", Align::Right),
        ("side", Align::Left),
        ("price", Align::Right),
        ("quantity", Align::Right),
        ("value", Align::Right),
        ("fee", Align::Right),
        ("trade", Align::Right),
        ("order", Align::Right),
        ("placed by", Align::Left),
        ("learnt from", Align::Left),
        ("led to no", Align::Right),
    ]);
    for fill in &fills {
        table.row(vec![
            when_there(fill.trade.time),
            fill.level.to_string(),
            fill.no.to_string(),
            fill.side.to_string(),
            fill.trade.price.to_string(),
            fill.trade.quantity.to_string(),
            fill.trade.quote.to_string(),
            fee(fill),
            fill.trade.id.to_string(),
            fill.exchange_order_id.to_string(),
            placed_by(fill.no, fill.by_recovery).to_owned(),
            learnt(fill),
            fill.caused
                .map_or_else(|| "-".to_owned(), |no| no.to_string()),
        ]);
    }
    table.write(session.out, 0)?;
    let total = fills.iter().try_fold(QuoteAmount::ZERO, |sum, fill| {
        sum.checked_add(fill.trade.quote)
    });
    let traded = total.map_or_else(String::new, |total| {
        format!(", {total} {} traded", bot.rules.quote)
    });
    writeln!(
        session.out,
        "{}{traded}; prices and values in {}, quantities in {}",
        count_of(fills.len(), "fill"),
        bot.rules.quote,
        bot.rules.base
    )?;
    session.pass_on(unreadable)
}

fn fee(fill: &FillRecord) -> String {
    fill.trade.fee.as_ref().map_or_else(
        || "-".to_owned(),
        |fee| format!("{} {}", fee.amount, fee.asset),
    )
}

/// Who placed an order, in a word.
pub(crate) fn placed_by(no: OrderNumber, by_recovery: bool) -> &'static str {
    if by_recovery {
        "recovery"
    } else if no == OrderNumber::FIRST {
        "start"
    } else {
        "fill"
    }
}

/// Where a fill was learnt from, in words.
pub(crate) const fn source_words(source: Source) -> &'static str {
    match source {
        Source::Stream => "stream",
        Source::Reply => "reply to its order",
        Source::Recovery => "recovery",
    }
}

/// How a fill came to be booked, where that is out of the ordinary.
pub(super) const fn booked_words(booked_as: BookedAs) -> Option<&'static str> {
    match booked_as {
        BookedAs::Next => None,
        BookedAs::Fetched => Some("fetched"),
        BookedAs::Late => Some("late"),
        BookedAs::SecondOrder => Some("of a second order"),
    }
}

fn learnt(fill: &FillRecord) -> String {
    let source = source_words(fill.source);
    booked_words(fill.booked_as)
        .map_or_else(|| source.to_owned(), |booked| format!("{source}, {booked}"))
}

fn write_csv(session: &mut Session<'_>, fills: &[FillRecord]) -> Result<(), Failure> {
    let unwritable = |error: csv::Error| Failure::from(std::io::Error::from(error));
    let mut writer = csv::Writer::from_writer(&mut *session.out);
    writer
        .write_record([
            "traded_at_ms",
            "bot",
            "level",
            "no",
            "side",
            "price",
            "quantity",
            "quote",
            "fee",
            "fee_asset",
            "maker",
            "trade_id",
            "exchange_order_id",
            "source",
            "booked_as",
            "caused_no",
            "received_at_ms",
            "committed_at_ms",
            "placed_by_recovery",
        ])
        .map_err(unwritable)?;
    for fill in fills {
        let fee = fill.trade.fee.as_ref();
        writer
            .write_record([
                fill.trade.time.to_string(),
                fill.bot.to_string(),
                fill.level.to_string(),
                fill.no.to_string(),
                fill.side.to_string(),
                fill.trade.price.to_string(),
                fill.trade.quantity.to_string(),
                fill.trade.quote.to_string(),
                fee.map_or_else(|| "0".to_owned(), |fee| fee.amount.to_string()),
                fee.map_or_else(String::new, |fee| fee.asset.to_string()),
                fill.trade.maker.to_string(),
                fill.trade.id.to_string(),
                fill.exchange_order_id.to_string(),
                source_words(fill.source).to_owned(),
                booked_words(fill.booked_as).unwrap_or("next").to_owned(),
                fill.caused.map_or_else(String::new, |no| no.to_string()),
                fill.received_at.to_string(),
                fill.committed_at.to_string(),
                fill.by_recovery.to_string(),
            ])
            .map_err(unwritable)?;
    }
    writer.flush().map_err(Failure::from)
}
