//! Open orders under ids of ours that no level counts on.

use std::time::Duration;

use domain::{OrderState, Side};
use exchange_simulator::model::{NewOrder, Reject, Side as ModelSide};
use simulation::{Journey, decimal};

use crate::{XRP, assert_rests, one_level, order};

/// Anybody can type an id that the level will give out one day. A reply to a cancel does not say
/// when the order was created, but the listing it was found in does.
#[test]
fn an_order_older_than_its_intent_is_cancelled_and_not_taken_for_it() {
    let (world, bot) = one_level();
    let by_hand = NewOrder::limit(
        XRP,
        ModelSide::Sell,
        decimal("3.15"),
        decimal("99.9"),
        "gk-demo-0-2",
    );
    world
        .exchange
        .with_model(|model, now| model.place(now, "main", by_hand))
        .unwrap();
    world.advance(Duration::from_secs(10));
    world
        .exchange
        .script(Journey::refused(Reject::insufficient_balance()));
    world.print(XRP, "3.10");
    world.quiet();
    let refused = order(&world, &bot, 0);
    assert!(
        matches!(&refused.state, OrderState::Refused { lease: Some(_), .. }),
        "{refused:?}"
    );
    assert_eq!(refused.no.0, 2);
    world.recover(&bot);
    assert_eq!(world.open_order_ids(XRP), Vec::<u64>::new(), "cancelled");
    assert_eq!(order(&world, &bot, 0), refused, "and nothing else");
    world.quiet();
    world.heal(std::slice::from_ref(&bot), 4);
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
    assert_eq!(order(&world, &bot, 0).no.0, 2, "still the same intent");
}
