//! Random passwords and keys of throw-away stacks.

use std::fmt::Write;

use anyhow::{Result, anyhow};

/// `bytes` random bytes from the operating system as lower-case hex.
pub fn random_hex(bytes: usize) -> Result<String> {
    let mut buffer = vec![0; bytes];
    getrandom::fill(&mut buffer).map_err(|error| anyhow!("no randomness: {error}"))?;
    Ok(buffer.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
