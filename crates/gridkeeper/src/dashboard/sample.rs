//! What is shown of one small bot, for tests of whatever shows it.

use std::collections::{BTreeMap, VecDeque};

use domain::{LevelIndex, LocalTime, OrderNumber, OrderState, RefusalReason, Side};
use trading::{AccountRecord, Breaker, Environment, Heartbeat, StreamState};

use super::hub::{Page, ProcessRow, Shown, StateShown};
use super::model::{Common, Known, Watchman, bot_row, overall};
use super::rows::{AccountRow, BridgeRow, LevelRow, PriceRow};
use super::today::Today;
use super::watched::Watched;
use crate::home::Keeper;
use crate::ledger::tests::fill;
use crate::words::tests::{NOW, bot, level, order};

/// A bot with three levels: one that bought and owes the sale, which is refused; one with its BUY open; one that
/// is quarantined if so wanted. It is watched.
pub(super) fn shown(quarantined: bool) -> Shown {
    let common = common();
    let known = known(quarantined);
    let watchman = Watchman {
        keeper: Keeper::Up,
        nobody_runs: false,
    };
    let price = "1.25".parse().unwrap();
    let row = bot_row(&known, &common, watchman, Some(price), NOW);
    let seen = known.seen(&common, watchman, NOW);
    let at = NOW.as_millis() - 60_000;
    let fills = [
        ((1, Side::Buy), at, "10", "1", Some(Side::Sell)),
        ((2, Side::Sell), at + 10_000, "10", "1.5", Some(Side::Buy)),
        ((3, Side::Buy), at + 20_000, "10", "1", Some(Side::Sell)),
    ];
    let fills = fills.map(|(order, at, quantity, price, next)| {
        fill(order, at, (quantity, price), ("0.01", "ETH"), next)
    });
    let mut watched = Watched::of(&known.bot, &known.levels, fills.to_vec());
    let levels = known.levels.iter();
    let levels = levels.map(|level| (level.index, LevelRow::of(&known.bot, level, NOW, &seen)));
    let page = Page {
        bot: row.clone(),
        grid: super::reader::grid(&known.bot),
        lines: Vec::new(),
        levels: levels.collect(),
        fills: watched.fills.clone(),
        fills_total: watched.total(),
        round_trips: watched.trips.clone(),
        profit: watched.profit.clone(),
        flow: watched.flow.clone(),
        stats: watched.stats(NOW, None),
        price: Some(PriceRow {
            price,
            bid: None,
            ask: None,
            at: NOW.as_millis(),
            from: "trade",
        }),
        prices: VecDeque::clone(&watched.prices),
        story: Vec::new(),
        unreadable: Vec::new(),
    };
    let accounts = common.accounts.values();
    let accounts = accounts.map(|account| AccountRow::of(account, vec![row.bot.clone()]));
    let bots = BTreeMap::from([(row.bot.clone(), row.clone())]);
    let mut shown = Shown::default();
    shown.state = Some(StateShown {
        process: ProcessRow {
            kind: "up",
            place: "/data".to_owned(),
            version: "0.0.0",
            started_at: NOW,
            nobody_runs: false,
        },
        health: overall(&bots, &[]),
        accounts: accounts.collect(),
        bridges: common
            .bridges
            .iter()
            .map(|bridge| BridgeRow::of(bridge, NOW))
            .collect(),
        unreadable: Vec::new(),
    });
    shown.bots = bots;
    shown.pages.insert(row.bot, page);
    shown
}

fn common() -> Common {
    let stream_key = trading::SealedKey {
        api_key: "a".to_owned(),
        kind: "hmac".to_owned(),
        sealed: String::new(),
    };
    let account = AccountRecord {
        id: "main".parse().unwrap(),
        environment: Environment::Simulated,
        stream_key,
        breaker: Breaker::Closed,
        stream: StreamState::Subscribed {
            since: NOW,
            bridge: "node-1".to_owned(),
        },
        stream_wanted_since: None,
        created_at: NOW,
        version: 1,
    };
    Common {
        bridges: vec![Heartbeat {
            bridge: "node-1".to_owned(),
            at: NOW,
            connections: 1,
            accounts: vec![account.id.clone()],
        }],
        accounts: BTreeMap::from([(account.id.clone(), account)]),
    }
}

fn known(quarantined: bool) -> Known {
    let mut first = level();
    let mut sale = order(OrderState::Refused {
        why: RefusalReason::InsufficientBalance,
        detail: "-2010: Account has insufficient balance for requested action.".to_owned(),
        retry_at: LocalTime::from_millis(NOW.as_millis() + 30_000),
        lease: None,
    });
    sale.no = OrderNumber(4);
    sale.intent.side = Side::Sell;
    sale.intent.price = first.sell_price;
    sale.intent.quantity = "10".parse().unwrap();
    first.base = "10".parse().unwrap();
    first.cost = "10".parse().unwrap();
    first.realized_profit = "4.98".parse().unwrap();
    first.round_trips = 1;
    first.fees = BTreeMap::from([("ETH".parse().unwrap(), "0.03".parse().unwrap())]);
    first.order = Some(sale);
    let mut second = level();
    second.index = LevelIndex(8);
    second.buy_price = first.sell_price;
    second.sell_price = "2".parse().unwrap();
    let mut purchase = order(OrderState::Open);
    purchase.intent.price = second.buy_price;
    purchase.intent.quantity = second.quantity;
    second.order = Some(purchase);
    let mut third = second.clone();
    third.index = LevelIndex(9);
    if quarantined {
        let state = OrderState::Quarantined {
            why: domain::QuarantineReason::OrderVanished,
            evidence: "the order is nowhere to be found".to_owned(),
        };
        third.order = Some(order(state));
    }
    let mut bot = bot();
    bot.levels = 3;
    bot.recovered_at = Some(NOW);
    let levels = vec![first, second, third];
    Known {
        today: Today::of(&levels, NOW),
        bot,
        removed: false,
        levels,
        unreadable: Vec::new(),
    }
}
