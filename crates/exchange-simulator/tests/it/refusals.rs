//! The model's refusals, by a table: each worded like the exchange, none changing anything.

use exchange_simulator::model::{
    Exchange, Fact, NewOrder, OrderType, Side, StpMode, SymbolRules, SymbolStatus,
};

use crate::model::{SYMBOL, dec, exchange, limit};

/// Changes something about the exchange or the order, and names the refusal that follows.
type Refusal = (
    &'static str,
    fn(&mut Exchange, &mut NewOrder),
    i32,
    &'static str,
);

#[test]
#[expect(clippy::too_many_lines, reason = "one table, read from top to bottom")]
fn refusals_are_worded_like_the_exchange() {
    fn with_rules(exchange: &mut Exchange, change: fn(&mut SymbolRules)) {
        let mut rules = exchange.rules_of(SYMBOL).unwrap().clone();
        change(&mut rules);
        exchange.set_rules(1, rules).unwrap();
    }
    let table: [Refusal; 22] = [
        (
            "symbol",
            |_, order| order.symbol = "NOPE".into(),
            -1121,
            "Invalid symbol.",
        ),
        (
            "halt",
            |exchange, _| exchange.set_status(1, SYMBOL, SymbolStatus::Halt).unwrap(),
            -2010,
            "Market is closed.",
        ),
        (
            "break",
            |exchange, _| exchange.set_status(1, SYMBOL, SymbolStatus::Break).unwrap(),
            -2010,
            "Market is closed.",
        ),
        (
            "end of day",
            |exchange, _| {
                exchange
                    .set_status(1, SYMBOL, SymbolStatus::EndOfDay)
                    .unwrap()
            },
            -2010,
            "Market is closed.",
        ),
        (
            "cancel only",
            |exchange, _| {
                exchange
                    .set_status(1, SYMBOL, SymbolStatus::CancelOnly)
                    .unwrap()
            },
            -2010,
            "This order type is not possible in this trading phase.",
        ),
        (
            "tick",
            |_, order| order.price = Some(dec("59000.005")),
            -1013,
            "Filter failure: PRICE_FILTER",
        ),
        (
            "lowest price",
            |_, order| order.price = Some(dec("1000001")),
            -1013,
            "Filter failure: PRICE_FILTER",
        ),
        (
            "step",
            |_, order| order.quantity = Some(dec("0.001001")),
            -1013,
            "Filter failure: LOT_SIZE",
        ),
        (
            "largest quantity",
            |_, order| order.quantity = Some(dec("90000001")),
            -1013,
            "Filter failure: LOT_SIZE",
        ),
        (
            "notional",
            |_, order| order.quantity = Some(dec("0.00001")),
            -1013,
            "Filter failure: NOTIONAL",
        ),
        (
            "old notional",
            |exchange, order| {
                with_rules(exchange, |rules| rules.old_notional_filter = true);
                order.quantity = Some(dec("0.00001"));
            },
            -1013,
            "Filter failure: MIN_NOTIONAL",
        ),
        (
            "band",
            |_, order| order.price = Some(dec("10000")),
            -1013,
            "Filter failure: PERCENT_PRICE_BY_SIDE",
        ),
        (
            "number of orders",
            |exchange, _| {
                with_rules(exchange, |rules| rules.max_num_orders = 1);
                exchange
                    .place(1, "a", limit("o-1", Side::Buy, "59000", "0.001"))
                    .unwrap();
            },
            -1013,
            "Filter failure: MAX_NUM_ORDERS",
        ),
        (
            "position",
            |exchange, _| with_rules(exchange, |rules| rules.max_position = Some(dec("10.001"))),
            -1013,
            "Filter failure: MAX_POSITION",
        ),
        (
            "self-trade prevention",
            |exchange, order| {
                with_rules(exchange, |rules| rules.allowed_stp = vec![StpMode::None]);
                order.stp = Some(StpMode::ExpireTaker);
            },
            -1013,
            "This symbol does not allow the specified self-trade prevention mode.",
        ),
        (
            "duplicate",
            |exchange, _| {
                exchange
                    .place(1, "a", limit("x-1", Side::Sell, "70000", "0.001"))
                    .unwrap();
            },
            -2010,
            "Duplicate order sent.",
        ),
        (
            "balance",
            |exchange, _| assert!(exchange.move_funds(1, "a", "USDT", dec("-999900"))),
            -2010,
            "Account has insufficient balance for requested action.",
        ),
        (
            "precision",
            |_, order| order.quantity = Some(dec("0.001000001")),
            -1111,
            "Parameter 'quantity' has too much precision.",
        ),
        (
            "no price",
            |_, order| order.price = None,
            -1102,
            "Mandatory parameter 'price' was not sent, was empty/null, or malformed.",
        ),
        (
            "no time in force",
            |_, order| order.time_in_force = None,
            -1102,
            "Mandatory parameter 'timeInForce' was not sent, was empty/null, or malformed.",
        ),
        (
            "superfluous time in force",
            |_, order| order.order_type = OrderType::LimitMaker,
            -1106,
            "Parameter 'timeInForce' sent when not required.",
        ),
        (
            "client order id",
            |_, order| order.client_order_id = Some("with space".into()),
            -1100,
            "Illegal characters found in parameter 'newClientOrderId'; legal range is '^[a-zA-Z0-9-_]{1,36}$'.",
        ),
    ];
    for (name, prepare, code, message) in table {
        let mut exchange = exchange();
        let mut order = limit("x-1", Side::Buy, "59000", "0.002");
        prepare(&mut exchange, &mut order);
        let before = (
            exchange.open_order_ids(SYMBOL),
            exchange.account("a").cloned(),
        );
        let reject = exchange.place(1, "a", order).expect_err(name);
        assert_eq!(
            (reject.code, reject.message.as_str()),
            (code, message),
            "{name}"
        );
        assert_eq!(reject.http_status, 400, "{name}");
        let after = (
            exchange.open_order_ids(SYMBOL),
            exchange.account("a").cloned(),
        );
        assert_eq!(before, after, "{name}: a refusal changes nothing");
        let noted = exchange.journal().last().map(|entry| &entry.fact);
        assert!(
            matches!(noted, Some(Fact::Refused { .. })),
            "{name}: a refusal is written down"
        );
    }
}
