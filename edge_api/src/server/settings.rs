//! The limits of the server: connections, times and memory.

use std::time::Duration;

use crate::client::TrustedProxies;
use crate::deadline;

/// Connections to the socket of the metrics: a few readers.
pub(super) const METRICS_CONNECTIONS: usize = 64;

/// What one server allows. The defaults are those of the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSettings {
    /// Open connections in all.
    pub max_connections: usize,
    /// Open connections of one address; of IPv6, of one /64. Trusted proxies are free of it.
    pub max_connections_per_address: usize,
    pub trusted_proxies: TrustedProxies,
    /// From the beginning of a connection to its first byte, and from the first byte of a head to its end.
    pub head_timeout: Duration,
    /// From the end of an answer to the first byte of the next request.
    pub idle_timeout: Duration,
    /// Without a request for so long a connection gives its buffers back: an idle one would hold 16 KiB.
    pub buffers_kept: Duration,
    /// From the end of a head to the end of its body.
    pub body_timeout: Duration,
    /// Without any progress of an answer that the client does not read.
    pub write_timeout: Duration,
    /// Bodies of requests that are read and not yet answered, in bytes.
    pub body_memory_bytes: usize,
    /// Heads of requests of which a part has arrived, in bytes; each counts as what its connection may read ahead.
    pub head_memory_bytes: usize,
    /// How long a stop waits for requests that were begun.
    pub drain: Duration,
}

impl ServerSettings {
    /// Of the socket that answers metrics alone.
    pub fn of_metrics() -> Self {
        Self {
            max_connections: METRICS_CONNECTIONS,
            ..Self::default()
        }
    }
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            max_connections: 16_384,
            max_connections_per_address: 1000,
            trusted_proxies: TrustedProxies::default(),
            head_timeout: Duration::from_secs(10),
            // Longer than the usual 60 s of balancers, so that they close first and never send into a closed connection.
            idle_timeout: Duration::from_secs(75),
            buffers_kept: Duration::from_millis(250),
            // Below the deadline of a request, which begins with its head.
            body_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(10),
            body_memory_bytes: 64 << 20,
            head_memory_bytes: 64 << 20,
            // As long as one request may take.
            drain: deadline::LONGEST + deadline::GRACE,
        }
    }
}
