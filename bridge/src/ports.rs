//! What a bridge needs besides the ports of `trading`: opened stream keys.

use domain::AccountId;
use trading::SealedKey;

/// Opens the sealed stream keys. The process decides how: a local key file, a key service.
pub trait OpenKeys: Send + Sync {
    /// The credentials of an account's stream.
    ///
    /// # Errors
    /// Why the key cannot be used, in words for the operator and without any part of the secret.
    fn open(
        &self,
        account: &AccountId,
        key: &SealedKey,
    ) -> impl Future<Output = Result<binance::Credentials, String>> + Send;
}
