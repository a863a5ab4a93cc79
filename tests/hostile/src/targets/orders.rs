//! Replies about orders and trades, and what the pure core makes of the amounts in them.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use binance::readers;
use domain::{
    AccountId, Assets, Bot, ExchangeOrderId, Execution, FillDecision, Intent, Level, OrderKind,
    Purpose, Quantity, QuoteAmount, Side, Trade, apply_aside, apply_news, decide_fill, next_intent,
    resolve_fill,
};
use serde::de::IgnoredAny;
use trading::{NewOrder, OrderView};

use super::{few, refused};
use crate::examine::Seen;

/// A bot of the account `main` on XRPETH, in the form of its record.
const BOT: &str = r#"{"id":"abcd","account":"main","plan":{"lower":"3","upper":"3.5","spacing":{"kind":"percent_step","step":"0.015"},"sizing":{"kind":"base_per_level","quantity":"10"},"compounding":true,"post_only":false,"first_inventory":"buy","maker_fee":"0.001","taker_fee":"0.001"},"rules":{"symbol":"XRPETH","base":"XRP","quote":"ETH","status":"trading","price":{"min":"0.0001","max":"1000","tick":"0.0001"},"lot":{"min":"0.1","max":"9000","step":"0.1"},"notional":{"min":"5","max":null},"band":null,"max_open_orders":200,"post_only_allowed":true,"expire_taker_allowed":true},"rules_read_at":null,"rules_doubted":false,"levels":10,"desired":"running","observed":"running","created_at":0,"recovered_at":null,"version":3}"#;

/// Its level 7, whose order 12 is an open BUY that the exchange knows as 28.
const LEVEL: &str = r#"{"bot":"abcd","index":7,"buy_price":"3.1064","sell_price":"3.1537","quantity":"10","order":{"no":12,"intent":{"side":"BUY","price":"3.1064","quantity":"10","kind":"limit","purpose":"grid"},"state":{"state":"open"},"exchange_order_id":28,"executed":"0","executed_quote":"0","highest_seen":"0","terminal":null,"owed":"10","executed_before":"0","fruitless":0,"by_recovery":false},"previous":{"no":11,"exchange_order_id":27,"side":"SELL","price":"3.1537","executed":"10","by_recovery":false},"given_up":null,"seen_no":null,"base":"0.01","cost":"0.02","realized_profit":"0.4","round_trips":5,"fees":{"XRP":"0.05"},"version":40,"changed_at":1790000000000}"#;

static GRID: LazyLock<(Bot, Level)> = LazyLock::new(|| {
    (
        serde_json::from_str(BOT).unwrap(),
        serde_json::from_str(LEVEL).unwrap(),
    )
});

fn account() -> AccountId {
    GRID.0.account.clone()
}

/// What the system makes of a report: decided, booked, and what the level then owes. None of it may
/// panic, whatever the amounts; a level never counts more executed than its exchange has told.
pub(super) fn digest(execution: &Execution) -> String {
    let (bot, level) = &*GRID;
    let decision = decide_fill(bot, level, execution);
    let shown = resolve_fill(bot, level, execution, &execution.trades, &BTreeSet::new());
    let mut told = format!("{} {}", kind_of(&decision), kind_of(&shown));
    for decision in [decision, shown] {
        if let Some(after) = booked(bot, level, execution, &decision) {
            let next = next_intent(bot, &after);
            let order = after.order.as_ref().unwrap();
            assert!(order.executed <= order.highest_seen, "{after:?}");
            told.push_str(match next {
                domain::Next::Place(_) => " place",
                domain::Next::Hold(..) => " hold",
                domain::Next::Nothing => " nothing",
            });
        }
    }
    told
}

fn booked(
    bot: &Bot,
    level: &Level,
    execution: &Execution,
    decision: &FillDecision,
) -> Option<Level> {
    let assets = Assets {
        base: &bot.rules.base,
        quote: &bot.rules.quote,
    };
    match decision {
        FillDecision::Book { news, trades } => apply_news(level, news, trades, assets),
        FillDecision::Noted(news) | FillDecision::Missing(news) => {
            apply_news(level, news, &[], assets)
        }
        FillDecision::BookAside { no, trades, .. } => {
            let order = (*no, execution.exchange_order_id);
            apply_aside(level, order, execution.side, trades, assets)
        }
        FillDecision::NotOurs(_)
        | FillDecision::Duplicate
        | FillDecision::Passed(_)
        | FillDecision::SecondOrder(_)
        | FillDecision::Quarantine(..) => None,
    }
}

fn kind_of(decision: &FillDecision) -> String {
    let mut shown = format!("{decision:?}");
    shown.truncate(shown.find(['(', ' ', '{']).unwrap_or(shown.len()));
    shown
}

/// What has to hold of a trade that may be booked.
pub(super) fn check_trade(trade: &Trade) {
    assert!(trade.id.0 >= 0, "a trade without an id: {trade:?}");
    assert!(!trade.quantity.is_zero(), "a trade of nothing: {trade:?}");
    assert!(
        trade.quote >= QuoteAmount::ZERO,
        "a trade below zero: {trade:?}"
    );
    let no_fee = trade.fee.as_ref().is_some_and(|fee| fee.amount.is_zero());
    assert!(!no_fee, "a fee of nothing: {trade:?}");
}

/// `POST /api/v3/order`, as the answer to the BUY that level 7 sent.
pub(super) fn placed(input: &[u8]) -> Seen {
    let asked = NewOrder {
        symbol: GRID.0.rules.symbol.clone(),
        client_order_id: GRID.1.client_order_id(domain::OrderNumber(12)),
        intent: Intent {
            side: Side::Buy,
            price: GRID.1.buy_price,
            quantity: GRID.1.quantity,
            kind: OrderKind::Limit,
            purpose: Purpose::Grid,
        },
        expire_taker: true,
    };
    let execution = match readers::placed(input, &asked, &account()) {
        Ok(execution) => execution,
        Err(error) => return refused(error),
    };
    assert_eq!(execution.symbol, asked.symbol);
    assert_eq!(execution.client_order_id, asked.client_order_id.to_string());
    assert_eq!(execution.side, asked.intent.side);
    if !execution.trades.is_empty() {
        assert_eq!(
            execution.shown(),
            Some(execution.cumulative),
            "{execution:?}"
        );
    }
    execution.trades.iter().for_each(check_trade);
    assert!(execution.trades.is_sorted_by_key(|trade| trade.id));
    Seen::Accepted(format!(
        "{:?} {} {}",
        execution.status,
        few(execution.trades.len()),
        digest(&execution)
    ))
}

fn shape(view: &OrderView) -> String {
    format!(
        "{:?} {:?} {} {} {}",
        view.side,
        view.status,
        view.price.is_some(),
        view.executed.is_zero(),
        view.executed > view.quantity
    )
}

/// `GET /api/v3/order`.
pub(super) fn order(input: &[u8]) -> Seen {
    readers::order(input).map_or_else(refused, |view| Seen::Accepted(shape(&view)))
}

/// `DELETE /api/v3/order`.
pub(super) fn canceled(input: &[u8]) -> Seen {
    readers::canceled(input).map_or_else(refused, |view| {
        assert_eq!(view.created_at, view.updated_at);
        Seen::Accepted(shape(&view))
    })
}

/// `GET /api/v3/openOrders` and `allOrders`. One row that cannot be read fails the whole answer, so
/// that no order is missing without a word.
pub(super) fn orders(input: &[u8]) -> Seen {
    let views = match readers::orders(input) {
        Ok(views) => views,
        Err(error) => return refused(error),
    };
    let rows: Vec<IgnoredAny> = serde_json::from_slice(input).unwrap();
    assert_eq!(rows.len(), views.len(), "rows left out");
    let first = views.first().map(shape).unwrap_or_default();
    Seen::Accepted(format!("{} {first}", few(views.len())))
}

/// `GET /api/v3/myTrades` of the exchange's order 28.
pub(super) fn trades(input: &[u8]) -> Seen {
    let trades = match readers::trades(input, ExchangeOrderId(28)) {
        Ok(trades) => trades,
        Err(error) => return refused(error),
    };
    let rows: Vec<IgnoredAny> = serde_json::from_slice(input).unwrap();
    assert_eq!(rows.len(), trades.len(), "rows left out");
    trades.iter().for_each(check_trade);
    let sum = trades
        .iter()
        .try_fold(Quantity::ZERO, |sum, trade| sum.checked_add(trade.quantity));
    let assets: BTreeSet<_> = trades
        .iter()
        .map(|trade| trade.fee.as_ref().map(|fee| &fee.asset))
        .collect();
    Seen::Accepted(format!(
        "{} {} {}",
        few(trades.len()),
        few(assets.len()),
        sum.is_some()
    ))
}

/// The bot that all is measured against.
pub(super) fn bot() -> &'static Bot {
    &GRID.0
}

/// A trade of all the level sells.
pub(super) fn a_trade() -> Trade {
    Trade {
        id: domain::TradeId(57),
        price: GRID.1.sell_price,
        quantity: GRID.1.quantity,
        quote: GRID.1.sell_price.times(GRID.1.quantity).unwrap(),
        fee: None,
        maker: true,
        time: domain::ExchangeTime::from_millis(1_790_000_000_000),
    }
}
