//! Random passwords and keys of throw-away stacks.

use anyhow::{Result, anyhow};

use crate::hex;

/// `bytes` random bytes from the operating system as lower-case hex.
pub fn random_hex(bytes: usize) -> Result<String> {
    let mut buffer = vec![0; bytes];
    getrandom::fill(&mut buffer).map_err(|error| anyhow!("no randomness: {error}"))?;
    Ok(hex::of(&buffer))
}
