//! Where the exchange's REST API listens in each environment. The WebSocket API is a host of its
//! own: [`crate::stream::endpoint`].

use trading::Environment;

/// The base URL of an environment's REST API (rest-api.md, testnet and demo-mode general-info.md);
/// paths start with `/api/v3`. A simulated exchange has none of its own: its URL must be given.
#[must_use]
pub const fn rest_endpoint(environment: Environment) -> Option<&'static str> {
    match environment {
        Environment::Production => Some("https://api.binance.com"),
        Environment::Testnet => Some("https://testnet.binance.vision"),
        Environment::Demo => Some("https://demo-api.binance.com"),
        Environment::Simulated => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_production_talks_to_the_real_exchange() {
        let host = |environment| rest_endpoint(environment).unwrap_or("none");
        assert_eq!(host(Environment::Production), "https://api.binance.com");
        for elsewhere in [
            Environment::Testnet,
            Environment::Demo,
            Environment::Simulated,
        ] {
            assert_ne!(host(elsewhere), "https://api.binance.com");
            assert!(!host(elsewhere).contains("//api"));
        }
    }
}
