//! An exchange that answers slowly.

use std::time::Duration;

use simulation::{Step, Task, World, bot_id, rung};
use trading::{LEVELS_AT_ONCE, RECOVERY_RUN, recover_bot};

#[test]
fn what_a_slow_run_did_not_come_to_is_left_for_the_next_one() {
    let prices = 300..312;
    let rungs = prices.map(|cents| {
        let (buy, sell) = (format!("{}.{:02}", cents / 100, cents % 100), "3.20");
        rung(&buy, sell, "10")
    });
    let rungs: Vec<_> = rungs.collect();
    let (levels, bot) = (rungs.len(), bot_id("demo"));
    let world = World::demo("3.13", rungs);
    let mut run = Task::new(&world, recover_bot(world.ports(), &bot));
    while world.gate.count("place") == 0 {
        assert!(matches!(run.step(), Step::Called(_)));
    }
    world.advance(RECOVERY_RUN + Duration::from_secs(1));
    let recovered = run.finish().unwrap();
    let left = levels - LEVELS_AT_ONCE;
    let counted = recovered.actions.get("left_for_the_next");
    assert_eq!(counted, Some(&u32::try_from(left).unwrap()));
    assert!(
        recovered
            .problems
            .iter()
            .any(|problem| problem.contains("are left for the next")),
        "{:?}",
        recovered.problems
    );
    let at = world.store.bot_now(&bot).recovered_at.unwrap();
    assert!(
        world.now().since(at) > RECOVERY_RUN,
        "it says when it asked, not when it ended"
    );
    world.heal(std::slice::from_ref(&bot), 2);
    assert_eq!(world.open_order_ids("XRPUSDT").len(), levels);
    world.assert_sound(&bot);
}
