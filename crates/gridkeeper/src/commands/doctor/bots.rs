//! What of the bots needs the operator: who runs them, and which of their levels stand still, and why.

use std::collections::BTreeMap;

use domain::{
    Bot, DesiredStatus, Level, LevelIndex, LevelNames, ObservedStatus, OrderState, OrderStatus,
    QuarantineReason,
};
use trading::LevelStore as _;

use super::super::Session;
use super::super::finding::Finding;
use super::super::seen::needs_up;
use super::{of_failure, waits};
use crate::failure::Failure;
use crate::table::count_of;
use crate::words::funds::lacking;
use crate::words::quarantine::{all_vanished, first_step, forgotten, of_several};
use crate::words::{is_end_unknown, is_still_to_be_sold, refusal_words};

/// Each bot whose levels stand still, what cannot be read, and who runs the bots; and the bots.
pub(super) async fn bots(session: &Session<'_>) -> (Vec<Finding>, Vec<Bot>) {
    let mut findings = Vec::new();
    let (bots, failures) = match session.bots().await {
        Ok(bots) => bots,
        Err(failure) => return (vec![of_failure("bots", failure)], Vec::new()),
    };
    let failures = failures.into_iter();
    findings.extend(failures.map(|failure| of_failure("bots", failure)));
    for bot in &bots {
        findings.extend(levels(session, bot).await);
    }
    findings.push(running(&bots, session.home.is_unattended()));
    (findings, bots)
}

async fn levels(session: &Session<'_>, bot: &Bot) -> Vec<Finding> {
    let subject = || format!("levels of bot {}", bot.id);
    match session.home.store().list_levels(&bot.id).await {
        Ok(levels) => {
            let nobody_runs = session.home.is_unattended();
            let mut findings = Vec::from_iter(waits::overdue(
                bot,
                session.now(),
                nobody_runs,
                session.home.keeper(),
            ));
            findings.extend(waits::unanswered(
                bot,
                &levels.readable,
                session.now(),
                session.home.is_unattended(),
            ));
            findings.extend(quarantined(bot, &levels.readable));
            findings.extend(waiting(bot, &levels.readable));
            findings.extend(selling(bot, &levels.readable));
            findings.extend(unknown_ends(bot, &levels.readable));
            let bad = levels.unreadable.into_iter();
            findings.extend(bad.map(|error| of_failure(subject(), Failure::from(error))));
            findings
        }
        Err(error) => vec![of_failure(subject(), Failure::from(error))],
    }
}

/// Levels for which nothing is sent until somebody mends what is wrong, a finding for each reason.
fn quarantined(bot: &Bot, levels: &[Level]) -> Vec<Finding> {
    // Where the bot ends, its quarantined levels are laid to rest by themselves.
    if matches!(
        bot.desired,
        DesiredStatus::Stopped | DesiredStatus::StoppedAndSold
    ) {
        return Vec::new();
    }
    let mut of_reason: BTreeMap<QuarantineReason, Vec<LevelIndex>> = BTreeMap::new();
    for level in levels {
        let state = level.order.as_ref().map(|order| &order.state);
        if let Some(OrderState::Quarantined { why, .. }) = state {
            of_reason.entry(*why).or_default().push(level.index);
        }
    }
    let finding = |(why, names): (QuarantineReason, Vec<LevelIndex>)| {
        let (id, subject) = (&bot.id, format!("bot {}", bot.id));
        let first = names.first().copied().unwrap_or(LevelIndex(0));
        let text = format!(
            "{} quarantined ({}): {}",
            out_of(names.len(), levels.len(), "is", "are"),
            LevelNames(&names),
            of_several(why)
        );
        match first_step(why) {
            Some(_) if why == QuarantineReason::OrderVanished && all_vanished(levels) => {
                Finding::problem(
                    subject,
                    format!("{text}; nothing is sent until that is resolved"),
                    forgotten(id),
                )
            }
            Some(step) => Finding::problem(
                subject,
                format!("{text}; nothing is sent until that is resolved"),
                format!(
                    "{step}; `gridkeeper explain {id} {first}` shows the evidence, and \
                     `gridkeeper bot release {id} {first}` lets level {first} go on by what the exchange shows"
                ),
            ),
            None => Finding::warning(subject, text, "wait for a minute"),
        }
    };
    of_reason.into_iter().map(finding).collect()
}

/// So many levels of all, and the verb that goes with them.
fn out_of(some: usize, all: usize, one: &str, many: &str) -> String {
    let verb = if some == 1 { one } else { many };
    format!("{some} of {} {verb}", count_of(all, "level"))
}

/// Levels of a running bot whose orders the exchange or the records keep from being placed.
fn waiting(bot: &Bot, levels: &[Level]) -> Option<Finding> {
    if bot.desired != DesiredStatus::Running {
        return None;
    }
    let mut of_reason: BTreeMap<String, Vec<LevelIndex>> = BTreeMap::new();
    for level in levels {
        let why = match level.order.as_ref().map(|order| &order.state) {
            Some(OrderState::Refused { why, detail, .. }) => refusal_words(*why, detail),
            // How much is missing differs from level to level.
            Some(OrderState::Held {
                why: domain::HoldReason::BelowMinimum { .. },
                ..
            }) => "below the minimum value".to_owned(),
            Some(OrderState::Held { why, .. }) => why.to_string(),
            Some(
                OrderState::Pending { .. }
                | OrderState::Open
                | OrderState::Quarantined { .. }
                | OrderState::Idle,
            )
            | None => continue,
        };
        of_reason.entry(why).or_default().push(level.index);
    }
    let first = of_reason.values().flatten().min()?;
    let count: usize = of_reason.values().map(Vec::len).sum();
    let reasons: Vec<String> = of_reason
        .iter()
        .map(|(why, names)| format!("{why} ({})", LevelNames(names)))
        .collect();
    let subject = format!("bot {}", bot.id);
    let mut text = format!(
        "{} an order that is not placed: {}",
        out_of(count, levels.len(), "owes", "owe"),
        reasons.join("; ")
    );
    let explain = format!("`gridkeeper explain {}", bot.id);
    let lacking = lacking(bot, levels);
    // Nobody but the operator can mend that.
    if !lacking.is_empty() {
        let needs = lacking.iter().map(|lacking| {
            let named = of_reason.values().any(|names| *names == lacking.levels);
            if named {
                lacking.need()
            } else {
                lacking.to_string()
            }
        });
        let needs: Vec<String> = needs.collect();
        text.push_str(&format!("; {}", needs.join(", and ")));
        return Some(Finding::problem(
            subject,
            text,
            format!(
                "deposit what is missing, or stop the bot; {explain}` says what the account has free"
            ),
        ));
    }
    Some(Finding::warning(
        subject,
        text,
        format!("{explain} {first}` says what is tried next and what you can do"),
    ))
}

/// A bot that is to end and has not sold everything yet.
fn selling(bot: &Bot, levels: &[Level]) -> Option<Finding> {
    let to_sell: Vec<&Level> = levels
        .iter()
        .filter(|level| is_still_to_be_sold(bot, level))
        .collect();
    let first = to_sell.first()?.index;
    let names: Vec<LevelIndex> = to_sell.iter().map(|level| level.index).collect();
    let met_own = to_sell.iter().any(|level| {
        let order = level.order.as_ref();
        order.and_then(|order| order.terminal) == Some(OrderStatus::ExpiredInMatch)
    });
    let why = if met_own {
        "; a sale met another order of this account, so that the exchange ended it"
    } else {
        ""
    };
    let id = &bot.id;
    Some(Finding::warning(
        format!("bot {id}"),
        format!(
            "stopping, and what {} {} is still to be sold{why}",
            LevelNames(&names),
            if names.len() == 1 { "holds" } else { "hold" }
        ),
        format!(
            "it is tried again with each look; if it stays so, `gridkeeper explain {id} {first}` tells what came of it"
        ),
    ))
}

/// Levels of a stopped bot whose last order's end could not be learnt.
fn unknown_ends(bot: &Bot, levels: &[Level]) -> Option<Finding> {
    // Until then it is looked for, and what is held may be sold.
    if bot.observed != ObservedStatus::Stopped {
        return None;
    }
    let names: Vec<LevelIndex> = levels
        .iter()
        .filter(|level| level.order.as_ref().is_some_and(is_end_unknown))
        .map(|level| level.index)
        .collect();
    let id = &bot.id;
    (!names.is_empty()).then(|| {
        Finding::warning(
            format!("bot {id}"),
            format!(
                "stopped, and how the last order of {} ended is unknown ({}): the exchange shows none of them open, \
                 but one may have executed unseen",
                count_of(names.len(), "level"),
                LevelNames(&names)
            ),
            format!(
                "compare what it holds by its records with the account (`gridkeeper audit {id}`), then \
                 `gridkeeper bot remove {id}`"
            ),
        )
    })
}

/// How a bot stands, in words. One that is to end counts as ended only once it has.
fn standing_words(bot: &Bot) -> String {
    match (bot.desired, bot.observed) {
        (DesiredStatus::Running, _) => "started".to_owned(),
        (DesiredStatus::Ready, _) => "not started".to_owned(),
        (DesiredStatus::Paused, ObservedStatus::Running) => {
            "still running and to be paused".to_owned()
        }
        (DesiredStatus::Paused, _) => "paused".to_owned(),
        (DesiredStatus::Stopped | DesiredStatus::StoppedAndSold, ObservedStatus::Stopped) => {
            "stopped".to_owned()
        }
        (DesiredStatus::Stopped | DesiredStatus::StoppedAndSold, ObservedStatus::Ready) => {
            "never started and to be stopped".to_owned()
        }
        (DesiredStatus::Stopped | DesiredStatus::StoppedAndSold, observed) => {
            format!("still {observed} and to be stopped")
        }
    }
}

fn running(bots: &[Bot], nobody_runs: bool) -> Finding {
    let all = count_of(bots.len(), "bot");
    let text = match bots {
        [] => "none yet".to_owned(),
        [bot] => format!("{all}, {}", standing_words(bot)),
        bots => {
            let mut kinds: Vec<(String, usize)> = Vec::new();
            for words in bots.iter().map(standing_words) {
                match kinds.iter_mut().find(|(kind, _)| *kind == words) {
                    Some((_, bots)) => *bots = bots.saturating_add(1),
                    None => kinds.push((words, 1)),
                }
            }
            let kinds: Vec<String> = kinds
                .iter()
                .map(|(kind, bots)| format!("{bots} {kind}"))
                .collect();
            format!("{all}: {}", kinds.join(", "))
        }
    };
    let needing = bots.iter().filter(|bot| needs_up(bot)).count();
    if needing > 0 && nobody_runs {
        let whom = if needing == 1 { "it" } else { "them" };
        let whom = if bots.len() == needing {
            whom.to_owned()
        } else {
            format!("{needing} of them")
        };
        return Finding::problem(
            "bots",
            format!(
                "{text}, but `gridkeeper up` is not running: nobody looks after {whom}, what fills waits \
                 for its next order, and what is said of levels is as of the last look"
            ),
            "start `gridkeeper up`; `gridkeeper recover` looks once",
        );
    }
    Finding::ok("bots", text)
}

#[cfg(test)]
mod tests {
    use domain::{OrderState, QuarantineReason};

    use super::super::super::finding::Grade;
    use super::*;
    use crate::words::tests::{bot, level, order};

    /// Levels whose orders are in these states.
    fn levels(states: &[OrderState]) -> Vec<Level> {
        let of_state = |(index, state): (u16, &OrderState)| Level {
            index: LevelIndex(index),
            order: Some(order(state.clone())),
            ..level()
        };
        (0..).zip(states).map(of_state).collect()
    }

    fn vanished() -> OrderState {
        OrderState::Quarantined {
            why: QuarantineReason::OrderVanished,
            evidence: "order 7".to_owned(),
        }
    }

    #[test]
    fn a_quarantine_is_a_problem_whether_its_bot_runs_or_is_paused() {
        let levels = levels(&[OrderState::Open, vanished()]);
        let mut bot = bot();
        for desired in [DesiredStatus::Running, DesiredStatus::Paused] {
            bot.desired = desired;
            let findings = quarantined(&bot, &levels);
            assert_eq!(findings[0].grade, Grade::Problem);
            let text = &findings[0].text;
            assert!(
                text.starts_with(
                    "1 of 2 levels is quarantined (level 1): the level's order cannot be found"
                ),
                "{text}"
            );
        }
        bot.desired = DesiredStatus::Stopped;
        assert_eq!(quarantined(&bot, &levels), []);
    }

    #[test]
    fn a_bot_that_needs_up_is_missed_when_nobody_runs() {
        let with = |desired, observed| Bot {
            desired,
            observed,
            ..bot()
        };
        let ready = with(DesiredStatus::Ready, ObservedStatus::Ready);
        let runs = with(DesiredStatus::Running, ObservedStatus::Running);
        let rests = with(DesiredStatus::Paused, ObservedStatus::Paused);
        let stops = with(DesiredStatus::Stopped, ObservedStatus::Stopping);
        let stopped = with(DesiredStatus::Stopped, ObservedStatus::Stopped);
        let to_stop = with(DesiredStatus::Stopped, ObservedStatus::Running);
        for (bots, says) in [
            (vec![], "none yet"),
            (vec![ready.clone()], "1 bot, not started"),
            (
                vec![stopped, to_stop],
                "2 bots: 1 stopped, 1 still running and to be stopped, but `gridkeeper up` is not running: \
                 nobody looks after 1 of them, ",
            ),
            (
                vec![rests.clone()],
                "1 bot, paused, but `gridkeeper up` is not running: nobody looks after it, ",
            ),
            (
                vec![stops.clone()],
                "1 bot, still stopping and to be stopped, but `gridkeeper up` is not running: nobody looks after it, ",
            ),
            (
                vec![ready, runs.clone(), rests, stops, runs],
                "5 bots: 1 not started, 2 started, 1 paused, 1 still stopping and to be stopped, but \
                 `gridkeeper up` is not running: nobody looks after 4 of them, ",
            ),
        ] {
            let finding = running(&bots, true);
            let (text, nobody) = (&finding.text, says.contains("nobody"));
            assert!(text == says || (nobody && text.starts_with(says)), "{text}");
            assert_eq!(finding.grade == Grade::Problem, nobody);
            assert_eq!(running(&bots, false).grade, Grade::Ok);
        }
    }

    #[test]
    fn what_is_still_to_be_sold_is_told_until_the_bot_has_stopped() {
        let mut levels = levels(&[OrderState::Idle, OrderState::Idle, OrderState::Open]);
        for level in &mut levels {
            level.base = "1000".parse::<domain::Quantity>().unwrap().into();
            let order = level.order.as_mut().unwrap();
            order.exchange_order_id = Some(domain::ExchangeOrderId(7));
        }
        let mut bot = Bot {
            desired: DesiredStatus::StoppedAndSold,
            observed: ObservedStatus::Stopping,
            ..bot()
        };
        let finding = selling(&bot, &levels).unwrap();
        assert_eq!(
            finding.text,
            "stopping, and what levels 0, 1 hold is still to be sold"
        );
        levels[1].order.as_mut().unwrap().terminal = Some(OrderStatus::ExpiredInMatch);
        let finding = selling(&bot, &levels).unwrap();
        assert!(
            finding.text.contains("met another order"),
            "{}",
            finding.text
        );
        assert_eq!(
            unknown_ends(&bot, &levels),
            None,
            "that would say to remove it"
        );
        bot.observed = ObservedStatus::Stopped;
        assert_eq!(selling(&bot, &levels), None);
        assert!(unknown_ends(&bot, &levels).is_some());
    }

    #[test]
    fn what_waits_is_told_with_its_reasons_and_quarantined_levels_are_not_told_twice() {
        let refused = |why| OrderState::Refused {
            why,
            detail: String::new(),
            retry_at: crate::words::tests::NOW,
            lease: None,
        };
        let held = OrderState::Held {
            why: domain::HoldReason::OutsideBand,
            lease: None,
        };
        let poor = refused(domain::RefusalReason::InsufficientBalance);
        let levels = levels(&[poor.clone(), vanished(), poor, held]);
        let finding = waiting(&bot(), &levels).unwrap();
        assert_eq!(
            finding.text,
            "3 of 4 levels owe an order that is not placed: the account's balance is too small (levels 0, 2); \
             too far from the market (level 3); what lacks money needs 0 ETH together"
        );
        assert_eq!(finding.grade, Grade::Problem);
        let finding = waiting(&bot(), &levels[3..]).unwrap();
        assert_eq!(finding.grade, Grade::Warning);
        assert_eq!(waiting(&bot(), &levels[1..2]), None);
    }
}
