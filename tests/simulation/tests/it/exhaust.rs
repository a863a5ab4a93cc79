//! Everything in every order, in small worlds: what is right stays right, and mistakes are found.

use simulation::exhaust::{Bounds, explore};
use simulation::mistake::Mistake;

/// Two prints and one wait: a round trip, two handlers at once.
const ROUND_TRIP: Bounds = Bounds {
    prints: 2,
    recoveries: 0,
    faults: 0,
    waits: 1,
    every_order: false,
};

/// One fill, two handlers and a recovery at once, one fault.
const ONE_FAULT: Bounds = Bounds {
    prints: 1,
    recoveries: 1,
    faults: 1,
    waits: 1,
    every_order: false,
};

/// One fill, two handlers at once, two faults.
const TWO_FAULTS: Bounds = Bounds {
    prints: 1,
    recoveries: 0,
    faults: 2,
    waits: 2,
    every_order: false,
};

#[test]
fn nothing_goes_wrong_in_any_order() {
    for (bounds, at_least) in [(ROUND_TRIP, 1_000), (ONE_FAULT, 5_000)] {
        let explored = explore(bounds, None, 1);
        assert!(explored.wrong.is_none(), "{bounds:?}: {:?}", explored.wrong);
        assert!(
            explored.states > at_least,
            "{bounds:?}: only {} states",
            explored.states
        );
        assert!(
            explored.ends > 10,
            "{bounds:?}: only {} ends",
            explored.ends
        );
    }
}

#[test]
fn no_state_is_left_out_with_the_orders_that_are_not_tried() {
    for bounds in [ROUND_TRIP, ONE_FAULT] {
        let every_order = Bounds {
            every_order: true,
            ..bounds
        };
        let (some, all) = (explore(bounds, None, 1), explore(every_order, None, 1));
        assert_eq!(some.states, all.states, "{bounds:?}");
        assert_eq!(some.ends, all.ends, "{bounds:?}");
        assert!(some.choices < all.choices, "{bounds:?}");
    }
}

#[test]
fn mistakes_are_found_that_a_single_level_can_show() {
    let mistakes = [
        (Mistake::MarkThenPlace, ONE_FAULT),
        (Mistake::PlaceThenMark, ONE_FAULT),
        (Mistake::NoGuards, ONE_FAULT),
        (Mistake::UnknownIsRefusal, TWO_FAULTS),
    ];
    for (mistake, bounds) in mistakes {
        assert!(
            explore(bounds, Some(mistake), 1).wrong.is_some(),
            "{mistake:?}"
        );
    }
}
