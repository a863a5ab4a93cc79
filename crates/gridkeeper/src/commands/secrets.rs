//! Where secrets come from: standard input, the environment, or a prompt that does not show them.
//! Never from an argument, and never to any output.

use std::io::BufRead;

use secrecy::SecretString;

use crate::environs::Environs;
use crate::failure::Failure;
use crate::keys::Purpose;

/// The longest line of a secret; a private key file has lines of 64 characters.
const MAX_LINE: u64 = 8_192;

/// The most lines of a private key file.
const MAX_LINES: usize = 64;

/// Where the secrets of one command come from.
pub(crate) struct Secrets<'a> {
    /// Standard input, where it was asked for.
    pub(crate) input: Option<&'a mut dyn BufRead>,
    /// The environment.
    pub(crate) environs: &'a Environs,
}

impl Secrets<'_> {
    /// The secret of the key for this purpose. `shared` if the key serves as both.
    pub(crate) fn read(
        &mut self,
        purpose: Purpose,
        api_key: &str,
        shared: bool,
    ) -> Result<SecretString, Failure> {
        let what = if shared {
            "secret".to_owned()
        } else {
            format!("secret of the {purpose} key")
        };
        if let Some(input) = &mut self.input {
            return read_one(&mut **input)?.ok_or_else(|| {
                Failure::bad_input(format!("the {what} is missing"))
                    .at("standard input")
                    .mend("give one secret after the other: the stream key's, then the trade key's")
            });
        }
        let named = match purpose {
            Purpose::Stream => &self.environs.stream_secret,
            Purpose::Trade => &self.environs.trade_secret,
        };
        let other = match purpose {
            Purpose::Stream => &self.environs.trade_secret,
            Purpose::Trade => &self.environs.stream_secret,
        };
        if let Some(secret) = named.as_ref().or_else(|| other.as_ref().filter(|_| shared)) {
            return Ok(secret.clone());
        }
        rpassword::prompt_password(format!("{what} ({api_key}): "))
            .map(SecretString::from)
            .map_err(|error| {
                Failure::bad_input(format!("the {what} cannot be asked for: {error}"))
                    .at("terminal")
                    .mend("pipe it in with --secrets-from-stdin, or set GRIDKEEPER_STREAM_SECRET and GRIDKEEPER_TRADE_SECRET")
            })
    }
}

/// Reads one secret: a line, or all lines of a private key file.
pub(crate) fn read_one(input: &mut dyn BufRead) -> Result<Option<SecretString>, Failure> {
    let Some(first) = next_line(input)? else {
        return Ok(None);
    };
    if !first.starts_with("-----BEGIN") {
        return Ok(Some(SecretString::from(first)));
    }
    let mut text = first;
    for _ in 0..MAX_LINES {
        let Some(line) = next_line(input)? else { break };
        text.push('\n');
        text.push_str(&line);
        if line.starts_with("-----END") {
            break;
        }
    }
    Ok(Some(SecretString::from(text)))
}

/// The next line that is not empty, without its end.
fn next_line(input: &mut dyn BufRead) -> Result<Option<String>, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::bad_input(format!("the secret cannot be read: {error}")).at("standard input")
    };
    loop {
        let mut line = Vec::new();
        let mut limited = std::io::Read::take(&mut *input, MAX_LINE);
        if limited.read_until(b'\n', &mut line).map_err(unreadable)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8(line).map_err(|_not_text| {
            Failure::bad_input("the secret is not text").at("standard input")
        })?;
        let line = line.trim();
        if !line.is_empty() {
            return Ok(Some(line.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn reads_one_after_the_other_from_standard_input() {
        let pem = "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n";
        let mut input = std::io::Cursor::new(format!("\nfirst\r\n{pem}"));
        let environs = Environs::default();
        let mut secrets = Secrets {
            input: Some(&mut input),
            environs: &environs,
        };
        let stream = secrets.read(Purpose::Stream, "k", false).unwrap();
        assert_eq!(stream.expose_secret(), "first");
        let trade = secrets.read(Purpose::Trade, "k", false).unwrap();
        assert_eq!(trade.expose_secret(), pem.trim());
        let failure = secrets.read(Purpose::Trade, "k", false).unwrap_err();
        assert!(failure.to_string().contains("missing"), "{failure}");
    }

    #[test]
    fn takes_the_secret_of_the_right_key_from_the_environment() {
        let secret = |text: &str| Some(SecretString::from(text.to_owned()));
        let environs = Environs {
            stream_secret: secret("s"),
            trade_secret: secret("t"),
            ..Environs::default()
        };
        let mut secrets = Secrets {
            input: None,
            environs: &environs,
        };
        assert_eq!(
            secrets
                .read(Purpose::Stream, "k", false)
                .unwrap()
                .expose_secret(),
            "s"
        );
        assert_eq!(
            secrets
                .read(Purpose::Trade, "k", false)
                .unwrap()
                .expose_secret(),
            "t"
        );
        let one = Environs {
            trade_secret: secret("t"),
            ..Environs::default()
        };
        let mut secrets = Secrets {
            input: None,
            environs: &one,
        };
        assert_eq!(
            secrets
                .read(Purpose::Stream, "k", true)
                .unwrap()
                .expose_secret(),
            "t"
        );
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let mut input = std::io::Cursor::new(vec![0xff, 0xfe, b'\n']);
        let environs = Environs::default();
        let mut secrets = Secrets {
            input: Some(&mut input),
            environs: &environs,
        };
        assert!(secrets.read(Purpose::Stream, "k", false).is_err());
    }
}
