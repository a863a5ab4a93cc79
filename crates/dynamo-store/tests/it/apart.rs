//! Listings with one bad record among good ones: the good ones are read, the bad one is named.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{BotId, LevelIndex};
use dynamo_store::EmbeddedDynamo;
use trading::{AccountStore, BotStore, FillCommit, LevelStore, StoreError};

use crate::fixture::{
    TABLE, account, account_id, at, bot, bot_id, create, event, fill, levels, next, pending, store,
};

type Item = BTreeMap<String, AttributeValue>;

async fn items(client: &Client, prefix: &str) -> Vec<Item> {
    let all = client.scan().table_name(TABLE).send().await.unwrap();
    let mut items: Vec<Item> = all
        .items
        .unwrap()
        .into_iter()
        .map(|item| item.into_iter().collect::<Item>())
        .filter(|item| {
            let keys = [&item["pk"], &item["sk"]].map(|key| key.as_s().unwrap().as_str());
            keys.join(" / ").starts_with(prefix)
        })
        .collect();
    items.sort_by_key(|item| item["sk"].as_s().unwrap().clone());
    items
}

async fn put(client: &Client, item: Item) {
    let request = client.put_item().table_name(TABLE);
    let item = item.into_iter().collect();
    request.set_item(Some(item)).send().await.unwrap();
}

fn newer(item: &Item) -> Item {
    let mut newer = item.clone();
    newer.insert("fv".to_owned(), AttributeValue::N("2".to_owned()));
    newer
}

/// Asserts that exactly this record could not be read.
fn assert_names(unreadable: &[StoreError], key: &str) {
    assert_eq!(unreadable.len(), 1, "{unreadable:?}");
    let named = matches!(&unreadable[0], StoreError::Corrupt { key: found, .. } if found == key);
    assert!(named, "{unreadable:?}");
}

#[tokio::test]
async fn a_bad_level_hides_none_of_the_others() {
    let client = EmbeddedDynamo::memory().unwrap().client();
    let store = store(client.clone()).await;
    let (bot, levels) = create(&store, 3).await;
    let middle = items(&client, "BOT#k3x9 / LEVEL#0001").await.remove(0);
    let mut damaged = middle.clone();
    damaged.remove("bp");
    let mut misplaced = middle.clone();
    misplaced.insert("sk".to_owned(), AttributeValue::S("LEVEL#1".to_owned()));
    for (bad, key) in [
        (newer(&middle), "BOT#k3x9 / LEVEL#0001"),
        (damaged, "BOT#k3x9 / LEVEL#0001"),
    ] {
        put(&client, bad).await;
        let listed = store.list_levels(&bot.id).await.unwrap();
        assert_eq!(listed.readable, [levels[0].clone(), levels[2].clone()]);
        assert_names(&listed.unreadable, key);
        store.levels(&bot.id).await.unwrap_err();
    }
    put(&client, middle).await;
    put(&client, misplaced).await;
    let listed = store.list_levels(&bot.id).await.unwrap();
    assert_eq!(listed.readable, levels);
    assert_names(&listed.unreadable, "BOT#k3x9 / LEVEL#1");
}

#[tokio::test]
async fn a_bad_ledger_entry_or_line_of_the_story_hides_none_of_the_others() {
    let client = EmbeddedDynamo::memory().unwrap().client();
    let store = store(client.clone()).await;
    let (bot, levels) = create(&store, 1).await;
    let level = next(&levels[0], 2, pending(1));
    let commit = FillCommit {
        expected_version: 0,
        fills: vec![fill(&level, 1, 1), fill(&level, 1, 2), fill(&level, 1, 3)],
        level,
    };
    store.commit_fill(&commit).await.unwrap();
    let entry = items(&client, "BOT#k3x9 / FILL#").await.remove(1);
    let key = format!("BOT#k3x9 / {}", entry["sk"].as_s().unwrap());
    put(&client, newer(&entry)).await;
    for level in [None, Some(LevelIndex(0))] {
        let listed = store.list_fills(&bot.id, level).await.unwrap();
        let good = [commit.fills[0].clone(), commit.fills[2].clone()];
        assert_eq!(listed.readable, good);
        assert_names(&listed.unreadable, &key);
        store.fills(&bot.id, level).await.unwrap_err();
    }
    // What decides whether a fill is booked is never read in part.
    let of_order = store.fills_of_order(&bot.id, LevelIndex(0), commit.fills[0].no);
    of_order.await.unwrap_err();

    let lines = [event(Some(0), 0, "laid"), event(Some(0), 1, "held")];
    for line in &lines {
        store.add_event(line).await.unwrap();
    }
    let line = items(&client, "BOT#k3x9 / EVENT#").await.remove(0);
    let key = format!("BOT#k3x9 / {}", line["sk"].as_s().unwrap());
    put(&client, newer(&line)).await;
    let listed = store.list_events(&bot.id, None).await.unwrap();
    assert_eq!(listed.readable, lines[1..]);
    assert_names(&listed.unreadable, &key);
    store.events(&bot.id, None).await.unwrap_err();
}

#[tokio::test]
async fn a_bad_account_hides_none_of_the_others() {
    let client = EmbeddedDynamo::memory().unwrap().client();
    let store = store(client.clone()).await;
    let good = account(&"zoe".parse().unwrap());
    for account in [&account(&account_id()), &good] {
        store.create_account(account).await.unwrap();
    }
    let bad = items(&client, "ACCOUNT#main / ACCOUNT").await.remove(0);
    put(&client, newer(&bad)).await;
    let listed = store.list_accounts().await.unwrap();
    assert_eq!(store.accounts().await.unwrap(), listed.readable);
    assert_eq!(listed.readable, [good]);
    assert_names(&listed.unreadable, "ACCOUNT#main / ACCOUNT");
}

/// However many bad entries are due before it: the one good entry is found, even if only one is asked
/// for.
#[tokio::test]
async fn bad_due_entries_hide_no_good_one() {
    let client = EmbeddedDynamo::memory().unwrap().client();
    let store = store(client.clone()).await;
    create(&store, 1).await;
    let mut ids = vec![bot_id()];
    for at in 0..9 {
        let id: BotId = format!("other{at}").parse().unwrap();
        let bot = bot(&id, 1);
        store.create_bot(&bot, &levels(&id, 1)).await.unwrap();
        ids.push(id);
    }
    let entries = items(&client, "DUE#").await;
    assert_eq!(entries.len(), ids.len());
    let damages: [fn(&Item) -> Item; 3] = [
        newer,
        |entry| {
            let mut entry = entry.clone();
            entry.remove("account");
            entry
        },
        |entry| {
            let mut entry = entry.clone();
            entry.insert("due_at".to_owned(), AttributeValue::N("-7".to_owned()));
            entry
        },
    ];
    for damage in damages {
        for good in &ids {
            for entry in &entries {
                let is_good = entry["bot"].as_s().unwrap() == good.as_str();
                let entry = if is_good {
                    entry.clone()
                } else {
                    damage(entry)
                };
                put(&client, entry).await;
            }
            let due = store.due_bots(at(0), 1).await.unwrap();
            assert_eq!(due.len(), 1);
            assert_eq!(due[0].bot, *good);
        }
    }
}
