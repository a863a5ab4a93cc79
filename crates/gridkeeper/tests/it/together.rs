//! Commands beside a running `up` on the same data folder.

use exchange_simulator::model::{NewOrder, Side};
use serde_json::Value;

use super::world::{SYMBOL, World};

pub(crate) fn all_open(shown: &Value) -> bool {
    let levels = shown["levels"].as_array().unwrap();
    shown["bot"]["observed"] == "running"
        && levels
            .iter()
            .all(|level| level["order"]["state"]["state"] == "open")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_lives_its_life_while_its_operator_looks_on() {
    let world = World::with_account().await;
    let _up = world.up();
    let bot = world.create(&[]);
    let show = ["bot", "show", bot.as_str(), "--json"];
    world
        .run(&["bot", "start", &bot])
        .yes()
        .says(&["is to be running", "bot show"]);
    world.until(&show, all_open);
    world.until(&show, |shown| shown["stream"]["state"] == "subscribed");
    world
        .run(&["bot", "show", &bot])
        .yes()
        .says(&["status     running", "subscribed since"]);
    world.run(&["doctor"]).yes().says(&[
        "held by a running `gridkeeper up`",
        "subscribed since",
        "bridge",
    ]);

    // Down through two levels and up through all of them.
    world.trade_at(57_000);
    world.until(&show, |shown| {
        shown["sums"]["base"] == "0.003996" && all_open(shown)
    });
    world.trade_at(63_000);
    world.until(&show, |shown| {
        shown["sums"]["round_trips"] == 4 && all_open(shown)
    });
    world
        .run(&["audit", &bot])
        .yes()
        .says(&["clean", "missing opposite orders: 0"]);
    world.run(&["explain", &bot, "0"]).yes().says(&[
        "bought 0.001 BTC at 58000",
        "sold",
        "told by the stream",
    ]);
    world
        .run(&["explain", &bot])
        .yes()
        .says(&["Every order that is owed is at the exchange"]);
    world
        .run(&["recover", &bot])
        .yes()
        .says(&["was asked to look at 1 bot now"]);

    world.run(&["bot", "pause", &bot]).yes();
    world.until(&show, |shown| shown["bot"]["observed"] == "paused");
    world.trade_at(57_500);
    world.until(&show, |shown| shown["sums"]["owed_not_placed"] == 4);
    world
        .run(&["explain", &bot, "0"])
        .yes()
        .says(&["held: the bot is paused", "gridkeeper bot resume"]);
    world.run(&["explain", &bot]).yes().says(&[
        "Owed and not placed: 4 of 4 levels",
        "): the bot is paused. `gridkeeper explain",
    ]);
    world
        .run(&["audit", &bot])
        .yes()
        .says(&["4 owing for a recorded reason"]);
    world.run(&["bot", "resume", &bot]).yes();
    world.until(&show, all_open);

    world.run(&["bot", "stop", &bot, "--sell"]).yes();
    world.until(&show, |shown| {
        shown["bot"]["observed"] == "stopped" && shown["sums"]["open_orders"] == 0
    });
    world.run(&["audit", &bot]).yes().says(&["clean"]);
    world.run(&["bot", "remove", &bot]).yes();
    world.run(&["bot", "list"]).yes().says(&["no bots yet"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_up_left_behind_the_next_one_finishes() {
    let world = World::with_account().await;
    let bot = world.create(&["--start"]);
    let show = ["bot", "show", bot.as_str(), "--json"];
    {
        let _up = world.up();
        world.until(&show, all_open);
    }
    // Killed without a word; the market goes on without us.
    world.trade_at(57_000);
    let _up = world.up();
    world.until(&show, |shown| {
        shown["sums"]["base"] == "0.003996" && all_open(shown)
    });
    world.run(&["audit", &bot]).yes().says(&["clean"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_surfaces_after_the_stop_is_cancelled_when_asked_for() {
    let world = World::with_account().await;
    let _up = world.up();
    let bot = world.create(&["--start"]);
    let show = ["bot", "show", bot.as_str(), "--json"];
    world.until(&show, all_open);
    world.run(&["bot", "stop", &bot]).yes();
    world.until(&show, |shown| shown["bot"]["observed"] == "stopped");
    assert_eq!(world.simulator.stats().open_orders, 0);

    let (price, quantity) = (50_000.into(), "0.001".parse().unwrap());
    let id = format!("gk-{bot}-0-1");
    let late = NewOrder::limit(SYMBOL, Side::Buy, price, quantity, &id);
    world
        .simulator
        .with_exchange(|exchange, now_ms| exchange.place(now_ms, "demo", late))
        .unwrap();
    assert_eq!(world.simulator.stats().open_orders, 1);
    world.until(&["recover", &bot, "--json"], |_| {
        world.simulator.stats().open_orders == 0
    });
    world
        .run(&["explain", &bot, "0"])
        .yes()
        .says(&["beside the level's own"]);
}
