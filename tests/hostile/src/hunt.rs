//! Many inputs for one reader, each made out of those that went a way of their own before.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use crate::behaviour::{Behaviour, fingerprint};
use crate::corpus::Entry;
use crate::examine::{Fault, Seen, examine};
use crate::flight::Flight;
use crate::mutate::Mutator;
use crate::targets::Target;

/// The most inputs built upon at one time. One that went a new way then takes the place of another.
const MOST_KEPT: usize = 4_096;

/// An input longer than this is not built upon: it would slow all that follow down.
const LONGEST_KEPT: usize = 8 * 1024;

/// What a hunt is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many inputs, the known ones included.
    pub inputs: u64,
    /// What the inputs are drawn from.
    pub seed: u64,
}

/// What a hunt came to.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Inputs given.
    pub inputs: u64,
    /// How many of them were accepted.
    pub accepted: u64,
    /// Every way that was gone.
    pub behaviours: BTreeSet<Behaviour>,
    /// Inputs that went a way of their own, in the order they were found.
    pub fresh: Vec<Vec<u8>>,
    /// The most memory held at one moment, in bytes, and the length of the input it was held for.
    pub peak: (u64, usize),
    /// The longest time an input took, and its length.
    pub slowest: (Duration, usize),
}

impl Tally {
    /// Takes in what another hunt of the same target came to.
    pub fn join(&mut self, other: Self) {
        self.inputs += other.inputs;
        self.accepted += other.accepted;
        self.fresh.extend(other.fresh);
        self.behaviours.extend(other.behaviours);
        self.peak = self.peak.max(other.peak);
        self.slowest = self.slowest.max(other.slowest);
    }
}

/// Why a hunt ended early.
#[derive(Debug)]
pub enum Stopped {
    /// An input that the reader failed on.
    Found {
        /// The input.
        input: Vec<u8>,
        /// What it did.
        fault: Fault,
    },
    /// The record of what is examined cannot be written.
    Unrecorded(io::Error),
}

/// What came of one input.
struct Given {
    accepted: bool,
    /// It went a way of its own.
    fresh: bool,
}

/// Inputs that new ones are made of. What is wrong with a refused one mostly stays wrong, so accepted
/// ones come first.
#[derive(Default)]
struct Pool {
    accepted: Vec<Vec<u8>>,
    refused: Vec<Vec<u8>>,
}

impl Pool {
    fn take(&mut self, input: &[u8], accepted: bool, mutator: &mut Mutator) {
        let kind = if accepted {
            &mut self.accepted
        } else {
            &mut self.refused
        };
        if kind.len() < MOST_KEPT {
            kind.push(input.to_vec());
        } else {
            let at = mutator.below(kind.len());
            kind[at] = input.to_vec();
        }
    }

    fn draw(&self, mutator: &mut Mutator) -> &[u8] {
        let kind = if mutator.below(3) > 0 {
            &self.accepted
        } else {
            &self.refused
        };
        kind.get(mutator.below(kind.len()))
            .map_or(b"", Vec::as_slice)
    }
}

struct Hunt<'a> {
    target: &'a Target,
    flight: &'a Flight,
    tally: Tally,
}

impl Hunt<'_> {
    /// Gives one input.
    fn give(&mut self, input: &[u8]) -> Result<Given, Stopped> {
        self.flight
            .begin(self.target.name, input)
            .map_err(Stopped::Unrecorded)?;
        let examined = examine(self.target, input);
        self.flight.end();
        let survived = examined.map_err(|fault| Stopped::Found {
            input: input.to_vec(),
            fault,
        })?;
        let tally = &mut self.tally;
        tally.inputs += 1;
        let accepted = matches!(survived.seen, Seen::Accepted(_));
        tally.accepted += u64::from(accepted);
        tally.peak = tally.peak.max((survived.peak, input.len()));
        tally.slowest = tally.slowest.max((survived.took, input.len()));
        let mut fresh = false;
        for behaviour in behaviours(&survived.seen) {
            fresh |= tally.behaviours.insert(behaviour);
        }
        Ok(Given { accepted, fresh })
    }
}

/// Every way an input went: each line of the answer tells of one.
fn behaviours(seen: &Seen) -> impl Iterator<Item = Behaviour> {
    let of = match seen {
        Seen::Accepted(_) => Behaviour::of,
        Seen::Refused(_) => Behaviour::of_refusal,
    };
    seen.answer().lines().map(of)
}

/// Gives a reader all known inputs, and then new ones made out of them.
///
/// # Errors
/// [`Stopped`] with the first input that the reader failed on.
pub fn hunt(
    target: &Target,
    known: &[Entry],
    quota: Quota,
    flight: &Flight,
) -> Result<Tally, Box<Stopped>> {
    let mut hunt = Hunt {
        target,
        flight,
        tally: Tally::default(),
    };
    let seed = quota.seed ^ fingerprint(target.name.as_bytes());
    let mut mutator = Mutator::new(seed, target.longest);
    let mut pool = Pool::default();
    for entry in known {
        let given = hunt.give(&entry.bytes)?;
        pool.take(&entry.bytes, given.accepted, &mut mutator);
    }
    while hunt.tally.inputs < quota.inputs {
        let other = pool.draw(&mut mutator);
        let one = pool.draw(&mut mutator);
        let input = mutator.change(one, other);
        let given = hunt.give(&input)?;
        if !given.fresh {
            continue;
        }
        if input.len() <= LONGEST_KEPT {
            pool.take(&input, given.accepted, &mut mutator);
        }
        hunt.tally.fresh.push(input);
    }
    Ok(hunt.tally)
}

/// Of new inputs, in their order, those that go a way that neither the known ones nor those before
/// them go.
#[must_use]
pub fn worth_keeping(target: &Target, known: &[Vec<u8>], fresh: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut gone = BTreeSet::new();
    let mut is_new = |input: &[u8]| {
        let seen = examine(target, input).ok().map(|survived| survived.seen);
        let mut new = false;
        for behaviour in seen.iter().flat_map(behaviours) {
            new |= gone.insert(behaviour);
        }
        new
    };
    for input in known {
        is_new(input);
    }
    fresh.into_iter().filter(|input| is_new(input)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(target: &Target, seed: u64) -> Result<Tally, Box<Stopped>> {
        let folder = tempfile::tempdir().unwrap();
        let flight = Flight::new(&folder.path().join("f")).unwrap();
        let known = [Entry {
            path: "seed".into(),
            bytes: b"{\"amount\":\"15\",\"flag\":true}".to_vec(),
        }];
        let quota = Quota {
            inputs: 20_000,
            seed,
        };
        hunt(target, &known, quota, &flight)
    }

    /// Four doors one behind the other, each of which is only found from the one before.
    fn doors(input: &[u8]) -> Seen {
        let has = |part: &[u8]| input.windows(part.len()).any(|window| window == part);
        let open = [&b"[["[..], b"null", b"-1", b"\"\""]
            .iter()
            .take_while(|part| has(part))
            .count();
        assert!(open < 4, "the last door");
        Seen::Refused(["none", "first", "second", "third"][open].to_owned())
    }

    #[test]
    fn what_went_a_new_way_is_built_upon() {
        let target = Target {
            read: doors,
            ..Target::example()
        };
        let stopped = run(&target, 1).unwrap_err();
        let Stopped::Found { fault, .. } = *stopped else {
            panic!("{stopped:?}");
        };
        assert!(fault.to_string().contains("the last door"), "{fault}");
    }

    #[test]
    fn a_seed_repeats_its_hunt() {
        let target = Target {
            read: |input| match serde_json::from_slice::<serde_json::Value>(input) {
                Ok(value) => Seen::Accepted(value.to_string()),
                Err(error) => Seen::Refused(error.to_string()),
            },
            ..Target::example().holds(1 << 20, 512)
        };
        let [one, other] = [run(&target, 5).unwrap(), run(&target, 5).unwrap()];
        assert_eq!(one.fresh, other.fresh);
        assert!(one.behaviours.len() > 20, "{}", one.behaviours.len());
        assert!(one.accepted > 100 && one.accepted < one.inputs);
    }

    #[test]
    fn memory_beyond_the_bound_is_a_fault() {
        let target = Target {
            read: |input| Seen::Accepted(format!("{}", vec![0_u8; input.len() * 1_000].len())),
            ..Target::example()
        };
        let stopped = run(&target, 1).unwrap_err();
        let Stopped::Found { fault, input } = *stopped else {
            panic!("{stopped:?}");
        };
        assert!(matches!(fault, Fault::TooMuchMemory { .. }), "{fault}");
        assert!(input.len() * 1_000 > 64 * 1024);
    }

    /// The server of the simulated exchange runs requests as tasks, whose panics the runtime catches.
    #[test]
    fn a_panic_that_somebody_caught_is_a_fault() {
        let target = Target {
            read: |input| {
                let caught = std::panic::catch_unwind(|| assert!(input.len() < 40, "too long"));
                Seen::Accepted(format!("{}", caught.is_ok()))
            },
            ..Target::example()
        };
        assert!(run(&target, 1).is_err());
    }
}
