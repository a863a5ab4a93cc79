//! How long things take: the last samples of a step, and their distribution.

use std::collections::VecDeque;

use serde::Serialize;

/// How many of the last samples count.
const KEPT: usize = 2_000;

/// Upper bounds of the distribution's classes, in milliseconds, inclusive.
const BOUNDS: [i64; 14] = [
    1, 2, 3, 5, 8, 12, 20, 35, 60, 100, 250, 1_000, 5_000, 30_000,
];

/// The last samples of one step, in milliseconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Samples(VecDeque<i64>);

/// The distribution of a step's samples, in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Latency {
    pub(super) name: &'static str,
    pub(super) words: &'static str,
    pub(super) count: usize,
    pub(super) p50: Option<i64>,
    pub(super) p99: Option<i64>,
    pub(super) worst: Option<i64>,
    pub(super) buckets: Vec<Bucket>,
}

/// How many samples lie in one class: above the bound of the class before, up to this one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Bucket {
    /// `None`: beyond the last bound.
    pub(super) up_to: Option<i64>,
    pub(super) count: usize,
}

impl Samples {
    pub(super) fn push(&mut self, ms: i64) {
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0.push_back(ms);
    }

    pub(super) fn latency(&self, name: &'static str, words: &'static str) -> Latency {
        let mut sorted: Vec<i64> = self.0.iter().copied().collect();
        sorted.sort_unstable();
        let mut buckets = Vec::with_capacity(BOUNDS.len().saturating_add(1));
        let mut below = 0;
        for bound in BOUNDS {
            let up_to = sorted.partition_point(|sample| *sample <= bound);
            buckets.push(Bucket {
                up_to: Some(bound),
                count: up_to.saturating_sub(below),
            });
            below = up_to;
        }
        buckets.push(Bucket {
            up_to: None,
            count: sorted.len().saturating_sub(below),
        });
        Latency {
            name,
            words,
            count: sorted.len(),
            p50: quantile(&sorted, 50),
            p99: quantile(&sorted, 99),
            worst: sorted.last().copied(),
            buckets,
        }
    }
}

impl Extend<i64> for Samples {
    fn extend<I: IntoIterator<Item = i64>>(&mut self, samples: I) {
        for sample in samples {
            self.push(sample);
        }
    }
}

/// The smallest sample that at least so many of a hundred do not exceed.
fn quantile(sorted: &[i64], percent: usize) -> Option<i64> {
    let rank = sorted.len().saturating_mul(percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_samples_and_each_sample_is_in_one_class() {
        let mut samples = Samples::default();
        samples.extend((1..=100).rev());
        samples.push(40_000);
        let latency = samples.latency("a", "b");
        assert_eq!(latency.count, 101);
        assert_eq!(
            (latency.p50, latency.p99, latency.worst),
            (Some(51), Some(100), Some(40_000))
        );
        let all: usize = latency.buckets.iter().map(|bucket| bucket.count).sum();
        assert_eq!(all, 101);
        assert_eq!(latency.buckets.last().map(|bucket| bucket.count), Some(1));
        let none = Samples::default().latency("a", "b");
        assert_eq!((none.count, none.p50, none.worst), (0, None, None));
    }

    #[test]
    fn the_oldest_samples_are_forgotten() {
        let mut samples = Samples::default();
        samples.push(9_999);
        samples.extend(std::iter::repeat_n(1, KEPT));
        let latency = samples.latency("a", "b");
        assert_eq!((latency.count, latency.worst), (KEPT, Some(1)));
    }
}
