//! When a bot was last seen at the exchange, and whether anybody looks after it now.

use domain::{Bot, DesiredStatus, LocalTime, ObservedStatus};
use trading::StreamState;

use super::Desk;
use crate::failure::{Failure, plain_cause};
use crate::home::Keeper;
use crate::table::{ago, when};

/// Whether a bot needs a running `up`: it trades, its orders rest, or it has not come to its end yet.
pub(crate) fn needs_up(bot: &Bot) -> bool {
    let wanted = matches!(bot.desired, DesiredStatus::Running | DesiredStatus::Paused);
    let at_rest = matches!(
        bot.observed,
        ObservedStatus::Ready | ObservedStatus::Stopped
    );
    wanted || !at_rest
}

/// When a bot was last looked at, and whether that still holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// In words: everything else that is told of a bot is as old as this.
    pub(crate) words: String,
    /// Whether `up` is not running, so that nothing of what is next happens.
    pub(crate) nobody_runs: bool,
    /// Whether the bot was removed from the listings.
    pub(crate) removed: bool,
    /// Whether the exchange may show something else by now that nobody here has heard of.
    pub(crate) stale: bool,
}

/// When a bot was last looked at. `stream` is its account's, where that is not told beside it.
///
/// # Errors
/// [`Failure`] when the store does not answer.
pub(super) async fn seen(
    desk: &Desk<'_>,
    bot: &Bot,
    stream: Option<&StreamState>,
) -> Result<Seen, Failure> {
    let removed = desk.is_removed(&bot.id).await?;
    let who = (desk.home.keeper(), desk.home.is_unattended());
    Ok(seen_as(bot, removed, who, stream, desk.now()))
}

/// When a bot was last looked at, by what was read already: whether it was removed from the listings, who
/// looks, and whether nobody does.
pub(crate) fn seen_as(
    bot: &Bot,
    removed: bool,
    (keeper, nobody_runs): (Keeper, bool),
    stream: Option<&StreamState>,
    now: LocalTime,
) -> Seen {
    let looked = bot.recovered_at;
    if removed {
        return Seen {
            words: format!(
                "{}; it was removed, so nobody looks after it any more",
                looked_words(looked, now)
            ),
            nobody_runs: false,
            removed: true,
            stale: true,
        };
    }
    if !needs_up(bot) {
        let words = looked_words(looked, now);
        return Seen {
            words: format!("{words}; nothing of it is at the exchange, so it need not be compared"),
            nobody_runs,
            removed: false,
            stale: false,
        };
    }
    judge((looked, now), keeper, nobody_runs, stream)
}

fn looked_words(recovered_at: Option<LocalTime>, now: LocalTime) -> String {
    recovered_at.map_or_else(
        || "never compared with the exchange yet".to_owned(),
        |at| format!("compared with the exchange {} ({})", ago(at, now), when(at)),
    )
}

fn judge(
    (recovered_at, now): (Option<LocalTime>, LocalTime),
    keeper: Keeper,
    nobody_runs: bool,
    stream: Option<&StreamState>,
) -> Seen {
    let name = keeper.name();
    let looked = looked_words(recovered_at, now);
    let overdue = recovered_at.is_some_and(|at| now.since(at) > keeper.overdue());
    let down = match stream {
        Some(StreamState::Down { since, why }) => Some((*since, plain_cause(why))),
        Some(StreamState::Never | StreamState::Subscribed { .. }) | None => None,
    };
    let (stale, now) = if nobody_runs {
        let words = "; `gridkeeper up` is not running, so nothing more happens until it does";
        (true, words.to_owned())
    } else if let Some((since, why)) = down {
        let at = when(since);
        let words = format!(
            "; no reports have come from the exchange since {at} ({why}), so the state is as of that look; \
             {name} goes on trying, and `gridkeeper doctor` says what you can do"
        );
        (true, words)
    } else if overdue {
        let words = format!(
            "; the look at the exchange by {name} is overdue, so the state is as of that look: \
             `gridkeeper doctor` says why"
        );
        (true, words)
    } else {
        let words = match keeper {
            Keeper::Up => format!("; {name} is running and looks {}", keeper.every()),
            Keeper::Schedule => format!("; {name} looks {}", keeper.every()),
        };
        (false, words)
    };
    Seen {
        words: format!("{looked}{now}"),
        nobody_runs,
        removed: false,
        stale,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn says_who_looks_and_when_it_is_overdue() {
        let now = LocalTime::from_millis(1_790_000_000_000);
        let at = |seconds| Some(now.before(Duration::from_secs(seconds)));
        let down = StreamState::Down {
            since: now.before(Duration::from_secs(5)),
            why: "cannot connect to ws://a: IO error: Connection refused (os error 111)".to_owned(),
        };
        for (recovered_at, nobody_runs, stream, stale, word) in [
            (at(4), false, None, false, "looks every 10 seconds"),
            (at(31), false, None, true, "overdue"),
            (at(4), true, Some(&down), true, "not running"),
            (
                at(4),
                false,
                Some(&down),
                true,
                "since 2026-09-21 14:13:15 UTC (cannot connect to ws://a: Connection refused)",
            ),
            (None, false, None, false, "never compared"),
        ] {
            let seen = judge((recovered_at, now), Keeper::Up, nobody_runs, stream);
            assert!(seen.words.contains(word), "{seen:?}");
            assert_eq!(
                (seen.stale, seen.nobody_runs),
                (stale, nobody_runs),
                "{seen:?}"
            );
        }
    }
    #[test]
    fn a_deployment_looks_every_minute() {
        let now = LocalTime::from_millis(1_790_000_000_000);
        for (seconds, stale, words) in [
            (100, false, "the deployment looks every minute"),
            (
                170,
                true,
                "the look at the exchange by the deployment is overdue",
            ),
        ] {
            let at = Some(now.before(Duration::from_secs(seconds)));
            let seen = judge((at, now), Keeper::Schedule, false, None);
            assert!(
                seen.words.contains(words) && !seen.words.contains("gridkeeper up"),
                "{seen:?}"
            );
            assert_eq!(seen.stale, stale);
        }
    }
}
