//! Accounts and their keys.

use exchange_simulator::model::ApiKey;
use exchange_simulator::{AccountControl, Control, DEMO_API_KEY, DEMO_API_SECRET, LimitsConfig};

use super::world::World;

const READER: &str = "readerReaderReaderReader";
const TRADER: &str = "traderTraderTraderTrader";

fn key(name: &str, trading: bool) -> ApiKey {
    ApiKey {
        trading,
        ip_restrict: true,
        ..ApiKey::hmac(name, &format!("{name}Secret"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_added_listed_checked_rotated_and_removed() {
    let world = World::begin().await;
    world
        .run(&["account", "list"])
        .yes()
        .says(&["no accounts yet"]);
    let added = world.run(&["account", "add", "main", "--key", DEMO_API_KEY]);
    added
        .yes()
        .says(&["account main added", "simulated exchange"]);
    let listed = world.run(&["account", "list", "--json"]).yes().json();
    assert_eq!(listed[0]["account"], "main");
    assert_eq!(listed[0]["environment"], "simulated");
    assert_eq!(listed[0]["trade_key"], DEMO_API_KEY);
    assert!(!listed.to_string().contains(DEMO_API_SECRET));
    world
        .run(&["account", "check", "main"])
        .yes()
        .says(&["trade key of main", "may trade"]);

    world.add_key(key(READER, false));
    world.add_key(key(TRADER, true));
    let input = format!("{READER}Secret\n{TRADER}Secret\n");
    let rotate = [
        "account",
        "rotate",
        "main",
        "--stream-key",
        READER,
        "--trade-key",
        TRADER,
        "--secrets-from-stdin",
    ];
    world
        .run_with(&rotate, &input, |_| {})
        .yes()
        .says(&["stream key of account main is replaced"]);
    let removed = AccountControl::RemoveKey {
        key: DEMO_API_KEY.to_owned(),
    };
    world.simulator.account(removed).unwrap();
    world
        .run(&["account", "check", "main"])
        .yes()
        .says(&["listed addresses only"]);

    world
        .run(&["account", "remove", "main"])
        .yes()
        .says(&["main is removed"]);
    world
        .run(&["account", "list"])
        .yes()
        .says(&["no accounts yet"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_refused_and_nothing_is_written() {
    let world = World::begin().await;
    let add = [
        "account",
        "add",
        "main",
        "--key",
        DEMO_API_KEY,
        "--secrets-from-stdin",
    ];
    let ran = world.run_with(&add, "wrongwrongwrong\n", |_| {});
    ran.ends(2)
        .says(&["refused", "copy both again", "nothing was written"]);
    world
        .run(&["account", "list"])
        .yes()
        .says(&["no accounts yet"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_the_wrong_type_is_refused() {
    let world = World::begin().await;
    let add = [
        "account",
        "add",
        "main",
        "--key",
        DEMO_API_KEY,
        "--key-type",
        "ed25519",
    ];
    world
        .run(&add)
        .ends(2)
        .says(&["Ed25519 private key cannot be read"]);
    let pem = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    let mut from_stdin = add.to_vec();
    from_stdin.push("--secrets-from-stdin");
    world
        .run_with(&from_stdin, pem, |_| {})
        .ends(2)
        .says(&["wrong key type", "RSA"]);
    let hmac = [
        "account",
        "add",
        "main",
        "--key",
        DEMO_API_KEY,
        "--secrets-from-stdin",
    ];
    world
        .run_with(&hmac, pem, |_| {})
        .ends(2)
        .says(&["private key file, not an HMAC secret"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_may_withdraw_or_not_trade_is_refused() {
    let world = World::begin().await;
    world.add_key(ApiKey {
        withdrawals: true,
        ..key(TRADER, true)
    });
    let secret = format!("{TRADER}Secret\n");
    let add = [
        "account",
        "add",
        "main",
        "--key",
        TRADER,
        "--secrets-from-stdin",
    ];
    world
        .run_with(&add, &secret, |_| {})
        .ends(2)
        .says(&["it may withdraw", "Enable Withdrawals"]);
    world.add_key(key(TRADER, false));
    world
        .run_with(&add, &secret, |_| {})
        .ends(2)
        .says(&["it may not trade"]);
    world
        .run(&["account", "list"])
        .yes()
        .says(&["no accounts yet"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_date_a_key_loses_its_trade_permission_is_named() {
    let world = World::begin().await;
    world.add_key(ApiKey {
        ip_restrict: false,
        trading_authority_expiration_ms: Some(4_102_444_800_000),
        ..key(TRADER, true)
    });
    let add = [
        "account",
        "add",
        "main",
        "--key",
        TRADER,
        "--secrets-from-stdin",
    ];
    let ran = world.run_with(&add, &format!("{TRADER}Secret\n"), |_| {});
    ran.yes().says(&["may trade until 2100-01-01"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn real_money_needs_the_operators_word() {
    let world = World::begin().await;
    let real = |command: &mut std::process::Command| {
        command
            .env_remove("GRIDKEEPER_BINANCE_REST")
            .env_remove("GRIDKEEPER_BINANCE_WS");
    };
    let add = [
        "account",
        "add",
        "main",
        "--key",
        DEMO_API_KEY,
        "--no-check",
    ];
    world
        .run_with(&add, "", real)
        .ends(2)
        .says(&["--exchange testnet, demo or production"]);
    let production = [&add[..], &["--exchange", "production"]].concat();
    let refused = world.run_with(&production, "", real).ends(2);
    refused.says(&[
        "would trade real money",
        "--i-understand-this-trades-real-money",
    ]);
    let word = "--i-understand-this-trades-real-money";
    let understood = [&production[..], &[word]].concat();
    world
        .run_with(&understood, "", real)
        .yes()
        .says(&["with real money"]);
    // Only the first time.
    let mut second = production.clone();
    second[2] = "second";
    world.run_with(&second, "", real).yes();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_not_added_twice_nor_removed_with_bots() {
    let world = World::with_account().await;
    let again = world.run(&["account", "add", "main", "--key", "otherKey", "--no-check"]);
    again
        .ends(2)
        .says(&["there is an account main already", "account rotate main"]);
    let listed = world.run(&["account", "list", "--json"]).yes().json();
    assert_eq!(listed[0]["trade_key"], DEMO_API_KEY);
    let bot = world.create(&[]);
    world
        .run(&["account", "remove", "main"])
        .ends(2)
        .says(&["still has 1 bot", &bot]);
    world
        .run(&["account", "check", "nobody"])
        .ends(2)
        .says(&["there is no account nobody"]);
}

/// The exchange's limit says nothing of the key.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_cannot_be_asked_about_now_is_not_refused() {
    let world = World::begin().await;
    let limited = |weight_per_minute| Control::Limits {
        limits: LimitsConfig {
            weight_per_minute,
            ..LimitsConfig::default()
        },
    };
    world.simulator.control(limited(5)).unwrap();
    let add = ["account", "add", "main", "--key", DEMO_API_KEY];
    let waits = world.run(&add).ends(1);
    assert!(!waits.err.contains("refused"), "{waits}");
    waits.says(&["asks to wait", "run the command again in"]);
    world
        .run(&["account", "list"])
        .yes()
        .says(&["no accounts yet"]);
}
