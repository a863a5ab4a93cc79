//! One account's connection: signs, sends, and answers the questions of [`trading::Exchange`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::{
    AccountId, Asset, BestPrices, ClientOrderId, ExchangeOrderId, ExchangeTime, Symbol,
    SymbolRules, Trade,
};
use reqwest::Method;
use trading::{
    Admission, Balance, CancelOutcome, CommissionRates, Exchange, ExchangeError, FoundOrder,
    NewOrder, OrderView, PlaceOutcome, RECV_WINDOW,
};

use super::address::RestAddress;
use super::order_pacing::OrderPacing;
use super::question::{Answer, Failure, Question};
use super::transport::Outgoing;
use super::weight_budget::Share;
use super::wire::account::KeyPermissions;
use super::{placement, queries};
use crate::{Credentials, Meaning, signed_query};

/// One account's trading connection over REST. Cheap to clone; all clones share one connection
/// pool, one clock and one count of orders.
#[derive(Debug, Clone)]
pub struct RestClient {
    pub(crate) address: Arc<RestAddress>,
    pub(crate) account: AccountId,
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) pacing: Arc<OrderPacing>,
}

/// A signed request as its endpoint documents it.
#[derive(Debug)]
pub(crate) struct Signed<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) params: Vec<(&'a str, String)>,
    pub(crate) weight: u32,
    pub(crate) share: Share,
}

impl RestClient {
    /// An account's connection at an address. Nothing is sent.
    #[must_use]
    pub fn new(address: &Arc<RestAddress>, account: AccountId, credentials: Credentials) -> Self {
        Self {
            pacing: address.pacing(&account),
            address: Arc::clone(address),
            account,
            credentials: Arc::new(credentials),
        }
    }

    /// The address it talks to.
    #[must_use]
    pub const fn address(&self) -> &Arc<RestAddress> {
        &self.address
    }

    /// Whether both sign with one and the same opened key: clones of one connection do.
    #[must_use]
    pub fn shares_key_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.credentials, &other.credentials)
    }

    /// What the key may do; `None` where the exchange has no such endpoint (test network, demo mode).
    ///
    /// # Errors
    /// [`ExchangeError`] when the exchange does not answer or refuses the key.
    pub async fn key_permissions(&self) -> Result<Option<KeyPermissions>, ExchangeError> {
        queries::key_permissions(self).await
    }

    /// The request's final form: window, timestamp and signature added.
    pub(crate) fn sign(
        &self,
        signed: &Signed<'_>,
        timestamp: ExchangeTime,
        timeout: Duration,
    ) -> Question<'_> {
        let mut params = signed.params.clone();
        params.push(("recvWindow", RECV_WINDOW.as_millis().to_string()));
        params.push(("timestamp", timestamp.as_millis().to_string()));
        Question {
            outgoing: Outgoing {
                method: signed.method.clone(),
                path: signed.path,
                query: signed_query(&self.credentials, &params),
                api_key: Some(self.credentials.api_key()),
                timeout,
            },
            weight: signed.weight,
            share: signed.share,
        }
    }

    /// Sends a signed question or cancel. Outside its time window nothing was done, so the clock is
    /// read anew and it is asked once more.
    pub(crate) async fn ask(&self, signed: Signed<'_>) -> Result<Answer, Failure> {
        let first = self.ask_once(&signed).await;
        match first {
            Err(Failure::Reply(verdict)) if verdict.meaning == Meaning::WindowExpired => {
                self.address.resync().await;
                self.ask_once(&signed).await
            }
            other => other,
        }
    }

    async fn ask_once(&self, signed: &Signed<'_>) -> Result<Answer, Failure> {
        let timestamp = self.address.estimated_time();
        let question = self.sign(signed, timestamp, self.address.query_timeout());
        self.address.ask(question).await
    }
}

impl Exchange for RestClient {
    fn admission(&self) -> Admission {
        let now = self.address.now();
        let waits = [
            self.address.pause_left(),
            self.pacing.wait(now, self.address.estimated_time()),
        ];
        match waits.into_iter().flatten().max() {
            Some(wait) => Admission::NotBefore(now.after(wait)),
            None => Admission::Now,
        }
    }

    fn limits_known(&self) -> bool {
        self.address.limits_known()
    }

    fn estimated_time(&self) -> ExchangeTime {
        self.address.estimated_time()
    }

    async fn server_time(&self) -> Result<ExchangeTime, ExchangeError> {
        self.address.server_time().await
    }

    async fn place(&self, order: &NewOrder, timestamp: ExchangeTime) -> PlaceOutcome {
        placement::place(self, order, timestamp).await
    }

    async fn find_order(
        &self,
        symbol: &Symbol,
        client_order_id: &ClientOrderId,
    ) -> Result<Option<OrderView>, ExchangeError> {
        let key = ("origClientOrderId", client_order_id.to_string());
        match queries::order(self, symbol, key).await? {
            FoundOrder::Shown(view) => Ok(Some(view)),
            // An order that ended unfilled leaves its id free: it is as good as never placed.
            FoundOrder::Archived | FoundOrder::NotFound => Ok(None),
        }
    }

    async fn order(
        &self,
        symbol: &Symbol,
        id: ExchangeOrderId,
    ) -> Result<FoundOrder, ExchangeError> {
        queries::order(self, symbol, ("orderId", id.to_string())).await
    }

    async fn orders_since(
        &self,
        symbol: &Symbol,
        since: ExchangeTime,
    ) -> Result<Vec<OrderView>, ExchangeError> {
        queries::orders_since(self, symbol, since).await
    }

    async fn open_orders(&self, symbol: &Symbol) -> Result<Vec<OrderView>, ExchangeError> {
        queries::open_orders(self, symbol).await
    }

    async fn trades(
        &self,
        symbol: &Symbol,
        id: ExchangeOrderId,
    ) -> Result<Vec<Trade>, ExchangeError> {
        queries::trades(self, symbol, id).await
    }

    async fn cancel(
        &self,
        symbol: &Symbol,
        id: ExchangeOrderId,
    ) -> Result<CancelOutcome, ExchangeError> {
        queries::cancel(self, symbol, id).await
    }

    async fn rules(&self, symbol: &Symbol) -> Result<SymbolRules, ExchangeError> {
        self.address.rules(symbol).await
    }

    async fn best_prices(&self, symbol: &Symbol) -> Result<BestPrices, ExchangeError> {
        self.address.best_prices(symbol).await
    }

    async fn balances(&self) -> Result<BTreeMap<Asset, Balance>, ExchangeError> {
        queries::balances(self).await
    }

    async fn commission(&self, symbol: &Symbol) -> Result<CommissionRates, ExchangeError> {
        queries::commission(self, symbol).await
    }
}
