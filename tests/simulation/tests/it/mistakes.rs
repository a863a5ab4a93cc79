//! Handlers that are wrong in one way each: the simulation notices every one of them.

use simulation::mistake::Mistake;
use simulation::sweep::{Notes, run, run_mistaken};

/// How many seeds a mistake may go unnoticed. `cargo xtask simulate --mistake all` looks from seed 0
/// on and names the first seed for each.
const AT_MOST: u64 = 3_000;

/// Where to begin looking: the first seed that noticed each mistake when it was last looked for.
const FROM: [(Mistake, u64); 22] = [
    (Mistake::MarkThenPlace, 0),
    (Mistake::PlaceThenMark, 7),
    (Mistake::NoLease, 3),
    (Mistake::ShortLease, 746),
    (Mistake::NotFoundIsProof, 1_094),
    (Mistake::FreshIdPerRetry, 2),
    (Mistake::TradeIdAlone, 4),
    (Mistake::CancelIdFromC, 51),
    (Mistake::SizeFromQuantity, 2),
    (Mistake::LastFeeOnly, 5),
    (Mistake::MissingIgnored, 13),
    (Mistake::RefusalIsUnknown, 3),
    (Mistake::UnknownIsRefusal, 2),
    (Mistake::MatchByPrice, 2),
    (Mistake::StoredOffset, 440),
    (Mistake::ResignOldLease, 5),
    (Mistake::LateRefusalSettles, 1_209),
    (Mistake::OutOfOrder, 13),
    (Mistake::AdoptAny, 4_876),
    (Mistake::SettleBeforeQueue, 138),
    (Mistake::SideBySide, 16),
    (Mistake::NoGuards, 6),
];

#[test]
fn every_mistake_is_noticed_and_nothing_else_is() {
    let mut unnoticed = Vec::new();
    for (mistake, from) in FROM {
        let noticed = (from..from + AT_MOST).find(|seed| {
            !run_mistaken(*seed, Notes::NotKept, mistake)
                .findings
                .is_empty()
        });
        match noticed {
            Some(seed) => assert_eq!(run(seed, Notes::NotKept).findings, [], "seed {seed}"),
            None => unnoticed.push(mistake),
        }
    }
    assert_eq!(unnoticed, [], "not noticed");
}

#[test]
fn every_mistake_is_looked_for() {
    let looked_for: Vec<Mistake> = FROM.iter().map(|(mistake, _)| *mistake).collect();
    assert_eq!(looked_for, Mistake::ALL);
}
