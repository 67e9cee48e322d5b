//! A notice that is signed as Agora signs it gets through the running edge, and nothing else does.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::services::Services;
use stream_tests::services::edge::expect_problem;
use stream_tests::services::request::Request;
use stream_tests::services::script;
use stream_tests::webhook::*;

const HOST: i64 = 1;

/// The two headers, made by Node.
async fn sign(services: &Services, secret: &str, body: &str) -> Result<(String, String)> {
    let argument = json!({"secret": secret, "body": body}).to_string();
    let environment = &services.database.environment;
    let signed = script::run(environment, "tests/js/sign.mjs", &[&argument]).await?;
    let signed = signed.json()?;
    let header = |name: &str| {
        signed[name]
            .as_str()
            .map(str::to_owned)
            .context("no header")
    };
    Ok((header("v2")?, header("v1")?))
}

fn post(body: &str) -> Request {
    Request::post("/webhooks/agora").json_bytes(body.to_owned())
}

/// As Agora sends it.
async fn signed(services: &Services, body: &str) -> Result<Request> {
    let (v2, v1) = sign(services, &services.webhook_secret, body).await?;
    Ok(post(body)
        .header("Agora-Signature", v1)
        .header("Agora-Signature-V2", v2))
}

async fn state(services: &Services, session: uuid::Uuid) -> Result<Value> {
    Ok(services.database.session_row(session).await?["state"].clone())
}

#[tokio::test]
async fn a_host_leaves_and_returns_as_agora_says() -> Result<()> {
    let mut services = Services::start().await?;
    let through_postgrest = services.start_edge_through_postgrest()?;
    for edge in [services.edge_url.clone(), through_postgrest] {
        a_host_leaves_and_returns(&services, &edge).await?;
    }
    Ok(())
}

async fn a_host_leaves_and_returns(services: &Services, edge: &str) -> Result<()> {
    let id = services.database.stream_in(StreamState::Active).await?;
    send_heartbeat(&services.database.user(demo::SELLER).await?, id).await?;
    for (told, effect, expected) in [
        (
            of_user(BROADCASTER_JOINED, id, HOST, 1),
            "host_present",
            "active",
        ),
        (
            left(BROADCASTER_LEFT, id, HOST, 2, 10),
            "waiting_for_heartbeat",
            "active",
        ),
        (left(BROADCASTER_LEFT, id, HOST, 4, 1), "host_lost", "error"),
        (
            of_user(BROADCASTER_JOINED, id, HOST, 5),
            "host_returned",
            "active",
        ),
    ] {
        // Spaces and an unknown field: the bytes are signed, not their meaning.
        let body = format!("{:#}", told);
        let request = signed(services, &body).await?;
        let answer = request.send(edge).await?;
        assert_eq!(answer.ok()?, json!({"status": "applied", "effect": effect}));
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(state(services, id).await?, expected);
    }
    Ok(())
}

#[tokio::test]
async fn a_forged_notice_changes_nothing() -> Result<()> {
    let services = Services::start().await?;
    let id = services.database.stream_in(StreamState::Active).await?;
    let body = left(BROADCASTER_LEFT, id, HOST, 1, 1).to_string();
    let (v2, v1) = sign(&services, &services.webhook_secret, &body).await?;
    let (other, _) = sign(&services, "another secret", &body).await?;
    let tampered = body.replace("\"uid\":1}", "\"uid\":2}");
    assert_ne!(tampered, body);
    let v2_header = "Agora-Signature-V2";
    for (code, request) in [
        (ErrorCode::WebhookSignatureInvalid, post(&body)),
        (
            ErrorCode::WebhookSignatureInvalid,
            post(&body).header(v2_header, &other),
        ),
        (
            ErrorCode::WebhookSignatureInvalid,
            post(&tampered).header(v2_header, &v2),
        ),
        (
            ErrorCode::WebhookSignatureOutdated,
            post(&body).header("Agora-Signature", &v1),
        ),
        (
            ErrorCode::WebhookSignatureInvalid,
            post(&body).bearer(&services.keys.service_role_key),
        ),
        (
            ErrorCode::PayloadTooLarge,
            post(&" ".repeat(20_000)).header(v2_header, &v2),
        ),
    ] {
        services.edge_refuses(code, request).await?;
    }
    let answer = post(&body)
        .header(v2_header, v2)
        .send(&services.edge_url)
        .await?;
    assert_eq!(answer.ok()?["effect"], "host_lost");
    Ok(())
}

#[tokio::test]
async fn a_hundred_copies_at_once_are_all_taken_and_stored_once() -> Result<()> {
    let services = Services::start().await?;
    let id = services.database.stream_in(StreamState::Active).await?;
    let body = left(BROADCASTER_LEFT, id, HOST, 1, 1).to_string();
    let (v2, _) = sign(&services, &services.webhook_secret, &body).await?;
    let copies = (0..100).map(|_| {
        post(&body)
            .header("Agora-Signature-V2", &v2)
            .send(&services.edge_url)
    });
    let mut applied = 0;
    for answer in futures_util::future::join_all(copies).await {
        let status = answer?.ok()?["status"].clone();
        applied += i32::from(status == "applied");
        assert!(["applied", "duplicate"].map(Value::from).contains(&status));
    }
    assert_eq!(applied, 1);
    assert_eq!(services.database.stored_notices(id).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn the_consoles_test_and_unknown_events_are_taken() -> Result<()> {
    let services = Services::start().await?;
    let test = json!({"channelName": "test_webhook", "uid": 12_121_212, "ts": 1, "clientSeq": 1});
    for (told, expected) in [
        (notice(103, test), json!({"status": "test", "effect": null})),
        (
            notice(4711, json!({"anything": [1, "\u{0}"]})),
            json!({"status": "ignored", "effect": "unknown_event"}),
        ),
    ] {
        let request = signed(&services, &told.to_string()).await?;
        assert_eq!(request.send(&services.edge_url).await?.ok()?, expected);
    }
    Ok(())
}

/// Agora waits ten seconds, and sends again what was not acknowledged with success. The code tells whose deadline it was: the
/// edge's own, which `edge_api` tests by its clock; the database's, three seconds later, has another.
#[tokio::test]
async fn a_notice_that_the_database_cannot_take_in_time_is_refused_and_can_come_again() -> Result<()>
{
    let services = Services::start().await?;
    let id = services.database.stream_in(StreamState::Active).await?;
    let body = left(BROADCASTER_LEFT, id, HOST, 1, 1).to_string();
    let holder = services.database.connect("postgres").await?;
    holder
        .batch_execute("begin; update stream.chat_heads set last_seq = last_seq")
        .await?;
    let request = signed(&services, &body).await?;
    let answer = request.send(&services.edge_url).await?;
    // The lock is given up before the deadline is over, and nothing was done.
    expect_problem(&answer, ErrorCode::LockTimeout)?;
    assert_eq!(services.database.stored_notices(id).await?.len(), 0);
    holder.batch_execute("rollback").await?;

    let again = signed(&services, &body).await?;
    let answer = again.send(&services.edge_url).await?.ok()?;
    assert_eq!(answer["status"], "applied");
    assert_eq!(state(&services, id).await?, "error");
    assert_eq!(services.database.stored_notices(id).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn the_doctor_says_when_a_notice_came_last() -> Result<()> {
    let services = Services::start().await?;
    let service = services.database.service().await?;
    let check = async || -> Result<Value> {
        let rows = service.rpc_rows("doctor", json!({})).await?;
        let row = rows.into_iter().find(|row| row["check_name"] == "webhooks");
        row.context("no check of webhooks")
    };
    assert_eq!(check().await?["status"], "warning");
    let test = json!({"channelName": "test_webhook", "uid": 12_121_212, "ts": 1, "clientSeq": 1});
    let request = signed(&services, &notice(103, test).to_string()).await?;
    request.send(&services.edge_url).await?.ok()?;
    let found = check().await?;
    assert_eq!(found["status"], "ok");
    let received_at: String = services
        .database
        .value("select max(received_at)::text from stream.webhook_events")
        .await?;
    let detail = found["detail"].as_str().unwrap_or_default();
    assert!(detail.ends_with(&received_at), "{detail}");
    Ok(())
}
