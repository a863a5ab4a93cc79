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
        "all its orders vanished at once",
        &format!("stop the bot (`gridkeeper bot stop {bot}`) and create another"),
        "a simulated exchange that is started anew",
    ]);
    let last = doctor.out.lines().last().unwrap();
    assert!(last.starts_with("2 problems, "), "{doctor}");

    let all = world.run(&["explain", &bot]).yes();
    all.says(&[
        "Quarantined: 4 of 4 levels (levels 0 to 3)",
        "all its orders vanished at once",
    ]);
    let one = world.run(&["explain", &bot, "0"]).yes();
    let one = one.says(&[
        &format!("gridkeeper bot stop {bot}"),
        "exchange order ",
        " can no longer be found",
    ]);
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
    rested.says(&[
        "No order is owed: the bot is stopped.",
        "How the last order of 4 levels ended could not be learnt (levels 0 to 3)",
        "nothing is live there, unless the keys are of another account now",
        "It still holds 0.000999 BTC by its records",
        &format!("`gridkeeper bot stop {bot} --sell` sells them"),
    ]);
    let one = world.run(&["explain", &bot, "3"]).yes();
    let one = one.says(&[
        "gone from the exchange, its end unknown",
        "the 0.000999 BTC the level holds by its records are in your account",
        "quarantine ended: the level rests, as the bot stops",
    ]);
    keeps_silent(&one, &["nobody knows", "owed again"]);
    let doctor = world.run(&["doctor"]).yes();
    doctor.says(&["how the last order of 4 levels ended is unknown (levels 0 to 3)"]);
    let removed = world.run(&["bot", "remove", &bot]).yes();
    removed.says(&["the 0.000999 BTC it held by its records stay in your account"]);
    let explained = world.run(&["explain", &bot]).yes();
    let explained = explained.says(&["no bot sells them now"]);
    keeps_silent(&explained, &["--sell"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_vanished_is_not_said_to_have_expired() {
    let mut world = World::with_account().await;
    let bot = world.create(&["--start"]);
    world.run(&["recover", &bot]).yes();
    world.wipe().await;
    world.until(&["recover", &bot, "--json"], |_| {
        let listed = world.run(&["bot", "list", "--json"]).yes().json();
        listed[0]["quarantined"] == 4
    });
    let released = world.run(&["bot", "release", &bot, "0"]).yes();
    let released = released.says(&["If the exchange shows it, it is cancelled"]);
    keeps_silent(
        &released,
        &["its order is cancelled, what it executed is booked"],
    );
    world.run(&["recover", &bot]).yes();
    let ran = world.run(&["explain", &bot, "0"]).yes();
    let ran = ran.says(&[
        "the order before this one vanished",
        "order number 1 was not to be found at the exchange",
    ]);
    keeps_silent(&ran, &["expired", "the exchange ended"]);
    let doctor = world.run(&["doctor"]).ends(1);
    doctor.says(&["the order before this one vanished (level 0)"]);
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
    let ran = doctor().ends(1);
    let ran = ran.says(&["problem  bots", "to mend it: start `gridkeeper up`"]);
    keeps_silent(&ran, &["bridge", "warning  ", "subscribed since"]);
    let last = ran.out.lines().last().unwrap();
    assert!(last.starts_with("1 problem, no warning, "), "{ran}");
    let _up = world.up();
    let ran = World::until_it(doctor, alive);
    assert_eq!(ran.out.matches(" bridge ").count(), 1, "{ran}");
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
    let ran = world.run(&["doctor"]).ends(1);
    let ran = ran.says(&["1 started", "1 not started", "nobody looks after 1 of them"]);
    let last = ran.out.lines().last().unwrap();
    assert!(last.starts_with("1 problem, no warning, "), "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_out_before_up_does_that_no_stream_can_be_opened() {
    let world = World::with_account().await;
    let ran = world.run_with(&["doctor"], "", |command| {
        command.env("GRIDKEEPER_BINANCE_WS", "ws://127.0.0.1:9/ws-api/v3");
    });
    let ran = ran.ends(1).says(&[
        "problem  streams",
        "ws://127.0.0.1:9/ws-api/v3",
        "see that GRIDKEEPER_BINANCE_WS is what",
    ]);
    let last = ran.out.lines().last().unwrap();
    assert!(last.starts_with("1 problem, no warning, "), "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_names_an_up_that_holds_the_store_and_does_not_answer() {
    let world = World::with_account().await;
    let up = world.up();
    up.signal("STOP");
    let ran = world.run(&["doctor"]).ends(1);
    up.signal("CONT");
    let ran = ran.says(&[
        "problem  store",
        "held by a running `gridkeeper up` that does not answer",
        "kill -9",
        "not looked at, as the store tells what there is",
    ]);
    keeps_silent(&ran, &["none yet", "DispatchFailure", "dispatch failure"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_which_levels_start_with_nothing_for_the_price_band() {
    let world = World::with_account().await;
    let row = |lower, upper, level: &str| -> String {
        let mut words = vec!["bot", "plan", "--account", "main", "--symbol", SYMBOL];
        words.extend(["--lower", lower, "--upper", upper]);
        words.extend(["--spacing", "geometric:4", "--size", "base:0.01"]);
        let ran = world.run(&words).yes();
        let start = format!("{level} ");
        let found = ran.out.lines().map(str::trim_start);
        let mut found = found.filter(|line| line.starts_with(&start));
        found.next().unwrap_or_else(|| panic!("{ran}")).to_owned()
    };
    let too_low = row("3000", "61000", "0");
    assert!(
        too_low.ends_with("nothing yet: its lower line is too far from the market"),
        "{too_low}"
    );
    let near = row("3000", "61000", "3");
    assert!(near.ends_with("a BUY that rests"), "{near}");
    let too_high = row("59000", "999000", "3");
    assert!(
        too_high.ends_with("nothing yet: its lines are too far from the market"),
        "{too_high}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_nobody_runs_promises_nothing() {
    let world = World::with_account().await;
    let bot = world.create(&["--start"]);
    world
        .run(&["explain", &bot])
        .yes()
        .says(&["no level has an order yet"]);
    // Four first orders, one of which was filled at once and led to a SELL.
    let looked = world.run(&["recover", &bot]).yes();
    let looked = looked.says(&["5 orders placed", "a running `gridkeeper up` goes on"]);
    keeps_silent(&looked, &["by polling"]);
    let again = world.run(&["recover", &bot]).yes();
    again.says(&["0 orders placed"]);
    let show = world.run(&["bot", "show", &bot]).yes();
    let show = show.says(&[
        "stream     none now, as `gridkeeper up` is not running",
        "market     highest bid ",
        &format!("`gridkeeper explain {bot} LEVEL`"),
    ]);
    keeps_silent(&show, &["polling", "subscribed"]);
    world.run(&["explain", &bot]).yes().says(&[
        "market: highest bid ",
        "the 0.000999 BTC held are worth",
        "next, once `gridkeeper up` is started",
        "Every order that is owed is at the exchange",
        "as of the last look",
    ]);
    world.run(&["explain", &bot, "0"]).yes().says(&[
        "next     nothing until `gridkeeper up` is started; then: once all of it is bought",
        "open when last looked at",
    ]);
    world.run(&["bot", "pause", &bot]).yes();
    let ran = world.run(&["explain", &bot]).yes();
    ran.says(&["operator: paused the bot"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_up_that_was_killed_is_missed_by_everybody_who_is_asked() {
    let world = World::with_account().await;
    let bot = world.create(&["--start"]);
    let absent = "`gridkeeper up` is not running";
    let show = ["bot", "show", bot.as_str(), "--json"];
    {
        let _up = world.up();
        world.until(&show, super::together::all_open);
        let listed = world.run(&["bot", "list"]).yes();
        keeps_silent(&listed, &[absent]);
        keeps_silent(&world.run(&["audit", &bot]).yes(), &[absent]);
    }
    let listed = world.run(&["bot", "list"]).yes();
    let last = listed.out.lines().last().unwrap();
    assert!(last.starts_with(absent), "{listed}");
    keeps_silent(&world.run(&["bot", "list", "--json"]).yes(), &[absent]);
    let audit = world.run(&["audit", &bot]).yes();
    audit.says(&["clean", &format!("note: {absent}")]);

    // What fills meanwhile is told with its reason, once the audit no longer waits for it.
    world.trade_at(57_000);
    let audit = || world.run(&["audit", &bot]);
    let audit = World::until_it(audit, |ran| ran.code == 1);
    let second = audit.out.lines().nth(1).unwrap();
    assert!(
        second.starts_with(&format!("  in short: {absent}")),
        "{audit}"
    );
    audit.says(&[&format!("`gridkeeper recover {bot}`")]);
    let explained = world.run(&["explain", &bot]).yes();
    explained.says(&["the market has left the grid: it is below the lowest line 58000"]);
    let stopped = world.run(&["bot", "stop", &bot]).yes();
    stopped.says(&[
        "it holds 0.000999 BTC by its records",
        &format!("`gridkeeper bot stop {bot} --sell` sells them"),
    ]);
    let ran = world.run(&["doctor"]).ends(1);
    ran.says(&["1 bot, still running and to be stopped"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_story_shows_the_orders_with_their_side_price_and_quantity() {
    let world = World::with_account().await;
    let bot = world.create(&["--start"]);
    world.run(&["recover", &bot]).yes();
    world.run(&["explain", &bot, "0"]).yes().says(&[
        "first order: BUY 0.001 BTC at 58000 USDT",
        "number 1: BUY 0.001 BTC at 58000 USDT is placed, as exchange order",
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
        // Order 2 is neither asked for nor held any more: the fill that led to it tells of it.
        "led to order number 2, SELL 0.00099 BTC at 62000 USDT",
        "led to order number 3, BUY 0.001 BTC at 61000 USDT",
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
    ran.says(&[
        "this order needs 5800000 USDT in all",
        "; the account has ",
        " USDT free now",
    ]);
    let doctor = world.run(&["doctor"]);
    doctor.ends(1).says(&[
        "4 of 4 levels owe an order that is not placed",
        "the account's balance is too small (levels 0 to 3)",
    ]);

    // What one bot still needs is not free for another.
    let other = plan(&world, &GRID).yes();
    other.says(&[
        "other bots of this account still need 23730002 USDT for BUYs they owe",
        "enough for it alone, but other bots still wait for 23730002 USDT: whose orders come first get it, and others \
         wait until you deposit",
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
        "all 100 levels would lose money, level 99 the most",
        "use a larger step",
        "each level loses 9.69 % of what it buys",
        "581.1950 USDT are lost",
    ]);
    keeps_silent(&ran, &["others)", "each level brings", "above the ask"]);
    let ran = plan(&world, &[&GRID[..], &["--maker-fee", "5%"]].concat()).ends(2);
    let ran = ran.says(&[
        "level 0 loses the least in percent: ",
        "level 3 loses the most in percent: ",
    ]);
    keeps_silent(&ran, &["brings the most in", "% of what it buys, -"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_what_is_odd_about_it() {
    let world = World::with_account().await;
    plan(&world, &GRID).yes().says(&[
        "Levels above the market first buy once, near the market's price",
        "the fee leaves 0.000999 of 0.001 BTC bought",
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
    let poor = plan(&world, &grid_with(&[(7, "investment:10")])).ends(2);
    keeps_silent(&poor, &["Ladder", "stay unused", "above the ladder"]);
    let single = plan(&world, &grid_with(&[(5, "arithmetic:1")])).ends(2);
    keeps_silent(&single, &["of the same"]);
    let wide = plan(&world, &grid_with(&[(5, "percent:50%")])).ends(2);
    wide.says(&["a grid has two levels or more, but two steps of 50% do not fit"]);
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
    let ran = world.run(&["explain", "somebot", "-1"]).ends(2);
    let ran = ran.says(&["\"-1\" is no level: a level is a number from 0"]);
    keeps_silent(&ran, &["unexpected argument"]);
    let ran = plan(&world, &[&GRID[..], &["--maker-fee", "-1%"]].concat()).ends(2);
    ran.says(&["--maker-fee", "-1%", "to mend it: "]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_that_others_can_open_is_told_by_the_doctor_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let world = World::with_account().await;
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(world.folder(), open).unwrap();
    let doctor = world.run(&["doctor"]).yes();
    let doctor = doctor.says(&[
        "warning  store",
        "open to other users of this machine",
        "to mend it: chmod 700",
    ]);
    for ran in [doctor, world.run(&["bot", "list"]).yes()] {
        assert_eq!(ran.err, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_refused_is_told_once_with_the_name_of_its_account() {
    let world = World::begin().await;
    let key = "k".repeat(64);
    let add = ["account", "add", "other", "--key", key.as_str()];
    let ran = world.run(&add).ends(2);
    let ran = ran.says(&["stream key of other and the trade key of other are refused"]);
    assert_eq!(ran.out.matches("to mend it").count(), 0, "{ran}");
    assert_eq!(ran.err.matches("to mend it").count(), 1, "{ran}");
    keeps_silent(&ran, &["NAME"]);
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
