//! When a bot was last seen at the exchange, and whether anybody looks after it now.

use std::time::Duration;

use domain::{Bot, LocalTime};

use super::Session;
use crate::table::{ago, when};

/// A running `up` compares each bot every ten seconds; after so long without, something is wrong.
const OVERDUE: Duration = Duration::from_secs(45);

/// In words: everything else that is told of a bot is as old as this.
pub(super) fn seen_words(session: &Session<'_>, bot: &Bot) -> String {
    words(bot.recovered_at, session.now(), session.home.is_owned())
}

fn words(recovered_at: Option<LocalTime>, now: LocalTime, nobody_runs: bool) -> String {
    let looked = recovered_at.map_or_else(
        || "never compared with the exchange yet".to_owned(),
        |at| format!("compared with the exchange {} ({})", ago(at, now), when(at)),
    );
    let overdue = recovered_at.is_some_and(|at| now.since(at) > OVERDUE);
    let now = if nobody_runs {
        "; `gridkeeper up` is not running, so nothing more happens until it does"
    } else if overdue {
        "; `gridkeeper up` is running, but its look at the exchange is overdue: `gridkeeper doctor` says why"
    } else {
        "; `gridkeeper up` is running and looks every 10 seconds"
    };
    format!("{looked}{now}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_who_looks_and_when_it_is_overdue() {
        let now = LocalTime::from_millis(1_790_000_000_000);
        let at = |seconds| Some(now.before(Duration::from_secs(seconds)));
        for (recovered_at, nobody_runs, word) in [
            (at(4), false, "looks every 10 seconds"),
            (at(46), false, "overdue"),
            (at(4), true, "not running"),
            (None, false, "never compared"),
        ] {
            let text = words(recovered_at, now, nobody_runs);
            assert!(text.contains(word), "{text}");
        }
    }
}
