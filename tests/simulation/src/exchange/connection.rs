//! One account's connection to the simulated exchange.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use domain::{
    AccountId, Asset, BestPrices, ClientOrderId, ExchangeOrderId, ExchangeTime, Price, Quantity,
    Rate, Symbol, SymbolRules, Trade,
};
use exchange_simulator::faults::{OrderFault, QueryFault};
use exchange_simulator::model::{Exchange as Model, ListQuery, OrderKey, Reject};
use trading::{
    Admission, Balance, CancelOutcome, Clock, CommissionRates, Exchange, ExchangeError, FoundOrder,
    NewOrder, OrderView, PLACE_TIMEOUT, PlaceOutcome, UnknownCause,
};

use super::answer::error_of_reject;
use super::mistaken;
use super::translate::{canceled, rules, trade, view};
use super::{ModelExchange, millis};
use crate::gate::Gate;
use crate::mistake::Mistake;
use crate::world::variant;

/// The most trades one page shows (rest-api.md, account trade list).
const PAGE: usize = 1_000;

/// An account's trading connection, with the key it was opened with.
#[derive(Debug)]
pub struct Connection {
    pub(super) exchange: Arc<ModelExchange>,
    account: AccountId,
    key: u32,
}

impl Connection {
    pub(super) const fn new(exchange: Arc<ModelExchange>, account: AccountId, key: u32) -> Self {
        Self {
            exchange,
            account,
            key,
        }
    }

    /// Asks the model a question as of some moment, unless something goes wrong with it.
    async fn ask<T: Debug>(
        &self,
        name: &'static str,
        symbol: &Symbol,
        question: impl FnOnce(&Model, i64) -> Result<T, Reject> + Send,
    ) -> Result<T, ExchangeError> {
        self.exchange.gate.pass(name).await;
        let now = self.exchange.exchange_millis();
        let signed = !matches!(name, "rules" | "best_prices");
        let mut state = self.exchange.state();
        let scripted = state.failing_queries.iter().position(|one| *one == name);
        if let Some(at) = scripted {
            state.failing_queries.remove(at);
            return Err(no_answer(name));
        }
        let keys = state.keys.get(self.account.as_str()).copied();
        if signed && self.key != keys.unwrap_or_default().honoured {
            return Err(error_of_reject(symbol, &Reject::key_permission(), now));
        }
        let lag = match state.injector.on_query() {
            Some(QueryFault::Failed) => return Err(no_answer(name)),
            Some(QueryFault::Lagging(lag)) => i64::try_from(lag).unwrap(),
            None => state.lag_ms,
        };
        let answer = question(&state.model, now - lag);
        drop(state);
        self.gate().answered(&answer);
        answer.map_err(|reject| {
            self.exchange.clock.was_read();
            error_of_reject(symbol, &reject, now)
        })
    }

    pub(super) fn gate(&self) -> &Gate {
        &self.exchange.gate
    }

    /// Sends a placement on its way and waits for what comes back.
    pub(super) async fn send(&self, order: &NewOrder, timestamp: ExchangeTime) -> PlaceOutcome {
        self.exchange.gate.pass("place").await;
        let clock = self.exchange.clock.clone();
        clock.was_read();
        let timeout = clock.millis() + millis(PLACE_TIMEOUT);
        let slot = self
            .exchange
            .launch((&self.account, self.key), order, timestamp);
        let outcome = poll_fn(move |context| {
            let answer = slot.lock().unwrap().clone();
            if let Some((at, outcome)) = answer
                && at < timeout
            {
                return if clock.reached(at, context) {
                    Poll::Ready(outcome)
                } else {
                    Poll::Pending
                };
            }
            if clock.reached(timeout, context) {
                Poll::Ready(PlaceOutcome::Unknown(UnknownCause::Timeout))
            } else {
                Poll::Pending
            }
        })
        .await;
        self.gate().answered(&outcome);
        if outcome == PlaceOutcome::WindowExpired {
            self.resync();
        }
        let name = match &outcome {
            PlaceOutcome::Unknown(cause) => format!("Unknown({cause:?})"),
            PlaceOutcome::Accepted(_)
            | PlaceOutcome::AlreadyThere
            | PlaceOutcome::Refused(_)
            | PlaceOutcome::WindowExpired => variant(&outcome),
        };
        *self.exchange.state().outcomes.entry(name).or_insert(0) += 1;
        outcome
    }

    /// Our idea of the exchange's clock is set right.
    fn resync(&self) {
        let mut state = self.exchange.state();
        if state.resyncs {
            state.estimate_error_ms = 0;
        }
    }

    async fn find(
        &self,
        name: &'static str,
        symbol: &Symbol,
        key: OrderKey,
    ) -> Result<Option<OrderView>, ExchangeError> {
        let account = self.account.as_str();
        self.ask(name, symbol, |model, as_of| {
            match model.query(as_of, account, (symbol.as_str(), &key)) {
                Ok(order) => Ok(Some(view(&order))),
                Err(reject) if reject.code == -2013 => Ok(None),
                Err(reject) => Err(reject),
            }
        })
        .await
        .map(|found| found.map(|view| mistaken::under_own_id(&self.exchange, view)))
    }
}

/// How long an order is shown that ended unfilled (errors.md, -2026).
const ARCHIVED_AFTER: Duration = Duration::from_secs(90 * 24 * 3_600);

fn no_answer(name: &str) -> ExchangeError {
    ExchangeError::Unavailable(format!("no answer to {name}"))
}

fn key_of(id: ExchangeOrderId) -> OrderKey {
    OrderKey::id(u64::try_from(id.0).unwrap())
}

impl Exchange for Connection {
    fn admission(&self) -> Admission {
        self.exchange.state().admission
    }

    fn limits_known(&self) -> bool {
        self.exchange.state().limits_known
    }

    fn estimated_time(&self) -> ExchangeTime {
        self.exchange.clock.was_read();
        let error = self.exchange.state().estimate_error_ms;
        ExchangeTime::from_millis(self.exchange.exchange_millis() + error)
    }

    async fn server_time(&self) -> Result<ExchangeTime, ExchangeError> {
        self.exchange.gate.pass("server_time").await;
        self.exchange.clock.was_read();
        if self.exchange.gate.makes(Mistake::StoredOffset) {
            // What is signed is right; what is judged goes by the difference once measured.
            self.resync();
            let now = self.exchange.clock.now();
            return Ok(ExchangeTime::from_millis(now.as_millis()));
        }
        self.resync();
        Ok(ExchangeTime::from_millis(self.exchange.exchange_millis()))
    }

    async fn place(&self, order: &NewOrder, timestamp: ExchangeTime) -> PlaceOutcome {
        let sent = mistaken::as_sent(&self.exchange, order);
        let outcome = self.send(&sent, timestamp).await;
        mistaken::as_understood(self, &sent, outcome).await
    }

    async fn find_order(
        &self,
        symbol: &Symbol,
        client_order_id: &ClientOrderId,
    ) -> Result<Option<OrderView>, ExchangeError> {
        if self.exchange.gate.makes(Mistake::MatchByPrice)
            && let Some(order) = mistaken::asked(&self.exchange, client_order_id)
        {
            let open = self.open_orders(symbol).await?;
            return Ok(open
                .into_iter()
                .find(|view| mistaken::looks_like(view, &order)));
        }
        let id = mistaken::last_id(&self.exchange, client_order_id);
        let found = self
            .find("find_order", symbol, OrderKey::client(&id))
            .await?;
        Ok(found.map(|view| mistaken::as_ours(&self.exchange, view)))
    }

    async fn order(
        &self,
        symbol: &Symbol,
        id: ExchangeOrderId,
    ) -> Result<FoundOrder, ExchangeError> {
        let now = ExchangeTime::from_millis(self.exchange.exchange_millis());
        Ok(match self.find("order", symbol, key_of(id)).await? {
            Some(view)
                if view.status.is_terminal()
                    && view.executed.is_zero()
                    && now.since(view.updated_at) > ARCHIVED_AFTER =>
            {
                FoundOrder::Archived
            }
            Some(view) => FoundOrder::Shown(mistaken::as_ours(&self.exchange, view)),
            None => FoundOrder::NotFound,
        })
    }

    async fn orders_since(
        &self,
        symbol: &Symbol,
        since: ExchangeTime,
    ) -> Result<Vec<OrderView>, ExchangeError> {
        let account = self.account.as_str();
        self.ask("orders_since", symbol, |model, as_of| {
            let query = ListQuery {
                start_ms: Some(since.as_millis()),
                limit: Some(PAGE),
                ..ListQuery::default()
            };
            let orders = model.all_orders(as_of, account, (symbol.as_str(), query))?;
            Ok(orders.iter().map(view).collect::<Vec<_>>())
        })
        .await
        .map(|views| mistaken::under_own_ids(&self.exchange, views))
    }

    async fn open_orders(&self, symbol: &Symbol) -> Result<Vec<OrderView>, ExchangeError> {
        let account = self.account.as_str();
        self.ask("open_orders", symbol, |model, as_of| {
            let orders = model.open_orders(as_of, account, Some(symbol.as_str()))?;
            Ok(orders.iter().map(view).collect::<Vec<_>>())
        })
        .await
        .map(|views| mistaken::all_as_ours(&self.exchange, views))
    }

    async fn trades(
        &self,
        symbol: &Symbol,
        id: ExchangeOrderId,
    ) -> Result<Vec<Trade>, ExchangeError> {
        let account = self.account.as_str();
        self.ask("trades", symbol, |model, as_of| {
            let mut all = Vec::new();
            let mut from = None;
            loop {
                let query = ListQuery {
                    order_id: key_of(id).order_id,
                    from_id: Some(from.unwrap_or(0)),
                    limit: Some(PAGE),
                    ..ListQuery::default()
                };
                let page = model.my_trades(as_of, account, (symbol.as_str(), query))?;
                all.extend(page.iter().map(trade));
                match page.last() {
                    Some(last) if page.len() == PAGE => from = Some(last.id + 1),
                    Some(_) | None => return Ok(all),
                }
            }
        })
        .await
        .map(|trades| mistaken::with_fees_counted(&self.exchange.gate, trades))
    }

    async fn cancel(
        &self,
        symbol: &Symbol,
        id: ExchangeOrderId,
    ) -> Result<CancelOutcome, ExchangeError> {
        self.exchange.gate.pass("cancel").await;
        self.exchange.clock.was_read();
        let now = self.exchange.exchange_millis();
        let mut state = self.exchange.state();
        let fault = state.injector.on_order();
        let arrives = match fault {
            Some(OrderFault::RequestLost | OrderFault::ServerErrorBefore) => false,
            Some(OrderFault::TimeoutBefore | OrderFault::DelayedPastWindow(_)) => false,
            Some(_) | None => true,
        };
        if !arrives {
            return Err(no_answer("cancel"));
        }
        let account = self.account.as_str();
        let key = key_of(id);
        let ended = state
            .model
            .cancel(now, account, (symbol.as_str(), &key), None, None);
        if matches!(
            fault,
            Some(OrderFault::ReplyLost | OrderFault::ServerErrorAfter)
        ) {
            return Err(no_answer("cancel"));
        }
        self.gate().answered(&ended);
        match ended {
            Ok(order) => Ok(CancelOutcome::Canceled(canceled(&order))),
            Err(reject) if reject.code == -2011 => Ok(CancelOutcome::NotOpen),
            Err(reject) => Err(error_of_reject(symbol, &reject, now)),
        }
    }

    async fn rules(&self, symbol: &Symbol) -> Result<SymbolRules, ExchangeError> {
        let read = self.ask("rules", symbol, |model, _| {
            let found = model.rules_of(symbol.as_str());
            found.map(rules).ok_or_else(Reject::invalid_symbol)
        });
        let read = read.await;
        self.exchange.state().limits_known |= read.is_ok();
        read
    }

    async fn best_prices(&self, symbol: &Symbol) -> Result<BestPrices, ExchangeError> {
        self.ask("best_prices", symbol, |model, _| {
            let (bid, ask) = model
                .best_quote(symbol.as_str())
                .ok_or_else(Reject::invalid_symbol)?;
            Ok(BestPrices {
                bid: Price::new(bid).unwrap(),
                ask: Price::new(ask).unwrap(),
            })
        })
        .await
    }

    async fn balances(&self) -> Result<BTreeMap<Asset, Balance>, ExchangeError> {
        self.exchange.gate.pass("balances").await;
        let state = self.exchange.state();
        let owner = state.model.account(self.account.as_str()).unwrap();
        let balances = owner.balances.iter().map(|(asset, balance)| {
            let balance = Balance {
                free: Quantity::new(balance.free).unwrap(),
                locked: Quantity::new(balance.locked).unwrap(),
            };
            (asset.parse().unwrap(), balance)
        });
        Ok(balances.collect())
    }

    async fn commission(&self, _symbol: &Symbol) -> Result<CommissionRates, ExchangeError> {
        self.exchange.gate.pass("commission").await;
        let state = self.exchange.state();
        let owner = state.model.account(self.account.as_str()).unwrap();
        Ok(CommissionRates {
            maker: Rate::new(owner.commission.maker).unwrap(),
            taker: Rate::new(owner.commission.taker).unwrap(),
        })
    }
}
