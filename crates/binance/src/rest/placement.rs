//! Sends one order once and says what became of it.

use std::time::Duration;

use domain::{ExchangeTime, OrderKind, RefusalReason};
use reqwest::Method;
use trading::{NewOrder, PlaceOutcome, Refusal, UnknownCause};

use super::client::{RestClient, Signed};
use super::question::Failure;
use super::weight_budget::Share;
use super::wire;
use crate::Meaning;

/// Sends the order, signed with `timestamp`. Exactly one POST, or none when a limit forbids it.
pub(crate) async fn place(
    client: &RestClient,
    order: &NewOrder,
    timestamp: ExchangeTime,
) -> PlaceOutcome {
    let address = &client.address;
    let under_way = match client.pacing.begin(address.now(), address.estimated_time()) {
        Ok(under_way) => under_way,
        Err(wait) => return not_sent(wait, "the account's order limit is reached"),
    };
    let question = client.sign(&request(order), timestamp, address.place_timeout());
    let outcome = match address.ask(question).await {
        Ok(answer) => {
            under_way.counted(&answer.limits.order_counts, address.estimated_time());
            match wire::order::read_placed(&answer.body, order, &client.account) {
                Ok(execution) => PlaceOutcome::Accepted(Box::new(execution)),
                Err(detail) => {
                    tracing::warn!(id = %order.client_order_id, detail, "reply to an order not readable");
                    PlaceOutcome::Unknown(UnknownCause::Unreadable)
                }
            }
        }
        Err(Failure::Paused(wait)) => not_sent(wait, "the exchange asked this address to pause"),
        Err(Failure::Lost(lost)) => {
            tracing::warn!(id = %order.client_order_id, detail = lost.detail, "reply to an order lost");
            PlaceOutcome::Unknown(lost.cause)
        }
        Err(Failure::Reply(verdict)) => {
            if verdict.meaning == Meaning::TooManyOrders {
                let wait = verdict.retry_after.unwrap_or_default();
                under_way.pause(address.now().after(wait));
            }
            verdict.into_place_outcome()
        }
    };
    if outcome == PlaceOutcome::WindowExpired {
        address.resync().await;
    }
    outcome
}

fn not_sent(wait: Duration, why: &str) -> PlaceOutcome {
    PlaceOutcome::Refused(Refusal {
        why: RefusalReason::RateLimited,
        detail: format!("not sent: {why}"),
        retry_after: Some(wait),
        stop: None,
    })
}

/// `POST /api/v3/order` (rest-api.md, "New order"). A successful one has no weight since April 2026;
/// a refused one has, and the exchange's count says so.
fn request(order: &NewOrder) -> Signed<'static> {
    let intent = &order.intent;
    let mut params = vec![
        ("symbol", order.symbol.to_string()),
        ("side", intent.side.to_string()),
    ];
    match intent.kind {
        OrderKind::Limit => {
            params.push(("type", "LIMIT".to_owned()));
            params.push(("timeInForce", "GTC".to_owned()));
        }
        // Takes no time in force.
        OrderKind::PostOnly => params.push(("type", "LIMIT_MAKER".to_owned())),
    }
    params.push(("quantity", intent.quantity.to_string()));
    params.push(("price", intent.price.to_string()));
    params.push(("newClientOrderId", order.client_order_id.to_string()));
    // Without it a LIMIT_MAKER's reply shows neither status nor what was executed.
    params.push(("newOrderRespType", "FULL".to_owned()));
    if order.expire_taker {
        params.push(("selfTradePreventionMode", "EXPIRE_TAKER".to_owned()));
    }
    Signed {
        method: Method::POST,
        path: "/api/v3/order",
        params,
        weight: 0,
        share: Share::Settling,
    }
}

#[cfg(test)]
mod tests {
    use domain::{Intent, Purpose, Side};

    use super::*;

    fn sent(kind: OrderKind, price: &str, quantity: &str, expire_taker: bool) -> String {
        let order = NewOrder {
            symbol: "XRPETH".parse().unwrap(),
            client_order_id: "gk-abcd-7-12".parse().unwrap(),
            intent: Intent {
                side: Side::Sell,
                price: price.parse().unwrap(),
                quantity: quantity.parse().unwrap(),
                kind,
                purpose: Purpose::Grid,
            },
            expire_taker,
        };
        crate::query(&request(&order).params)
    }

    #[test]
    fn a_limit_order_is_good_till_cancelled() {
        assert_eq!(
            sent(OrderKind::Limit, "3.15370000", "12.500", true),
            "symbol=XRPETH&side=SELL&type=LIMIT&timeInForce=GTC&quantity=12.5&price=3.1537&newClientOrderId=gk-abcd-7-12&newOrderRespType=FULL&selfTradePreventionMode=EXPIRE_TAKER"
        );
    }

    #[test]
    fn a_post_only_order_names_no_time_in_force() {
        assert_eq!(
            sent(OrderKind::PostOnly, "1", "2", false),
            "symbol=XRPETH&side=SELL&type=LIMIT_MAKER&quantity=2&price=1&newClientOrderId=gk-abcd-7-12&newOrderRespType=FULL"
        );
    }

    #[test]
    fn amounts_are_plain_digits() {
        let text = sent(OrderKind::Limit, "0.00000001", "1000000000000000", false);
        assert!(
            text.contains("&quantity=1000000000000000&price=0.00000001&"),
            "{text}"
        );
        let text = sent(OrderKind::Limit, "100000.00", "0.000000000000000001", false);
        assert!(
            text.contains("&quantity=0.000000000000000001&price=100000&"),
            "{text}"
        );
    }
}
