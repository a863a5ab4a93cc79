use cloud::DeadLetterQueue;
use domain::{
    ExchangeOrderId, ExchangeTime, LevelIndex, OrderState, OrderStatus, Quantity, Side, Source,
    Trade,
};
use dynamo_store::{DynamoStore, EmbeddedDynamo};
use trading::{
    AccountRecord, AccountStore as _, Breaker, Environment, MESSAGE_VERSION, SealedKey, StreamState,
};

use super::super::about::{About, Kind};
use super::*;
use crate::words::tests::{NOW, order};

/// A bot of one level.
fn bot() -> Bot {
    Bot {
        levels: 1,
        ..crate::words::tests::bot()
    }
}

/// That level.
fn level() -> Level {
    Level {
        index: LevelIndex(0),
        ..crate::words::tests::level()
    }
}

fn quantity(text: &str) -> Quantity {
    text.parse().unwrap()
}

/// A report that trade 77 has completed the BUY of 10 of the level.
fn report() -> Execution {
    Execution {
        account: bot().account,
        symbol: bot().rules.symbol,
        client_order_id: "gk-wordsbot-0-1".to_owned(),
        exchange_order_id: ExchangeOrderId(500),
        side: Side::Buy,
        order_price: Some("1".parse().unwrap()),
        order_quantity: quantity("10"),
        cumulative: quantity("10"),
        status: OrderStatus::Filled,
        trades: vec![trade(77)],
        created_at: None,
        time: ExchangeTime::from_millis(NOW.as_millis()),
        source: Source::Stream,
    }
}

fn trade(id: i64) -> Trade {
    Trade {
        id: TradeId(id),
        price: "1".parse().unwrap(),
        quantity: quantity("10"),
        quote: "10".parse().unwrap(),
        fee: None,
        maker: true,
        time: ExchangeTime::from_millis(NOW.as_millis()),
    }
}

fn letter(queue: DeadLetterQueue, body: &str) -> DeadLetter {
    DeadLetter {
        queue,
        id: "a".to_owned(),
        body: body.to_owned(),
        receives: 11,
        sent_at: Some(NOW),
        receipt: "r".to_owned(),
    }
}

fn of_report(execution: &Execution) -> DeadLetter {
    let message = Message::Execution {
        execution: Box::new(execution.clone()),
        received_at: NOW,
    };
    letter(DeadLetterQueue::Fills, &message.to_text().unwrap())
}

fn comparing(bot: Option<&str>) -> DeadLetter {
    let message = Message::Reconcile {
        account: "main".parse().unwrap(),
        bot: bot.map(|bot| bot.parse().unwrap()),
        why: "a gap".to_owned(),
    };
    letter(DeadLetterQueue::Reconcile, &message.to_text().unwrap())
}

/// A table with the bot, and its level as given.
async fn table(bot: &Bot, level: Level) -> DynamoStore {
    let store = EmbeddedDynamo::memory().unwrap().store("letters");
    store.create_table().await.unwrap();
    let account = AccountRecord {
        id: bot.account.clone(),
        environment: Environment::Simulated,
        stream_key: SealedKey {
            api_key: "key".to_owned(),
            kind: "hmac".to_owned(),
            sealed: String::new(),
        },
        breaker: Breaker::Closed,
        stream: StreamState::Never,
        stream_wanted_since: None,
        created_at: NOW,
        version: 0,
    };
    store.create_account(&account).await.unwrap();
    store.create_bot(bot, &[level]).await.unwrap();
    store
}

/// The level with its first BUY of 10 resting, so much of it booked.
fn resting(executed: &str) -> Level {
    let mut level = level();
    let mut order = order(OrderState::Open);
    order.exchange_order_id = Some(ExchangeOrderId(500));
    order.intent.quantity = quantity("10");
    order.executed = quantity(executed);
    level.order = Some(order);
    level
}

#[tokio::test]
async fn a_report_is_judged_as_the_handler_would() {
    let ended = |executed: &str| {
        let mut level = resting(executed);
        let order = level.order.as_mut().unwrap();
        order.terminal = Some(OrderStatus::Filled);
        order.highest_seen = quantity("10");
        order.state = OrderState::Idle;
        level
    };
    let mut gap = report();
    gap.trades[0].quantity = quantity("4");
    let mut other_price = report();
    other_price.order_price = Some("1.1".parse().unwrap());
    other_price.exchange_order_id = ExchangeOrderId(501);
    let mut typed = report();
    typed.client_order_id = "typed-by-hand".to_owned();
    let mut nobodys = report();
    nobodys.client_order_id = "gk-nobody-7-1".to_owned();
    let mut ahead = report();
    ahead.client_order_id = "gk-wordsbot-0-9".to_owned();
    for (level, report, known, words) in [
        (
            ended("10"),
            report(),
            Known::Duplicate,
            "the level has all of it",
        ),
        (
            resting("0"),
            report(),
            Known::Missing,
            "trade 77 would be booked",
        ),
        (
            resting("0"),
            gap,
            Known::Missing,
            "would be fetched from the exchange",
        ),
        (resting("0"), other_price, Known::NotOurs, "side or price"),
        (resting("0"), typed, Known::NotOurs, "none of ours"),
        (
            resting("0"),
            nobodys,
            Known::NotOurs,
            "no such bot or level",
        ),
        (resting("0"), ahead, Known::Unclear, "would be quarantined"),
    ] {
        let store = table(&bot(), level).await;
        let judged = judge(&store, &of_report(&report)).await;
        assert_eq!(judged.known, known, "{judged:?}");
        assert!(judged.would.contains(words), "{judged:?}");
    }
}

#[test]
fn an_earlier_order_is_known_by_the_ledger() {
    let passed = || FillDecision::Passed(OrderNumber::FIRST);
    let ledger = BTreeSet::from([TradeId(77)]);
    let known = decided(passed(), &report(), &ledger);
    assert_eq!(known.known, Known::Duplicate, "{known:?}");
    let missing = decided(passed(), &report(), &BTreeSet::new());
    assert_eq!(missing.known, Known::Missing);
    assert!(
        missing.would.contains("trade 77 would be booked"),
        "{missing:?}"
    );
    let mut bare = report();
    bare.trades.clear();
    assert_eq!(decided(passed(), &bare, &ledger).known, Known::Missing);
}

#[tokio::test]
async fn a_comparison_is_known_once_it_was_made() {
    for (recovered_at, known) in [
        (None, Known::Missing),
        (
            Some(NOW.before(std::time::Duration::from_secs(1))),
            Known::Missing,
        ),
        (
            Some(NOW.after(std::time::Duration::from_secs(1))),
            Known::Duplicate,
        ),
    ] {
        let mut bot = bot();
        bot.recovered_at = recovered_at;
        let store = table(&bot, resting("0")).await;
        let judged = judge(&store, &comparing(Some("wordsbot"))).await;
        assert_eq!(judged.known, known, "{judged:?}");
        assert_eq!(
            judge(&store, &comparing(Some("gone"))).await.known,
            Known::NotOurs
        );
        assert_eq!(judge(&store, &comparing(None)).await.known, Known::Unclear);
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_told_with_the_reason() {
    let store = table(&bot(), resting("0")).await;
    let newer = format!(r#"{{"v":{},"type":"execution"}}"#, MESSAGE_VERSION + 1);
    for (body, why) in [("{", "cannot be read"), (newer.as_str(), "version 2")] {
        let letter = letter(DeadLetterQueue::Fills, body);
        let judged = judge(&store, &letter).await;
        assert_eq!(judged.known, Known::Unclear);
        assert!(judged.would.contains("come back here"), "{judged:?}");
        let about = About::of(&letter);
        assert_eq!(about.kind, Kind::Unreadable);
        assert!(about.words().contains(why), "{}", about.words());
    }
    let call = letter(DeadLetterQueue::Schedule, r#"{"schedule":"due"}"#);
    assert_eq!(About::of(&call).kind, Kind::ScheduledCall);
    assert!(judge(&store, &call).await.would.contains("by itself"));
}

#[test]
fn a_letter_says_what_it_is_about() {
    let words = About::of(&of_report(&report())).words();
    assert_eq!(
        words,
        "account main, bot wordsbot, level 0: order gk-wordsbot-0-1, 10 executed, trade 77"
    );
    let words = About::of(&comparing(Some("abcd"))).words();
    assert_eq!(words, "comparing bot abcd of account main: a gap");
    let words = About::of(&comparing(None)).words();
    assert_eq!(words, "comparing all bots of account main: a gap");
}
