//! An account's API key and what signs with it: HMAC-SHA256 or Ed25519.
//!
//! Start at [`Credentials::parse`]. A secret goes in and never comes out again: it is not printed,
//! not cloned into text and not part of any error. RSA keys are refused: Binance still takes them
//! (rest-api.md, "SIGNED Endpoint security"), but recommends Ed25519.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::pkcs8::DecodePrivateKey as _;
use ed25519_dalek::{Signer as _, SigningKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Why a key cannot be used. Never carries any part of the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// The API key is empty or has characters no key has.
    #[error(
        "the API key is empty or holds spaces or special characters; copy it again from Binance's API management page"
    )]
    ApiKey,
    /// The HMAC secret is empty or has characters no secret has.
    #[error(
        "the HMAC secret is empty or holds spaces or special characters; copy it again (Binance shows it only once), or make a new key"
    )]
    Secret,
    /// An HMAC secret was expected and a key file was given.
    #[error(
        "this secret is a private key file, not an HMAC secret; give its kind as \"ed25519\" if it is an Ed25519 key"
    )]
    FileForHmac,
    /// The private key is none that can be read.
    #[error(
        "the Ed25519 private key cannot be read; give the PKCS#8 file that starts with \"-----BEGIN PRIVATE KEY-----\", or its base64 lines alone"
    )]
    Unreadable,
    /// The private key is a readable PKCS#8 key of another kind, or of another format.
    #[error(
        "wrong key type: {found}; an unencrypted Ed25519 private key in PKCS#8 form is needed (openssl genpkey -algorithm ed25519)"
    )]
    WrongKeyType {
        /// What it is instead.
        found: &'static str,
    },
    /// The kind is neither `hmac` nor `ed25519`.
    #[error("unknown key kind; use \"hmac\" or \"ed25519\"")]
    UnknownKind,
}

#[derive(Clone)]
enum Secret {
    Hmac(Hmac<Sha256>),
    Ed25519(Box<SigningKey>),
}

/// One API key and the means to sign with it.
#[derive(Clone)]
pub struct Credentials {
    api_key: String,
    secret: Secret,
}

impl Credentials {
    /// A key whose requests are signed with HMAC-SHA256.
    ///
    /// # Errors
    /// [`CredentialsError`] when key or secret cannot be what Binance gave out.
    pub fn hmac(api_key: &str, secret: &str) -> Result<Self, CredentialsError> {
        let api_key = checked_api_key(api_key)?;
        if secret.len() > MAX_SECRET {
            return Err(CredentialsError::Secret);
        }
        let secret = secret.trim();
        if secret.starts_with("-----") {
            return Err(CredentialsError::FileForHmac);
        }
        if !is_token(secret) {
            return Err(CredentialsError::Secret);
        }
        let keyed = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
            .map_err(|_any_length_is_taken| CredentialsError::Secret)?;
        Ok(Self {
            api_key,
            secret: Secret::Hmac(keyed),
        })
    }

    /// A key whose requests are signed with Ed25519, from its PKCS#8 file or that file's base64.
    ///
    /// # Errors
    /// [`CredentialsError`] when the API key is malformed, or the private key cannot be read or is
    /// of another type.
    pub fn ed25519_pem(api_key: &str, pkcs8_pem_or_base64: &str) -> Result<Self, CredentialsError> {
        let api_key = checked_api_key(api_key)?;
        let key = signing_key(pkcs8_pem_or_base64)?;
        Ok(Self {
            api_key,
            secret: Secret::Ed25519(Box::new(key)),
        })
    }

    /// A key of the kind named: `hmac` or `ed25519`.
    ///
    /// # Errors
    /// [`CredentialsError`] when the kind is unknown or the key does not fit it.
    pub fn parse(api_key: &str, kind: &str, secret: &str) -> Result<Self, CredentialsError> {
        match kind {
            "hmac" => Self::hmac(api_key, secret),
            "ed25519" => Self::ed25519_pem(api_key, secret),
            _ => Err(CredentialsError::UnknownKind),
        }
    }

    /// The API key, which goes into the header `X-MBX-APIKEY` and is no secret.
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// How it signs: `hmac` or `ed25519`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.secret {
            Secret::Hmac(_) => "hmac",
            Secret::Ed25519(_) => "ed25519",
        }
    }

    /// The signature of `payload`: lowercase hex for HMAC, base64 for Ed25519.
    #[must_use]
    pub fn sign(&self, payload: &[u8]) -> String {
        match &self.secret {
            Secret::Hmac(keyed) => {
                let mut mac = keyed.clone();
                mac.update(payload);
                hex::encode(mac.finalize().into_bytes())
            }
            Secret::Ed25519(key) => STANDARD.encode(key.sign(payload).to_bytes()),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("api_key", &self.api_key)
            .field("kind", &self.kind())
            .field("secret", &"[redacted]")
            .finish()
    }
}

/// Longest key or secret taken; Binance's have 64 characters, and anything sent as a header must
/// stay small.
const MAX_TOKEN: usize = 256;

/// Longest secret taken in bytes, with all that is around it; the file of an Ed25519 key has about
/// 120. Whoever seals secrets opens none that are much longer.
const MAX_SECRET: usize = 4_096;

fn is_token(text: &str) -> bool {
    (1..=MAX_TOKEN).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn checked_api_key(text: &str) -> Result<String, CredentialsError> {
    let text = text.trim();
    if is_token(text) {
        Ok(text.to_owned())
    } else {
        Err(CredentialsError::ApiKey)
    }
}

fn signing_key(text: &str) -> Result<SigningKey, CredentialsError> {
    if text.len() > MAX_SECRET {
        return Err(CredentialsError::Unreadable);
    }
    // A file kept in an environment variable often has its line ends written as the two characters
    // backslash and n.
    let text = text.replace("\\n", "\n");
    let text = text.trim();
    if let Some(found) = foreign_label(text) {
        return Err(CredentialsError::WrongKeyType { found });
    }
    let body: String = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("-----"))
        .collect();
    let der = STANDARD
        .decode(body.as_bytes())
        .map_err(|_malformed| CredentialsError::Unreadable)?;
    SigningKey::from_pkcs8_der(&der).map_err(|_other| match foreign_algorithm(&der) {
        Some(found) => CredentialsError::WrongKeyType { found },
        None => CredentialsError::Unreadable,
    })
}

/// The format a PEM label names, when it is not that of an unencrypted PKCS#8 private key.
fn foreign_label(text: &str) -> Option<&'static str> {
    let label = text.strip_prefix("-----BEGIN ")?.split("-----").next()?;
    match label {
        "PRIVATE KEY" => None,
        "ENCRYPTED PRIVATE KEY" => Some("an encrypted private key"),
        "PUBLIC KEY" => Some("a public key, not the private one"),
        "RSA PRIVATE KEY" => Some("an RSA key"),
        "EC PRIVATE KEY" => Some("an elliptic-curve key of another kind"),
        "OPENSSH PRIVATE KEY" => Some("an OpenSSH key"),
        _ => Some("a file of another kind"),
    }
}

/// The algorithm a key file names by its object identifier, when it is one that is often mistaken
/// for Ed25519.
fn foreign_algorithm(der: &[u8]) -> Option<&'static str> {
    const KINDS: [(&[u8], &str); 4] = [
        (
            &[
                0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01,
            ],
            "an RSA key",
        ),
        (
            &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01],
            "an elliptic-curve key of another kind",
        ),
        (&[0x06, 0x03, 0x2b, 0x65, 0x71], "an Ed448 key"),
        (&[0x06, 0x03, 0x2b, 0x65, 0x6e], "an X25519 key"),
    ];
    KINDS
        .iter()
        .find(|(oid, _)| der.windows(oid.len()).take(32).any(|window| window == *oid))
        .map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The private key printed in Binance's fix-api.md.
    const ED25519_BODY: &str = "MC4CAQAwBQYDK2VwBCIEIIJEYWtGBrhACmb9Dvy+qa8WEf0lQOl1s4CLIAB9m89u";

    #[test]
    fn signs_the_published_fix_logon() {
        let key = Credentials::ed25519_pem("EXAMPLE", ED25519_BODY).unwrap();
        let payload = b"A\x01EXAMPLE\x01SPOT\x011\x0120240627-11:17:25.223";
        assert_eq!(
            key.sign(payload),
            "4MHXelVVcpkdwuLbl6n73HQUXUf1dse2PCgT1DYqW9w8AVZ1RACFGM+5UdlGPrQHrgtS3CvsRURC1oj73j8gCA=="
        );
    }

    #[test]
    fn reads_a_key_file_however_it_was_pasted() {
        let bare = Credentials::ed25519_pem("k", ED25519_BODY).unwrap();
        let (first, second) = ED25519_BODY.split_at(32);
        for text in [
            format!("-----BEGIN PRIVATE KEY-----\n{ED25519_BODY}\n-----END PRIVATE KEY-----\n"),
            format!(
                "-----BEGIN PRIVATE KEY-----\r\n{first}\r\n{second}\r\n-----END PRIVATE KEY-----"
            ),
            format!("-----BEGIN PRIVATE KEY-----\\n{ED25519_BODY}\\n-----END PRIVATE KEY-----\\n"),
            format!("  {first}\n  {second}\n"),
        ] {
            let key = Credentials::ed25519_pem(" k\n", &text).unwrap();
            assert_eq!(key.sign(b"x"), bare.sign(b"x"), "{text}");
            assert_eq!((key.api_key(), key.kind()), ("k", "ed25519"));
        }
    }

    #[test]
    fn says_which_key_type_it_got_instead() {
        let rsa_der = "MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAKj34GkxFhD9";
        let ec_der = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg";
        for (text, word) in [
            (rsa_der, "RSA"),
            (ec_der, "elliptic"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----",
                "RSA",
            ),
            (
                "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----",
                "public",
            ),
            (
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMCow\n-----END ENCRYPTED PRIVATE KEY-----",
                "encrypted",
            ),
        ] {
            let error = Credentials::ed25519_pem("k", text).unwrap_err();
            let said = error.to_string();
            assert!(
                said.contains("wrong key type") && said.contains(word),
                "{said}"
            );
        }
        for text in ["", "not base64!", "AAAA", "-----BEGIN PRIVATE KEY-----"] {
            assert_eq!(
                Credentials::ed25519_pem("k", text).unwrap_err(),
                CredentialsError::Unreadable,
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_what_cannot_be_a_key() {
        use CredentialsError::{ApiKey, FileForHmac, Secret, UnknownKind};
        for (api_key, kind, secret, error) in [
            ("", "hmac", "s", ApiKey),
            ("a b", "hmac", "s", ApiKey),
            ("a\r\nX-Evil: 1", "hmac", "s", ApiKey),
            ("k", "hmac", "", Secret),
            ("k", "hmac", "two words", Secret),
            ("k", "hmac", "-----BEGIN PRIVATE KEY-----", FileForHmac),
            ("k", "HMAC", "s", UnknownKind),
            ("k", "rsa", "s", UnknownKind),
        ] {
            assert_eq!(
                Credentials::parse(api_key, kind, secret).unwrap_err(),
                error
            );
        }
    }

    #[test]
    fn never_prints_a_secret() {
        let hmac = Credentials::hmac("publicpart", "hiddenpart").unwrap();
        let printed = format!("{hmac:?}");
        assert!(
            printed.contains("publicpart") && printed.contains("redacted"),
            "{printed}"
        );
        assert!(!printed.contains("hiddenpart"), "{printed}");
        let ed25519 = format!("{:?}", Credentials::ed25519_pem("k", ED25519_BODY).unwrap());
        assert!(
            !ed25519.contains("MC4C") && ed25519.contains("redacted"),
            "{ed25519}"
        );
    }
}
