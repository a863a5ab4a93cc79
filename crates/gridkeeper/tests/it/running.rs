//! What an operator changes while `up` runs, and the words that start what runs.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use exchange_simulator::model::{ApiKey, KeySecret};
use exchange_simulator::{AccountControl, DEMO_API_KEY};
use serde_json::Value;

use super::together::all_open;
use super::world::{GRID, SYMBOL, World};

const NEW_KEY: &str = "newKeyNewKeyNewKey";

/// A key pair of nobody's: the private key as openssl writes it, and the public one.
const ED25519_BODY: &str = "MC4CAQAwBQYDK2VwBCIEIIJEYWtGBrhACmb9Dvy+qa8WEf0lQOl1s4CLIAB9m89u";
const ED25519_PUBLIC: &str = "19420abfd752a565c15625e9da6eaf0086fc40c14960183214442c14996a800d";

fn remove_key(world: &World, key: &str) {
    let key = key.to_owned();
    let removed = AccountControl::RemoveKey { key };
    world.simulator.account(removed).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_bot_goes_on_under_a_new_key_once_the_old_one_is_deleted() {
    let world = World::with_account().await;
    let _up = world.up();
    let bot = world.create(&["--start"]);
    let show = ["bot", "show", bot.as_str(), "--json"];
    world.until(&show, all_open);
    world.add_key(ApiKey::hmac(NEW_KEY, "newSecret"));
    let rotate = [
        "account",
        "rotate",
        "main",
        "--key",
        NEW_KEY,
        "--secrets-from-stdin",
    ];
    world
        .run_with(&rotate, "newSecret\n", |_| {})
        .yes()
        .says(&["trade key of account main is replaced"]);
    remove_key(&world, DEMO_API_KEY);
    world.trade_at(57_000);
    world.until(&show, |shown| {
        shown["sums"]["base"] == "0.003996" && all_open(shown)
    });
    let accounts = world.run(&["account", "list", "--json"]).yes().json();
    assert_eq!(accounts[0]["trade_key"], NEW_KEY);
    assert_eq!(accounts[0]["trading"]["state"], "closed", "{accounts:#}");
    world.run(&["audit", &bot]).yes().says(&["clean"]);
    world
        .run(&["fills", &bot, "--level", "0"])
        .yes()
        .says(&["1 fill"]);
    let fills = world.run(&["fills", &bot, "--json"]).yes().json();
    assert!(fills.as_array().unwrap().len() > 3);
    let of_level = ["fills", bot.as_str(), "--level", "2", "--json"];
    let fills = world.run(&of_level).yes().json();
    assert!(!fills.as_array().unwrap().is_empty());
    assert!(
        fills
            .as_array()
            .unwrap()
            .iter()
            .all(|fill| fill["level"] == 2)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_come_and_go_while_up_runs() {
    let world = World::begin().await;
    let _up = world.up();
    let list = ["account", "list", "--json"];
    let subscribed = |listed: &Value| listed[0]["stream"]["state"] == "subscribed";
    world
        .run(&["account", "add", "main", "--key", DEMO_API_KEY])
        .yes();
    world.until(&list, subscribed);
    world.run(&["account", "remove", "main"]).yes();
    world.until(&list, |listed| {
        listed == &serde_json::json!([]) && world.simulator.stats().subscriptions == 0
    });

    // The name is free for another key.
    world.add_key(ApiKey {
        secret: KeySecret::Ed25519(ED25519_PUBLIC.to_owned()),
        ..ApiKey::hmac(NEW_KEY, "")
    });
    remove_key(&world, DEMO_API_KEY);
    let add = [
        "account",
        "add",
        "main",
        "--key",
        NEW_KEY,
        "--key-type",
        "ed25519",
        "--secrets-from-stdin",
    ];
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{ED25519_BODY}\n-----END PRIVATE KEY-----\n");
    world
        .run_with(&add, &pem, |_| {})
        .yes()
        .says(&["account main added"]);
    world.until(&list, subscribed);
    let bot = world.create(&["--start"]);
    world.until(&["bot", "show", &bot, "--json"], all_open);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_takes_the_operators_word_for_what_it_is_told() {
    let world = World::with_account().await;
    let head = ["bot", "plan", "--account", "main", "--symbol", SYMBOL];
    let plan = [&head[..], &GRID].concat();
    let plain = world.run(&[&plan[..], &["--json"]].concat()).yes().json();
    let words = [
        "--compounding",
        "--post-only",
        "--maker-fee",
        "0.02%",
        "--taker-fee",
        "0.04%",
    ];
    let told = [&plan[..], &words].concat();
    let json = world.run(&[&told[..], &["--json"]].concat()).yes().json();
    for (field, before, after) in [
        ("compounding", Value::from(false), Value::from(true)),
        ("post_only", Value::from(false), Value::from(true)),
        ("maker_fee", "0.001".into(), "0.0002".into()),
        ("taker_fee", "0.001".into(), "0.0004".into()),
    ] {
        assert_eq!(plain["plan"][field], before, "{field}");
        assert_eq!(json["plan"][field], after, "{field}");
    }
    assert_ne!(plain["ladder"]["summary"], json["ladder"]["summary"]);
    world.run(&told).yes().says(&["Nothing was written"]);
}

/// A command that runs until the test ends, and its first line.
pub(crate) struct Running {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
    first: String,
}

impl Running {
    fn start(mut command: Command) -> Self {
        command.stderr(Stdio::inherit());
        Self::with_errors(command)
    }

    /// The same, with its errors going where the command says.
    pub(crate) fn with_errors(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        tokio::task::block_in_place(|| out.read_line(&mut first).unwrap());
        Self { child, out, first }
    }

    /// Asks it to end; gives what it still said.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        tokio::task::block_in_place(|| {
            let id = self.child.id().to_string();
            let killed = Command::new("kill").args(["-TERM", &id]).status();
            assert!(killed.unwrap().success());
            let mut rest = String::new();
            std::io::Read::read_to_string(&mut self.out, &mut rest).unwrap();
            (self.child.wait().unwrap().code(), rest)
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn up_says_what_a_write_survives_and_at_its_end_what_it_did() {
    let world = World::with_account().await;
    for (durability, says) in [
        ("process", "kill -9, not the loss of power"),
        ("power-loss", "kill -9 and the loss of power"),
    ] {
        let mut command = world.command();
        command.args(["up", "--durability", durability]);
        let up = Running::start(command);
        assert!(up.first.contains(says), "{}", up.first);
        assert!(up.first.contains("up: 1 account, 0 bots"), "{}", up.first);
        let (code, rest) = up.end();
        assert_eq!(code, Some(0), "{rest}");
        let (dashboard, rest) = rest.split_once('\n').unwrap();
        assert!(
            dashboard.starts_with("dashboard: http://127.0.0.1:"),
            "{dashboard}"
        );
        assert!(
            rest.starts_with("ended: 0 reports of fills booked"),
            "{rest}"
        );
    }
    world.run(&["up", "--durability", "hope"]).ends(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulated_exchange_answers_as_it_was_asked_to() {
    let world = World::begin().await;
    let mut command = world.command();
    command.args(["simulate-exchange", "--listen", "127.0.0.1:0"]);
    command.args(["--seed", "7", "--faults", "some", "--speed", "20"]);
    let running = Running::start(command);
    let address = running
        .first
        .split_whitespace()
        .find(|word| word.starts_with("127.0.0.1:"))
        .unwrap_or_else(|| panic!("{}", running.first));
    let asked = reqwest::get(format!("http://{address}/sim/stats")).await;
    let stats: Value = serde_json::from_str(&asked.unwrap().text().await.unwrap()).unwrap();
    assert_eq!(stats["symbol"], SYMBOL);
    for (word, value) in [("--faults", "many"), ("--speed", "fast"), ("--seed", "x")] {
        world
            .run(&["simulate-exchange", "--listen", "127.0.0.1:0", word, value])
            .ends(2)
            .says(&[word]);
    }
}
