//! Notices of a stream's host, taken by the function: they move the stream, and a copy moves nothing.

use anyhow::Result;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::services::Services;
use stream_tests::webhook::*;

use super::signed;

const HOST: i64 = 1;

#[tokio::test]
async fn a_host_leaves_and_returns_as_agora_says() -> Result<()> {
    let mut services = Services::start().await?;
    let secret = services.webhook_secret.clone();
    // As newer projects have it: a dictionary of keys.
    let keys = json!({"other": "none", "default": services.keys.service_role_key}).to_string();
    let variables = [
        ("AGORA_WEBHOOK_SECRET", secret.as_str()),
        ("SUPABASE_SECRET_KEYS", &keys),
        ("SUPABASE_SERVICE_ROLE_KEY", ""),
    ];
    let function = services
        .start_edge_function("agora_webhook_host", &variables)
        .await?;
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
        // Spaces: the bytes are signed, not their meaning.
        let body = format!("{told:#}");
        for answer in [
            json!({"status": "applied", "effect": effect}),
            json!({"status": "duplicate", "effect": null}),
        ] {
            let request = signed(&services, body.as_bytes())?;
            assert_eq!(request.send(&function).await?.ok()?, answer);
        }
        let row = services.database.session_row(id).await?;
        assert_eq!(row["state"], expected);
    }
    assert_eq!(services.database.stored_notices(id).await?.len(), 4);
    Ok(())
}
