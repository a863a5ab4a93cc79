//! A pause that the exchange asked of a network address, shared by all processes behind it.
//!
//! Bans and limits count by address (rest-api.md, "IP Limits"). Processes that leave through one address, such
//! as functions behind a NAT, learn of each other's pauses here: read with every level in the same batch, and
//! shown as the account's breaker, so that whoever decides on an order needs to know of nothing else.

use std::sync::Arc;

use domain::LocalTime;
use serde::{Deserialize, Serialize};
use trading::{AccountRecord, AccountStop, Breaker, StoreError};

use crate::DynamoStore;
use crate::expression::Expression;
use crate::item::{Record, number, record_item};
use crate::key::Key;
use crate::write::Write;

const UNTIL: &str = "until";

/// What is kept of a pause. The last one of an address stays: it says itself when it is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Pause {
    since: LocalTime,
    until: LocalTime,
}

impl DynamoStore {
    /// The same store for processes that reach the exchange through one network address: what it calls that
    /// address is how they find each other.
    #[must_use]
    pub fn behind_address(self, name: &str) -> Self {
        Self {
            address: Some(Arc::from(name)),
            ..self
        }
    }

    /// Lets everybody behind this store's address wait until then. A longer pause stays as it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pause_address(
        &self,
        since: LocalTime,
        until: LocalTime,
    ) -> Result<(), StoreError> {
        let Some(key) = self.address_key() else {
            return Ok(());
        };
        let item = record_item(&key, &Pause { since, until })?;
        let earlier = Expression::absent_or_less(UNTIL, number(until));
        match self.put(item, &earlier).await? {
            Write::Done | Write::Refused(_) => Ok(()),
        }
    }

    /// Where the pause of this store's address is, if it has one.
    pub(crate) fn address_key(&self) -> Option<Key> {
        let name = self.address.as_deref()?;
        Some(Key::address(name))
    }
}

/// Shows a pause of the address as that of the account, unless the account is stopped for longer anyway.
pub(crate) fn show(pause: &Record, account: &mut AccountRecord) -> Result<(), StoreError> {
    let Pause { since, until } = pause.decode()?;
    let shorter = match account.breaker {
        Breaker::Closed => true,
        Breaker::Stopped { until: own, .. } => own.is_some_and(|own| own < until),
    };
    if shorter {
        account.breaker = Breaker::Stopped {
            cause: AccountStop::Banned,
            detail: "the exchange asked the address that others use too to pause".to_owned(),
            since,
            until: Some(until),
        };
    }
    Ok(())
}
