//! The verdict over the evidence: pure, total, one level at a time.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    ClientOrderId, ExchangeOrderId, Level, LevelIndex, ObservedStatus, OrderNumber, OrderState,
    OrderStatus, Trade,
};
use trading::OrderView;

use super::chains::{self, Standing};
use super::report::{BotAudit, Invariant, LevelAudit, Verdict, Violation};
use super::{Evidence, GRACE, ledger, rules};
use crate::table::count_of;

/// One of the bot's orders at the exchange.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    /// The number it carries within its level.
    pub(super) no: OrderNumber,
    /// As the exchange lists it.
    pub(super) view: &'a OrderView,
    /// Its trades at the exchange.
    pub(super) trades: &'a [Trade],
}

impl Seen<'_> {
    pub(super) fn id(&self) -> ExchangeOrderId {
        self.view.exchange_order_id
    }

    /// Whether it may still execute.
    pub(super) fn is_live(&self) -> bool {
        !self.view.status.is_terminal()
    }

    pub(super) fn is_filled(&self) -> bool {
        self.view.status == OrderStatus::Filled
    }
}

/// Collects what is found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) violations: Vec<Violation>,
    pub(super) notes: Vec<String>,
    pub(super) missing: u32,
    pub(super) doubled: u32,
}

impl Findings {
    pub(super) fn break_promise(
        &mut self,
        invariant: Invariant,
        level: LevelIndex,
        text: impl Into<String>,
    ) {
        self.violations.push(Violation {
            invariant,
            level: Some(level),
            text: text.into(),
        });
    }

    pub(super) fn missing(&mut self, level: LevelIndex, text: impl Into<String>) {
        self.missing += 1;
        self.break_promise(Invariant::OneOpposite, level, text);
    }

    pub(super) fn doubled(&mut self, level: LevelIndex, text: impl Into<String>) {
        self.doubled += 1;
        self.break_promise(Invariant::OneOpposite, level, text);
    }

    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }
}

/// Judges a bot.
#[must_use]
pub fn judge(evidence: &Evidence) -> BotAudit {
    let mut findings = Findings::default();
    let mut of_level = sort_orders(evidence, &mut findings);
    let orders = of_level.values().map(Vec::len).sum();
    let mut levels = Vec::with_capacity(evidence.levels.len());
    for level in &evidence.levels {
        let seen = of_level.remove(&level.index).unwrap_or_default();
        levels.push(judge_level(evidence, level, &seen, &mut findings));
    }
    ledger::judge_strangers(evidence, &mut findings);
    ledger::judge_balance(evidence, &mut findings);
    let trades = evidence.trades.values().map(Vec::len).sum();
    BotAudit {
        bot: evidence.bot.id.clone(),
        symbol: evidence.bot.rules.symbol.clone(),
        read_at: evidence.read_at,
        clean: findings.violations.is_empty() && evidence.unreadable.is_empty(),
        conclusion: conclude(evidence),
        unattended: false,
        orders: count(orders),
        trades: count(trades),
        missing: findings.missing,
        doubled: findings.doubled,
        violations: findings.violations,
        unreadable: evidence.unreadable.clone(),
        notes: findings.notes,
        levels,
    }
}

/// What explains everything at once: the exchange knows nothing of what the records know.
fn conclude(evidence: &Evidence) -> Option<String> {
    let shown = !evidence.orders.is_empty() || evidence.trades.values().any(|all| !all.is_empty());
    let known: BTreeSet<ExchangeOrderId> = recorded_orders(evidence).into_keys().collect();
    (!shown && !known.is_empty()).then(|| {
        format!(
            "the exchange shows none of this bot's orders and trades, though the records know of {} and {}: it \
             has forgotten its history, as a test network does when it is reset and a simulated exchange when it \
             is started anew, or the account's keys are of another account now. Stop the bot and create another; \
             `gridkeeper bot release` lets a single level go on instead",
            count_of(known.len(), "order"),
            count_of(evidence.fills.len(), "trade")
        )
    })
}

fn judge_level(
    evidence: &Evidence,
    level: &Level,
    seen: &[Seen<'_>],
    findings: &mut Findings,
) -> LevelAudit {
    let before = findings.violations.len();
    ledger::judge_fills(evidence, level, seen, findings);
    ledger::judge_amounts(evidence, level, seen, findings);
    chains::judge_lives(level, seen, findings);
    judge_rules(evidence, level, seen, findings);
    judge_rest(evidence, level, seen, findings);
    let counts = chains::judge_chains(evidence, level, seen, findings);
    let standing = chains::judge_end(evidence, level, seen, findings);
    let (verdict, why) = match standing {
        _ if findings.violations.len() > before => (Verdict::Broken, None),
        Standing::AsItShould => (Verdict::Kept, None),
        Standing::UnderWay(why) => (Verdict::UnderWay, Some(why)),
        Standing::Owing(why) => (Verdict::Owing, Some(why)),
    };
    LevelAudit {
        level: level.index,
        verdict,
        why,
        completed_orders: counts.completed,
        opposite_orders: counts.opposite,
        round_trips: counts.round_trips,
        trades: count(seen.iter().map(|order| order.trades.len()).sum()),
        live_order: seen
            .iter()
            .rev()
            .find(|order| order.is_live())
            .map(Seen::id),
    }
}

/// The bot's orders by level, each level's by number and then by age.
fn sort_orders<'a>(
    evidence: &'a Evidence,
    findings: &mut Findings,
) -> BTreeMap<LevelIndex, Vec<Seen<'a>>> {
    let recorded = recorded_orders(evidence);
    let mut of_level: BTreeMap<LevelIndex, Vec<Seen<'a>>> = BTreeMap::new();
    for view in &evidence.orders {
        let named = view.client_order_id.parse::<ClientOrderId>().ok();
        let named = named.filter(|id| id.bot == evidence.bot.id);
        // What the records know counts before the name: an amend gives an order a new one.
        let recorded = recorded.get(&view.exchange_order_id).copied();
        let Some((level, no)) = recorded.or_else(|| named.map(|id| (id.level, id.no))) else {
            continue;
        };
        if !evidence.levels.iter().any(|known| known.index == level) {
            let why = if level.0 < evidence.bot.levels {
                "its level cannot be read"
            } else {
                "there is no such level"
            };
            findings.note(format!(
                "exchange order {} carries an id of this bot ({}) but {why}",
                view.exchange_order_id, view.client_order_id
            ));
            continue;
        }
        let trades = evidence.trades.get(&view.exchange_order_id);
        of_level.entry(level).or_default().push(Seen {
            no,
            view,
            trades: trades.map_or(&[], Vec::as_slice),
        });
    }
    for orders in of_level.values_mut() {
        orders.sort_by_key(|order| (order.no, order.view.created_at, order.id()));
    }
    of_level
}

/// Which level and number the records name for an order of the exchange.
fn recorded_orders(evidence: &Evidence) -> BTreeMap<ExchangeOrderId, (LevelIndex, OrderNumber)> {
    let mut recorded = BTreeMap::new();
    for fill in &evidence.fills {
        recorded.insert(fill.exchange_order_id, (fill.level, fill.no));
    }
    for level in &evidence.levels {
        let passed = level.previous.as_ref();
        if let Some((id, no)) = passed.and_then(|order| Some((order.exchange_order_id?, order.no)))
        {
            recorded.insert(id, (level.index, no));
        }
        let current = level.order.as_ref();
        if let Some((id, no)) = current.and_then(|order| Some((order.exchange_order_id?, order.no)))
        {
            recorded.insert(id, (level.index, no));
        }
    }
    recorded
}

/// Invariant 5. Rules change: an order older than their last reading is only noted, for the
/// exchange itself took it under the rules of its time.
fn judge_rules(evidence: &Evidence, level: &Level, seen: &[Seen<'_>], findings: &mut Findings) {
    let bot = &evidence.bot;
    let read_at = bot
        .rules_read_at
        .map_or(i64::MIN, domain::LocalTime::as_millis);
    for order in seen {
        for breach in rules::breaches(order.view, &bot.rules) {
            let text = format!(
                "exchange order {} (number {}): {breach}",
                order.id(),
                order.no
            );
            if order.view.created_at.as_millis() < read_at {
                findings.note(format!(
                    "level {}, {text}, by the rules of today",
                    level.index
                ));
            } else {
                findings.break_promise(Invariant::RulesObeyed, level.index, text);
            }
        }
    }
}

/// Invariant 6, as far as it shows: no order is younger than the moment the bot was seen at rest.
fn judge_rest(evidence: &Evidence, level: &Level, seen: &[Seen<'_>], findings: &mut Findings) {
    let bot = &evidence.bot;
    let status = match bot.observed {
        ObservedStatus::Paused | ObservedStatus::Stopped => bot.observed,
        ObservedStatus::Ready | ObservedStatus::Running | ObservedStatus::Stopping => return,
    };
    let Some(since) = bot.recovered_at else {
        return;
    };
    let since = domain::ExchangeTime::from_millis(since.as_millis()).after(GRACE);
    for order in seen.iter().filter(|order| order.view.created_at > since) {
        findings.break_promise(
            Invariant::RestKept,
            level.index,
            format!(
                "exchange order {} was created while the bot is {status}",
                order.id()
            ),
        );
    }
    if bot.observed == ObservedStatus::Stopped {
        for order in seen.iter().filter(|order| order.is_live()) {
            let text = format!(
                "exchange order {} is live although the bot is stopped",
                order.id()
            );
            findings.break_promise(Invariant::RestKept, level.index, text);
        }
    }
}

/// Whether a level's records say, with evidence, that they and the exchange disagree.
pub(super) fn is_quarantined(level: &Level) -> bool {
    let state = level.order.as_ref().map(|order| &order.state);
    matches!(state, Some(OrderState::Quarantined { .. }))
}

pub(super) fn count(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}
