//! Accounts that lack what an order needs.

use domain::{OrderState, RefusalReason, Side};
use simulation::{World, decimal};
use trading::Troubled;

use crate::{XRP, assert_rests, one_level};

fn move_funds(world: &World, asset: &str, amount: &str) {
    assert!(
        world
            .exchange
            .with_model(|model, now| { model.move_funds(now, "main", asset, decimal(amount)) })
    );
}

fn refused_for_funds(state: &OrderState) -> bool {
    matches!(
        state,
        OrderState::Refused {
            why: RefusalReason::InsufficientBalance,
            ..
        }
    )
}

#[test]
fn base_sold_by_hand_is_refused_and_healed_when_it_is_back() {
    let (world, bot) = one_level();
    move_funds(&world, "XRP", "-1000000");
    world.print(XRP, "3.10");
    // The owner sells what the level has just bought, before its SELL is placed.
    move_funds(&world, "XRP", "-99.9");
    world.quiet();
    assert!(
        refused_for_funds(&world.state(&bot, 0)),
        "{:?}",
        world.state(&bot, 0)
    );
    world.heal(std::slice::from_ref(&bot), 4);
    assert!(
        refused_for_funds(&world.state(&bot, 0)),
        "it is tried again in vain"
    );
    world.advance(std::time::Duration::from_secs(60));
    let recovered = world.recover(&bot);
    let refused = Troubled {
        refused: 1,
        ..Troubled::default()
    };
    assert_eq!(recovered.troubled, refused);
    let problems = recovered.problems;
    assert!(
        problems
            .iter()
            .any(|problem| problem.starts_with("level 0: not placed: ")),
        "{problems:?}"
    );
    world.assert_sound(&bot);
    move_funds(&world, "XRP", "99.9");
    world.heal(std::slice::from_ref(&bot), 4);
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
    assert_eq!(world.recover(&bot).troubled, Troubled::default());
    assert_eq!(
        world.level(&bot, 0).order.unwrap().no.0,
        2,
        "still the same intent"
    );
    world.assert_sound(&bot);
}

#[test]
fn an_insufficient_balance_is_refused_and_healed_when_funds_arrive() {
    let (world, bot) = one_level();
    world.print(XRP, "3.10");
    world.quiet();
    move_funds(&world, "USDT", "-999690");
    world.print(XRP, "3.15");
    // The proceeds leave the account before the next BUY.
    move_funds(&world, "USDT", "-300");
    world.quiet();
    assert!(
        refused_for_funds(&world.state(&bot, 0)),
        "{:?}",
        world.state(&bot, 0)
    );
    move_funds(&world, "USDT", "1000");
    world.heal(std::slice::from_ref(&bot), 4);
    assert_rests(&world, &bot, 0, Side::Buy, "100");
    world.assert_sound(&bot);
}

#[test]
fn a_grid_purchase_that_was_refused_is_made_at_its_line_wherever_the_market_is() {
    let (world, bot) = one_level();
    world.print(XRP, "3.10");
    world.quiet();
    move_funds(&world, "USDT", "-999690");
    world.print(XRP, "3.15");
    move_funds(&world, "USDT", "-300");
    world.quiet();
    assert!(refused_for_funds(&world.state(&bot, 0)));
    // Below the line it could be bought for less; a first purchase would be.
    world.print(XRP, "3.00");
    move_funds(&world, "USDT", "1000");
    world.advance(std::time::Duration::from_secs(60));
    world.recover(&bot);
    let intent = world.level(&bot, 0).order.unwrap().intent;
    assert_eq!(
        (intent.purpose, intent.price.to_string().as_str()),
        (domain::Purpose::Grid, "3.1")
    );
}
