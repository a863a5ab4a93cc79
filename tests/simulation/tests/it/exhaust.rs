//! Everything in every order, in small worlds: what is right stays right, and mistakes are found.

use simulation::exhaust::{Bounds, explore};
use simulation::mistake::Mistake;

/// Two prints and one wait: a round trip, two handlers at once.
const ROUND_TRIP: Bounds = Bounds {
    prints: 2,
    recoveries: 0,
    faults: 0,
    waits: 1,
};

/// One fill, two handlers and a recovery at once, one fault.
const ONE_FAULT: Bounds = Bounds {
    prints: 1,
    recoveries: 1,
    faults: 1,
    waits: 1,
};

/// One fill, two handlers at once, two faults.
const TWO_FAULTS: Bounds = Bounds {
    prints: 1,
    recoveries: 0,
    faults: 2,
    waits: 2,
};

#[test]
fn nothing_goes_wrong_in_any_order() {
    for (bounds, at_least) in [(ROUND_TRIP, 1_000), (ONE_FAULT, 5_000)] {
        let explored = explore(bounds, None);
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
fn mistakes_are_found_that_a_single_level_can_show() {
    let mistakes = [
        (Mistake::MarkThenPlace, ONE_FAULT),
        (Mistake::PlaceThenMark, ONE_FAULT),
        (Mistake::NoGuards, ONE_FAULT),
        (Mistake::UnknownIsRefusal, TWO_FAULTS),
    ];
    for (mistake, bounds) in mistakes {
        assert!(
            explore(bounds, Some(mistake)).wrong.is_some(),
            "{mistake:?}"
        );
    }
}
