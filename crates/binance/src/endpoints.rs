//! Where the exchange listens in each environment.
//!
//! Sources: rest-api.md and web-socket-api.md ("General API Information"), testnet/general-info.md,
//! demo-mode/general-info.md.

use trading::Environment;

/// The base URLs of one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Scheme and host of the REST API; paths start with `/api/v3`.
    pub rest: String,
    /// The whole URL of the WebSocket API.
    pub web_socket: String,
}

impl Endpoints {
    /// The public endpoints of an environment; `None` for a simulated one, which has no fixed place.
    #[must_use]
    pub fn of(environment: Environment) -> Option<Self> {
        let (rest, web_socket) = match environment {
            Environment::Production => (
                "https://api.binance.com",
                "wss://ws-api.binance.com:443/ws-api/v3",
            ),
            Environment::Testnet => (
                "https://testnet.binance.vision",
                "wss://ws-api.testnet.binance.vision/ws-api/v3",
            ),
            Environment::Demo => (
                "https://demo-api.binance.com",
                "wss://demo-ws-api.binance.com/ws-api/v3",
            ),
            Environment::Simulated => return None,
        };
        Some(Self {
            rest: rest.to_owned(),
            web_socket: web_socket.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_money_has_hosts_of_its_own() {
        let all = [
            Environment::Production,
            Environment::Testnet,
            Environment::Demo,
        ];
        let mut hosts: Vec<_> = all
            .iter()
            .filter_map(|environment| Endpoints::of(*environment))
            .flat_map(|endpoints| [endpoints.rest, endpoints.web_socket])
            .collect();
        assert!(
            hosts
                .iter()
                .all(|host| host.starts_with("https://") || host.starts_with("wss://"))
        );
        hosts.sort();
        hosts.dedup();
        assert_eq!(hosts.len(), 6);
        assert_eq!(Endpoints::of(Environment::Simulated), None);
    }
}
