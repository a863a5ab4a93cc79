//! A smaller input with the same fault: what is left of it says more.

use crate::examine::{Fault, examine};
use crate::targets::Target;

/// The most tries; a reduced input is a convenience.
const TRIES: usize = 2_000;

/// Takes pieces out of an input as long as the fault stays: halves first, single bytes last.
#[must_use]
pub fn reduce(target: &Target, input: &[u8], fault: &Fault) -> Vec<u8> {
    let mut smallest = input.to_vec();
    let mut piece = smallest.len().div_ceil(2);
    let mut tries = 0;
    while piece > 0 && tries < TRIES {
        let mut at = 0;
        while at < smallest.len() && tries < TRIES {
            tries += 1;
            let mut smaller = smallest.clone();
            smaller.drain(at..(at + piece).min(smallest.len()));
            match examine(target, &smaller) {
                Err(other) if other.is_like(fault) => smallest = smaller,
                Ok(_) | Err(_) => at += piece,
            }
        }
        piece /= 2;
    }
    smallest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examine::Seen;

    #[test]
    fn what_the_fault_does_not_need_goes() {
        let target = Target {
            read: |input| {
                assert!(!input.contains(&b'x') || !input.contains(&b'y'), "both");
                Seen::Accepted(String::new())
            },
            ..Target::example()
        };
        let input = b"some text with x in it, and y as well".to_vec();
        let fault = examine(&target, &input).unwrap_err();
        assert_eq!(reduce(&target, &input, &fault), b"xy");
    }
}
