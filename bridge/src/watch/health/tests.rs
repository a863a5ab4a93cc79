use bridge::AccountStatus;
use domain::LocalTime;

use super::*;

const NOW: Duration = Duration::ZERO;

/// A stream that is up (`None`), or down for this reason, by its key's fault or not.
type Stream = Option<(&'static str, bool)>;

fn status(streams: &[(&str, Stream)]) -> BridgeStatus {
    let since = LocalTime::from_millis(0);
    let account = |stream: &Stream| AccountStatus {
        stream: match stream {
            None => StreamState::Subscribed {
                since,
                bridge: "a".to_owned(),
            },
            Some((why, _)) => StreamState::Down {
                since,
                why: (*why).to_owned(),
            },
        },
        connections: Vec::new(),
        key_refused: stream.is_some_and(|(_, refused)| refused),
    };
    BridgeStatus {
        accounts: streams
            .iter()
            .map(|(id, stream)| (id.parse().unwrap(), account(stream)))
            .collect(),
        listing: Listing::Whole,
        ..BridgeStatus::default()
    }
}

fn reasons(status: &BridgeStatus) -> Vec<String> {
    judge(Some((status, NOW))).reasons
}

#[test]
fn a_bridge_with_its_streams_or_with_none_to_hold_is_well() {
    for streams in [vec![], vec![("a", None), ("b", None)]] {
        let status = status(&streams);
        let health = judge(Some((&status, NOW)));
        assert!(health.is_well() && health.notes.is_empty(), "{health:?}");
        let json = health.to_json("bridge-1");
        assert_eq!(json["status"], "ok");
        assert_eq!(json["bridge"], "bridge-1");
        assert_eq!(json["figures"]["streams_up"], streams.len());
    }
}

#[test]
fn one_that_has_not_turned_or_listed_or_reached_the_queue_says_so() {
    assert_eq!(
        judge(None).reasons,
        ["it starts: the table has not been found yet"]
    );
    let mut unlisted = status(&[]);
    unlisted.listing = Listing::NotYet;
    assert_eq!(
        reasons(&unlisted),
        ["the accounts have not been listed yet"]
    );
    unlisted.listing = Listing::Failed("no network".to_owned());
    assert_eq!(
        reasons(&unlisted),
        ["the accounts cannot be listed: no network"]
    );
    let mut unsent = status(&[]);
    unsent.queue_error = Some("denied".to_owned());
    unsent.buffered = 2;
    let health = judge(Some((&unsent, NOW)));
    assert_eq!(
        health.reasons,
        ["the queue does not take messages, 2 messages wait: denied"]
    );
    assert_eq!(health.to_json("a")["status"], "not well");
}

#[test]
fn a_loop_that_stands_still_is_told() {
    let status = status(&[]);
    let (still, turning) = (LOOP_SILENCE + Duration::from_secs(1), LOOP_SILENCE);
    assert_eq!(
        judge(Some((&status, still))).reasons,
        ["its loop has stood still for 11 s"]
    );
    assert!(judge(Some((&status, turning))).is_well());
}

#[test]
fn streams_that_are_down_are_named_but_not_all_of_many() {
    let two = status(&[("a", Some(("lost", false))), ("b", None)]);
    assert_eq!(reasons(&two), ["streams are down: a: lost"]);
    let names: Vec<String> = (1..=8).map(|number| format!("a{number}")).collect();
    let streams: Vec<(&str, Stream)> = names
        .iter()
        .map(|name| (name.as_str(), Some(("lost", false))))
        .collect();
    let words = reasons(&status(&streams)).remove(0);
    assert!(words.ends_with("a5: lost; and 3 more"), "{words}");
}

#[test]
fn a_refused_key_is_its_accounts_trouble_unless_all_are_refused() {
    let one = status(&[("a", Some(("no such key", true))), ("b", None)]);
    let health = judge(Some((&one, NOW)));
    assert!(health.is_well());
    assert_eq!(health.notes, ["keys are refused: a: no such key"]);
    let all = status(&[("a", Some(("no such key", true)))]);
    assert_eq!(reasons(&all), ["keys are refused: a: no such key"]);
    let last_is_down = status(&[("a", Some(("no", true))), ("b", Some(("lost", false)))]);
    assert_eq!(
        reasons(&last_is_down),
        ["streams are down: b: lost", "keys are refused: a: no"]
    );
}

#[test]
fn damaged_records_and_late_heartbeats_are_noted() {
    let mut status = status(&[("a", None)]);
    status.listing = Listing::Partly("ACCOUNT#b: damaged".to_owned());
    status.heartbeat_age = Some(HEARTBEAT_EVERY * 4);
    let health = judge(Some((&status, NOW)));
    assert!(health.is_well());
    assert_eq!(health.notes.len(), 2);
    assert!(health.notes[0].ends_with("ACCOUNT#b: damaged"));
    status.heartbeat_age = Some(HEARTBEAT_EVERY * 3);
    assert_eq!(judge(Some((&status, NOW))).notes.len(), 1);
}
