//! What one seed's life is made of: accounts, bots, rules, faults, drawn by lot.
//!
//! Entry point: [`Mix::draw`]. Mixes differ widely on purpose: what many faults at once hide, one
//! fault alone may show.

use std::time::Duration;

use domain::{FirstInventory, Rung};
use exchange_simulator::faults::{FaultKind, FaultPlan, FaultRate};
use exchange_simulator::model::{self, SymbolRules};
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;

use crate::bridge::Troubles;
use crate::{BotSpec, World, rung};

/// The names there are.
const ACCOUNTS: [&str; 2] = ["main", "second"];
const BOTS: [&str; 3] = ["alpha", "beta", "gamma"];

/// A symbol and the grid lines of its bots.
#[derive(Debug)]
pub(super) struct Market {
    pub(super) name: &'static str,
    /// Decimals of price and quantity.
    decimals: (u32, u32),
    first_price: &'static str,
    /// Neighbouring lines, lowest first.
    lines: [&'static str; 6],
    quantity: &'static str,
    /// Prices drawn between these, in units of the last of three decimals.
    pub(super) prices: (i64, i64),
    /// The most base of one print, where prints are small.
    pub(super) small_print: u32,
}

/// Every market; the second one's base is what fees may be paid in.
pub(super) const MARKETS: [Market; 2] = [
    Market {
        name: "XRPUSDT",
        decimals: (4, 1),
        first_price: "3.12",
        lines: ["3.00", "3.05", "3.10", "3.15", "3.20", "3.25"],
        quantity: "40",
        prices: (2_960, 3_290),
        small_print: 40,
    },
    Market {
        name: "BNBUSDT",
        decimals: (2, 3),
        first_price: "612",
        lines: ["590", "600", "610", "620", "630", "640"],
        quantity: "2",
        prices: (582_000, 648_000),
        small_print: 2,
    },
];

/// One bot's place in the mix.
#[derive(Debug)]
struct BotMix {
    id: &'static str,
    account: &'static str,
    market: &'static Market,
    levels: usize,
    from_line: usize,
    compounding: bool,
    post_only: bool,
}

/// What a life is made of.
#[derive(Debug)]
pub(super) struct Mix {
    accounts: Vec<&'static str>,
    bots: Vec<BotMix>,
    faults: FaultPlan,
    /// How many things happen before the faults stop.
    pub(super) moves: u32,
    /// How readily processes die: never, sometimes, often.
    pub(super) killing: u32,
    /// How long a short while is at most, and a long one, in milliseconds.
    pub(super) whiles_ms: (u64, u64),
    /// How often the bridges look at what is due, in milliseconds.
    pub(super) tick_ms: u64,
    pub(super) bridges: usize,
    pub(super) troubles: Troubles,
    /// Whether somebody types our ids by hand.
    pub(super) strangers: bool,
    /// Whether the operator changes his mind.
    pub(super) operators: bool,
    /// Whether rules change and symbols halt.
    pub(super) unsteady_rules: bool,
    /// Whether keys are rotated.
    pub(super) rotation: bool,
    /// Whether messages are all there is: the grid is laid, then no recovery runs, and what the queue
    /// was given it brings. Only what concerns the placing of orders goes wrong, and processes die.
    pub(super) by_messages: bool,
    /// How far the exchange's clock drifts against ours, in milliseconds per second.
    pub(super) drift: i64,
    poor: bool,
    pay_in_bnb: bool,
    small_room: bool,
    large_minimum: bool,
}

impl Mix {
    /// Draws a mix.
    pub(super) fn draw(random: &mut ChaCha8Rng) -> Self {
        let accounts = &ACCOUNTS[..random.random_range(1..=ACCOUNTS.len())];
        let bots = random.random_range(1..=BOTS.len());
        let bots = BOTS[..bots].iter().map(|id| {
            let market = &MARKETS[usize::from(random.random_bool(0.3))];
            let levels = random.random_range(1..=5);
            BotMix {
                id,
                account: accounts.choose(random).unwrap(),
                market,
                levels,
                from_line: random.random_range(0..=5 - levels),
                compounding: random.random_bool(0.3),
                post_only: random.random_bool(0.2),
            }
        });
        let bots = bots.collect();
        let quiet = random.random_bool(0.1);
        let troubled = |random: &mut ChaCha8Rng, share: f64, most: u32| {
            if quiet || !random.random_bool(share) {
                0
            } else {
                random.random_range(1..=most)
            }
        };
        let hasty = random.random_bool(0.5);
        let by_messages = random.random_bool(0.05);
        let mix = Self {
            accounts: accounts.to_vec(),
            bots,
            faults: if quiet {
                FaultPlan::none()
            } else {
                faults(random)
            },
            moves: random.random_range(100..900),
            killing: random.random_range(0..3),
            whiles_ms: if hasty {
                (300, 12_000)
            } else {
                (3_000, 40_000)
            },
            tick_ms: random.random_range(100..1_500),
            bridges: random.random_range(1..=2),
            troubles: Troubles {
                not_opened: troubled(random, 0.5, 300),
                not_subscribed: troubled(random, 0.5, 200),
                not_sent: troubled(random, 0.5, 100),
                not_written: troubled(random, 0.5, 100),
            },
            strangers: random.random_bool(0.06),
            operators: random.random_bool(0.5),
            unsteady_rules: random.random_bool(0.15),
            rotation: random.random_bool(0.1),
            drift: if random.random_bool(0.3) {
                random.random_range(-20..=20)
            } else {
                0
            },
            poor: random.random_bool(0.15),
            pay_in_bnb: random.random_bool(0.3),
            small_room: random.random_bool(0.1),
            large_minimum: random.random_bool(0.2),
            by_messages,
        };
        if by_messages {
            mix.only_messages()
        } else {
            mix
        }
    }

    /// The same mix without what messages alone cannot mend.
    fn only_messages(mut self) -> Self {
        self.troubles = Troubles::default();
        self.strangers = false;
        self.operators = false;
        self.unsteady_rules = false;
        self.rotation = false;
        self.poor = false;
        self.small_room = false;
        let beyond = [
            FaultKind::Banned,
            FaultKind::EventLost,
            FaultKind::StreamDropped,
            FaultKind::StreamSilent,
            FaultKind::StreamTerminated,
            FaultKind::ServerShutdown,
        ];
        for kind in beyond {
            self.faults.rates.remove(&kind);
        }
        self
    }

    /// Furnishes an empty world. Nothing is placed yet.
    pub(super) fn build(&self, world: &World) {
        for market in &MARKETS {
            world.list(self.rules(market), market.first_price);
        }
        for account in &self.accounts {
            let (base, quote) = if self.poor {
                ("60", "300")
            } else {
                ("1000000", "10000000")
            };
            let bnb = if self.pay_in_bnb { "0.02" } else { "0" };
            world.open_account(account, &[("XRP", base), ("USDT", quote), ("BNB", bnb)]);
            world.exchange.with_model(|model, _| {
                let rates = model::CommissionRates {
                    pay_in_bnb: self.pay_in_bnb,
                    ..model::CommissionRates::default()
                };
                model.set_commission(account, rates);
                model.set_bnb_price("USDT", Decimal::from(600));
            });
        }
        for bot in &self.bots {
            world.create_bot(&bot.spec());
        }
        world.exchange.resync_clocks();
    }

    /// From now on things go wrong.
    pub(super) fn begin_faults(&self, world: &World, seed: u64) {
        world.exchange.set_faults(self.faults.clone(), seed);
    }

    fn rules(&self, market: &Market) -> SymbolRules {
        let mut rules = SymbolRules::suited_to(market.name, market.decimals);
        if self.small_room {
            rules.max_num_orders = 3;
        }
        if self.large_minimum {
            rules.min_notional = Decimal::from(60);
        }
        rules
    }

    /// How far our clock may be from where it was.
    pub(super) fn clock_may_jump(&self) -> Duration {
        2 * Duration::from_millis(self.faults.settings.clock_offset_ms.into())
    }

    /// The markets that have bots.
    pub(super) fn markets(&self) -> Vec<&'static Market> {
        let used = |market: &&Market| self.bots.iter().any(|bot| bot.market.name == market.name);
        MARKETS.iter().filter(used).collect()
    }

    /// The bots' names.
    pub(super) fn bots(&self) -> Vec<&'static str> {
        self.bots.iter().map(|bot| bot.id).collect()
    }

    /// The accounts' names.
    pub(super) fn accounts(&self) -> &[&'static str] {
        &self.accounts
    }
}

impl BotMix {
    fn spec(&self) -> BotSpec {
        let lines = &self.market.lines[self.from_line..=self.from_line + self.levels];
        let rungs: Vec<Rung> = lines
            .windows(2)
            .map(|pair| rung(pair[0], pair[1], self.market.quantity))
            .collect();
        BotSpec {
            id: self.id,
            account: self.account,
            symbol: self.market.name,
            rungs,
            compounding: self.compounding,
            post_only: self.post_only,
            first_inventory: FirstInventory::Buy,
        }
    }
}

/// Some kinds of faults, each more or less often.
fn faults(random: &mut ChaCha8Rng) -> FaultPlan {
    let mut plan = FaultPlan::none();
    let usual = FaultPlan::some();
    let share = random.random_range(0.1..0.9);
    for kind in FaultKind::ALL {
        if !random.random_bool(share) {
            continue;
        }
        let often = usual.rates.get(&kind).map_or(0, |rate| rate.per_million);
        let rarely = [FaultKind::Banned, FaultKind::OrderAmended];
        let seldom = [
            FaultKind::OrderCanceled,
            FaultKind::OrderExpired,
            FaultKind::ClockOffset,
        ];
        let often = if rarely.contains(&kind) {
            1_200
        } else if seldom.contains(&kind) {
            5_000
        } else {
            often
        };
        let times = [1, 4, 16, 64].choose(random).unwrap();
        let per_million = (often * times).min(250_000);
        plan.rates.insert(
            kind,
            FaultRate {
                per_million,
                next: 0,
            },
        );
    }
    // As late as the limits allow: what is later still is not promised.
    plan.settings.lag_ms = [0, 1_000, 9_000].choose(random).copied().unwrap();
    plan.settings.late_ms = [500, 8_000, 60_000].choose(random).copied().unwrap();
    plan.settings.clock_offset_ms = [300, 3_000, 3_000, 30_000].choose(random).copied().unwrap();
    plan.settings.silent_ms = [5_000, 120_000].choose(random).copied().unwrap();
    if random.random_bool(0.06) {
        bad_clocks(plan)
    } else {
        plan
    }
}

/// A clock that jumps says something only where it jumps far, nobody hears what became of an order,
/// and look-ups lag as far as they may.
fn bad_clocks(mut plan: FaultPlan) -> FaultPlan {
    plan = plan
        .rate(FaultKind::ClockOffset, 300_000)
        .rate(FaultKind::QueryLagging, 500_000)
        .rate(FaultKind::ReplyLost, 300_000)
        .rate(FaultKind::EventLost, 300_000);
    plan.settings.clock_offset_ms = 60_000;
    plan.settings.lag_ms = 9_000;
    plan
}
