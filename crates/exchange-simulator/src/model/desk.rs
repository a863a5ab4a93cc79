//! Matching, carried out: trades, commission, endings, with their balances, journal entries and reports.
//!
//! Entry point: [`Desk`]. Never decides whether an order is acceptable or what it meets: that is `placing` and `plan`.

use rust_decimal::{Decimal, RoundingStrategy};

use super::events::ExecutionType;
use super::exchange::{Ledger, Market, ReportDetail};
use super::filters::ASSET_DECIMALS;
use super::journal::Fact;
use super::order::{OrderStatus, OrderType, Side, Trade};
use super::plan::{Step, quote_amount};

/// One trade to book on one of our orders.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fill {
    pub(crate) order_id: u64,
    pub(crate) trade_id: u64,
    pub(crate) price: Decimal,
    pub(crate) quantity: Decimal,
    pub(crate) is_maker: bool,
}

/// A market and the ledger, at one moment.
#[derive(Debug)]
pub(crate) struct Desk<'a> {
    pub(crate) market: &'a mut Market,
    pub(crate) ledger: &'a mut Ledger,
    pub(crate) now_ms: i64,
}

impl Desk<'_> {
    /// Carries out a plan for the order that asked for it; returns its trades.
    pub(crate) fn carry_out(&mut self, taker: u64, steps: &[Step]) -> Vec<Trade> {
        let mut trades = Vec::new();
        for step in steps {
            match *step {
                Step::TradeOutside { price, quantity } => {
                    for part in self.parts(quantity) {
                        let fill = self.next_fill(taker, price, part, false);
                        trades.extend(self.fill(fill));
                    }
                }
                Step::TradeOwn {
                    maker,
                    price,
                    quantity,
                } => {
                    for part in self.parts(quantity) {
                        let fill = self.next_fill(taker, price, part, false);
                        self.fill(Fill {
                            order_id: maker,
                            is_maker: true,
                            ..fill
                        });
                        trades.extend(self.fill(fill));
                    }
                }
                Step::ExpireMaker { maker } => {
                    self.end(maker, OrderStatus::ExpiredInMatch, Ending::default())
                }
                Step::Decrement { maker, quantity } => {
                    self.decrement(maker, quantity);
                    self.decrement(taker, quantity);
                }
            }
        }
        trades
    }

    /// A quantity in trades of at most the market's largest.
    fn parts(&self, quantity: Decimal) -> Vec<Decimal> {
        let Some(largest) = self
            .market
            .outside
            .max_trade_quantity
            .filter(|largest| *largest > Decimal::ZERO)
        else {
            return vec![quantity];
        };
        let mut left = quantity;
        let mut parts = Vec::new();
        while left > Decimal::ZERO {
            let part = left.min(largest);
            parts.push(part);
            left -= part;
        }
        parts
    }

    /// A fill under the next trade id.
    pub(crate) fn next_fill(
        &mut self,
        order_id: u64,
        price: Decimal,
        quantity: Decimal,
        is_maker: bool,
    ) -> Fill {
        let trade_id = self.market.next_trade_id;
        self.market.next_trade_id += 1;
        Fill {
            order_id,
            trade_id,
            price,
            quantity,
            is_maker,
        }
    }

    /// Books a resting order's trade, split where the market splits.
    pub(crate) fn fill_resting(&mut self, order_id: u64, price: Decimal, quantity: Decimal) {
        for part in self.parts(quantity) {
            let fill = self.next_fill(order_id, price, part, true);
            self.fill(fill);
        }
    }

    /// Books one trade: balances, commission, order state, journal, report.
    pub(crate) fn fill(&mut self, fill: Fill) -> Option<Trade> {
        let now_ms = self.now_ms;
        let order = self.market.orders.get_mut(&fill.order_id)?;
        let owner = self.ledger.accounts.get_mut(&order.account)?;
        let rules = &self.market.rules;
        let quote = quote_amount(fill.price, fill.quantity);
        let (given, given_amount, received, received_amount) = match order.side {
            Side::Buy => (&rules.quote_asset, quote, &rules.base_asset, fill.quantity),
            Side::Sell => (&rules.base_asset, fill.quantity, &rules.quote_asset, quote),
        };
        owner.spend_locked(given, given_amount);
        order.locked -= given_amount;
        owner.credit(received, received_amount);
        let rates = owner.commission;
        let rate = if fill.is_maker {
            rates.maker
        } else {
            rates.taker
        };
        let in_bnb = bnb_commission(
            &self.ledger.bnb_prices,
            rules,
            (fill.price, quote * rate * rates.bnb_factor),
        )
        .filter(|amount| rates.pay_in_bnb && owner.balance("BNB").free >= *amount);
        let (commission, asset) = match in_bnb {
            Some(amount) => (amount, "BNB".to_owned()),
            None => (truncate(received_amount * rate), received.clone()),
        };
        owner.credit(&asset, -commission);
        order.change(now_ms, |state| {
            state.executed += fill.quantity;
            state.quote += quote;
            let whole = state.executed + state.prevented >= state.quantity;
            state.status = if whole {
                OrderStatus::Filled
            } else {
                OrderStatus::PartiallyFilled
            };
        });
        let trade = Trade {
            id: fill.trade_id,
            order_id: fill.order_id,
            account: order.account.clone(),
            side: order.side,
            price: fill.price,
            quantity: fill.quantity,
            quote,
            commission,
            commission_asset: asset,
            is_maker: fill.is_maker,
            time_ms: now_ms,
        };
        self.book(trade.clone());
        Some(trade)
    }

    /// Writes a trade down and tells the account.
    fn book(&mut self, trade: Trade) {
        let fact = Fact::Traded {
            symbol: self.market.rules.symbol.clone(),
            order_id: trade.order_id,
            trade_id: trade.id,
            quantity: trade.quantity,
            quote: trade.quote,
            commission: trade.commission,
            commission_asset: trade.commission_asset.clone(),
        };
        self.ledger.note(self.now_ms, &trade.account, fact);
        self.market
            .trades_of_order
            .entry(trade.order_id)
            .or_default()
            .push(self.market.trades.len());
        self.market.trades.push(trade.clone());
        let order_id = trade.order_id;
        let whole = self
            .market
            .orders
            .get(&order_id)
            .is_some_and(|order| !order.state.status.is_live());
        if whole {
            self.close(order_id, OrderStatus::Filled);
        }
        let Some(order) = self.market.orders.get(&order_id) else {
            return;
        };
        let assets = [
            self.market.rules.base_asset.as_str(),
            self.market.rules.quote_asset.as_str(),
            trade.commission_asset.as_str(),
        ];
        let assets: Vec<&str> = assets
            .into_iter()
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect();
        let (account, commission_trade) = (order.account.clone(), trade.clone());
        self.ledger.report(
            order,
            ExecutionType::Trade,
            ReportDetail {
                trade: Some(commission_trade),
                ..ReportDetail::default()
            },
        );
        self.ledger.report_position(self.now_ms, &account, &assets);
    }

    /// Takes an order off the book, frees its lock and notes its end.
    fn close(&mut self, order_id: u64, status: OrderStatus) {
        let Some(order) = self.market.orders.get_mut(&order_id) else {
            return;
        };
        let asset = match order.side {
            Side::Buy => &self.market.rules.quote_asset,
            Side::Sell => &self.market.rules.base_asset,
        };
        if let Some(owner) = self.ledger.accounts.get_mut(&order.account) {
            owner.unlock(asset, order.locked);
        }
        order.locked = Decimal::ZERO;
        let (account, side, price) = (order.account.clone(), order.side, order.price);
        let key = (account.clone(), order.state.client_order_id.clone());
        self.market.open_ids.remove(&key);
        self.market.unrest(order_id, side, price);
        let fact = Fact::Ended {
            symbol: self.market.rules.symbol.clone(),
            order_id,
            status,
        };
        self.ledger.note(self.now_ms, &account, fact);
    }

    /// Ends a live order without a trade, and tells the account.
    pub(crate) fn end(&mut self, order_id: u64, status: OrderStatus, ending: Ending) {
        let Some(order) = self.market.orders.get_mut(&order_id) else {
            return;
        };
        order.change(self.now_ms, |state| {
            state.status = status;
            state.expiry_reason = ending.reason;
        });
        self.close(order_id, status);
        let Some(order) = self.market.orders.get(&order_id) else {
            return;
        };
        let execution = match status {
            OrderStatus::Canceled => ExecutionType::Canceled,
            // Self-trade prevention has its own word, even for an order it ends.
            OrderStatus::ExpiredInMatch => ExecutionType::TradePrevention,
            OrderStatus::Expired
            | OrderStatus::New
            | OrderStatus::PartiallyFilled
            | OrderStatus::Filled => ExecutionType::Expired,
        };
        let detail = match ending.cancel_id {
            Some(cancel_id) => ReportDetail {
                request_id: Some(cancel_id),
                original_id: Some(order.state.client_order_id.clone()),
                ..ReportDetail::default()
            },
            None => ReportDetail::default(),
        };
        let account = order.account.clone();
        self.ledger.report(order, execution, detail);
        let assets = [
            self.market.rules.base_asset.as_str(),
            self.market.rules.quote_asset.as_str(),
        ];
        self.ledger.report_position(self.now_ms, &account, &assets);
    }

    /// Frees what a live order locks beyond what it may still need: it traded at a better price, or shrank.
    pub(crate) fn trim_lock(&mut self, order_id: u64) {
        let Some(order) = self.market.orders.get_mut(&order_id) else {
            return;
        };
        let (asset, needed) = match (order.order_type, order.side) {
            // A MARKET order locks exactly what its plan costs.
            (OrderType::Market, _) => return,
            (OrderType::Limit | OrderType::LimitMaker, Side::Buy) => (
                &self.market.rules.quote_asset,
                quote_amount(order.price, order.remaining()),
            ),
            (OrderType::Limit | OrderType::LimitMaker, Side::Sell) => {
                (&self.market.rules.base_asset, order.remaining())
            }
        };
        if let Some(owner) = self.ledger.accounts.get_mut(&order.account) {
            owner.unlock(asset, order.locked - needed);
        }
        order.locked = needed;
    }

    /// Shrinks an order by self-trade prevention; one with nothing left ends.
    fn decrement(&mut self, order_id: u64, quantity: Decimal) {
        let Some(order) = self.market.orders.get_mut(&order_id) else {
            return;
        };
        order.change(self.now_ms, |state| state.prevented += quantity);
        if order.remaining().is_zero() {
            self.end(order_id, OrderStatus::ExpiredInMatch, Ending::default());
            return;
        }
        self.trim_lock(order_id);
        let Some(order) = self.market.orders.get(&order_id) else {
            return;
        };
        let detail = ReportDetail {
            prevented: quantity,
            ..ReportDetail::default()
        };
        self.ledger
            .report(order, ExecutionType::TradePrevention, detail);
    }
}

/// How an order ends without a trade.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    pub(crate) reason: Option<&'static str>,
    /// The cancel request's own client order id.
    pub(crate) cancel_id: Option<std::sync::Arc<str>>,
}

fn truncate(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(ASSET_DECIMALS, RoundingStrategy::ToZero)
}

/// A commission worth `quote` in BNB, if BNB has a price here.
fn bnb_commission(
    prices: &std::collections::BTreeMap<String, Decimal>,
    rules: &super::symbol::SymbolRules,
    (price, quote): (Decimal, Decimal),
) -> Option<Decimal> {
    if rules.quote_asset == "BNB" {
        return Some(truncate(quote));
    }
    let bnb = if rules.base_asset == "BNB" {
        price
    } else {
        *prices.get(&rules.quote_asset)?
    };
    quote.checked_div(bnb).map(truncate)
}
