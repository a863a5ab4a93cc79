//! Ladders and the plans that are refused.

mod figures;
mod ladders;
mod refusals;

use rust_decimal::Decimal;

use crate::{
    BestPrices, FirstInventory, GridPlan, LotRule, NotionalRule, Price, PriceRule, Quantity, Rate,
    Sizing, Spacing, SymbolRules, SymbolStatus,
};

fn decimal(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

fn quantity(text: &str) -> Quantity {
    text.parse().unwrap()
}

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

fn market(bid: &str, ask: &str) -> Option<BestPrices> {
    Some(BestPrices {
        bid: price(bid),
        ask: price(ask),
    })
}

/// Tick 0.0001, step 0.1, smallest value 5, no band.
fn rules() -> SymbolRules {
    SymbolRules {
        symbol: "XRPUSDT".parse().unwrap(),
        base: "XRP".parse().unwrap(),
        quote: "USDT".parse().unwrap(),
        status: SymbolStatus::Trading,
        price: Some(PriceRule {
            min: decimal("0.0001"),
            max: decimal("10000"),
            tick: decimal("0.0001"),
        }),
        lot: Some(LotRule {
            min: quantity("0.1"),
            max: quantity("90000"),
            step: decimal("0.1"),
        }),
        notional: Some(NotionalRule {
            min: "5".parse().unwrap(),
            max: None,
        }),
        band: None,
        max_open_orders: Some(200),
        post_only_allowed: true,
        expire_taker_allowed: true,
    }
}

/// 3.0000 to 3.2000 in `spacing`, 10 base each, fees of 0.1 %.
fn plan(spacing: &str) -> GridPlan {
    GridPlan {
        lower: price("3"),
        upper: price("3.2"),
        spacing: spacing.parse().unwrap(),
        sizing: Sizing::BasePerLevel {
            quantity: quantity("10"),
        },
        compounding: false,
        post_only: false,
        first_inventory: FirstInventory::Buy,
        maker_fee: rate("0.1%"),
        taker_fee: rate("0.1%"),
    }
}

fn investing(spacing: &str, total: &str) -> GridPlan {
    GridPlan {
        sizing: Sizing::Investment {
            total: total.parse().unwrap(),
        },
        ..plan(spacing)
    }
}

fn lines(plan: &GridPlan) -> Vec<String> {
    let ladder = plan.ladder(&rules(), None).unwrap();
    let top = ladder.rungs.last().unwrap().sell_price;
    let mut lines: Vec<String> = ladder
        .rungs
        .iter()
        .map(|rung| rung.buy_price.to_string())
        .collect();
    lines.push(top.to_string());
    lines
}

#[test]
fn choices_are_read_back_as_written() {
    for text in ["arithmetic:20", "geometric:5000", "percent:1.5%"] {
        assert_eq!(text.parse::<Spacing>().unwrap().to_string(), text);
    }
    for text in ["base:0.5", "investment:1000"] {
        assert_eq!(text.parse::<Sizing>().unwrap().to_string(), text);
    }
    for text in ["buy", "balance"] {
        assert_eq!(text.parse::<FirstInventory>().unwrap().to_string(), text);
    }
    for text in [
        "",
        "20",
        "linear:20",
        "arithmetic:",
        "arithmetic:-1",
        "arithmetic:4294967296",
        "percent:1.5",
    ] {
        assert!(text.parse::<Spacing>().is_err(), "{text:?}");
    }
    for text in ["", "0.5", "base:", "base:-1", "base:1e3", "investment:many"] {
        assert!(text.parse::<Sizing>().is_err(), "{text:?}");
    }
    assert!("Buy".parse::<FirstInventory>().is_err());
}

#[test]
fn a_plan_survives_its_record() {
    for plan in [plan("arithmetic:20"), investing("percent:1.5%", "1000")] {
        let json = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<GridPlan>(&json).unwrap(), plan);
    }
}
