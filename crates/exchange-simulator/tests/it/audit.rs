//! The audit: for each verdict a history that yields it.

use exchange_simulator::audit::{AuditReport, LadderSlot, Verdict, audit};
use exchange_simulator::model::{
    Exchange, Fact, JournalEntry, OrderKey, Side, StpMode, SymbolStatus,
};
use rust_decimal::Decimal;

use crate::model::{SYMBOL, dec, exchange, limit};

const BUY: &str = "59000";
const SELL: &str = "60100";

fn ladder() -> Vec<LadderSlot> {
    vec![LadderSlot {
        slot: "gk-x-7".into(),
        symbol: SYMBOL.into(),
        buy_price: dec(BUY),
        sell_price: dec(SELL),
        quantity: dec("0.002"),
        held_reason: None,
        sold_off: false,
    }]
}

/// A level's life, step by step.
struct Life(Exchange);

impl Life {
    fn new() -> Self {
        Self(exchange())
    }

    /// Places an order and returns its exchange id.
    fn place(&mut self, number: u32, side: Side, quantity: &str) -> u64 {
        let price = if side == Side::Buy { BUY } else { SELL };
        self.place_at(number, side, price, quantity)
    }

    fn place_at(&mut self, number: u32, side: Side, price: &str, quantity: &str) -> u64 {
        let mut order = limit(&format!("gk-x-7-{number}"), side, price, quantity);
        order.stp = Some(StpMode::None);
        self.0.place(1, "a", order).unwrap().order.order_id
    }

    fn fill(&mut self, order: u64) {
        self.0.fill_order(2, (SYMBOL, order), 1, None).unwrap();
    }

    /// Places and fills.
    fn done(&mut self, number: u32, side: Side) {
        let order = self.place(
            number,
            side,
            if side == Side::Buy {
                "0.002"
            } else {
                "0.00199"
            },
        );
        self.fill(order);
    }

    fn report(&self) -> AuditReport {
        audit(self.0.journal(), &ladder())
    }

    fn verdict(&self) -> (Verdict, u64, u64) {
        let report = self.report();
        (report.levels[0].verdict, report.missing, report.duplicates)
    }
}

#[test]
fn a_level_that_goes_round_is_clean() {
    let mut life = Life::new();
    for number in 0..3 {
        life.done(2 * number + 1, Side::Buy);
        life.done(2 * number + 2, Side::Sell);
    }
    life.place(7, Side::Buy, "0.002");
    let report = life.report();
    assert!(report.is_clean(), "{report:?}");
    let level = &report.levels[0];
    assert_eq!(
        (
            level.verdict,
            level.completed_orders,
            level.opposite_orders,
            level.round_trips
        ),
        (Verdict::Ok, 6, 6, 3)
    );
    assert_eq!(level.live_order.as_deref(), Some("gk-x-7-7"));
    assert_eq!((report.fills, report.completed_orders), (6, 6));
    let delta = &report.balances_delta["a"];
    assert_eq!(
        delta["BTC"],
        dec("0.00003") - dec("0.000006"),
        "bought less sold less fees"
    );
}

/// A level whose first sale was lowered from 0.00199 to 0.001 from outside and filled at that.
fn amended_life() -> Life {
    let mut life = Life::new();
    life.done(1, Side::Buy);
    let sale = life.place(2, Side::Sell, "0.00199");
    life.0.amend(2, (SYMBOL, sale), dec("0.001"), None).unwrap();
    life.fill(sale);
    life
}

#[test]
fn what_an_amend_took_from_an_order_may_be_sold_by_another() {
    let mut life = amended_life();
    let rest = life.place(3, Side::Sell, "0.00099");
    life.fill(rest);
    life.place(4, Side::Buy, "0.002");
    let report = life.report();
    assert!(report.is_clean(), "{report:?}");
}

#[test]
fn an_amended_order_gets_one_follower_like_any_other() {
    let mut life = amended_life();
    life.place(3, Side::Sell, "0.00099");
    life.place(4, Side::Sell, "0.00099");
    let (verdict, _, duplicates) = life.verdict();
    assert_eq!((verdict, duplicates), (Verdict::Violated, 1));
}

#[test]
fn a_completed_order_that_nobody_followed_is_missing() {
    let mut life = Life::new();
    life.done(1, Side::Buy);
    life.done(2, Side::Sell);
    assert_eq!(life.verdict(), (Verdict::Missing, 1, 0));
    let report = life.report();
    assert_eq!((report.awaiting, report.violations[0].invariant), (0, 2));
    assert!(report.violations[0].text.contains("gk-x-7-2"), "{report:?}");
}

#[test]
fn a_known_reason_excuses_only_the_last() {
    let mut life = Life::new();
    life.done(1, Side::Buy);
    let mut slots = ladder();
    slots[0].held_reason = Some("outside the band".into());
    let report = audit(life.0.journal(), &slots);
    assert_eq!(
        (report.levels[0].verdict, report.missing, report.awaiting),
        (Verdict::NoOrder, 0, 1)
    );
    assert_eq!(report.levels[0].reason.as_deref(), Some("outside the band"));
    // Two completed SELLs, neither followed: the reason covers the later one only.
    life.done(2, Side::Sell);
    life.done(3, Side::Sell);
    let report = audit(life.0.journal(), &slots);
    assert_eq!((report.missing, report.duplicates), (1, 1), "{report:?}");
    assert!(
        report
            .violations
            .iter()
            .any(|violation| violation.text.starts_with("gk-x-7-2 was completed"))
    );
}

#[test]
fn a_level_that_was_sold_off_may_sell_at_any_price_after_its_last_buy() {
    let mut life = Life::new();
    let mut slots = ladder();
    slots[0].sold_off = true;
    slots[0].held_reason = Some("stopped".into());
    life.done(1, Side::Buy);
    let elsewhere = life.place_at(2, Side::Sell, "60300", "0.00199");
    life.fill(elsewhere);
    let clean = audit(life.0.journal(), &slots);
    assert_eq!(clean.violations, [], "{clean:?}");
    // Of a level that nobody sold off it is a wrong price, and so it is before a BUY.
    let report = life.report();
    assert!(
        report.violations[0]
            .text
            .starts_with("gk-x-7-2 SELL at 60300"),
        "{report:?}"
    );
    life.done(3, Side::Buy);
    let report = audit(life.0.journal(), &slots);
    assert!(
        report.violations[0]
            .text
            .starts_with("gk-x-7-2 SELL at 60300"),
        "{report:?}"
    );
}

#[test]
fn a_refused_placement_is_a_reason() {
    let mut life = Life::new();
    life.done(1, Side::Buy);
    life.0.set_status(3, SYMBOL, SymbolStatus::Halt).unwrap();
    let mut order = limit("gk-x-7-2", Side::Sell, SELL, "0.00199");
    order.stp = None;
    life.0.place(4, "a", order).unwrap_err();
    let report = life.report();
    assert_eq!(
        (
            report.levels[0].verdict,
            report.missing,
            report.awaiting,
            report.refused
        ),
        (Verdict::NoOrder, 0, 1, 1)
    );
    assert_eq!(
        report.levels[0].reason.as_deref(),
        Some("refused: Market is closed.")
    );
}

#[test]
fn a_refusal_before_the_last_fill_is_no_reason() {
    let mut life = Life::new();
    life.0.set_status(0, SYMBOL, SymbolStatus::Halt).unwrap();
    life.0
        .place(1, "a", limit("gk-x-7-1", Side::Buy, BUY, "0.002"))
        .unwrap_err();
    life.0.set_status(2, SYMBOL, SymbolStatus::Trading).unwrap();
    life.done(1, Side::Buy);
    assert_eq!(life.verdict(), (Verdict::Missing, 1, 0));
}

#[test]
fn a_level_that_never_had_an_order_awaits_one() {
    let life = Life::new();
    assert_eq!(life.verdict(), (Verdict::NoOrder, 0, 0));
}

#[test]
fn two_opposites_of_one_order_are_a_duplicate() {
    let mut life = Life::new();
    life.done(1, Side::Buy);
    life.done(2, Side::Sell);
    life.done(3, Side::Buy);
    let doubled = life.place(4, Side::Buy, "0.002");
    assert_eq!(
        life.verdict(),
        (Verdict::Duplicate, 1, 1),
        "the fill of 3 has no opposite yet, and 4 is one too many"
    );
    life.fill(doubled);
    life.place(5, Side::Sell, "0.00199");
    assert_eq!(life.verdict().2, 1);
}

#[test]
fn two_orders_at_once_break_the_third_invariant() {
    let mut life = Life::new();
    life.done(1, Side::Buy);
    life.place(2, Side::Sell, "0.001");
    life.place(3, Side::Sell, "0.00099");
    let report = life.report();
    assert_eq!(
        (report.levels[0].verdict, report.duplicates),
        (Verdict::Violated, 1)
    );
    assert!(
        report
            .violations
            .iter()
            .any(|violation| violation.invariant == 3),
        "{report:?}"
    );
}

#[test]
fn the_same_id_sent_twice_is_a_duplicate_too() {
    let mut life = Life::new();
    life.done(1, Side::Buy);
    life.done(2, Side::Sell);
    life.done(3, Side::Buy);
    life.done(3, Side::Buy);
    assert_eq!(life.verdict().2, 1);
}

#[test]
fn replacements_form_one_chain() {
    let mut life = Life::new();
    life.done(1, Side::Buy);
    let gone = life.place(2, Side::Sell, "0.00199");
    life.0.cancel_from_outside(3, SYMBOL, gone).unwrap();
    assert_eq!(
        life.verdict(),
        (Verdict::Missing, 1, 0),
        "cancelled and not replaced"
    );
    let gone = life.place(3, Side::Sell, "0.00199");
    life.0.expire(4, SYMBOL, gone).unwrap();
    life.place(4, Side::Sell, "0.00199");
    assert_eq!(life.verdict(), (Verdict::Ok, 0, 0));
}

#[test]
fn a_partly_executed_end_may_turn_or_go_on() {
    for turn in [true, false] {
        let mut life = Life::new();
        life.done(1, Side::Buy);
        life.done(2, Side::Sell);
        let partial = life.place(3, Side::Buy, "0.002");
        life.0
            .fill_order(3, (SYMBOL, partial), 1, Some(dec("0.001")))
            .unwrap();
        life.0
            .cancel(4, "a", (SYMBOL, &OrderKey::id(partial)), None, None)
            .unwrap();
        if turn {
            life.place(4, Side::Sell, "0.00099");
        } else {
            life.place(4, Side::Buy, "0.001");
        }
        assert_eq!(
            life.verdict(),
            (Verdict::Ok, 0, 0),
            "turn: {turn}, {:?}",
            life.report()
        );
    }
}

#[test]
fn selling_more_than_the_level_holds_is_told() {
    let mut life = Life::new();
    life.done(1, Side::Buy);
    let order = life.place(2, Side::Sell, "0.003");
    life.fill(order);
    life.place(3, Side::Buy, "0.002");
    let report = life.report();
    assert_eq!(report.levels[0].verdict, Verdict::Violated);
    assert!(
        report.violations[0].text.contains("sold 0.003"),
        "{report:?}"
    );
}

#[test]
fn wrong_prices_are_told_but_the_first_buy_may_choose() {
    let mut life = Life::new();
    let first = life.place_at(1, Side::Buy, "60000", "0.002");
    life.fill(first);
    life.place(2, Side::Sell, "0.00199");
    assert_eq!(life.verdict().0, Verdict::Ok);
    let mut life = Life::new();
    life.done(1, Side::Buy);
    life.place_at(2, Side::Sell, "60200", "0.00199");
    let report = life.report();
    assert!(
        report.violations[0].text.contains("sells at 60100"),
        "{report:?}"
    );
}

#[test]
fn an_order_against_the_rules_breaks_the_fifth_invariant() {
    let life = Life::new();
    let mut journal = life.0.journal().to_vec();
    // The model would refuse it: the audit must not rest on that.
    journal.push(JournalEntry {
        time_ms: 1,
        account: "a".into(),
        fact: Fact::Placed {
            symbol: SYMBOL.into(),
            order_id: 1,
            client_order_id: "gk-x-7-1".into(),
            side: Side::Buy,
            order_type: exchange_simulator::model::OrderType::Limit,
            price: dec("59000.001"),
            quantity: dec("0.00000001"),
        },
    });
    let report = audit(&journal, &ladder());
    let texts: Vec<&str> = report
        .violations
        .iter()
        .filter(|v| v.invariant == 5)
        .map(|v| v.text.as_str())
        .collect();
    assert_eq!(texts.len(), 4, "{texts:?}");
    assert_eq!(report.levels[0].verdict, Verdict::Violated);
}

#[test]
fn orders_of_levels_nobody_knows_are_named() {
    let mut life = Life::new();
    life.0
        .place(1, "a", limit("gk-y-9-1", Side::Buy, BUY, "0.002"))
        .unwrap();
    life.0
        .place(1, "a", limit("by-hand", Side::Buy, BUY, "0.002"))
        .unwrap();
    assert_eq!(life.report().unknown_slots, ["gk-y-9"]);
}

#[test]
fn delta_is_zero_without_trades() {
    let life = Life::new();
    let report = life.report();
    assert!(
        report
            .balances_delta
            .values()
            .flat_map(|delta| delta.values())
            .all(Decimal::is_zero)
    );
}
