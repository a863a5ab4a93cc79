//! A grid drawn from what an operator writes and an exchange states.

use std::str::FromStr;

use domain::{
    BestPrices, FirstInventory, GridPlan, MAX_LEVELS, Price, PriceRule, Quantity, Rate, Side,
    Sizing, Spacing, SymbolRules,
};

use super::{few, orders, text};
use crate::examine::Seen;

/// Lines: lowest price, highest price, spacing, sizing, fees of maker and taker, best bid, best ask,
/// tick, step, least value; one that is missing or unreadable stays as it is in a good plan.
pub(super) fn plan(input: &[u8]) -> Seen {
    let text = match text(input) {
        Ok(text) => text,
        Err(refused) => return refused,
    };
    let mut lines = text.lines();
    let plan = GridPlan {
        lower: read(lines.next(), "3"),
        upper: read(lines.next(), "3.5"),
        spacing: read::<Spacing>(lines.next(), "geometric:10"),
        sizing: read::<Sizing>(lines.next(), "base:10"),
        maker_fee: read::<Rate>(lines.next(), "0.1%"),
        taker_fee: read::<Rate>(lines.next(), "0.1%"),
        compounding: true,
        post_only: false,
        first_inventory: FirstInventory::Buy,
    };
    let prices = BestPrices {
        bid: read(lines.next(), "3.2"),
        ask: read(lines.next(), "3.2001"),
    };
    let mut rules = orders::bot().rules.clone();
    if let (Some(price), Some(lot), Some(notional)) =
        (&mut rules.price, &mut rules.lot, &mut rules.notional)
    {
        price.tick = read::<Quantity>(lines.next(), "0.0001").decimal();
        lot.step = read::<Quantity>(lines.next(), "0.1").decimal();
        notional.min = read(lines.next(), "5");
        price.max = read::<Price>(lines.next(), "1000").decimal();
        lot.max = read(lines.next(), "9000");
    }
    let draft = plan.draft(&rules, Some(prices));
    let rungs = draft.ladder.as_ref().map_or(0, |ladder| ladder.rungs.len());
    let problems: Vec<String> = draft.problems.iter().map(ToString::to_string).collect();
    if draft.problems.is_empty() {
        let ladder = draft.ladder.unwrap();
        let most = usize::try_from(MAX_LEVELS).unwrap();
        assert!((2..=most).contains(&rungs), "{rungs} levels");
        for rung in &ladder.rungs {
            assert!(rung.buy_price < rung.sell_price, "{rung:?}");
            assert_eq!(
                rules.check_order(Side::Buy, rung.buy_price, rung.quantity),
                []
            );
        }
        for pair in ladder.rungs.windows(2) {
            assert!(pair[0].buy_price < pair[1].buy_price, "{pair:?}");
        }
        return Seen::Accepted(few(rungs).to_owned());
    }
    assert!(problems.len() <= 100, "{} problems", problems.len());
    Seen::Refused(format!(
        "{} {}",
        few(problems.len()),
        problems.first().unwrap()
    ))
}

fn read<T: FromStr>(line: Option<&str>, good: &str) -> T {
    line.and_then(|line| line.parse().ok())
        .or_else(|| good.parse().ok())
        .unwrap()
}

/// Judges an order by rules that an exchange stated: the least quantity it is told to have breaks
/// none of them by being too small.
pub(super) fn judge_orders(rules: &SymbolRules) {
    for price in ["0.000000000000000001", "3.1064", "1000000000000000"] {
        let price: Price = price.parse().unwrap();
        let least = rules.min_quantity(Side::Buy, price);
        for quantity in [least, Quantity::ZERO, Quantity::MAX] {
            let breaches = rules.check_order(Side::Buy, price, quantity);
            for breach in breaches {
                assert!(breach.to_string().len() < 1_024);
            }
            let _missing = rules.missing_notional(price, quantity);
        }
        let _inside = rules.price_in_band(Side::Sell, price, price);
        if let Some(PriceRule { tick, .. }) = rules.price {
            let floor = price.floor_to_tick(tick);
            assert!(
                floor.is_none_or(|floor| floor <= price),
                "{floor:?} {price}"
            );
        }
    }
}
