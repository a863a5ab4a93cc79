//! Whatever is valid survives: written and read again it is the same. Levels have their own such
//! test beside the store, prices and client order ids beside their types.

use domain::{
    AccountId, Asset, BaseAmount, BotId, ExchangeOrderId, ExchangeTime, Execution, Fee, LevelIndex,
    LocalTime, OrderNumber, OrderStatus, Price, Quantity, QuoteAmount, Rate, Side, Source, Spacing,
    Symbol, Trade, TradeId,
};
use dynamo_store::readers::{Item, item, record_item};
use proptest::prelude::*;
use rust_decimal::Decimal;
use trading::{
    AccountRecord, AccountStop, BookedAs, Breaker, DueBot, Environment, EventKind, EventRecord,
    FillRecord, Heartbeat, MAX_MESSAGE_BYTES, Message, OrderSummary, SealedKey, StreamState,
};

fn parsed<T: std::str::FromStr<Err: std::fmt::Debug> + std::fmt::Debug>(
    pattern: &'static str,
) -> impl Strategy<Value = T> {
    pattern.prop_map(|text: String| text.parse().unwrap())
}

fn account_id() -> impl Strategy<Value = AccountId> {
    parsed("[a-z0-9-]{1,32}")
}

fn bot_id() -> impl Strategy<Value = BotId> {
    parsed("[a-z0-9]{4,12}")
}

fn asset() -> impl Strategy<Value = Asset> {
    parsed("[A-Z0-9币安é]{1,12}")
}

fn decimal(lowest: i64) -> impl Strategy<Value = Decimal> {
    (lowest..=1_000_000_000_000_000_i64, 0..=18_u32)
        .prop_map(|(digits, scale)| Decimal::new(digits, scale))
}

fn price() -> impl Strategy<Value = Price> {
    decimal(1).prop_map(|value| Price::new(value).unwrap())
}

fn quantity() -> impl Strategy<Value = Quantity> {
    decimal(0).prop_map(|value| Quantity::new(value).unwrap())
}

fn quote() -> impl Strategy<Value = QuoteAmount> {
    any::<(i128, u32)>().prop_map(|(digits, scale)| {
        QuoteAmount::new(Decimal::from_i128_with_scale(digits >> 33, scale % 29))
    })
}

fn exchange_time() -> impl Strategy<Value = ExchangeTime> {
    any::<i64>().prop_map(ExchangeTime::from_millis)
}

fn local_time() -> impl Strategy<Value = LocalTime> {
    any::<i64>().prop_map(LocalTime::from_millis)
}

fn side() -> impl Strategy<Value = Side> {
    prop::sample::select(vec![Side::Buy, Side::Sell])
}

fn source() -> impl Strategy<Value = Source> {
    prop::sample::select(vec![Source::Stream, Source::Reply, Source::Recovery])
}

fn status() -> impl Strategy<Value = OrderStatus> {
    prop::sample::select(vec![
        OrderStatus::New,
        OrderStatus::PendingNew,
        OrderStatus::PartiallyFilled,
        OrderStatus::Filled,
        OrderStatus::Canceled,
        OrderStatus::Rejected,
        OrderStatus::Expired,
        OrderStatus::ExpiredInMatch,
        OrderStatus::Unrecognized,
    ])
}

fn trade() -> impl Strategy<Value = Trade> {
    let fee = (quantity(), asset()).prop_map(|(amount, asset)| Fee { amount, asset });
    let fee = prop::option::of(fee);
    (
        any::<i64>(),
        price(),
        quantity(),
        quote(),
        fee,
        any::<bool>(),
        exchange_time(),
    )
        .prop_map(|(id, price, quantity, quote, fee, maker, time)| Trade {
            id: TradeId(id),
            price,
            quantity,
            quote,
            fee,
            maker,
            time,
        })
}

fn execution() -> impl Strategy<Value = Execution> {
    let names = (
        account_id(),
        parsed::<Symbol>("[A-Z0-9币]{1,13}"),
        ".{0,40}",
    );
    let order = (
        any::<i64>(),
        side(),
        prop::option::of(price()),
        quantity(),
        quantity(),
        status(),
    );
    let rest = (
        prop::collection::vec(trade(), 0..4),
        prop::option::of(exchange_time()),
        exchange_time(),
        source(),
    );
    (names, order, rest).prop_map(|(names, order, rest)| Execution {
        account: names.0,
        symbol: names.1,
        client_order_id: names.2,
        exchange_order_id: ExchangeOrderId(order.0),
        side: order.1,
        order_price: order.2,
        order_quantity: order.3,
        cumulative: order.4,
        status: order.5,
        trades: rest.0,
        created_at: rest.1,
        time: rest.2,
        source: rest.3,
    })
}

fn message() -> impl Strategy<Value = Message> {
    let executed = (execution(), local_time()).prop_map(|(execution, received_at)| {
        let execution = Box::new(execution);
        Message::Execution {
            execution,
            received_at,
        }
    });
    let reconcile = (account_id(), prop::option::of(bot_id()), ".{0,80}");
    let reconcile =
        reconcile.prop_map(|(account, bot, why)| Message::Reconcile { account, bot, why });
    prop_oneof![executed, reconcile]
}

fn fill() -> impl Strategy<Value = Item> {
    let place = (bot_id(), 0..10_000_u16, 1..=u32::MAX, side(), any::<i64>());
    // A trade's id is part of its key, where it is padded; below zero there is none.
    let trade = trade().prop_map(|trade| Trade {
        id: TradeId(trade.id.0 & i64::MAX),
        ..trade
    });
    let booked_as = prop::sample::select(vec![
        BookedAs::Next,
        BookedAs::Fetched,
        BookedAs::Late,
        BookedAs::SecondOrder,
    ]);
    let rest = (
        source(),
        booked_as,
        any::<bool>(),
        prop::option::of(any::<u32>()),
        local_time(),
        local_time(),
    );
    (place, trade, rest).prop_map(|(place, trade, rest)| {
        Item::Fill(Box::new(FillRecord {
            bot: place.0,
            level: LevelIndex(place.1),
            no: OrderNumber(place.2),
            side: place.3,
            exchange_order_id: ExchangeOrderId(place.4),
            trade: trade.clone(),
            source: rest.0,
            booked_as: rest.1,
            by_recovery: rest.2,
            caused: rest.3.map(OrderNumber),
            caused_order: rest.3.map(|_| OrderSummary {
                side: place.3,
                price: trade.price,
                quantity: trade.quantity,
            }),
            received_at: rest.4,
            committed_at: rest.5,
        }))
    })
}

fn event() -> impl Strategy<Value = Item> {
    let kind = prop::sample::select(vec![
        EventKind::Laid,
        EventKind::Unknown,
        EventKind::Quarantined,
    ]);
    let level = prop::option::of(any::<u16>());
    let no = prop::option::of(any::<u32>());
    (bot_id(), level, no, local_time(), kind, ".{0,200}").prop_map(
        |(bot, level, no, at, kind, text)| {
            Item::Event(EventRecord {
                bot,
                level: level.map(LevelIndex),
                no: no.map(OrderNumber),
                order: no.map(|no| OrderSummary {
                    side: Side::Sell,
                    price: "3.1537".parse().unwrap(),
                    quantity: domain::Quantity::new(no.into()).unwrap(),
                }),
                at,
                kind,
                text,
            })
        },
    )
}

fn sealed() -> impl Strategy<Value = SealedKey> {
    ("[A-Za-z0-9]{0,64}", ".{0,8}", ".{0,200}").prop_map(|(api_key, kind, sealed)| SealedKey {
        api_key,
        kind,
        sealed,
    })
}

fn account() -> impl Strategy<Value = Item> {
    let stopped = (".{0,80}", local_time(), prop::option::of(local_time()));
    let breaker = prop_oneof![
        Just(Breaker::Closed),
        stopped.prop_map(|(detail, since, until)| Breaker::Stopped {
            cause: AccountStop::Banned,
            detail,
            since,
            until
        }),
    ];
    let down = (local_time(), ".{0,80}").prop_map(|(since, why)| StreamState::Down { since, why });
    let stream = prop_oneof![Just(StreamState::Never), down];
    let times = (prop::option::of(local_time()), local_time(), any::<u64>());
    (account_id(), sealed(), breaker, stream, times).prop_map(
        |(id, stream_key, breaker, stream, times)| {
            Item::Account(Box::new(AccountRecord {
                id,
                environment: Environment::Testnet,
                stream_key,
                breaker,
                stream,
                stream_wanted_since: times.0,
                created_at: times.1,
                version: times.2,
            }))
        },
    )
}

fn other_item() -> impl Strategy<Value = Item> {
    let due = (bot_id(), account_id(), local_time()).prop_map(|(bot, account, due_at)| {
        Item::Due(DueBot {
            bot,
            account,
            due_at,
        })
    });
    let accounts = prop::collection::vec(account_id(), 0..4);
    let beat = ("[a-z0-9-]{1,20}", local_time(), any::<u32>(), accounts);
    let beat = beat.prop_map(|(bridge, at, connections, accounts)| {
        Item::Heartbeat(Heartbeat {
            bridge,
            at,
            connections,
            accounts,
        })
    });
    prop_oneof![due, beat, sealed().prop_map(Item::SealedKey)]
}

fn rate() -> impl Strategy<Value = Rate> {
    (0..1_000_000_000_000_000_000_i64, 18..=26_u32)
        .prop_map(|(digits, scale)| Rate::new(Decimal::new(digits, scale)).unwrap())
}

proptest! {
    #[test]
    fn a_message_comes_off_the_queue_as_it_went_on(message in message()) {
        let text = message.to_text().unwrap();
        prop_assert!(text.len() <= MAX_MESSAGE_BYTES);
        prop_assert_eq!(Message::from_text(&text).unwrap(), message);
    }

    #[test]
    fn an_item_is_read_as_it_was_written(written in prop_oneof![fill(), event(), account(), other_item()]) {
        let read = item(&record_item(&written).unwrap()).unwrap();
        prop_assert_eq!(read, written);
    }

    #[test]
    fn amounts_below_zero_and_rates_read_back(base in quote(), rate in rate()) {
        let base: BaseAmount = base.to_string().parse().unwrap();
        prop_assert_eq!(base.to_string().parse::<BaseAmount>().unwrap(), base);
        prop_assert_eq!(rate.to_string().parse::<Rate>().unwrap(), rate);
        let json = serde_json::to_string(&(base, rate)).unwrap();
        prop_assert_eq!(serde_json::from_str::<(BaseAmount, Rate)>(&json).unwrap(), (base, rate));
        let spacing = Spacing::PercentStep { step: rate };
        prop_assert_eq!(spacing.to_string().parse::<Spacing>().unwrap(), spacing);
    }
}
