//! Control calls for whoever runs the simulator: `/sim/...`, loopback only, like everything here.
//!
//! Entry points: [`router`] (HTTP); [`carry_out`], [`carry_out_market`], [`carry_out_account`], [`stats`], [`audit`]
//! (in-process). Both do the same. Every call answers JSON; one that cannot be carried out answers 400 with the reason.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::commands::{AccountControl, Control, MarketControl, Stats};
use super::core::{RunPhase, Shared};
use super::streams::Outgoing;
use crate::audit::{self, AuditReport, LadderSlot};
use crate::faults::FaultPlan;
use crate::model::{Exchange, Fact, OutsideMarket, Reject};
use crate::number;

/// Carries out one command.
pub(crate) fn carry_out(shared: &Shared, command: Control) -> Result<(), String> {
    shared.change(|core| {
        let now_ms = core.engine_now_ms();
        match command {
            Control::Start => core.start_asked = true,
            Control::Finish => {
                core.start_asked = true;
                core.finish_asked = true;
            }
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
            AccountControl::Open { account } => {
                let taken = exchange.account(&account.name).is_some()
                    || account
                        .keys
                        .iter()
                        .any(|key| exchange.key(&key.key).is_some());
                if !taken {
                    exchange.add_account(now_ms, *account);
                }
                known(!taken, "there is such an account already, or such a key")
            }
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
    let mut refusals = BTreeMap::new();
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
pub(crate) fn audit(shared: &Shared, ladder: &[LadderSlot]) -> AuditReport {
    let core = shared.look();
    audit::audit(core.exchange.journal(), ladder)
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
    match read(&body, "command") {
        Ok(command) => done(carry_out(&shared, command)),
        Err(reason) => refused(&reason),
    }
}

/// Reads a command, or anything else that comes as JSON.
pub(crate) fn read<C: serde::de::DeserializeOwned>(body: &str, what: &str) -> Result<C, String> {
    if number::has_endless_word(body) {
        return Err(format!("this is not a {what}: a word in it is too long"));
    }
    serde_json::from_str(body).map_err(|error| format!("this is not a {what}: {error}"))
}

async fn audited(State(shared): State<Shared>, body: String) -> Response {
    match read::<Vec<LadderSlot>>(&body, "ladder") {
        Ok(ladder) => Json(audit(&shared, &ladder)).into_response(),
        Err(reason) => refused(&reason),
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
