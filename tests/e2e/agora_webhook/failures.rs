//! What the function answers when something behind it fails: Agora is to send the notice again, and nobody learns why.

use anyhow::{Context, Result};
use serde_json::json;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::services::Services;
use stream_tests::services::edge::expect_problem;
use stream_tests::webhook::*;

use super::{expect_same, signed};

const HOST: i64 = 1;

#[tokio::test]
async fn a_database_that_is_away_makes_agora_try_again() -> Result<()> {
    let mut services = Services::start().await?;
    let secret = services.webhook_secret.clone();
    let variables = [("AGORA_WEBHOOK_SECRET", secret.as_str())];
    let function = services
        .start_edge_function("agora_webhook_away", &variables)
        .await?;
    let edge = services.start_edge_through_postgrest()?;
    let id = services.database.stream_in(StreamState::Active).await?;
    let body = left(BROADCASTER_LEFT, id, HOST, 1, 1).to_string();
    services.kill_gateway()?;
    let of_function = signed(&services, body.as_bytes())?.send(&function).await?;
    expect_problem(&of_function, ErrorCode::UpstreamUnavailable)?;
    let of_edge = signed(&services, body.as_bytes())?
        .at("/webhooks/agora")
        .send(&edge)
        .await?;
    expect_same("no gateway", &of_function, &of_edge)?;

    services.start_gateway_again()?;
    let answer = signed(&services, body.as_bytes())?.send(&function).await?;
    assert_eq!(answer.ok()?["effect"], "host_lost");
    Ok(())
}

/// Agora waits ten seconds. What the database has begun by then ends as a whole, or not at all.
#[tokio::test]
async fn a_database_that_does_not_answer_is_given_up() -> Result<()> {
    let mut services = Services::start().await?;
    let secret = services.webhook_secret.clone();
    let variables = [("AGORA_WEBHOOK_SECRET", secret.as_str())];
    let function = services
        .start_edge_function("agora_webhook_late", &variables)
        .await?;
    let id = services.database.stream_in(StreamState::Active).await?;
    let body = left(BROADCASTER_LEFT, id, HOST, 1, 1).to_string();
    let holder = services.database.connect("postgres").await?;
    holder
        .batch_execute("begin; update stream.chat_heads set last_seq = last_seq")
        .await?;
    let answer = signed(&services, body.as_bytes())?.send(&function).await?;
    expect_problem(&answer, ErrorCode::UpstreamUnavailable)?;
    holder.batch_execute("rollback").await?;

    let answer = signed(&services, body.as_bytes())?.send(&function).await?;
    let status = answer.ok()?["status"].clone();
    assert!(status == "applied" || status == "duplicate", "{status}");
    assert_eq!(services.database.stored_notices(id).await?.len(), 1);
    let row = services.database.session_row(id).await?;
    assert_eq!(row["state"], "error");
    Ok(())
}

#[tokio::test]
async fn a_refusal_of_the_database_has_its_own_code() -> Result<()> {
    let mut services = Services::start().await?;
    let secret = services.webhook_secret.clone();
    let variables = [("AGORA_WEBHOOK_SECRET", secret.as_str())];
    let function = services
        .start_edge_function("agora_webhook_codes", &variables)
        .await?;
    let edge = services.start_edge_through_postgrest()?;
    let id = services.database.stream_in(StreamState::Active).await?;
    for (state, detail, code) in [
        ("53300", String::new(), ErrorCode::TooManyConnections),
        ("57014", String::new(), ErrorCode::StatementTimeout),
        (
            "PT429",
            ErrorCode::RateLimited.detail_json(Some(1500)),
            ErrorCode::RateLimited,
        ),
        // A code of ours with a state that is not its own is nobody's.
        (
            "PT404",
            ErrorCode::RateLimited.detail_json(None),
            ErrorCode::Internal,
        ),
        ("P0001", String::new(), ErrorCode::Internal),
        ("XX000", String::new(), ErrorCode::Internal),
    ] {
        services
            .database
            .change(&format!(
                "create or replace function stream_private.apply_webhook(notice json) returns stream.webhook_result
                 language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
                 begin raise 'the channel is of somebody' using errcode = '{state}', detail = '{detail}'; end $$"
            ))
            .await?;
        let body = left(BROADCASTER_LEFT, id, HOST, 1, 1).to_string();
        let of_function = signed(&services, body.as_bytes())?.send(&function).await?;
        expect_problem(&of_function, code)?;
        let of_edge = signed(&services, body.as_bytes())?
            .at("/webhooks/agora")
            .send(&edge)
            .await?;
        expect_same(state, &of_function, &of_edge)?;
        let told = of_function.json().to_string();
        assert!(!told.contains("somebody"), "{told}");
    }
    Ok(())
}

#[tokio::test]
async fn without_its_settings_it_takes_nothing() -> Result<()> {
    let mut services = Services::start().await?;
    let secret = services.webhook_secret.clone();
    let body = notice(103, json!({"channelName": "test_webhook"})).to_string();
    for (name, variables, code) in [
        (
            "agora_webhook_no_secret",
            &[][..],
            ErrorCode::WebhookNotConfigured,
        ),
        (
            "agora_webhook_no_key",
            &[
                ("AGORA_WEBHOOK_SECRET", secret.as_str()),
                ("SUPABASE_SERVICE_ROLE_KEY", ""),
            ],
            ErrorCode::Internal,
        ),
        (
            "agora_webhook_wrong_key",
            &[
                ("AGORA_WEBHOOK_SECRET", secret.as_str()),
                ("SUPABASE_SERVICE_ROLE_KEY", "no.key.of-ours"),
            ],
            ErrorCode::Internal,
        ),
    ] {
        let function = services.start_edge_function(name, variables).await?;
        let answer = signed(&services, body.as_bytes())?.send(&function).await?;
        expect_problem(&answer, code).context(name)?;
    }
    Ok(())
}
