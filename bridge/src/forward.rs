//! Which reports go onto the queue.
//!
//! Entry point: [`judge`]. Only the *shape* of an id is looked at: the bridge knows no bots, so an
//! id of ours typed by hand on another account passes here and is dropped by the handler, which
//! compares account, symbol, side and price with the level.

use binance::stream::{ExecutionKind, Report};
use domain::{AccountId, BotId, ClientOrderId, Execution};

/// What becomes of a report.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// It goes onto the queue.
    Forward(Box<Execution>),
    /// The bot is compared with the exchange instead.
    Reconcile(BotId, &'static str),
    /// It is about one of our orders, but neither trades nor ends it.
    NoNews,
    /// It is about somebody else's order.
    NotOurs,
}

/// Says what becomes of a report.
pub(crate) fn judge(account: &AccountId, report: &Report) -> Verdict {
    let bot = bot_of(report.order_client_id());
    match (bot, report.kind) {
        (_, ExecutionKind::Replaced) => amended(report),
        (Some(bot), kind) => match report.execution(account) {
            Some(execution) => Verdict::Forward(Box::new(execution)),
            None if kind == ExecutionKind::Unrecognized => {
                Verdict::Reconcile(bot, "a report of a kind that is not known")
            }
            None => Verdict::NoNews,
        },
        // On a cancel `c` names the cancel request alone, which is no order.
        (None, ExecutionKind::Canceled) => Verdict::NotOurs,
        (None, _) => match bot_of(&report.original_client_order_id) {
            Some(bot) => Verdict::Reconcile(bot, "a report with our id where none was expected"),
            None => Verdict::NotOurs,
        },
    }
}

/// An amended order may carry a new id from then on (rest-api.md, "Order Amend Keep Priority"), and
/// which of `c` and `C` is the old one is not documented.
fn amended(report: &Report) -> Verdict {
    bot_of(&report.original_client_order_id)
        .or_else(|| bot_of(&report.client_order_id))
        .map_or(Verdict::NotOurs, |bot| {
            Verdict::Reconcile(bot, "an order was amended")
        })
}

/// The bot an id of ours names.
pub(crate) fn bot_of(client_order_id: &str) -> Option<BotId> {
    client_order_id
        .parse::<ClientOrderId>()
        .ok()
        .map(|id| id.bot)
}
