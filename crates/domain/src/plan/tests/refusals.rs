//! Plans that cannot be carried out: every reason at once, with figures and a remedy.

use super::*;
use crate::PlanProblem;

/// The problems of a plan, as the operator reads them.
fn problems_with(plan: &GridPlan, rules: &SymbolRules, prices: Option<BestPrices>) -> Vec<String> {
    let error = plan.ladder(rules, prices).unwrap_err();
    let text = error.to_string();
    let problems: Vec<String> = error.problems.iter().map(ToString::to_string).collect();
    for problem in &problems {
        assert!(text.contains(problem), "{text}");
    }
    assert_eq!(plan.draft(rules, prices).problems, error.problems);
    problems
}

fn problems(plan: &GridPlan) -> Vec<String> {
    problems_with(plan, &rules(), None)
}

#[test]
fn a_price_off_tick_is_named_with_its_neighbours() {
    let mut plan = plan("arithmetic:4");
    (plan.lower, plan.upper) = (price("3.00005"), price("3.20001"));
    assert_eq!(
        problems(&plan),
        [
            "lowest line: the price 3.00005 is no multiple of the tick 0.0001 (PRICE_FILTER): \
         use 3 or 3.0001",
            "highest line: the price 3.20001 is no multiple of the tick 0.0001 (PRICE_FILTER): \
         use 3.2 or 3.2001",
        ]
    );
}

#[test]
fn lines_outside_the_price_filter_are_refused() {
    let mut rules = rules();
    rules.price = Some(PriceRule {
        min: decimal("3.1"),
        max: decimal("3.15"),
        tick: decimal("0.0001"),
    });
    assert_eq!(
        problems_with(&plan("arithmetic:4"), &rules, None),
        [
            "lowest line: the price 3 is below the symbol's lowest, 3.1 (PRICE_FILTER): raise it",
            "highest line: the price 3.2 is above the symbol's highest, 3.15 (PRICE_FILTER): lower it",
        ]
    );
}

#[test]
fn the_upper_line_must_be_above_the_lower() {
    for (lower, upper) in [("3.2", "3"), ("3", "3")] {
        for spacing in ["arithmetic:4", "geometric:4", "percent:1%"] {
            let mut plan = plan(spacing);
            (plan.lower, plan.upper) = (price(lower), price(upper));
            assert_eq!(
                problems(&plan),
                [format!(
                    "the highest line {upper} is not above the lowest line {lower}: \
                 raise the one or lower the other"
                )]
            );
        }
    }
}

#[test]
fn too_few_and_too_many_levels_are_refused() {
    for kind in ["arithmetic", "geometric"] {
        for levels in [0, 1] {
            assert_eq!(
                problems(&plan(&format!("{kind}:{levels}"))),
                [format!(
                    "levels: {levels}, but a grid has 2 or more: ask for more"
                )]
            );
        }
        for levels in [5_001, 100_000, u32::MAX] {
            assert_eq!(
                problems(&plan(&format!("{kind}:{levels}"))),
                [format!(
                    "levels: {levels}, but a bot has at most 5000: ask for fewer"
                )]
            );
        }
    }
    assert_eq!(
        problems(&plan("percent:5%")),
        [
            "a grid has two levels or more, but two steps of 5% do not fit between 3 and 3.2: use a smaller step or a wider range"
        ]
    );
    assert_eq!(
        problems(&plan("percent:99%")),
        [
            "a grid has two levels or more, but two steps of 99% do not fit between 3 and 3.2: use a smaller step or a wider range"
        ]
    );
    let mut plan = plan("percent:0.01%");
    plan.upper = price("9999");
    assert_eq!(
        problems(&plan),
        ["the step makes more than 5000 levels, the most a bot has: \
         use a larger step or a narrower range",]
    );
}

#[test]
fn a_step_finer_than_the_tick_is_refused_with_what_fits() {
    let mut arithmetic = plan("arithmetic:20");
    arithmetic.upper = price("3.0015");
    assert_eq!(
        problems(&arithmetic),
        [
            "two neighbouring lines fall on 3.0001, as the step there is finer than the tick 0.0001: \
         use at most 15 levels, or a wider range",
        ]
    );
    let mut fitting = plan("arithmetic:15");
    fitting.upper = price("3.0015");
    fitting.maker_fee = Rate::ZERO;
    assert_eq!(fitting.ladder(&rules(), None).unwrap().rungs.len(), 15);

    let mut geometric = plan("geometric:20");
    geometric.upper = price("3.0015");
    assert_eq!(
        problems(&geometric),
        [
            "two neighbouring lines fall on 3.0001, as the step there is finer than the tick 0.0001: \
         use at most 14 levels, or a wider range",
        ]
    );
    assert_eq!(
        problems(&plan("percent:0.001%")),
        [
            "two neighbouring lines fall on 3.2, as the step there is finer than the tick 0.0001: \
         use a step of 0.0034% or more",
        ]
    );
    let mut whole = rules();
    whole.price = Some(PriceRule {
        min: Decimal::ZERO,
        max: Decimal::ZERO,
        tick: Decimal::ONE,
    });
    (geometric.lower, geometric.upper) = (price("1"), price("8"));
    geometric.spacing = "geometric:5".parse().unwrap();
    assert_eq!(
        problems_with(&geometric, &whole, None),
        [
            "two neighbouring lines fall on 2, as the step there is finer than the tick 1: \
         use at most 3 levels, or a wider range",
        ]
    );
    let mut narrow = plan("arithmetic:2");
    narrow.upper = price("3.0001");
    assert_eq!(
        problems(&narrow),
        [
            "two neighbouring lines fall on 3, as the step there is finer than the tick 0.0001: \
         use a wider range",
        ]
    );
    assert_eq!(
        problems(&plan("percent:0%")),
        ["the step is 0%: use a step such as 1.5%"]
    );
}

#[test]
fn a_bad_quantity_is_refused_once_for_all_levels() {
    for (of, expected) in [
        ("0", vec!["each level: the quantity is 0: ask for more"]),
        (
            "10.05",
            vec![
                "each level: the quantity 10.05 is no multiple of the step 0.1 (LOT_SIZE): \
             use 10 or 10.1",
            ],
        ),
        (
            "90000.1",
            vec![
                "each level: the quantity 90000.1 is above the symbol's largest, 90000 (LOT_SIZE): \
             lower it",
            ],
        ),
        (
            "0.1",
            vec![
                "level 0 (3 other levels too), the BUY at 3: the order is worth 0.3, less than the smallest \
             value, 5 (NOTIONAL): use a quantity of at least 1.8, which also leaves enough to sell after the fee",
            ],
        ),
        (
            "1.6",
            vec![
                "level 0 (2 other levels too), the BUY at 3: the order is worth 4.8, less than the smallest \
             value, 5 (NOTIONAL): use a quantity of at least 1.8, which also leaves enough to sell after the fee",
                "level 3, the SELL at 3.2 of what a fee of 0.1% leaves of 1.6: the order is worth 4.8, \
             less than the smallest value, 5 (NOTIONAL): use a quantity of at least 1.7, counted before the fee",
            ],
        ),
    ] {
        let mut plan = plan("arithmetic:4");
        plan.sizing = Sizing::BasePerLevel {
            quantity: quantity(of),
        };
        assert_eq!(problems(&plan), expected, "{of}");
    }
}

#[test]
fn what_the_fee_leaves_must_reach_the_minimum_too() {
    let mut plan = plan("arithmetic:4");
    // 1.7 is worth 5.1 at 3; less the fee it is 1.6, worth 4.88 at 3.05.
    plan.sizing = Sizing::BasePerLevel {
        quantity: quantity("1.7"),
    };
    assert_eq!(
        problems(&plan),
        [
            "level 0 (1 other level too), the SELL at 3.05 of what a fee of 0.1% leaves of 1.7: the order \
         is worth 4.88, less than the smallest value, 5 (NOTIONAL): use a quantity of at least 1.8, counted before the fee",
        ]
    );
    plan.maker_fee = Rate::ZERO;
    assert!(plan.ladder(&rules(), None).is_ok());
}

#[test]
fn too_large_a_value_is_named_at_its_largest() {
    let mut rules = rules();
    rules.notional = Some(NotionalRule {
        min: "5".parse().unwrap(),
        max: Some("31".parse().unwrap()),
    });
    assert_eq!(
        problems_with(&plan("arithmetic:4"), &rules, None),
        [
            "level 2, the SELL at 3.15 of what a fee of 0.1% leaves of 10: the order is worth 31.185, \
         more than the largest value, 31 (NOTIONAL): use a smaller quantity",
            "level 3, the BUY at 3.15: the order is worth 31.5, more than the largest value, 31 \
         (NOTIONAL): use a smaller quantity",
        ]
    );
}

#[test]
fn a_plan_that_loses_after_fees_is_refused_with_the_figures() {
    let mut plan = plan("arithmetic:4");
    plan.maker_fee = rate("0.8%");
    // 3.2 * 0.992² - 3.15 = -0.00099...; the higher the level, the smaller its step in percent.
    assert_eq!(
        problems(&plan),
        [
            "2 of 4 levels would lose money, level 3 the most: bought at 3.15 and sold at 3.2, with a fee of 0.8% \
         each time, each XRP loses 0.0009952 USDT; it would have to sell at 3.2011 or more, 1.623 % higher than it \
         buys: use a larger step, that is fewer levels or a wider range",
        ]
    );
    plan.maker_fee = rate("1%");
    let all = problems(&plan);
    assert!(
        all[0].starts_with("all 4 levels would lose money, level 3 the most"),
        "{all:?}"
    );
}

#[test]
fn breaking_even_earns_nothing() {
    let mut plan = plan("arithmetic:2");
    plan.maker_fee = rate("50%");
    plan.lower = price("1");
    plan.upper = price("7");
    // 4 * 0.5² = 1, exactly what was paid.
    assert_eq!(
        problems(&plan),
        [
            "both levels would lose money, level 1 the most: bought at 4 and sold at 7, with a fee of 50% each time, \
         each XRP loses 2.25 USDT; it would have to sell at 16.0001 or more, 300.003 % higher than it buys: use a \
         larger step, that is fewer levels or a wider range",
        ]
    );
    plan.upper = price("4.0002");
    plan.spacing = "percent:74.99%".parse().unwrap();
    assert!(plan.ladder(&rules(), None).is_err());
}

#[test]
fn of_equal_losses_the_lowest_level_is_named() {
    let mut plan = plan("geometric:2");
    plan.maker_fee = rate("50%");
    (plan.lower, plan.upper) = (price("1"), price("16"));
    // Lines at 1, 4 and 16: a quarter of the next one is just what was paid, at both levels.
    let all = problems(&plan);
    assert_eq!(all.len(), 1, "{all:?}");
    assert!(
        all[0].contains("level 0 the most: bought at 1 and sold at 4,"),
        "{all:?}"
    );
}

#[test]
fn too_small_an_investment_is_told_what_it_needs() {
    // At 3 the smallest value of 5 takes 1.7, but of that the fee leaves only 1.6 to sell at 3.05.
    let needed = "the investment of 10 is too small: 4 levels of the smallest possible quantity, \
                  1.8, need 22.14: invest more or ask for fewer levels";
    assert_eq!(problems(&investing("arithmetic:4", "10")), [needed]);
    assert_eq!(
        problems(&investing("arithmetic:4", "22.13")),
        [needed.replace("of 10 is", "of 22.13 is")]
    );
    let ladder = investing("arithmetic:4", "22.14")
        .ladder(&rules(), None)
        .unwrap();
    assert_eq!(ladder.rungs[0].quantity, quantity("1.8"));
    assert_eq!(ladder.summary.capital.to_string(), "22.14");
    for total in ["0", "-5"] {
        assert_eq!(
            problems(&investing("arithmetic:4", total)),
            [format!("the investment is {total}: invest more than 0")]
        );
    }
}

/// That levels get too little is said with the investment; what else is wrong is not.
#[test]
fn too_small_an_investment_hides_no_order_that_is_too_large() {
    let mut rules = rules();
    rules.notional = Some(NotionalRule {
        min: "5".parse().unwrap(),
        max: Some("200".parse().unwrap()),
    });
    // 4.9 at each of 1 and 50.5: too little for the one, too much for the other.
    let mut plan = investing("arithmetic:2", "252.35");
    (plan.lower, plan.upper) = (price("1"), price("100"));
    assert_eq!(
        problems_with(&plan, &rules, None),
        [
            "the investment of 252.35 is too small: 2 levels of the smallest possible quantity, 5, need \
             257.5: invest more or ask for fewer levels",
            "level 1, the BUY at 50.5: the order is worth 247.45, more than the largest value, 200 \
             (NOTIONAL): use a smaller quantity",
        ]
    );
}

/// A symbol that rests spoils no line, and says nothing of what the levels get.
#[test]
fn what_does_not_concern_the_lines_leaves_them_to_be_looked_at() {
    let mut rules = rules();
    rules.status = SymbolStatus::Halted;
    let mut plan = plan("arithmetic:4");
    plan.sizing = Sizing::BasePerLevel {
        quantity: quantity("1"),
    };
    let draft = plan.draft(&rules, None);
    assert_eq!(draft.ladder.map(|ladder| ladder.rungs.len()), Some(4));
    assert!(
        matches!(
            draft.problems.as_slice(),
            [
                PlanProblem::NotTrading { .. },
                PlanProblem::Order { .. },
                ..
            ]
        ),
        "{:?}",
        draft.problems
    );
}

#[test]
fn an_investment_is_judged_even_where_no_line_can_be_drawn() {
    for (total, refused) in [("0", true), ("-1", true), ("1", false)] {
        let all = problems(&investing("arithmetic:1", total));
        let told = all.iter().any(|text| text.contains("invest more than 0"));
        assert_eq!(told, refused, "{all:?}");
        assert!(all[0].contains("a grid has 2 or more"), "{all:?}");
    }
}

#[test]
fn an_investment_must_reach_every_minimum_of_every_order() {
    let quantity_needed = |plan: &GridPlan, rules: &SymbolRules, prices| {
        let error = plan.ladder(rules, prices).unwrap_err();
        match error.problems.as_slice() {
            [
                PlanProblem::InvestmentTooSmall {
                    quantity, needed, ..
                },
            ] => {
                let sizing = Sizing::Investment { total: *needed };
                let enough = GridPlan {
                    sizing,
                    ..plan.clone()
                };
                assert!(enough.ladder(rules, prices).is_ok());
                quantity.to_string()
            }
            other => panic!("{other:?}"),
        }
    };
    let mut rules = rules();
    rules.lot = Some(LotRule {
        min: quantity("0.01"),
        max: quantity("90000"),
        step: decimal("0.01"),
    });
    let mut plan = investing("arithmetic:4", "10");
    (plan.maker_fee, plan.taker_fee) = (Rate::ZERO, Rate::ZERO);
    // The BUY at 3 takes 1.67 (the SELL at 3.05 only 1.64), the first BUY at 2.7135 takes 1.85.
    assert_eq!(quantity_needed(&plan, &rules, None), "1.67");
    assert_eq!(
        quantity_needed(&plan, &rules, market("2.6999", "2.7")),
        "1.85"
    );
    // Of a first purchase the taker fee of 10 % leaves 1.64 of 1.83 to sell at 3.05.
    plan.taker_fee = rate("10%");
    assert_eq!(
        quantity_needed(&plan, &rules, market("2.7449", "2.745")),
        "1.83"
    );
}

#[test]
fn the_taker_fee_of_a_first_purchase_counts() {
    let mut plan = plan("arithmetic:4");
    plan.sizing = Sizing::BasePerLevel {
        quantity: quantity("1.7"),
    };
    plan.maker_fee = Rate::ZERO;
    assert!(plan.ladder(&rules(), None).is_ok());
    assert_eq!(
        problems_with(&plan, &rules(), market("2.9999", "3")),
        [
            "level 0 (1 other level too), the SELL at 3.05 of what a fee of 0.1% leaves of 1.7: the order \
         is worth 4.88, less than the smallest value, 5 (NOTIONAL): use a quantity of at least 1.8, counted before the fee",
        ]
    );
}

#[test]
fn a_quotient_rounded_up_does_not_overspend() {
    // Lines at 1, 2 and 3: one of each costs 3, so the quotient reads 10 exactly when rounded.
    let mut plan = investing("arithmetic:2", "29.999999999999999999999999999");
    (plan.lower, plan.upper) = (price("1"), price("3"));
    let ladder = plan.ladder(&rules(), None).unwrap();
    assert_eq!(ladder.rungs[0].quantity, quantity("9.9"));
}

#[test]
fn too_large_an_investment_breaks_the_lot_size() {
    assert_eq!(
        problems(&investing("arithmetic:4", "10000000")),
        [
            "each level: the quantity 813008.1 is above the symbol's largest, 90000 (LOT_SIZE): lower it",
        ]
    );
}

#[test]
fn the_symbol_must_trade_and_know_post_only_orders() {
    let mut rules = rules();
    rules.status = SymbolStatus::Halted;
    rules.post_only_allowed = false;
    let mut plan = plan("arithmetic:4");
    plan.post_only = true;
    assert_eq!(
        problems_with(&plan, &rules, None),
        [
            "the symbol takes no orders now, it is halted: wait until it trades",
            "the symbol has no post-only orders (LIMIT_MAKER): plan without them",
        ]
    );
    rules.status = SymbolStatus::Trading;
    plan.post_only = false;
    assert!(plan.ladder(&rules, None).is_ok());
}

#[test]
fn all_problems_are_reported_at_once() {
    let mut rules = rules();
    rules.status = SymbolStatus::CancelOnly;
    let mut plan = plan("arithmetic:1");
    (plan.lower, plan.upper) = (price("3.00005"), price("2"));
    plan.sizing = Sizing::BasePerLevel {
        quantity: quantity("0.25"),
    };
    assert_eq!(
        problems_with(&plan, &rules, None),
        [
            "the symbol takes no orders now, it is open to cancels only: wait until it trades",
            "lowest line: the price 3.00005 is no multiple of the tick 0.0001 (PRICE_FILTER): \
         use 3 or 3.0001",
            "the highest line 2 is not above the lowest line 3.00005: raise the one or lower the other",
            "levels: 1, but a grid has 2 or more: ask for more",
            "each level: the quantity 0.25 is no multiple of the step 0.1 (LOT_SIZE): use 0.2 or 0.3",
        ]
    );
}

#[test]
fn figures_beyond_exact_decimals_are_refused_not_rounded() {
    let mut lawless = rules();
    (lawless.price, lawless.lot, lawless.notional) = (None, None, None);
    let mut plan = plan("arithmetic:2");
    (plan.lower, plan.upper) = (price("900000000000000"), price("1000000000000000"));
    plan.sizing = Sizing::BasePerLevel {
        quantity: Quantity::MAX,
    };
    let error = plan.ladder(&lawless, None).unwrap_err();
    assert!(!error.problems.is_empty());
    plan.spacing = "geometric:2".parse().unwrap();
    (plan.lower, plan.upper) = (price("0.000000000000000001"), price("1000000000000000"));
    assert!(plan.ladder(&lawless, None).is_err());
    plan.sizing = Sizing::Investment {
        total: "79228162514264337593543950335".parse().unwrap(),
    };
    assert!(plan.ladder(&lawless, None).is_err());
}

#[test]
fn a_symbol_without_filters_still_gets_a_ladder() {
    let mut lawless = rules();
    (lawless.price, lawless.lot, lawless.notional) = (None, None, None);
    let ladder = investing("geometric:7", "100")
        .ladder(&lawless, None)
        .unwrap();
    assert_eq!(ladder.rungs.len(), 7);
    assert!(
        ladder
            .rungs
            .iter()
            .all(|rung| rung.buy_price.decimal().scale() <= 8)
    );
    assert!(ladder.rungs[0].quantity.decimal().scale() <= 8);
}

#[test]
fn a_sale_can_be_too_large_where_no_purchase_is() {
    let mut rules = rules();
    rules.notional = Some(NotionalRule {
        min: "5".parse().unwrap(),
        max: Some("31.6".parse().unwrap()),
    });
    assert_eq!(
        problems_with(&plan("arithmetic:4"), &rules, None),
        [
            "level 3, the SELL at 3.2 of what a fee of 0.1% leaves of 10: the order is worth 31.68, \
         more than the largest value, 31.6 (NOTIONAL): use a smaller quantity",
        ]
    );
}

#[test]
fn a_fee_that_leaves_nothing_on_step_is_refused() {
    let mut plan = plan("arithmetic:4");
    plan.sizing = Sizing::BasePerLevel {
        quantity: quantity("0.1"),
    };
    let smallest = NotionalRule {
        min: "0.1".parse().unwrap(),
        max: None,
    };
    // Nothing is worth nothing: that it is below the smallest value needs no saying.
    for notional in [None, Some(smallest)] {
        let rules = SymbolRules {
            notional,
            ..rules()
        };
        assert_eq!(
            problems_with(&plan, &rules, None),
            [
                "level 0 (3 other levels too), the SELL at 3.05 of what a fee of 0.1% leaves of 0.1: \
             the quantity is 0: ask for more",
            ]
        );
    }
}

#[test]
fn the_first_purchase_must_reach_the_minimum_at_its_own_price() {
    let mut plan = plan("arithmetic:4");
    plan.sizing = Sizing::BasePerLevel {
        quantity: quantity("1.8"),
    };
    assert!(plan.ladder(&rules(), market("2.8", "2.81")).is_ok());
    // 2.7 and 0.5 % is 2.7135: 1.8 of it is worth 4.8843.
    assert_eq!(
        problems_with(&plan, &rules(), market("2.6999", "2.7")),
        [
            "level 0 (3 other levels too), the first BUY at 2.7135: the order is worth 4.8843, less than \
         the smallest value, 5 (NOTIONAL): use a quantity of at least 1.9, which also leaves enough to sell after the fee",
        ]
    );
}
