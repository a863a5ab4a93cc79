//! What a quarantine means, what happens next, and what the operator can do.

use domain::{BotId, Level, LevelIndex, OrderState, QuarantineReason};

pub(super) const fn meaning(why: QuarantineReason) -> &'static str {
    match why {
        QuarantineReason::NumberAhead => {
            "the exchange reports an order of this level with a number that was never given out"
        }
        QuarantineReason::ForeignOrder => {
            "the exchange shows an order under this level's id that is not the one it owes"
        }
        QuarantineReason::TradesDisagree => {
            "the exchange's trades of the order do not add up with those that are booked"
        }
        QuarantineReason::OrderVanished => "quarantined, as records and exchange disagree",
        QuarantineReason::Released => {
            "it was quarantined, and you have released it: what the exchange shows counts"
        }
    }
}

pub(super) const fn next(why: QuarantineReason) -> &'static str {
    match why {
        QuarantineReason::OrderVanished | QuarantineReason::TradesDisagree => {
            "nothing is sent; it is looked for with every look, and the level goes on once the exchange shows it again"
        }
        QuarantineReason::NumberAhead | QuarantineReason::ForeignOrder => {
            "nothing is sent; only you can say whose order that is"
        }
        QuarantineReason::Released => {
            "within a minute its order is looked for, and cancelled and booked if the exchange shows it; then the level goes on under a new number"
        }
    }
}

pub(super) fn remedy(why: QuarantineReason, bot: &BotId, level: LevelIndex) -> Option<String> {
    Some(format!(
        "{}. `gridkeeper bot release {bot} {level}` cancels what stands under the level's id and books what \
         the level's own order executed, both as far as the exchange shows it, and lets the level go on; \
         `gridkeeper bot stop {bot}` ends the bot",
        first_step(why)?
    ))
}

/// What to do before a level is released; nothing where it has been.
pub(crate) const fn first_step(why: QuarantineReason) -> Option<&'static str> {
    Some(match why {
        QuarantineReason::NumberAhead => {
            "was the data folder restored from a backup? then compare what the level holds with the exchange; otherwise find out who placed the order"
        }
        QuarantineReason::ForeignOrder => "find out who placed that order",
        QuarantineReason::TradesDisagree => {
            "if it stays for more than a few minutes, compare the order at the exchange with the level's story below"
        }
        QuarantineReason::OrderVanished => {
            "wait for a few minutes, for it may be shown again; if the exchange was reset or started anew, it has forgotten its orders: then stop the bot and create another, or release its levels"
        }
        QuarantineReason::Released => return None,
    })
}

/// Whether the exchange has lost every order it was to have of a bot, and more than one: then it is not the
/// levels that are to be mended one by one.
#[must_use]
pub(crate) fn all_vanished(levels: &[Level]) -> bool {
    let mut vanished = 0_usize;
    for order in levels.iter().filter_map(|level| level.order.as_ref()) {
        match &order.state {
            OrderState::Quarantined {
                why: QuarantineReason::OrderVanished,
                ..
            } => vanished = vanished.saturating_add(1),
            OrderState::Open | OrderState::Quarantined { .. } => return false,
            OrderState::Pending { .. }
            | OrderState::Refused { .. }
            | OrderState::Held { .. }
            | OrderState::Idle => {}
        }
    }
    vanished > 1
}

/// What to do when all of a bot's orders vanished at once.
pub(crate) fn forgotten(bot: &BotId) -> String {
    format!(
        "stop the bot (`gridkeeper bot stop {bot}`) and create another, or give the right keys back: all its orders \
         vanished at once, so the exchange has forgotten its history, as a test network does when it is reset and \
         a simulated exchange that is started anew, or the account's keys are of another account now; \
         `gridkeeper bot release {bot} LEVEL` lets a single level go on instead"
    )
}

/// The cause as a clause about any number of levels.
pub(crate) const fn of_several(why: QuarantineReason) -> &'static str {
    match why {
        QuarantineReason::NumberAhead => {
            "the exchange reports an order number that was never given out"
        }
        QuarantineReason::ForeignOrder => {
            "an order that is not the level's own stands under its id"
        }
        QuarantineReason::TradesDisagree => {
            "the exchange's trades of the order do not add up with those that are booked"
        }
        QuarantineReason::OrderVanished => "the level's order cannot be found at the exchange",
        QuarantineReason::Released => "released, to go on within a minute",
    }
}

pub(super) const fn in_short(why: QuarantineReason) -> &'static str {
    match why {
        QuarantineReason::NumberAhead => "an order number is ahead of the records",
        QuarantineReason::ForeignOrder => "a foreign order carries its id",
        QuarantineReason::TradesDisagree => "trades do not add up",
        QuarantineReason::OrderVanished => "its order vanished",
        QuarantineReason::Released => "released, to go on soon",
    }
}
