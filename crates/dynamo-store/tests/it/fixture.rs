//! Accounts, bots, levels and fills to test with.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use domain::{
    AccountId, Bot, BotId, DesiredStatus, ExchangeOrderId, ExchangeTime, Fee, FirstInventory,
    GridPlan, Intent, Lease, Level, LevelIndex, LevelOrder, LocalTime, ObservedStatus, OrderKind,
    OrderNumber, OrderState, PassedOrder, Price, Purpose, Quantity, QuoteAmount, Rate, Rung, Side,
    Sizing, Source, Spacing, SymbolRules, SymbolStatus, Trade, TradeId,
};
use dynamo_store::{DynamoStore, EmbeddedDynamo};
use trading::{
    AccountRecord, AccountStore, BookedAs, BotStore, Breaker, Environment, EventKind, EventRecord,
    FillRecord, LevelStore, OrderSummary, SealedKey, StreamState,
};

pub(crate) const TABLE: &str = "records";

/// A store with its table created.
pub(crate) async fn store(client: Client) -> DynamoStore {
    let store = DynamoStore::new(client, TABLE);
    store.create_table().await.unwrap();
    store
}

/// The same in a database of this process, as its owner uses it.
pub(crate) async fn direct(database: &EmbeddedDynamo) -> DynamoStore {
    let store = database.store(TABLE);
    store.create_table().await.unwrap();
    store
}

pub(crate) fn at(millis: i64) -> LocalTime {
    LocalTime::from_millis(1_790_000_000_000 + millis)
}

pub(crate) fn exchange_at(millis: i64) -> ExchangeTime {
    ExchangeTime::from_millis(1_790_000_000_000 + millis)
}

pub(crate) fn account_id() -> AccountId {
    "main".parse().unwrap()
}

pub(crate) fn bot_id() -> BotId {
    "k3x9".parse().unwrap()
}

pub(crate) fn key(text: &str) -> SealedKey {
    SealedKey {
        api_key: format!("api-{text}"),
        kind: "ed25519".to_owned(),
        sealed: "c2VhbGVk".to_owned(),
    }
}

pub(crate) fn account(id: &AccountId) -> AccountRecord {
    AccountRecord {
        id: id.clone(),
        environment: Environment::Simulated,
        stream_key: key("stream"),
        breaker: Breaker::Closed,
        stream: StreamState::Never,
        stream_wanted_since: None,
        created_at: at(0),
        version: 0,
    }
}

pub(crate) fn price(text: &str) -> Price {
    text.parse().unwrap()
}

pub(crate) fn quantity(text: &str) -> Quantity {
    text.parse().unwrap()
}

pub(crate) fn quote(text: &str) -> QuoteAmount {
    text.parse().unwrap()
}

pub(crate) fn bot(id: &BotId, levels: u16) -> Bot {
    Bot {
        id: id.clone(),
        account: account_id(),
        plan: GridPlan {
            lower: price("3.1064"),
            upper: price("3.5"),
            spacing: Spacing::PercentStep {
                step: Rate::new("0.015".parse().unwrap()).unwrap(),
            },
            sizing: Sizing::Investment {
                total: quote("1000"),
            },
            compounding: true,
            post_only: false,
            first_inventory: FirstInventory::Buy,
            maker_fee: Rate::ZERO,
            taker_fee: Rate::ZERO,
        },
        rules: SymbolRules {
            symbol: "XRPETH".parse().unwrap(),
            base: "XRP".parse().unwrap(),
            quote: "ETH".parse().unwrap(),
            status: SymbolStatus::Trading,
            price: None,
            lot: None,
            notional: None,
            band: None,
            max_open_orders: Some(200),
            post_only_allowed: true,
            expire_taker_allowed: true,
        },
        rules_read_at: None,
        rules_doubted: false,
        sold_out: false,
        levels,
        desired: DesiredStatus::Running,
        observed: ObservedStatus::Ready,
        created_at: at(0),
        recovered_at: None,
        version: 0,
    }
}

pub(crate) fn levels(bot: &BotId, count: u16) -> Vec<Level> {
    let rung = Rung {
        buy_price: price("3.1064"),
        sell_price: price("3.1537"),
        quantity: quantity("100"),
    };
    (0..count)
        .map(|index| Level::new(bot.clone(), LevelIndex(index), &rung, at(0)))
        .collect()
}

/// Creates the account and a bot on it.
pub(crate) async fn create<S>(store: &S, levels_of_bot: u16) -> (Bot, Vec<Level>)
where
    S: AccountStore + BotStore + LevelStore,
{
    store.create_account(&account(&account_id())).await.unwrap();
    let bot = bot(&bot_id(), levels_of_bot);
    let levels = levels(&bot.id, levels_of_bot);
    store.create_bot(&bot, &levels).await.unwrap();
    (bot, levels)
}

pub(crate) fn lease(attempt: u32, start: i64) -> Lease {
    Lease {
        attempt,
        first_start: exchange_at(0),
        start: exchange_at(start),
        until: exchange_at(start + 30_000),
        unknown: attempt > 1,
    }
}

pub(crate) fn order(no: u32, state: OrderState) -> LevelOrder {
    LevelOrder {
        no: OrderNumber(no),
        intent: Intent {
            side: if no % 2 == 1 { Side::Buy } else { Side::Sell },
            price: price("3.1064"),
            quantity: quantity("100"),
            kind: OrderKind::Limit,
            purpose: Purpose::Grid,
        },
        state,
        sent_since: None,
        sent_until: None,
        exchange_order_id: None,
        executed: Quantity::ZERO,
        executed_quote: QuoteAmount::ZERO,
        highest_seen: Quantity::ZERO,
        terminal: None,
        owed: quantity("100"),
        executed_before: Quantity::ZERO,
        fruitless: 0,
        by_recovery: false,
    }
}

/// The level one version later, owing this order in this state.
pub(crate) fn next(level: &Level, no: u32, state: OrderState) -> Level {
    let mut next = level.clone();
    next.version += 1;
    next.changed_at = at(i64::try_from(next.version).unwrap());
    next.order = Some(order(no, state));
    next
}

pub(crate) fn pending(attempt: u32) -> OrderState {
    OrderState::Pending {
        lease: lease(attempt, i64::from(attempt) * 100),
    }
}

pub(crate) fn trade(id: i64) -> Trade {
    Trade {
        id: TradeId(id),
        price: price("3.1064"),
        quantity: quantity("40"),
        quote: quote("124.256"),
        fee: Some(Fee {
            amount: quantity("0.04"),
            asset: "XRP".parse().unwrap(),
        }),
        maker: true,
        time: exchange_at(5),
    }
}

pub(crate) fn fill(level: &Level, no: u32, trade_id: i64) -> FillRecord {
    FillRecord {
        bot: level.bot.clone(),
        level: level.index,
        no: OrderNumber(no),
        side: Side::Buy,
        exchange_order_id: ExchangeOrderId(55_012_345_678),
        trade: trade(trade_id),
        source: Source::Stream,
        booked_as: BookedAs::Next,
        by_recovery: true,
        caused: Some(OrderNumber(no + 1)),
        caused_order: Some(OrderSummary {
            side: Side::Sell,
            price: price("3.1537"),
            quantity: quantity("39.9"),
        }),
        received_at: at(6),
        committed_at: at(7),
    }
}

pub(crate) fn event(level: Option<u16>, millis: i64, text: &str) -> EventRecord {
    EventRecord {
        bot: bot_id(),
        level: level.map(LevelIndex),
        no: level.map(|_| OrderNumber(1)),
        order: None,
        at: at(millis),
        kind: EventKind::Refused,
        text: text.to_owned(),
    }
}

/// A level with every field as long as it can get, in one state: amounts of all the digits a decimal
/// has, and fees in three assets (base, quote and a third one) with names longer than any that
/// Binance lists, the longest of which has 12 bytes.
pub(crate) fn longest_level(state: OrderState) -> Level {
    let longest_price = price("712345678901234.12345678901234");
    let longest_quantity = quantity("712345678901234.12345678901234");
    let longest_quote = quote("-7123456789012345.1234567890123");
    let asset = |letter: &str| letter.repeat(14).parse().unwrap();
    let mut order = order(u32::MAX - 1, state);
    order.intent = Intent {
        side: Side::Sell,
        price: longest_price,
        quantity: longest_quantity,
        kind: OrderKind::PostOnly,
        purpose: Purpose::FirstInventory,
    };
    order.exchange_order_id = Some(ExchangeOrderId(i64::MAX));
    order.executed = longest_quantity;
    order.executed_quote = longest_quote;
    order.highest_seen = longest_quantity;
    order.terminal = Some(domain::OrderStatus::ExpiredInMatch);
    order.owed = longest_quantity;
    order.executed_before = longest_quantity;
    order.fruitless = u32::MAX;
    order.by_recovery = true;
    Level {
        bot: "abcdefghijkl".parse().unwrap(),
        index: LevelIndex(4_999),
        buy_price: longest_price,
        sell_price: longest_price,
        quantity: longest_quantity,
        order: Some(order),
        previous: Some(PassedOrder {
            no: OrderNumber(u32::MAX - 2),
            exchange_order_id: Some(ExchangeOrderId(i64::MAX)),
            side: Side::Sell,
            price: longest_price,
            executed: longest_quantity,
            by_recovery: false,
            first_start: None,
        }),
        given_up: Some(domain::GivenUp {
            no: OrderNumber(u32::MAX - 3),
            side: Side::Sell,
            first_start: exchange_at(0),
            until: exchange_at(0),
        }),
        seen_no: Some(OrderNumber(u32::MAX)),
        base: "-7123456789012345.1234567890123".parse().unwrap(),
        cost: longest_quote,
        realized_profit: longest_quote,
        round_trips: u32::MAX,
        fees: ["A", "B", "C"]
            .into_iter()
            .map(|letter| (asset(letter), longest_quantity))
            .collect::<BTreeMap<_, _>>(),
        version: u64::MAX,
        changed_at: at(0),
    }
}
