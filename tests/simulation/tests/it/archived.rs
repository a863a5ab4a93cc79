//! Orders that ended so long ago that the exchange tells no more than that.

use std::time::Duration;

use domain::Side;

use crate::{XRP, assert_rests, one_level, order};

#[test]
fn an_order_that_ended_unfilled_long_ago_is_answered_like_any_that_ended() {
    let (world, bot) = one_level();
    let ours = order(&world, &bot, 0);
    world.set_stream(false);
    let id = u64::try_from(ours.exchange_order_id.unwrap().0).unwrap();
    world
        .exchange
        .with_model(|model, now| model.cancel_from_outside(now, XRP, id))
        .unwrap();
    world.advance(Duration::from_secs(91 * 24 * 3_600));
    world.recover(&bot);
    world.set_stream(true);
    world.heal(std::slice::from_ref(&bot), 4);
    assert_rests(&world, &bot, 0, Side::Buy, "100");
    assert_eq!(order(&world, &bot, 0).no.0, 2);
    world.assert_sound(&bot);
}
