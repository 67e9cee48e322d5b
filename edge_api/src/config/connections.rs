//! Settings of the connections of clients.

use std::net::IpAddr;
use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use ipnet::IpNet;

use crate::answers::Answers;
use crate::client::TrustedProxies;
use crate::server::ServerSettings;

#[derive(Debug, Clone, Args)]
pub struct ConnectionSettings {
    /// Open connections of clients in all, 1 to 1000000; fewer where the hard limit of open files leaves room for fewer.
    #[arg(
        long,
        env = "MAX_CONNECTIONS",
        value_name = "COUNT",
        default_value_t = 16_384,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000)
    )]
    pub max_connections: usize,
    /// Open connections of one address (of IPv6: of one /64), 1 to 1000000; trusted proxies are free of it.
    #[arg(
        long,
        env = "MAX_CONNECTIONS_PER_ADDRESS",
        value_name = "COUNT",
        default_value_t = 1000,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000)
    )]
    pub max_connections_per_address: usize,
    /// Networks of your own proxies and balancers, separated by commas, like 10.0.0.0/8,fd00::/8. From them alone
    /// X-Forwarded-For is believed, and they have no limit of their own. None by default.
    #[arg(
        long,
        env = "TRUSTED_PROXIES",
        value_name = "NETWORKS",
        default_value = "",
        value_parser = proxies
    )]
    pub trusted_proxies: TrustedProxies,
    /// Close a connection whose first byte, or the rest of a request's head, takes longer; 100 to 600000.
    #[arg(
        long,
        env = "HEAD_TIMEOUT_MS",
        value_name = "MS",
        default_value_t = 10_000,
        value_parser = RangedU64ValueParser::<u64>::new().range(100..=600_000)
    )]
    pub head_timeout_ms: u64,
    /// Close a connection without a request for so long, 100 to 3600000. It should be longer than the same of a balancer
    /// in front.
    #[arg(
        long,
        env = "IDLE_TIMEOUT_MS",
        value_name = "MS",
        default_value_t = 75_000,
        value_parser = RangedU64ValueParser::<u64>::new().range(100..=3_600_000)
    )]
    pub idle_timeout_ms: u64,
    /// Refuse a body that takes longer with 408, 100 to 8000.
    #[arg(
        long,
        env = "BODY_TIMEOUT_MS",
        value_name = "MS",
        default_value_t = 5000,
        value_parser = RangedU64ValueParser::<u64>::new().range(100..=8000)
    )]
    pub body_timeout_ms: u64,
    /// Close a connection whose client reads nothing of an answer for so long, 100 to 600000.
    #[arg(
        long,
        env = "WRITE_TIMEOUT_MS",
        value_name = "MS",
        default_value_t = 10_000,
        value_parser = RangedU64ValueParser::<u64>::new().range(100..=600_000)
    )]
    pub write_timeout_ms: u64,
    /// Memory for answers that clients have not read yet, in MiB, 1 to 65536; beyond it requests get 503.
    #[arg(
        long,
        env = "ANSWER_MEMORY_MIB",
        value_name = "MIB",
        default_value_t = Answers::DEFAULT_MEMORY_BYTES >> 20,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=65_536)
    )]
    pub answer_memory_mib: usize,
    /// Memory for bodies of requests that are not answered yet, in MiB, 1 to 65536; beyond it requests get 503.
    #[arg(
        long,
        env = "BODY_MEMORY_MIB",
        value_name = "MIB",
        default_value_t = 64,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=65_536)
    )]
    pub body_memory_mib: usize,
}

impl ConnectionSettings {
    /// The settings of a server with so many connections.
    pub fn server(&self, max_connections: usize) -> ServerSettings {
        ServerSettings {
            max_connections,
            max_connections_per_address: self.max_connections_per_address,
            trusted_proxies: self.trusted_proxies.clone(),
            head_timeout: Duration::from_millis(self.head_timeout_ms),
            idle_timeout: Duration::from_millis(self.idle_timeout_ms),
            body_timeout: Duration::from_millis(self.body_timeout_ms),
            write_timeout: Duration::from_millis(self.write_timeout_ms),
            body_memory_bytes: self.body_memory_mib << 20,
            ..ServerSettings::default()
        }
    }

    pub fn answers(&self) -> Answers {
        Answers::within(self.answer_memory_mib << 20)
    }
}

/// A single address is a network of one.
fn proxies(list: &str) -> Result<TrustedProxies, &'static str> {
    let networks = list.split(',').map(str::trim);
    let networks = networks.filter(|network| !network.is_empty()).map(|text| {
        let network = text.parse::<IpNet>().ok();
        network.or_else(|| text.parse().ok().map(|address: IpAddr| address.into()))
    });
    let networks: Option<Vec<_>> = networks.collect();
    networks
        .map(TrustedProxies::new)
        .ok_or("holds something else than networks like 10.0.0.0/8")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        settings: ConnectionSettings,
    }

    fn read(flags: &[&str]) -> Option<ConnectionSettings> {
        let line = [&["edge_api"], flags].concat();
        Alone::try_parse_from(line).ok().map(|alone| alone.settings)
    }

    #[test]
    fn the_defaults_are_those_of_the_server() {
        let settings = read(&[]).expect("defaults");
        let expected = ServerSettings::default();
        assert_eq!(settings.server(settings.max_connections), expected);
    }

    #[test]
    fn proxies_are_networks_or_single_addresses() {
        let settings = read(&["--trusted-proxies", "10.0.0.0/8, 192.0.2.7,fd00::/8"]);
        let proxies = settings.expect("a list").trusted_proxies;
        for (address, expected) in [
            ("10.1.2.3", true),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("fd00::1", true),
        ] {
            let address = address.parse().expect("an address");
            assert_eq!(proxies.contains(address), expected, "{address}");
        }
        for wrong in ["10.0.0.0/33", "localhost", "10.0.0.0/8;fd00::/8"] {
            assert!(read(&["--trusted-proxies", wrong]).is_none(), "{wrong}");
        }
    }
}
