//! Changes that know nothing of what the bytes mean.

use rand::Rng as _;

use super::Mutator;

/// Bytes that mean something to some format.
const INTERESTING: &[u8] =
    b"\0\t\n\r \"#%&'+,-./0:;=?[\\]_`{}~\x1b\x1f\x7f\x80\xbf\xc0\xed\xf4\xff";

impl Mutator {
    /// A range of at most `longest` bytes within `length`.
    pub(super) fn range(&mut self, length: usize, longest: usize) -> std::ops::Range<usize> {
        let start = self.below(length);
        let most = longest.min(length - start);
        start..start + self.below(most + 1)
    }

    pub(super) fn change_bytes(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(input.len() + 1);
        match self.below(9) {
            0 => {
                let bit = self.below(8);
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            1 => {
                let new = self.random.random();
                if let Some(byte) = input.get_mut(at) {
                    *byte = new;
                }
            }
            2 => {
                let new = INTERESTING[self.below(INTERESTING.len())];
                if let Some(byte) = input.get_mut(at) {
                    *byte = new;
                }
            }
            3 => {
                let new = INTERESTING[self.below(INTERESTING.len())];
                input.insert(at, new);
            }
            4 => {
                let range = self.range(input.len(), 32);
                input.drain(range);
            }
            5 => input.truncate(at),
            6 => {
                let range = self.range(input.len(), 64);
                let copy = input[range].to_vec();
                input.splice(at..at, copy);
            }
            7 => {
                let range = self.range(other.len(), 256);
                let end = at + self.below(input.len() - at + 1);
                input.splice(at..end, other[range].to_vec());
            }
            _ => {
                // The start of one input and the end of another.
                input.truncate(at);
                let from = self.below(other.len() + 1);
                input.extend_from_slice(&other[from..]);
            }
        }
    }

    pub(super) fn change_line(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        let mut lines: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
        let at = self.below(lines.len());
        match self.below(4) {
            0 => {
                lines.remove(at);
            }
            1 => {
                let to = self.below(lines.len() + 1);
                lines.insert(to, lines[at]);
            }
            2 => {
                let to = self.below(lines.len());
                lines.swap(at, to);
            }
            _ => {
                let foreign: Vec<&[u8]> = other.split(|byte| *byte == b'\n').collect();
                let from = self.below(foreign.len());
                lines.insert(at, foreign[from]);
            }
        }
        *input = lines.join(&b'\n');
    }

    /// Makes an input long: one of its parts many times over, or one byte.
    pub(super) fn grow(&mut self, input: &mut Vec<u8>) {
        let room = self.longest.saturating_sub(input.len());
        let most = room >> self.below(12);
        let range = self.range(input.len(), 24);
        let part = if range.is_empty() {
            vec![INTERESTING[self.below(INTERESTING.len())]]
        } else {
            input[range.clone()].to_vec()
        };
        let times = most / part.len();
        input.splice(range.start..range.start, part.repeat(times));
    }
}
