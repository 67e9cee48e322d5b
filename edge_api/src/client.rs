//! The network address of a request's client, as far as the proxies in front are trusted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// An IPv6 customer has at least a /64 (RFC 6177), so single addresses of one would count as many clients.
const IPV6_CUSTOMER_BITS: u32 = 64;

/// The client of a request; the server puts it into the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    Address(IpAddr),
    /// Behind a trusted proxy that wrote no readable address.
    Unnamed,
    /// A trusted proxy itself.
    Proxy,
}

/// All clients without a name count as one. No client has this address.
const UNNAMED: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

impl Client {
    /// The key of its limits; none: it has none.
    pub fn counted(self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(counted_as(address)),
            Self::Unnamed => Some(UNNAMED),
            Self::Proxy => None,
        }
    }
}

/// The networks of the operator's own proxies and balancers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self(networks.into_iter().collect())
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client behind the socket's peer.
    ///
    /// `X-Forwarded-For` is read from the right, where the nearest proxy wrote: the first address that is no trusted
    /// proxy's is the client's. What stands further left, and the header of a peer that is not trusted, is the
    /// client's own claim and counts for nothing. `Forwarded` (RFC 7239) is not read, since a proxy that writes one of
    /// the two passes the other on as the client sent it.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Client {
        let mut nearest = peer.to_canonical();
        let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
        // Hop by hop: what a client wrote on the left, in any bytes, does not spoil what a proxy added to it.
        let hops = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        for hop in hops.map(parse_hop) {
            if !self.contains(nearest) {
                break;
            }
            match hop {
                Some(hop) => nearest = hop,
                // Somebody is behind the proxy, so its own freedom is not theirs.
                None => return Client::Unnamed,
            }
        }
        if self.contains(nearest) {
            Client::Proxy
        } else {
            Client::Address(nearest)
        }
    }
}

/// An address with or without a port, which some balancers add.
fn parse_hop(bytes: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    let address = text
        .parse()
        .ok()
        .or_else(|| text.parse().ok().map(|address: SocketAddr| address.ip()))
        .or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok());
    address.map(|address: IpAddr| address.to_canonical())
}

/// The address by which one client is counted: of IPv6 its /64.
pub fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let mask = u128::MAX << (128 - IPV6_CUSTOMER_BITS);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn seen(peer: &str, lines: &[&'static str]) -> Client {
        let networks = ["10.0.0.0/8", "fd00::/8"];
        let networks = networks.map(|network| network.parse().expect("a network"));
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(
                X_FORWARDED_FOR,
                HeaderValue::from_bytes(line.as_bytes()).expect("a value"),
            );
        }
        let peer = peer.parse().expect("an address");
        TrustedProxies::new(networks).client(peer, &headers)
    }

    fn client(peer: &str, lines: &[&'static str]) -> String {
        match seen(peer, lines) {
            Client::Address(address) => address.to_string(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_peer_that_is_not_trusted_is_the_client_whatever_it_claims() {
        assert_eq!(client("192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(client("192.0.2.1", &[]), "192.0.2.1");
    }

    #[test]
    fn the_first_address_from_the_right_that_is_no_proxy_is_the_client() {
        for lines in [
            &["198.51.100.7"] as &[&str],
            &["203.0.113.9, 198.51.100.7"],
            &["203.0.113.9, 198.51.100.7, 10.2.2.2"],
            &["203.0.113.9", "198.51.100.7,10.2.2.2", "fd00::1"],
            &["198.51.100.7:4711"],
            &["\u{e9}, 198.51.100.7"],
            &["\u{e9}", "198.51.100.7, 10.2.2.2"],
        ] {
            assert_eq!(client("10.1.1.1", lines), "198.51.100.7", "{lines:?}");
        }
        assert_eq!(client("10.1.1.1", &["[2001:db8::7]:443"]), "2001:db8::7");
        assert_eq!(client("10.1.1.1", &["[2001:db8::7]"]), "2001:db8::7");
        assert_eq!(client("::ffff:10.1.1.1", &["198.51.100.7"]), "198.51.100.7");
    }

    #[test]
    fn those_whom_a_proxy_could_not_name_count_as_one() {
        for lines in [
            &["unknown"] as &[&str],
            &[""],
            &["198.51.100.7, _x"],
            &["198.51.100.7, \u{e9}"],
            &["unknown, 10.2.2.2"],
        ] {
            let client = seen("10.1.1.1", lines);
            assert_eq!(client, Client::Unnamed, "{lines:?}");
            assert_eq!(client.counted(), Some(UNNAMED));
        }
    }

    #[test]
    fn a_proxy_that_speaks_for_nobody_is_not_counted() {
        for lines in [&[] as &[&str], &["10.2.2.2"]] {
            let client = seen("10.1.1.1", lines);
            assert_eq!(client, Client::Proxy, "{lines:?}");
            assert_eq!(client.counted(), None);
        }
    }

    #[test]
    fn addresses_of_one_ipv6_customer_count_as_one() {
        let counted = |text: &str| counted_as(text.parse().expect("an address")).to_string();
        assert_eq!(counted("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(counted("2001:db8:1:2::9"), "2001:db8:1:2::");
        assert_eq!(counted("::ffff:192.0.2.1"), "192.0.2.1");
        assert_ne!(counted("192.0.2.1"), counted("192.0.2.2"));
    }
}
