//! What the process's environment says, read once at its start.
//!
//! Start at [`Environs::of_process`]; tests build [`Environs`] themselves. Nothing else in this crate
//! reads a variable of the environment.

use std::path::PathBuf;

use secrecy::SecretString;
use trading::Environment;

use crate::failure::Failure;

/// The two addresses of one exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// The REST base.
    pub rest: String,
    /// The WebSocket API.
    pub web_socket: String,
}

impl Endpoints {
    /// Those of an environment; `None` for a simulated exchange, which has no address of its own.
    #[must_use]
    pub fn of(environment: Environment) -> Option<Self> {
        Some(Self {
            rest: binance::rest_endpoint(environment)?.to_owned(),
            web_socket: binance::stream::endpoint(environment)?.to_owned(),
        })
    }
}

/// What the environment says.
#[derive(Debug, Clone, Default)]
pub struct Environs {
    /// `GRIDKEEPER_DATA`: the data folder.
    pub data: Option<PathBuf>,
    /// `XDG_DATA_HOME`: where programs keep their data.
    pub xdg_data_home: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `GRIDKEEPER_BINANCE_REST`: the REST base in place of the real one, such as
    /// `http://127.0.0.1:9080`.
    pub rest: Option<String>,
    /// `GRIDKEEPER_BINANCE_WS`: the WebSocket API in place of the real one, such as
    /// `ws://127.0.0.1:9080/ws-api/v3`.
    pub web_socket: Option<String>,
    /// `GRIDKEEPER_STREAM_SECRET`.
    pub stream_secret: Option<SecretString>,
    /// `GRIDKEEPER_TRADE_SECRET`.
    pub trade_secret: Option<SecretString>,
    /// `GRIDKEEPER_LOG`: what to log, such as `info`.
    pub log: Option<String>,
}

impl Environs {
    /// Reads the process's environment. An empty variable counts as absent.
    #[must_use]
    pub fn of_process() -> Self {
        let secret = |name| variable(name).map(SecretString::from);
        Self {
            data: variable("GRIDKEEPER_DATA").map(PathBuf::from),
            xdg_data_home: variable("XDG_DATA_HOME").map(PathBuf::from),
            home: variable("HOME").map(PathBuf::from),
            rest: variable("GRIDKEEPER_BINANCE_REST"),
            web_socket: variable("GRIDKEEPER_BINANCE_WS"),
            stream_secret: secret("GRIDKEEPER_STREAM_SECRET"),
            trade_secret: secret("GRIDKEEPER_TRADE_SECRET"),
            log: variable("GRIDKEEPER_LOG"),
        }
    }

    /// The endpoints that replace the real ones, if any are set.
    ///
    /// # Errors
    /// When only one of the two is set, or one is no URL of its kind: half a replacement would send
    /// orders to one exchange and hear of another's.
    pub fn simulated(&self) -> Result<Option<Endpoints>, Failure> {
        let (rest, web_socket) = match (&self.rest, &self.web_socket) {
            (None, None) => return Ok(None),
            (Some(rest), Some(web_socket)) => (rest, web_socket),
            (Some(_), None) => {
                return Err(half("GRIDKEEPER_BINANCE_WS", "GRIDKEEPER_BINANCE_REST"));
            }
            (None, Some(_)) => {
                return Err(half("GRIDKEEPER_BINANCE_REST", "GRIDKEEPER_BINANCE_WS"));
            }
        };
        require(
            "GRIDKEEPER_BINANCE_REST",
            rest,
            &["http://", "https://"],
            "http://127.0.0.1:9080",
        )?;
        require(
            "GRIDKEEPER_BINANCE_WS",
            web_socket,
            &["ws://", "wss://"],
            "ws://127.0.0.1:9080/ws-api/v3",
        )?;
        Ok(Some(Endpoints {
            rest: rest.trim_end_matches('/').to_owned(),
            web_socket: web_socket.clone(),
        }))
    }

    /// Where an account of this environment trades: the replacement where one is set.
    ///
    /// # Errors
    /// When a simulated exchange is meant and none is set.
    pub fn endpoints(&self, environment: Environment) -> Result<Endpoints, Failure> {
        if let Some(replaced) = self.simulated()? {
            return Ok(replaced);
        }
        Endpoints::of(environment).ok_or_else(|| {
            Failure::bad_input("the account trades on a simulated exchange, and none is named")
                .at("environment variables GRIDKEEPER_BINANCE_REST and GRIDKEEPER_BINANCE_WS")
                .mend("start `gridkeeper simulate-exchange` and set both as it says")
        })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place of the process where the environment is read"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn half(missing: &str, set: &str) -> Failure {
    Failure::bad_input(format!("{set} is set, but {missing} is not"))
        .at("environment variables")
        .mend("set both, or neither")
}

fn require(name: &str, url: &str, schemes: &[&str], example: &str) -> Result<(), Failure> {
    if schemes
        .iter()
        .any(|scheme| url.starts_with(scheme) && url.len() > scheme.len())
    {
        return Ok(());
    }
    Err(
        Failure::bad_input(format!("{url:?} is no address of an exchange"))
            .at(format!("environment variable {name}"))
            .mend(format!("write it like {example}")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(rest: Option<&str>, web_socket: Option<&str>) -> Environs {
        Environs {
            rest: rest.map(str::to_owned),
            web_socket: web_socket.map(str::to_owned),
            ..Environs::default()
        }
    }

    #[test]
    fn replaces_both_endpoints_or_none() {
        let environs = with(
            Some("http://127.0.0.1:1/"),
            Some("ws://127.0.0.1:1/ws-api/v3"),
        );
        let endpoints = environs.endpoints(Environment::Production).unwrap();
        assert_eq!(endpoints.rest, "http://127.0.0.1:1");
        assert_eq!(endpoints.web_socket, "ws://127.0.0.1:1/ws-api/v3");
        for (rest, web_socket, word) in [
            (Some("http://a"), None, "GRIDKEEPER_BINANCE_WS"),
            (None, Some("ws://a"), "GRIDKEEPER_BINANCE_REST"),
            (Some("ftp://a"), Some("ws://a"), "GRIDKEEPER_BINANCE_REST"),
            (Some("http://a"), Some("ws://"), "GRIDKEEPER_BINANCE_WS"),
        ] {
            let failure = with(rest, web_socket).simulated().unwrap_err();
            assert!(failure.to_string().contains(word), "{failure}");
            assert_eq!(failure.exit.code(), 2);
        }
    }

    #[test]
    fn without_a_replacement_only_simulated_accounts_have_no_place() {
        let environs = with(None, None);
        assert!(environs.endpoints(Environment::Simulated).is_err());
        let real = environs.endpoints(Environment::Production).unwrap();
        assert_eq!(real.rest, "https://api.binance.com");
    }
}
