//! What the functions are told by their environment, as the template sets it.

use anyhow::Context as _;
use cloud::QueueAddresses;
use trading::Environment;

/// What the environment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `GRIDKEEPER_TABLE`.
    pub table: String,
    /// `GRIDKEEPER_QUEUE_URL` and `GRIDKEEPER_RECONCILE_QUEUE_URL`.
    pub queues: QueueAddresses,
    /// `GRIDKEEPER_EXCHANGE`: where most accounts trade, connected to before the first message.
    pub exchange: Environment,
    /// `GRIDKEEPER_BINANCE_REST`: the REST base in place of the real ones, such as
    /// `http://127.0.0.1:9080`.
    pub rest: Option<String>,
    /// `GRIDKEEPER_ADDRESS`: what the functions of one network address call it, to wait together when the
    /// exchange asks one of them to; each waits by itself if it is not set.
    pub address: Option<String>,
    /// `AWS_REGION`, which Lambda sets: where this runs.
    pub region: Option<String>,
    /// `GRIDKEEPER_STACK`: the stack that metrics are told of; none are if it is not set.
    pub stack: Option<String>,
}

impl Settings {
    /// Reads this process's environment.
    ///
    /// # Errors
    /// Names the variable that is missing or wrong.
    pub fn of_process() -> anyhow::Result<Self> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place of the functions where the environment is read"
        )]
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads what `variable` gives by name. An empty variable counts as absent.
    fn read(variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let given = |name| variable(name).filter(|value| !value.is_empty());
        let needed = |name: &'static str| {
            given(name).with_context(|| {
                format!("{name} is not set; template.yaml sets it for each function")
            })
        };
        let exchange = given("GRIDKEEPER_EXCHANGE");
        let exchange = match exchange.as_deref() {
            Some("production") => Environment::Production,
            None | Some("testnet") => Environment::Testnet,
            Some("demo") => Environment::Demo,
            Some("simulated") => Environment::Simulated,
            Some(other) => anyhow::bail!(
                "GRIDKEEPER_EXCHANGE is {other:?}; write production, testnet, demo or simulated"
            ),
        };
        let rest = given("GRIDKEEPER_BINANCE_REST");
        if let Some(rest) = &rest
            && !["http://", "https://"]
                .iter()
                .any(|scheme| rest.starts_with(scheme))
        {
            anyhow::bail!(
                "GRIDKEEPER_BINANCE_REST is {rest:?}; write it like http://127.0.0.1:9080"
            );
        }
        if exchange == Environment::Simulated && rest.is_none() {
            anyhow::bail!(
                "GRIDKEEPER_EXCHANGE is simulated, so GRIDKEEPER_BINANCE_REST must say where that is"
            );
        }
        Ok(Self {
            table: needed("GRIDKEEPER_TABLE")?,
            queues: QueueAddresses {
                fills: needed("GRIDKEEPER_QUEUE_URL")?,
                reconcile: needed("GRIDKEEPER_RECONCILE_QUEUE_URL")?,
            },
            exchange,
            address: given("GRIDKEEPER_ADDRESS"),
            region: given("AWS_REGION"),
            stack: given("GRIDKEEPER_STACK"),
            rest: rest.map(|rest| rest.trim_end_matches('/').to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 3] = [
        ("GRIDKEEPER_TABLE", "t"),
        ("GRIDKEEPER_QUEUE_URL", "http://q"),
        ("GRIDKEEPER_RECONCILE_QUEUE_URL", "http://r"),
    ];

    fn read(changed: &[(&str, &str)]) -> anyhow::Result<Settings> {
        let variable = |name: &str| {
            let pairs = changed.iter().chain(&GOOD);
            let mut pairs = pairs.filter(|(known, _)| *known == name);
            pairs.next().map(|(_, value)| (*value).to_owned())
        };
        Settings::read(variable)
    }

    #[test]
    fn table_and_queues_are_enough() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.table, "t");
        assert_eq!(settings.queues.fills, "http://q");
        assert_eq!(settings.queues.reconcile, "http://r");
        assert_eq!(settings.exchange, Environment::Testnet);
        assert_eq!(settings.rest, None);
        let simulated = [
            ("GRIDKEEPER_EXCHANGE", "simulated"),
            ("GRIDKEEPER_BINANCE_REST", "http://a/"),
        ];
        let settings = read(&simulated).unwrap();
        assert_eq!(settings.exchange, Environment::Simulated);
        assert_eq!(settings.rest.as_deref(), Some("http://a"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (changed, words) in [
            (
                &[("GRIDKEEPER_TABLE", "")][..],
                "GRIDKEEPER_TABLE is not set",
            ),
            (
                &[("GRIDKEEPER_QUEUE_URL", "")],
                "GRIDKEEPER_QUEUE_URL is not set",
            ),
            (
                &[("GRIDKEEPER_RECONCILE_QUEUE_URL", "")],
                "RECONCILE_QUEUE_URL is not set",
            ),
            (&[("GRIDKEEPER_EXCHANGE", "kraken")], "production, testnet"),
            (&[("GRIDKEEPER_EXCHANGE", "simulated")], "must say where"),
            (
                &[("GRIDKEEPER_BINANCE_REST", "ftp://a")],
                "http://127.0.0.1",
            ),
        ] {
            let error = read(changed).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
