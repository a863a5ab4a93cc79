//! The bridge that holds the streams of a running `up`.

use domain::{Bot, LocalTime};
use trading::{AccountRecord, AccountStore as _, Heartbeat, StreamState};

use super::super::Session;
use super::super::finding::Finding;
use super::super::seen::needs_up;
use super::of_failure;
use crate::home::Keeper;
use crate::table::{ago, count, count_of};

pub(super) async fn bridges(
    session: &Session<'_>,
    accounts: &[AccountRecord],
    bots: &[Bot],
    exchange_answers: bool,
) -> Vec<Finding> {
    let streams: Vec<&StreamState> = bots
        .iter()
        .filter(|bot| needs_up(bot))
        .filter_map(|bot| {
            let of_bot = |account: &&AccountRecord| account.id == bot.account;
            Some(&accounts.iter().find(of_bot)?.stream)
        })
        .collect();
    match session.home.store().heartbeats().await {
        Ok(heartbeats) => judge(
            &heartbeats,
            &streams,
            session.home.keeper(),
            session.now(),
            session.home.is_unattended(),
            exchange_answers,
        ),
        Err(error) => vec![of_failure("bridges", error.into())],
    }
}

/// What there is to say of bridges. `started`: the stream of each bot that needs one.
fn judge(
    heartbeats: &[Heartbeat],
    started: &[&StreamState],
    keeper: Keeper,
    now: LocalTime,
    nobody_runs: bool,
    exchange_answers: bool,
) -> Vec<Finding> {
    // That nobody runs is told of the bots; what an earlier `up` has left behind is of no use.
    if nobody_runs {
        return Vec::new();
    }
    let of = |beat| of_bridge(beat, started, keeper, now, exchange_answers);
    let last = heartbeats.iter().max_by_key(|beat| beat.at);
    match (keeper, last) {
        // One `up` at a time holds a data folder, so that only the bridge heard of last can be alive.
        (Keeper::Up, last) => Vec::from_iter(last.map(of)),
        (Keeper::Schedule, Some(last)) if last.is_fresh(now) => {
            let alive = heartbeats.iter().filter(|beat| beat.is_fresh(now));
            alive.map(of).collect()
        }
        (Keeper::Schedule, Some(last)) => vec![of(last)],
        (Keeper::Schedule, None) if started.is_empty() => Vec::new(),
        (Keeper::Schedule, None) => vec![Finding::problem(
            "bridge",
            "none has ever run: fills are found by the schedule only, a minute or two late",
            "start one (docs/aws.md)",
        )],
    }
}

fn heard(beat: &Heartbeat, now: LocalTime) -> String {
    format!("last heard of {}", ago(beat.at, now))
}

fn of_bridge(
    beat: &Heartbeat,
    started: &[&StreamState],
    keeper: Keeper,
    now: LocalTime,
    exchange_answers: bool,
) -> Finding {
    let subject = format!("bridge {}", beat.bridge);
    if !beat.is_fresh(now) {
        return match keeper {
            Keeper::Up => Finding::warning(
                subject,
                format!("{}, though it should be every 5 seconds", heard(beat, now)),
                format!("if it stays so, {}", keeper.remedy()),
            ),
            Keeper::Schedule => Finding::problem(
                "bridge",
                format!(
                    "none is alive, the last one was {}, {}: fills are found by the schedule only, a minute or two \
                     late",
                    beat.bridge,
                    heard(beat, now)
                ),
                "see why it ended in its log, and start it again",
            ),
        };
    }
    // A stream that is recorded as subscribed is younger than what the bridge was last heard of.
    let unheard = started
        .iter()
        .filter(|stream| !matches!(stream, StreamState::Subscribed { .. }))
        .count();
    if beat.connections == 0 && unheard > 0 {
        return Finding::problem(
            subject,
            format!(
                "alive, but it has no connection to the exchange: fills of {} are found {}",
                count_of(unheard, "bot"),
                if exchange_answers {
                    "by polling only"
                } else {
                    "only once it answers again"
                }
            ),
            "it goes on trying by itself; if it stays so, see the exchange and the keys above",
        );
    }
    let holds = match beat.connections {
        0 if started.is_empty() => "no connection to the exchange yet".to_owned(),
        // Its streams are newer than its last sign of life.
        0 => "it was connecting to the exchange then".to_owned(),
        connections => format!(
            "{} to the exchange for {}",
            count(connections, "connection"),
            count_of(beat.accounts.len(), "account")
        ),
    };
    Finding::ok(subject, format!("alive ({}): {holds}", heard(beat, now)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::finding::Grade;
    use super::*;
    use crate::words::tests::{NOW, bot};

    fn beat(bridge: &str, seconds_ago: u64, connections: u32) -> Heartbeat {
        Heartbeat {
            bridge: bridge.to_owned(),
            at: NOW.before(Duration::from_secs(seconds_ago)),
            connections,
            // Those whose stream is up.
            accounts: (0..connections).map(|_| bot().account).collect(),
        }
    }

    fn told(beats: &[Heartbeat], nobody_runs: bool) -> Vec<(Grade, String)> {
        let findings = judge(
            beats,
            &[&StreamState::Never],
            Keeper::Up,
            NOW,
            nobody_runs,
            true,
        );
        findings
            .into_iter()
            .map(|finding| {
                (
                    finding.grade,
                    format!("{} {}", finding.subject, finding.text),
                )
            })
            .collect()
    }

    #[test]
    fn only_the_bridge_of_the_running_up_is_alive() {
        let told = told(
            &[beat("old", 23, 1), beat("new", 2, 1), beat("older", 90, 1)],
            false,
        );
        let [(Grade::Ok, new)] = told.as_slice() else {
            panic!("{told:?}");
        };
        assert!(
            new.contains("new alive (last heard of 2 s ago): 1 connection to"),
            "{new}"
        );
    }

    #[test]
    fn a_bridge_that_has_just_started_has_no_connection_yet() {
        let subscribed = StreamState::Subscribed {
            since: NOW,
            bridge: "b".to_owned(),
        };
        let findings = judge(
            &[beat("b", 1, 0)],
            &[&subscribed],
            Keeper::Up,
            NOW,
            false,
            true,
        );
        assert_eq!(findings[0].grade, Grade::Ok);
        assert!(
            findings[0]
                .text
                .ends_with("it was connecting to the exchange then")
        );
    }

    #[test]
    fn nothing_is_polled_where_the_exchange_does_not_answer() {
        let findings = judge(
            &[beat("b", 2, 0)],
            &[&StreamState::Never],
            Keeper::Up,
            NOW,
            false,
            false,
        );
        assert!(
            findings[0]
                .text
                .ends_with("are found only once it answers again"),
            "{findings:?}"
        );
    }

    #[test]
    fn what_is_wrong_with_a_bridge_is_said() {
        assert_eq!(told(&[beat("b", 23, 1)], true), []);
        for (beat, grade, says) in [
            (
                beat("b", 23, 1),
                Grade::Warning,
                "should be every 5 seconds",
            ),
            (
                beat("b", 2, 0),
                Grade::Problem,
                "fills of 1 bot are found by polling",
            ),
        ] {
            let told = told(&[beat], false);
            assert_eq!(told[0].0, grade, "{told:?}");
            assert!(told[0].1.contains(says), "{told:?}");
        }
    }
    #[test]
    fn a_deployment_may_have_several_bridges_or_miss_them_all() {
        let told = |beats: &[Heartbeat], started: &[&StreamState]| -> Vec<(Grade, String)> {
            let findings = judge(beats, started, Keeper::Schedule, NOW, false, true);
            let told = findings.into_iter();
            told.map(|finding| {
                (
                    finding.grade,
                    format!("{} {}", finding.subject, finding.text),
                )
            })
            .collect()
        };
        let started = [&StreamState::Never];
        let both = told(
            &[beat("a", 2, 1), beat("gone", 600, 1), beat("b", 3, 1)],
            &started,
        );
        let names: Vec<&str> = both.iter().map(|(_, text)| &text[..8]).collect();
        assert_eq!(names, ["bridge a", "bridge b"], "{both:?}");
        let none = told(&[beat("a", 20, 1), beat("gone", 600, 1)], &started);
        assert!(
            matches!(none.as_slice(), [(Grade::Problem, text)] if text.contains("the last one was a, last heard of 20 s ago")),
            "{none:?}"
        );
        let never = told(&[], &started);
        assert!(
            matches!(never.as_slice(), [(Grade::Problem, text)] if text.contains("none has ever run")),
            "{never:?}"
        );
        assert_eq!(told(&[], &[]), [], "nothing needs one yet");
    }
}
