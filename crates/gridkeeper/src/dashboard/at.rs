//! Where the dashboard is wanted.

use std::net::SocketAddr;
use std::str::FromStr;

/// Where the dashboard listens, as the operator says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DashboardAt {
    /// Nowhere.
    Off,
    /// At this address of this machine itself.
    Address(SocketAddr),
}

impl FromStr for DashboardAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let address: SocketAddr = text.parse().map_err(|_no_address| {
            format!("{text:?} is no address such as 127.0.0.1:9460, nor `off`")
        })?;
        if !address.ip().is_loopback() || !address.is_ipv4() {
            return Err(format!(
                "{text} can be reached from elsewhere: the dashboard is served on 127.0.0.1 only; to see it from \
                 another machine, forward the port with ssh -L"
            ));
        }
        Ok(Self::Address(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_itself_is_an_address() {
        let at = |text: &str| text.parse::<DashboardAt>();
        assert_eq!(at("off"), Ok(DashboardAt::Off));
        let address = "127.0.0.1:9000".parse().unwrap();
        assert_eq!(at("127.0.0.1:9000"), Ok(DashboardAt::Address(address)));
        for text in ["0.0.0.0:9460", "192.168.0.1:9460", "[::1]:9460"] {
            assert!(at(text).unwrap_err().contains("127.0.0.1 only"), "{text}");
        }
        for text in ["", "on", "9460", "localhost:9460"] {
            assert!(at(text).unwrap_err().contains("no address"), "{text}");
        }
    }
}
