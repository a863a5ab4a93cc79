//! What Binance's documents print (`tests/published`), through the client: the right values come out.
//!
//! Entry point for the other modules: [`payload`]. The REST replies are here, the stream's are in `published_stream`.

use std::path::Path;

use binance::RestClient;
use domain::{
    Asset, ExchangeOrderId, Execution, OrderStatus, Price, Quantity, Side, Symbol, SymbolStatus,
};
use serde_json::Value;
use trading::{
    AccountStop, CancelOutcome, Exchange as _, ExchangeError, FoundOrder, NewOrder, OrderView,
    PlaceOutcome, UnknownCause,
};

use crate::server::{START, Server, TestClock, no, ok, order, timestamp};

/// The payload of one file.
pub(crate) fn payload(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/published")
        .join(name)
        .with_extension("json");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut file: Value = serde_json::from_str(&text).unwrap();
    assert!(
        file["source"]
            .as_str()
            .is_some_and(|source| source.contains(".")),
        "{name}"
    );
    file["payload"].take()
}

/// A server that always answers with this, and a client of it.
async fn answering(payload: Value, clock: &TestClock) -> (Server, RestClient) {
    let body = payload.to_string();
    let server = Server::start(move |_| ok(&body)).await;
    let client = server.client(clock);
    (server, client)
}

fn symbol(text: &str) -> Symbol {
    text.parse().unwrap()
}

fn quantity(text: &str) -> Quantity {
    text.parse().unwrap()
}

fn price(text: &str) -> Option<Price> {
    Some(text.parse().unwrap())
}

/// Places an order like the one in a published reply and is answered by that reply, but for the id, which is never one
/// of ours there.
async fn place(name: &str) -> PlaceOutcome {
    let mut payload = payload(name);
    let mut asked: NewOrder = order();
    asked.symbol = symbol(payload["symbol"].as_str().unwrap());
    // An ACK does not say.
    if payload["side"] == "SELL" {
        asked.intent.side = Side::Sell;
    }
    payload["clientOrderId"] = asked.client_order_id.to_string().into();
    let (_server, client) = answering(payload, &TestClock::new()).await;
    client.place(&asked, timestamp()).await
}

async fn placed(name: &str) -> Execution {
    let outcome = place(name).await;
    let PlaceOutcome::Accepted(execution) = outcome else {
        panic!("{name}: {outcome:?}");
    };
    *execution
}

/// Id, price, quantity, fee and its asset of each trade.
fn trades(execution: &Execution) -> Vec<String> {
    let row = |trade: &domain::Trade| {
        let fee = trade.fee.as_ref();
        let fee = fee.map_or_else(
            || "no fee".to_owned(),
            |fee| format!("{} {}", fee.amount, fee.asset),
        );
        format!("{} {} {} {fee}", trade.id, trade.price, trade.quantity)
    };
    execution.trades.iter().map(row).collect()
}

#[tokio::test]
async fn a_full_reply_shows_the_order_and_every_fill() {
    let execution = placed("order_full").await;
    assert_eq!(execution.exchange_order_id, ExchangeOrderId(28));
    assert_eq!(execution.side, Side::Sell);
    assert_eq!(execution.status, OrderStatus::Filled);
    assert_eq!(execution.order_quantity, quantity("10"));
    assert_eq!(execution.cumulative, quantity("10"));
    assert_eq!(execution.order_price, None, "a market order has no price");
    assert_eq!(execution.time.as_millis(), 1_507_725_176_595);
    // The document's own sum is wrong (`cummulativeQuoteQty` 10 for fills worth 39989), so its fills are not believed
    // and will be fetched.
    assert_eq!(trades(&execution), Vec::<String>::new());
}

#[tokio::test]
async fn the_fills_of_a_reply_whose_sums_agree_are_taken() {
    let execution = placed("order_market_expired").await;
    assert_eq!(execution.status, OrderStatus::Expired);
    assert_eq!(
        (execution.order_quantity, execution.cumulative),
        (quantity("6"), quantity("4"))
    );
    assert_eq!(trades(&execution), ["7 1 2 0.001 BNB", "8 1 2 0.001 BNB"]);
    assert!(execution.trades.iter().all(|trade| !trade.maker));
}

#[tokio::test]
async fn a_reply_without_fills_shows_how_far_the_order_came() {
    let execution = placed("order_result").await;
    assert_eq!(execution.status, OrderStatus::Filled);
    assert_eq!(execution.cumulative, quantity("10"));
    assert_eq!(trades(&execution), Vec::<String>::new());
}

#[tokio::test]
async fn an_acknowledgement_alone_leaves_the_order_to_be_looked_up() {
    assert_eq!(
        place("order_ack").await,
        PlaceOutcome::Unknown(UnknownCause::Unreadable)
    );
}

#[tokio::test]
async fn orders_kept_from_trading_with_their_own_account_are_read() {
    let resting = placed("order_prevented_maker").await;
    assert_eq!(resting.status, OrderStatus::New);
    assert_eq!(resting.order_price, price("1"));
    let ended = placed("order_prevented_both").await;
    assert_eq!(ended.status, OrderStatus::ExpiredInMatch);
    assert!(ended.status.is_terminal() && ended.cumulative.is_zero());
}

/// An allocation of smart order routing has no trade id to be booked under.
#[tokio::test]
async fn a_routed_order_is_accepted_without_its_allocations() {
    let execution = placed("order_routed").await;
    assert_eq!(execution.status, OrderStatus::Filled);
    assert_eq!(execution.cumulative, quantity("0.5"));
    assert_eq!(trades(&execution), Vec::<String>::new());
}

/// What every queried order of the documents shows.
fn assert_is_my_order(view: &OrderView) {
    assert_eq!(view.symbol, symbol("LTCBTC"));
    assert_eq!(view.exchange_order_id, ExchangeOrderId(1));
    assert_eq!(view.client_order_id, "myOrder1");
    assert_eq!((view.side, view.price), (Side::Buy, price("0.1")));
    assert_eq!(
        (view.quantity, view.executed),
        (quantity("1"), Quantity::ZERO)
    );
    assert_eq!(view.status, OrderStatus::New);
    assert_eq!(view.created_at.as_millis(), 1_499_827_319_559);
    assert_eq!(view.updated_at.as_millis(), 1_499_827_319_559);
}

#[tokio::test]
async fn queried_and_listed_orders_are_read() {
    // The examples are of 2017: the clock goes back there, or there would be too many spans of time to ask for.
    let clock = TestClock::new();
    clock.advance(1_499_827_320_000 - START);
    let asked = symbol("LTCBTC");
    let (server, client) = answering(payload("query_order"), &clock).await;
    let found = client.order(&asked, ExchangeOrderId(1)).await;
    let Ok(FoundOrder::Shown(view)) = found else {
        panic!("{found:?}");
    };
    assert_is_my_order(&view);
    assert_eq!(server.count("GET", "/api/v3/order"), 1);
    let (_server, client) = answering(payload("open_orders"), &clock).await;
    let open = client.open_orders(&asked).await.unwrap();
    let (_server, client) = answering(payload("all_orders"), &clock).await;
    let all = client.orders_since(&asked, view.created_at).await.unwrap();
    for rows in [open, all] {
        let [row] = rows.as_slice() else {
            panic!("{rows:?}");
        };
        assert_is_my_order(row);
    }
}

#[tokio::test]
async fn a_queried_order_that_was_kept_from_trading_has_ended() {
    let (_server, client) = answering(payload("query_order_prevented"), &TestClock::new()).await;
    let found = client.order(&symbol("BTCUSDT"), ExchangeOrderId(5)).await;
    let Ok(FoundOrder::Shown(view)) = found else {
        panic!("{found:?}");
    };
    assert_eq!(view.status, OrderStatus::ExpiredInMatch);
    assert_eq!(
        (view.quantity, view.executed),
        (quantity("3"), Quantity::ZERO)
    );
    assert_eq!(view.side, Side::Sell);
}

/// Fields that appear under some condition change nothing of what is read.
#[tokio::test]
async fn conditional_fields_of_an_order_are_passed_over() {
    let plain = payload("query_order");
    let mut full = plain.clone();
    let fields = payload("order_conditional_fields");
    let fields = fields.as_object().unwrap().clone();
    assert_eq!(fields.len(), 15);
    full.as_object_mut().unwrap().extend(fields);
    let mut views = Vec::new();
    for body in [plain, full] {
        let (_server, client) = answering(body, &TestClock::new()).await;
        views.push(
            client
                .order(&symbol("LTCBTC"), ExchangeOrderId(1))
                .await
                .unwrap(),
        );
    }
    assert_eq!(views.first(), views.last());
}

#[tokio::test]
async fn a_cancel_is_read_as_the_order_it_ended() {
    let (server, client) = answering(payload("cancel_order"), &TestClock::new()).await;
    let canceled = client.cancel(&symbol("LTCBTC"), ExchangeOrderId(4)).await;
    let Ok(CancelOutcome::Canceled(view)) = canceled else {
        panic!("{canceled:?}");
    };
    assert_eq!(view.client_order_id, "myOrder1", "not the cancel's own id");
    assert_eq!(view.status, OrderStatus::Canceled);
    assert_eq!((view.price, view.quantity), (price("2"), quantity("1")));
    assert_eq!(view.executed, Quantity::ZERO);
    assert_eq!(view.updated_at.as_millis(), 1_684_804_350_068);
    assert_eq!(server.count("DELETE", "/api/v3/order"), 1);
}

#[tokio::test]
async fn a_listed_trade_is_read() {
    let (_server, client) = answering(payload("my_trades"), &TestClock::new()).await;
    let trades = client
        .trades(&symbol("BNBBTC"), ExchangeOrderId(100_234))
        .await
        .unwrap();
    let [trade] = trades.as_slice() else {
        panic!("{trades:?}");
    };
    assert_eq!(trade.id.0, 28457);
    assert_eq!(
        (Some(trade.price), trade.quantity),
        (price("4.000001"), quantity("12"))
    );
    assert_eq!(trade.quote, "48.000012".parse().unwrap());
    let fee = trade.fee.as_ref().unwrap();
    assert_eq!((fee.amount, fee.asset.as_str()), (quantity("10.1"), "BNB"));
    assert!(!trade.maker);
    assert_eq!(trade.time.as_millis(), 1_499_865_549_590);
}

#[tokio::test]
async fn balances_and_fee_rates_are_read() {
    let (_server, client) = answering(payload("account"), &TestClock::new()).await;
    let balances = client.balances().await.unwrap();
    let rows: Vec<String> = balances
        .iter()
        .map(|(asset, balance)| format!("{asset} {} {}", balance.free, balance.locked))
        .collect();
    assert_eq!(rows, ["BTC 4723846.89208129 0", "LTC 4763368.68006011 0"]);
    let (_server, client) = answering(payload("commission"), &TestClock::new()).await;
    let rates = client.commission(&symbol("BTCUSDT")).await.unwrap();
    // Standard, special and tax, each the maker's or taker's and the seller's, the dearer side here.
    assert_eq!(rates.maker.decimal().to_string(), "0.05000278");
    assert_eq!(rates.taker.decimal().to_string(), "0.0600029");
}

#[tokio::test]
async fn the_permissions_of_a_key_are_read() {
    let (_server, client) = answering(payload("api_restrictions"), &TestClock::new()).await;
    let key = client.key_permissions().await.unwrap().unwrap();
    assert!(key.reading && !key.trading && !key.withdrawals && !key.ip_restricted);
    assert_eq!(key.trading_expires_at, None);
}

#[tokio::test]
async fn the_rules_of_a_symbol_are_read() {
    let (server, client) = answering(payload("exchange_info"), &TestClock::new()).await;
    let rules = client.rules(&symbol("ETHBTC")).await.unwrap();
    assert_eq!(rules.status, SymbolStatus::Trading);
    assert_eq!(
        [&rules.base, &rules.quote].map(Asset::as_str),
        ["ETH", "BTC"]
    );
    assert!(rules.post_only_allowed && !rules.expire_taker_allowed);
    let bounds = rules.price.unwrap();
    let bounds = [bounds.min, bounds.max, bounds.tick].map(|bound| bound.normalize().to_string());
    assert_eq!(bounds, ["0.000001", "100000", "0.000001"]);
    let lot = rules.lot.unwrap();
    assert_eq!((lot.min, lot.max), (quantity("0.001"), quantity("100000")));
    assert_eq!(lot.step.normalize().to_string(), "0.001");
    // Of two filters about one thing both hold.
    let notional = rules.notional.unwrap();
    assert_eq!(notional.min, "10".parse().unwrap());
    assert_eq!(notional.max, Some("10000".parse().unwrap()));
    let band = rules.band.unwrap();
    let band = [band.bid_up, band.bid_down, band.ask_up, band.ask_down];
    assert_eq!(
        band.map(|bound| bound.normalize().to_string()),
        ["1.2", "0.7", "1.3", "0.8"]
    );
    assert_eq!(rules.max_open_orders, Some(25));
    assert_eq!(server.count("GET", "/api/v3/exchangeInfo"), 1);
}

#[tokio::test]
async fn prices_and_the_exchanges_time_are_read() {
    let (_server, client) = answering(payload("book_ticker"), &TestClock::new()).await;
    let best = client.best_prices(&symbol("LTCBTC")).await.unwrap();
    assert_eq!(
        (Some(best.bid), Some(best.ask)),
        (price("4"), price("4.000002"))
    );
    let (_server, client) = answering(payload("server_time"), &TestClock::new()).await;
    assert_eq!(
        client.server_time().await.unwrap().as_millis(),
        1_499_827_319_559
    );
}

/// What a placement means by each error of the documents, in their order. Answers to other questions say nothing about
/// the order, so what became of it is unknown.
#[tokio::test]
async fn every_published_error_has_its_meaning() {
    let expected = [
        "refused MarketClosed",
        "refused BadRequest",
        "refused BadRequest",
        "refused RateLimited",
        "refused Filter",
        "refused WouldTake",
        "refused InsufficientBalance",
        "already there",
        "refused MarketClosed",
        "unknown",
        "unknown",
        "unknown",
        "unknown",
        "refused Filter",
        "window expired",
        "window expired",
        "refused AccountStopped",
        "refused AccountStopped",
        "refused AccountStopped",
    ];
    let errors = payload("errors");
    let errors = errors.as_array().unwrap();
    assert_eq!(errors.len(), expected.len());
    for (error, expected) in errors.iter().zip(expected) {
        let status = match error["code"].as_i64().unwrap() {
            -1015 => 429,
            -2014 | -2015 => 401,
            _ => 400,
        };
        let body = error.to_string();
        let server = Server::start(move |request| match request.path.as_str() {
            "/api/v3/time" => ok(r#"{"serverTime":1790000040000}"#),
            _ => no(status, &body),
        })
        .await;
        let client = server.client(&TestClock::new());
        let told = match client.place(&order(), timestamp()).await {
            PlaceOutcome::Accepted(_) => "accepted".to_owned(),
            PlaceOutcome::AlreadyThere => "already there".to_owned(),
            PlaceOutcome::WindowExpired => "window expired".to_owned(),
            PlaceOutcome::Unknown(_) => "unknown".to_owned(),
            PlaceOutcome::Refused(refusal) => format!("refused {:?}", refusal.why),
        };
        assert_eq!(told, expected, "{error}");
    }
}

/// What a query and a cancel mean by the errors that are about one order.
#[tokio::test]
async fn errors_about_one_order_have_their_meaning() {
    for (code, message) in [
        (-2013, "Order does not exist."),
        (
            -2026,
            "Order was canceled or expired with no executed qty over 90 days ago and has been archived.",
        ),
        (-2011, "Unknown order sent."),
        (-2015, "Invalid API-key, IP, or permissions for action."),
    ] {
        let errors = payload("errors");
        let published = errors
            .as_array()
            .unwrap()
            .iter()
            .find(|error| error["msg"] == message);
        let body = published.unwrap().to_string();
        let server = Server::start(move |_| no(400, &body)).await;
        let client = server.client(&TestClock::new());
        let found = client.order(&symbol("XRPETH"), ExchangeOrderId(1)).await;
        let canceled = client.cancel(&symbol("XRPETH"), ExchangeOrderId(1)).await;
        match code {
            -2013 => assert_eq!(
                (found, canceled),
                (Ok(FoundOrder::NotFound), Ok(CancelOutcome::NotOpen))
            ),
            -2026 => assert_eq!(found, Ok(FoundOrder::Archived)),
            -2011 => assert_eq!(canceled, Ok(CancelOutcome::NotOpen)),
            _ => {
                let stopped = |error: &ExchangeError| {
                    matches!(
                        error,
                        ExchangeError::Stopped {
                            stop: AccountStop::Permission,
                            ..
                        }
                    )
                };
                assert!(stopped(&found.unwrap_err()) && stopped(&canceled.unwrap_err()));
            }
        }
    }
}
