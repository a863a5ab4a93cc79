//! Building worlds: symbols, accounts and bots as tests want them.

use domain::{
    AccountId, Bot, BotId, DesiredStatus, FirstInventory, GridPlan, Level, LevelIndex,
    ObservedStatus, Price, Quantity, Rate, Rung, Sizing, Spacing,
};
use exchange_simulator::model;
use rust_decimal::Decimal;
use trading::{
    AccountRecord, AccountStore, BotStore, Breaker, Clock, Environment, SealedKey, StreamState,
};

use crate::World;
use crate::exchange::symbol_of;

/// A decimal from its text.
#[must_use]
pub fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// A price from its text.
#[must_use]
pub fn price(text: &str) -> Price {
    text.parse().unwrap()
}

/// A quantity from its text.
#[must_use]
pub fn quantity(text: &str) -> Quantity {
    text.parse().unwrap()
}

/// A bot's id from its text.
#[must_use]
pub fn bot_id(text: &str) -> BotId {
    text.parse().unwrap()
}

/// An account's name from its text.
#[must_use]
pub fn account_id(text: &str) -> AccountId {
    text.parse().unwrap()
}

/// A level's prices and quantity from their texts.
#[must_use]
pub fn rung(buy: &str, sell: &str, base: &str) -> Rung {
    Rung {
        buy_price: price(buy),
        sell_price: price(sell),
        quantity: quantity(base),
    }
}

/// The rules of `XRPUSDT`: tick 0.0001, step 0.1, at least 5 USDT.
#[must_use]
pub fn xrp_rules() -> model::SymbolRules {
    model::SymbolRules::suited_to("XRPUSDT", (4, 1))
}

/// What a bot is to be.
#[derive(Debug, Clone)]
pub struct BotSpec {
    /// Its id.
    pub id: &'static str,
    /// Its account.
    pub account: &'static str,
    /// Its symbol.
    pub symbol: &'static str,
    /// Its levels, lowest first.
    pub rungs: Vec<Rung>,
    /// Whether its levels reinvest what they earn.
    pub compounding: bool,
    /// Whether its orders are post-only.
    pub post_only: bool,
    /// Where levels above the market get their first inventory.
    pub first_inventory: FirstInventory,
}

impl BotSpec {
    /// A running bot `demo` on `XRPUSDT` of the account `main`.
    #[must_use]
    pub fn demo(rungs: Vec<Rung>) -> Self {
        Self {
            id: "demo",
            account: "main",
            symbol: "XRPUSDT",
            rungs,
            compounding: false,
            post_only: false,
            first_inventory: FirstInventory::Buy,
        }
    }
}

impl World {
    /// A world with `XRPUSDT` at a price, a rich account `main`, and a bot `demo` with these levels.
    #[must_use]
    pub fn demo(last_price: &str, rungs: Vec<Rung>) -> Self {
        let world = Self::empty();
        world.list(xrp_rules(), last_price);
        world.open_account("main", &[("XRP", "1000000"), ("USDT", "1000000")]);
        world.create_bot(&BotSpec::demo(rungs));
        world
    }

    /// Lists a symbol at a first price.
    pub fn list(&self, rules: model::SymbolRules, last_price: &str) {
        self.exchange.with_model(|model, now| {
            model.add_symbol(
                now,
                rules,
                decimal(last_price),
                model::OutsideMarket::default(),
            );
        });
    }

    /// Opens an account at the exchange and records it, with its stream subscribed.
    pub fn open_account(&self, name: &str, balances: &[(&str, &str)]) {
        self.exchange.with_model(|model, now| {
            let mut account = model::Account::named(name);
            for (asset, free) in balances {
                account.credit(asset, decimal(free));
            }
            model.add_account(now, account);
        });
        let record = AccountRecord {
            id: account_id(name),
            environment: Environment::Simulated,
            stream_key: SealedKey {
                api_key: "stream".to_owned(),
                kind: "hmac".to_owned(),
                sealed: String::new(),
            },
            breaker: Breaker::Closed,
            stream: StreamState::Subscribed {
                since: self.clock.now(),
                bridge: "bridge-1".to_owned(),
            },
            stream_wanted_since: None,
            created_at: self.clock.now(),
            version: 1,
        };
        self.run(self.store.create_account(&record)).unwrap();
    }

    /// Creates a bot that is to run, with its levels; nothing is placed yet.
    pub fn create_bot(&self, spec: &BotSpec) {
        let rules = self
            .exchange
            .with_model(|model, _| crate::exchange::rules_of(model.rules_of(spec.symbol).unwrap()));
        assert_eq!(rules.symbol, symbol_of(spec.symbol));
        let now = self.clock.now();
        let bot = Bot {
            id: bot_id(spec.id),
            account: account_id(spec.account),
            plan: plan(spec),
            rules,
            rules_read_at: Some(now),
            rules_doubted: false,
            sold_out: false,
            levels: u16::try_from(spec.rungs.len()).unwrap(),
            desired: DesiredStatus::Running,
            observed: ObservedStatus::Ready,
            created_at: now,
            recovered_at: None,
            version: 1,
        };
        let levels: Vec<Level> = (0..)
            .map(LevelIndex)
            .zip(&spec.rungs)
            .map(|(index, rung)| Level::new(bot.id.clone(), index, rung, now))
            .collect();
        self.run(self.store.create_bot(&bot, &levels)).unwrap();
    }
}

fn plan(spec: &BotSpec) -> GridPlan {
    let levels = u32::try_from(spec.rungs.len()).unwrap();
    GridPlan {
        lower: spec.rungs[0].buy_price,
        upper: spec.rungs[spec.rungs.len() - 1].sell_price,
        spacing: Spacing::Geometric { levels },
        sizing: Sizing::BasePerLevel {
            quantity: spec.rungs[0].quantity,
        },
        compounding: spec.compounding,
        post_only: spec.post_only,
        first_inventory: spec.first_inventory,
        maker_fee: Rate::new(Decimal::new(1, 3)).unwrap(),
        taker_fee: Rate::new(Decimal::new(1, 3)).unwrap(),
    }
}
