//! `gridkeeper bot plan`: a grid under the symbol's rules and at the market's prices, on paper.

use std::collections::BTreeMap;

use domain::{
    AccountId, Asset, BestPrices, DesiredStatus, Draft, FirstInventory, GridPlan, Ladder,
    OrderState, PlanProblem, Quantity, SymbolRules,
};
use rust_decimal::Decimal;
use serde::Serialize;
use trading::{
    Balance, BotStore as _, CommissionRates, Environment, Exchange as _, ExchangeError,
    Exchanges as _, LevelStore as _,
};

use super::super::Session;
use super::plan_text;
use crate::cli::PlanArgs;
use crate::failure::{Exit, Failure, Outcome};

/// A plan and everything it was measured against.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) account: AccountId,
    pub(super) environment: Environment,
    pub(super) plan: GridPlan,
    pub(super) rules: SymbolRules,
    pub(super) prices: Option<BestPrices>,
    pub(super) draft: Draft,
    pub(super) funds: Funds,
    pub(super) fees_given: FeesGiven,
}

impl Planned {
    /// How much quote the plan needs.
    pub(super) fn quote_needed(&self) -> Decimal {
        let ladder = self.draft.ladder.as_ref();
        ladder.map_or(Decimal::ZERO, |ladder| ladder.summary.capital.decimal())
    }

    /// How much quote the account lacks for the plan and for what its other bots still need.
    pub(super) fn all_missing(&self) -> Decimal {
        let claimed = self.funds.quote_claimed.decimal();
        let all = self.quote_needed().saturating_add(claimed);
        all.saturating_sub(self.funds.quote_free.decimal())
            .max(Decimal::ZERO)
    }

    /// That not all levels can have an order beside those of the account's other bots on the symbol.
    pub(super) fn too_many_orders(&self) -> Option<String> {
        let most = usize::try_from(self.rules.max_open_orders?).ok()?;
        let own = self.draft.ladder.as_ref()?.summary.levels.len();
        let others = self.funds.orders_claimed;
        let over = own.saturating_add(others).saturating_sub(most);
        (others > 0 && over > 0).then(|| {
            format!(
                "{} allows {most} open orders (MAX_NUM_ORDERS), and other bots of this account have {others} levels on \
                 it: {over} of all these levels wait until others are nearer to the market or have ended",
                self.rules.symbol
            )
        })
    }
}

/// Which fees were given by hand and are not the account's own.
#[derive(Debug, Clone, Copy)]
pub(super) struct FeesGiven {
    pub(super) maker: bool,
    pub(super) taker: bool,
}

/// What the account has of the symbol's two assets.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Funds {
    /// Quote that is free.
    pub(super) quote_free: Quantity,
    /// What other bots of the account need for BUYs that they owe and that are not at the exchange: an
    /// order there has locked its quote already.
    pub(super) quote_claimed: Quantity,
    /// Base that is free.
    pub(super) base_free: Quantity,
    /// Of that base, what other bots' levels hold already.
    pub(super) base_claimed: Quantity,
    /// How many orders other bots of the account have on the symbol, or will have: one a level.
    pub(super) orders_claimed: usize,
}

impl Funds {
    /// Base that no bot holds.
    pub(super) fn base_unclaimed(&self) -> Quantity {
        self.base_free.saturating_sub(self.base_claimed)
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    account: &'a AccountId,
    environment: Environment,
    plan: &'a GridPlan,
    rules: &'a SymbolRules,
    prices: Option<BestPrices>,
    funds: Funds,
    ladder: Option<&'a Ladder>,
    problems: Vec<Problem<'a>>,
    possible: bool,
}

#[derive(Serialize)]
struct Problem<'a> {
    #[serde(flatten)]
    problem: &'a PlanProblem,
    text: String,
}

pub(super) async fn plan(session: &mut Session<'_>, args: &PlanArgs) -> Outcome {
    let planned = draw(session, args).await?;
    if session.json {
        let draft = &planned.draft;
        let problems = draft.problems.iter().map(|problem| Problem {
            problem,
            text: problem.to_string(),
        });
        session.write_json(&Shown {
            account: &planned.account,
            environment: planned.environment,
            plan: &planned.plan,
            rules: &planned.rules,
            prices: planned.prices,
            funds: planned.funds,
            ladder: draft.ladder.as_ref(),
            problems: problems.collect(),
            possible: draft.problems.is_empty(),
        })?;
    } else {
        plan_text::write(&planned, session.out)?;
    }
    Ok(if planned.draft.problems.is_empty() {
        Exit::Yes
    } else {
        Exit::BadInput
    })
}

/// Reads rules, prices, fees and balances, and draws the plan.
pub(super) async fn draw(session: &Session<'_>, args: &PlanArgs) -> Result<Planned, Failure> {
    let account = session.find_account(&args.account).await?;
    // Said here, a missing address comes with its remedy.
    session.home.environs().endpoints(account.environment)?;
    let connection = session.home.exchanges().connect(&account).await?;
    let rules = connection.rules(&args.symbol).await.map_err(|error| {
        let about_symbol = matches!(error, ExchangeError::UnknownSymbol(_));
        let failure = Failure::from(error);
        if about_symbol {
            failure.at(format!("--symbol {}", args.symbol))
        } else {
            failure
        }
    })?;
    // A market without prices can still be planned for; the plan then says so.
    let prices = match connection.best_prices(&args.symbol).await {
        Ok(prices) => Some(prices),
        Err(ExchangeError::Unavailable(_) | ExchangeError::Refused(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let fees = fees(&connection, args).await?;
    let balances = connection.balances().await?;
    let plan = GridPlan {
        lower: args.lower,
        upper: args.upper,
        spacing: args.spacing,
        sizing: args.size,
        compounding: args.compounding,
        post_only: args.post_only,
        first_inventory: if args.from_balance {
            FirstInventory::FromBalance
        } else {
            FirstInventory::Buy
        },
        maker_fee: fees.maker,
        taker_fee: fees.taker,
    };
    let mut draft = plan.draft(&rules, prices);
    let funds = funds(session, &account.id, &rules, &balances).await?;
    let missing = inventory_missing(&draft, &funds, &rules);
    draft.problems.extend(missing);
    Ok(Planned {
        account: account.id,
        environment: account.environment,
        plan,
        rules,
        prices,
        draft,
        funds,
        fees_given: FeesGiven {
            maker: args.maker_fee.is_some(),
            taker: args.taker_fee.is_some(),
        },
    })
}

/// Inventory from the balance has to be there: other bots' levels keep what they hold.
fn inventory_missing(draft: &Draft, funds: &Funds, rules: &SymbolRules) -> Option<PlanProblem> {
    let needed = draft.ladder.as_ref()?.summary.base_needed;
    let free = funds.base_unclaimed();
    let missing = needed.saturating_sub(free);
    (!missing.is_zero()).then(|| PlanProblem::InventoryMissing {
        asset: rules.base.clone(),
        needed,
        free,
        missing,
    })
}

async fn fees<X: trading::Exchange>(
    connection: &X,
    args: &PlanArgs,
) -> Result<CommissionRates, Failure> {
    if let (Some(maker), Some(taker)) = (args.maker_fee, args.taker_fee) {
        return Ok(CommissionRates { maker, taker });
    }
    let own = connection.commission(&args.symbol).await?;
    Ok(CommissionRates {
        maker: args.maker_fee.unwrap_or(own.maker),
        taker: args.taker_fee.unwrap_or(own.taker),
    })
}

async fn funds(
    session: &Session<'_>,
    account: &AccountId,
    rules: &SymbolRules,
    balances: &BTreeMap<Asset, Balance>,
) -> Result<Funds, Failure> {
    let free = |asset: &Asset| {
        balances
            .get(asset)
            .map_or(Quantity::ZERO, |balance| balance.free)
    };
    let (mut base_claimed, mut quote_claimed) = (Quantity::ZERO, Quantity::ZERO);
    let mut orders_claimed: usize = 0;
    for bot in session.home.store().bots(Some(account)).await? {
        let trades = matches!(bot.desired, DesiredStatus::Running | DesiredStatus::Paused);
        if trades && bot.rules.symbol == rules.symbol {
            orders_claimed = orders_claimed.saturating_add(usize::from(bot.levels));
        }
        let (same_base, same_quote) = (
            bot.rules.base == rules.base,
            bot.rules.quote == rules.quote && bot.desired == DesiredStatus::Running,
        );
        if !same_base && !same_quote {
            continue;
        }
        let add = |sum: Quantity, more| sum.checked_add(more).unwrap_or(Quantity::MAX);
        for level in session.home.store().levels(&bot.id).await? {
            if same_base {
                base_claimed = add(base_claimed, unlocked(&level));
            }
            if same_quote {
                quote_claimed = add(quote_claimed, owed_quote(&level));
            }
        }
    }
    Ok(Funds {
        quote_free: free(&rules.quote),
        quote_claimed,
        base_free: free(&rules.base),
        base_claimed,
        orders_claimed,
    })
}

/// What a level of a started bot needs for a BUY that is not at the exchange: one it owes, or its first.
fn owed_quote(level: &domain::Level) -> Quantity {
    let (price, quantity) = match &level.order {
        Some(order) if order.intent.side == domain::Side::Buy => match order.state {
            OrderState::Pending { .. } | OrderState::Refused { .. } | OrderState::Held { .. } => {
                let left = order.intent.quantity.saturating_sub(order.executed);
                (order.intent.price, left)
            }
            OrderState::Open | OrderState::Quarantined { .. } | OrderState::Idle => {
                return Quantity::ZERO;
            }
        },
        // A level with inventory from the balance starts with its SELL.
        None if level.base.held().is_zero() => (level.buy_price, level.quantity),
        Some(_) | None => return Quantity::ZERO,
    };
    let worth = price.times(quantity);
    worth
        .and_then(|worth| Quantity::new(worth.decimal()).ok())
        .unwrap_or(Quantity::MAX)
}

/// What a level holds of the account's *free* base: what its open SELL has locked is not free.
fn unlocked(level: &domain::Level) -> Quantity {
    let locked = level
        .order
        .as_ref()
        .filter(|order| order.intent.side == domain::Side::Sell && order.state == OrderState::Open)
        .map_or(Quantity::ZERO, |order| {
            order.intent.quantity.saturating_sub(order.executed)
        });
    level.base.held().saturating_sub(locked)
}
