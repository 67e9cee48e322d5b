//! The client package with the real Supabase client, while its network breaks, sleeps and comes back, its tokens run out
//! and its gateway crashes: a thousand messages end in the exact log.

mod long_window;

use anyhow::Result;
use serde_json::{Value, json};
use stream_tests::services::Services;
use stream_tests::services::conversation::Conversation;

const SCRIPT: &str = "client/tests/e2e/chaos.ts";

/// Plays it with a seed and further arguments; returns the report of the script.
async fn play(services: &mut Services, seed: &str, others: &[&str]) -> Result<Value> {
    let mut arguments = vec![
        "--seed",
        seed,
        "--supabase-url",
        &services.supabase_url,
        "--anon-key",
        &services.keys.anon_key,
    ];
    arguments.extend(others);
    let environment = &services.database.environment;
    let variables = [("JWT_SECRET", services.jwt_secret.as_str())];
    let mut script = Conversation::start(environment, SCRIPT, &arguments, &variables)?;
    let mut report = None;
    while let Some(line) = script.line().await? {
        if line == "restart gateway" {
            services.kill_gateway()?;
            services.start_gateway_again()?;
            script.answer("restarted").await?;
        } else {
            report = Some(line);
        }
    }
    script.report(report).await
}

/// Fails unless everything happened that the test is about.
fn assert_eventful(report: &Value) {
    let counts = &report["counts"];
    for count in ["cuts", "sleeps", "gatewayRestarts", "restored", "said"] {
        assert!(counts[count].as_i64() > Some(0), "no {count}: {report}");
    }
    assert!(
        counts["tokens"].as_i64() > Some(1),
        "no token ran out: {report}"
    );
}

#[tokio::test]
async fn a_thousand_messages_end_in_the_exact_log_over_rpc() -> Result<()> {
    let mut services = Services::start_ticking().await?;
    let report = play(&mut services, "1", &["--harness"]).await?;
    assert_eq!(report["transport"], "rpc");
    assert_eventful(&report);
    Ok(())
}

#[tokio::test]
async fn a_thousand_messages_end_in_the_exact_log_through_the_edge() -> Result<()> {
    let mut services = Services::start_ticking().await?;
    let edge_url = services.edge_url.clone();
    let report = play(&mut services, "2", &["--harness", "--edge-url", &edge_url]).await?;
    assert_eq!(report["transport"], "edge");
    assert_eventful(&report);
    Ok(())
}

#[tokio::test]
async fn messages_end_in_the_exact_log_though_realtime_loses_every_tenth_row() -> Result<()> {
    let mut services = Services::start_ticking().await?;
    services.fault(json!({"drop_rows": {"share": 0.1}})).await?;
    let report = play(&mut services, "3", &["--lossy", "--messages", "300"]).await?;
    let lost = services.gateway_counts().await?["rows_lost"].as_i64();
    assert!(lost > Some(0), "nothing was lost: {report}");
    let syncs = report["counts"]["syncs"].as_i64();
    assert!(
        syncs > report["counts"]["restored"].as_i64(),
        "no gap was closed: {report}"
    );
    Ok(())
}
