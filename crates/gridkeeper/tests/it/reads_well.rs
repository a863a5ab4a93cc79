//! What `doctor`, `explain`, `bot plan` and `audit` say to somebody who has never seen them, above
//! all when something is wrong.

use super::world::{GRID, Ran, SYMBOL, World};

fn plan(world: &World, more: &[&str]) -> Ran {
    let head = ["bot", "plan", "--account", "main", "--symbol", SYMBOL];
    world.run(&[&head[..], more].concat())
}

/// A grid with one of its words replaced.
fn grid_with<'a>(changes: &[(usize, &'a str)]) -> Vec<&'a str> {
    let mut grid: Vec<&'a str> = GRID.to_vec();
    for (at, word) in changes {
        grid[*at] = word;
    }
    grid
}

#[track_caller]
fn keeps_silent(ran: &Ran, words: &[&str]) {
    for word in words {
        assert!(
            !ran.out.contains(word) && !ran.err.contains(word),
            "{word:?} in\n{ran}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_that_forgot_everything_is_named_as_that_everywhere() {
    let mut world = World::with_account().await;
    let bot = world.create(&["--start"]);
    world.run(&["recover", &bot]).yes();
    world.wipe().await;
    world.until(&["recover", &bot, "--json"], |_| {
        let listed = world.run(&["bot", "list", "--json"]).yes().json();
        listed[0]["quarantined"] == 4
    });

    let doctor = world.run(&["doctor"]).ends(1).says(&[
        &format!("problem  bot {bot}"),
        "4 of 4 levels are quarantined (levels 0 to 3)",
        "the level's order cannot be found at the exchange",
        &format!("gridkeeper explain {bot}"),
        &format!("`gridkeeper bot release {bot} 0` lets level 0 go on"),
        "a simulated exchange that is started anew",
    ]);
    let last = doctor.out.lines().last().unwrap();
    assert!(last.starts_with("1 problem, "), "{doctor}");

    let all = world.run(&["explain", &bot]).yes();
    all.says(&["Quarantined: 4 of 4 levels (levels 0 to 3)"]);
    let one = world.run(&["explain", &bot, "0"]).yes();
    let one = one.says(&[&format!("gridkeeper bot release {bot} 0")]);
    keeps_silent(&one, &["LEVEL"]);
    let why = one.out.lines().find(|line| line.starts_with("  why"));
    let why = why.unwrap();
    assert_eq!(why.matches("be found").count(), 1, "{why}");

    let audit = world.run(&["audit", &bot]).ends(1);
    let audit = audit.says(&[
        "NOT CLEAN",
        "the exchange shows none of this bot's orders and trades",
        "--json",
    ]);
    let second = audit.out.lines().nth(1).unwrap();
    assert!(second.contains("the exchange shows none"), "{audit}");
    keeps_silent(&audit, &["the exchange's trades leave 0"]);
    world.run(&["bot", "stop", &bot]).yes();
    world.run(&["recover", &bot]).yes();
    let json = world.run(&["audit", &bot, "--json"]).ends(1).json();
    let text = json[0].to_string();
    assert!(text.contains("the exchange's trades leave 0"), "{text}");
    let rested = world.run(&["explain", &bot]).yes();
    rested.says(&["No order is owed: the bot is stopped."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_tells_a_living_bridge_from_a_dead_one() {
    let world = World::with_account().await;
    let bot = world.create(&["--start"]);
    let doctor = || world.run(&["doctor"]);
    let alive = |ran: &Ran| ran.out.contains("ok       bridge") && ran.out.contains("alive");
    let up = world.up();
    World::until_it(doctor, |ran| ran.code == 0 && alive(ran));
    drop(up);
    doctor().yes().says(&[
        "warning  bridge",
        "last heard of",
        "no `gridkeeper up` is running on this data folder",
    ]);
    let _up = world.up();
    let ran = World::until_it(doctor, alive);
    ran.says(&["of an earlier `gridkeeper up`, last heard of"]);
    world.until(&["bot", "show", &bot, "--json"], super::together::all_open);

    // Its bots are to run, and it has no connection.
    world.simulator.shutdown().await;
    let ran = World::until_it(doctor, |ran| ran.out.contains("problem  bridge"));
    let ran = ran
        .ends(1)
        .says(&["no connection to the exchange", "1 bot"]);
    keeps_silent(&ran, &["os error", "1 bots", "1 accounts", "1 connections"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_ends_with_a_verdict_and_fits_its_advice_to_the_exchange() {
    let world = World::with_account().await;
    let ran = world.run(&["doctor"]).yes();
    let last = ran.out.lines().last().unwrap();
    assert!(last.starts_with("all is well: "), "{ran}");
    keeps_silent(&ran, &["Binance's API management page", "region"]);
    world.create(&[]);
    world.run(&["doctor"]).yes().says(&["1 bot, not started"]);
    world.create(&["--start"]);
    let ran = world.run(&["doctor"]).yes();
    let ran = ran.says(&[
        "2 bots: 1 started, 1 not started",
        "nobody looks after 1 of them",
    ]);
    let last = ran.out.lines().last().unwrap();
    assert!(last.starts_with("no problem, 2 warnings"), "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_nobody_runs_promises_nothing() {
    let world = World::with_account().await;
    let bot = world.create(&["--start"]);
    world
        .run(&["explain", &bot])
        .yes()
        .says(&["no level has an order yet"]);
    world.run(&["recover", &bot]).yes();
    world.run(&["explain", &bot]).yes().says(&[
        "next, once `gridkeeper up` is started",
        "Every order that is owed is at the exchange",
        "as of the last look",
    ]);
    world.run(&["explain", &bot, "0"]).yes().says(&[
        "next     nothing until `gridkeeper up` is started; then: once it is bought",
        "open when last looked at",
    ]);
    world.run(&["bot", "pause", &bot]).yes();
    let ran = world.run(&["explain", &bot]).yes();
    ran.says(&["operator: paused the bot"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_story_shows_the_orders_with_their_side_price_and_quantity() {
    let world = World::with_account().await;
    let bot = world.create(&["--start"]);
    world.run(&["recover", &bot]).yes();
    world.run(&["explain", &bot, "0"]).yes().says(&[
        "first order: BUY 0.001 BTC at 58000 USDT",
        "number 1: BUY 0.001 BTC at 58000 USDT is at the exchange as order",
    ]);
    // The level above the market buys near the market, not at its line.
    world.run(&["explain", &bot, "3"]).yes().says(&[
        "first order: BUY 0.001 BTC at 60300.02 USDT or less",
        "the level itself buys at 61000 and sells at 62000",
        "led to order number 2, SELL 0.00099 BTC at 62000 USDT",
    ]);
    world.trade_at(63_000);
    world.until(&["recover", &bot, "--json"], |_| {
        let fills = world.run(&["fills", &bot, "--level", "3", "--json"]);
        fills.yes().json().as_array().unwrap().len() > 1
    });
    let ran = world.run(&["explain", &bot, "3"]).yes();
    let ran = ran.says(&[
        "the 0.000009 BTC it holds are less than one step (0.00001 BTC), too little to sell",
        "was filled whole, 0.00099 BTC",
    ]);
    keeps_silent(&ran, &["is Filled"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_order_says_what_it_needs_in_words_that_are_whole() {
    let world = World::with_account().await;
    let grid = grid_with(&[(7, "base:100")]);
    let head = ["bot", "create", "--account", "main", "--symbol", SYMBOL];
    let arguments = [&head[..], &grid, &["--start", "--json"]].concat();
    let created = world.run(&arguments).yes().json();
    let bot = created["bot"].as_str().unwrap();
    world.run(&["recover", bot]).yes();
    let ran = world.run(&["explain", bot, "0"]).yes();
    let why = ran.out.lines().find(|line| line.starts_with("  why"));
    let why = why.unwrap();
    assert!(why.ends_with("for requested action.)"), "{why}");
    ran.says(&["this order needs 5800000 USDT in all"]);
    let doctor = world.run(&["doctor"]);
    doctor.yes().says(&[
        "4 of 4 levels owe an order that is not placed",
        "the account's balance is too small (levels 0 to 3)",
    ]);

    // What one bot still needs is not free for another.
    let other = plan(&world, &GRID).yes();
    other.says(&[
        "other bots of this account still need 23730002 USDT for BUYs they owe",
        "237.30002 USDT too little for it beside what its other bots still need",
    ]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_first_that_it_is_refused() {
    let world = World::with_account().await;
    let grid = grid_with(&[(5, "arithmetic:100")]);
    let ran = plan(&world, &[&grid[..], &["--maker-fee", "5%"]].concat()).ends(2);
    let refused = ran.out.find("This plan cannot be carried out").unwrap();
    assert!(refused < ran.out.find("Ladder").unwrap(), "{ran}");
    let last = ran.out.lines().last().unwrap();
    assert!(last.contains("above the ladder"), "{ran}");
    let ran = ran.says(&[
        "level 99 and 99 other levels would lose money, level 99 the most",
        "use a larger step",
        "each level loses 9.69 % of what it buys",
        "581.1950 USDT are lost",
    ]);
    keeps_silent(&ran, &["others)", "each level brings", "above the ask"]);
    let ran = plan(&world, &[&GRID[..], &["--maker-fee", "5%"]].concat()).ends(2);
    let ran = ran.says(&["level 0 loses the least: ", "level 3 loses the most: "]);
    keeps_silent(&ran, &["brings the most", "% of what it buys, -"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_what_is_odd_about_it() {
    let world = World::with_account().await;
    plan(&world, &GRID).yes().says(&[
        "Levels above the market first buy once, near the market's price",
        "the fee leaves 0.000999 of 0.001 bought",
        "\nThis plan breaks no rule. Nothing was written",
    ]);
    let far = grid_with(&[(1, "30000"), (3, "40000")]);
    plan(&world, &far).yes().says(&[
        "This plan breaks no rule, but the market is above the whole grid",
        "all 4 levels wait until it falls to 37500",
    ]);
    let high = grid_with(&[(1, "70000"), (3, "80000")]);
    plan(&world, &high).yes().says(&[
        "This plan breaks no rule, but the market is below the whole grid",
        "until it has risen to 72500",
    ]);
    let thin = grid_with(&[(5, "percent:0.25%")]);
    plan(&world, &thin)
        .yes()
        .says(&["a round trip brings only 0.05"]);
    let grand = grid_with(&[(7, "base:100")]);
    let ran = plan(&world, &grand).yes();
    let ran = ran.says(&["too little for it", "\nNothing was written;"]);
    keeps_silent(&ran, &["\n Nothing"]);
    plan(&world, &grid_with(&[(7, "base:0.00001")]))
        .ends(2)
        .says(&[
            "use a quantity of at least 0.0001, which also leaves enough to sell after the fee",
        ]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_word_of_the_command_line_is_named_with_its_value_its_fault_and_the_mend() {
    let world = World::with_account().await;
    for (at, word, name, fault) in [
        (1, "-5", "--lower", "not a valid price: it must be"),
        (1, "abc", "--lower", "not a decimal number"),
        (5, "geometrical:4", "--spacing", "geometric:20"),
    ] {
        let ran = plan(&world, &grid_with(&[(at, word)])).ends(2);
        let ran = ran.says(&["error: ", word, name, fault, "to mend it: "]);
        keeps_silent(&ran, &["unexpected argument", "For more information"]);
    }
    let ran = world.run(&["explain", "somebot", "top"]).ends(2);
    let ran = ran.says(&["\"top\" is no level: a level is a number from 0"]);
    keeps_silent(&ran, &["invalid digit"]);
    let ran = plan(&world, &[&GRID[..], &["--maker-fee", "-1%"]].concat()).ends(2);
    ran.says(&["--maker-fee", "-1%", "to mend it: "]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_that_is_off_is_one_clear_error() {
    let world = World::with_account().await;
    world.create(&[]);
    world.create(&[]);
    world.simulator.shutdown().await;
    let recovered = world.run(&["recover"]).ends(1);
    keeps_silent(&recovered, &["no bots", "this was one look"]);
    let planned = plan(&world, &GRID).ends(1);
    for ran in [planned, world.run(&["audit"]).ends(1)] {
        let ran = ran.says(&["did not answer", "onnection refused"]);
        assert_eq!(ran.err.matches("error").count(), 1, "{ran}");
        assert!(ran.out.is_empty(), "{ran}");
        keeps_silent(&ran, &["WARN", "os error", "client error"]);
    }
}
