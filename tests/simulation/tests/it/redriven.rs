//! Dead letters that somebody sends back: whatever recovery has done meanwhile, they change nothing.

use std::time::Duration;

use domain::Side;

use crate::{XRP, assert_rests, one_level};

/// How long the dead letters are kept.
const KEPT: Duration = Duration::from_secs(14 * 24 * 3600);

#[test]
fn dead_letters_sent_back_weeks_later_change_nothing() {
    let (world, bot) = one_level();
    let mut letters = Vec::new();
    for price in ["3.10", "3.16", "3.10", "3.16", "3.10"] {
        world.print(XRP, price);
        // None of them is ever handled; recovery finds what they were about.
        letters.extend(world.reports());
        world.heal(std::slice::from_ref(&bot), 2);
    }
    assert!(letters.len() >= 5, "{letters:?}");
    assert_eq!(world.level(&bot, 0).round_trips, 2);
    for wait in [Duration::ZERO, KEPT] {
        world.advance(wait);
        world.recover(&bot);
        let records = || (world.level(&bot, 0), world.store.ledger_now());
        let (before, orders) = (records(), world.open_order_ids(XRP));
        world.gate.forget();
        for letter in letters.iter().rev().chain(&letters) {
            world.queue.put(&world.message(letter.clone()));
        }
        world.quiet();
        assert_eq!(records(), before);
        assert_eq!(world.open_order_ids(XRP), orders);
        assert_eq!(world.gate.count("place"), 0);
        assert!(world.queue.dead().is_empty());
    }
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
    world.assert_sound(&bot);
}
