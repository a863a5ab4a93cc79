//! The demo's stage: a simulated exchange, its accounts, and a plan that suits its prices.

use domain::{
    AccountId, FirstInventory, GridPlan, Price, Quantity, Rate, Sizing, Spacing, SymbolRules,
};
use exchange_simulator::faults::FaultPlan;
use exchange_simulator::model::{Account, ApiKey};
use exchange_simulator::tape;
use exchange_simulator::{
    Control, LimitsConfig, PriceSource, RunningSimulator, Simulator, SimulatorConfig, Speed,
    StartWhen,
};
use rust_decimal::Decimal;

use super::{DemoArgs, Faults};
use crate::failure::Failure;
use crate::progress::Progress;

/// The first price of the random walk, in USDT.
const WALK_START: u32 = 60_000;

/// Milliseconds between two prints of the walk.
const WALK_INTERVAL_MS: u32 = 250;

/// How many times a level's order is worth the symbol's minimum.
const TIMES_MINIMUM: Decimal = Decimal::from_parts(4, 0, 0, false, 0);

/// What one account starts with, in the quote asset per level, as a multiple of one order's value.
const ORDERS_PER_LEVEL: u32 = 3;

/// An account on the simulated exchange.
#[derive(Debug, Clone)]
pub(crate) struct DemoAccount {
    /// Its name, the same on both sides.
    pub(crate) id: AccountId,
    /// Its API key.
    pub(crate) api_key: String,
    /// Its secret, worth nothing anywhere else.
    pub(crate) secret: String,
}

/// A running simulated exchange with what the demo needs to know of it.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) simulator: RunningSimulator,
    pub(crate) accounts: Vec<DemoAccount>,
    /// The lowest and the highest line of the grid.
    pub(crate) range: (Price, Price),
}

impl Stage {
    /// Reads the tape, if any, and starts the exchange. Prices wait for the first grid.
    pub(crate) async fn set(args: &DemoArgs) -> Result<Self, Failure> {
        let accounts: Vec<DemoAccount> = (1..=args.bots)
            .map(demo_account)
            .collect::<Result<_, _>>()?;
        let (prices, range) = match &args.tape {
            Some(path) => {
                let reading = Progress::unmeasured("reading the tape");
                let summary = tape::survey(path).map_err(|error| {
                    Failure::bad_input(error).mend(
                        "give one of Binance's public aggTrades or trades files, plain or .gz",
                    )
                })?;
                drop(reading);
                (
                    PriceSource::Tape(path.clone()),
                    (summary.lowest, summary.highest),
                )
            }
            None => {
                let start_price = Decimal::from(WALK_START);
                let walk = PriceSource::Walk {
                    seed: args.seed,
                    start_price,
                    interval_ms: WALK_INTERVAL_MS,
                    prints: None,
                };
                (walk, walk_range(start_price, args.levels))
            }
        };
        let speed = args.speed.unwrap_or_else(|| ordinary_speed(args));
        let config = SimulatorConfig {
            prices,
            speed,
            // In step, seconds of the tape pass in milliseconds; limits per 10 s would mean nothing.
            limits: LimitsConfig {
                lifted: speed == Speed::Max,
                ..LimitsConfig::default()
            },
            start: StartWhen::OnCommand,
            // Faults begin with the prices: the grid is laid in peace, then the storm starts.
            faults: FaultPlan::none(),
            fault_seed: args.seed,
            accounts: accounts.iter().map(exchange_account).collect(),
            ..SimulatorConfig::default()
        };
        let simulator = Simulator::start(config)
            .await
            .map_err(|error| Failure::bad_input(error).at("the simulated exchange"))?;
        let range = (price(range.0)?, price(range.1)?);
        Ok(Self {
            simulator,
            accounts,
            range,
        })
    }

    /// Lets faults and prices begin.
    pub(crate) fn begin(&self, faults: Faults) -> Result<(), Failure> {
        let preset = Some(faults.name().to_owned());
        self.simulator
            .control(Control::Faults { preset, plan: None })
            .map_err(|error| Failure::refused(error).at("the simulated exchange"))?;
        self.simulator.start_prices();
        Ok(())
    }

    /// Gives every account what its grid needs, with room to spare.
    pub(crate) fn fund(&self, rules: &SymbolRules, plan: &GridPlan, levels: usize) {
        let Sizing::BasePerLevel { quantity } = plan.sizing else {
            return;
        };
        let orders = Decimal::from(levels.saturating_mul(ORDERS_PER_LEVEL as usize));
        let base = quantity.decimal() * orders;
        let quote = base * plan.upper.decimal();
        self.simulator.with_exchange(|exchange, now_ms| {
            for account in &self.accounts {
                let name = account.id.as_str();
                exchange.move_funds(now_ms, name, rules.quote.as_str(), quote);
                exchange.move_funds(now_ms, name, rules.base.as_str(), base);
            }
        });
    }

    /// The grid that the demo trades: geometric, from the lowest to the highest price.
    pub(crate) fn plan(&self, args: &DemoArgs, rules: &SymbolRules) -> Result<GridPlan, Failure> {
        let tick = rules.tick();
        let (lower, upper) = self.range;
        let on_tick = |price: Price| price.round_to_tick(tick).unwrap_or(price);
        let fee = Rate::new(Decimal::new(1, 3)).map_err(Failure::bad_input)?;
        let quantity = match args.quantity {
            Some(quantity) => quantity,
            None => default_quantity(rules, lower)?,
        };
        Ok(GridPlan {
            lower: on_tick(lower),
            upper: on_tick(upper),
            spacing: Spacing::Geometric {
                levels: args.levels,
            },
            sizing: Sizing::BasePerLevel { quantity },
            compounding: false,
            post_only: false,
            first_inventory: FirstInventory::Buy,
            maker_fee: fee,
            taker_fee: fee,
        })
    }
}

fn ordinary_speed(args: &DemoArgs) -> Speed {
    let times = if args.tape.is_some() { 600 } else { 8 };
    Speed::Times(Decimal::from(times))
}

/// A range that a walk of some minutes crosses many times: 0.4 % a level, twice the fees of a trip.
fn walk_range(start: Decimal, levels: u32) -> (Decimal, Decimal) {
    let half = Decimal::from(levels) * Decimal::new(2, 3);
    let low = start / (Decimal::ONE + half);
    let high = start * (Decimal::ONE + half);
    (low, high)
}

fn default_quantity(rules: &SymbolRules, lower: Price) -> Result<Quantity, Failure> {
    let least = rules.min_quantity(domain::Side::Buy, lower).decimal() * TIMES_MINIMUM;
    Quantity::new(least)
        .ok()
        .and_then(|quantity| quantity.ceil_to_step(rules.step()))
        .ok_or_else(|| Failure::bad_input("no order of this symbol would reach its minimum"))
}

fn price(value: Decimal) -> Result<Price, Failure> {
    Price::new(value.round_dp(8))
        .map_err(|error| Failure::bad_input(error).at("the prices to replay"))
}

fn demo_account(number: u16) -> Result<DemoAccount, Failure> {
    let name = format!("demo-{number}");
    Ok(DemoAccount {
        id: name.parse().map_err(Failure::bad_input)?,
        api_key: format!("{:0<64}", format!("demoKeyOfAccount{number}x")),
        secret: format!("{:0<64}", format!("demoSecretOfAccount{number}x")),
    })
}

fn exchange_account(demo: &DemoAccount) -> Account {
    let mut account = Account::named(demo.id.as_str());
    account.keys.push(ApiKey::hmac(&demo.api_key, &demo.secret));
    account
}
