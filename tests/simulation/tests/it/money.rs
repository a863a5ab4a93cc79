//! Fees in whatever asset the exchange takes them.

use domain::{Asset, OrderState, Side};
use exchange_simulator::model::{CommissionRates, SymbolRules};
use simulation::{BotSpec, World, bot_id, decimal, rung};

use crate::{XRP, assert_rests, fill, one_level, order};

fn set_fees(world: &World, rate: &str, in_bnb: bool) {
    let rates = CommissionRates {
        maker: decimal(rate),
        taker: decimal(rate),
        pay_in_bnb: in_bnb,
        bnb_factor: decimal("0.75"),
    };
    assert!(world.exchange.with_model(|model, _| {
        model.set_bnb_price("USDT", decimal("600"));
        model.set_commission("main", rates)
    }));
}

fn deposit(world: &World, asset: &str, amount: &str) {
    assert!(
        world
            .exchange
            .with_model(|model, now| { model.move_funds(now, "main", asset, decimal(amount)) })
    );
}

#[test]
fn a_trade_without_commission_has_none() {
    let (world, bot) = one_level();
    set_fees(&world, "0", false);
    fill(&world, &order(&world, &bot, 0), 1, None);
    world.quiet();
    assert_eq!(world.store.ledger_now()[0].trade.fee, None);
    assert_rests(&world, &bot, 0, Side::Sell, "100");
    world.assert_sound(&bot);
}

#[test]
fn commission_switches_between_base_and_bnb_within_one_order() {
    let (world, bot) = one_level();
    deposit(&world, "BNB", "1");
    let buy = order(&world, &bot, 0);
    fill(&world, &buy, 2, Some("30"));
    set_fees(&world, "0.001", true);
    fill(&world, &buy, 1, Some("30"));
    set_fees(&world, "0.001", false);
    fill(&world, &buy, 1, Some("40"));
    world.quiet();
    // 0.03 + 0.04 XRP were taken in base, the rest in BNB.
    let level = world.level(&bot, 0);
    assert_eq!(level.base.to_string(), "99.93");
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
    let bnb: Asset = "BNB".parse().unwrap();
    assert!(level.fees.contains_key(&bnb));
    world.assert_sound(&bot);
    // The SELL pays in quote, then in BNB.
    let sell = order(&world, &bot, 0);
    fill(&world, &sell, 1, Some("50"));
    set_fees(&world, "0.001", true);
    fill(&world, &sell, 1, None);
    world.quiet();
    let level = world.level(&bot, 0);
    assert_eq!(level.fees.len(), 3, "{:?}", level.fees);
    assert_eq!(
        level.base.to_string(),
        "0.03",
        "what the step leaves is carried"
    );
    assert_rests(&world, &bot, 0, Side::Buy, "100");
    world.assert_sound(&bot);
}

#[test]
fn carried_remainders_are_sold_once_they_make_a_step() {
    let (world, bot) = one_level();
    for turn in 0..20 {
        world.print(XRP, if turn % 2 == 0 { "3.10" } else { "3.15" });
        world.quiet();
        world.assert_sound(&bot);
    }
    let level = world.level(&bot, 0);
    assert_eq!(level.round_trips, 10);
    assert!(level.base.decimal() < decimal("0.1"), "{}", level.base);
}

#[test]
fn a_symbol_whose_base_is_bnb_pays_its_fees_from_what_it_trades() {
    let world = World::empty();
    world.list(SymbolRules::suited_to("BNBUSDT", (2, 3)), "620");
    world.open_account("main", &[("BNB", "1"), ("USDT", "100000")]);
    set_fees(&world, "0.001", true);
    world.create_bot(&BotSpec {
        symbol: "BNBUSDT",
        ..BotSpec::demo(vec![rung("600", "630", "1"), rung("570", "600", "1")])
    });
    let bot = bot_id("demo");
    world.lay(&bot);
    for price in ["560", "640", "560", "640", "590", "640"] {
        world.print("BNBUSDT", price);
        world.quiet();
        world.assert_sound(&bot);
    }
    let level = world.level(&bot, 0);
    assert_eq!(level.round_trips, 3);
    assert_eq!(
        level.fees.len(),
        1,
        "every fee is in base: {:?}",
        level.fees
    );
    assert_eq!(order(&world, &bot, 0).state, OrderState::Open);
}
