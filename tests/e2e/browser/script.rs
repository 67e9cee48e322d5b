//! A script of `client/tests/browser`, which drives Chromium and prints what it found and measured.

use anyhow::{Context, Result};
use serde_json::Value;
use stream_tests::services::Services;
use stream_tests::services::conversation::Conversation;

/// Runs it against the services; fails unless every scene passed. Measured times are printed and not judged.
pub async fn play(services: &Services, script: &str, arguments: &[&str]) -> Result<Value> {
    let environment = &services.database.environment;
    let mut given = vec![
        "--supabase-url",
        &services.supabase_url,
        "--anon-key",
        &services.keys.anon_key,
        "--app-id",
        &environment.agora.app_id,
    ];
    given.extend(arguments);
    let home = std::env::temp_dir();
    let home = home.to_str().context("the temporary directory")?;
    let variables = [
        ("AGORA_CERTIFICATE", environment.agora.certificate.as_str()),
        // Chromium is started by a shell script, and keeps things at home.
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("HOME", home),
    ];
    let script = format!("client/tests/browser/{script}");
    let mut conversation = Conversation::start(environment, &script, &given, &variables)?;
    let mut report = None;
    while let Some(line) = conversation.line().await? {
        report = Some(line);
    }
    let report = conversation.report(report).await?;
    println!("{script}: {:#}", report["measured"]);
    Ok(report)
}

/// The number of scenes that passed.
pub fn passed(report: &Value) -> usize {
    report["passed"].as_array().map_or(0, Vec::len)
}
