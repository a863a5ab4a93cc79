//! Secrets of API keys, sealed with a key file beside the store.
//!
//! Start at [`KeyFile::open_or_create`]. A secret is sealed for one account and one [`Purpose`] with
//! XChaCha20-Poly1305: copied to another account or purpose it does not open. Whoever has the store
//! without the key file has no secret; the key file is therefore refused when others may read it.
//! Never prints a secret, and never overwrites a key file.

#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use binance::{Credentials, CredentialsError};
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use domain::AccountId;
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use secrecy::{ExposeSecret as _, SecretString};
pub use trading::KeyPurpose as Purpose;
use trading::SealedKey;

/// The name of the key file in the data folder.
pub const KEY_FILE: &str = "sealing.key";

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// What the first byte of a sealed secret says about the rest.
const SEAL_VERSION: u8 = 1;

/// The longest sealed secret read; a PKCS#8 Ed25519 key takes about 120 bytes.
const MAX_SEALED: usize = 8_192;

/// Why secrets cannot be sealed or opened. Never carries any part of a secret.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key file cannot be read or written.
    #[error("the key file {path} cannot be used: {source}")]
    File {
        /// The key file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others than its owner may read or write the key file.
    #[error(
        "the key file {path} may be used by others (mode {mode:03o}): run `chmod 600 {path}`, and \
         rotate the keys sealed with it if anybody else had access to this machine"
    )]
    TooOpen {
        /// The key file.
        path: PathBuf,
        /// Its mode bits.
        mode: u32,
    },
    /// The key file holds something else.
    #[error(
        "the key file {path} holds {found} bytes instead of {KEY_BYTES}: restore it from a backup; \
         without it the sealed keys are lost and have to be given again with `gridkeeper account rotate`"
    )]
    NotAKey {
        /// The key file.
        path: PathBuf,
        /// How many bytes it holds.
        found: usize,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(String),
    /// The secret was sealed with another key file, for another account or purpose, or was changed.
    #[error(
        "the {purpose} key of account {account} does not open: it was sealed with another key file, \
         or was changed; restore {KEY_FILE}, or give the key again with `gridkeeper account rotate {account}`"
    )]
    DoesNotOpen {
        /// The account.
        account: AccountId,
        /// What the key is for.
        purpose: Purpose,
    },
    /// The secret opened, but is none that can sign.
    #[error("the {purpose} key of account {account} cannot sign: {source}")]
    Credentials {
        /// The account.
        account: AccountId,
        /// What the key is for.
        purpose: Purpose,
        /// What is wrong with it.
        source: CredentialsError,
    },
}

/// The key that seals all secrets of one data folder.
#[derive(Clone)]
pub struct KeyFile {
    cipher: XChaCha20Poly1305,
    path: PathBuf,
    is_new: bool,
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl KeyFile {
    /// Opens the key file of a data folder; makes one of 32 random bytes, mode 0600, if there is
    /// none.
    ///
    /// # Errors
    /// [`KeyError`] when the file cannot be used, may be used by others, or holds no key.
    pub fn open_or_create(dir: &Path) -> Result<Self, KeyError> {
        let path = dir.join(KEY_FILE);
        let in_file = |source| KeyError::File {
            path: path.clone(),
            source,
        };
        let (file, is_new) = match File::open(&path) {
            Ok(file) => (file, false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create(dir, &path)?;
                (File::open(&path).map_err(in_file)?, true)
            }
            Err(error) => return Err(in_file(error)),
        };
        let mode = file.metadata().map_err(in_file)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::TooOpen { path, mode });
        }
        let mut bytes = Vec::new();
        let most = u64::try_from(KEY_BYTES).unwrap_or(u64::MAX);
        file.take(most.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(in_file)?;
        let cipher = XChaCha20Poly1305::new_from_slice(&bytes).map_err(|_wrong_length| {
            KeyError::NotAKey {
                path: path.clone(),
                found: bytes.len(),
            }
        })?;
        Ok(Self {
            cipher,
            path,
            is_new,
        })
    }

    /// Whether it was not there, and has just been made.
    #[must_use]
    pub const fn is_new(&self) -> bool {
        self.is_new
    }

    /// Where the key file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Seals a key for one account and one purpose. `kind` is `hmac` or `ed25519`; the key is tried
    /// first, so that what is sealed can sign.
    ///
    /// # Errors
    /// [`KeyError::Credentials`] when the key is none that can sign, [`KeyError::Random`] without
    /// random bytes.
    pub fn seal(
        &self,
        account: &AccountId,
        purpose: Purpose,
        api_key: &str,
        kind: &str,
        secret: &SecretString,
    ) -> Result<SealedKey, KeyError> {
        let credentials =
            Credentials::parse(api_key, kind, secret.expose_secret()).map_err(|source| {
                KeyError::Credentials {
                    account: account.clone(),
                    purpose,
                    source,
                }
            })?;
        let mut nonce = [0_u8; NONCE_BYTES];
        OsRng
            .try_fill_bytes(&mut nonce)
            .map_err(|error| KeyError::Random(error.to_string()))?;
        let context = context(account, purpose);
        let payload = Payload {
            msg: secret.expose_secret().as_bytes(),
            aad: &context,
        };
        let sealed = self
            .cipher
            .encrypt(XNonce::from_slice(&nonce), payload)
            .map_err(|_too_long| KeyError::Random("the secret is too long to seal".to_owned()))?;
        let mut bytes = vec![SEAL_VERSION];
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Ok(SealedKey {
            api_key: credentials.api_key().to_owned(),
            kind: kind.to_owned(),
            sealed: STANDARD.encode(bytes),
        })
    }

    /// Opens a key sealed for this account and purpose.
    ///
    /// # Errors
    /// [`KeyError::DoesNotOpen`] for a key of another account, purpose or key file, or a changed one.
    pub fn open(
        &self,
        account: &AccountId,
        purpose: Purpose,
        key: &SealedKey,
    ) -> Result<Credentials, KeyError> {
        let secret =
            self.unseal(account, purpose, &key.sealed)
                .ok_or_else(|| KeyError::DoesNotOpen {
                    account: account.clone(),
                    purpose,
                })?;
        Credentials::parse(&key.api_key, &key.kind, secret.expose_secret()).map_err(|source| {
            KeyError::Credentials {
                account: account.clone(),
                purpose,
                source,
            }
        })
    }

    fn unseal(&self, account: &AccountId, purpose: Purpose, sealed: &str) -> Option<SecretString> {
        if sealed.len() > MAX_SEALED {
            return None;
        }
        let bytes = STANDARD.decode(sealed).ok()?;
        let (version, rest) = bytes.split_first()?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_BYTES)?;
        if *version != SEAL_VERSION {
            return None;
        }
        let context = context(account, purpose);
        let payload = Payload {
            msg: sealed,
            aad: &context,
        };
        let opened = self
            .cipher
            .decrypt(XNonce::from_slice(nonce), payload)
            .ok()?;
        String::from_utf8(opened).ok().map(SecretString::from)
    }
}

/// What a sealed secret is bound to. The parts cannot run into each other: an account's name has no
/// zero byte.
fn context(account: &AccountId, purpose: Purpose) -> Vec<u8> {
    format!("gridkeeper\0{account}\0{purpose}").into_bytes()
}

/// Makes a key file, whole or not at all. If another process made one meanwhile, that one counts.
fn create(dir: &Path, path: &Path) -> Result<(), KeyError> {
    let in_file = |source| KeyError::File {
        path: path.to_owned(),
        source,
    };
    let mut bytes = [0_u8; KEY_BYTES];
    OsRng
        .try_fill_bytes(&mut bytes)
        .map_err(|error| KeyError::Random(error.to_string()))?;
    let draft = dir.join(format!("{KEY_FILE}.{}", std::process::id()));
    let written =
        write_draft(&draft, &bytes).and_then(|()| match std::fs::hard_link(&draft, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        });
    let removed = std::fs::remove_file(&draft);
    written.and(removed).map_err(in_file)?;
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(in_file)
}

fn write_draft(draft: &Path, bytes: &[u8]) -> io::Result<()> {
    // One left behind by a process that died here and had the same number.
    match std::fs::remove_file(draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(draft)?;
    file.write_all(bytes)?;
    file.sync_all()
}
