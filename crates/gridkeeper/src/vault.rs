//! Where the secrets of API keys are sealed and opened: a key file on one machine, a key service on AWS.
//!
//! Start at [`Vault`]. Never keeps what it opened, never prints any part of a secret.

use binance::{Credentials, OpenTradeKeys};
use domain::AccountId;
use secrecy::SecretString;
use trading::SealedKey;

use crate::failure::Failure;
use crate::keys::{KeyFile, Purpose};

/// What seals and opens the secrets of one store.
#[derive(Debug, Clone)]
pub enum Vault {
    /// A key file in the data folder.
    File(KeyFile),
    /// The key of a deployment on AWS.
    #[cfg(feature = "aws")]
    Service(crate::aws::KeyService),
}

impl Vault {
    /// Seals a key for one account and one purpose. `kind` is `hmac` or `ed25519`; the key is tried
    /// first, so that what is sealed can sign.
    ///
    /// # Errors
    /// [`Failure`] when the key is none that can sign, or nothing can be sealed now.
    pub async fn seal(
        &self,
        account: &AccountId,
        purpose: Purpose,
        (api_key, kind): (&str, &str),
        secret: &SecretString,
    ) -> Result<SealedKey, Failure> {
        match self {
            Self::File(file) => Ok(file.seal(account, purpose, api_key, kind, secret)?),
            #[cfg(feature = "aws")]
            Self::Service(service) => {
                service
                    .seal(account, purpose, (api_key, kind), secret)
                    .await
            }
        }
    }

    /// Opens a key sealed for this account and purpose.
    ///
    /// # Errors
    /// [`Failure`] for a key of another account, purpose or vault, or a changed one.
    pub async fn open(
        &self,
        account: &AccountId,
        purpose: Purpose,
        key: &SealedKey,
    ) -> Result<Credentials, Failure> {
        match self {
            Self::File(file) => Ok(file.open(account, purpose, key)?),
            #[cfg(feature = "aws")]
            Self::Service(service) => service.open(account, purpose, key).await,
        }
    }
}

/// The bridge opens stream keys only: a key sealed for trading does not open here.
impl bridge::OpenKeys for Vault {
    async fn open(&self, account: &AccountId, key: &SealedKey) -> Result<Credentials, String> {
        let opened = self.open(account, Purpose::Stream, key).await;
        opened.map_err(|failure| failure.what)
    }
}

impl OpenTradeKeys for Vault {
    async fn open_trade_key(
        &self,
        account: &AccountId,
        key: &SealedKey,
    ) -> Result<Credentials, String> {
        let opened = self.open(account, Purpose::Trade, key).await;
        opened.map_err(|failure| failure.what)
    }
}
