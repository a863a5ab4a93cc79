//! What levels need that the account has too little for.

use std::fmt;

use domain::{Asset, Bot, Level, LevelIndex, LevelNames, OrderState, RefusalReason, Side};
use rust_decimal::Decimal;

use crate::table::amount;

/// Orders of one side that wait for money, and what they take in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lacking {
    /// Their side: a BUY takes quote, a SELL base.
    pub(crate) side: Side,
    /// Whose they are, lowest first.
    pub(crate) levels: Vec<LevelIndex>,
    needed: Decimal,
    asset: Asset,
}

impl Lacking {
    /// What they need, without their names.
    pub(crate) fn need(&self) -> String {
        let together = if self.levels.len() == 1 {
            ""
        } else {
            " together"
        };
        format!(
            "what lacks money needs {} {}{together}",
            amount(self.needed),
            self.asset
        )
    }
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.levels.len() == 1 {
            "needs"
        } else {
            "need"
        };
        let together = if self.levels.len() == 1 {
            ""
        } else {
            " together"
        };
        write!(
            f,
            "{} {verb} {} {}{together}",
            LevelNames(&self.levels),
            amount(self.needed),
            self.asset
        )
    }
}

/// What the orders need that the exchange refused because the balance was too small, for each side.
pub(crate) fn lacking(bot: &Bot, levels: &[Level]) -> Vec<Lacking> {
    let of_side = |(side, asset): (Side, &Asset)| {
        let orders: Vec<_> = levels
            .iter()
            .filter_map(|level| Some((level.index, level.order.as_ref()?)))
            .filter(|(_, order)| order.intent.side == side && lacks_money(&order.state))
            .collect();
        let needed = orders.iter().try_fold(Decimal::ZERO, |sum, (_, order)| {
            let intent = &order.intent;
            let takes = match side {
                Side::Buy => intent.price.times(intent.quantity)?.decimal(),
                Side::Sell => intent.quantity.decimal(),
            };
            sum.checked_add(takes)
        })?;
        (!orders.is_empty()).then(|| Lacking {
            side,
            levels: orders.iter().map(|(index, _)| *index).collect(),
            needed,
            asset: asset.clone(),
        })
    };
    let sides = [(Side::Buy, &bot.rules.quote), (Side::Sell, &bot.rules.base)];
    sides.into_iter().filter_map(of_side).collect()
}

const fn lacks_money(state: &OrderState) -> bool {
    matches!(
        state,
        OrderState::Refused {
            why: RefusalReason::InsufficientBalance,
            ..
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::tests::{NOW, bot, level, order};

    #[test]
    fn what_waits_for_money_is_added_up_for_each_side() {
        let refused = |why| OrderState::Refused {
            why,
            detail: String::new(),
            retry_at: NOW,
            lease: None,
        };
        let of = |index, side, why| {
            let mut order = order(refused(why));
            order.intent.side = side;
            order.intent.price = "3.1".parse().unwrap();
            order.intent.quantity = "100".parse().unwrap();
            Level {
                index: LevelIndex(index),
                order: Some(order),
                ..level()
            }
        };
        let (poor, other) = (RefusalReason::InsufficientBalance, RefusalReason::Backoff);
        let levels = [
            of(0, Side::Buy, poor),
            of(1, Side::Buy, other),
            of(2, Side::Buy, poor),
            of(3, Side::Sell, poor),
        ];
        let told: Vec<String> = lacking(&bot(), &levels)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            told,
            ["levels 0, 2 need 620 ETH together", "level 3 needs 100 XRP"]
        );
        assert_eq!(lacking(&bot(), &levels[1..2]), []);
    }
}
