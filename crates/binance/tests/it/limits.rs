//! What the exchange says about limits is obeyed, by every account behind one address.

use std::sync::Arc;
use std::time::Duration;

use binance::{AddressConfig, RestAddress, WeightUse};
use domain::RefusalReason;
use trading::{AccountStop, Admission, Exchange as _, ExchangeError, PlaceOutcome};

use crate::server::{
    Answer, PLACED, Server, TestClock, client_at, no, ok, order, reply, server_time, timestamp,
};

fn limited(error: &ExchangeError) -> Option<Duration> {
    if let ExchangeError::Limited { after, .. } = error {
        Some(*after)
    } else {
        None
    }
}

#[tokio::test]
async fn a_ban_pauses_every_account_of_the_address() {
    let clock = TestClock::new();
    let server =
        Server::start(|_| Answer::Send(reply(418, &[("Retry-After", "30")], "banned"))).await;
    let test_clock = clock.clone();
    let config = AddressConfig::new(&server.base_url());
    let address = RestAddress::open(config, Arc::new(move || test_clock.now())).unwrap();
    let (main, other) = (client_at(&address, "main"), client_at(&address, "other"));
    let outcome = main.place(&order(), timestamp()).await;
    let PlaceOutcome::Refused(refusal) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(refusal.stop, Some(AccountStop::Banned));
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(30)));

    clock.advance(10_000);
    let until = clock.now().after(Duration::from_secs(20));
    assert_eq!(other.admission(), Admission::NotBefore(until));
    let wait = Some(Duration::from_secs(20));
    let symbol = "XRPETH".parse().unwrap();
    assert_eq!(
        limited(&other.open_orders(&symbol).await.unwrap_err()),
        wait
    );
    assert_eq!(limited(&other.server_time().await.unwrap_err()), wait);
    assert_eq!(limited(&other.rules(&symbol).await.unwrap_err()), wait);
    address.keep_warm().await.unwrap();
    let PlaceOutcome::Refused(refusal) = other.place(&order(), timestamp()).await else {
        panic!("an order was sent while banned");
    };
    assert_eq!(
        (refusal.why, refusal.stop),
        (RefusalReason::RateLimited, None)
    );
    assert_eq!(refusal.retry_after, wait);
    assert_eq!(server.seen().len(), 1, "nothing left the machine");

    clock.advance(20_000);
    assert_eq!(other.admission(), Admission::Now);
    assert!(other.server_time().await.is_err());
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_weight_limit_pauses_for_as_long_as_it_says() {
    let clock = TestClock::new();
    let body = r#"{"code":-1003,"msg":"Too much request weight used; current limit is 6000 request weight per 1 MINUTE."}"#;
    let server =
        Server::start(move |_| Answer::Send(reply(429, &[("Retry-After", "7")], body))).await;
    let client = server.client(&clock);
    let symbol = "XRPETH".parse().unwrap();
    let error = client.best_prices(&symbol).await.unwrap_err();
    assert_eq!(limited(&error), Some(Duration::from_secs(7)));
    let until = clock.now().after(Duration::from_secs(7));
    assert_eq!(client.admission(), Admission::NotBefore(until));
}

#[tokio::test]
async fn the_exchanges_count_of_weight_holds_back_what_can_wait() {
    let clock = TestClock::new();
    let server = Server::start(|request| match request.path.as_str() {
        "/api/v3/time" => {
            let headers = [("X-MBX-USED-WEIGHT-1M", "4799")];
            let body = "{\"serverTime\":1790000040000}";
            Answer::Send(reply(200, &headers, body))
        }
        _ => ok("[]"),
    })
    .await;
    let client = server.client(&clock);
    client.server_time().await.unwrap();
    let used = WeightUse {
        used: 4_799,
        limit: 6_000,
    };
    assert_eq!(client.address().weight(), used);
    let symbol = "XRPETH".parse().unwrap();
    let wait = limited(&client.open_orders(&symbol).await.unwrap_err());
    assert_eq!(wait, Some(Duration::from_secs(60)));
    assert_eq!(
        client.admission(),
        Admission::Now,
        "orders may use the rest"
    );
    assert!(
        client
            .trades(&symbol, domain::ExchangeOrderId(1))
            .await
            .is_ok()
    );
    // A take-over that is let in to look up an order by its id must be let in to list as well, or
    // it claims one lease after another and never gets to know.
    let day = Duration::from_secs(24 * 3_600);
    let since = timestamp().before(day);
    assert_eq!(client.orders_since(&symbol, since).await, Ok(Vec::new()));
    let since = timestamp().before(8 * day);
    let wait = limited(&client.orders_since(&symbol, since).await.unwrap_err());
    assert!(wait.is_some(), "a list of many days can wait");
    clock.advance(60_000);
    assert!(client.open_orders(&symbol).await.is_ok());
}

#[tokio::test]
async fn order_counts_in_replies_pace_an_account_and_no_other() {
    let clock = TestClock::new();
    let server = Server::start(|_| {
        let headers = [
            ("X-MBX-ORDER-COUNT-10S", "50"),
            ("X-MBX-ORDER-COUNT-1D", "77"),
        ];
        Answer::Send(reply(200, &headers, PLACED))
    })
    .await;
    let client = server.client(&clock);
    let same_account = client_at(client.address(), "main");
    let other = client_at(client.address(), "other");
    clock.advance(3_000);
    assert!(matches!(
        client.place(&order(), timestamp()).await,
        PlaceOutcome::Accepted(_)
    ));
    let next = clock.now().after(Duration::from_secs(7));
    assert_eq!(client.admission(), Admission::NotBefore(next));
    assert_eq!(same_account.admission(), Admission::NotBefore(next));
    assert_eq!(other.admission(), Admission::Now);
    let outcome = same_account.place(&order(), timestamp()).await;
    assert!(
        matches!(&outcome, PlaceOutcome::Refused(refusal) if refusal.why == RefusalReason::RateLimited),
        "{outcome:?}"
    );
    assert_eq!(server.orders(), 1);
    clock.advance(7_000);
    assert_eq!(client.admission(), Admission::Now);
}

#[tokio::test]
async fn too_many_orders_pause_orders_and_nothing_else() {
    let clock = TestClock::new();
    let server = Server::start(|request| match request.method.as_str() {
        "POST" => no(
            429,
            r#"{"code":-1015,"msg":"Too many new orders; current limit is 50 orders per 10 SECOND."}"#,
        ),
        _ => ok("[]"),
    })
    .await;
    let client = server.client(&clock);
    let outcome = client.place(&order(), timestamp()).await;
    assert!(matches!(outcome, PlaceOutcome::Refused(_)), "{outcome:?}");
    let until = clock.now().after(Duration::from_secs(10));
    assert_eq!(client.admission(), Admission::NotBefore(until));
    assert_eq!(
        client_at(client.address(), "other").admission(),
        Admission::Now
    );
    let symbol = "XRPETH".parse().unwrap();
    assert_eq!(client.open_orders(&symbol).await, Ok(Vec::new()));
}

#[tokio::test]
async fn limits_stated_with_the_rules_are_learnt() {
    let clock = TestClock::new();
    let info = r#"{"rateLimits":[{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":1200},{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":1}],"symbols":[]}"#;
    let server = Server::start(move |request| match request.method.as_str() {
        "POST" => ok(PLACED),
        _ => ok(info),
    })
    .await;
    let client = server.client(&clock);
    let symbol = "XRPETH".parse().unwrap();
    let error = client.rules(&symbol).await.unwrap_err();
    assert_eq!(error, ExchangeError::UnknownSymbol(symbol));
    assert_eq!(client.address().weight().limit, 1_200);
    assert!(matches!(
        client.place(&order(), timestamp()).await,
        PlaceOutcome::Accepted(_)
    ));
    assert!(matches!(client.admission(), Admission::NotBefore(_)));
    let other = client_at(client.address(), "other");
    assert!(matches!(
        other.place(&order(), timestamp()).await,
        PlaceOutcome::Accepted(_)
    ));
    assert!(
        matches!(other.admission(), Admission::NotBefore(_)),
        "also for accounts to come"
    );
}

#[tokio::test]
async fn rules_are_asked_for_once_a_minute() {
    let clock = TestClock::new();
    let server = Server::start(|_| ok(r#"{"rateLimits":[],"symbols":[]}"#)).await;
    let client = server.client(&clock);
    let symbol = "XRPETH".parse().unwrap();
    let unknown = Err(ExchangeError::UnknownSymbol("XRPETH".parse().unwrap()));
    for (advance, asked) in [(0, 1), (59_999, 1), (1, 2), (0, 2)] {
        clock.advance(advance);
        assert_eq!(client.rules(&symbol).await, unknown);
        assert_eq!(server.count("GET", "/api/v3/exchangeInfo"), asked);
    }
    let other = "BTCUSDT".parse().unwrap();
    assert!(client.rules(&other).await.is_err());
    assert_eq!(server.count("GET", "/api/v3/exchangeInfo"), 3);
}

#[tokio::test]
async fn a_connection_is_proven_only_after_it_was_idle() {
    let clock = TestClock::new();
    let server = Server::start(|request| match request.method.as_str() {
        "POST" => ok(PLACED),
        _ => server_time(1_790_000_041_500),
    })
    .await;
    let client = server.client(&clock);
    let address = client.address();
    address.keep_warm().await.unwrap();
    assert_eq!(
        server.count("GET", "/api/v3/time"),
        1,
        "the first time it is opened"
    );
    assert_eq!(client.estimated_time().as_millis(), 1_790_000_041_500);
    clock.advance(10_000);
    address.keep_warm().await.unwrap();
    assert_eq!(server.count("GET", "/api/v3/time"), 1);
    clock.advance(1);
    address.keep_warm().await.unwrap();
    assert_eq!(server.count("GET", "/api/v3/time"), 2);
    clock.advance(9_000);
    assert!(matches!(
        client.place(&order(), timestamp()).await,
        PlaceOutcome::Accepted(_)
    ));
    clock.advance(9_000);
    address.keep_warm().await.unwrap();
    assert_eq!(
        server.count("GET", "/api/v3/time"),
        2,
        "an order proves it as well"
    );
    let connections = server.seen().iter().map(|seen| seen.connection).max();
    assert_eq!(connections, Some(0), "all over one connection");
    clock.advance(-60_000);
    address.keep_warm().await.unwrap();
    assert_eq!(
        server.count("GET", "/api/v3/time"),
        3,
        "the wall clock was set back"
    );
}

/// The connection died while the process was frozen: the question finds out, not the order.
#[tokio::test]
async fn a_dead_connection_fails_a_question_and_not_an_order() {
    let clock = TestClock::new();
    let mut questions = 0;
    let server = Server::start(move |request| match request.method.as_str() {
        "POST" => ok(PLACED),
        _ => {
            questions += 1;
            match questions {
                1 => server_time(1_790_000_040_000),
                // Read, and never answered: to the client the connection looks alive.
                2 => Answer::FallSilent(Vec::new()),
                _ => server_time(1_790_000_080_000),
            }
        }
    })
    .await;
    let client = server.impatient_client(&clock);
    client.address().warm().await.unwrap();
    clock.advance(30_000);
    assert!(client.address().keep_warm().await.is_err());
    assert!(matches!(
        client.place(&order(), timestamp()).await,
        PlaceOutcome::Accepted(_)
    ));
    let connections: Vec<_> = server.seen().iter().map(|seen| seen.connection).collect();
    assert_eq!(connections, [0, 0, 1]);
}
