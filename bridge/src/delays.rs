//! How long things took, such as reports from their arrival to the queue, as counts by length.

use std::time::Duration;

/// Counts of what was timed by how long it took, and the sum.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delays {
    within: [u64; Delays::BOUNDS.len()],
    longer: u64,
    sum: Duration,
}

impl Delays {
    /// The upper ends of the lengths that are told apart.
    pub const BOUNDS: [Duration; 11] = [
        Duration::from_millis(5),
        Duration::from_millis(10),
        Duration::from_millis(25),
        Duration::from_millis(50),
        Duration::from_millis(100),
        Duration::from_millis(250),
        Duration::from_millis(500),
        Duration::from_secs(1),
        Duration::from_millis(2_500),
        Duration::from_secs(10),
        Duration::from_secs(60),
    ];

    /// Counts one more that took so long.
    pub fn note(&mut self, delay: Duration) {
        let fits = Self::BOUNDS.iter().position(|bound| delay <= *bound);
        let counted = fits
            .and_then(|at| self.within.get_mut(at))
            .unwrap_or(&mut self.longer);
        *counted = counted.saturating_add(1);
        self.sum = self.sum.saturating_add(delay);
    }

    /// How many took at most this long and longer than the bound before; last, without a bound, how many took
    /// longer than all.
    pub fn counts(&self) -> impl Iterator<Item = (Option<Duration>, u64)> {
        let within = Self::BOUNDS.into_iter().map(Some).zip(self.within);
        within.chain([(None, self.longer)])
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts()
            .fold(0, |all, (_, count)| all.saturating_add(count))
    }

    /// How long all took together.
    #[must_use]
    pub const fn sum(&self) -> Duration {
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_counts_where_it_is_the_first_to_fit() {
        let mut delays = Delays::default();
        for millis in [0, 5, 6, 60_000, 60_001] {
            delays.note(Duration::from_millis(millis));
        }
        let counted: Vec<_> = delays.counts().filter(|(_, count)| *count > 0).collect();
        assert_eq!(
            counted,
            [
                (Some(Duration::from_millis(5)), 2),
                (Some(Duration::from_millis(10)), 1),
                (Some(Duration::from_secs(60)), 1),
                (None, 1),
            ]
        );
        assert_eq!(delays.count(), 5);
        assert_eq!(delays.sum(), Duration::from_millis(120_012));
    }
}
