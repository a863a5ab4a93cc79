//! New inputs out of known ones: bytes flipped, pieces swapped, repeated, nested, replaced by what
//! readers stumble over. Knows the pieces of text formats but no format: one mutator serves all.
//!
//! Entry point: [`Mutator::change`]. Everything is drawn from a seed, so a run repeats.

mod bytes;
mod dictionary;
mod pieces;
pub mod tokens;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Draws new inputs.
#[derive(Debug)]
pub struct Mutator {
    random: ChaCha8Rng,
    longest: usize,
}

impl Mutator {
    /// A mutator whose inputs have at most so many bytes.
    #[must_use]
    pub fn new(seed: u64, longest: usize) -> Self {
        Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            longest,
        }
    }

    /// A number from 0 up to, but not including, `end`; 0 if that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        if end == 0 {
            0
        } else {
            self.random.random_range(0..end)
        }
    }

    /// True once in so many times.
    fn one_in(&mut self, times: u32) -> bool {
        self.random.random_ratio(1, times)
    }

    fn pick<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> Option<&'a T> {
        let at = self.below(all.len());
        all.get(at).copied()
    }

    /// A changed input. Pieces of `other` may come into it.
    pub fn change(&mut self, input: &[u8], other: &[u8]) -> Vec<u8> {
        let mut changed = input.to_vec();
        // Mostly one change, now and then a whole series.
        loop {
            self.change_once(&mut changed, other);
            changed.truncate(self.longest);
            if !self.one_in(3) {
                return changed;
            }
        }
    }

    fn change_once(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        match self.below(100) {
            0..25 => self.change_bytes(input, other),
            25..70 => self.change_piece(input, other),
            70..90 => self.change_pair(input, other),
            90..97 => self.change_line(input, other),
            _ => self.grow(input),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUT: &[u8] = br#"{"a":[1,2,{"b":"x"}],"c":null,"d":-3.5}"#;

    fn changed(seed: u64, count: usize, longest: usize) -> Vec<Vec<u8>> {
        let mut mutator = Mutator::new(seed, longest);
        (0..count)
            .map(|_| mutator.change(INPUT, b"line 1\nline 2\n"))
            .collect()
    }

    #[test]
    fn a_seed_repeats_its_inputs() {
        assert_eq!(changed(7, 300, 4_096), changed(7, 300, 4_096));
        assert_ne!(changed(7, 300, 4_096), changed(8, 300, 4_096));
    }

    #[test]
    fn no_input_is_longer_than_allowed_and_an_empty_one_is_no_trouble() {
        assert!(changed(1, 3_000, 64).iter().all(|input| input.len() <= 64));
        let mut mutator = Mutator::new(1, 64);
        for _ in 0..1_000 {
            mutator.change(b"", b"");
        }
    }

    /// Each kind of change happens: a mutator that lost one would find less without a word.
    #[test]
    fn inputs_differ_in_every_way() {
        let inputs = changed(3, 20_000, 1 << 16);
        let text = |input: &[u8]| String::from_utf8_lossy(input).into_owned();
        for (what, found) in [
            (
                "is no UTF-8",
                inputs
                    .iter()
                    .any(|input| std::str::from_utf8(input).is_err()),
            ),
            (
                "is deep",
                inputs
                    .iter()
                    .any(|input| text(input).contains(&"[".repeat(100))),
            ),
            ("is long", inputs.iter().any(|input| input.len() > 10_000)),
            (
                "names a thing twice",
                inputs
                    .iter()
                    .any(|input| text(input).matches("\"d\"").count() == 2),
            ),
            (
                "lacks a thing",
                inputs
                    .iter()
                    .any(|input| text(input) == r#"{"a":[1,2,{"b":"x"}],"d":-3.5}"#),
            ),
            (
                "has another type",
                inputs.iter().any(|input| text(input).contains(r#""c":[]"#)),
            ),
            (
                "quotes a number",
                inputs.iter().any(|input| text(input).contains("\"-3.5\"")),
            ),
            (
                "has an extreme",
                inputs
                    .iter()
                    .any(|input| text(input).contains("79228162514264337593543950336")),
            ),
            (
                "has a foreign line",
                inputs.iter().any(|input| text(input).contains("line 2")),
            ),
            (
                "is cut",
                inputs
                    .iter()
                    .any(|input| INPUT.starts_with(input) && input.len() < INPUT.len()),
            ),
        ] {
            assert!(found, "no input {what}");
        }
    }
}
