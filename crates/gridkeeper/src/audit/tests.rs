//! The verdicts over made-up evidence: for each promise, a history that keeps it and one that does
//! not.

use std::collections::BTreeMap;

use domain::{
    Bot, BotId, ClientOrderId, DesiredStatus, ExchangeOrderId, ExchangeTime, Fee, FirstInventory,
    GridPlan, HoldReason, Intent, Lease, Level, LevelIndex, LevelOrder, LocalTime, LotRule,
    NotionalRule, ObservedStatus, OrderKind, OrderNumber, OrderState, OrderStatus, PriceRule,
    Purpose, Quantity, QuoteAmount, Rate, Rung, Side, Sizing, Source, Spacing, SymbolRules,
    SymbolStatus, Trade, TradeId,
};
use rust_decimal::Decimal;
use trading::{Balance, BookedAs, FillRecord, OrderView};

use super::{BotAudit, Evidence, Invariant, Verdict, judge};

/// When the exchange was read: long after everything in the histories.
const NOW: i64 = 10_000_000;

fn id() -> BotId {
    "auditbot".parse().unwrap()
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn quantity(text: &str) -> Quantity {
    text.parse().unwrap()
}

fn rules() -> SymbolRules {
    SymbolRules {
        symbol: "XRPETH".parse().unwrap(),
        base: "XRP".parse().unwrap(),
        quote: "ETH".parse().unwrap(),
        status: SymbolStatus::Trading,
        price: Some(PriceRule {
            min: decimal("0.01"),
            max: decimal("1000"),
            tick: decimal("0.01"),
        }),
        lot: Some(LotRule {
            min: quantity("0.1"),
            max: quantity("1000"),
            step: decimal("0.1"),
        }),
        notional: Some(NotionalRule {
            min: "1".parse().unwrap(),
            max: None,
        }),
        band: None,
        max_open_orders: None,
        post_only_allowed: true,
        expire_taker_allowed: true,
    }
}

fn bot() -> Bot {
    Bot {
        id: id(),
        account: "main".parse().unwrap(),
        plan: GridPlan {
            lower: "3".parse().unwrap(),
            upper: "4".parse().unwrap(),
            spacing: Spacing::Arithmetic { levels: 2 },
            sizing: Sizing::BasePerLevel {
                quantity: quantity("10"),
            },
            compounding: false,
            post_only: false,
            first_inventory: FirstInventory::Buy,
            maker_fee: Rate::ZERO,
            taker_fee: Rate::ZERO,
        },
        rules: rules(),
        rules_read_at: Some(LocalTime::from_millis(1)),
        rules_doubted: false,
        levels: 1,
        desired: DesiredStatus::Running,
        observed: ObservedStatus::Running,
        created_at: LocalTime::from_millis(1),
        recovered_at: Some(LocalTime::from_millis(NOW - 1_000)),
        version: 1,
    }
}

/// A level that buys 10 at 3 and sells at 3.5.
fn level() -> Level {
    let rung = Rung {
        buy_price: "3".parse().unwrap(),
        sell_price: "3.5".parse().unwrap(),
        quantity: quantity("10"),
    };
    Level::new(id(), LevelIndex(0), &rung, LocalTime::from_millis(1))
}

/// The exchange's history and the ledger of one level, told order by order.
struct Story {
    evidence: Evidence,
    next_trade: i64,
    clock: i64,
    /// What each purchase pays in base.
    fee: Option<Fee>,
}

impl Story {
    fn begin() -> Self {
        let balance = Balance {
            free: quantity("1000"),
            locked: Quantity::ZERO,
        };
        let evidence = Evidence {
            bot: bot(),
            levels: vec![level()],
            fills: Vec::new(),
            unreadable: Vec::new(),
            orders: Vec::new(),
            trades: BTreeMap::new(),
            balances: BTreeMap::from([("XRP".parse().unwrap(), balance)]),
            base_of_all_bots: Some(Quantity::ZERO),
            read_at: ExchangeTime::from_millis(NOW),
        };
        Self {
            evidence,
            next_trade: 1,
            clock: 1_000,
            fee: None,
        }
    }

    fn level(&mut self) -> &mut Level {
        &mut self.evidence.levels[0]
    }

    /// An order at the exchange, and its trades booked.
    fn order(
        &mut self,
        no: u32,
        side: Side,
        asked: &str,
        parts: &[&str],
        status: OrderStatus,
    ) -> i64 {
        self.clock += 1_000;
        let price = self.level().price(side);
        let exchange_id = i64::try_from(self.evidence.orders.len()).unwrap() + 100;
        let executed = parts.iter().fold(Quantity::ZERO, |sum, part| {
            sum.checked_add(quantity(part)).unwrap()
        });
        self.evidence.orders.push(OrderView {
            symbol: rules().symbol,
            exchange_order_id: ExchangeOrderId(exchange_id),
            client_order_id: ClientOrderId {
                bot: id(),
                level: LevelIndex(0),
                no: OrderNumber(no),
            }
            .to_string(),
            side,
            price: Some(price),
            quantity: quantity(asked),
            executed,
            status,
            created_at: ExchangeTime::from_millis(self.clock),
            updated_at: ExchangeTime::from_millis(self.clock + 500),
        });
        for part in parts {
            self.trade(no, exchange_id, side, part);
        }
        self.current(no, side, asked, OrderState::Open);
        exchange_id
    }

    fn trade(&mut self, no: u32, order: i64, side: Side, part: &str) {
        let price = self.level().price(side);
        let trade = Trade {
            id: TradeId(self.next_trade),
            price,
            quantity: quantity(part),
            quote: price.times(quantity(part)).unwrap(),
            fee: self.fee.clone().filter(|_| side == Side::Buy),
            maker: true,
            time: ExchangeTime::from_millis(self.clock + 500),
        };
        self.next_trade += 1;
        self.evidence
            .trades
            .entry(ExchangeOrderId(order))
            .or_default()
            .push(trade.clone());
        self.book(side, &trade);
        self.evidence.fills.push(FillRecord {
            bot: id(),
            level: LevelIndex(0),
            no: OrderNumber(no),
            side,
            exchange_order_id: ExchangeOrderId(order),
            trade,
            source: Source::Stream,
            booked_as: BookedAs::Next,
            by_recovery: false,
            caused: None,
            received_at: LocalTime::from_millis(self.clock + 510),
            committed_at: LocalTime::from_millis(self.clock + 520),
        });
    }

    /// Books a trade the way records do: average cost.
    fn book(&mut self, side: Side, trade: &Trade) {
        let level = self.level();
        if let Some(fee) = &trade.fee {
            level.base = level.base.checked_sub(fee.amount.into()).unwrap();
            let paid = level
                .fees
                .entry(fee.asset.clone())
                .or_insert(Quantity::ZERO);
            *paid = paid.checked_add(fee.amount).unwrap();
        }
        let (base, quote) = (trade.quantity.into(), trade.quote);
        match side {
            Side::Buy => {
                level.base = level.base.checked_add(base).unwrap();
                level.cost = level.cost.checked_add(quote).unwrap();
            }
            Side::Sell => {
                let share = level.cost.decimal() * trade.quantity.decimal() / level.base.decimal();
                let share = QuoteAmount::new(share);
                level.base = level.base.checked_sub(base).unwrap();
                level.cost = level.cost.checked_sub(share).unwrap();
                let earned = quote.checked_sub(share).unwrap();
                level.realized_profit = level.realized_profit.checked_add(earned).unwrap();
            }
        }
    }

    /// What the records say of the level's order.
    fn current(&mut self, no: u32, side: Side, asked: &str, state: OrderState) {
        let price = self.level().price(side);
        let known = self
            .evidence
            .orders
            .iter()
            .rev()
            .find(|order| order.client_order_id.ends_with(&format!("-{no}")))
            .map(|order| order.exchange_order_id);
        self.level().order = Some(LevelOrder {
            no: OrderNumber(no),
            intent: Intent {
                side,
                price,
                quantity: quantity(asked),
                kind: OrderKind::Limit,
                purpose: Purpose::Grid,
            },
            state,
            exchange_order_id: known,
            executed: Quantity::ZERO,
            executed_quote: QuoteAmount::ZERO,
            highest_seen: Quantity::ZERO,
            terminal: None,
            owed: quantity(asked),
            executed_before: Quantity::ZERO,
            fruitless: 0,
            by_recovery: false,
        });
    }

    fn audit(&self) -> BotAudit {
        judge(&self.evidence)
    }

    /// The audit has to break exactly these promises.
    fn breaks(&self, invariants: &[u8]) -> BotAudit {
        let audit = self.audit();
        let mut broken: Vec<u8> = audit
            .violations
            .iter()
            .map(|violation| violation.invariant.number())
            .collect();
        broken.dedup();
        assert_eq!(broken, invariants, "{:#?}", audit.violations);
        assert_eq!(audit.clean, invariants.is_empty());
        audit
    }
}

const FILLED: OrderStatus = OrderStatus::Filled;
const LIVE: OrderStatus = OrderStatus::New;

/// A buy in two trades, its sell, and the next buy resting.
fn round_trip() -> Story {
    let mut story = Story::begin();
    story.order(1, Side::Buy, "10", &["4", "6"], FILLED);
    story.order(2, Side::Sell, "10", &["10"], FILLED);
    story.order(3, Side::Buy, "10", &[], LIVE);
    story
}

#[test]
fn a_round_trip_keeps_every_promise() {
    let audit = round_trip().breaks(&[]);
    let level = &audit.levels[0];
    assert_eq!(level.verdict, Verdict::Kept);
    assert_eq!(
        (
            level.completed_orders,
            level.opposite_orders,
            level.round_trips
        ),
        (2, 2, 1)
    );
    assert_eq!(level.live_order, Some(ExchangeOrderId(102)));
    assert_eq!((audit.orders, audit.trades), (3, 3));
}

#[test]
fn remainders_that_fees_leave_are_no_double_however_long_the_grid_runs() {
    let mut story = Story::begin();
    story.fee = Some(Fee {
        amount: quantity("0.01"),
        asset: "XRP".parse().unwrap(),
    });
    let mut no = 0;
    for _ in 0..200 {
        no += 2;
        story.order(no - 1, Side::Buy, "10", &["10"], FILLED);
        let held = story
            .level()
            .base
            .held()
            .floor_to_step(decimal("0.1"))
            .unwrap();
        let held = held.to_string();
        story.order(no, Side::Sell, &held, &[&held], FILLED);
    }
    story.order(no + 1, Side::Buy, "10", &[], LIVE);
    let audit = story.breaks(&[]);
    assert_eq!(audit.levels[0].round_trips, 200);
}

#[test]
fn a_trade_without_an_entry_is_missing_from_the_ledger_and_the_sums() {
    let mut story = round_trip();
    story.evidence.fills.remove(0);
    story.breaks(&[1, 4]);
}

#[test]
fn a_trade_booked_twice_is_found() {
    let mut story = round_trip();
    let again = story.evidence.fills[0].clone();
    story.evidence.fills.push(again);
    story.breaks(&[1]);
}

#[test]
fn an_entry_without_a_trade_is_found() {
    let mut story = round_trip();
    story
        .evidence
        .trades
        .get_mut(&ExchangeOrderId(100))
        .unwrap()
        .remove(0);
    story.breaks(&[1, 4]);
}

#[test]
fn a_young_trade_may_be_on_its_way_to_the_ledger() {
    let mut story = round_trip();
    let young = ExchangeTime::from_millis(NOW - 5_000);
    story.clock = NOW - 6_000;
    let trade = Trade {
        id: TradeId(99),
        price: "3".parse().unwrap(),
        quantity: quantity("2"),
        quote: "6".parse().unwrap(),
        fee: None,
        maker: true,
        time: young,
    };
    story
        .evidence
        .trades
        .insert(ExchangeOrderId(102), vec![trade]);
    story.evidence.orders[2].executed = quantity("2");
    story.evidence.orders[2].updated_at = young;
    story.breaks(&[]);
}

#[test]
fn an_entry_that_says_another_fee_is_found() {
    let mut story = round_trip();
    let fee = Fee {
        amount: quantity("0.01"),
        asset: "BNB".parse().unwrap(),
    };
    story
        .evidence
        .trades
        .get_mut(&ExchangeOrderId(100))
        .unwrap()[0]
        .fee = Some(fee);
    let audit = story.breaks(&[4]);
    assert!(
        audit
            .violations
            .iter()
            .any(|violation| violation.text.contains("0.01 BNB"))
    );
}

#[test]
fn holdings_that_the_trades_do_not_leave_are_found() {
    let mut story = round_trip();
    story.level().base = "0.3".parse().unwrap();
    story.breaks(&[4]);
    let mut story = round_trip();
    story.level().realized_profit = "4".parse().unwrap();
    story.breaks(&[4]);
}

#[test]
fn inventory_from_the_balance_needs_no_trade() {
    let mut story = Story::begin();
    story.evidence.bot.plan.first_inventory = FirstInventory::FromBalance;
    story.level().base = "10".parse().unwrap();
    story.level().cost = "31".parse().unwrap();
    story.order(1, Side::Sell, "10", &["10"], FILLED);
    story.order(2, Side::Buy, "10", &[], LIVE);
    story.breaks(&[]);
}

#[test]
fn a_completed_order_that_nothing_follows_is_missing_its_opposite() {
    let mut story = Story::begin();
    story.order(1, Side::Buy, "10", &["10"], FILLED);
    let audit = story.breaks(&[2]);
    assert_eq!((audit.missing, audit.doubled), (1, 0));
    assert_eq!(audit.levels[0].verdict, Verdict::Broken);
}

#[test]
fn a_recorded_reason_stands_for_the_opposite_order() {
    let mut story = Story::begin();
    story.order(1, Side::Buy, "10", &["10"], FILLED);
    let held = OrderState::Held {
        why: HoldReason::OutsideBand,
        lease: None,
    };
    story.current(2, Side::Sell, "10", held);
    let audit = story.breaks(&[]);
    assert_eq!(audit.levels[0].verdict, Verdict::Owing);
    assert!(
        audit.levels[0]
            .why
            .as_ref()
            .unwrap()
            .contains("too far from the market")
    );
}

#[test]
fn another_buy_after_a_filled_buy_is_no_opposite() {
    let mut story = Story::begin();
    story.order(1, Side::Buy, "10", &["10"], FILLED);
    story.order(2, Side::Buy, "10", &[], LIVE);
    assert!(story.breaks(&[2]).doubled >= 1);

    let mut story = Story::begin();
    story.order(1, Side::Buy, "10", &["10"], FILLED);
    let held = OrderState::Held {
        why: HoldReason::Paused,
        lease: None,
    };
    story.current(2, Side::Buy, "10", held);
    assert_eq!(story.breaks(&[2]).missing, 1);
}

#[test]
fn two_orders_under_one_number_are_doubled() {
    let mut story = round_trip();
    story.order(3, Side::Buy, "10", &[], OrderStatus::Canceled);
    // The records know the first of the two.
    story.level().order.as_mut().unwrap().exchange_order_id = Some(ExchangeOrderId(102));
    let audit = story.audit();
    assert!(audit.doubled >= 1, "{:#?}", audit.violations);
    assert!(
        audit
            .violations
            .iter()
            .any(|violation| violation.text.contains("both carry number 3"))
    );
}

#[test]
fn an_order_ended_early_is_replaced_by_the_rest_only() {
    let mut story = Story::begin();
    story.order(1, Side::Buy, "10", &["10"], FILLED);
    story.order(2, Side::Sell, "10", &["4"], OrderStatus::Canceled);
    story.order(3, Side::Sell, "6", &["6"], FILLED);
    story.order(4, Side::Buy, "10", &[], LIVE);
    let audit = story.breaks(&[]);
    assert_eq!(audit.levels[0].completed_orders, 2);

    let mut story = Story::begin();
    story.order(1, Side::Buy, "10", &["10"], FILLED);
    story.order(2, Side::Sell, "10", &["4"], OrderStatus::Canceled);
    story.order(3, Side::Sell, "10", &[], LIVE);
    assert_eq!(story.breaks(&[2]).doubled, 1);
}

#[test]
fn buying_anew_while_holding_is_found() {
    let mut story = Story::begin();
    story.order(1, Side::Buy, "10", &["6"], OrderStatus::Canceled);
    story.order(2, Side::Buy, "10", &[], LIVE);
    assert_eq!(story.breaks(&[2]).doubled, 1);
}

#[test]
fn two_live_orders_at_once_are_found() {
    let mut story = Story::begin();
    story.order(1, Side::Buy, "10", &["10"], FILLED);
    story.order(2, Side::Sell, "10", &["4"], OrderStatus::Canceled);
    story.order(3, Side::Sell, "6", &[], LIVE);
    story.breaks(&[]);
    // The cancel came after the replacement was created.
    story.evidence.orders[1].updated_at = story.evidence.orders[2]
        .created_at
        .after(std::time::Duration::from_millis(1));
    story.breaks(&[3]);
}

#[test]
fn a_replaced_order_that_is_still_live_is_found() {
    let mut story = Story::begin();
    story.order(1, Side::Buy, "10", &["10"], FILLED);
    story.order(2, Side::Sell, "10", &["4"], OrderStatus::PartiallyFilled);
    story.order(3, Side::Sell, "6", &[], LIVE);
    story.breaks(&[3]);
}

#[test]
fn fees_that_the_exchange_did_not_take_are_found() {
    let mut story = round_trip();
    let fees = &mut story.level().fees;
    fees.insert("BNB".parse().unwrap(), quantity("0.5"));
    let audit = story.breaks(&[4]);
    assert!(
        audit.violations[0].text.contains("0.5 BNB"),
        "{:?}",
        audit.violations
    );
}

#[test]
fn an_order_off_the_rules_is_found_unless_the_rules_are_younger() {
    for (price, asked) in [("3.005", "10"), ("3", "10.05"), ("3", "0.1")] {
        let mut story = Story::begin();
        story.order(1, Side::Buy, asked, &[], LIVE);
        story.evidence.orders[0].price = Some(price.parse().unwrap());
        story.level().buy_price = price.parse().unwrap();
        story.breaks(&[5]);
        story.evidence.bot.rules_read_at = Some(LocalTime::from_millis(NOW));
        let audit = story.breaks(&[]);
        assert_eq!(audit.notes.len(), 1, "{:?}", audit.notes);
    }
}

#[test]
fn an_order_at_a_price_that_is_not_the_levels_is_found() {
    let mut story = Story::begin();
    story.order(1, Side::Buy, "10", &[], LIVE);
    story.evidence.orders[0].price = Some("3.01".parse().unwrap());
    story.breaks(&[2]);
    // A first inventory bought cheaper is as planned.
    story.evidence.orders[0].price = Some("2.9".parse().unwrap());
    story.breaks(&[]);
}

#[test]
fn nothing_is_sent_for_a_bot_at_rest() {
    let mut story = round_trip();
    story.evidence.bot.observed = ObservedStatus::Paused;
    story.breaks(&[]);
    story.evidence.bot.recovered_at = Some(LocalTime::from_millis(1));
    story.evidence.orders[2].created_at = ExchangeTime::from_millis(NOW - 1_000);
    story.evidence.orders[2].updated_at = ExchangeTime::from_millis(NOW - 1_000);
    story.breaks(&[6]);
}

#[test]
fn an_intent_that_stays_pending_is_forgotten() {
    let mut story = Story::begin();
    story.order(1, Side::Buy, "10", &["10"], FILLED);
    let pending = |until: i64| {
        let start = ExchangeTime::from_millis(until - 30_000);
        OrderState::Pending {
            lease: Lease {
                attempt: 1,
                first_start: start,
                start,
                until: ExchangeTime::from_millis(until),
                unknown: false,
            },
        }
    };
    story.current(2, Side::Sell, "10", pending(NOW - 60_000));
    story.breaks(&[7]);
    story.current(2, Side::Sell, "10", pending(NOW + 5_000));
    let audit = story.breaks(&[]);
    assert_eq!(audit.levels[0].verdict, Verdict::UnderWay);
}

#[test]
fn an_order_the_exchange_does_not_list_is_missing() {
    let mut story = round_trip();
    story.evidence.orders.pop();
    story.breaks(&[2]);
}

#[test]
fn an_order_ahead_of_the_records_is_doubled_unless_quarantined() {
    let mut story = round_trip();
    story.order(4, Side::Buy, "10", &[], OrderStatus::Canceled);
    story.evidence.orders[2].status = OrderStatus::Canceled;
    story.current(3, Side::Buy, "10", OrderState::Open);
    story.breaks(&[2]);
    let quarantined = OrderState::Quarantined {
        why: domain::QuarantineReason::NumberAhead,
        evidence: "number 4".to_owned(),
    };
    story.current(3, Side::Buy, "10", quarantined);
    let audit = story.breaks(&[]);
    assert_eq!(audit.levels[0].verdict, Verdict::Owing);
}

#[test]
fn an_account_with_less_base_than_its_levels_hold_is_found() {
    let mut story = round_trip();
    story.evidence.base_of_all_bots = Some(quantity("1001"));
    let audit = story.breaks(&[4]);
    assert!(
        audit.violations[0].text.contains("missing"),
        "{:?}",
        audit.violations
    );
    story.evidence.base_of_all_bots = Some(quantity("1000"));
    story.breaks(&[]);
}

#[test]
fn a_balance_that_cannot_be_compared_is_only_noted() {
    let mut story = round_trip();
    story.evidence.base_of_all_bots = None;
    assert_eq!(story.breaks(&[]).notes.len(), 1);
}

#[test]
fn an_audit_reads_well() {
    let mut story = Story::begin();
    story.order(1, Side::Buy, "10", &["10"], FILLED);
    let mut text = Vec::new();
    story.audit().write(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.starts_with("bot auditbot on XRPETH: NOT CLEAN"),
        "{text}"
    );
    assert!(
        text.contains(
            "  BROKEN, 1 time: each completed order has exactly one opposite order or a reason (promise 2)\n    \
             level 0: "
        ),
        "{text}"
    );
    assert_eq!(Invariant::OneOpposite.number(), 2);
}

#[test]
fn an_exchange_that_forgot_everything_is_concluded_and_not_listed_trade_by_trade() {
    let mut story = round_trip();
    assert_eq!(story.audit().conclusion, None);
    story.evidence.orders.clear();
    story.evidence.trades.clear();
    let audit = story.audit();
    let mut text = Vec::new();
    audit.write(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let second = text.lines().nth(1).unwrap();
    assert!(
        second.contains("shows none of this bot's orders and trades")
            && second.contains("know of 3 orders and 3 trades"),
        "{text}"
    );
    assert!(text.contains("  BROKEN, 3 times: each fill has"), "{text}");
    assert!(!text.contains("is booked, but"), "{text}");
    assert!(audit.violations.len() > 3 && !audit.clean);
}
