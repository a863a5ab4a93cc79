//! Control calls for whoever runs the simulator: `/sim/...`, loopback only, like everything here.
//!
//! Entry points: [`router`] (HTTP); [`carry_out`], [`carry_out_market`], [`carry_out_account`], [`stats`], [`audit`]
//! (in-process). Both do the same. Every call answers JSON; one that cannot be carried out answers 400 with the reason.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::core::{RunPhase, Shared};
use super::streams::Outgoing;
use crate::audit::{self, AuditReport, AuditRequest};
use crate::faults::{FaultKind, FaultPlan};
use crate::model::{
    ApiKey, CommissionRates, Exchange, Fact, JournalCounts, OutsideMarket, Reject, SymbolRules,
    SymbolStatus,
};

/// One command to the simulator. As JSON: `{"do": "clock", "offsetMs": 400}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "do")]
pub enum Control {
    /// Prices start.
    Start,
    /// Ends a run whose prices come by hand: faults stop, the system comes to rest.
    Finish,
    /// Sets the faults.
    Faults {
        /// `none`, `some` or `harsh`.
        preset: Option<String>,
        /// Or a whole plan.
        plan: Option<FaultPlan>,
    },
    /// Makes the next opportunities of one kind certain.
    Inject {
        /// Kind.
        kind: FaultKind,
        /// How many.
        count: u64,
    },
    /// Nothing more goes wrong.
    StopFaults,
    /// Sets the server clock's offset from wall time.
    Clock {
        /// Offset, ms.
        offset_ms: i64,
    },
    /// Lifts or restores the exchange's limits.
    Limits {
        /// Limits.
        limits: super::config::LimitsConfig,
    },
    /// Breaks every stream connection.
    DropStreams,
    /// Streams stay open but carry no events for a while.
    SilenceStreams {
        /// Account; all if absent.
        account: Option<String>,
        /// How long, ms.
        for_ms: u64,
    },
    /// Stream connections neither read nor write for a while: not even pings.
    FreezeStreams {
        /// How long, ms.
        for_ms: u64,
    },
    /// Ends subscriptions while connections stay.
    TerminateStreams {
        /// Account; all if absent.
        account: Option<String>,
    },
    /// `serverShutdown` to every stream, then the end of its connection.
    ShutDownStreams {
        /// Time until the end, ms.
        after_ms: u64,
    },
    /// Prices need not wait for this slot: it is held on purpose.
    Excuse {
        /// Slot.
        slot: String,
    },
}

/// One command to the exchange behind the simulator. As JSON:
/// `{"do": "print", "symbol": "BTCUSDT", "price": "60000", "quantity": "1"}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "do")]
pub enum MarketControl {
    /// A trade in the outside market.
    Print {
        /// Symbol.
        symbol: String,
        /// Price.
        price: Decimal,
        /// Base quantity.
        quantity: Decimal,
    },
    /// Fills a resting order at its own price.
    Fill {
        /// Symbol.
        symbol: String,
        /// Order.
        order_id: u64,
        /// In so many trades.
        trades: u32,
        /// Base quantity; all that is left if absent.
        quantity: Option<Decimal>,
    },
    /// Somebody cancels an order.
    Cancel {
        /// Symbol.
        symbol: String,
        /// Order.
        order_id: u64,
    },
    /// The exchange expires an order.
    Expire {
        /// Symbol.
        symbol: String,
        /// Order.
        order_id: u64,
    },
    /// Somebody lowers an order's quantity.
    Amend {
        /// Symbol.
        symbol: String,
        /// Order.
        order_id: u64,
        /// New quantity.
        quantity: Decimal,
        /// Client order id to give it; a new one is made up if absent.
        client_order_id: Option<String>,
    },
    /// Replaces a symbol's rules.
    Rules {
        /// Rules.
        rules: Box<SymbolRules>,
    },
    /// Sets a symbol's status.
    Status {
        /// Symbol.
        symbol: String,
        /// Status.
        status: SymbolStatus,
    },
    /// Takes a symbol off the list.
    Delist {
        /// Symbol.
        symbol: String,
    },
    /// Sets how the outside market quotes.
    Outside {
        /// Symbol.
        symbol: String,
        /// Ticks from the last price to the best bid or ask.
        spread_ticks: u32,
        /// Base available to one taking order; unlimited if absent.
        depth: Option<Decimal>,
        /// Largest single trade; unlimited if absent.
        max_trade_quantity: Option<Decimal>,
    },
}

/// One command about an account. As JSON:
/// `{"do": "funds", "account": "demo", "asset": "USDT", "amount": "-100"}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "do")]
pub enum AccountControl {
    /// Deposits, or with a negative amount withdraws.
    Funds {
        /// Account.
        account: String,
        /// Asset.
        asset: String,
        /// Signed amount.
        amount: Decimal,
    },
    /// Sets an account's commission.
    Commission {
        /// Account.
        account: String,
        /// Rates.
        rates: CommissionRates,
    },
    /// Sets the price of one BNB in a quote asset.
    BnbPrice {
        /// Quote asset.
        asset: String,
        /// Price.
        price: Decimal,
    },
    /// Adds an API key to an account, replacing one of the same name.
    AddKey {
        /// Account.
        account: String,
        /// Key.
        key: ApiKey,
    },
    /// Deletes an API key.
    RemoveKey {
        /// Key.
        key: String,
    },
}

/// A state of affairs, for people and tests.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// How far the run has come.
    pub phase: RunPhase,
    /// Whether the run has finished.
    pub finished: bool,
    /// Symbol the prices are for.
    pub symbol: String,
    /// Its last price.
    pub last_price: Option<Decimal>,
    /// Prints so far.
    pub prints: u64,
    /// Orders, refusals and trades.
    pub counts: JournalCounts,
    /// Open orders of the symbol.
    pub open_orders: usize,
    /// Refused placements by reason.
    pub refusals: std::collections::BTreeMap<String, u64>,
    /// Injected faults by kind.
    pub faults: std::collections::BTreeMap<FaultKind, u64>,
    /// Open stream connections.
    pub stream_connections: usize,
    /// Active subscriptions.
    pub subscriptions: usize,
    /// Weight used in this minute.
    pub used_weight: u64,
    /// Slots whose completed order has not been followed yet.
    pub owing: Vec<String>,
    /// Completions that prices waited for in vain.
    pub overdue: u64,
    /// Time from a completion's report on the stream to the slot's next order, microseconds, oldest first.
    pub reaction_us: Vec<u64>,
    /// The server clock's offset, ms.
    pub clock_offset_ms: i64,
}

/// Carries out one command.
pub(crate) fn carry_out(shared: &Shared, command: Control) -> Result<(), String> {
    shared.change(|core| {
        let now_ms = core.engine_now_ms();
        match command {
            Control::Start => core.start_asked = true,
            Control::Finish => core.phase = RunPhase::Draining,
            Control::Faults { preset, plan } => core.faults.set_plan(chosen_plan(preset, plan)?),
            Control::Inject { kind, count } => core.faults.inject(kind, count),
            Control::StopFaults => core.faults.stop(),
            Control::Clock { offset_ms } => core.clock_offset_ms = offset_ms,
            Control::Limits { limits } => core.limits.set_config(limits),
            Control::DropStreams => core.streams.broadcast(&Outgoing::Break),
            Control::FreezeStreams { for_ms } => core.streams.broadcast(&Outgoing::Freeze(for_ms)),
            Control::SilenceStreams { account, for_ms } => {
                let until_ms = core
                    .now_ms()
                    .saturating_add(i64::try_from(for_ms).unwrap_or(i64::MAX));
                core.streams.silence(account.as_deref(), until_ms);
            }
            Control::TerminateStreams { account } => {
                core.streams.terminate_all(account.as_deref(), now_ms)
            }
            Control::ShutDownStreams { after_ms } => {
                let deliveries = core.streams.shut_down(now_ms, after_ms);
                core.deliver_later(deliveries);
            }
            Control::Excuse { slot } => {
                core.slots.excuse(&slot);
            }
        }
        Ok(())
    })
}

fn chosen_plan(preset: Option<String>, plan: Option<FaultPlan>) -> Result<FaultPlan, String> {
    match (preset, plan) {
        (Some(name), None) => FaultPlan::preset(&name).ok_or_else(|| {
            format!("there is no fault preset '{name}'; there are none, some and harsh")
        }),
        (None, Some(plan)) => Ok(plan),
        _ => Err("give either a preset or a plan".to_owned()),
    }
}

/// Carries out one command to the exchange.
pub(crate) fn carry_out_market(shared: &Shared, command: MarketControl) -> Result<(), String> {
    shared.change(|core| {
        let now_ms = core.engine_now_ms();
        change_exchange(&mut core.exchange, command, now_ms)
    })
}

fn change_exchange(
    exchange: &mut Exchange,
    command: MarketControl,
    now_ms: i64,
) -> Result<(), String> {
    let done = match command {
        MarketControl::Print {
            symbol,
            price,
            quantity,
        } => exchange
            .print(now_ms, &symbol, (price, quantity))
            .map(|_| ()),
        MarketControl::Fill {
            symbol,
            order_id,
            trades,
            quantity,
        } => exchange.fill_order(now_ms, (&symbol, order_id), trades, quantity),
        MarketControl::Cancel { symbol, order_id } => {
            exchange.cancel_from_outside(now_ms, &symbol, order_id)
        }
        MarketControl::Expire { symbol, order_id } => exchange.expire(now_ms, &symbol, order_id),
        MarketControl::Amend {
            symbol,
            order_id,
            quantity,
            client_order_id,
        } => exchange
            .amend(
                now_ms,
                (&symbol, order_id),
                quantity,
                client_order_id.as_deref(),
            )
            .map(|_| ()),
        MarketControl::Rules { rules } => exchange.set_rules(now_ms, *rules),
        MarketControl::Status { symbol, status } => exchange.set_status(now_ms, &symbol, status),
        MarketControl::Delist { symbol } => exchange.delist(now_ms, &symbol),
        MarketControl::Outside {
            symbol,
            spread_ticks,
            depth,
            max_trade_quantity,
        } => {
            let outside = OutsideMarket {
                spread_ticks,
                depth,
                max_trade_quantity,
            };
            exchange.set_outside(&symbol, outside)
        }
    };
    done.map_err(|reject: Reject| reject.to_string())
}

/// Carries out one command about an account.
pub(crate) fn carry_out_account(shared: &Shared, command: AccountControl) -> Result<(), String> {
    let known = |done: bool, what: &str| if done { Ok(()) } else { Err(what.to_owned()) };
    shared.change(|core| {
        let now_ms = core.engine_now_ms();
        let exchange = &mut core.exchange;
        match command {
            AccountControl::Funds {
                account,
                asset,
                amount,
            } => known(
                exchange.move_funds(now_ms, &account, &asset, amount),
                "there is no such account, or not that much free",
            ),
            AccountControl::Commission { account, rates } => known(
                exchange.set_commission(&account, rates),
                "there is no such account, or a rate outside 0 to 1",
            ),
            AccountControl::BnbPrice { asset, price } => {
                exchange.set_bnb_price(&asset, price);
                Ok(())
            }
            AccountControl::AddKey { account, key } => {
                known(exchange.add_key(&account, key), "there is no such account")
            }
            AccountControl::RemoveKey { key } => {
                known(exchange.remove_key(&key), "there is no such key")
            }
        }
    })
}

/// A state of affairs.
pub(crate) fn stats(shared: &Shared) -> Stats {
    let mut core = shared.look();
    let now_ms = core.now_ms();
    let mut refusals = std::collections::BTreeMap::new();
    for entry in core.exchange.journal() {
        if let Fact::Refused { reject, .. } = &entry.fact {
            *refusals.entry(reject.message.clone()).or_default() += 1;
        }
    }
    let (stream_connections, subscriptions) = core.streams.counts();
    Stats {
        phase: core.phase.clone(),
        finished: core.phase == RunPhase::Finished,
        symbol: core.symbol.clone(),
        last_price: core.exchange.last_price(&core.symbol),
        prints: core.prints,
        counts: core.exchange.counts(),
        open_orders: core.exchange.open_order_ids(&core.symbol).len(),
        refusals,
        faults: core.faults.counts().clone(),
        stream_connections,
        subscriptions,
        used_weight: core.limits.used_weight(now_ms),
        owing: core.slots.owing(),
        overdue: core.slots.overdue(),
        reaction_us: core.slots.samples_us().to_vec(),
        clock_offset_ms: core.clock_offset_ms,
    }
}

/// Audits the run against a ladder.
pub(crate) fn audit(shared: &Shared, request: &AuditRequest) -> AuditReport {
    let core = shared.look();
    audit::audit(core.exchange.journal(), request)
}

/// The `/sim` routes.
pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route(
            "/control",
            post(|State(shared): State<Shared>, body: String| command(shared, body, carry_out)),
        )
        .route(
            "/market",
            post(|State(shared): State<Shared>, body: String| command(shared, body, carry_out_market)),
        )
        .route(
            "/account",
            post(|State(shared): State<Shared>, body: String| command(shared, body, carry_out_account)),
        )
        .route(
            "/start",
            post(|State(shared): State<Shared>| async move { done(carry_out(&shared, Control::Start)) }),
        )
        .route("/stats", get(|State(shared): State<Shared>| async move { Json(stats(&shared)) }))
        .route("/audit", post(audited))
}

async fn command<C: serde::de::DeserializeOwned>(
    shared: Shared,
    body: String,
    carry_out: fn(&Shared, C) -> Result<(), String>,
) -> Response {
    match serde_json::from_str::<C>(&body) {
        Ok(command) => done(carry_out(&shared, command)),
        Err(error) => refused(&format!("this is not a command: {error}")),
    }
}

async fn audited(State(shared): State<Shared>, body: String) -> Response {
    match serde_json::from_str::<AuditRequest>(&body) {
        Ok(request) => Json(audit(&shared, &request)).into_response(),
        Err(error) => refused(&format!("this is not a ladder: {error}")),
    }
}

fn done(result: Result<(), String>) -> Response {
    match result {
        Ok(()) => Json(json!({})).into_response(),
        Err(reason) => refused(&reason),
    }
}

fn refused(reason: &str) -> Response {
    let body: Value = json!({ "error": reason });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}
