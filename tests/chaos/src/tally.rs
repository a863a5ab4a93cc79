//! Counts of what was done and what happened, by name, shared by all that does it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Counts by name.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<BTreeMap<String, u64>>);

impl Tally {
    /// Counts one.
    pub(crate) fn count(&self, what: &str) {
        *self.all().entry(what.to_owned()).or_default() += 1;
    }

    /// Counts many.
    pub(crate) fn add(&self, what: &str, times: u64) {
        *self.all().entry(what.to_owned()).or_default() += times;
    }

    /// How often so far.
    pub(crate) fn of(&self, what: &str) -> u64 {
        self.all().get(what).copied().unwrap_or_default()
    }

    /// The counts whose names begin so, without that beginning.
    pub(crate) fn group(&self, beginning: &str) -> BTreeMap<String, u64> {
        let all = self.all();
        let named = all.iter().filter_map(|(name, times)| {
            let rest = name.strip_prefix(beginning)?;
            Some((rest.to_owned(), *times))
        });
        named.collect()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
