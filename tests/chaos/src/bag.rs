//! Drawing by lot so that everything has its turn.
//!
//! Start at [`Bag::draw`].

use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

/// Things of which each is drawn once before any is drawn again.
#[derive(Debug)]
pub(crate) struct Bag<T> {
    all: Vec<T>,
    left: Vec<T>,
}

impl<T: Copy> Bag<T> {
    /// Holds these. A thing that is given twice is drawn twice as often.
    pub(crate) fn of<const N: usize>(all: [T; N]) -> Self {
        const { assert!(N > 0, "nothing to draw") };
        Self {
            all: all.to_vec(),
            left: Vec::new(),
        }
    }

    /// Draws one.
    pub(crate) fn draw(&mut self, random: &mut ChaCha8Rng) -> T {
        loop {
            if let Some(drawn) = self.left.pop() {
                return drawn;
            }
            self.left.clone_from(&self.all);
            self.left.shuffle(random);
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn everything_has_its_turn_and_the_order_is_drawn_by_lot() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut bag = Bag::of([1, 2, 2, 3, 4]);
        let mut rounds = Vec::new();
        for _ in 0..20 {
            let round: Vec<i32> = (0..5).map(|_| bag.draw(&mut random)).collect();
            let mut sorted = round.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [1, 2, 2, 3, 4]);
            rounds.push(round);
        }
        rounds.dedup();
        assert!(rounds.len() > 10, "{rounds:?}");
    }
}
