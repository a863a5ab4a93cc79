//! Properties of the model over arbitrary histories.

use std::collections::BTreeMap;

use exchange_simulator::audit::audit;
use exchange_simulator::model::{
    CommissionRates, Exchange, NewOrder, OrderKey, OrderType, Side, StpMode, TimeInForce,
};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::model::{SYMBOL, dec, exchange, limit};

/// One thing that may happen.
#[derive(Debug, Clone)]
enum Act {
    Place {
        account: bool,
        side: bool,
        kind: u8,
        stp: usize,
        tick: i64,
        steps: i64,
        id: u8,
    },
    Cancel {
        account: bool,
        id: u8,
    },
    Print {
        tick: i64,
        steps: i64,
    },
    Expire(usize),
    Amend(usize, i64),
    Fill(usize, u32),
    PayInBnb(bool),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (any::<bool>(), any::<bool>(), 0..5_u8, 0..6_usize, -40..40_i64, 100..3_000_i64, 0..12_u8).prop_map(
            |(account, side, kind, stp, tick, steps, id)| Act::Place { account, side, kind, stp, tick, steps, id }
        ),
        2 => (any::<bool>(), 0..12_u8).prop_map(|(account, id)| Act::Cancel { account, id }),
        4 => (-60..60_i64, 1..4_000_i64).prop_map(|(tick, steps)| Act::Print { tick, steps }),
        1 => any::<usize>().prop_map(Act::Expire),
        1 => (any::<usize>(), 1..2_000_i64).prop_map(|(index, steps)| Act::Amend(index, steps)),
        1 => (any::<usize>(), 1..6_u32).prop_map(|(index, trades)| Act::Fill(index, trades)),
        1 => any::<bool>().prop_map(Act::PayInBnb),
    ]
}

fn price(tick: i64) -> Decimal {
    dec("60000") + Decimal::new(tick * 100, 2)
}

#[expect(clippy::too_many_lines, reason = "one arm for each act")]
fn carry_out(exchange: &mut Exchange, now: i64, act: &Act) {
    let name = |account: bool| if account { "a" } else { "b" };
    let nth = |exchange: &Exchange, index: usize| {
        let open = exchange.open_order_ids(SYMBOL);
        if open.is_empty() {
            None
        } else {
            Some(open[index % open.len()])
        }
    };
    // Refusals are part of the histories: what matters is that they change nothing they should not.
    match act {
        Act::Place {
            account,
            side,
            kind,
            stp,
            tick,
            steps,
            id,
        } => {
            let side = if *side { Side::Buy } else { Side::Sell };
            let (order_type, tif) = match kind {
                0 | 1 => (OrderType::Limit, Some(TimeInForce::Gtc)),
                2 => (OrderType::Limit, Some(TimeInForce::Ioc)),
                3 => (OrderType::LimitMaker, None),
                _ => (OrderType::Market, None),
            };
            let order = NewOrder {
                order_type,
                time_in_force: tif,
                price: (order_type != OrderType::Market).then(|| price(*tick)),
                stp: Some(StpMode::ALL[*stp]),
                quantity: Some(Decimal::new(*steps, 5)),
                ..limit(&format!("id-{id}"), side, "1", "1")
            };
            exchange.place(now, name(*account), order).ok();
        }
        Act::Cancel { account, id } => {
            let key = OrderKey::client(&format!("id-{id}"));
            exchange
                .cancel(now, name(*account), (SYMBOL, &key), None, None)
                .ok();
        }
        Act::Print { tick, steps } => {
            exchange
                .print(now, SYMBOL, (price(*tick), Decimal::new(*steps, 5)))
                .unwrap();
        }
        Act::Expire(index) => {
            if let Some(id) = nth(exchange, *index) {
                exchange.expire(now, SYMBOL, id).unwrap();
            }
        }
        Act::Amend(index, steps) => {
            if let Some(id) = nth(exchange, *index) {
                exchange
                    .amend(now, (SYMBOL, id), Decimal::new(*steps, 5), None)
                    .ok();
            }
        }
        Act::Fill(index, trades) => {
            if let Some(id) = nth(exchange, *index) {
                exchange.fill_order(now, (SYMBOL, id), *trades, None).ok();
            }
        }
        Act::PayInBnb(pay_in_bnb) => {
            let rates = CommissionRates {
                pay_in_bnb: *pay_in_bnb,
                ..CommissionRates::default()
            };
            assert!(exchange.set_commission("a", rates));
        }
    }
}

fn check(exchange: &Exchange, deposits: &BTreeMap<(&str, &str), Decimal>) {
    let traded = audit(exchange.journal(), &[]).balances_delta;
    let orders: Vec<_> = ["a", "b"]
        .iter()
        .flat_map(|account| {
            let open = exchange.open_orders(i64::MAX, account, None).unwrap();
            let mut ids: Vec<_> = open
                .iter()
                .map(|order| order.state.client_order_id.clone())
                .collect();
            ids.sort();
            let all = ids.len();
            ids.dedup();
            assert_eq!(all, ids.len(), "two open orders of {account} share an id");
            open
        })
        .collect();
    for account in exchange.accounts() {
        let name = account.name.as_str();
        let own = || orders.iter().filter(|order| order.account == name);
        let base_locked: Decimal = own()
            .filter(|order| order.side == Side::Sell)
            .map(|order| order.remaining())
            .sum();
        assert_eq!(
            account.balance("BTC").locked,
            base_locked,
            "base locked is what open SELLs still sell"
        );
        let quote_locked: Decimal = own()
            .filter(|order| order.side == Side::Buy)
            .map(|order| order.remaining() * order.price)
            .sum();
        assert_eq!(
            account.balance("USDT").locked,
            quote_locked,
            "quote locked is what open BUYs still cost"
        );
        for (asset, balance) in &account.balances {
            assert!(
                balance.free >= Decimal::ZERO && balance.locked >= Decimal::ZERO,
                "{name} {asset} {balance:?}"
            );
            let deposited = deposits
                .get(&(name, asset.as_str()))
                .copied()
                .unwrap_or_default();
            let delta = traded
                .get(name)
                .and_then(|delta| delta.get(asset))
                .copied()
                .unwrap_or_default();
            assert_eq!(
                balance.free + balance.locked,
                deposited + delta,
                "{name} {asset}: money from nowhere"
            );
        }
    }
    for order in exchange
        .all_orders(i64::MAX, "a", (SYMBOL, Default::default()))
        .unwrap()
    {
        assert!(
            order.state.executed + order.state.prevented <= order.state.quantity,
            "{order:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn money_is_conserved_and_no_order_exceeds_itself(acts in prop::collection::vec(act(), 1..60)) {
        let mut exchange = exchange();
        exchange.set_bnb_price("USDT", dec("600"));
        assert!(exchange.move_funds(0, "a", "BNB", dec("0.001")));
        let mut deposits = BTreeMap::from([(("a", "BNB"), dec("0.001"))]);
        for name in ["a", "b"] {
            deposits.insert((name, "BTC"), dec("10"));
            deposits.insert((name, "USDT"), dec("1000000"));
        }
        for (now, act) in acts.iter().enumerate() {
            carry_out(&mut exchange, i64::try_from(now).unwrap(), act);
            check(&exchange, &deposits);
        }
    }

    #[test]
    fn a_print_fills_by_price_then_time(
        ticks in prop::collection::vec(-40..0_i64, 1..12),
        print in (-40..0_i64, 1..4_000_i64),
    ) {
        let mut exchange = exchange();
        let mut orders = Vec::new();
        for (index, tick) in ticks.iter().enumerate() {
            let order = NewOrder::limit(SYMBOL, Side::Buy, price(*tick), dec("0.005"), &format!("id-{index}"));
            let id = exchange.place(1, "a", order).unwrap().order.order_id;
            orders.push((-*tick, id));
        }
        let filled = exchange.print(2, SYMBOL, (price(print.0), Decimal::new(print.1, 5))).unwrap();
        prop_assert!(filled <= Decimal::new(print.1, 5));
        orders.sort_unstable();
        let mut left = Decimal::new(print.1, 5);
        for (tick, id) in orders {
            let touched = -tick >= print.0;
            let expected = if touched { left.min(dec("0.005")) } else { Decimal::ZERO };
            left -= expected;
            prop_assert_eq!(exchange.order_state(SYMBOL, id).unwrap().executed, expected);
        }
    }
}
