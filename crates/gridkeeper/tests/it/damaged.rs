//! Single records that a broken disk or another version has made unreadable: what is good beside them
//! is shown and goes on, and each of them is named.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use dynamo_store::{Durability, open_data_dir};
use exchange_simulator::DEMO_API_KEY;

use super::world::World;

type Item = BTreeMap<String, AttributeValue>;

fn text(item: &Item, name: &str) -> String {
    item[name].as_s().unwrap().clone()
}

async fn all_items(client: &Client) -> Vec<Item> {
    let scanned = client.scan().table_name("gridkeeper").send().await.unwrap();
    let items = scanned.items.unwrap().into_iter();
    items.map(|item| item.into_iter().collect()).collect()
}

/// Makes every record unreadable that this applies to; there must be `expected` of them.
async fn damage(world: &World, expected: usize, which: impl Fn(&str, &str) -> bool) {
    let opened = open_data_dir(&world.folder(), Durability::Process)
        .await
        .unwrap();
    let client = opened.client();
    let mut items = all_items(&client).await;
    items.retain(|item| which(&text(item, "pk"), &text(item, "sk")));
    assert_eq!(items.len(), expected);
    for mut item in items {
        item.insert("fv".to_owned(), AttributeValue::N("9".to_owned()));
        let item = item.into_iter().collect();
        let put = client.put_item().table_name("gridkeeper");
        put.set_item(Some(item)).send().await.unwrap();
    }
}

/// A running bot whose four levels have bought and have their SELLs open; `up` has ended.
async fn running() -> (World, String) {
    let world = World::with_account().await;
    let bot = world.create(&[]);
    world.run(&["bot", "start", &bot]).yes();
    let up = world.up();
    let show = ["bot", "show", &bot, "--json"];
    world.until(&show, |shown| shown["sums"]["open_orders"] == 4);
    world.trade_at(57_900);
    world.until(&show, |shown| {
        let mut levels = shown["levels"].as_array().unwrap().iter();
        levels.all(|level| {
            let order = &level["order"];
            order["intent"]["side"] == "SELL" && order["state"]["state"] == "open"
        })
    });
    drop(up);
    (world, bot)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_level_hides_none_of_the_others() {
    let (world, bot) = running().await;
    damage(&world, 1, |pk, sk| {
        pk == format!("BOT#{bot}") && sk == "LEVEL#0001"
    })
    .await;
    world.run(&["bot", "show", &bot]).ends(1).says(&[
        "status     running",
        "58000     59000",
        "60000     61000",
        "LEVEL#0001",
        "newer",
    ]);
    let shown = world.run(&["bot", "show", &bot, "--json"]).ends(1);
    assert_eq!(shown.json()["levels"].as_array().unwrap().len(), 3);
    assert!(shown.json()["unreadable"][0].to_string().contains("#0001"));
    world
        .run(&["bot", "list"])
        .ends(1)
        .says(&[&bot, "running", "LEVEL#0001"]);
    world
        .run(&["explain", &bot])
        .ends(1)
        .says(&["SELL", "LEVEL#0001"]);
    world
        .run(&["explain", &bot, "0"])
        .yes()
        .says(&["buys 0.001 BTC at 58000"]);
    world
        .run(&["explain", &bot, "1"])
        .ends(1)
        .says(&["LEVEL#0001", "newer"]);
    world
        .run(&["explain", &bot, "4"])
        .ends(2)
        .says(&["no level 4"]);
    world.run(&["fills", &bot]).yes().says(&["58000"]);
    let audited = world.run(&["audit", &bot]).ends(1);
    assert!(!audited.out.contains("BROKEN "), "{audited}");
    audited.says(&["NOT CLEAN", "3 kept", "CANNOT BE READ", "LEVEL#0001"]);
    world
        .run(&["doctor"])
        .ends(1)
        .says(&["problem", "LEVEL#0001"]);
    world
        .run(&["recover", &bot])
        .yes()
        .says(&["to know", "LEVEL#0001"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_ledger_entry_hides_none_of_the_others() {
    let (world, bot) = running().await;
    let all = world.run(&["fills", &bot, "--json"]).yes().json();
    let all = all.as_array().unwrap().len();
    assert!(all > 1);
    let of_level = |sk: &str| sk.starts_with("FILL#0000#");
    damage(&world, 1, |_, sk| of_level(sk)).await;
    let fills = world.run(&["fills", &bot, "--json"]).ends(1);
    assert_eq!(
        fills.json().as_array().unwrap().len().checked_add(1),
        Some(all)
    );
    fills.says(&["FILL#0000#"]);
    let csv = world.run(&["fills", &bot, "--csv"]).ends(1);
    assert_eq!(csv.out.lines().count(), all);
    csv.says(&["FILL#0000#"]);
    world
        .run(&["fills", &bot, "--level", "0"])
        .ends(1)
        .says(&["FILL#0000#"]);
    world
        .run(&["explain", &bot, "0"])
        .ends(1)
        .says(&["buys 0.001 BTC at 58000", "FILL#0000#"]);
    world.run(&["explain", &bot, "1"]).yes();
    world
        .run(&["audit", &bot])
        .ends(1)
        .says(&["3 kept", "CANNOT BE READ", "FILL#0000#"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_account_hides_none_of_the_others() {
    let world = World::with_account().await;
    world
        .run(&["account", "add", "second", "--key", DEMO_API_KEY])
        .yes();
    let bot = world.create(&[]);
    world.run(&["bot", "start", &bot]).yes();
    damage(&world, 1, |pk, sk| {
        pk == "ACCOUNT#second" && sk == "ACCOUNT"
    })
    .await;
    world
        .run(&["account", "list"])
        .ends(1)
        .says(&["main", "ACCOUNT#second", "newer"]);
    world
        .run(&["doctor"])
        .ends(1)
        .says(&["problem", "ACCOUNT#second"]);
    let _up = world.up();
    world.until(&["bot", "show", &bot, "--json"], |shown| {
        shown["bot"]["observed"] == "running" && shown["stream"]["state"] == "subscribed"
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_due_entries_keep_no_other_bot_from_recovery() {
    for of_list in [true, false] {
        let world = World::with_account().await;
        let bad = world.create(&[]);
        let good = world.create(&[]);
        world.run(&["bot", "start", &good]).yes();
        let pointer = format!("BOT#{bad}");
        damage(&world, 1, |pk, sk| {
            if of_list {
                pk.starts_with("DUE#") && sk.ends_with(&bad)
            } else {
                pk == pointer && sk == "DUE"
            }
        })
        .await;
        let _up = world.up();
        world.until(&["bot", "show", &good, "--json"], |shown| {
            shown["bot"]["observed"] == "running"
        });
    }
}
