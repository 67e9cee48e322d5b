//! Settings of the socket.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;

use super::mistakes::Mistakes;
use super::reading::Reading;

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

/// Notes where the file of the address cannot be written.
pub(super) fn check(reading: &Reading, mistakes: &mut Mistakes) {
    let file = reading.value("address_file").map(Path::new);
    let Some(directory) = file.and_then(Path::parent) else {
        return;
    };
    // An empty one is that in which the service runs.
    if !directory.as_os_str().is_empty() && !directory.is_dir() {
        let problem = format!("is in no directory that exists: {}", directory.display());
        mistakes.note("ADDRESS_FILE", &problem);
    }
}

/// Reads where to listen.
pub(super) fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "is not an address with a port, like 127.0.0.1:8080")
}
