//! Marks of writes: how a writer knows its own write again.
//!
//! A write whose reply is lost is sent again by the SDK, and the second sending finds its own
//! condition no longer true. So every write of a level carries a mark that no other write has: when
//! the condition fails and the level bears our mark, the write had already happened.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// A source of marks. Two sources meet with a chance of one in 2^64.
#[derive(Debug)]
pub(crate) struct Marks {
    seed: u64,
    count: AtomicU64,
}

/// One mark, 16 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark(String);

impl Mark {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Marks {
    /// A source of its own, seeded from the operating system's randomness.
    pub(crate) fn random() -> Self {
        Self::seeded(RandomState::new().hash_one(0_u8))
    }

    /// A source that repeats itself for the same seed.
    pub(crate) const fn seeded(seed: u64) -> Self {
        Self {
            seed,
            count: AtomicU64::new(0),
        }
    }

    /// The next place in the order of this source's writes.
    pub(crate) fn sequence(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    /// The next mark.
    pub(crate) fn next(&self) -> Mark {
        self.mark(self.sequence())
    }

    /// The mark of a place in the order: SplitMix64, which maps no two inputs to one output.
    pub(crate) fn mark(&self, sequence: u64) -> Mark {
        let mut mixed = self
            .seed
            .wrapping_add(sequence.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Mark(format!("{:016x}", mixed ^ (mixed >> 31)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn marks_never_repeat_within_a_source() {
        let marks = Marks::seeded(7);
        let drawn: BTreeSet<String> = (0..10_000)
            .map(|_| marks.next().as_str().to_owned())
            .collect();
        assert_eq!(drawn.len(), 10_000);
    }

    #[test]
    fn marks_are_those_of_split_mix_64() {
        let marks = Marks::seeded(1_234_567);
        let first = [1, 2].map(|sequence| marks.mark(sequence).as_str().to_owned());
        assert_eq!(first, ["599ed017fb08fc85", "2c73f08458540fa5"]);
    }

    #[test]
    fn two_random_sources_differ() {
        assert_ne!(Marks::random().next(), Marks::random().next());
    }
}
