//! Tokens as an application's own server makes them, with Agora's builder: for a string account, and for RTM too.

use anyhow::{Context, Result};
use serde_json::json;
use xtask::test_environment::TestEnvironment;

use crate::services::script;

/// A token of this project for `account` in `channel` (RTC; audio for half of its life) and for the login of `account`
/// to RTM.
pub async fn foreign_token(
    environment: &TestEnvironment,
    certificate: &str,
    channel: &str,
    account: &str,
    issued_at: u32,
    expires_in_s: u32,
) -> Result<String> {
    let request = json!({
        "appId": environment.agora.app_id, "certificate": certificate, "channel": channel, "account": account,
        "rtmUser": account, "issuedAt": issued_at, "expiresInS": expires_in_s, "audioS": expires_in_s.div_ceil(2),
    });
    let argument = request.to_string();
    let finished = script::run(environment, "tests/js/foreign_token.mjs", &[&argument]).await?;
    let answer = finished.json()?;
    let token = answer["token"].as_str().context("no token")?;
    Ok(token.to_owned())
}
