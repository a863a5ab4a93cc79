//! Everything an operator can get wrong: an exact exit code, and words that say what, where and how
//! to mend it.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use aws_sdk_dynamodb::types::AttributeValue;
use dynamo_store::{Durability, open_data_dir};
use exchange_simulator::{Control, DEMO_API_KEY};

use super::world::{GRID, SYMBOL, World, taken_port};

/// Plans a grid with one of its words replaced.
#[track_caller]
fn refused_plan(world: &World, at: usize, word: &str, says: &[&str]) {
    let mut grid = GRID.to_vec();
    grid[at] = word;
    for verb in ["plan", "create"] {
        let head = ["bot", verb, "--account", "main", "--symbol", SYMBOL];
        world.run(&[&head[..], &grid].concat()).ends(2).says(says);
    }
    world.run(&["bot", "list"]).yes().says(&["no bots yet"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_that_cannot_be_carried_out() {
    let world = World::with_account().await;
    refused_plan(
        &world,
        1,
        "58000.001",
        &[
            "lowest line",
            "multiple of the tick 0.01",
            "use 58000 or 58000.01",
        ],
    );
    refused_plan(&world, 3, "57000", &["is not above the lowest line"]);
    refused_plan(
        &world,
        5,
        "arithmetic:1",
        &["levels: 1, but a grid has 2 or more"],
    );
    refused_plan(
        &world,
        5,
        "arithmetic:100000",
        &["levels: 100000, but a bot has at most 5000"],
    );
    refused_plan(&world, 7, "base:0", &["the quantity is 0"]);
    refused_plan(
        &world,
        7,
        "base:0.00001",
        &["worth", "less than the smallest value"],
    );
    refused_plan(
        &world,
        7,
        "investment:1",
        &["the investment of 1 is too small", "invest more"],
    );
    // Words that are no figures never reach the plan.
    refused_plan(&world, 1, "abc", &["--lower", "not a decimal number"]);
    refused_plan(&world, 1, "-5", &["--lower"]);
    refused_plan(&world, 5, "geometrical:4", &["--spacing", "geometric:20"]);
    refused_plan(&world, 7, "0.5", &["--size", "base:QUANTITY"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_symbol_nobody_knows() {
    let world = World::with_account().await;
    let plan = [
        &["bot", "plan", "--account", "main", "--symbol", "NOSUCH"][..],
        &GRID,
    ]
    .concat();
    world.run(&plan).ends(2).says(&[
        "does not know the symbol NOSUCH",
        "--symbol NOSUCH",
        "the base first",
    ]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bots_accounts_and_levels_that_are_not_there() {
    let world = World::with_account().await;
    let bot = world.create(&[]);
    for arguments in [
        &["bot", "show", "nosuchbot1"][..],
        &["explain", "nosuchbot1"],
        &["fills", "nosuchbot1"],
        &["bot", "start", "nosuchbot1"],
        &["recover", "nosuchbot1"],
        &["audit", "nosuchbot1"],
    ] {
        world
            .run(arguments)
            .ends(2)
            .says(&["there is no bot nosuchbot1", "gridkeeper bot list"]);
    }
    world
        .run(&["explain", &bot, "4"])
        .ends(2)
        .says(&["no level 4", "0 to 3"]);
    world
        .run(&["explain", &bot, "top"])
        .ends(2)
        .says(&["a level is a number from 0"]);
    world
        .run(&["bot", "show", "No Such"])
        .ends(2)
        .says(&["4 to 12 of a-z and 0-9"]);
    world
        .run(&["account", "add", "Main", "--key", "k"])
        .ends(2)
        .says(&["1 to 32 of a-z"]);
    world.run(&["no-such-command"]).ends(2);
    let plan = [
        &["bot", "plan", "--account", "nobody", "--symbol", SYMBOL][..],
        &GRID,
    ]
    .concat();
    world
        .run(&plan)
        .ends(2)
        .says(&["there is no account nobody", "account add nobody"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_ten_seconds_off_is_named_and_the_rest_goes_on() {
    let world = World::with_account().await;
    world
        .simulator
        .control(Control::Clock { offset_ms: 10_000 })
        .unwrap();
    let ran = world.run(&["doctor"]).ends(1);
    ran.says(&[
        "problem  clock",
        "behind the exchange's",
        "timedatectl set-ntp true",
    ]);
    // What is signed carries the exchange's time, so everything else works.
    let bot = world.create(&["--start"]);
    world.run(&["recover", &bot]).yes();
    world.run(&["audit"]).yes().says(&["clean"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_that_cannot_be_reached() {
    let world = World::with_account().await;
    world.simulator.shutdown().await;
    world.run(&["doctor"]).ends(1).says(&[
        "problem",
        "see that `gridkeeper simulate-exchange` is running",
        "not looked at, as the exchange could not be asked",
    ]);
    let plan = [
        &["bot", "plan", "--account", "main", "--symbol", SYMBOL][..],
        &GRID,
    ]
    .concat();
    world
        .run(&plan)
        .ends(1)
        .says(&["did not answer", "gridkeeper doctor"]);
    // What needs no exchange still works.
    world.run(&["account", "list"]).yes().says(&["main"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_an_exchange_in_the_environment() {
    let world = World::begin().await;
    let ran = world.run_with(
        &["account", "add", "main", "--key", DEMO_API_KEY],
        "",
        |command| {
            command.env_remove("GRIDKEEPER_BINANCE_WS");
        },
    );
    ran.ends(2).says(&[
        "GRIDKEEPER_BINANCE_REST is set, but GRIDKEEPER_BINANCE_WS is not",
        "set both, or neither",
    ]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use() {
    let world = World::begin().await;
    let (_listener, address) = taken_port();
    let ran = world.run(&["simulate-exchange", "--listen", &address.to_string()]);
    ran.ends(2)
        .says(&["cannot listen on", &address.to_string(), "name another"]);
    let open = world.run(&["simulate-exchange", "--listen", "0.0.0.0:0"]);
    open.ends(2).says(&["127.0.0.1 only"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tape_that_is_none() {
    let world = World::begin().await;
    let tape = world.path().join("tape.csv");
    std::fs::write(
        &tape,
        "1,60000,1,1,1,1790000000000,True,True\n2,nothing,1,2,2,1790000000001,True,True\n",
    )
    .unwrap();
    let ran = world.run(&[
        "simulate-exchange",
        "--listen",
        "127.0.0.1:0",
        "--tape",
        tape.to_str().unwrap(),
    ]);
    ran.ends(2).says(&["tape.csv", "line 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_that_cannot_be_written() {
    let world = World::begin().await;
    let file = world.path().join("file");
    std::fs::write(&file, "no folder").unwrap();
    let folder = file.join("data");
    let ran = world.run(&["bot", "list", "--data", folder.to_str().unwrap()]);
    ran.ends(2)
        .says(&["cannot be used", folder.to_str().unwrap(), "choose another"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "no folder");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_that_only_others_may_write() {
    let world = World::begin().await;
    let folder = world.path().join("theirs");
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o555)).unwrap();
    if std::fs::write(folder.join("try"), "").is_ok() {
        println!("not tried: whoever runs this may write everywhere, as root may");
        return;
    }
    let ran = world.run(&["bot", "list", "--data", folder.to_str().unwrap()]);
    ran.ends(2)
        .says(&["cannot be used", folder.to_str().unwrap(), "choose another"]);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_held_by_another_up() {
    let world = World::with_account().await;
    let _up = world.up();
    world
        .run(&["up"])
        .ends(2)
        .says(&["locked by another `gridkeeper up`", "--data"]);
    // Commands reach the one that holds it.
    world.run(&["account", "list"]).yes().says(&["main"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_that_others_may_read() {
    let world = World::with_account().await;
    let path = world.folder().join("sealing.key");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    world
        .run(&["account", "list"])
        .ends(2)
        .says(&["sealing.key", "chmod 600"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_of_another_folder() {
    let world = World::with_account().await;
    let path = world.folder().join("sealing.key");
    std::fs::remove_file(&path).unwrap();
    let ran = world.run(&["account", "check", "main"]);
    ran.ends(2).says(&["does not open", "account rotate main"]);
}

/// Changes one attribute of a bot's record, as another version or a broken disk might.
async fn change_record(world: &World, bot: &str, attribute: &str, value: AttributeValue) -> Record {
    let opened = open_data_dir(&world.folder(), Durability::Process)
        .await
        .unwrap();
    let client = opened.client();
    let key =
        |request: aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder| {
            request
                .table_name("gridkeeper")
                .key("pk", AttributeValue::S(format!("BOT#{bot}")))
                .key("sk", AttributeValue::S("BOT".to_owned()))
        };
    key(client.update_item())
        .update_expression("SET #a = :v")
        .expression_attribute_names("#a", attribute)
        .expression_attribute_values(":v", value)
        .send()
        .await
        .unwrap();
    record(&client, bot).await
}

type Record = BTreeMap<String, AttributeValue>;

async fn record(client: &aws_sdk_dynamodb::Client, bot: &str) -> Record {
    client
        .get_item()
        .table_name("gridkeeper")
        .key("pk", AttributeValue::S(format!("BOT#{bot}")))
        .key("sk", AttributeValue::S("BOT".to_owned()))
        .send()
        .await
        .unwrap()
        .item
        .unwrap()
        .into_iter()
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_newer_or_broken_is_named_and_left_alone() {
    let world = World::with_account().await;
    let newer = world.create(&[]);
    let broken = world.create(&[]);
    let good = world.create(&[]);
    let newer_record = change_record(&world, &newer, "fv", AttributeValue::N("9".to_owned())).await;
    let broken_record =
        change_record(&world, &broken, "plan", AttributeValue::S("?".to_owned())).await;
    for (bot, word) in [(&newer, "newer"), (&broken, "GridPlan")] {
        for arguments in [
            &["bot", "show", bot][..],
            &["bot", "start", bot],
            &["explain", bot],
        ] {
            world.run(arguments).ends(1).says(&[
                &format!("BOT#{bot}"),
                word,
                "nothing was changed",
            ]);
        }
    }
    world.run(&["bot", "show", &good]).yes();
    // Listings show the good one and name the others.
    for arguments in [&["bot", "list"][..], &["audit"], &["recover"]] {
        let listed = world.run(arguments).ends(1);
        listed.says(&[&good, &format!("BOT#{newer}"), &format!("BOT#{broken}")]);
    }
    world.run(&["account", "list"]).yes().says(&["main"]);
    world
        .run(&["doctor"])
        .ends(1)
        .says(&["problem", &format!("BOT#{newer}")]);
    let opened = open_data_dir(&world.folder(), Durability::Process)
        .await
        .unwrap();
    assert_eq!(record(&opened.client(), &newer).await, newer_record);
    assert_eq!(record(&opened.client(), &broken).await, broken_record);
    drop(opened);
    // And they do not keep the good one from trading.
    world.run(&["bot", "start", &good]).yes();
    let _up = world.up();
    world.until(&["bot", "show", &good, "--json"], |shown| {
        shown["bot"]["observed"] == "running"
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_data_folder_is_a_finding_of_the_doctor() {
    let world = World::begin().await;
    let file = world.path().join("file");
    std::fs::write(&file, "no folder").unwrap();
    let path = file.to_str().unwrap();
    world.run(&["doctor", "--data", path]).ends(1).says(&[
        "problem  store",
        "is a file, not a folder",
        "--data DIR",
    ]);
    assert_eq!(std::fs::read(&file).unwrap(), b"no folder");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_database_is_named_without_foreign_advice() {
    let world = World::begin().await;
    let folder = world.path().join("elsewhere");
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("gridkeeper.db");
    std::fs::write(
        &file,
        "no database at all, but longer than a header of one has to be, which has 100 bytes......",
    )
    .unwrap();
    let path = folder.to_str().unwrap();
    let ran = world.run(&["bot", "list", "--data", path]).ends(2);
    assert!(!ran.err.contains("encryption-cc"), "{ran}");
    ran.says(&[
        "the database",
        "cannot be opened",
        "nothing was changed in it",
    ]);
}

/// Answers everything with one status and nothing else, until the test ends.
fn answering(status: &'static str) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let mut request = [0; 4_096];
            if std::io::Read::read(&mut connection, &mut request).is_ok_and(|read| read > 0) {
                let answer =
                    format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                // Whoever asked may be gone.
                drop(std::io::Write::write_all(
                    &mut connection,
                    answer.as_bytes(),
                ));
            }
        }
    });
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_or_an_address_that_is_shut_out_is_named() {
    let world = World::with_account().await;
    for (status, word, remedy) in [
        (
            "451 Unavailable For Legal Reasons",
            "451",
            "refuses this machine's region",
        ),
        ("418 I'm a teapot", "418", "wait until the ban ends"),
    ] {
        let url = answering(status);
        let ran = world.run_with(&["doctor"], "", |command| {
            command.env("GRIDKEEPER_BINANCE_REST", url);
        });
        ran.ends(1).says(&["problem  exchange", word, remedy]);
    }
}
