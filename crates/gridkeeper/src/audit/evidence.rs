//! Gathering what an audit judges: the store's records and the exchange's own history.
//!
//! The store is read first, so that whatever it holds the exchange must show; what the exchange
//! shows beyond it may be as young as the reading.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::{
    Asset, Bot, BotId, ClientOrderId, ExchangeOrderId, ExchangeTime, Level, Quantity, Trade,
};
use trading::{
    Balance, BotStore, Clock, Exchange, ExchangeError, FillRecord, LevelStore, OrderView,
    StoreError,
};

use super::{BotAudit, judge};

/// How much earlier than the bot's record its first order may carry: the two clocks may differ.
const BEFORE_CREATION: Duration = Duration::from_secs(3_600);

/// How often a reading waits for the exchange's limits before it gives up.
const MAX_WAITS: u32 = 30;

/// Why a bot could not be audited. Says nothing about the bot.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// There is no such bot.
    #[error("there is no bot {0}")]
    NoBot(BotId),
    /// The store did not answer or a record cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The exchange did not answer.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
}

/// Everything an audit of one bot looks at.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The bot as recorded.
    pub bot: Bot,
    /// Its levels as recorded.
    pub levels: Vec<Level>,
    /// Its ledger.
    pub fills: Vec<FillRecord>,
    /// Why levels and ledger entries are missing here: their records cannot be read.
    pub unreadable: Vec<String>,
    /// All orders of its account on its symbol since it was created, as the exchange lists them.
    pub orders: Vec<OrderView>,
    /// The trades of those of them that are the bot's and executed anything.
    pub trades: BTreeMap<ExchangeOrderId, Vec<Trade>>,
    /// The account's balances.
    pub balances: BTreeMap<Asset, Balance>,
    /// Base that all bots of the account hold together, by their records; `None` when one of those
    /// cannot be read.
    pub base_of_all_bots: Option<Quantity>,
    /// The exchange's time before anything was read.
    pub read_at: ExchangeTime,
}

/// Reads a bot's records and the exchange's history, and judges them.
///
/// # Errors
/// [`AuditError`] when either cannot be read; what is found is in the audit itself.
pub async fn full_audit<S, X, C>(
    store: &S,
    exchange: &X,
    clock: &C,
    bot: &BotId,
) -> Result<BotAudit, AuditError>
where
    S: LevelStore + BotStore,
    X: Exchange,
    C: Clock,
{
    let evidence = gather(store, exchange, clock, bot).await?;
    Ok(judge(&evidence))
}

async fn gather<S, X, C>(
    store: &S,
    exchange: &X,
    clock: &C,
    id: &BotId,
) -> Result<Evidence, AuditError>
where
    S: LevelStore + BotStore,
    X: Exchange,
    C: Clock,
{
    let read_at = patiently(clock, || exchange.server_time()).await?;
    let bot = store.bot(id).await?;
    let bot = bot.ok_or_else(|| AuditError::NoBot(id.clone()))?;
    let levels = store.list_levels(id).await?;
    let fills = store.list_fills(id, None).await?;
    let unreadable = levels.unreadable.iter().chain(&fills.unreadable);
    let unreadable = unreadable.map(ToString::to_string).collect();
    let (levels, fills) = (levels.readable, fills.readable);
    let base_of_all_bots = match base_of_all_bots(store, &bot).await {
        Ok(base) => Some(base),
        // Another bot's bad record is no reason not to audit this one.
        Err(StoreError::Corrupt { .. }) => None,
        Err(error) => return Err(error.into()),
    };

    let symbol = &bot.rules.symbol;
    let created = ExchangeTime::from_millis(bot.created_at.as_millis());
    let since = created.before(BEFORE_CREATION);
    let orders = patiently(clock, || exchange.orders_since(symbol, since)).await?;
    let known = known_ids(&levels, &fills);
    let mut trades = BTreeMap::new();
    for order in &orders {
        let executed = !order.executed.is_zero();
        if executed && (is_named(order, id) || known.contains(&order.exchange_order_id)) {
            let of_order = exchange_trades(exchange, clock, &bot, order).await?;
            trades.insert(order.exchange_order_id, of_order);
        }
    }
    let balances = patiently(clock, || exchange.balances()).await?;
    Ok(Evidence {
        bot,
        levels,
        fills,
        unreadable,
        orders,
        trades,
        balances,
        base_of_all_bots,
        read_at,
    })
}

async fn exchange_trades<X: Exchange, C: Clock>(
    exchange: &X,
    clock: &C,
    bot: &Bot,
    order: &OrderView,
) -> Result<Vec<Trade>, ExchangeError> {
    let symbol = &bot.rules.symbol;
    patiently(clock, || exchange.trades(symbol, order.exchange_order_id)).await
}

/// Base of the bot's asset held by all bots of its account.
async fn base_of_all_bots<S: LevelStore + BotStore>(
    store: &S,
    bot: &Bot,
) -> Result<Quantity, StoreError> {
    let mut sum = Quantity::ZERO;
    for other in store.bots(Some(&bot.account)).await? {
        if other.rules.base != bot.rules.base {
            continue;
        }
        for level in store.levels(&other.id).await? {
            sum = sum.checked_add(level.base.held()).unwrap_or(sum);
        }
    }
    Ok(sum)
}

/// Whether an order carries one of the bot's ids.
fn is_named(order: &OrderView, bot: &BotId) -> bool {
    let id = order.client_order_id.parse::<ClientOrderId>();
    id.is_ok_and(|id| id.bot == *bot)
}

/// The exchange's ids that the records know, whatever client id an amend has given the order.
fn known_ids(levels: &[Level], fills: &[FillRecord]) -> BTreeSet<ExchangeOrderId> {
    let current = levels
        .iter()
        .filter_map(|level| level.order.as_ref()?.exchange_order_id);
    let passed = levels
        .iter()
        .filter_map(|level| level.previous.as_ref()?.exchange_order_id);
    let booked = fills.iter().map(|fill| fill.exchange_order_id);
    current.chain(passed).chain(booked).collect()
}

/// Asks, and waits where the exchange's limits say so: an audit has time.
async fn patiently<C, T, F, Ask>(clock: &C, mut ask: Ask) -> Result<T, ExchangeError>
where
    C: Clock,
    F: Future<Output = Result<T, ExchangeError>>,
    Ask: FnMut() -> F,
{
    for _ in 0..MAX_WAITS {
        match ask().await {
            Err(ExchangeError::Limited { after, detail }) => {
                tracing::info!(?after, detail, "waiting for the exchange's limits");
                clock.sleep(after.max(Duration::from_millis(100))).await;
            }
            answer => return answer,
        }
    }
    ask().await
}
