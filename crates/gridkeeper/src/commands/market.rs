//! Where the market stands beside a bot's lines, and what its levels hold is worth there.

use std::time::Duration;

use domain::{BestPrices, Bot, Level, Quantity, Side};
use rust_decimal::Decimal;
use trading::{AccountStore as _, Exchange as _, Exchanges as _};

use super::Desk;
use crate::table::amount;

/// A reader does not wait longer for a line that is only good to know.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is said where the exchange gives no prices.
pub(super) const SILENT: &str =
    "not known, as the exchange gives no prices here now; `gridkeeper doctor` says why";

/// The market beside these levels of a bot, in a line; `None` where the exchange does not say in time.
pub(super) async fn market(desk: &Desk<'_>, bot: &Bot, levels: &[Level]) -> Option<String> {
    let account = desk.home.store().account(&bot.account).await.ok()??;
    let exchanges = desk.home.exchanges();
    let asked = async {
        let connection = exchanges.connect(&account).await.ok()?;
        connection.best_prices(&bot.rules.symbol).await.ok()
    };
    let prices = tokio::time::timeout(PATIENCE, asked).await.ok()??;
    Some(words(bot, levels, prices))
}

/// What the account has free now of the asset that an order takes, in words; `None` where the exchange does
/// not say in time.
pub(super) async fn free_for(desk: &Desk<'_>, bot: &Bot, side: Side) -> Option<String> {
    let account = desk.home.store().account(&bot.account).await.ok()??;
    let exchanges = desk.home.exchanges();
    let asked = async {
        let connection = exchanges.connect(&account).await.ok()?;
        connection.balances().await.ok()
    };
    let balances = tokio::time::timeout(PATIENCE, asked).await.ok()??;
    let asset = match side {
        Side::Buy => &bot.rules.quote,
        Side::Sell => &bot.rules.base,
    };
    let free = balances
        .get(asset)
        .map_or(Quantity::ZERO, |balance| balance.free);
    Some(format!("the account has {free} {asset} free now"))
}

fn words(bot: &Bot, levels: &[Level], prices: BestPrices) -> String {
    let (base, quote) = (&bot.rules.base, &bot.rules.quote);
    let mut words = format!(
        "highest bid {}, lowest ask {} {quote}",
        prices.bid, prices.ask
    );
    let (mut held, mut cost) = (Decimal::ZERO, Decimal::ZERO);
    for level in levels {
        held = held.saturating_add(level.base.decimal());
        cost = cost.saturating_add(level.cost.decimal());
    }
    if held > Decimal::ZERO {
        let worth = held.saturating_mul(prices.bid.decimal());
        let gain = worth.saturating_sub(cost);
        let more = if gain < Decimal::ZERO { "less" } else { "more" };
        words.push_str(&format!(
            "; the {} {base} held are worth {} {quote} there, {} {more} than they cost",
            amount(held),
            amount(worth),
            amount(gain.abs())
        ));
    }
    let lowest = levels.iter().map(|level| level.buy_price).min();
    let highest = levels.iter().map(|level| level.sell_price).max();
    // One level's own lines are no grid that could be left.
    if let (Some(lowest), Some(highest), true) = (lowest, highest, levels.len() > 1) {
        if prices.ask < lowest {
            words.push_str(&format!(
                "; the market has left the grid: it is below the lowest line {lowest}"
            ));
        } else if prices.bid > highest {
            words.push_str(&format!(
                "; the market has left the grid: it is above the highest line {highest}"
            ));
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::tests::{bot, level};

    #[test]
    fn says_what_is_held_is_worth_and_whether_the_market_has_left() {
        let mut holding = level();
        holding.base = "10".parse::<domain::Quantity>().unwrap().into();
        holding.cost = "20".parse().unwrap();
        let at = |bid: &str, ask: &str| BestPrices {
            bid: bid.parse().unwrap(),
            ask: ask.parse().unwrap(),
        };
        let grid = [level(), holding.clone()];
        for (levels, prices, says) in [
            (
                &grid[..1],
                at("0.1", "0.2"),
                "highest bid 0.1, lowest ask 0.2 ETH",
            ),
            (
                &grid[1..],
                at("1.2", "1.3"),
                "highest bid 1.2, lowest ask 1.3 ETH; the 10 XRP held are worth 12 ETH there, 8 less than they cost",
            ),
            (
                &grid[..],
                at("2.5", "2.6"),
                "highest bid 2.5, lowest ask 2.6 ETH; the 10 XRP held are worth 25 ETH there, 5 more than they \
                 cost; the market has left the grid: it is above the highest line 1.5",
            ),
        ] {
            assert_eq!(words(&bot(), levels, prices), says);
        }
        let below = words(&bot(), &[level(), level()], at("0.1", "0.2"));
        assert!(below.ends_with("it is below the lowest line 1"), "{below}");
    }
}
