//! What a ladder costs and earns, and what to know before it starts.

use super::*;
use crate::{BandRule, Entry, LevelIndex, PlanWarning};

#[test]
fn a_round_trip_is_reckoned_with_both_fees() {
    let summary = plan("arithmetic:4").ladder(&rules(), None).unwrap().summary;
    let level = &summary.levels[0];
    assert_eq!(level.buy_value.to_string(), "30");
    assert_eq!(level.gross_profit.to_string(), "0.5");
    // 10 bought less 0.1 % is 9.99, sold at 3.05 for 30.4695, less 0.1 % is 30.4390305.
    assert_eq!(level.net_profit.to_string(), "0.4390305");
    assert_eq!(level.fees.to_string(), "0.0609695");
    assert_eq!(level.net_percent.to_string(), "1.4634");
    assert_eq!(
        (summary.best, summary.worst),
        (LevelIndex(0), LevelIndex(3))
    );
    let sum: Decimal = summary
        .levels
        .iter()
        .map(|level| level.net_profit.decimal())
        .sum();
    assert_eq!(summary.net_profit.decimal(), sum);
}

#[test]
fn capital_is_split_into_resting_and_first_purchases() {
    let ladder = plan("arithmetic:4")
        .ladder(&rules(), market("3.0800", "3.0801"))
        .unwrap();
    let entries: Vec<Entry> = ladder
        .summary
        .levels
        .iter()
        .map(|level| level.entry)
        .collect();
    // 3.0801 plus 0.5 % is 3.0955005, up to the tick 3.0956.
    let first = Entry::MarketBuy {
        price: price("3.0956"),
    };
    assert_eq!(
        entries,
        [Entry::RestingBuy, Entry::RestingBuy, first, first]
    );
    assert_eq!(ladder.summary.resting_buys.to_string(), "60.5");
    assert_eq!(ladder.summary.first_inventory.to_string(), "61.912");
    assert_eq!(ladder.summary.capital.to_string(), "122.412");
    assert_eq!(ladder.summary.base_needed, Quantity::ZERO);
    assert_eq!(besides_steps(ladder.summary.warnings), []);
}

#[test]
fn inventory_from_the_balance_needs_base_instead_of_quote() {
    let mut plan = plan("arithmetic:4");
    plan.first_inventory = FirstInventory::FromBalance;
    let summary = plan
        .ladder(&rules(), market("3.0800", "3.0801"))
        .unwrap()
        .summary;
    assert_eq!(summary.capital.to_string(), "60.5");
    assert_eq!(summary.first_inventory.to_string(), "0");
    assert_eq!(summary.base_needed, quantity("20"));
    assert_eq!(summary.base_value.to_string(), "61.6");
}

#[test]
fn an_investment_is_spent_as_far_as_the_step_allows() {
    let plan = investing("arithmetic:4", "1000");
    let ladder = plan.ladder(&rules(), market("3.0800", "3.0801")).unwrap();
    // One of each costs 3 + 3.05 + 2 * 3.0956 = 12.2412; 1000 / 12.2412 = 81.69...
    assert_eq!(ladder.rungs[0].quantity, quantity("81.6"));
    assert_eq!(ladder.summary.capital.to_string(), "998.88192");
}

#[test]
fn an_investment_counts_the_balance_it_uses() {
    let mut plan = investing("arithmetic:4", "1000");
    plan.first_inventory = FirstInventory::FromBalance;
    let ladder = plan.ladder(&rules(), market("3.0800", "3.0801")).unwrap();
    // 3 + 3.05 + 2 * 3.08 = 12.21; 1000 / 12.21 = 81.9...
    assert_eq!(ladder.rungs[0].quantity, quantity("81.9"));
    assert_eq!(ladder.summary.base_needed, quantity("163.8"));
}

#[test]
fn more_levels_than_orders_is_a_warning() {
    let mut rules = rules();
    rules.max_open_orders = Some(3);
    let summary = plan("arithmetic:4")
        .ladder(&rules, market("3.08", "3.0801"))
        .unwrap()
        .summary;
    assert_eq!(
        besides_steps(summary.warnings),
        [PlanWarning::MoreLevelsThanOrders {
            levels: 4,
            max_open_orders: 3
        }]
    );
    rules.max_open_orders = Some(4);
    let summary = plan("arithmetic:4")
        .ladder(&rules, market("3.08", "3.0801"))
        .unwrap()
        .summary;
    assert_eq!(besides_steps(summary.warnings), []);
}

#[test]
fn levels_outside_the_band_are_a_warning() {
    let mut rules = rules();
    rules.band = Some(BandRule {
        bid_up: decimal("2"),
        bid_down: decimal("0.99"),
        ask_up: decimal("1.03"),
        ask_down: decimal("0.5"),
    });
    let summary = plan("arithmetic:4")
        .ladder(&rules, market("3.1", "3.1"))
        .unwrap()
        .summary;
    // BUYs from 3.069 on: 3.00 and 3.05 are too low. SELLs up to 3.193: 3.2 is too high.
    let warnings = besides_steps(summary.warnings);
    assert_eq!(
        warnings[0].to_string(),
        "levels 0, 1: a BUY at the lower line lies below the 3.069 the exchange takes now; level 3: a SELL at \
         the upper line lies above the 3.193 the exchange takes now (PERCENT_PRICE): that waits until the market \
         comes nearer"
    );
    assert_eq!(
        warnings,
        [PlanWarning::OutsideBand {
            buys: vec![LevelIndex(0), LevelIndex(1)],
            sells: vec![LevelIndex(3)],
            waiting: vec![],
            lowest_buy: decimal("3.069"),
            highest_buy: decimal("6.2"),
            highest_sell: decimal("3.193"),
        }]
    );
    // Recovery holds a level without an order while its lower line is too high for a BUY.
    rules.band = Some(BandRule {
        bid_up: decimal("1.02"),
        bid_down: decimal("0.5"),
        ask_up: decimal("1.05"),
        ask_down: decimal("0.5"),
    });
    let summary = plan("arithmetic:4")
        .ladder(&rules, market("3.01", "3.01"))
        .unwrap()
        .summary;
    assert_eq!(
        besides_steps(summary.warnings)[0].to_string(),
        "levels 2, 3: the lower line lies above the 3.0702 the exchange takes for a BUY now, so that not even \
         its inventory is bought (PERCENT_PRICE): that waits until the market comes nearer"
    );
}

#[test]
fn a_market_unknown_or_beside_the_grid_is_a_warning() {
    let warnings = |prices| {
        let ladder = plan("arithmetic:4").ladder(&rules(), prices).unwrap();
        besides_steps(ladder.summary.warnings)
    };
    assert_eq!(warnings(None), [PlanWarning::MarketUnknown]);
    assert_eq!(
        warnings(market("2.9", "3")),
        [PlanWarning::MarketBelowGrid {
            ask: price("3"),
            lowest: price("3"),
            first_sell: price("3.05"),
        }]
    );
    assert_eq!(
        warnings(market("3.2", "3.3")),
        [PlanWarning::MarketAboveGrid {
            bid: price("3.2"),
            highest: price("3.2"),
            first_buy: price("3.15"),
        }]
    );
    assert_eq!(warnings(market("3.1", "3.11")), []);
}

#[test]
fn a_first_purchase_that_must_wait_is_a_warning() {
    let mut plan = plan("arithmetic:4");
    plan.taker_fee = rate("2%");
    let summary = plan
        .ladder(&rules(), market("3.0999", "3.1"))
        .unwrap()
        .summary;
    // 3.15 less 0.1 % and 2 % is 3.0839, below the ask; 3.2 leaves 3.1328, above it.
    assert_eq!(
        summary.levels[2].entry,
        Entry::MarketBuy {
            price: price("3.0839")
        }
    );
    assert_eq!(
        besides_steps(summary.warnings),
        [PlanWarning::FirstBuysRest {
            levels: vec![LevelIndex(2)],
            ask: price("3.1")
        }]
    );
}

#[test]
fn a_refused_plan_can_still_be_looked_at() {
    let mut plan = plan("arithmetic:4");
    plan.maker_fee = rate("1%");
    let draft = plan.draft(&rules(), None);
    assert_eq!(draft.problems.len(), 1);
    assert!(draft.ladder.unwrap().summary.net_profit.decimal() < Decimal::ZERO);
    plan.upper = plan.lower;
    assert_eq!(plan.draft(&rules(), None).ladder, None);
}

#[test]
fn figures_are_written_as_text() {
    let ladder = plan("arithmetic:2")
        .ladder(&rules(), market("3.08", "3.0801"))
        .unwrap();
    let json = serde_json::to_value(&ladder).unwrap();
    assert_eq!(json["summary"]["levels"][0]["net_percent"], "3.1267");
    assert_eq!(json["summary"]["levels"][1]["entry"]["kind"], "market_buy");
    assert_eq!(json["rungs"][0]["buy_price"], "3");
}

#[test]
fn warnings_say_what_follows() {
    let text = PlanWarning::MoreLevelsThanOrders {
        levels: 300,
        max_open_orders: 200,
    }
    .to_string();
    assert_eq!(
        text,
        "300 levels, but the symbol allows 200 open orders (MAX_NUM_ORDERS): \
         the nearest to the market are placed first, the others wait"
    );
}

/// Warnings without the one that nearly every plan here has.
fn besides_steps(mut warnings: Vec<PlanWarning>) -> Vec<PlanWarning> {
    warnings.retain(|warning| !matches!(warning, PlanWarning::SalesInWholeSteps { .. }));
    warnings
}

#[test]
fn what_the_fee_leaves_between_steps_is_told() {
    let warnings = |fee: &str| {
        let mut plan = plan("arithmetic:4");
        plan.maker_fee = rate(fee);
        let ladder = plan.ladder(&rules(), market("3.1", "3.11")).unwrap();
        ladder.summary.warnings
    };
    assert_eq!(
        warnings("0.1%"),
        [PlanWarning::SalesInWholeSteps {
            bought: quantity("10"),
            kept: quantity("9.99"),
            sold: quantity("9.9"),
            step: decimal("0.1"),
            // 9.9 of 9.99 are 99.09 %, and 0.1 at each of 3, 3.05, 3.1 and 3.15 cost 1.23.
            first_share: decimal("99"),
            binds: "1.23".parse().unwrap(),
            base: rules().base,
            quote: rules().quote,
        }]
    );
    assert_eq!(warnings("0%"), [], "10 is a whole number of steps");
}

#[test]
fn a_thin_margin_is_a_warning_at_its_thinnest() {
    let warnings = |fee: &str| {
        let mut plan = plan("arithmetic:4");
        plan.maker_fee = rate(fee);
        let ladder = plan.ladder(&rules(), market("3.1", "3.11")).unwrap();
        besides_steps(ladder.summary.warnings)
    };
    // 3.2 * 0.9925² is 3.15218, 0.0692 % above 3.15, where the highest level buys.
    let thin = warnings("0.75%");
    assert_eq!(
        thin,
        [PlanWarning::ThinMargin {
            level: LevelIndex(3),
            net_percent: decimal("0.0692"),
        }]
    );
    let text = thin[0].to_string();
    assert!(
        text.contains("a round trip brings only 0.0692 % after fees (level 3"),
        "{text}"
    );
    assert_eq!(warnings("0.7%"), []);
    // 10000 * 0.999² is 9980.01, and the highest level buys half a hundredth below.
    let mut plan = plan("arithmetic:2");
    (plan.lower, plan.upper) = (price("9960.01"), price("10000"));
    let wide = SymbolRules {
        price: None,
        band: None,
        ..rules()
    };
    let ladder = plan.ladder(&wide, market("9970", "9971")).unwrap();
    assert_eq!(
        besides_steps(ladder.summary.warnings)[0].to_string(),
        "a round trip brings less than 0.0001 % after fees (level 1, the least): one order at a higher fee than \
         planned makes it a loss; a larger step leaves more"
    );
}

#[test]
fn a_margin_of_a_thousandth_is_not_thin_yet() {
    let warnings = |highest: &str| {
        let mut plan = plan("arithmetic:2");
        (plan.maker_fee, plan.taker_fee) = (Rate::ZERO, Rate::ZERO);
        (plan.lower, plan.upper) = (price("999"), price(highest));
        let ladder = plan.ladder(&rules(), market("999.8", "999.9")).unwrap();
        ladder.summary.warnings
    };
    // From 1000 to 1001, the higher of the two levels.
    assert_eq!(warnings("1001"), []);
    assert_eq!(
        warnings("1000.998"),
        [PlanWarning::ThinMargin {
            level: LevelIndex(1),
            net_percent: decimal("0.0999"),
        }]
    );
}

#[test]
fn a_market_outside_the_grid_says_when_something_happens() {
    for (prices, says) in [
        (
            market("2.9", "3"),
            "nothing is sold before the market reaches 3.05",
        ),
        (
            market("3.2", "3.3"),
            "nothing is bought before the market falls to 3.15",
        ),
    ] {
        let ladder = plan("arithmetic:4").ladder(&rules(), prices).unwrap();
        let text = besides_steps(ladder.summary.warnings)[0].to_string();
        assert!(text.contains(says), "{text}");
    }
}

#[test]
fn levels_are_named_in_runs() {
    let text = |levels: &[u16]| {
        let warning = PlanWarning::FirstBuysRest {
            levels: levels.iter().copied().map(LevelIndex).collect(),
            ask: price("3"),
        };
        let text = warning.to_string();
        text.split(':').next().unwrap().to_owned()
    };
    assert_eq!(text(&[4]), "level 4");
    assert_eq!(text(&[0, 1, 3]), "levels 0, 1, 3");
    assert_eq!(text(&[0, 2, 3, 4, 9]), "levels 0, 2 to 4, 9");
}
