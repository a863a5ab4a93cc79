//! Secrets sealed by AWS KMS.
//!
//! Entry point: [`KmsKeys`]. A secret is sealed with the encryption context `account` and `purpose`,
//! so what was sealed for another account or purpose does not open; a role can be allowed one
//! purpose alone (condition key `kms:EncryptionContext:purpose`). Never keeps what it opened.

use std::fmt;

use aws_sdk_kms::Client;
use aws_sdk_kms::error::SdkError;
use aws_sdk_kms::operation::decrypt::DecryptError;
use aws_sdk_kms::primitives::Blob;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::AccountId;
use secrecy::{ExposeSecret as _, SecretString};
use trading::{KeyPurpose, SealedKey};

use crate::patience::in_words;

/// The parts of the encryption context.
const ACCOUNT: &str = "account";
const PURPOSE: &str = "purpose";

/// Why a secret cannot be sealed or opened. Never carries any part of one.
#[derive(Debug, thiserror::Error)]
pub enum KeyServiceError {
    /// What is kept is no sealed secret at all.
    #[error("it cannot be opened: {0}; give the key again")]
    Unreadable(String),
    /// Sealed by another key service, for another account or purpose, or changed since.
    #[error(
        "it was not sealed by this key service for the {purpose} key of account {account}, or was \
         changed; give the key again"
    )]
    Foreign {
        /// The account it was to be of.
        account: AccountId,
        /// What it was to be for.
        purpose: KeyPurpose,
    },
    /// The key service does not do it: not reached, not allowed, or the key is disabled.
    #[error("the key service did not {what} it: {detail}")]
    Refused {
        /// `seal` or `open`.
        what: &'static str,
        /// The service's own words.
        detail: String,
    },
}

/// Seals and opens secrets by asking the key service.
#[derive(Debug, Clone)]
pub struct KmsKeys {
    client: Client,
}

impl KmsKeys {
    /// Secrets sealed and opened by this client. Nothing is asked before one is needed.
    #[must_use]
    pub const fn new(client: Client) -> Self {
        Self { client }
    }

    /// The secret of a key sealed for this account and purpose.
    ///
    /// # Errors
    /// [`KeyServiceError`] in words for the operator.
    pub async fn open(
        &self,
        account: &AccountId,
        purpose: KeyPurpose,
        key: &SealedKey,
    ) -> Result<SecretString, KeyServiceError> {
        let sealed = STANDARD
            .decode(&key.sealed)
            .map_err(|error| KeyServiceError::Unreadable(format!("it is no base64: {error}")))?;
        let reply = self
            .client
            .decrypt()
            .ciphertext_blob(Blob::new(sealed))
            .encryption_context(ACCOUNT, account.to_string())
            .encryption_context(PURPOSE, purpose.word())
            .send()
            .await
            .map_err(|error| not_opened(account, purpose, &error))?;
        let secret = reply.plaintext().map(|bytes| bytes.as_ref().to_vec());
        secret
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .map(SecretString::from)
            .ok_or_else(|| KeyServiceError::Unreadable("what was sealed is no text".to_owned()))
    }

    /// A secret sealed under the key `key_id` (an id, ARN or `alias/...`) for one account and one
    /// purpose, in base64.
    ///
    /// # Errors
    /// [`KeyServiceError::Refused`] in words for the operator.
    pub async fn seal(
        &self,
        key_id: &str,
        account: &AccountId,
        purpose: KeyPurpose,
        secret: &SecretString,
    ) -> Result<String, KeyServiceError> {
        let reply = self
            .client
            .encrypt()
            .key_id(key_id)
            .plaintext(Blob::new(secret.expose_secret().as_bytes()))
            .encryption_context(ACCOUNT, account.to_string())
            .encryption_context(PURPOSE, purpose.word())
            .send()
            .await
            .map_err(|error| refused("seal", in_words(&error)))?;
        let sealed = reply
            .ciphertext_blob()
            .ok_or_else(|| refused("seal", "it answered without the sealed text"))?;
        Ok(STANDARD.encode(sealed.as_ref()))
    }
}

fn not_opened<R: fmt::Debug>(
    account: &AccountId,
    purpose: KeyPurpose,
    error: &SdkError<DecryptError, R>,
) -> KeyServiceError {
    let foreign = error.as_service_error().is_some_and(|error| {
        error.is_invalid_ciphertext_exception() || error.is_incorrect_key_exception()
    });
    if foreign {
        return KeyServiceError::Foreign {
            account: account.clone(),
            purpose,
        };
    }
    refused("open", in_words(error))
}

fn refused(what: &'static str, detail: impl fmt::Display) -> KeyServiceError {
    KeyServiceError::Refused {
        what,
        detail: detail.to_string(),
    }
}
