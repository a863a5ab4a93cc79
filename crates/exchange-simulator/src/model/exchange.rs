//! The exchange as one value: markets, accounts, journal and outbox.
//!
//! Entry points: [`Exchange::new`], `place`, `cancel`, `query`, `print` and the rest, spread over the sibling files. Pure
//! and synchronous: time comes in as an argument, nothing here waits, draws lots or does input and output.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rust_decimal::Decimal;

use super::account::{Account, ApiKey, CommissionRates};
use super::events::{AccountEvent, EventBody, ExecutionReport, ExecutionType};
use super::journal::{Fact, JournalCounts, JournalEntry};
use super::order::{Order, OrderStatus, Side, Trade};
use super::reject::Reject;
use super::symbol::{SymbolRules, SymbolStatus};

/// How the outside market quotes around the last price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutsideMarket {
    /// Ticks between the last price and the best outside bid or ask.
    pub spread_ticks: u32,
    /// Base available to one taking order; none for unlimited.
    pub depth: Option<Decimal>,
    /// Largest single trade; larger fills are split. None for no limit.
    pub max_trade_quantity: Option<Decimal>,
}

impl Default for OutsideMarket {
    fn default() -> Self {
        Self {
            spread_ticks: 1,
            depth: None,
            max_trade_quantity: None,
        }
    }
}

/// One symbol: rules, last price, orders and trades.
#[derive(Debug)]
pub(crate) struct Market {
    pub(crate) rules: SymbolRules,
    pub(crate) outside: OutsideMarket,
    pub(crate) last_price: Decimal,
    pub(crate) next_order_id: u64,
    pub(crate) next_trade_id: u64,
    pub(crate) orders: BTreeMap<u64, Order>,
    pub(crate) open_ids: BTreeMap<(String, Arc<str>), u64>,
    pub(crate) by_client_id: BTreeMap<(String, Arc<str>), Vec<u64>>,
    pub(crate) by_account: BTreeMap<String, Vec<u64>>,
    pub(crate) bids: BTreeMap<(Reverse<Decimal>, u64), ()>,
    pub(crate) asks: BTreeMap<(Decimal, u64), ()>,
    pub(crate) trades: Vec<Trade>,
    pub(crate) trades_of_order: BTreeMap<u64, Vec<usize>>,
}

impl Market {
    /// Best outside bid and ask, before any of our orders.
    pub(crate) fn outside_quote(&self) -> (Decimal, Decimal) {
        let half = self.rules.tick_size * Decimal::from(self.outside.spread_ticks);
        (
            (self.last_price - half).max(self.rules.tick_size),
            self.last_price + half,
        )
    }

    pub(crate) fn rest(&mut self, order_id: u64, side: Side, price: Decimal) {
        match side {
            Side::Buy => self.bids.insert((Reverse(price), order_id), ()),
            Side::Sell => self.asks.insert((price, order_id), ()),
        };
    }

    pub(crate) fn unrest(&mut self, order_id: u64, side: Side, price: Decimal) {
        match side {
            Side::Buy => self.bids.remove(&(Reverse(price), order_id)),
            Side::Sell => self.asks.remove(&(price, order_id)),
        };
    }

    /// Resting orders of a side, best first, with their prices.
    pub(crate) fn resting(&self, side: Side) -> Box<dyn Iterator<Item = (Decimal, u64)> + '_> {
        match side {
            Side::Buy => Box::new(self.bids.keys().map(|(price, id)| (price.0, *id))),
            Side::Sell => Box::new(self.asks.keys().copied()),
        }
    }

    pub(crate) fn open_orders_of<'a>(
        &'a self,
        account: &'a str,
    ) -> impl Iterator<Item = &'a Order> {
        self.resting(Side::Buy)
            .chain(self.resting(Side::Sell))
            .filter_map(|(_, id)| self.orders.get(&id))
            .filter(move |order| order.account == account)
    }
}

/// Accounts and everything that is written down as things happen.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) accounts: BTreeMap<String, Account>,
    pub(crate) journal: Vec<JournalEntry>,
    pub(crate) counts: JournalCounts,
    pub(crate) outbox: Vec<AccountEvent>,
    pub(crate) next_execution_id: u64,
    /// Price of one BNB in each quote asset, for commission paid in BNB.
    pub(crate) bnb_prices: BTreeMap<String, Decimal>,
}

impl Ledger {
    pub(crate) fn note(&mut self, time_ms: i64, account: &str, fact: Fact) {
        match &fact {
            Fact::Placed { .. } => self.counts.placed += 1,
            Fact::Refused { .. } => self.counts.refused += 1,
            Fact::Traded { .. } => self.counts.trades += 1,
            Fact::Ended {
                status: OrderStatus::Filled,
                ..
            } => self.counts.filled += 1,
            Fact::Ended { .. } | Fact::Rules(_) | Fact::Amended { .. } | Fact::Moved { .. } => {}
        }
        self.journal.push(JournalEntry {
            time_ms,
            account: account.to_owned(),
            fact,
        });
    }

    /// Reports an order's change to its account.
    pub(crate) fn report(
        &mut self,
        order: &Order,
        execution: ExecutionType,
        detail: ReportDetail,
    ) -> u64 {
        // Ids rise unevenly on the exchange, so that nobody takes them for a gap detector.
        self.next_execution_id += 1 + order.order_id % 2;
        let request = detail
            .request_id
            .unwrap_or_else(|| order.state.client_order_id.clone());
        // While it takes, an order is not on the book (`market_orders_faq.md`).
        let takes = detail.trade.as_ref().is_some_and(|trade| !trade.is_maker);
        let report = ExecutionReport {
            order: order.without_past(),
            execution,
            on_book: order.state.status.is_live() && !takes,
            trade: detail.trade,
            request_client_order_id: request,
            original_client_order_id: detail.original_id.unwrap_or_else(|| Arc::from("")),
            execution_id: self.next_execution_id,
            prevented_now: detail.prevented,
            time_ms: order.state.update_ms,
        };
        let body = EventBody::Execution(Box::new(report));
        self.outbox.push(AccountEvent {
            account: order.account.clone(),
            body,
        });
        self.next_execution_id
    }

    /// Moves what accounts were told of their balances since a point of the outbox behind everything else told since
    /// then, once for each account, as they are now: a placement tells them after all it caused
    /// (`market_orders_faq.md`, sample payload).
    pub(crate) fn gather_positions(&mut self, now_ms: i64, since: usize) {
        let mut touched: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let told = self.outbox.split_off(since.min(self.outbox.len()));
        for event in told {
            if let EventBody::Position { balances, .. } = &event.body {
                let assets = balances.iter().map(|(asset, _)| asset.clone());
                touched.entry(event.account).or_default().extend(assets);
            } else {
                self.outbox.push(event);
            }
        }
        for (account, assets) in touched {
            let assets: Vec<&str> = assets.iter().map(String::as_str).collect();
            self.report_position(now_ms, &account, &assets);
        }
    }

    /// Tells an account its balances of these assets.
    pub(crate) fn report_position(&mut self, now_ms: i64, account: &str, assets: &[&str]) {
        let Some(owner) = self.accounts.get(account) else {
            return;
        };
        let balances = assets
            .iter()
            .map(|asset| ((*asset).to_owned(), owner.balance(asset)))
            .collect();
        let body = EventBody::Position {
            time_ms: now_ms,
            balances,
        };
        self.outbox.push(AccountEvent {
            account: account.to_owned(),
            body,
        });
    }
}

/// The parts of an execution report that depend on its cause.
#[derive(Debug, Default)]
pub(crate) struct ReportDetail {
    pub(crate) trade: Option<Trade>,
    pub(crate) request_id: Option<Arc<str>>,
    pub(crate) original_id: Option<Arc<str>>,
    pub(crate) prevented: Decimal,
}

/// A small Binance Spot, without network or clock.
#[derive(Debug, Default)]
pub struct Exchange {
    pub(crate) markets: BTreeMap<String, Market>,
    pub(crate) ledger: Ledger,
}

impl Exchange {
    /// An exchange without symbols or accounts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lists a symbol at a first price. Order and trade ids start at 1.
    pub fn add_symbol(
        &mut self,
        now_ms: i64,
        rules: SymbolRules,
        last_price: Decimal,
        outside: OutsideMarket,
    ) {
        self.ledger
            .note(now_ms, "", Fact::Rules(Box::new(rules.clone())));
        let market = Market {
            outside,
            last_price,
            next_order_id: 1,
            next_trade_id: 1,
            orders: BTreeMap::new(),
            open_ids: BTreeMap::new(),
            by_client_id: BTreeMap::new(),
            by_account: BTreeMap::new(),
            bids: BTreeMap::new(),
            asks: BTreeMap::new(),
            trades: Vec::new(),
            trades_of_order: BTreeMap::new(),
            rules,
        };
        self.markets.insert(market.rules.symbol.clone(), market);
    }

    /// Replaces a listed symbol's rules; resting orders stay as they are.
    ///
    /// # Errors
    /// -1121 if the symbol is not listed, -1130 if the rules are not sound.
    pub fn set_rules(&mut self, now_ms: i64, rules: SymbolRules) -> Result<(), Reject> {
        if !rules.is_sound() {
            return Err(Reject::invalid_parameter("rules"));
        }
        let market = self
            .markets
            .get_mut(&rules.symbol)
            .ok_or_else(Reject::invalid_symbol)?;
        self.ledger
            .note(now_ms, "", Fact::Rules(Box::new(rules.clone())));
        market.rules = rules;
        Ok(())
    }

    /// Sets how the outside market quotes a symbol.
    ///
    /// # Errors
    /// -1121 if the symbol is not listed.
    pub fn set_outside(&mut self, symbol: &str, outside: OutsideMarket) -> Result<(), Reject> {
        self.markets
            .get_mut(symbol)
            .ok_or_else(Reject::invalid_symbol)?
            .outside = outside;
        Ok(())
    }

    /// Takes a symbol off the list: its orders expire, its history stays readable no more.
    ///
    /// # Errors
    /// -1121 if the symbol is not listed.
    pub fn delist(&mut self, now_ms: i64, symbol: &str) -> Result<(), Reject> {
        for order_id in self.open_order_ids(symbol) {
            self.expire(now_ms, symbol, order_id)?;
        }
        self.markets
            .remove(symbol)
            .map(|_| ())
            .ok_or_else(Reject::invalid_symbol)
    }

    /// The rules of every listed symbol.
    pub fn rules(&self) -> impl Iterator<Item = &SymbolRules> {
        self.markets.values().map(|market| &market.rules)
    }

    /// The rules of one symbol.
    #[must_use]
    pub fn rules_of(&self, symbol: &str) -> Option<&SymbolRules> {
        self.markets.get(symbol).map(|market| &market.rules)
    }

    /// Sets a symbol's status.
    ///
    /// # Errors
    /// -1121 if the symbol is not listed.
    pub fn set_status(
        &mut self,
        now_ms: i64,
        symbol: &str,
        status: SymbolStatus,
    ) -> Result<(), Reject> {
        let rules = self.rules_of(symbol).ok_or_else(Reject::invalid_symbol)?;
        self.set_rules(
            now_ms,
            SymbolRules {
                status,
                ..rules.clone()
            },
        )
    }

    /// Opens an account with its first balances.
    pub fn add_account(&mut self, now_ms: i64, account: Account) {
        for (asset, balance) in &account.balances {
            let fact = Fact::Moved {
                asset: asset.clone(),
                delta: balance.free,
            };
            self.ledger.note(now_ms, &account.name, fact);
        }
        self.ledger.accounts.insert(account.name.clone(), account);
    }

    /// An account by name.
    #[must_use]
    pub fn account(&self, name: &str) -> Option<&Account> {
        self.ledger.accounts.get(name)
    }

    /// All accounts.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.ledger.accounts.values()
    }

    /// The account and key behind an API key, if any.
    #[must_use]
    pub fn key(&self, api_key: &str) -> Option<(&Account, &ApiKey)> {
        self.ledger.accounts.values().find_map(|account| {
            let key = account.keys.iter().find(|key| key.key == api_key)?;
            Some((account, key))
        })
    }

    /// Adds a key to an account, replacing one of the same name. Returns false if there is no such account.
    pub fn add_key(&mut self, account: &str, key: ApiKey) -> bool {
        self.remove_key(&key.key);
        match self.ledger.accounts.get_mut(account) {
            Some(account) => {
                account.keys.push(key);
                true
            }
            None => false,
        }
    }

    /// Deletes a key wherever it is. Returns whether there was one.
    pub fn remove_key(&mut self, api_key: &str) -> bool {
        let mut removed = false;
        for account in self.ledger.accounts.values_mut() {
            let before = account.keys.len();
            account.keys.retain(|key| key.key != api_key);
            removed |= account.keys.len() != before;
        }
        removed
    }

    /// Sets an account's commission. Returns false if there is no such account, or a rate is not between 0 and 1.
    pub fn set_commission(&mut self, account: &str, rates: CommissionRates) -> bool {
        let share = |rate: Decimal| (Decimal::ZERO..=Decimal::ONE).contains(&rate);
        let owner = self.ledger.accounts.get_mut(account);
        let owner =
            owner.filter(|_| share(rates.maker) && share(rates.taker) && share(rates.bnb_factor));
        owner.map(|owner| owner.commission = rates).is_some()
    }

    /// Sets the price of one BNB in a quote asset, by which commission in BNB is reckoned.
    pub fn set_bnb_price(&mut self, quote_asset: &str, price: Decimal) {
        self.ledger.bnb_prices.insert(quote_asset.to_owned(), price);
    }

    /// Deposits (or, with a negative amount, withdraws) and tells the account. Returns false, changing nothing, if
    /// there is no such account or not that much free.
    pub fn move_funds(&mut self, now_ms: i64, account: &str, asset: &str, delta: Decimal) -> bool {
        let sane = super::filters::check_number("amount", delta.abs()).is_ok();
        let owner = self.ledger.accounts.get_mut(account).filter(|_| sane);
        let moved = owner.is_some_and(|owner| owner.credit(asset, delta));
        if moved {
            let fact = Fact::Moved {
                asset: asset.to_owned(),
                delta,
            };
            self.ledger.note(now_ms, account, fact);
            let body = EventBody::BalanceUpdate {
                time_ms: now_ms,
                asset: asset.to_owned(),
                delta,
            };
            self.ledger.outbox.push(AccountEvent {
                account: account.to_owned(),
                body,
            });
            self.ledger.report_position(now_ms, account, &[asset]);
        }
        moved
    }

    /// Takes what there is to tell, oldest first.
    pub fn drain_events(&mut self) -> Vec<AccountEvent> {
        std::mem::take(&mut self.ledger.outbox)
    }

    /// The whole history.
    #[must_use]
    pub fn journal(&self) -> &[JournalEntry] {
        &self.ledger.journal
    }

    /// How many orders, refusals and trades there were.
    #[must_use]
    pub fn counts(&self) -> JournalCounts {
        self.ledger.counts
    }

    /// Ids of a symbol's open orders, ascending.
    #[must_use]
    pub fn open_order_ids(&self, symbol: &str) -> Vec<u64> {
        let Some(market) = self.markets.get(symbol) else {
            return Vec::new();
        };
        let mut ids: Vec<u64> = market
            .resting(Side::Buy)
            .chain(market.resting(Side::Sell))
            .map(|(_, id)| id)
            .collect();
        ids.sort_unstable();
        ids
    }

    /// Last price of a symbol.
    #[must_use]
    pub fn last_price(&self, symbol: &str) -> Option<Decimal> {
        self.markets.get(symbol).map(|market| market.last_price)
    }

    /// Best bid and ask of a symbol, our resting orders included.
    #[must_use]
    pub fn best_quote(&self, symbol: &str) -> Option<(Decimal, Decimal)> {
        let market = self.markets.get(symbol)?;
        let (bid, ask) = market.outside_quote();
        let own_bid = market
            .resting(Side::Buy)
            .next()
            .map_or(bid, |(price, _)| price);
        let own_ask = market
            .resting(Side::Sell)
            .next()
            .map_or(ask, |(price, _)| price);
        Some((bid.max(own_bid), ask.min(own_ask)))
    }
}
