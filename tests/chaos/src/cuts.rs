//! Who cuts the network and heals it, link by link, in every way a link can be cut.
//!
//! Start at [`cut`].

use std::time::Duration;

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use tokio::time::sleep;

use crate::bag::Bag;
use crate::network::{Link, Mode, Network, Way};
use crate::tally::Tally;

/// The longest that a network stays whole, ms.
const WHOLE_MS: u64 = 4_000;

/// The longest that most cuts last, ms.
const SHORT_MS: u64 = 2_000;

/// The longest that one in ten lasts, ms: longer than a request is waited for.
const LONG_MS: u64 = 15_000;

/// The largest piece of a request that still goes over before a cut, bytes.
const PIECE: u64 = 400;

/// The kinds, by their names.
pub(crate) const KINDS: [&str; 6] = [
    "refused",
    "stalled",
    "lost",
    "reset",
    "cut within a request",
    "cut within an answer",
];

/// Cuts and heals until it is dropped.
pub(crate) async fn cut(network: &Network, tally: &Tally, mut random: ChaCha8Rng) {
    let mut kinds = Bag::of(KINDS);
    loop {
        let whole = random.random_range(100..WHOLE_MS);
        sleep(Duration::from_millis(whole)).await;
        let (name, links): (_, &[&Link]) = match random.random_range(0..5) {
            0 | 1 => ("REST", &[&network.rest]),
            2 | 3 => ("WebSocket", &[&network.web_socket]),
            _ => ("both", &[&network.rest, &network.web_socket]),
        };
        let kind = kinds.draw(&mut random);
        cut_one(links, kind, &mut random);
        tally.count(&format!("cut: {name} {kind}"));
        let longest = if random.random_ratio(1, 10) {
            LONG_MS
        } else {
            SHORT_MS
        };
        let lasts = random.random_range(50..longest);
        sleep(Duration::from_millis(lasts)).await;
        for link in links {
            link.set(Mode::Whole);
        }
    }
}

/// Cuts links in one way.
fn cut_one(links: &[&Link], kind: &str, random: &mut ChaCha8Rng) {
    let way = match random.random_range(0..3) {
        0 => Way::Out,
        1 => Way::Back,
        _ => Way::Both,
    };
    let after = random.random_range(1..PIECE);
    for link in links {
        match kind {
            "refused" => link.set(Mode::Refuse),
            "stalled" => link.set(Mode::Stall(way)),
            "lost" => link.set(Mode::Lose(way)),
            "reset" => link.reset_all(),
            "cut within a request" => link.cut_after(Way::Out, after),
            _ => link.cut_after(Way::Back, after),
        }
    }
}
