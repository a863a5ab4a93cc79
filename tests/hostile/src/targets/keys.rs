//! Keys as operators paste them and as they lie sealed in records.

use std::cell::OnceCell;
use std::io::BufReader;

use binance::Credentials;
use gridkeeper::keys::{KeyFile, Purpose};
use secrecy::ExposeSecret as _;
use trading::SealedKey;

use super::{few, refused, text};
use crate::examine::Seen;

thread_local! {
    static KEY_FILE: OnceCell<KeyFile> = const { OnceCell::new() };
}

/// The key file of this thread: a new one each time would test the disk.
fn with_key_file<T>(with: impl FnOnce(&KeyFile) -> T) -> T {
    KEY_FILE.with(|file| {
        with(file.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            KeyFile::open_or_create(folder.path()).unwrap()
        }))
    })
}

/// Lines: API key, kind, and the secret, which may have lines of its own.
pub(super) fn keys(input: &[u8]) -> Seen {
    let text = match text(input) {
        Ok(text) => text,
        Err(refused) => return refused,
    };
    let mut lines = text.splitn(3, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (api_key, kind, secret) = (line(), line(), line());
    let sealed = SealedKey {
        api_key: api_key.to_owned(),
        kind: kind.to_owned(),
        sealed: secret.to_owned(),
    };
    let account = "main".parse().unwrap();
    let opened = with_key_file(|file| file.open(&account, Purpose::Trade, &sealed).is_ok());
    assert!(!opened, "a key opened that nobody sealed");
    match Credentials::parse(api_key, kind, secret) {
        Ok(credentials) => {
            let printed = format!("{credentials:?}");
            let secret = secret.trim();
            assert!(
                secret.len() < 12 || api_key.contains(secret) || !printed.contains(secret),
                "a secret is printed"
            );
            assert_eq!(credentials.kind(), kind);
            let api_key = credentials.api_key();
            assert!(
                api_key.bytes().all(|byte| byte.is_ascii_alphanumeric()),
                "{api_key:?}"
            );
            let signature = credentials.sign(b"symbol=XRPETH");
            assert!(matches!(signature.len(), 64 | 88), "{signature}");
            reopened(&credentials, secret);
            Seen::Accepted(kind.to_owned())
        }
        Err(error) => refused(error),
    }
}

/// A key that can sign is sealed and opens again for what it was sealed for, and for nothing else.
fn reopened(credentials: &Credentials, secret: &str) {
    with_key_file(|file| {
        let account = "main".parse().unwrap();
        let secret = secret.to_owned().into();
        let (api_key, kind) = (credentials.api_key(), credentials.kind());
        let sealed = file
            .seal(&account, Purpose::Trade, api_key, kind, &secret)
            .unwrap();
        let opened = file.open(&account, Purpose::Trade, &sealed).unwrap();
        assert_eq!(opened.sign(b"x"), credentials.sign(b"x"));
        assert!(file.open(&account, Purpose::Stream, &sealed).is_err());
    });
}

/// What is typed or piped in where secrets are asked for.
pub(super) fn typed(input: &[u8]) -> Seen {
    let mut typed = BufReader::new(input);
    let mut count = 0;
    loop {
        match gridkeeper::readers::secret(&mut typed) {
            Ok(Some(secret)) => {
                let secret = secret.expose_secret();
                assert!(!secret.trim().is_empty());
                assert!(secret.len() <= 66 * 8_193, "{} bytes", secret.len());
                count += 1;
            }
            Ok(None) => return Seen::Accepted(few(count).to_owned()),
            Err(error) => return refused(error),
        }
    }
}
