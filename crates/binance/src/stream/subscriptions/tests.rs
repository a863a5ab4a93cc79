//! Requests, replies and whose each event is, without a socket.

use super::*;
use crate::stream::report::tests::fixture;

const NOW: LocalTime = LocalTime::from_millis(1_747_385_641_636);

fn key() -> Credentials {
    // The sample key and secret published in rest-api.md.
    Credentials::hmac(
        "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
        "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
    )
    .unwrap()
}

fn account(name: &str) -> AccountId {
    name.parse().unwrap()
}

fn subscribed(name: &str, id: i64) -> Subscriptions {
    let mut subscriptions = Subscriptions::default();
    subscriptions.subscribe(&account(name), &key(), NOW);
    let events = reply(
        &mut subscriptions,
        1,
        &format!(r#""status":200,"result":{{"subscriptionId":{id}}}"#),
    );
    assert_eq!(
        events,
        [StreamEvent::Subscribed {
            account: account(name)
        }]
    );
    subscriptions
}

fn reply(subscriptions: &mut Subscriptions, request: u64, rest: &str) -> Vec<StreamEvent> {
    subscriptions.take(format!(r#"{{"id":"r{request}",{rest}}}"#).as_bytes(), NOW)
}

#[test]
fn the_request_has_the_documented_form_and_signature() {
    let text = Subscriptions::default().subscribe(&account("main"), &key(), NOW);
    let frame: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(frame["method"], "userDataStream.subscribe.signature");
    assert_eq!(frame["id"], "r1");
    let signed = concat!(
        "apiKey=vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
        "&recvWindow=5000&timestamp=1747385641636"
    );
    assert_eq!(
        frame["params"],
        json!({
            "apiKey": key().api_key(),
            "recvWindow": 5000,
            "timestamp": 1_747_385_641_636_i64,
            "signature": key().sign(signed.as_bytes()),
        })
    );
}

#[test]
fn events_are_told_to_the_account_of_their_subscription() {
    let mut subscriptions = subscribed("one", 3);
    subscriptions.subscribe(&account("two"), &key(), NOW);
    reply(
        &mut subscriptions,
        2,
        r#""status":200,"result":{"subscriptionId":4}"#,
    );
    for (id, name) in [(3, "one"), (4, "two")] {
        let text = fixture("").replace(
            r#""subscriptionId":3"#,
            &format!(r#""subscriptionId":{id}"#),
        );
        let events = subscriptions.take(text.as_bytes(), NOW);
        assert!(
            matches!(&events[..], [StreamEvent::Report { account: told, .. }] if *told == account(name)),
            "{events:?}"
        );
    }
}

#[test]
fn a_refusal_names_the_account_and_the_exchanges_words() {
    let mut subscriptions = Subscriptions::default();
    subscriptions.subscribe(&account("main"), &key(), NOW);
    let events = reply(
        &mut subscriptions,
        1,
        r#""status":401,"error":{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}"#,
    );
    let [
        StreamEvent::Refused {
            account: told,
            refusal,
        },
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(*told, account("main"));
    assert_eq!(refusal.code, -2015);
    assert!(refusal.to_string().contains("Invalid API-key"), "{refusal}");
    assert!(!subscriptions.clock_suspect());
}

#[test]
fn a_success_without_an_id_is_a_refusal() {
    let mut subscriptions = Subscriptions::default();
    subscriptions.subscribe(&account("main"), &key(), NOW);
    let events = reply(&mut subscriptions, 1, r#""status":200,"result":{}"#);
    assert!(
        matches!(&events[..], [StreamEvent::Refused { .. }]),
        "{events:?}"
    );
}

#[test]
fn requests_follow_the_exchanges_clock_once_it_is_known() {
    let mut subscriptions = Subscriptions::default();
    subscriptions.subscribe(&account("main"), &key(), NOW);
    reply(
        &mut subscriptions,
        1,
        r#""status":400,"error":{"code":-1021,"msg":"Timestamp"}"#,
    );
    assert!(subscriptions.clock_suspect());
    subscriptions.ask_time();
    assert!(!subscriptions.clock_suspect());
    let server = NOW.as_millis() - 7_000;
    reply(
        &mut subscriptions,
        2,
        &format!(r#""status":200,"result":{{"serverTime":{server}}}"#),
    );
    let text = subscriptions.subscribe(&account("main"), &key(), NOW);
    let frame: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(frame["params"]["timestamp"], server);
}

#[test]
fn an_end_is_news_once_and_none_when_we_gave_it_up() {
    let end = br#"{"subscriptionId":3,"event":{"e":"eventStreamTerminated","E":1}}"#;
    let mut subscriptions = subscribed("main", 3);
    assert!(matches!(
        &subscriptions.take(end, NOW)[..],
        [StreamEvent::Ended { .. }]
    ));
    assert!(matches!(
        &subscriptions.take(end, NOW)[..],
        [StreamEvent::Ignored { .. }]
    ));

    let mut subscriptions = subscribed("main", 3);
    let texts = subscriptions.unsubscribe(&account("main"));
    assert_eq!(texts.len(), 1);
    let frame: Value = serde_json::from_str(&texts[0]).unwrap();
    assert_eq!(frame["method"], "userDataStream.unsubscribe");
    assert_eq!(frame["params"]["subscriptionId"], 3);
    let still = subscriptions.take(fixture("").as_bytes(), NOW);
    assert!(
        matches!(&still[..], [StreamEvent::Report { .. }]),
        "{still:?}"
    );
    assert!(matches!(
        &subscriptions.take(end, NOW)[..],
        [StreamEvent::Ignored { .. }]
    ));
    assert!(subscriptions.unsubscribe(&account("main")).is_empty());
}

#[test]
fn a_stream_the_exchange_no_longer_lists_has_ended() {
    let mut subscriptions = subscribed("main", 3);
    subscriptions.list();
    let events = reply(
        &mut subscriptions,
        2,
        r#""status":200,"result":[{"subscriptionId":3}]"#,
    );
    assert_eq!(events, []);
    subscriptions.list();
    let events = reply(
        &mut subscriptions,
        3,
        r#""status":200,"result":[{"subscriptionId":8}]"#,
    );
    assert!(
        matches!(&events[..], [StreamEvent::Ended { .. }]),
        "{events:?}"
    );
}

#[test]
fn a_list_that_is_refused_ends_nothing() {
    let mut subscriptions = subscribed("main", 3);
    subscriptions.list();
    let events = reply(
        &mut subscriptions,
        2,
        r#""status":400,"error":{"code":-1020,"msg":"no"}"#,
    );
    assert!(
        matches!(&events[..], [StreamEvent::RequestFailed(_)]),
        "{events:?}"
    );
    assert_eq!(subscriptions.unsubscribe(&account("main")).len(), 1);
}

#[test]
fn a_report_of_an_unknown_subscription_may_be_anyones() {
    let mut subscriptions = subscribed("main", 9);
    let events = subscriptions.take(fixture("").as_bytes(), NOW);
    assert!(
        matches!(
            &events[..],
            [StreamEvent::Unreadable {
                account: None,
                ids: None,
                ..
            }]
        ),
        "{events:?}"
    );
    subscriptions.subscribe(&account("two"), &key(), NOW);
    let events = subscriptions.take(fixture("").as_bytes(), NOW);
    assert!(
        matches!(&events[..], [StreamEvent::Ignored { .. }]),
        "{events:?}"
    );
}

#[test]
fn replies_to_no_request_and_revoked_sessions_stop_nothing() {
    let mut subscriptions = subscribed("main", 3);
    assert!(matches!(
        &reply(&mut subscriptions, 77, r#""status":200"#)[..],
        [StreamEvent::Ignored { .. }]
    ));
    let revoked = br#"{"id":null,"status":401,"error":{"code":-2015,"msg":"Invalid"}}"#;
    assert!(matches!(
        &subscriptions.take(revoked, NOW)[..],
        [StreamEvent::RequestFailed(Refusal { code: -2015, .. })]
    ));
    let events = subscriptions.take(fixture("").as_bytes(), NOW);
    assert!(matches!(&events[..], [StreamEvent::Report { .. }]));
}

/// This machine's clock is a minute ahead, the exchange asks to wait for 45 s.
#[test]
fn a_time_to_wait_for_is_told_by_the_exchanges_clock() {
    let server = NOW.as_millis() - 60_000;
    let until = server + 45_000;
    for (data, what) in [
        (
            format!(r#""serverTime":{server},"retryAfter":{until}"#),
            "told in the same reply",
        ),
        (format!(r#""retryAfter":{until}"#), "known from before"),
    ] {
        let mut subscriptions = Subscriptions::default();
        if !data.contains("serverTime") {
            subscriptions.ask_time();
            let result = format!(r#""status":200,"result":{{"serverTime":{server}}}"#);
            reply(&mut subscriptions, 1, &result);
        }
        let error = format!(r#"{{"code":-1003,"msg":"Too much","data":{{{data}}}}}"#);
        let rest = format!(r#""status":429,"error":{error}"#);
        let events = reply(&mut subscriptions, 77, &rest);
        let [StreamEvent::RequestFailed(refusal)] = &events[..] else {
            panic!("{events:?}")
        };
        assert_eq!(
            refusal.retry_after,
            Some(std::time::Duration::from_secs(45)),
            "{what}"
        );
    }
}

#[test]
fn the_weight_used_from_this_address_is_told_with_each_reply() {
    let mut subscriptions = Subscriptions::default();
    subscriptions.ask_time();
    let limits = r#""rateLimits":[
        {"rateLimitType":"CONNECTIONS","interval":"MINUTE","intervalNum":5,"limit":300,"count":7},
        {"rateLimitType":"REQUEST_WEIGHT","interval":"HOUR","intervalNum":1,"limit":9,"count":9},
        {"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":6000,"count":4321}
    ]"#;
    let rest = format!(r#""status":200,"result":{{"serverTime":1}},{limits}"#);
    let told = StreamEvent::Weight(WeightCount {
        used: 4_321,
        limit: 6_000,
    });
    let events = reply(&mut subscriptions, 1, &rest);
    assert_eq!(events.last(), Some(&told));
    assert_eq!(events.len(), 1);
    let rest = format!(r#""status":429,"error":{{"code":-1003,"msg":"Too much"}},{limits}"#);
    assert_eq!(reply(&mut subscriptions, 2, &rest).last(), Some(&told));
    let rest = r#""status":200,"rateLimits":[{"rateLimitType":"REQUEST_WEIGHT"},7]"#;
    let events = reply(&mut subscriptions, 3, rest);
    assert!(matches!(&events[..], [StreamEvent::Ignored { .. }]));
}
