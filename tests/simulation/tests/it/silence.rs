//! A stream that is recorded as subscribed and brings nothing.

use std::time::Duration;

use domain::{BotId, LocalTime};
use simulation::{World, bot_id, rung};
use trading::MISSED_AFTER;

/// A bot whose BUY at 3.1064 rests, on a stream that has fallen silent.
fn silent() -> (World, BotId) {
    let bot = bot_id("demo");
    let world = World::demo("3.12", vec![rung("3.1064", "3.1537", "100")]);
    world.lay(&bot);
    world.quiet();
    world.advance(Duration::from_secs(600));
    world.set_stream(false);
    (world, bot)
}

fn wanted(world: &World) -> Option<LocalTime> {
    let account = world.store.account_now(&"main".parse().unwrap());
    account.stream_wanted_since
}

#[test]
fn a_fill_that_the_stream_owes_makes_recovery_want_it() {
    let (world, bot) = silent();
    let filled = world.now();
    world.print("XRPUSDT", "3.1064");
    world.advance(MISSED_AFTER + Duration::from_secs(1));
    let recovered = world.recover(&bot);
    assert_eq!(recovered.levels_caught_up, 1);
    let told = |problem: &String| problem.contains("did not bring");
    assert!(
        recovered.problems.iter().any(told),
        "{:?}",
        recovered.problems
    );
    let since = wanted(&world).unwrap();
    let second = Duration::from_secs(1);
    assert!(
        (filled.before(second)..=filled.after(second)).contains(&since),
        "{since} is not when it was filled, {filled}"
    );
}

#[test]
fn a_fill_that_may_still_be_on_its_way_does_not() {
    let (world, bot) = silent();
    world.print("XRPUSDT", "3.1064");
    world.advance(MISSED_AFTER - Duration::from_secs(1));
    assert_eq!(world.recover(&bot).levels_caught_up, 1);
    assert_eq!(wanted(&world), None);
}

#[test]
fn a_fill_from_before_the_subscription_does_not() {
    let (world, bot) = silent();
    world.print("XRPUSDT", "3.1064");
    world.advance(Duration::from_secs(30));
    let main = "main".parse().unwrap();
    world.store.change_account(&main, |account| {
        account.stream = trading::StreamState::Subscribed {
            since: world.now(),
            bridge: "bridge-1".to_owned(),
        };
    });
    assert_eq!(world.recover(&bot).levels_caught_up, 1);
    assert_eq!(wanted(&world), None);
}
