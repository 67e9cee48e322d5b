//! Agora tokens: the right to each kind, and the row that is stored of it.

use anyhow::Result;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::agora::{PUBLISHER, SUBSCRIBER, buyer_token, seller_token};
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::stream::move_to;
use uuid::Uuid;

#[tokio::test]
async fn the_seller_gets_a_publisher_token_of_the_current_generation() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.start_stream().await?;
    let token = seller_token(&seller, id).await?;
    database.verified(&token, PUBLISHER)?;
    assert_eq!(token["channel_id"], json!(id));
    assert_eq!(token["uid"], 1);

    let auction = database.session_row(id).await?["auction_id"].clone();
    seller
        .rpc("start_stream", json!({"auction_id": auction}))
        .await?;
    let token = seller_token(&seller, id).await?;
    database.verified(&token, PUBLISHER)?;
    assert_eq!(token["uid"], 2);
    Ok(())
}

#[tokio::test]
async fn a_viewer_gets_a_subscriber_token_with_the_uid_of_their_place() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.user(demo::ADA).await?;
    let place = ada.rpc("add_viewer", json!({"session_id": id})).await?;
    for _ in 0..2 {
        let token = buyer_token(&ada, id).await?;
        database.verified(&token, SUBSCRIBER)?;
        assert_eq!(token["uid"], place["agora_uid"]);
    }
    Ok(())
}

#[tokio::test]
async fn a_token_lives_as_long_as_the_settings_say() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.start_stream().await?;
    database
        .change("update stream.config set max_duration_s = 604800 where id")
        .await?;
    for ttl_s in [60, 3600, 86_400] {
        database
            .change(&format!(
                "update stream.config set token_ttl_s = {ttl_s} where id"
            ))
            .await?;
        let answer = seller_token(&seller, id).await?;
        let token = database.verified(&answer, PUBLISHER)?;
        assert_eq!(token.expires_in_s, ttl_s);
        let expires_at: f64 = database
            .value(&format!(
                "select extract(epoch from {}::timestamptz)::float8",
                answer["expires_at"].to_string().replace('"', "'")
            ))
            .await?;
        assert_eq!(expires_at, f64::from(token.issued_at) + f64::from(ttl_s));
        let age_s: f64 = database
            .value(&format!(
                "select extract(epoch from now())::float8 - {}",
                token.issued_at
            ))
            .await?;
        assert!((-1.0..10.0).contains(&age_s), "issued {age_s} s ago");
    }
    Ok(())
}

#[tokio::test]
async fn salts_differ_so_that_no_two_tokens_are_the_same() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.start_stream().await?;
    let first = database.verified(&seller_token(&seller, id).await?, PUBLISHER)?;
    let second = database.verified(&seller_token(&seller, id).await?, PUBLISHER)?;
    assert_ne!(first.salt, second.salt);
    Ok(())
}

#[tokio::test]
async fn a_buyer_without_a_place_gets_no_token() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.user(demo::ADA).await?;
    database
        .refuses(ErrorCode::NotViewer, buyer_token(&ada, id))
        .await?;
    ada.rpc("add_viewer", json!({"session_id": id})).await?;
    buyer_token(&ada, id).await?;
    ada.rpc("remove_viewer", json!({"session_id": id})).await?;
    database
        .refuses(ErrorCode::NotViewer, buyer_token(&ada, id))
        .await?;

    let stranger = database.user(database.add_stranger().await?).await?;
    database
        .refuses(ErrorCode::NotViewer, buyer_token(&stranger, id))
        .await?;
    // The seller publishes; they hold no viewer's place.
    let seller = database.user(demo::SELLER).await?;
    database
        .refuses(ErrorCode::NotViewer, buyer_token(&seller, id))
        .await?;
    Ok(())
}

#[tokio::test]
async fn nobody_but_the_seller_gets_a_publisher_token() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let stranger = database.add_stranger().await?;
    for (caller, code) in [
        (
            database.viewer(id, demo::ADA).await?,
            ErrorCode::NotStreamOwner,
        ),
        (database.user(stranger).await?, ErrorCode::NotStreamOwner),
        (database.anon().await?, ErrorCode::PermissionDenied),
    ] {
        database.refuses(code, seller_token(&caller, id)).await?;
    }
    let anon = database.anon().await?;
    database
        .refuses(ErrorCode::PermissionDenied, buyer_token(&anon, id))
        .await?;
    Ok(())
}

#[tokio::test]
async fn the_seller_of_an_ended_stream_gets_no_token() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    seller_token(&seller, id).await?;
    move_to(&seller, id, StreamState::Ended).await?;
    database
        .refuses(ErrorCode::StreamEnded, seller_token(&seller, id))
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_viewer_of_an_ended_stream_is_told_that_it_ended() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    move_to(&seller, id, StreamState::Ended).await?;
    database
        .refuses(ErrorCode::StreamEnded, buyer_token(&ada, id))
        .await?;
    Ok(())
}

#[tokio::test]
async fn tokens_are_issued_in_every_state_but_ended() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    for state in [
        StreamState::Initializing,
        StreamState::Active,
        StreamState::Paused,
        StreamState::Error,
    ] {
        let id = database.stream_in(state).await?;
        let ada = database.viewer(id, demo::ADA).await?;
        database.verified(&seller_token(&seller, id).await?, PUBLISHER)?;
        database.verified(&buyer_token(&ada, id).await?, SUBSCRIBER)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_user_asks_for_themself_and_the_service_for_anybody_with_a_place() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let service = database.service().await?;
    let buyer = |user: Option<Uuid>| json!({"buyer_id": user, "channel_id": id});
    let seller = |user: Option<Uuid>| json!({"seller_id": user, "channel_id": id});

    let call = ada.rpc("generate_seller_token", seller(Some(demo::SELLER)));
    database.refuses(ErrorCode::NotSelf, call).await?;
    let call = ada.rpc("generate_buyer_token", buyer(Some(demo::BEN)));
    database.refuses(ErrorCode::NotSelf, call).await?;
    let call = service.rpc("generate_buyer_token", buyer(None));
    database.refuses(ErrorCode::InvalidArgument, call).await?;
    let call = service.rpc("generate_buyer_token", buyer(Some(demo::BEN)));
    database.refuses(ErrorCode::NotViewer, call).await?;
    let call = service.rpc("generate_seller_token", seller(Some(demo::ADA)));
    database.refuses(ErrorCode::NotStreamOwner, call).await?;

    let token = service
        .rpc("generate_buyer_token", buyer(Some(demo::ADA)))
        .await?;
    database.verified(&token, SUBSCRIBER)?;
    let token = service
        .rpc("generate_seller_token", seller(Some(demo::SELLER)))
        .await?;
    database.verified(&token, PUBLISHER)?;
    let users: Vec<Uuid> = database
        .owner
        .query(
            "select user_id from stream.agora_tokens order by user_id",
            &[],
        )
        .await?
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(users, [demo::SELLER, demo::ADA]);
    Ok(())
}

#[tokio::test]
async fn a_channel_that_does_not_exist_is_not_found() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.start_stream().await?;
    let seller = database.user(demo::SELLER).await?;
    let upper_case = id.to_string().to_uppercase();
    for channel in [
        json!(Uuid::new_v4()),
        json!("*"),
        json!(""),
        json!(upper_case),
    ] {
        for (function, user) in [
            ("generate_seller_token", "seller_id"),
            ("generate_buyer_token", "buyer_id"),
        ] {
            let call = seller.rpc(function, json!({user: null, "channel_id": channel}));
            database.refuses(ErrorCode::ChannelNotFound, call).await?;
        }
    }
    let call = seller.rpc(
        "generate_seller_token",
        json!({"seller_id": null, "channel_id": null}),
    );
    database.refuses(ErrorCode::InvalidArgument, call).await?;
    Ok(())
}

#[tokio::test]
async fn of_a_token_only_the_hash_is_kept() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let answer = buyer_token(&ada, id).await?;
    let token = answer["token"].as_str().unwrap();
    let hash: String = Sha256::digest(token)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();

    let stored: Value = database
        .value("select to_jsonb(t) from stream.agora_tokens as t")
        .await?;
    assert_eq!(stored["token_hash"], hash);
    for column in ["channel_id", "uid", "privileges", "expires_at"] {
        assert_eq!(stored[column], answer[column], "{column}");
    }
    assert_eq!(stored["is_active"], true);
    assert_eq!(
        tables_with(&database, &hash).await?,
        ["stream.agora_tokens"]
    );
    assert!(tables_with(&database, token).await?.is_empty());
    Ok(())
}

/// Every table of the database in which some column holds the text.
async fn tables_with(database: &TestDatabase, text: &str) -> Result<Vec<String>> {
    let superuser = database.superuser().await?;
    let tables = superuser
        .query(
            "select c.oid::regclass::text from pg_catalog.pg_class as c where c.relkind = 'r'",
            &[],
        )
        .await?;
    let mut found = Vec::new();
    for table in tables {
        let table: String = table.get(0);
        let query = format!("select exists (select from {table} as t where t::text like $1)");
        let row = superuser.query_one(&query, &[&format!("%{text}%")]).await?;
        if row.get(0) {
            found.push(table);
        }
    }
    Ok(found)
}
