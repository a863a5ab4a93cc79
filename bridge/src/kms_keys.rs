//! Stream keys sealed by AWS KMS.
//!
//! Entry point: [`KmsKeys`]. A key is sealed with the encryption context `account` and `purpose`, so
//! what was sealed for another account, or for trading, does not open here; the bridge's role need
//! not be allowed any other context. Never keeps what it opened, never seals.

use aws_sdk_kms::Client;
use aws_sdk_kms::error::{DisplayErrorContext, SdkError};
use aws_sdk_kms::operation::decrypt::DecryptError;
use aws_sdk_kms::primitives::Blob;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use binance::Credentials;
use domain::AccountId;
use trading::SealedKey;

use crate::OpenKeys;

/// The parts of the encryption context, and what a stream key's purpose is called in it.
const ACCOUNT: &str = "account";
const PURPOSE: &str = "purpose";
const STREAM: &str = "stream";

/// Opens stream keys by asking the key service.
#[derive(Debug, Clone)]
pub struct KmsKeys {
    client: Client,
}

impl KmsKeys {
    /// Keys opened by this client. Nothing is asked before a key is needed.
    #[must_use]
    pub const fn new(client: Client) -> Self {
        Self { client }
    }
}

impl OpenKeys for KmsKeys {
    async fn open(&self, account: &AccountId, key: &SealedKey) -> Result<Credentials, String> {
        let sealed = STANDARD
            .decode(&key.sealed)
            .map_err(|error| format!("it is no base64: {error}"))?;
        let reply = self
            .client
            .decrypt()
            .ciphertext_blob(Blob::new(sealed))
            .encryption_context(ACCOUNT, account.to_string())
            .encryption_context(PURPOSE, STREAM)
            .send()
            .await
            .map_err(|error| words(account, &error))?;
        let secret = reply
            .plaintext()
            .and_then(|bytes| std::str::from_utf8(bytes.as_ref()).ok())
            .ok_or("what was sealed is no text")?;
        Credentials::parse(&key.api_key, &key.kind, secret).map_err(|error| error.to_string())
    }
}

fn words<R: std::fmt::Debug>(account: &AccountId, error: &SdkError<DecryptError, R>) -> String {
    let foreign = error
        .as_service_error()
        .is_some_and(DecryptError::is_invalid_ciphertext_exception);
    if foreign {
        return format!(
            "it was not sealed by this key service for the stream of account {account}, or was \
             changed; give the key again"
        );
    }
    format!(
        "the key service did not open it: {}",
        DisplayErrorContext(error)
    )
}
