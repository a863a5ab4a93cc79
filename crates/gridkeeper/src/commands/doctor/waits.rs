//! What a running bot waits for that should have come by now: a look at the exchange, an answer.

use std::time::Duration;

use domain::{Bot, Level, LevelIndex, LevelNames, LocalTime, OrderState};

use super::super::finding::Finding;
use super::super::seen::needs_up;
use crate::home::Keeper;
use crate::table::{ago, count_of, when_there};

/// An answer usually takes some ten milliseconds; what has none after so long was lost.
const NO_ANSWER: Duration = Duration::from_secs(5);

/// A bot that a running `up` has not compared with the exchange for long.
pub(super) fn overdue(
    bot: &Bot,
    now: LocalTime,
    nobody_runs: bool,
    keeper: Keeper,
) -> Option<Finding> {
    let looked = bot.recovered_at?;
    let late = needs_up(bot) && !nobody_runs && now.since(looked) > keeper.overdue();
    late.then(|| {
        Finding::warning(
            format!("bot {}", bot.id),
            format!(
                "was compared with the exchange {}, though it should be {}",
                ago(looked, now),
                keeper.every()
            ),
            format!(
                "see below whether the exchange can be asked now; if all is well there and it stays so, {}",
                keeper.remedy()
            ),
        )
    })
}

/// Orders that may be at the exchange or not, as no answer came.
pub(super) fn unanswered(
    bot: &Bot,
    levels: &[Level],
    now: LocalTime,
    nobody_runs: bool,
) -> Option<Finding> {
    let waiting = levels.iter().filter_map(|level| {
        let state = &level.order.as_ref()?.state;
        let OrderState::Pending { lease } = state else {
            return None;
        };
        let start = LocalTime::from_millis(lease.start.as_millis());
        (now.since(start) > NO_ANSWER).then_some((level.index, lease.until))
    });
    let (names, until): (Vec<LevelIndex>, Vec<_>) = waiting.unzip();
    let last = until.into_iter().max()?;
    let (id, first) = (&bot.id, names.first()?);
    let verb = if names.len() == 1 { "is" } else { "are" };
    Some(Finding::warning(
        format!("bot {id}"),
        format!(
            "{} of {} {verb} possibly placed ({}): no answer has come, so the order may be at the exchange, and is \
             not sent again before it was looked for there",
            names.len(),
            count_of(levels.len(), "level"),
            LevelNames(&names)
        ),
        format!(
            "do not place it by hand; it is looked for after {}{}. `gridkeeper explain {id} {first}` tells what came \
             of it",
            when_there(last),
            if nobody_runs {
                ", once `gridkeeper up` runs again"
            } else {
                ", by itself"
            }
        ),
    ))
}

#[cfg(test)]
mod tests {
    use domain::{DesiredStatus, ExchangeTime, Lease, ObservedStatus};

    use super::*;
    use crate::words::tests::{NOW, bot, level, order};

    fn pending(index: u16, seconds_ago: u64) -> Level {
        let start =
            ExchangeTime::from_millis(NOW.as_millis()).before(Duration::from_secs(seconds_ago));
        let lease = Lease {
            attempt: 1,
            first_start: start,
            start,
            until: start.after(Duration::from_secs(30)),
            unknown: true,
        };
        Level {
            index: LevelIndex(index),
            order: Some(order(OrderState::Pending { lease })),
            ..level()
        }
    }

    #[test]
    fn an_order_whose_answer_was_lost_is_a_warning() {
        let levels = [pending(0, 20), pending(1, 1), pending(2, 10)];
        let finding = unanswered(&bot(), &levels, NOW, false).unwrap();
        assert!(
            finding
                .text
                .starts_with("2 of 3 levels are possibly placed (levels 0, 2): no answer"),
            "{}",
            finding.text
        );
        let remedy = finding.remedy.unwrap();
        assert!(
            remedy.contains("after 2026-09-21 14:13:40 UTC, by itself"),
            "{remedy}"
        );
        let remedy = unanswered(&bot(), &levels, NOW, true).unwrap().remedy;
        let remedy = remedy.unwrap();
        assert!(
            remedy.contains("once `gridkeeper up` runs again") && !remedy.contains("by itself"),
            "{remedy}"
        );
        assert_eq!(unanswered(&bot(), &levels[1..2], NOW, false), None);
    }

    #[test]
    fn a_bot_that_is_looked_after_too_rarely_is_a_warning() {
        let looked = |seconds| Bot {
            recovered_at: Some(NOW.before(Duration::from_secs(seconds))),
            ..bot()
        };
        let finding = overdue(&looked(62), NOW, false, Keeper::Up).unwrap();
        assert!(
            finding.text.contains("62 s ago") || finding.text.contains("1 min 2 s ago"),
            "{}",
            finding.text
        );
        assert_eq!(overdue(&looked(12), NOW, false, Keeper::Up), None);
        assert_eq!(overdue(&looked(62), NOW, true, Keeper::Up), None);
        let stopped = Bot {
            desired: DesiredStatus::Stopped,
            observed: ObservedStatus::Stopped,
            ..looked(62)
        };
        assert_eq!(overdue(&stopped, NOW, false, Keeper::Up), None);
    }
}
