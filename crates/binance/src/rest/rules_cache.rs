//! The rules of symbols as they were read last, for as long as they are believed unasked.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{LocalTime, Symbol, SymbolRules};

/// How long rules are believed. Recovery reads them in every run while a symbol is halted or an order
/// was refused for one of them, at a weight of 20 for each bot, where a whole run takes 15: some
/// dozens of bots would use up the address's weight. A minute is soon enough for a market that opens.
const BELIEVED: Duration = Duration::from_secs(60);

/// What the exchange said of a symbol, and when it was asked; `None` that it does not list it.
type Known = (LocalTime, Option<SymbolRules>);

/// The rules read at one address.
#[derive(Debug, Default)]
pub(crate) struct RulesCache {
    known: Mutex<BTreeMap<Symbol, Known>>,
}

impl RulesCache {
    /// What the exchange said of a symbol within the last minute, if it was asked.
    pub(crate) fn get(&self, symbol: &Symbol, now: LocalTime) -> Option<Option<SymbolRules>> {
        let (asked, said) = self.known().get(symbol).cloned()?;
        // Of a clock that was set back nothing is believed.
        let believed = asked <= now && now.since(asked) < BELIEVED;
        believed.then_some(said)
    }

    /// Keeps what the exchange said when it was asked at an instant.
    pub(crate) fn keep(&self, symbol: &Symbol, asked: LocalTime, said: Option<SymbolRules>) {
        self.known().insert(symbol.clone(), (asked, said));
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<Symbol, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_believed_for_a_minute() {
        let cache = RulesCache::default();
        let symbol: Symbol = "BTCUSDT".parse().unwrap();
        let asked = LocalTime::from_millis(1_000_000);
        assert_eq!(cache.get(&symbol, asked), None);
        cache.keep(&symbol, asked, None);
        for (at, believed) in [
            (1_000_000, true),
            (1_059_999, true),
            (1_060_000, false),
            (999_999, false),
        ] {
            let said = cache.get(&symbol, LocalTime::from_millis(at));
            assert_eq!(said.is_some(), believed, "{at}");
        }
        assert_eq!(cache.get(&"ETHUSDT".parse().unwrap(), asked), None);
    }
}
