//! Settings of the socket.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Clone, Args)]
pub struct ServerSettings {
    /// Where to listen; port 0 is a free one.
    #[arg(
        long,
        env = "LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:0",
        value_parser = address
    )]
    pub listen: SocketAddr,
    /// Write the address here once the service is listening.
    #[arg(long, env = "ADDRESS_FILE", value_name = "FILE")]
    pub address_file: Option<PathBuf>,
}

/// Reads where to listen.
pub(super) fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "is not an address with a port, like 127.0.0.1:8080")
}
