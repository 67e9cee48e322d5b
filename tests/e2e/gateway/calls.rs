//! Calls of the functions by Supabase's HTTP routes: each as it should be, and next to it what its caller may
//! not do, with status, code, and nothing written.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::agora::{PUBLISHER, SUBSCRIBER};
use stream_tests::demo;
use stream_tests::services::Services;
use stream_tests::services::gateway::DEMO_PASSWORD;
use uuid::Uuid;

const UNKNOWN: Uuid = Uuid::from_u128(0x0000_0000_0000_4000_8000_0000_0000_ffff);

fn message(session: Uuid, content: &str) -> Value {
    json!({"session_id": session, "user_id": null, "content": content})
}

#[tokio::test]
async fn the_four_demo_users_sign_in_and_call_as_themselves() -> Result<()> {
    let services = Services::start().await?;
    for (email, id) in [
        ("seller@demo.test", demo::SELLER),
        ("buyer1@demo.test", demo::ADA),
        ("buyer2@demo.test", demo::BEN),
        ("buyer3@demo.test", demo::CLEO),
    ] {
        let signed_in = services.sign_in(email, DEMO_PASSWORD).await?.ok()?;
        assert_eq!(signed_in["user"]["id"], json!(id));
        assert_eq!(signed_in["token_type"], "bearer");
        let token = signed_in["access_token"].as_str().context("no token")?;
        let answer = services.rpc(token, "user_id", json!({})).await?.ok()?;
        assert_eq!(answer, json!(id));
    }

    let refused = services
        .sign_in("seller@demo.test", "demo-passwort")
        .await?;
    assert_eq!(refused.status, 400, "{refused:?}");
    assert_eq!(refused.json()["error_code"], "invalid_credentials");
    Ok(())
}

#[tokio::test]
async fn a_message_is_answered_as_it_is_logged() -> Result<()> {
    let services = Services::start().await?;
    let database = &services.database;
    let stream = database.stream_in(StreamState::Active).await?;
    database.viewer(stream, demo::ADA).await?;
    let ada = services.token_of(demo::ADA);
    let id = Uuid::new_v4();
    let arguments = json!({
        "session_id": stream, "user_id": demo::ADA, "content": " it's “100%” \\o/ 👋🏽 ", "id": id,
    });
    let answer = services.rpc(&ada, "send_message", arguments).await?.ok()?;
    assert_eq!(answer["id"], json!(id));
    assert_eq!(answer["username"], "ada");
    assert_eq!(answer["content"], "it's “100%” \\o/ 👋🏽");
    let log = database.log(stream).await?;
    assert_eq!(Some(&answer), log.last());
    Ok(())
}

#[tokio::test]
async fn a_stream_that_does_not_exist_is_refused() -> Result<()> {
    let services = Services::start().await?;
    let seller = services.token_of(demo::SELLER);
    let of_session = json!({"session_id": UNKNOWN});
    for (function, arguments) in [
        ("send_message", message(UNKNOWN, "hi")),
        ("pause_stream", of_session.clone()),
        ("resume_stream", of_session.clone()),
        ("end_stream", of_session.clone()),
        (
            "update_stream_state",
            json!({"session_id": UNKNOWN, "state": "active"}),
        ),
        ("get_stream_state", of_session.clone()),
        ("get_session", of_session.clone()),
        ("add_viewer", of_session.clone()),
        ("remove_viewer", of_session.clone()),
        ("get_viewer_count", of_session.clone()),
        ("get_message_history", of_session.clone()),
        ("sync", of_session.clone()),
    ] {
        let code = ErrorCode::SessionNotFound;
        services
            .rpc_refuses(code, &seller, function, arguments)
            .await?;
    }
    for (function, argument) in [
        ("generate_seller_token", "seller_id"),
        ("generate_buyer_token", "buyer_id"),
    ] {
        let code = ErrorCode::ChannelNotFound;
        let arguments = json!({"channel_id": UNKNOWN, argument: null});
        services
            .rpc_refuses(code, &seller, function, arguments)
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_ended_stream_takes_nothing_more() -> Result<()> {
    let services = Services::start().await?;
    let database = &services.database;
    let stream = database.stream_in(StreamState::Active).await?;
    database.viewer(stream, demo::ADA).await?;
    let [seller, ada, ben] = [demo::SELLER, demo::ADA, demo::BEN].map(|id| services.token_of(id));
    let of_session = json!({"session_id": stream});
    services
        .rpc(&ada, "send_message", message(stream, "hi"))
        .await?
        .ok()?;
    services
        .rpc(&seller, "end_stream", of_session.clone())
        .await?
        .ok()?;

    for (token, function, arguments) in [
        (&seller, "send_message", message(stream, "hi")),
        (&ada, "send_message", message(stream, "hi")),
        (&seller, "pause_stream", of_session.clone()),
        (&seller, "resume_stream", of_session.clone()),
        (&ben, "add_viewer", of_session.clone()),
        (
            &seller,
            "generate_seller_token",
            json!({"seller_id": null, "channel_id": stream}),
        ),
    ] {
        let code = ErrorCode::StreamEnded;
        services
            .rpc_refuses(code, token, function, arguments)
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_viewer_of_an_ended_stream_is_told_that_it_ended() -> Result<()> {
    let services = Services::start().await?;
    let database = &services.database;
    let stream = database.stream_in(StreamState::Active).await?;
    database.viewer(stream, demo::ADA).await?;
    let [seller, ada] = [demo::SELLER, demo::ADA].map(|id| services.token_of(id));
    let arguments = json!({"buyer_id": null, "channel_id": stream});
    services
        .rpc(&ada, "generate_buyer_token", arguments.clone())
        .await?
        .ok()?;
    services
        .rpc(&seller, "end_stream", json!({"session_id": stream}))
        .await?
        .ok()?;
    let code = ErrorCode::StreamEnded;
    services
        .rpc_refuses(code, &ada, "generate_buyer_token", arguments)
        .await?;
    Ok(())
}

#[tokio::test]
async fn only_the_seller_moves_a_stream() -> Result<()> {
    let services = Services::start().await?;
    let database = &services.database;
    let stream = database.stream_in(StreamState::Active).await?;
    database.viewer(stream, demo::ADA).await?;
    let stranger = services.token_of(database.add_stranger().await?);
    let ada = services.token_of(demo::ADA);
    for token in [&stranger, &ada] {
        for function in ["pause_stream", "resume_stream", "end_stream"] {
            let code = ErrorCode::NotStreamOwner;
            let arguments = json!({"session_id": stream});
            services
                .rpc_refuses(code, token, function, arguments)
                .await?;
        }
    }
    let others_auction = json!({"auction_id": demo::AUCTION});
    services
        .rpc_refuses(
            ErrorCode::NotAuctionOwner,
            &ada,
            "start_stream",
            others_auction,
        )
        .await?;

    let seller = services.token_of(demo::SELLER);
    let arguments = json!({"session_id": stream});
    let paused = services
        .rpc(&seller, "pause_stream", arguments)
        .await?
        .ok()?;
    assert_eq!(paused["state"], "paused");
    Ok(())
}

#[tokio::test]
async fn a_buyer_gets_a_buyer_token_and_no_seller_token() -> Result<()> {
    let services = Services::start().await?;
    let database = &services.database;
    let stream = database.stream_in(StreamState::Active).await?;
    let [seller, ada] = [demo::SELLER, demo::ADA].map(|id| services.token_of(id));
    let of_seller = |id: Uuid| json!({"seller_id": id, "channel_id": stream});
    let of_buyer = |id: Uuid| json!({"buyer_id": id, "channel_id": stream});

    let (function, code) = ("generate_buyer_token", ErrorCode::NotViewer);
    services
        .rpc_refuses(code, &ada, function, of_buyer(demo::ADA))
        .await?;
    database.viewer(stream, demo::ADA).await?;
    let token = services
        .rpc(&ada, function, of_buyer(demo::ADA))
        .await?
        .ok()?;
    database.verified(&token, SUBSCRIBER)?;
    let code = ErrorCode::NotSelf;
    services
        .rpc_refuses(code, &ada, function, of_buyer(demo::BEN))
        .await?;

    let function = "generate_seller_token";
    for (code, id) in [
        (ErrorCode::NotStreamOwner, demo::ADA),
        (ErrorCode::NotSelf, demo::SELLER),
    ] {
        services
            .rpc_refuses(code, &ada, function, of_seller(id))
            .await?;
    }
    let token = services
        .rpc(&seller, function, of_seller(demo::SELLER))
        .await?
        .ok()?;
    database.verified(&token, PUBLISHER)?;
    Ok(())
}

#[tokio::test]
async fn without_a_certificate_there_are_no_tokens_and_everything_else_goes_on() -> Result<()> {
    let services = Services::start().await?;
    let database = &services.database;
    let stream = database.stream_in(StreamState::Active).await?;
    database.viewer(stream, demo::ADA).await?;
    let [seller, ada] = [demo::SELLER, demo::ADA].map(|id| services.token_of(id));
    let of_seller = json!({"seller_id": null, "channel_id": stream});
    let of_buyer = json!({"buyer_id": null, "channel_id": stream});
    let started_at = "select pg_postmaster_start_time()::text";
    let server: String = database.value(started_at).await?;

    database.change("delete from vault.secrets").await?;
    for _ in 0..2 {
        for (token, function, arguments) in [
            (&seller, "generate_seller_token", &of_seller),
            (&ada, "generate_buyer_token", &of_buyer),
        ] {
            let code = ErrorCode::CertificateMissing;
            services
                .rpc_refuses(code, token, function, arguments.clone())
                .await?;
        }
    }
    services
        .rpc(&ada, "send_message", message(stream, "hi"))
        .await?
        .ok()?;
    assert!(services.are_alive());
    assert_eq!(database.value::<String>(started_at).await?, server);

    let certificate = &database.environment.agora.certificate;
    database
        .change(&format!(
            "select vault.create_secret('{certificate}', 'agora_app_certificate')"
        ))
        .await?;
    let token = services
        .rpc(&seller, "generate_seller_token", of_seller)
        .await?;
    database.verified(&token.ok()?, PUBLISHER)?;
    Ok(())
}
