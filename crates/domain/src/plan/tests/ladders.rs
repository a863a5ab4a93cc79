//! Where the lines lie, and what every ladder promises.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "a sum of a test that overflows fails the test, as it should"
)]

use proptest::prelude::*;

use super::*;
use crate::{Entry, MAX_LEVELS, QuoteAmount, Rung, Side, first_inventory_price};

#[test]
fn an_arithmetic_grid_has_equal_distances() {
    assert_eq!(
        lines(&plan("arithmetic:4")),
        ["3", "3.05", "3.1", "3.15", "3.2"]
    );
}

#[test]
fn an_arithmetic_line_between_two_ticks_takes_the_nearest_and_a_tie_the_lower() {
    let mut plan = plan("arithmetic:4");
    plan.maker_fee = Rate::ZERO;
    plan.upper = price("3.001");
    assert_eq!(lines(&plan), ["3", "3.0002", "3.0005", "3.0007", "3.001"]);
}

#[test]
fn a_geometric_grid_has_equal_ratios() {
    let mut plan = plan("geometric:3");
    (plan.lower, plan.upper) = (price("1"), price("8"));
    assert_eq!(lines(&plan), ["1", "2", "4", "8"]);
    (plan.lower, plan.upper) = (price("3"), price("3.2"));
    // 3 * (16/15)^(1/3) = 3.06523..., 3 * (16/15)^(2/3) = 3.13188...
    assert_eq!(lines(&plan), ["3", "3.0652", "3.1319", "3.2"]);
}

#[test]
fn the_case_that_started_it_all() {
    let mut plan = plan("percent:1.5%");
    (plan.lower, plan.upper) = (price("3.0"), price("3.1537"));
    let rungs = plan.ladder(&rules(), None).unwrap().rungs;
    let top = rungs.last().unwrap();
    assert_eq!(
        (top.sell_price, top.buy_price),
        (price("3.1537"), price("3.1064"))
    );
    assert_eq!(lines(&plan), ["3.0139", "3.0598", "3.1064", "3.1537"]);
}

#[test]
fn a_line_exactly_at_the_lower_end_belongs_to_a_percent_grid() {
    let mut plan = plan("percent:10%");
    (plan.lower, plan.upper) = (price("81"), price("100"));
    assert_eq!(lines(&plan), ["81", "90", "100"]);
    plan.lower = price("81.0001");
    assert!(plan.ladder(&rules(), None).is_err());
}

#[test]
fn the_largest_grid_is_drawn() {
    let mut plan = plan(&format!("geometric:{MAX_LEVELS}"));
    plan.maker_fee = Rate::ZERO;
    (plan.lower, plan.upper) = (price("1"), price("9999"));
    let ladder = plan.ladder(&rules(), None).unwrap();
    assert_eq!(ladder.rungs.len(), 5_000);
    assert_eq!(ladder.rungs[0].buy_price, price("1"));
    assert_eq!(ladder.rungs[4_999].sell_price, price("9999"));
}

#[test]
fn the_largest_percent_grid_is_drawn_and_one_level_more_is_not() {
    let mut plan = plan("percent:0.1%");
    plan.maker_fee = Rate::ZERO;
    plan.upper = price("9999");
    let mut levels = |lower| {
        plan.lower = crate::Price::new(Decimal::new(lower, 2)).unwrap();
        plan.ladder(&rules(), None)
            .map(|ladder| ladder.rungs.len())
            .map_err(|error| error.to_string())
    };
    // 9999 * 0.999^5000 = 67.2..., where lines lie 0.067 apart.
    let found: Vec<_> = (6_700..6_750).step_by(3).map(&mut levels).collect();
    let drawn = found.iter().position(Result::is_ok).unwrap();
    assert_eq!(found[drawn], Ok(5_000));
    let refused = found[drawn - 1].as_ref().unwrap_err();
    assert!(refused.contains("5000"), "{refused}");
    assert!(found.iter().skip(drawn).all(Result::is_ok), "{found:?}");
}

#[test]
fn a_first_purchase_trades_at_once_but_never_too_dear() {
    // (buy, sell, ask, fee, expected)
    for (buy, sell, ask, fee, expected) in [
        ("3.1", "3.15", "3.1001", "0.1%", None),
        ("3.1", "3.15", "3.1", "0.1%", Some("3.1")),
        ("3.1", "3.15", "3.0999", "0.1%", Some("3.1")),
        ("3.1", "3.15", "3", "0.1%", Some("3.015")),
        ("3.1", "3.15", "2.9999", "0.1%", Some("3.0149")),
        // 3.15 less twice 3 % is 2.9638..., below the ask: it waits rather than loses.
        ("3.1", "3.15", "3", "3%", Some("2.9638")),
    ] {
        let rung = Rung {
            buy_price: price(buy),
            sell_price: price(sell),
            quantity: quantity("10"),
        };
        let prices = BestPrices {
            bid: price("1"),
            ask: price(ask),
        };
        let found = first_inventory_price(&rung, &rules(), prices, rate(fee), rate(fee));
        assert_eq!(found, expected.map(price), "{buy} {sell} {ask} {fee}");
    }
}

#[test]
fn a_first_purchase_keeps_inside_the_band() {
    let mut rules = rules();
    rules.band = Some(crate::BandRule {
        bid_up: decimal("1.001"),
        bid_down: decimal("0.5"),
        ask_up: decimal("2"),
        ask_down: decimal("0.5"),
    });
    let rung = Rung {
        buy_price: price("3.1"),
        sell_price: price("3.15"),
        quantity: quantity("10"),
    };
    let prices = BestPrices {
        bid: price("2.9"),
        ask: price("2.9999"),
    };
    let found = first_inventory_price(&rung, &rules, prices, rate("0.1%"), rate("0.1%"));
    assert_eq!(found, Some(price("3.0028")));
}

fn any_spacing() -> impl Strategy<Value = Spacing> {
    prop_oneof![
        (2_u32..=300).prop_map(|levels| Spacing::Arithmetic { levels }),
        (2_u32..=300).prop_map(|levels| Spacing::Geometric { levels }),
        (3_i64..=200).prop_map(|thousandths| Spacing::PercentStep {
            step: Rate::new(Decimal::new(thousandths, 3)).unwrap(),
        }),
    ]
}

prop_compose! {
    fn any_plan()(
        spacing in any_spacing(),
        scale in 0_u32..=4,
        lower in 1_i64..=50_000,
        width in 1_i64..=100_000,
        total in 1_i64..=100_000,
        quantity in 1_i64..=10_000,
        by_investment: bool,
        from_balance: bool,
        fee in 0_i64..=30,
    ) -> GridPlan {
        GridPlan {
            lower: Price::new(Decimal::new(lower, scale)).unwrap(),
            upper: Price::new(Decimal::new(lower + width, scale)).unwrap(),
            spacing,
            sizing: if by_investment {
                Sizing::Investment { total: QuoteAmount::new(Decimal::from(total)) }
            } else {
                Sizing::BasePerLevel { quantity: Quantity::new(Decimal::new(quantity, 1)).unwrap() }
            },
            compounding: false,
            post_only: false,
            first_inventory: if from_balance {
                FirstInventory::FromBalance
            } else {
                FirstInventory::Buy
            },
            maker_fee: Rate::new(Decimal::new(fee, 4)).unwrap(),
            taker_fee: Rate::new(Decimal::new(fee + 2, 4)).unwrap(),
        }
    }
}

/// What every ladder that is not refused promises.
fn check_ladder(plan: &GridPlan, prices: Option<BestPrices>) -> Result<bool, TestCaseError> {
    let mut rules = rules();
    rules.price = Some(PriceRule {
        max: Decimal::ZERO,
        ..rules.price.unwrap()
    });
    let ladder = match plan.ladder(&rules, prices) {
        Ok(ladder) => ladder,
        Err(error) => {
            prop_assert!(!error.problems.is_empty());
            return Ok(false);
        }
    };
    let fee = plan.maker_fee.decimal();
    let first = ladder.rungs.first().unwrap();
    let last = ladder.rungs.last().unwrap();
    prop_assert_eq!(last.sell_price, plan.upper);
    prop_assert!(first.buy_price >= plan.lower);
    if !matches!(plan.spacing, Spacing::PercentStep { .. }) {
        prop_assert_eq!(first.buy_price, plan.lower);
    }
    for pair in ladder.rungs.windows(2) {
        prop_assert_eq!(pair[0].sell_price, pair[1].buy_price);
    }
    for figures in &ladder.summary.levels {
        let rung = figures.rung;
        prop_assert!(rung.buy_price < rung.sell_price);
        prop_assert_eq!(
            rules.check_order(Side::Buy, rung.buy_price, rung.quantity),
            vec![]
        );
        let most_fee = match figures.entry {
            Entry::MarketBuy { .. } => plan.taker_fee.decimal(),
            Entry::RestingBuy | Entry::FromBalance { .. } => fee,
        };
        let kept = Quantity::new(rung.quantity.decimal() * (Decimal::ONE - most_fee)).unwrap();
        let kept = kept.floor_to_step(rules.step()).unwrap();
        prop_assert_eq!(rules.check_order(Side::Sell, rung.sell_price, kept), vec![]);
        prop_assert!(figures.net_profit > QuoteAmount::ZERO);
        let bought = rung.buy_price.decimal();
        let sold = rung.sell_price.decimal() * (Decimal::ONE - fee) * (Decimal::ONE - fee);
        prop_assert!(sold > bought);
        if let Entry::MarketBuy { price } = figures.entry {
            let ask = prices.unwrap().ask;
            prop_assert!(rung.buy_price >= ask && price <= rung.buy_price);
            let proceeds = rung.sell_price.decimal() * (Decimal::ONE - most_fee);
            prop_assert!(price.decimal() <= proceeds * (Decimal::ONE - fee));
            prop_assert_eq!(rules.check_order(Side::Buy, price, rung.quantity), vec![]);
        } else if let Some(prices) = prices {
            let above = figures.entry != Entry::RestingBuy;
            prop_assert_eq!(above, rung.buy_price >= prices.ask);
        }
    }
    if let Sizing::Investment { total } = plan.sizing {
        let summary = &ladder.summary;
        let used = summary.capital.checked_add(summary.base_value).unwrap();
        prop_assert!(used <= total, "{used} of {total}");
    }
    Ok(true)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_ladder_keeps_its_promises(
        plan in any_plan(),
        at in 0_i64..=120,
        spread in 1_i64..=20,
        known: bool,
    ) {
        let span = plan.upper.decimal() - plan.lower.decimal();
        let bid = plan.lower.decimal() * Decimal::new(9, 1) + span * Decimal::new(at, 2);
        let bid = Price::new(bid).unwrap().ceil_to_tick(decimal("0.0001")).unwrap();
        let ask = Price::new(bid.decimal() + Decimal::new(spread, 4)).unwrap();
        check_ladder(&plan, known.then_some(BestPrices { bid, ask }))?;
    }

    /// The same with a plan that is never refused, so the promises are surely looked at.
    #[test]
    fn a_sound_plan_is_never_refused(
        levels in 2_u32..=40,
        lower in 10_000_i64..=100_000,
        kind in 0_u8..3,
        by_investment: bool,
        at in 0_i64..=100,
    ) {
        let mut plan = plan("arithmetic:2");
        plan.lower = Price::new(Decimal::new(lower, 4)).unwrap();
        plan.upper = Price::new(Decimal::new(lower * 2, 4)).unwrap();
        plan.spacing = match kind {
            0 => Spacing::Arithmetic { levels },
            1 => Spacing::Geometric { levels },
            _ => Spacing::PercentStep {
                step: Rate::new(Decimal::new(i64::from(levels) * 7, 3)).unwrap(),
            },
        };
        if by_investment {
            plan.sizing = Sizing::Investment { total: "5000".parse().unwrap() };
        }
        let bid = Price::new(Decimal::new(lower + lower * at / 100, 4)).unwrap();
        let ask = Price::new(bid.decimal() + Decimal::new(1, 4)).unwrap();
        let accepted = check_ladder(&plan, Some(BestPrices { bid, ask }))?;
        prop_assert!(accepted);
    }

    #[test]
    fn geometric_lines_are_within_half_a_tick_of_the_true_ratio(
        levels in 2_u32..=60,
        lower in 1_000_i64..=100_000,
        times in 2_i64..=50,
    ) {
        let mut plan = plan("arithmetic:2");
        plan.maker_fee = Rate::ZERO;
        plan.lower = Price::new(Decimal::new(lower, 4)).unwrap();
        plan.upper = Price::new(Decimal::new(lower * times, 4)).unwrap();
        plan.spacing = Spacing::Geometric { levels };
        plan.sizing = Sizing::BasePerLevel { quantity: quantity("1000") };
        let rules = SymbolRules { price: Some(PriceRule {
            min: Decimal::ZERO,
            max: Decimal::ZERO,
            tick: decimal("0.0001"),
        }), ..rules() };
        let Ok(ladder) = plan.ladder(&rules, None) else { return Ok(()) };
        // A true line x with neighbours x/r and x*r obeys x² = (x/r)(x*r); half a tick of error in
        // each of the three moves that by less than half a tick times the sum of 2x and both.
        for pair in ladder.rungs.windows(2) {
            let (below, line, above) = (
                pair[0].buy_price.decimal(),
                pair[0].sell_price.decimal(),
                pair[1].sell_price.decimal(),
            );
            let half = decimal("0.00005");
            let slack = half * (line + line + below + above) + half * half * Decimal::TWO;
            prop_assert!((line * line - below * above).abs() <= slack, "{below} {line} {above}");
        }
    }

    #[test]
    fn percent_steps_are_the_nearest_tick_below(step in 3_i64..=200) {
        let mut plan = plan("percent:1%");
        (plan.lower, plan.upper) = (price("1"), price("9"));
        plan.maker_fee = Rate::ZERO;
        let step = Decimal::new(step, 3);
        plan.spacing = Spacing::PercentStep { step: Rate::new(step).unwrap() };
        for rung in plan.ladder(&rules(), None).unwrap().rungs {
            let exact = rung.sell_price.decimal() * (Decimal::ONE - step);
            let off = rung.buy_price.decimal() - exact;
            prop_assert!(off >= decimal("-0.00005") && off < decimal("0.00005"), "{rung:?}");
        }
    }
}
