//! What the process is told: by its environment, as a service is, or by arguments.

use std::net::SocketAddr;

use clap::Parser;

/// Holds the user-data streams of all accounts in a table and puts their fills on a queue.
///
/// Region, credentials and addresses of AWS come from the standard AWS environment (AWS_REGION,
/// AWS_ENDPOINT_URL and so on, or the role of the machine).
#[derive(Debug, Parser)]
#[command(name = "gridkeeper-bridge", version)]
pub(crate) struct Settings {
    /// The table of accounts and bots.
    #[arg(long, env = "GRIDKEEPER_TABLE", value_parser = not_empty)]
    pub(crate) table: String,
    /// The queue that fills go to.
    #[arg(long, env = "GRIDKEEPER_QUEUE_URL", value_parser = queue_url)]
    pub(crate) queue_url: String,
    /// The queue that comparisons with the exchange go to.
    #[arg(long, env = "GRIDKEEPER_RECONCILE_QUEUE_URL", value_parser = queue_url)]
    pub(crate) reconcile_queue_url: String,
    /// This bridge's name in heartbeats and stream states [default: a random one]
    #[arg(long, env = "GRIDKEEPER_BRIDGE", value_parser = not_empty)]
    pub(crate) name: Option<String>,
    /// The WebSocket API in place of the exchange's own, such as ws://127.0.0.1:9080/ws-api/v3
    #[arg(long, env = "GRIDKEEPER_BINANCE_WS", value_parser = web_socket)]
    pub(crate) web_socket: Option<String>,
    /// Nothing else asks the exchange from this machine's network address: use more of the request weight that the
    /// exchange grants an address
    #[arg(long, env = "GRIDKEEPER_OWN_ADDRESS")]
    pub(crate) own_address: bool,
    /// The most accounts on one connection to the exchange, which allows 1000; with fewer, a lost connection costs fewer
    /// accounts a gap
    #[arg(long, env = "GRIDKEEPER_ACCOUNTS_PER_CONNECTION", default_value_t = 200,
        value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) accounts_per_connection: u16,
    /// Where /health and /metrics are served, such as 127.0.0.1:9464 [default: nowhere]
    ///
    /// They ask for no password, and /health names accounts: keep them to this machine or to a network of your own.
    #[arg(long, env = "GRIDKEEPER_METRICS", value_parser = listen_address)]
    pub(crate) metrics: Option<SocketAddr>,
    /// What to log, such as `warn` or `bridge=debug,info`.
    #[arg(long, env = "GRIDKEEPER_LOG", default_value = "info")]
    pub(crate) log: String,
}

fn not_empty(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    Ok(text.to_owned())
}

fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let address = text.parse();
    address.map_err(|_error| {
        "write an address of this machine and a port, like 127.0.0.1:9464".to_owned()
    })
}

fn queue_url(text: &str) -> Result<String, String> {
    with_scheme(
        text,
        ["https://", "http://"],
        "https://sqs.REGION.amazonaws.com/ACCOUNT/NAME",
    )
}

fn web_socket(text: &str) -> Result<String, String> {
    with_scheme(
        text,
        ["wss://", "ws://"],
        "wss://ws-api.binance.com:443/ws-api/v3",
    )
}

fn with_scheme(text: &str, schemes: [&str; 2], example: &str) -> Result<String, String> {
    let named = schemes
        .iter()
        .any(|scheme| text.len() > scheme.len() && text.starts_with(scheme));
    if named {
        Ok(text.to_owned())
    } else {
        Err(format!("write it like {example}"))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::Settings;

    fn parse(arguments: &[&str]) -> Result<Settings, String> {
        let program = ["gridkeeper-bridge"];
        Settings::try_parse_from(program.iter().chain(arguments)).map_err(|error| error.to_string())
    }

    /// What it cannot do without, with one value replaced.
    fn with<'a>(name: &'a str, value: &'a str) -> Vec<&'a str> {
        let needed = [
            ("--table", "t"),
            ("--queue-url", "https://sqs/1/q"),
            ("--reconcile-queue-url", "https://sqs/1/r"),
        ];
        let mut arguments: Vec<&str> = needed
            .iter()
            .flat_map(|(known, usual)| [*known, if *known == name { value } else { *usual }])
            .collect();
        if needed.iter().all(|(known, _)| *known != name) && !name.is_empty() {
            arguments.extend([name, value]);
        }
        arguments
    }

    #[test]
    fn table_and_queues_are_enough() {
        let settings = parse(&with("", "")).unwrap();
        assert_eq!(settings.table, "t");
        assert_eq!(settings.queue_url, "https://sqs/1/q");
        assert_eq!(settings.reconcile_queue_url, "https://sqs/1/r");
        assert_eq!((settings.name, settings.web_socket), (None, None));
        assert_eq!(settings.log, "info");
        assert!(!settings.own_address);
        assert_eq!(settings.accounts_per_connection, 200);
        assert_eq!(settings.metrics, None);
    }

    #[test]
    fn what_is_wrong_is_named_with_the_mend() {
        for (name, value, mend) in [
            ("--table", "", "empty"),
            ("--queue-url", "q", "https://sqs."),
            ("--queue-url", "http://", "https://sqs."),
            ("--reconcile-queue-url", "r", "https://sqs."),
            ("--web-socket", "http://a", "wss://ws-api"),
            ("--metrics", "localhost:9464", "127.0.0.1:9464"),
            ("--metrics", "9464", "127.0.0.1:9464"),
            ("--accounts-per-connection", "0", "1..=1000"),
            ("--accounts-per-connection", "1001", "1..=1000"),
        ] {
            let error = parse(&with(name, value)).unwrap_err();
            assert!(error.contains(name) && error.contains(mend), "{error}");
        }
    }
}
