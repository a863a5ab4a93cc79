//! Why a command could not do what was asked: what is wrong, where, and how to mend it.
//!
//! Start at [`Failure`]; its [`Exit`] is the process's exit code. Never carries a secret.

use std::fmt;
use std::process::ExitCode;

use dynamo_store::{OpenError, cannot_write};
use trading::{AccountStop, Environment, ExchangeError, RecoverError, StoreError};

use crate::keys::KeyError;

/// What a command's end says to the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, and the answer is yes: 0.
    Yes,
    /// Understood, but the answer is no, or it cannot be done now: 1.
    No,
    /// What was given is wrong: arguments, a plan, a key, a folder, a port: 2.
    BadInput,
}

impl Exit {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Yes => 0,
            Self::No => 1,
            Self::BadInput => 2,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What is wrong.
    pub what: String,
    /// Where: the file, the record, the argument, the account.
    pub place: Option<String>,
    /// How to mend it.
    pub mend: Option<String>,
    /// What it means to the shell.
    pub exit: Exit,
}

/// What every command returns.
pub type Outcome = Result<Exit, Failure>;

impl Failure {
    /// What was given is wrong.
    #[must_use]
    pub fn bad_input(what: impl fmt::Display) -> Self {
        Self::new(what, Exit::BadInput)
    }

    /// It cannot be done now.
    #[must_use]
    pub fn refused(what: impl fmt::Display) -> Self {
        Self::new(what, Exit::No)
    }

    fn new(what: impl fmt::Display, exit: Exit) -> Self {
        Self {
            what: what.to_string(),
            place: None,
            mend: None,
            exit,
        }
    }

    /// Whether it only says that nobody reads the output any more.
    #[must_use]
    pub fn is_closed_output(&self) -> bool {
        self.what.is_empty()
    }

    /// Says where; a place named already stays.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.place.get_or_insert_with(|| place.to_string());
        self
    }

    /// Says how to mend it; a way named already stays.
    #[must_use]
    pub fn mend(mut self, mend: impl fmt::Display) -> Self {
        self.mend.get_or_insert_with(|| mend.to_string());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.what)?;
        if let Some(place) = &self.place {
            write!(f, "\n  where: {place}")?;
        }
        if let Some(mend) = &self.mend {
            write!(f, "\n  to mend it: {mend}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

impl From<std::io::Error> for Failure {
    /// Of writing the output: everything else names its file where it happens.
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::new("", Exit::Yes);
        }
        Self::refused(format!("the output cannot be written: {error}"))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Throttled(detail) => Self::refused(format!("the store is busy: {detail}"))
                .mend("run the command again in a moment"),
            StoreError::Unavailable(detail) => match cannot_write(&detail) {
                Some((what, mend)) => Self::refused(what).mend(mend),
                None => Self::refused(format!("the store did not answer: {detail}")).mend(
                    "run the command again; if `gridkeeper up` has just ended, nothing was lost",
                ),
            },
            StoreError::Corrupt { key, detail } => {
                let (what, mend) = detail.split_once("; ").unwrap_or((
                    &detail,
                    "nothing was changed; use the version that wrote it, or restore it from a backup",
                ));
                Self::refused(format!("a record cannot be read: {what}"))
                    .at(format!("record {key}"))
                    .mend(mend)
            }
            StoreError::Invalid(detail) => Self::bad_input(detail),
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match &error {
            OpenError::NotWritable { folder, .. } if folder.is_file() => {
                return Self::bad_input(format!("{} is a file, not a folder", folder.display()))
                    .mend("name a folder for the data with --data DIR");
            }
            OpenError::Database { path, detail } => {
                // What the database engine adds for its own users is of no use here.
                let detail = detail.split(". ").next().unwrap_or(detail);
                return Self::bad_input(format!(
                    "the database {} cannot be opened: {detail}",
                    path.display()
                ))
                .mend("nothing was changed in it: move it away, restore a backup, or use the version of Gridkeeper that wrote it");
            }
            OpenError::Full(words) => {
                let (what, mend) = cannot_write(words).unwrap_or((words, ""));
                return Self::refused(what).mend(mend);
            }
            OpenError::NotWritable { .. } | OpenError::Locked { .. } | OpenError::Silent { .. } => {
            }
        }
        let text = error.to_string();
        let (what, mend) = match text.split_once(". ") {
            Some((what, mend)) => (what.to_owned(), Some(mend.to_owned())),
            None => (text, None),
        };
        Self {
            what,
            place: None,
            mend,
            exit: Exit::BadInput,
        }
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        let text = error.to_string();
        let parted = match &error {
            KeyError::TooOpen { .. } | KeyError::NotAKey { .. } | KeyError::DoesNotOpen { .. } => {
                text.split_once(": ")
            }
            // The cause says what is wrong with the key, and after that how to mend it.
            KeyError::Credentials { .. } => text.split_once("; "),
            KeyError::File { .. } | KeyError::Random(_) => None,
        };
        match parted {
            Some((what, mend)) => Self::bad_input(what).mend(mend),
            None => Self::bad_input(text),
        }
    }
}

/// Whole seconds after which a time is over.
pub(crate) const fn whole_seconds(time: std::time::Duration) -> u64 {
    time.as_secs().saturating_add(1)
}

impl From<ExchangeError> for Failure {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Unavailable(detail) => Self::refused(format!("the exchange did not answer: {}", plain_cause(&detail)))
                .mend("see that this machine reaches it (`gridkeeper doctor`), then run the command again"),
            ExchangeError::Limited { after, detail } => Self::refused(format!("the exchange asks to wait: {detail}"))
                .mend(format!("run the command again in {} seconds", whole_seconds(after))),
            ExchangeError::Stopped { stop, detail } => {
                Self::refused(format!("the exchange refuses the account: {detail}")).mend(stop_remedy(stop, None))
            }
            ExchangeError::UnknownSymbol(symbol) => {
                Self::bad_input(format!("the exchange does not know the symbol {symbol}"))
                    .mend("write it as the exchange does: both assets in one word and in capitals, the base first")
            }
            ExchangeError::Refused(detail) => Self::refused(format!("the exchange refused the request: {detail}"))
                .mend("this may be a fault of this program: run `gridkeeper doctor` and keep its output"),
        }
    }
}

impl From<RecoverError> for Failure {
    fn from(error: RecoverError) -> Self {
        match error {
            RecoverError::NoBot(bot) => {
                Self::bad_input(format!("there is no bot {bot} with an account"))
                    .mend("`gridkeeper bot list` shows all bots")
            }
            RecoverError::Store(error) => error.into(),
            RecoverError::Exchange(error) => error.into(),
        }
    }
}

/// An error of the network without the names of the layers it came through.
#[must_use]
pub fn plain_cause(text: &str) -> String {
    const LAYERS: [&str; 4] = [
        "error sending request: ",
        "client error (Connect): ",
        "tcp connect error: ",
        "IO error: ",
    ];
    let mut plain = text.to_owned();
    for layer in LAYERS {
        plain = plain.replace(layer, "");
    }
    while let Some((before, rest)) = plain.split_once(" (os error ")
        && let Some((_, after)) = rest.split_once(')')
    {
        plain = format!("{before}{after}");
    }
    plain
}

/// Where a key of an exchange is made and changed; anywhere, where it is not known which.
#[must_use]
pub const fn key_page(environment: Option<Environment>) -> &'static str {
    match environment {
        Some(Environment::Production) => "on Binance's API management page",
        Some(Environment::Testnet) => {
            "on the page of Binance's test network, where the key was made"
        }
        Some(Environment::Demo) => "on the API management page of Binance's demo mode",
        Some(Environment::Simulated) => {
            "at the simulated exchange, which says its key when it starts"
        }
        None => "where the key was made (for Binance: its API management page)",
    }
}

/// How to mend what stops a whole account, as far as known for the exchange it trades on.
#[must_use]
pub fn stop_remedy(stop: AccountStop, environment: Option<Environment>) -> String {
    let page = key_page(environment);
    let simulated = environment == Some(Environment::Simulated);
    match stop {
        AccountStop::Key => format!(
            "the secret or the key is wrong: copy both again, {page}, and give them anew: `gridkeeper account rotate NAME --key YOUR_API_KEY` (`account add` where it is not added yet)"
        ),
        AccountStop::Permission if simulated => {
            format!(
                "see that the key exists and may trade, {page}; another one is given with `gridkeeper account rotate \
                 NAME --key YOUR_API_KEY`"
            )
        }
        AccountStop::Permission => format!(
            "{page}: see that the key exists, that spot trading is enabled for it, and that this machine's address is on its list; another key is given with `gridkeeper account rotate NAME --key YOUR_API_KEY`"
        ),
        AccountStop::Restricted => {
            "the exchange does not let this account trade the symbol: ask its support, or use another symbol".to_owned()
        }
        AccountStop::Region => {
            "the exchange refuses this machine's region: run Gridkeeper where the exchange is available".to_owned()
        }
        AccountStop::Banned => {
            "this machine's address asked too much: wait until the ban ends, and stop other programs that use the exchange from here".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_where_and_how_to_mend() {
        let failure = Failure::bad_input("the file is empty")
            .at("tape.csv")
            .at("elsewhere")
            .mend("download it again");
        assert_eq!(
            failure.to_string(),
            "error: the file is empty\n  where: tape.csv\n  to mend it: download it again"
        );
        assert_eq!(failure.exit.code(), 2);
    }

    #[test]
    fn names_the_record_that_cannot_be_read() {
        let failure = Failure::from(StoreError::Corrupt {
            key: "BOT#abcd / BOT".to_owned(),
            detail: "its format version is 9".to_owned(),
        });
        assert_eq!(failure.exit, Exit::No);
        let text = failure.to_string();
        assert!(
            text.contains("record BOT#abcd / BOT") && text.contains("version is 9"),
            "{text}"
        );
    }

    #[test]
    fn every_stop_of_an_account_has_a_remedy() {
        for stop in [
            AccountStop::Key,
            AccountStop::Permission,
            AccountStop::Restricted,
            AccountStop::Region,
            AccountStop::Banned,
        ] {
            let detail = "HTTP 4xx".to_owned();
            let error = ExchangeError::Stopped { stop, detail };
            assert_eq!(error.to_string(), "the account is refused: HTTP 4xx");
            let failure = Failure::from(error);
            assert_eq!(failure.mend, Some(stop_remedy(stop, None)));
        }
    }

    #[test]
    fn advice_about_a_key_names_the_place_where_it_is_changed() {
        for (environment, word) in [
            (Environment::Production, "Binance's API management page"),
            (Environment::Testnet, "test network"),
            (Environment::Demo, "demo mode"),
            (Environment::Simulated, "simulated exchange"),
        ] {
            for stop in [AccountStop::Key, AccountStop::Permission] {
                let remedy = stop_remedy(stop, Some(environment));
                assert!(remedy.contains(word), "{remedy}");
            }
        }
    }

    #[test]
    fn an_error_of_the_network_is_told_without_its_layers() {
        assert_eq!(
            plain_cause(
                "error sending request: client error (Connect): tcp connect error: Connection refused (os error 111)"
            ),
            "Connection refused"
        );
        assert_eq!(plain_cause("HTTP 418 (a teapot)"), "HTTP 418 (a teapot)");
    }
}
