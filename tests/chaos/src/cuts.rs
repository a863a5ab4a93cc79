//! Who cuts the network and heals it, link by link, in every way a link can be cut.
//!
//! Start at [`cut`].

use std::time::Duration;

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use tokio::time::sleep;

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

/// Cuts and heals until it is dropped.
pub(crate) async fn cut(network: &Network, tally: &Tally, mut random: ChaCha8Rng) {
    loop {
        let whole = random.random_range(100..WHOLE_MS);
        sleep(Duration::from_millis(whole)).await;
        let (name, links): (_, &[&Link]) = match random.random_range(0..5) {
            0 | 1 => ("REST", &[&network.rest]),
            2 | 3 => ("WebSocket", &[&network.web_socket]),
            _ => ("both", &[&network.rest, &network.web_socket]),
        };
        let kind = cut_one(links, &mut random);
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

/// Cuts links in one way; its name.
fn cut_one(links: &[&Link], random: &mut ChaCha8Rng) -> &'static str {
    let way = match random.random_range(0..3) {
        0 => Way::Out,
        1 => Way::Back,
        _ => Way::Both,
    };
    let after = random.random_range(1..PIECE);
    let kind = random.random_range(0..6);
    for link in links {
        match kind {
            0 => link.set(Mode::Refuse),
            1 => link.set(Mode::Stall(way)),
            2 => link.set(Mode::Lose(way)),
            3 => link.reset_all(),
            4 => link.cut_after(Way::Out, after),
            _ => link.cut_after(Way::Back, after),
        }
    }
    match kind {
        0 => "refused",
        1 => "stalled",
        2 => "lost",
        3 => "reset",
        4 => "cut within a request",
        _ => "cut within an answer",
    }
}
