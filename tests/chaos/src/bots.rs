//! The accounts and bots of a run: several bots each, over the same prices.

use anyhow::Context as _;

use crate::market::SYMBOL;
use crate::stage::Stage;

/// The accounts' names.
const ACCOUNTS: [&str; 2] = ["main", "second"];

/// One bot's grid.
struct Grid {
    account: &'static str,
    lower: &'static str,
    upper: &'static str,
    spacing: &'static str,
    size: &'static str,
}

/// No line of any is where the market comes to rest.
const GRIDS: [Grid; 4] = [
    Grid {
        account: "main",
        lower: "58000",
        upper: "62000",
        spacing: "arithmetic:20",
        size: "base:0.001",
    },
    Grid {
        account: "main",
        lower: "57000",
        upper: "63000",
        spacing: "geometric:16",
        size: "base:0.0007",
    },
    Grid {
        account: "second",
        lower: "58050",
        upper: "62050",
        spacing: "arithmetic:16",
        size: "base:0.002",
    },
    Grid {
        account: "second",
        lower: "56500",
        upper: "59500",
        spacing: "arithmetic:10",
        size: "base:0.0011",
    },
];

/// Adds the accounts and creates the bots, not yet started; their ids.
pub(crate) async fn create(stage: &Stage) -> anyhow::Result<Vec<String>> {
    for (nth, account) in ACCOUNTS.iter().enumerate() {
        stage.add_account(account, nth == 0).await?;
    }
    let mut bots = Vec::new();
    for grid in &GRIDS {
        let words = [
            ["--account", grid.account],
            ["--symbol", SYMBOL],
            ["--lower", grid.lower],
            ["--upper", grid.upper],
            ["--spacing", grid.spacing],
            ["--size", grid.size],
        ];
        let arguments = [&["bot", "create"], words.as_flattened()].concat();
        let created = stage.json(&arguments).await?;
        let bot = created["bot"].as_str().context("a bot without an id")?;
        bots.push(bot.to_owned());
    }
    Ok(bots)
}
