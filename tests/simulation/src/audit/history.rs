//! A bot's orders as the exchange's journal tells them.

use std::collections::BTreeMap;
use std::fmt;

use domain::{BotId, ClientOrderId, LevelIndex, OrderNumber};
use exchange_simulator::model::{Fact, OrderStatus, OrderType, Side, SymbolRules};
use rust_decimal::Decimal;

use super::Minimum;
use crate::World;

/// One order under one of the bot's ids, as it happened.
#[derive(Debug, Clone)]
pub struct PastOrder {
    /// The level its id names.
    pub level: LevelIndex,
    /// The number its id names.
    pub no: OrderNumber,
    /// The exchange's id.
    pub exchange_order_id: i64,
    /// Whether it is a SELL.
    pub is_sell: bool,
    /// Its type.
    pub order_type: OrderType,
    /// Its limit price.
    pub price: Decimal,
    /// The quantity it asked for first.
    pub asked: Decimal,
    /// Where in the journal it was placed.
    pub placed: usize,
    /// Where in the journal it ended, and how.
    pub ended: Option<(usize, OrderStatus)>,
    /// Its trades.
    pub trades: Vec<PastTrade>,
    /// The base asset of its symbol.
    pub base_asset: String,
    /// The quote asset of its symbol.
    pub quote_asset: String,
    /// By every set of rules that its symbol has had so far, the present one last.
    pub(super) minimums: Vec<Minimum>,
}

/// One trade of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastTrade {
    /// The exchange's id.
    pub id: i64,
    /// Base quantity.
    pub quantity: Decimal,
    /// Quote amount.
    pub quote: Decimal,
    /// Commission.
    pub commission: Decimal,
    /// Asset of the commission.
    pub commission_asset: String,
}

impl PastOrder {
    /// An order as it was placed, if it carries an id of the bot.
    fn placed(bot: &BotId, (at, fact): (usize, &Fact), past: &[SymbolRules]) -> Option<Self> {
        let Fact::Placed {
            order_id,
            client_order_id,
            side,
            order_type,
            price,
            quantity,
            ..
        } = fact
        else {
            return None;
        };
        let id = client_order_id.parse::<ClientOrderId>().ok()?;
        let rules = past.last()?;
        (id.bot == *bot).then(|| Self {
            level: id.level,
            no: id.no,
            exchange_order_id: i64::try_from(*order_id).unwrap(),
            is_sell: *side == Side::Sell,
            order_type: *order_type,
            price: *price,
            asked: *quantity,
            placed: at,
            ended: None,
            trades: Vec::new(),
            base_asset: rules.base_asset.clone(),
            quote_asset: rules.quote_asset.clone(),
            minimums: past
                .iter()
                .map(|rules| Minimum {
                    step: rules.step_size,
                    quantity: rules.min_quantity,
                    notional: rules.min_notional,
                })
                .collect(),
        })
    }

    /// The base it has executed.
    #[must_use]
    pub fn executed(&self) -> Decimal {
        self.trades.iter().map(|trade| trade.quantity).sum()
    }

    /// How it changed what is held of the base, fees included.
    #[must_use]
    pub fn base_change(&self) -> Decimal {
        let fees: Decimal = self
            .trades
            .iter()
            .filter(|trade| trade.commission_asset == self.base_asset)
            .map(|trade| trade.commission)
            .sum();
        if self.is_sell {
            -self.executed() - fees
        } else {
            self.executed() - fees
        }
    }

    /// How it changed what is held of the quote, fees included.
    #[must_use]
    pub fn quote_change(&self) -> Decimal {
        let trades = self.trades.iter();
        let change = |trade: &PastTrade| {
            let fee = if trade.commission_asset == self.quote_asset {
                trade.commission
            } else {
                Decimal::ZERO
            };
            if self.is_sell {
                trade.quote - fee
            } else {
                -trade.quote - fee
            }
        };
        trades.map(change).sum()
    }
}

impl fmt::Display for PastOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.is_sell { "SELL" } else { "BUY" };
        write!(
            f,
            "level {} no {} ({}): {side} {} at {}, executed {}, {:?}",
            self.level,
            self.no,
            self.exchange_order_id,
            self.asked,
            self.price,
            self.executed(),
            self.ended.map(|(_, status)| status)
        )
    }
}

/// All orders under a bot's ids on its account, by level, in the order they were placed.
#[derive(Debug, Default)]
pub struct Past {
    /// The orders by level.
    pub levels: BTreeMap<LevelIndex, Vec<PastOrder>>,
}

impl Past {
    /// Reads a bot's past from the journal.
    #[must_use]
    pub fn of_bot(world: &World, bot: &BotId) -> Self {
        let record = world.store.bot_now(bot);
        let mut past = world.exchange.with_model(|model, _| {
            let mut reader = Reader::default();
            for (at, entry) in model.journal().iter().enumerate() {
                let concerns = entry.account == record.account.as_str();
                reader.read(bot, (at, &entry.fact), concerns);
            }
            reader.past()
        });
        for order in past.levels.values_mut().flatten() {
            order.no = world.exchange.number_meant(bot, order.level, order.no);
        }
        // Anybody may type an id, of a level that does not exist too.
        past.levels
            .retain(|level, _| level.0 < record.levels && !world.was_meddled_with(bot, *level));
        past
    }
}

#[derive(Default)]
struct Reader {
    rules: BTreeMap<String, Vec<SymbolRules>>,
    orders: BTreeMap<(String, u64), PastOrder>,
}

impl Reader {
    fn read(&mut self, bot: &BotId, (at, fact): (usize, &Fact), concerns: bool) {
        match fact {
            Fact::Rules(rules) => {
                let past = self.rules.entry(rules.symbol.clone()).or_default();
                past.push((**rules).clone());
            }
            Fact::Placed { symbol, .. } if concerns => {
                let rules = &self.rules[symbol];
                let placed = PastOrder::placed(bot, (at, fact), rules);
                self.orders.extend(placed.map(|order| {
                    let id = u64::try_from(order.exchange_order_id).unwrap();
                    ((symbol.clone(), id), order)
                }));
            }
            Fact::Traded {
                symbol,
                order_id,
                trade_id,
                quantity,
                quote,
                commission,
                commission_asset,
            } => {
                if let Some(order) = self.orders.get_mut(&(symbol.clone(), *order_id)) {
                    order.trades.push(PastTrade {
                        id: i64::try_from(*trade_id).unwrap(),
                        quantity: *quantity,
                        quote: *quote,
                        commission: *commission,
                        commission_asset: commission_asset.clone(),
                    });
                }
            }
            Fact::Ended {
                symbol,
                order_id,
                status,
            } => {
                if let Some(order) = self.orders.get_mut(&(symbol.clone(), *order_id)) {
                    order.ended = Some((at, *status));
                }
            }
            Fact::Placed { .. }
            | Fact::Refused { .. }
            | Fact::Amended { .. }
            | Fact::Moved { .. } => {}
        }
    }

    fn past(self) -> Past {
        let mut past = Past::default();
        for order in self.orders.into_values() {
            past.levels.entry(order.level).or_default().push(order);
        }
        for orders in past.levels.values_mut() {
            orders.sort_by_key(|order| order.placed);
        }
        past
    }
}
