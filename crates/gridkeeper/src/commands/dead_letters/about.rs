//! What a dead letter is about, as far as it can be read.

use cloud::{DeadLetter, DeadLetterQueue};
use domain::{AccountId, BotId, ClientOrderId, Execution, LevelIndex, Quantity};
use serde::Serialize;
use trading::Message;

/// What kind of message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// A report that an order traded or ended.
    Report,
    /// A comparison with the exchange that was asked for.
    Comparison,
    /// A call of recovery by the schedule.
    ScheduledCall,
    /// It cannot be read.
    Unreadable,
}

/// What a letter is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct About {
    pub(super) kind: Kind,
    pub(super) account: Option<AccountId>,
    pub(super) bot: Option<BotId>,
    pub(super) level: Option<LevelIndex>,
    /// The order's client order id.
    pub(super) order: Option<String>,
    /// How far the order had executed, base.
    pub(super) executed: Option<Quantity>,
    /// The ids of the trades it shows.
    pub(super) trades: Vec<String>,
    /// Why a comparison was asked for.
    pub(super) why: Option<String>,
    /// Why it cannot be read.
    pub(super) problem: Option<String>,
}

impl About {
    pub(super) fn of(letter: &DeadLetter) -> Self {
        let nothing = Self {
            kind: Kind::ScheduledCall,
            account: None,
            bot: None,
            level: None,
            order: None,
            executed: None,
            trades: Vec::new(),
            why: None,
            problem: None,
        };
        if letter.queue == DeadLetterQueue::Schedule {
            return nothing;
        }
        match Message::from_text(&letter.body) {
            Ok(Message::Execution { execution, .. }) => Self::of_report(nothing, &execution),
            Ok(Message::Reconcile { account, bot, why }) => Self {
                kind: Kind::Comparison,
                account: Some(account),
                bot,
                why: Some(why),
                ..nothing
            },
            Err(error) => Self {
                kind: Kind::Unreadable,
                problem: Some(error.to_string()),
                ..nothing
            },
        }
    }

    fn of_report(nothing: Self, execution: &Execution) -> Self {
        let id = execution.client_order_id.parse::<ClientOrderId>().ok();
        let trades = execution.trades.iter();
        Self {
            kind: Kind::Report,
            account: Some(execution.account.clone()),
            bot: id.as_ref().map(|id| id.bot.clone()),
            level: id.as_ref().map(|id| id.level),
            order: Some(execution.client_order_id.clone()),
            executed: Some(execution.cumulative),
            trades: trades.map(|trade| trade.id.0.to_string()).collect(),
            ..nothing
        }
    }

    /// In one line.
    pub(super) fn words(&self) -> String {
        let account = self.account.as_ref().map(ToString::to_string);
        let account = account.unwrap_or_default();
        match self.kind {
            Kind::Unreadable => format!(
                "cannot be read: {}",
                self.problem.as_deref().unwrap_or_default()
            ),
            Kind::ScheduledCall => "a call of recovery by the schedule".to_owned(),
            Kind::Comparison => {
                let bot = self.bot.as_ref();
                let bot = bot.map_or_else(|| "all bots".to_owned(), |bot| format!("bot {bot}"));
                let why = self.why.as_deref().unwrap_or_default();
                format!("comparing {bot} of account {account}: {why}")
            }
            Kind::Report => {
                let of = match (&self.bot, self.level) {
                    (Some(bot), Some(level)) => format!(", bot {bot}, level {level}"),
                    _ => String::new(),
                };
                let trades = match self.trades.as_slice() {
                    [] => "no trade".to_owned(),
                    [trade] => format!("trade {trade}"),
                    trades => format!("trades {}", trades.join(", ")),
                };
                let executed = self.executed.unwrap_or(Quantity::ZERO);
                let order = self.order.as_deref().unwrap_or_default();
                format!("account {account}{of}: order {order}, {executed} executed, {trades}")
            }
        }
    }
}
