//! A bot, a level and an exchange order to test with.

use std::collections::BTreeSet;

use domain::{
    Assets, Bot, BotId, DesiredStatus, ExchangeOrderId, ExchangeTime, Execution, Fee, FillDecision,
    FirstInventory, GridPlan, Intent, Lease, Level, LevelIndex, LocalTime, LotRule, NotionalRule,
    ObservedStatus, OrderKind, OrderState, OrderStatus, Price, PriceRule, Purpose, Quantity, Rate,
    Rung, Side, Sizing, Source, Spacing, SymbolRules, SymbolStatus, Trade, TradeId, apply_aside,
    apply_news, decide_fill, owe, resolve_fill,
};
use rust_decimal::Decimal;

pub(crate) fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(crate) fn price(text: &str) -> Price {
    text.parse().unwrap()
}

pub(crate) fn quantity(text: &str) -> Quantity {
    text.parse().unwrap()
}

pub(crate) fn rules() -> SymbolRules {
    SymbolRules {
        symbol: "ABCUSDT".parse().unwrap(),
        base: "ABC".parse().unwrap(),
        quote: "USDT".parse().unwrap(),
        status: SymbolStatus::Trading,
        price: Some(PriceRule {
            min: dec("0.0001"),
            max: dec("1000"),
            tick: dec("0.0001"),
        }),
        lot: Some(LotRule {
            min: quantity("0.1"),
            max: quantity("9000"),
            step: dec("0.1"),
        }),
        notional: Some(NotionalRule {
            min: "5".parse().unwrap(),
            max: None,
        }),
        band: None,
        max_open_orders: Some(200),
        post_only_allowed: true,
        expire_taker_allowed: true,
    }
}

pub(crate) fn bot() -> Bot {
    Bot {
        id: "testbot01".parse().unwrap(),
        account: "main".parse().unwrap(),
        plan: GridPlan {
            lower: price("3.1064"),
            upper: price("3.1537"),
            spacing: Spacing::PercentStep {
                step: Rate::new(dec("0.015")).unwrap(),
            },
            sizing: Sizing::BasePerLevel {
                quantity: quantity("10"),
            },
            compounding: false,
            post_only: false,
            first_inventory: FirstInventory::Buy,
            maker_fee: Rate::new(dec("0.001")).unwrap(),
            taker_fee: Rate::new(dec("0.001")).unwrap(),
        },
        rules: rules(),
        rules_read_at: None,
        rules_doubted: false,
        sold_out: false,
        levels: 1,
        desired: DesiredStatus::Running,
        observed: ObservedStatus::Running,
        created_at: LocalTime::from_millis(0),
        recovered_at: None,
        version: 1,
    }
}

pub(crate) fn empty_level(bot: &Bot) -> Level {
    let rung = Rung {
        buy_price: price("3.1064"),
        sell_price: price("3.1537"),
        quantity: quantity("10"),
    };
    let id: BotId = bot.id.clone();
    Level::new(id, LevelIndex(7), &rung, LocalTime::from_millis(0))
}

pub(crate) fn lease(start: i64) -> Lease {
    let start = ExchangeTime::from_millis(start);
    Lease {
        attempt: 1,
        first_start: start,
        start,
        until: start.after(std::time::Duration::from_secs(30)),
        unknown: false,
    }
}

pub(crate) fn pending(level: &Level, side: Side, amount: &str) -> Level {
    let intent = Intent {
        side,
        price: level.price(side),
        quantity: quantity(amount),
        kind: OrderKind::Limit,
        purpose: Purpose::Grid,
    };
    owe(
        level,
        intent,
        OrderState::Pending {
            lease: lease(1_000),
        },
        false,
    )
}

pub(crate) fn trade(id: i64, amount: &str, at: &str, fee: Option<(&str, &str)>) -> Trade {
    Trade {
        id: TradeId(id),
        price: price(at),
        quantity: quantity(amount),
        quote: price(at).times(quantity(amount)).unwrap(),
        fee: fee.map(|(amount, asset)| Fee {
            amount: quantity(amount),
            asset: asset.parse().unwrap(),
        }),
        maker: true,
        time: ExchangeTime::from_millis(2_000),
    }
}

pub(crate) fn report(
    bot: &Bot,
    level: &Level,
    z: Quantity,
    status: OrderStatus,
    trades: Vec<Trade>,
) -> Execution {
    let order = level.order.as_ref().unwrap();
    Execution {
        account: bot.account.clone(),
        symbol: bot.rules.symbol.clone(),
        client_order_id: level.client_order_id(order.no).to_string(),
        exchange_order_id: ExchangeOrderId(42),
        side: order.intent.side,
        order_price: Some(order.intent.price),
        order_quantity: order.intent.quantity,
        cumulative: z,
        status,
        trades,
        created_at: Some(ExchangeTime::from_millis(1_500)),
        time: ExchangeTime::from_millis(2_000),
        source: Source::Stream,
    }
}

pub(crate) fn assets(bot: &Bot) -> Assets<'_> {
    Assets {
        base: &bot.rules.base,
        quote: &bot.rules.quote,
    }
}

/// The shell of the use case without its input and output: decides, fetches from `exchange` what
/// is missing, applies, and keeps a ledger in which each trade counts once.
pub(crate) fn deliver(
    bot: &Bot,
    level: Level,
    execution: &Execution,
    exchange: &[Trade],
    ledger: &mut BTreeSet<TradeId>,
) -> (Level, FillDecision) {
    let mut decision = decide_fill(bot, &level, execution);
    let needs_all = match &decision {
        FillDecision::Missing(_) | FillDecision::Passed(_) | FillDecision::SecondOrder(_) => true,
        FillDecision::Book { trades, .. } => trades.iter().any(|trade| ledger.contains(&trade.id)),
        _ => false,
    };
    if needs_all {
        decision = resolve_fill(bot, &level, execution, exchange, ledger);
    }
    let after = match &decision {
        FillDecision::Noted(news) => apply_news(&level, news, &[], assets(bot)).unwrap(),
        FillDecision::Book { trades, news } => {
            for trade in trades {
                assert!(ledger.insert(trade.id), "trade {} booked twice", trade.id);
            }
            apply_news(&level, news, trades, assets(bot)).unwrap()
        }
        FillDecision::BookAside { no, trades, .. } => {
            for trade in trades {
                assert!(ledger.insert(trade.id), "trade {} booked twice", trade.id);
            }
            let order = (*no, execution.exchange_order_id);
            apply_aside(&level, order, execution.side, trades, assets(bot)).unwrap()
        }
        _ => level,
    };
    (after, decision)
}
