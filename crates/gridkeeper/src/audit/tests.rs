//! The verdicts over made-up evidence: for each promise, a history that keeps it and one that does
//! not.

mod orders;

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
        sold_out: false,
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
            caused_order: None,
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
            sent_since: None,
            sent_until: None,
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
