//! What sending a dead letter back would do, by the records as they are now: the same decision that the handler makes.

use std::collections::BTreeSet;

use cloud::{DeadLetter, DeadLetterQueue};
use domain::{
    Bot, ClientOrderId, Execution, FillDecision, Level, LocalTime, NotOurs, OrderNumber, TradeId,
    decide_fill,
};
use serde::Serialize;
use trading::{BotStore, LevelStore, Message, StoreError};

/// Whether the records know what a letter says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Known {
    /// All of it: it is a duplicate.
    Duplicate,
    /// Not all of it.
    Missing,
    /// It is not about anything of ours.
    NotOurs,
    /// That cannot be said.
    Unclear,
}

impl Known {
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Duplicate => "the records know all of it",
            Self::Missing => "the records do not know all of it yet",
            Self::NotOurs => "it is not about anything of ours",
            Self::Unclear => "that cannot be said",
        }
    }
}

/// What sending a letter back would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Judgement {
    pub(super) known: Known,
    /// In words.
    pub(super) would: String,
}

impl Judgement {
    fn new(known: Known, would: impl Into<String>) -> Self {
        let would = would.into();
        Self { known, would }
    }
}

/// Judges a letter by the records.
pub(super) async fn judge<S: BotStore + LevelStore>(store: &S, letter: &DeadLetter) -> Judgement {
    if letter.queue == DeadLetterQueue::Schedule {
        let would = "it is not sent back: the schedule calls recovery again by itself";
        return Judgement::new(Known::Unclear, would);
    }
    let judged = match Message::from_text(&letter.body) {
        Err(_) => {
            return Judgement::new(
                Known::Unclear,
                "it would come back here: this version cannot read it. If a newer one wrote it, deploy that first",
            );
        }
        Ok(Message::Reconcile { bot: None, .. }) => {
            let would = "each bot of the account would be compared with the exchange, as the schedule does by itself";
            return Judgement::new(Known::Unclear, would);
        }
        Ok(Message::Reconcile { bot: Some(bot), .. }) => {
            let found = store.bot(&bot).await;
            found.map(|bot| comparison(bot.as_ref(), letter.sent_at))
        }
        Ok(Message::Execution { execution, .. }) => report(store, &execution).await,
    };
    judged.unwrap_or_else(|error| {
        Judgement::new(
            Known::Unclear,
            format!("it would come back here as long as this stays so: {error}"),
        )
    })
}

fn comparison(bot: Option<&Bot>, asked_at: Option<LocalTime>) -> Judgement {
    let Some(bot) = bot else {
        return Judgement::new(Known::NotOurs, "nothing: there is no such bot any more");
    };
    let since = bot.recovered_at.zip(asked_at);
    if since.is_some_and(|(compared, asked)| compared > asked) {
        return Judgement::new(
            Known::Duplicate,
            "the bot would be compared with the exchange once more: it has been since this was asked for",
        );
    }
    Judgement::new(
        Known::Missing,
        "the bot would be compared with the exchange, as the schedule does by itself",
    )
}

async fn report<S: LevelStore>(store: &S, execution: &Execution) -> Result<Judgement, StoreError> {
    let Ok(id) = execution.client_order_id.parse::<ClientOrderId>() else {
        let would = "nothing: the order's id is none of ours";
        return Ok(Judgement::new(Known::NotOurs, would));
    };
    let loaded = store.load(&execution.account, &id.bot, id.level).await?;
    let (Some(bot), Some(level)) = (loaded.bot, loaded.level) else {
        let would = "nothing: there is no such bot or level";
        return Ok(Judgement::new(Known::NotOurs, would));
    };
    let decision = decide_fill(&bot, &level, execution);
    let recorded = match &decision {
        FillDecision::Passed(no) | FillDecision::SecondOrder(no) => {
            recorded(store, &level, *no, execution).await?
        }
        FillDecision::NotOurs(_)
        | FillDecision::Duplicate
        | FillDecision::Noted(_)
        | FillDecision::Book { .. }
        | FillDecision::Missing(_)
        | FillDecision::BookAside { .. }
        | FillDecision::Quarantine(..) => BTreeSet::new(),
    };
    Ok(decided(decision, execution, &recorded))
}

/// The trades of the reported order that are in the ledger.
async fn recorded<S: LevelStore>(
    store: &S,
    level: &Level,
    no: OrderNumber,
    execution: &Execution,
) -> Result<BTreeSet<TradeId>, StoreError> {
    let fills = store.fills_of_order(&level.bot, level.index, no).await?;
    let of_order =
        |fill: &&trading::FillRecord| fill.exchange_order_id == execution.exchange_order_id;
    Ok(fills
        .iter()
        .filter(of_order)
        .map(|fill| fill.trade.id)
        .collect())
}

fn decided(
    decision: FillDecision,
    execution: &Execution,
    recorded: &BTreeSet<TradeId>,
) -> Judgement {
    match decision {
        FillDecision::NotOurs(why) => {
            Judgement::new(Known::NotOurs, format!("nothing: {}", not_ours(why)))
        }
        FillDecision::Duplicate => Judgement::new(
            Known::Duplicate,
            "nothing would be booked: the level has all of it",
        ),
        FillDecision::Noted(_) => Judgement::new(
            Known::Missing,
            "no trade would be booked; the level would learn how the order stands, and go on from there",
        ),
        FillDecision::Book { trades, .. } => Judgement::new(
            Known::Missing,
            format!(
                "{} would be booked, and the opposite order placed if that completes this one",
                named(trades.iter().map(|trade| trade.id))
            ),
        ),
        FillDecision::Missing(_) => Judgement::new(
            Known::Missing,
            "trades before it are missing too: all of the order's would be fetched from the exchange and booked",
        ),
        FillDecision::Passed(_) | FillDecision::SecondOrder(_) => aside(
            execution,
            recorded,
            matches!(decision, FillDecision::SecondOrder(_)),
        ),
        FillDecision::BookAside { trades, .. } => Judgement::new(
            Known::Missing,
            format!(
                "{} would be booked beside the current order",
                named(trades.iter().map(|trade| trade.id))
            ),
        ),
        FillDecision::Quarantine(_, evidence) => Judgement::new(
            Known::Unclear,
            format!("the level would be quarantined: {evidence}"),
        ),
    }
}

/// About an order that is not the level's current one.
fn aside(execution: &Execution, recorded: &BTreeSet<TradeId>, second: bool) -> Judgement {
    let shown: BTreeSet<TradeId> = execution.trades.iter().map(|trade| trade.id).collect();
    let missing: Vec<TradeId> = shown.difference(recorded).copied().collect();
    let order = if second {
        "a second order under the level's current id"
    } else {
        "an earlier order of the level"
    };
    if !shown.is_empty() && missing.is_empty() {
        return Judgement::new(
            Known::Duplicate,
            format!(
                "nothing would be booked: it is about {order}, and its trades are in the ledger"
            ),
        );
    }
    let of = if missing.is_empty() {
        "what of its trades is not in the ledger".to_owned()
    } else {
        named(missing.into_iter())
    };
    Judgement::new(
        Known::Missing,
        format!("it is about {order}: {of} would be booked as the exchange shows it"),
    )
}

fn named(trades: impl Iterator<Item = TradeId>) -> String {
    let ids: Vec<String> = trades.map(|trade| trade.0.to_string()).collect();
    match ids.as_slice() {
        [id] => format!("trade {id}"),
        ids => format!("trades {}", ids.join(", ")),
    }
}

const fn not_ours(why: NotOurs) -> &'static str {
    match why {
        NotOurs::OtherAccount => "it came for another account than the bot's",
        NotOurs::OtherSymbol => "it is about another symbol than the bot's",
        NotOurs::OtherId => "it carries neither the level's id nor its order's",
        NotOurs::OtherPrice => "side or price are not those of the level's order",
        NotOurs::OtherQuantity => "it is about more than the level's order asks for",
        NotOurs::TooOld => "the order is older than what the level owes",
    }
}

#[cfg(test)]
mod tests;
