//! A level, a bot and a fill come back from the table exactly as they went in, and a level's item
//! stays under 1 KB.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    ExchangeOrderId, ExchangeTime, GivenUp, HoldReason, Intent, Lease, Level, LevelIndex,
    LevelOrder, LocalTime, OrderKind, OrderNumber, OrderState, OrderStatus, PassedOrder, Purpose,
    QuarantineReason, RefusalReason, Side,
};
use dynamo_store::{DETAIL_BYTES, DynamoStore, EmbeddedDynamo};
use proptest::prelude::*;
use rust_decimal::Decimal;
use trading::{BotStore, FillCommit, LevelStore};

use crate::fixture::{
    TABLE, account_id, at, bot_id, create, direct, exchange_at, fill, lease, levels, longest_level,
    store,
};

fn amount(lowest: i64) -> impl Strategy<Value = Decimal> {
    (lowest..=1_000_000_000_000_000_i64, 0..=14_u32)
        .prop_map(|(digits, scale)| Decimal::new(digits, scale))
}

fn price() -> impl Strategy<Value = domain::Price> {
    amount(1).prop_map(|value| domain::Price::new(value).unwrap())
}

fn quantity() -> impl Strategy<Value = domain::Quantity> {
    amount(0).prop_map(|value| domain::Quantity::new(value).unwrap())
}

fn quote() -> impl Strategy<Value = domain::QuoteAmount> {
    amount(-1_000_000_000_000_000).prop_map(domain::QuoteAmount::new)
}

fn any_lease() -> impl Strategy<Value = Lease> {
    (any::<u32>(), any::<[i64; 3]>(), any::<bool>()).prop_map(|(attempt, times, unknown)| Lease {
        attempt,
        first_start: ExchangeTime::from_millis(times[0]),
        start: ExchangeTime::from_millis(times[1]),
        until: ExchangeTime::from_millis(times[2]),
        unknown,
    })
}

/// Any text that fits, whatever its characters.
fn words() -> impl Strategy<Value = String> {
    ".{0,24}".prop_filter("fits", |text| text.len() <= DETAIL_BYTES)
}

fn hold() -> impl Strategy<Value = HoldReason> {
    prop_oneof![
        Just(HoldReason::Paused),
        Just(HoldReason::Stopped),
        Just(HoldReason::OutsideBand),
        Just(HoldReason::TooManyOrders),
        Just(HoldReason::AccountStopped),
        Just(HoldReason::MarketClosed),
        Just(HoldReason::Unsizable),
        (quote(), quote()).prop_map(|(value, missing)| HoldReason::BelowMinimum { value, missing }),
    ]
}

fn refusal() -> impl Strategy<Value = RefusalReason> {
    prop::sample::select(vec![
        RefusalReason::InsufficientBalance,
        RefusalReason::WouldTake,
        RefusalReason::MarketClosed,
        RefusalReason::Filter,
        RefusalReason::RateLimited,
        RefusalReason::Overloaded,
        RefusalReason::AccountStopped,
        RefusalReason::BadRequest,
        RefusalReason::WindowExpired,
        RefusalReason::Backoff,
    ])
}

fn quarantine() -> impl Strategy<Value = QuarantineReason> {
    prop::sample::select(vec![
        QuarantineReason::NumberAhead,
        QuarantineReason::ForeignOrder,
        QuarantineReason::TradesDisagree,
        QuarantineReason::OrderVanished,
        QuarantineReason::Released,
    ])
}

fn state() -> impl Strategy<Value = OrderState> {
    let lease = || prop::option::of(any_lease());
    prop_oneof![
        any_lease().prop_map(|lease| OrderState::Pending { lease }),
        Just(OrderState::Open),
        (refusal(), words(), any::<i64>(), lease()).prop_map(|(why, detail, retry_at, lease)| {
            OrderState::Refused {
                why,
                detail,
                retry_at: LocalTime::from_millis(retry_at),
                lease,
            }
        }),
        (hold(), lease()).prop_map(|(why, lease)| OrderState::Held { why, lease }),
        (quarantine(), words())
            .prop_map(|(why, evidence)| OrderState::Quarantined { why, evidence }),
        Just(OrderState::Idle),
    ]
}

fn intent() -> impl Strategy<Value = Intent> {
    (
        prop::sample::select(vec![Side::Buy, Side::Sell]),
        price(),
        quantity(),
        prop::sample::select(vec![OrderKind::Limit, OrderKind::PostOnly]),
        prop::sample::select(vec![
            Purpose::Grid,
            Purpose::FirstInventory,
            Purpose::Liquidation,
        ]),
    )
        .prop_map(|(side, price, quantity, kind, purpose)| Intent {
            side,
            price,
            quantity,
            kind,
            purpose,
        })
}

fn terminal() -> impl Strategy<Value = Option<OrderStatus>> {
    prop::option::of(prop::sample::select(vec![
        OrderStatus::Filled,
        OrderStatus::Canceled,
        OrderStatus::Rejected,
        OrderStatus::Expired,
        OrderStatus::ExpiredInMatch,
    ]))
}

fn order() -> impl Strategy<Value = LevelOrder> {
    let sums = (quantity(), quote(), quantity(), quantity(), quantity());
    let instant = || prop::option::of(any::<i64>().prop_map(ExchangeTime::from_millis));
    let facts = (
        any::<u32>(),
        prop::option::of(any::<i64>()),
        any::<u32>(),
        any::<bool>(),
        (instant(), instant()),
    );
    (intent(), state(), terminal(), sums, facts).prop_map(
        |(intent, state, terminal, sums, facts)| LevelOrder {
            no: OrderNumber(facts.0),
            intent,
            sent_since: facts.4.0.filter(|_| !has_lease(&state)),
            sent_until: facts.4.1.filter(|_| !has_lease(&state)),
            state,
            exchange_order_id: facts.1.map(ExchangeOrderId),
            executed: sums.0,
            executed_quote: sums.1,
            highest_seen: sums.2,
            terminal,
            owed: sums.3,
            executed_before: sums.4,
            fruitless: facts.2,
            by_recovery: facts.3,
        },
    )
}

/// A state that may have a lease of its own keeps no other's end.
fn has_lease(state: &OrderState) -> bool {
    matches!(
        state,
        OrderState::Pending { .. } | OrderState::Refused { .. } | OrderState::Held { .. }
    )
}

fn passed() -> impl Strategy<Value = PassedOrder> {
    let facts = (
        any::<u32>(),
        prop::option::of(any::<i64>()),
        any::<bool>(),
        prop::option::of(any::<i64>().prop_map(ExchangeTime::from_millis)),
    );
    (facts, intent(), quantity()).prop_map(
        |((no, id, by_recovery, first_start), intent, executed)| PassedOrder {
            no: OrderNumber(no),
            exchange_order_id: id.map(ExchangeOrderId),
            side: intent.side,
            price: intent.price,
            executed,
            by_recovery,
            first_start,
        },
    )
}

fn given_up() -> impl Strategy<Value = GivenUp> {
    let instants = (any::<i64>(), any::<i64>());
    (any::<u32>(), intent(), instants).prop_map(|(no, intent, instants)| GivenUp {
        no: OrderNumber(no),
        side: intent.side,
        first_start: ExchangeTime::from_millis(instants.0),
        until: ExchangeTime::from_millis(instants.1),
    })
}

fn level() -> impl Strategy<Value = Level> {
    let asset = "[A-Z0-9]{1,10}|币安人生".prop_map(|text| text.parse().unwrap());
    let prices = (price(), price(), quantity());
    let sums = (quote(), quote(), quote(), any::<u32>());
    let fees = prop::collection::btree_map(asset, quantity(), 0..4);
    let orders = (
        prop::option::of(order()),
        prop::option::of(passed()),
        prop::option::of(given_up()),
    );
    let changes = (any::<i64>(), prop::option::of(any::<u32>()));
    (prices, orders, sums, fees, changes).prop_map(|(prices, orders, sums, fees, changes)| Level {
        bot: bot_id(),
        index: LevelIndex(0),
        buy_price: prices.0,
        sell_price: prices.1,
        quantity: prices.2,
        order: orders.0,
        previous: orders.1,
        given_up: orders.2,
        seen_no: changes.1.map(OrderNumber),
        base: sums.0.to_string().parse().unwrap(),
        cost: sums.1,
        realized_profit: sums.2,
        round_trips: sums.3,
        fees,
        version: 0,
        changed_at: LocalTime::from_millis(changes.0),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// 64 times 8 levels, each written by a claim and read by a load.
    #[test]
    fn a_level_comes_back_as_it_went_in(all in prop::collection::vec(level(), 8)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let store = direct(&EmbeddedDynamo::memory().unwrap()).await;
            create(&store, 1).await;
            for (version, mut level) in (1_u64..).zip(all) {
                level.version = version;
                store.claim_intent(version - 1, &level).await.unwrap();
                let loaded = store
                    .load(&account_id(), &bot_id(), LevelIndex(0))
                    .await
                    .unwrap();
                prop_assert_eq!(loaded.level, Some(level));
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn a_bot_with_every_rule_comes_back_as_it_went_in() {
    let store = direct(&EmbeddedDynamo::memory().unwrap()).await;
    let (mut bot, _) = create(&store, 1).await;
    let rules = serde_json::json!({
        "symbol": "币安人生USDT", "base": "币安人生", "quote": "USDT", "status": "cancel_only",
        "price": {"min": "0.0001", "max": "1000", "tick": "0.0001"},
        "lot": {"min": "0.1", "max": "9000000000", "step": "0.1"},
        "notional": {"min": "5", "max": "9000000"},
        "band": {"bid_up": "5", "bid_down": "0.2", "ask_up": "5", "ask_down": "0.2"},
        "max_open_orders": null, "post_only_allowed": true, "expire_taker_allowed": false,
    });
    bot.rules = serde_json::from_value(rules).unwrap();
    bot.version = 1;
    store.update_bot(0, &bot).await.unwrap();
    assert_eq!(store.bot(&bot.id).await.unwrap(), Some(bot));
}

/// What DynamoDB counts as the size of an item: names and values, numbers by pairs of digits
/// (developer guide, "DynamoDB item sizes and formats").
fn size(value: &AttributeValue) -> usize {
    if let AttributeValue::S(text) = value {
        text.len()
    } else if let AttributeValue::N(digits) = value {
        digits.trim_start_matches('-').len().div_ceil(2) + 2
    } else if let AttributeValue::M(fields) = value {
        let parts = fields
            .iter()
            .map(|(name, value)| name.len() + size(value) + 1);
        3 + parts.sum::<usize>()
    } else {
        assert!(value.is_bool() || value.is_null(), "{value:?}");
        1
    }
}

async fn stored_size(client: &Client, pk: &str, prefix: &str) -> usize {
    let page = client
        .query()
        .table_name(TABLE)
        .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
        .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
        .expression_attribute_values(":sk", AttributeValue::S(prefix.to_owned()))
        .send()
        .await
        .unwrap();
    let item = &page.items()[0];
    item.iter()
        .map(|(name, value)| name.len() + size(value))
        .sum()
}

fn longest_states() -> Vec<OrderState> {
    let text = "é".repeat(200);
    let longest = Lease {
        attempt: u32::MAX,
        ..lease(2, 1)
    };
    let amount = "-7123456789012345.1234567890123";
    vec![
        OrderState::Pending { lease: longest },
        OrderState::Refused {
            why: RefusalReason::InsufficientBalance,
            detail: text.clone(),
            retry_at: at(0),
            lease: Some(longest),
        },
        OrderState::Held {
            why: HoldReason::BelowMinimum {
                value: amount.parse().unwrap(),
                missing: amount.parse().unwrap(),
            },
            lease: Some(longest),
        },
        OrderState::Quarantined {
            why: QuarantineReason::TradesDisagree,
            evidence: text,
        },
    ]
}

#[tokio::test]
async fn a_level_at_its_longest_takes_less_than_1_kb() {
    let client = EmbeddedDynamo::memory().unwrap().client();
    let store: DynamoStore = store(client.clone()).await;
    for state in longest_states() {
        let level = longest_level(state.clone());
        let pk = format!("BOT#{}", level.bot);
        put_raw_level(&store, &client, &level).await;
        let bytes = stored_size(&client, &pk, "LEVEL#").await;
        println!("{bytes} bytes: {state:?}");
        assert!(bytes < 1_024, "{bytes} bytes: {state:?}");
    }
}

/// Writes a level of any version over whatever is there, through the store itself.
async fn put_raw_level(store: &DynamoStore, client: &Client, level: &Level) {
    let (pk, sk) = (format!("BOT#{}", level.bot), "LEVEL#4999");
    let text = |text: &str| AttributeValue::S(text.to_owned());
    client
        .update_item()
        .table_name(TABLE)
        .key("pk", text(&pk))
        .key("sk", text(sk))
        .update_expression("SET fv = :fv, v = :v")
        .expression_attribute_values(":fv", AttributeValue::N("1".to_owned()))
        .expression_attribute_values(":v", AttributeValue::N((level.version - 1).to_string()))
        .send()
        .await
        .unwrap();
    let claim = store.claim_intent(level.version - 1, level).await.unwrap();
    assert_eq!(claim, trading::Claim::Won);
}

#[tokio::test]
async fn a_fill_at_its_longest_takes_less_than_1_kb() {
    let client = EmbeddedDynamo::memory().unwrap().client();
    let store = store(client.clone()).await;
    let level = longest_level(OrderState::Open);
    put_raw_level(&store, &client, &level).await;
    let mut after = level.clone();
    let mut longest = fill(&level, u32::MAX - 1, i64::MAX);
    longest.no = OrderNumber(u32::MAX);
    longest.exchange_order_id = ExchangeOrderId(i64::MAX);
    longest.trade.quote = level.cost;
    longest.trade.price = level.buy_price;
    longest.trade.quantity = level.quantity;
    longest.trade.fee = Some(domain::Fee {
        amount: level.quantity,
        asset: "A".repeat(40).parse().unwrap(),
    });
    longest.trade.time = exchange_at(0);
    // The version is at its end; start it again below.
    after.version = 8;
    put_raw_level(&store, &client, &after).await;
    after.version = 9;
    let commit = FillCommit {
        expected_version: 8,
        level: after,
        fills: vec![longest],
    };
    store.commit_fill(&commit).await.unwrap();
    let pk = format!("BOT#{}", level.bot);
    let bytes = stored_size(&client, &pk, "FILL#").await;
    println!("{bytes} bytes");
    assert!(bytes < 1_024, "{bytes} bytes");
}

/// A text too long for the item is cut at a character; the rest of the level is untouched.
#[tokio::test]
async fn long_details_are_cut() {
    let store = direct(&EmbeddedDynamo::memory().unwrap()).await;
    create(&store, 1).await;
    let mut level = levels(&bot_id(), 1).remove(0);
    level.version = 1;
    let detail = format!("a{}", "é".repeat(200));
    level.order = Some(crate::fixture::order(
        1,
        OrderState::Refused {
            why: RefusalReason::Filter,
            detail: detail.clone(),
            retry_at: at(1),
            lease: None,
        },
    ));
    store.claim_intent(0, &level).await.unwrap();
    let read = store.levels(&bot_id()).await.unwrap().remove(0);
    let Some(OrderState::Refused { detail: kept, .. }) = read.order.map(|order| order.state) else {
        panic!("not refused");
    };
    assert_eq!(kept.len(), DETAIL_BYTES - 1);
    assert!(detail.starts_with(&kept));
}
