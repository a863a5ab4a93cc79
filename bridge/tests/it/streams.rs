//! Streams over real sockets, from subscription to shutdown.

use std::time::Duration;

use binance::Credentials;
use serde_json::json;
use trading::{AccountStore as _, StreamState};

use crate::exchange::{Exchange, SERVER_TIME, fill, soon};
use crate::outside::{SECRET, id, sealed, start};

#[tokio::test]
async fn a_subscription_is_signed_as_documented_and_recorded() {
    let exchange = Exchange::start().await;
    let mut bridge = start(&exchange.url, &["main"], |_| {});
    let mut peer = exchange.accept().await;
    let request = peer.subscription("main").await;
    let params = &request["params"];
    let timestamp = params["timestamp"].as_i64().unwrap();
    let signed = format!("apiKey=main&recvWindow=5000&timestamp={timestamp}");
    let key = Credentials::hmac("main", SECRET).unwrap();
    assert_eq!(params["signature"], key.sign(signed.as_bytes()));
    assert_eq!(params["recvWindow"], 5_000);
    peer.answer(&request, json!({"subscriptionId": 0})).await;
    bridge.until_up(&["main"]).await;
    let (account, why) = bridge.comparison().await;
    assert_eq!(account, id("main"));
    assert!(why.contains("subscribed"), "{why}");
    assert_eq!(bridge.queue.len(), 1, "the second comparison comes later");
    bridge
        .until("the heartbeat", |status| status.connections == 1)
        .await;
    let store = bridge.stop().await;
    let heartbeats = store.heartbeats().await.unwrap();
    assert_eq!(heartbeats[0].bridge, "bridge-1");
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_set_by_the_exchanges() {
    let exchange = Exchange::start().await;
    let mut bridge = start(&exchange.url, &["main"], |_| {});
    let mut peer = exchange.accept().await;
    let early = peer.subscription("main").await;
    peer.refuse(
        &early,
        -1021,
        "Timestamp for this request is outside of the recvWindow.",
    )
    .await;
    let time = peer.request().await;
    assert_eq!(time["method"], "time");
    peer.answer(&time, json!({"serverTime": SERVER_TIME})).await;
    let again = peer.subscription("main").await;
    let timestamp = again["params"]["timestamp"].as_i64().unwrap();
    assert!(
        (SERVER_TIME..SERVER_TIME + 5_000).contains(&timestamp),
        "{timestamp}"
    );
    peer.answer(&again, json!({"subscriptionId": 0})).await;
    bridge.until_up(&["main"]).await;
    bridge.stop().await;
}

#[tokio::test]
async fn wrapped_events_of_two_accounts_go_to_the_queue_under_their_names() {
    let exchange = Exchange::start().await;
    let mut bridge = start(&exchange.url, &["one", "two"], |_| {});
    let mut peer = exchange.accept_with(&["one", "two"]).await;
    bridge.until_up(&["one", "two"]).await;
    peer.send(r#"{"subscriptionId":0,"event":{"e":"outboundAccountPosition","E":1,"u":1,"B":[]}}"#)
        .await;
    peer.send(r#"{"subscriptionId":0,"event":{"e":"brandNew","E":1}}"#)
        .await;
    peer.fill(1, 77).await;
    peer.fill(0, 78).await;
    assert_eq!(bridge.trade().await, (id("two"), 77));
    assert_eq!(bridge.trade().await, (id("one"), 78));
    let status = bridge
        .until("the counts", |status| status.counters.forwarded == 2)
        .await;
    assert_eq!(status.counters.other_events, 2);
    bridge.stop().await;
}

#[tokio::test]
async fn one_refused_account_does_not_hold_up_the_other() {
    let exchange = Exchange::start().await;
    let mut bridge = start(&exchange.url, &["bad", "good"], |_| {});
    let mut peer = exchange.accept().await;
    let bad = peer.subscription("bad").await;
    peer.refuse(
        &bad,
        -2015,
        "Invalid API-key, IP, or permissions for action.",
    )
    .await;
    let good = peer.subscription("good").await;
    peer.answer(&good, json!({"subscriptionId": 0})).await;
    bridge.until_up(&["good"]).await;
    peer.fill(0, 5).await;
    assert_eq!(bridge.trade().await, (id("good"), 5));
    let why = soon("the reason", async {
        loop {
            if let StreamState::Down { why, .. } = bridge.store.stream("bad")
                && why.contains("Invalid API-key")
            {
                return why;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(why.contains("-2015"), "{why}");

    bridge
        .store
        .change("bad", |record| record.stream_key = sealed("mended"));
    let mut mended = peer.request().await;
    while mended["params"]["apiKey"] == "bad" {
        peer.refuse(
            &mended,
            -2015,
            "Invalid API-key, IP, or permissions for action.",
        )
        .await;
        mended = peer.request().await;
    }
    assert_eq!(mended["params"]["apiKey"], "mended");
    peer.answer(&mended, json!({"subscriptionId": 1})).await;
    bridge.until_up(&["bad", "good"]).await;
    bridge.stop().await;
}

#[tokio::test]
async fn a_key_that_cannot_be_opened_is_named() {
    let exchange = Exchange::start().await;
    let mut bridge = start(&exchange.url, &["main"], |_| {});
    bridge
        .store
        .change("main", |record| record.stream_key.sealed = String::new());
    let _peer = exchange.accept().await;
    bridge
        .until("the reason", |status| {
            status.accounts.get(&id("main")).is_some_and(|account| {
                matches!(&account.stream,
                    StreamState::Down { why, .. } if why.contains("key cannot be used"))
            })
        })
        .await;
    bridge.stop().await;
}

#[tokio::test]
async fn a_terminated_stream_is_subscribed_again_on_the_same_socket() {
    let exchange = Exchange::start().await;
    let mut bridge = start(&exchange.url, &["one", "two"], |_| {});
    let mut peer = exchange.accept_with(&["one", "two"]).await;
    bridge.until_up(&["one", "two"]).await;
    peer.send(r#"{"subscriptionId":0,"event":{"e":"eventStreamTerminated","E":1790000000000}}"#)
        .await;
    let again = peer.subscription("one").await;
    peer.fill(1, 5).await;
    assert_eq!(
        bridge.trade().await,
        (id("two"), 5),
        "the other goes on meanwhile"
    );
    peer.answer(&again, json!({"subscriptionId": 2})).await;
    bridge.until_up(&["one", "two"]).await;
    let why = loop {
        let (account, why) = bridge.comparison().await;
        if account == id("one") && why.contains("ended the stream") {
            break why;
        }
    };
    assert!(why.contains("stream subscribed"), "{why}");
    peer.fill(2, 6).await;
    assert_eq!(bridge.trade().await, (id("one"), 6));
    bridge.stop().await;
}

#[tokio::test]
async fn a_shutdown_is_survived_without_a_gap() {
    let exchange = Exchange::start().await;
    let mut bridge = start(&exchange.url, &["main"], |config| {
        config.read_out = Duration::from_secs(1);
    });
    let mut old = exchange.accept_with(&["main"]).await;
    bridge.until_up(&["main"]).await;
    old.send(r#"{"event":{"e":"serverShutdown","E":1790000000000}}"#)
        .await;
    let mut new = exchange.accept().await;
    let request = new.subscription("main").await;
    old.fill(0, 1).await;
    assert_eq!(
        bridge.trade().await,
        (id("main"), 1),
        "the old one serves until the new one does"
    );
    new.answer(&request, json!({"subscriptionId": 0})).await;
    bridge
        .until("both", |status| status.counters.subscribed == 2)
        .await;
    old.fill(0, 3).await;
    assert_eq!(
        bridge.trade().await,
        (id("main"), 3),
        "what was under way on it is read"
    );
    old.closed().await;
    new.fill(0, 2).await;
    assert_eq!(bridge.trade().await, (id("main"), 2));
    let status = bridge
        .until("one connection", |status| status.connections == 1)
        .await;
    assert_eq!(status.counters.gaps, 0);
    assert_eq!(
        status.counters.reconciles, 2,
        "only for the first subscription"
    );
    bridge.stop().await;
}

#[tokio::test]
async fn an_old_connection_is_replaced_in_time() {
    let exchange = Exchange::start().await;
    let mut bridge = start(&exchange.url, &["main"], |config| {
        config.lifetime = Duration::from_millis(300);
    });
    for trade in 0..4 {
        let mut peer = exchange.accept_with(&["main"]).await;
        bridge.until_up(&["main"]).await;
        peer.fill(0, trade).await;
        assert_eq!(bridge.trade().await, (id("main"), trade));
        if trade < 3 {
            // Served until its successor is subscribed, which happens in the next round.
            tokio::task::yield_now().await;
            drop_later(peer);
        }
    }
    let status = bridge.handle.status();
    assert_eq!(status.counters.gaps, 0);
    bridge.stop().await;
}

/// Keeps the exchange's end of a connection open until the bridge closes it.
fn drop_later(mut peer: crate::exchange::Peer) {
    #[expect(
        clippy::disallowed_methods,
        reason = "the scripted exchange serves several connections at once"
    )]
    drop(tokio::spawn(async move { peer.closed().await }));
}

#[tokio::test]
async fn a_silent_connection_is_given_up_and_the_gap_compared() {
    let exchange = Exchange::start().await;
    let mut bridge = start(&exchange.url, &["main"], |config| {
        config.silence = Duration::from_millis(200);
    });
    let silent = exchange.accept_with(&["main"]).await;
    bridge.until_up(&["main"]).await;
    let mut next = exchange.accept().await;
    bridge.until_up(&[]).await;
    let request = next.subscription("main").await;
    next.answer(&request, json!({"subscriptionId": 0})).await;
    soon("the comparison", async {
        while !bridge.comparison().await.1.contains("not even a ping") {}
    })
    .await;
    drop(silent);
    bridge.stop().await;
}

#[tokio::test]
async fn a_dropped_connection_is_made_again_through_refusals() {
    let exchange = Exchange::start().await;
    let mut bridge = start(&exchange.url, &["main"], |config| {
        config.poll_every = Duration::from_millis(30);
    });
    let peer = exchange.accept_with(&["main"]).await;
    bridge.until_up(&["main"]).await;
    drop(peer);
    for _ in 0..3 {
        exchange.refuse().await;
    }
    soon("polling while it is down", async {
        while !bridge.comparison().await.1.contains("stream is down") {}
    })
    .await;
    let mut peer = exchange.accept_with(&["main"]).await;
    bridge.until_up(&["main"]).await;
    soon("the comparison after it", async {
        while !bridge.comparison().await.1.contains("stream subscribed") {}
    })
    .await;
    peer.fill(0, 9).await;
    assert_eq!(bridge.trade().await, (id("main"), 9));
    assert_eq!(bridge.handle.status().counters.gaps, 1);
    bridge.stop().await;
}

#[tokio::test]
async fn frames_nobody_can_read_are_counted_compared_and_survived() {
    let exchange = Exchange::start().await;
    let mut bridge = start(&exchange.url, &["main"], |_| {});
    let mut peer = exchange.accept_with(&["main"]).await;
    bridge.until_up(&["main"]).await;
    peer.send(&format!("{{\"pad\":\"{}\"}}", "x".repeat(1 << 20)))
        .await;
    peer.send_binary(b"\xff\xfe").await;
    peer.send("{\"subscriptionId\":0,\"event\":").await;
    peer.send("[]").await;
    peer.send(&fill(0, 1).replace(r#""z":"0.00080000""#, r#""z":{}"#))
        .await;
    peer.send(r#"{"subscriptionId":0,"event":{"e":"brandNew"}}"#)
        .await;
    peer.send(r#"{"something":"else"}"#).await;
    peer.fill(0, 2).await;
    assert_eq!(bridge.trade().await, (id("main"), 2));
    let status = bridge
        .until("the counts", |status| status.counters.forwarded == 1)
        .await;
    assert_eq!(status.counters.unreadable, 5);
    assert_eq!(status.counters.other_events, 1);
    assert_eq!(status.counters.ignored, 1);
    assert_eq!(status.counters.lost, 0);
    assert!(status.counters.reconciles > 2);
    bridge.stop().await;
}

#[tokio::test]
async fn a_frame_no_socket_may_carry_costs_one_connection() {
    let exchange = Exchange::start().await;
    let mut bridge = start(&exchange.url, &["main"], |_| {});
    let mut peer = exchange.accept_with(&["main"]).await;
    bridge.until_up(&["main"]).await;
    peer.send_broken_text().await;
    let mut peer = exchange.accept_with(&["main"]).await;
    soon("the comparison", async {
        while !bridge.comparison().await.1.contains("UTF-8") {}
    })
    .await;
    peer.fill(0, 3).await;
    assert_eq!(bridge.trade().await, (id("main"), 3));
    bridge.stop().await;
}

#[tokio::test]
async fn a_rotated_key_and_a_new_account_are_taken_up_while_running() {
    let exchange = Exchange::start().await;
    let mut bridge = start(&exchange.url, &["one"], |_| {});
    let mut peer = exchange.accept_with(&["one"]).await;
    bridge.until_up(&["one"]).await;
    bridge
        .store
        .change("one", |record| record.stream_key = sealed("rotated"));
    let leave = peer.request().await;
    assert_eq!(leave["method"], "userDataStream.unsubscribe");
    assert_eq!(leave["params"], json!({"subscriptionId": 0}));
    peer.answer(&leave, json!({})).await;
    peer.send(r#"{"subscriptionId":0,"event":{"e":"eventStreamTerminated","E":1}}"#)
        .await;
    let request = peer.subscription("rotated").await;
    peer.answer(&request, json!({"subscriptionId": 1})).await;
    bridge.until_up(&["one"]).await;
    bridge.store.add("two");
    let request = peer.subscription("two").await;
    peer.answer(&request, json!({"subscriptionId": 2})).await;
    bridge.until_up(&["one", "two"]).await;
    peer.fill(1, 4).await;
    assert_eq!(bridge.trade().await, (id("one"), 4));
    bridge.stop().await;
}

#[tokio::test]
async fn a_stream_that_ended_without_a_word_is_found_out() {
    let exchange = Exchange::start().await;
    let mut bridge = start(&exchange.url, &["main"], |config| {
        config.check_every = Duration::from_millis(50);
    });
    let mut peer = exchange.accept_with(&["main"]).await;
    bridge.until_up(&["main"]).await;
    let list = peer.request().await;
    assert_eq!(list["method"], "session.subscriptions");
    assert_eq!(list.get("params"), None);
    peer.answer(&list, json!([])).await;
    let mut again = peer.request().await;
    while again["method"] == "session.subscriptions" {
        peer.answer(&again, json!([])).await;
        again = peer.request().await;
    }
    assert_eq!(again["method"], "userDataStream.subscribe.signature");
    peer.answer(&again, json!({"subscriptionId": 1})).await;
    soon("the comparison", async {
        while !bridge.comparison().await.1.contains("no longer lists") {}
    })
    .await;
    bridge.stop().await;
}

#[tokio::test]
async fn stopping_records_every_stream_as_down() {
    let exchange = Exchange::start().await;
    let mut bridge = start(&exchange.url, &["main"], |_| {});
    let mut peer = exchange.accept_with(&["main"]).await;
    bridge.until_up(&["main"]).await;
    peer.fill(0, 1).await;
    assert_eq!(bridge.trade().await, (id("main"), 1));
    let queue = bridge.queue.clone();
    let (store, ()) = tokio::join!(bridge.stop(), peer.closed());
    let state = store.stream("main");
    assert!(
        matches!(&state, StreamState::Down { why, .. } if why.contains("stopped")),
        "{state:?}"
    );
    assert_eq!(queue.len(), 1, "the second comparison, which is for later");
}
