//! Keys sealed and opened, and files that are not what they should be.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn account(name: &str) -> AccountId {
    name.parse().unwrap()
}

fn secret() -> SecretString {
    SecretString::from("hiddenpart".to_owned())
}

#[test]
fn opens_what_it_sealed_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let main = account("main");
    let sealed = KeyFile::open_or_create(dir.path())
        .unwrap()
        .seal(&main, Purpose::Trade, "publicpart", "hmac", &secret())
        .unwrap();
    assert!(!sealed.sealed.contains("hidden"));
    assert_eq!(
        (sealed.api_key.as_str(), sealed.kind.as_str()),
        ("publicpart", "hmac")
    );
    let opened = KeyFile::open_or_create(dir.path())
        .unwrap()
        .open(&main, Purpose::Trade, &sealed)
        .unwrap();
    let plain = Credentials::hmac("publicpart", "hiddenpart").unwrap();
    assert_eq!(opened.sign(b"payload"), plain.sign(b"payload"));
}

/// A secret that cannot be opened again is lost: it is refused while the operator still has it.
#[test]
fn whatever_it_seals_opens_again() {
    let dir = tempfile::tempdir().unwrap();
    let keys = KeyFile::open_or_create(dir.path()).unwrap();
    let main = account("main");
    let key = "MC4CAQAwBQYDK2VwBCIEIIJEYWtGBrhACmb9Dvy+qa8WEf0lQOl1s4CLIAB9m89u";
    for (kind, secret) in [("hmac", "hiddenpart"), ("ed25519", key)] {
        for blanks in [0, 1_000, 4_000, 6_200, 20_000, 1_000_000] {
            let secret = SecretString::from(format!("{secret}{}", " ".repeat(blanks)));
            let sealed = keys.seal(&main, Purpose::Trade, "k", kind, &secret);
            assert!(
                sealed.is_ok() == (blanks <= 4_000),
                "{kind} and {blanks} blanks"
            );
            if let Ok(sealed) = sealed {
                assert!(
                    keys.open(&main, Purpose::Trade, &sealed).is_ok(),
                    "{blanks}"
                );
            }
        }
    }
}

#[test]
fn opens_nothing_of_another_account_purpose_or_file() {
    let dir = tempfile::tempdir().unwrap();
    let other_dir = tempfile::tempdir().unwrap();
    let keys = KeyFile::open_or_create(dir.path()).unwrap();
    let main = account("main");
    let sealed = keys
        .seal(&main, Purpose::Stream, "publicpart", "hmac", &secret())
        .unwrap();
    let others = KeyFile::open_or_create(other_dir.path()).unwrap();
    for opened in [
        keys.open(&account("other"), Purpose::Stream, &sealed),
        keys.open(&main, Purpose::Trade, &sealed),
        others.open(&main, Purpose::Stream, &sealed),
    ] {
        assert!(
            matches!(opened, Err(KeyError::DoesNotOpen { .. })),
            "{opened:?}"
        );
    }
    assert!(keys.open(&main, Purpose::Stream, &sealed).is_ok());
}

#[test]
fn opens_nothing_that_was_changed() {
    let dir = tempfile::tempdir().unwrap();
    let keys = KeyFile::open_or_create(dir.path()).unwrap();
    let main = account("main");
    let sealed = keys
        .seal(&main, Purpose::Stream, "publicpart", "hmac", &secret())
        .unwrap();
    let bytes = STANDARD.decode(&sealed.sealed).unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let key = SealedKey {
            sealed: STANDARD.encode(&changed),
            ..sealed.clone()
        };
        assert!(
            keys.open(&main, Purpose::Stream, &key).is_err(),
            "byte {at}"
        );
    }
    for text in ["", "AQ==", "not base64"] {
        let key = SealedKey {
            sealed: text.to_owned(),
            ..sealed.clone()
        };
        assert!(keys.open(&main, Purpose::Stream, &key).is_err(), "{text}");
    }
}

#[test]
fn two_seals_of_one_secret_differ() {
    let dir = tempfile::tempdir().unwrap();
    let keys = KeyFile::open_or_create(dir.path()).unwrap();
    let seal = || {
        keys.seal(&account("main"), Purpose::Trade, "k", "hmac", &secret())
            .unwrap()
    };
    assert_ne!(seal().sealed, seal().sealed);
}

#[test]
fn refuses_to_seal_what_cannot_sign() {
    let dir = tempfile::tempdir().unwrap();
    let keys = KeyFile::open_or_create(dir.path()).unwrap();
    let refused = keys.seal(&account("main"), Purpose::Trade, "k", "ed25519", &secret());
    assert!(
        matches!(refused, Err(KeyError::Credentials { .. })),
        "{refused:?}"
    );
    assert!(!refused.unwrap_err().to_string().contains("hidden"));
}

#[test]
fn refuses_a_key_file_that_others_may_use() {
    let dir = tempfile::tempdir().unwrap();
    KeyFile::open_or_create(dir.path()).unwrap();
    let path = dir.path().join(KEY_FILE);
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    for mode in [0o640, 0o604, 0o660] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let error = KeyFile::open_or_create(dir.path()).unwrap_err();
        assert!(matches!(error, KeyError::TooOpen { .. }), "{error}");
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
}

#[test]
fn refuses_a_key_file_of_another_size_and_leaves_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(KEY_FILE);
    for size in [0_usize, 31, 33, 4_096] {
        let bytes = vec![7_u8; size];
        std::fs::write(&path, &bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let error = KeyFile::open_or_create(dir.path()).unwrap_err();
        assert!(matches!(error, KeyError::NotAKey { .. }), "{size}: {error}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn leaves_no_draft_behind() {
    let dir = tempfile::tempdir().unwrap();
    KeyFile::open_or_create(dir.path()).unwrap();
    let names: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, [KEY_FILE]);
}

#[test]
fn says_where_it_cannot_write() {
    let error = KeyFile::open_or_create(Path::new("/nowhere/at/all")).unwrap_err();
    assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
}
