//! A data folder that was restored from a backup.

use std::path::Path;

use super::together::all_open;
use super::world::World;

/// Copies the files of a folder that nobody works with.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_folder_is_held_until_it_is_where_the_exchange_is() {
    let world = World::with_account().await;
    let bot = world.create(&["--start"]);
    let show = ["bot", "show", bot.as_str(), "--json"];
    {
        let up = world.up();
        world.until(&show, all_open);
        up.signal("TERM");
    }
    let backup = world.path().join("backup");
    copy(&world.folder(), &backup);
    world.run(&["restored"]).yes().says(&["no copy"]);

    // Life goes on: every level buys and sells, some of them buy again.
    {
        let up = world.up();
        world.until(&show, all_open);
        world.trade_at(57_000);
        world.until(&show, |shown| {
            shown["sums"]["base"] == "0.003996" && all_open(shown)
        });
        world.trade_at(63_000);
        let traded = |shown: &serde_json::Value| shown["sums"]["round_trips"] == 4;
        world.until(&show, |shown| traded(shown) && all_open(shown));
        world
            .run(&["restored"])
            .ends(1)
            .says(&["running `gridkeeper up`"]);
        up.signal("TERM");
    }

    // The disk is lost, and the backup put in its place.
    std::fs::remove_dir_all(world.folder()).unwrap();
    copy(&backup, &world.folder());
    for command in [&["up"][..], &["recover"]] {
        world
            .run(command)
            .ends(1)
            .says(&["restored from a copy", "`gridkeeper restored`"]);
    }
    let placed = || world.simulator.stats().counts.placed;
    let before = placed();
    world.run(&["restored"]).yes().says(&[
        "fills booked at 4 levels",
        "1 bot brought to where the exchange is, 1 of them paused",
        "bot resume",
    ]);
    assert_eq!(placed(), before, "no order was sent");
    let shown = world.run(&show).yes().json();
    assert_eq!(shown["sums"]["round_trips"], 4);
    world.run(&["audit", &bot]).yes().says(&["clean"]);

    let _up = world.up();
    world.run(&["bot", "resume", &bot]).yes();
    world.until(&show, all_open);
    assert_eq!(placed(), before, "all orders were there");
    world.trade_at(57_000);
    world.until(&show, |shown| {
        shown["sums"]["base"] == "0.004032" && all_open(shown)
    });
    world
        .run(&["audit", &bot])
        .yes()
        .says(&["clean", "missing opposite orders: 0"]);
}
