//! The accounts and bots of a run: several bots each, over the same prices.

use anyhow::Context as _;

use crate::market::SYMBOL;
use crate::stage::Stage;

/// The accounts' names.
const ACCOUNTS: [&str; 2] = ["main", "second"];

/// One bot's grid.
pub(crate) struct Grid {
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

/// The grid of the bots that operators create, and stop again, while it goes on.
pub(crate) const FURTHER: Grid = Grid {
    account: "second",
    lower: "59000",
    upper: "61250",
    spacing: "arithmetic:9",
    size: "base:0.0013",
};

impl Grid {
    /// The command that creates such a bot.
    pub(crate) fn arguments(&self) -> Vec<&'static str> {
        let words = [
            ["--account", self.account],
            ["--symbol", SYMBOL],
            ["--lower", self.lower],
            ["--upper", self.upper],
            ["--spacing", self.spacing],
            ["--size", self.size],
        ];
        [&["bot", "create"], words.as_flattened()].concat()
    }
}

/// Every bot there is.
#[derive(Debug)]
pub(crate) struct Fleet {
    /// Those that are to trade in the end.
    pub(crate) trading: Vec<String>,
    /// Those that operators created on the way, stopped in the end.
    pub(crate) stopped: Vec<String>,
}

impl Fleet {
    /// Whatever the store lists beside those that are to trade was created on the way, also where the command that
    /// created it was cut off before it could say so.
    pub(crate) async fn listed(stage: &Stage, trading: &[String]) -> anyhow::Result<Self> {
        let listed = stage.json(&["bot", "list"]).await?;
        let listed = listed.as_array().context("a list of bots that is none")?;
        let mut stopped = Vec::new();
        for bot in listed {
            let bot = bot["bot"].as_str().context("a bot without an id")?;
            if !trading.iter().any(|trading| trading == bot) {
                stopped.push(bot.to_owned());
            }
        }
        Ok(Self {
            trading: trading.to_vec(),
            stopped,
        })
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &String> {
        self.trading.iter().chain(&self.stopped)
    }
}

/// Adds the accounts and creates the bots, not yet started; their ids.
pub(crate) async fn create(stage: &Stage) -> anyhow::Result<Vec<String>> {
    for (nth, account) in ACCOUNTS.iter().enumerate() {
        stage.add_account(account, nth == 0).await?;
    }
    let mut bots = Vec::new();
    for grid in &GRIDS {
        let created = stage.json(&grid.arguments()).await?;
        let bot = created["bot"].as_str().context("a bot without an id")?;
        bots.push(bot.to_owned());
    }
    Ok(bots)
}
