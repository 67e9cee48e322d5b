//! Secrets that a test makes: each is noted as soon as it is made, for the search after the whole run.
//!
//! `clippy.toml` of this package keeps tests from making one otherwise.

use anyhow::Result;
use xtask::secrets;
use xtask::test_environment::TestEnvironment;

/// A certificate of Agora's form.
pub fn certificate() -> Result<String> {
    random("a certificate", 16)
}

/// Some random bytes as lower-case hex.
#[expect(clippy::disallowed_methods, reason = "it is noted at once")]
pub fn random(what: &str, bytes: usize) -> Result<String> {
    let value = secrets::random_hex(bytes)?;
    note(what, &value)?;
    Ok(value)
}

/// What a test was given as a secret, or writes in the place of one.
pub fn note(what: &str, value: &str) -> Result<()> {
    TestEnvironment::load()?.note_secret(what, value)
}
