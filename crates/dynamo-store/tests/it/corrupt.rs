//! Damaged and newer records: each is named, and none is overwritten.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    Bot, BotId, DesiredStatus, ExchangeOrderId, HoldReason, Level, LevelIndex, ObservedStatus,
    OrderNumber, OrderState, PassedOrder, QuarantineReason, RefusalReason,
};
use dynamo_store::{DynamoStore, EmbeddedDynamo};
use trading::{
    AccountStore, BotStore, Breaker, DueBot, FillCommit, Heartbeat, LevelStore, SettleOutcome,
    Settlement, StoreError, TradeKeyStore,
};

use crate::fixture::{
    TABLE, account, account_id, at, bot_id, create, event, fill, key, lease, next, pending,
    quantity, quote, store,
};

type Item = BTreeMap<String, AttributeValue>;

/// The raw table beside the store.
struct Table(Client);

impl Table {
    async fn get(&self, pk: &str, sk: &str) -> Item {
        let reply = self
            .0
            .get_item()
            .table_name(TABLE)
            .key("pk", s(pk))
            .key("sk", s(sk))
            .send()
            .await
            .unwrap();
        reply.item.unwrap().into_iter().collect()
    }

    async fn put(&self, item: &Item) {
        self.0
            .put_item()
            .table_name(TABLE)
            .set_item(Some(item.clone().into_iter().collect()))
            .send()
            .await
            .unwrap();
    }

    /// The sort key of the only item of a partition whose key starts so.
    async fn only(&self, pk: &str, prefix: &str) -> String {
        let page = self
            .0
            .query()
            .table_name(TABLE)
            .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
            .expression_attribute_values(":pk", s(pk))
            .expression_attribute_values(":sk", s(prefix))
            .send()
            .await
            .unwrap();
        assert_eq!(page.count, 1);
        page.items()[0]["sk"].as_s().unwrap().clone()
    }
}

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn n(digits: &str) -> AttributeValue {
    AttributeValue::N(digits.to_owned())
}

/// A table with one of each kind of item.
async fn furnished() -> (DynamoStore, Table) {
    let client = EmbeddedDynamo::memory().unwrap().client();
    let store = store(client.clone()).await;
    let (_, levels) = create(&store, 1).await;
    let mut level = next(&levels[0], 2, pending(1));
    level.previous = Some(PassedOrder {
        no: OrderNumber(1),
        exchange_order_id: None,
        side: domain::Side::Buy,
        price: level.buy_price,
        executed: quantity("40"),
        by_recovery: true,
        first_start: None,
    });
    let commit = FillCommit {
        expected_version: 0,
        fills: vec![fill(&level, 1, 1)],
        level,
    };
    store.commit_fill(&commit).await.unwrap();
    store.add_event(&event(Some(0), 0, "laid")).await.unwrap();
    store
        .put_trade_key(&account_id(), &key("trade"))
        .await
        .unwrap();
    store.put_heartbeat(&beat(0)).await.unwrap();
    (store, Table(client))
}

/// Reads an item in the way the system does.
async fn read(store: &DynamoStore, kind: Kind) -> Result<(), StoreError> {
    let (account, bot) = (account_id(), bot_id());
    match kind {
        Kind::Level => store.levels(&bot).await.map(drop),
        Kind::Bot => store.bot(&bot).await.map(drop),
        Kind::Account => store.account(&account).await.map(drop),
        Kind::Fill => store.fills(&bot, None).await.map(drop),
        Kind::Event => store.events(&bot, None).await.map(drop),
        Kind::Pointer => store.make_due(&bot, at(5)).await,
        Kind::TradeKey => store.trade_key(&account).await.map(drop),
        Kind::Heartbeat => store.heartbeats().await.map(drop),
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Level,
    Bot,
    Account,
    Fill,
    Event,
    Pointer,
    TradeKey,
    Heartbeat,
}

const KINDS: [(Kind, &str, &str); 8] = [
    (Kind::Level, "BOT#k3x9", "LEVEL#"),
    (Kind::Bot, "BOT#k3x9", "BOT"),
    (Kind::Account, "ACCOUNT#main", "ACCOUNT"),
    (Kind::Fill, "BOT#k3x9", "FILL#"),
    (Kind::Event, "BOT#k3x9", "EVENT#"),
    (Kind::Pointer, "BOT#k3x9", "DUE"),
    (Kind::TradeKey, "TRADEKEY#main", "KEY"),
    (Kind::Heartbeat, "BRIDGE", "b1"),
];

/// Asserts that reading fails and names the item, and returns what it says.
async fn named(store: &DynamoStore, kind: Kind, sk: &str, what: &str) -> String {
    match read(store, kind).await {
        Err(error @ StoreError::Corrupt { .. }) => {
            let told = error.to_string();
            assert!(told.contains(sk), "{what}: {told}");
            told
        }
        other => panic!("{kind:?}, {what}: {other:?}"),
    }
}

/// Attributes that no reader needs: the mark of the last write and an account's number of bots. And one
/// that older records do not have.
const BESIDE: [&str; 3] = ["w", "bots", "caused_order"];

#[tokio::test]
async fn every_attribute_is_needed_and_has_its_kind() {
    let (store, table) = furnished().await;
    for (kind, pk, prefix) in KINDS {
        let sk = table.only(pk, prefix).await;
        let whole = table.get(pk, &sk).await;
        read(&store, kind).await.unwrap();
        for name in whole.keys().filter(|name| *name != "pk" && *name != "sk") {
            if BESIDE.contains(&name.as_str()) {
                continue;
            }
            let mut damaged = whole.clone();
            damaged.remove(name);
            table.put(&damaged).await;
            named(&store, kind, &sk, &format!("without {name}")).await;
            let wrong_kind = if whole[name].is_bool() {
                n("1")
            } else {
                AttributeValue::Bool(true)
            };
            damaged.insert(name.clone(), wrong_kind);
            table.put(&damaged).await;
            named(&store, kind, &sk, &format!("with another kind of {name}")).await;
        }
        table.put(&whole).await;
        read(&store, kind).await.unwrap();
    }
}

#[tokio::test]
async fn a_newer_item_is_named_and_says_what_to_do() {
    let (store, table) = furnished().await;
    for (kind, pk, prefix) in KINDS {
        let sk = table.only(pk, prefix).await;
        let whole = table.get(pk, &sk).await;
        for (format, says) in [("2", "newer"), ("0", "never written"), ("-1", "invalid")] {
            let mut changed = whole.clone();
            changed.insert("fv".to_owned(), n(format));
            table.put(&changed).await;
            let told = named(&store, kind, &sk, format).await;
            assert!(told.contains(says), "{kind:?}: {told}");
            assert!(told.contains("nothing was changed"), "{kind:?}: {told}");
        }
        table.put(&whole).await;
    }
}

#[tokio::test]
async fn damaged_values_of_a_level_are_refused() {
    let (store, table) = furnished().await;
    let whole = table.get("BOT#k3x9", "LEVEL#0000").await;
    let map =
        |name: &str, value| AttributeValue::M([(name.to_owned(), value)].into_iter().collect());
    let damages = [
        ("bp", s("0")),
        ("bp", s("-3.1")),
        ("bp", s("3,1")),
        ("bp", s("")),
        ("sp", s("NaN")),
        ("qt", s("-1")),
        ("ba", s("1e5")),
        ("co", s("99999999999999999999999999999999999")),
        ("v", n("-1")),
        ("v", n("1.5")),
        ("v", n("99999999999999999999")),
        ("no", n("4294967296")),
        ("st", s("waiting")),
        ("si", s("buy")),
        ("ki", s("market")),
        ("la", AttributeValue::Null(true)),
        ("la", n("-1")),
        ("te", s("DONE")),
        ("xi", s("1")),
        ("fe", map("XRP", s("-1"))),
        ("fe", map("X R P", s("1"))),
        ("fe", AttributeValue::L(vec![])),
        ("pn", n("x1")),
        ("rt", n("-1")),
    ];
    for (name, value) in damages {
        let mut damaged = whole.clone();
        damaged.insert(name.to_owned(), value.clone());
        if name == "pn" {
            damaged.insert(name.to_owned(), AttributeValue::N("-7".to_owned()));
        }
        table.put(&damaged).await;
        let what = format!("{name} = {value:?}");
        named(&store, Kind::Level, "LEVEL#0000", &what).await;
        let loaded = store.load(&account_id(), &bot_id(), LevelIndex(0)).await;
        assert!(matches!(loaded, Err(StoreError::Corrupt { .. })), "{what}");
    }
}

#[tokio::test]
async fn an_entry_under_a_key_that_is_not_its_own_is_refused() {
    let (store, table) = furnished().await;
    for (kind, pk, prefix, sk) in [
        (
            Kind::Fill,
            "BOT#k3x9",
            "FILL#",
            "FILL#0000#0000000009#0000000000000000001",
        ),
        (Kind::Level, "BOT#k3x9", "LEVEL#", "LEVEL#1"),
        (Kind::Level, "BOT#k3x9", "LEVEL#", "LEVEL#x"),
    ] {
        let whole = table.get(pk, &table.only(pk, prefix).await).await;
        let mut moved = whole.clone();
        moved.insert("sk".to_owned(), s(sk));
        table.put(&moved).await;
        named(&store, kind, sk, "moved").await;
        table
            .0
            .delete_item()
            .table_name(TABLE)
            .key("pk", s(pk))
            .key("sk", s(sk))
            .send()
            .await
            .unwrap();
        read(&store, kind).await.unwrap();
    }
}

/// Every kind of write, ready to be tried.
struct Writes {
    bot: Bot,
    due: DueBot,
    level: Level,
    commit: FillCommit,
}

impl Writes {
    /// Stops the bot, and reads what the writes start from.
    async fn of(store: &DynamoStore) -> Self {
        let mut bot = store.bot(&bot_id()).await.unwrap().unwrap();
        bot.version = 1;
        bot.desired = DesiredStatus::Stopped;
        bot.observed = ObservedStatus::Stopped;
        store.update_bot(0, &bot).await.unwrap();
        let level = store.levels(&bot.id).await.unwrap().remove(0);
        let after = next(&level, 3, OrderState::Open);
        let commit = FillCommit {
            expected_version: level.version,
            fills: vec![fill(&after, 2, 2)],
            level: after,
        };
        Self {
            due: store.due_bots(at(0), 1).await.unwrap().remove(0),
            bot,
            level,
            commit,
        }
    }

    /// Tries every write to an item of this kind.
    async fn to(
        &self,
        kind: Kind,
        store: &DynamoStore,
    ) -> Vec<(&'static str, Result<(), StoreError>)> {
        let (account, bot) = (&account_id(), &self.bot.id);
        match kind {
            Kind::Level => vec![
                ("commit", store.commit_fill(&self.commit).await.map(drop)),
                ("claim", self.claim(store).await),
                ("settle", settle(store, bot, &accepted()).await),
                ("renew", settle(store, bot, &renewed()).await),
            ],
            Kind::Bot => vec![
                ("update", self.update(store).await),
                ("remove", store.remove_bot(bot).await),
            ],
            Kind::Account => vec![
                (
                    "breaker",
                    store.set_breaker(account, &Breaker::Closed).await,
                ),
                ("key", store.set_stream_key(account, &key("new")).await),
                ("wanted", store.want_stream(account, None).await),
                ("remove bot", store.remove_bot(bot).await),
                ("create bot", create_another(store).await),
            ],
            Kind::Pointer => vec![
                (
                    "claim",
                    store.claim_due(&self.due, at(9_000)).await.map(drop),
                ),
                ("make due", store.make_due(bot, at(-9)).await),
                ("remove bot", store.remove_bot(bot).await),
            ],
            Kind::TradeKey => vec![
                ("put", store.put_trade_key(account, &key("new")).await),
                ("remove", store.remove_trade_key(account).await),
            ],
            Kind::Heartbeat => vec![("put", store.put_heartbeat(&beat(9)).await)],
            // Written once and never again.
            Kind::Fill | Kind::Event => vec![],
        }
    }

    async fn claim(&self, store: &DynamoStore) -> Result<(), StoreError> {
        let claim = store.claim_intent(self.level.version, &self.commit.level);
        claim.await.map(drop)
    }

    async fn update(&self, store: &DynamoStore) -> Result<(), StoreError> {
        let mut changed = self.bot.clone();
        changed.version = 2;
        store.update_bot(1, &changed).await.map(drop)
    }
}

/// Every write to an item that a newer version wrote is refused, and changes nothing.
#[tokio::test]
async fn no_write_overwrites_a_newer_item() {
    let (store, table) = furnished().await;
    let writes = Writes::of(&store).await;
    for (kind, pk, prefix) in KINDS {
        let sk = table.only(pk, prefix).await;
        let whole = table.get(pk, &sk).await;
        let mut newer = whole.clone();
        newer.insert("fv".to_owned(), n("2"));
        newer.insert("future".to_owned(), s("what this version knows nothing of"));
        table.put(&newer).await;
        for (what, outcome) in writes.to(kind, &store).await {
            assert!(
                matches!(outcome, Err(StoreError::Corrupt { .. })),
                "{kind:?}, {what}: {outcome:?}"
            );
            assert_eq!(table.get(pk, &sk).await, newer, "{kind:?}, {what}");
        }
        table.put(&whole).await;
    }
    // With the items as they were, the same writes go through: only their format stood in the way.
    store.commit_fill(&writes.commit).await.unwrap();
    store.remove_bot(&writes.bot.id).await.unwrap();
    store.remove_account(&account_id()).await.unwrap();
}

/// Settling writes a level as writing it whole would: nothing of the state before is left behind,
/// where a later change could bring it back to life.
#[tokio::test]
async fn settling_leaves_nothing_of_the_state_before() {
    let (store, table) = furnished().await;
    let bot = bot_id();
    let refused = |attempt| Settlement::Refused {
        attempt,
        why: RefusalReason::Filter,
        detail: "-1013".to_owned(),
        retry_at: at(9),
    };
    let held = |attempt| Settlement::Held {
        attempt,
        why: HoldReason::BelowMinimum {
            value: quote("4"),
            missing: quote("1"),
        },
    };
    let quarantined = |attempt| Settlement::Quarantined {
        attempt,
        why: QuarantineReason::ForeignOrder,
        evidence: "another price".to_owned(),
    };
    let roads: [&[Settlement]; 6] = [
        &[accepted()],
        &[refused(1), accepted()],
        &[held(1), accepted()],
        &[renewed(), refused(2)],
        &[renewed(), held(2)],
        &[quarantined(1)],
    ];
    for road in roads {
        let before = store.levels(&bot).await.unwrap().remove(0);
        let owed = next(&before, 2, pending(1));
        store.claim_intent(before.version, &owed).await.unwrap();
        for settlement in road {
            let outcome =
                store.settle_intent(&bot, LevelIndex(0), OrderNumber(2), settlement, at(1));
            assert_eq!(outcome.await.unwrap(), SettleOutcome::Settled);
        }
        let settled = table.get("BOT#k3x9", "LEVEL#0000").await;
        let mut same = store.levels(&bot).await.unwrap().remove(0);
        same.version += 1;
        store.claim_intent(same.version - 1, &same).await.unwrap();
        let whole = table.get("BOT#k3x9", "LEVEL#0000").await;
        let names = |item: &Item| item.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&settled), names(&whole), "{road:?}");
    }
}

#[tokio::test]
async fn a_newer_account_is_not_removed() {
    let client = EmbeddedDynamo::memory().unwrap().client();
    let store = store(client.clone()).await;
    let table = Table(client);
    store.create_account(&account(&account_id())).await.unwrap();
    let mut newer = table.get("ACCOUNT#main", "ACCOUNT").await;
    newer.insert("fv".to_owned(), n("2"));
    table.put(&newer).await;
    let removed = store.remove_account(&account_id()).await;
    assert!(
        matches!(removed, Err(StoreError::Corrupt { .. })),
        "{removed:?}"
    );
    assert_eq!(table.get("ACCOUNT#main", "ACCOUNT").await, newer);
}

async fn create_another(store: &DynamoStore) -> Result<(), StoreError> {
    let bot = crate::fixture::bot(&"other1".parse().unwrap(), 1);
    let levels = crate::fixture::levels(&bot.id, 1);
    store.create_bot(&bot, &levels).await
}

fn beat(millis: i64) -> Heartbeat {
    Heartbeat {
        bridge: "b1".to_owned(),
        at: at(millis),
        connections: 1,
        accounts: vec![],
    }
}

fn accepted() -> Settlement {
    Settlement::Accepted {
        exchange_order_id: ExchangeOrderId(5),
    }
}

fn renewed() -> Settlement {
    Settlement::Renewed {
        attempt: 1,
        lease: lease(2, 700),
    }
}

async fn settle(
    store: &DynamoStore,
    bot: &BotId,
    settlement: &Settlement,
) -> Result<(), StoreError> {
    store
        .settle_intent(bot, LevelIndex(0), OrderNumber(2), settlement, at(1))
        .await
        .map(drop)
}

/// A damaged item never ends a dump: it shows as it is, with the reason.
#[tokio::test]
async fn a_dump_shows_everything_damaged_items_included() {
    let (store, table) = furnished().await;
    let mut damaged = table.get("BOT#k3x9", "LEVEL#0000").await;
    damaged.insert("sk".to_owned(), s("LEVEL#0001"));
    damaged.insert("bp".to_owned(), s("cheap"));
    table.put(&damaged).await;
    let lines = store.dump(&bot_id()).await.unwrap();
    let items: Vec<serde_json::Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let keys: Vec<&str> = items
        .iter()
        .map(|item| item["sk"].as_str().unwrap().split('#').next().unwrap())
        .collect();
    assert_eq!(keys, ["BOT", "DUE", "EVENT", "FILL", "LEVEL", "LEVEL"]);
    let level = &items[4];
    assert_eq!(level["pk"], "BOT#k3x9");
    assert_eq!(level["buy_price"], "3.1064");
    assert_eq!(level["order"]["state"]["state"], "pending");
    assert_eq!(items[3]["trade"]["quote"], "124.256");
    let unreadable = items[5]["unreadable"].as_str().unwrap();
    assert!(unreadable.contains("LEVEL#0001"), "{unreadable}");
    assert_eq!(items[5]["raw"]["bp"], "cheap");
}
